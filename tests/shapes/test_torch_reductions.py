"""Reductions against torch."""

from __future__ import annotations

import pytest
import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Tensor, both, differential_tests, functions

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape


def dims(d: Draw, rank: int) -> object:
    return d.dims(rank) if d.integer(0, 2) == 0 else d.dim(rank)


def over_dims(d: Draw) -> Case:
    tensor = d.tensor(0, 5, 0 if d.integer(0, 9) == 0 else 1)
    if d.integer(0, 3) == 0:
        return Case((tensor,))
    dim = dims(d, len(tensor.sizes))
    return Case((tensor, dim, d.chance())) if d.chance() else Case((tensor,), {"axis": dim, "keepdims": d.chance()})


def over_dims_without_keepdim(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, dims(d, len(tensor.sizes)))) if d.chance() else Case((tensor,))


def needs_dim(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, dims(d, len(tensor.sizes)), d.chance()))


def over_one(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    if d.integer(0, 3) == 0:
        return Case((tensor,))
    return Case((tensor, d.dim(len(tensor.sizes)), d.chance()))


def over_one_by_name(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor,), {"dim": d.dim(len(tensor.sizes)), "keepdim": d.chance()})


def spread(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    dim = dims(d, len(tensor.sizes))
    return d.one_of(
        Case((tensor,)),
        Case((tensor, False)),
        Case((tensor, dim)),
        Case((tensor, dim, False)),
        Case((tensor, dim, True, True)),
        Case((tensor, dim), {"keepdim": True, "unbiased": False}),
    )


def norm(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    dim = dims(d, len(tensor.sizes))
    return d.one_of(
        Case((tensor,)), Case((tensor, 2, dim)), Case((tensor, 2.0, dim, True)), Case((tensor,), {"dim": dim})
    )


def matrix_norm(d: Draw) -> Case:
    tensor = d.tensor(2, 4)
    return Case((tensor,), {"keepdim": d.chance()})


def extremum(d: Draw) -> Case:
    if d.integer(0, 2) == 0:
        sizes = d.sizes(0, 3)
        return Case((Tensor(sizes), Tensor(d.broadcastable(sizes))))
    return over_one(d)


def kthvalue(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, 1)) if d.chance() else Case((tensor, 1, d.dim(len(tensor.sizes)), d.chance()))


def quantile(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    level = 0.5 if d.chance() else Tensor(d.one_of((), (1,), (3,)))
    return Case((tensor, level, d.one_of(None, d.dim(len(tensor.sizes))), d.chance()))


def two_alike(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return Case((Tensor(sizes), Tensor(d.broadcastable(sizes))))


def matrix(d: Draw) -> Case:
    return Case((d.tensor(2, 2),))


def diff(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.integer(0, 3), d.dim(len(tensor.sizes))))


def histogram(d: Draw) -> Case:
    return Case((d.tensor(1, 2), d.integer(1, 9)))


def counted(d: Draw) -> Case:
    return Case((d.tensor(1, 1, dtype="int64"),))


def variables(d: Draw) -> Case:
    return Case((d.tensor(0, 2, 1, 4),))


GROUPS = [
    Group(both("sum mean nansum nanmean amax amin all any"), over_dims, examples=150),
    Group(both("count_nonzero"), over_dims_without_keepdim),
    Group((*both("logsumexp"), "torch.special.logsumexp"), needs_dim),
    Group(both("prod argmax argmin"), over_one, examples=100),
    Group(both("std var"), spread, examples=100),
    Group(functions("std_mean var_mean"), spread),
    Group((*both("norm"), *functions("norm vector_norm", "torch.linalg")), norm),
    Group(functions("matrix_norm", "torch.linalg"), matrix_norm),
    Group(both("max min"), extremum, examples=150),
    Group(both("median nanmedian"), over_one),
    Group(both("mode"), over_one),
    Group(both("kthvalue"), kthvalue),
    Group(both("aminmax"), over_one_by_name),
    Group(both("quantile nanquantile"), quantile, device="cpu"),
    Group(both("dist"), two_alike),
    Group(both("trace"), matrix),
    Group(both("diff"), diff),
    Group(both("histc"), histogram, device="cpu"),
    Group(both("bincount"), counted, device="cpu", open=True),
    Group(both("cov corrcoef"), variables, device="cpu"),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.reductions", GROUPS)

B = Symbol("B", Role.BATCH).dimension()
BATCH = Shape((B,), (), exact=False)


@pytest.mark.parametrize(
    ("shape", "arguments", "result"),
    [
        (Shape((B, 3, 8, 8)), ((2, 3),), Shape((B, 3))),
        (Shape((B, 3, 8, 8)), ((-1, -2), True), Shape((B, 3, 1, 1))),
        (BATCH, (), Shape()),
        (BATCH, (1,), BATCH),
        (Shape((B, 3), (), exact=False), (1, True), Shape((B, 1), (), exact=False)),
        (UNKNOWN_SHAPE, (), Shape()),
        (Shape((5, 5)), (UNKNOWN,), UNKNOWN_SHAPE),
    ],
)
def test_mean_keeps_what_is_certain(shape: Shape, arguments: tuple[object, ...], result: Shape) -> None:
    assert FUNCTIONS["torch.Tensor.mean"].apply((shape, *arguments), {}) == result
