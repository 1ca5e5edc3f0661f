"""The same elements in another order of dimensions, or with dimensions of size 1 added and taken away."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import is_named
from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.ranks import join, over_ranks
from batchlint.shapes.registry import ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.operands import as_axes, as_shape, as_sizes, axis_of, reach_of
from batchlint.shapes.torch.reshaping import flatten

__all__ = ["flatten", "padded_to", "permute", "squeeze", "transpose", "unsqueeze"]


def _stays(size: Dimension) -> bool | None:
    """Whether ``squeeze`` keeps *size*, ``None`` where that cannot be said.

    A named size counts as above 1: that a batch of one is squeezed away is a hazard for rules to report, not a shape.
    """
    if isinstance(size, int):
        return size != 1
    return True if is_named(size) else None


def squeeze(shape: Shape, dim: Any = None) -> Shape:
    """*shape* without its dimensions of size 1, or without those among *dim*."""
    if dim is None:
        return _squeeze_all(shape)
    axes = as_axes(dim)
    if axes is None:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        rank = len(known.leading)
        chosen = {axis_of(rank, axis) for axis in axes}
        if not rank:
            return known
        results: list[list[Dimension]] = [[]]
        for axis, size in enumerate(known.leading):
            stays = _stays(size) if axis in chosen else True
            if stays is None:
                results = [*([*sizes, size] for sizes in results), *results]
            elif stays:
                results = [[*sizes, size] for sizes in results]
        return join([Shape(tuple(sizes)) for sizes in results])

    return over_ranks(at_known_rank, shape, reach=reach_of(axes))


def _squeeze_all(shape: Shape) -> Shape:
    if shape.exact:
        stay = [_stays(size) for size in shape.leading]
        if None not in stay:
            return Shape(tuple([size for size, stays in zip(shape.leading, stay) if stays]))
    leading = _until_unsure(shape.leading)
    trailing = _until_unsure(tuple(reversed(shape.leading if shape.exact else shape.trailing)))
    return Shape(leading, tuple(reversed(trailing)), exact=False)


def _until_unsure(sizes: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
    kept: list[Dimension] = []
    for size in sizes:
        stays = _stays(size)
        if stays is None:
            break
        if stays:
            kept.append(size)
    return tuple(kept)


@shape_function("torch.squeeze", "torch.Tensor.squeeze")
def squeeze_function(input: Any, dim: Any = None) -> Shape:
    """*input* without its dimensions of size 1, or without those among *dim*."""
    return squeeze(as_shape(input), dim)


def unsqueeze(shape: Shape, dim: Any) -> Shape:
    """*shape* with a new dimension of size 1 at *dim*.

    Raises:
        ShapeMismatch: *dim* is out of range.
    """

    def at_known_rank(known: Shape) -> Shape:
        rank = len(known.leading)
        if isinstance(dim, int):
            axis = axis_of(rank + 1, dim)
            return Shape((*known.leading[:axis], 1, *known.leading[axis:]))
        return join([Shape((*known.leading[:axis], 1, *known.leading[axis:])) for axis in range(rank + 1)])

    if dim == 0:
        return Shape((1, *shape.leading), shape.trailing, shape.exact)
    return over_ranks(at_known_rank, shape, reach=reach_of((dim,)) if isinstance(dim, int) else 2)


@shape_function("torch.unsqueeze", "torch.Tensor.unsqueeze")
def unsqueeze_function(input: Any, dim: Any) -> Shape:
    """*input* with a new dimension of size 1 at *dim*."""
    return unsqueeze(as_shape(input), dim)


def transpose(shape: Shape, first: Any, second: Any) -> Shape:
    """*shape* with two dimensions swapped.

    Raises:
        ShapeMismatch: there are no such dimensions.
    """
    if not isinstance(first, int) or not isinstance(second, int):
        return over_ranks(lambda known: known if len(known.leading) < 2 else _shuffled(known), shape)

    def at_known_rank(known: Shape) -> Shape:
        sizes = list(known.leading)
        a, b = axis_of(len(sizes), first), axis_of(len(sizes), second)
        if sizes:
            sizes[a], sizes[b] = sizes[b], sizes[a]
        return Shape(tuple(sizes))

    return over_ranks(at_known_rank, shape, reach=reach_of((first, second)))


def _shuffled(shape: Shape) -> Shape:
    """What is known when the dimensions of *shape* are in some other order: how many there are."""
    sizes = shape.leading
    return shape if len(set(sizes)) < 2 else Shape(tuple([unknown(minimum=0) for _ in sizes]))


@shape_function("torch.transpose", "torch.Tensor.transpose", "torch.swapdims", "torch.Tensor.swapdims")
def transpose_function(input: Any, dim0: Any, dim1: Any) -> Shape:
    """*dim0* and *dim1* swapped."""
    return transpose(as_shape(input), dim0, dim1)


@shape_function("torch.swapaxes", "torch.Tensor.swapaxes")
def swapaxes(input: Any, axis0: Any, axis1: Any) -> Shape:
    """*axis0* and *axis1* swapped."""
    return transpose(as_shape(input), axis0, axis1)


@shape_function("torch.t", "torch.Tensor.t")
def t(input: Any) -> Shape:
    """A matrix transposed; a vector or a number as it is.

    Raises:
        ShapeMismatch: more than two dimensions.
    """
    shape = as_shape(input)
    if shape.least_rank > 2:
        raise ShapeMismatch(f"t expects a tensor of at most 2 dimensions, got {shape}")
    return over_ranks(_reversed_up_to_two, shape)


def _reversed_up_to_two(shape: Shape) -> Shape:
    if len(shape.leading) > 2:
        raise ShapeMismatch(f"t expects a tensor of at most 2 dimensions, got {shape}")
    return Shape(shape.leading[::-1])


@shape_function("torch.Tensor.T")
def all_reversed(input: Any) -> Shape:
    """All dimensions in reverse order."""
    shape = as_shape(input)
    return Shape(shape.leading[::-1]) if shape.exact else Shape(shape.trailing[::-1], shape.leading[::-1], exact=False)


@shape_function("torch.Tensor.H")
def matrix_conjugate(input: Any) -> Shape:
    """A matrix transposed."""
    return over_ranks(_reversed_up_to_two, as_shape(input))


@shape_function("torch.Tensor.mT", "torch.Tensor.mH", "torch.adjoint", "torch.Tensor.adjoint")
def last_two_swapped(input: Any) -> Shape:
    """The last two dimensions swapped."""
    return transpose(as_shape(input), -2, -1)


def permute(shape: Shape, dims: Any) -> Shape:
    """*shape* with its dimensions in the order *dims*.

    Raises:
        ShapeMismatch: the rank is certain not to be the number of *dims*.
    """
    axes = as_axes(dims)
    if axes is None:
        if isinstance(dims, tuple):
            return Shape(tuple([_size_at(shape, axis) for axis in dims]))
        return over_ranks(_shuffled, shape)

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) != len(axes):
            raise ShapeMismatch(f"permute of {len(axes)} dimensions, got {known}")
        return Shape(tuple([known.leading[axis_of(len(axes), axis)] for axis in axes]))

    return over_ranks(at_known_rank, shape, reach=len(axes))


def _size_at(shape: Shape, axis: Any) -> Dimension:
    size = shape.dimension(axis) if isinstance(axis, int) else None
    return unknown(minimum=0) if size is None else size


@shape_function("torch.Tensor.permute")
def permute_method(input: Any, *dims: Any) -> Shape:
    """The dimensions in the order *dims*."""
    order = as_sizes(dims)
    return permute(as_shape(input), order)


@shape_function("torch.permute")
def permute_function(input: Any, dims: Any) -> Shape:
    """The dimensions in the order *dims*."""
    return permute(as_shape(input), dims)


@shape_function("torch.movedim", "torch.Tensor.movedim", "torch.moveaxis", "torch.Tensor.moveaxis")
def movedim(input: Any, source: Any, destination: Any) -> Shape:
    """The dimensions *source* moved to *destination*, the others in their order."""
    shape = as_shape(input)
    sources, destinations = as_axes(source), as_axes(destination)
    if sources is None or destinations is None or len(sources) != len(destinations):
        return over_ranks(_shuffled, shape)

    def at_known_rank(known: Shape) -> Shape:
        rank = len(known.leading)
        moved = {axis_of(rank, to): axis_of(rank, at) for at, to in zip(sources, destinations)}
        staying = iter([axis for axis in range(rank) if axis not in moved.values()])
        return Shape(tuple([known.leading[moved[axis] if axis in moved else next(staying)] for axis in range(rank)]))

    return over_ranks(at_known_rank, shape, reach=reach_of(sources + destinations))


@shape_function("torch.rot90", "torch.Tensor.rot90")
def rot90(input: Any, k: Any = 1, dims: Any = (0, 1)) -> Shape:
    """Two dimensions swapped for odd *k*."""
    shape = as_shape(input)
    axes = as_axes(dims)
    if axes is None or len(axes) != 2:
        return over_ranks(_shuffled, shape)
    turned = transpose(shape, *axes)
    if isinstance(k, int):
        return turned if k % 2 else shape
    return join([shape, turned])


@shape_function("torch.view_as_real")
def view_as_real(input: Any) -> Shape:
    """A last dimension of 2 for the real and the imaginary part."""
    shape = as_shape(input)
    if shape.exact:
        return Shape((*shape.leading, 2))
    return Shape(shape.leading, (*shape.trailing, 2), exact=False)


@shape_function("torch.view_as_complex")
def view_as_complex(input: Any) -> Shape:
    """The last dimension, of 2, taken away."""
    return over_ranks(_without_last, as_shape(input))


def _without_last(shape: Shape) -> Shape:
    if not shape.leading or (isinstance(shape.leading[-1], int) and shape.leading[-1] != 2):
        raise ShapeMismatch(f"view_as_complex expects a last dimension of 2, got {shape}", 2)
    return Shape(shape.leading[:-1])


def padded_to(shape: Shape, rank: int) -> Shape:
    """*shape* with dimensions of size 1 added up to *rank*: a vector is a row, a matrix lies on its side."""
    return over_ranks(lambda known: _padded(known, rank), shape, reach=rank + 1)


def _at_least(rank: int, *tensors: Any) -> ShapeResult:
    results = tuple([padded_to(as_shape(tensor), rank) for tensor in tensors])
    return results[0] if len(results) == 1 else results


def _padded(shape: Shape, rank: int) -> Shape:
    sizes = shape.leading
    if len(sizes) >= rank:
        return shape
    before = {(1, 2): 1, (1, 3): 1, (0, 2): 1}.get((len(sizes), rank), 0)
    return Shape((1,) * before + sizes + (1,) * (rank - before - len(sizes)))


@shape_function("torch.atleast_1d")
def atleast_1d(*tensors: Any) -> ShapeResult:
    """At least one dimension each."""
    return _at_least(1, *tensors)


@shape_function("torch.atleast_2d")
def atleast_2d(*tensors: Any) -> ShapeResult:
    """At least two dimensions each: a vector becomes a row."""
    return _at_least(2, *tensors)


@shape_function("torch.atleast_3d")
def atleast_3d(*tensors: Any) -> ShapeResult:
    """At least three dimensions each: a vector becomes ``[1, n, 1]``, a matrix ``[n, m, 1]``."""
    return _at_least(3, *tensors)
