"""BSZ306: a loader that only evaluates drops the rows of its short last batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.batch_names import names_evaluation, names_loader, names_training
from batchlint.semantics.evaluation import evaluated_data, evaluates, only_when_evaluating
from batchlint.semantics.observations import ASSIGN, DROP_LAST
from batchlint.semantics.syntax import calls_in, holds, kind
from batchlint.semantics.values import TRUE, UNKNOWN, Dataset, Integer, Loader, Value
from batchlint.shapes.datasets import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchlint.semantics.observations import Context, Observation, Report

_LOADER = "torch.utils.data.DataLoader"


class DropLastInEvaluation(Rule):
    """``drop_last=True`` on a loader that only evaluates or predicts: its last rows are never counted.

    Example:
        from torch.utils.data import DataLoader

        def loaders(train_set, val_set, batch_size):
            train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True, drop_last=True)
            val_loader = DataLoader(val_set, batch_size=batch_size, drop_last=True)
            return train_loader, val_loader

    Instead:
        from torch.utils.data import DataLoader

        def loaders(train_set, val_set, batch_size):
            train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True, drop_last=True)
            val_loader = DataLoader(val_set, batch_size=batch_size)
            return train_loader, val_loader

    Why:
        The metric is taken over fewer rows than the set has, over other rows for another batch size, and over none at
        all where the set is smaller than a batch. Numbers measured with different batch sizes do not compare.

    Silent when:
        The loader trains, or its role cannot be told; ``batch_size=1``; ``drop_last`` depends on the split. Where the
        batch size divides the well-known data set, the finding is latent.

    Proof:
        Counts the rows that the loader gives when the batch size does not divide them.

    Fix:
        Safe: leave ``drop_last`` out.
    """

    code = "BSZ306"
    name = "drop-last-in-evaluation"
    severity = Severity.WARNING
    observes = (DROP_LAST, ASSIGN, _LOADER)
    candidates = ("drop last",)
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the argument that drops rows, or the flag where it is set for evaluation."""
        if observation.operation == ASSIGN:
            value = observation.arguments["value"]
            if isinstance(value, Loader):
                self._assigned(observation.name, value, report)
            elif value == TRUE and observation.name == "drop_last":
                self._flagged(observation, report)
        elif observation.operation == DROP_LAST:
            self._called(observation, report)
        else:
            self._built(observation, report)

    def _called(self, observation: Observation, report: Report) -> None:
        """A call of a loader whose arguments, function or condition say that it evaluates."""
        positional = (*observation.positional, UNKNOWN, UNKNOWN)
        size = observation.arguments.get("batch_size", positional[1])
        if observation.argument("drop_last") != TRUE or not names_loader(observation.name) or _is_one(size):
            return
        data = evaluated_data(observation.node)
        if data or (data is None and _evaluating(observation.context)):
            _report(report, observation.node, _divides(observation.arguments.get("dataset", positional[0]), size))

    def _built(self, observation: Observation, report: Report) -> None:
        """A ``DataLoader`` over a data set that is known to be a test split."""
        loader = observation.result
        if isinstance(loader, Loader) and isinstance(loader.dataset, Dataset) and loader.dataset.training is False:
            self._built_for(loader, report)

    def _assigned(self, name: str, loader: Loader, report: Report) -> None:
        trains = isinstance(loader.dataset, Dataset) and loader.dataset.training
        if not names_evaluation(name) or trains or kind(loader.node) != "Call":
            return
        shared = any(kind(argument.value) == "Name" for argument in _dropping(loader.node))
        # One call builds the loaders of every split there: what sets the variable is to blame.
        if evaluated_data(loader.node) is not False and not shared:
            self._built_for(loader, report)

    def _built_for(self, loader: Loader, report: Report) -> None:
        if loader.drop_last and kind(loader.node) == "Call" and not _is_one(loader.batch_size):
            _report(report, loader.node, _divides(loader.dataset, loader.batch_size))

    def _flagged(self, observation: Observation, report: Report) -> None:
        """``drop_last = True`` where a condition says that this is evaluation; a loader takes it later on."""
        if not _under_evaluation(observation.context):
            return
        taking = [
            argument
            for call in calls_in(observation.context.scope)
            for argument in _dropping(call)
            if kind(argument.value) == "Name" and argument.value.value == "drop_last"
        ]
        if taking:
            report(
                observation.node,
                "`drop_last = True` for evaluation: the last n % batch_size rows are never counted, and the metric "
                "depends on the batch size; use False here",
                notes=(("the loader takes it here", taking[0]),),
            )


def _report(report: Report, call: Any, latent: bool) -> None:
    report(
        next(_dropping(call), call),
        "`drop_last=True` on a loader that only evaluates: the last n % batch_size rows are never counted, and the "
        "metric depends on the batch size; leave it out",
        latent=latent,
    )


def _dropping(call: Any) -> Iterator[Any]:
    """The argument ``drop_last=...`` of *call*, if it has one."""
    return (argument for argument in call.args if argument.keyword and argument.keyword.value == "drop_last")


def _evaluating(context: Context) -> bool:
    function = context.function
    if evaluates(function):
        return True
    return _under_evaluation(context) and not (function is not None and names_training(function.name))


def _under_evaluation(context: Context) -> bool:
    """Whether a condition of the function itself, not of its caller, says that this is evaluation."""
    return any(only_when_evaluating(test) and holds(context.scope, test) for test in context.conditions)


def _is_one(size: Value | None) -> bool:
    """Whether the literal 1 is the batch size: no batch is short then."""
    return isinstance(size, Integer) and size.dimension == 1


def _divides(dataset: Value, size: Value | None) -> bool:
    """Whether the batch size divides the test split of a well-known data set."""
    known = DATASETS.get(dataset.name) if isinstance(dataset, Dataset) else None
    number = size.number if isinstance(size, Integer) else None
    return known is not None and known.test is not None and number is not None and known.test % number == 0
