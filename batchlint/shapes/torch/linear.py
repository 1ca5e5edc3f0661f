"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_shape, as_size, fitted, replace_last, require


def _linear(name: str, input: object, in_features: Size, out_features: Size) -> Shape:
    shape = as_shape(input)
    if shape.rank == 0:
        raise ShapeMismatch(f"{name} expects a tensor of at least 1 dimension, got {shape}")
    require(name, "features", in_features, shape.dimension(-1))
    return replace_last(shape, out_features)


def _last_is(parameter: str) -> Any:
    def expects(parameters: Mapping[str, Any]) -> Shape | None:
        size = as_size(parameters[parameter])
        return None if size is None else Shape((), (size,), exact=False)

    return expects


@layer("torch.nn.Linear", expects=_last_is("in_features"))
def linear_layer(input: Shape, /, in_features: object, out_features: object, bias: object = True) -> Shape:
    """``[..., in_features]`` to ``[..., out_features]``."""
    return _linear("Linear", input, as_size(in_features), as_size(out_features))


@layer("torch.nn.LazyLinear")
def lazy_linear_layer(input: Shape, /, out_features: object, bias: object = True) -> Shape:
    """``[..., F]`` to ``[..., out_features]``."""
    return _linear("LazyLinear", input, None, as_size(out_features))


@shape_function("torch.nn.functional.linear")
def linear(input: Shape, weight: object, bias: object = None) -> Shape:
    """``[..., F]`` with a weight ``[out, F]`` to ``[..., out]``; with a weight ``[F]`` to ``[...]``."""
    weights = as_shape(weight)
    if weights.rank == 1:
        shape = as_shape(input)
        require("linear", "features", weights.leading[0], shape.dimension(-1))
        return Shape(shape.leading[:-1], shape.trailing[:-1], shape.exact)
    out_features, in_features = fitted("linear's weight", weights, (2,))
    return _linear("linear", input, in_features, out_features)


def _bilinear(name: str, first: object, second: object, in1: Size, in2: Size, out: Size) -> Shape:
    one, two = as_shape(first), as_shape(second)
    require(name, "features in its first input", in1, one.dimension(-1))
    require(name, "features in its second input", in2, two.dimension(-1))
    return replace_last(one if one.exact or not two.exact else two, out)


@layer("torch.nn.Bilinear")
def bilinear_layer(
    input1: Shape,
    input2: Shape,
    /,
    in1_features: object,
    in2_features: object,
    out_features: object,
    bias: object = True,
) -> Shape:
    """``[..., in1_features]`` and ``[..., in2_features]`` to ``[..., out_features]``."""
    sizes = as_size(in1_features), as_size(in2_features), as_size(out_features)
    return _bilinear("Bilinear", input1, input2, *sizes)


@shape_function("torch.nn.functional.bilinear", "torch.bilinear")
def bilinear(input1: Shape, input2: Shape, weight: object, bias: object = None) -> Shape:
    """``[..., F1]`` and ``[..., F2]`` with a weight ``[out, F1, F2]`` to ``[..., out]``."""
    out, in1, in2 = fitted("bilinear's weight", as_shape(weight), (3,))
    return _bilinear("bilinear", input1, input2, in1, in2, out)
