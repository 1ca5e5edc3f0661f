"""BSZ503: rows counted by a constant instead of by what the loader gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import uses_tensorflow
from batchlint.semantics.fixed_batch import FIRST_BATCH, FULL_BATCH, describe, fixed_symbols
from batchlint.semantics.observations import DIVIDE
from batchlint.semantics.quantities import Count, count_of, fixed_size, is_fixed_weight, one_at_a_time, quantity_of
from batchlint.semantics.values import Integer, QuantityKind

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report
    from batchlint.semantics.values import Loader, Quantity, Value

_FULL_BATCHES = frozenset({Count.FULL_BATCHES, Count.FULL_BATCHES_SO_FAR})
_BATCHES = frozenset({Count.BATCHES, Count.BATCHES_SO_FAR})


class CountByConstant(Rule):
    """A metric's samples are counted by a constant although the loader gives fewer of them.

    Example:
        import torch
        from torch.utils.data import DataLoader

        batch_size = 64

        def accuracy(model, dataset):
            loader = DataLoader(dataset, batch_size=batch_size)
            correct = 0
            with torch.no_grad():
                for images, labels in loader:
                    correct += (model(images).argmax(1) == labels).sum().item()
            return correct / (len(loader) * batch_size)

    Instead:
        import torch
        from torch.utils.data import DataLoader

        batch_size = 64

        def accuracy(model, dataset):
            loader = DataLoader(dataset, batch_size=batch_size)
            correct = 0
            with torch.no_grad():
                for images, labels in loader:
                    correct += (model(images).argmax(1) == labels).sum().item()
            return correct / len(loader.dataset)

    Why:
        A loader that keeps its short last batch gives fewer rows than ``len(loader) * batch_size``: the metric comes
        out too small, the more so the larger the batch. With a sampler of a part of the dataset, ``len(dataset)``
        counts rows that were never seen.

    Silent when:
        The loader drops the short last batch, the count is read from the batches (``labels.size(0)``), both the
        weights and their sum use the constant, a batch is one sample, or the loop trains and the number is only its
        log.

    Proof:
        Counts the rows that the loader gives for a number of samples that the batch size does not divide.

    Fix:
        Safe: ``labels.size(0)`` or ``len(loader.dataset)``; ``len(loader.sampler)`` where a sampler draws a part.
    """

    code = "BSZ503"
    name = "count-by-constant"
    severity = Severity.WARNING
    observes = (DIVIDE,)
    candidates = ("averaging loop",)
    proved_by = ("row counting", "constant loss")

    def check(self, observation: Observation, report: Report) -> None:
        """Report a sum over samples that is divided by what only resembles their number."""
        divisor = observation.arguments["right"]
        quantity = quantity_of(observation.arguments["left"])
        if quantity is None or not quantity.accumulated or quantity.loader is None or one_at_a_time(quantity.loader):
            return
        loader = quantity.loader
        count = count_of(divisor, loader)
        if count is Count.WHOLE_DATASET and quantity.kind is QuantityKind.SUM:
            _report_part(observation, report, loader)
            return
        if loader.drop_last or quantity.training or {FIRST_BATCH, FULL_BATCH} & observation.context.guards:
            return
        place = _constant(quantity, count, divisor, observation.node)
        if place is not None:
            _report(observation, report, loader, *place)


def _constant(quantity: Quantity, count: Count | None, divisor: Value, node: Any) -> tuple[Value, Any] | None:
    """The constant that counts rows, and the node where it does; ``None`` where rows are counted as they come."""
    is_sum = quantity.kind is QuantityKind.SUM
    if is_fixed_weight(quantity):
        assert quantity.weight is not None
        wrong = count is Count.SAMPLES if is_sum else count in _BATCHES
        return (quantity.weight, quantity.node) if wrong else None
    if not is_sum or not isinstance(divisor, Integer):
        return None
    if count is Count.CONSTANTS and divisor.origin is not None:
        return divisor.origin.subject, divisor.origin.node
    return (divisor, node) if count in _FULL_BATCHES else None


def _report(observation: Observation, report: Report, loader: Loader, size: Value, node: Any) -> None:
    where = ""
    notes: tuple[tuple[str, Any], ...] = ()
    if isinstance(size, Integer):
        symbols = fixed_symbols((size.dimension,))
        fixed = fixed_size(size, loader)
        if symbols:
            text, notes = describe(symbols, observation.origins)
            where = f" ({text})"
        elif fixed is not None:
            where = f" ({fixed.number})"
    tensorflow = uses_tensorflow(observation.context.frameworks)
    counted = "`len(labels)`" if tensorflow else "`labels.size(0)`, or use `len(loader.dataset)`"
    if node is not observation.node:
        notes = (*notes, ("the metric is divided here", observation.node))
    report(
        node,
        f"every batch of a metric is counted as a full one{where}, but the last is shorter when the batch size does "
        f"not divide the dataset: the metric is wrong by the rows that are not there; count those that are, "
        f"e.g. {counted}",
        latent=loader.drop_last is None and not loader.given and observation.context.drops_last,
        notes=notes,
    )


def _report_part(observation: Observation, report: Report, loader: Loader) -> None:
    assert loader.sampler is not None
    report(
        observation.node,
        "a sum over the samples that the sampler draws is divided by the size of the whole dataset: the metric comes "
        "out too small by the share that is never drawn; divide by `len(loader.sampler)`",
        severity=Severity.ERROR,
        notes=(("only a part is drawn here", loader.sampler.node),),
    )
