"""Views, reshapes and repetitions against torch."""

from __future__ import annotations

import pytest
import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Size, Tensor, both, differential_tests, functions, methods

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN
from batchlint.shapes.shape import Shape, ShapeMismatch


def factors(d: Draw, total: int) -> tuple[int, ...]:
    """Sizes whose product is *total*."""
    parts = []
    for _ in range(d.integer(0, 3)):
        part = d.one_of(*[n for n in range(1, total + 1) if total % n == 0])
        parts.append(part)
        total //= part
    return (*parts, total)


def resized(d: Draw) -> tuple[Tensor, tuple[Size, ...]]:
    tensor = d.tensor(0, 4, 1, 5)
    total = 1
    for size in tensor.sizes:
        total *= size
    sizes = list(factors(d, total))
    if d.integer(0, 9) == 0:
        sizes[0] += 1
    if d.chance():
        sizes[d.integer(0, len(sizes) - 1)] = -1
    return tensor, tuple(map(Size, sizes))


def spread(d: Draw, sizes: tuple[int, ...]) -> tuple[object, ...]:
    """Sizes as they are written: one by one or as a tuple."""
    return sizes if d.chance() and sizes else (sizes,)


def view(d: Draw) -> Case:
    tensor, sizes = resized(d)
    return Case((tensor, *spread(d, sizes)))


def reshape(d: Draw) -> Case:
    tensor, sizes = resized(d)
    return Case((tensor, sizes)) if d.chance() else Case((tensor,), {"shape": sizes})


def view_as(d: Draw) -> Case:
    tensor = d.tensor(0, 3)
    return Case((tensor, Tensor(tensor.sizes[::-1])))


def resize(d: Draw) -> Case:
    return Case((d.tensor(0, 3), *spread(d, tuple(map(Size, d.sizes(0, 3))))))


def flatten(d: Draw) -> Case:
    tensor = d.tensor(0, 5)
    rank = len(tensor.sizes)
    if d.chance():
        return Case((tensor, d.dim(rank)))
    return Case((tensor,), {"start_dim": d.dim(rank), "end_dim": d.dim(rank)})


def unflatten(d: Draw) -> Case:
    tensor, sizes = resized(d)
    before = d.sizes(0, 2)
    total = 1
    for size in tensor.sizes:
        total *= size
    return Case((Tensor((*before, total, *d.sizes(0, 2))), len(before), sizes))


def alone(d: Draw) -> Case:
    return Case((d.tensor(0, 5),))


def matrix(d: Draw) -> Case:
    return Case((d.tensor(0, 3),))


def matrices(d: Draw) -> Case:
    return Case((d.tensor(1, 4),))


def squeeze(d: Draw) -> Case:
    tensor = d.tensor(0, 5, 1, 3)
    if d.integer(0, 2) == 0:
        return Case((tensor,))
    return Case((tensor, d.dims(len(tensor.sizes)) if d.integer(0, 3) == 0 else d.dim(len(tensor.sizes))))


def unsqueeze(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, d.dim(len(tensor.sizes), new=1)))


def two_dims(d: Draw) -> Case:
    tensor = d.tensor(0, 5)
    return Case((tensor, d.dim(len(tensor.sizes)), d.dim(len(tensor.sizes))))


def permute(d: Draw) -> Case:
    tensor = d.tensor(0, 5)
    rank = len(tensor.sizes) + (d.integer(0, 9) == 0)
    return Case((tensor, tuple(axis - rank if d.chance() else axis for axis in d.permutation(rank))))


def permute_method(d: Draw) -> Case:
    tensor, order = permute(d).arguments
    return Case((tensor, *spread(d, order)))


def movedim(d: Draw) -> Case:
    tensor = d.tensor(1, 5)
    rank = len(tensor.sizes)
    if d.chance():
        return Case((tensor, d.dim(rank), d.dim(rank)))
    count = d.integer(1, rank)
    return Case((tensor, d.permutation(rank)[:count], d.permutation(rank)[:count]))


def rot90(d: Draw) -> Case:
    tensor = d.tensor(2, 4)
    return Case((tensor, d.integer(-3, 3), d.permutation(len(tensor.sizes))[:2]))


def complex_parts(d: Draw) -> Case:
    return Case((Tensor((*d.sizes(0, 3), 2 + (d.integer(0, 9) == 0))),))


def complex_tensor(d: Draw) -> Case:
    return Case((d.tensor(0, 3, dtype="complex64"),))


def several(d: Draw) -> Case:
    return Case(tuple(d.tensor(0, 4) for _ in range(d.integer(1, 2))))


def expand(d: Draw) -> Case:
    sizes = tuple(1 if d.integer(0, 2) == 0 else size for size in d.sizes(0, 4))
    wanted = [d.integer(1, 5) if size == 1 else size for size in sizes]
    wanted = [-1 if d.integer(0, 3) == 0 else size + (d.integer(0, 19) == 0) for size in wanted]
    return Case((Tensor(sizes), *spread(d, tuple(map(Size, (*d.sizes(0, 1), *wanted))))))


