"""The ladder of batch sizes."""

from __future__ import annotations

import pytest

from batchlint.verify.batch_sizes import ladder


@pytest.mark.parametrize(
    ("control", "dimensions", "expected"),
    [
        (4, (), (4, 1, 2, 3, 5, 7)),
        (4, (400, 14), (4, 1, 2, 3, 11, 13)),
        (64, (3, 28, 800), (64, 1, 2, 63, 67, 71)),
        (1, (), (1, 2, 3, 5)),
        (2, (), (2, 1, 3, 5)),
        (128, (131, 784), (128, 1, 2, 127, 137, 139)),
    ],
)
def test_the_control_comes_first_and_primes_divide_no_dimension(
    control: int, dimensions: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert ladder(control, dimensions) == expected


def test_what_is_asked_for_replaces_all_but_the_control() -> None:
    assert ladder(16, (5,), asked=(16, 1, 5)) == (16, 1, 5)


@pytest.mark.parametrize(("control", "asked"), [(0, ()), (4, (0,)), (4, (-1, 3))])
def test_less_than_one_row_is_refused(control: int, asked: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="is no batch size"):
        ladder(control, (), asked)
