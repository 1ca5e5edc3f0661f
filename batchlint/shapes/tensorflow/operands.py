"""Reading what TensorFlow's and Keras' operations take: sizes, axes under any spelling, and lists of tensors."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Expression
from batchlint.shapes.registry import UNKNOWN
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape
from batchlint.shapes.torch.creation import from_data
from batchlint.shapes.torch.operands import as_dimension

__all__ = ["as_tensor", "first_given", "shape_with", "sizes_of", "tensors_of"]


def sizes_of(value: Any) -> tuple[Any, ...] | None:
    """The sizes in an argument that says a shape, ``None`` where not even their number is known.

    A number is one size. A tensor holds sizes that are not known, as many as it is long. Elements of the tuple that are
    not known are `UNKNOWN`.
    """
    if isinstance(value, (tuple, list)):
        return tuple([size if isinstance(size, (int, Expression)) else UNKNOWN for size in value])
    if isinstance(value, (int, Expression)):
        return (value,)
    if isinstance(value, Shape) and value.exact and len(value.leading) == 1 and isinstance(value.leading[0], int):
        return (UNKNOWN,) * value.leading[0]
    return None


def shape_with(value: Any) -> Shape:
    """The shape that an argument says, see `sizes_of`."""
    sizes = sizes_of(value)
    return UNKNOWN_SHAPE if sizes is None else Shape(tuple(map(as_dimension, sizes)))


def as_tensor(operand: Any) -> Shape:
    """The shape of an operand, which may be a number or nested tuples that TensorFlow makes a tensor of."""
    return from_data(operand)


def tensors_of(values: Any) -> tuple[Any, ...] | None:
    """The tensors in a list of them, ``None`` where their number is not known.

    A single tensor in place of a list is cut along its first dimension.
    """
    if isinstance(values, (tuple, list)):
        return tuple(values) or None
    if isinstance(values, Shape) and values.leading and isinstance(values.leading[0], int) and values.leading[0] > 0:
        return (Shape(values.leading[1:], values.trailing, values.exact),) * values.leading[0]
    return None


def first_given(*values: Any) -> Any:
    """The first of *values* that is not ``None``: an argument under the spellings that it has had."""
    return next((value for value in values if value is not None), None)
