"""How many findings each rule has, in place of the findings."""

from __future__ import annotations

import collections
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from batchlint.reports.content import ReportedFinding


def _counts(reported: Iterable[ReportedFinding]) -> list[tuple[int, str, str]]:
    counts = collections.Counter((finding.code, finding.name) for finding, _ in reported)
    return sorted(((count, code, name) for (code, name), count in counts.items()), key=lambda row: (-row[0], row[1]))


def render(reported: Iterable[ReportedFinding]) -> Iterator[str]:
    """Yield one line a rule: count, code and name, the most frequent first."""
    rows = _counts(reported)
    width = max((len(str(count)) for count, _, _ in rows), default=0)
    for count, code, name in rows:
        yield f"{count:>{width}}  {code}  {name}\n"


def render_json(reported: Iterable[ReportedFinding]) -> Iterator[str]:
    """Yield the same as a list of objects."""
    yield json.dumps(
        [{"code": code, "name": name, "count": count} for count, code, name in _counts(reported)], indent=2
    )
    yield "\n"
