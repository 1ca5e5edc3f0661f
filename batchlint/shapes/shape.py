"""The shape of a tensor: every dimension, or the first and last ones where the rank is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchlint.shapes.dimension import Dimension, Symbol, product, render, substitute


class ShapeMismatch(Exception):
    """The framework would raise for these shapes, whatever the symbols in them are.

    Attributes:
        message: in the framework's terms, e.g. ``Linear expects 400 features, got 576``.
        expected: the size that was wanted, where one number is at fault.
        actual: the size that came.
    """

    def __init__(self, message: str, expected: Dimension | None = None, actual: Dimension | None = None) -> None:
        super().__init__(message)
        self.message, self.expected, self.actual = message, expected, actual


@dataclass(frozen=True, slots=True)
class Shape:
    """Dimensions of a tensor.

    Attributes:
        leading: the first dimensions; all of them when *exact*.
        trailing: the last dimensions where the number between is not known; empty when *exact*.
        exact: whether the rank is known. ``Shape((B,), (), False)`` is ``[B, ...]``: a batch of anything.
    """

    leading: tuple[Dimension, ...] = ()
    trailing: tuple[Dimension, ...] = ()
    exact: bool = True

    @classmethod
    def of(cls, *dimensions: Dimension) -> Shape:
        """The exact shape with *dimensions*."""
        return cls(dimensions)

    @property
    def rank(self) -> int | None:
        """The number of dimensions, ``None`` where it is not known."""
        return len(self.leading) if self.exact else None

    @property
    def least_rank(self) -> int:
        """The number of dimensions that are certain to exist."""
        return len(self.leading) if self.exact else max(len(self.leading), len(self.trailing))

    def dimension(self, index: int) -> Dimension | None:
        """The size at *index* (negative from the end), ``None`` where it is not known.

        Raises:
            ShapeMismatch: the rank is known and *index* is outside it.
        """
        if self.exact:
            if not -len(self.leading) <= index < len(self.leading):
                raise ShapeMismatch(f"dimension {index} of a tensor of rank {len(self.leading)}")
            return self.leading[index]
        if index >= 0:
            return self.leading[index] if index < len(self.leading) else None
        return self.trailing[index] if -index <= len(self.trailing) else None

    def number_of_elements(self) -> Dimension | None:
        """The product of all dimensions, ``None`` where the rank is not known."""
        return product(self.leading) if self.exact else None

    def substitute(self, values: Mapping[Symbol, Dimension]) -> Shape:
        """This shape with each symbol of *values* replaced."""
        return Shape(
            tuple(substitute(d, values) for d in self.leading),
            tuple(substitute(d, values) for d in self.trailing),
            self.exact,
        )

    def __str__(self) -> str:
        parts = [render(d) for d in self.leading]
        if not self.exact:
            parts += ["...", *(render(d) for d in self.trailing)]
        return f"[{', '.join(parts)}]"


UNKNOWN_SHAPE = Shape((), (), exact=False)
"""A tensor of which nothing is known."""


def exact(dimensions: Sequence[Dimension]) -> Shape:
    """The exact shape with *dimensions*."""
    return Shape(tuple(dimensions))
