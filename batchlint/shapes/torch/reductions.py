"""Operations that take dimensions away, or make them 1 with *keepdim*."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.ranks import join, over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import SCALAR, along, as_axes, as_dimension, as_shape, axis_of, reach_of

__all__ = ["reduce"]


def reduce(shape: Shape, dim: Any = None, keepdim: Any = False) -> Shape:
    """*shape* without *dim*, which is one dimension, several, or all for ``None`` and ``()``.

    Raises:
        ShapeMismatch: there is no such dimension.
    """
    if not isinstance(keepdim, int):
        return join([reduce(shape, dim, keepdim=False), reduce(shape, dim, keepdim=True)])
    if dim is None or dim == ():
        if not keepdim:
            return SCALAR
        return Shape((1,) * len(shape.leading), (1,) * len(shape.trailing), shape.exact)
    axes = as_axes(dim)
    if axes is None:
        if isinstance(dim, (tuple, list)):
            return _some_reduced(shape, len(dim), bool(keepdim))
        # One dimension, several or all of them.
        return over_ranks(_any_made_one, shape) if keepdim else UNKNOWN_SHAPE
    if shape.exact:
        return _reduced(shape, axes, bool(keepdim))
    return over_ranks(lambda known: _reduced(known, axes, bool(keepdim)), shape, reach=reach_of(axes))


def _reduced(shape: Shape, axes: tuple[int, ...], keepdim: bool) -> Shape:
    rank = len(shape.leading)
    return _without(shape.leading, {axis_of(rank, axis) for axis in axes}, keepdim)


def _without(sizes: tuple[Dimension, ...], axes: set[int], keepdim: bool) -> Shape:
    if keepdim:
        return Shape(tuple([1 if axis in axes else size for axis, size in enumerate(sizes)]))
    return Shape(tuple([size for axis, size in enumerate(sizes) if axis not in axes]))


def _any_made_one(shape: Shape) -> Shape:
    return Shape(tuple([1 if size == 1 else unknown(minimum=0) for size in shape.leading]))


def _some_reduced(shape: Shape, count: int, keepdim: bool) -> Shape:
    """*shape* without *count* dimensions, which are not known."""

    def at_known_rank(known: Shape) -> Shape:
        # A number counts as having one dimension.
        if count > max(len(known.leading), 1):
            raise ShapeMismatch(f"{count} dimensions of {known}")
        rank = len(known.leading) if keepdim else max(len(known.leading) - count, 0)
        return Shape(tuple([unknown(minimum=0) for _ in range(rank)]))

    return over_ranks(at_known_rank, shape, reach=count)


REDUCTIONS = "all amax amin any argmax argmin count_nonzero logsumexp mean nanmean nansum prod sum"


@shape_function(
    *(f"{place}.{name}" for name in REDUCTIONS.split() for place in ("torch", "torch.Tensor")),
    "torch.special.logsumexp",
)
def reduction(input: Any, dim: Any = None, keepdim: Any = False) -> Shape:
    """*input* without *dim*."""
    return reduce(as_shape(input), dim, keepdim)


def _spread(input: Any, dim: Any, options: tuple[Any, ...], keepdim: Any) -> Shape:
    if isinstance(dim, bool):
        dim = None
    if len(options) > 1:
        keepdim = options[1]
    return reduce(as_shape(input), dim, keepdim)


@shape_function("torch.std", "torch.Tensor.std", "torch.var", "torch.Tensor.var")
def spread(input: Any, dim: Any = None, *options: Any, keepdim: Any = False, unbiased: Any = True, **_: Any) -> Shape:
    """*input* without *dim*; a boolean in its place, and what follows *dim*, says how to correct."""
    return _spread(input, dim, options, keepdim)


@shape_function("torch.std_mean", "torch.var_mean")
def spread_and_mean(
    input: Any, dim: Any = None, *options: Any, keepdim: Any = False, unbiased: Any = True, **_: Any
) -> ShapeResult:
    """Twice *input* without *dim*."""
    result = _spread(input, dim, options, keepdim)
    return result, result


@shape_function("torch.norm", "torch.Tensor.norm")
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: Any = False, **_: Any) -> Shape:
    """*input* without *dim*."""
    return reduce(as_shape(input), dim, keepdim)


@shape_function("torch.linalg.norm", "torch.linalg.vector_norm")
def vector_norm(input: Any, ord: Any = None, dim: Any = None, keepdim: Any = False) -> Shape:
    """*input* without *dim*."""
    return reduce(as_shape(input), dim, keepdim)


@shape_function("torch.linalg.matrix_norm")
def matrix_norm(A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: Any = False) -> Shape:
    """*A* without its last two dimensions."""
    return reduce(as_shape(A), dim, keepdim)


@shape_function("torch.max", "torch.Tensor.max", "torch.min", "torch.Tensor.min")
def extremum(input: Any, dim: Any = None, keepdim: Any = False, other: Any = None) -> ShapeResult:
    """A number; with *dim*, values and indices without it; with another tensor, both broadcast."""
    if other is None and isinstance(dim, Shape):
        other = dim
    if other is not None:
        return broadcast(as_shape(input), as_shape(other))
    if dim is None:
        return SCALAR
    if not isinstance(dim, int):
        return UNKNOWN
    result = reduce(as_shape(input), dim, keepdim)
    return result, result


@shape_function("torch.median", "torch.Tensor.median", "torch.nanmedian", "torch.Tensor.nanmedian")
def median(input: Any, dim: Any = None, keepdim: Any = False) -> ShapeResult:
    """A number; with *dim*, values and indices without it."""
    if dim is None:
        return SCALAR
    result = reduce(as_shape(input), dim, keepdim)
    return result, result


@shape_function("torch.mode", "torch.Tensor.mode")
def mode(input: Any, dim: Any = -1, keepdim: Any = False) -> ShapeResult:
    """Values and indices without *dim*."""
    result = reduce(as_shape(input), dim, keepdim)
    return result, result


@shape_function("torch.kthvalue", "torch.Tensor.kthvalue")
def kthvalue(input: Any, k: Any, dim: Any = -1, keepdim: Any = False) -> ShapeResult:
    """Values and indices without *dim*."""
    return mode(input, dim, keepdim)


@shape_function("torch.aminmax", "torch.Tensor.aminmax")
def aminmax(input: Any, dim: Any = None, keepdim: Any = False) -> ShapeResult:
    """Least and greatest value, without *dim*."""
    result = reduce(as_shape(input), dim, keepdim)
    return result, result


@shape_function("torch.quantile", "torch.Tensor.quantile", "torch.nanquantile", "torch.Tensor.nanquantile")
def quantile(input: Any, q: Any, dim: Any = None, keepdim: Any = False, **_: Any) -> Shape:
    """*input* without *dim*, for each element of a vector *q* in front."""
    result = reduce(as_shape(input), dim, keepdim)
    return over_ranks(lambda one, rest: Shape(one.leading + rest.leading), as_shape(q), result)


@shape_function("torch.dist", "torch.Tensor.dist", "torch.trace", "torch.Tensor.trace")
def number(*_: Any, **__: Any) -> Shape:
    """A tensor without dimensions."""
    return SCALAR


@shape_function("torch.diff", "torch.Tensor.diff")
def diff(input: Any, n: Any = 1, dim: Any = -1, prepend: Any = None, append: Any = None) -> Shape:
    """*dim* shorter by *n*, after *prepend* and *append* were added to it."""
    if n == 0:
        return as_shape(input)

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        here = _shorter(sizes[axis], n) if sizes and prepend is None and append is None else unknown(minimum=0)
        return Shape((*sizes[:axis], here, *sizes[axis + 1 :]))

    result: Shape = along(as_shape(input), dim, at_axis)
    return result


def _shorter(size: Dimension, by: Any) -> Dimension:
    if isinstance(size, int) and isinstance(by, int):
        return max(size - by, 0)
    return size - 1 if by == 1 else unknown(minimum=0)


@shape_function("torch.histc", "torch.Tensor.histc")
def histc(input: Any, bins: Any = 100, *_: Any, **__: Any) -> Shape:
    """``[bins]``."""
    return Shape((as_dimension(bins),))


@shape_function("torch.bincount", "torch.Tensor.bincount")
def bincount(input: Any, weights: Any = None, minlength: Any = 0) -> Shape:
    """One count for each number up to the greatest."""
    return Shape((unknown(minimum=0),))


@shape_function("torch.cov", "torch.Tensor.cov", "torch.corrcoef", "torch.Tensor.corrcoef")
def covariance(input: Any, **_: Any) -> Shape:
    """``[n, m]`` to ``[n, n]``; one variable gives a number."""

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) > 2:
            raise ShapeMismatch(f"cov expects at most 2 dimensions, got {known}")
        if len(known.leading) < 2:
            return SCALAR
        # One row is one variable, whose covariance is a number.
        if isinstance(known.leading[0], int):
            return Shape((known.leading[0],) * 2) if known.leading[0] != 1 else SCALAR
        return join([SCALAR, Shape((known.leading[0],) * 2)])

    return over_ranks(at_known_rank, as_shape(input))
