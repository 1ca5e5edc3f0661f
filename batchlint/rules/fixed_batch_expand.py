"""BSZ203: a tensor expanded to a fixed number of rows meets the rows that really are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.conflicts import explain
from batchlint.semantics.observations import CONFLICT
from batchlint.semantics.values import MarkKind

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class FixedBatchExpand(Rule):
    """A tensor is expanded, repeated or tiled to a fixed batch and then combined with as many rows as came.

    Example:
        import torch
        from torch import nn

        class Encoder(nn.Module):
            def __init__(self, batch_size):
                super().__init__()
                self.batch_size = batch_size
                self.token = nn.Parameter(torch.zeros(1, 1, 64))
                self.embed = nn.Linear(48, 64)

            def forward(self, patches):
                tokens = self.token.expand(self.batch_size, -1, -1)
                return torch.cat([tokens, self.embed(patches)], dim=1)

    Instead:
        import torch
        from torch import nn

        class Encoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.token = nn.Parameter(torch.zeros(1, 1, 64))
                self.embed = nn.Linear(48, 64)

            def forward(self, patches):
                tokens = self.token.expand(patches.size(0), -1, -1)
                return torch.cat([tokens, self.embed(patches)], dim=1)

    Why:
        At any other batch size the two no longer have as many rows: the framework raises, or broadcasts where one side
        is 1.

    Silent when:
        The number is read from the tensor, or nothing with real rows meets the expanded tensor.

    Proof:
        Runs the code at the file's own batch size and at one less: it raises.

    Fix:
        Safe: ``x.size(0)`` or ``tf.shape(x)[0]`` in place of the number, or ``expand_as``.
    """

    code = "BSZ203"
    name = "fixed-batch-expand"
    severity = Severity.WARNING
    observes = (CONFLICT,)
    candidates = ("fixed reshape",)
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the expansion, not the line where it breaks."""
        explain(observation, report, MarkKind.FIXED_EXPANSION, "is expanded to")
