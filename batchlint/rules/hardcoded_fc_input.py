"""BSZ101: a fully connected layer whose number of inputs stands for one input size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.batch_names import names_input_size
from batchlint.semantics.layers import spatial_symbols
from batchlint.semantics.solving import MAXIMUM_SIZE, square_solutions
from batchlint.semantics.values import Integer, Layer, MarkKind, OriginKind, Sequence, Tensor
from batchlint.shapes.dimension import Dimension, product, render

if TYPE_CHECKING:
    from typing import Any

    from batchlint.semantics.observations import Observation, Report


class HardcodedFcInput(Rule):
    """The first fully connected layer has a hardcoded number of inputs: the model accepts one input size only.

    Example:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 16, 5)
                self.pool = nn.MaxPool2d(2)
                self.fc = nn.Linear(16 * 14 * 14, 10)

            def forward(self, x):
                x = self.pool(torch.relu(self.conv(x)))
                return self.fc(torch.flatten(x, 1))

    Instead:
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 16, 5)
                self.pool = nn.AdaptiveAvgPool2d(1)
                self.fc = nn.Linear(16, 10)

            def forward(self, x):
                x = self.pool(torch.relu(self.conv(x)))
                return self.fc(torch.flatten(x, 1))

    Why:
        Any other height or width raises at the matrix product, or, after ``view(-1, F)``, changes the number of rows
        (BSZ102). Worth knowing, not wrong: the message says which size the number stands for.

    Silent when:
        Adaptive or global pooling comes before, the width is computed from the tensor or from a configured size, or no
        convolution or pooling stack feeds the layer.

    Proof:
        Runs the model at the size that the number stands for, and fails it 8 pixels above.

    Fix:
        Unsafe: ``nn.LazyLinear``, or an adaptive pooling before the layer; ``keras.layers.GlobalAveragePooling2D``.
    """

    code = "BSZ101"
    name = "hardcoded-fc-input"
    severity = Severity.INFO
    observes = ("torch.nn.Linear", "keras.layers.Reshape", "tensorflow.matmul")
    candidates = ("linear", "weight product")
    proved_by = ("other spatial sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report a layer that is fed a width that depends on the input's height and width."""
        if observation.operation == "tensorflow.matmul":
            _check_product(observation, report)
            return
        if observation.operation == "keras.layers.Reshape":
            _check_target(observation, report)
            return
        layer, tensor = observation.arguments["layer"], observation.arguments["input"]
        if not isinstance(layer, Layer) or not isinstance(tensor, Tensor) or layer.node is None:
            return
        given = layer.values.get("in_features")
        if not isinstance(given, Integer) or not isinstance(given.dimension, int) or not _is_literal(given):
            return
        width = _flattened_width(tensor, given.dimension)
        if width is None or not spatial_symbols(width):
            return
        accepts = _accepted(width, given.dimension)
        if accepts is None:
            return
        report(
            layer.node,
            f"{given.dimension} input features are hardcoded, but the layers before give {render(width)}: the model "
            f"accepts {accepts}; use `nn.LazyLinear` or an adaptive pooling before",
            shape=f"its input is {tensor.shape}",
            notes=(("its input is flattened for it here", observation.node),),
        )


def _accepted(width: Dimension, features: int) -> str | None:
    """Which inputs give *features* values a sample, ``None`` where any square one does."""
    sizes = square_solutions(width, features)
    if not sizes:
        return "one input size only"
    low, high = sizes[0], sizes[-1]
    if high == MAXIMUM_SIZE:
        # Pooled over whatever size there is.
        return None
    times = "x{0}" * (len(spatial_symbols(width)) - 1)
    one = f"{low}{times.format(low)}"
    return f"inputs of {one if low == high else f'{one} to {high}{times.format(high)}'} only"


def _check_product(observation: Observation, report: Report) -> None:
    """TensorFlow 1's fully connected layer: a flattened stack times a weight matrix of a hardcoded height."""
    if len(observation.positional) < 2:
        return
    tensor, weight = observation.positional[:2]
    if not isinstance(tensor, Tensor) or not isinstance(weight, Tensor) or not weight.shape.exact:
        return
    features = weight.shape.leading[0] if len(weight.shape.leading) == 2 else None
    width = _flattened_width(tensor, features) if isinstance(features, int) else None
    if not isinstance(features, int) or width is None or not spatial_symbols(width):
        return
    _tell(
        observation.node,
        features,
        width,
        tensor,
        "a global pooling before, or a layer that is built from its input",
        report,
    )


def _check_target(observation: Observation, report: Report) -> None:
    """Keras' ``Reshape((3136,))`` of a stack whose size depends on the input's."""
    layer, tensor = observation.arguments["layer"], observation.arguments["input"]
    target = layer.values.get("target_shape") if isinstance(layer, Layer) else None
    if not isinstance(target, Sequence) or len(target.items) != 1 or not isinstance(tensor, Tensor):
        return
    features = target.items[0]
    if not isinstance(features, Integer) or not isinstance(features.dimension, int) or not tensor.shape.exact:
        return
    width = product(tensor.shape.leading[1:])
    if len(tensor.shape.leading) < 3 or not spatial_symbols(width):
        return
    node = layer.node if isinstance(layer, Layer) and layer.node is not None else observation.node
    _tell(node, features.dimension, width, tensor, "`keras.layers.GlobalAveragePooling2D` or `Flatten`", report)


def _tell(node: Any, features: int, width: Dimension, tensor: Tensor, remedy: str, report: Report) -> None:
    accepts = _accepted(width, features)
    if accepts is not None:
        report(
            node,
            f"{features} input features are hardcoded, but the layers before give {render(width)}: the model "
            f"accepts {accepts}; use {remedy}",
            shape=f"its input is {tensor.shape}",
        )


def _is_literal(value: Integer) -> bool:
    """Whether the number was written down, also as a multiple of a named width, and does not follow from a size."""
    origin = value.origin
    if origin is None or origin.kind is not OriginKind.DERIVED:
        return origin is not None and origin.kind is OriginKind.LITERAL
    return origin.subject is None and (origin.name is None or not names_input_size(origin.name))


def _flattened_width(tensor: Tensor, features: int) -> Dimension | None:
    """How many values a sample brings, where these depend on the size of the input."""
    for mark in tensor.marks:
        if mark.kind is MarkKind.FOLDED and isinstance(mark.detail, Tensor) and mark.detail.shape.exact:
            return product(mark.detail.shape.leading[1:])
    shape = tensor.shape
    if not shape.exact or len(shape.leading) != 2:
        return None
    return shape.leading[-1] if not isinstance(shape.leading[-1], int) else None
