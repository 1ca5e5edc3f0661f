"""BSZ202: a tensor allocated for a fixed number of rows meets the rows that really are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.conflicts import explain
from batchlint.semantics.observations import CONFLICT
from batchlint.semantics.values import MarkKind

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
        Safe: ``x.size(0)`` in place of the number, ``x.new_zeros(...)`` or ``torch.zeros_like(...)``.
    """

    code = "BSZ202"
    name = "fixed-batch-tensor"
    severity = Severity.WARNING
    observes = (CONFLICT,)
    candidates = ("fixed tensor",)
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the allocation, not the line where it breaks."""
        explain(observation, report, MarkKind.FIXED_ALLOCATION, "is allocated for")
