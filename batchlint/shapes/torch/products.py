"""Products of matrices and vectors, sums of products by subscripts, and distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlint.shapes.bounds import unify
from batchlint.shapes.dimension import Dimension, render
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import SCALAR, as_axes, as_shape, axis_of

__all__ = ["matmul"]


def _contract(left: Dimension, right: Dimension, name: str) -> None:
    unify(left, right, f"{name} of a dimension of {render(left)} with one of {render(right)}")


def _of_ranks(name: str, function: Callable[..., Shape], shapes: tuple[Any, ...], ranks: tuple[int, ...]) -> Shape:
    """*function* of the sizes of *shapes*, which must have *ranks*."""

    def at_known_rank(*known: Shape) -> Shape:
        for shape, rank in zip(known, ranks):
            if len(shape.leading) != rank:
                raise ShapeMismatch(f"{name} expects a tensor of {rank} dimensions, got {shape}")
        return function(*[shape.leading for shape in known])

    return over_ranks(at_known_rank, *map(as_shape, shapes), reach=max(ranks))


def matmul(left: Shape, right: Shape) -> Shape:
    """The product of the last two dimensions, the others broadcast; a vector's own dimension is summed away.

    Raises:
        ShapeMismatch: the dimensions in the middle are certain to differ, or a tensor has none.
    """
    if left == right == UNKNOWN_SHAPE:
        return UNKNOWN_SHAPE
    return over_ranks(_matmul_known, left, right)


def _matmul_known(left: Shape, right: Shape) -> Shape:
    a, b = left.leading, right.leading
    if not a or not b:
        raise ShapeMismatch("matmul of a tensor without dimensions")
    _contract(a[-1], b[-2] if len(b) > 1 else b[0], "matmul")
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    if len(a) < 3 and len(b) < 3:
        return Shape(rows + columns)
    return Shape(broadcast(Shape(a[:-2]), Shape(b[:-2])).leading + rows + columns)


@shape_function("torch.matmul", "torch.Tensor.matmul", "torch.linalg.matmul")
def matmul_function(input: Any, other: Any) -> Shape:
    """The product of the last two dimensions, the others broadcast."""
    return matmul(as_shape(input), as_shape(other))


@shape_function("torch.mm", "torch.Tensor.mm")
def mm(input: Any, mat2: Any) -> Shape:
    """``[n, m]`` and ``[m, p]`` to ``[n, p]``."""
    return _of_ranks("mm", _mm, (input, mat2), (2, 2))


def _mm(a: tuple[Dimension, ...], b: tuple[Dimension, ...]) -> Shape:
    _contract(a[1], b[0], "mm")
    return Shape((a[0], b[1]))


@shape_function("torch.bmm", "torch.Tensor.bmm")
def bmm(input: Any, mat2: Any) -> Shape:
    """``[b, n, m]`` and ``[b, m, p]`` to ``[b, n, p]``."""
    return _of_ranks("bmm", _bmm, (input, mat2), (3, 3))


def _bmm(a: tuple[Dimension, ...], b: tuple[Dimension, ...]) -> Shape:
    batch = unify(a[0], b[0], f"bmm of a batch of {render(a[0])} with one of {render(b[0])}")
    _contract(a[2], b[1], "bmm")
    return Shape((batch, a[1], b[2]))


@shape_function("torch.mv", "torch.Tensor.mv")
def mv(input: Any, vec: Any) -> Shape:
    """``[n, m]`` and ``[m]`` to ``[n]``."""
    return _of_ranks("mv", _mv, (input, vec), (2, 1))


def _mv(a: tuple[Dimension, ...], b: tuple[Dimension, ...]) -> Shape:
    _contract(a[1], b[0], "mv")
    return Shape(a[:1])


@shape_function("torch.dot", "torch.Tensor.dot", "torch.vdot", "torch.Tensor.vdot")
def dot(input: Any, tensor: Any = None, other: Any = None) -> Shape:
    """Two vectors of one length to a number."""
    second = other if tensor is None else tensor
    return _of_ranks("dot", _dot, (input, second), (1, 1))


def _dot(a: tuple[Dimension, ...], b: tuple[Dimension, ...]) -> Shape:
    _contract(a[0], b[0], "dot")
    return SCALAR


@shape_function("torch.outer", "torch.Tensor.outer", "torch.ger", "torch.Tensor.ger")
def outer(input: Any, vec2: Any) -> Shape:
    """``[n]`` and ``[m]`` to ``[n, m]``."""
    return _of_ranks("outer", lambda a, b: Shape(a + b), (input, vec2), (1, 1))


@shape_function("torch.inner", "torch.Tensor.inner")
def inner(input: Any, other: Any) -> Shape:
    """The last dimensions summed away; a number multiplies."""
    return over_ranks(_inner_known, as_shape(input), as_shape(other))


def _inner_known(left: Shape, right: Shape) -> Shape:
    if not left.leading or not right.leading:
        return Shape(left.leading + right.leading)
    _contract(left.leading[-1], right.leading[-1], "inner")
    return Shape(left.leading[:-1] + right.leading[:-1])


@shape_function("torch.addmm", "torch.Tensor.addmm")
def addmm(input: Any, mat1: Any, mat2: Any, **_: Any) -> Shape:
    """*input* added to ``mm(mat1, mat2)``."""
    return mm(mat1, mat2)


@shape_function("torch.addmv", "torch.Tensor.addmv")
def addmv(input: Any, mat: Any, vec: Any, **_: Any) -> Shape:
    """*input* added to ``mv(mat, vec)``."""
    return mv(mat, vec)


@shape_function("torch.addr", "torch.Tensor.addr")
def addr(input: Any, vec1: Any, vec2: Any, **_: Any) -> Shape:
    """*input* added to ``outer(vec1, vec2)``."""
    return outer(vec1, vec2)


@shape_function("torch.baddbmm", "torch.Tensor.baddbmm")
def baddbmm(input: Any, batch1: Any, batch2: Any, **_: Any) -> Shape:
    """*input* added to ``bmm(batch1, batch2)``."""
    return bmm(batch1, batch2)


@shape_function("torch.addbmm", "torch.Tensor.addbmm")
def addbmm(input: Any, batch1: Any, batch2: Any, **_: Any) -> Shape:
    """*input* added to the sum of ``bmm(batch1, batch2)`` over the batch."""
    product = bmm(batch1, batch2)
    return Shape(product.leading[1:])


@shape_function("torch.kron", "torch.Tensor.kron")
def kron(input: Any, other: Any) -> Shape:
    """Each dimension multiplied, from the last on."""
    return over_ranks(_kron_known, as_shape(input), as_shape(other))


def _kron_known(left: Shape, right: Shape) -> Shape:
    a, b = left.leading, right.leading
    rank = max(len(a), len(b))
    return Shape(tuple([x * y for x, y in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b)]))


@shape_function("torch.cross", "torch.Tensor.cross", "torch.linalg.cross")
def cross(input: Any, other: Any, dim: Any = None) -> Shape:
    """*input* and *other*, broadcast."""
    return broadcast(as_shape(input), as_shape(other))


@shape_function("torch.tensordot")
def tensordot(a: Any, b: Any, dims: Any = 2) -> Shape:
    """The last *dims* dimensions of *a* summed with the first of *b*, or those that two tuples name."""
    if isinstance(dims, int):
        left, right = tuple(range(-dims, 0)), tuple(range(dims))
    elif isinstance(dims, tuple) and len(dims) == 2:
        left, right = as_axes(dims[0]) or (), as_axes(dims[1]) or ()
        if len(left) != len(right) or not left:
            return UNKNOWN_SHAPE
    else:
        return UNKNOWN_SHAPE

    def at_known_rank(one: Shape, two: Shape) -> Shape:
        if len(left) > len(one.leading) or len(right) > len(two.leading):
            raise ShapeMismatch(f"tensordot over {len(left)} dimensions of {one} and {two}")
        first = [axis_of(len(one.leading), axis) for axis in left]
        second = [axis_of(len(two.leading), axis) for axis in right]
        for i, j in zip(first, second):
            # A size of 1 is summed with any other.
            broadcast(Shape((one.leading[i],)), Shape((two.leading[j],)))
        return Shape(
            tuple([size for axis, size in enumerate(one.leading) if axis not in first])
            + tuple([size for axis, size in enumerate(two.leading) if axis not in second])
        )

    return over_ranks(at_known_rank, as_shape(a), as_shape(b), reach=len(left))


@shape_function("torch.cdist")
def cdist(x1: Any, x2: Any, p: Any = 2.0, compute_mode: Any = None) -> Shape:
    """``[..., n, d]`` and ``[..., m, d]`` to ``[..., n, m]``."""
    return over_ranks(_cdist_known, as_shape(x1), as_shape(x2))


def _cdist_known(left: Shape, right: Shape) -> Shape:
    a, b = left.leading, right.leading
    if len(a) < 2 or len(b) < 2:
        raise ShapeMismatch(f"cdist expects tensors of at least 2 dimensions, got {left} and {right}")
    _contract(a[-1], b[-1], "cdist")
    return Shape((*broadcast(Shape(a[:-2]), Shape(b[:-2])).leading, a[-2], b[-2]))
