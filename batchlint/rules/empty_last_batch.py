"""BSZ305: one batch more than the floor division is empty where the batch size divides the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics import syntax
from batchlint.semantics.batching import Extent, batches_in
from batchlint.semantics.observations import COMPREHENSION, LOOP, SLICE

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class EmptyLastBatch(Rule):
    """``n // batch_size + 1`` batches: the last one is empty where the batch size divides ``n``.

    Example:
        import torch

        def evaluate(model, loss_function, images, labels, batch_size):
            losses = []
            for i in range(len(images) // batch_size + 1):
                rows = slice(i * batch_size, (i + 1) * batch_size)
                losses.append(loss_function(model(images[rows]), labels[rows]).item())
            return sum(losses) / len(losses)

    Instead:
        import torch

        def evaluate(model, loss_function, images, labels, batch_size):
            losses = []
            for i in range((len(images) - 1) // batch_size + 1):
                rows = slice(i * batch_size, (i + 1) * batch_size)
                losses.append(loss_function(model(images[rows]), labels[rows]).item())
            return sum(losses) / len(losses)

    Why:
        Where the batch size divides the rows, the floor division alone counts all batches and the one that is added has
        no rows: a mean over it is NaN, and layers and ``stack`` may refuse it.

    Silent when:
        The count is a ceiling, ``(n - 1) // batch_size + 1``; the loop looks whether the batch has rows, or leaves or
        skips a round; the number of rows is known and not divisible (then latent).

    Proof:
        Counts the batches when the batch size divides the rows, and says what the empty one does.

    Fix:
        Safe: ``(n - 1) // batch_size + 1``.
    """

    code = "BSZ305"
    name = "empty-last-batch"
    severity = Severity.WARNING
    observes = (SLICE, LOOP, COMPREHENSION)
    candidates = ("counted batches",)
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the count that is one too high."""
        found = batches_in(observation)
        if found is None or found[1].extent is not Extent.MORE:
            return
        loop, batches = found
        context = observation.context
        if context.guards or syntax.leaves_or_skips(loop.context.node):
            return
        if syntax.decides(context.scope) and not syntax.holds(context.scope, loop.context.node):
            # The batch is cut in a function that the loop calls, and that looks at something first.
            return
        rows, size = batches.rows_name, batches.size_name
        when = f"where {size} divides {rows}" if batches.tail is None else f"({batches.divides})"
        report(
            batches.written_at(observation.quotients, loop.context.node),
            f"one batch too many: the last batch is empty {when}; count with a ceiling, `({rows} - 1) // {size} + 1`",
            latent=bool(batches.tail),
            notes=(("the batches are cut here", observation.node),),
        )
