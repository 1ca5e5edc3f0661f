"""A loss of 1.0 for every batch, and every prediction right: what the flagged accounting makes of it.

A metric that is accounted for rightly is the same for any number of rows and any batch size, since every row is alike.
One that is a mean over batches divided by the number of rows follows the number of batches instead.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.rewriting import FUNCTIONS, Site
from batchlint.verify.worker.loops.variants import Variant, describe_error, executed

CHECK = "constant loss"
TOLERANCE = 1e-4
"""Relative difference below which two metrics are the same."""

PROBE = 2_111
"""Rows of the first run, which finds out the batch size."""

_DIVISIONS = (ast.Div, ast.FloorDiv)


def nodes_to_keep(tree: ast.Module, site: Site) -> dict[str, ast.AST]:
    """The metric: the flagged division, or, where a sum or a count is flagged, what divides it and what it adds to."""
    kept: dict[str, ast.AST] = {}
    statement = site.statement
    if site.node is statement and not isinstance(statement, ast.AugAssign):
        quotients = (each for each in ast.walk(statement) if _divides(each))
        return {f"metric {number}": each for number, each in enumerate(quotients)}
    if isinstance(statement, ast.AugAssign | ast.Assign) and site.enclosing(ast.For, ast.While) is not None:
        kept["sum"] = statement
    names = _bound_names(statement)
    for number, node in enumerate(_divisions(tree, site, names)):
        kept[f"metric {number}"] = node
    return kept


def _bound_names(statement: ast.stmt) -> set[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.AugAssign):
        targets = [statement.target]
    elif isinstance(statement, ast.Assign):
        targets = list(statement.targets)
    found = set()
    for target in targets:
        if isinstance(target, ast.Name):
            found.add(target.id)
        elif isinstance(target, ast.Attribute):
            found.add(target.attr)
        elif isinstance(target, ast.Subscript):
            found |= {each.id for each in ast.walk(target.value) if isinstance(each, ast.Name)}
    return found


def _divisions(tree: ast.Module, site: Site, names: set[str]) -> list[ast.AST]:
    """Divisions behind the flagged sum that use what it is bound to."""
    if _divides(site.node) and not _adds(site):
        return []
    scope: ast.AST = site.enclosing(*FUNCTIONS) or tree
    found: list[ast.AST] = []
    for each in ast.walk(scope):
        line = getattr(each, "lineno", 0)
        if line < site.statement.lineno or (line not in site.flagged.note_lines and line <= site.statement.lineno):
            continue
        if _divides(each) and {getattr(part, "id", getattr(part, "attr", None)) for part in ast.walk(each)} & names:
            found.append(each)
    noted = [each for each in found if getattr(each, "lineno", 0) in site.flagged.note_lines]
    return (noted or found)[:4]


def _divides(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, _DIVISIONS)


def _adds(site: Site) -> bool:
    """Whether the flagged expression is added to something."""
    statement = site.statement
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, ast.Add)
    if isinstance(statement, ast.Assign) and site.enclosing(ast.For, ast.While) is not None:
        names = _bound_names(statement)
        return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(statement.value))
    return False


def number_of(value: Any) -> float | None:
    """*value* as a number, ``None`` for what is none (a stand-in among others)."""
    if isinstance(value, bool):
        return None
    value = framework().plain(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return float(value)
    if isinstance(value, np.ndarray):
        return float(value.reshape(-1)[0]) if value.size == 1 else None
    return None


def metric_of(program: Program, site: Site, run: Run) -> float | None:
    """The value of the metric at the end of *run*."""
    keys = [key for number, key in program.records if number == site.flagged.number and key.startswith("metric")]
    if _adds(site):
        keys.append("sum")
    elif not keys:
        keys.append("")
    for key in keys:
        values = program.seen(run, site, key)
        if values:
            found = number_of(values[-1])
            if found is not None:
                return found
    return None


def account(program: Program, site: Site) -> CheckOutcome:
    """Run with several numbers of rows and a constant loss, and compare the metrics."""
    best: CheckOutcome | None = None
    for variant in executed(program, site, PROBE, (), rows_first=False):
        found = _judge(program, site, variant)
        if found.status is Status.FAILED:
            return found
        if best is None or (best.status is Status.UNDECIDED and found.status is Status.PASSED):
            best = found
        if found.status is Status.PASSED and not variant.choices:
            break
    return best or _outcome(site, Status.UNDECIDED, describe_error(program, site, (), PROBE))


def _outcome(site: Site, status: Status, detail: str, runs: Sequence[BatchOutcome] = ()) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs), tolerance=TOLERANCE, findings=(site.flagged.number,))


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one loader gave in one run.

    Attributes:
        rows: rows that it gave.
        batches: batches that it gave.
        size: rows of a full batch.
        whole: rows of its data set.
    """

    rows: int
    batches: int
    size: int
    whole: int


