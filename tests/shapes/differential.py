"""Shape functions beside the framework itself: one case drawn, computed by both, then made symbolic and compared again.

A case is a call's arguments with `Tensor` and `Size` in the places where the shape function takes shapes and sizes. The
framework runs it once; the shape function computes it

* with every size known, when the two must agree exactly;
* several times with some sizes replaced by symbols or formulas of them, and some shapes known only at their ends, when
  the claim, with the symbols' values put in, must not contradict what the framework gave.

A `ShapeMismatch` is allowed only where the framework raised.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scale import SCALE

import batchlint.shapes.numpy  # noqa: F401  (fills the tables)
from batchlint.shapes.dimension import Dimension, Role, Symbol, certainly_differ, substitute, unknown
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN, ShapeResult, TensorIndex
from batchlint.shapes.shape import Shape, ShapeMismatch


class Tensor(NamedTuple):
    """A tensor in a case; *mask* says that a boolean one is meant as an index."""

    sizes: tuple[int, ...]
    dtype: str = "float32"
    index: bool = False
    below: int = 3


class Size(int):
    """An integer in a case that may be a symbol: a size, not a dimension's number."""


class Case(NamedTuple):
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = MappingProxyType({})


class Draw:
    """Draws from hypothesis with few words."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def one_of(self, *values: Any) -> Any:
        return self._draw(st.sampled_from(values))

    def chance(self) -> bool:
        return bool(self._draw(st.booleans()))

    def sizes(self, least: int = 0, most: int = 4, low: int = 1, high: int = 6) -> tuple[int, ...]:
        return tuple(self._draw(st.lists(st.integers(low, high), min_size=least, max_size=most)))

    def tensor(self, least: int = 0, most: int = 4, low: int = 1, high: int = 6, **options: Any) -> Tensor:
        return Tensor(self.sizes(least, most, low, high), **options)

    def dim(self, rank: int, new: int = 0) -> int:
        """A dimension of a tensor of *rank*; now and then one that is not there."""
        reach = max(rank + new, 1)
        return self.integer(-reach, reach - 1 + (self.integer(0, 9) == 0))

    def dims(self, rank: int) -> tuple[int, ...]:
        chosen = self._draw(st.lists(st.integers(0, max(rank - 1, 0)), unique=True, min_size=1, max_size=max(rank, 1)))
        return tuple(axis - rank if rank and self.chance() else axis for axis in chosen)

    def permutation(self, count: int) -> tuple[int, ...]:
        return tuple(self._draw(st.permutations(range(count))))

    def broadcastable(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Sizes that mostly broadcast with *sizes*."""
        start = self.integer(0, len(sizes))
        changed = [1 if self.integer(0, 3) == 0 else size for size in sizes[start:]]
        if changed and self.integer(0, 9) == 0:
            changed[0] += 1
        return (*self.sizes(0, 1), *changed) if start == 0 else tuple(changed)


@dataclass(frozen=True)
class Group:
    """Operations that take the same arguments.

    Attributes:
        names: their canonical names.
        case: draws the arguments.
        device: where PyTorch runs them; the CPU for what depends on the values.
        open: whether a size may stay unknown although all the arguments are known.
        named_above_one: whether a symbol stands for more than 1, as for ``squeeze``.
        fewer: whether the framework may give fewer results than are claimed where a size is not known.
        examples: how many cases to draw.
    """

    names: tuple[str, ...]
    case: Callable[[Draw], Case]
    device: str = "meta"
    open: bool = False
    named_above_one: bool = False
    fewer: bool = False
    examples: int = 40
    ran: dict[str, int] = field(default_factory=dict)


def both(names: str) -> tuple[str, ...]:
    """The function and the method of each of *names*."""
    return tuple(f"{place}.{name}" for name in names.split() for place in ("torch", "torch.Tensor"))


def methods(names: str) -> tuple[str, ...]:
    return tuple(f"torch.Tensor.{name}" for name in names.split())


def functions(names: str, place: str = "torch") -> tuple[str, ...]:
    return tuple(f"{place}.{name}" for name in names.split())


STAND_INS: dict[str, Callable[..., Any]] = {}
"""What runs in place of an operation that needs a device or a history that is not there."""


class Framework(NamedTuple):
    """A framework: how it finds an operation, makes a tensor on a device, and what it raises besides Python's own."""

    operation: Callable[[str], Callable[..., Any]]
    make_tensor: Callable[[Tensor, str], Any]
    refusals: tuple[type[Exception], ...] = ()


FRAMEWORKS: dict[str, Framework] = {}
"""First part of an operation's name to the framework; `torch_side` and `tensorflow_side` enter theirs."""


def found_in(module: Any, name: str) -> Callable[..., Any]:
    """What *module* calls *name*; methods that work in place only are registered without their underscore."""
    _, *path, last = name.split(".")
    found = module
    for part in path:
        found = getattr(found, part)
    found = getattr(found, last, None) or getattr(found, last + "_")
    if callable(found):
        return found  # type: ignore[no-any-return]
    return lambda tensor: getattr(tensor, last)


