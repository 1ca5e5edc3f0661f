"""Sums of products written with subscripts: ``einsum("bij,bjk->bik", x, y)``."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import Dimension
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast, broadcast_dimension
from batchlint.shapes.torch.operands import SCALAR, as_shape

__all__ = ["einsum"]


@shape_function("torch.einsum")
def einsum(equation: Any, *operands: Any) -> Shape:
    """The sizes of the letters after the arrow, or of those that stand once if there is none.

    Raises:
        ShapeMismatch: an operand has another number of dimensions than letters, or a letter two sizes.
    """
    if not isinstance(equation, str):
        return UNKNOWN_SHAPE
    if len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        return UNKNOWN_SHAPE
    if not arrow:
        letters = inputs.replace("...", "").replace(",", "")
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        output = ("..." if "..." in inputs else "") + "".join(once)
    shapes = tuple(map(as_shape, operands))
    if len(terms) > 2:
        # Every rank of every operand would be too many to try: without dots the letters give the rank.
        shapes = tuple([_at_letters(shape, term) for shape, term in zip(shapes, terms)])
        if not all(shape.exact for shape in shapes):
            return UNKNOWN_SHAPE
    reach = max(len(term.replace("...", "")) for term in terms)
    return over_ranks(lambda *known: _einsum_known(terms, output, known), *shapes, reach=reach)


def _at_letters(shape: Shape, term: str) -> Shape:
    if shape.exact or "..." in term:
        return shape
    return over_ranks(lambda known: _checked(known, term), shape, reach=len(term))


def _checked(shape: Shape, term: str) -> Shape:
    if len(shape.leading) != len(term):
        raise ShapeMismatch(f"einsum subscripts '{term}' for a tensor of shape {shape}")
    return shape


def _einsum_known(terms: list[str], output: str, shapes: tuple[Shape, ...]) -> Shape:
    sizes: dict[str, Dimension] = {}
    dots = SCALAR
    for term, shape in zip(terms, shapes):
        before, ellipsis, after = term.partition("...")
        free = len(shape.leading) - len(before) - len(after)
        if free < 0 or (free and not ellipsis):
            raise ShapeMismatch(f"einsum subscripts '{term}' for a tensor of shape {shape}")
        dots = broadcast(dots, Shape(shape.leading[len(before) : len(before) + free]))
        named = shape.leading[: len(before)] + shape.leading[len(before) + free :]
        for letter, size in zip(before + after, named):
            sizes[letter] = broadcast_dimension(sizes[letter], size) if letter in sizes else size
    before, ellipsis, after = output.partition("...")
    front = [sizes[letter] for letter in before if letter in sizes]
    back = [sizes[letter] for letter in after if letter in sizes]
    return Shape((*front, *(dots.leading if ellipsis else ()), *back))
