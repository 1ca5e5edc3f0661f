"""Layers of Keras as the evaluator applies them: what differs from PyTorch's in how they are given their inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import layers
from batchlint.semantics.library import handles
from batchlint.semantics.padded_sequences import after_layer
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Batch,
    Dictionary,
    Integer,
    Layer,
    Sequence,
    Tensor,
    Value,
)
from batchlint.shapes.registry import LAYERS

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["MERGES", "OUTPUT", "apply_keras", "declared_input", "own_inputs"]

Applied = Callable[["Evaluator", Layer, tuple[Value, ...], Mapping[str, Value], Any], Value]

WRAPPERS: dict[str, Applied] = {}
"""Layers that hold other layers or functions: how each is applied."""

OUTPUT = "output of a layer"
"""First element of the key under which the evaluator remembers what a layer gave last."""

MERGES = {
    "add": "Add",
    "average": "Average",
    "concatenate": "Concatenate",
    "dot": "Dot",
    "maximum": "Maximum",
    "minimum": "Minimum",
    "multiply": "Multiply",
    "subtract": "Subtract",
}
"""Functional form to the layer that it makes and applies at once."""

_NO_INPUTS = frozenset({"training", "mask", "name", "use_causal_mask", "**"})


def own_inputs(
    layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """The arguments of a call less those that say nothing of the shape (``training``, ``mask``)."""
    kept = {name: value for name, value in keywords.items() if name not in _NO_INPUTS}
    if "inputs" in kept and layer.shape.inputs and "inputs" not in layer.shape.inputs:
        kept[layer.shape.inputs[0]] = kept.pop("inputs")
    return arguments[: len(layer.shape.inputs)], kept


def apply_keras(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The value of calling a layer of Keras."""
    wrapper = WRAPPERS.get(layer.name)
    if wrapper is not None:
        value = wrapper(ev, layer, arguments, keywords, node)
    else:
        arguments, keywords = own_inputs(layer, arguments, keywords)
        value = layers.apply_plain(ev, layer, tuple(map(_as_inputs, arguments)), keywords, node)
    value = after_layer(ev, layer, arguments, value, node)
    ev.memory[(OUTPUT, layer.identity)] = value
    return value


def _as_inputs(value: Value) -> Value:
    if isinstance(value, Batch):
        return value.tensor
    if isinstance(value, Dictionary) and value.complete:
        return Sequence(tuple(value.items.values()), "list")
    return value


def declared_input(layer: Layer) -> tuple[Value | None, Value | None]:
    """The shape without and with the batch axis that a first layer's keywords declare."""
    values = layer.values
    for name in ("batch_input_shape", "batch_shape"):
        if name in values:
            return None, values[name]
    shape: Value
    if "input_shape" in values:
        shape = values["input_shape"]
    elif layer.name == "keras.layers.Embedding":
        steps = values.get("input_length", NONE)
        shape = steps if isinstance(steps, Sequence) else Sequence((steps,))
    elif "input_dim" in values:
        steps = values.get("input_length", NONE)
        shape = Sequence((*(() if steps == NONE else (steps,)), values["input_dim"]))
    else:
        return None, None
    rows = values.get("batch_size")
    if isinstance(rows, Integer) and isinstance(shape, Sequence):
        return None, Sequence((rows, *shape.items))
    return shape, None


def _merge(layer: str) -> Any:
    def merged(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        given = dict(keywords)
        inputs = arguments[0] if arguments else given.pop("inputs", UNKNOWN)
        name = f"keras.layers.{layer}"
        if name not in LAYERS:
            return UNKNOWN
        made = layers.construct(ev, name, arguments[1:], given, node)
        return ev.apply(made, (inputs,), {}, node)

    return merged


def _register() -> None:
    for function, layer in MERGES.items():
        handles(f"keras.layers.{function}")(_merge(layer))


def reshaped(value: Value, change: Callable[[Tensor], Tensor]) -> Value:
    """*value* with *change* made to each tensor in it."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Sequence):
        return Sequence(tuple(reshaped(item, change) for item in value.items), value.kind)
    return value


def without_parameter(tensor: Tensor) -> Tensor:
    """*tensor* as something that was computed, not the argument itself."""
    return replace(tensor, parameter=None)


_register()
