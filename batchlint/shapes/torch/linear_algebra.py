"""Decompositions, inverses and solutions of (batches of) matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlint.shapes.bounds import at_most, unify
from batchlint.shapes.dimension import Dimension, render, unknown
from batchlint.shapes.ranks import over_ranks_result
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.operands import as_shape
from batchlint.shapes.torch.products import matmul

__all__: list[str] = []

Parts = tuple[Dimension, ...]


def _of_matrices(name: str, tensor: Any, function: Callable[[Parts, Dimension, Dimension], ShapeResult]) -> Any:
    """*function* of the batch dimensions, the rows and the columns of *tensor*."""

    def at_known_rank(known: Shape) -> ShapeResult:
        if len(known.leading) < 2:
            raise ShapeMismatch(f"{name} expects matrices, got {known}")
        return function(known.leading[:-2], *known.leading[-2:])

    return over_ranks_result(at_known_rank, as_shape(tensor))


def _side(name: str, rows: Dimension, columns: Dimension) -> Dimension:
    return unify(rows, columns, f"{name} expects square matrices, got {render(rows)} by {render(columns)}")


def _square(name: str, tensor: Any, *ranks: int) -> Any:
    """Results of a batch of square matrices, each with *ranks* dimensions after the batch's."""

    def results(batch: Parts, rows: Dimension, columns: Dimension) -> ShapeResult:
        side = _side(name, rows, columns)
        shapes = tuple([Shape(batch + (side,) * rank) for rank in ranks])
        return shapes if len(shapes) > 1 else shapes[0]

    return _of_matrices(name, tensor, results)


def _register(results: dict[str, tuple[int, ...]]) -> None:
    def make(name: str, ranks: tuple[int, ...]) -> Callable[..., ShapeResult]:
        def square(A: Any, *_: Any, **__: Any) -> ShapeResult:
            result: ShapeResult = _square(name, A, *ranks)
            return result

        return square

    for names, ranks in results.items():
        shape_function(*names.split())(make(names.split()[0].rpartition(".")[2], ranks))


_register(
    {
        "torch.inverse torch.Tensor.inverse torch.linalg.inv": (2,),
        "torch.det torch.Tensor.det torch.linalg.det torch.logdet torch.Tensor.logdet": (0,),
        "torch.slogdet torch.Tensor.slogdet torch.linalg.slogdet": (0, 0),
        "torch.cholesky torch.Tensor.cholesky torch.linalg.cholesky": (2,),
        "torch.linalg.eig torch.linalg.eigh": (1, 2),
        "torch.linalg.eigvals torch.linalg.eigvalsh": (1,),
        "torch.matrix_power torch.Tensor.matrix_power torch.linalg.matrix_power torch.linalg.matrix_exp": (2,),
    }
)


@shape_function("torch.pinverse", "torch.Tensor.pinverse", "torch.linalg.pinv")
def pinverse(A: Any, *_: Any, **__: Any) -> ShapeResult:
    """``[..., n, m]`` to ``[..., m, n]``."""
    result: ShapeResult = _of_matrices("pinv", A, lambda batch, rows, columns: Shape((*batch, columns, rows)))
    return result


def _smaller(rows: Dimension, columns: Dimension) -> Dimension:
    return rows if at_most(rows, columns) else columns if at_most(columns, rows) else unknown()


@shape_function("torch.linalg.svd")
def svd(A: Any, full_matrices: Any = True, **_: Any) -> ShapeResult:
    """``U``, the singular values and ``Vh``."""
    if not isinstance(full_matrices, bool):
        return UNKNOWN

    def results(batch: Parts, rows: Dimension, columns: Dimension) -> ShapeResult:
        rank = _smaller(rows, columns)
        left, right = (rows, columns) if full_matrices else (rank, rank)
        return Shape((*batch, rows, left)), Shape((*batch, rank)), Shape((*batch, right, columns))

    result: ShapeResult = _of_matrices("svd", A, results)
    return result


@shape_function("torch.svd", "torch.Tensor.svd")
def svd_reduced(input: Any, some: Any = True, compute_uv: Any = True) -> ShapeResult:
    """``U``, the singular values and ``V``."""
    if not isinstance(some, bool) or compute_uv is not True:
        return UNKNOWN

    def results(batch: Parts, rows: Dimension, columns: Dimension) -> ShapeResult:
        rank = _smaller(rows, columns)
        left, right = (rank, rank) if some else (rows, columns)
        return Shape((*batch, rows, left)), Shape((*batch, rank)), Shape((*batch, columns, right))

    result: ShapeResult = _of_matrices("svd", input, results)
    return result


@shape_function("torch.linalg.svdvals")
def svdvals(A: Any, **_: Any) -> ShapeResult:
    """The singular values."""
    result: ShapeResult = _of_matrices("svdvals", A, lambda batch, rows, cols: Shape((*batch, _smaller(rows, cols))))
    return result


@shape_function("torch.linalg.qr")
def qr(A: Any, mode: Any = "reduced") -> ShapeResult:
    """``Q`` and ``R``."""
    if mode not in ("reduced", "complete"):
        return UNKNOWN

    def results(batch: Parts, rows: Dimension, columns: Dimension) -> ShapeResult:
        rank = _smaller(rows, columns) if mode == "reduced" else rows
        return Shape((*batch, rows, rank)), Shape((*batch, rank, columns))

    result: ShapeResult = _of_matrices("qr", A, results)
    return result


@shape_function("torch.linalg.multi_dot")
def multi_dot(tensors: Any) -> ShapeResult:
    """The product of all, one after the other."""
    if not isinstance(tensors, (tuple, list)) or not tensors:
        return UNKNOWN
    result = as_shape(tensors[0])
    for tensor in tensors[1:]:
        result = matmul(result, as_shape(tensor))
    return result
