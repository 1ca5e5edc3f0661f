"""Where evaluation starts: the module's own statements, then the models and functions that those did not reach."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from batchlint.semantics.batch_names import names_batch_size, names_configuration, names_loader
from batchlint.semantics.calls import call_function, symbolic_arguments
from batchlint.semantics.classes import class_attribute
from batchlint.semantics.evaluator import Evaluator
from batchlint.semantics.extensions import BEFORE_CALL
from batchlint.semantics.gate import Candidates
from batchlint.semantics.loaders import batch_of
from batchlint.semantics.syntax import is_taken_apart
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Class,
    Constant,
    Function,
    Instance,
    Integer,
    Origin,
    OriginKind,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Role, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterable

FORWARDS = ("forward", "forward_features", "call", "__call__")
_BATCHES = frozenset({"batch", "minibatch", "mini_batch", "batch_data"})
"""Arguments that are what a loader gives."""
_STEPS = frozenset({"train_step", "test_step", "predict_step"})
"""Methods of a Keras model that are given a batch."""


def run(ev: Evaluator, module: cst.Module, found: Candidates) -> None:
    """Evaluate *module* and whatever in it holds candidates."""
    ev.run_module(module)
    for of in list(ev.classes):
        if _worth(of, found):
            _enter_class(ev, of, found)
    # A function that another one defines is entered after it, should nobody have called it.
    for function in ev.functions:
        if function.owner is None and id(function.node) not in ev.visited and _outermost(function) in found.definitions:
            ev.enter(lambda function=function: _enter_function(ev, function))  # type: ignore[misc]
    ev.tell_postponed()


def _outermost(function: Function) -> tuple[str | None, str]:
    """The definition that the gate counts *function*'s candidates to: the outermost one around it."""
    outer = function
    while outer.frame is not None and outer.frame.function is not None:
        outer = outer.frame.function
    return (outer.owner.name if outer.owner is not None else None, outer.name)


def _worth(of: Class, found: Candidates) -> bool:
    return of.name in found.classes


def _enter_class(ev: Evaluator, of: Class, found: Candidates) -> None:
    constructor = class_attribute(of, "__init__")
    instance = ev.instances.get(id(of.node)) or _make(ev, of, constructor, open_choices=False)
    if instance is not None:
        _enter_methods(ev, of, instance, found, again=False)
    if isinstance(constructor, Function) and _has_choices(constructor):
        # With the defaults only some branches are taken: once more with every choice open.
        instance = _make(ev, of, constructor, open_choices=True)
        if instance is not None:
            _enter_methods(ev, of, instance, found, again=True)


def _has_choices(constructor: Function) -> bool:
    return any(
        isinstance(value, Constant) and isinstance(value.value, str | bool) for value in constructor.defaults.values()
    )


def _make(ev: Evaluator, of: Class, constructor: Value | None, open_choices: bool) -> Instance | None:
    made: list[Value] = []

    def make() -> None:
        given = symbolic_arguments(ev, constructor) if isinstance(constructor, Function) else {}
        if open_choices and isinstance(constructor, Function):
            for name, default in constructor.defaults.items():
                if isinstance(default, Constant) and not isinstance(default.value, float):
                    given[name] = UNKNOWN
        made.append(ev.instantiate(of, (), given, of.node))

    ev.enter(make)
    return made[0] if made and isinstance(made[0], Instance) else None


def _enter_methods(ev: Evaluator, of: Class, instance: Instance, found: Candidates, again: bool) -> None:
    methods = [value for value in of.attributes.values() if isinstance(value, Function)]
    ordered = sorted(methods, key=lambda method: method.name not in FORWARDS)
    entered: set[int] = set()
    for method in ordered:
        if method.name == "__init__":
            continue
        generic = of.is_module and method.name in FORWARDS
        wanted = method.name == "__len__" or (of.name, method.name) in found.definitions
        if not generic and not wanted:
            continue
        if not generic and not again and id(method.node) in ev.visited:
            continue
        if again and id(method.node) in entered:
            continue
        before = set(ev.visited) if again else set()
        ev.enter(lambda method=method: enter_method(ev, instance, method))  # type: ignore[misc]
        entered |= ev.visited - before


