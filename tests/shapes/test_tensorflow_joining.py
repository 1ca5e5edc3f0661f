"""Operations of TensorFlow and Keras that join, cut and repeat tensors."""

from __future__ import annotations

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Size, Tensor, differential_tests

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch


def alike(d: Draw, free: int | None = None, least: int = 1) -> tuple[Tensor, ...]:
    """Tensors whose sizes agree, mostly, but for the dimension *free*."""
    common = d.sizes(least, 3)
    made = []
    for _ in range(d.integer(1, 3)):
        own = list(common)
        if free is not None and common:
            own[free % len(common)] = d.integer(0, 4)
        if own and d.integer(0, 14) == 0:
            own[d.integer(0, len(own) - 1)] += 1
        made.append(Tensor(tuple(own)))
    return tuple(made)


def concat(d: Draw) -> Case:
    axis = d.integer(-3, 2)
    return Case((alike(d, axis), axis))


def concat_by_name(d: Draw) -> Case:
    return Case((), {"values": alike(d, -1), "axis": -1})


def concat_of_a_tensor(d: Draw) -> Case:
    return Case((d.tensor(1, 3), 0))


def concatenate_last(d: Draw) -> Case:
    return Case((alike(d, -1),))


def stack(d: Draw) -> Case:
    tensors = alike(d, None, 0)
    return Case((tensors, d.dim(len(tensors[0].sizes), new=1)))


def side_by_side(d: Draw) -> Case:
    return Case((alike(d, d.one_of(0, 1)),))


def below(d: Draw) -> Case:
    return Case((alike(d, 0, 2),))


def unstack(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 1, 5)
    axis = d.integer(-len(tensor.sizes), len(tensor.sizes) - 1)
    right = tensor.sizes[axis]
    return Case((tensor, d.one_of(None, right, right, right + 1), axis))


def pieces(d: Draw) -> tuple[Tensor, int, int]:
    tensor = d.tensor(1, 4)
    axis = d.dim(len(tensor.sizes))
    size = tensor.sizes[axis] if -len(tensor.sizes) <= axis < len(tensor.sizes) else 1
    return tensor, axis, size


def split(d: Draw) -> Case:
    tensor, axis, size = pieces(d)
    if d.chance():
        return Case((tensor, d.one_of(1, 2, 3, size), axis))
    first = d.integer(0, size)
    parts = [Size(first), Size(size - first)]
    if d.chance():
        parts[d.integer(0, 1)] = Size(-1)
    if d.integer(0, 9) == 0:
        parts.append(Size(1))
    return Case((tensor, tuple(parts), axis))


def split_at(d: Draw) -> Case:
    tensor, axis, size = pieces(d)
    if d.chance():
        return Case((tensor, d.one_of(1, 2, 3, size), axis))
    return Case((tensor, tuple(sorted((d.integer(0, size), d.integer(0, size)))), axis))


def tile(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    count = len(tensor.sizes) + (d.integer(0, 9) == 0)
    return Case((tensor, tuple(Size(d.integer(0, 3)) for _ in range(count))))


def tile_freely(d: Draw) -> Case:
    return Case((d.tensor(0, 3), tuple(map(Size, d.sizes(1, 4, 1, 3)))))


def repeat(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Size(d.integer(0, 3)), d.one_of(None, d.dim(len(tensor.sizes)))))


def repeat_elements(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Size(d.integer(1, 3)), d.integer(0, len(tensor.sizes) - 1)))


def repeat_rows(d: Draw) -> Case:
    return Case((d.tensor(2, 2 + (d.integer(0, 9) == 0)), Size(d.integer(1, 4))))


def broadcast_to(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return Case((Tensor(d.broadcastable(sizes)), tuple(map(Size, sizes))))


def grid(d: Draw) -> Case:
    vectors = tuple(d.tensor(1, 1) for _ in range(d.integer(1, 3)))
    return Case(vectors, d.one_of({}, {"indexing": "ij"}, {"indexing": "xy"}))


def add_n(d: Draw) -> Case:
    return Case((alike(d),))


GROUPS = [
    Group(("tensorflow.concat", "keras.ops.concatenate", "keras.backend.concatenate"), concat, examples=120),
    Group(("tensorflow.concat",), concat_by_name),
    Group(("tensorflow.concat",), concat_of_a_tensor),
    Group(("keras.backend.concatenate",), concatenate_last),
    Group(("tensorflow.stack", "tensorflow.pack", "keras.ops.stack", "keras.backend.stack"), stack, examples=80),
    Group(("keras.ops.hstack",), side_by_side),
    Group(("keras.ops.vstack",), below),
    Group(("tensorflow.unstack", "tensorflow.unpack", "keras.ops.unstack"), unstack),
    Group(("tensorflow.split",), split, examples=120),
    Group(("keras.ops.split", "keras.ops.array_split"), split_at, examples=80),
    Group(("tensorflow.tile", "keras.backend.tile"), tile),
    Group(("keras.ops.tile",), tile_freely),
    Group(("tensorflow.repeat", "keras.ops.repeat"), repeat),
    Group(("keras.backend.repeat_elements",), repeat_elements),
    Group(("keras.backend.repeat",), repeat_rows),
    Group(("tensorflow.broadcast_to", "keras.ops.broadcast_to"), broadcast_to),
    Group(("tensorflow.meshgrid", "keras.ops.meshgrid"), grid),
    Group(("tensorflow.add_n", "tensorflow.accumulate_n"), add_n),
]

test_agrees, test_every_operation_is_tested = differential_tests("tensorflow.joining", GROUPS)

B = Symbol("B", Role.BATCH).dimension()


def apply(name: str, *arguments: object, **keywords: object) -> object:
    return FUNCTIONS[name].apply(arguments, keywords)


def test_the_axis_came_first_once() -> None:
    tensors = (Shape((B, 3)), Shape((B, 5)))
    assert apply("tensorflow.concat", 1, tensors) == Shape((B, 8))
    assert apply("tensorflow.concat", concat_dim=1, values=tensors) == Shape((B, 8))


def test_pieces_of_a_batch() -> None:
    assert apply("tensorflow.split", Shape((B, 8)), 2, 1) == (Shape((B, 4)),) * 2
    assert apply("tensorflow.split", Shape((B, 8)), (3, -1), 1) == (Shape((B, 3)), Shape((B, 5)))
    assert apply("tensorflow.unstack", Shape((B, 3, 5)), None, 1) == (Shape((B, 5)),) * 3
    assert apply("tensorflow.tile", Shape((B, 1)), (1, 4)) == Shape((B, 4))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tensorflow.concat", ((Shape((B, 3)), Shape((B, 4))), 0)),
        ("tensorflow.stack", ((Shape((B, 3)), Shape((B, 4))), 0)),
        ("tensorflow.split", (Shape((B, 9)), 2, 1)),
        ("tensorflow.split", (Shape((B, 9)), (4, 4), 1)),
        ("tensorflow.tile", (Shape((B, 9)), (2,))),
    ],
)
def test_refused(name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        apply(name, *arguments)
