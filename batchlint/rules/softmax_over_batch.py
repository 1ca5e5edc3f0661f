"""BSZ402: a softmax along the batch axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.sizes import is_rows
from batchlint.semantics.values import Batch, Constant, Integer, Layer, Source, Tensor, Value
from batchlint.shapes.dimension import Role, has_role

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report

_FUNCTIONS = (
    "torch.nn.functional.softmax",
    "torch.nn.functional.log_softmax",
    "torch.nn.functional.softmin",
    "torch.softmax",
    "torch.log_softmax",
    "torch.Tensor.softmax",
    "torch.Tensor.log_softmax",
)
_LAYERS = ("torch.nn.Softmax", "torch.nn.LogSoftmax", "torch.nn.Softmin")


class SoftmaxOverBatch(Rule):
    """A softmax runs along the batch axis: each sample's probabilities depend on the other samples.

    Example:
        import torch
        from torch import nn
        import torch.nn.functional as F

        class Tagger(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.LSTM(32, 64, batch_first=True)
                self.tag = nn.Linear(64, 9)

            def forward(self, words):
                states, _ = self.rnn(words)
                return F.log_softmax(self.tag(states))

    Instead:
        import torch
        from torch import nn
        import torch.nn.functional as F

        class Tagger(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.LSTM(32, 64, batch_first=True)
                self.tag = nn.Linear(64, 9)

            def forward(self, words):
                states, _ = self.rnn(words)
                return F.log_softmax(self.tag(states), dim=-1)

    Why:
        Without ``dim`` PyTorch picks axis 0 for tensors of rank 0, 1 and 3, and axis 1 for the others (and warns). With
        axis 0 on ``(B, T, C)``, or ``dim=0`` on ``(B, C)``, probabilities sum to 1 over the batch: a batch of one gives
        1.0 everywhere, and nothing raises.

    Silent when:
        The rank is 2 without ``dim`` (deprecated, but axis 1), the tensor is one vector, axis 0 is time or nodes, the
        shape is not known, or rows are compared with rows on purpose (``(B, B)`` similarities).

    Proof:
        Compares a sample's output alone with its output in a batch: they differ.

    Fix:
        Unsafe: name the class axis, which only the layout tells.
    """

    code = "BSZ402"
    name = "softmax-over-batch"
    severity = Severity.ERROR
    observes = _FUNCTIONS + _LAYERS
    candidates = ("softmax",)
    proved_by = ("per-sample consistency",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report a softmax whose axis holds the rows of the batch."""
        tensor: Value = observation.argument("input", "self")
        if isinstance(tensor, Batch):
            tensor = tensor.tensor
        if not isinstance(tensor, Tensor) or not tensor.shape.exact:
            return
        shape = tensor.shape.leading
        rank = len(shape)
        dim = _dim(observation)
        if isinstance(dim, Integer) and isinstance(dim.dimension, int):
            axis, implicit = dim.dimension, False
        elif dim is None or (isinstance(dim, Constant) and dim.value is None):
            axis, implicit = (0 if rank in (0, 1, 3) else 1), True
        else:
            return
        if rank < 2 or not -rank <= axis < rank:
            return
        rows = [d for d in shape if has_role(d, Role.BATCH)]
        if len(rows) != 1 or not is_rows(shape[axis]):
            return
        if not tensor.sources & {Source.INPUT, Source.LOADER}:
            return
        how = "without `dim`" if implicit else f"with `dim={axis}`"
        report(
            observation.node,
            f"softmax {how} runs along axis {axis % rank}, the batch: each sample's result depends on the others, and "
            f"a batch of one gives 1.0 everywhere; name the class axis",
            shape=f"the tensor is {tensor.shape} here",
        )


def _dim(observation: Observation) -> Value | None:
    layer = observation.arguments.get("layer")
    if isinstance(layer, Layer):
        return layer.values.get("dim")
    if "dim" in observation.keywords:
        return observation.keywords["dim"]
    return observation.positional[1] if len(observation.positional) > 1 else None
