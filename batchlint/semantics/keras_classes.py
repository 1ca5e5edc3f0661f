"""Layers and models that a file defines on Keras: ``build`` before ``call``, weights, and what they inherit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics.classes import class_attribute, external_base
from batchlint.semantics.extensions import APPLIED, BEFORE_CALL, INHERITED, OF_SUPER
from batchlint.semantics.keras_models import Network, functional, network_attribute, network_method
from batchlint.semantics.library import handles
from batchlint.semantics.tensors import argument_for_shapes, shape_of
from batchlint.semantics.values import (
    NONE,
    TRUE,
    UNKNOWN,
    Batch,
    Constant,
    Dictionary,
    Function,
    Instance,
    Sequence,
    Source,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Expression, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["is_keras", "parameter_of_shape", "shape_from"]

_BUILT = "(built)"
_NETWORK = "(network)"


def is_keras(instance: Instance) -> bool:
    """Whether *instance* is a layer or model on Keras or a ``tf.Module``."""
    base = external_base(instance.of)
    return base is not None and base.startswith(("keras.", "tensorflow."))


def shape_from(value: Value) -> Shape:
    """The shape that *value* spells out."""
    sizes = argument_for_shapes(value)
    if isinstance(sizes, int | Expression) and not isinstance(sizes, bool):
        return Shape((sizes,))
    if not isinstance(sizes, tuple):
        return UNKNOWN_SHAPE
    known = [size if isinstance(size, int | Expression) and size != -1 else unknown() for size in sizes]
    return Shape(tuple(known))


def parameter_of_shape(shape: Value) -> Tensor:
    """A weight of *shape*."""
    return Tensor(shape_from(shape), frozenset({Source.PARAMETER}))


def _shapes_of(value: Value) -> Value:
    """What ``build`` is given for *value*."""
    if isinstance(value, Batch):
        return _shapes_of(value.tensor)
    if isinstance(value, Tensor):
        return shape_of(value, True)
    if isinstance(value, Sequence):
        return Sequence(tuple(map(_shapes_of, value.items)), value.kind)
    if isinstance(value, Dictionary):
        return Dictionary({key: _shapes_of(item) for key, item in value.items.items()}, "dict", value.complete)
    return UNKNOWN


def _build(
    ev: Evaluator, instance: Instance, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> None:
    """``build(input_shape)`` before the first ``call``, with the shape of what that is given."""
    build = class_attribute(instance.of, "build")
    if not isinstance(build, Function) or (instance.identity, _BUILT) in ev.heap or not is_keras(instance):
        return
    if len(build.node.params.params) < 2 and build.node.params.star_arg is None:
        return
    given = arguments[0] if arguments else next(iter(keywords.values()), UNKNOWN)
    ev.store(instance, _BUILT, TRUE)
    ev.call_function(build, (_shapes_of(given),), {}, instance)


BEFORE_CALL.append(_build)

_WEIGHTS = frozenset({"add_weight", "add_variable"})
_NOTHING = frozenset(
    """add_loss add_metric add_update build compile summary save save_weights load_weights set_weights reset_states
    reset_state compute_mask compute_output_shape get_config from_config __setattr__ trainable_weights""".split()
)
_OF_MODELS = frozenset(
    """fit fit_generator evaluate evaluate_generator predict predict_generator train_on_batch test_on_batch
    predict_on_batch predict_proba predict_classes get_layer""".split()
)


def _inherited(
    ev: Evaluator,
    receiver: Instance,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: Any,
) -> Value | None:
    if not is_keras(receiver):
        return None
    if name in _WEIGHTS:
        return _weight(ev, node, arguments, keywords)
    if name in _NOTHING:
        return NONE
    network = ev.heap.get((receiver.identity, _NETWORK))
    if name in _OF_MODELS:
        return network_method(ev, receiver, name, arguments, keywords, node)
    if isinstance(network, Network) and name in ("call", "__call__"):
        return APPLIED[Network](ev, network, arguments, keywords, node)
    if name == "__call__":
        found = class_attribute(receiver.of, "call")
        if isinstance(found, Function):
            _build(ev, receiver, arguments, keywords, node)
            return ev.call_function(found, arguments, keywords, receiver)
    return None


def _weight(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Tensor:
    """Keras 2 has the name first, Keras 3 the shape."""
    positional = list(arguments)
    if positional and (positional[0] == NONE or isinstance(positional[0], Constant)):
        positional.pop(0)
    value = parameter_of_shape(keywords.get("shape", positional[0] if positional else Sequence(())))
    given = {**dict(zip(("shape",), positional)), **keywords}
    ev.observe("keras.layers.Layer.add_weight", node, given, value, name="keras.layers.Layer.add_weight")
    return value


INHERITED.append(_inherited)


def _of_super(
    ev: Evaluator,
    instance: Instance,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: Any,
) -> Value | None:
    """``super().__init__(inputs=..., outputs=...)`` makes a functional model of an object."""
    if name != "__init__" or not is_keras(instance):
        return None
    network = functional(ev, node, arguments, keywords)
    if network is not None:
        ev.store(instance, _NETWORK, network)
        for attribute in ("inputs", "outputs", "input", "output"):
            value = network_attribute(ev, network, attribute)
            if value is not None:
                ev.store(instance, attribute, value)
        return NONE
    return None


OF_SUPER.append(_of_super)


def _part(value: Value, index: int) -> Value:
    if isinstance(value, Sequence):
        return value.items[index] if index < len(value.items) else NONE
    if isinstance(value, Batch):
        if value.parts is None:
            return value.tensor if index < 2 else UNKNOWN
        return value.parts.items[index] if index < len(value.parts.items) else NONE
    if isinstance(value, Tensor):
        return replace(value, parameter=None) if index < 2 and value.opaque else UNKNOWN
    return UNKNOWN


@handles(
    "keras.utils.unpack_x_y_sample_weight",
    "tensorflow.keras.utils.unpack_x_y_sample_weight",
    "keras.engine.data_adapter.unpack_x_y_sample_weight",
    "keras.trainers.data_adapters.unpack_x_y_sample_weight",
    "keras.trainers.data_adapters.data_adapter_utils.unpack_x_y_sample_weight",
)
def _unpack(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    data = arguments[0] if arguments else keywords.get("data", UNKNOWN)
    return Sequence(tuple(_part(data, index) for index in range(3)))
