"""BSZ205: a loop over a fixed batch indexes rows that may not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.fixed_batch import FIRST_BATCH, describe, fixed_symbols, never_short, number_of
from batchlint.semantics.observations import INDEX
from batchlint.semantics.sizes import is_rows
from batchlint.semantics.values import Integer, OriginKind, Range, Sequence, Source, Tensor
from batchlint.shapes.dimension import Role, has_role

if TYPE_CHECKING:
    from batchlint.semantics.observations import Context, LoopContext, Observation, Report


class FixedBatchLoop(Rule):
    """A loop runs over a fixed batch and indexes the rows of a batch that may be shorter.

    Example:
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        batch_size = 4

        def evaluate(model, dataset):
            loader = DataLoader(dataset, batch_size=batch_size)
            correct = [0] * 10
            for images, labels in loader:
                predicted = model(images).argmax(1)
                for i in range(batch_size):
                    label = labels[i]
                    correct[label] += int(predicted[i] == label)
            return correct

    Instead:
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        batch_size = 4

        def evaluate(model, dataset):
            loader = DataLoader(dataset, batch_size=batch_size)
            correct = [0] * 10
            for images, labels in loader:
                predicted = model(images).argmax(1)
                for i in range(labels.size(0)):
                    label = labels[i]
                    correct[label] += int(predicted[i] == label)
            return correct

    Why:
        On the short last batch the index runs past the end and raises ``IndexError``; after somebody raises the
        loader's batch size alone, the rows beyond the number are silently ignored.

    Silent when:
        The bound is read from the batch (``size(0)``, ``len``), the rows are those of the first batch only, or the
        tensor has that many rows by construction.

    Proof:
        Runs the loop on a batch that is one short: it raises.

    Fix:
        Safe: ``range(labels.size(0))``, ``range(len(labels))``, ``tf.range(tf.shape(labels)[0])``.
    """

    code = "BSZ205"
    name = "fixed-batch-loop"
    severity = Severity.WARNING
    observes = (INDEX,)
    candidates = ("range loop",)
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the loop whose counter indexes real rows."""
        tensor = observation.arguments["receiver"]
        items = observation.arguments["items"]
        if not isinstance(tensor, Tensor) or not isinstance(items, Sequence) or not items.items:
            return
        index = items.items[0]
        if not isinstance(index, Integer) or index.origin is None or index.origin.kind is not OriginKind.LOOP:
            return
        counted = index.origin.subject
        if not isinstance(counted, Range) or not tensor.shape.leading or not is_rows(tensor.shape.leading[0]):
            return
        loop = _loop_of(observation.context.loops, counted)
        stop = counted.stop
        if loop is None or FIRST_BATCH in observation.context.guards or has_role(stop.dimension, Role.BATCH):
            return
        context = observation.context
        latent = bool(context.guards) or never_short(tensor, context)
        symbols = fixed_symbols((stop.dimension,))
        if symbols:
            where, notes = describe(symbols, observation.origins)
            number = f"{number_of(symbols)} ({where})"
        else:
            literal = stop.origin is not None and stop.origin.kind in (OriginKind.LITERAL, OriginKind.CONSTANT)
            if not literal or not isinstance(stop.dimension, int) or stop.dimension < 2:
                return
            if Source.LOADER not in tensor.sources:
                return
            number, notes = str(stop.dimension), ()
        report(
            loop.node,
            f"this loop counts to {number} and indexes rows of a batch that may have fewer: a shorter last batch "
            f"raises; loop over the rows that are there, e.g. `{_rows_that_are_there(observation, tensor)}`",
            shape=f"the tensor is {tensor.shape} here",
            latent=latent,
            notes=(*notes, ("a row is indexed here", observation.node)),
        )


def _rows_that_are_there(observation: Observation, tensor: Tensor) -> str:
    """The loop that is meant, in the words of the framework at hand."""
    context = observation.context
    if tensor.array or ("tensorflow" in context.frameworks and not context.in_module):
        return "range(len(x))"
    return "tf.range(tf.shape(x)[0])" if _is_tensorflow(context) else "range(x.size(0))"


def _is_tensorflow(context: Context) -> bool:
    return "tensorflow" in context.frameworks and "torch" not in context.frameworks


def _loop_of(loops: tuple[LoopContext, ...], counted: Range) -> LoopContext | None:
    return next((loop for loop in reversed(loops) if loop.iterable is counted), None)
