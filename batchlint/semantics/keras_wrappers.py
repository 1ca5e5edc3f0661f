"""Layers of Keras that hold another layer, a cell or a function: ``TimeDistributed``, ``Bidirectional``, ``Lambda``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics.keras_layers import WRAPPERS, own_inputs, reshaped, without_parameter
from batchlint.semantics.tensors import tensors_in
from batchlint.semantics.values import (
    FALSE,
    NONE,
    UNKNOWN,
    Batch,
    Constant,
    Integer,
    Layer,
    Sequence,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.registry import LAYERS, LayerShape
from batchlint.shapes.registry import UNKNOWN as UNKNOWN_RESULT
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def _given(arguments: tuple[Value, ...], keywords: Mapping[str, Value], name: str = "inputs") -> Value:
    value = arguments[0] if arguments else keywords.get(name, UNKNOWN)
    return value.tensor if isinstance(value, Batch) else value


def _held(layer: Layer, *names: str) -> Value:
    for name in names:
        if name in layer.values:
            return layer.values[name]
    return UNKNOWN


def _time_distributed(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The inner layer on each step: ``[B, T, ...]`` to what it gives for ``[B, ...]``, with T put back."""
    inner, given = _held(layer, "layer"), _given(arguments, keywords)
    if not isinstance(given, Tensor):
        return UNKNOWN
    shape = given.shape
    steps: Dimension = shape.leading[1] if len(shape.leading) > 1 else unknown("T")
    each = Shape((*shape.leading[:1], *shape.leading[2:]), shape.trailing, shape.exact)
    if not shape.leading:
        each = UNKNOWN_SHAPE
    result = ev.apply(inner, (replace(without_parameter(given), shape=each),), {}, node)

    def with_time(tensor: Tensor) -> Tensor:
        if not tensor.shape.leading:
            return replace(tensor, shape=Shape((), tensor.shape.trailing, False))
        leading = (tensor.shape.leading[0], steps, *tensor.shape.leading[1:])
        return replace(tensor, shape=Shape(leading, tensor.shape.trailing, tensor.shape.exact), opaque=False)

    return reshaped(result, with_time)


