"""Elements picked by index, by value or by order; parts cut out of tensors and borders added to them."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.borders import bordered, bordered_alike
from batchlint.shapes.bounds import unify
from batchlint.shapes.dimension import Dimension, Expression, certainly_differ, render, unknown
from batchlint.shapes.ranks import join, over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, TensorIndex, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, first_given, sizes_of
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.indexing import index as indexed
from batchlint.shapes.torch.operands import along, as_dimension, axis_of, reach_of
from batchlint.shapes.torch.reshaping import flatten

__all__: list[str] = []


def _gathered(params: Shape, indices: Shape, axis: Any, batch_dims: Any) -> Shape:
    """The dimension *axis* of *params* replaced by those of *indices*, less the *batch_dims* that both begin with."""
    if not isinstance(axis, int) or not isinstance(batch_dims, int):
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape, picked: Shape) -> Shape:
        rank = len(known.leading)
        if not rank:
            raise ShapeMismatch("gather from a tensor without dimensions")
        at = axis_of(rank, axis)
        common = batch_dims + len(picked.leading) if batch_dims < 0 else batch_dims
        if not 0 <= common <= min(len(picked.leading), at):
            raise ShapeMismatch(f"gather with {batch_dims} batch dimensions of {known} by {picked}")
        front = [
            unify(one, other, f"gather with batch dimensions of {render(one)} and {render(other)}")
            for one, other in zip(known.leading[:common], picked.leading)
        ]
        return Shape((*front, *known.leading[common:at], *picked.leading[common:], *known.leading[at + 1 :]))

    return over_ranks(at_known_rank, params, indices, reach=reach_of((axis, batch_dims)))


@shape_function("tensorflow.gather")
def gather_tensorflow(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: Any = 0,
    name: Any = None,
) -> Shape:
    """*axis* of *params*, by default the first after *batch_dims*, replaced by the dimensions of *indices*."""
    return _gathered(as_tensor(params), as_tensor(indices), batch_dims if axis is None else axis, batch_dims)


@shape_function("tensorflow.nn.embedding_lookup")
def embedding_lookup(params: Any, ids: Any, *_: Any, **__: Any) -> Shape:
    """The dimensions of *ids*, then those of *params* but the first."""
    if isinstance(params, (tuple, list)):
        if len(params) != 1:
            return UNKNOWN_SHAPE
        params = params[0]
    return _gathered(as_tensor(params), as_tensor(ids), 0, 0)


@shape_function("keras.backend.gather")
def gather_backend(reference: Any, indices: Any) -> Shape:
    """The dimensions of *indices*, then those of *reference* but the first."""
    return _gathered(as_tensor(reference), as_tensor(indices), 0, 0)


@shape_function("keras.ops.take")
def take(x: Any, indices: Any, axis: Any = None) -> Shape:
    """*axis* of *x* replaced by the dimensions of *indices*; without one, these."""
    if axis is None:
        return as_tensor(indices)
    return _gathered(as_tensor(x), as_tensor(indices), axis, 0)


@shape_function("keras.ops.take_along_axis")
def take_along_axis(x: Any, indices: Any, axis: Any = None) -> Shape:
    """*indices* broadcast with *x* but for *axis*; without one, all indices in one dimension."""
    picked = as_tensor(indices)
    if axis is None:
        return flatten(picked)
    if not picked.exact or not isinstance(axis, int):
        return UNKNOWN_SHAPE

    def at_axis(sizes: tuple[Dimension, ...], at: int) -> Shape:
        if not sizes or len(sizes) != len(picked.leading):
            raise ShapeMismatch(f"take_along_axis of {Shape(sizes)} with indices of {picked}")
        here = (*sizes[:at], 1, *sizes[at + 1 :])
        there = (*picked.leading[:at], 1, *picked.leading[at + 1 :])
        common = broadcast(Shape(here), Shape(there)).leading
        return Shape((*common[:at], picked.leading[at], *common[at + 1 :]))

    result: Shape = along(as_tensor(x), axis, at_axis)
    return result


@shape_function("tensorflow.gather_nd")
def gather_nd(params: Any, indices: Any, batch_dims: Any = 0, name: Any = None, **_: Any) -> Shape:
    """The dimensions of *indices* but the last, then those of *params* that the last one does not count off."""
    if not isinstance(batch_dims, int) or batch_dims < 0:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape, picked: Shape) -> Shape:
        if len(picked.leading) <= batch_dims or len(known.leading) < batch_dims:
            raise ShapeMismatch(f"gather_nd of {known} by {picked}")
        depth = picked.leading[-1]
        if not isinstance(depth, int):
            return Shape(picked.leading[:-1], (), exact=False)
        if depth + batch_dims > len(known.leading):
            raise ShapeMismatch(f"gather_nd by {depth} indices of {known}")
        return Shape(picked.leading[:-1] + known.leading[batch_dims + depth :])

    return over_ranks(at_known_rank, as_tensor(params), as_tensor(indices), reach=batch_dims + 1)


@shape_function("tensorflow.scatter_nd")
def scatter_nd(indices: Any, updates: Any, shape: Any, name: Any = None) -> Shape:
    """*shape*."""
    sizes = sizes_of(shape)
    return UNKNOWN_SHAPE if sizes is None else Shape(tuple(map(as_dimension, sizes)))


@shape_function("keras.ops.scatter")
def scatter(indices: Any, values: Any, shape: Any) -> Shape:
    """*shape*."""
    return scatter_nd(indices, values, shape)


@shape_function(*(f"tensorflow.tensor_scatter_nd_{name}" for name in ("add", "max", "min", "sub", "update")))
def tensor_scatter(tensor: Any, indices: Any, updates: Any, name: Any = None) -> Shape:
    """The shape of *tensor*."""
    return as_tensor(tensor)


@shape_function("keras.ops.scatter_update", "keras.ops.slice_update")
def update(inputs: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *inputs*."""
    return as_tensor(inputs)


