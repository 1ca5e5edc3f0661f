"""Several tensors joined to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlint.shapes.bounds import least, unify
from batchlint.shapes.dimension import Dimension, product, render, unknown
from batchlint.shapes.ranks import at_rank, join
from batchlint.shapes.registry import ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.operands import as_axes, as_shape, axis_of, reach_of
from batchlint.shapes.torch.views import padded_to

__all__ = ["cat", "stack"]

_EMPTY = Shape((0,))


def _read(tensors: Any) -> list[Shape] | None:
    if not isinstance(tensors, (tuple, list)) or not tensors:
        return None
    return [as_shape(tensor) for tensor in tensors]


def _at_common_rank(shapes: list[Shape], reach: int, function: Callable[[list[Shape]], Shape]) -> Shape:
    """*function* of *shapes* at the rank that all of them have, or at every rank that they may have.

    Raises:
        ShapeMismatch: the ranks are certain to differ, or *function* raises it for every rank.
    """
    known = {len(shape.leading) for shape in shapes if shape.exact}
    lowest = max(shape.least_rank for shape in shapes)
    if known:
        ranks = range(min(known), max(known) + 1)
        if len(known) > 1 or lowest > ranks[0]:
            raise ShapeMismatch(f"tensors of different ranks: {', '.join(map(str, shapes))}")
    else:
        highest = max(reach, *(len(shape.leading) + len(shape.trailing) for shape in shapes), lowest)
        ranks = range(lowest, highest + 3)
    results: list[Shape] = []
    refused: ShapeMismatch | None = None
    for rank in ranks:
        candidates = [candidate for shape in shapes if (candidate := at_rank(shape, rank)) is not None]
        if len(candidates) < len(shapes):
            continue
        try:
            results.append(function(candidates))
        except ShapeMismatch as mismatch:
            refused = mismatch
    if results:
        return join(results)
    raise refused or ShapeMismatch(f"tensors of different ranks: {', '.join(map(str, shapes))}")


def _matched(shapes: list[Shape], free: int | None = None) -> list[Dimension]:
    """The sizes that *shapes*, all of one rank, have in common; the dimension *free* may differ."""
    sizes = list(shapes[0].leading)
    for shape in shapes[1:]:
        for axis, size in enumerate(shape.leading):
            if axis != free and sizes[axis] != size:
                here = sizes[axis]
                message = f"tensors with {render(here)} and {render(size)} elements in dimension {axis}"
                sizes[axis] = unify(here, size, message)
    return sizes


def _cat_along(shapes: list[Shape], axis: int) -> Shape:
    if not shapes[0].leading:
        raise ShapeMismatch("a tensor without dimensions cannot be concatenated")
    sizes = _matched(shapes, free=axis)
    total: Dimension = 0
    for shape in shapes:
        total = total + shape.leading[axis]
    sizes[axis] = total
    return Shape(tuple(sizes))


def _first_that_fits(function: Callable[[int], Shape], axes: range) -> Shape:
    """What *function* gives for each of *axes* where it gives anything."""
    results: list[Shape] = []
    for axis in axes:
        try:
            results.append(function(axis))
        except ShapeMismatch:
            continue
    return join(results) if results else UNKNOWN_SHAPE


def _without_empty_vectors(shapes: list[Shape]) -> list[Shape] | None:
    """*shapes* without those that ``cat`` skips, ``None`` where that cannot be said."""
    kept = [shape for shape in shapes if shape != _EMPTY]
    perhaps = [s for s in kept if s.exact and len(s.leading) == 1 and (least(s.leading[0]) or 0) < 1]
    if not perhaps:
        return kept or [_EMPTY]
    others = [shape for shape in kept if shape not in perhaps]
    if any(not shape.exact for shape in others):
        return None
    return others if any(len(shape.leading) != 1 for shape in others) else kept


def cat(tensors: Any, dim: Any = 0) -> Shape:
    """*tensors* joined along *dim*; vectors without elements are skipped.

    Raises:
        ShapeMismatch: another dimension is certain to differ, or the ranks are.
    """
    read = _read(tensors)
    shapes = None if read is None else _without_empty_vectors(read)
    if shapes is None:
        return UNKNOWN_SHAPE
    if isinstance(dim, int):
        return _at_common_rank(
            shapes, reach_of((dim,)), lambda known: _cat_along(known, axis_of(len(known[0].leading), dim))
        )
    return _at_common_rank(
        shapes,
        2,
        lambda known: _first_that_fits(lambda axis: _cat_along(known, axis), range(len(known[0].leading))),
    )


@shape_function("torch.cat", "torch.concat", "torch.concatenate")
def cat_function(tensors: Any, dim: Any = 0) -> Shape:
    """*tensors* joined along *dim*."""
    return cat(tensors, dim)


def stack(tensors: Any, dim: Any = 0) -> Shape:
    """*tensors*, all of one shape, along a new dimension at *dim*.

    Raises:
        ShapeMismatch: two of them are certain to differ.
    """
    shapes = _read(tensors)
    if shapes is None:
        return UNKNOWN_SHAPE
    count = len(shapes)

    def at_known_rank(known: list[Shape]) -> Shape:
        sizes = tuple(_matched(known))
        if isinstance(dim, int):
            axis = axis_of(len(sizes) + 1, dim)
            return Shape((*sizes[:axis], count, *sizes[axis:]))
        return join([Shape((*sizes[:axis], count, *sizes[axis:])) for axis in range(len(sizes) + 1)])

    return _at_common_rank(shapes, reach_of(as_axes(dim) or ()), at_known_rank)


@shape_function("torch.stack")
def stack_function(tensors: Any, dim: Any = 0) -> Shape:
    """*tensors* along a new dimension at *dim*."""
    return stack(tensors, dim)


def _padded_cat(tensors: Any, rank: int, dim: int) -> Shape:
    shapes = _read(tensors)
    return UNKNOWN_SHAPE if shapes is None else cat([padded_to(shape, rank) for shape in shapes], dim)


@shape_function("torch.hstack")
def hstack(tensors: Any) -> Shape:
    """*tensors* joined along the second dimension, vectors along their only one."""
    shapes = _read(tensors)
    if shapes is None:
        return UNKNOWN_SHAPE
    shapes = [padded_to(shape, 1) for shape in shapes]
    # The first tensor decides, as the others must have its rank.
    if any(not shape.exact for shape in shapes):
        return _at_common_rank(shapes, 2, lambda known: _cat_along(known, 0 if len(known[0].leading) == 1 else 1))
    return cat(shapes, 0 if len(shapes[0].leading) == 1 else 1)


@shape_function("torch.vstack", "torch.row_stack")
def vstack(tensors: Any) -> Shape:
    """*tensors* joined along the first dimension, vectors as rows."""
    return _padded_cat(tensors, 2, 0)


@shape_function("torch.dstack")
def dstack(tensors: Any) -> Shape:
    """*tensors* joined along the third dimension."""
    return _padded_cat(tensors, 3, 2)


def _length(tensor: Any) -> Dimension:
    """The number of elements of a vector, or of a number, which counts as a vector of one."""
    shape = as_shape(tensor)
    if shape.exact and len(shape.leading) > 1:
        raise ShapeMismatch(f"expected a vector, got {shape}")
    size = product(shape.leading) if shape.exact else (shape.leading or shape.trailing or (None,))[0]
    return unknown(minimum=0) if size is None else size


@shape_function("torch.meshgrid")
def meshgrid(*tensors: Any, indexing: Any = "ij") -> ShapeResult:
    """As many grids as vectors, each with all their lengths; ``xy`` swaps the first two."""
    vectors = tuple(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    sizes = [_length(vector) for vector in vectors]
    if indexing == "xy":
        sizes[:2] = sizes[1::-1] if len(sizes) > 1 else sizes
    elif indexing not in ("ij", None):
        sizes = [unknown(minimum=0) for _ in sizes]
    return (Shape(tuple(sizes)),) * len(vectors)


@shape_function("torch.cartesian_prod")
def cartesian_prod(*tensors: Any) -> Shape:
    """A row for each combination of elements; one vector stays as it is."""
    sizes = [_length(tensor) for tensor in tensors]
    return Shape((product(sizes), len(sizes))) if len(sizes) > 1 else Shape(tuple(sizes))


@shape_function("torch.combinations")
def combinations(input: Any, r: Any = 2, with_replacement: Any = False) -> Shape:
    """A row for each choice of *r* elements."""
    return Shape((unknown(minimum=0), r if isinstance(r, int) else unknown()))
