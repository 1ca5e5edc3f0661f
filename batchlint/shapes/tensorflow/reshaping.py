"""The same elements in other dimensions, or in another order of them."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import render
from batchlint.shapes.ranks import join, over_ranks
from batchlint.shapes.registry import shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, first_given, sizes_of
from batchlint.shapes.torch.operands import as_axes, axis_of, reach_of
from batchlint.shapes.torch.reshaping import flatten as flattened
from batchlint.shapes.torch.reshaping import reshape
from batchlint.shapes.torch.views import all_reversed, last_two_swapped, movedim, permute, transpose, unsqueeze
from batchlint.shapes.torch.views import squeeze as squeeze_any

__all__ = ["expanded", "squeezed"]


@shape_function("tensorflow.reshape")
def reshape_tensorflow(tensor: Any, shape: Any, *_: Any, **__: Any) -> Shape:
    """*tensor* as *shape*."""
    return reshape(as_tensor(tensor), sizes_of(shape))


@shape_function("keras.ops.reshape")
def reshape_keras(x: Any, newshape: Any) -> Shape:
    """*x* as *newshape*."""
    return reshape(as_tensor(x), sizes_of(newshape))


@shape_function("keras.backend.reshape")
def reshape_backend(x: Any, shape: Any) -> Shape:
    """*x* as *shape*."""
    return reshape(as_tensor(x), sizes_of(shape))


@shape_function("keras.ops.ravel", "keras.backend.flatten")
def flatten(x: Any) -> Shape:
    """All elements in one dimension."""
    return flattened(as_tensor(x))


@shape_function("keras.backend.batch_flatten")
def batch_flatten(x: Any) -> Shape:
    """All dimensions but the first in one."""
    return over_ranks(_batch_flattened, as_tensor(x))


def _batch_flattened(shape: Shape) -> Shape:
    if not shape.leading:
        return Shape((1, 1))
    return flattened(Shape((*shape.leading, 1)), 1)


def squeezed(shape: Shape, axis: Any) -> Shape:
    """*shape* without its dimensions of size 1; the dimensions *axis*, if given, must be of that size.

    Raises:
        ShapeMismatch: a dimension among *axis* is certain not to be of size 1, or not to be there.
    """
    if axis is None or axis == ():
        return squeeze_any(shape)
    axes = as_axes(axis)
    if axes is None:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        chosen = {axis_of(len(known.leading), one) for one in axes}
        if not known.leading:
            raise ShapeMismatch("squeeze of a dimension of a tensor without dimensions")
        for one in chosen:
            size = known.leading[one]
            if isinstance(size, int) and size != 1:
                raise ShapeMismatch(f"squeeze of dimension {one}, whose size is {render(size)}", 1, size)
        return Shape(tuple([size for position, size in enumerate(known.leading) if position not in chosen]))

    return over_ranks(at_known_rank, shape, reach=reach_of(axes))


@shape_function("tensorflow.squeeze")
def squeeze_tensorflow(input: Any, axis: Any = None, name: Any = None, squeeze_dims: Any = None, **_: Any) -> Shape:
    """*input* without its dimensions of size 1, or without *axis*, which must be of that size."""
    return squeezed(as_tensor(input), first_given(axis, squeeze_dims))


@shape_function("keras.ops.squeeze")
def squeeze_keras(x: Any, axis: Any = None) -> Shape:
    """*x* without its dimensions of size 1, or without *axis*, which must be of that size."""
    return squeezed(as_tensor(x), axis)


@shape_function("keras.backend.squeeze")
def squeeze_backend(x: Any, axis: Any) -> Shape:
    """*x* without *axis*, which must be of size 1."""
    return squeezed(as_tensor(x), axis)


def expanded(shape: Shape, axis: Any) -> Shape:
    """*shape* with new dimensions of size 1 at *axis*, one or several.

    Raises:
        ShapeMismatch: *axis* is out of range.
    """
    axes = as_axes(axis)
    if axes is None or isinstance(axis, int):
        return unsqueeze(shape, axis) if not isinstance(axis, (tuple, list)) else UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        rank = len(known.leading) + len(axes)
        sizes = list(known.leading)
        for position in sorted(axis_of(rank, one) for one in axes):
            sizes.insert(position, 1)
        return Shape(tuple(sizes))

    return over_ranks(at_known_rank, shape, reach=reach_of(axes))


@shape_function("tensorflow.expand_dims")
def expand_dims_tensorflow(input: Any, axis: Any = None, name: Any = None, dim: Any = None) -> Shape:
    """*input* with a new dimension of size 1 at *axis*."""
    chosen = first_given(axis, dim)
    return UNKNOWN_SHAPE if isinstance(chosen, (tuple, list)) else expanded(as_tensor(input), chosen)


@shape_function("keras.ops.expand_dims")
def expand_dims_keras(x: Any, axis: Any) -> Shape:
    """*x* with new dimensions of size 1 at *axis*."""
    return expanded(as_tensor(x), axis)


@shape_function("keras.backend.expand_dims")
def expand_dims_backend(x: Any, axis: Any = -1) -> Shape:
    """*x* with a new dimension of size 1 at *axis*."""
    return expanded(as_tensor(x), axis)


def _transposed(shape: Shape, order: Any) -> Shape:
    if order is None:
        return all_reversed(shape)
    if isinstance(order, Shape):
        # A tensor that holds the order.
        return permute(shape, None)
    return permute(shape, order)


@shape_function("tensorflow.transpose")
def transpose_tensorflow(a: Any, perm: Any = None, *_: Any, **__: Any) -> Shape:
    """The dimensions in the order *perm*, by default reversed."""
    return _transposed(as_tensor(a), perm)


@shape_function("keras.ops.transpose")
def transpose_keras(x: Any, axes: Any = None) -> Shape:
    """The dimensions in the order *axes*, by default reversed."""
    return _transposed(as_tensor(x), axes)


@shape_function("keras.backend.transpose")
def transpose_backend(x: Any) -> Shape:
    """All dimensions in reverse order."""
    return all_reversed(as_tensor(x))


@shape_function("keras.backend.permute_dimensions")
def permute_dimensions(x: Any, pattern: Any) -> Shape:
    """The dimensions in the order *pattern*."""
    return _transposed(as_tensor(x), pattern)


@shape_function("tensorflow.matrix_transpose", "tensorflow.adjoint")
def matrix_transpose(a: Any, *_: Any, **__: Any) -> Shape:
    """The last two dimensions swapped."""
    return last_two_swapped(as_tensor(a))


@shape_function("keras.ops.swapaxes")
def swapaxes(x: Any, axis1: Any, axis2: Any) -> Shape:
    """*axis1* and *axis2* swapped."""
    return transpose(as_tensor(x), axis1, axis2)


@shape_function("keras.ops.moveaxis")
def moveaxis(x: Any, source: Any, destination: Any) -> Shape:
    """The dimensions *source* moved to *destination*, the others in their order."""
    return movedim(as_tensor(x), source, destination)


@shape_function("keras.ops.rot90")
def rot90(array: Any, k: Any = 1, axes: Any = (0, 1)) -> Shape:
    """Two dimensions swapped for odd *k*."""
    shape, pair = as_tensor(array), as_axes(axes)
    if pair is None or len(pair) != 2:
        return UNKNOWN_SHAPE
    turned = transpose(shape, *pair)
    if isinstance(k, int):
        return turned if k % 2 else shape
    return join([shape, turned])
