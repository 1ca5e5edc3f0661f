"""TensorFlow 1's layers: ``tf.layers`` as classes and functions, ``tf.contrib.layers`` and slim as functions.

What `arg_scope` may have set where a call is silent, the stride and the padding, is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from batchlint.shapes.keras import convolution, dense, elementwise, normalisation, pooling, reshaping
from batchlint.shapes.keras.arguments import REQUIRED, keras_function, read_images
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN, LayerShape, ShapeFunction, ShapeResult
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import as_shape, as_size, combine

__all__ = ["CONTRIB", "FORMS"]

_OPENING: Final = {"filters": REQUIRED, "kernel_size": REQUIRED}
_POOLING: Final = {"pool_size": REQUIRED, "strides": REQUIRED, "padding": "valid", "data_format": "channels_last"}
_READ_FIRST: Final = (convolution, dense, elementwise, normalisation, pooling, reshaping)
"""The modules whose layers are taken up here."""


def _convolution(axes: int, *, dilated: bool = True, separable: bool = False) -> dict[str, Any]:
    one: Any = 1 if axes == 1 else (1,) * axes
    parameters = {**_OPENING, "strides": one, "padding": "valid", "data_format": "channels_last"}
    if dilated:
        parameters["dilation_rate"] = one
    if separable:
        parameters["depth_multiplier"] = 1
    return {**parameters, "activation": None, "use_bias": True}


FORMS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "Dense": ("dense", {"units": REQUIRED, "activation": None, "use_bias": True}),
    "Flatten": ("flatten", {"name": None, "data_format": "channels_last"}),
    "Dropout": ("dropout", {"rate": 0.5, "noise_shape": None, "seed": None}),
    "BatchNormalization": ("batch_normalization", {"axis": -1, "momentum": 0.99, "epsilon": 1e-3}),
    **{f"Conv{axes}D": (f"conv{axes}d", _convolution(axes)) for axes in (1, 2, 3)},
    **{f"SeparableConv{axes}D": (f"separable_conv{axes}d", _convolution(axes, separable=True)) for axes in (1, 2)},
    **{f"Conv{axes}DTranspose": (f"conv{axes}d_transpose", _convolution(axes, dilated=False)) for axes in (2, 3)},
    **{
        f"{kind}Pooling{axes}D": (f"{kind.lower()}_pooling{axes}d", _POOLING)
        for kind in ("Max", "Average")
        for axes in (1, 2, 3)
    },
}
"""Class in ``tf.layers`` to its function and the parameters both take; Keras's layer of that name says the shape."""


def _register(name: str, function: str, parameters: dict[str, Any]) -> None:
    layer = LAYERS[f"keras.layers.{name}"]
    order = ("inputs", *parameters)

    def run(inputs: tuple[Any, ...], given: Mapping[str, Any]) -> ShapeResult:
        known = {key: value for key, value in given.items() if key in layer.parameters}
        return layer.function(*inputs, **layer.bind((), known))

    def apply(*inputs: Any, **settings: Any) -> ShapeResult:
        return run(inputs, settings)

    def call(*given: Any, **keywords: Any) -> ShapeResult:
        bound: dict[str, Any] = {**parameters, **dict(zip(order, given)), **keywords}
        if "inputs" not in bound:
            raise TypeError(f"{function} lacks its input")
        missing = {key: UNKNOWN for key, value in bound.items() if value is REQUIRED}
        bound.update(missing)
        return run((bound.pop("inputs"),), bound)

    defaults = {key: value for key, value in parameters.items() if value is not REQUIRED}
    full = f"tensorflow.layers.{name}"
    LAYERS[full] = LayerShape(full, apply, layer.inputs, tuple(parameters), defaults, layer.expects)
    FUNCTIONS[f"tensorflow.layers.{function}"] = ShapeFunction(f"tensorflow.layers.{function}", call, order)


for _name, (_function, _parameters) in FORMS.items():
    _register(_name, _function, _parameters)


CONTRIB: Final = ("tensorflow.contrib.layers", "tensorflow.contrib.slim", "tf_slim", "tf_slim.layers")
"""Packages with the same functions."""


def _contrib(*names: str) -> list[str]:
    return [f"{package}.{name}" for package in CONTRIB for name in names]


@keras_function(*_contrib("fully_connected", "linear", "relu", "relu6"), parameters={"num_outputs": REQUIRED})
def fully_connected(inputs: Shape, /, *, num_outputs: object) -> Shape:
    """``[B, ..., F]`` to ``[B, ..., num_outputs]``: nothing is flattened."""
    return dense.dense("fully_connected", inputs, as_size(num_outputs))


