"""Several tensors made one: added, multiplied, joined."""

from __future__ import annotations

from typing import Any, Final

from batchlint.shapes.keras.arguments import REQUIRED, keras_function, keras_layer
from batchlint.shapes.ranks import over_ranks, over_ranks_result
from batchlint.shapes.registry import UNKNOWN, ShapeResult
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import as_shape, as_size
from batchlint.shapes.torch.broadcasting import broadcast, broadcast_dimension
from batchlint.shapes.torch.joining import cat

__all__ = ["ELEMENTWISE_MERGES"]

ELEMENTWISE_MERGES: Final = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")
"""Layers that combine their inputs element by element."""


def _read(inputs: object) -> list[Shape] | None:
    if not isinstance(inputs, (tuple, list)) or not inputs:
        return None
    return [as_shape(shape) for shape in inputs]


def _merge_two(name: str, left: Shape, right: Shape) -> Shape:
    if left == right:
        return left
    if not left.exact or not right.exact:
        return over_ranks(lambda a, b: _merge_two(name, a, b), left, right)
    if not left.leading or not right.leading:
        return UNKNOWN_SHAPE
    first, second = left.leading[0], right.leading[0]
    if isinstance(first, int) and isinstance(second, int) and first != second:
        raise ShapeMismatch(f"{name} expects batches of one size, got {first} and {second}", first, second)
    rest = broadcast(Shape(left.leading[1:]), Shape(right.leading[1:]))
    return Shape((broadcast_dimension(first, second), *rest.leading))


def _merge(name: str, inputs: object) -> ShapeResult:
    """The inputs' sizes where they agree; those after the batch are matched from the last on, and 1 stretches.

    Raises:
        ShapeMismatch: two are certain not to go together.
    """
    shapes = _read(inputs)
    if shapes is None:
        return UNKNOWN
    if name == "Subtract" and len(shapes) != 2:
        raise ShapeMismatch(f"Subtract expects 2 tensors, got {len(shapes)}")
    result = shapes[0]
    for shape in shapes[1:]:
        result = _merge_two(name, result, shape)
    return result


def _register(name: str) -> None:
    @keras_layer(name, parameters={})
    def merge(inputs: object, /) -> ShapeResult:
        return _merge(name, inputs)

    @keras_function(f"keras.layers.{name.lower()}", parameters={})
    def merge_function(inputs: object, /) -> ShapeResult:
        return _merge(name, inputs)


for _name in ELEMENTWISE_MERGES:
    _register(_name)


def _concatenate(inputs: object, axis: object) -> ShapeResult:
    shapes = _read(inputs)
    return UNKNOWN if shapes is None else cat(tuple(shapes), as_size(axis))


@keras_layer("Concatenate", parameters={"axis": -1})
def concatenate(inputs: object, /, *, axis: object) -> ShapeResult:
    """The tensors joined along *axis*."""
    return _concatenate(inputs, axis)


@keras_function("keras.layers.concatenate", parameters={"axis": -1})
def concatenate_function(inputs: object, /, *, axis: object) -> ShapeResult:
    """The tensors joined along *axis*."""
    return _concatenate(inputs, axis)


def _axes_of_dot(axes: object, left: Shape, right: Shape) -> tuple[int, int] | None:
    pair: Any = (axes, axes) if isinstance(axes, int) else axes
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
        return None
    found = []
    for axis, shape in zip(pair, (left, right)):
        rank = len(shape.leading)
        if not -rank <= axis < rank:
            raise ShapeMismatch(f"Dot: no axis {axis} in {shape}")
        found.append(axis % rank)
    return found[0], found[1]


def _dot(inputs: object, axes: object) -> ShapeResult:
    shapes = _read(inputs)
    if shapes is None:
        return UNKNOWN
    if len(shapes) != 2:
        raise ShapeMismatch(f"Dot expects 2 tensors, got {len(shapes)}")

    def at_known_ranks(left: Shape, right: Shape) -> Shape:
        if len(left.leading) < 2 or len(right.leading) < 2:
            raise ShapeMismatch(f"Dot expects tensors of at least 2 dimensions, got {left} and {right}")
        found = _axes_of_dot(axes, left, right)
        if found is None:
            return Shape(left.leading[:1], (), exact=False)
        if 0 in found:
            return UNKNOWN_SHAPE
        one, other = left.leading[found[0]], right.leading[found[1]]
        if isinstance(one, int) and isinstance(other, int) and one != other:
            raise ShapeMismatch(f"Dot along sizes {one} and {other} of {left} and {right}", one, other)
        kept = [size for axis, size in enumerate(left.leading) if axis and axis != found[0]]
        kept += [size for axis, size in enumerate(right.leading) if axis and axis != found[1]]
        return Shape((broadcast_dimension(left.leading[0], right.leading[0]), *(kept or [1])))

    result: ShapeResult = over_ranks_result(at_known_ranks, *shapes)
    return result


@keras_layer("Dot", parameters={"axes": REQUIRED, "normalize": False})
def dot(inputs: object, /, *, axes: object) -> ShapeResult:
    """For each sample the products of the two tensors, summed along *axes*."""
    return _dot(inputs, axes)


@keras_function("keras.layers.dot", parameters={"axes": -1, "normalize": False})
def dot_function(inputs: object, /, *, axes: object) -> ShapeResult:
    """For each sample the products of the two tensors, summed along *axes*."""
    return _dot(inputs, axes)
