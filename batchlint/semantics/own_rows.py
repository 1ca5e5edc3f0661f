"""Tensors that are allocated with a number of rows of their own, and meet rows that a graph leaves open.

``tf.random_normal([128, n])`` fits a placeholder of ``[None, n]`` only where 128 rows are fed, whatever 128 is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from batchlint.semantics.values import Integer, MarkKind, OriginKind, Sequence, Source, Tensor, Value
from batchlint.shapes.dimension import Dimension, Role, symbols_of
from batchlint.shapes.shape import Shape

_WRITTEN = frozenset({OriginKind.LITERAL, OriginKind.CONSTANT, OriginKind.ARGUMENT, OriginKind.CONFIGURATION})
"""A size that was read from data follows it; a product of numbers is derived from nothing."""


def has_own_rows(operation: str, shape: Shape, values: Iterable[Value]) -> bool:
    """Whether *operation* of TensorFlow or Keras makes a matrix, or more, whose first size somebody wrote down."""
    if not operation.startswith(("tensorflow.", "keras.")) or not shape.exact or len(shape.leading) < 2:
        return False
    rows = shape.leading[0]
    if not isinstance(rows, int) or rows < 2:
        return False
    sizes = next((value.items for value in values if isinstance(value, Sequence) and value.items), ())
    first = sizes[0] if len(sizes) == len(shape.leading) else None
    if not isinstance(first, Integer) or first.dimension != rows:
        return False
    origin = first.origin
    if origin is None:
        return False
    return origin.kind in _WRITTEN or (origin.kind is OriginKind.DERIVED and origin.subject is None)


def meets_open_rows(own: Tensor, real: Tensor) -> bool:
    """Whether the first axis of *own* lies on the rows of *real*, which a placeholder or an input leaves open."""
    if own.sources != {Source.CREATED} or not any(mark.kind is MarkKind.OWN_ROWS for mark in own.marks):
        return False
    return own.shape.exact and _is_open(_at(real.shape, len(own.shape.leading)))


def with_open_rows(value: Tensor, own: Tensor, real: Tensor) -> Tensor:
    """*value* as if *own* had been made for the rows of *real*, which is what is reported."""
    axis = len(own.shape.leading)
    rows, shape = _at(real.shape, axis), value.shape
    if rows is None or _at(shape, axis) != own.shape.leading[0]:
        return value
    sizes = list(shape.leading if shape.exact else shape.trailing)
    sizes[-axis] = rows
    changed = replace(shape, leading=tuple(sizes)) if shape.exact else replace(shape, trailing=tuple(sizes))
    return replace(value, shape=changed)


def _at(shape: Shape, axis: int) -> Dimension | None:
    """The size at *axis*, counted from the end beginning with 1."""
    sizes = shape.leading if shape.exact else shape.trailing
    return sizes[-axis] if axis <= len(sizes) else None


def _is_open(size: Dimension | None) -> bool:
    if size is None or isinstance(size, int):
        return False
    symbols = symbols_of(size)
    return len(symbols) == 1 and all(
        symbol.role is Role.BATCH and symbol.identity == ("keras", "rows") and symbol.dimension() == size
        for symbol in symbols
    )
