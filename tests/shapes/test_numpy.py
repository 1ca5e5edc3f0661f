"""NumPy's operations against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from differential import Case, Draw, Group, Size, Tensor, differential_tests

import batchlint.shapes.numpy.arrays as table
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape


def numpy(names: str) -> tuple[str, ...]:
    return tuple(f"numpy.{name}" for name in names.split())


def ndarray(names: str) -> tuple[str, ...]:
    return tuple(f"numpy.ndarray.{name}" for name in names.split())


def both(names: str) -> tuple[str, ...]:
    return tuple(sorted(numpy(names) + ndarray(names)))


def but(table: str, names: str) -> str:
    return " ".join(name for name in table.split() if name not in names.split())


def alone(d: Draw) -> Case:
    return Case((d.tensor(0, 4),))


def pair(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((Tensor(sizes), d.one_of(Tensor(d.broadcastable(sizes)), 2.0)))


def sizes(d: Draw) -> object:
    return d.one_of(Size(d.integer(0, 4)), tuple(map(Size, d.sizes(0, 3, 0))))


def bounds(d: Draw) -> Case:
    start, stop, step = Size(d.integer(0, 9)), Size(d.integer(0, 9)), d.one_of(1, 2, 3, -1)
    return d.one_of(Case((stop,)), Case((start, stop)), Case((start, stop, step)))


def reshape(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    first, *rest = tensor.sizes
    wanted = (Size(d.integer(first, first + (d.integer(0, 9) == 0))), Size(-1)) if rest else (Size(first), Size(1))
    return Case((tensor, wanted))


def axis(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    rank = len(tensor.sizes)
    chosen = d.one_of(None, (), d.dims(rank), d.dim(rank))
    return Case((tensor, chosen)) if d.chance() else Case((tensor,), {"axis": chosen, "keepdims": d.chance()})


def norm(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor,), {"axis": d.one_of(None, d.dim(len(tensor.sizes))), "keepdims": d.chance()})


def one_axis(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.one_of(None, d.dim(len(tensor.sizes)))))


def squeeze(d: Draw) -> Case:
    tensor = d.tensor(0, 4, 1, 2)
    return Case((tensor,)) if d.chance() else Case((tensor, d.dim(len(tensor.sizes))))


def expand_dims(d: Draw) -> Case:
    tensor = d.tensor(0, 3)
    rank = len(tensor.sizes)
    return Case((tensor, d.dim(rank, new=1) if d.chance() else d.dims(rank + 2)))


def transpose(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor,)) if d.chance() else Case((tensor, d.permutation(len(tensor.sizes))))


def two_axes(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dim(len(tensor.sizes)), d.dim(len(tensor.sizes))))


def alike(d: Draw, free: int | None) -> tuple[Tensor, ...]:
    common = d.sizes(1, 3)
    made = []
    for _ in range(d.integer(1, 3)):
        own = list(common)
        if free is not None:
            own[free] = d.integer(1, 3)
        made.append(Tensor(tuple(own)))
    return tuple(made)


def concatenate(d: Draw) -> Case:
    return Case((alike(d, 0),)) if d.chance() else Case((alike(d, -1),), {"axis": d.one_of(-1, None)})


def stack(d: Draw) -> Case:
    return Case((alike(d, None), d.dim(1, new=1)))


def tile(d: Draw) -> Case:
    return Case((d.tensor(0, 3), d.one_of(Size(d.integer(1, 3)), tuple(map(Size, d.sizes(1, 3))))))


def repeat(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Size(d.integer(1, 3)), d.one_of(None, d.dim(len(tensor.sizes)))))


def product(d: Draw) -> Case:
    inner = d.integer(1, 4)
    left = Tensor((*d.sizes(0, 2), inner))
    wrong = inner + (d.integer(0, 9) == 0)
    return Case((left, Tensor((wrong,) if d.chance() else (*d.sizes(0, 1), wrong, 3))))


def dot(d: Draw) -> Case:
    return product(d) if d.integer(0, 3) else Case((d.tensor(0, 3), d.tensor(0, 0)))


UNLIKE = "average count_nonzero nanargmax nanargmin ptp"
"""Reductions that do not take every argument of the others."""


def joined(d: Draw) -> Case:
    return Case((alike(d, d.one_of(0, -1, None)),))


def append(d: Draw) -> Case:
    first, second = d.sizes(1, 2), d.integer(1, 3)
    return d.one_of(
        Case((Tensor(first), d.tensor(0, 2))),
        Case((Tensor(first), Tensor((second, *first[1:])), 0)),
    )


def split(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    axis = d.integer(-len(tensor.sizes), len(tensor.sizes) - 1)
    size = tensor.sizes[axis]
    where = tuple(sorted((d.integer(0, size), d.integer(0, size))))
    return Case((tensor, d.one_of(1, 2, size, where), axis))


def grids(d: Draw) -> Case:
    return Case(tuple(d.tensor(1, 1) for _ in range(d.integer(1, 3))), d.one_of({}, {"indexing": "ij"}))


def take(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    picked = d.one_of(Tensor(d.sizes(0, 2), "int64", below=1), (0, 0, 0))
    return Case((tensor, picked, d.one_of(None, d.dim(len(tensor.sizes)))))


def pad(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    count = len(tensor.sizes) + (d.integer(0, 9) == 0)
    each = tuple((Size(d.integer(0, 2)), Size(d.integer(0, 2))) for _ in range(count))
    return Case((tensor, d.one_of(each, each, 2, (1,), ((1, 2),))))


def unique(d: Draw) -> Case:
    return Case((d.tensor(1, 3),), {"return_counts": True} if d.chance() else {})


def einsum(d: Draw) -> Case:
    b, i, j = d.integer(1, 4), d.integer(1, 4), d.integer(1, 4)
    return Case(("bi,ij->bj", Tensor((b, i)), Tensor((i, j))))


def tensordot(d: Draw) -> Case:
    i, j = d.integer(1, 4), d.integer(1, 4)
    return Case((Tensor((2, i, j)), Tensor((i, j, 3)), d.one_of(2, ((1, 2), (0, 1)))))


def quantile(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, d.one_of(0.5, (0.25, 0.75)), d.one_of(None, d.dim(len(tensor.sizes)))))


def broadcast_to(d: Draw) -> Case:
    common = d.sizes(0, 3)
    return Case((Tensor(d.broadcastable(common)), tuple(map(Size, common))))


REDUCTIONS = but(table.REDUCTIONS, "argmax argmin")

GROUPS = [
    Group(numpy(but(table.UNARY, "full_like fliplr flipud")), alone, device="cpu"),
    Group(numpy("fliplr flipud"), lambda d: Case((d.tensor(2, 4),)), device="cpu"),
    Group((*numpy("full_like"), *ndarray("clip")), lambda d: Case((d.tensor(0, 3), 3)), device="cpu"),
    Group(ndarray("copy round"), alone, device="cpu"),
    Group(ndarray("astype"), lambda d: Case((d.tensor(0, 3), "float64")), device="cpu"),
    Group(numpy(table.BINARY), pair, device="cpu"),
    Group(numpy("clip"), lambda d: Case((d.tensor(0, 3), 0.0, 1.0)), device="cpu"),
    Group(numpy("where"), lambda d: Case((*pair(d).arguments, 0.0)), device="cpu"),
    Group(
        numpy("array asarray asanyarray"),
        lambda d: Case((d.one_of(d.tensor(0, 2), (1, 2), ((1, 2), (3, 4)), 3),)),
        device="cpu",
    ),
    Group(numpy("empty ones zeros"), lambda d: Case((sizes(d),)), device="cpu"),
    Group(numpy("full"), lambda d: Case((sizes(d), 1.5)), device="cpu"),
    Group(numpy("random.rand random.randn"), lambda d: Case(tuple(map(Size, d.sizes(0, 3)))), device="cpu"),
    Group(
        numpy("random.random random.random_sample random.standard_normal"), lambda d: Case((sizes(d),)), device="cpu"
    ),
    Group(
        numpy("random.normal random.laplace random.uniform random.randint"),
        lambda d: Case((1, 2, sizes(d))),
        device="cpu",
    ),
    Group(numpy("random.binomial"), lambda d: Case((1, 0.5, sizes(d))), device="cpu"),
    Group(numpy("random.choice"), lambda d: Case((5, sizes(d))), device="cpu"),
    Group(
        numpy("random.permutation"),
        lambda d: Case((d.one_of(d.tensor(1, 3), Size(d.integer(0, 5))),)),
        device="cpu",
    ),
    Group(numpy("identity"), lambda d: Case((Size(d.integer(1, 4)),)), device="cpu"),
    Group(numpy("random.normal random.uniform"), lambda d: Case((d.tensor(0, 2), 1.0)), device="cpu"),
    Group(numpy("arange"), bounds, device="cpu"),
    Group(numpy("linspace"), lambda d: Case((0, 1, Size(d.integer(0, 5)))), device="cpu"),
    Group(numpy("eye"), lambda d: Case(tuple(map(Size, d.sizes(1, 2)))), device="cpu"),
    Group(both("reshape"), reshape, device="cpu"),
    Group((*both("ravel"), *ndarray("flatten")), alone, device="cpu"),
    Group(both("squeeze"), squeeze, device="cpu", named_above_one=True),
    Group(numpy("expand_dims"), expand_dims, device="cpu"),
    Group(both("transpose"), transpose, device="cpu"),
    Group(ndarray("T"), alone, device="cpu"),
    Group(both("swapaxes"), two_axes, device="cpu"),
    Group(numpy("concatenate"), concatenate, device="cpu"),
    Group(numpy("stack"), stack, device="cpu"),
    Group(numpy("tile"), tile, device="cpu"),
    Group(both("repeat"), repeat, device="cpu"),
    Group((*both(REDUCTIONS), *numpy(but(table.FUNCTION_REDUCTIONS, UNLIKE))), axis, device="cpu"),
    Group(numpy(UNLIKE), one_axis, device="cpu"),
    Group(numpy("moveaxis"), two_axes, device="cpu"),
    Group(numpy("broadcast_to"), broadcast_to, device="cpu"),
    Group(numpy("roll"), lambda d: Case((d.tensor(1, 3), 1)), device="cpu"),
    Group(numpy("flip"), lambda d: Case((d.tensor(1, 3),)), device="cpu"),
    Group(numpy("tril triu"), lambda d: Case((d.tensor(1, 3),)), device="cpu"),
    Group(numpy("vstack row_stack hstack dstack column_stack"), joined, device="cpu"),
    Group(numpy("append"), append, device="cpu"),
    Group(numpy("split array_split"), split, device="cpu", examples=80),
    Group(numpy("meshgrid"), grids, device="cpu"),
    Group(both("take"), take, device="cpu"),
    Group(numpy("pad"), pad, device="cpu", examples=60),
    Group(numpy("argwhere"), lambda d: Case((d.tensor(1, 3),)), device="cpu", open=True),
    Group(numpy("unique"), unique, device="cpu", open=True),
    Group(numpy("outer"), lambda d: Case((d.tensor(0, 2), d.tensor(0, 2))), device="cpu"),
    Group(numpy("einsum"), einsum, device="cpu"),
    Group(numpy("tensordot"), tensordot, device="cpu"),
    Group(numpy("percentile quantile nanpercentile nanquantile"), quantile, device="cpu"),
    Group(numpy("linalg.inv"), lambda d: Case((Tensor((*d.sizes(0, 2), 1, 1)),)), device="cpu"),
    Group(numpy("atleast_1d atleast_2d atleast_3d"), alone, device="cpu"),
    Group(numpy("linalg.norm"), norm, device="cpu"),
    Group((*both("argmax argmin cumsum cumprod argsort"), *numpy("sort")), one_axis, device="cpu"),
    Group(numpy("matmul"), product, device="cpu"),
    Group(both("dot"), dot, device="cpu"),
]

test_agrees, test_every_operation_is_tested = differential_tests("numpy.arrays numpy.arranging", GROUPS)


@pytest.mark.parametrize(("stop", "length"), [(5, 5), (-3, 0)])
def test_an_empty_range_is_no_error(stop: int, length: int) -> None:
    assert np.arange(stop).shape == (length,)
    assert FUNCTIONS["numpy.arange"].apply((stop,), {}) == Shape((length,))
