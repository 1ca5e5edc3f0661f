"""From findings to what users and tools read: one module a format, each with ``render``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.reports import as_json, concise, github, statistics, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from batchlint.reports.content import ReportedFinding

    Render = Callable[[Iterable[ReportedFinding]], Iterator[str]]

REPORTS: dict[str, Render] = {
    "text": text.render,
    "concise": concise.render,
    "json": as_json.render,
    "github": github.render,
}
"""How each output format shows findings."""

STATISTICS: dict[str, Render] = {
    "text": statistics.render,
    "concise": statistics.render,
    "json": statistics.render_json,
    "github": statistics.render,
}
"""How each output format shows counts by rule."""
