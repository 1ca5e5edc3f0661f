"""Selection, diagonals and padding against torch."""

from __future__ import annotations

import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Size, Tensor, both, differential_tests, functions, methods


def topk(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, Size(d.integer(1, 3)))) if d.chance() else Case((tensor, 1, d.dim(len(tensor.sizes))))


def ordered(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, d.dim(len(tensor.sizes))))


def alone(d: Draw) -> Case:
    return Case((d.tensor(1, 4),))


def index_like(d: Draw, tensor: Tensor) -> Tensor:
    sizes = tuple(d.integer(1, size) for size in tensor.sizes)
    return Tensor(sizes, "int64", below=min(tensor.sizes, default=1))


def gathered(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dim(len(tensor.sizes)), index_like(d, tensor)))


def scattered(d: Draw) -> Case:
    tensor, dim, index = gathered(d).arguments
    return Case((tensor, dim, index, Tensor(index.sizes)))


def scattered_with(reduce: str) -> object:
    def case(d: Draw) -> Case:
        return Case((*scattered(d).arguments, reduce))

    return case


def by_vector(d: Draw) -> tuple[Tensor, int, Tensor]:
    tensor = d.tensor(1, 4)
    dim = d.integer(0, len(tensor.sizes) - 1)
    return tensor, dim, Tensor((d.integer(1, 3),), "int64", below=tensor.sizes[dim])


def index_select(d: Draw) -> Case:
    return Case(by_vector(d))


def index_write(d: Draw) -> Case:
    tensor, dim, index = by_vector(d)
    source = (*tensor.sizes[:dim], index.sizes[0], *tensor.sizes[dim + 1 :])
    return Case((tensor, dim, index, Tensor(source)))


def index_reduce(d: Draw) -> Case:
    return Case((*index_write(d).arguments, "amax"))


def index_fill(d: Draw) -> Case:
    return Case((*by_vector(d), 1.5))


def index_put(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, (Tensor((2,), "int64", below=tensor.sizes[0]),), Tensor(())))


def slice_scatter(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, tensor))


def select_scatter(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Tensor(tensor.sizes[1:]), 0, 0))


def diagonal_scatter(d: Draw) -> Case:
    side = d.integer(1, 4)
    return Case((Tensor((side, side)), Tensor((side,))))


def fill_diagonal(d: Draw) -> Case:
    side = d.integer(1, 4)
    return Case((Tensor((side, side)), 1.0))


def put(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Tensor((2,), "int64", below=1), Tensor((2,))))


def take(d: Draw) -> Case:
    return Case((d.tensor(1, 3), d.tensor(0, 3, dtype="int64", below=1)))


