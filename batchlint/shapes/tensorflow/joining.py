"""Several tensors made one, one cut into several, and tensors repeated along their dimensions."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension, Expression, certainly_differ, floor_divide, render, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, first_given, sizes_of, tensors_of
from batchlint.shapes.torch import joining
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.cutting import MOST_PIECES, tensor_split
from batchlint.shapes.torch.indexing import narrow
from batchlint.shapes.torch.operands import along, as_dimension
from batchlint.shapes.torch.repeating import expand, repeat_interleave
from batchlint.shapes.torch.repeating import tile as tiled
from batchlint.shapes.torch.reshaping import flatten

__all__: list[str] = []


def _concatenated(values: Any, axis: Any) -> Shape:
    tensors = tensors_of(values)
    if tensors is None:
        return UNKNOWN_SHAPE
    shapes = [as_tensor(tensor) for tensor in tensors]
    # One tensor alone is given back as it is.
    return shapes[0] if len(shapes) == 1 else joining.cat(shapes, axis)


@shape_function("tensorflow.concat")
def concat(values: Any = UNKNOWN, axis: Any = 0, name: Any = None, concat_dim: Any = None) -> Shape:
    """*values* joined along *axis*; before TensorFlow 1.0 the axis came first."""
    if isinstance(values, int):
        values, axis = axis, values
    if isinstance(values, Shape):
        # Not a list: it is given back.
        return values
    return _concatenated(values, first_given(concat_dim, axis))


@shape_function("keras.ops.concatenate")
def concatenate_keras(xs: Any, axis: Any = 0) -> Shape:
    """*xs* joined along *axis*."""
    return _concatenated(xs, axis)


@shape_function("keras.backend.concatenate")
def concatenate_backend(tensors: Any, axis: Any = -1) -> Shape:
    """*tensors* joined along *axis*, which may be any number below zero."""
    first = as_tensor(tensors[0]) if isinstance(tensors, (tuple, list)) and tensors else UNKNOWN_SHAPE
    if isinstance(axis, int) and axis < -1:
        if not first.exact:
            return UNKNOWN_SHAPE
        axis = axis % (first.rank or 1)
    return _concatenated(tensors, axis)


def _stacked(values: Any, axis: Any) -> Shape:
    tensors = tensors_of(values)
    return UNKNOWN_SHAPE if tensors is None else joining.stack([as_tensor(tensor) for tensor in tensors], axis)


@shape_function("tensorflow.stack", "tensorflow.pack")
def stack_tensorflow(values: Any, axis: Any = 0, name: Any = None) -> Shape:
    """*values*, all of one shape, along a new dimension at *axis*."""
    return _stacked(values, axis)


@shape_function("keras.ops.stack", "keras.backend.stack")
def stack_keras(x: Any, axis: Any = 0) -> Shape:
    """The tensors *x*, all of one shape, along a new dimension at *axis*."""
    return _stacked(x, axis)


@shape_function("keras.ops.hstack")
def hstack(xs: Any) -> Shape:
    """*xs* joined along the second dimension, vectors along their only one."""
    return joining.hstack(tensors_of(xs))


@shape_function("keras.ops.vstack")
def vstack(xs: Any) -> Shape:
    """*xs* joined along the first dimension; what becomes of vectors differs between Keras' backends."""
    tensors = tensors_of(xs)
    vectors = tensors is None or any(as_tensor(tensor).least_rank < 2 for tensor in tensors)
    return UNKNOWN_SHAPE if vectors else joining.cat([as_tensor(tensor) for tensor in tensors or ()], 0)


@shape_function("tensorflow.unstack", "tensorflow.unpack")
def unstack_tensorflow(value: Any, num: Any = None, axis: Any = 0, name: Any = None) -> ShapeResult:
    """A tensor for each index of *axis*, which they lack; *num* says how many where the size does not."""
    return _unstacked(as_tensor(value), num, axis)


@shape_function("keras.ops.unstack")
def unstack_keras(x: Any, num: Any = None, axis: Any = 0) -> ShapeResult:
    """A tensor for each index of *axis*, which they lack; *num* says how many where the size does not."""
    return _unstacked(as_tensor(x), num, axis)


