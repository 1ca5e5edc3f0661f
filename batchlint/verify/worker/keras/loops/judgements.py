"""What the rows of ``tf.data`` pipelines and of sequences say of a finding: one function a rule."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.keras.loops.allocations import Allocated
from batchlint.verify.worker.keras.loops.pipelines import RowPipeline
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.row_judgements import JUDGES, outcome
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.variants import Variant, candidates, describe_error, executed

MEMBERSHIP = "batch membership"
EPOCHS = 4
"""Passes over a pipeline that are compared."""
EPOCHS_OF_FIT = 3
"""Epochs of training on a sequence."""
BATCHES = 6
"""Batches of a full pass: enough that a shuffle that changes their rows cannot leave all of them by chance."""


def same_batches(program: Program, site: Site) -> CheckOutcome:
    """BSZ307: whether the batches of a shuffled pipeline hold the same rows in every epoch."""
    return replace(_same_batches(program, site), check=MEMBERSHIP)


def _same_batches(program: Program, site: Site) -> CheckOutcome:
    best: CheckOutcome | None = None
    for variant in executed(program, site, 40, (), rows_first=False):
        run = variant.run(40)
        size = max((each for each in run.world.batch_sizes if each > 1), default=variant.batch_size)
        rows = BATCHES * size + size // 2
        run = variant.run(rows)
        pipelines = [each for each in program.seen(run, site) if isinstance(each, RowPipeline)]
        if not pipelines:
            found = outcome(site, Status.UNDECIDED, "the flagged expression is no pipeline that could be followed")
        else:
            found = _memberships(site, pipelines[0], rows)
        if found.status is not Status.UNDECIDED:
            return found
        best = best or found
    return best or outcome(site, Status.UNDECIDED, describe_error(program, site, (), 40))


def _memberships(site: Site, pipeline: RowPipeline, rows: int) -> CheckOutcome:
    if not pipeline.batched:
        pipeline = pipeline.batch(pipeline.world.batch_size)
    count = -(-rows // max(1, pipeline.batch_size))
    epochs = [list(itertools.islice(pipeline.each_batch(), count)) for _ in range(EPOCHS)]
    sets = [frozenset(frozenset(ids.tolist()) for ids in batches) for batches in epochs]
    orders = {tuple(tuple(ids.tolist()) for ids in batches) for batches in epochs}
    size = max((ids.size for ids in epochs[0]), default=0)
    runs = [
        BatchOutcome(size, Status.PASSED, f"epoch {number + 1}", detail=f"{len(batches)} batches, {rows} rows")
        for number, batches in enumerate(epochs)
    ]
    if len(epochs[0]) < 2 or size < 2:
        return outcome(site, Status.UNDECIDED, "the pipeline gives too few batches to compare", runs)
    if len(orders) == 1:
        return outcome(site, Status.UNDECIDED, "every epoch is the same: nothing is shuffled", runs)
    if len(set(sets)) == 1:
        what = (
            f"{rows} rows in batches of {size}: in {EPOCHS} epochs the order of the batches changes, but the same rows "
            f"are together in each of them"
        )
        failed = [BatchOutcome(each.batch_size, Status.FAILED, each.variation, detail=each.detail) for each in runs]
        return outcome(site, Status.FAILED, what, failed)
    what = f"{rows} rows in batches of {size}: which rows are together changes from epoch to epoch"
    return outcome(site, Status.PASSED, what, runs)


def reads(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ303: a row of a pipeline is drawn as often as there are batches."""
    first = variant.run(40)
    size = max((each for each in first.world.batch_sizes if each > 1), default=variant.batch_size)
    if size > 256:
        return outcome(site, Status.UNDECIDED, f"batches of {size} rows are too large to count the reads")
    told = any(each > 1 for each in first.world.batch_sizes) or first.world.guessed_size
    sizes = [4 * size, 8 * size] if told else [256, 512]
    most, outcomes, anywhere = [], [], []
    for rows in sizes:
        world = variant.world(rows)
        world.counts = True
        run = program.run(world, site)
        if not world.drawn:
            return _plain_reads(program, site, variant)
        by_row: Counter[int] = Counter()
        for (_, row), count in world.drawn.items():
            by_row[row] += count
        anywhere.append(max(by_row.values()))
        if run.error is not None:
            return outcome(site, Status.UNDECIDED, f"the run ended with {type(run.error).__name__}: {run.error}"[:200])
        most.append(max(run.world.drawn.values(), default=0))
        outcomes.append(
            BatchOutcome(rows, Status.PASSED, f"{rows} rows", detail=f"a row is drawn up to {most[-1]} times")
        )
    fewer, more = most
    if more > fewer >= 2:
        what = f"a row is drawn {fewer} times with {sizes[0]} rows and {more} times with {sizes[1]}"
        failed = [BatchOutcome(each.batch_size, Status.FAILED, each.variation, detail=each.detail) for each in outcomes]
        return outcome(site, Status.FAILED, what, failed)
    if told and fewer == more == 1 and len(set(anywhere)) == 1:
        what = f"a row is drawn once, with {sizes[0]} rows and with {sizes[1]}"
        return outcome(site, Status.PASSED, what, outcomes)
    if fewer == more >= 2:
        # The file makes its own rows: the number of batches is varied instead.
        drawn = []
        for forced in (size, max(1, size // 2)):
            world = variant.world(sizes[0], forced=forced)
            world.counts = True
            if program.run(world, site).error is None:
                drawn.append(max(world.drawn.values(), default=0))
        if len(drawn) == 2 and drawn[1] > drawn[0] >= 2:
            what = (
                f"a row is drawn {drawn[0]} times in batches of {size} and {drawn[1]} times in batches of {size // 2}"
            )
            failed = [BatchOutcome(each, Status.FAILED, "batches of so many rows") for each in (size, size // 2)]
            return outcome(site, Status.FAILED, what, failed)
    what = f"a row is drawn {fewer} times with {sizes[0]} rows and {more} times with {sizes[1]}"
    return outcome(site, Status.UNDECIDED, what, outcomes)


def by_hand(program: Program, site: Site, variant: Variant) -> CheckOutcome:
    """BSZ301: as for any loop; one over the batches of a pipeline cuts nothing by hand."""
    found = _plain_by_hand(program, site, variant)
    if found.status is not Status.UNDECIDED:
        return found
    run = variant.run(40)
    walked = [each for each in run.world.built if each.loader.walks]
    if run.error is None and walked and not any(each.kind != "walk" for each in run.world.reads):
        sizes = sorted({ids.size for each in walked for ids in each.loader.batches()})
        runs = [BatchOutcome(each, Status.PASSED) for each in sizes]
        return outcome(site, Status.PASSED, "the batches come from a pipeline: no rows are cut by hand", runs)
    return found


_plain_by_hand = JUDGES["BSZ301"]
_plain_reads = JUDGES["BSZ303"]


def delivered_rows(program: Program, site: Site) -> CheckOutcome:
    """BSZ208: two epochs of a sequence whose rows the batch size does not divide."""
    reason = ""
    for variant in list(candidates(program, site, (), True))[:4]:
        run = variant.run(40)
        size = _own_size(run) or variant.batch_size
        rows = 3 * size + max(1, size // 2)
        run = program.run_with(variant.world(rows), site, _epochs_of_fit)
        if run.error is not None:
            reason = reason or f"it could not be run with stand-ins: {type(run.error).__name__}: {run.error}"[:300]
            continue
        found = _compared(site, run.results, size, rows)
        if found is not None:
            return found
        reason = reason or "no batches were seen"
    return outcome(site, Status.UNDECIDED, reason or "the sequence could not be made")


def _own_size(run: Run) -> int | None:
    own = [each for each in run.world.batch_sizes if each > 1]
    return own[0] if len(own) == 1 else None


def _epochs_of_fit(instance: Any) -> Iterator[tuple[int, int, int]]:
    """Epoch, rows and garbage rows of each batch that Keras itself trains on."""
    seen: list[tuple[int, int, int]] = []

    class Watched(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(instance)

        def __getitem__(self, index: int) -> Any:
            count, garbage = _counted(instance[index])
            marks = np.zeros((count, 1), np.float32)
            marks[:garbage] = 1.0
            return marks, np.zeros((count, 1), np.float32)

        def on_epoch_end(self) -> None:
            if hasattr(type(instance), "on_epoch_end"):
                instance.on_epoch_end()

    class Model(keras.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

        def train_step(self, data: Any) -> Any:
            marks = np.asarray(data[0])
            seen.append((epoch.number, len(marks), int(marks.sum())))
            return {"loss": 0.0}

    class Epoch(keras.callbacks.Callback):  # type: ignore[misc]
        number = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.number = epoch

    epoch, model = Epoch(), Model()
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    model.fit(Watched(), epochs=EPOCHS_OF_FIT, verbose=0, shuffle=False, callbacks=[epoch])
    yield from seen


def _counted(batch: Any) -> tuple[int, int]:
    """Rows of a batch, and those that nothing was written to.

    Raises:
        LookupError: the rows cannot be told.
    """
    parts = list(batch) if isinstance(batch, tuple | list) else [batch]
    garbage = max((len(each.garbage()) for each in parts if isinstance(each, Allocated)), default=0)
    for each in parts:
        if isinstance(each, np.ndarray) and each.ndim:
            return len(each), garbage
        if isinstance(each, StandIn) and each._bl_known():
            return int(each._bl_rows().size), garbage
    raise LookupError("the rows of a batch could not be told")


def _compared(site: Site, results: Sequence[tuple[int, int, int]], size: int, rows: int) -> CheckOutcome | None:
    given: Counter[int] = Counter()
    garbage: Counter[int] = Counter()
    batches: Counter[int] = Counter()
    for epoch, count, unwritten in results:
        given[epoch] += count
        batches[epoch] += 1
        garbage[epoch] += unwritten
    if len(given) < EPOCHS_OF_FIT:
        return None
    runs = [
        BatchOutcome(
            size, Status.PASSED, f"epoch {epoch + 1}", detail=f"{given[epoch]} rows in {batches[epoch]} batches"
        )
        for epoch in sorted(given)
    ]
    failed = [BatchOutcome(each.batch_size, Status.FAILED, each.variation, detail=each.detail) for each in runs]
    first, last = given[0], given[EPOCHS_OF_FIT - 1]
    where = f"{rows} rows in batches of {size}, with `fit` of Keras {keras.__version__}"
    if garbage[0]:
        what = f"{where}: an epoch trains on {first} rows, {garbage[0]} of which nothing was ever written to"
        return outcome(site, Status.FAILED, what, failed)
    if first > rows:
        return outcome(site, Status.FAILED, f"{where}: an epoch trains on {first} rows", failed)
    if last < first:
        what = f"{where}: the first epoch trains on {first} rows, the last on {last}"
        return outcome(site, Status.FAILED, what, failed)
    if all(count == rows for count in given.values()) and len(set(batches.values())) == 1:
        what = f"{where}: each of {EPOCHS_OF_FIT} epochs trains on all of them, and on nothing else"
        return outcome(site, Status.PASSED, what, runs)
    what = f"{where}: an epoch trains on {first} of them, none of which is garbage"
    return outcome(site, Status.UNDECIDED, what, runs)


def values_to_keep(tree: ast.Module, site: Site) -> dict[str, ast.AST]:
    """What a flagged statement gives back."""
    if isinstance(site.node, ast.Return | ast.Expr) and site.node.value is not None:
        return {"": site.node.value}
    return {}