def make_array(tensor: Tensor, device: str = "cpu") -> Any:
    """An array of NumPy; integers are below ``tensor.below``, so that they are good indices."""
    count = int(np.prod(tensor.sizes))
    if tensor.dtype == "bool":
        return np.arange(count).reshape(tensor.sizes) % 2 == 0
    if tensor.dtype.startswith("int"):
        return np.random.default_rng(0).integers(0, max(tensor.below, 1), tensor.sizes, dtype=tensor.dtype)
    return np.random.default_rng(0).random(tensor.sizes).astype(tensor.dtype)


FRAMEWORKS["numpy"] = Framework(lambda name: found_in(np, name), make_array)


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """*value* with *function* applied to each leaf of its tuples, dictionaries and slices."""
    if isinstance(value, (Tensor, Size)):
        return function(value)
    if isinstance(value, tuple):
        return tuple(mapped(one, function) for one in value)
    if isinstance(value, Mapping):
        return {key: mapped(one, function) for key, one in value.items()}
    if isinstance(value, slice):
        return slice(*(mapped(part, function) for part in (value.start, value.stop, value.step)))
    return function(value)


def result_shapes(result: Any) -> Any:
    """The shapes in what the framework returned."""
    if isinstance(result, (bool, int, float)):
        return ()
    if hasattr(result, "shape"):
        return tuple(result.shape)
    if isinstance(result, (tuple, list)):
        return tuple(result_shapes(one) for one in result)
    raise AssertionError(f"{result!r} is not a tensor")


def run(name: str, case: Case, device: str) -> Any:
    """The shapes that the framework gives, ``None`` where it raises."""

    framework = FRAMEWORKS[name.partition(".")[0]]
    operation = STAND_INS.get(name) or framework.operation(name)

    def leaf(value: Any) -> Any:
        if isinstance(value, Tensor):
            return framework.make_tensor(value, device)
        return int(value) if type(value) is Size else value

    arguments, keywords = mapped(case.arguments, leaf), mapped(case.keywords, leaf)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = operation(*arguments, **keywords)
        except NotImplementedError as error:
            raise AssertionError(f"{name} does not run on {device}") from error
        except (RuntimeError, IndexError, ValueError, TypeError, *framework.refusals):
            return None
    return result_shapes(result)


def exact_argument(value: Any) -> Any:
    """A case's leaf as a shape function takes it, with every size known."""
    if isinstance(value, Tensor):
        shape = Shape(value.sizes)
        return TensorIndex(shape, value.dtype == "bool") if value.index else shape
    return int(value) if type(value) is Size else value


