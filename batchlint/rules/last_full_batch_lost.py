"""BSZ304: the bounds of the batches stop one batch early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics import syntax
from batchlint.semantics.batching import Batches, Extent, batches_in, zipped_bounds
from batchlint.semantics.evaluation import is_reshuffled
from batchlint.semantics.observations import COMPREHENSION, LOOP, SLICE

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class LastFullBatchLost(Rule):
    """The bounds of the batches stop one batch early: rows are lost even where the batch size divides them.

    Example:
        import numpy as np
        import torch

        def train(step, images, labels, batch_size):
            n = len(images)
            for start, end in zip(range(0, n, batch_size), range(batch_size, n, batch_size)):
                step(torch.from_numpy(images[start:end]), torch.from_numpy(labels[start:end]))

    Instead:
        import numpy as np
        import torch

        def train(step, images, labels, batch_size):
            for start in range(0, len(images), batch_size):
                end = start + batch_size
                step(torch.from_numpy(images[start:end]), torch.from_numpy(labels[start:end]))

    Why:
        ``range`` leaves its end out. Where the batch size divides ``n``, ``range(batch_size, n, batch_size)`` does not
        reach ``n`` and ``zip`` stops with it; ``range(0, n - batch_size, batch_size)`` never starts the last batch. The
        last full batch is lost in each epoch, and the shorter rest with it where there is one.

    Silent when:
        The end is ``n + 1`` (then only the shorter rest is lost: BSZ302), the rows up to the end are taken after the
        loop, or what is cut is not a batch of rows. Where the rows are reshuffled for each epoch of training, it is
        told as info.

    Proof:
        Counts the rows that the loop visits when the batch size divides them.

    Fix:
        Safe: ``range(0, n, batch_size)`` with ``start + batch_size`` as the end.
    """

    code = "BSZ304"
    name = "last-full-batch-lost"
    severity = Severity.WARNING
    observes = ("builtins.zip", SLICE, LOOP, COMPREHENSION)
    candidates = ("counted batches", "zipped ranges")
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the ranges that end too early."""
        scope = observation.context.scope
        if observation.operation == "builtins.zip":
            batches = zipped_bounds(observation.positional)
            if batches is None or batches.extent is not Extent.LESS or syntax.minds_the_tail(scope):
                return
            if not syntax.goes_on_with(scope, observation.node):
                report(observation.node, _message(batches, "these ranges end"))
            return
        found = batches_in(observation)
        if found is None or found[1].extent is not Extent.LESS or observation.context.guards:
            return
        loop, batches = found
        if not syntax.minds_the_tail(scope):
            report(
                loop.context.node,
                _message(batches, "this range ends"),
                severity=Severity.INFO if is_reshuffled(observation.context) else Severity.WARNING,
                notes=(("the batches are cut here", observation.node),),
            )


def _message(batches: Batches, what: str) -> str:
    return (
        f"{what} before the last batch: its rows are lost also where {batches.size_name} divides {batches.rows_name}; "
        f"step through all rows, `range(0, {batches.rows_name}, {batches.size_name})`"
    )
