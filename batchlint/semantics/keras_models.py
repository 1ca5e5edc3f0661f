"""Models of Keras as values: ``Input``, ``Sequential``, and the functional ``Model(inputs, outputs)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.extensions import APPLIED, ATTRIBUTES, CHANGED_BY
from batchlint.semantics.keras_layers import declared_input, reshaped, without_parameter
from batchlint.semantics.layers import SPATIAL
from batchlint.semantics.library import handles
from batchlint.semantics.methods import METHODS
from batchlint.semantics.tensors import look_for_conflict, tensors_among, tensors_in
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Batch,
    Chain,
    Constant,
    Dictionary,
    Instance,
    Integer,
    Layer,
    Repeated,
    Sequence,
    ShapeOf,
    Source,
    Tensor,
    Value,
    join,
    new_identity,
)
from batchlint.shapes.dimension import Dimension, Expression, Role, Symbol, symbols_of, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["Network", "add_layer", "apply_network", "batch_symbol", "functional", "input_of_shape"]


@dataclass(frozen=True, slots=True)
class Network(Value):
    """A ``Sequential`` or functional model.

    Attributes:
        sequential: whether its layers follow one another.
        inputs: the tensor that it begins with, or a list or dict of them; ``None`` until a shape is known.
        outputs: what comes of *inputs*.
        layers: of a ``Sequential``, in order, each with the node that it was made at.
        complete: whether all of *layers* are known.
    """

    sequential: bool
    inputs: Value | None = None
    outputs: Value | None = None
    layers: tuple[tuple[Value, Any], ...] = ()
    complete: bool = True
    identity: int = 0
    node: Any = field(compare=False, default=None)

    def __hash__(self) -> int:
        return hash((self.sequential, self.identity, len(self.layers)))

    def joined(self, other: Network) -> Value:
        """A model that is one or the other: a layer was added to it or not."""
        if self.identity != other.identity or self.inputs is None or self.outputs is None or other.outputs is None:
            return UNKNOWN
        return replace(self, outputs=join(self.outputs, other.outputs), layers=(), complete=False)


def batch_symbol() -> Dimension:
    """The rows of a model's inputs: the same of all, as those of one model have to agree."""
    return Symbol("B", Role.BATCH, identity=("keras", "rows")).dimension()


_AXES: dict[int, tuple[str, ...]] = {2: ("T",), 3: ("T", "F"), 4: ("H", "W", "C"), 5: ("D", "H", "W", "C")}
"""What the axes behind the batch are called where ``None`` leaves them open, by rank."""

_SPATIAL_NAMES = frozenset({"D", "H", "W"})


def input_of_shape(shape: Value | None, whole: Value | None, rows: Value | None, node: Any) -> Tensor:
    """The symbolic input of a model, from its shape without (*shape*) or with (*whole*) the batch axis."""
    given = whole if whole is not None and whole != NONE else shape
    front: list[Dimension] = []
    if given is whole and isinstance(whole, Sequence) and whole.items:
        front, rest = [_rows(whole.items[0])], list(whole.items[1:])
    elif given is not whole and isinstance(given, Sequence | Integer):
        front = [_rows(rows)]
        rest = list(given.items) if isinstance(given, Sequence) else [given]
    else:
        first = _rows(rows) if whole is None or whole == NONE else unknown()
        return Tensor(Shape((first,), (), False), frozenset({Source.INPUT}))
    names = _AXES.get(len(rest) + 1, ())
    for axis, size in enumerate(rest):
        if isinstance(size, Integer):
            front.append(size.dimension)
        elif size == NONE:
            name = names[axis] if axis < len(names) else f"d{axis + 1}"
            kind = SPATIAL if name in _SPATIAL_NAMES else "keras input"
            front.append(Symbol(name, identity=(kind, id(node), "input", axis)).dimension())
        else:
            front.append(unknown())
    return Tensor(Shape(tuple(front)), frozenset({Source.INPUT}))


def _rows(value: Value | None) -> Dimension:
    if value is None or value == NONE:
        return batch_symbol()
    return value.dimension if isinstance(value, Integer) else unknown()


def _fixed(ev: Evaluator, value: Value | None, node: Any) -> Value | None:
    """A literal batch size as the fixed batch that it is."""
    return ev.named("batch_size", value, node) if isinstance(value, Integer) else value