def take_along(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    if d.integer(0, 3) == 0:
        return Case((tensor, d.tensor(0, 3, dtype="int64", below=1)))
    dim = d.integer(-len(tensor.sizes), len(tensor.sizes) - 1)
    sizes = [1 if d.integer(0, 3) == 0 else size for size in tensor.sizes]
    sizes[dim] = d.integer(1, 4)
    return Case((tensor, Tensor(tuple(sizes), "int64", below=1), dim))


def masked(d: Draw) -> tuple[Tensor, Tensor]:
    sizes = d.sizes(0, 4)
    return Tensor(sizes), Tensor(d.broadcastable(sizes), "bool")


def masked_fill(d: Draw) -> Case:
    return Case((*masked(d), 0.0))


def masked_select(d: Draw) -> Case:
    return Case(masked(d))


def masked_scatter(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((Tensor(sizes), Tensor(sizes, "bool"), Tensor(sizes)))


def where(d: Draw) -> Case:
    tensor, mask = masked(d)
    return Case((mask, tensor, d.one_of(Tensor(d.broadcastable(tensor.sizes)), 0.0)))


def where_method(d: Draw) -> Case:
    tensor, mask = masked(d)
    return Case((tensor, mask, Tensor(d.broadcastable(tensor.sizes))))


def condition(d: Draw) -> Case:
    return Case((d.tensor(0, 3, dtype="bool"),))


def nonzero(d: Draw) -> Case:
    return Case((d.tensor(0, 3, dtype="bool"),), {"as_tuple": d.chance()})


def unique(d: Draw) -> Case:
    tensor = d.tensor(1, 3, 1, 4, dtype="int64")
    options = {"return_inverse": d.chance(), "return_counts": d.chance()}
    if d.chance():
        options["dim"] = d.dim(len(tensor.sizes))  # type: ignore[assignment]
    return Case((tensor,), options)


def search(d: Draw) -> Case:
    return Case((d.tensor(1, 1), d.tensor(0, 3)))


def lookup(d: Draw) -> Case:
    return Case((d.tensor(0, 3), d.tensor(1, 1)))


def multinomial(d: Draw) -> Case:
    return Case((d.tensor(1, 2, 3, 5), Size(d.integer(1, 3))))


def one_hot(d: Draw) -> Case:
    return Case((d.tensor(0, 3, dtype="int64"), Size(d.integer(3, 5))))


def one_hot_counted(d: Draw) -> Case:
    return Case((d.tensor(1, 3, dtype="int64"),))


def pad(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 2, 5)
    count = d.integer(0, len(tensor.sizes) + (d.integer(0, 9) == 0))
    amounts = tuple(Size(d.integer(0, 3)) if d.integer(0, 5) else d.integer(-3, -1) for _ in range(2 * count))
    return Case((tensor, amounts))


def pad_reflected(d: Draw) -> Case:
    return Case((d.tensor(3, 3, 4, 6), (Size(d.integer(0, 3)), Size(d.integer(0, 3)))), {"mode": "reflect"})


def diagonal(d: Draw) -> Case:
    tensor = d.tensor(2, 4)
    if d.integer(0, 3) == 0:
        return Case((tensor,))
    return Case((tensor, d.integer(-3, 3), d.dim(len(tensor.sizes)), d.dim(len(tensor.sizes))))


def matrix(d: Draw) -> Case:
    return Case((d.tensor(1, 2), d.integer(-3, 3)))


def any_tensor(d: Draw) -> Case:
    return Case((d.tensor(0, 3, 1, 4), d.integer(-3, 3)))


def diag_embed(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    rank = len(tensor.sizes) + 1
    return Case((tensor, d.integer(-2, 2), d.dim(rank), d.dim(rank))) if d.chance() else Case((tensor,))


GROUPS = [
    Group(both("topk"), topk, examples=100),
    Group(both("sort argsort cummax cummin"), ordered),
    Group(both("msort"), alone),
    Group(both("gather"), gathered),
    Group(both("scatter scatter_add"), scattered),
    Group(both("scatter_reduce"), scattered_with("sum")),  # type: ignore[arg-type]
    Group(both("index_select"), index_select),
    Group(both("index_add index_copy"), index_write),
    Group(both("index_reduce"), index_reduce, device="cpu"),
    Group(both("index_fill"), index_fill),
    Group(both("index_put"), index_put),
    Group(both("slice_scatter"), slice_scatter),
    Group(both("select_scatter"), select_scatter),
    Group(both("diagonal_scatter"), diagonal_scatter),
    Group(methods("fill_diagonal"), fill_diagonal),
    Group(methods("put"), put, device="cpu"),
    Group(both("take"), take),
    Group(both("take_along_dim"), take_along, examples=100),
    Group(both("masked_fill"), masked_fill, examples=100),
    Group(both("masked_select"), masked_select, device="cpu", open=True),
    Group(both("masked_scatter"), masked_scatter),
    Group(functions("where"), where, examples=100),
    Group(methods("where"), where_method, examples=100),
    Group(functions("where"), condition, device="cpu", open=True),
    Group(both("nonzero"), nonzero, device="cpu", open=True, examples=100),
    Group(both("argwhere"), condition, device="cpu", open=True),
    Group(both("unique unique_consecutive"), unique, device="cpu", open=True, examples=100),
    Group(functions("searchsorted"), search),
    Group(functions("bucketize isin"), lookup, device="cpu"),
    Group(both("multinomial"), multinomial),
    Group(("torch.nn.functional.one_hot",), one_hot, device="cpu"),
    Group(("torch.nn.functional.one_hot",), one_hot_counted, device="cpu", open=True),
    Group(("torch.nn.functional.pad",), pad, examples=200),
    Group(("torch.nn.functional.pad",), pad_reflected),
    Group((*both("diagonal"), "torch.linalg.diagonal"), diagonal, examples=100),
    Group(both("diag"), matrix, examples=100),
    Group(both("diagflat"), any_tensor),
    Group(both("diag_embed"), diag_embed, examples=100),
]

test_agrees, test_every_operation_is_tested = differential_tests(
    "torch.selection torch.diagonals torch.padding", GROUPS
)
