"""BSZ501: batch means divided by the number of samples, or sums over samples by the number of batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import uses_tensorflow
from batchlint.semantics.fixed_batch import describe, fixed_symbols
from batchlint.semantics.observations import ACCUMULATE, DIVIDE
from batchlint.semantics.quantities import Count, count_of, one_at_a_time, quantity_of
from batchlint.semantics.values import Loader, QuantityKind

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report
    from batchlint.semantics.values import Quantity, Value

_SAMPLES = frozenset(
    {Count.SAMPLES, Count.WHOLE_DATASET, Count.FULL_BATCHES, Count.FULL_BATCHES_SO_FAR, Count.CONSTANTS}
)
_BATCHES = frozenset({Count.BATCHES, Count.BATCHES_SO_FAR})


class NormalisedTwice(Rule):
    """A metric is a mean over each batch and is then divided by the number of samples, or the other way round.

    Example:
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        def evaluate(model, dataset):
            loader = DataLoader(dataset, batch_size=64)
            criterion = nn.CrossEntropyLoss()
            total = 0.0
            with torch.no_grad():
                for images, labels in loader:
                    total += criterion(model(images), labels).item()
            return total / len(loader.dataset)

    Instead:
        import torch
        from torch import nn
        from torch.utils.data import DataLoader

        def evaluate(model, dataset):
            loader = DataLoader(dataset, batch_size=64)
            criterion = nn.CrossEntropyLoss()
            total = 0.0
            with torch.no_grad():
                for images, labels in loader:
                    total += criterion(model(images), labels).item() * labels.size(0)
            return total / len(loader.dataset)

    Why:
        A loss with the default ``reduction="mean"`` is divided by the rows of the batch already. Its sum over the
        batches has as many terms as there are batches: divided by the number of samples it comes out too small by the
        batch size, and a change of the batch size changes the metric. ``loss * n`` summed and divided by the number of
        batches comes out too large by as much.

    Silent when:
        The loss is a sum (``reduction="sum"``, ``size_average=False``), the mean is weighted by the rows and divided by
        their number, the mean is divided by the number of batches, a batch is one sample, or it is not known how the
        loss is reduced.

    Proof:
        Accumulates a constant loss of 1.0: the metric must be 1.0.

    Fix:
        Safe: add ``loss.item() * x.size(0)``, or divide by the number of batches.
    """

    code = "BSZ501"
    name = "normalised-twice"
    severity = Severity.ERROR
    observes = (DIVIDE, ACCUMULATE)
    candidates = ("averaging loop",)
    proved_by = ("constant loss",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report a division by the wrong one of the two counts."""
        if observation.operation == DIVIDE:
            quantity = quantity_of(observation.arguments["left"])
            if quantity is not None and quantity.accumulated:
                _judge(observation, report, quantity, observation.arguments["right"], observation.node)
            return
        quantity = quantity_of(observation.arguments["value"])
        if quantity is not None and quantity.divided is not None and not quantity.accumulated:
            loops = [loop.loader.identity for loop in observation.context.loops if loop.loader is not None]
            if quantity.loader is not None and quantity.loader.identity in loops:
                _judge(observation, report, quantity, quantity.divided.count, quantity.divided.node)


def _judge(observation: Observation, report: Report, quantity: Quantity, divisor: Value, node: Any) -> None:
    loader = quantity.loader
    if loader is None or one_at_a_time(loader):
        return
    count = count_of(divisor, loader)
    size, notes = _batch_size(observation, loader)
    what = "loss" if quantity.loss else "metric"
    tensorflow = uses_tensorflow(observation.context.frameworks)
    if quantity.kind is QuantityKind.MEAN and count in _SAMPLES:
        message = (
            f"the mean of each batch is added up, then divided by the number of samples: the {what} comes out too "
            f"small by the batch size{size}; divide by the number of batches, or add the mean times the rows of the "
            f"batch, e.g. `{'loss * len(x)' if tensorflow else 'loss.item() * x.size(0)'}`"
        )
        made = "the mean of a batch is made here"
    elif quantity.kind is QuantityKind.SUM and quantity.weight is not None and count in _BATCHES:
        message = (
            f"the mean of each batch times its rows is added up, then divided by the number of batches: the {what} "
            f"comes out too large by the batch size{size}; divide by the number of samples"
            + ("" if tensorflow else ", e.g. `len(loader.dataset)`")
        )
        made = "the mean of a batch is multiplied with its rows here"
    else:
        return
    known = loader.batch_size is not None and loader.batch_size.number is not None
    report(
        node,
        message,
        severity=None if known else Severity.WARNING,
        notes=((made, quantity.node), *notes),
    )


def _batch_size(observation: Observation, loader: Loader) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """The loader's batch size as messages say it, and where it was set."""
    size = loader.batch_size
    if size is None:
        return "", ()
    symbols = fixed_symbols((size.dimension,))
    if not symbols:
        return "" if size.number is None else f" ({size.number})", ()
    text, notes = describe(symbols, observation.origins)
    return f" ({text})", notes
