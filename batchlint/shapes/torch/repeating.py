"""Tensors stretched or copied along their dimensions."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import least
from batchlint.shapes.dimension import Dimension, Expression, certainly_differ, render, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.operands import along, as_dimension, as_shape, as_sizes
from batchlint.shapes.torch.reshaping import flatten

__all__ = ["expand", "repeat", "repeat_interleave", "tile"]


def _counts(sizes: Shape | tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    return (sizes.leading if sizes.exact else None) if isinstance(sizes, Shape) else sizes


def expand(shape: Shape, sizes: Shape | tuple[Any, ...] | None) -> Shape:
    """*shape* stretched to *sizes*, of which -1 keeps what is there.

    Raises:
        ShapeMismatch: *shape* is certain not to stretch so.
    """
    wanted = _counts(sizes)
    if wanted is None:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        added = len(wanted) - len(known.leading)
        if added < 0:
            raise ShapeMismatch(f"expand of {known} to {len(wanted)} dimensions")
        if any(size == -1 for size in wanted[:added]):
            raise ShapeMismatch("expand with -1 for a new dimension")
        front = [as_dimension(size) for size in wanted[:added]]
        back = [_expanded(here, size) for here, size in zip(known.leading, wanted[added:])]
        return Shape((*front, *back))

    return over_ranks(at_known_rank, shape, reach=len(wanted))


def _expanded(here: Dimension, size: Any) -> Dimension:
    if size == -1:
        return here
    above_one = (least(here) or 0) > 1
    if size is UNKNOWN:
        return here if above_one else unknown(minimum=0)
    wanted = as_dimension(size)
    if (above_one or here == 0) and certainly_differ(here, wanted):
        raise ShapeMismatch(f"expand of {render(here)} to {render(wanted)}", here, wanted)
    return wanted


@shape_function("torch.Tensor.expand")
def expand_method(input: Any, *sizes: Any, size: Any = None) -> Shape:
    """*input* stretched to the sizes, given one by one or as a tuple."""
    return expand(as_shape(input), as_sizes(sizes, size))


@shape_function("torch.Tensor.expand_as")
def expand_as(input: Any, other: Any) -> Shape:
    """*input* stretched to the shape of *other*."""
    return as_shape(other)


def repeat(shape: Shape, counts: Shape | tuple[Any, ...] | None) -> Shape:
    """*shape* with each dimension repeated as often as *counts* say, from the last on.

    Raises:
        ShapeMismatch: there are fewer counts than dimensions.
    """
    times = _counts(counts)
    if times is None:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        added = len(times) - len(known.leading)
        if added < 0:
            raise ShapeMismatch(f"repeat of {known} with {len(times)} counts")
        return _multiplied((1,) * added + known.leading, times)

    return over_ranks(at_known_rank, shape, reach=len(times))


def _multiplied(sizes: tuple[Dimension, ...], times: tuple[Any, ...]) -> Shape:
    return Shape(
        tuple([size * n if isinstance(n, (int, Expression)) else unknown(minimum=0) for size, n in zip(sizes, times)])
    )


@shape_function("torch.Tensor.repeat")
def repeat_method(input: Any, *repeats: Any) -> Shape:
    """Each dimension repeated, the counts given one by one or as a tuple."""
    return repeat(as_shape(input), as_sizes(repeats))


def tile(shape: Shape, counts: Shape | tuple[Any, ...] | None) -> Shape:
    """`repeat`, but with fewer counts than dimensions the first dimensions stay."""
    times = _counts(counts)
    if times is None:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        rank = max(len(times), len(known.leading))
        sizes = (1,) * (rank - len(known.leading)) + known.leading
        return _multiplied(sizes, (1,) * (rank - len(times)) + times)

    return over_ranks(at_known_rank, shape, reach=len(times))


@shape_function("torch.Tensor.tile")
def tile_method(input: Any, *dims: Any) -> Shape:
    """Each dimension repeated, the counts given one by one or as a tuple."""
    return tile(as_shape(input), as_sizes(dims))


@shape_function("torch.tile")
def tile_function(input: Any, dims: Any) -> Shape:
    """Each dimension repeated."""
    return tile(as_shape(input), as_sizes((dims,)))


@shape_function("torch.repeat_interleave", "torch.Tensor.repeat_interleave")
def repeat_interleave(input: Any, repeats: Any = None, dim: Any = None, output_size: Any = None) -> Shape:
    """Each element of *dim* repeated in place; without *dim*, each element of all."""
    shape = as_shape(input)
    if repeats is None:
        return Shape((unknown(minimum=0),))
    times = repeats if isinstance(repeats, (int, Expression)) else None
    if dim is None:
        shape, dim = flatten(shape), 0
    elif not isinstance(dim, int):
        return UNKNOWN_SHAPE

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        if output_size is not None:
            size = as_dimension(output_size)
        else:
            size = unknown(minimum=0) if times is None else (sizes[axis] if sizes else 1) * times
        return Shape((*sizes[:axis], size, *sizes[axis + 1 :]))

    result: Shape = along(shape, dim, at_axis)
    return result