def _unstacked(shape: Shape, num: Any, axis: Any) -> ShapeResult:
    size = shape.dimension(axis) if isinstance(axis, int) else None
    if isinstance(size, int) and isinstance(num, int) and size != num:
        raise ShapeMismatch(f"unstack into {num} of a dimension of {render(size)}", num, size)
    count = size if num is None else num
    if not isinstance(count, int) or not 0 <= count <= MOST_PIECES:
        return UNKNOWN
    piece: Shape = along(shape, axis, lambda sizes, at: Shape((*sizes[:at], *sizes[at + 1 :])))
    return (piece,) * count


@shape_function("tensorflow.split")
def split_tensorflow(
    value: Any, num_or_size_splits: Any = UNKNOWN, axis: Any = 0, num: Any = None, name: Any = None, **old: Any
) -> ShapeResult:
    """As many equal pieces as a number says, or pieces of the sizes given, of which one may be -1.

    Before TensorFlow 1.0 the axis came first and the tensor last.
    """
    if isinstance(value, int) or old:
        return UNKNOWN
    shape = as_tensor(value)
    if isinstance(num_or_size_splits, int):
        return _equal_pieces(shape, num_or_size_splits, axis)
    sizes = sizes_of(num_or_size_splits) if not isinstance(num_or_size_splits, Expression) else None
    return UNKNOWN if sizes is None else _pieces_of_sizes(shape, sizes, axis)


def _equal_pieces(shape: Shape, count: int, axis: Any) -> ShapeResult:
    if not 0 < count <= MOST_PIECES:
        return UNKNOWN
    size = shape.dimension(axis) if isinstance(axis, int) else None
    if isinstance(size, int) and size % count:
        raise ShapeMismatch(f"split into {count} equal pieces of a dimension of {size}", actual=size)
    return (narrow(shape, axis, 0, unknown(minimum=0) if size is None else floor_divide(size, count)),) * count


def _pieces_of_sizes(shape: Shape, sizes: tuple[Any, ...], axis: Any) -> ShapeResult:
    """Pieces of *sizes*; a -1 among them is what is left.

    Raises:
        ShapeMismatch: they are certain not to make up the dimension.
    """
    whole = shape.dimension(axis) if isinstance(axis, int) else None
    known = [size for size in sizes if size is not UNKNOWN and size != -1]
    total: Dimension = 0
    for size in known:
        total = total + size
    if whole is not None and len(known) == len(sizes) and certainly_differ(total, whole):
        message = f"split into sections of {render(total)} in all, got {render(whole)}"
        raise ShapeMismatch(message, total, whole)
    rest = None if whole is None or len(known) + 1 < len(sizes) else whole - total
    if isinstance(rest, int) and rest < 0:
        raise ShapeMismatch(f"split into more than the {render(whole or 0)} that are there", actual=whole)
    left = unknown(minimum=0) if rest is None else rest
    return tuple([narrow(shape, axis, 0, left if size is UNKNOWN or size == -1 else size) for size in sizes])


@shape_function("keras.ops.split")
def split_keras(x: Any, indices_or_sections: Any, axis: Any = 0) -> ShapeResult:
    """As many equal pieces as a number says, or the pieces between the indices."""
    if isinstance(indices_or_sections, int):
        return _equal_pieces(as_tensor(x), indices_or_sections, axis)
    return tensor_split(as_tensor(x), indices_or_sections, axis)


@shape_function("keras.ops.array_split")
def array_split(x: Any, indices_or_sections: Any, axis: Any = 0) -> ShapeResult:
    """As many pieces of nearly one size as a number says, or the pieces between the indices."""
    return tensor_split(as_tensor(x), indices_or_sections, axis)


@shape_function("tensorflow.tile")
def tile_tensorflow(input: Any, multiples: Any, name: Any = None) -> Shape:
    """Each dimension repeated as often as its number in *multiples* says.

    Raises:
        ShapeMismatch: there are not as many of them as dimensions.
    """
    return _tiled(as_tensor(input), sizes_of(multiples))


