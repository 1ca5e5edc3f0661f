"""A claim beside what was seen: whether it holds, and how much it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Chain,
    Class,
    Constant,
    Function,
    Instance,
    Integer,
    Layer,
    Sequence,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Dimension, Expression, Symbol, substitute, symbols_of
from batchlint.shapes.shape import Shape
from benchmarks.shapes.claims import Claims, is_entry_argument

Seen = list[Any]
Sizes = Mapping[Symbol, int]
_NO_TENSORS = (Layer, Chain, Instance, Function, Class)


class Wrong(NamedTuple):
    """A claim that does not hold: in which context, of which expression, what was said and what was seen."""

    context: str
    number: int
    claimed: str
    seen: str


@dataclass
class Outcome:
    """How the claims for one run fared.

    Attributes:
        compared: tensor expressions about which something was said and that were evaluated, each context counted.
        evaluations: single values that were compared.
        tensors: expressions that were tensors.
        known: those whose every dimension was claimed each time.
        ranked: those whose rank at least was claimed each time.
        unknown: numbers of the others.
    """

    compared: int = 0
    evaluations: int = 0
    sizes: int = 0
    tensors: set[int] = field(default_factory=set)
    not_known: set[int] = field(default_factory=set)
    not_ranked: set[int] = field(default_factory=set)
    wrong: list[Wrong] = field(default_factory=list)
    unmatched: list[Wrong] = field(default_factory=list)


def compare(claims: Claims, seen: Mapping[str, Mapping[str, list[Seen]]]) -> Outcome:
    """Hold every claim against what was seen in the same context.

    Where an expression was claimed and evaluated equally often the pairs are compared one by one, in order; otherwise
    each seen value must fit a claim. A claim that fits no seen value (of a branch that could not be told) is noted.
    """
    outcome = Outcome()
    sizes, contradictions = _bindings(claims, seen)
    outcome.wrong += contradictions
    for context, numbers in seen.items():
        said = claims.said.get(context, {})
        if claims.entry is not None and not said and not _inside(context, claims):
            continue
        for key, values in numbers.items():
            number = int(key)
            stated = said.get(number, [])
            _compare_one(outcome, claims, context, number, stated, values, sizes)
    return outcome


def _inside(context: str, claims: Claims) -> bool:
    """Whether *context* is below the entry point."""
    roots = {known.partition("/")[0] for known in claims.said}
    return context.partition("/")[0] in roots


def _compare_one(
    outcome: Outcome, claims: Claims, context: str, number: int, stated: list[Value], values: list[Seen], sizes: Sizes
) -> None:
    if any(value[0] in "tk" for value in values):
        outcome.tensors.add(number)
        if not stated or not all(_says(value, sizes) for value in stated):
            outcome.not_known.add(number)
        if not stated or not all(isinstance(v, Tensor) and v.shape.exact for v in map(_unbatched, stated)):
            outcome.not_ranked.add(number)
    telling = [value for value in stated if _is_claim(value)]
    if not telling:
        return
    if any(value[0] in "tk" for value in values):
        outcome.compared += 1
    outcome.evaluations += len(values)
    outcome.sizes += sum(value[0] == "i" for value in values)
    if len(stated) == len(values):
        for claim, value in zip(stated, values):
            if not holds(claim, value, sizes):
                outcome.wrong.append(Wrong(context, number, describe(claim), str(value)))
                return
        return
    for value in values:
        if not any(holds(claim, value, sizes) for claim in stated):
            outcome.wrong.append(Wrong(context, number, " or ".join(sorted({describe(c) for c in stated})), str(value)))
            return
    for claim in telling:
        if not any(holds(claim, value, sizes) for value in values):
            made = Wrong(context, number, describe(claim), " or ".join(sorted({str(v) for v in values})))
            outcome.unmatched.append(made)
            return


def _bindings(claims: Claims, seen: Mapping[str, Mapping[str, list[Seen]]]) -> tuple[Sizes, list[Wrong]]:
    """The sizes that the symbols of the entry point's arguments have in this run."""
    sizes: dict[Symbol, int] = {}
    arguments: dict[tuple[Any, Any], list[int]] = {}
    asked: set[Symbol] = set()
    wrong: list[Wrong] = []
    for context, numbers in claims.said.items():
        for number, stated in numbers.items():
            values = seen.get(context, {}).get(str(number), [])
            for claim in stated:
                asked |= _symbols(claim)
            if not values:
                continue
            if values[0][0] == "k" and isinstance(stated[0], Tensor):
                # What is open in a graph has one size in the whole run.
                for dimension, size in _pairs(stated[0].shape, values[0][1]):
                    symbol = _alone(dimension) if size is not None else None
                    if symbol is not None and symbol.name != "?":
                        sizes.setdefault(symbol, size)
            for claim in stated:
                if not is_entry_argument(claim, claims.entry) or values[0][0] != "t":
                    continue
                assert isinstance(claim, Tensor)
                assert claim.parameter is not None
                arguments.setdefault((claim.parameter.function, claim.parameter.name), values[0][1])
                for dimension, size in _pairs(claim.shape, values[0][1]):
                    symbol = _alone(dimension) if size is not None else None
                    if symbol is not None and sizes.setdefault(symbol, size) != size:
                        found = f"{values[0]}, but {symbol.name} was {sizes[symbol]}"
                        wrong.append(Wrong(context, number, describe(claim), found))
    for symbol in asked:
        known = symbol.value if symbol.value is not None else _size_of_argument(symbol.identity, arguments)
        if known is not None:
            sizes.setdefault(symbol, known)
    return sizes, wrong


