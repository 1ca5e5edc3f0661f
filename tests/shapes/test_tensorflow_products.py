"""Products of TensorFlow and Keras."""

from __future__ import annotations

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Tensor, differential_tests

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch


def wrong(d: Draw, size: int) -> int:
    """*size*, now and then one more."""
    return size + (d.integer(0, 9) == 0)


def matrices(d: Draw) -> tuple[Tensor, Tensor, bool, bool]:
    batch = d.sizes(0, 2)
    rows, inner, columns = d.integer(1, 4), d.integer(1, 4), d.integer(1, 4)
    flip_left, flip_right = d.chance(), d.chance()
    left = (inner, rows) if flip_left else (rows, inner)
    right = (columns, wrong(d, inner)) if flip_right else (wrong(d, inner), columns)
    return Tensor((*batch, *left)), Tensor((*d.broadcastable(batch), *right)), flip_left, flip_right


def matmul(d: Draw) -> Case:
    left, right, flip_left, flip_right = matrices(d)
    if not flip_left and not flip_right and d.chance():
        return Case((left, right))
    return Case((left, right), {"transpose_a": flip_left, "transpose_b": flip_right})


def matmul_by_position(d: Draw) -> Case:
    return Case(matrices(d))


def low_ranks(d: Draw) -> Case:
    size = d.integer(1, 3)
    return Case((Tensor((size,)), Tensor((size, *d.sizes(0, 1)))))


def matmul_freely(d: Draw) -> Case:
    if d.integer(0, 3) == 0:
        return low_ranks(d)
    left, right, *_ = matrices(d)
    return Case((left, right))


def matvec(d: Draw) -> Case:
    rows, inner = d.integer(1, 4), d.integer(1, 4)
    return Case((Tensor((*d.sizes(0, 1), rows, inner)), Tensor((wrong(d, inner),))))


def dot(d: Draw) -> Case:
    inner = d.integer(1, 4)
    left = Tensor((*d.sizes(0, 2), inner))
    return Case((left, Tensor((wrong(d, inner),) if d.chance() else (*d.sizes(0, 1), wrong(d, inner), 3))))


def dot_matrices(d: Draw) -> Case:
    inner = d.integer(1, 4)
    return Case((Tensor((*d.sizes(1, 2), inner)), Tensor((*d.sizes(0, 1), wrong(d, inner), 3))))


def batch_dot(d: Draw) -> Case:
    rows, inner = d.integer(1, 4), d.integer(1, 4)
    left = (rows, *d.sizes(0, 2), inner)
    second = [rows, *d.sizes(0, 2)]
    axis = d.integer(1, len(second))
    second.insert(axis, wrong(d, inner))
    if d.integer(0, 3) == 0:
        return Case((Tensor(left), Tensor((rows, *second[2:3], inner, 2)[-len(left) :])))
    return Case((Tensor(left), Tensor(tuple(second)), (len(left) - 1, axis)))


def batch_dot_one_axis(d: Draw) -> Case:
    rows, inner = d.integer(1, 4), d.integer(1, 4)
    return Case((Tensor((rows, inner)), Tensor((rows, inner)), d.one_of(1, -1)))


def tensordot(d: Draw) -> Case:
    common = d.sizes(1, 2)
    left, right = (*d.sizes(0, 2), *common), (*common, *d.sizes(0, 2))
    if d.integer(0, 9) == 0:
        right = (right[0] + 1, *right[1:])
    axes = tuple(range(len(left) - len(common), len(left))), tuple(range(len(common)))
    return Case((Tensor(left), Tensor(right), d.one_of(len(common), axes)))


def einsum(d: Draw) -> Case:
    b, i, j, k = (d.integer(1, 4) for _ in range(4))
    return d.one_of(
        Case(("bij,bjk->bik", Tensor((b, i, j)), Tensor((b, wrong(d, j), k)))),
        Case(("...ij,jk->...ik", Tensor((b, i, j)), Tensor((j, k)))),
        Case(("bi,bi->b", Tensor((b, i)), Tensor((b, i)))),
        Case(("bij->bji", Tensor((b, i, j)))),
        Case(("bij->b", Tensor((b, i, j)))),
        Case(("bi,ij,jk->bk", Tensor((b, i)), Tensor((i, j)), Tensor((j, k)))),
        Case(("ij,jk", Tensor((i, j)), Tensor((j, k)))),
    )


def outer(d: Draw) -> Case:
    return Case((d.tensor(0, 2), d.tensor(0, 2)))


def square(d: Draw) -> Case:
    side = d.integer(1, 4)
    return Case((Tensor((*d.sizes(0, 2), side, wrong(d, side))),))


GROUPS = [
    Group(
        (
            "tensorflow.matrix_inverse",
            "tensorflow.det",
            "tensorflow.matrix_determinant",
            "keras.ops.inv",
            "keras.ops.det",
        ),
        square,
    ),
    Group(("tensorflow.cholesky", "keras.ops.cholesky"), lambda d: Case((Tensor((*d.sizes(0, 2), 1, 1)),))),
    Group(("tensorflow.trace",), lambda d: Case((d.tensor(2, 4),))),
    Group(("tensorflow.matmul",), matmul, examples=150),
    Group(("tensorflow.matmul", "tensorflow.batch_matmul"), matmul_by_position),
    Group(("tensorflow.matvec",), matvec),
    Group(("keras.ops.matmul",), matmul_freely, examples=80),
    Group(("keras.ops.dot",), dot),
    Group(("keras.backend.dot",), dot_matrices),
    Group(("keras.backend.batch_dot",), batch_dot, examples=150),
    Group(("keras.backend.batch_dot",), batch_dot_one_axis),
    Group(("tensorflow.tensordot", "keras.ops.tensordot"), tensordot, examples=80),
    Group(("tensorflow.einsum", "keras.ops.einsum"), einsum, examples=80),
    Group(("keras.ops.outer",), outer),
]

test_agrees, test_every_operation_is_tested = differential_tests("tensorflow.products", GROUPS)

B = Symbol("B", Role.BATCH).dimension()


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("tensorflow.matmul", (Shape((B, 5, 8)), Shape((B, 7, 8)), False, True), Shape((B, 5, 7))),
        ("tensorflow.matmul", (Shape((B, 8)), Shape((8, 7))), Shape((B, 7))),
        ("keras.backend.batch_dot", (Shape((B, 5, 8)), Shape((B, 8))), Shape((B, 5))),
        ("keras.backend.batch_dot", (Shape((B, 8)), Shape((B, 8)), 1), Shape((B, 1))),
        ("tensorflow.einsum", ("bij,bjk->bik", Shape((B, 5, 8)), Shape((B, 8, 7))), Shape((B, 5, 7))),
        ("tensorflow.tensordot", (Shape((B, 5, 8)), Shape((8, 7)), 1), Shape((B, 5, 7))),
    ],
)
def test_symbols(name: str, arguments: tuple[object, ...], result: Shape) -> None:
    assert FUNCTIONS[name].apply(arguments, {}) == result


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tensorflow.matmul", (Shape((B, 8)), Shape((7, 8)))),
        ("tensorflow.matmul", (Shape((8,)), Shape((8, 7)))),
        ("keras.backend.batch_dot", (Shape((B, 5)), Shape((B, 8)))),
        ("tensorflow.tensordot", (Shape((B, 5)), Shape((8, 7)), 1)),
    ],
)
def test_refused(name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS[name].apply(arguments, {})
