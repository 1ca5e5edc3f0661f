"""Shapes of one sample that a file writes down for Keras, and whether they count the samples as well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from batchlint.semantics.fixed_batch import fixed_symbols
from batchlint.semantics.syntax import kind, last_name
from batchlint.semantics.values import (
    UNKNOWN,
    Class,
    External,
    Integer,
    Sequence,
    ShapeOf,
    Source,
    Tensor,
    Value,
)

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation
    from batchlint.shapes.dimension import Symbol

INPUT_RANKS = {
    "Conv1D": 3, "Conv2D": 4, "Conv3D": 5, "Convolution1D": 3, "Convolution2D": 4, "SeparableConv1D": 3,
    "SeparableConv2D": 4, "DepthwiseConv2D": 4, "Conv2DTranspose": 4, "Conv3DTranspose": 5, "Conv1DTranspose": 3,
    "MaxPooling1D": 3, "MaxPooling2D": 4, "MaxPooling3D": 5, "AveragePooling1D": 3, "AveragePooling2D": 4,
    "AveragePooling3D": 5, "MaxPool1D": 3, "MaxPool2D": 4, "LSTM": 3, "GRU": 3, "SimpleRNN": 3, "CuDNNLSTM": 3,
    "CuDNNGRU": 3, "ConvLSTM2D": 5, "ZeroPadding1D": 3, "ZeroPadding2D": 4, "UpSampling1D": 3, "UpSampling2D": 4,
    "Cropping2D": 4, "GlobalAveragePooling1D": 3, "GlobalAveragePooling2D": 4, "LocallyConnected1D": 3,
    "LocallyConnected2D": 4,
}  # fmt: skip
"""Last name of a Keras layer to the rank of its input, the batch counted."""

_INPUTS = frozenset({"keras.Input", "keras.layers.Input", "keras.layers.InputLayer"})
_WHOLE_SET = re.compile(r"^_*(?:[xX]_?(?:train|tr|training|all|data)|(?:train|training|all)_?[xX]s?|trainX)_*$")


class Counted(NamedTuple):
    """What of a sample's shape counts samples.

    Attributes:
        spelt: the argument as the file writes it, ``input_shape=x_train.shape``.
        what: what it counts, as messages say it.
        remedy: what to write instead.
        batch: the batch size that it holds, where it is that.
    """

    spelt: str
    what: str
    remedy: str
    batch: Symbol | None = None


def counted_samples(observation: Observation) -> Counted | None:
    """The number of samples, or the batch size, in the shape of one sample that the call *observation* is given."""
    callee = observation.arguments.get("callee")
    name = callee.name if isinstance(callee, External) else ""
    if not name.startswith("keras.") and not (isinstance(callee, Class) and callee.is_module):
        return None
    layer = name.rpartition(".")[2]
    for argument, value, node in _shapes(observation, is_input=name in _INPUTS):
        found = _in_shape(observation, argument, value, node, INPUT_RANKS.get(layer))
        if found is not None:
            return found
    return None


def _shapes(observation: Observation, *, is_input: bool) -> list[tuple[str, Value, Any]]:
    """The shapes of one sample among the arguments: how each is called, its value and its node."""
    wanted = ("shape", "input_shape") if is_input else ("input_shape",)
    nodes = {a.keyword.value: a.value for a in observation.node.args if a.keyword is not None}
    found = [(f"{key}=", observation.keywords.get(key, UNKNOWN), nodes[key]) for key in wanted if key in nodes]
    first = observation.node.args[0] if observation.node.args else None
    if is_input and first is not None and first.keyword is None and not first.star and observation.positional:
        found.append(("", observation.positional[0], first.value))
    return found


def _in_shape(observation: Observation, argument: str, value: Value, node: Any, rank: int | None) -> Counted | None:
    if kind(node) == "Attribute" and node.attr.value == "shape":
        if not _holds_samples(observation, node.value, _subject(value), rank):
            return None
        holder = last_name(node.value)
        return Counted(f"{argument}{holder}.shape", _number(value), f"`{holder}.shape[1:]`")
    subject = _subject(value)
    if subject is not None and Source.DATASET in subject.sources:
        return Counted(f"{argument}{_text(node)}", _number(value), "`shape[1:]`")
    if not isinstance(value, Sequence) or not value.items:
        return None
    symbols = fixed_symbols([item.dimension for item in value.items if isinstance(item, Integer)])
    if symbols:
        return Counted(f"{argument}({symbols[0].name}, ...)", "the batch size", "the shape without it", symbols[0])
    return _in_tuple(observation, argument, value, node)


def _in_tuple(observation: Observation, argument: str, value: Sequence, node: Any) -> Counted | None:
    """``(len(x), 28, 28)`` and ``(x.shape[0], x.shape[1])``."""
    if kind(node) not in ("Tuple", "List") or not node.elements:
        return None
    first = node.elements[0].value
    holder = _counted_holder(first)
    if holder is None or not _holds_samples(observation, holder, None, None):
        return None
    called = last_name(holder)
    text = f"len({called})" if kind(first) == "Call" else f"{called}.shape[0]"
    rest = ", ..." if len(node.elements) > 1 else ","
    return Counted(f"{argument}({text}{rest})", _number(value), f"`{called}.shape[1:]`")


def _counted_holder(node: Any) -> Any:
    """``x`` of ``len(x)`` and ``x.shape[0]``."""
    if kind(node) == "Call" and last_name(node.func) == "len" and len(node.args) == 1:
        return node.args[0].value
    if kind(node) != "Subscript" or kind(node.value) != "Attribute" or node.value.attr.value != "shape":
        return None
    index = node.slice[0].slice
    zero = kind(index) == "Index" and kind(index.value) == "Integer" and index.value.value == "0"
    return node.value.value if zero else None


def _holds_samples(observation: Observation, holder: Any, tensor: Tensor | None, rank: int | None) -> bool:
    """Whether *holder* is many samples, not one: by its rank, by where it comes from, or because it is fitted."""
    if kind(holder) not in ("Name", "Attribute"):
        return False
    if tensor is not None and rank is not None and tensor.shape.rank is not None:
        return tensor.shape.rank == rank
    if tensor is not None and tensor.sources & {Source.INPUT, Source.LOADER} and not tensor.opaque:
        return False
    facts = observation.context.facts
    name = last_name(holder)
    if facts is not None and name in facts.fitted:
        return True
    return (tensor is not None and Source.DATASET in tensor.sources) or _WHOLE_SET.match(name) is not None


def _subject(value: Value) -> Tensor | None:
    """The array whose whole shape *value* is."""
    if isinstance(value, ShapeOf):
        return value.tensor
    if not isinstance(value, Sequence) or value.kind != "shape" or not value.items:
        return None
    first = value.items[0]
    tensor = first.origin.subject if isinstance(first, Integer) and first.origin is not None else None
    if not isinstance(tensor, Tensor) or tensor.shape.rank != len(value.items):
        return None
    whole = [item.dimension for item in value.items if isinstance(item, Integer)] == list(tensor.shape.leading)
    return tensor if whole else None


def _number(value: Value) -> str:
    first = value.items[0] if isinstance(value, Sequence) and value.items else None
    known = first.number if isinstance(first, Integer) else None
    return "the number of samples" if known is None else f"the number of samples, {known},"


def _text(node: Any) -> str:
    return last_name(node) or "..."