def _size_of_argument(identity: Any, arguments: Mapping[tuple[Any, Any], list[int]]) -> int | None:
    """The size behind a symbol whose identity says of which argument and axis it is."""
    match identity:
        case (function, str(name), int(axis)) | (_, function, str(name), int(axis)):
            sizes = arguments.get((function, name), [])
            return sizes[axis] if -len(sizes) <= axis < len(sizes) else None
    return None


def _symbols(value: Value) -> set[Symbol]:
    if isinstance(value, Tensor):
        return {s for d in (*value.shape.leading, *value.shape.trailing) for s in symbols_of(d)}
    return set(symbols_of(value.dimension)) if isinstance(value, Integer) else set()


def _alone(dimension: Dimension) -> Symbol | None:
    if isinstance(dimension, Expression) and len(dimension.terms) == 1:
        monomial, coefficient = dimension.terms[0]
        if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol):
            return monomial[0]
    return None


def _pairs(shape: Shape, sizes: list[int]) -> list[tuple[Dimension, int]]:
    pairs = list(zip(shape.leading, sizes))
    if shape.trailing:
        pairs += list(zip(shape.trailing, sizes[-len(shape.trailing) :]))
    return pairs


def _unbatched(value: Value) -> Value:
    return value.tensor if isinstance(value, Batch) else value


def _is_claim(value: Value) -> bool:
    """Whether *value* says anything about shapes."""
    value = _unbatched(value)
    if isinstance(value, Tensor):
        return value.shape.exact or bool(value.shape.leading or value.shape.trailing)
    if isinstance(value, Sequence):
        return value.kind in ("tuple", "list", "shape")
    return isinstance(value, Integer | Constant | Layer | Chain | Instance | Function | Class)


def _says(value: Value, sizes: Sizes) -> bool:
    """Whether *value* is a tensor whose every dimension is claimed."""
    value = _unbatched(value)
    if not isinstance(value, Tensor) or not value.shape.exact:
        return False
    return all(isinstance(_number(d, sizes), int) for d in value.shape.leading)


def _number(dimension: Dimension, sizes: Sizes) -> Dimension:
    try:
        return substitute(dimension, sizes)
    except ZeroDivisionError:
        return -1


def holds(claim: Value, value: Seen, sizes: Sizes) -> bool:
    """Whether *value* can be what *claim* says."""
    kind: str = value[0]
    if isinstance(claim, Batch) and kind not in "tk":
        return True  # a batch may be made of several tensors
    claim = _unbatched(claim)
    if kind == "k":
        if isinstance(claim, Integer | Sequence) and len(value) == 2:
            return not isinstance(claim, Sequence) or value[1] == [len(claim.items)]  # numbers that nobody computed
        kind = "t"
    if kind == "t" and len(value) > 2 and not isinstance(claim, Tensor):
        # Few integers: what tells sizes as a tensor is held to them.
        numbers = [["i", number] for number in value[2]]
        return holds(claim, ["s", numbers] if value[1] else numbers[0], sizes)
    if isinstance(claim, Tensor):
        if not _is_claim(claim):
            return True
        # An argument that may be left out is a tensor where it was given: `None` contradicts no shape.
        return kind == "n" or (kind == "t" and fits(claim.shape, value[1], sizes))
    if isinstance(claim, Integer):
        size = _number(claim.dimension, sizes)
        if kind == "i":
            return not isinstance(size, int) or bool(size == value[1])
        if kind == "n":  # an open size in the shape of a symbolic tensor
            return not isinstance(claim.dimension, int)
        return kind == "o" and not isinstance(claim.dimension, int)
    if isinstance(claim, Sequence) and claim.kind in ("tuple", "list", "shape"):
        if kind == "s":
            return len(claim.items) == len(value[1]) and all(holds(c, v, sizes) for c, v in zip(claim.items, value[1]))
        return kind == "o"
    if isinstance(claim, Constant):
        return kind == "n" if claim.value is None else kind == "o"
    return not (isinstance(claim, _NO_TENSORS) and kind in "tin")


def fits(shape: Shape, sizes_seen: list[int], sizes: Sizes) -> bool:
    """Whether a tensor of *sizes_seen* can have *shape*."""
    if shape.exact and len(shape.leading) != len(sizes_seen):
        return False
    if len(sizes_seen) < shape.least_rank:
        return False
    told = _pairs(shape, sizes_seen)
    if any(size is None and isinstance(dimension, int) for dimension, size in told[:1]):
        return False  # a batch that is open is said to have a size
    pairs = [(_number(dimension, sizes), size) for dimension, size in told if size is not None]
    # A size that is only known to be the same in several places takes its value from where it stands alone.
    local: dict[Symbol, int] = {}
    for dimension, size in pairs:
        symbol = _alone(dimension)
        if symbol is not None and local.setdefault(symbol, size) != size:
            return False
    for dimension, size in pairs:
        number = _number(dimension, local)
        if isinstance(number, int) and number != size:
            return False
    return True


def describe(value: Value) -> str:
    """*value* for a report."""
    value = _unbatched(value)
    if isinstance(value, Tensor):
        return str(value.shape) if _is_claim(value) else "?"
    if isinstance(value, Integer):
        return str(Shape((value.dimension,)))[1:-1]
    if isinstance(value, Sequence):
        return "(" + ", ".join(describe(item) for item in value.items) + ")"
    if isinstance(value, Constant):
        return repr(value.value)
    return "?" if value is UNKNOWN else type(value).__name__
