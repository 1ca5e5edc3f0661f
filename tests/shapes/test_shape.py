"""Shapes, and what several of them have in common."""

from __future__ import annotations

import pytest

import batchlint.shapes.torch  # noqa: F401  (fills the tables)
from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.ranks import at_rank, join, over_ranks, ranks_of
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN, ShapeFunction, Unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch, exact

B = Symbol("B", Role.BATCH)
H = Symbol("H")
b, h = B.dimension(), H.dimension()
BATCH = Shape((b,), (), exact=False)
FEATURES = Shape((), (10,), exact=False)


def test_text() -> None:
    assert str(Shape.of(b, 16, h - 4)) == "[B, 16, H - 4]"
    assert str(BATCH) == "[B, ...]"
    assert str(Shape((b,), (10,), exact=False)) == "[B, ..., 10]"
    assert str(Shape()) == "[]"


def test_rank() -> None:
    assert Shape.of(b, 3).rank == 2
    assert BATCH.rank is None
    assert (BATCH.least_rank, Shape((b,), (2, 3), exact=False).least_rank) == (1, 2)


def test_dimension_from_either_end() -> None:
    assert Shape.of(b, 3, 5).dimension(-1) == 5
    assert BATCH.dimension(0) == b
    assert BATCH.dimension(-1) is None
    assert FEATURES.dimension(-1) == 10
    assert FEATURES.dimension(0) is None
    with pytest.raises(ShapeMismatch):
        Shape.of(b).dimension(1)


def test_number_of_elements() -> None:
    assert Shape.of(b, 3, h).number_of_elements() == 3 * b * h
    assert BATCH.number_of_elements() is None


def test_substitute() -> None:
    assert Shape((b, h), (h + 1,), exact=False).substitute({H: 7}) == Shape((b, 7), (8,), exact=False)
    assert exact([b, h]).substitute({B: 2, H: 3}) == Shape((2, 3))


def test_mismatch_carries_the_sizes() -> None:
    mismatch = ShapeMismatch("Linear expects 400 features, got 576", 400, 576)
    assert (str(mismatch), mismatch.expected, mismatch.actual) == ("Linear expects 400 features, got 576", 400, 576)


def test_join_keeps_what_is_common() -> None:
    assert join([Shape((b, 3)), Shape((b, 3))]) == Shape((b, 3))
    joined = join([Shape((b, 3)), Shape((b, 4))])
    assert joined.exact
    assert joined.leading[0] == b
    assert str(joined) == "[B, ?]"
    assert join([Shape((b, 3)), Shape((b, 5, 3))]).trailing == (3,)
    assert join([BATCH, Shape((b, 3))]).leading == (b,)
    assert join([BATCH, UNKNOWN_SHAPE]) == UNKNOWN_SHAPE


def test_at_rank() -> None:
    assert at_rank(Shape((b,), (10,), exact=False), 2) == Shape((b, 10))
    assert at_rank(Shape((3,), (10,), exact=False), 1) is None
    assert at_rank(Shape((b, 3)), 3) is None
    widened = at_rank(BATCH, 3)
    assert widened is not None
    assert (widened.leading[0], len(widened.leading)) == (b, 3)


def test_ranks_that_contradict_are_left_out() -> None:
    assert [len(shape.leading) for shape in ranks_of(Shape((3,), (10,), exact=False))] == [2, 3, 4]


def test_an_operation_refused_at_every_rank_is_refused() -> None:
    def refuse(shape: Shape) -> Shape:
        raise ShapeMismatch("never")

    with pytest.raises(ShapeMismatch):
        over_ranks(refuse, BATCH)


def test_unknown_is_one_value() -> None:
    assert Unknown() is UNKNOWN


def test_functions_take_numpys_keywords_and_drop_the_rest() -> None:
    mean: ShapeFunction = FUNCTIONS["torch.mean"]
    assert mean.apply((Shape((b, 3)),), {"axis": 1, "keepdims": True, "dtype": UNKNOWN}) == Shape((b, 1))
    with pytest.raises(TypeError):
        mean.apply((Shape((b, 3)),), {"colour": 1})
