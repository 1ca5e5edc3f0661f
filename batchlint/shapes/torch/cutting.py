"""One tensor cut into several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchlint.shapes.dimension import Dimension, Expression, certainly_differ, floor_divide, render, unknown
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.indexing import slice_length
from batchlint.shapes.torch.operands import along, as_dimension, as_shape

__all__: list[str] = []

MOST_PIECES = 512
"""Tensors cut into more pieces than this are not followed piece by piece."""


def _size_at(shape: Shape, dim: Any) -> Dimension | None:
    if not isinstance(dim, int):
        return None
    if shape.exact and not shape.leading:
        raise ShapeMismatch("a tensor without dimensions cannot be cut")
    return shape.dimension(dim)


def _pieces(shape: Shape, dim: Any, sizes: Sequence[Dimension]) -> ShapeResult:
    made = {size: _resized(shape, dim, size) for size in set(sizes)}
    return tuple([made[size] for size in sizes])


def _resized(shape: Shape, dim: Any, size: Dimension) -> Shape:
    result: Shape = along(shape, dim, lambda sizes, axis: Shape((*sizes[:axis], size, *sizes[axis + 1 :])))
    return result


def _exact_share(size: Dimension | None, count: int) -> Dimension | None:
    """A *count*-th of *size*, if it divides whatever the symbols are."""
    if size is None:
        return None
    share = floor_divide(size, count)
    return share if share * count == size else None


@shape_function("torch.chunk", "torch.Tensor.chunk")
def chunk(input: Any, chunks: Any, dim: Any = 0) -> ShapeResult:
    """*chunks* pieces of one size, the last smaller or missing.

    Where the size is not known, as many pieces as were asked for are taken to come.
    """
    shape = as_shape(input)
    if not isinstance(chunks, int) or not 0 < chunks <= MOST_PIECES:
        return UNKNOWN
    size = _size_at(shape, dim)
    if isinstance(size, int) and size > 0:
        step = -(-size // chunks)
        return _pieces(shape, dim, [min(step, size - start) for start in range(0, size, step)])
    share = _exact_share(size, chunks)
    return _pieces(shape, dim, [unknown(minimum=0) if share is None else share] * chunks)


def _split(shape: Shape, sections: Any, dim: Any) -> ShapeResult:
    size = _size_at(shape, dim)
    if isinstance(sections, (tuple, list)):
        if UNKNOWN not in sections and size is not None:
            total: Dimension = 0
            for section in sections:
                total = total + as_dimension(section)
            if certainly_differ(total, size):
                raise ShapeMismatch(f"split into sections of {render(total)} in all, got {render(size)}", total, size)
        return _pieces(shape, dim, [as_dimension(section) for section in sections])
    if size is None or not isinstance(sections, (int, Expression)) or sections == 0:
        return UNKNOWN
    if isinstance(size, int) and isinstance(sections, int):
        if not 0 < size <= sections * MOST_PIECES:
            return UNKNOWN
        return _pieces(shape, dim, [min(sections, size - start) for start in range(0, size, sections)])
    count = floor_divide(size, sections)
    if isinstance(count, int) and 0 < count <= MOST_PIECES and sections * count == size:
        return _pieces(shape, dim, [sections] * count)
    return UNKNOWN


@shape_function("torch.split")
def split(tensor: Any, split_size_or_sections: Any, dim: Any = 0) -> ShapeResult:
    """Pieces of one size, the last smaller, or of the sizes given."""
    return _split(as_shape(tensor), split_size_or_sections, dim)


@shape_function("torch.Tensor.split")
def split_method(input: Any, split_size: Any, dim: Any = 0) -> ShapeResult:
    """Pieces of one size, the last smaller, or of the sizes given."""
    return _split(as_shape(input), split_size, dim)


@shape_function("torch.split_with_sizes", "torch.Tensor.split_with_sizes")
def split_with_sizes(input: Any, split_sizes: Any, dim: Any = 0) -> ShapeResult:
    """Pieces of the sizes given."""
    return _split(as_shape(input), split_sizes, dim) if isinstance(split_sizes, (tuple, list)) else UNKNOWN


@shape_function("torch.tensor_split", "torch.Tensor.tensor_split")
def tensor_split(input: Any, indices_or_sections: Any, dim: Any = 0) -> ShapeResult:
    """That many pieces of nearly one size, or the pieces between the indices."""
    shape = as_shape(input)
    size = _size_at(shape, dim)
    if isinstance(indices_or_sections, (tuple, list)):
        bounds = (None, *indices_or_sections, None)
        parts = list(map(slice, bounds[:-1], bounds[1:]))
        return _pieces(shape, dim, [unknown(minimum=0) if size is None else slice_length(size, p) for p in parts])
    if not isinstance(indices_or_sections, int) or not 0 < indices_or_sections <= MOST_PIECES:
        return UNKNOWN
    count = indices_or_sections
    if isinstance(size, int):
        return _pieces(shape, dim, [size // count + (piece < size % count) for piece in range(count)])
    share = _exact_share(size, count)
    return _pieces(shape, dim, [unknown(minimum=0) if share is None else share] * count)


@shape_function("torch.unbind", "torch.Tensor.unbind")
def unbind(input: Any, dim: Any = 0) -> ShapeResult:
    """A tensor for each index of *dim*, which they lack."""
    shape = as_shape(input)
    size = _size_at(shape, dim)
    if not isinstance(size, int) or size > MOST_PIECES:
        return UNKNOWN
    piece: Shape = along(shape, dim, lambda sizes, axis: Shape((*sizes[:axis], *sizes[axis + 1 :])))
    return (piece,) * size
