"""``einops.pack`` and ``einops.unpack``: what one took away, the other gives back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.library import handles
from batchlint.semantics.tensors import argument_for_shapes, as_value, tensors_among
from batchlint.semantics.values import UNKNOWN, Integer, Origin, OriginKind, Sequence, Tensor, Value
from batchlint.shapes.dimension import Dimension, Expression
from batchlint.shapes.einops import packed, unpacked
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def _argument(arguments: tuple[Value, ...], keywords: Mapping[str, Value], position: int, name: str) -> Value:
    return arguments[position] if len(arguments) > position else keywords.get(name, UNKNOWN)


@handles("einops.pack")
def _pack(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = _argument(arguments, keywords, 0, "tensors")
    pattern = argument_for_shapes(_argument(arguments, keywords, 1, "pattern"))
    tensors = tensors_among((given,))
    if not isinstance(given, Sequence) or not all(isinstance(item, Tensor) for item in given.items):
        return Sequence((as_value(UNKNOWN_SHAPE, "einops.pack", "pack", tensors, node), UNKNOWN))
    try:
        shape, middles = packed([tensor.shape for tensor in tensors], pattern)
    except ShapeMismatch:
        return Sequence((as_value(UNKNOWN_SHAPE, "einops.pack", "pack", tensors, node), UNKNOWN))
    origin = Origin(OriginKind.TENSOR)
    sizes = [
        UNKNOWN if middle is None else Sequence(tuple(Integer(size, origin) for size in middle), "shape")
        for middle in middles
    ]
    return Sequence((as_value(shape, "einops.pack", "pack", tensors, node), Sequence(tuple(sizes), "list")))


def _sizes(value: Value) -> tuple[Dimension, ...] | None:
    sizes = argument_for_shapes(value)
    if isinstance(sizes, tuple) and all(isinstance(size, int | Expression) for size in sizes):
        return sizes
    return None


@handles("einops.unpack")
def _unpack(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    tensor = _argument(arguments, keywords, 0, "tensor")
    sizes = _argument(arguments, keywords, 1, "packed_shapes")
    pattern = argument_for_shapes(_argument(arguments, keywords, 2, "pattern"))
    shape = argument_for_shapes(tensor)
    if not isinstance(sizes, Sequence):
        return UNKNOWN
    middles = [_sizes(item) for item in sizes.items]
    try:
        shapes = unpacked(shape if isinstance(shape, Shape) else UNKNOWN_SHAPE, middles, pattern)
    except (ShapeMismatch, ZeroDivisionError):
        shapes = tuple(UNKNOWN_SHAPE for _ in middles)
    tensors = tensors_among((tensor,))
    return Sequence(tuple(as_value(part, "einops.unpack", "unpack", tensors, node) for part in shapes), "list")