class Abstraction:
    """Hides what a case knows: sizes behind symbols and formulas, dimensions behind an unknown rank."""

    def __init__(self, seed: int, above_one: bool = False) -> None:
        self._random = random.Random(seed)
        self._above_one = above_one
        self.values: dict[Symbol, int] = {}
        self._shared: dict[int, list[Symbol]] = {}

    def _symbol(self, value: int) -> Symbol:
        known = self._shared.setdefault(value, [])
        if known and self._random.random() < 0.6:
            return self._random.choice(known)
        role = self._random.choice([Role.SIZE, Role.SIZE, Role.BATCH])
        symbol = Symbol(f"{'N' if role is Role.SIZE else 'B'}{len(self.values)}", role, identity=len(self.values))
        self.values[symbol] = value
        known.append(symbol)
        return symbol

    def size(self, value: int) -> Dimension:
        """A dimension that is *value* when the symbols have their values."""
        chance = self._random.random()
        if value < (2 if self._above_one else 1) or chance < 0.4:
            return value
        if chance < 0.75:
            return self._symbol(value).dimension()
        if chance < 0.82:
            return unknown()
        if chance < 0.9 and value % 2 == 0 and not self._above_one:
            return 2 * self._symbol(value // 2).dimension()
        if chance < 0.95 and not self._above_one:
            return self._symbol(2 * value + 1).dimension() // 2
        return self._symbol(value + 2).dimension() - 2

    def shape(self, sizes: tuple[int, ...]) -> Shape:
        dimensions = tuple(self.size(size) for size in sizes)
        if self._random.random() < 0.6 or 0 in sizes:
            return Shape(dimensions)
        first, last = self._random.randint(0, len(sizes)), self._random.randint(0, len(sizes))
        return Shape(dimensions[:first], dimensions[last:], exact=False)

    def argument(self, value: Any) -> Any:
        """A case's argument as a shape function takes it."""
        if type(value) is tuple:
            numbers = bool(value) and all(isinstance(one, int) for one in value)
            if numbers and self._random.random() < 0.05:
                return UNKNOWN
            return tuple(map(self.argument, value))
        if isinstance(value, slice):
            return slice(*map(self.argument, (value.start, value.stop, value.step)))
        if isinstance(value, Tensor):
            if value.index:
                flag = value.dtype == "bool"
                return TensorIndex(self.shape(value.sizes), None if self._random.random() < 0.2 else flag)
            return self.shape(value.sizes) if self._random.random() < 0.95 else UNKNOWN
        if type(value) is Size:
            if value == -1:
                return -1
            return self.size(int(value)) if self._random.random() < 0.9 else UNKNOWN
        if type(value) in (int, bool) and self._random.random() < 0.05:
            return UNKNOWN
        return value


def contradiction(claim: ShapeResult, truth: Any, values: dict[Symbol, int], fewer: bool, closed: bool) -> str | None:
    """Why *claim* cannot be said of *truth*, ``None`` if it can; *closed* demands that it says everything."""
    if not isinstance(claim, (Shape, tuple)):
        return "nothing is claimed" if closed else None
    if isinstance(claim, tuple):
        if not truth or not isinstance(truth[0], tuple):
            return None if claim == truth == () else "several results are claimed"
        if len(claim) != len(truth) and not (fewer and len(claim) > len(truth) and not closed):
            return f"{len(claim)} results are claimed"
        pairs = zip(claim, truth)
        return next((why for one, other in pairs if (why := contradiction(one, other, values, fewer, closed))), None)
    if any(isinstance(size, tuple) for size in truth):
        return "one result is claimed"
    if len(truth) < claim.least_rank or (claim.exact and len(truth) != len(claim.leading)):
        return "another rank is claimed"
    if closed and not claim.exact:
        return "the rank is not claimed"
    trailing = truth[len(truth) - len(claim.trailing) :]
    for claimed, actual in [*zip(claim.leading, truth), *zip(claim.trailing, trailing)]:
        try:
            size = substitute(claimed, values)
        except ZeroDivisionError:
            return f"{claimed!r} divides by zero"
        if isinstance(size, int) and size != actual:
            return f"{claimed!r} is {size}, not {actual}"
        if not isinstance(size, int) and (closed or (_only_named(size) and certainly_differ(size, actual))):
            return f"{claimed!r} is not {actual}"
    return None


def _only_named(size: Dimension) -> bool:
    return "?" not in str(size)


def check(group: Group, case: Case, seeds: Iterable[int]) -> None:
    """Compare every operation of *group* with the framework on *case*, and on abstractions of it."""
    for name in group.names:
        truth = run(name, case, group.device)
        apply = FUNCTIONS[name].apply
        try:
            exact = apply(mapped(case.arguments, exact_argument), mapped(case.keywords, exact_argument))
        except ShapeMismatch as mismatch:
            if truth is not None:
                raise AssertionError(f"{name}{case}: refused, the framework gives {truth}") from mismatch
            continue
        if truth is None:
            continue
        group.ran[name] = group.ran.get(name, 0) + 1
        why = contradiction(exact, truth, {}, fewer=False, closed=not group.open)
        assert why is None, f"{name}{case}: {exact} where the framework gives {truth}: {why}"
        for seed in seeds:
            hidden = Abstraction(seed, group.named_above_one)
            arguments = tuple(map(hidden.argument, case.arguments))
            keywords = {name: hidden.argument(value) for name, value in case.keywords.items()}
            shown = f"{name}{case}\nas {arguments} {keywords}\nwith {hidden.values}"
            try:
                claim = apply(arguments, keywords)
            except ShapeMismatch as mismatch:
                raise AssertionError(f"{shown}\nrefused ({mismatch}), the framework gives {truth}") from None
            why = contradiction(claim, truth, hidden.values, group.fewer, closed=False)
            assert why is None, f"{shown}\n{show(claim)} where the framework gives {truth}: {why}"


def show(claim: ShapeResult) -> str:
    return f"({', '.join(map(show, claim))})" if isinstance(claim, tuple) else str(claim)


def differential_tests(modules: str, groups: list[Group]) -> tuple[Callable[..., None], Callable[[], None]]:
    """The tests of the operations of *modules* (of ``batchlint.shapes``): that all agree, and that none is left out."""

    @pytest.mark.parametrize("group", groups, ids=lambda group: group.names[0])
    def agrees(group: Group) -> None:
        @settings(
            max_examples=group.examples * SCALE,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases(group.case), st.integers(0, 2**32))
        def one(case: Case, seed: int) -> None:
            check(group, case, (seed, seed + 1, seed + 2))

        group.ran.clear()
        one()
        rarely = {name: group.ran.get(name, 0) for name in group.names if group.ran.get(name, 0) < group.examples // 6}
        assert not rarely, f"the framework ran too few of {group.examples} cases"

    def covered() -> None:
        registered = {
            name
            for name, entry in FUNCTIONS.items()
            if entry.function.__module__ in {f"batchlint.shapes.{module}" for module in modules.split()}
        }
        tested = {name for group in groups for name in group.names}
        assert registered
        assert tested == registered

    return agrees, covered


@st.composite
def cases(draw: Any, case: Callable[[Draw], Case]) -> Case:
    return case(Draw(draw))
