"""Inputs that a file declares: TensorFlow 1's placeholders, Keras' ``Input``, the signature of a ``tf.function``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from batchlint.semantics.syntax import calls_in, last_name
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Class,
    Dictionary,
    External,
    Function,
    Integer,
    OriginKind,
    Sequence,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchlint.semantics.observations import Observation


class Declaration(NamedTuple):
    """The declaration of an input with a first size.

    Attributes:
        node: the call.
        spelt: how a message calls it.
        rows: the first size.
        strict: whether the framework takes no other number of rows.
        stateful: whether a layer keeps a state for each row.
        counts_rows: whether the first size counts rows, whatever it is called.
        open_form: how the size is left open.
    """

    node: Any
    spelt: str
    rows: Value
    strict: bool
    stateful: bool
    counts_rows: bool
    open_form: str


_PLACEHOLDERS = {
    "tensorflow.placeholder": 1,
    "tensorflow.placeholder_with_default": 1,
    "keras.backend.placeholder": 0,
}
"""Canonical name to the position of its shape."""
SPECIFICATION = "TensorSpec"
"""Kind of the `Dictionary` that a ``tf.TensorSpec`` is."""
_INPUTS = frozenset({"keras.Input", "keras.layers.Input", "keras.layers.InputLayer"})
_SERVED = re.compile(r"(?:^|_)test|serv|export|signature|convert|freeze|tflite", re.IGNORECASE)
_TEST = re.compile(r"Tests?(?:Case)?$")
ACCELERATOR = frozenset({"TPUStrategy", "TPUClusterResolver", "TPUEstimator", "CrossShardOptimizer"})


def declared_inputs(observation: Observation) -> Iterator[Declaration]:
    """What the call *observation* declares."""
    callee = observation.arguments.get("callee")
    context = observation.context
    facts = context.facts
    if facts is not None and facts.called_names & ACCELERATOR:
        return
    if context.function is not None and _fits_its_caller(context.function):
        return
    name = callee.name if isinstance(callee, External) else ""
    spelt = last_name(observation.node)
    if name in _PLACEHOLDERS:
        shape = _given(observation, _PLACEHOLDERS[name], "shape")
        beside_open = facts is not None and facts.open_placeholders
        yield from _of_shape(observation, shape, spelt, strict=True, counts_rows=beside_open and _leads(shape))
    elif name == "tensorflow.function":
        yield from _of_signature(observation)
    elif name.startswith("keras.") or (isinstance(callee, Class) and callee.is_module):
        yield from _of_keras(observation, name, spelt)


def _fits_its_caller(function: Function) -> bool:
    """Whether *function* tests, serves or exports: whoever writes it knows what it is given."""
    owner = function.owner.name if function.owner is not None else ""
    return _SERVED.search(function.name) is not None or _TEST.search(owner) is not None


def _given(observation: Observation, position: int, keyword: str) -> Value:
    if keyword in observation.keywords:
        return observation.keywords[keyword]
    return observation.positional[position] if len(observation.positional) > position else UNKNOWN


def _leads(shape: Value) -> bool:
    """Whether the first size of *shape* may count rows: a bare number before others that are neither open nor equal."""
    if not isinstance(shape, Sequence) or len(shape.items) < 2 or NONE in shape.items[1:]:
        return False
    first, second = shape.items[:2]
    bare = isinstance(first, Integer) and (first.origin is None or first.origin.kind is OriginKind.LITERAL)
    return bare and first != second and not _is_picture(shape.items)


def _is_picture(sizes: tuple[Value, ...]) -> bool:
    """Whether *sizes* are those of one picture: height, width, channels."""
    channels = sizes[-1]
    return len(sizes) == 3 and isinstance(channels, Integer) and channels.dimension in (1, 3, 4)


def _of_shape(
    observation: Observation, shape: Value, spelt: str, *, strict: bool, counts_rows: bool, stateful: bool = False
) -> Iterator[Declaration]:
    if isinstance(shape, Sequence) and shape.items:
        yield Declaration(observation.node, spelt, shape.items[0], strict, stateful, counts_rows, "None")


def _of_keras(observation: Observation, name: str, spelt: str) -> Iterator[Declaration]:
    facts = observation.context.facts
    stateful = facts is not None and facts.stateful
    for keyword in ("batch_input_shape", "batch_shape"):
        if keyword in observation.keywords:
            spelt = f"{spelt}({keyword}=...)"
            shape = observation.keywords[keyword]
            yield from _of_shape(observation, shape, spelt, strict=stateful, counts_rows=True, stateful=stateful)
            return
    rows = observation.keywords.get("batch_size")
    if rows is not None and (name in _INPUTS or "input_shape" in observation.keywords):
        spelt = f"{spelt}(batch_size=...)"
        yield Declaration(observation.node, spelt, rows, stateful, stateful, True, "None")


def _of_signature(observation: Observation) -> Iterator[Declaration]:
    """``tf.function(input_signature=[tf.TensorSpec([32, 784])])``, the signature perhaps made elsewhere."""
    signature = next(
        (a.value for a in observation.node.args if a.keyword is not None and a.keyword.value == "input_signature"), None
    )
    if signature is None:
        return
    shapes = list(_specified(observation.keywords.get("input_signature", UNKNOWN)))
    nodes = [call for call in calls_in(signature) if last_name(call.func) == "TensorSpec"]
    for position, shape in enumerate(shapes):
        node = nodes[position] if len(nodes) == len(shapes) else observation.node
        if isinstance(shape, Sequence) and shape.items:
            yield Declaration(node, "TensorSpec", shape.items[0], True, False, len(shape.items) > 1, "None")


def _specified(value: Value) -> Iterator[Value]:
    """The shapes of the (nested) ``TensorSpec`` in *value*."""
    if isinstance(value, Sequence):
        for item in value.items:
            yield from _specified(item)
    elif isinstance(value, Dictionary) and value.kind == SPECIFICATION:
        yield value.items.get("shape", UNKNOWN)
    elif isinstance(value, Dictionary):
        for item in value.items.values():
            yield from _specified(item)
