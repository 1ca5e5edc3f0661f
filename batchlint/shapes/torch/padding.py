"""Borders added to a tensor: ``pad`` takes two numbers a dimension, from the last dimension on."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension, render, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.operands import as_dimension, as_shape

__all__ = ["pad"]


def pad(shape: Shape, amounts: Any) -> Shape:
    """*shape* with *amounts* added: before and after the last dimension, before and after the one before it, ...

    Raises:
        ShapeMismatch: there are more amounts than two a dimension, or a size becomes negative.
    """
    if not isinstance(amounts, (tuple, list)):
        return over_ranks(lambda known: Shape(tuple([unknown(minimum=0) for _ in known.leading])), shape)
    pairs = list(zip(amounts[::2], amounts[1::2]))
    if len(amounts) % 2:
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        if len(pairs) > len(known.leading):
            raise ShapeMismatch(f"pad with {len(amounts)} amounts for {known}")
        sizes = list(known.leading)
        for position, (before, after) in enumerate(pairs, 1):
            sizes[-position] = _padded(sizes[-position], before, after)
        return Shape(tuple(sizes))

    return over_ranks(at_known_rank, shape, reach=len(pairs))


def _padded(size: Dimension, before: Any, after: Any) -> Dimension:
    if before is UNKNOWN or after is UNKNOWN:
        return unknown(minimum=0)
    padded = size + as_dimension(before) + as_dimension(after)
    if isinstance(padded, int) and padded < 0:
        raise ShapeMismatch(f"pad takes more away than the {render(size)} that are there", actual=size)
    return padded


@shape_function("torch.nn.functional.pad")
def pad_function(input: Any, pad: Any, mode: Any = "constant", value: Any = None) -> Shape:
    """*input* with the amounts *pad* added."""
    return _pad(as_shape(input), pad)


_pad = pad
