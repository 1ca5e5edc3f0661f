"""Tensors made from sizes against torch."""

from __future__ import annotations

import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Size, Tensor, differential_tests, functions, methods

from batchlint.shapes.registry import FUNCTIONS, UNKNOWN
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape


def sizes_of(d: Draw) -> tuple[Size, ...]:
    return tuple(map(Size, d.sizes(0, 4, 0, 5)))


def sized(d: Draw) -> Case:
    sizes = sizes_of(d)
    if d.integer(0, 3) == 0:
        return Case((), {"size": sizes})
    return Case(sizes if sizes and d.chance() else (sizes,))


def new_sized(d: Draw) -> Case:
    case = sized(d)
    return Case((d.tensor(0, 2), *case.arguments), case.keywords)


def new_only(d: Draw) -> Case:
    return Case((d.tensor(0, 2), *map(Size, d.sizes(1, 4, 0, 5))))


def full(d: Draw) -> Case:
    return Case((sizes_of(d), 2.5))


def new_full(d: Draw) -> Case:
    return Case((d.tensor(0, 2), sizes_of(d), 2.5))


def strided(d: Draw) -> Case:
    sizes = sizes_of(d)
    return Case((sizes, tuple(1 for _ in sizes)))


def like(d: Draw) -> Case:
    return Case((d.tensor(0, 4),))


def full_like(d: Draw) -> Case:
    return Case((d.tensor(0, 4), 3))


def randint(d: Draw) -> Case:
    bounds = (9,) if d.chance() else (1, 9)
    if d.integer(0, 3) == 0:
        return Case((), {"low": 0, "high": 9, "size": sizes_of(d)})
    return Case((*bounds, sizes_of(d)))


def normal(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    if d.chance():
        return Case((0.0, 1.0, sizes_of(d)))
    mean, std = Tensor(sizes), Tensor(d.broadcastable(sizes))
    return Case((mean, std)) if d.chance() else Case((mean,))


def data(d: Draw) -> Case:
    if d.integer(0, 3) == 0:
        return Case((d.one_of(3, 2.5, True),))
    return Case((((1, 2, 3), (4, 5, 6)) if d.chance() else tuple(range(d.integer(0, 4))),))


def legacy(d: Draw) -> Case:
    if d.integer(0, 3) == 0:
        return data(d) if d.chance() else Case(())
    return Case(tuple(map(Size, d.sizes(1, 3))))


def bounds(d: Draw) -> Case:
    start, end, step = d.integer(-5, 5), Size(d.integer(0, 12)), d.one_of(1, 2, 3, -1, 0.5)
    case = d.integer(0, 4)
    if case == 0:
        return Case((), {"start": start, "end": end, "step": step})
    return Case(((end,), (start, end), (start, end, step), (Size(d.integer(1, 4)), end, 2))[case - 1])


def steps(d: Draw) -> Case:
    count = Size(d.integer(0, 6))
    return Case((0, 1, count)) if d.chance() else Case((0, 1), {"steps": count})


def eye(d: Draw) -> Case:
    return Case(tuple(map(Size, d.sizes(1, 2, 0))))


def length(d: Draw) -> Case:
    return Case((Size(d.integer(1, 6)),))


def triangle(d: Draw) -> Case:
    return Case((Size(d.integer(0, 4)), Size(d.integer(0, 4)), d.integer(-2, 2)))


def new_tensor(d: Draw) -> Case:
    return Case((d.tensor(0, 2), *data(d).arguments))


GROUPS = [
    Group(functions("empty ones rand randn zeros"), sized, examples=100),
    Group(methods("new_empty new_ones new_zeros"), new_sized),
    Group(methods("new"), new_only, device="cpu"),
    Group(functions("full"), full),
    Group(methods("new_full"), new_full),
    Group(functions("empty_strided"), strided),
    Group(functions("empty_like ones_like rand_like randn_like zeros_like"), like),
    Group(functions("full_like randint_like"), full_like),
    Group(functions("randint"), randint),
    Group(functions("normal"), normal),
    Group(functions("tensor as_tensor asarray"), data),
    Group(functions("scalar_tensor"), lambda d: Case((d.one_of(1, 2.5),))),
    Group(functions("from_numpy"), like, device="cpu"),
    Group(functions("Tensor FloatTensor LongTensor DoubleTensor IntTensor HalfTensor BoolTensor"), legacy),
    Group(functions("ByteTensor CharTensor ShortTensor"), legacy),
    Group(functions("arange"), bounds, examples=200),
    Group(functions("linspace logspace"), steps),
    Group(functions("eye"), eye),
    Group(functions("randperm"), length),
    Group(functions("bartlett_window blackman_window hamming_window hann_window kaiser_window"), length),
    Group(functions("tril_indices triu_indices"), triangle, open=True),
    Group(methods("new_tensor"), new_tensor, device="cpu"),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.creation", GROUPS)


def test_sizes_may_be_another_tensors_shape() -> None:
    assert FUNCTIONS["torch.zeros"].apply((Shape((2, 3)),), {}) == Shape((2, 3))
    assert FUNCTIONS["torch.zeros"].apply((UNKNOWN,), {}) == UNKNOWN_SHAPE


def test_keywords_that_do_not_matter_are_dropped() -> None:
    assert FUNCTIONS["torch.zeros"].apply((2,), {"dtype": UNKNOWN, "device": UNKNOWN}) == Shape((2,))
