"""NumPy's functions that make, reshape, reduce and compute."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import at_most, unify
from batchlint.shapes.dimension import Expression, render, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.creation import from_data, range_length
from batchlint.shapes.torch.joining import cat, stack
from batchlint.shapes.torch.operands import (
    as_axes,
    as_dimension,
    as_shape,
    as_sizes,
    axis_of,
    reach_of,
    shape_of_sizes,
)
from batchlint.shapes.torch.products import matmul
from batchlint.shapes.torch.reductions import reduce
from batchlint.shapes.torch.repeating import repeat_interleave, tile
from batchlint.shapes.torch.reshaping import flatten, reshape
from batchlint.shapes.torch.views import (
    permute,
    squeeze,
    transpose,
    unsqueeze,
)

__all__: list[str] = []

UNARY = """
abs absolute arccos arcsin arctan cbrt ceil cos cosh deg2rad exp exp2 expm1 fabs floor isfinite isinf isnan log log10
log1p log2 logical_not negative positive rad2deg reciprocal rint round sign sin sinh sqrt square tan tanh trunc
empty_like full_like ones_like zeros_like float16 float32 float64 int8 int16 int32 int64 uint8 copy nan_to_num fix
sinc signbit isneginf isposinf real imag conj conjugate angle fliplr flipud
"""
BINARY = """
add arctan2 divide equal floor_divide fmax fmin fmod greater greater_equal hypot less less_equal logaddexp logical_and
logical_or logical_xor maximum minimum mod multiply not_equal power remainder subtract true_divide
"""
REDUCTIONS = "all any argmax argmin max mean min prod std sum var"
FUNCTION_REDUCTIONS = """
amax amin average count_nonzero median nanargmax nanargmin nanmax nanmean nanmedian nanmin nanprod nanstd nansum nanvar
ptp
"""
METHODS = "astype clip copy round"


def _both(names: str) -> list[str]:
    return [f"{place}.{name}" for name in names.split() for place in ("numpy", "numpy.ndarray")]


@shape_function(
    *(f"numpy.{name}" for name in UNARY.split()),
    *(f"numpy.ndarray.{name}" for name in METHODS.split()),
)
def same(a: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *a*."""
    return as_shape(a) if not isinstance(a, tuple) else from_data(a)


@shape_function(*(f"numpy.{name}" for name in BINARY.split()))
def binary(x1: Any, x2: Any, **_: Any) -> Shape:
    """*x1* and *x2*, broadcast."""
    return broadcast(as_shape(x1), as_shape(x2))


@shape_function("numpy.clip")
def clip(a: Any, a_min: Any = None, a_max: Any = None, **_: Any) -> Shape:
    """*a* and its bounds, broadcast."""
    return broadcast(as_shape(a), *(as_shape(bound) for bound in (a_min, a_max) if bound is not None))


@shape_function("numpy.where")
def where(condition: Any, x: Any = None, y: Any = None) -> ShapeResult:
    """The three broadcast; nothing is known of the indices that a condition alone gives."""
    if x is None or y is None:
        return UNKNOWN
    return broadcast(as_shape(condition), as_shape(x), as_shape(y))


@shape_function("numpy.array", "numpy.asarray", "numpy.asanyarray")
def array(object: Any, *_: Any, **__: Any) -> Shape:
    """The shape of the data."""
    return from_data(object)


@shape_function("numpy.empty", "numpy.ones", "numpy.zeros")
def sized(shape: Any, *_: Any, **__: Any) -> Shape:
    """*shape*, one number or a tuple."""
    return shape_of_sizes(as_sizes((shape,)))


@shape_function("numpy.full")
def full(shape: Any, fill_value: Any, **_: Any) -> Shape:
    """*shape*, one number or a tuple."""
    return shape_of_sizes(as_sizes((shape,)))


@shape_function("numpy.random.rand", "numpy.random.randn")
def random_sized(*sizes: Any) -> Shape:
    """The sizes, given one by one."""
    return shape_of_sizes(sizes)


@shape_function(*(f"numpy.random.{name}" for name in ("random", "random_sample", "standard_normal")))
def random(size: Any = None) -> Shape:
    """*size*; without it, a number."""
    return Shape() if size is None else shape_of_sizes(as_sizes((size,)))


