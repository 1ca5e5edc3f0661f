"""Whether a loop written for full batches raises for a short one, on real tensors.

Data become tensors of a shape that the file tells (a data set, the first layer) or that makes the loop run at its own
batch size; models of the file run for real, others give numbers of the right rows.
"""

from __future__ import annotations

import ast
import dataclasses
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from batchlint.shapes.datasets import DATASETS
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Frame, Grade, Status
from batchlint.verify.worker.failures import failure_of
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.variants import Variant, candidates
from batchlint.verify.worker.loops.world import Tensors

CHECK = "crash at batch sizes"
MAXIMUM_TRIALS = 36
NO_DATA = "no data was found with which the loop runs"
GUESSED = "the loop runs with short batches, but the shape of its data is a guess"
MAXIMUM_SECONDS = 4.0
MEETING = frozenset({"BSZ202", "BSZ203", "BSZ205", "BSZ401"})
"""Rules whose flagged value may meet the rows that came at another line, which a note names."""

_FALLBACK: tuple[tuple[int, ...], ...] = ((3, 32, 32), (1, 28, 28), (7,), (16,), (784,), (10,), (1,), (3, 64, 64))
_PAST_END = re.compile(r"out of (?:bounds|range)|index \d+ is out")


def samples_of(program: Program) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
    """Shapes of one sample worth a try, whether its values are whole numbers, and how sure the shape is."""
    told: list[tuple[tuple[int, ...], bool]] = []
    data: set[tuple[int, ...]] = set()
    for node in ast.walk(program.original):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        numbers = [each.value if isinstance(each, ast.Constant) else _product(each) for each in node.args]
        first = numbers[0] if numbers and isinstance(numbers[0], int) else None
        if (known := DATASETS.get(name)) is not None:
            told.insert(0, (known.sample, False))
            data.add(known.sample)
        elif name == "Linear" and first is not None:
            for channels in (3, 1):
                side = round((first / channels) ** 0.5)
                if side > 3 and channels * side * side == first:
                    told.append(((channels, side, side), False))
            told.append(((first,), False))
        elif name == "Conv2d" and first is not None:
            told += [((first, 32, 32), False), ((first, 28, 28), False), ((first, 64, 64), False)]
        elif name == "Conv1d" and first is not None:
            told.append(((first, 32), False))
        elif name == "Embedding" and first is not None:
            told.append(((7,), True))
    seen = set()
    for sample, whole in told[:12]:
        if (sample, whole) not in seen:
            seen.add((sample, whole))
            yield sample, whole, Grade.CODE if sample in data else Grade.LAYER
    for sample in _FALLBACK:
        if (sample, False) not in seen:
            yield sample, False, Grade.GUESSED


def _product(node: ast.expr) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<size>", "eval"), {"__builtins__": {}})
    except Exception:
        return None


def crash(program: Program, site: Site) -> CheckOutcome:
    """Run with full batches, then with a short last one, and look where it raises."""
    trials = 0
    began = time.perf_counter()
    reason = ""
    variants = [each for each in candidates(program, site, (), True) if each.loads_batches]
    for sample, whole, grade in samples_of(program):
        for width, floats in ((10, False), (1, True), (1, False)):
            for variant in variants[:2]:
                trials += 1
                if trials > MAXIMUM_TRIALS or time.perf_counter() - began > MAXIMUM_SECONDS:
                    return _outcome(site, Status.UNDECIDED, reason or NO_DATA, (), Grade.GUESSED)
                tensors = Tensors(sample, width, whole, floats, max(2, width))
                found, why = _ladder(program, site, variant, tensors, grade)
                # What went wrong after the loop had run with full batches says more than that other data did not fit.
                reason = why if not reason or ("short batch" in why and "short batch" not in reason) else reason
                if found is not None:
                    return found if found.grade is not None else dataclasses.replace(found, grade=grade)
    return _outcome(site, Status.UNDECIDED, reason or NO_DATA, (), Grade.GUESSED)


def _outcome(
    site: Site, status: Status, detail: str, runs: Sequence[BatchOutcome] = (), grade: Grade | None = None
) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs), findings=(site.flagged.number,), grade=grade)


