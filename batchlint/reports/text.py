"""For people: each finding with the line it is on, a caret below it, and what the engine knows there."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from batchlint.findings import Severity
from batchlint.reports.content import location
from batchlint.reports.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from batchlint.findings import Finding, Note, Span
    from batchlint.reports.content import ReportedFinding

_TAB = "    "
_LONGEST = 160
"""Characters of a source line that are shown; generated code has lines of megabytes."""


class Segment(NamedTuple):
    """A piece of a line, and how it looks at a terminal (a style of rich's)."""

    text: str
    style: str = ""


_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}


def shown(text: str) -> str:
    """*text* with tabs as spaces, and without characters that would move the cursor or speak to the terminal."""
    return visible(text.replace("\t", _TAB), keep="")


def _cells(text: str) -> int:
    """How many terminal cells *text* fills."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _excerpt(span: Span, source: str, style: str) -> Iterator[list[Segment]]:
    """The line of *source* that *span* begins on, or a window of it, with carets below the span."""
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(source)
    window = max(0, min(start - _LONGEST // 4, len(source) - _LONGEST))
    before, marked = source[window:start], source[start : min(end, window + _LONGEST)]
    after = source[start + len(marked) : window + _LONGEST]
    gutter = len(str(span.line))
    yield [Segment(f"{'':{gutter}} |", "blue")]
    yield [Segment(f"{span.line} | ", "blue"), Segment(shown(before + marked + after).rstrip())]
    caret = "^" * max(1, _cells(shown(marked.rstrip())))
    yield [Segment(f"{'':{gutter}} | ", "blue"), Segment(" " * _cells(shown(before))), Segment(caret, style)]


def _note(note: Note, finding: Finding, lines: Mapping[tuple[int | None, int], str]) -> str:
    cell = "" if note.cell == finding.cell else f"cell {note.cell}, "
    quoted = lines.get((note.cell, note.span.line), "").strip()[:_LONGEST]
    return f"{cell}line {note.span.line}: {note.message}" + (f": {quoted}" if quoted else "")


def finding_lines(
    finding: Finding, lines: Mapping[tuple[int | None, int], str], verdict: Sequence[Segment] = ()
) -> Iterator[list[Segment]]:
    """Yield the lines of one finding; *verdict* stands before the message."""
    style = _STYLES[finding.severity]
    latent = " (latent)" if finding.latent else ""
    yield [
        Segment(shown(location(finding)), "bold"),
        Segment(": "),
        Segment(shown(finding.code), style),
        Segment(shown(f" [{finding.name}] ")),
        *verdict,
        Segment(f"{shown(finding.message)}{latent}"),
    ]
    source = lines.get((finding.cell, finding.span.line))
    if source is not None:
        yield from _excerpt(finding.span, source, style)
    if finding.shape:
        yield remark(finding, "shape", finding.shape)
    for note in finding.notes:
        yield remark(finding, "note", _note(note, finding, lines))
    if finding.fix:
        yield remark(finding, "fix" if finding.fix.safe else "unsafe fix", finding.fix.message)


def remark(finding: Finding, label: str, text: str, style: str = "") -> list[Segment]:
    """A line below the excerpt: ``   = shape: x is [B, 3] here``."""
    margin = Segment(f"{'':{len(str(finding.span.line))}} = ", "blue")
    return [margin, Segment(shown(f"{label}: "), "bold"), Segment(shown(text), style)]


def layout(reported: Iterable[ReportedFinding]) -> Iterator[list[Segment]]:
    """Yield the report's lines in segments, without line ends."""
    for finding, lines in reported:
        yield from finding_lines(finding, lines)
        yield []


def render(reported: Iterable[ReportedFinding]) -> Iterator[str]:
    """Yield the report without colours, line by line."""
    for line in layout(reported):
        yield "".join(segment.text for segment in line) + "\n"