@shape_function(*(f"numpy.random.{name}" for name in ("binomial", "laplace", "normal", "randint", "uniform")))
def random_between(low: Any = 0.0, high: Any = 1.0, size: Any = None, **_: Any) -> Shape:
    """*size*; without it, the parameters broadcast."""
    if size is not None:
        return shape_of_sizes(as_sizes((size,)))
    return broadcast(*(as_shape(bound) for bound in (low, high) if bound is not None))


@shape_function("numpy.random.choice")
def choice(a: Any, size: Any = None, *_: Any, **__: Any) -> Shape:
    """*size*; without it, a number."""
    return Shape() if size is None else shape_of_sizes(as_sizes((size,)))


@shape_function("numpy.random.permutation")
def permutation(x: Any) -> Shape:
    """*x* with its first dimension shuffled; of a number, as many numbers."""
    if isinstance(x, (int, Expression)):
        return Shape((x,))
    return from_data(x)


@shape_function("numpy.arange")
def arange(start: Any, stop: Any = None, step: Any = 1, **_: Any) -> Shape:
    """``arange(stop)``, ``arange(start, stop)`` or ``arange(start, stop, step)``."""
    first, last = (0, start) if stop is None else (start, stop)
    try:
        length = range_length(first, last, step)
    except ShapeMismatch:
        return Shape((0,))
    # Unlike PyTorch's, a range whose end comes before its start is empty.
    ordered = isinstance(length, int) or (_is_size(first) and _is_size(last) and at_most(first, last))
    return Shape((length if ordered else unknown(minimum=0),))


def _is_size(value: Any) -> bool:
    return isinstance(value, (int, Expression))


@shape_function("numpy.linspace")
def linspace(start: Any, stop: Any, num: Any = 50, **_: Any) -> Shape:
    """``[num]`` between numbers."""
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        return Shape((as_dimension(num),))
    return UNKNOWN_SHAPE


@shape_function("numpy.identity")
def identity(n: Any, *_: Any, **__: Any) -> Shape:
    """``[n, n]``."""
    return Shape((as_dimension(n),) * 2)


@shape_function("numpy.eye")
def eye(N: Any, M: Any = None, *_: Any, **__: Any) -> Shape:
    """``[N, M]``, square without *M*."""
    rows = as_dimension(N)
    return Shape((rows, rows if M is None else as_dimension(M)))


@shape_function("numpy.reshape")
def reshape_function(a: Any, shape: Any = None, *_: Any, newshape: Any = None, **__: Any) -> Shape:
    """*a* as *shape*."""
    return reshape(as_shape(a), as_sizes((shape if shape is not None else newshape,)))


@shape_function("numpy.ndarray.reshape")
def reshape_method(a: Any, *shape: Any, **_: Any) -> Shape:
    """*a* as the sizes, given one by one or as a tuple."""
    return reshape(as_shape(a), as_sizes(shape))


@shape_function(*_both("ravel"), "numpy.ndarray.flatten")
def ravel(a: Any, *_: Any, **__: Any) -> Shape:
    """All elements in one dimension."""
    return flatten(as_shape(a))


@shape_function(*_both("squeeze"))
def squeeze_function(a: Any, axis: Any = None) -> Shape:
    """*a* without its dimensions of size 1, or without those among *axis*."""
    return squeeze(as_shape(a), axis)


@shape_function("numpy.expand_dims")
def expand_dims(a: Any, axis: Any) -> Shape:
    """*a* with new dimensions of size 1 at *axis*."""
    shape = as_shape(a)
    if isinstance(axis, int):
        return unsqueeze(shape, axis)
    axes = as_axes(axis)
    if axes is None:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        rank = len(known.leading) + len(axes)
        new = {axis_of(rank, one) for one in axes}
        old = iter(known.leading)
        if len(new) < len(axes):
            raise ShapeMismatch("a new dimension twice")
        return Shape(tuple([1 if position in new else next(old) for position in range(rank)]))

    return over_ranks(at_known_rank, shape, reach=reach_of(axes))


@shape_function("numpy.transpose")
def transpose_function(a: Any, axes: Any = None) -> Shape:
    """The dimensions in the order *axes*, by default reversed."""
    return _transposed(as_shape(a), axes)


