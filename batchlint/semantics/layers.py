"""Layers of the framework: made by their constructors, applied to tensors, chained by ``Sequential``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.quantities import of_loss
from batchlint.semantics.tensors import (
    NEEDS_ROWS,
    argument_for_shapes,
    as_value,
    consume,
    look_for_conflict,
    observe_loss_operands,
    opaque,
    tensors_among,
)
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Chain,
    Constant,
    Dictionary,
    Integer,
    Layer,
    Mark,
    Number,
    Parameter,
    Repeated,
    Sequence,
    Source,
    Tensor,
    Value,
    new_identity,
)
from batchlint.shapes import registry
from batchlint.shapes.dimension import Dimension, Expression, Role, Symbol, symbols_of
from batchlint.shapes.registry import LAYERS, LayerShape
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.losses import LOSSES
from batchlint.shapes.torch.roles import ELEMENTWISE, RECURRENT

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_CONTAINERS = frozenset({"torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict", "torch.nn.ParameterList"})


def is_layer(name: str) -> bool:
    """Whether calling *name* makes a layer or a container of layers."""
    return name in LAYERS or name in _CONTAINERS or _OTHER.match(name) is not None


_OTHER = re.compile(r"keras\.layers\.[A-Z]")
"""Layers of Keras that there is no shape function for: they keep the rows."""


def _keeping_rows(*inputs: Any, **_: Any) -> Shape:
    first = inputs[0] if inputs else None
    while isinstance(first, tuple) and first:
        first = first[0]
    return Shape(first.leading[:1], (), False) if isinstance(first, Shape) else UNKNOWN_SHAPE


def construct(
    ev: Evaluator, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The layer or container that ``name(...)`` makes."""
    if name == "torch.nn.Sequential":
        return _sequential(ev, arguments)
    if name in ("torch.nn.ModuleList", "torch.nn.ParameterList"):
        if not arguments:
            return Sequence((), "ModuleList")
        spread = ev.spread(arguments[0])
        if spread is not None:
            return Sequence(spread, "ModuleList")
        return arguments[0] if isinstance(arguments[0], Repeated) else UNKNOWN
    if name == "torch.nn.ModuleDict":
        return arguments[0] if arguments and isinstance(arguments[0], Dictionary) else Dictionary({}, "dict", False)
    if name.startswith("keras.layers."):
        from batchlint.semantics.keras_spelling import as_written_today

        arguments, keywords = as_written_today(ev, name, arguments, keywords)
    shape = LAYERS.get(name) or LayerShape(name, _keeping_rows, ("inputs", "more"), (), open=True)
    starred = any(isinstance(value, Repeated) and value.kind == "star" for value in arguments)
    if starred:
        arguments = arguments[:-1]
    bound = shape.bind(
        [argument_for_shapes(value) for value in arguments],
        {key: argument_for_shapes(value) for key, value in keywords.items()},
    )
    values = dict(zip(shape.parameters, arguments))
    values.update(keywords)
    if starred or registry.OTHER_KEYWORDS in keywords:
        bound.update((parameter, registry.UNKNOWN) for parameter in shape.parameters if parameter not in values)
    layer = Layer(name, shape, bound, values, node, new_identity())
    if f"{name}.__init__" in ev.subscriptions:
        ev.observe(f"{name}.__init__", node, values, layer, name=name)
    return layer


def _sequential(ev: Evaluator, arguments: tuple[Value, ...]) -> Value:
    if len(arguments) == 1:
        only = arguments[0]
        if isinstance(only, Dictionary):
            return Chain(tuple(only.items.items()), only.complete)
        if isinstance(only, Sequence) and only.kind == "pairs":
            pairs = [item.items for item in only.items if isinstance(item, Sequence) and len(item.items) == 2]
            named = tuple((str(key.value) if isinstance(key, Constant) else "?", value) for key, value in pairs)
            return Chain(named, len(named) == len(only.items))
        if isinstance(only, Repeated):
            return Chain((), False)
    if any(isinstance(value, Repeated) and value.kind == "star" for value in arguments):
        return Chain((), False)
    return Chain(tuple((str(i), value) for i, value in enumerate(arguments)))


def apply_chain(ev: Evaluator, chain: Chain, arguments: tuple[Value, ...], node: Any) -> Value:
    """The value of calling a ``Sequential``."""
    if not chain.complete or len(arguments) != 1:
        return opaque(ev, arguments, {})
    value = arguments[0]
    for _, item in chain.items:
        value = ev.apply(item, (value,), {}, node)
    return value


