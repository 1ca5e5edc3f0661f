"""How a claim is compared with the truth, whatever the framework: make a call symbolic, see what the claim allows."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from batchlint.shapes.dimension import Expression, Symbol
from batchlint.shapes.registry import UNKNOWN
from batchlint.shapes.shape import Shape, exact


@dataclass(frozen=True)
class Tensor:
    """A tensor to make: its sizes, and for indices the number that it is full of."""

    sizes: tuple[int, ...]
    index: int | None = None


@dataclass(frozen=True)
class Part:
    """A layer that another one's constructor takes; to the tables it is unknown."""

    name: str
    settings: tuple[tuple[str, Any], ...]


class Generaliser:
    """Replaces numbers by symbols, shapes by parts of them and anything by `UNKNOWN`; knows what the symbols are."""

    def __init__(self, draw: st.DataObject, partial: bool) -> None:
        self.draw, self.partial = draw, partial
        self.values: dict[Symbol, int] = {}

    def size(self, number: int) -> int | Expression:
        kind = self.draw.draw(st.sampled_from(("number", "fresh", "shared")))
        if kind == "number":
            return number
        identity = (number, len(self.values) if kind == "fresh" else None)
        symbol = Symbol(f"n{number}", identity=identity, minimum=min(number, 1))
        self.values[symbol] = number
        return symbol.dimension()

    def shape(self, tensor: Tensor) -> Shape:
        sizes = tuple(self.size(number) for number in tensor.sizes)
        if not self.partial or len(sizes) < 2 or not self.draw.draw(st.booleans()):
            return Shape(sizes)
        first = self.draw.draw(st.integers(0, len(sizes)))
        last = self.draw.draw(st.integers(0, len(sizes)))
        return Shape(sizes[:first], sizes[len(sizes) - last :], exact=False)

    def setting(self, value: Any) -> Any:
        if isinstance(value, Part) or self.draw.draw(st.integers(0, 7)) == 0:
            return UNKNOWN
        if isinstance(value, Tensor):
            return self.shape(value)
        if isinstance(value, tuple):
            return tuple(self.setting(part) for part in value)
        return self.size(value) if type(value) is int and value >= 0 else value

    def input(self, value: Any) -> Any:
        if isinstance(value, tuple) and all(isinstance(part, Tensor) for part in value):
            return tuple(map(self.shape, value))
        return self.shape(value) if isinstance(value, Tensor) else self.setting(value)


def as_claim_of(truth: Any) -> Any:
    """The claim that says exactly *truth*."""
    if isinstance(truth, tuple) and all(isinstance(size, int) for size in truth):
        return exact(truth)
    return tuple(map(as_claim_of, truth)) if isinstance(truth, tuple) else None


def describe(claim: Any) -> str:
    return f"({', '.join(map(describe, claim))})" if isinstance(claim, tuple) else str(claim)


def agrees(claim: Any, truth: Any, values: dict[Symbol, int]) -> bool:
    """Whether *claim*, with the symbols' *values* put in, allows *truth*."""
    if claim is UNKNOWN:
        return True
    if not isinstance(claim, Shape):
        if isinstance(claim, tuple) and isinstance(truth, tuple) and len(claim) == len(truth):
            return all(agrees(part, true, values) for part, true in zip(claim, truth, strict=True))
        return claim is None and truth is None
    if not isinstance(truth, tuple) or not all(isinstance(size, int) for size in truth):
        return False
    shape = claim.substitute(values)
    if (shape.exact and len(shape.leading) != len(truth)) or shape.least_rank > len(truth):
        return False
    last = truth[len(truth) - len(shape.trailing) :]
    pairs = [*zip(shape.leading, truth, strict=False), *zip(shape.trailing, last, strict=True)]
    return all(isinstance(size, Expression) or operator.eq(size, true) for size, true in pairs)
