"""What the evaluator knows of the tensors that a class's ``forward`` is given."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from typing import Any

import libcst as cst

from batchlint.semantics import entry_points
from batchlint.semantics import observations as seen
from batchlint.semantics.analysis import everything
from batchlint.semantics.classes import class_attribute
from batchlint.semantics.evaluator import Evaluator
from batchlint.semantics.observations import Observation
from batchlint.semantics.parsing import parse
from batchlint.semantics.positions import positions
from batchlint.semantics.survey import survey
from batchlint.semantics.values import (
    Batch,
    BoundMethod,
    Class,
    Constant,
    Dictionary,
    Function,
    Instance,
    Integer,
    Parameter,
    Sequence,
    Source,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Dimension, Role, evaluate, symbols_of
from batchlint.shapes.shape import Shape
from batchlint.verify.outcomes import Grade
from batchlint.verify.plan.plans import InputCandidate
from batchlint.verify.recipes import BATCH, Group, Inputs, Literal, Recipe, TensorRecipe

FORWARDS = ("forward", "call", "__call__")
"""What a model's computation is called, in torch and in Keras."""
MAXIMUM_CANDIDATES = 4
"""Of one class: more calls than these say nothing new."""
LIMIT = 60_000
"""Expressions to evaluate of a file at most, as in checking."""


def input_candidates(text: str, tree: ast.Module, qualname: str) -> tuple[InputCandidate, ...]:
    """What the class *qualname* is called with in its own file, the best known first.

    Calls that are followed, also those in loops over loaders of known data sets, give `Grade.CODE`; what the first
    layers ask of an argument of which nothing else is known gives `Grade.LAYER`. An argument of which nothing is known
    is left out.
    """
    return _evaluated(_Text(text, tree)).get(qualname.rpartition(".")[2], ())


class _Text:
    """A file's text and tree, compared by the text."""

    def __init__(self, text: str, tree: ast.Module) -> None:
        self.text, self.tree = text, tree

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Text) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


class _Call:
    """A call of an instance of a class of the file, or what its layers make of its arguments."""

    def __init__(self, of: Class, inputs: Inputs, grade: Grade, known: int, node: Any) -> None:
        self.of, self.inputs, self.grade, self.known, self.node = of, inputs, grade, known, node


class _Refining(Evaluator):
    """Remembers what layers make of arguments of which little was known."""

    refined: dict[Parameter, Shape]

    def refine(self, parameter: Parameter, shape: Shape) -> None:
        self.refined[parameter] = shape
        super().refine(parameter, shape)


@functools.lru_cache(maxsize=8)
def _evaluated(file: _Text) -> Mapping[str, tuple[InputCandidate, ...]]:
    """The candidates of every class of the file by the class's name; empty where the file cannot be evaluated."""
    calls: list[_Call] = []

    def sink(observation: Observation) -> None:
        call = _call(observation)
        if call is not None:
            calls.append(call)

    try:
        module = parse(file.text)
        ev = _Refining(survey(file.tree).facts, frozenset({seen.CALL}), sink, limit=LIMIT)
        ev.refined = {}
        entry_points.run(ev, module, everything(file.tree))
    except (cst.ParserSyntaxError, RecursionError, ValueError):
        return {}
    calls += _refined(ev)
    spans = positions(module, [call.node for call in calls])
    found: dict[str, list[InputCandidate]] = {}
    for call in sorted(calls, key=lambda each: (-each.grade, -each.known)):
        candidates = found.setdefault(call.of.name, [])
        if len(candidates) < MAXIMUM_CANDIDATES and all(each.inputs != call.inputs for each in candidates):
            span = spans.get(id(call.node))
            where = f"line {span.line}" if span is not None else "its layers"
            candidates.append(InputCandidate(call.inputs, call.grade, where))
    return {name: tuple(candidates) for name, candidates in found.items()}


