"""BSZ103: a fully connected layer is given another number of features than it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.observations import MISMATCH
from batchlint.semantics.values import Layer, Tensor
from batchlint.shapes.shape import ShapeMismatch

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class FcInputMismatch(Rule):
    """A fully connected layer expects another number of features than arrives for the input size the file gives.

    Example:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 8, 3)
                self.fc = nn.Linear(8 * 28 * 28, 10)

            def forward(self, x):
                return self.fc(self.conv(x).flatten(1))

        print(Net()(torch.randn(4, 1, 28, 28)).shape)

    Instead:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 8, 3)
                self.fc = nn.Linear(8 * 26 * 26, 10)

            def forward(self, x):
                return self.fc(self.conv(x).flatten(1))

        print(Net()(torch.randn(4, 1, 28, 28)).shape)

    Why:
        The matrix product raises at every batch size. It is told here because the number is most often wrong after the
        input size, a kernel or a padding changed, and the message says which number is right.

    Silent when:
        The input size is not known from the file.

    Proof:
        Runs the model with the file's own input: it raises at every batch size.

    Fix:
        Unsafe: the right number.
    """

    code = "BSZ103"
    name = "fc-input-mismatch"
    severity = Severity.ERROR
    observes = (MISMATCH,)
    candidates = ("linear", "weight product")
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report a mismatch of two known numbers at a fully connected layer."""
        error, layer = observation.error, observation.arguments.get("layer")
        tensor = observation.arguments.get("input")
        if observation.name == "tensorflow.matmul":
            _check_product(observation, report)
            return
        if observation.name != "torch.nn.Linear" or not isinstance(error, ShapeMismatch):
            return
        if not isinstance(layer, Layer):
            return
        if not isinstance(error.expected, int) or not isinstance(error.actual, int) or not isinstance(tensor, Tensor):
            return
        report(
            layer.node if layer.node is not None else observation.node,
            f"this layer expects {error.expected} features but gets {error.actual} for the input that the file gives: "
            f"it fails at every batch size",
            shape=f"its input is {tensor.shape}",
            notes=(("it is called here", observation.node),),
        )


def _check_product(observation: Observation, report: Report) -> None:
    """TensorFlow 1's fully connected layer: a tensor times a weight matrix of another height."""
    error = observation.error
    tensors = [value for value in observation.positional[:2] if isinstance(value, Tensor)]
    if not isinstance(error, ShapeMismatch) or len(tensors) < 2:
        return
    tensor, weight = (each.shape for each in tensors)
    if not tensor.exact or not weight.exact or len(tensor.leading) != 2 or len(weight.leading) != 2:
        return
    given, expected = tensor.leading[-1], weight.leading[0]
    if isinstance(given, int) and isinstance(expected, int) and given != expected:
        report(
            observation.node,
            f"these weights expect {expected} features but get {given} for the input that the file gives: it fails at "
            f"every batch size",
            shape=f"{tensor} times {weight}",
        )
