"""What a shape function's arguments say: sizes, flags and the dimensions a layer asks for.

Inside the shape functions ``None`` is a size that nothing is known about; it becomes a fresh `unknown` dimension where
a `Shape` is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from batchlint.shapes.dimension import Dimension, Expression, certainly_differ, render, unknown
from batchlint.shapes.registry import FUNCTIONS, LAYERS, LayerShape, ShapeFunction, ShapeResult
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

Size: TypeAlias = Dimension | None
"""A dimension, ``None`` where it is not known."""

REQUIRED: Final = object()
"""In a table of parameters: the parameter has no default."""


def as_shape(value: object) -> Shape:
    """*value* as a tensor's shape, `UNKNOWN_SHAPE` for anything else."""
    return value if isinstance(value, Shape) else UNKNOWN_SHAPE


def as_size(value: object) -> Size:
    """*value* as an integer, ``None`` for anything else."""
    return value if isinstance(value, (int, Expression)) else None


def as_flag(value: object) -> bool | None:
    """*value* as a boolean, ``None`` where it is not known."""
    return bool(value) if isinstance(value, int) else None


def as_tuple(value: object) -> tuple[object, ...] | None:
    """*value* as a tuple (a tensor's ``shape`` is one), ``None`` for anything else."""
    if isinstance(value, (tuple, list)):
        return tuple(value)
    return value.leading if isinstance(value, Shape) and value.exact else None


def as_sizes(value: object) -> tuple[Size, ...] | None:
    """*value* as a tuple of integers, ``None`` for anything else."""
    elements = as_tuple(value)
    return None if elements is None else tuple(map(as_size, elements))


def per_axis(value: object, axes: int) -> tuple[Size, ...]:
    """One size for each of *axes* spatial axes, from a single integer or a tuple of them."""
    sizes = as_sizes(value)
    if sizes is None:
        return (as_size(value),) * axes
    return sizes * axes if len(sizes) == 1 else sizes if len(sizes) == axes else (None,) * axes


def last_axes(value: object, axes: int) -> tuple[Size, ...]:
    """The sizes of the last *axes* axes, from sizes given for these or for a whole tensor."""
    if isinstance(value, Shape) and not value.exact:
        return fitted_end(value, axes)
    sizes = as_sizes(value)
    return sizes[-axes:] if sizes is not None and len(sizes) >= axes else (None,) * axes


def fitted_end(shape: Shape, count: int) -> tuple[Size, ...]:
    """The last *count* sizes of a shape of unknown rank."""
    return (*(None,) * (count - len(shape.trailing)), *shape.trailing[-count:])


def combine(function: Callable[..., Dimension], *sizes: Size) -> Size:
    """*function* of *sizes*, ``None`` where one of them is not known or the division in it is by zero."""
    if any(size is None for size in sizes):
        return None
    try:
        return function(*sizes)
    except ZeroDivisionError:
        return None


def shape_of(sizes: Iterable[Size]) -> Shape:
    """The exact shape with *sizes*."""
    return Shape(tuple([unknown() if size is None else size for size in sizes]))


def require(layer: str, what: str, expected: Size, actual: Size) -> None:
    """Check one size, e.g. *Linear expects 400 features, got 576*.

    Raises:
        ShapeMismatch: the two are certain to differ.
    """
    if expected is not None and actual is not None and certainly_differ(expected, actual):
        message = f"{layer} expects {render(expected)} {what}, got {render(actual)}"
        raise ShapeMismatch(message, expected, actual)


def require_rank(layer: str, shape: Shape, ranks: Sequence[int]) -> None:
    """Check the number of dimensions.

    Raises:
        ShapeMismatch: it is certain to be none of *ranks*.
    """
    if (shape.least_rank > max(ranks)) if not shape.exact else len(shape.leading) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise ShapeMismatch(f"{layer} expects a tensor of {wanted} dimensions, got {shape}")


def fitted(layer: str, shape: Shape, ranks: Sequence[int]) -> tuple[Size, ...]:
    """The sizes of *shape* as a tensor of one of *ranks*; where its rank is not known, of the last of them.

    The last of *ranks* is the batched form: a tensor of unknown rank is taken to be a batch.

    Raises:
        ShapeMismatch: the rank is certain to be none of *ranks*.
    """
    require_rank(layer, shape, ranks)
    if shape.exact:
        return shape.leading
    rank = ranks[-1]
    front: tuple[Size, ...] = shape.leading[:rank]
    back: tuple[Size, ...] = shape.trailing[-rank:]
    missing = rank - len(front) - len(back)
    return front + (None,) * missing + back if missing >= 0 else front + back[-missing:]


def resized(shape: Shape, axis: int, size: Size) -> Shape:
    """*shape* with the dimension at *axis* replaced by *size*.

    Of a shape whose rank is not known, those dimensions stay that cannot be the one at *axis*; ``[B, ...]`` is taken to
    have more dimensions than the batch.

    Raises:
        ShapeMismatch: the rank is known and *axis* is outside it.
    """
    new = unknown() if size is None else size
    if shape.exact:
        shape.dimension(axis)
        sizes = list(shape.leading)
        sizes[axis] = new
        return Shape(tuple(sizes))
    leading, trailing = shape.leading, shape.trailing
    if axis < 0:
        least = max(shape.least_rank, -axis, 2 if leading else 0)
        missing = max(-axis - len(trailing), 0)
        filled = [unknown() for _ in range(missing)] + list(trailing)
        filled[axis] = new
        return Shape(leading[: least + axis], tuple(filled), exact=False)
    least = max(shape.least_rank, axis + 1)
    filled = list(leading) + [unknown() for _ in range(axis + 1 - len(leading))]
    filled[axis] = new
    safe = least - axis - 1
    return Shape(tuple(filled), trailing[-safe:] if safe else (), exact=False)


def replace_last(shape: Shape, size: Size) -> Shape:
    """*shape* with its last dimension replaced."""
    return resized(shape, -1, size)


def without(shape: Shape, axis: int) -> Shape:
    """*shape* less the dimension at *axis*, see `resized`.

    Raises:
        ShapeMismatch: the rank is known and *axis* is outside it.
    """
    there = resized(shape, axis, 1)
    if shape.exact:
        sizes = list(there.leading)
        del sizes[axis]
        return Shape(tuple(sizes))
    if axis < 0:
        return Shape(there.leading, there.trailing[:axis] + there.trailing[len(there.trailing) + axis + 1 :], False)
    return Shape(there.leading[:axis], there.trailing, exact=False)


def register_layer(
    name: str,
    function: Callable[..., ShapeResult],
    inputs: tuple[str, ...],
    parameters: Mapping[str, Any],
    expects: Callable[[Mapping[str, Any]], Shape | None] | None = None,
) -> None:
    """Enter a layer whose constructor is given as a table of parameters with their defaults or `REQUIRED`.

    Raises:
        ValueError: the name is taken.
    """
    if name in LAYERS:
        raise ValueError(f"two layers called {name}")
    defaults = {parameter: value for parameter, value in parameters.items() if value is not REQUIRED}
    LAYERS[name] = LayerShape(name, function, inputs, tuple(parameters), defaults, expects)


def register_function(name: str, function: Callable[..., ShapeResult], parameters: Iterable[str]) -> None:
    """Enter a shape function whose parameters come from a table.

    Raises:
        ValueError: the name is taken.
    """
    if name in FUNCTIONS:
        raise ValueError(f"two shape functions for {name}")
    FUNCTIONS[name] = ShapeFunction(name, function, tuple(parameters))