RIGHT = (1.0, 100.0)
"""What a mean of ones gives, and what the share of right predictions is, as a fraction or in percent."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The metric of one run, with the loaders that were walked, in the order in which they were built."""

    value: float
    loaders: tuple[Loaded, ...]
    forced: bool
    words: str


def _judge(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    first = variant.run(PROBE)
    size = max(first.world.batch_sizes, default=variant.batch_size)
    metrics: list[Metric] = []
    outcomes: list[BatchOutcome] = []
    assumed: list[str] = []
    rows_tried = [1, 2 * size, 2 * size + 1, 3 * size + size // 2, 10 * size + 3]
    for rows, forced in [*((rows, None) for rows in rows_tried), (2 * size + 1, 1)]:
        run = variant.run(rows, forced=forced)
        assumed += [each for each in run.world.assumed if each not in assumed]
        value = metric_of(program, site, run) if run.error is None else None
        loaders = tuple(_loaded(each.loader) for each in run.world.built if each.loader.walks)
        given = loaders[-1] if loaders else None
        what = f"{rows} rows" if given is None else f"{given.rows} rows in batches of {given.size}"
        if value is None or not math.isfinite(value) or not loaders:
            outcomes.append(BatchOutcome(rows, Status.UNDECIDED, what))
            continue
        metrics.append(Metric(value, loaders, forced is not None, what))
        outcomes.append(BatchOutcome(rows, Status.PASSED, what, detail=f"{value:.6g}"))
    if len(metrics) < 2:
        return _outcome(site, Status.UNDECIDED, "the metric could not be followed", outcomes)
    if assumed:
        return _outcome(site, Status.UNDECIDED, f"the file does not say whether {assumed[0]}", outcomes)
    if _alike([each.value for each in metrics]):
        if len({(part.rows, part.batches) for each in metrics for part in each.loaders}) < 2:
            return _outcome(site, Status.UNDECIDED, "neither the rows nor the batch size could be varied", outcomes)
        value = metrics[0].value
        sizes = {part.size for each in metrics for part in each.loaders}
        if len(sizes) < 2 and not any(math.isclose(abs(value), right, rel_tol=1e-6) for right in RIGHT):
            # Off by a factor that never moves: perhaps the very batch size that could not be varied here.
            what = (
                f"with a constant loss of 1 the metric is {value:.4g} each time, and the batch size could not be varied"
            )
            return _outcome(site, Status.UNDECIDED, what, outcomes)
        what = f"with a constant loss the metric is {value:.4g} for any number of rows and any batch size"
        return _outcome(site, Status.PASSED, what, outcomes)
    for words, expected in EXPLANATIONS[site.flagged.code]:
        if _explains(expected, metrics):
            return _confirmed(site, words, metrics, outcomes)
    what = "the metric moves with the number of rows, but not as the finding says"
    return _outcome(site, Status.UNDECIDED, what, outcomes)


def _loaded(loader: RowLoader) -> Loaded:
    parts = loader.batches()
    whole = len(loader.dataset) if hasattr(loader.dataset, "__len__") else loader.order().size
    return Loaded(sum(ids.size for ids in parts), len(parts), loader.batch_size, whole)


def _alike(values: Sequence[float]) -> bool:
    low, high = min(values), max(values)
    return high - low <= TOLERANCE * max(abs(high), abs(low))


def _mean_weight(loaded: Loaded) -> float:
    """The mean over batches of the share of a full batch that each holds."""
    return loaded.rows / loaded.size / loaded.batches if loaded.batches else 0.0


def _share(over: Callable[[Loaded], float], under: Callable[[Loaded], float]) -> Callable[[Loaded], float]:
    return lambda loaded: over(loaded) / under(loaded) if under(loaded) else 0.0


def _rows(loaded: Loaded) -> float:
    return loaded.rows


def _batches(loaded: Loaded) -> float:
    return loaded.batches


def _full(loaded: Loaded) -> float:
    return loaded.batches * loaded.size


def _whole(loaded: Loaded) -> float:
    return loaded.whole


def _full_only(loaded: Loaded) -> float:
    return loaded.rows // loaded.size * loaded.size


EXPLANATIONS: dict[str, tuple[tuple[str, Callable[[Loaded], float]], ...]] = {
    "BSZ501": (
        ("the number of batches over that of the rows", _share(_batches, _rows)),
        ("the number of batches over that of the data set", _share(_batches, _whole)),
        ("the number of rows over that of the batches", _share(_rows, _batches)),
        ("the number of batches over the rows of full ones", _share(_batches, _full)),
        ("the number of batches over the rows of full ones", _share(_batches, _full_only)),
    ),
    "BSZ503": (
        ("the rows that are there over those of full batches", _share(_rows, _full)),
        ("the rows of full batches over those that are there", _share(_full, _rows)),
        ("the rows that are drawn over those of the whole data set", _share(_rows, _whole)),
        ("the rows that are there over those of the full batches alone", _share(_rows, _full_only)),
    ),
}
"""What a metric may follow instead of the loss, by rule."""


def _explains(expected: Callable[[Loaded], float], metrics: Sequence[Metric]) -> bool:
    """Whether the metric is proportional to *expected* of one of the loaders, in all runs or in those at the file's own
    batch size."""
    for chosen in (metrics, [each for each in metrics if not each.forced]):
        for index in range(max((len(each.loaders) for each in chosen), default=0)):
            pairs = [(each.value, expected(each.loaders[index])) for each in chosen if index < len(each.loaders)]
            pairs = [(value, share) for value, share in pairs if share]
            if len(pairs) < 2 or _alike([share for _, share in pairs]):
                continue
            if _alike([value / share for value, share in pairs]) and pairs[0][0]:
                return True
    return False


def _confirmed(site: Site, words: str, metrics: Sequence[Metric], outcomes: Sequence[BatchOutcome]) -> CheckOutcome:
    highest = max(metrics, key=lambda each: abs(each.value))
    lowest = min(metrics, key=lambda each: abs(each.value))
    right = lowest if site.flagged.code == "BSZ501" and "rows over that of the batches" in words else highest
    wrong = [each for each in metrics if not _alike([each.value, right.value]) and not each.forced] or [lowest]
    worst = max(wrong, key=lambda each: abs(each.value - right.value))
    what = (
        f"with a constant loss the metric is {right.value:.4g} for {right.words} and {worst.value:.4g} for "
        f"{worst.words}: it follows {words}"
    )
    failed = [
        BatchOutcome(each.batch_size, Status.FAILED, each.variation, detail=each.detail)
        if any(each.variation == bad.words for bad in wrong)
        else each
        for each in outcomes
    ]
    difference = abs(worst.value - right.value)
    return CheckOutcome(CHECK, Status.FAILED, what, tuple(failed), difference, None, TOLERANCE, (site.flagged.number,))
