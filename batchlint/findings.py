"""What a rule says about one place in a source: plain, picklable data, without any tree behind it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple


class Severity(enum.IntEnum):
    """How sure the file alone makes a hazard, from least to most."""

    INFO = 0
    WARNING = 1
    ERROR = 2

    @property
    def label(self) -> str:
        """The name users write and read: ``info``, ``warning`` or ``error``."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str) -> Severity:
        """Return the severity called *label*.

        Raises:
            ValueError: *label* is not ``info``, ``warning`` or ``error``.
        """
        try:
            return cls[label.upper()]
        except KeyError:
            known = ", ".join(member.label for member in cls)
            raise ValueError(f"unknown severity {label!r}: expected one of {known}") from None


class Span(NamedTuple):
    """A stretch of source: 1-based lines, 1-based columns in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Edit(NamedTuple):
    """Replace the text at *span* by *replacement*."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that remove a hazard; *safe* when the result at the old batch size is the same."""

    message: str
    edits: tuple[Edit, ...]
    safe: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that the finding rests on, e.g. where the batch size was set; in a notebook, in which cell."""

    message: str
    span: Span
    cell: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard at one place of one source.

    Attributes:
        code: ``BSZ`` and three digits.
        name: the rule's kebab-case name.
        message: what, the number and where it came from, when it fails.
        severity: see `Severity`.
        span: where; in a notebook, relative to the cell.
        filename: the path as the user gave or would give it.
        cell: 1-based number among the notebook's code cells, ``None`` outside notebooks.
        statement_line: first line of the statement that holds the span (suppressions there count).
        shape: what the engine knows of the tensor, e.g. ``x is [B, 16, 5, 5] here``.
        latent: something in the file prevents the hazard for now.
        notes: further places, see `Note`.
        fix: edits that remove the hazard.
    """

    code: str
    name: str
    message: str
    severity: Severity
    span: Span
    filename: str = ""
    cell: int | None = None
    statement_line: int = 0
    shape: str | None = None
    latent: bool = False
    notes: tuple[Note, ...] = ()
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A source that could not be checked: what went wrong, where, and what to do, in one line."""

    filename: str
    message: str
    line: int | None = None
    column: int | None = None
