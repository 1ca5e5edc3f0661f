"""Graphs of TensorFlow 1: placeholders, sessions, and the layer functions of ``tf.layers``, ``tf.contrib`` and slim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import layers
from batchlint.semantics.keras_layers import reshaped
from batchlint.semantics.keras_models import batch_symbol, input_of_shape
from batchlint.semantics.library import LIBRARY, handles
from batchlint.semantics.values import (
    FALSE,
    NONE,
    UNKNOWN,
    Constant,
    Dictionary,
    External,
    Integer,
    Sequence,
    Source,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Dimension, Role, Symbol, symbols_of
from batchlint.shapes.registry import FUNCTIONS, LAYERS
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_INPUT = frozenset({Source.INPUT})


def _placeholder_of(shape: Value, node: Any) -> Tensor:
    if isinstance(shape, Integer):
        shape = Sequence((shape,))
    if not isinstance(shape, Sequence):
        return Tensor(UNKNOWN_SHAPE, _INPUT)
    return _with_real_rows(input_of_shape(None, shape, None, node)) if shape.items else Tensor(Shape(()), _INPUT)


def _with_real_rows(tensor: Tensor) -> Tensor:
    """*tensor* as if its first size had been left open: that it was not is reported where it is declared."""
    first = tensor.shape.leading[0] if tensor.shape.leading else 1
    fixed = [symbol for symbol in symbols_of(first) if symbol.role is Role.FIXED_BATCH]
    if len(fixed) != 1:
        return tensor
    rows = Symbol("B", Role.BATCH, identity=("placeholder", fixed[0])).dimension()
    return replace(tensor, shape=tensor.shape.substitute({fixed[0]: rows}))


@handles("tensorflow.placeholder", "keras.backend.placeholder", "tensorflow.sparse_placeholder")
def _placeholder(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    first = ("shape", "ndim", "dtype") if _is_backend(ev, node) else ("dtype", "shape", "name")
    given = {**dict(zip(first, arguments)), **keywords}
    value = _placeholder_of(given.get("shape", UNKNOWN), node)
    ev.observe(
        "tensorflow.placeholder", node, given, value, name="tensorflow.placeholder", positional=arguments,
        keywords=keywords,
    )  # fmt: skip
    return value


def _is_backend(ev: Evaluator, node: Any) -> bool:
    callee = ev.evaluate(node.func)
    return isinstance(callee, External) and callee.name.startswith("keras.")


@handles("tensorflow.placeholder_with_default")
def _with_default(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(("input", "shape"), arguments)), **keywords}
    return _placeholder_of(given.get("shape", UNKNOWN), node)


@handles("tensorflow.train.batch", "tensorflow.train.shuffle_batch")
def _queued(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """Rows of a queue: always as many as were asked for, unless a smaller last batch is allowed."""
    given = {**dict(zip(("tensors", "batch_size"), arguments)), **keywords}
    rows, smaller = given.get("batch_size", UNKNOWN), given.get("allow_smaller_final_batch", FALSE)
    short = smaller != FALSE or not isinstance(rows, Integer)
    first = batch_symbol() if short or not isinstance(rows, Integer) else rows.dimension
    if given.get("enqueue_many", FALSE) != FALSE:
        return UNKNOWN

    def batched(tensor: Tensor) -> Tensor:
        shape = Shape((first, *tensor.shape.leading), tensor.shape.trailing, tensor.shape.exact)
        return Tensor(shape, frozenset({Source.LOADER}))

    tensors = given.get("tensors", UNKNOWN)
    if isinstance(tensors, Dictionary):
        items = {key: reshaped(value, batched) for key, value in tensors.items.items()}
        return Dictionary(items, "dict", tensors.complete)
    return reshaped(tensors, batched) if isinstance(tensors, Tensor | Sequence) else UNKNOWN


SESSION = "tensorflow.session"
"""The name under which a session is a value."""


@handles("tensorflow.Session", "tensorflow.InteractiveSession", "tensorflow.get_default_session",
         "tensorflow.train.MonitoredTrainingSession", "tensorflow.train.MonitoredSession", "keras.backend.get_session",
         f"{SESSION}.as_default", f"{SESSION}.__enter__")  # fmt: skip
def _session(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return External(SESSION)


@handles(f"{SESSION}.run")
def _run(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """What the graph's tensors are once it runs: arrays."""
    given = {**dict(zip(("fetches", "feed_dict"), arguments)), **keywords}
    value = _fetched(given.get("fetches", UNKNOWN))
    name = "tensorflow.Session.run"
    ev.observe(name, node, given, value, name=name, positional=arguments, keywords=keywords)
    return value


