"""Indexing and slicing against torch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from differential import (
    SCALE,
    Abstraction,
    Case,
    Draw,
    Group,
    Size,
    Tensor,
    both,
    cases,
    contradiction,
    differential_tests,
    exact_argument,
    mapped,
    methods,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_side import make_tensor

from batchlint.shapes.dimension import Role, Symbol, floor_divide
from batchlint.shapes.registry import UNKNOWN, TensorIndex
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.indexing import index, slice_length


def item(d: Draw, sizes: tuple[int, ...], tensors: bool) -> tuple[Any, int]:
    """One index into the first of *sizes*, and how many of them it takes."""
    kind = d.integer(0, 8 if tensors else 4)
    size = sizes[0] if sizes else 1
    if kind == 0:
        return None, 0
    if kind == 1:
        return d.integer(-size, size - 1 + (d.integer(0, 15) == 0)), 1
    if kind < 5:
        bounds = [None if d.chance() else Size(d.integer(-size - 2, size + 2)) for _ in range(2)]
        return slice(*bounds, d.one_of(None, None, 1, 2, 3)), 1
    if kind == 5 and len(sizes) > 1 and d.chance():
        return Tensor(sizes[:2], "bool", index=True), 2
    if kind == 5:
        return Tensor(sizes[:1] if d.integer(0, 9) else (size + 1,), "bool", index=True), 1
    return Tensor(d.one_of((), (1,), (3,), (2, 3)), "int64", index=True, below=size), 1


def indexed(d: Draw) -> Case:
    tensor = d.tensor(0, 5, 1, 5)
    rest, items = tensor.sizes, []
    tensors = d.chance()
    count = d.integer(0, len(rest) + 1)
    ellipsis = d.integer(0, count) if d.integer(0, 3) == 0 else None
    for position in range(count):
        if position == ellipsis:
            items.append(Ellipsis)
            rest = rest[d.integer(0, 1) :]
        one, taken = item(d, rest, tensors)
        items.append(one)
        rest = rest[taken:]
    return Case((tensor, tuple(items)))


def torch_shape(tensor: Tensor, items: tuple[Any, ...]) -> tuple[int, ...] | None:
    def leaf(value: Any) -> Any:
        return make_tensor(value, "cpu") if isinstance(value, Tensor) else int(value) if type(value) is Size else value

    try:
        return tuple(make_tensor(tensor, "cpu")[mapped(items, leaf)].shape)
    except IndexError:
        return None


@settings(
    max_examples=800 * SCALE, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(cases(indexed), st.integers(0, 2**32))
def test_index_agrees_with_torch(case: Case, seed: int) -> None:
    tensor, items = case.arguments
    truth = torch_shape(tensor, items)
    try:
        exact = index(Shape(tensor.sizes), mapped(items, exact_argument))
    except ShapeMismatch:
        assert truth is None
        return
    if truth is None:
        return
    masked = any(isinstance(one, Tensor) and one.dtype == "bool" for one in items)
    assert contradiction(exact, truth, {}, fewer=False, closed=not masked) is None, (exact, truth)
    for offset in range(3):
        hidden = Abstraction(seed + offset)
        shape, abstract = hidden.argument(tensor), tuple(map(hidden.argument, items))
        claim = index(shape, abstract) if isinstance(shape, Shape) else UNKNOWN_SHAPE
        assert contradiction(claim, truth, hidden.values, fewer=False, closed=False) is None, (shape, abstract, claim)


def narrow(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    dim = d.dim(len(tensor.sizes))
    return Case((tensor, dim, 0, Size(d.integer(0, 3))))


def select(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dim(len(tensor.sizes)), 0))


def unfold(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, d.dim(len(tensor.sizes)), Size(d.integer(1, 3)), Size(d.integer(1, 3))))


GROUPS = [
    Group(both("narrow"), narrow),
    Group(both("select"), select),
    Group(methods("unfold"), unfold, examples=150),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.indexing", GROUPS)

B = Symbol("B", Role.BATCH).dimension()
H = Symbol("H").dimension()
ALL = slice(None)


@pytest.mark.parametrize(
    ("part", "length"),
    [
        (slice(None, -1), H - 1),
        (slice(1, None), H - 1),
        (slice(None, None, 2), floor_divide(H + 1, 2)),
        (slice(1, None, 2), floor_divide(H, 2)),
        (slice(None, floor_divide(H, 2)), floor_divide(H, 2)),
        (slice(floor_divide(H, 2), None), H - floor_divide(H, 2)),
        (slice(0, 1), 1),
        (slice(None, H), H),
        (slice(H, None), 0),
    ],
)
def test_slices_of_a_symbol(part: slice, length: object) -> None:
    assert slice_length(H, part) == length


def test_a_slice_that_may_be_empty_is_unknown() -> None:
    assert slice_length(H, slice(1, -1)) != H - 2
    assert slice_length(H + 1, slice(1, -1)) == H - 1


def test_a_slice_that_may_reach_beyond_the_end_is_unknown() -> None:
    assert slice_length(H, slice(None, 5)) not in (5, H)


@pytest.mark.parametrize(
    ("shape", "items", "result"),
    [
        (Shape((B, 3, H)), (ALL, 0), Shape((B, H))),
        (Shape((B, 3, H)), (Ellipsis, None), Shape((B, 3, H, 1))),
        (Shape((B,), (), False), (slice(None, 4),), None),
        (Shape((B,), (), False), (ALL, UNKNOWN), Shape((B,), (), False)),
        (Shape((B, 8), (), False), (ALL, ALL, UNKNOWN), Shape((B, 8), (), False)),
        (Shape((B, 8, 8)), (ALL, TensorIndex(Shape((5,)), False)), Shape((B, 5, 8))),
        (Shape((B, 8, 8)), (ALL, (1, 2, 3)), Shape((B, 3, 8))),
        (UNKNOWN_SHAPE, (UNKNOWN,), UNKNOWN_SHAPE),
    ],
)
def test_what_is_certain_is_kept(shape: Shape, items: tuple[Any, ...], result: Shape | None) -> None:
    claim = index(shape, items)
    assert claim == result if result is not None else B not in claim.leading


def test_integers_do_not_keep_index_tensors_apart() -> None:
    """As in PyTorch, and not as in NumPy: the integer selects before the tensors index."""
    tensor = torch.zeros(2, 3, 4)
    assert tensor[0, :, torch.tensor([1, 2])].shape == (3, 2)
    assert index(Shape((2, 3, 4)), (0, ALL, TensorIndex(Shape((2,)), False))) == Shape((3, 2))


@pytest.mark.parametrize(
    ("shape", "items"),
    [(Shape((2, 3)), (0, 0, 0)), (Shape((2, 3)), (2,)), (Shape((2, 3)), (TensorIndex(Shape((3,)), True),))],
)
def test_refused(shape: Shape, items: tuple[Any, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        index(shape, items)
