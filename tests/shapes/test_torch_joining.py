"""Joining and cutting tensors against torch."""

from __future__ import annotations

import pytest
import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Size, Tensor, both, differential_tests, functions

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch


def alike(d: Draw, sizes: tuple[int, ...], axis: int | None, least: int = 1) -> tuple[Tensor, ...]:
    """Tensors that differ in the dimension *axis*, and sometimes by mistake in another."""
    tensors = []
    for _ in range(d.integer(1, 3)):
        own = list(sizes)
        if axis is not None and own:
            own[axis] = d.integer(least, 4)
        if own and d.integer(0, 19) == 0:
            own[0] += 1
        tensors.append(Tensor(tuple(own)))
    return tuple(tensors)


def cat(d: Draw) -> Case:
    sizes = d.sizes(1, 4)
    dim = d.dim(len(sizes))
    tensors = alike(d, sizes, dim if -len(sizes) <= dim < len(sizes) else None, least=d.integer(0, 1))
    if d.integer(0, 9) == 0:
        tensors = (*tensors, Tensor((0,)))
    return Case((tensors, dim)) if d.chance() else Case((tensors,), {"dim": dim})


def stack(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((alike(d, sizes, None), d.dim(len(sizes), new=1)))


def side_by_side(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((alike(d, sizes, min(1, len(sizes) - 1) if sizes else None),))


def below(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((alike(d, sizes, 0 if len(sizes) > 1 else None),))


def behind(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((alike(d, sizes, 2 if len(sizes) > 2 else None),))


def vectors(d: Draw) -> tuple[Tensor, ...]:
    return tuple(d.tensor(0, 1) for _ in range(d.integer(1, 3)))


def grid(d: Draw) -> Case:
    return Case(vectors(d) if d.chance() else (vectors(d),), {"indexing": d.one_of("ij", "xy")})


def product(d: Draw) -> Case:
    return Case(tuple(d.tensor(1, 1) for _ in range(d.integer(1, 3))))


def combinations(d: Draw) -> Case:
    return Case((d.tensor(1, 1), d.integer(1, 3)))


def chunk(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 1, 8)
    return Case((tensor, d.integer(1, 4), d.dim(len(tensor.sizes))))


def split(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 1, 8)
    dim = d.dim(len(tensor.sizes))
    if d.chance():
        return Case((tensor, Size(d.integer(1, 4)), dim))
    return Case((tensor, sections(d, tensor.sizes, dim), dim))


def sections(d: Draw, sizes: tuple[int, ...], dim: int) -> tuple[Size, ...]:
    total = sizes[dim] if -len(sizes) <= dim < len(sizes) else 1
    first = d.integer(0, total)
    return Size(first), Size(total - first + (d.integer(0, 9) == 0))


def split_with_sizes(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 1, 8)
    dim = d.dim(len(tensor.sizes))
    return Case((tensor, sections(d, tensor.sizes, dim), dim))


def tensor_split(d: Draw) -> Case:
    tensor = d.tensor(1, 4, 1, 8)
    dim = d.dim(len(tensor.sizes))
    if d.chance():
        return Case((tensor, d.integer(1, 4), dim))
    return Case((tensor, tuple(Size(d.integer(0, 6)) for _ in range(d.integer(1, 3))), dim))


def unbind(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dim(len(tensor.sizes))))


GROUPS = [
    Group(functions("cat concat concatenate"), cat, examples=200),
    Group(functions("stack"), stack, examples=150),
    Group(functions("hstack"), side_by_side, examples=150),
    Group(functions("vstack row_stack"), below),
    Group(functions("dstack"), behind),
    Group(functions("meshgrid"), grid, examples=100),
    Group(functions("cartesian_prod"), product),
    Group(functions("combinations"), combinations, device="cpu", open=True),
    Group(both("chunk"), chunk, fewer=True, examples=150),
    Group(both("split"), split, examples=150),
    Group(both("split_with_sizes"), split_with_sizes),
    Group(both("tensor_split"), tensor_split, examples=100),
    Group(both("unbind"), unbind),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.joining torch.cutting", GROUPS)

B = Symbol("B", Role.BATCH).dimension()
H = Symbol("H").dimension()


def apply(name: str, *arguments: object) -> object:
    return FUNCTIONS[name].apply(arguments, {})


def test_symbols_add_up() -> None:
    assert apply("torch.cat", (Shape((B, 3, H)), Shape((B, 5, H))), 1) == Shape((B, 8, H))
    assert apply("torch.cat", (Shape((B, H)), Shape((B, H))), 1) == Shape((B, 2 * H))


def test_the_known_size_wins() -> None:
    assert apply("torch.stack", (Shape((B, H)), Shape((4, H)))) == Shape((2, 4, H))


def test_a_tensor_of_known_rank_settles_the_others() -> None:
    result = apply("torch.cat", (Shape((B,), (), exact=False), Shape((B, 5))), 1)
    assert isinstance(result, Shape)
    assert result.exact
    assert result.leading[0] == B


def test_pieces_of_a_symbol() -> None:
    assert apply("torch.Tensor.chunk", Shape((B, 2 * H)), 2, 1) == (Shape((B, H)), Shape((B, H)))
    assert apply("torch.Tensor.split", Shape((B, 3 * H)), H, 1) == (Shape((B, H)),) * 3


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("torch.cat", ((Shape((2, 3)), Shape((2, 4))), 0)),
        ("torch.cat", ((Shape((2, 3)), Shape((2, 3, 1))), 0)),
        ("torch.stack", ((Shape((B, 3)), Shape((B, 4))), 0)),
        ("torch.Tensor.split", (Shape((B, 10)), (3, 3), 1)),
    ],
)
def test_refused(name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        apply(name, *arguments)
