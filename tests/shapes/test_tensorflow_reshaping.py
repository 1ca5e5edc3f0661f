"""Operations of TensorFlow and Keras that give the same elements other dimensions."""

from __future__ import annotations

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Size, Tensor, differential_tests

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN
from batchlint.shapes.shape import Shape, ShapeMismatch


def reshape(d: Draw) -> Case:
    tensor = d.tensor(0, 3)
    sizes = list(tensor.sizes)
    if len(sizes) > 1 and d.chance():
        sizes[:2] = [sizes[0] * sizes[1]]
    if d.integer(0, 4) == 0:
        sizes.append(d.one_of(1, 2))
    wanted = [Size(size) for size in sizes]
    if wanted and d.chance():
        wanted[d.integer(0, len(wanted) - 1)] = Size(-1)
    return Case((tensor, tuple(wanted)))


def alone(d: Draw) -> Case:
    return Case((d.tensor(0, 4),))


def squeeze(d: Draw) -> Case:
    tensor = d.tensor(0, 4, 1, 2)
    if d.integer(0, 3) == 0:
        return Case((tensor,))
    ones = [axis for axis, size in enumerate(tensor.sizes) if size == 1]
    axis = d.one_of(*ones) if ones and d.integer(0, 4) else d.dim(len(tensor.sizes))
    return Case((tensor, axis))


def squeeze_one(d: Draw) -> Case:
    case = squeeze(d)
    return case if len(case.arguments) > 1 else Case((Tensor((2, 1)), 1))


def squeeze_dims(d: Draw) -> Case:
    return Case((Tensor((*d.sizes(0, 2), 1)),), {d.one_of("axis", "squeeze_dims"): -1})


def expand_dims(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, d.dim(len(tensor.sizes), new=1)))


def expand_several(d: Draw) -> Case:
    tensor = d.tensor(0, 3)
    rank = len(tensor.sizes)
    return Case((tensor, d.dim(rank, new=1) if d.chance() else d.dims(rank + 2)))


def transpose(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    if d.integer(0, 3) == 0:
        return Case((tensor,))
    return Case((tensor, d.permutation(len(tensor.sizes) + (d.integer(0, 9) == 0))))


def permute(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.permutation(len(tensor.sizes))))


def matrices(d: Draw) -> Case:
    return Case((d.tensor(2, 4),))


def two_axes(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dim(len(tensor.sizes)), d.dim(len(tensor.sizes))))


def rot90(d: Draw) -> Case:
    tensor = d.tensor(2, 4)
    return Case((tensor, d.integer(0, 3), d.one_of((0, 1), (-2, -1), (1, 0))))


def moveaxis(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    rank = len(tensor.sizes)
    if d.chance():
        return Case((tensor, d.dim(rank), d.dim(rank)))
    count = d.integer(1, rank)
    return Case((tensor, d.permutation(rank)[:count], d.permutation(rank)[:count]))


GROUPS = [
    Group(("tensorflow.reshape", "keras.ops.reshape", "keras.backend.reshape"), reshape, examples=80),
    Group(("keras.ops.ravel", "keras.backend.flatten"), alone),
    Group(("keras.backend.batch_flatten",), lambda d: Case((d.tensor(1, 4),))),
    Group(("tensorflow.squeeze", "keras.ops.squeeze"), squeeze, named_above_one=True, examples=80),
    Group(("tensorflow.squeeze",), squeeze_dims, named_above_one=True),
    Group(("keras.backend.squeeze",), squeeze_one, named_above_one=True),
    Group(("tensorflow.expand_dims", "keras.backend.expand_dims"), expand_dims),
    Group(("keras.ops.expand_dims",), expand_several),
    Group(("tensorflow.transpose", "keras.ops.transpose"), transpose, examples=80),
    Group(("keras.backend.permute_dimensions",), permute),
    Group(("keras.backend.transpose",), alone),
    Group(("tensorflow.matrix_transpose", "tensorflow.adjoint"), matrices),
    Group(("keras.ops.swapaxes",), two_axes),
    Group(("keras.ops.moveaxis",), moveaxis),
    Group(("keras.ops.rot90",), rot90),
]

test_agrees, test_every_operation_is_tested = differential_tests("tensorflow.reshaping", GROUPS)

B = Symbol("B", Role.BATCH).dimension()
BATCH = Shape((B,), (), exact=False)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("tensorflow.reshape", (Shape((B, 8, 8, 3)), (-1, 192)), Shape((B, 192))),
        ("tensorflow.reshape", (Shape((B, 8, 8)), (B, -1)), Shape((B, 64))),
        ("tensorflow.reshape", (Shape((B, 8, 8)), (UNKNOWN, 64)), Shape((B, 64))),
        ("tensorflow.squeeze", (Shape((B, 1, 1, 5)), (1, 2)), Shape((B, 5))),
        ("tensorflow.transpose", (Shape((B, 7, 5)), (1, 0, 2)), Shape((7, B, 5))),
        ("keras.backend.batch_flatten", (Shape((B, 7, 5)),), Shape((B, 35))),
        ("keras.ops.expand_dims", (BATCH, 1), Shape((B, 1), (), exact=False)),
    ],
)
def test_symbols(name: str, arguments: tuple[object, ...], result: Shape) -> None:
    assert FUNCTIONS[name].apply(arguments, {}) == result


def test_a_tensor_of_sizes_says_the_rank() -> None:
    result = FUNCTIONS["tensorflow.reshape"].apply((BATCH, Shape((3,))), {})
    assert isinstance(result, Shape)
    assert result.rank == 3


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tensorflow.reshape", (Shape((2, 3)), (4, 2))),
        ("tensorflow.squeeze", (Shape((B, 3)), 1)),
        ("tensorflow.transpose", (Shape((B, 3)), (0, 2, 1))),
        ("tensorflow.expand_dims", (Shape((B, 3)), 4)),
    ],
)
def test_refused(name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS[name].apply(arguments, {})