def expand_as(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((Tensor(d.broadcastable(sizes)), Tensor(sizes)))


def repeat(d: Draw) -> Case:
    tensor = d.tensor(0, 3)
    least = len(tensor.sizes) if d.integer(0, 9) else 0
    return Case((tensor, *spread(d, tuple(map(Size, d.sizes(least, least + 1, 1, 3))))))


def tile(d: Draw) -> Case:
    return Case((d.tensor(0, 3), tuple(map(Size, d.sizes(0, 4, 1, 3)))))


def tile_method(d: Draw) -> Case:
    tensor, counts = tile(d).arguments
    return Case((tensor, *spread(d, counts)))


def repeat_interleave(d: Draw) -> Case:
    tensor = d.tensor(0, 3)
    keywords = {"dim": d.dim(len(tensor.sizes))} if d.chance() else {}
    return Case((tensor, Size(d.integer(1, 3))), keywords)


def repeat_by_tensor(d: Draw) -> Case:
    size = d.integer(1, 4)
    before = d.sizes(0, 1)
    return Case((Tensor((*before, size)), Tensor((size,), dtype="int64")), {"dim": len(before)})


GROUPS = [
    Group(methods("view reshape"), view, examples=300),
    Group(functions("reshape"), reshape, examples=200),
    Group(methods("view_as reshape_as"), view_as),
    Group(methods("resize"), resize),
    Group(both("flatten"), flatten, examples=200),
    Group(both("unflatten"), unflatten, examples=100),
    Group(both("ravel"), alone),
    Group(both("squeeze"), squeeze, named_above_one=True, examples=300),
    Group(both("unsqueeze"), unsqueeze, examples=150),
    Group(both("transpose swapdims swapaxes"), two_dims, examples=150),
    Group((*both("t"), *methods("H")), matrix),
    Group(methods("T"), matrix),
    Group((*methods("mT mH"), *both("adjoint")), matrices),
    Group(methods("permute"), permute_method, examples=150),
    Group(functions("permute"), permute),
    Group(both("movedim moveaxis"), movedim, examples=100),
    Group(both("rot90"), rot90),
    Group(functions("view_as_complex"), complex_parts),
    Group(functions("view_as_real"), complex_tensor),
    Group(functions("atleast_1d atleast_2d atleast_3d"), several, examples=100),
    Group(methods("expand"), expand, examples=200),
    Group(methods("expand_as"), expand_as),
    Group(methods("repeat"), repeat, examples=150),
    Group(functions("tile"), tile),
    Group(methods("tile"), tile_method),
    Group(both("repeat_interleave"), repeat_interleave, examples=100),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.views torch.reshaping torch.repeating", GROUPS)

test_repeats_by_a_tensor_are_open, _ = differential_tests(
    "", [Group(both("repeat_interleave"), repeat_by_tensor, device="cpu", open=True)]
)

B = Symbol("B", Role.BATCH).dimension()
H = Symbol("H").dimension()
BATCH = Shape((B,), (), exact=False)


@pytest.mark.parametrize(
    ("name", "shape", "arguments", "text"),
    [
        ("view", Shape((B, 16, 5, 5)), (-1, 400), "[B, 400]"),
        ("view", Shape((B, 16, H, H)), (B, -1), "[B, 16*H*H]"),
        ("view", Shape((B, 16, H, H)), (-1, 400), "[(16*B*H*H)//400, 400]"),
        ("view", BATCH, (B, -1), "[B, ?]"),
        ("view", Shape((B, 6)), (UNKNOWN, 3), "[2*B, 3]"),
        ("view", Shape((B, 6)), (UNKNOWN, -1), "[?, ?]"),
        ("view", Shape((0, 3)), (0, -1), "[0, ?]"),
        ("view", Shape((B, 6)), (UNKNOWN,), "[...]"),
        ("flatten", BATCH, (1,), "[B, ?]"),
        ("flatten", Shape((B, 16, 5, 5)), (1, UNKNOWN), "[B, ...]"),
        ("unflatten", Shape((B, 6 * H)), (1, (6, -1)), "[B, 6, H]"),
        ("transpose", BATCH, (1, 2), "[B, ?, ?, ...]"),
        ("permute", BATCH, (0, 2, 3, 1), "[B, ?, ?, ?]"),
        ("permute", Shape((B, 3, H)), (0, UNKNOWN, 1), "[B, ?, 3]"),
        ("unsqueeze", BATCH, (0,), "[1, B, ...]"),
        ("unsqueeze", BATCH, (-1,), "[B, ?, ..., 1]"),
        ("squeeze", Shape((B, 1, H)), (), "[B, H]"),
        ("squeeze", BATCH, (), "[B, ...]"),
        ("squeeze", Shape((B, H - 4, 3)), (), "[B, ..., 3]"),
        ("expand", BATCH, (-1, 3, 4), "[B, 3, 4]"),
        ("repeat", Shape((1, H)), (B, 2), "[B, 2*H]"),
        ("T", Shape((B,), (10,), exact=False), (), "[10, ..., B]"),
    ],
)
def test_what_is_certain_is_kept(name: str, shape: Shape, arguments: tuple[object, ...], text: str) -> None:
    assert str(FUNCTIONS[f"torch.Tensor.{name}"].apply((shape, *arguments), {})) == text


@pytest.mark.parametrize(
    ("name", "shape", "arguments"),
    [
        ("view", Shape((2, 3)), (4, -1)),
        ("view", Shape((B, 400)), (B, 576)),
        ("flatten", Shape((2, 3)), (2,)),
        ("permute", Shape((2, 3)), (0, 2, 1)),
        ("expand", Shape((2, 3)), (2, 4)),
        ("repeat", Shape((2, 3)), (2,)),
        ("t", Shape((2, 3, 4)), ()),
    ],
)
def test_refused(name: str, shape: Shape, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS[f"torch.Tensor.{name}"].apply((shape, *arguments), {})
