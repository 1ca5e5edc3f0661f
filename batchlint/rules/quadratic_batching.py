"""BSZ303: each batch walks the whole dataset again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics import rereading
from batchlint.semantics.advice import uses_tensorflow
from batchlint.semantics.batching import loop_of, sliced_by_hand, step_of
from batchlint.semantics.observations import COMPREHENSION, LOOP, SKIP, SLICE
from batchlint.semantics.values import Integer

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report

_ISLICE = "itertools.islice"


class QuadraticBatching(Rule):
    """Each batch walks the dataset from the start again to pick its few samples.

    Example:
        import torch

        def train(step, dataset, batch_size):
            for b in range(len(dataset) // batch_size):
                low, high = b * batch_size, (b + 1) * batch_size
                batch = [sample for i, sample in enumerate(dataset) if low <= i < high]
                step(torch.stack(batch))

    Instead:
        import torch
        from torch.utils.data import DataLoader

        def train(step, dataset, batch_size):
            for batch in DataLoader(dataset, batch_size=batch_size):
                step(batch)

    Why:
        An epoch loads and transforms ``n`` samples for each of its batches: ``n * n / batch_size`` reads in place of
        ``n``. Where the dataset shuffles itself or augments, each walk sees another order: samples are drawn twice and
        others not at all.

    Silent when:
        The walk happens once, its bounds do not move with an enclosing loop, or an iterator goes on from where it
        stands.

    Proof:
        Counts the reads of an epoch.

    Fix:
        Unsafe: a ``DataLoader``, or ``Subset(dataset, range(low, high))``; ``dataset.batch(...)`` for a pipeline.
    """

    code = "BSZ303"
    name = "quadratic-batching"
    severity = Severity.ERROR
    observes = (COMPREHENSION, LOOP, SLICE, SKIP, _ISLICE)
    candidates = ("enumeration", "skipping")
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the walk."""
        if observation.operation == SLICE:
            found = None if sliced_by_hand(observation) is None else rereading.copies_all(observation.node)
        elif observation.operation == _ISLICE:
            found = _skipped(observation)
        elif observation.operation == SKIP:
            found = _skips_in_pipeline(observation)
        else:
            found = rereading.rereads(observation.node, observation.context)
        if found is not None:
            report(
                observation.node,
                f"each batch reads `{found}` from the start again: n reads for every batch, and with shuffling samples "
                f"are drawn twice and others never; {_remedy(observation)}",
                notes=_loop_note(observation),
            )


def _skipped(observation: Observation) -> str | None:
    """What ``islice`` skips through, where the number of items to skip grows with a loop."""
    positional = observation.positional
    if len(positional) < 3 or not isinstance(positional[1], Integer):
        return None
    if loop_of(positional[1].dimension, observation.context.loops) is None:
        return None
    return rereading.skips_again(observation.node)


def _skips_in_pipeline(observation: Observation) -> str | None:
    """The pipeline of ``dataset.skip(i * batch_size).take(batch_size)``, which starts anew for each round of a loop."""
    count = observation.argument("count")
    loop = loop_of(count.dimension, observation.context.loops) if isinstance(count, Integer) else None
    if loop is None or not isinstance(count, Integer) or step_of(count.dimension, loop) is None:
        # Folds of a cross-validation are no batches.
        return None
    return rereading.takes_after_skipping(observation.node, observation.context)


def _remedy(observation: Observation) -> str:
    if observation.operation == SKIP or uses_tensorflow(observation.context.frameworks):
        return "let `.batch(...)` cut the batches, in one walk"
    return "let a `DataLoader` cut the batches"


def _loop_note(observation: Observation) -> tuple[tuple[str, Any], ...]:
    loops = observation.context.loops
    return (("for each round of this loop", loops[-1].node),) if loops else ()
