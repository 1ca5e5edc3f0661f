"""Products of matrices and vectors, and sums of products by subscripts."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import unify
from batchlint.shapes.dimension import Dimension, render
from batchlint.shapes.ranks import join, over_ranks
from batchlint.shapes.registry import shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor
from batchlint.shapes.torch import products
from batchlint.shapes.torch.operands import as_axes, axis_of, reach_of
from batchlint.shapes.torch.subscripts import einsum as einsum_of_torch
from batchlint.shapes.torch.views import transpose

__all__: list[str] = []


def _contract(left: Dimension, right: Dimension, name: str) -> None:
    unify(left, right, f"{name} of a dimension of {render(left)} with one of {render(right)}")


def _matrices(shape: Shape, flipped: Any) -> Shape:
    if isinstance(flipped, int):
        return transpose(shape, -2, -1) if flipped else shape
    return join([shape, transpose(shape, -2, -1)])


@shape_function("tensorflow.matmul", "tensorflow.batch_matmul")
def matmul_tensorflow(
    a: Any,
    b: Any,
    transpose_a: Any = False,
    transpose_b: Any = False,
    adjoint_a: Any = False,
    adjoint_b: Any = False,
    *_: Any,
    adj_x: Any = False,
    adj_y: Any = False,
    **__: Any,
) -> Shape:
    """The product of the last two dimensions, the others broadcast.

    Raises:
        ShapeMismatch: a tensor has fewer than two dimensions, or the dimensions in the middle are certain to differ.
    """
    left, right = as_tensor(a), as_tensor(b)
    for shape in (left, right):
        if shape.exact and len(shape.leading) < 2:
            raise ShapeMismatch(f"matmul expects tensors of at least 2 dimensions, got {shape}")
    if left == right == UNKNOWN_SHAPE:
        return UNKNOWN_SHAPE
    for flag in (transpose_a, adjoint_a, adj_x):
        left = _matrices(left, flag)
    for flag in (transpose_b, adjoint_b, adj_y):
        right = _matrices(right, flag)
    return over_ranks(_matmul_known, left, right)


def _matmul_known(left: Shape, right: Shape) -> Shape:
    if len(left.leading) < 2 or len(right.leading) < 2:
        raise ShapeMismatch("matmul expects tensors of at least 2 dimensions")
    return products.matmul(left, right)


@shape_function("tensorflow.matvec")
def matvec(a: Any, b: Any, transpose_a: Any = False, *_: Any, **__: Any) -> Shape:
    """``[..., n, m]`` and ``[..., m]`` to ``[..., n]``."""
    if _ or __ or not isinstance(transpose_a, int):
        return UNKNOWN_SHAPE

    def at_known_rank(left: Shape, right: Shape) -> Shape:
        if len(left.leading) < 2 or not right.leading:
            raise ShapeMismatch(f"matvec expects matrices and vectors, got {left} and {right}")
        return Shape(products.matmul(left, Shape((*right.leading, 1))).leading[:-1])

    return over_ranks(at_known_rank, _matrices(as_tensor(a), transpose_a), as_tensor(b))


@shape_function("keras.ops.matmul")
def matmul_keras(x1: Any, x2: Any) -> Shape:
    """The product of the last two dimensions, the others broadcast; a vector's own dimension is summed away."""
    return products.matmul(as_tensor(x1), as_tensor(x2))


def _dotted(left: Shape, right: Shape) -> Shape:
    a, b = left.leading, right.leading
    if not a or not b:
        return Shape(a + b)
    _contract(a[-1], b[-2] if len(b) > 1 else b[0], "dot")
    return Shape(a[:-1] + (b[:-2] + b[-1:] if len(b) > 1 else ()))


@shape_function("keras.ops.dot")
def dot_keras(x1: Any, x2: Any) -> Shape:
    """The last dimension of *x1* summed with the last but one of *x2*; a number multiplies."""
    return over_ranks(_dotted, as_tensor(x1), as_tensor(x2))


@shape_function("keras.backend.dot")
def dot_backend(x: Any, y: Any) -> Shape:
    """The last dimension of *x* summed with the last but one of *y*.

    Raises:
        ShapeMismatch: the two are certain to differ, or a tensor has fewer than two dimensions.
    """
    return over_ranks(_dotted_matrices, as_tensor(x), as_tensor(y))


def _dotted_matrices(left: Shape, right: Shape) -> Shape:
    if len(left.leading) < 2 or len(right.leading) < 2:
        raise ShapeMismatch(f"dot expects tensors of at least 2 dimensions, got {left} and {right}")
    return _dotted(left, right)


