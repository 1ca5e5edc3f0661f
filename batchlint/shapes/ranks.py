"""Shapes of unknown rank: an operation on ``[B, ...]`` is what its results for each rank have in common.

Shape functions are written for tensors of known rank; `over_ranks` makes them right for the others. Beyond a certain
rank more dimensions only repeat what was seen, so a few ranks stand for all: *reach* is the number of dimensions,
counted from either end, that the operation tells apart from the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from batchlint.shapes.bounds import least
from batchlint.shapes.dimension import Dimension, certainly_differ, unknown
from batchlint.shapes.registry import UNKNOWN, ShapeResult
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

__all__ = ["at_rank", "join", "join_results", "over_ranks", "over_ranks_result", "ranks_of"]


def at_rank(shape: Shape, rank: int) -> Shape | None:
    """*shape* with *rank* dimensions, ``None`` if it cannot have that many."""
    if shape.exact:
        return shape if len(shape.leading) == rank else None
    return _at_rank(shape, rank, [unknown() for _ in range(rank - len(shape.leading))])


def _at_rank(shape: Shape, rank: int, fresh: Sequence[Dimension]) -> Shape | None:
    missing = rank - len(shape.leading)
    if missing < 0 or rank < len(shape.trailing):
        return None
    dimensions = [*shape.leading, *fresh[:missing]]
    for position, size in enumerate(shape.trailing, rank - len(shape.trailing)):
        if position < len(shape.leading):
            here = dimensions[position]
            if certainly_differ(here, size):
                return None
            if isinstance(here, int):
                continue
        dimensions[position] = size
    return Shape(tuple(dimensions))


def ranks_of(shape: Shape, reach: int = 2) -> list[Shape]:
    """*shape* at each rank that stands for all the ranks it may have."""
    if shape.exact:
        return [shape]
    highest = max(len(shape.leading) + len(shape.trailing), reach) + 2
    fresh = [unknown() for _ in range(highest - len(shape.leading))]
    return [
        candidate
        for rank in range(shape.least_rank, highest + 1)
        if (candidate := _at_rank(shape, rank, fresh)) is not None
    ]


def _common(sizes: Sequence[Dimension]) -> Dimension:
    first = sizes[0]
    if all(size == first for size in sizes):
        return first
    return unknown(minimum=min((least(size) or 0) for size in sizes))


def join(shapes: Sequence[Shape]) -> Shape:
    """The shape that says what is true of each of *shapes* (at least one)."""
    first = shapes[0]
    if all(shape == first for shape in shapes):
        return first
    if all(shape.exact and len(shape.leading) == len(first.leading) for shape in shapes):
        return Shape(tuple(_common(sizes) for sizes in zip(*(shape.leading for shape in shapes))))
    leading = tuple(_common(sizes) for sizes in zip(*(shape.leading for shape in shapes)))
    ends = (reversed(shape.leading if shape.exact else shape.trailing) for shape in shapes)
    trailing = [_common(sizes) for sizes in zip(*ends)]
    while trailing and not any(trailing[-1] in (shape.leading or shape.trailing) for shape in shapes):
        trailing.pop()
    return Shape(leading, tuple(reversed(trailing)), exact=False)


def join_results(results: Sequence[ShapeResult]) -> ShapeResult:
    """`join` for whatever shape functions return."""
    first = results[0]
    if len(results) == 1:
        return first
    if all(isinstance(result, Shape) for result in results):
        return join([result for result in results if isinstance(result, Shape)])
    if isinstance(first, tuple) and all(isinstance(result, tuple) and len(result) == len(first) for result in results):
        return tuple(join_results(column) for column in zip(*(r for r in results if isinstance(r, tuple))))
    return UNKNOWN


def over_ranks_result(function: Callable[..., Any], *shapes: Shape, reach: int = 2) -> Any:
    """*function*, which takes exact shapes, for *shapes* of any rank.

    Raises:
        ShapeMismatch: *function* raises it for every rank.
    """
    if all(shape.exact for shape in shapes):
        return function(*shapes)
    # One operand's dimensions meet another's, so all must be tried at ranks beyond the longest.
    reach = max(reach, *(len(shape.leading) + len(shape.trailing) for shape in shapes))
    results: list[Any] = []
    refused: ShapeMismatch | None = None
    for candidates in itertools.product(*(ranks_of(shape, reach) for shape in shapes)):
        try:
            results.append(function(*candidates))
        except ShapeMismatch as mismatch:
            refused = mismatch
    if results:
        return join_results(results)
    if refused is not None:
        raise refused
    return UNKNOWN_SHAPE


def over_ranks(function: Callable[..., Shape], *shapes: Shape, reach: int = 2) -> Shape:
    """`over_ranks_result` for a function with one tensor as its result."""
    result = over_ranks_result(function, *shapes, reach=reach)
    return result if isinstance(result, Shape) else UNKNOWN_SHAPE
