"""Recurrent cells of TensorFlow 1, what unrolls them, and the states that they begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batchlint.semantics.extensions import APPLIED, ATTRIBUTES
from batchlint.semantics.library import handles
from batchlint.semantics.methods import METHODS
from batchlint.semantics.padded_sequences import unrolled
from batchlint.semantics.tensors import as_value, look_for_conflict, tensors_in
from batchlint.semantics.values import (
    FALSE,
    UNKNOWN,
    Constant,
    Integer,
    Repeated,
    Sequence,
    Tensor,
    Value,
    join,
)
from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["Cell"]

_CELLS = "tensorflow.nn.rnn_cell"
_STATE = "LSTMStateTuple"


@dataclass(frozen=True, slots=True)
class Cell(Value):
    """A recurrent cell.

    Attributes:
        name: its canonical name.
        units: the size of what it gives, ``None`` where it is not known.
        pair: whether its state is a pair of tensors (an LSTM's).
        inner: the cells that it is made of, one on another; ``None`` where it is one itself.
        many: whether it is made of cells of which the number is not known, all like the one of *inner*.
    """

    name: str
    units: Dimension | None
    pair: bool | None = False
    inner: tuple[Value, ...] | None = None
    many: bool = False
    node: Any = field(compare=False, default=None)


_PLAIN = {
    "BasicLSTMCell": True,
    "BasicRNNCell": False,
    "ConvLSTMCell": None,
    "CudnnCompatibleLSTMCell": True,
    "GLSTMCell": True,
    "GRUBlockCell": False,
    "GRUBlockCellV2": False,
    "GRUCell": False,
    "LSTMBlockCell": True,
    "LSTMCell": True,
    "LayerNormBasicLSTMCell": True,
    "SRUCell": False,
}
"""Cells to whether their state is a pair."""


def _plain(name: str) -> Any:
    def made(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        units = arguments[0] if arguments else keywords.get("num_units", UNKNOWN)
        pair = _PLAIN[name]
        as_tuple = keywords.get("state_is_tuple")
        if pair and as_tuple is not None and as_tuple != Constant(True):
            pair = None
        if "num_proj" in keywords:
            return Cell(name, None, None, node=node)
        return Cell(name, units.dimension if isinstance(units, Integer) else None, pair, node=node)

    return made


for _name in _PLAIN:
    handles(f"{_CELLS}.{_name}")(_plain(_name))


@handles(f"{_CELLS}.MultiRNNCell", "tensorflow.contrib.rnn.stacked_rnn_cells")
def _stacked(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    cells = arguments[0] if arguments else keywords.get("cells", UNKNOWN)
    if keywords.get("state_is_tuple") == FALSE:
        return Cell("MultiRNNCell", None, None, node=node)
    if isinstance(cells, Sequence) and cells.items:
        last = cells.items[-1]
        return Cell("MultiRNNCell", last.units if isinstance(last, Cell) else None, None, cells.items, node=node)
    if isinstance(cells, Repeated) and isinstance(cells.item, Cell):
        return Cell("MultiRNNCell", cells.item.units, None, (cells.item,), True, node)
    return Cell("MultiRNNCell", None, None, node=node)


@handles(*(f"{_CELLS}.{name}" for name in (
    "DropoutWrapper", "ResidualWrapper", "HighwayWrapper", "DeviceWrapper", "InputProjectionWrapper")))  # fmt: skip
def _wrapped(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    cell = arguments[0] if arguments else keywords.get("cell", UNKNOWN)
    return cell if isinstance(cell, Cell) else UNKNOWN


@handles(f"{_CELLS}.LSTMStateTuple")
def _state_tuple(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    c = arguments[0] if arguments else keywords.get("c", UNKNOWN)
    h = arguments[1] if len(arguments) > 1 else keywords.get("h", UNKNOWN)
    return Sequence((c, h), _STATE)


def _state(cell: Value, rows: Dimension | None, like: Tensor | None, node: Any) -> Value:
    """The state of *cell* for *rows* samples: computed where *like* is given, else made of zeros."""
    if not isinstance(cell, Cell):
        return UNKNOWN
    if cell.inner is not None:
        states = tuple(_state(each, rows, like, node) for each in cell.inner)
        return Repeated(states[0], "tuple") if cell.many else Sequence(states)
    if cell.pair is None or rows is None:
        return UNKNOWN
    shape = Shape((rows, unknown() if cell.units is None else cell.units))
    if like is None:
        one = as_value(shape, "tensorflow.zeros", "zeros", [], node)
    else:
        one = like.like(shape, marks=frozenset(), opaque=False)
    return Sequence((one, one), _STATE) if cell.pair else one


def _method(
    ev: Evaluator, cell: Cell, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    if name in ("zero_state", "get_initial_state"):
        rows = arguments[0] if arguments and name == "zero_state" else keywords.get("batch_size", UNKNOWN)
        given: Mapping[str, Value] = {"batch_size": rows, **keywords}
        value = _state(cell, rows.dimension if isinstance(rows, Integer) else unknown(), None, node)
        ev.observe(f"{_CELLS}.zero_state", node, given, value, name=f"{_CELLS}.zero_state", positional=arguments)
        return value
    if name in ("call", "__call__"):
        return _apply(ev, cell, arguments, keywords, node)
    return UNKNOWN


def _attribute(ev: Evaluator, cell: Cell, name: str, node: Any) -> Value | None:
    if name == "output_size":
        return UNKNOWN if cell.units is None else Integer(cell.units)
    return UNKNOWN if name in ("state_size", "variables", "trainable_variables", "weights") else None


def _rows_of(tensor: Tensor, axis: int = 0) -> Dimension | None:
    return tensor.shape.leading[axis] if len(tensor.shape.leading) > axis else None


def _apply(ev: Evaluator, cell: Cell, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any) -> Value:
    """``output, state = cell(inputs, state)``."""
    inputs = arguments[0] if arguments else keywords.get("inputs", UNKNOWN)
    before = arguments[1] if len(arguments) > 1 else keywords.get("state", UNKNOWN)
    tensors = tensors_in(Sequence((inputs, before)))
    if not tensors or not isinstance(inputs, Tensor):
        return Sequence((UNKNOWN, UNKNOWN))
    look_for_conflict(ev, f"{_CELLS}.LSTMCell", node, tensors)
    rows = _rows_of(inputs)
    after = _state(cell, rows, inputs, node)
    return Sequence((_output(cell, inputs, () if rows is None else (rows,)), after))


def _output(cell: Value, inputs: Tensor, front: tuple[Dimension, ...]) -> Tensor:
    units = cell.units if isinstance(cell, Cell) else None
    if not front:
        return Tensor(UNKNOWN_SHAPE, inputs.sources, loader=inputs.loader)
    shape = Shape((*front, unknown())) if units is None else Shape((*front, units))
    return inputs.like(shape, marks=frozenset(), opaque=False)


_UNROLLED = ("cell", "inputs", "sequence_length", "initial_state", "dtype")


def _over_time(ev: Evaluator, cell: Value, given: Mapping[str, Value], name: str, node: Any) -> tuple[Value, Value]:
    """Outputs and last state of *cell* over ``[B, T, ...]``, ``[T, B, ...]`` where time comes first."""
    inputs = given.get("inputs", UNKNOWN)
    if not isinstance(inputs, Tensor):
        return UNKNOWN, UNKNOWN
    starts = [given[key] for key in ("initial_state", "initial_state_fw", "initial_state_bw") if key in given]
    look_for_conflict(ev, f"tensorflow.nn.{name}", node, (inputs, *tensors_in(Sequence(tuple(starts)))))
    time_first = given.get("time_major", FALSE)
    shape = inputs.shape
    if not isinstance(time_first, Constant) or not shape.leading:
        return Tensor(UNKNOWN_SHAPE, inputs.sources, loader=inputs.loader), UNKNOWN
    first = shape.leading[0]
    second = shape.leading[1] if len(shape.leading) > 1 else unknown("B" if time_first.value else "T")
    outputs = unrolled(_output(cell, inputs, (first, second)), given, node)
    return outputs, _state(cell, second if time_first.value else first, inputs, node)


@handles("tensorflow.nn.dynamic_rnn")
def _dynamic(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(_UNROLLED, arguments)), **keywords}
    return Sequence(_over_time(ev, given.get("cell", UNKNOWN), given, "dynamic_rnn", node))


_BOTH_WAYS = ("cell_fw", "cell_bw", "inputs", "sequence_length", "initial_state_fw", "initial_state_bw")


@handles("tensorflow.nn.bidirectional_dynamic_rnn")
def _bidirectional(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(_BOTH_WAYS, arguments)), **keywords}
    name = "bidirectional_dynamic_rnn"
    forwards = _over_time(ev, given.get("cell_fw", UNKNOWN), given, name, node)
    backwards = _over_time(ev, given.get("cell_bw", UNKNOWN), given, name, node)
    return Sequence(tuple(Sequence(pair) for pair in zip(forwards, backwards)))


def _step(inputs: Value) -> Tensor | None:
    """One step of a list of steps."""
    if isinstance(inputs, Sequence) and inputs.items:
        step = inputs.items[0]
        for item in inputs.items[1:]:
            step = join(step, item)
    else:
        step = inputs.item if isinstance(inputs, Repeated) else UNKNOWN
    return step if isinstance(step, Tensor) else None


def _steps(ev: Evaluator, cells: tuple[Value, ...], given: Mapping[str, Value], node: Any) -> tuple[Value, ...]:
    """A list of outputs, then the last state of each cell."""
    inputs = given.get("inputs", UNKNOWN)
    step = _step(inputs)
    if step is None:
        return tuple(UNKNOWN for _ in range(len(cells) + 1))
    starts = tuple(value for key, value in given.items() if key.startswith("initial_state"))
    look_for_conflict(ev, "tensorflow.nn.static_rnn", node, (step, *tensors_in(Sequence(starts))))
    rows = _rows_of(step)
    front = () if rows is None else (rows,)
    sizes = [cell.units for cell in cells if isinstance(cell, Cell) and cell.units is not None]
    total: Dimension | None = None
    if len(sizes) == len(cells):
        total = sizes[0] if len(sizes) == 1 else sizes[0] + sizes[1]
    output = _output(Cell("steps", total), step, front)
    count = len(inputs.items) if isinstance(inputs, Sequence) else None
    outputs: Value = Repeated(output, "list") if count is None else Sequence((output,) * count, "list")
    return (outputs, *(_state(cell, rows, step, node) for cell in cells))


@handles("tensorflow.nn.static_rnn", "tensorflow.nn.rnn", "tensorflow.contrib.rnn.static_rnn", f"{_CELLS}.static_rnn",
         "tensorflow.nn.rnn_cell.rnn", "tensorflow.models.rnn.rnn.rnn")  # fmt: skip
def _static(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(("cell", "inputs", "initial_state"), arguments)), **keywords}
    return Sequence(_steps(ev, (given.get("cell", UNKNOWN),), given, node))


@handles("tensorflow.nn.static_bidirectional_rnn", f"{_CELLS}.static_bidirectional_rnn",
         "tensorflow.nn.bidirectional_rnn")  # fmt: skip
def _static_both(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(("cell_fw", "cell_bw", "inputs"), arguments)), **keywords}
    cells = (given.get("cell_fw", UNKNOWN), given.get("cell_bw", UNKNOWN))
    return Sequence(_steps(ev, cells, given, node))


APPLIED[Cell] = _apply
ATTRIBUTES[Cell] = _attribute
METHODS[Cell] = _method

_shape_attribute = ATTRIBUTES.get(Sequence)


def _sequence_attribute(ev: Evaluator, value: Sequence, name: str, node: Any) -> Value | None:
    if value.kind == _STATE:
        return value.items[0] if name == "c" else value.items[1] if name == "h" else None
    return None if _shape_attribute is None else _shape_attribute(ev, value, name, node)


ATTRIBUTES[Sequence] = _sequence_attribute
