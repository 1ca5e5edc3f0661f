"""Functions of TensorFlow and Keras that run other functions: branches, loops, maps over elements and structures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics.keras_layers import reshaped
from batchlint.semantics.library import handles
from batchlint.semantics.tensors import opaque
from batchlint.semantics.values import (
    UNKNOWN,
    BoundMethod,
    Class,
    Constant,
    Dictionary,
    External,
    Function,
    Instance,
    Layer,
    Partial,
    Sequence,
    Tensor,
    Value,
    join,
)
from batchlint.shapes.dimension import Dimension
from batchlint.shapes.shape import Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_CALLABLE = (Function, Class, Instance, Layer, Partial, External)


def _called(ev: Evaluator, function: Value, arguments: tuple[Value, ...], node: Any) -> Value:
    known = isinstance(function, _CALLABLE) or (
        isinstance(function, BoundMethod) and isinstance(function.function, Function)
    )
    return ev.apply(function, arguments, {}, node) if known else opaque(ev, arguments, {})


@handles("tensorflow.cond", "keras.ops.cond", "tensorflow.case", "keras.backend.switch", "keras.backend.in_train_phase",
         "tensorflow.python.smart_cond.smart_cond", "tensorflow.contrib.framework.smart_cond")  # fmt: skip
def _cond(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """Either function's value; of two tensors either of them."""
    given = [*arguments[1:3]]
    for names in (("true_fn", "fn1"), ("false_fn", "fn2")):
        given += [keywords[name] for name in names if name in keywords]
    results = [_called(ev, each, (), node) if not isinstance(each, Tensor) else each for each in given]
    if ev.last_name(node.func) == "in_train_phase":
        results = [_called(ev, each, (), node) if not isinstance(each, Tensor) else each for each in arguments[:2]]
    return join(results[0], results[1]) if len(results) == 2 else UNKNOWN


@handles("tensorflow.while_loop", "keras.ops.while_loop")
def _while_loop(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """What the variables are before or after a round: as often as it runs, what both have in common."""
    given = {**dict(zip(("cond", "body", "loop_vars"), arguments)), **keywords}
    start = given.get("loop_vars", UNKNOWN)
    before = start.items if isinstance(start, Sequence) else (start,)
    with ev.quietly():
        first = _round(ev, given.get("body", UNKNOWN), before, node)
    middle = tuple(map(join, before, first))
    last = _round(ev, given.get("body", UNKNOWN), middle, node)
    values = tuple(map(join, middle, last))
    return Sequence(values, start.kind) if isinstance(start, Sequence) else values[0]


def _round(ev: Evaluator, body: Value, values: tuple[Value, ...], node: Any) -> tuple[Value, ...]:
    result = _called(ev, body, values, node)
    items = result.items if isinstance(result, Sequence) else (result,)
    return items if len(items) == len(values) else tuple(UNKNOWN for _ in values)


@handles("tensorflow.map_fn", "tensorflow.vectorized_map", "keras.ops.map", "keras.ops.vectorized_map",
         "keras.backend.map_fn")  # fmt: skip
def _map(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """A function on each element along the first axis."""
    given = {**dict(zip(("fn", "elems"), arguments)), **keywords}
    elements = given.get("elems", given.get("xs", given.get("elements", UNKNOWN)))
    function = given.get("fn", given.get("f", given.get("function", UNKNOWN)))
    front: list[Dimension] = []

    def one(tensor: Tensor) -> Tensor:
        if not tensor.shape.leading:
            return Tensor(sources=tensor.sources, loader=tensor.loader)
        front.append(tensor.shape.leading[0])
        rest = Shape(tensor.shape.leading[1:], tensor.shape.trailing, tensor.shape.exact)
        return replace(tensor, shape=rest, parameter=None)

    result = _called(ev, function, (reshaped(elements, one),), node)

    def every(tensor: Tensor) -> Tensor:
        if not front:
            return replace(tensor, shape=Shape((), (), False))
        shape = Shape((front[0], *tensor.shape.leading), tensor.shape.trailing, tensor.shape.exact)
        return replace(tensor, shape=shape, parameter=None, quantity=None)

    return reshaped(result, every) if isinstance(result, Tensor | Sequence) else UNKNOWN


@handles("tensorflow.nest.map_structure", "keras.tree.map_structure", "tree.map_structure", "optree.tree_map")
def _map_structure(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if len(arguments) != 2:
        return opaque(ev, arguments, keywords)
    return _mapped(ev, arguments[0], arguments[1], node)


def _mapped(ev: Evaluator, function: Value, value: Value, node: Any) -> Value:
    if isinstance(value, Sequence) and value.kind != "shape":
        return Sequence(tuple(_mapped(ev, function, item, node) for item in value.items), value.kind)
    if isinstance(value, Dictionary):
        items = {key: _mapped(ev, function, item, node) for key, item in value.items.items()}
        return Dictionary(items, value.kind, value.complete)
    return _called(ev, function, (value,), node)


@handles("tensorflow.nest.flatten", "keras.tree.flatten", "tree.flatten")
def _flatten(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    items = _leaves(arguments[0]) if arguments else None
    return UNKNOWN if items is None else Sequence(tuple(items), "list")


def _leaves(value: Value) -> list[Value] | None:
    if isinstance(value, Dictionary):
        if not value.complete:
            return None
        # Flattened in the order of the keys.
        parts: tuple[Value, ...] = tuple(value.items[key] for key in sorted(value.items, key=str))
    elif isinstance(value, Sequence) and value.kind != "shape":
        parts = value.items
    else:
        return [value] if isinstance(value, Tensor) else None
    leaves: list[Value] = []
    for part in parts:
        inner = _leaves(part)
        if inner is None:
            return None
        leaves += inner
    return leaves


@handles("keras.backend.image_data_format", "keras.config.image_data_format")
def _layout(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """The channels stand last, unless somebody says otherwise."""
    changed = "set_image_data_format" in ev.facts.called_names
    return UNKNOWN if changed else Constant("channels_last")
