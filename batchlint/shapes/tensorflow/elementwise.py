"""Operations that compute each element from the elements in its place, and others that keep the shape."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape
from batchlint.shapes.tensorflow.operands import as_tensor
from batchlint.shapes.torch.arguments import register_function
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.joining import cat
from batchlint.shapes.torch.reshaping import flatten

__all__ = ["ACTIVATIONS", "BINARY", "DROPOUTS", "SOFTMAXES", "UNARY"]


def _names(table: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for place, names in table.items() for name in names.split())


UNARY = {
    "x": _names(
        {
            "tensorflow": """
            abs acos acosh asin asinh atan atanh cast ceil conj cos cosh digamma dtypes.cast dtypes.saturate_cast erf
            erfc erfcinv erfinv exp expm1 floor is_finite is_inf is_nan lgamma log log1p log_sigmoid logical_not ndtri
            neg negative reciprocal reciprocal_no_nan rint round rsqrt sigmoid sign sin sinh sqrt square tan tanh
            to_double to_float to_int32 to_int64
            """,
            "keras.ops": """
            abs absolute angle arccos arccosh arcsin arcsinh arctan arctanh cast cbrt ceil conj conjugate copy cos cosh
            deg2rad erf erfc erfinv exp exp2 expm1 fabs fliplr flipud floor imag isfinite isinf isnan isneginf isposinf
            isreal log log10 log1p log2 logical_not nan_to_num negative rad2deg real reciprocal round rsqrt
            saturate_cast sign signbit sin sinc sinh sqrt square tan tanh trunc
            """,
            "keras.backend": "abs cast cos exp log round sign sin sqrt square",
        }
    ),
    "input": _names({"tensorflow": "angle identity imag real stop_gradient"}),
    "variable": _names({"keras.ops": "stop_gradient"}),
    "variables": _names({"keras.backend": "stop_gradient"}),
    "value": _names({"tensorflow": "saturate_cast"}),
    "tensor": _names({"tensorflow": "check_numerics debugging.check_numerics"}),
}
"""Functions of one tensor, by the name of their first parameter."""

ACTIVATIONS = {
    "features": _names({"tensorflow": "nn.elu nn.gelu nn.leaky_relu nn.relu nn.relu6 nn.selu nn.silu nn.swish"})
    + _names({"tensorflow": "nn.softplus nn.softsign softplus softsign"}),
    "x": _names(
        {
            "tensorflow": "nn.sigmoid nn.tanh",
            "keras.ops": """
            celu elu gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu log_sigmoid relu relu6 selu
            sigmoid silu soft_shrink softplus softsign sparse_plus squareplus swish tanh_shrink threshold
            """,
            "keras.activations": """
            celu elu exponential gelu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
            log_sigmoid mish relu relu6 selu sigmoid silu soft_shrink softplus softsign sparse_plus squareplus swish
            tanh tanh_shrink threshold
            """,
            "keras.backend": "elu hard_sigmoid relu sigmoid softplus softsign tanh",
        }
    ),
}
"""Activations of each element for itself, by the name of their first parameter."""

SOFTMAXES = {
    "logits axis name dim": _names({"tensorflow": "log_softmax nn.log_softmax nn.softmax softmax"}),
    "x axis": _names(
        {
            "keras.ops": "log_softmax softmax sparsemax",
            "keras.activations": "log_softmax softmax sparsemax",
            "keras.backend": "softmax",
        }
    ),
}
"""Softmax and its like along one axis, the last by default, by the names of their parameters."""

DROPOUTS = {
    "x": _names({"tensorflow": "nn.dropout nn.experimental.stateless_dropout", "keras.backend": "dropout"}),
    "inputs": _names({"keras.random": "dropout"}),
}
"""Dropout."""

_MIXED = {
    "x axis": _names(
        {
            "tensorflow": """
            cumprod cumsum cumulative_logsumexp linalg.l2_normalize math.l2_normalize nn.l2_normalize
            """,
            "keras.ops": "flip normalize",
            "keras.backend": "cumprod cumsum l2_normalize",
        }
    ),
    "x axes": _names({"keras.backend": "reverse"}),
    "x shift axis": _names({"keras.ops": "roll"}),
    "x": _names({"keras.ops": "layer_normalization rms_normalization tril triu"}),
    "x mean variance": _names({"tensorflow": "nn.batch_normalization", "keras.ops": "batch_normalization"})
    + _names({"keras.backend": "batch_normalization"}),
    "input shift axis": _names({"tensorflow": "roll"}),
    "input": _names({"tensorflow": "band_part matrix_band_part nn.local_response_normalization nn.lrn set_diag"}),
    "input seq_lengths": _names({"tensorflow": "reverse_sequence"}),
    "tensor axis": _names({"tensorflow": "reverse reverse_v2"}),
    "values axis": _names({"tensorflow": "argsort sort"}),
    "value bias data_format": _names({"tensorflow": "nn.bias_add"}),
    "x bias data_format": _names({"keras.backend": "bias_add"}),
    "t": _names({"tensorflow": "clip_by_norm"}),
    "input_ data": _names({"tensorflow": "Print"}),
}
"""Operations that mix elements along dimensions and keep all sizes, by the names of their parameters."""


def _register_same(parameters: str, names: tuple[str, ...]) -> None:
    first, *others = parameters.split()

    def same(*arguments: Any, **keywords: Any) -> Shape:
        return as_tensor(arguments[0] if arguments else keywords.get(first, UNKNOWN))

    for name in names:
        register_function(name, same, (first, *others))


for _table in (UNARY, ACTIVATIONS, SOFTMAXES, DROPOUTS, _MIXED):
    for _parameters, _operations in _table.items():
        _register_same(_parameters, _operations)


_BACKEND_BINARY = "equal greater greater_equal less less_equal maximum minimum not_equal"

BINARY = {
    "x y": _names(
        {
            "tensorflow": """
            add div div_no_nan divide divide_no_nan equal floor_div floordiv floormod greater greater_equal less
            less_equal logical_and logical_or logical_xor maximum minimum mod multiply multiply_no_nan
            mul not_equal pow realdiv squared_difference sub subtract truediv truncatediv truncatemod xdivy xlog1py
            xlogy
            """,
            "keras.backend": _BACKEND_BINARY,
        }
    ),
    "y x": _names({"tensorflow": "atan2"}),
    "real imag": _names({"tensorflow": "complex"}),
    "x1 x2": _names(
        {
            "keras.ops": """
            add arctan2 bitwise_and bitwise_or bitwise_xor divide divide_no_nan equal floor_divide fmax fmin fmod gcd
            greater greater_equal heaviside hypot isclose lcm less less_equal logaddexp logaddexp2 logical_and
            logical_or logical_xor maximum minimum mod multiply nextafter not_equal power subtract true_divide
            """
        }
    ),
}
"""Functions of two tensors, which are broadcast, by the names of their parameters."""


def _register_binary(parameters: str, names: tuple[str, ...]) -> None:
    first, second = parameters.split()

    def binary(*arguments: Any, **keywords: Any) -> Shape:
        given = dict(zip((first, second), arguments)) | keywords
        return broadcast(as_tensor(given.get(first, UNKNOWN)), as_tensor(given.get(second, UNKNOWN)))

    for name in names:
        register_function(name, binary, (first, second))


for _parameters, _operations in BINARY.items():
    _register_binary(_parameters, _operations)


@shape_function("keras.backend.pow")
def power(x: Any, a: Any) -> Shape:
    """*x* and its exponent, broadcast."""
    return broadcast(as_tensor(x), as_tensor(a))


@shape_function("tensorflow.scalar_mul")
def scalar_mul(scalar: Any, x: Any, name: Any = None) -> Shape:
    """The shape of *x*."""
    return as_tensor(x)


@shape_function("tensorflow.clip_by_value")
def clip_tensorflow(t: Any, clip_value_min: Any, clip_value_max: Any, *_: Any, **__: Any) -> Shape:
    """*t*, to whose shape the bounds are stretched."""
    return as_tensor(t)


@shape_function("keras.ops.clip")
def clip_keras(x: Any, x_min: Any, x_max: Any) -> Shape:
    """*x*, to whose shape the bounds are stretched."""
    return as_tensor(x)


@shape_function("keras.backend.clip")
def clip_backend(x: Any, min_value: Any, max_value: Any) -> Shape:
    """*x*, to whose shape the bounds are stretched."""
    return as_tensor(x)


def _flat_without(shape: Shape, axis: Any) -> Shape:
    if axis is None:
        return flatten(shape)
    return shape if isinstance(axis, int) else UNKNOWN_SHAPE


@shape_function(*(f"keras.ops.{name}" for name in ("cumprod", "cumsum", "nancumprod", "nancumsum")))
def accumulated(x: Any, axis: Any = None, *_: Any, **__: Any) -> Shape:
    """The shape of *x*; without *axis*, all elements in one dimension."""
    return _flat_without(as_tensor(x), axis)


@shape_function("keras.ops.argsort", "keras.ops.sort")
def ordered(x: Any, axis: Any = -1) -> Shape:
    """The shape of *x*; with ``axis=None``, all elements in one dimension."""
    return _flat_without(as_tensor(x), axis)


@shape_function("tensorflow.ensure_shape")
def ensure_shape(x: Any, shape: Any, name: Any = None) -> Shape:
    """*x*."""
    return as_tensor(x)


@shape_function("tensorflow.nn.crelu")
def crelu(features: Any, axis: Any = -1, name: Any = None) -> Shape:
    """Twice the size along *axis*."""
    shape = as_tensor(features)
    return cat((shape, shape), axis)
