"""Recurrent layers, their cells, and what runs a layer over time or both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from batchlint.shapes.dimension import unknown
from batchlint.shapes.keras.arguments import REQUIRED, channels_last, keras_layer, read_images
from batchlint.shapes.keras.convolution import convolve
from batchlint.shapes.registry import UNKNOWN, ChainArgument, LayerArgument, ShapeResult
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_flag, as_shape, as_size, combine, fitted, shape_of
from batchlint.shapes.torch.spatial import AXIS_NAMES

__all__ = ["CELLS", "CONVOLUTIONAL", "WHOLE_SEQUENCES"]

_STARTING: Final[dict[str, Any]] = {
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}
_WEIGHTS: Final[dict[str, Any]] = {
    "kernel_regularizer": None,
    "recurrent_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "recurrent_constraint": None,
    "bias_constraint": None,
}
_FORGET: Final[dict[str, Any]] = {"unit_forget_bias": True}
_DROPPING: Final[dict[str, Any]] = {"dropout": 0.0, "recurrent_dropout": 0.0}
_RUNNING: Final[dict[str, Any]] = {
    "return_sequences": False,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
}
_GATED: Final[dict[str, Any]] = {
    "units": REQUIRED, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True
}  # fmt: skip
_SIMPLE: Final[dict[str, Any]] = {"units": REQUIRED, "activation": "tanh", "use_bias": True}
_OLD: Final[dict[str, Any]] = {"time_major": False}
"""TensorFlow 2's own Keras lets the time come first."""


class _Cell(NamedTuple):
    """What a cell puts out, and the features of its states, nested as Keras nests them."""

    features: Size
    states: tuple[Any, ...]


def _cell(units: object, states: int) -> _Cell:
    size = as_size(units)
    return _Cell(size, (size,) * states)


