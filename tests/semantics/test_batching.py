"""How far the batches of a loop reach, for the ranges that people write."""

from __future__ import annotations

import pytest

from batchlint.semantics.batching import COUNTER, Batches, Extent, batches_in, counted_batches, zipped_bounds
from batchlint.semantics.observations import SLICE, Context, LoopContext, Observation
from batchlint.semantics.values import NONE, UNKNOWN, Integer, Range, SliceValue
from batchlint.shapes.dimension import Dimension, Role, Symbol, floor_divide

n = Symbol("n", identity="rows").dimension()
size = Symbol("batch_size", Role.FIXED_BATCH).dimension()
known = Symbol("batch_size", Role.FIXED_BATCH, 64).dimension()
smallest = Symbol("min", identity="end").dimension()


def integers(*dimensions: Dimension) -> Range:
    start, stop, step = (Integer(dimension) for dimension in dimensions)
    return Range(start, stop, step)


def cut(counted: Range, factor: Dimension = 1, upper: Dimension | None = None, by: Dimension = size) -> Batches | None:
    """The batches of ``x[factor * i:factor * i + by]`` in a loop over *counted*."""
    counter = Symbol("i", identity=(COUNTER, counted.identity, 1), minimum=0).dimension()
    lower = counter * factor
    end = lower + by if upper is None else upper
    loops = (LoopContext(None, counted, None, ("i",)),)
    piece = SliceValue(Integer(lower), Integer(end), NONE)
    observation = Observation(SLICE, None, {"receiver": UNKNOWN, "slice": piece}, context=Context(loops=loops))
    found = batches_in(observation)
    return None if found is None else found[1]


@pytest.mark.parametrize(
    ("counted", "factor"),
    [
        (integers(0, floor_divide(n, size), 1), size),
        (integers(1, floor_divide(n, size), 1), size),
        (integers(0, n - size + 1, size), 1),
    ],
)
def test_rows_after_the_last_full_batch_are_left_out(counted: Range, factor: Dimension) -> None:
    assert cut(counted, factor) == Batches(n, size, floor_divide(n, size), Extent.FULL_BATCHES)


@pytest.mark.parametrize(
    ("counted", "factor"),
    [
        (integers(0, floor_divide(n, size) - 1, 1), size),
        (integers(0, n - size, size), 1),
    ],
)
def test_the_last_batch_is_lost(counted: Range, factor: Dimension) -> None:
    found = cut(counted, factor)
    assert found is not None
    assert (found.rows, found.extent) == (n, Extent.LESS)


@pytest.mark.parametrize(
    ("counted", "factor"),
    [
        (integers(0, floor_divide(n, size) + 1, 1), size),
        (integers(0, floor_divide(n + size, size), 1), size),
        (integers(0, n + 1, size), 1),
    ],
)
def test_a_batch_may_be_empty(counted: Range, factor: Dimension) -> None:
    found = cut(counted, factor)
    assert found is not None
    assert (found.rows, found.extent) == (n, Extent.MORE)


@pytest.mark.parametrize(
    ("counted", "factor"),
    [
        (integers(0, floor_divide(n - 1, size) + 1, 1), size),
        (integers(0, floor_divide(n + size - 1, size), 1), size),
        (integers(0, floor_divide(n * -1, size) * -1, 1), size),
        (integers(0, n, size), 1),
        (integers(0, floor_divide(n, size) * size, size), 1),
        (integers(0, floor_divide(n - 1, size), 1), size),
        (integers(0, 1000, size), 1),
        (integers(0, n, 1), size),
        (integers(0, floor_divide(size, 4), 1), 4),
    ],
)
def test_all_rows_or_nothing_to_say(counted: Range, factor: Dimension) -> None:
    assert cut(counted, factor) is None


def test_an_end_that_is_cut_off_at_the_rows_is_a_full_batch() -> None:
    found = cut(integers(0, floor_divide(n, size), 1), size, upper=smallest)
    assert found is not None
    assert found.extent is Extent.FULL_BATCHES


def test_another_end_says_nothing() -> None:
    assert cut(integers(0, floor_divide(n, size), 1), size, upper=n) is None


def test_known_numbers_are_told() -> None:
    found = cut(integers(0, floor_divide(1000, known), 1), known, by=known)
    assert found is not None
    assert found.tail == 40
    assert found.divides == "1000 % batch_size = 40"


def test_pairs_of_bounds() -> None:
    starts = integers(0, n, size)
    assert zipped_bounds((starts, integers(size, n, size))) == Batches(n, size, floor_divide(n, size), Extent.LESS)
    assert zipped_bounds((starts, integers(size, n + 1, size))) == Batches(n, size, floor_divide(n, size))
    assert zipped_bounds((starts, integers(size, n + size, size))) is None
    assert zipped_bounds((integers(0, n, 2), integers(2, n, 2))) is None


def test_a_batch_cut_into_smaller_ones_is_no_count_of_batches() -> None:
    micro = Symbol("micro_batch_size", Role.FIXED_BATCH).dimension()
    assert counted_batches(floor_divide(n, size)) == Batches(n, size, floor_divide(n, size))
    assert counted_batches(floor_divide(size, micro)) is None
    assert counted_batches(floor_divide(n - 1, size)) is None
    assert counted_batches(n) is None