@keras_function(*_contrib("flatten"), parameters={})
def flatten(inputs: Shape, /) -> Shape:
    """``[B, ...]`` to ``[B, F]``."""
    return reshaping.flatten("flatten", inputs)


def _register_contrib(axes: int) -> None:
    plain = f"conv{axes}d", f"convolution{axes}d"

    @keras_function(
        *_contrib(*plain),
        parameters={
            "num_outputs": REQUIRED, "kernel_size": REQUIRED, "stride": UNKNOWN, "padding": UNKNOWN,
            "data_format": None, "rate": 1,
        },
    )  # fmt: skip
    def convolve(
        inputs: Shape,
        /,
        *,
        num_outputs: object,
        kernel_size: object,
        stride: object,
        padding: object,
        data_format: object,
        rate: object,
    ) -> Shape:
        images = read_images(plain[0], inputs, axes, data_format)
        return convolution.convolve(plain[0], images, as_size(num_outputs), kernel_size, stride, padding, rate)

    if axes == 1:
        return

    @keras_function(
        *_contrib(f"conv{axes}d_transpose", f"convolution{axes}d_transpose"),
        parameters={
            "num_outputs": REQUIRED, "kernel_size": REQUIRED, "stride": UNKNOWN, "padding": UNKNOWN,
            "data_format": None,
        },
    )  # fmt: skip
    def transpose(
        inputs: Shape,
        /,
        *,
        num_outputs: object,
        kernel_size: object,
        stride: object,
        padding: object,
        data_format: object,
    ) -> Shape:
        images = read_images(f"conv{axes}d_transpose", inputs, axes, data_format)
        outputs = as_size(num_outputs)
        return convolution.transpose_convolve(images, outputs, kernel_size, stride, padding, None, 1)

    for kind in ("max", "avg"):
        _register_contrib_pooling(f"{kind}_pool{axes}d", axes)


def _register_contrib_pooling(name: str, axes: int) -> None:
    @keras_function(
        *_contrib(name),
        parameters={"kernel_size": REQUIRED, "stride": UNKNOWN, "padding": UNKNOWN, "data_format": None},
    )
    def pool(inputs: Shape, /, *, kernel_size: object, stride: object, padding: object, data_format: object) -> Shape:
        return pooling.pool(name, read_images(name, inputs, axes, data_format), kernel_size, stride, padding)


for _axes in (1, 2, 3):
    _register_contrib(_axes)


@keras_function(
    *_contrib("separable_conv2d", "separable_convolution2d"),
    parameters={
        "num_outputs": REQUIRED, "kernel_size": REQUIRED, "depth_multiplier": 1, "stride": UNKNOWN, "padding": UNKNOWN,
        "data_format": None, "rate": 1,
    },
)  # fmt: skip
def separable_convolution(
    inputs: Shape,
    /,
    *,
    num_outputs: object,
    kernel_size: object,
    depth_multiplier: object,
    stride: object,
    padding: object,
    data_format: object,
    rate: object,
) -> Shape:
    """A convolution by channel, and where *num_outputs* is given one of 1 by 1 after it."""
    images = read_images("separable_conv2d", inputs, 2, data_format)
    filters = as_size(num_outputs)
    if num_outputs is None:
        filters = combine(lambda c, m: c * m, images.channels, as_size(depth_multiplier))
    return convolution.convolve("separable_conv2d", images, filters, kernel_size, stride, padding, rate)


def _keep(inputs: Shape, /) -> ShapeResult:
    """The shape stays."""
    return inputs if isinstance(inputs, Shape) else UNKNOWN


_keeping: Callable[[Callable[..., ShapeResult]], Callable[..., ShapeResult]] = keras_function(
    *_contrib("batch_norm", "dropout", "layer_norm", "instance_norm", "group_norm", "bias_add", "unit_norm"),
    parameters={},
)
_keeping(_keep)


@keras_function(*_contrib("softmax"), parameters={})
def softmax(logits: Shape, /) -> ShapeResult:
    """The shape stays."""
    return logits if isinstance(logits, Shape) else UNKNOWN


@keras_function(*_contrib("one_hot_encoding"), parameters={"num_classes": REQUIRED})
def one_hot(labels: Shape, /, *, num_classes: object) -> Shape:
    """``[B]`` to ``[B, num_classes]``."""
    return dense.append(as_shape(labels), as_size(num_classes))


@keras_function(*_contrib("embed_sequence"), parameters={"vocab_size": None, "embed_dim": None})
def embed_sequence(ids: Shape, /, *, embed_dim: object) -> Shape:
    """``[B, T]`` to ``[B, T, embed_dim]``."""
    return dense.append(as_shape(ids), as_size(embed_dim))
