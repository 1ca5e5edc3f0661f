"""Operations that compute each element from the elements in its place."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.registry import shape_function
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import as_shape

__all__ = ["binary", "same", "ternary"]

UNARY = """
abs absolute acos acosh angle arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh bernoulli bitwise_not
ceil conj conj_physical cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac i0 isfinite isinf isnan
isneginf isposinf isreal lgamma log log10 log1p log2 logical_not logit mvlgamma nan_to_num neg negative positive rad2deg
reciprocal relu resolve_conj resolve_neg round rsqrt sgn sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc
""".split()
"""Functions and methods of one tensor, whose other parameters are options."""

SAME = """
clone cumprod cumsum detach flip fliplr flipud log_softmax logcumsumexp matrix_exp renorm roll softmax tril triu
""".split()
"""Functions and methods that mix elements along dimensions and keep all sizes."""

UNARY_FUNCTIONS = """
torch.alpha_dropout torch.celu torch.dropout torch.feature_dropout torch.poisson torch.rrelu torch.selu
torch.special.expit torch.special.log_softmax torch.special.softmax torch.threshold
torch.nn.functional.gumbel_softmax torch.nn.functional.log_softmax torch.nn.functional.normalize
torch.nn.functional.softmax torch.nn.functional.softmin
""".split()

CONVERSIONS = """
bfloat16 bool byte cdouble cfloat chalf char contiguous cpu cuda double float half int long numpy pin_memory
requires_grad share_memory short to to_dense type type_as
""".split()
"""Methods that change what the elements are or where they lie; ``requires_grad_()`` and its like return the tensor."""

FILLS = "cauchy copy exponential fill geometric log_normal normal random uniform zero".split()
"""Methods that write new values into the tensor."""

PARTS = "data grad imag real".split()
"""Attributes."""

BINARY = """
add arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor clamp_max clamp_min copysign
div divide eq float_power floor_divide fmax fmin fmod gcd ge greater greater_equal gt heaviside hypot isclose lcm ldexp
le less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor lt maximum minimum mul multiply ne nextafter
not_equal pow remainder sub subtract true_divide xlogy
""".split()
BINARY_FUNCTIONS = ["torch.complex", "torch.polar", "torch.rsub"]
TERNARY = ["addcdiv", "addcmul", "clamp", "clip", "lerp"]


def _both(names: list[str]) -> list[str]:
    """The names of the function and of the method."""
    return [f"{place}.{name}" for name in names for place in ("torch", "torch.Tensor")]


@shape_function(
    *_both(UNARY),
    *_both(SAME),
    *UNARY_FUNCTIONS,
    *(f"torch.Tensor.{name}" for name in [*CONVERSIONS, *FILLS, *PARTS]),
    "torch.autograd.Variable",
    "torch.imag",
    "torch.nn.Parameter",
    "torch.nn.parameter.Parameter",
    "torch.real",
)
def same(input: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *input*, whatever else is given."""
    return as_shape(input)


@shape_function("torch.polygamma", "torch.special.polygamma")
def polygamma(n: Any, input: Any) -> Shape:
    """The shape of *input*."""
    return as_shape(input)


@shape_function(*_both(BINARY), *BINARY_FUNCTIONS)
def binary(input: Any, other: Any, *_: Any, **__: Any) -> Shape:
    """*input* and *other*, broadcast."""
    if type(input) is Shape and (type(other) is int or type(other) is float):
        return input
    return broadcast(as_shape(input), as_shape(other))


@shape_function(*_both(TERNARY))
def ternary(input: Any, *operands: Any, **named: Any) -> Shape:
    """*input* and the other tensors, broadcast; ``None`` is an option left out."""
    others = [*operands, *named.values()]
    return broadcast(as_shape(input), *(as_shape(other) for other in others if other is not None))
