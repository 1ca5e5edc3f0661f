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

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Frame, Grade, Status
from batchlint.verify.worker.loops.driving import LABELS, PREDICTIONS, Program, Run
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.rewriting import Function, Site
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.variants import Variant, candidates
from batchlint.verify.worker.loops.world import Tensors
from batchlint.verify.worker.tracing import lines_run

CHECK = "crash at batch sizes"
MAXIMUM_TRIALS = 36
NO_DATA = "no data was found with which the loop runs"
NOT_MET = "it runs, but not where the flagged value meets the rows"
GUESSED = "the loop runs with short batches, but the shape of its data is a guess"
MAXIMUM_SECONDS = 4.0
MEETING = frozenset({"BSZ202", "BSZ203", "BSZ205", "BSZ401"})
"""Rules whose flagged value may meet the rows that came at another line, which a note names."""

_PAST_END = re.compile(r"out of (?:bounds|range)|index \d+ is out")


def samples_of(program: Program) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
    """Shapes of one sample worth a try, whether its values are whole numbers, and how sure the shape is."""
    return framework().samples(program.original)


def crash(program: Program, site: Site) -> CheckOutcome:
    """Run with full batches, then with a short last one, and look where it raises."""
    trials = 0
    began = time.perf_counter()
    reason = ""
    variants = [each for each in candidates(program, site, (), True) if each.loads_batches]
    for tensors, grade in _data(program, site):
        for variant in variants[:2]:
            trials += 1
            if trials > MAXIMUM_TRIALS or time.perf_counter() - began > MAXIMUM_SECONDS:
                return _outcome(site, Status.UNDECIDED, reason or NO_DATA, (), Grade.GUESSED)
            found, why = _ladder(program, site, variant, tensors, grade)
            # What went wrong after the loop had run with full batches says more than that other data did not fit.
            reason = why if not reason or ("short batch" in why and "short batch" not in reason) else reason
            if found is not None and not _met(program, site, variant, tensors, found):
                return _outcome(site, Status.UNDECIDED, NOT_MET, found.runs)
            if found is not None:
                return found if found.grade is not None else dataclasses.replace(found, grade=grade)
    return _outcome(site, Status.UNDECIDED, reason or NO_DATA, (), Grade.GUESSED)


def _data(program: Program, site: Site) -> Iterator[tuple[Tensors, Grade]]:
    """What data may look like, and how sure that is: a loss compares what a model of the file gives with labels."""
    if _is_loss(site):
        for width in framework().widths(program.original):
            for floats in (True, False):
                yield Tensors((width,), width, False, floats, max(2, width), (width,)), Grade.LAYER
    for sample, whole, grade in samples_of(program):
        for width, floats in ((10, False), (1, True), (1, False)):
            yield Tensors(sample, width, whole, floats, max(2, width)), grade


def _is_loss(site: Site) -> bool:
    """Whether the finding stands in a function, no method, of predictions and labels alone."""
    around = [each for each in site.parents if isinstance(each, ast.ClassDef | Function)]
    if len(around) != 1 or isinstance(around[0], ast.ClassDef):
        return False
    given = around[0].args
    needed = [*given.posonlyargs, *given.args][: len(given.posonlyargs) + len(given.args) - len(given.defaults)]
    predicted = [each.arg for each in needed if PREDICTIONS.search(each.arg)]
    labels = [each.arg for each in needed if each.arg not in predicted and LABELS.search(each.arg)]
    return len(needed) == 2 and len(predicted) == len(labels) == 1


def _met(program: Program, site: Site, variant: Variant, tensors: Tensors, found: CheckOutcome) -> bool:
    """Whether what refutes the finding ran the line where the flagged value meets the rows, if a note names one."""
    if found.status is not Status.PASSED or site.flagged.code not in MEETING or not site.flagged.note_lines:
        return True
    with lines_run(lambda filename: filename == program.path) as lines:
        variant.run(2 * program.batch_size, tensors=tensors)
    return site.flagged.note_lines[-1] in lines


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
        divided = _divided(program, site, variant, tensors, control, size) if not by_loader else None
        return divided, _said("with full batches", _failure(program, control), control)
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
    if failure is None and run.error is None and program.seen(run, site):
        return _fixed_and_runs(program, site, variant, tensors, rows, size)
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


def _fixed_and_runs(
    program: Program, site: Site, variant: Variant, tensors: Tensors, rows: int, size: int
) -> tuple[CheckOutcome | None, str]:
    """The answer where the file makes its data and its own short batch runs: batches that leave one row are tried."""
    outcomes = [BatchOutcome(rows % size, Status.PASSED, f"a last batch of {rows % size}")]
    for forced in [each for each in range(2, rows) if rows % each == 1][:2]:
        run = variant.run(rows, forced=forced, tensors=tensors)
        failure = _failure(program, run)
        if run.error is not None or not program.seen(run, site):
            return None, _said("with a last batch of one", failure, run)
        if all(each.loader.batch_size != forced for each in run.world.built if each.loader.walks):
            return None, "the batch size could not be varied"
        outcomes.append(BatchOutcome(1, Status.PASSED, f"batches of {forced}, a last one of 1"))
    if len(outcomes) < 2:
        return None, "the rows of the data could not be varied"
    what = f"runs with the file's own {rows} rows: with a last batch of {rows % size}, and with one of 1"
    return _outcome(site, Status.PASSED, what, outcomes, Grade.CODE), ""


def _divided(
    program: Program, site: Site, variant: Variant, tensors: Tensors, run: Run, size: int
) -> CheckOutcome | None:
    """The answer where the code cuts its own data: batches of its size raise, others that divide the data run."""
    failure = _failure(program, run)
    if failure is None or not _is_ours(site, failure) or str(size) not in re.findall(r"\d+", failure.message):
        return None
    for forced in (2, 4, 5, 8, 10, 16, 20, 25, 50):
        control = variant.run(size, forced=forced, tensors=tensors)
        if forced != size and control.error is None and program.seen(control, site):
            outcomes = [
                BatchOutcome(forced, Status.PASSED, "batches that divide the data"),
                BatchOutcome(size, Status.FAILED, "batches of its own size", failure),
            ]
            line = failure.frame.line if failure.frame is not None else site.flagged.line
            what = (
                f"the file's own data in batches of {size}: raises {failure.kind} on line {line}, "
                f"{failure.message[:160]!r}; batches of {forced}, which divide the data, run"
            )
            return _outcome(site, Status.FAILED, what, outcomes, Grade.CODE)
    return None


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
    return framework().failure(run.error, lambda filename: filename == program.path)


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
