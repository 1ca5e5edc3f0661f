"""The same elements in other dimensions: view, reshape, flatten and unflatten."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension, certainly_differ, floor_divide, product, render, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.operands import as_dimension, as_shape, as_sizes, axis_of, reach_of

__all__ = ["flatten", "reshape", "unflatten"]


def reshape(shape: Shape, sizes: Shape | tuple[Any, ...] | None) -> Shape:
    """*shape* viewed as *sizes*, of which one may be -1 or not known: it is what is left.

    Raises:
        ShapeMismatch: the number of elements is certain to differ, or not to divide.
    """
    if sizes is None:
        return UNKNOWN_SHAPE
    if isinstance(sizes, Shape):
        if not sizes.exact:
            return sizes
        sizes = sizes.leading
    return Shape(_resolve(shape.number_of_elements(), sizes))


def _resolve(elements: Dimension | None, sizes: tuple[Any, ...]) -> tuple[Dimension, ...]:
    """*sizes* of *elements* in all, with its -1 replaced."""
    inferred = [position for position, size in enumerate(sizes) if size is UNKNOWN or size == -1]
    resolved = [as_dimension(size) for size in sizes]
    if len(inferred) > 1:
        return tuple([unknown() if i in inferred else size for i, size in enumerate(resolved)])
    if not inferred:
        if elements is not None and certainly_differ(product(resolved), elements):
            raise _mismatch(elements, sizes)
        return tuple(resolved)
    position = inferred[0]
    rest = product(resolved[:position] + resolved[position + 1 :])
    if elements is None or rest == 0:
        resolved[position] = unknown(minimum=0)
    elif isinstance(elements, int) and isinstance(rest, int) and elements % rest:
        raise _mismatch(elements, sizes)
    else:
        resolved[position] = floor_divide(elements, rest)
    return tuple(resolved)


def _mismatch(elements: Dimension, sizes: tuple[Any, ...]) -> ShapeMismatch:
    shown = ", ".join("?" if size is UNKNOWN else render(as_dimension(size)) for size in sizes)
    return ShapeMismatch(f"{render(elements)} elements do not make a shape of ({shown})", actual=elements)


@shape_function("torch.Tensor.view", "torch.Tensor.reshape")
def view(input: Any, *sizes: Any, size: Any = None, shape: Any = None) -> Shape:
    """*input* as the sizes, given one by one or as a tuple."""
    return reshape(as_shape(input), as_sizes(sizes, size if size is not None else shape))


@shape_function("torch.reshape")
def reshape_function(input: Any, shape: Any) -> Shape:
    """*input* as *shape*."""
    return reshape(as_shape(input), as_sizes((shape,)))


@shape_function("torch.Tensor.view_as", "torch.Tensor.reshape_as")
def view_as(input: Any, other: Any) -> Shape:
    """*input* with the shape of *other*."""
    return reshape(as_shape(input), as_shape(other))


@shape_function("torch.Tensor.resize")
def resize(input: Any, *sizes: Any) -> Shape:
    """The sizes, whatever was there before."""
    return reshape(UNKNOWN_SHAPE, as_sizes(sizes))


def flatten(shape: Shape, start: Any = 0, end: Any = -1) -> Shape:
    """*shape* with the dimensions from *start* to *end* made one.

    Raises:
        ShapeMismatch: there are no such dimensions.
    """
    if not isinstance(start, int) or not isinstance(end, int):
        # A leading dimension stays only before the first one that may take part.
        return Shape(shape.leading[:start], (), exact=False) if isinstance(start, int) and start > 0 else UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        sizes = known.leading
        first, last = axis_of(len(sizes), start), axis_of(len(sizes), end)
        if first > last:
            raise ShapeMismatch(f"flatten from dimension {start} to {end} of a tensor of rank {len(sizes)}")
        return Shape((*sizes[:first], product(sizes[first : last + 1]), *sizes[last + 1 :]))

    return over_ranks(at_known_rank, shape, reach=reach_of((start, end)))


@shape_function("torch.flatten", "torch.Tensor.flatten")
def flatten_function(input: Any, start_dim: Any = 0, end_dim: Any = -1) -> Shape:
    """The dimensions from *start_dim* to *end_dim* made one."""
    return flatten(as_shape(input), start_dim, end_dim)


@shape_function("torch.ravel", "torch.Tensor.ravel")
def ravel(input: Any) -> Shape:
    """All elements in one dimension."""
    return flatten(as_shape(input))


def unflatten(shape: Shape, dim: Any, sizes: Shape | tuple[Any, ...] | None) -> Shape:
    """*shape* with the dimension *dim* split into *sizes*, of which one may be -1.

    Raises:
        ShapeMismatch: there is no such dimension, or it is certain not to split so.
    """
    if isinstance(sizes, Shape):
        sizes = sizes.leading if sizes.exact else None
    if sizes is None or not isinstance(dim, int):
        return Shape(shape.leading[:dim], (), exact=False) if isinstance(dim, int) and dim > 0 else UNKNOWN_SHAPE
    parts = sizes

    def at_known_rank(known: Shape) -> Shape:
        axis = axis_of(len(known.leading), dim)
        if not known.leading:
            raise ShapeMismatch("unflatten of a tensor without dimensions")
        split = _resolve(known.leading[axis], parts)
        return Shape((*known.leading[:axis], *split, *known.leading[axis + 1 :]))

    return over_ranks(at_known_rank, shape, reach=reach_of((dim,)))


@shape_function("torch.unflatten", "torch.Tensor.unflatten")
def unflatten_function(input: Any, dim: Any, sizes: Any) -> Shape:
    """The dimension *dim* split into *sizes*."""
    return unflatten(as_shape(input), dim, as_sizes((sizes,)))
