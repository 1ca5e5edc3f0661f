"""Sequences that are padded on the right, and recurrent layers whose last step is read all the same.

What was measured on Keras 3.15: where a mask reaches the layer (``mask_zero``, ``Masking``) the steps of padding
repeat the last real output, so that ``outputs[:, -1]`` is right, as is the last state; without one both go on over it.
``dynamic_rnn`` of TensorFlow 1 gives zeros for the steps after ``sequence_length``, and the right last state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.values import (
    NONE,
    TRUE,
    UNKNOWN,
    Batch,
    Constant,
    Integer,
    Layer,
    Mark,
    MarkKind,
    Sequence,
    SliceValue,
    Source,
    Tensor,
    Value,
)

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_RECURRENT = frozenset(
    f"keras.layers.{name}" for name in ("LSTM", "GRU", "SimpleRNN", "RNN", "CuDNNLSTM", "CuDNNGRU", "ConvLSTM1D")
)
_EMBEDDING = "keras.layers.Embedding"
_WRAPPER = "keras.layers.Bidirectional"

_STEP_BY_STEP = frozenset(
    f"keras.layers.{name}"
    for name in (
        "Dense Dropout SpatialDropout1D Activation ReLU LeakyReLU LayerNormalization BatchNormalization GaussianNoise "
        "TimeDistributed"
    ).split()
)
"""Layers that leave each step where it is."""

KEEPING = frozenset("cast identity dropout relu tanh concat concatenate add multiply mul".split())
"""Operations of which the same holds."""


def after_layer(ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], value: Value, node: Any) -> Value:
    """*value*, what *layer* of Keras gave for *arguments*, with what is known of padding in it."""
    if seen.LAST_STEP not in ev.subscriptions or not ev.facts.pads_right or ev.facts.masks:
        return value
    given = arguments[0].tensor if arguments and isinstance(arguments[0], Batch) else next(iter(arguments), UNKNOWN)
    if not isinstance(given, Tensor):
        return value
    if layer.name == _EMBEDDING:
        return _marked(value, Mark(MarkKind.PADDED, node)) if Source.INPUT in given.sources else value
    marks = frozenset(mark for mark in given.marks if mark.kind is MarkKind.PADDED)
    if not marks:
        return value
    if layer.name in _STEP_BY_STEP:
        return _marked(value, *marks)
    inner = layer.values.get("layer") if layer.name == _WRAPPER else layer
    if not isinstance(inner, Layer) or inner.name not in _RECURRENT:
        return value
    every = inner.values.get("return_sequences", NONE)
    if every == TRUE:
        return _marked(value, Mark(MarkKind.PADDED, node, "recurrent"))
    plain = every in (NONE, Constant(False)) and not {"return_state", "go_backwards"} & set(inner.values)
    if plain:
        ev.observe(seen.LAST_STEP, node, {"layer": layer}, name=inner.name)
    return value


def unrolled(value: Value, given: Mapping[str, Value], node: Any) -> Value:
    """What ``dynamic_rnn`` gives: after the ``sequence_length`` of a sample come zeros."""
    lengths = given.get("sequence_length", NONE)
    varied = isinstance(lengths, Tensor) and Source.CREATED not in lengths.sources and bool(lengths.sources)
    return _marked(value, Mark(MarkKind.PADDED, node, "recurrent")) if varied else value


def _marked(value: Value, *marks: Mark) -> Value:
    if isinstance(value, Tensor):
        return replace(value, marks=value.marks.union(marks))
    if isinstance(value, Sequence) and value.items:
        return Sequence((_marked(value.items[0], *marks), *value.items[1:]), value.kind)
    return value


def look_at_last_step(ev: Evaluator, tensor: Tensor, items: tuple[Value, ...], node: Any) -> None:
    """Observe ``outputs[:, -1]`` of a recurrent layer over padded sequences."""
    if seen.LAST_STEP not in ev.subscriptions or len(items) < 2:
        return
    first, second = items[0], items[1]
    whole = isinstance(first, SliceValue) and all(part == NONE for part in (first.lower, first.upper, first.step))
    if not whole or not isinstance(second, Integer) or second.dimension != -1:
        return
    for mark in tensor.marks:
        if mark.kind is MarkKind.PADDED and mark.detail == "recurrent":
            ev.observe(seen.LAST_STEP, node, {"layer": UNKNOWN, "outputs": tensor}, name="index")
            return