def enter_method(ev: Evaluator, instance: Instance, method: Function) -> None:
    """Evaluate *method* of *instance* on arguments of which only the names are known."""
    receiver = None if method.static else instance
    parameters = _parameters(method, skip_first=not method.static)
    given = _inputs(ev, method, parameters, instance.of)
    if method.name == "call" and instance.of.is_module:
        for prepare in BEFORE_CALL:
            prepare(ev, instance, (), given, method.node)
    call_function(ev, method, (), given, receiver)


def _enter_function(ev: Evaluator, function: Function) -> None:
    call_function(ev, function, (), _inputs(ev, function, _parameters(function, False), None), None)


def _parameters(function: Function, skip_first: bool) -> list[cst.Param]:
    parameters = function.node.params
    positional = [*parameters.posonly_params, *parameters.params]
    return [*(positional[1:] if skip_first else positional), *parameters.kwonly_params]


def _inputs(
    ev: Evaluator, function: Function, parameters: Iterable[cst.Param], owner: Class | None
) -> dict[str, Value]:
    """What the arguments of an entry point are taken to be."""
    given: dict[str, Value] = {}
    parameters = list(parameters)
    if any(_GRAPH.match(parameter.name.value) for parameter in parameters):
        # Rows are the nodes of one graph, not samples of a batch.
        return {p.name.value: _input_of_graph(p) for p in parameters}
    first = owner is not None and owner.is_module and function.name in FORWARDS
    for parameter in parameters:
        name = parameter.name.value
        given[name] = _input(ev, function, parameter, first)
        first = False
    return given


_GRAPH = re.compile(
    r"^(?:g|hg|bg|sg|graphs?|\w*_graphs?|blocks?|mfgs?|edge_(?:index|attr|weight|feats?)|adj\w*|adjacency\w*|edges)$"
)
"""Arguments that make a model one over the nodes of a graph."""


def _input_of_graph(parameter: cst.Param) -> Value:
    return UNKNOWN if _annotation(parameter) in _PLAIN else Tensor(opaque=True)


_PLAIN = frozenset({"int", "float", "bool", "str", "dict", "Dict", "Callable", "Path", "bytes"})


_SHAPE = re.compile(r"shapes?$|^(?:config|inputs_spec|input_spec|dtype|name|scope|mode|reuse|training|is_training)$")
"""Arguments of functions that build models which are no tensors."""


def _input(ev: Evaluator, function: Function, parameter: cst.Param, leading_batch: bool) -> Value:
    name = parameter.name.value
    annotation = _annotation(parameter)
    if names_loader(name) or annotation == "DataLoader":
        return ev.unknown_loader(name, parameter)
    if names_configuration(name) and annotation != "Tensor":
        # Its fields are looked up by their names.
        return UNKNOWN
    if names_batch_size(name):
        if (function.name, name) in ev.facts.loader_batch_names:
            default = function.defaults.get(name)
            number = default.number if isinstance(default, Integer) else None
            symbol = Symbol(name, Role.FIXED_BATCH, number, ("argument", id(function.node), name))
            origin = Origin(OriginKind.ARGUMENT, name, parameter)
            ev.origins.setdefault(symbol, origin)
            return Integer(symbol.dimension(), origin)
        symbol = Symbol(name, Role.SIZE, identity=("argument", id(function.node)))
        return Integer(symbol.dimension(), Origin(OriginKind.ARGUMENT, name, parameter))
    if "tensorflow" in ev.frameworks and _SHAPE.search(name):
        return UNKNOWN
    if annotation in _PLAIN:
        if annotation == "int":
            symbol = Symbol(name, Role.SIZE, identity=("argument", id(function.node)), minimum=0)
            return Integer(symbol.dimension(), Origin(OriginKind.ARGUMENT, name, parameter))
        return UNKNOWN
    default = function.defaults.get(name)
    if default is not None and not (isinstance(default, Constant) and default.value is None):
        return UNKNOWN
    if default is not None and not leading_batch:
        # An optional argument: given or not.
        return UNKNOWN
    if name in _BATCHES or (name == "data" and function.name in _STEPS):
        return batch_of(ev, ev.unknown_loader("batch", parameter))
    tensor = ev.input_tensor(function, name, leading_batch)
    if leading_batch and function.name == "call" and is_taken_apart(function.node, name):
        return Batch(replace(tensor, opaque=True))
    return tensor


def _annotation(parameter: cst.Param) -> str | None:
    if parameter.annotation is None:
        return None
    node = parameter.annotation.annotation
    if isinstance(node, cst.Subscript):
        node = node.value
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else None