def _fetched(value: Value) -> Value:
    if isinstance(value, Dictionary):
        return Dictionary({key: _fetched(item) for key, item in value.items.items()}, "dict", value.complete)
    if isinstance(value, Sequence):
        return Sequence(tuple(map(_fetched, value.items)), value.kind)
    if isinstance(value, Tensor):
        return replace(value, array=True, marks=frozenset(), parameter=None)
    return UNKNOWN


_RENAMED = {"num_outputs": "filters", "stride": "strides", "rate": "dilation_rate", "num_filters": "filters"}
_POOLED = {"kernel_size": "pool_size", "stride": "strides"}
_DENSE = {"num_outputs": "units", "num_hidden": "units"}
_SAME = Constant("same")
_VALID = Constant("valid")

_CONTRIB: dict[str, tuple[str, tuple[str, ...], Mapping[str, str], Mapping[str, Value]]] = {
    **{
        name: ("Conv2D", ("num_outputs", "kernel_size", "stride", "padding"), _RENAMED, {"padding": _SAME})
        for name in ("conv2d", "convolution2d", "convolution")
    },
    "conv1d": ("Conv1D", ("num_outputs", "kernel_size", "stride", "padding"), _RENAMED, {"padding": _SAME}),
    "conv3d": ("Conv3D", ("num_outputs", "kernel_size", "stride", "padding"), _RENAMED, {"padding": _SAME}),
    **{
        name: ("Conv2DTranspose", ("num_outputs", "kernel_size", "stride", "padding"), _RENAMED, {"padding": _SAME})
        for name in ("conv2d_transpose", "convolution2d_transpose")
    },
    "max_pool2d": ("MaxPooling2D", ("kernel_size", "stride", "padding"), _POOLED,
                   {"padding": _VALID, "strides": Integer(2)}),
    "avg_pool2d": ("AveragePooling2D", ("kernel_size", "stride", "padding"), _POOLED,
                   {"padding": _VALID, "strides": Integer(2)}),
    **{name: ("Dense", ("num_outputs",), _DENSE, {}) for name in ("fully_connected", "linear", "relu")},
    "flatten": ("Flatten", (), {}, {}),
    "batch_norm": ("BatchNormalization", (), {}, {}),
    "layer_norm": ("LayerNormalization", (), {}, {}),
    "dropout": ("Dropout", ("rate",), {"keep_prob": "rate"}, {"rate": Constant(0.5)}),
}  # fmt: skip
"""Function of ``tf.contrib.layers`` to the layer of Keras that computes the same: its parameters behind the inputs,
what these are called there, and its own defaults."""

_CHANNELS = {"NHWC": "channels_last", "NCHW": "channels_first", "NWC": "channels_last", "NCW": "channels_first"}
_SCOPED = ("padding", "strides", "kernel_size", "pool_size")


