"""Which batch sizes to run at."""

from __future__ import annotations

from collections.abc import Collection, Iterator

PRIMES = 2
"""How many sizes above the control; two, as one may fit by chance."""


def ladder(control: int, dimensions: Collection[int], asked: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The control first, then 1, 2, one less than the control, and two primes above it.

    The primes divide no dimension: a fold by the batch size would come out even there, and stay hidden.

    Args:
        control: the batch size that the code is written for.
        dimensions: sizes of the tensors involved, the batch's own left out.
        asked: what the user wants instead of all but the control.

    Raises:
        ValueError: a batch size is less than 1.

    >>> ladder(64, {3, 28, 800})
    (64, 1, 2, 63, 67, 71)
    >>> ladder(4, {15, 49}, asked=(1, 4, 8))
    (4, 1, 8)
    """
    if min((control, *asked)) < 1:
        raise ValueError(f"{min((control, *asked))} is no batch size: expected 1 or more")
    others = asked or (1, 2, control - 1, *_primes_above(control, dimensions))
    return tuple(dict.fromkeys((control, *(size for size in others if size > 0))))


def _primes_above(control: int, dimensions: Collection[int]) -> list[int]:
    found: list[int] = []
    for prime in _primes():
        if prime > max(control, 2) and not any(size and size % prime == 0 for size in dimensions):
            found.append(prime)
            if len(found) == PRIMES:
                break
    return found


def _primes() -> Iterator[int]:
    number = 2
    while True:
        if all(number % factor for factor in range(2, int(number**0.5) + 1)):
            yield number
        number += 1
