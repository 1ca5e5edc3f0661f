"""What stands between the brackets: integers, slices, ``None``, ellipses, index tensors and masks."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import at_most, least, unify
from batchlint.shapes.dimension import Dimension, Expression, floor_divide, render, smaller, unknown
from batchlint.shapes.ranks import join, over_ranks
from batchlint.shapes.registry import UNKNOWN, Index, TensorIndex, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import along, as_dimension, as_shape

__all__ = ["index", "slice_length"]


def index(shape: Shape, items: tuple[Index, ...]) -> Shape:
    """The shape of ``x[items]`` for an *x* of *shape*.

    As in PyTorch, integers select first; the dimensions of index tensors stand where the tensors stand if these are
    next to each other, else in front.

    Raises:
        ShapeMismatch: there are more indices than dimensions, an index is out of range, or a mask does not fit.
    """
    if all(type(item) is slice and item == _ALL for item in items):
        return _full_slices(shape, len(items))
    items = tuple([_normal_item(item) for item in items])
    for position, item in enumerate(items):
        if isinstance(item, TensorIndex):
            alternatives = _alternatives(item)
            if alternatives is None:
                return _before_unsure(shape, items)
            if len(alternatives) > 1 or alternatives[0] is not item:
                return _any_of(shape, [(*items[:position], one, *items[position + 1 :]) for one in alternatives])
    if UNKNOWN in items:
        return _before_unsure(shape, items)
    return over_ranks(lambda known: _index_known(known.leading, items), shape, reach=len(items) + 1)


_ALL = slice(None)


def _any_of(shape: Shape, readings: list[tuple[Any, ...]]) -> Shape:
    """What the *readings* of an index, of which one is right, have in common."""
    results: list[Shape] = []
    refused: ShapeMismatch | None = None
    for items in readings:
        try:
            results.append(index(shape, items))
        except ShapeMismatch as mismatch:
            refused = mismatch
    if refused is not None and not results:
        raise refused
    return join(results)


def _full_slices(shape: Shape, count: int) -> Shape:
    if count <= shape.least_rank:
        return shape
    if shape.exact:
        raise ShapeMismatch(f"{count} indices for a tensor of rank {shape.rank}")
    return Shape(shape.leading + tuple([unknown() for _ in range(count - len(shape.leading))]), shape.trailing, False)


def _normal_item(item: Any) -> Any:
    if isinstance(item, (list, tuple)):
        if all(isinstance(one, (int, Expression)) and not isinstance(one, bool) for one in item):
            return TensorIndex(Shape((len(item),)), False)
        return UNKNOWN
    if isinstance(item, bool):
        return UNKNOWN
    if isinstance(item, Shape):
        return TensorIndex(item)
    if item is None or item is Ellipsis or isinstance(item, (int, Expression, slice, TensorIndex)):
        return item
    return UNKNOWN


def _alternatives(item: TensorIndex) -> list[Any] | None:
    """*item* as each of the things it may be: an integer, a mask, a tensor of integers; ``None`` for too many."""
    shape = item.shape
    if not shape.exact:
        return None
    if item.boolean is None:
        return [alternative for flag in (True, False) for alternative in _alternatives(TensorIndex(shape, flag)) or ()]
    if not item.boolean and not shape.leading:
        return [unknown()]
    return [item]


def _before_unsure(shape: Shape, items: tuple[Any, ...]) -> Shape:
    """What is certain when an item is not known: the dimensions before it, unless tensors apart move to the front."""
    unsure = [at for at, item in enumerate(items) if item is UNKNOWN or isinstance(item, TensorIndex)]
    if unsure[-1] - unsure[0] >= len(unsure):
        return UNKNOWN_SHAPE
    before = items[: unsure[0]]
    if Ellipsis in before:
        return UNKNOWN_SHAPE
    consumed = sum(item is not None for item in before)
    known = shape.leading[:consumed] + tuple([unknown() for _ in range(consumed - len(shape.leading[:consumed]))])
    return Shape(_index_known(known, before).leading, (), exact=False)


def _consumes(item: Any) -> int:
    if item is None or item is Ellipsis:
        return 0
    if isinstance(item, TensorIndex) and item.boolean:
        return len(item.shape.leading)
    return 1


def _index_known(sizes: tuple[Dimension, ...], items: tuple[Any, ...]) -> Shape:
    missing = len(sizes) - sum(map(_consumes, items))
    if missing < 0:
        raise ShapeMismatch(f"too many indices for a tensor of rank {len(sizes)}")
    rest = [_ALL] * missing
    ellipses = [at for at, item in enumerate(items) if item is Ellipsis]
    at = ellipses[0] if ellipses else len(items)
    result: list[Dimension] = []
    places: list[int] = []
    tensors: list[Shape] = []
    axis = 0
    for item in [*items[:at], *rest, *items[at + 1 :]]:
        if item is None or item is Ellipsis:
            if item is None:
                result.append(1)
            continue
        if isinstance(item, TensorIndex):
            places.append(len(result) + len(tensors))
            if item.boolean:
                for size in item.shape.leading:
                    unify(sizes[axis], size, f"a mask of {item.shape} for a tensor of {Shape(sizes)}")
                    axis += 1
                tensors.append(Shape((unknown(minimum=0),)))
            else:
                axis += 1
                tensors.append(item.shape)
            continue
        size = sizes[axis]
        axis += 1
        if isinstance(item, slice):
            result.append(size if item == _ALL else slice_length(size, item))
        elif isinstance(item, int) and isinstance(size, int) and not -size <= item < size:
            raise ShapeMismatch(f"index {item} of a dimension of size {size}", actual=size)
    if not tensors:
        return Shape(tuple(result))
    adjacent = places[-1] - places[0] == len(places) - 1
    start = places[0] if adjacent else 0
    return Shape((*result[:start], *broadcast(*tensors).leading, *result[start:]))


def slice_length(size: Dimension, part: slice) -> Dimension:
    """How many elements of *size* the slice takes, an `unknown` number where that depends."""
    step = 1 if part.step is None else part.step
    if not isinstance(step, int) or step < 1:
        return unknown(minimum=0)
    if isinstance(size, int) and all(value is None or isinstance(value, int) for value in (part.start, part.stop)):
        return len(range(*slice(part.start, part.stop, step).indices(size)))
    if step == 1 and part.start in (None, 0) and _is_size(part.stop) and _bound(size, part.stop) is None:
        return smaller(size, part.stop)
    start = 0 if part.start is None else _bound(size, part.start)
    stop = size if part.stop is None else _bound(size, part.stop)
    if start is None or stop is None:
        return unknown(minimum=0)
    if at_most(stop, start):
        return 0
    if not at_most(start, stop):
        return unknown(minimum=0)
    return floor_divide(stop - start + (step - 1), step)


def _is_size(bound: Any) -> bool:
    """Whether *bound* is certain to count from the front."""
    lower = least(bound) if isinstance(bound, (int, Expression)) else None
    return lower is not None and lower >= 0


def _bound(size: Dimension, bound: Any) -> Dimension | None:
    """Where a slice of *size* begins or ends, counted from the front; ``None`` where that depends."""
    if not isinstance(bound, (int, Expression)):
        return None
    lower = least(bound)
    if lower is not None and lower >= 0:
        if at_most(bound, size):
            return bound
        return size if at_most(size, bound) else None
    below = least(-bound)
    if below is not None and below > 0:
        if at_most(-bound, size):
            return size + bound
        return 0 if at_most(size, -bound) else None
    return None


@shape_function("torch.narrow", "torch.Tensor.narrow")
def narrow(input: Any, dim: Any, start: Any, length: Any) -> Shape:
    """*length* elements of *dim*."""
    size = as_dimension(length)
    result: Shape = along(as_shape(input), dim, lambda sizes, axis: Shape((*sizes[:axis], size, *sizes[axis + 1 :])))
    return result


@shape_function("torch.select", "torch.Tensor.select")
def select(input: Any, dim: Any, index: Any) -> Shape:
    """*dim* taken away."""
    result: Shape = along(as_shape(input), dim, lambda sizes, axis: Shape((*sizes[:axis], *sizes[axis + 1 :])))
    return result


@shape_function("torch.Tensor.unfold")
def unfold(input: Any, dimension: Any, size: Any, step: Any) -> Shape:
    """Windows of *size* along *dimension*, their elements in a new last dimension."""
    width, stride = as_dimension(size), as_dimension(step)

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        here = sizes[axis] if sizes else 1
        if isinstance(here, int) and isinstance(width, int) and here < width:
            raise ShapeMismatch(f"unfold: windows of {width} in a dimension of size {render(here)}", width, here)
        count = unknown() if stride == 0 else floor_divide(here - width, stride) + 1
        return Shape((*sizes[:axis], count, *sizes[axis + 1 :], width) if sizes else (width,))

    result: Shape = along(as_shape(input), dimension, at_axis)
    return result
