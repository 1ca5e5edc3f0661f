"""Which axis of an output counts the samples, told by the shapes at several batch sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rows:
    """The axis along which a tensor has its samples, and how many rows each of them has there."""

    axis: int
    each: int = 1


Shapes = Mapping[int, tuple[int, ...]]
"""The shape of one tensor by batch size."""


def rows_of(shapes: Shapes) -> Rows | None:
    """The axis whose size follows the batch size, with one row a sample if there is such an axis.

    >>> rows_of({4: (4, 10), 5: (5, 10)})
    Rows(axis=0, each=1)
    >>> rows_of({4: (7, 4, 3), 5: (7, 5, 3)})
    Rows(axis=1, each=1)
    >>> rows_of({4: (28, 3), 5: (35, 3)})
    Rows(axis=0, each=7)
    >>> rows_of({4: (10,), 5: (10,)})
    """
    ranks = {len(shape) for shape in shapes.values()}
    if len(ranks) != 1:
        return None
    found: list[Rows] = []
    for axis in range(ranks.pop()):
        ratios = {(shape[axis] // batch, shape[axis] % batch) for batch, shape in shapes.items()}
        if len(ratios) == 1:
            each, left = ratios.pop()
            if each and not left:
                found.append(Rows(axis, each))
    return min(found, key=lambda rows: (rows.each, rows.axis), default=None)


def pairs_samples(shapes: Shapes) -> bool:
    """Whether two axes count the samples: each is compared with each."""
    ranks = {len(shape) for shape in shapes.values()}
    if len(ranks) != 1 or len(shapes) < 2:
        return False
    axes = [axis for axis in range(ranks.pop()) if all(shape[axis] == batch for batch, shape in shapes.items())]
    return len(axes) > 1


def by_tensor(shapes: Mapping[int, Sequence[tuple[int, ...]]]) -> list[dict[int, tuple[int, ...]]] | None:
    """From the shapes of all tensors by batch size to those of each tensor; ``None`` if their number varies.

    >>> by_tensor({2: [(2, 3), (2,)], 5: [(5, 3), (5,)]})
    [{2: (2, 3), 5: (5, 3)}, {2: (2,), 5: (5,)}]
    """
    counts = {len(each) for each in shapes.values()}
    if len(counts) != 1:
        return None
    return [{batch: each[place] for batch, each in shapes.items()} for place in range(counts.pop())]
