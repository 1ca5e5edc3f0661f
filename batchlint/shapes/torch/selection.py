"""Elements picked by value, by order or by index tensors."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension, render, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import along, as_dimension, as_shape

__all__: list[str] = []


def _with_size(shape: Shape, dim: Any, size: Dimension) -> Shape:
    """*shape* with the dimension *dim* of *size*; a number stays one."""
    result: Shape = along(
        shape, dim, lambda sizes, axis: Shape((*sizes[:axis], size, *sizes[axis + 1 :]) if sizes else ())
    )
    return result


@shape_function("torch.topk", "torch.Tensor.topk")
def topk(input: Any, k: Any, dim: Any = -1, largest: Any = True, sorted: Any = True) -> ShapeResult:
    """Values and indices, *k* along *dim*."""
    count = as_dimension(k)

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        here = sizes[axis] if sizes else 1
        if isinstance(here, int) and isinstance(count, int) and count > here:
            raise ShapeMismatch(f"topk of {count} in a dimension of size {render(here)}", count, here)
        return Shape((*sizes[:axis], count, *sizes[axis + 1 :]) if sizes else ())

    result = along(as_shape(input), dim, at_axis)
    return result, result


@shape_function(*(f"{place}.{name}" for name in ("cummax", "cummin", "sort") for place in ("torch", "torch.Tensor")))
def values_and_indices(input: Any, *_: Any, **__: Any) -> ShapeResult:
    """Values and indices, each of *input*'s shape."""
    shape = as_shape(input)
    return shape, shape


WRITES = """
argsort diagonal_scatter index_add index_copy index_fill index_put index_reduce masked_scatter msort scatter scatter_add
scatter_reduce select_scatter slice_scatter
"""


