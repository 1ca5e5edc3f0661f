"""BSZ302: batches counted by a floor division leave the last rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics import accumulating, syntax
from batchlint.semantics.batching import Batches, Extent, batches_in, counted_batches, zipped_bounds
from batchlint.semantics.evaluation import is_reshuffled
from batchlint.semantics.observations import COMPREHENSION, LOOP, LOOP_END, RETURN, SLICE, STEPS
from batchlint.semantics.values import Function, Integer

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report

_REMEDY = "count the batches with a ceiling, `-(-n // batch_size)`, or step through the rows, `range(0, n, batch_size)`"


class DroppedTail(Rule):
    """A loop over whole batches never visits the rows that stand after the last of them.

    Example:
        import numpy as np
        import torch

        def predict(model, images, batch_size):
            outputs = []
            for i in range(len(images) // batch_size):
                batch = images[i * batch_size:(i + 1) * batch_size]
                outputs.append(model(torch.from_numpy(batch)))
            return torch.cat(outputs)

    Instead:
        import numpy as np
        import torch

        def predict(model, images, batch_size):
            outputs = []
            for start in range(0, len(images), batch_size):
                batch = images[start:start + batch_size]
                outputs.append(model(torch.from_numpy(batch)))
            return torch.cat(outputs)

    Why:
        ``n // batch_size`` rounds down. In a fixed order the same ``n % batch_size`` rows are left out each time: they
        are never trained on, and a metric or a file of predictions is short of them, by a number that changes with the
        batch size. A reader that handles a batch each time it is full loses what is in it when the input ends.

    Silent when:
        The batches are counted with a ceiling, the code handles the remainder or cuts the rows to whole batches
        itself, batches are drawn at random, or a parameter such as ``drop_last`` makes it a choice. Where the rows are
        reshuffled for each epoch of training, other rows are lost each time: that is told as info.

    Proof:
        Counts the rows that the loop visits when the batch size does not divide them.

    Fix:
        Safe: a ceiling in place of the floor division, or a range that steps by the batch size.
    """

    code = "BSZ302"
    name = "dropped-tail"
    severity = Severity.WARNING
    observes = (SLICE, LOOP, COMPREHENSION, LOOP_END, RETURN, STEPS, "builtins.zip")
    candidates = ("counted batches", "full batch test", "zipped ranges")
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the division that counts too few batches, or the reader that forgets its last one."""
        if observation.operation == RETURN:
            self._length(observation, report)
        elif observation.operation == "builtins.zip":
            self._bounds(observation, report)
        elif observation.operation == LOOP_END:
            self._reader(observation, report)
        elif observation.operation == STEPS:
            self._steps(observation, report)
        else:
            self._slices(observation, report)

    def _slices(self, observation: Observation, report: Report) -> None:
        found = batches_in(observation)
        if found is None or found[1].extent is not Extent.FULL_BATCHES:
            return
        loop, batches = found
        context = observation.context
        if syntax.minds_the_tail(context.scope) or context.guards:
            return
        node = batches.written_at(observation.quotients, loop.context.node)
        report(
            node,
            _message(batches, reshuffled := is_reshuffled(context), "range" if node is loop.context.node else "count"),
            severity=Severity.INFO if reshuffled else Severity.WARNING,
            latent=batches.tail == 0,
            notes=(("the batches are cut here", observation.node),),
        )

    def _bounds(self, observation: Observation, report: Report) -> None:
        """``zip(range(0, n, size), range(size, n + 1, size))``."""
        context, batches = observation.context, zipped_bounds(observation.positional)
        if batches is None or batches.extent is not Extent.FULL_BATCHES or syntax.minds_the_tail(context.scope):
            return
        if syntax.goes_on_with(context.scope, observation.node):
            return
        report(
            observation.node,
            _message(batches, reshuffled := is_reshuffled(context), "pair of ranges"),
            severity=Severity.INFO if reshuffled else Severity.WARNING,
            latent=batches.tail == 0,
        )

    def _steps(self, observation: Observation, report: Report) -> None:
        """``model.predict(generator, steps=n // batch_size)``."""
        steps = observation.argument("steps")
        batches = counted_batches(steps.dimension) if isinstance(steps, Integer) else None
        if batches is None or syntax.minds_the_tail(observation.context.scope):
            return
        report(
            batches.written_at(observation.quotients, observation.node),
            _message(batches, False, "number of steps"),
            latent=batches.tail == 0,
            notes=(("these steps are all that is evaluated", observation.node),),
        )

    def _length(self, observation: Observation, report: Report) -> None:
        """The ``__len__`` of a class whose ``__getitem__`` cuts batches."""
        context, value = observation.context, observation.arguments["value"]
        if context.function is None or context.function.name != "__len__" or context.instance is None:
            return
        batches = counted_batches(value.dimension) if isinstance(value, Integer) else None
        getter = context.instance.of.attributes.get("__getitem__")
        if batches is None or not isinstance(getter, Function) or not accumulating.cuts_by_index(getter.node):
            return
        methods = [m.node for m in context.instance.of.attributes.values() if isinstance(m, Function)]
        if any(syntax.minds_the_tail(method) for method in methods):
            return
        reshuffled = any(
            syntax.reshuffles(method) for method in methods if method.name.value in ("on_epoch_end", "__iter__")
        )
        report(
            batches.written_at(observation.quotients, observation.node),
            _message(batches, reshuffled, "count"),
            severity=Severity.INFO if reshuffled else Severity.WARNING,
            latent=batches.tail == 0,
            notes=(("a batch is cut here", getter.node),),
        )

    def _reader(self, observation: Observation, report: Report) -> None:
        """A loop that fills a list, handles it when it is full, and forgets it at the end."""
        scope = observation.context.scope
        test = accumulating.forgotten_batch(observation.node, scope)
        if test is not None and not syntax.minds_the_tail(scope):
            report(
                test.node,
                f"`{test.name}` is handled only when it holds a full batch: what is in it when the loop ends, the last "
                f"n % {test.size} items, is lost; handle `{test.name}` once more after the loop",
                notes=(("the loop ends without it", observation.node),),
            )


def _message(batches: Batches, reshuffled: bool, what: str) -> str:
    if batches.tail is None:
        lost = f"the last {batches.divides} rows"
    else:
        lost = f"the last {batches.tail} rows ({batches.divides})" if batches.tail else f"rows unless {batches.divides}"
    when = "of each shuffled epoch" if reshuffled else "each time"
    return f"this {what} of whole batches leaves out {lost} {when}; {_REMEDY}"