@shape_function("tensorflow.boolean_mask")
def boolean_mask(tensor: Any, mask: Any, axis: Any = None, name: Any = None) -> Shape:
    """The dimensions that the mask covers, from *axis* on, made one of an unknown size."""
    start = 0 if axis is None else axis
    shape, covered = as_tensor(tensor), as_tensor(mask)
    if not isinstance(start, int) or start < 0:
        return UNKNOWN_SHAPE
    return indexed(shape, (slice(None),) * start + (TensorIndex(covered, True),))


@shape_function("tensorflow.where", "tensorflow.where_v2")
def where_tensorflow(condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Shape:
    """The three broadcast; of a condition alone, a row of indices for each element that is true.

    In TensorFlow 1 a vector as condition says which rows of *x* to take: what both give is the answer then.
    """
    shape = as_tensor(condition)
    if x is None and y is None:
        return Shape((unknown(minimum=0), len(shape.leading) if shape.exact else unknown(minimum=0)))
    values = broadcast(as_tensor(x), as_tensor(y))
    if shape.rank != 1 or values.least_rank < 2:
        return broadcast(shape, values)
    try:
        return join([values, broadcast(shape, values)])
    except ShapeMismatch:
        return values


@shape_function("keras.ops.where")
def where_keras(condition: Any, x1: Any = None, x2: Any = None) -> ShapeResult:
    """The three broadcast; nothing is known of the indices that a condition alone gives."""
    if x1 is None or x2 is None:
        return UNKNOWN
    return broadcast(as_tensor(condition), as_tensor(x1), as_tensor(x2))


def _hot(shape: Shape, depth: Any, axis: Any) -> Shape:
    size = unknown(minimum=0) if isinstance(depth, int) and depth < 0 else as_dimension(depth)
    if axis == -1:
        if shape.exact:
            return Shape((*shape.leading, size))
        return Shape(shape.leading, (*shape.trailing, size), exact=False)

    def at_known_rank(known: Shape) -> Shape:
        at = axis_of(len(known.leading) + 1, axis)
        return Shape((*known.leading[:at], size, *known.leading[at:]))

    return over_ranks(at_known_rank, shape, reach=reach_of((axis,))) if isinstance(axis, int) else UNKNOWN_SHAPE


@shape_function("tensorflow.one_hot")
def one_hot_tensorflow(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, *_: Any, **__: Any
) -> Shape:
    """A new dimension of *depth* at *axis*, the last by default."""
    return _hot(as_tensor(indices), depth, -1 if axis is None else axis)


@shape_function("keras.ops.one_hot")
def one_hot_keras(x: Any, num_classes: Any, axis: Any = -1, *_: Any, **__: Any) -> Shape:
    """A new dimension of *num_classes* at *axis*."""
    return _hot(as_tensor(x), num_classes, axis)


@shape_function("keras.backend.one_hot")
def one_hot_backend(indices: Any, num_classes: Any) -> Shape:
    """A last dimension of *num_classes*."""
    return _hot(as_tensor(indices), num_classes, -1)


@shape_function("keras.utils.to_categorical", "keras.utils.np_utils.to_categorical")
def to_categorical(x: Any = None, num_classes: Any = None, dtype: Any = None, y: Any = None) -> Shape:
    """A last dimension of *num_classes*, which takes the place of a last dimension of 1."""
    size = unknown() if num_classes is None else as_dimension(num_classes)

    def at_known_rank(known: Shape) -> Shape:
        sizes = known.leading
        if len(sizes) > 1 and sizes[-1] == 1:
            return Shape((*sizes[:-1], size))
        if len(sizes) > 1 and isinstance(sizes[-1], Expression) and not certainly_differ(sizes[-1], 1):
            return Shape(sizes[:-1], (size,), exact=False)
        return Shape((*sizes, size))

    return over_ranks(at_known_rank, as_tensor(first_given(x, y)))


@shape_function("tensorflow.nn.top_k", "tensorflow.top_k")
def top_k_tensorflow(input: Any, k: Any = 1, sorted: Any = True, *_: Any, **__: Any) -> ShapeResult:
    """Values and indices, *k* along the last dimension."""
    return _best(as_tensor(input), k)


@shape_function("keras.ops.top_k")
def top_k_keras(x: Any, k: Any, sorted: Any = True) -> ShapeResult:
    """Values and indices, *k* along the last dimension."""
    return _best(as_tensor(x), k)


def _best(shape: Shape, k: Any) -> ShapeResult:
    count = as_dimension(k)

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        if not sizes:
            raise ShapeMismatch("top_k of a tensor without dimensions")
        here = sizes[axis]
        if isinstance(here, int) and isinstance(count, int) and count > here:
            raise ShapeMismatch(f"top_k of {count} in a dimension of size {render(here)}", count, here)
        return Shape((*sizes[:axis], count))

    result: Shape = along(shape, -1, at_axis)
    return result, result


@shape_function("tensorflow.nn.in_top_k", "tensorflow.in_top_k", "keras.ops.in_top_k")
def in_top_k(targets: Any, predictions: Any, k: Any = None, name: Any = None) -> Shape:
    """One answer a row; TensorFlow 1 took *predictions* first."""
    vectors = [shape for shape in (as_tensor(targets), as_tensor(predictions)) if shape.rank == 1]
    return vectors[0] if len(vectors) == 1 else Shape((unknown(minimum=0),))


@shape_function("keras.backend.in_top_k")
def in_top_k_backend(predictions: Any, targets: Any, k: Any) -> Shape:
    """One answer a row."""
    return in_top_k(targets, predictions, k)


@shape_function("tensorflow.slice")
def slice_tensorflow(input_: Any, begin: Any, size: Any, name: Any = None) -> Shape:
    """*size* elements of each dimension, -1 for all from *begin* on."""
    return _sliced(as_tensor(input_), begin, size)


@shape_function("keras.ops.slice")
def slice_keras(inputs: Any, start_indices: Any, shape: Any) -> Shape:
    """*shape* elements of each dimension."""
    return _sliced(as_tensor(inputs), start_indices, shape)


def _sliced(tensor: Shape, begin: Any, size: Any) -> Shape:
    sizes = sizes_of(size)
    if sizes is None:
        return over_ranks(lambda known: Shape(tuple([unknown(minimum=0) for _ in known.leading])), tensor)
    starts = sizes_of(begin) or (UNKNOWN,) * len(sizes)

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) != len(sizes) or len(starts) != len(sizes):
            raise ShapeMismatch(f"slice of {known} with {len(sizes)} sizes")
        return Shape(tuple(map(_part, known.leading, starts, sizes)))

    return over_ranks(at_known_rank, tensor, reach=len(sizes))


