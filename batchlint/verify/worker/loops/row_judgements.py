"""What the rows that were visited say of a finding: one function a rule."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.variants import Variant
from batchlint.verify.worker.loops.visits import Visit, cut_sources, visit_of

CHECK = "row counting"
PROBES = (1_000, 20_000, 200_000)
"""Rows tried until batches are smaller than the data."""
FEW = 40
"""Rows where each may be read many times."""


def outcome(site: Site, status: Status, detail: str, runs: Sequence[BatchOutcome] = ()) -> CheckOutcome:
    """The answer about the finding at *site*."""
    return CheckOutcome(CHECK, status, detail, tuple(runs), findings=(site.flagged.number,))


def _batch_size(program: Program, site: Site, run: Run) -> int | None:
    """How many rows the code takes at a time."""
    for value in program.seen(run, site, "size"):
        if isinstance(value, int) and not isinstance(value, bool) and value > 1:
            return value
    visit = visit_of(program, site, run)
    if visit is not None:
        sizes = Counter(ids.size for ids in visit.batches if 1 < ids.size < visit.rows)
        if sizes:
            return sizes.most_common(1)[0][0]
    own = [size for size in run.world.batch_sizes if size > 1]
    return own[0] if len(own) == 1 else (run.world.batch_size if not own else None)


def _sized(program: Program, site: Site, variant: Variant) -> int | None:
    """The batch size, from runs with more and more rows."""
    for rows in PROBES:
        run = variant.run(rows)
        size = _batch_size(program, site, run)
        if size is not None and size < rows:
            return size
        if run.error is not None:
            return None
    return None


def _visits(
    program: Program, site: Site, variant: Variant, sizes: Sequence[int]
) -> tuple[list[tuple[Run, Visit | None]], list[BatchOutcome]]:
    found, outcomes = [], []
    for rows in sizes:
        run = variant.run(rows)
        visit = visit_of(program, site, run) if run.error is None else None
        found.append((run, visit))
        status = Status.PASSED if visit is not None else Status.UNDECIDED
        detail = "" if visit is None else _counted(visit)
        outcomes.append(BatchOutcome(rows, status, f"{rows} rows", detail=detail))
    return found, outcomes


def _counted(visit: Visit) -> str:
    number = len(visit.batches)
    return f"{visit.rows - visit.missing} of {visit.rows} rows in {number} batch{'es' * (number != 1)}"


def _tail(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ302: rows are lost where, and only where, the batch size does not divide them."""
    size = _sized(program, site, variant)
    if size is None:
        return outcome(site, Status.UNDECIDED, "the batch size of the loop could not be told")
    rest = size // 2 + 1
    sizes = [4 * size, 4 * size + rest, 6 * size + size - 1] if size > 2 else [4 * size, 4 * size + 1]
    found, outcomes = _visits(program, site, variant, sizes)
    if any(visit is None for _, visit in found):
        return outcome(site, Status.UNDECIDED, "no rows were seen to be cut", outcomes)
    visits = [visit for _, visit in found if visit is not None]
    if any(visit.rows != rows for visit, rows in zip(visits, sizes)):
        return outcome(site, Status.UNDECIDED, "the rows of the data could not be varied", outcomes)
    control, *others = visits
    if control.missing:
        what = f"{control.missing} of {control.rows} rows are left out even where {size} divides them"
        return outcome(site, Status.UNDECIDED, what, outcomes)
    if all(visit.missing == visit.rows % size for visit in others):
        last = others[0]
        what = (
            f"with {last.rows} rows in batches of {size}, {last.missing} rows are never visited; "
            f"with {control.rows} all of them are"
        )
        return outcome(site, Status.FAILED, what, _failed(outcomes, sizes[1:]))
    if all(visit.missing == 0 for visit in others):
        what = f"all rows are visited, with {sizes[0]} rows and with {sizes[1]}, in batches of {size}"
        return outcome(site, Status.PASSED, what, outcomes)
    return outcome(site, Status.UNDECIDED, "the rows that are left out follow no batch size", outcomes)


def _failed(outcomes: Sequence[BatchOutcome], sizes: Sequence[int]) -> list[BatchOutcome]:
    return [
        BatchOutcome(each.batch_size, Status.FAILED, each.variation, detail=each.detail)
        if each.batch_size in sizes
        else each
        for each in outcomes
    ]


