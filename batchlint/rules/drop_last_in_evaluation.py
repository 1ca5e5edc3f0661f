"""BSZ306: a loader that only evaluates drops the rows of its short last batch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.batch_names import names_evaluation, names_loader, names_training
from batchlint.semantics.declarations import ACCELERATOR
from batchlint.semantics.evaluation import evaluated_data, evaluates, only_when_evaluating, words_of
from batchlint.semantics.observations import ASSIGN, DROP_LAST
from batchlint.semantics.syntax import calls_in, holds, kind
from batchlint.semantics.values import TRUE, UNKNOWN, Dataset, Integer, Loader, Value
from batchlint.shapes.datasets import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchlint.semantics.observations import Context, Observation, Report

_LOADER = "torch.utils.data.DataLoader"
_PIPELINES = ("tensorflow.data.Dataset.batch", "tensorflow.data.Dataset.padded_batch")


_BATCHING = frozenset({"batch", "padded_batch", "ragged_batch", "map_and_batch"})
_DROPPING = frozenset({"drop_last", "drop_remainder"})


_MEASURES_NOTHING = re.compile(r"export|calibrat|benchmark|serv|convert|synth|warm_?up|profile", re.IGNORECASE)
"""Functions whose data no metric is taken over."""


class DropLastInEvaluation(Rule):
    """``drop_last=True`` (``drop_remainder``) on a loader that only evaluates: its last rows are never counted.

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
        The loader trains, or its role cannot be told; ``batch_size=1``; ``drop_last`` depends on the split; the file is
        for a TPU, which needs batches of one size. Where the batch size divides the well-known data set, the finding
        is latent.

    Proof:
        Counts the rows that the loader gives when the batch size does not divide them.

    Fix:
        Safe: leave ``drop_last`` or ``drop_remainder`` out.
    """

    code = "BSZ306"
    name = "drop-last-in-evaluation"
    severity = Severity.WARNING
    observes = (DROP_LAST, ASSIGN, _LOADER, *_PIPELINES)
    candidates = ("drop last",)
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the argument that drops rows, or the flag where it is set for evaluation."""
        facts = observation.context.facts
        if facts is not None and facts.called_names & ACCELERATOR:
            # A TPU needs batches of one size.
            return
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
        if observation.operation == DROP_LAST and observation.name in _BATCHING:
            self._batched(observation, report)
            return
        if observation.argument("drop_last") != TRUE or not names_loader(observation.name) or _is_one(size):
            return
        data = evaluated_data(observation.node)
        if data or (data is None and _evaluating(observation.context)):
            _report(report, observation.node, _divides(observation.arguments.get("dataset", positional[0]), size))

    def _batched(self, observation: Observation, report: Report) -> None:
        """``val_ds.batch(b, drop_remainder=True)`` of a pipeline, whether it is known or not."""
        size = observation.positional[0] if observation.positional else observation.argument("batch_size")
        if observation.argument("drop_remainder") != TRUE or _is_one(size):
            return
        if _says_evaluation(observation):
            _report(report, observation.node, False)

    def _built(self, observation: Observation, report: Report) -> None:
        """A ``DataLoader`` or a pipeline over a data set that is known to be a test split."""
        loader = observation.result
        if not isinstance(loader, Loader) or not isinstance(loader.dataset, Dataset):
            return
        function = observation.context.function
        if function is not None and _MEASURES_NOTHING.search(function.name):
            return
        training = loader.dataset.training
        if training is None and observation.operation in _PIPELINES and _says_evaluation(observation):
            training = False
        if training is False:
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
        # A pipeline that starts again when it ends has no short batch.
        drops = loader.drop_last and not loader.endless
        if drops and kind(loader.node) == "Call" and not _is_one(loader.batch_size):
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


def _says_evaluation(observation: Observation) -> bool:
    """Whether ``val_ds.batch(...)`` evaluates, by what the pipeline is called and where it is made."""
    words = words_of(observation.node)
    if any(names_training(word) for word in words):
        return False
    return any(names_evaluation(word) for word in words) or _evaluating(observation.context)


def _report(report: Report, call: Any, latent: bool) -> None:
    argument = next(_dropping(call), None)
    tf_data = argument is None or argument.keyword.value == "drop_remainder"
    what = "drop_remainder=True` on a pipeline" if tf_data else "drop_last=True` on a loader"
    report(
        call if argument is None else argument,
        f"`{what} that only evaluates: the last n % batch_size rows are never counted, and the "
        f"metric depends on the batch size; leave it out",
        latent=latent,
    )


def _dropping(call: Any) -> Iterator[Any]:
    """The argument ``drop_last=...`` or ``drop_remainder=...`` of *call*, if it has one."""
    return (argument for argument in call.args if argument.keyword and argument.keyword.value in _DROPPING)


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
    if isinstance(dataset, Dataset) and isinstance(dataset.size, int) and number:
        return dataset.size % number == 0
    return known is not None and known.test is not None and number is not None and known.test % number == 0