def _ladder(
    program: Program, site: Site, variant: Variant, tensors: Tensors, grade: Grade
) -> tuple[CheckOutcome | None, str]:
    """The answer for this data, ``None`` with the reason where it does not run at its own batch size."""
    probe = variant.run(2 * program.batch_size, tensors=tensors)
    size = max((each for each in probe.world.batch_sizes if each < 4096), default=program.batch_size)
    # Enough rows for labels of every class.
    full = max(2, -(-2 * tensors.classes // size)) * size
    control = variant.run(full, tensors=tensors)
    by_loader = any(each.loader.walks for each in control.world.built)
    fixed = _fixed_rows(probe)
    if fixed is not None and fixed % size:
        return _fixed(program, site, variant, tensors, fixed, size)
    if not by_loader:
        control = variant.run(size, tensors=tensors)
    if control.error is not None:
        return None, _said("with full batches", _failure(program, control), control)
    if not program.seen(control, site):
        return None, "the flagged code was not reached"
    if fixed is not None:
        return None, "the rows of the data could not be varied"
    own = full if by_loader else 0
    short = [1] if site.flagged.code == "BSZ401" else [max(2, size // 2 + 1), 1]
    wider = [2, 3] if site.flagged.code == "BSZ401" else []
    outcomes = [BatchOutcome(size, Status.PASSED, "full batches")]
    failures: list[tuple[int, Failure]] = []
    for rows in [*wider, *short]:
        run = variant.run(rows + own, tensors=tensors)
        failure = _failure(program, run)
        what = f"a last batch of {rows}" if by_loader else f"{rows} row{'s' * (rows > 1)}"
        if run.error is None or failure is None:
            status = Status.PASSED if run.error is None else Status.UNDECIDED
            outcomes.append(BatchOutcome(rows, status, what))
            continue
        outcomes.append(BatchOutcome(rows, Status.FAILED, what, failure))
        if rows in wider:
            return None, _said("with any short batch", failure, run)
        failures.append((rows, failure))
    ours = [(rows, failure) for rows, failure in failures if _is_ours(site, failure)]
    if ours:
        rows, failure = ours[0]
        line = failure.frame.line if failure.frame is not None else site.flagged.line
        given = f"a last batch of {rows}" if by_loader else f"{rows} row{'s' * (rows > 1)}"
        what = f"{given}: raises {failure.kind} on line {line}, {failure.message[:160]!r}; batches of {size} run"
        return _outcome(site, Status.FAILED, what, outcomes), ""
    if failures:
        return None, _said("with a short batch, but not at the flagged code", failures[0][1], None)
    if any(each.status is Status.UNDECIDED for each in outcomes):
        return None, "a short batch could not be run"
    walked = [each.loader for each in control.world.built if each.loader.walks]
    if walked and all(loader.drop_last for loader in walked):
        # No short batch comes to the loop, whatever its samples look like.
        what = f"the loader drops the short batch: all of them have {size} rows"
        return _outcome(site, Status.PASSED, what, outcomes, Grade.CODE), ""
    if grade is Grade.GUESSED:
        return None, GUESSED
    what = f"runs with full batches of {size}, and with a last one of {' and of '.join(map(str, short))}"
    return _outcome(site, Status.PASSED, what, outcomes), ""


def _fixed(
    program: Program, site: Site, variant: Variant, tensors: Tensors, rows: int, size: int
) -> tuple[CheckOutcome | None, str]:
    """The answer where the file makes its data: batches that divide them are the control."""
    divisors = sorted((each for each in range(2, rows + 1) if rows % each == 0), key=lambda each: abs(each - size))
    if not divisors:
        return None, "the rows of the data could not be varied"
    control = variant.run(rows, forced=divisors[0], tensors=tensors)
    if control.error is not None or not program.seen(control, site):
        return None, _said("with full batches", _failure(program, control), control)
    run = variant.run(rows, tensors=tensors)
    failure = _failure(program, run)
    if failure is None or not _is_ours(site, failure):
        return None, "the rows of the data could not be varied"
    outcomes = [
        BatchOutcome(divisors[0], Status.PASSED, "full batches"),
        BatchOutcome(rows % size, Status.FAILED, f"a last batch of {rows % size}", failure),
    ]
    line = failure.frame.line if failure.frame is not None else site.flagged.line
    what = (
        f"{rows} rows in batches of {size}: the last, of {rows % size}, raises {failure.kind} on line {line}: "
        f"{failure.message[:160]}; batches of {divisors[0]} run"
    )
    return _outcome(site, Status.FAILED, what, outcomes), ""


def _fixed_rows(run: Run) -> int | None:
    """The rows of a data set whose size the file sets, ``None`` where it can be varied."""
    for built in run.world.built:
        if built.loader.walks and not isinstance(built.loader.dataset, StandIn | RowLoader):
            rows = len(built.loader.dataset)
            return rows if rows != run.world.rows else None
    return None


def _failure(program: Program, run: Run) -> Failure | None:
    if run.error is None or run.stopped:
        return None
    return failure_of(run.error, lambda filename: filename == program.path)


def _is_ours(site: Site, failure: Failure) -> bool:
    """Whether it was raised at the flagged statement, or where the flagged value meets the rows."""
    frames: tuple[Frame, ...] = failure.frames[-1:]
    lines = set(range(site.flagged.statement_line, site.flagged.end_line + 1))
    lines |= set(range(site.flagged.line, site.flagged.end_line + 1))
    if site.flagged.code in MEETING:
        frames = failure.frames
        lines |= set(site.flagged.note_lines[-1:])
    if any(frame.line in lines for frame in frames):
        return True
    loop = site.statement
    if site.flagged.code == "BSZ205" and isinstance(loop, ast.For) and failure.frame is not None:
        inside = loop.lineno <= failure.frame.line <= (loop.end_lineno or loop.lineno)
        return inside and _PAST_END.search(failure.message) is not None
    return False


def _said(when: str, failure: Failure | None, run: Run | None) -> str:
    if failure is None:
        return f"it did not end {when}" if run is not None and run.stopped else f"it does not run {when}"
    line = f" on line {failure.frame.line}" if failure.frame is not None else ""
    return f"it raises {failure.kind}{line} {when}: {failure.message}"[:260]
