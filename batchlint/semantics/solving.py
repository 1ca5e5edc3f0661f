"""Which input size a hardcoded number of features stands for."""

from __future__ import annotations

from batchlint.semantics.layers import spatial_symbols
from batchlint.shapes.dimension import Dimension, evaluate

MAXIMUM_SIZE = 1024
_USUAL = (28, 32, 224, 64, 96, 128, 256, 299, 227, 84, 48, 40, 16, 300, 512)


def square_solutions(width: Dimension, features: int) -> list[int]:
    """Every size s up to 1024 for which *width* is *features* when each spatial size of the input is s.

    Sizes so small that two negative ones are multiplied may give *features* too; those that fit come after them.
    """
    symbols = spatial_symbols(width)
    found: list[int] = []
    for size in range(1, MAXIMUM_SIZE + 1):
        try:
            value = evaluate(width, dict.fromkeys(symbols, size))
        except ZeroDivisionError:
            continue
        if value is None:
            return []
        if value == features:
            if found and found[-1] != size - 1:
                found.clear()
            found.append(size)
        elif value > features > 0 and len(symbols) <= 3 and size > 4 * (found[-1] if found else size):
            break
    return found


def square_solution(width: Dimension, features: int) -> int | None:
    """The likeliest of the sizes that `square_solutions` gives: a usual one, else the largest even one."""
    found = square_solutions(width, features)
    if not found:
        return None
    usual = [size for size in _USUAL if size in found]
    if usual:
        return usual[0]
    even = [size for size in found if size % 2 == 0]
    return (even or found)[-1]
