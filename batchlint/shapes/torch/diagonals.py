"""Diagonals taken out of matrices and matrices made of diagonals."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import at_most
from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.operands import as_shape, axis_of, reach_of
from batchlint.shapes.torch.reshaping import flatten

__all__: list[str] = []


def _length(rows: Dimension, columns: Dimension, offset: Any) -> Dimension:
    if not isinstance(offset, int):
        return unknown(minimum=0)
    if offset < 0:
        rows = rows + offset
    else:
        columns = columns - offset
    if isinstance(rows, int) and isinstance(columns, int):
        return max(min(rows, columns), 0)
    shorter = rows if at_most(rows, columns) else columns if at_most(columns, rows) else None
    return shorter if shorter is not None and at_most(0, shorter) else unknown(minimum=0)


def _diagonal(shape: Shape, offset: Any, dim1: Any, dim2: Any) -> Shape:
    if not isinstance(dim1, int) or not isinstance(dim2, int):
        return over_ranks(lambda known: Shape(tuple([unknown(minimum=0) for _ in known.leading[1:]])), shape)

    def at_known_rank(known: Shape) -> Shape:
        sizes = known.leading
        first, second = axis_of(len(sizes), dim1), axis_of(len(sizes), dim2)
        if first == second:
            raise ShapeMismatch(f"diagonal of one dimension of {known}")
        rest = [size for axis, size in enumerate(sizes) if axis not in (first, second)]
        return Shape((*rest, _length(sizes[first], sizes[second], offset)))

    return over_ranks(at_known_rank, shape, reach=reach_of((dim1, dim2)))


@shape_function("torch.diagonal", "torch.Tensor.diagonal")
def diagonal(input: Any, offset: Any = 0, dim1: Any = 0, dim2: Any = 1) -> Shape:
    """The diagonal of *dim1* and *dim2* as the last dimension."""
    return _diagonal(as_shape(input), offset, dim1, dim2)


@shape_function("torch.linalg.diagonal")
def linalg_diagonal(A: Any, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Shape:
    """The diagonal of *dim1* and *dim2* as the last dimension."""
    return _diagonal(as_shape(A), offset, dim1, dim2)


@shape_function("torch.diag", "torch.Tensor.diag")
def diag(input: Any, diagonal: Any = 0) -> Shape:
    """The diagonal of a matrix, or the matrix with a vector as its diagonal."""

    def at_known_rank(known: Shape) -> Shape:
        if not 0 < len(known.leading) < 3:
            raise ShapeMismatch(f"diag expects 1 or 2 dimensions, got {known}")
        if len(known.leading) == 2:
            return Shape((_length(*known.leading, diagonal),))
        return _square(known.leading[0], diagonal)

    return over_ranks(at_known_rank, as_shape(input))


def _square(size: Dimension, offset: Any) -> Shape:
    side = size + abs(offset) if isinstance(offset, int) else unknown()
    return Shape((side, side))


@shape_function("torch.diagflat", "torch.Tensor.diagflat")
def diagflat(input: Any, offset: Any = 0) -> Shape:
    """The matrix with all elements of *input* as its diagonal."""
    return over_ranks(lambda known: _square(flatten(known).leading[0], offset), as_shape(input))


@shape_function("torch.diag_embed", "torch.Tensor.diag_embed")
def diag_embed(input: Any, offset: Any = 0, dim1: Any = -2, dim2: Any = -1) -> Shape:
    """Matrices with the last dimension as their diagonals, in the dimensions *dim1* and *dim2*."""
    shape = as_shape(input)

    def at_known_rank(known: Shape) -> Shape:
        if not known.leading:
            raise ShapeMismatch("diag_embed of a tensor without dimensions")
        rank = len(known.leading) + 1
        side = _square(known.leading[-1], offset).leading[0]
        if not isinstance(dim1, int) or not isinstance(dim2, int):
            return Shape(tuple([unknown(minimum=0) for _ in range(rank)]))
        placed = {axis_of(rank, dim1), axis_of(rank, dim2)}
        rest = iter(known.leading[:-1])
        if len(placed) < 2:
            raise ShapeMismatch("diag_embed into one dimension")
        return Shape(tuple([side if axis in placed else next(rest) for axis in range(rank)]))

    reach = reach_of((dim1, dim2)) if isinstance(dim1, int) and isinstance(dim2, int) else 2
    return over_ranks(at_known_rank, shape, reach=reach)
