"""One source to its findings: filter, parse, gate, evaluate, suppress.

Each step is there so that the next, dearer one is not taken: bytes that name no framework are not decoded, a syntax
tree without anything that a selected rule could flag is not parsed with libcst. What a step needs is imported when it
is reached.
"""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, NamedTuple

from batchlint.source.relevance import may_matter

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Mapping, Sequence

    from batchlint.findings import Finding, Fix, Note, Problem, Span
    from batchlint.rules.base import Rule
    from batchlint.rules.selection import Selection
    from batchlint.source.source import Source
    from batchlint.source.suppressions import Suppressions, UnknownName

__all__ = ["CheckResult", "check_bytes", "check_source", "internal_error", "may_matter", "preload"]


class CheckResult(NamedTuple):
    """What came out of one source; picklable.

    Attributes:
        findings: sorted by place, then code; each place has a code once.
        problems: why the source, or a part of it, could not be checked.
        warnings: what was checked, but not as its author seems to think, such as a comment that names no rule.
        quoted: the source lines that the findings speak of, by cell (``None`` outside notebooks) and line.
    """

    findings: tuple[Finding, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    quoted: Mapping[tuple[int | None, int], str] = {}


_NOTHING = CheckResult()

_DIRECTIVES = ("ignore", "ignore-file", "input")


def check_bytes(
    data: bytes, filename: str, selection: Selection, ignored: Iterable[str] = (), *, show_latent: bool = False
) -> CheckResult:
    """Check a Python file or notebook given by its bytes.

    Args:
        data: the file's contents.
        filename: decides between Python and notebook, and stands in what is reported.
        selection: which rules are on.
        ignored: selectors of rules that are off in this file.
        show_latent: whether latent findings are wanted.
    """
    if not may_matter(data):
        return _NOTHING
    try:
        from batchlint.findings import Problem
        from batchlint.rules.registry import all_rules
        from batchlint.rules.selection import select_rules
        from batchlint.source.source import source_from_bytes

        source = source_from_bytes(data, filename)
        if isinstance(source, Problem):
            return CheckResult(problems=(source,))
        return check_source(source, select_rules(all_rules(), selection, ignored), show_latent=show_latent)
    except Exception as error:
        return internal_error(filename, error)


def check_source(
    source: Source,
    rules: Sequence[Rule],
    *,
    show_latent: bool = False,
    honour_noqa: bool = True,
    tree: ast.Module | None = None,
) -> CheckResult:
    """Check a decoded source; the filter over its bytes has let it through.

    Args:
        source: what to check.
        rules: those that are on.
        show_latent: whether latent findings are wanted.
        honour_noqa: whether ``# noqa`` suppresses findings; without, only batchlint's own comments do.
        tree: the source's syntax tree, if there is one already.
    """
    # Syntax trees live as long as their file is checked: looking for garbage among them only takes time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _check(source, rules, show_latent, honour_noqa, tree)
    except Exception as error:
        return internal_error(source.filename, error)
    finally:
        if collecting:
            gc.enable()


def _check(
    source: Source, rules: Sequence[Rule], show_latent: bool, honour_noqa: bool, tree: ast.Module | None
) -> CheckResult:
    from batchlint.findings import Problem
    from batchlint.source.syntax_gate import UnparsableSource, check_depth, parse_guarded

    if not rules:
        return _NOTHING
    from batchlint.semantics.gate import candidates
    from batchlint.semantics.survey import survey

    try:
        given = tree
        tree = parse_guarded(source.text) if given is None else given
        surveyed = survey(tree)
        found = candidates(surveyed, rules)
        if not found:
            return _NOTHING
        if given is not None:
            check_depth(given, source.text)
    except UnparsableSource as error:
        cell, line = (None, None) if error.line is None else source.locate(error.line)
        message = error.message if cell is None else f"cell {cell}: {error.message}"
        return CheckResult(problems=(Problem(source.filename, message, line, error.column),))
    from batchlint.semantics.analysis import analyse
    from batchlint.source.suppressions import Suppressions

    shown = [f for f in analyse(source.text, tree, rules, surveyed, found) if show_latent or not f.latent]
    suppressions = Suppressions.from_text(source.text)
    kept = (finding for finding in shown if not suppressions.suppresses(finding, noqa=honour_noqa))
    findings = _in_order(_in_cells(source, finding) for finding in kept)
    return CheckResult(findings, (), _misspelt(source, suppressions), _quoted(source, findings))


def _misspelt(source: Source, suppressions: Suppressions) -> tuple[Problem, ...]:
    """Warnings about suppressing comments that suppress nothing."""
    from batchlint.findings import Problem
    from batchlint.rules.registry import all_rules
    from batchlint.rules.selection import is_known
    from batchlint.suggestions import did_you_mean

    rules = all_rules()
    names = tuple(word for rule in rules for word in (rule.code, rule.name))
    wrong: list[tuple[UnknownName, tuple[str, ...], str]]
    wrong = [(misspelt, _DIRECTIVES, "comment") for misspelt in suppressions.unknown_verbs]
    wrong += [(misspelt, names, "rule") for misspelt in suppressions.unknown_names(lambda name: is_known(name, rules))]
    warnings = []
    for (line, word), known, what in sorted(wrong):
        cell, row = source.locate(line)
        message = f"unknown {what} {word!r} after `# batchlint:`{did_you_mean(word, known)}"
        warnings.append(Problem(source.filename, message if cell is None else f"cell {cell}: {message}", row))
    return tuple(warnings)


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by place, and keep the gravest of those with one code at one place."""
    by_place: dict[tuple[int, Span, str], Finding] = {}
    for finding in findings:
        key = (finding.cell or 0, finding.span, finding.code)
        known = by_place.get(key)
        if known is None or (finding.severity, finding.message) > (known.severity, known.message):
            by_place[key] = finding
    return tuple(finding for _, finding in sorted(by_place.items(), key=lambda item: item[0]))


def _in_cells(source: Source, finding: Finding) -> Finding:
    """*finding* of *source*, its places relative to the notebook's cells."""
    import dataclasses

    if source.notebook is None:
        return dataclasses.replace(finding, filename=source.filename)
    cell, _ = source.locate(finding.span.line)
    return dataclasses.replace(
        finding,
        filename=source.filename,
        cell=cell,
        span=_relative(source, finding.span),
        statement_line=source.locate(finding.statement_line or finding.span.line)[1],
        notes=tuple(_note_in_cell(source, note) for note in finding.notes),
        fix=finding.fix and _fix_in_cell(source, finding.fix, cell),
    )


def _relative(source: Source, span: Span) -> Span:
    return span._replace(line=source.locate(span.line)[1], end_line=source.locate(span.end_line)[1])


def _note_in_cell(source: Source, note: Note) -> Note:
    import dataclasses

    return dataclasses.replace(note, cell=source.locate(note.span.line)[0], span=_relative(source, note.span))


def _fix_in_cell(source: Source, fix: Fix, cell: int | None) -> Fix | None:
    """*fix* relative to its cell; ``None`` when it reaches into another cell, for which edits have no field."""
    import dataclasses

    if any(source.locate(edit.span.line)[0] != cell for edit in fix.edits):
        return None
    edits = tuple(edit._replace(span=_relative(source, edit.span)) for edit in fix.edits)
    return dataclasses.replace(fix, edits=edits)


def _quoted(source: Source, findings: Iterable[Finding]) -> dict[tuple[int | None, int], str]:
    """The source lines of *findings* and their notes."""
    places = {
        place
        for finding in findings
        for place in ((finding.cell, finding.span.line), *((note.cell, note.span.line) for note in finding.notes))
    }
    first_lines = source.notebook.first_lines if source.notebook else ()
    quoted: dict[tuple[int | None, int], str] = {}
    for cell, line in places:
        number = line if cell is None else first_lines[cell - 1] + line - 1
        if 1 <= number <= len(source.lines):
            quoted[cell, line] = source.lines[number - 1]
    return quoted


def internal_error(filename: str, error: BaseException) -> CheckResult:
    """The result of a source on which batchlint itself failed.

    Raises:
        BaseException: *error* itself, when the environment variable ``BATCHLINT_DEBUG`` is set.
    """
    from batchlint.findings import Problem

    if os.environ.get("BATCHLINT_DEBUG"):
        raise error
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        place = f" in {os.path.basename(code.co_filename)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    detail = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    message = f"internal error: {detail}{place}; the file is skipped, please report it (BATCHLINT_DEBUG=1 tells more)"
    return CheckResult(problems=(Problem(filename, message),))


def preload() -> None:
    """Import all that checking takes, which processes forked from this one then share."""
    from batchlint.rules.registry import all_rules
    from batchlint.semantics import analysis, gate
    from batchlint.source import source, suppressions, syntax_gate

    del analysis, gate, source, suppressions, syntax_gate
    all_rules()
