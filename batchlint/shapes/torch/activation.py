"""Activations: every element for itself, so the shape stays (but for `GLU`, which halves an axis)."""

from __future__ import annotations

from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import (
    REQUIRED,
    Size,
    as_shape,
    as_size,
    register_function,
    register_layer,
    require,
    require_rank,
    resized,
    shape_of,
)

_LAYERS: dict[str, dict[str, object]] = {
    "CELU": {"alpha": 1.0, "inplace": False},
    "ELU": {"alpha": 1.0, "inplace": False},
    "GELU": {"approximate": "none"},
    "Hardshrink": {"lambd": 0.5},
    "Hardsigmoid": {"inplace": False},
    "Hardswish": {"inplace": False},
    "Hardtanh": {"min_val": -1.0, "max_val": 1.0, "inplace": False, "min_value": None, "max_value": None},
    "LeakyReLU": {"negative_slope": 0.01, "inplace": False},
    "Identity": {},
    "LogSigmoid": {},
    "LogSoftmax": {"dim": None},
    "Mish": {"inplace": False},
    "RReLU": {"lower": 1 / 8, "upper": 1 / 3, "inplace": False},
    "ReLU": {"inplace": False},
    "ReLU6": {"inplace": False},
    "SELU": {"inplace": False},
    "SiLU": {"inplace": False},
    "Sigmoid": {},
    "Softmax": {"dim": None},
    "Softmin": {"dim": None},
    "Softplus": {"beta": 1.0, "threshold": 20.0},
    "Softshrink": {"lambd": 0.5},
    "Softsign": {},
    "Tanh": {},
    "Tanhshrink": {},
    "Threshold": {"threshold": REQUIRED, "value": REQUIRED, "inplace": False},
}
"""Layer in ``torch.nn`` to its constructor's parameters."""

_FUNCTIONS: dict[str, tuple[str, ...]] = {
    "celu": ("alpha", "inplace"),
    "elu": ("alpha", "inplace"),
    "gelu": ("approximate",),
    "hardshrink": ("lambd",),
    "hardsigmoid": ("inplace",),
    "hardswish": ("inplace",),
    "hardtanh": ("min_val", "max_val", "inplace"),
    "leaky_relu": ("negative_slope", "inplace"),
    "logsigmoid": (),
    "mish": ("inplace",),
    "relu": ("inplace",),
    "relu6": ("inplace",),
    "rrelu": ("lower", "upper", "training", "inplace"),
    "selu": ("inplace",),
    "sigmoid": (),
    "silu": ("inplace",),
    "softplus": ("beta", "threshold"),
    "softshrink": ("lambd",),
    "softsign": (),
    "tanh": (),
    "tanhshrink": (),
    "threshold": ("threshold", "value", "inplace"),
}
"""Function in ``torch.nn.functional`` to its parameters after the input."""


ELEMENTWISE = frozenset(
    [f"torch.nn.{name}" for name in (*_LAYERS, "PReLU", "Softmax2d")]
    + [f"torch.nn.functional.{name}" for name in (*_FUNCTIONS, "prelu")]
)
"""Canonical names of the activations that keep the shape."""


def same_shape(input: object, *_: object, **__: object) -> Shape:
    """The shape of *input*, whatever else is given."""
    return as_shape(input)


for _name, _parameters in _LAYERS.items():
    register_layer(f"torch.nn.{_name}", same_shape, ("input",), _parameters)
for _name, _names in _FUNCTIONS.items():
    register_function(f"torch.nn.functional.{_name}", same_shape, ("input", *_names))


@layer("torch.nn.Softmax2d")
def softmax_over_channels(input: Shape, /) -> Shape:
    """``[B, C, H, W]`` stays."""
    require_rank("Softmax2d", as_shape(input), (3, 4))
    return as_shape(input)


def _halve(name: str, input: object, dim: object) -> Shape:
    shape = as_shape(input)
    axis = as_size(dim)
    if not isinstance(axis, int):
        return shape_of((None,) * len(shape.leading)) if shape.exact else UNKNOWN_SHAPE
    size = shape.dimension(axis)
    if isinstance(size, int) and size % 2:
        raise ShapeMismatch(f"{name} halves dimension {axis}, which is {size}", actual=size)
    return resized(shape, axis, None if size is None else size // 2)


@layer("torch.nn.GLU")
def gated_layer(input: Shape, /, dim: object = -1) -> Shape:
    """``[..., 2*F, ...]`` to ``[..., F, ...]``."""
    return _halve("GLU", input, dim)


@shape_function("torch.nn.functional.glu")
def gated(input: Shape, dim: object = -1) -> Shape:
    """``[..., 2*F, ...]`` to ``[..., F, ...]``."""
    return _halve("glu", input, dim)


def _channelwise(name: str, input: object, parameters: Size) -> Shape:
    shape = as_shape(input)
    if shape.least_rank > 1 and parameters != 1:
        require(name, "channels", parameters if isinstance(parameters, int) else None, shape.dimension(1))
    return shape


@layer("torch.nn.PReLU")
def parametric_layer(input: Shape, /, num_parameters: object = 1, init: object = 0.25) -> Shape:
    """The shape stays; *num_parameters* is 1 or the number of channels in dimension 1."""
    return _channelwise("PReLU", input, as_size(num_parameters))


@shape_function("torch.nn.functional.prelu", "torch.prelu")
def parametric(input: Shape, weight: object) -> Shape:
    """The shape stays; *weight* has 1 element or one for each channel in dimension 1."""
    return _channelwise("prelu", input, as_shape(weight).number_of_elements())