def _bidirectional(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The inner layer both ways: outputs joined by ``merge_mode``, then the states of one way and of the other."""
    inner = _held(layer, "layer")
    kept = {name: value for name, value in keywords.items() if name == "inputs"}
    result = ev.apply(inner, arguments[:1], kept, node)
    mode = layer.values.get("merge_mode", Constant("concat"))
    output, states = (result.items[0], result.items[1:]) if isinstance(result, Sequence) else (result, ())
    if not isinstance(output, Tensor):
        return UNKNOWN
    merged: tuple[Value, ...]
    if mode == NONE:
        merged = (output, output)
    elif isinstance(mode, Constant) and mode.value == "concat":
        merged = (replace(output, shape=_doubled(output.shape)),)
    elif isinstance(mode, Constant):
        merged = (output,)
    else:
        merged = (replace(output, shape=Shape(output.shape.leading[:1], (), False)),)
    everything = (*merged, *states, *states)
    return everything[0] if len(everything) == 1 else Sequence(everything, "list")


def _doubled(shape: Shape) -> Shape:
    if shape.exact and shape.leading:
        return Shape((*shape.leading[:-1], shape.leading[-1] * 2))
    if shape.trailing:
        return Shape(shape.leading, (*shape.trailing[:-1], shape.trailing[-1] * 2), False)
    return shape


def _lambda(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The function, applied."""
    function = _held(layer, "function")
    extra = layer.values.get("arguments")
    more = dict(getattr(extra, "items", {})) if extra is not None else {}
    given = _given(arguments, keywords)
    result = ev.apply(function, (given,), {key: value for key, value in more.items() if isinstance(key, str)}, node)
    if isinstance(result, Tensor) and not result.opaque:
        return result
    shape = layer.values.get("output_shape")
    tensors = tensors_in(given)
    if isinstance(shape, Sequence) and tensors and tensors[0].shape.leading:
        sizes = tuple(item.dimension if isinstance(item, Integer) else unknown() for item in shape.items)
        return tensors[0].like(Shape((tensors[0].shape.leading[0], *sizes)), marks=frozenset())
    return result


_GATED_CELLS = {"keras.layers.LSTMCell": 2, "keras.layers.GRUCell": 1, "keras.layers.SimpleRNNCell": 1}
"""Cells of Keras to how many states they have."""


def _recurrent(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """``RNN(cell)``: what the cell gives for each step, or for the last."""
    given = _given(*own_inputs(layer, arguments[:1], keywords))
    if not isinstance(given, Tensor):
        return UNKNOWN
    shape = given.shape
    rows = shape.leading[:1]
    sizes = _outputs_of(ev, _held(layer, "cell"), given, node)
    sequences, states = layer.values.get("return_sequences", FALSE), layer.values.get("return_state", FALSE)
    if not rows or sizes is None or not isinstance(sequences, Constant):
        return Tensor(Shape(rows, (), False), given.sources, loader=given.loader)
    if sequences.value:
        steps = shape.leading[1] if len(shape.leading) > 1 else unknown("T")
        output = given.like(Shape((*rows, steps, *sizes)), marks=frozenset(), opaque=False)
    else:
        output = given.like(Shape((*rows, *sizes)), marks=frozenset(), opaque=False)
    if states == FALSE:
        return output
    return UNKNOWN if not isinstance(states, Constant) else _with_states(layer, output, rows)


def _with_states(layer: Layer, output: Tensor, rows: tuple[Dimension, ...]) -> Value:
    cell = _held(layer, "cell")
    if not isinstance(cell, Layer) or cell.name not in _GATED_CELLS:
        return UNKNOWN
    state = replace(output, shape=Shape((*rows, output.shape.leading[-1])))
    return Sequence((output, *(state,) * _GATED_CELLS[cell.name]), "list")


def _outputs_of(ev: Evaluator, cell: Value, given: Tensor, node: Any) -> tuple[Dimension, ...] | None:
    """The shape of what *cell* gives for one sample and step, ``None`` where it is not known."""
    if isinstance(cell, Sequence) and cell.items:
        cell = cell.items[-1]
    if isinstance(cell, Layer) and cell.name == "keras.layers.StackedRNNCells":
        return _outputs_of(ev, _held(cell, "cells"), given, node)
    if isinstance(cell, Layer):
        units = cell.values.get("units")
        return (units.dimension,) if isinstance(units, Integer) and cell.name in _GATED_CELLS else None
    shape = given.shape
    step = Shape((*shape.leading[:1], *shape.leading[2:]), shape.trailing, shape.exact)
    if not shape.leading:
        step = UNKNOWN_SHAPE
    result = ev.apply(cell, (replace(without_parameter(given), shape=step), UNKNOWN), {}, node)
    output = result.items[0] if isinstance(result, Sequence) and result.items else result
    known = isinstance(output, Tensor) and output.shape.exact and output.shape.leading
    return output.shape.leading[1:] if known and isinstance(output, Tensor) else None


WRAPPERS.update(
    {
        "keras.layers.TimeDistributed": _time_distributed,
        "keras.layers.Bidirectional": _bidirectional,
        "keras.layers.Lambda": _lambda,
        "keras.layers.RNN": _recurrent,
        "keras.layers.Wrapper": lambda ev, layer, arguments, keywords, node: ev.apply(
            _held(layer, "layer"), arguments, keywords, node
        ),
        "keras.layers.SpectralNormalization": lambda ev, layer, arguments, keywords, node: ev.apply(
            _held(layer, "layer"), arguments, keywords, node
        ),
    }
)

_PARAMETERS = {
    "Bidirectional": "layer merge_mode weights backward_layer",
    "Lambda": "function output_shape mask arguments",
    "RNN": "cell return_sequences return_state go_backwards stateful unroll",
    "SpectralNormalization": "layer power_iterations",
    "StackedRNNCells": "cells",
    "TimeDistributed": "layer",
    "Wrapper": "layer",
}
"""What the constructors take, where the table of layers does not say."""

for _name, _names in _PARAMETERS.items():
    _full = f"keras.layers.{_name}"
    LAYERS.setdefault(_full, LayerShape(_full, lambda *_, **__: UNKNOWN_RESULT, ("inputs",), tuple(_names.split())))
