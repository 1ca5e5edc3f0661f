"""The lines of source that a page shows for a finding: those around it, and those its notes point at."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from batchlint.source.decoding import split_lines

if TYPE_CHECKING:
    from batchlint.verify.plan.plans import Flagged
    from batchlint.verify.session import Verified, VerifyReport

_AROUND = 3
"""Lines shown above and below what is flagged."""

_TALLEST = 12
"""Lines shown of what is flagged, beside the first."""

_LONGEST = 200

_KINDS = {tokenize.STRING: "string", tokenize.COMMENT: "comment", tokenize.NUMBER: "literal"}


class Piece(NamedTuple):
    """A stretch of a line: its text, what it is (``keyword``, ``string`` …), and whether it is what is flagged."""

    text: str
    kind: str = ""
    marked: bool = False


class ExcerptLine(NamedTuple):
    """A line: its number, its pieces, what is said of it, and whether lines are left out below it."""

    number: int
    pieces: tuple[Piece, ...]
    flagged: bool = False
    remark: str = ""
    gap: bool = False


class Excerpt(NamedTuple):
    """What to show."""

    lines: tuple[ExcerptLine, ...]


def excerpt(report: VerifyReport, verified: Verified) -> Excerpt | None:
    """The lines around the finding, ``None`` where its source is not at hand."""
    finding = verified.finding
    number = next((index for index, each in enumerate(report.verified) if each is verified), None)
    plan = report.plans.get(finding.filename)
    found = (
        (target, each) for target in (plan.targets if plan else ()) for each in target.flagged if each.number == number
    )
    target, flagged = next(found, (None, None))
    if plan is None or target is None or flagged is None:
        return _quoted(report, verified)
    remarks = dict(zip(flagged.note_lines, (note.message for note in finding.notes)))
    if finding.shape:
        remarks[flagged.line] = finding.shape
    within = range(target.line, target.end_line + 1) if target.kind != "module" else range(1, 1 << 30)
    return Excerpt(tuple(_lines(plan.text, flagged, remarks, within)))


def _quoted(report: VerifyReport, verified: Verified) -> Excerpt | None:
    """What the findings' own quotations allow."""
    finding = verified.finding
    line = report.quoted.get((finding.filename, finding.cell, finding.span.line))
    if line is None:
        return None
    end = finding.span.end_column if finding.span.end_line == finding.span.line else len(line) + 1
    pieces = _cut([Piece(line)], finding.span.column - 1, end - 1)
    return Excerpt((ExcerptLine(finding.span.line, pieces, True, finding.shape or ""),))


def _lines(text: str, flagged: Flagged, remarks: Mapping[int, str], within: range) -> Iterator[ExcerptLine]:
    """What is flagged with what is around it *within* these lines, and the lines with remarks."""
    source = split_lines(text)
    last = min(flagged.end_line, flagged.line + _TALLEST)
    around = {line for line in range(flagged.line - _AROUND, last + _AROUND + 1) if line in within}
    wanted = [line for line in sorted(around | {*range(flagged.line, last + 1), *remarks}) if 1 <= line <= len(source)]
    wanted = [line for line in wanted if source[line - 1].strip() or _between(line, source, wanted)]
    tokens = _tokens(text)
    for index, number in enumerate(wanted):
        line = source[number - 1]
        pieces: Sequence[Piece] = list(_pieces(line, tokens.get(number, ())))
        is_flagged = flagged.line <= number <= flagged.end_line
        if is_flagged:
            start = flagged.column - 1 if number == flagged.line else len(line) - len(line.lstrip())
            end = flagged.end_column - 1 if number == flagged.end_line else len(line.rstrip())
            pieces = _cut(pieces, start, end)
        gap = index + 1 < len(wanted) and wanted[index + 1] != number + 1
        yield ExcerptLine(number, _shortened(pieces), is_flagged, remarks.get(number, ""), gap)


def _between(line: int, source: Sequence[str], wanted: Sequence[int]) -> bool:
    """Whether an empty line has something above and something below it that is shown next to it."""
    shown = frozenset(wanted)
    for step in (-1, 1):
        each = line + step
        while each in shown and not source[each - 1].strip():
            each += step
        if each not in shown:
            return False
    return True


def _tokens(text: str) -> dict[int, list[tuple[int, int, str]]]:
    """By line, what stands where: first column, column after the last, kind."""
    found: dict[int, list[tuple[int, int, str]]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = _KINDS.get(token.type, "")
            if token.type == tokenize.NAME and keyword.iskeyword(token.string):
                kind = "keyword"
            if not kind:
                continue
            for line in range(token.start[0], token.end[0] + 1):
                start = token.start[1] if line == token.start[0] else 0
                end = token.end[1] if line == token.end[0] else _LONGEST * 10
                found.setdefault(line, []).append((start, end, kind))
    except (tokenize.TokenError, SyntaxError):  # what was read until then is coloured
        pass
    return found


def _pieces(line: str, tokens: Sequence[tuple[int, int, str]]) -> Iterator[Piece]:
    position = 0
    for start, end, kind in tokens:
        if start > position:
            yield Piece(line[position:start])
        if line[start:end]:
            yield Piece(line[start:end], kind)
        position = max(position, min(end, len(line)))
    if line[position:]:
        yield Piece(line[position:])


def _cut(pieces: Sequence[Piece], start: int, end: int) -> tuple[Piece, ...]:
    """*pieces* with what lies between the columns *start* and *end* marked."""
    cut: list[Piece] = []
    position = 0
    for piece in pieces:
        for begin, stop, marked in (
            (position, min(start, position + len(piece.text)), False),
            (max(position, start), min(end, position + len(piece.text)), True),
            (max(position, end), position + len(piece.text), False),
        ):
            if begin < stop:
                cut.append(piece._replace(text=piece.text[begin - position : stop - position], marked=marked))
        position += len(piece.text)
    return tuple(cut)


def _shortened(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """*pieces* up to a length that a page can show."""
    kept: list[Piece] = []
    room = _LONGEST
    for piece in pieces:
        if room <= 0:
            kept.append(Piece(" …", "comment"))
            break
        kept.append(piece._replace(text=piece.text[:room]))
        room -= len(piece.text)
    return tuple(kept)
