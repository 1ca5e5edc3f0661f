"""The table that the benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.shapes.__main__ import Result
    from benchmarks.shapes.comparison import Outcome


def table(results: Iterable[Result], details: bool) -> str:
    """A Markdown table: a row for each collection (or model), and one for all."""
    results = list(results)
    groups: dict[str, list[Result]] = {}
    for result in results:
        name = result.collection
        if details:
            name += f" {result.model.path} {result.model.construct[:40]}"
        groups.setdefault(name, []).append(result)
    lines = [
        "| models of | run | failed | tensor expressions | evaluations compared | wrong | known, inputs given | "
        "known, any input | never there |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [_row(name, group) for name, group in groups.items()]
    lines.append(_row("**all**", results))
    return "\n".join(lines)


def _row(name: str, results: list[Result]) -> str:
    concrete = [r.concrete for r in results if r.concrete is not None]
    generic = [r.generic for r in results if r.generic is not None]
    wrong = sum(len(o.wrong) for o in (*concrete, *generic))
    cells = [
        name,
        str(len(concrete)),
        str(sum(r.error is not None for r in results)),
        f"{sum(len(o.tensors) for o in concrete):,}",
        f"{sum(o.evaluations for o in (*concrete, *generic)):,}",
        str(wrong),
        _share(concrete),
        _share(generic),
        str(sum(len(o.unmatched) for o in concrete)),
    ]
    return f"| {' | '.join(cells)} |"


def _share(outcomes: list[Outcome]) -> str:
    tensors = sum(len(o.tensors) for o in outcomes)
    unknown = sum(len(o.not_known & o.tensors) for o in outcomes)
    return f"{1 - unknown / tensors:.1%}" if tensors else "none"
