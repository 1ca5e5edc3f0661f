"""What the worker is told to do with one file: plain data, made from sources alone."""

from __future__ import annotations

from dataclasses import dataclass

from batchlint.verify.outcomes import Grade
from batchlint.verify.recipes import Inputs


@dataclass(frozen=True, slots=True)
class SourceCall:
    """A call, as it stands somewhere, with what its arguments need.

    Attributes:
        path: the file it stands in; for a README, the README.
        line: where.
        arguments: source of the positional arguments (``*rest`` as it stands).
        keywords: name and source of those by keyword (``**`` with the name ``**``).
        setup: source of the statements to run before, e.g. the locals that the arguments read.
    """

    path: str
    line: int
    arguments: tuple[str, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    setup: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConstructionSite:
    """A place where a target's class is instantiated, and how what it makes is called there.

    Attributes:
        call: the instantiation.
        callee: source of what is called, as that file names the class (``models.Net``).
        calls: calls of the instance found near.
    """

    call: SourceCall
    callee: str
    calls: tuple[SourceCall, ...] = ()


@dataclass(frozen=True, slots=True)
class InputCandidate:
    """Inputs worth a try, best first in a plan; *origin* is said in the evidence (``--input``, ``train.py:51``)."""

    inputs: Inputs
    grade: Grade
    origin: str


@dataclass(frozen=True, slots=True)
class Flagged:
    """A finding that a target has to prove.

    Attributes:
        number: the finding's place in the list of all findings of the run.
        code: the rule's code.
        line: first line of the flagged expression, in the text of the plan.
        end_line: its last line.
        statement_line: first line of its statement.
        column: 1-based column of the flagged expression.
        end_column: 1-based column after its end.
        note_lines: lines that the finding's notes point at.
        checks: names of the checks that the rule names.
        message: what the finding says; its numbers tell whose failure one is.
    """

    number: int
    code: str
    line: int
    end_line: int
    statement_line: int
    column: int = 1
    end_column: int = 1
    note_lines: tuple[int, ...] = ()
    checks: tuple[str, ...] = ()
    message: str = ""


LEFT_OUT = "left out"
"""The kind of a target that must not be touched: it has ended a worker."""


@dataclass(frozen=True, slots=True)
class TargetPlan:
    """One thing to run.

    Attributes:
        qualname: ``Net``, ``Outer.Inner``, ``train``, or ``<module>`` for the module's own statements.
        kind: ``class`` (a model), ``function`` (also a method of a class that is no model) or ``module``;
            `LEFT_OUT` for none of them.
        line: first line of the definition, decorators included.
        end_line: its last line.
        flagged: the findings in it.
        sites: where it is instantiated, the likeliest first.
        inputs: candidates that the sources tell.
        own_batch_sizes: numbers that the code seems to be written for, the likeliest first.
        wanted: whether a result is wanted; the others are classes that may be needed to build and feed a wanted one.
        batch_size: the batch size that the user says it is written for.
        problems: a line for each thing that the user says of it and that cannot be understood.
    """

    qualname: str
    kind: str
    line: int
    end_line: int
    flagged: tuple[Flagged, ...] = ()
    sites: tuple[ConstructionSite, ...] = ()
    inputs: tuple[InputCandidate, ...] = ()
    own_batch_sizes: tuple[int, ...] = ()
    wanted: bool = True
    batch_size: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePlan:
    """One file's targets.

    Attributes:
        path: the file, as the user gave it; frames and results bear it.
        text: its text, a notebook's code cells joined as the reader joins them.
        roots: absolute folders in which the file's own modules are looked up, nearest first.
        module: dotted name of the file's module below the first root that makes it a package, e.g. ``models.net``.
        targets: what to run, findings' targets first, then classes that are not wanted themselves (see
            `TargetPlan.wanted`).
        framework: what the worker imports before it forks.
    """

    path: str
    text: str
    roots: tuple[str, ...] = ()
    module: str = ""
    targets: tuple[TargetPlan, ...] = ()
    framework: str = "torch"