def _part(whole: Dimension, start: Any, size: Any) -> Dimension:
    if size is UNKNOWN or (size == -1 and start is UNKNOWN):
        return unknown(minimum=0)
    first = 0 if start is UNKNOWN else start
    length: Dimension = whole - first if size == -1 else size
    numbers = all(isinstance(number, int) for number in (whole, first, length))
    if numbers and not 0 <= length <= whole - first:  # type: ignore[operator]
        raise ShapeMismatch(f"slice of {render(length)} from {render(first)} on in {render(whole)}", actual=whole)
    return length


@shape_function("tensorflow.strided_slice")
def strided_slice(input_: Any, begin: Any, end: Any, strides: Any = None, *_: Any, **masks: Any) -> Shape:
    """The slices that the three say for the first dimensions."""
    shape = as_tensor(input_)
    starts, stops = sizes_of(begin), sizes_of(end)
    steps = (1,) * len(starts or ()) if strides is None else sizes_of(strides)
    masked = any(value != 0 for name, value in masks.items() if name.endswith("mask"))
    if _ or masked or starts is None or stops is None or steps is None:
        return UNKNOWN_SHAPE
    return indexed(shape, tuple(map(slice, starts, stops, steps)))


@shape_function("tensorflow.pad")
def pad_tensorflow(tensor: Any, paddings: Any, *_: Any, **__: Any) -> Shape:
    """*tensor* with a pair of amounts added to each dimension."""
    return bordered(as_tensor(tensor), paddings)