def apply_layer(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The value of calling a layer on abstract inputs."""
    if layer.name.startswith("keras."):
        from batchlint.semantics.keras_layers import apply_keras

        return apply_keras(ev, layer, arguments, keywords, node)
    return apply_plain(ev, layer, arguments, keywords, node)


def apply_plain(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The value of calling a layer that holds no other layers."""
    inputs = list(arguments)
    for name in layer.shape.inputs[len(inputs) :]:
        if name in keywords:
            while len(inputs) < layer.shape.inputs.index(name):
                inputs.append(Constant(None))
            inputs.append(keywords[name])
    inputs = [value.tensor if isinstance(value, Batch) else value for value in inputs]
    expected = None
    if inputs and layer.shape.expects is not None:
        try:
            expected = layer.shape.expects(layer.arguments)
        except (TypeError, ValueError):
            expected = None
    if expected is not None and inputs and isinstance(inputs[0], Tensor):
        inputs[0] = _informed(ev, layer, inputs[0], expected)
    tensors = tensors_among(inputs)
    error: ShapeMismatch | None = None
    try:
        result: Any = layer.shape.function(*[argument_for_shapes(value) for value in inputs], **layer.arguments)
    except ShapeMismatch as mismatch:
        error, result = mismatch, registry.UNKNOWN
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, ZeroDivisionError, OverflowError):
        result = registry.UNKNOWN
    first = tensors[0] if tensors else None
    if layer.name in RECURRENT and isinstance(result, tuple) and first is not None and _may_be_packed(first):
        result = (registry.UNKNOWN, *result[1:])
    if layer.name in RECURRENT and first is not None:
        tensors_for_marks = [first]
    else:
        tensors_for_marks = tensors
    value = as_value(result, layer.name, layer.name.rpartition(".")[2], tensors_for_marks or tensors, node)
    if first is None and isinstance(value, Tensor):
        value = Tensor(value.shape, value.sources - {Source.CREATED}, opaque=True)
    if layer.name in ELEMENTWISE and isinstance(value, Tensor) and first is not None and value.shape == first.shape:
        value = replace(value, marks=first.marks)
    if layer.name in LOSSES:
        value = with_loss(ev, value, layer.name, layer.arguments, node)
    if layer.name in NEEDS_ROWS:
        consume(ev, layer.name, node, tensors, {}, ())
    if layer.name in LOSSES or layer.name.startswith("keras.losses."):
        observe_loss_operands(ev, layer.name, node, tensors)
    if len(tensors) > 1:
        look_for_conflict(ev, layer.name, node, tensors)
    if error is not None:
        ev.observe(
            seen.MISMATCH, node, {"layer": layer, "input": inputs[0] if inputs else UNKNOWN}, value,
            name=layer.name, error=error,
        )  # fmt: skip
    if layer.name in ev.subscriptions:
        ev.observe(
            layer.name, node, {"layer": layer, "input": inputs[0] if inputs else UNKNOWN}, value, name=layer.name,
            positional=tuple(inputs), keywords=keywords,
        )  # fmt: skip
    return value


def _may_be_packed(tensor: Tensor) -> bool:
    """Whether *tensor* may be a packed sequence: nothing is known of its shape, and it is no argument."""
    return tensor.shape == UNKNOWN_SHAPE and tensor.parameter is None


def with_loss(ev: Evaluator, value: Value, name: str, arguments: Mapping[str, Any], node: Any) -> Value:
    """*value* as the loss it is: a mean or a sum over the batch."""
    if not isinstance(value, Tensor):
        return value
    return replace(value, quantity=of_loss(ev, name, arguments, node), marks=frozenset())


def _informed(ev: Evaluator, layer: Layer, tensor: Tensor, expected: Shape) -> Tensor:
    """An argument of the model of which little is known has the shape that its first layer demands."""
    if tensor.parameter is None or tensor.shape.exact or tensor.shape.trailing:
        return tensor
    if not expected.exact:
        return tensor
    if len(tensor.shape.leading) > len(expected.leading):
        return tensor
    function = tensor.parameter.function
    time_major = layer.name in RECURRENT and layer.arguments.get("batch_first") is not True
    dimensions: list[Dimension] = []
    for axis, dimension in enumerate(expected.leading):
        if axis < len(tensor.shape.leading) and not time_major:
            dimensions.append(tensor.shape.leading[axis])
        elif time_major and axis < 2 and len(expected.leading) == 3:
            name, role = (("T", Role.SIZE), ("B", Role.BATCH))[axis]
            dimensions.append(Symbol(name, role, identity=("input", function)).dimension())
        elif axis == 0 and not time_major:
            dimensions.append(Symbol("B", Role.BATCH, identity=("input", function)).dimension())
        else:
            dimensions.append(_named(dimension, tensor.parameter, axis))
    shape = Shape(tuple(dimensions))
    if time_major and tensor.shape.leading and layer.arguments.get("batch_first") is not False:
        return tensor
    ev.refine(tensor.parameter, shape)
    return replace(tensor, shape=shape, opaque=False)


_SPATIAL_NAMES = frozenset({"H", "W", "D", "L"})


def _named(dimension: Dimension, parameter: Parameter, axis: int) -> Dimension:
    """A spatial size of the input, the same symbol each time this argument is refined."""
    if isinstance(dimension, Expression):
        symbols = symbols_of(dimension)
        if len(symbols) == 1:
            (symbol,) = symbols
            if symbol.role is Role.SIZE:
                identity = (
                    SPATIAL if symbol.name in _SPATIAL_NAMES else "axis",
                    parameter.function,
                    parameter.name,
                    axis,
                )
                return Symbol(symbol.name, Role.SIZE, identity=identity).dimension()
    return dimension


SPATIAL = "spatial size of an argument"
"""First element of the identity of a symbol that is a spatial size of a model's argument."""


def spatial_symbols(dimension: Dimension) -> tuple[Symbol, ...]:
    """The spatial sizes of a model's argument that *dimension* depends on, in order of their names."""
    if not isinstance(dimension, Expression):
        return ()
    found = [s for s in symbols_of(dimension) if isinstance(s.identity, tuple) and s.identity[0] == SPATIAL]
    return tuple(sorted(found, key=lambda symbol: (symbol.identity[3], symbol.name)))  # type: ignore[index]


__all__ = [
    "SPATIAL",
    "UNKNOWN_SHAPE",
    "Integer",
    "Mark",
    "Number",
    "apply_chain",
    "apply_layer",
    "apply_plain",
    "construct",
    "is_layer",
    "spatial_symbols",
    "with_loss",
]
