"""BSZ401: a bare squeeze also drops the batch axis of a batch of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import is_torch
from batchlint.semantics.fixed_batch import FIRST_BATCH, never_short
from batchlint.semantics.observations import CONSUME, RETURN
from batchlint.semantics.squeezing import breaks_at_one, has_rows, returned_marks
from batchlint.semantics.values import MarkKind, Tensor

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class SqueezeDropsBatch(Rule):
    """A bare `squeeze()` drops the batch axis too when the batch has one sample, and what follows relies on it.

    Example:
        import torch
        from torch import nn

        class Judge(nn.Module):
            def __init__(self):
                super().__init__()
                self.score = nn.Linear(16, 1)

            def forward(self, x):
                return self.score(x).squeeze()

        def train(model, loader):
            criterion = nn.BCELoss()
            for inputs, targets in loader:
                loss = criterion(model(inputs), targets)
                loss.backward()

    Instead:
        import torch
        from torch import nn

        class Judge(nn.Module):
            def __init__(self):
                super().__init__()
                self.score = nn.Linear(16, 1)

            def forward(self, x):
                return self.score(x).squeeze(-1)

        def train(model, loader):
            criterion = nn.BCELoss()
            for inputs, targets in loader:
                loss = criterion(model(inputs), targets)
                loss.backward()

    Why:
        ``squeeze()`` without a dimension (``tf.squeeze(x)``, ``keras.ops.squeeze(x)``, ``np.squeeze(x)``) removes every
        axis of size 1. A batch of one, the last one of an epoch or a request in production, loses its batch axis:
        losses see a scalar against a vector, ``sum(1)`` and ``size(1)`` fail, ``predict`` cannot join its batches, or
        the features take the place of the samples.

    Silent when:
        The result only becomes a scalar, both operands of the loss are squeezed alike, a later view or unsqueeze gives
        the axis back, the tensor is one image, a parameter or a plot, or a dimension is given.

    Proof:
        Runs the code with a batch of one: it raises, or gives another number of axes than with two.

    Fix:
        Safe where the axis is known: ``squeeze(-1)``, ``tf.squeeze(x, axis=-1)``.
    """

    code = "BSZ401"
    name = "squeeze-drops-batch"
    severity = Severity.WARNING
    observes = (CONSUME, RETURN)
    candidates = ("bare squeeze",)
    proved_by = ("crash at batch sizes", "leading dimension")

    def check(self, observation: Observation, report: Report) -> None:
        """Report a squeeze whose result is used along its axes, or handed out by a model."""
        if FIRST_BATCH in observation.context.guards:
            return
        if observation.operation == RETURN:
            for mark in returned_marks(observation):
                self._report(observation, report, mark.node, mark.detail, "what the model returns")
            return
        tensor = observation.arguments["tensor"]
        if not isinstance(tensor, Tensor) or not breaks_at_one(observation, tensor):
            return
        operation = observation.name.rpartition(".")[2]
        for mark in tensor.marks:
            if mark.kind is MarkKind.SQUEEZED and has_rows(observation, mark):
                use = "an index" if operation == "index" else f"`{operation}`"
                self._report(observation, report, mark.node, mark.detail, use)

    def _report(self, observation: Observation, report: Report, node: object, operand: object, use: str) -> None:
        shape = None
        if isinstance(operand, Tensor) and (operand.shape.leading or operand.shape.trailing):
            shape = f"the tensor is {operand.shape} here"
        function = observation.context.function
        in_keras = function is not None and function.name == "call"
        named = "squeeze(-1)" if is_torch(observation.name) and not in_keras else "squeeze(x, axis=-1)"
        report(
            node,
            f"`squeeze()` without a dimension also drops the batch axis of a batch of one, on which {use} relies: a "
            f"last batch of one sample, or a single request, fails; name the axis, e.g. `{named}`",
            shape=shape,
            latent=isinstance(operand, Tensor) and never_short(operand, observation.context),
            notes=(("relied on here", observation.node),),
        )