@shape_function("keras.backend.tile")
def tile_backend(x: Any, n: Any) -> Shape:
    """Each dimension repeated as often as its number in *n* says."""
    return _tiled(as_tensor(x), sizes_of(n))


def _tiled(shape: Shape, times: tuple[Any, ...] | None) -> Shape:
    if times is not None and (len(times) != shape.rank if shape.exact else len(times) < shape.least_rank):
        raise ShapeMismatch(f"tile of {shape} with {len(times)} numbers")
    if times is None:
        return over_ranks(_of_any_size, shape)
    return over_ranks(lambda known: _tiled_known(known, times), shape, reach=len(times))


def _of_any_size(shape: Shape) -> Shape:
    return Shape(tuple([unknown(minimum=0) for _ in shape.leading]))


def _tiled_known(shape: Shape, times: tuple[Any, ...]) -> Shape:
    if len(shape.leading) != len(times):
        raise ShapeMismatch(f"tile of {shape} with {len(times)} numbers")
    return tiled(shape, times)


@shape_function("keras.ops.tile")
def tile_keras(x: Any, repeats: Any) -> Shape:
    """Each dimension repeated, counted from the last; the dimensions in front stay or are made."""
    return tiled(as_tensor(x), sizes_of(repeats))


@shape_function("tensorflow.repeat")
def repeat_tensorflow(input: Any, repeats: Any, axis: Any = None, name: Any = None) -> Shape:
    """Each element repeated in place along *axis*; without one, of all in one dimension."""
    return _repeated(as_tensor(input), repeats, axis)


@shape_function("keras.ops.repeat")
def repeat_keras(x: Any, repeats: Any, axis: Any = None) -> Shape:
    """Each element repeated in place along *axis*; without one, of all in one dimension."""
    return _repeated(as_tensor(x), repeats, axis)


@shape_function("keras.backend.repeat_elements")
def repeat_elements(x: Any, rep: Any, axis: Any) -> Shape:
    """Each element repeated *rep* times in place along *axis*."""
    return _repeated(as_tensor(x), rep, axis)


def _repeated(shape: Shape, repeats: Any, axis: Any) -> Shape:
    return repeat_interleave(shape, repeats if isinstance(repeats, (int, Expression)) else UNKNOWN, axis)


@shape_function("keras.backend.repeat")
def repeat_backend(x: Any, n: Any) -> Shape:
    """``[B, F]`` to ``[B, n, F]``."""

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) != 2:
            raise ShapeMismatch(f"repeat expects a tensor of 2 dimensions, got {known}")
        return Shape((known.leading[0], as_dimension(n), known.leading[1]))

    return over_ranks(at_known_rank, as_tensor(x))


@shape_function("tensorflow.broadcast_to")
def broadcast_to_tensorflow(input: Any, shape: Any, name: Any = None) -> Shape:
    """*input* stretched to *shape*."""
    return _stretched(input, shape)


@shape_function("keras.ops.broadcast_to")
def broadcast_to_keras(x: Any, shape: Any) -> Shape:
    """*x* stretched to *shape*."""
    return _stretched(x, shape)


def _stretched(tensor: Any, shape: Any) -> Shape:
    sizes = sizes_of(shape)
    return UNKNOWN_SHAPE if sizes is None else expand(as_tensor(tensor), sizes)


@shape_function("tensorflow.meshgrid", "keras.ops.meshgrid")
def meshgrid(*args: Any, indexing: Any = "xy", **_: Any) -> ShapeResult:
    """As many grids as vectors, each with all their lengths, the first two swapped unless *indexing* is ``ij``."""
    grids = [as_tensor(vector) for vector in args]
    return joining.meshgrid(*(flatten(grid) if grid.exact else UNKNOWN_SHAPE for grid in grids), indexing=indexing)


@shape_function("tensorflow.add_n", "tensorflow.accumulate_n")
def add_n(inputs: Any, *_: Any, **__: Any) -> Shape:
    """The sum of tensors of one shape."""
    tensors = tensors_of(inputs) if isinstance(inputs, (tuple, list)) else None
    return UNKNOWN_SHAPE if tensors is None else broadcast(*map(as_tensor, tensors))
