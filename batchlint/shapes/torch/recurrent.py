"""Recurrent layers and their cells, and the packing of sequences for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from batchlint.shapes.dimension import unknown
from batchlint.shapes.registry import UNKNOWN, ShapeResult, Unknown, layer, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape
from batchlint.shapes.torch.arguments import Size, as_flag, as_shape, as_size, combine, fitted, require, shape_of
from batchlint.shapes.torch.spatial import sequence_batch


class _Run(NamedTuple):
    """What a recurrent layer gives: every step's output, and the last hidden and cell states."""

    output: Shape | Unknown
    hidden: Shape
    cell: Shape


def _run(
    name: str,
    input: object,
    states: object,
    input_size: object,
    hidden_size: object,
    num_layers: object,
    batch_first: object,
    bidirectional: object,
    proj_size: object = 0,
) -> _Run:
    both_ways, batch_leads = as_flag(bidirectional), as_flag(batch_first)
    directions = None if both_ways is None else 1 + both_ways
    projection = as_size(proj_size)
    features = as_size(hidden_size) if projection == 0 else projection if isinstance(projection, int) else None
    outputs = combine(lambda d, f: d * f, directions, features)
    depth = combine(lambda d, n: d * n, directions, as_size(num_layers))

    sizes: tuple[Size, ...] = (None, None, None)
    if isinstance(input, Shape):
        sizes = fitted(name, input, (2, 3))
        require(name, "features", as_size(input_size), sizes[-1])
    batch: tuple[Size, ...] = ()
    if len(sizes) == 3:
        given = states[0] if isinstance(states, tuple) and states else states
        size = None if batch_leads is None else sizes[0 if batch_leads else 1]
        if size is None and isinstance(given, Shape) and given.rank == 3:
            size = given.leading[1]
        batch = (unknown() if size is None else size,)
        if batch_leads is not None:
            sizes = (*batch, *sizes[1:]) if batch_leads else (sizes[0], *batch, sizes[2])
    return _Run(
        shape_of((*sizes[:-1], outputs)) if isinstance(input, Shape) else UNKNOWN,
        shape_of((depth, *batch, features)),
        shape_of((depth, *batch, as_size(hidden_size))),
    )


def _expects(parameters: Mapping[str, Any]) -> Shape:
    return sequence_batch(as_size(parameters["input_size"]), parameters["batch_first"])


@layer("torch.nn.RNN", expects=_expects)
def simple_layer(
    input: Shape,
    hx: object = None,
    /,
    *,
    input_size: object,
    hidden_size: object,
    num_layers: object = 1,
    nonlinearity: object = "tanh",
    bias: object = True,
    batch_first: object = False,
    dropout: object = 0.0,
    bidirectional: object = False,
) -> ShapeResult:
    """``[L, B, F]`` to every step's output and the last state ``[layers * directions, B, hidden_size]``."""
    run = _run("RNN", input, hx, input_size, hidden_size, num_layers, batch_first, bidirectional)
    return run.output, run.hidden


@layer("torch.nn.GRU", expects=_expects)
def gated_layer(
    input: Shape,
    hx: object = None,
    /,
    *,
    input_size: object,
    hidden_size: object,
    num_layers: object = 1,
    bias: object = True,
    batch_first: object = False,
    dropout: object = 0.0,
    bidirectional: object = False,
) -> ShapeResult:
    """``[L, B, F]`` to every step's output and the last state ``[layers * directions, B, hidden_size]``."""
    run = _run("GRU", input, hx, input_size, hidden_size, num_layers, batch_first, bidirectional)
    return run.output, run.hidden


@layer("torch.nn.LSTM", expects=_expects)
def long_short_term_layer(
    input: Shape,
    hx: object = None,
    /,
    *,
    input_size: object,
    hidden_size: object,
    num_layers: object = 1,
    bias: object = True,
    batch_first: object = False,
    dropout: object = 0.0,
    bidirectional: object = False,
    proj_size: object = 0,
) -> ShapeResult:
    """``[L, B, F]`` to every step's output and the last hidden and cell states."""
    run = _run("LSTM", input, hx, input_size, hidden_size, num_layers, batch_first, bidirectional, proj_size)
    return run.output, (run.hidden, run.cell)