def _last(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ304: a full batch is lost where the batch size divides the rows."""
    size = _sized(program, site, variant)
    if size is None:
        return outcome(site, Status.UNDECIDED, "the batch size of the loop could not be told")
    sizes = [4 * size, 7 * size]
    found, outcomes = _visits(program, site, variant, sizes)
    visits = [visit for _, visit in found if visit is not None]
    if len(visits) < len(sizes) or any(visit.rows != rows for visit, rows in zip(visits, sizes)):
        return outcome(site, Status.UNDECIDED, "no rows were seen to be cut", outcomes)
    if all(visit.missing == size for visit in visits):
        what = f"with {sizes[0]} rows in batches of {size}, the last {size} rows are never visited"
        return outcome(site, Status.FAILED, what, _failed(outcomes, sizes))
    if all(visit.missing == 0 for visit in visits):
        return outcome(site, Status.PASSED, f"all of {sizes[0]} rows are visited in batches of {size}", outcomes)
    return outcome(site, Status.UNDECIDED, "the rows that are left out are no batch", outcomes)


def _empty(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ305: a batch without rows is used where the batch size divides the rows."""
    size = _sized(program, site, variant)
    if size is None:
        return outcome(site, Status.UNDECIDED, "the batch size of the loop could not be told")
    sizes = [4 * size + size // 2, 4 * size, 7 * size]
    runs: list[tuple[Run, Visit | None]] = []
    outcomes: list[BatchOutcome] = []
    for rows in sizes:
        run = variant.run(rows)
        visit = visit_of(program, site, run)
        runs.append((run, visit))
        empty = 0 if visit is None else visit.empty
        outcomes.append(
            BatchOutcome(
                rows,
                Status.PASSED,
                f"{rows} rows",
                detail=f"{empty} empty batches, used {len(run.world.empty_used)} times",
            )
        )
    control, *others = runs
    if control[0].error is not None or control[1] is None or control[1].rows != sizes[0]:
        return outcome(site, Status.UNDECIDED, "the loop did not run where no batch is empty", outcomes)
    if control[0].world.empty_used:
        return outcome(
            site, Status.UNDECIDED, "batches are empty even where the batch size does not divide the rows", outcomes
        )
    if all(run.world.empty_used and visit is not None and visit.empty for run, visit in others):
        place = others[0][0].world.empty_used[0]
        what = f"with {sizes[1]} rows in batches of {size}, the last batch has no rows and is used on line {place.line}"
        raised = others[0][0].error
        if raised is not None:
            what += f", which raises {type(raised).__name__}"
        return outcome(site, Status.FAILED, what, _failed(outcomes, sizes[1:]))
    if all(run.error is None and not run.world.empty_used for run, _ in others):
        return outcome(site, Status.PASSED, f"no batch without rows is used with {sizes[1]} rows", outcomes)
    return outcome(site, Status.UNDECIDED, "the loop did not run where the batch size divides the rows", outcomes)


def _by_hand(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ301: the batches are those of a loader over the rows in the order in which they are visited."""
    size = _sized(program, site, variant)
    if size is None:
        return outcome(site, Status.UNDECIDED, "the batch size of the loop could not be told")
    sizes = [4 * size, 4 * size + size // 2] if size > 1 else [8]
    found, outcomes = _visits(program, site, variant, sizes)
    if any(visit is None or visit.rows != rows for (_, visit), rows in zip(found, sizes)):
        return outcome(site, Status.UNDECIDED, "no rows were seen to be cut", outcomes)
    answers = []
    for (run, visit), rows in zip(found, sizes):
        visits: list[Visit | None] = [each for each in cut_sources(program, site, run) if each.rows == rows]
        visits = visits or [visit]
        answers.append(next((kind for each in visits if each is not None and (kind := _as_loader(each, size))), None))
    if all(answer is not None for answer in answers):
        drops = any(answer == "drop_last" for answer in answers)
        what = (
            f"`{framework().loader_code(size, drops)}` gives the same rows in the "
            f"same batches, with {sizes[0]} rows and with {sizes[-1]}"
        )
        return outcome(site, Status.FAILED, what, outcomes)
    guessed = any(run.world.guessed_size and run.world.batch_sizes - {program.batch_size} for run, _ in found)
    if not guessed and all(visit is not None and visit.repeated for _, visit in found):
        return outcome(
            site, Status.PASSED, "the loop takes rows more than once: no loader gives these batches", outcomes
        )
    return outcome(site, Status.UNDECIDED, "the batches are not those of a loader over all rows", outcomes)


def _as_loader(visit: Visit, size: int) -> str | None:
    """How a loader gives the same batches: ``plain``, with ``drop_last``, or ``None``."""
    batches = [ids for ids in visit.batches if ids.size]
    if not batches or visit.repeated:
        return None
    order = np.concatenate(batches)
    expected = framework().batched(order, size)
    if len(expected) != len(batches) or not all(map(np.array_equal, expected, batches)):
        return None
    if visit.missing == 0:
        return "plain"
    return "drop_last" if visit.missing == visit.rows % size and order.size % size == 0 else None


def _reads(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ303: the reads of a row grow with the number of batches, or with the number of walks that are asked for."""
    size = _batch_size(program, site, variant.run(FEW)) or variant.batch_size
    if size > 256:
        return outcome(site, Status.UNDECIDED, f"batches of {size} rows are too large to count the reads")
    most: list[int] = []
    outcomes: list[BatchOutcome] = []
    sizes = [4 * size, 8 * size, 8 * size]
    for rows, number in zip(sizes, (2, 2, 5)):
        run = variant.run(rows, number=number)
        if run.error is not None:
            return outcome(site, Status.UNDECIDED, _ended(run), outcomes)
        counts: Counter[tuple[int, int]] = Counter()
        for read in run.world.reads:
            if read.kind in ("walk", "item") or not read.whole:
                counts.update((read.source, int(row)) for row in read.ids)
        most.append(max(counts.values(), default=0))
        detail = f"a row is read up to {most[-1]} times"
        outcomes.append(BatchOutcome(rows, Status.PASSED, f"{rows} rows, {number} rounds", detail=detail))
    fewer, more, rounds = most
    if more > fewer >= 2:
        what = (
            f"in batches of {size}, a row is read {fewer} times with {sizes[0]} rows and {more} times with {sizes[1]}"
        )
        return outcome(site, Status.FAILED, what, _failed(outcomes, sizes))
    if rounds > more >= 2:
        what = f"each round reads from the start again: a row is read {more} times in 2 rounds and {rounds} times in 5"
        return outcome(site, Status.FAILED, what, _failed(outcomes, sizes))
    if rounds == more == fewer > 0:
        what = f"a row is read {fewer} time{'s' * (fewer > 1)} at most, with {sizes[0]} rows and with {sizes[1]}"
        return outcome(site, Status.PASSED, what, outcomes)
    return outcome(site, Status.UNDECIDED, "the reads of the rows could not be counted", outcomes)


def _drops(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ306: the loader gives fewer rows than there are."""
    lost: tuple[int, int, int, int] | None = None
    outcomes: list[BatchOutcome] = []
    kept = 0
    for rows in (1_000, 1_003, 2_111, 20_011):
        run = variant.run(rows)
        loaders = _loaders(site, run)
        if run.error is not None and not loaders:
            return outcome(site, Status.UNDECIDED, _ended(run), outcomes)
        for loader in loaders:
            there, given = loader.order().size, sum(ids.size for ids in loader.batches())
            outcomes.append(BatchOutcome(rows, Status.PASSED, f"{rows} rows", detail=f"{given} of {there} rows"))
            if given < there:
                if lost is None or lost[1] == 0:
                    lost = (there, given, loader.batch_size, rows)
            else:
                kept += 1
    if lost is not None:
        there, given, size, rows = lost
        what = f"with {there} rows and batches of {size}, the loader gives {given}: {there - given} are never evaluated"
        return outcome(site, Status.FAILED, what, _failed(outcomes, [rows]))
    if kept >= 3:
        return outcome(site, Status.PASSED, "the loader gives every row", outcomes)
    return outcome(site, Status.UNDECIDED, "no loader was built with the flagged argument", outcomes)


def _loaders(site: Site, run: Run) -> list[RowLoader]:
    first, last = site.statement.lineno, site.statement.end_lineno or 0
    there = [each.loader for each in run.world.built if first <= each.place.line <= last]
    if not there:
        lines = set(site.flagged.note_lines)
        there = [each.loader for each in run.world.built if each.place.line in lines]
    if not there and isinstance(site.statement, ast.Assign):
        there = [each.loader for each in run.world.built if each.place.line > last]
    return there


def _ended(run: Run) -> str:
    return f"the run ended with {type(run.error).__name__}: {run.error}"[:200]


Judge = Callable[[Program, Site, Variant], CheckOutcome]

JUDGES: dict[str, Judge] = {
    "BSZ301": _by_hand,
    "BSZ302": _tail,
    "BSZ303": _reads,
    "BSZ304": _last,
    "BSZ305": _empty,
    "BSZ306": _drops,
}
