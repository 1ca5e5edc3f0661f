"""Workflow commands that GitHub Actions shows as annotations of the changed lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.reports.content import headline, location
from batchlint.reports.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from batchlint.reports.content import ReportedFinding

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_IN_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(reported: Iterable[ReportedFinding]) -> Iterator[str]:
    """Yield the report, line by line; findings in a notebook stand at 1:1, as GitHub knows nothing of cells."""
    for finding, _ in reported:
        span = finding.span
        line, column, end_line, end_column = span if finding.cell is None else (1, 1, 1, 1)
        properties = {
            "title": f"batchlint ({finding.code})",
            "file": finding.filename,
            "line": line,
            "col": column,
            "endLine": end_line,
            "endColumn": end_column,
        }
        described = ",".join(f"{key}={str(value).translate(_IN_PROPERTY)}" for key, value in properties.items())
        message = f"{location(finding)}: {headline(finding)}".translate(_IN_MESSAGE)
        yield visible(f"::{_COMMANDS[finding.severity]} {described}::{message}", keep="\t") + "\n"