def _states(batch: Size, sizes: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([_states(batch, size) if isinstance(size, tuple) else shape_of((batch, size)) for size in sizes])


def _run(
    name: str,
    sequences: object,
    cell: _Cell,
    return_sequences: object,
    return_state: object,
    time_major: object = False,
) -> ShapeResult:
    """What a recurrent layer gives: every output or the last, and where asked for the last states.

    Raises:
        ShapeMismatch: *sequences* is certain not to be of three dimensions.
    """
    batch, steps, _ = fitted(name, as_shape(sequences), (3,))
    batch = unknown() if batch is None else batch
    every, with_state = as_flag(return_sequences), as_flag(return_state)
    output = Shape((batch,), (), exact=False)
    if every is not None:
        output = shape_of((batch, steps, cell.features) if every else (batch, cell.features))
    if time_major is not False and time_major is not None:
        output, batch = UNKNOWN_SHAPE, None
    if with_state is None:
        return UNKNOWN
    return (output, *_states(batch, cell.states)) if with_state else output


def _expects_sequences(parameters: Mapping[str, Any]) -> Shape | None:
    if parameters.get("time_major") is True:
        return None
    return Shape((unknown("B"), unknown("T"), unknown("F")))


def _register(name: str, states: int, parameters: dict[str, Any], *others: str) -> None:
    @keras_layer(name, *others, parameters={**parameters, **_OLD}, expects=_expects_sequences)
    def recurrent(
        sequences: Shape,
        initial_state: object = None,
        mask: object = None,
        training: object = None,
        /,
        *,
        units: object,
        return_sequences: object,
        return_state: object,
        time_major: object,
    ) -> ShapeResult:
        return _run(name, sequences, _cell(units, states), return_sequences, return_state, time_major)


_register(
    "LSTM",
    2,
    {
        **_GATED, **_STARTING, **_FORGET, **_WEIGHTS, **_DROPPING, "seed": None, **_RUNNING, "unroll": False,
        "use_cudnn": "auto",
    },
)  # fmt: skip
_register(
    "GRU",
    1,
    {
        **_GATED, **_STARTING, **_WEIGHTS, **_DROPPING, "seed": None, **_RUNNING, "unroll": False, "reset_after": True,
        "use_cudnn": "auto",
    },
)  # fmt: skip
_register("SimpleRNN", 1, {**_SIMPLE, **_STARTING, **_WEIGHTS, **_DROPPING, **_RUNNING, "unroll": False, "seed": None})
for _name, _count in (("CuDNNLSTM", 2), ("CuDNNGRU", 1)):
    _register(
        _name,
        _count,
        {
            "units": REQUIRED, **_STARTING, **(_FORGET if _count == 2 else {}), **_WEIGHTS, "return_sequences": False,
            "return_state": False, "go_backwards": False, "stateful": False,
        },
    )  # fmt: skip

WHOLE_SEQUENCES: Final = ("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU")
"""Layers that run a cell of their own over time."""

CELLS: Final[Mapping[str, int]] = {"LSTMCell": 2, "GRUCell": 1, "SimpleRNNCell": 1}
"""Cells, and how many states each has."""


def _step(name: str, input: object, states: object, cell: _Cell) -> ShapeResult:
    shape = as_shape(input)
    sizes = fitted(name, shape, (2,)) if not shape.exact or len(shape.leading) != 2 else shape.leading
    batch = sizes[0]
    given = states[0] if isinstance(states, (tuple, list)) and states else states
    if batch is None and isinstance(given, Shape) and given.exact and given.leading:
        batch = given.leading[0]
    batch = unknown() if batch is None else batch
    after = _states(batch, cell.states)
    output = shape_of((batch, cell.features))
    return output, (after if len(after) > 1 or isinstance(states, (tuple, list)) else after[0] if after else UNKNOWN)


def _register_cell(name: str, parameters: dict[str, Any]) -> None:
    first = "sequence" if name.startswith("Simple") else "inputs"
    count = CELLS[name]

    if first == "inputs":

        @keras_layer(name, parameters=parameters)
        def cell(inputs: Shape, states: object = None, training: object = None, /, *, units: object) -> ShapeResult:
            return _step(name, inputs, states, _cell(units, count))

    else:

        @keras_layer(name, parameters=parameters)
        def simple_cell(
            sequence: Shape, states: object = None, training: object = None, /, *, units: object
        ) -> ShapeResult:
            return _step(name, sequence, states, _cell(units, count))


_CELL_WEIGHTS = {name: default for name, default in _WEIGHTS.items() if name != "activity_regularizer"}
_register_cell("LSTMCell", {**_GATED, **_STARTING, **_FORGET, **_CELL_WEIGHTS, **_DROPPING, "seed": None})
_register_cell("GRUCell", {**_GATED, **_STARTING, **_CELL_WEIGHTS, **_DROPPING, "reset_after": True, "seed": None})
_register_cell("SimpleRNNCell", {**_SIMPLE, **_STARTING, **_CELL_WEIGHTS, **_DROPPING, "seed": None})


def _short(layer: LayerArgument) -> str:
    return layer.name.removeprefix("keras.layers.")


def _described(cell: object) -> _Cell | None:
    """What is known of a cell, or of a stack of cells; ``None`` of one that the file itself makes."""
    if isinstance(cell, LayerArgument):
        short = _short(cell)
        if short in CELLS:
            return _cell(cell.arguments.get("units"), CELLS[short])
        if short == "StackedRNNCells":
            return _described(cell.arguments.get("cells"))
        return None
    if not isinstance(cell, (tuple, list)) or not cell:
        return None
    cells = [_described(one) for one in cell]
    known = [one for one in cells if one is not None]
    if len(known) < len(cells):
        return None
    # One state stands alone, several are a list of their own.
    states = tuple([one.states if len(one.states) > 1 else one.states[0] for one in known])
    return _Cell(known[-1].features, states)


@keras_layer("StackedRNNCells", parameters={"cells": REQUIRED})
def stacked_cells(inputs: Shape, states: object = None, training: object = None, /, *, cells: object) -> ShapeResult:
    """``[B, F]`` to the last cell's ``[B, units]``, and every cell's states."""
    known = _described(cells)
    return UNKNOWN if known is None else (_first(_step("StackedRNNCells", inputs, states, known)), UNKNOWN)


def _first(result: ShapeResult) -> ShapeResult:
    return result[0] if isinstance(result, tuple) and result else UNKNOWN


@keras_layer(
    "RNN",
    parameters={"cell": REQUIRED, **_RUNNING, "unroll": False, "zero_output_for_mask": False, **_OLD},
)
def recurrent_layer(
    sequences: Shape,
    initial_state: object = None,
    mask: object = None,
    training: object = None,
    /,
    *,
    cell: object,
    return_sequences: object,
    return_state: object,
    time_major: object,
) -> ShapeResult:
    """``[B, T, F]`` to every step's output or the last one, and where asked for the last states."""
    known = _described(cell)
    if known is None or as_shape(sequences).rank not in (3, None):
        return UNKNOWN
    result = _run("RNN", sequences, known, return_sequences, return_state, time_major)
    if isinstance(result, tuple) and not (isinstance(cell, LayerArgument) and _short(cell) in CELLS):
        # How the states of a stack are nested differs between a model that is drawn and one that runs.
        return (result[0], *(UNKNOWN for _ in result[1:]))
    return result


CONVOLUTIONAL: Final = ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
"""Recurrent layers over images."""


def _register_convolutional(axes: int) -> None:
    name = f"ConvLSTM{axes}D"

    def expects(parameters: Mapping[str, Any]) -> Shape | None:
        last = channels_last(parameters.get("data_format"))
        if last is None:
            return None
        names = [*AXIS_NAMES[axes], "C"] if last else ["C", *AXIS_NAMES[axes]]
        return Shape((unknown("B"), unknown("T"), *map(unknown, names)))

    @keras_layer(
        name,
        parameters={
            "filters": REQUIRED,
            "kernel_size": REQUIRED,
            "strides": 1,
            "padding": "valid",
            "data_format": None,
            "dilation_rate": 1,
            "activation": "tanh",
            "recurrent_activation": "sigmoid",
            "use_bias": True,
            **_STARTING,
            **_FORGET,
            **_WEIGHTS,
            **_DROPPING,
            "seed": None,
            **_RUNNING,
        },
        expects=expects,
    )
    def recurrent_convolution(
        sequences: Shape,
        initial_state: object = None,
        mask: object = None,
        training: object = None,
        /,
        *,
        filters: object,
        kernel_size: object,
        strides: object,
        padding: object,
        data_format: object,
        dilation_rate: object,
        return_sequences: object,
        return_state: object,
    ) -> ShapeResult:
        batch, steps, *rest = fitted(name, as_shape(sequences), (axes + 3,))
        batch = unknown() if batch is None else batch
        images = read_images(name, shape_of((batch, *rest)), axes, data_format)
        state = convolve(name, images, as_size(filters), kernel_size, strides, padding, dilation_rate)
        every, with_state = as_flag(return_sequences), as_flag(return_state)
        if with_state is None:
            return UNKNOWN
        output = Shape((batch,), (), exact=False)
        if every is not None:
            output = shape_of((batch, steps, *state.leading[1:])) if every else state
        return (output, state, state) if with_state else output


for _axes in (1, 2, 3):
    _register_convolutional(_axes)


def _doubled(shape: Shape, other: Shape) -> Shape:
    """Two results joined along the last dimension."""
    if shape.exact and other.exact and len(shape.leading) == len(other.leading) > 1:
        last = combine(lambda a, b: a + b, shape.leading[-1], other.leading[-1])
        return shape_of((*shape.leading[:-1], last))
    return Shape(shape.leading[:1], (), exact=False)


@keras_layer(
    "Bidirectional",
    parameters={"layer": REQUIRED, "merge_mode": "concat", "weights": None, "backward_layer": None},
)
def both_ways(
    sequences: Shape,
    initial_state: object = None,
    mask: object = None,
    training: object = None,
    /,
    *,
    layer: object,
    merge_mode: object,
    backward_layer: object,
) -> ShapeResult:
    """What the layer gives forwards and backwards, merged as *merge_mode* says; the states of both follow."""
    if not isinstance(layer, LayerArgument):
        return UNKNOWN
    forwards = layer.apply(sequences)
    backwards = forwards
    if backward_layer is not None:
        backwards = backward_layer.apply(sequences) if isinstance(backward_layer, LayerArgument) else UNKNOWN
    there, back = (result if isinstance(result, tuple) else (result,) for result in (forwards, backwards))
    one, other = there[0] if there else UNKNOWN, back[0] if back else UNKNOWN
    if not isinstance(one, Shape) or not isinstance(other, Shape):
        return UNKNOWN
    states = (*there[1:], *back[1:])
    if merge_mode is None:
        return (one, other, *states)
    if merge_mode == "concat":
        merged = _doubled(one, other)
    elif merge_mode in ("sum", "mul", "ave"):
        merged = one if one == other else Shape(one.leading[:1], (), exact=False)
    else:
        return UNKNOWN
    return (merged, *states) if isinstance(forwards, tuple) else merged


@keras_layer("TimeDistributed", parameters={"layer": REQUIRED})
def over_time(inputs: Shape, training: object = None, mask: object = None, /, *, layer: object) -> ShapeResult:
    """What the layer makes of each step: ``[B, T, ...]`` to ``[B, T, ...]``.

    Raises:
        ShapeMismatch: the input is certain to have fewer than three dimensions.
    """
    shape = as_shape(inputs)
    if shape.exact and len(shape.leading) < 3:
        raise ShapeMismatch(f"TimeDistributed expects a tensor of at least 3 dimensions, got {shape}")
    front = shape.leading[:2]
    vague = Shape(front, (), exact=False)
    if len(front) < 2 or not isinstance(layer, (LayerArgument, ChainArgument)):
        return vague
    try:
        step = layer.apply(Shape((front[0], *shape.leading[2:]), shape.trailing, shape.exact))
    except ShapeMismatch:
        # The layer's own check of its input is left out where it is run step by step.
        return vague
    if not isinstance(step, Shape) or not step.leading:
        return vague
    return Shape((step.leading[0], front[1], *step.leading[1:]), step.trailing, step.exact)
