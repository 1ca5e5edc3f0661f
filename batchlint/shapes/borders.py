"""Borders added to a tensor: a pair of amounts, before and after, for each dimension."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension, Expression, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.shape import Shape, ShapeMismatch

__all__ = ["bordered", "bordered_alike"]


def bordered(shape: Shape, pairs: Any) -> Shape:
    """*shape* with a pair of amounts added to each dimension.

    Raises:
        ShapeMismatch: there are not as many pairs as dimensions.
    """
    if not isinstance(pairs, (tuple, list)):
        return over_ranks(lambda known: Shape(tuple([unknown(minimum=0) for _ in known.leading])), shape)

    def at_known_rank(known: Shape) -> Shape:
        if len(pairs) != len(known.leading):
            raise ShapeMismatch(f"pad with {len(pairs)} pairs of amounts for {known}")
        return Shape(tuple(map(_grown, known.leading, pairs)))

    return over_ranks(at_known_rank, shape, reach=len(pairs))


def bordered_alike(shape: Shape, amounts: Any) -> Shape:
    """`bordered`, but one pair or one number is for all dimensions, as in NumPy.

    Raises:
        ShapeMismatch: there are several pairs, but not as many as dimensions.
    """
    if isinstance(amounts, (int, Expression)):
        amounts = ((amounts, amounts),)
    if isinstance(amounts, (tuple, list)) and amounts and all(isinstance(one, (int, Expression)) for one in amounts):
        amounts = (tuple(amounts) * 2 if len(amounts) == 1 else tuple(amounts),)
    if isinstance(amounts, (tuple, list)) and len(amounts) == 1:
        pair = amounts[0]
        return over_ranks(lambda known: Shape(tuple([_grown(size, pair) for size in known.leading])), shape)
    return bordered(shape, amounts)


def _grown(size: Dimension, amounts: Any) -> Dimension:
    if not isinstance(amounts, (tuple, list)) or len(amounts) != 2:
        return unknown(minimum=0)
    before, after = amounts
    if not isinstance(before, (int, Expression)) or not isinstance(after, (int, Expression)):
        return unknown(minimum=0)
    return size + before + after
