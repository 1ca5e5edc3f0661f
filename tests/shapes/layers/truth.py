"""What torch itself says, and how to compare: run a call, make it symbolic, check the claim against the truth."""

from __future__ import annotations

import functools
import operator
import warnings
from dataclasses import dataclass, field
from typing import Any

import torch
from hypothesis import strategies as st

import batchlint.shapes.torch  # noqa: F401  (fills the tables)
from batchlint.shapes.dimension import Expression, Symbol
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN
from batchlint.shapes.shape import Shape, exact

torch.set_num_threads(1)  # the tensors are tiny: threads would cost more than the work


@dataclass(frozen=True)
class Tensor:
    """A tensor to make: its sizes, and for indices the number that it is full of."""

    sizes: tuple[int, ...]
    index: int | None = None

    def real(self) -> torch.Tensor:
        if self.index is None:
            return torch.zeros(self.sizes)
        return torch.full(self.sizes, self.index, dtype=torch.long)


@dataclass(frozen=True)
class Part:
    """A layer that another one's constructor takes; to the tables it is unknown."""

    name: str
    settings: tuple[tuple[str, Any], ...]

    def real(self) -> torch.nn.Module:
        module: torch.nn.Module = named(self.name)(**dict(self.settings))
        return module


@dataclass(frozen=True)
class Case:
    """One call: the positional inputs, and everything else by name.

    ``batched`` says that no input is in a form without a batch, so that leaving the rank open is fair: a tensor of
    unknown rank is taken to be a batch. ``vague`` says that even plain numbers do not settle the result.
    """

    inputs: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    batched: bool = True
    vague: bool = False


def named(name: str) -> Any:
    return functools.reduce(getattr, name.split(".")[1:], torch)


def real(value: Any) -> Any:
    if isinstance(value, (Tensor, Part)):
        return value.real()
    return tuple(map(real, value)) if isinstance(value, tuple) else value


def as_claim(value: Any) -> Any:
    """*value* as the tables take it."""
    if isinstance(value, Tensor):
        return exact(value.sizes)
    if isinstance(value, Part):
        return UNKNOWN
    return tuple(map(as_claim, value)) if isinstance(value, tuple) else value


def sizes_of(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return tuple(result.shape)
    return tuple(map(sizes_of, result)) if isinstance(result, tuple) else None


def true_sizes(name: str, case: Case) -> Any:
    """The sizes of what torch returns, nested as its results are; raises what torch raises."""
    inputs = real(case.inputs)
    settings = {key: real(value) for key, value in case.settings.items()}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in LAYERS:
            return sizes_of(named(name)(**settings)(*inputs))
        return sizes_of(named(name)(*inputs, **settings))


def claimed(name: str, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """What the table claims for the same call."""
    if name in LAYERS:
        layer = LAYERS[name]
        return layer.function(*inputs, **layer.bind((), settings))
    return FUNCTIONS[name].function(*inputs, **settings)


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