def _contrib(name: str) -> Any:
    layer, positions, names, defaults = _CONTRIB[name]

    def applied(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        given = {**dict(zip(("inputs", *positions), arguments)), **keywords}
        inputs = given.pop("inputs", UNKNOWN)
        settings = {names.get(key, key): value for key, value in given.items()}
        if ev.facts.called_names & {"arg_scope", "add_arg_scope"}:
            # A scope may have set what is not given here.
            defaults_here: dict[str, Value] = {key: UNKNOWN for key in _SCOPED if key in (*names.values(), *defaults)}
        else:
            defaults_here = dict(defaults)
        settings = {**defaults_here, **settings}
        layout = settings.get("data_format")
        if isinstance(layout, Constant) and layout.value in _CHANNELS:
            settings["data_format"] = Constant(_CHANNELS[layout.value])
        return _at_once(ev, layer, inputs, (), settings, node)

    return applied


_REPEATED = ("inputs", "repetitions", "layer")


def _repeat(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """``slim.repeat(net, 2, slim.conv2d, 64, [3, 3])``."""
    given = {**dict(zip(_REPEATED, arguments)), **keywords}
    value, times, function = (given.pop(name, UNKNOWN) for name in _REPEATED)
    if not isinstance(times, Integer) or not isinstance(times.dimension, int) or times.dimension > 64:
        return UNKNOWN
    more = {key: item for key, item in given.items() if key != "scope"}
    for _ in range(times.dimension):
        value = ev.apply(function, (value, *arguments[3:]), more, node)
    return value


def _at_once(
    ev: Evaluator, layer: str, inputs: Value, arguments: tuple[Value, ...], settings: Mapping[str, Value], node: Any
) -> Value:
    """The value of making a layer of Keras and applying it."""
    name = f"keras.layers.{layer}"
    if name not in LAYERS:
        return UNKNOWN
    known = {key: value for key, value in settings.items() if key in LAYERS[name].parameters}
    return ev.apply(layers.construct(ev, name, arguments, known, node), (inputs,), {}, node)


_LAYERS = {
    "average_pooling1d": "AveragePooling1D",
    "average_pooling2d": "AveragePooling2D",
    "average_pooling3d": "AveragePooling3D",
    "batch_normalization": "BatchNormalization",
    "conv1d": "Conv1D",
    "conv2d": "Conv2D",
    "conv2d_transpose": "Conv2DTranspose",
    "conv3d": "Conv3D",
    "conv3d_transpose": "Conv3DTranspose",
    "dense": "Dense",
    "dropout": "Dropout",
    "flatten": "Flatten",
    "max_pooling1d": "MaxPooling1D",
    "max_pooling2d": "MaxPooling2D",
    "max_pooling3d": "MaxPooling3D",
    "separable_conv1d": "SeparableConv1D",
    "separable_conv2d": "SeparableConv2D",
}
"""Function of ``tf.layers`` to the layer of Keras, which takes the same arguments."""


def _of_layers(name: str) -> Any:
    layer = _LAYERS[name]

    def applied(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        settings = dict(keywords)
        inputs = arguments[0] if arguments else settings.pop("inputs", UNKNOWN)
        return _at_once(ev, layer, inputs, arguments[1:], settings, node)

    return applied


for _name in _LAYERS:
    handles(f"tensorflow.layers.{_name}")(_of_layers(_name))
for _name in _CONTRIB:
    handles(f"tensorflow.contrib.layers.{_name}")(_contrib(_name))
handles("tensorflow.contrib.layers.repeat")(_repeat)


_SHAPED: dict[str, tuple[str, ...]] = {
    "tensorflow.nn.conv1d": ("B", "T", "F"),
    **{f"tensorflow.nn.{name}": ("B", "H", "W", "C") for name in (
        "conv2d", "max_pool", "avg_pool", "max_pool2d", "avg_pool2d", "depthwise_conv2d", "separable_conv2d",
        "atrous_conv2d", "lrn", "local_response_normalization")},
    "tensorflow.nn.conv3d": ("B", "D", "H", "W", "C"),
    **{f"tensorflow.image.{name}": ("B", "H", "W", "C") for name in (
        "resize_bilinear", "resize_nearest_neighbor", "resize_bicubic")},
}  # fmt: skip
"""Operations that say what axes their first tensor has."""


def _informing(operation: str) -> Callable[..., Value]:
    axes = _SHAPED[operation]
    before = LIBRARY.get(operation)

    def applied(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        layout = keywords.get("data_format", NONE)
        first = isinstance(layout, Constant) and isinstance(layout.value, str) and layout.value.startswith("NC")
        if arguments and isinstance(arguments[0], Tensor) and not first:
            arguments = (informed(ev, arguments[0], axes), *arguments[1:])
        if before is not None:
            return before(ev, node, arguments, keywords)
        return ev.operate(operation, node, arguments, keywords)

    return applied


def informed(ev: Evaluator, tensor: Tensor, axes: tuple[str, ...]) -> Tensor:
    """An argument of which little is known has the axes that an operation demands of it."""
    parameter, shape = tensor.parameter, tensor.shape
    if parameter is None or shape.exact or shape.trailing or len(shape.leading) > 1:
        return tensor
    rows: Dimension = Symbol("B", Role.BATCH, identity=("input", parameter.function)).dimension()
    rest = [
        Symbol(name, identity=(layers.SPATIAL if name in "DHW" else "axis", parameter.function, parameter.name, axis))
        for axis, name in enumerate(axes)
    ]
    known = Shape((*(shape.leading or (rows,)), *(symbol.dimension() for symbol in rest[1:])))
    ev.refine(parameter, known)
    return replace(tensor, shape=known, opaque=False)


for _name in _SHAPED:
    if _name in FUNCTIONS or _name in LIBRARY:
        LIBRARY[_name] = _informing(_name)

__all__ = ["SESSION", "informed"]
