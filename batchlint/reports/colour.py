"""The text report at a terminal: the same characters, in colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from batchlint.reports.text import layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batchlint.reports.content import ReportedFinding
    from batchlint.reports.text import Segment


def write(reported: Iterable[ReportedFinding], stream: TextIO) -> None:
    """Write the report to *stream*."""
    write_lines(layout(reported), stream)


def write_lines(lines: Iterable[Iterable[Segment]], stream: TextIO) -> None:
    """Write *lines* to *stream*, without wrapping them: terminals do that, and places stay clickable."""
    console = Console(file=stream, force_terminal=True, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((segment.text, segment.style) for segment in line)))