@shape_function("keras.backend.batch_dot")
def batch_dot(x: Any, y: Any, axes: Any = None) -> Shape:
    """The first dimension of both is the batch; the dimensions *axes* are summed away, ``[B, 1]`` if all are.

    Without *axes* they are the last of *x* and the last but one of *y*.
    """
    pair = (axes, axes) if isinstance(axes, int) else axes
    if pair is not None and (as_axes(pair) is None or len(pair) != 2):
        return UNKNOWN_SHAPE

    def at_known_rank(left: Shape, right: Shape) -> Shape:
        a, b = left.leading, right.leading
        if len(a) < 2 or len(b) < 2:
            raise ShapeMismatch(f"batch_dot expects tensors of at least 2 dimensions, got {left} and {right}")
        first, second = (len(a) - 1, max(len(b) - 2, 1)) if pair is None else pair
        first, second = axis_of(len(a), first), axis_of(len(b), second)
        if 0 in (first, second):
            raise ShapeMismatch("batch_dot over the batch")
        _contract(a[first], b[second], "batch_dot")
        rows = unify(a[0], b[0], f"batch_dot of a batch of {render(a[0])} with one of {render(b[0])}")
        rest = [size for at, size in enumerate(a) if at not in (0, first)]
        rest += [size for at, size in enumerate(b) if at not in (0, second)]
        return Shape((rows, *rest)) if rest else Shape((rows, 1))

    return over_ranks(at_known_rank, as_tensor(x), as_tensor(y), reach=reach_of(pair or ()))


@shape_function("tensorflow.tensordot")
def tensordot_tensorflow(a: Any, b: Any, axes: Any, name: Any = None) -> Shape:
    """The last *axes* dimensions of *a* summed with the first of *b*, or those that two tuples name."""
    return _tensordot(a, b, axes)


@shape_function("keras.ops.tensordot")
def tensordot_keras(x1: Any, x2: Any, axes: Any = 2) -> Shape:
    """The last *axes* dimensions of *x1* summed with the first of *x2*, or those that two tuples name."""
    return _tensordot(x1, x2, axes)


def _tensordot(a: Any, b: Any, axes: Any) -> Shape:
    if isinstance(axes, int):
        if axes < 0:
            return UNKNOWN_SHAPE
        left, right = tuple(range(-axes, 0)), tuple(range(axes))
    elif isinstance(axes, (tuple, list)) and len(axes) == 2:
        one, two = as_axes(axes[0]), as_axes(axes[1])
        if one is None or two is None or len(one) != len(two):
            return UNKNOWN_SHAPE
        left, right = one, two
    else:
        return UNKNOWN_SHAPE

    def at_known_rank(one: Shape, two: Shape) -> Shape:
        if len(left) > len(one.leading) or len(right) > len(two.leading):
            raise ShapeMismatch(f"tensordot over {len(left)} dimensions of {one} and {two}")
        first = [axis_of(len(one.leading), axis) for axis in left]
        second = [axis_of(len(two.leading), axis) for axis in right]
        for i, j in zip(first, second):
            _contract(one.leading[i], two.leading[j], "tensordot")
        return Shape(
            tuple([size for axis, size in enumerate(one.leading) if axis not in first])
            + tuple([size for axis, size in enumerate(two.leading) if axis not in second])
        )

    return over_ranks(at_known_rank, as_tensor(a), as_tensor(b), reach=reach_of(left + right))


@shape_function("tensorflow.einsum")
def einsum_tensorflow(equation: Any, *inputs: Any, **_: Any) -> Shape:
    """*inputs* multiplied and summed as *equation* says."""
    return einsum_of_torch(equation, *map(as_tensor, inputs))


@shape_function("keras.ops.einsum")
def einsum_keras(subscripts: Any, *operands: Any, **_: Any) -> Shape:
    """*operands* multiplied and summed as *subscripts* say."""
    return einsum_of_torch(subscripts, *map(as_tensor, operands))


@shape_function("keras.ops.outer")
def outer(x1: Any, x2: Any) -> Shape:
    """All elements of one by all elements of the other."""

    def at_known_rank(one: Shape, two: Shape) -> Shape:
        rows, columns = one.number_of_elements(), two.number_of_elements()
        return UNKNOWN_SHAPE if rows is None or columns is None else Shape((rows, columns))

    return over_ranks(at_known_rank, as_tensor(x1), as_tensor(x2))


def _of_matrices(name: str, tensor: Any, dropped: int) -> Shape:
    """Square matrices less the last *dropped* dimensions."""

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) < 2:
            raise ShapeMismatch(f"{name} expects matrices, got {known}")
        _contract(known.leading[-2], known.leading[-1], name)
        return Shape(known.leading[: len(known.leading) - dropped])

    return over_ranks(at_known_rank, as_tensor(tensor))


@shape_function("tensorflow.matrix_inverse", "tensorflow.cholesky")
def inverse_tensorflow(input: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *input*, of square matrices."""
    return _of_matrices("inv", input, 0)


@shape_function("keras.ops.inv", "keras.ops.cholesky")
def inverse_keras(x: Any, *_: Any) -> Shape:
    """The shape of *x*, of square matrices."""
    return _of_matrices("inv", x, 0)


@shape_function("tensorflow.det", "tensorflow.matrix_determinant")
def determinant_tensorflow(input: Any, name: Any = None) -> Shape:
    """A number for each matrix."""
    return _of_matrices("det", input, 2)


@shape_function("keras.ops.det")
def determinant_keras(x: Any) -> Shape:
    """A number for each matrix."""
    return _of_matrices("det", x, 2)


@shape_function("tensorflow.trace")
def trace(x: Any, name: Any = None) -> Shape:
    """A number for each matrix."""

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) < 2:
            raise ShapeMismatch(f"trace expects matrices, got {known}")
        return Shape(known.leading[:-2])

    return over_ranks(at_known_rank, as_tensor(x))
