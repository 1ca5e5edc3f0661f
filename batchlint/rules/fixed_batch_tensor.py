"""BSZ202: a tensor allocated for a fixed number of rows meets the rows that really are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import rows_of
from batchlint.semantics.conflicts import explain
from batchlint.semantics.observations import CONFLICT
from batchlint.semantics.values import MarkKind, Tensor

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class FixedBatchTensor(Rule):
    """A tensor is allocated for a fixed batch and then combined with as many rows as came.

    Example:
        import torch
        from torch import nn

        class Tagger(nn.Module):
            def __init__(self, batch_size):
                super().__init__()
                self.batch_size = batch_size
                self.rnn = nn.GRU(32, 64, batch_first=True)

            def forward(self, words):
                hidden = torch.zeros(1, self.batch_size, 64)
                output, hidden = self.rnn(words, hidden)
                return output

    Instead:
        import torch
        from torch import nn

        class Tagger(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.GRU(32, 64, batch_first=True)

            def forward(self, words):
                hidden = torch.zeros(1, words.size(0), 64)
                output, hidden = self.rnn(words, hidden)
                return output

    Why:
        A hidden state, a target of ones or zeros, a mask or an interpolation weight for 64 samples does not fit the
        last batch of 16: the framework raises, hours into the epoch, or broadcasts where one of the two is 1.

    Silent when:
        The rows are read from the tensor, the allocation is only noise that a generator turns into as many samples, it
        is resized before use, both sides have the same fixed number, or short batches are dropped (latent).

    Proof:
        Runs the code at the file's own batch size and at one less: it raises.

    Fix:
        Safe: ``x.size(0)`` or ``tf.shape(x)[0]`` in place of the number, ``x.new_zeros(...)``, or ``zeros_like``
        of either framework.
    """

    code = "BSZ202"
    name = "fixed-batch-tensor"
    severity = Severity.WARNING
    observes = (CONFLICT,)
    candidates = ("fixed tensor", "rows of its own")
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the allocation, not the line where it breaks."""
        if _check_own_rows(observation, report):
            return
        explain(observation, report, MarkKind.FIXED_ALLOCATION, "is allocated for")


def _check_own_rows(observation: Observation, report: Report) -> bool:
    """Report a matrix of a number of rows that meets rows of a graph; whether there is one."""
    own, real = observation.arguments["fixed"], observation.arguments["real"]
    if not isinstance(own, Tensor) or not isinstance(real, Tensor):
        return False
    made = [mark for mark in own.marks if mark.kind is MarkKind.OWN_ROWS]
    for mark in made:
        rows = rows_of(mark.detail if isinstance(mark.detail, str) else observation.name)
        report(
            mark.node,
            f"this tensor is allocated with {own.shape.leading[0]} rows but meets as many rows as are fed in "
            f"`{observation.name.rpartition('.')[2]}`: any other batch size than {own.shape.leading[0]} raises; use "
            f"the rows of the tensor it meets, `{rows}`",
            shape=f"{own.shape} meets {real.shape}",
            latent=bool(observation.context.guards),
            notes=(("they meet here", observation.node),),
        )
    return bool(made)
