"""What the evaluator says of each expression, kept apart by the functions that were being evaluated."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from batchlint.semantics import entry_points
from batchlint.semantics.classes import class_attribute
from batchlint.semantics.evaluator import Evaluator, Exhausted
from batchlint.semantics.survey import survey
from batchlint.semantics.values import Function, Instance, Tensor, Value
from benchmarks.shapes.instrument import Expressions

LIMIT = 3_000_000
"""Expressions to evaluate at most for one model."""


@dataclass
class Claims:
    """What was said.

    Attributes:
        said: context to expression's number to its values, in the order in which they were said.
        entry: ``id`` of the function whose arguments were taken as symbols, ``None`` where all were written down.
    """

    said: dict[str, dict[int, list[Value]]] = field(default_factory=dict)
    entry: int | None = None
    exhausted: bool = False


class _Forgetful(dict[Any, Value]):
    """A memory of calls that keeps none, so that each call is evaluated in its own context."""

    def __setitem__(self, key: Any, value: Value) -> None:
        if not isinstance(key[0], int):
            super().__setitem__(key, value)


class _Listener:
    def __init__(self, text: str, expressions: Expressions) -> None:
        self.claims = Claims()
        self.expressions = expressions
        self.listening = True
        self.ev = Evaluator(
            survey(ast.parse(text)).facts, frozenset(), lambda observation: None, recorder=self.record, limit=LIMIT
        )
        self.ev.memory = _Forgetful()

    def record(self, node: cst.CSTNode, value: Value) -> None:
        number = self.expressions.numbers.get(id(node))
        if number is None or not self.listening:
            return
        functions = self.expressions.functions
        context = "/".join(functions[id(f.node)] for f in self.ev.stack if id(f.node) in functions)
        self.claims.said.setdefault(context, {}).setdefault(number, []).append(value)


def with_inputs(text: str, module: cst.Module, expressions: Expressions) -> Claims:
    """The claims for a text that makes its model and calls it with tensors of known shape."""
    listener = _Listener(text, expressions)
    listener.ev.run_module(module)
    return listener.claims


def for_any_call(text: str, module: cst.Module, expressions: Expressions) -> dict[str, Claims]:
    """The claims for the ``call`` of each instance that the text's own names hold, on inputs of which nothing is said.

    By the class's name and the method's; each with symbols of its own.
    """
    found: dict[str, Claims] = {}
    while True:
        listener = _Listener(text, expressions)
        listener.listening = False
        ev = listener.ev
        ev.run_module(module)
        instances = [value for value in ev.module_frame.names.values() if isinstance(value, Instance)]
        method: Any = None
        for instance in instances:
            method = class_attribute(instance.of, "call")
            if isinstance(method, Function) and f"{instance.of.name}.call" not in found:
                break
        else:
            return found
        listener.listening = True
        listener.claims.entry = id(method.node)
        ev.remaining = LIMIT
        try:
            entry_points.enter_method(ev, instance, method)
        except Exhausted:
            listener.claims.exhausted = True
        found[f"{instance.of.name}.call"] = listener.claims


def for_any_input(text: str, module: cst.Module, expressions: Expressions) -> Claims | None:
    """The claims for the ``forward`` of the text's ``model`` on inputs of which nothing is said.

    ``None`` where the evaluator does not know the model's class.
    """
    listener = _Listener(text, expressions)
    listener.listening = False
    ev = listener.ev
    ev.run_module(module)
    model = ev.module_frame.names.get("model")
    if not isinstance(model, Instance):
        return None
    forward = class_attribute(model.of, "forward")
    if not isinstance(forward, Function):
        return None
    listener.listening = True
    listener.claims.entry = id(forward.node)
    ev.remaining = LIMIT
    try:
        entry_points.enter_method(ev, model, forward)
    except Exhausted:
        listener.claims.exhausted = True
    return listener.claims


def is_entry_argument(value: Value, entry: int | None) -> bool:
    """Whether *value* is an argument of the entry point, unchanged."""
    return isinstance(value, Tensor) and value.parameter is not None and value.parameter.function == entry