def _call(observation: Observation) -> _Call | None:
    """The call of a model that *observation* is, as far as its arguments are known."""
    callee = observation.arguments.get("callee")
    if isinstance(callee, BoundMethod) and isinstance(callee.receiver, Instance):
        of = callee.receiver.of
        if not isinstance(callee.function, Function) or callee.function.name not in FORWARDS:
            return None
    elif isinstance(callee, Instance):
        of = callee.of
    else:
        return None
    forward = _forward(of)
    if forward is None:
        return None
    names = _parameters(forward)
    given = [*zip(names, observation.positional), *observation.keywords.items()]
    if any(_within_model_input(value) for _, value in given):
        # The caller was entered with arguments of which nothing is known.
        return None
    recipes: list[tuple[str, Recipe]] = []
    known = 0
    for name, value in given:
        recipe = _recipe(value)
        if recipe is not None:
            recipes.append((name, recipe))
            known += 1
    if not any(isinstance(recipe, TensorRecipe) and BATCH in recipe.sizes for _, recipe in recipes):
        return None
    return _Call(of, Inputs((), (), tuple(recipes)), Grade.CODE, known, observation.node)


def _forward(of: Class) -> Function | None:
    """What computes an instance of *of*, where that is a model's."""
    found = (class_attribute(of, name) for name in FORWARDS)
    function = next((each for each in found if isinstance(each, Function)), None)
    return function if of.is_module else None


def _within_model_input(value: Value) -> bool:
    return isinstance(value, Tensor) and Source.INPUT in value.sources


def _refined(ev: _Refining) -> list[_Call]:
    """What the first layers ask of the arguments of each class's ``forward``, where that is all numbers."""
    found = []
    for of in ev.classes:
        forward = _forward(of)
        if forward is None:
            continue
        recipes: list[tuple[str, Recipe]] = []
        for name in _parameters(forward):
            shape = ev.refined.get(Parameter(id(forward.node), name))
            recipe = _tensor(shape, None) if shape is not None else None
            if recipe is not None and len(recipe.sizes) > 1:
                recipes.append((name, recipe))
        if recipes:
            found.append(_Call(of, Inputs((), (), tuple(recipes)), Grade.LAYER, len(recipes), forward.node.name))
    return found


def _parameters(function: Function) -> list[str]:
    parameters = function.node.params
    names = [each.name.value for each in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params)]
    return names[1:]


def _recipe(value: Value) -> Recipe | None:
    """The recipe of an abstract value, ``None`` where it is not known."""
    if isinstance(value, Batch):
        value = value.tensor
    if isinstance(value, Tensor):
        return None if value.opaque else _tensor(value.shape, value.boolean)
    if isinstance(value, Integer) and value.number is not None:
        return Literal(str(value.number))
    if isinstance(value, Constant) and isinstance(value.value, str | bool | float | type(None)):
        return Literal(repr(value.value))
    if isinstance(value, Sequence) and value.items:
        items = [_recipe(item) for item in value.items]
        if all(isinstance(item, TensorRecipe) for item in items):
            kind = "tuple" if value.kind == "tuple" else "list"
            return Group(kind, tuple(item for item in items if item is not None))
    if isinstance(value, Dictionary) and value.complete and value.items:
        entries = {key: _recipe(item) for key, item in value.items.items()}
        if all(isinstance(key, str) and isinstance(item, TensorRecipe) for key, item in entries.items()):
            return Group("dict", tuple(item for item in entries.values() if item is not None), tuple(entries))
    return None


def _tensor(shape: Shape, boolean: bool | None) -> TensorRecipe | None:
    """A tensor of *shape*, where each of its sizes is a number or a multiple of the batch size."""
    if not shape.exact:
        return None
    sizes: list[int | str] = []
    for axis, dimension in enumerate(shape.leading):
        size = _size(dimension, first=axis == 0)
        if size is None:
            return None
        sizes.append(size)
    return TensorRecipe(tuple(sizes), "bool", "booleans") if boolean else TensorRecipe(tuple(sizes))


def _size(dimension: Dimension, first: bool) -> int | str | None:
    if isinstance(dimension, int):
        return dimension
    symbols = symbols_of(dimension)
    rows = [symbol for symbol in symbols if symbol.role in (Role.BATCH, Role.FIXED_BATCH)]
    if len(rows) != len(symbols):
        return BATCH if first and len(symbols) == 1 and not rows else None
    once, twice = (evaluate(dimension, dict.fromkeys(rows, number)) for number in (60, 120))
    if once is None or twice != 2 * once or once % 60:
        return None
    return BATCH if once == 60 else f"{once // 60}*{BATCH}"