def _step(name: str, input: object, states: object, input_size: object, hidden_size: object) -> Shape:
    sizes = fitted(name, as_shape(input), (1, 2))
    require(name, "features", as_size(input_size), sizes[-1])
    given = states[0] if isinstance(states, tuple) and states else states
    if len(sizes) == 2 and sizes[0] is None and isinstance(given, Shape) and given.rank == 2:
        sizes = (given.leading[0], sizes[1])
    return shape_of((*sizes[:-1], as_size(hidden_size)))


def _expects_step(parameters: Mapping[str, Any]) -> Shape:
    features = as_size(parameters["input_size"])
    return Shape((unknown("B"), unknown("F") if features is None else features))


@layer("torch.nn.RNNCell", expects=_expects_step)
def simple_cell(
    input: Shape,
    hx: object = None,
    /,
    *,
    input_size: object,
    hidden_size: object,
    bias: object = True,
    nonlinearity: object = "tanh",
) -> Shape:
    """``[B, input_size]`` to ``[B, hidden_size]``."""
    return _step("RNNCell", input, hx, input_size, hidden_size)


@layer("torch.nn.GRUCell", expects=_expects_step)
def gated_cell(
    input: Shape, hx: object = None, /, *, input_size: object, hidden_size: object, bias: object = True
) -> Shape:
    """``[B, input_size]`` to ``[B, hidden_size]``."""
    return _step("GRUCell", input, hx, input_size, hidden_size)


@layer("torch.nn.LSTMCell", expects=_expects_step)
def long_short_term_cell(
    input: Shape, hx: object = None, /, *, input_size: object, hidden_size: object, bias: object = True
) -> ShapeResult:
    """``[B, input_size]`` to the hidden and cell states ``[B, hidden_size]``."""
    state = _step("LSTMCell", input, hx, input_size, hidden_size)
    return state, state


@shape_function("torch.nn.utils.rnn.pack_padded_sequence")
def pack_padded(
    input: Shape, lengths: object, batch_first: object = False, enforce_sorted: object = True
) -> ShapeResult:
    """A packed sequence, which is no tensor."""
    return UNKNOWN


@shape_function("torch.nn.utils.rnn.pack_sequence")
def pack(sequences: object, enforce_sorted: object = True) -> ShapeResult:
    """A packed sequence, which is no tensor."""
    return UNKNOWN


@shape_function("torch.nn.utils.rnn.pad_packed_sequence")
def pad_packed(
    sequence: object, batch_first: object = False, padding_value: object = 0.0, total_length: object = None
) -> ShapeResult:
    """The padded sequences ``[L, B, ...]`` and their lengths ``[B]``."""
    batch, leads = unknown(), as_flag(batch_first)
    if leads is None:
        return UNKNOWN_SHAPE, Shape((batch,))
    length = as_size(total_length)
    order = (batch, length) if leads else (length, batch)
    return Shape(shape_of(order).leading, (), exact=False), Shape((batch,))


@shape_function("torch.nn.utils.rnn.pad_sequence")
def pad_sequences(
    sequences: object, batch_first: object = False, padding_value: object = 0.0, padding_side: object = "right"
) -> Shape:
    """Tensors ``[L, ...]`` to one ``[L, B, ...]``."""
    leads = as_flag(batch_first)
    if not isinstance(sequences, (tuple, list)) or not sequences or leads is None:
        return UNKNOWN_SHAPE
    shapes = [as_shape(sequence) for sequence in sequences]
    rest = next((shape.leading[1:] for shape in shapes if shape.exact), None)
    lengths = [shape.dimension(0) for shape in shapes]
    numbers = [length for length in lengths if isinstance(length, int)]
    length = lengths[0] if len(set(lengths)) == 1 else max(numbers) if len(numbers) == len(lengths) else None
    order = (len(shapes), length) if leads else (length, len(shapes))
    return Shape(shape_of(order).leading, (), exact=False) if rest is None else shape_of((*order, *rest))
