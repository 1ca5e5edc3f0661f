"""BSZ402: a softmax along the batch axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import is_torch
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
_LAYERS = ("torch.nn.Softmax", "torch.nn.LogSoftmax", "torch.nn.Softmin", "keras.layers.Softmax")
_LAST_BY_DEFAULT = (
    "tensorflow.nn.softmax",
    "tensorflow.nn.log_softmax",
    "tensorflow.softmax",
    "tensorflow.log_softmax",
    "keras.ops.softmax",
    "keras.ops.log_softmax",
    "keras.activations.softmax",
    "keras.activations.log_softmax",
    "keras.backend.softmax",
)
"""TensorFlow and Keras take the last axis where none is named, which is the right one."""


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
        axis 0 on ``(B, T, C)``, or ``dim=0`` (``axis=0`` in TensorFlow and Keras) on ``(B, C)``, probabilities sum to 1
        over the batch: a batch of one gives 1.0 everywhere, and nothing raises.

    Silent when:
        The rank is 2 without ``dim`` (deprecated, but axis 1), TensorFlow or Keras chooses the axis (the last one), the
        tensor is one vector, axis 0 is time or nodes, the shape is not known, or rows are compared with rows on purpose
        (``(B, B)`` similarities).

    Proof:
        Compares a sample's output alone with its output in a batch: they differ.

    Fix:
        Unsafe: name the class axis, which only the layout tells.
    """

    code = "BSZ402"
    name = "softmax-over-batch"
    severity = Severity.ERROR
    observes = _FUNCTIONS + _LAST_BY_DEFAULT + _LAYERS
    candidates = ("softmax",)
    proved_by = ("per-sample consistency",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report a softmax whose axis holds the rows of the batch."""
        tensor: Value = observation.argument("input", "self", "logits", "x")
        if isinstance(tensor, Batch):
            tensor = tensor.tensor
        if not isinstance(tensor, Tensor):
            return
        dim = _dim(observation)
        if not tensor.shape.exact:
            self._check_open(observation, tensor, dim, report)
            return
        shape = tensor.shape.leading
        rank = len(shape)
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
        word = "dim" if is_torch(observation.name) else "axis"
        self._report(
            observation, tensor, f"without `{word}`" if implicit else f"with `{word}={axis}`", axis % rank, report
        )

    def _check_open(self, observation: Observation, tensor: Tensor, dim: Value | None, report: Report) -> None:
        """What is certain of a tensor of which only the outer axes are known: axis 0 of several."""
        leading = tensor.shape.leading
        several = len(leading) + len(tensor.shape.trailing) > 1
        if is_torch(observation.name) or not several or not leading or not is_rows(leading[0]):
            return
        if isinstance(dim, Integer) and dim.dimension == 0 and tensor.sources & {Source.INPUT, Source.LOADER}:
            self._report(observation, tensor, "with `axis=0`", 0, report)

    def _report(self, observation: Observation, tensor: Tensor, how: str, axis: int, report: Report) -> None:
        report(
            observation.node,
            f"softmax {how} runs along axis {axis}, the batch: each sample's result depends on the others, and "
            f"a batch of one gives 1.0 everywhere; name the class axis",
            shape=f"the tensor is {tensor.shape} here",
        )


def _dim(observation: Observation) -> Value | None:
    default = None if is_torch(observation.name) else Integer(-1)
    layer = observation.arguments.get("layer")
    if isinstance(layer, Layer):
        return layer.values.get("dim", layer.values.get("axis", default))
    for name in ("dim", "axis"):
        if name in observation.keywords:
            return observation.keywords[name]
    return observation.positional[1] if len(observation.positional) > 1 else default
