"""NumPy's functions that join, cut, pad, move and pick."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.borders import bordered_alike
from batchlint.shapes.dimension import unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.creation import from_data
from batchlint.shapes.torch.cutting import tensor_split
from batchlint.shapes.torch.joining import cat, dstack, hstack, meshgrid, vstack
from batchlint.shapes.torch.operands import along, as_shape, as_sizes
from batchlint.shapes.torch.products import tensordot
from batchlint.shapes.torch.reductions import reduce
from batchlint.shapes.torch.repeating import expand
from batchlint.shapes.torch.reshaping import flatten
from batchlint.shapes.torch.subscripts import einsum
from batchlint.shapes.torch.views import atleast_1d, atleast_2d, atleast_3d, movedim, padded_to

__all__: list[str] = []


@shape_function("numpy.moveaxis")
def moveaxis(a: Any, source: Any, destination: Any) -> Shape:
    """The dimensions *source* moved to *destination*, the others in their order."""
    return movedim(as_shape(a), source, destination)


@shape_function("numpy.broadcast_to")
def broadcast_to(array: Any, shape: Any, *_: Any, **__: Any) -> Shape:
    """*array* stretched to *shape*."""
    return expand(as_shape(array), as_sizes((shape,)))


@shape_function("numpy.roll", "numpy.flip")
def moved(a: Any = None, *_: Any, m: Any = None, **__: Any) -> Shape:
    """The shape of *a*."""
    return as_shape(m if a is None else a)


@shape_function("numpy.tril", "numpy.triu")
def triangle(m: Any, k: Any = 0) -> Shape:
    """The shape of *m*; a vector becomes a square."""
    return over_ranks(lambda known: Shape(known.leading * 2) if len(known.leading) == 1 else known, as_shape(m))


def _column(shape: Shape) -> Shape:
    return Shape((*shape.leading, 1)) if len(shape.leading) == 1 else shape


@shape_function("numpy.vstack", "numpy.row_stack")
def rows_below(tup: Any, **_: Any) -> Shape:
    """*tup* joined along the first dimension, vectors as rows."""
    return vstack(tup)


@shape_function("numpy.hstack")
def side_by_side(tup: Any, **_: Any) -> Shape:
    """*tup* joined along the second dimension, vectors along their only one."""
    return hstack(tup)


@shape_function("numpy.dstack")
def behind_one_another(tup: Any) -> Shape:
    """*tup* joined along the third dimension."""
    return dstack(tup)


@shape_function("numpy.column_stack")
def column_stack(tup: Any) -> Shape:
    """*tup* joined along the second dimension, vectors as columns."""
    if not isinstance(tup, (tuple, list)):
        return UNKNOWN_SHAPE
    return cat(tuple([over_ranks(_column, padded_to(as_shape(one), 1)) for one in tup]), 1)


@shape_function("numpy.append")
def append(arr: Any, values: Any, axis: Any = None) -> Shape:
    """*values* behind *arr* along *axis*; without one, all elements in one dimension."""
    both = from_data(arr), from_data(values)
    return cat(tuple(map(flatten, both))) if axis is None else cat(both, axis)


@shape_function("numpy.split")
def split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> ShapeResult:
    """As many equal pieces as a number says, or the pieces between the indices.

    Raises:
        ShapeMismatch: the size is certain not to divide.
    """
    shape = as_shape(ary)
    size = shape.dimension(axis) if isinstance(axis, int) else None
    count = indices_or_sections
    if isinstance(count, int) and isinstance(size, int) and count > 0 and size % count:
        raise ShapeMismatch(f"split into {count} equal pieces of a dimension of {size}", actual=size)
    return tensor_split(shape, indices_or_sections, axis)


@shape_function("numpy.array_split")
def array_split(ary: Any, indices_or_sections: Any, axis: Any = 0) -> ShapeResult:
    """As many pieces of nearly one size as a number says, or the pieces between the indices."""
    return tensor_split(as_shape(ary), indices_or_sections, axis)


@shape_function("numpy.meshgrid")
def grids(*xi: Any, indexing: Any = "xy", sparse: Any = False, **_: Any) -> ShapeResult:
    """As many grids as vectors, each with all their lengths, the first two swapped unless *indexing* is ``ij``."""
    return UNKNOWN if sparse is not False else meshgrid(*(flatten(as_shape(x)) for x in xi), indexing=indexing)


@shape_function("numpy.take", "numpy.ndarray.take")
def take(a: Any, indices: Any, axis: Any = None, **_: Any) -> Shape:
    """*axis* of *a* replaced by the dimensions of *indices*; without one, these."""
    picked = from_data(indices)
    if axis is None:
        return picked
    if not picked.exact or not isinstance(axis, int):
        return UNKNOWN_SHAPE
    result: Shape = along(as_shape(a), axis, lambda sizes, at: Shape((*sizes[:at], *picked.leading, *sizes[at + 1 :])))
    return result


@shape_function("numpy.pad")
def pad(array: Any, pad_width: Any, *_: Any, **__: Any) -> Shape:
    """*array* with a pair of amounts added to each dimension; one pair or one number is for all."""
    return bordered_alike(as_shape(array), pad_width)


@shape_function("numpy.argwhere")
def argwhere(a: Any) -> Shape:
    """A row for each element that is not zero, a column for each dimension."""
    shape = as_shape(a)
    return Shape((unknown(minimum=0), len(shape.leading) if shape.exact else unknown(minimum=0)))


@shape_function("numpy.unique")
def unique(
    ar: Any,
    return_index: Any = False,
    return_inverse: Any = False,
    return_counts: Any = False,
    axis: Any = None,
    **_: Any,
) -> ShapeResult:
    """The different elements in one dimension; nothing where more is asked for."""
    plain = return_index is False and return_inverse is False and return_counts is False
    return Shape((unknown(minimum=0),)) if plain and axis is None else UNKNOWN


@shape_function("numpy.outer")
def outer(a: Any, b: Any, **_: Any) -> Shape:
    """All elements of one by all elements of the other."""
    return over_ranks(lambda one, two: Shape(flatten(one).leading + flatten(two).leading), as_shape(a), as_shape(b))


@shape_function("numpy.einsum")
def einsum_function(subscripts: Any, *operands: Any, **_: Any) -> Shape:
    """*operands* multiplied and summed as *subscripts* say."""
    return einsum(subscripts, *operands)


@shape_function("numpy.tensordot")
def tensordot_function(a: Any, b: Any, axes: Any = 2) -> Shape:
    """The last *axes* dimensions of *a* summed with the first of *b*, or those that two tuples name."""
    return tensordot(as_shape(a), as_shape(b), axes)


@shape_function("numpy.percentile", "numpy.quantile", "numpy.nanpercentile", "numpy.nanquantile")
def quantile(a: Any, q: Any, axis: Any = None, *_: Any, keepdims: Any = False, **__: Any) -> Shape:
    """*a* without *axis*, for each element of *q* in front."""
    result = reduce(as_shape(a), axis, keepdims)
    return over_ranks(lambda one, rest: Shape(one.leading + rest.leading), from_data(q), result)


@shape_function("numpy.linalg.inv")
def inverse(a: Any) -> Shape:
    """The shape of *a*."""
    return as_shape(a)


@shape_function("numpy.atleast_1d")
def one_dimension(*arys: Any) -> ShapeResult:
    """At least one dimension each."""
    return atleast_1d(*arys)


@shape_function("numpy.atleast_2d")
def two_dimensions(*arys: Any) -> ShapeResult:
    """At least two dimensions each: a vector becomes a row."""
    return atleast_2d(*arys)


@shape_function("numpy.atleast_3d")
def three_dimensions(*arys: Any) -> ShapeResult:
    """At least three dimensions each: a vector becomes ``[1, n, 1]``, a matrix ``[n, m, 1]``."""
    return atleast_3d(*arys)