@shape_function("keras.ops.pad")
def pad_keras(x: Any, pad_width: Any, *_: Any, **__: Any) -> Shape:
    """*x* with a pair of amounts added to each dimension; one pair or one number is for all."""
    return bordered_alike(as_tensor(x), pad_width)


def _rows_by_segment(data: Any, segments: Any, count: Any) -> Shape:
    def at_known_rank(known: Shape, ids: Shape) -> Shape:
        if len(ids.leading) > len(known.leading):
            raise ShapeMismatch(f"segments of {ids} for {known}")
        size = unknown(minimum=0) if count is None else as_dimension(count)
        return Shape((size, *known.leading[len(ids.leading) :]))

    return over_ranks(at_known_rank, as_tensor(data), as_tensor(segments))


_SEGMENTED = "max mean min prod sum"


@shape_function(*(f"tensorflow.segment_{name}" for name in _SEGMENTED.split()))
def segment_tensorflow(data: Any, segment_ids: Any, name: Any = None) -> Shape:
    """A row for each segment, of which it is not known how many there are."""
    return _rows_by_segment(data, segment_ids, None)


@shape_function(*(f"tensorflow.unsorted_segment_{name}" for name in (*_SEGMENTED.split(), "sqrt_n")))
def unsorted_segment(data: Any, segment_ids: Any, num_segments: Any, name: Any = None) -> Shape:
    """*num_segments* rows."""
    return _rows_by_segment(data, segment_ids, num_segments)


@shape_function("keras.ops.segment_max", "keras.ops.segment_sum")
def segment_keras(data: Any, segment_ids: Any, num_segments: Any = None, sorted: Any = False) -> Shape:
    """*num_segments* rows."""
    return _rows_by_segment(data, segment_ids, num_segments)


@shape_function("tensorflow.unique")
def unique(x: Any, *_: Any, **__: Any) -> ShapeResult:
    """The different elements of a vector, and which of them each one is."""
    return Shape((unknown(minimum=0),)), as_tensor(x)


@shape_function("tensorflow.diag")
def diag(diagonal: Any, *_: Any, **__: Any) -> Shape:
    """A vector as the diagonal of a matrix; what becomes of more dimensions differs between versions."""
    shape = as_tensor(diagonal)
    if shape.rank == 1 and not _ and not __:
        return Shape(shape.leading * 2)
    return UNKNOWN_SHAPE
