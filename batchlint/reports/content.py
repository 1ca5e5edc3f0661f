"""What every report is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchlint.findings import Finding


class ReportedFinding(NamedTuple):
    """A finding with the source lines that a report may quote, by cell (``None`` outside notebooks) and line."""

    finding: Finding
    lines: Mapping[tuple[int | None, int], str]


def location(finding: Finding) -> str:
    """Where *finding* is, as editors and terminals understand it: ``path:line:column``, with the cell in a notebook."""
    cell = "" if finding.cell is None else f"cell {finding.cell}:"
    return f"{finding.filename}:{cell}{finding.span.line}:{finding.span.column}"


def headline(finding: Finding) -> str:
    """The finding in one line, without its place."""
    latent = " (latent)" if finding.latent else ""
    return f"{finding.code} [{finding.name}] {finding.message}{latent}"
