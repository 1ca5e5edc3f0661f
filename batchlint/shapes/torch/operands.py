"""Reading an operation's operands: tensors, sizes one by one or as a tuple, dimensions counted from either end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from batchlint.shapes.dimension import Dimension, Expression, unknown
from batchlint.shapes.ranks import join_results, over_ranks_result
from batchlint.shapes.registry import UNKNOWN, ShapeResult, TensorIndex
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

__all__ = [
    "SCALAR",
    "along",
    "as_axes",
    "as_dimension",
    "as_shape",
    "as_sizes",
    "axis_of",
    "reach_of",
    "shape_of_sizes",
]

SCALAR = Shape()
"""The shape of a tensor without dimensions, which is also that of a number."""


def as_shape(operand: Any) -> Shape:
    """The shape of an operand: a number has no dimensions, what is not known may have any."""
    if type(operand) is Shape:
        return operand
    if isinstance(operand, (int, float, complex, Expression)):
        return SCALAR
    return operand.shape if isinstance(operand, TensorIndex) else UNKNOWN_SHAPE


def as_dimension(size: Any) -> Dimension:
    """A size that is not known, or not an integer, becomes an `unknown` one."""
    return size if isinstance(size, (int, Expression)) else unknown()


def as_sizes(values: tuple[Any, ...], keyword: Any = None) -> Shape | tuple[Any, ...] | None:
    """Sizes given as ``f(2, 3)``, ``f((2, 3))``, ``f(size=(2, 3))`` or ``f(x.shape)``, ``None`` where not known.

    Elements of the tuple that are not known stay `UNKNOWN`.
    """
    if not values:
        if keyword is None:
            return None
        values = (keyword,)
    if len(values) == 1:
        only = values[0]
        if isinstance(only, (Shape, tuple)):
            return only
        if isinstance(only, list):
            return tuple(only)
        return (only,) if isinstance(only, (int, Expression)) else None
    return values


def shape_of_sizes(sizes: Shape | tuple[Any, ...] | None) -> Shape:
    """The shape with the sizes that `as_sizes` read."""
    if sizes is None:
        return UNKNOWN_SHAPE
    if isinstance(sizes, Shape):
        return sizes
    return Shape(tuple([as_dimension(size) for size in sizes]))


def axis_of(rank: int, dim: int) -> int:
    """*dim*, which may count from the end, as an index from the front; a number counts as having one dimension.

    Raises:
        ShapeMismatch: there is no such dimension.
    """
    limit = rank or 1
    if not -limit <= dim < limit:
        raise ShapeMismatch(f"dimension {dim} of a tensor of rank {rank}")
    return dim % limit


def as_axes(dim: Any) -> tuple[int, ...] | None:
    """One dimension or several as a tuple, ``None`` where not all are known."""
    if isinstance(dim, int):
        return (dim,)
    if isinstance(dim, (tuple, list)) and all(isinstance(one, int) for one in dim):
        return tuple(dim)
    return None


def reach_of(dims: Sequence[int]) -> int:
    """How many dimensions from either end *dims* concern."""
    return max((dim + 1 if dim >= 0 else -dim for dim in dims), default=0)


def along(shape: Shape, dim: Any, function: Callable[[tuple[Dimension, ...], int], ShapeResult]) -> Any:
    """What *function* gives for the sizes of *shape* and the axis that *dim* is, whatever the rank and the axis are.

    Raises:
        ShapeMismatch: there is no such dimension, or *function* raises it for every rank.
    """
    if isinstance(dim, int):
        if shape.exact:
            return function(shape.leading, axis_of(len(shape.leading), dim))
        reach = dim + 1 if dim >= 0 else -dim
        return over_ranks_result(lambda s: function(s.leading, axis_of(len(s.leading), dim)), shape, reach=reach)
    return over_ranks_result(lambda s: _every_axis(s, function), shape)


def _every_axis(shape: Shape, function: Callable[[tuple[Dimension, ...], int], ShapeResult]) -> ShapeResult:
    results: list[ShapeResult] = []
    refused: ShapeMismatch | None = None
    for axis in range(len(shape.leading) or 1):
        try:
            results.append(function(shape.leading, axis))
        except ShapeMismatch as mismatch:
            refused = mismatch
    if refused is not None and not results:
        raise refused
    return join_results(results) if results else UNKNOWN