@shape_function(
    *(f"{place}.{name}" for name in WRITES.split() for place in ("torch", "torch.Tensor")),
    "torch.Tensor.fill_diagonal",
    "torch.Tensor.put",
)
def written_into(input: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *input*, into which other values are written, or of whose elements an order is made."""
    return as_shape(input)


@shape_function("torch.gather", "torch.Tensor.gather")
def gather(input: Any, dim: Any, index: Any, sparse_grad: Any = False) -> Shape:
    """The shape of *index*."""
    return as_shape(index)


@shape_function("torch.index_select", "torch.Tensor.index_select")
def index_select(input: Any, dim: Any, index: Any) -> Shape:
    """*dim* as long as *index*, which is a vector or a number."""
    picked = as_shape(index)
    if picked.exact and len(picked.leading) > 1:
        raise ShapeMismatch(f"index_select expects a vector as index, got {picked}")
    if picked.exact:
        size = picked.leading[0] if picked.leading else 1
    else:
        size = (picked.leading or picked.trailing or (unknown(minimum=0),))[0]
    return _with_size(as_shape(input), dim, size)


@shape_function("torch.take", "torch.Tensor.take")
def take(input: Any, index: Any) -> Shape:
    """The shape of *index*."""
    return as_shape(index)


@shape_function("torch.take_along_dim", "torch.Tensor.take_along_dim")
def take_along_dim(input: Any, indices: Any, dim: Any = None) -> Shape:
    """*indices* broadcast with *input* but for *dim*; without *dim*, all indices in one dimension."""
    picked = as_shape(indices)
    if dim is None:
        return over_ranks(lambda known: Shape((_count(known),)), picked)

    shape = as_shape(input)
    if not picked.exact or not isinstance(dim, int):
        return UNKNOWN_SHAPE

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        if len(sizes) != len(picked.leading):
            raise ShapeMismatch(f"take_along_dim of {Shape(sizes)} with indices of {picked}")
        if not sizes:
            return Shape()
        here = (*sizes[:axis], 1, *sizes[axis + 1 :])
        there = (*picked.leading[:axis], 1, *picked.leading[axis + 1 :])
        common = broadcast(Shape(here), Shape(there)).leading
        return Shape((*common[:axis], picked.leading[axis], *common[axis + 1 :]))

    result: Shape = along(shape, dim, at_axis)
    return result


def _count(shape: Shape) -> Dimension:
    count = shape.number_of_elements()
    return unknown(minimum=0) if count is None else count


@shape_function("torch.where")
def where(condition: Any, input: Any = None, other: Any = None) -> ShapeResult:
    """The three broadcast; of a condition alone, the indices of what is true, a vector for each dimension."""
    if input is None and other is None:
        return _index_vectors(as_shape(condition))
    return broadcast(as_shape(condition), as_shape(input), as_shape(other))


def _index_vectors(shape: Shape) -> ShapeResult:
    if not shape.exact:
        return UNKNOWN
    return (Shape((unknown(minimum=0),)),) * (len(shape.leading) or 1)


@shape_function("torch.Tensor.where")
def where_method(input: Any, condition: Any, other: Any) -> Shape:
    """*input*, the condition and the other, broadcast."""
    return broadcast(as_shape(input), as_shape(condition), as_shape(other))


@shape_function("torch.masked_fill", "torch.Tensor.masked_fill")
def masked_fill(input: Any, mask: Any, value: Any) -> Shape:
    """*input* and *mask*, broadcast."""
    return broadcast(as_shape(input), as_shape(mask))


@shape_function("torch.masked_select", "torch.Tensor.masked_select")
def masked_select(input: Any, mask: Any) -> Shape:
    """A vector of the elements that the mask lets through.

    Raises:
        ShapeMismatch: the two are certain not to broadcast.
    """
    broadcast(as_shape(input), as_shape(mask))
    return Shape((unknown(minimum=0),))


@shape_function("torch.nonzero", "torch.Tensor.nonzero")
def nonzero(input: Any, as_tuple: Any = False) -> ShapeResult:
    """A row for each element that is not zero, a column for each dimension; *as_tuple* gives the columns."""
    shape = as_shape(input)
    if as_tuple is True:
        return _index_vectors(shape)
    if as_tuple is not False:
        return UNKNOWN
    return Shape((unknown(minimum=0), len(shape.leading) if shape.exact else unknown(minimum=0)))


@shape_function("torch.argwhere", "torch.Tensor.argwhere")
def argwhere(input: Any) -> ShapeResult:
    """A row for each element that is not zero, a column for each dimension."""
    return nonzero(input)


@shape_function("torch.unique", "torch.Tensor.unique")
def unique(
    input: Any, sorted: Any = True, return_inverse: Any = False, return_counts: Any = False, dim: Any = None
) -> ShapeResult:
    """The different elements, or those along *dim*; if asked, where each one went and how often it came."""
    return _unique(as_shape(input), return_inverse, return_counts, dim)


@shape_function("torch.unique_consecutive", "torch.Tensor.unique_consecutive")
def unique_consecutive(
    input: Any, return_inverse: Any = False, return_counts: Any = False, dim: Any = None
) -> ShapeResult:
    """The elements without repetitions, or those along *dim*; if asked, where each one went and how often it came."""
    return _unique(as_shape(input), return_inverse, return_counts, dim)


def _unique(shape: Shape, return_inverse: Any, return_counts: Any, dim: Any) -> ShapeResult:
    if not isinstance(return_inverse, bool) or not isinstance(return_counts, bool):
        return UNKNOWN
    count = unknown(minimum=0)
    if dim is None:
        values, inverse = Shape((count,)), shape
    elif not isinstance(dim, int):
        return UNKNOWN
    else:
        values = _with_size(shape, dim, count)
        size = shape.dimension(dim) if not shape.exact or shape.leading else None
        inverse = Shape((unknown(minimum=0) if size is None else size,))
    results = [values]
    if return_inverse:
        results.append(inverse)
    if return_counts:
        results.append(Shape((count,)))
    return tuple(results) if len(results) > 1 else values


@shape_function("torch.searchsorted")
def searchsorted(sorted_sequence: Any, input: Any, **_: Any) -> Shape:
    """The shape of *input*."""
    return as_shape(input)


@shape_function("torch.bucketize", "torch.isin")
def elementwise_lookup(input: Any, table: Any, **_: Any) -> Shape:
    """The shape of *input*."""
    return as_shape(input)


@shape_function("torch.multinomial", "torch.Tensor.multinomial")
def multinomial(input: Any, num_samples: Any, replacement: Any = False) -> Shape:
    """``[C]`` to ``[num_samples]``, ``[B, C]`` to ``[B, num_samples]``."""

    def at_known_rank(known: Shape) -> Shape:
        if not 0 < len(known.leading) < 3:
            raise ShapeMismatch(f"multinomial expects 1 or 2 dimensions, got {known}")
        return Shape((*known.leading[:-1], as_dimension(num_samples)))

    return over_ranks(at_known_rank, as_shape(input))


@shape_function("torch.nn.functional.one_hot")
def one_hot(tensor: Any, num_classes: Any = -1) -> Shape:
    """A last dimension of *num_classes*."""
    shape = as_shape(tensor)
    classes = unknown() if num_classes == -1 else as_dimension(num_classes)
    if shape.exact:
        return Shape((*shape.leading, classes))
    return Shape(shape.leading, (*shape.trailing, classes), exact=False)