@shape_function("numpy.ndarray.transpose")
def transpose_method(a: Any, *axes: Any) -> Shape:
    """The dimensions in the order *axes*, by default reversed."""
    if not axes or axes == (None,):
        return _transposed(as_shape(a), None)
    return _transposed(as_shape(a), as_sizes(axes) if axes != (UNKNOWN,) else UNKNOWN)


@shape_function("numpy.ndarray.T")
def reversed_dimensions(a: Any) -> Shape:
    """All dimensions in reverse order."""
    return _transposed(as_shape(a), None)


def _transposed(shape: Shape, axes: Any) -> Shape:
    if axes is None:
        sizes = shape.leading[::-1]
        return Shape(sizes) if shape.exact else Shape(shape.trailing[::-1], sizes, exact=False)
    return permute(shape, axes)


@shape_function(*_both("swapaxes"))
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Shape:
    """*axis1* and *axis2* swapped."""
    return transpose(as_shape(a), axis1, axis2)


@shape_function("numpy.concatenate")
def concatenate(arrays: Any, axis: Any = 0, **_: Any) -> Shape:
    """*arrays* joined along *axis*; without one, all elements in one dimension."""
    if axis is None:
        if not isinstance(arrays, (tuple, list)):
            return Shape((unknown(minimum=0),))
        return cat(tuple([flatten(as_shape(one)) for one in arrays]))
    return cat(arrays, axis)


@shape_function("numpy.stack")
def stack_function(arrays: Any, axis: Any = 0, **_: Any) -> Shape:
    """*arrays*, all of one shape, along a new dimension at *axis*."""
    return stack(arrays, axis)


@shape_function("numpy.tile")
def tile_function(A: Any, reps: Any) -> Shape:
    """Each dimension repeated."""
    return tile(as_shape(A), as_sizes((reps,)))


@shape_function(*_both("repeat"))
def repeat(a: Any, repeats: Any, axis: Any = None) -> Shape:
    """Each element repeated in place along *axis*; without one, of all in one dimension."""
    return repeat_interleave(a, repeats if not isinstance(repeats, tuple) else UNKNOWN, axis)


@shape_function(*_both(REDUCTIONS), *(f"numpy.{name}" for name in FUNCTION_REDUCTIONS.split()))
def reduction(a: Any, axis: Any = None, *_: Any, keepdims: Any = False, **__: Any) -> Shape:
    """*a* without *axis*."""
    return as_shape(a) if axis == () else reduce(as_shape(a), axis, keepdims)


@shape_function("numpy.linalg.norm")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Shape:
    """*x* without *axis*."""
    return reduce(as_shape(x), axis, keepdims)


@shape_function(*_both("cumsum cumprod"))
def accumulated(a: Any, axis: Any = None, **_: Any) -> Shape:
    """The shape of *a*; without *axis*, all elements in one dimension."""
    if axis is None:
        return flatten(as_shape(a))
    return as_shape(a) if isinstance(axis, int) else UNKNOWN_SHAPE


@shape_function("numpy.sort", *_both("argsort"))
def ordered(a: Any, axis: Any = -1, *_: Any, **__: Any) -> Shape:
    """The shape of *a*; with ``axis=None``, all elements in one dimension."""
    if axis is None:
        return flatten(as_shape(a))
    return as_shape(a) if isinstance(axis, int) else UNKNOWN_SHAPE


@shape_function("numpy.matmul")
def matmul_function(x1: Any, x2: Any, **_: Any) -> Shape:
    """The product of the last two dimensions, the others broadcast."""
    return matmul(as_shape(x1), as_shape(x2))


@shape_function(*_both("dot"))
def dot(a: Any, b: Any) -> Shape:
    """The last dimension of *a* summed with the last but one of *b*; a number multiplies."""
    return over_ranks(_dot_known, as_shape(a), as_shape(b))


def _dot_known(left: Shape, right: Shape) -> Shape:
    a, b = left.leading, right.leading
    if not a or not b:
        return Shape(a + b)
    middle = b[-2] if len(b) > 1 else b[0]
    unify(a[-1], middle, f"dot of a dimension of {render(a[-1])} with one of {render(middle)}")
    return Shape(a[:-1] + (b[:-2] + b[-1:] if len(b) > 1 else ()))
