"""What is certain about the order of dimensions."""

from __future__ import annotations

from batchlint.shapes.dimension import (
    Dimension,
    Expression,
    FloorDivision,
    Role,
    Symbol,
    certainly_differ,
    least,
    symbols_of,
)
from batchlint.shapes.shape import ShapeMismatch

__all__ = ["at_most", "is_named", "least", "unify"]


def at_most(left: Dimension, right: Dimension) -> bool:
    """Whether *left* is certain not to be above *right*; a quotient ``H//2`` is known to be at most ``H``."""
    difference = least(right - left)
    if difference is not None:
        return difference >= 0
    if isinstance(left, Expression) and len(left.terms) == 1:
        monomial, coefficient = left.terms[0]
        atom = monomial[0]
        if coefficient == 1 and len(monomial) == 1 and isinstance(atom, FloorDivision):
            return isinstance(atom.denominator, int) and at_most(atom.numerator, right * atom.denominator)
    return False


def is_named(dimension: Dimension) -> bool:
    """Whether *dimension* is a sum of products of sizes that have a name, nothing being taken away or divided."""
    if not isinstance(dimension, Expression):
        return False
    return all(
        coefficient > 0 and all(isinstance(atom, Symbol) and atom.name != "?" and atom.minimum > 0 for atom in monomial)
        for monomial, coefficient in dimension.terms
    )


def _preference(dimension: Dimension) -> int:
    if not isinstance(dimension, Expression):
        return 4
    symbols = symbols_of(dimension)
    if any(symbol.name == "?" for symbol in symbols):
        return 0
    if any(symbol.role is Role.BATCH for symbol in symbols):
        return 3
    return 1 if any(symbol.role is Role.FIXED_BATCH for symbol in symbols) else 2


def unify(left: Dimension, right: Dimension, message: str = "sizes must match") -> Dimension:
    """The one of two dimensions, which the framework demands to be equal, that says more.

    A number says most, then the batch, then any other name, then a batch size that somebody wrote down.

    Raises:
        ShapeMismatch: the two are certain to differ.
    """
    if left == right:
        return left
    if certainly_differ(left, right):
        raise ShapeMismatch(message, left, right)
    return left if _preference(left) >= _preference(right) else right