@handles("keras.Input", "keras.layers.InputLayer")
def _input(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(("shape", "batch_size"), arguments)), **keywords}
    tensor = given.get("tensor", given.get("input_tensor"))
    if isinstance(tensor, Tensor):
        return tensor
    whole = given.get("batch_shape", given.get("batch_input_shape"))
    shape = given.get("shape", given.get("input_shape"))
    if whole is not None and isinstance(whole, Sequence) and whole.items:
        first = _fixed(ev, whole.items[0], node)
        whole = Sequence((first, *whole.items[1:])) if first is not None else whole
    value = input_of_shape(_spread(ev, shape), whole, _fixed(ev, given.get("batch_size"), node), node)
    ev.observe("keras.Input", node, given, value, name="keras.Input", positional=arguments, keywords=keywords)
    return value


def _spread(ev: Evaluator, shape: Value | None) -> Value | None:
    if isinstance(shape, ShapeOf) and shape.tensor.shape.exact:
        return Sequence(tuple(Integer(d) for d in shape.tensor.shape.leading))
    return shape


@handles("keras.Sequential")
def _sequential(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    network = Network(True, identity=new_identity(), node=node)
    given = arguments[0] if arguments else keywords.get("layers", NONE)
    if given == NONE:
        return network
    items = ev.spread(given) if isinstance(given, Sequence) else None
    if items is None:
        return replace(network, complete=False)
    for item in items:
        network = add_layer(ev, network, item, node)
    return network


def add_layer(ev: Evaluator, network: Network, layer: Value, node: Any) -> Network:
    """*network* with *layer* behind its last one, which is applied at once where the input's shape is known."""
    if isinstance(layer, Tensor):
        return replace(network, inputs=layer, outputs=layer) if not network.layers else replace(network, complete=False)
    if not isinstance(layer, Layer | Network | Instance | Chain):
        return replace(network, complete=False, layers=(*network.layers, (layer, node)), outputs=_rows_of_any(network))
    at = layer.node if isinstance(layer, Layer) and layer.node is not None else node
    inputs, outputs = network.inputs, network.outputs
    if inputs is None and not network.layers:
        inputs = outputs = _declared(ev, layer)
    if outputs is not None:
        outputs = ev.apply(layer, (outputs,), {}, at)
        ev.record(at, outputs)
    return replace(network, inputs=inputs, outputs=outputs, layers=(*network.layers, (layer, at)))


def _rows_of_any(network: Network) -> Value | None:
    """What comes of a layer that is not known: rows of anything."""
    if not isinstance(network.outputs, Tensor) or not network.outputs.shape.leading:
        return network.outputs
    return network.outputs.like(Shape(network.outputs.shape.leading[:1], (), False))


def _declared(ev: Evaluator, layer: Value) -> Value | None:
    if isinstance(layer, Network):
        return layer.inputs
    if not isinstance(layer, Layer):
        return None
    if layer.name.startswith("keras.") and "layer" in layer.values and isinstance(layer.values["layer"], Layer):
        inner = _declared(ev, layer.values["layer"]) if layer.name != "keras.layers.TimeDistributed" else None
        if inner is not None:
            return inner
    shape, whole = declared_input(layer)
    if shape is None and whole is None:
        return None
    if isinstance(whole, Sequence) and whole.items:
        first = _fixed(ev, whole.items[0], layer.node)
        whole = Sequence((first, *whole.items[1:])) if first is not None else whole
    return input_of_shape(_spread(ev, shape), whole, None, layer.node)


def functional(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Network | None:
    """The model that ``Model(inputs, outputs)`` makes, ``None`` where it is not given both."""
    given = dict(zip(("inputs", "outputs"), arguments))
    for name, value in keywords.items():
        given[{"input": "inputs", "output": "outputs"}.get(name, name)] = value
    inputs, outputs = given.get("inputs"), given.get("outputs")
    if inputs is None or outputs is None:
        return None
    return Network(False, inputs, outputs, (), False, new_identity(), node)


@handles("keras.Model")
def _model(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return functional(ev, node, arguments, keywords) or UNKNOWN


def apply_network(
    ev: Evaluator, network: Network, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The value of calling a model."""
    given = arguments[0] if arguments else keywords.get("inputs", keywords.get("x", UNKNOWN))
    if network.sequential and network.complete:
        value = given.tensor if isinstance(given, Batch) else given
        if isinstance(value, Tensor) and network.inputs is not None and not value.shape.exact:
            value = _of_input(ev, value, network.inputs)
        for layer, at in network.layers:
            value = ev.apply(layer, (value,), {}, at)
            if network.inputs is None:
                ev.record(at, value)
        return value
    tensors = tensors_in(_flat(given))
    if network.outputs is None or not tensors:
        return Tensor(_rows_only(tensors), _sources(tensors), opaque=True) if tensors else UNKNOWN
    wanted = tensors_in(_flat(network.inputs))
    sizes: dict[Symbol, Dimension] = {}
    if len(wanted) == len(tensors):
        for one, other in zip(wanted, tensors):
            _match(one.shape, other.shape, sizes)
    rows = next((t.shape.leading[0] for t in tensors if t.shape.leading), None)
    for one in wanted:
        for symbol in symbols_of(one.shape.leading[0]) if one.shape.leading else ():
            if symbol.role is Role.BATCH:
                sizes.setdefault(symbol, unknown("n", minimum=0) if rows is None else rows)
    first = tensors[0]
    sources, loader = _sources(tensors), next((t.loader for t in tensors if t.loader is not None), None)

    def given_out(tensor: Tensor) -> Tensor:
        return Tensor(tensor.shape.substitute(sizes), sources, tensor.marks, loader=loader, array=first.array)

    return reshaped(network.outputs, given_out)


def _of_input(ev: Evaluator, tensor: Tensor, inputs: Value) -> Tensor:
    """An argument of which little is known has the shape that the model was built for."""
    if not isinstance(inputs, Tensor) or not inputs.shape.exact or tensor.shape.trailing:
        return tensor
    leading = tensor.shape.leading
    if len(leading) > 1:
        return tensor
    shape = Shape((*(leading or inputs.shape.leading[:1]), *inputs.shape.leading[1:]))
    if tensor.parameter is not None:
        ev.refine(tensor.parameter, shape)
    return replace(tensor, shape=shape, opaque=False)


def _flat(value: Value | None) -> Value:
    if isinstance(value, Dictionary):
        return Sequence(tuple(value.items.values()))
    return UNKNOWN if value is None else value


def _sources(tensors: tuple[Tensor, ...]) -> frozenset[Source]:
    return frozenset().union(*(t.sources for t in tensors))


def _rows_only(tensors: tuple[Tensor, ...]) -> Shape:
    shape = tensors[0].shape
    return Shape(shape.leading[:1], (), False) if shape.leading else UNKNOWN_SHAPE


def _match(wanted: Shape, given: Shape, sizes: dict[Symbol, Dimension]) -> None:
    """Note in *sizes* which size of *given* each open axis of *wanted* is."""
    for axis, size in enumerate(wanted.leading):
        if not isinstance(size, Expression):
            continue
        symbols = symbols_of(size)
        if len(symbols) == 1 and Symbol.dimension(*symbols) == size:
            (symbol,) = symbols
            if symbol.role is not Role.FIXED_BATCH:
                known = axis < len(given.leading)
                sizes.setdefault(symbol, given.leading[axis] if known else unknown())


_TRAINED = frozenset({"fit", "fit_generator", "train_on_batch"})
_OBSERVED = frozenset(
    "fit fit_generator evaluate evaluate_generator predict predict_generator train_on_batch test_on_batch "
    "predict_on_batch predict_classes predict_proba".split()
)
"""Methods of models that are given data; observed as ``keras.Model.<name>``."""
_DATA = {"predict_generator": "generator", "fit_generator": "generator", "evaluate_generator": "generator"}
_PREDICTING = frozenset({"predict", "predict_on_batch", "predict_proba", "predict_classes"})


def network_method(
    ev: Evaluator, receiver: Value, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """The value of ``model.name(...)``."""
    if name in _OBSERVED:
        bound = {**dict(zip((_DATA.get(name, "x"), "y"), arguments)), **keywords}
        ev.observe(
            f"keras.Model.{name}", node, {"self": receiver, **bound}, name=f"keras.Model.{name}", positional=arguments,
            keywords=keywords,
        )  # fmt: skip
        if name in ("train_on_batch", "test_on_batch"):
            targets = bound.get("y", UNKNOWN)
            look_for_conflict(ev, f"keras.Model.{name}", node, tensors_among((bound.get("x", UNKNOWN), targets)))
    data = arguments[0] if arguments else keywords.get("x", UNKNOWN)
    if name in ("call", "__call__"):
        return ev.apply(receiver, arguments, keywords, node)
    if name in _PREDICTING:
        return predicted(ev, receiver, data, name, node)
    if name in _TRAINED and isinstance(receiver, Network):
        _build(ev, receiver, data)
        return UNKNOWN
    if name == "get_layer":
        return _layer_named(receiver, arguments, keywords)
    if name in ("add", "compile", "summary", "build", "load_weights", "save", "save_weights", "reset_states", "pop"):
        return NONE
    return UNKNOWN


def _build(ev: Evaluator, network: Network, data: Value) -> None:
    """The first ``fit`` tells a model without an input shape what its inputs are."""
    if network.inputs is None and network.complete and isinstance(data, Tensor) and len(data.shape.leading) > 1:
        rows = Shape((batch_symbol(), *data.shape.leading[1:]), data.shape.trailing, data.shape.exact)
        apply_network(ev, network, (Tensor(rows, frozenset({Source.INPUT})),), {}, network.node)


def predicted(ev: Evaluator, model: Value, data: Value, name: str, node: Any) -> Value:
    """What ``model.predict(data)`` gives: arrays with as many rows as *data*, where these are known."""
    tensors = tensors_in(_flat(data))
    if not tensors:
        return Tensor(array=True, opaque=True)
    with ev.quietly():
        value = ev.apply(model, (_flat(data) if len(tensors) > 1 else tensors[0],), {}, node)

    def as_array(tensor: Tensor) -> Tensor:
        shape = Shape(tensor.shape.leading[:1]) if name == "predict_classes" else tensor.shape
        return replace(without_parameter(tensor), shape=shape, array=True, marks=frozenset())

    return reshaped(value, as_array)


def _layer_named(receiver: Value, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    wanted = arguments[0] if arguments else keywords.get("name", keywords.get("index", UNKNOWN))
    if not isinstance(receiver, Network) or not receiver.sequential:
        return UNKNOWN
    if isinstance(wanted, Constant):
        named = (
            layer for layer, _ in receiver.layers if isinstance(layer, Layer) and layer.values.get("name") == wanted
        )
        return next(named, UNKNOWN)
    return UNKNOWN


def network_attribute(ev: Evaluator, network: Network, name: str) -> Value | None:
    """``model.name`` where it is no method."""
    if name in ("input", "inputs", "output", "outputs"):
        value = network.inputs if name.startswith("input") else network.outputs
        if value is None:
            return UNKNOWN
        plural = name.endswith("s")
        return Sequence((value,), "list") if plural and isinstance(value, Tensor) else value
    if name in ("input_shape", "output_shape"):
        value = network.inputs if name.startswith("input") else network.outputs
        if not isinstance(value, Tensor):
            return UNKNOWN
        from batchlint.semantics.tensors import shape_of

        return shape_of(value, True)
    if name == "layers":
        if network.sequential and network.complete:
            return Sequence(tuple(layer for layer, _ in network.layers), "list")
        return Repeated(UNKNOWN)
    if names_batch_size(name) or name in ("optimizer", "name", "trainable", "loss", "history", "metrics_names"):
        return UNKNOWN
    return None


def _changed(
    ev: Evaluator, receiver: Network, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value | None:
    if name == "add":
        return add_layer(ev, receiver, arguments[0] if arguments else keywords.get("layer", UNKNOWN), node)
    if name == "pop" and receiver.layers:
        return replace(receiver, layers=receiver.layers[:-1], outputs=_rows_of_any(receiver))
    if name == "build" and receiver.inputs is None and receiver.complete:
        whole = arguments[0] if arguments else keywords.get("input_shape")
        fresh = Network(True, identity=receiver.identity, node=receiver.node)
        for layer in (input_of_shape(None, whole, None, receiver.node), *(layer for layer, _ in receiver.layers)):
            fresh = add_layer(ev, fresh, layer, receiver.node)
        return fresh
    return None


APPLIED[Network] = apply_network
ATTRIBUTES[Network] = lambda ev, network, name, node: network_attribute(ev, network, name)
CHANGED_BY[Network] = _changed
METHODS[Network] = network_method
