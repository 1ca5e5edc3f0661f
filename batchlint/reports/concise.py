"""One line a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.reports.content import headline, location
from batchlint.reports.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from batchlint.reports.content import ReportedFinding


def render(reported: Iterable[ReportedFinding]) -> Iterator[str]:
    """Yield the report, line by line."""
    for finding, _ in reported:
        yield visible(f"{location(finding)}: {headline(finding)}", keep="\t") + "\n"
