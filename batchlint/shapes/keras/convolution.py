"""Convolutions: plain, separable, by channel and transposed, over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from batchlint.shapes.dimension import Dimension
from batchlint.shapes.keras.arguments import (
    REQUIRED,
    WEIGHTS,
    Images,
    expects_images,
    keras_layer,
    lowered,
    read_images,
)
from batchlint.shapes.registry import UNKNOWN
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_size, combine, per_axis
from batchlint.shapes.torch.spatial import window_count

__all__ = ["OLD_KEYWORDS", "convolve", "is_old_call", "transpose_convolve", "windows"]

OLD_KEYWORDS: Final[Mapping[str, Any]] = {"border_mode": None, "subsample": None, "dim_ordering": None}
"""Keras 1's names of padding, strides and data format: what they mean is not known, only that they are there."""


def is_old_call(*settings: object) -> bool:
    """Whether one of Keras 1's keywords was given."""
    return any(setting is not None for setting in settings)


def _same_count(size: Dimension, stride: Dimension) -> Dimension:
    return (size - 1) // stride + 1


def windows(
    layer: str,
    spatial: tuple[Size, ...],
    kernel_size: object,
    strides: object,
    padding: object,
    dilation_rate: object = 1,
) -> tuple[Size, ...]:
    """How many windows there are along each spatial axis.

    Raises:
        ShapeMismatch: along one of them there is none.
    """
    axes = len(spatial)
    kernels, steps, dilations = (per_axis(setting, axes) for setting in (kernel_size, strides, dilation_rate))
    word = lowered(padding)
    if word in ("same", "causal"):
        return tuple([combine(_same_count, size, step) for size, step in zip(spatial, steps)])
    if word != "valid":
        return (None,) * axes
    columns = zip(spatial, kernels, steps, dilations)
    return tuple([window_count(layer, size, kernel, step, 0, rate) for size, kernel, step, rate in columns])


def convolve(
    layer: str,
    images: Images,
    filters: Size,
    kernel_size: object,
    strides: object,
    padding: object,
    dilation_rate: object,
    groups: object = 1,
) -> Shape:
    """A convolution's result.

    Raises:
        ShapeMismatch: the kernel does not fit, or the channels do not go into the groups.
    """
    count = as_size(groups)
    if isinstance(images.channels, int) and isinstance(count, int) and count > 0 and images.channels % count:
        raise ShapeMismatch(f"{layer}: {images.channels} channels do not go into {count} groups")
    spatial = windows(layer, images.spatial, kernel_size, strides, padding, dilation_rate)
    return images._replace(channels=filters, spatial=spatial).shape()


def _stretched(size: Size, kernel: Size, stride: Size, extra: Size, given: bool, padding: str, dilation: Size) -> Size:
    """The size that a transposed convolution makes of *size*; *given* is whether *extra* is the output padding."""
    if padding == "same":
        if not given:
            return combine(lambda n, s: n * s, size, stride)
        width = combine(lambda k, d: (k - 1) * d + 1, kernel, dilation)
        return combine(lambda n, s, k, p: (n - 1) * s + k % 2 + p, size, stride, width, extra)
    width = combine(lambda k, d: (k - 1) * d + 1, kernel, dilation)
    if given:
        return combine(lambda n, s, k, p: (n - 1) * s + k + p, size, stride, width, extra)
    reach = max(width, stride) if isinstance(width, int) and isinstance(stride, int) else None
    return combine(lambda n, s, r: (n - 1) * s + r, size, stride, reach)


def transpose_convolve(
    images: Images,
    filters: Size,
    kernel_size: object,
    strides: object,
    padding: object,
    output_padding: object,
    dilation_rate: object,
) -> Shape:
    """A transposed convolution's result."""
    axes = len(images.spatial)
    settings = (per_axis(setting, axes) for setting in (kernel_size, strides, output_padding, dilation_rate))
    word = lowered(padding)
    spatial: tuple[Size, ...] = (None,) * axes
    if word in ("same", "valid"):
        given = output_padding is not None
        spatial = tuple(
            [_stretched(n, k, s, extra, given, word, d) for n, k, s, extra, d in zip(images.spatial, *settings)]
        )
    return images._replace(channels=filters, spatial=spatial).shape()


def _steps(axes: int) -> object:
    return 1 if axes == 1 else (1,) * axes


def _register(axes: int) -> None:
    name = f"Conv{axes}D"
    expects = expects_images(axes)
    parameters = {
        "filters": REQUIRED,
        "kernel_size": REQUIRED,
        "strides": _steps(axes),
        "padding": "valid",
        "data_format": None,
        "dilation_rate": _steps(axes),
        "groups": 1,
        "activation": None,
        "use_bias": True,
        **WEIGHTS,
        **OLD_KEYWORDS,
    }

    @keras_layer(name, parameters=parameters, expects=expects)
    def convolution(
        inputs: Shape,
        /,
        *,
        filters: object,
        kernel_size: object,
        strides: object,
        padding: object,
        data_format: object,
        dilation_rate: object,
        groups: object,
        border_mode: object,
        subsample: object,
        dim_ordering: object,
    ) -> Shape:
        if is_old_call(border_mode, subsample, dim_ordering):
            return read_images(name, inputs, axes, UNKNOWN).shape()
        images = read_images(name, inputs, axes, data_format)
        return convolve(name, images, as_size(filters), kernel_size, strides, padding, dilation_rate, groups)

    @keras_layer(f"Convolution{axes}D", parameters=parameters, expects=expects)
    def old_convolution(
        inputs: Shape,
        /,
        *,
        filters: object,
        kernel_size: object,
        strides: object,
        padding: object,
        data_format: object,
        dilation_rate: object,
        groups: object,
        border_mode: object,
        subsample: object,
        dim_ordering: object,
    ) -> Shape:
        if axes > 1 and isinstance(kernel_size, int) and isinstance(strides, int):
            # Keras 1 took the kernel's sizes one by one: `Convolution2D(64, 3, 3)` has a kernel of 3 by 3.
            kernel_size = strides = None
        return convolution(
            inputs,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
            border_mode=border_mode,
            subsample=subsample,
            dim_ordering=dim_ordering,
        )


def _register_transposed(axes: int) -> None:
    middle: list[tuple[str, Any]] = [("output_padding", None), ("data_format", None)]
    parameters = {
        "filters": REQUIRED,
        "kernel_size": REQUIRED,
        "strides": _steps(axes),
        "padding": "valid",
        **dict(middle if axes < 3 else reversed(middle)),
        "dilation_rate": _steps(axes),
        "activation": None,
        "use_bias": True,
        **WEIGHTS,
    }
    name = f"Conv{axes}DTranspose"

    @keras_layer(name, f"Convolution{axes}DTranspose", parameters=parameters, expects=expects_images(axes))
    def transposed(
        inputs: Shape,
        /,
        *,
        filters: object,
        kernel_size: object,
        strides: object,
        padding: object,
        output_padding: object,
        data_format: object,
        dilation_rate: object,
    ) -> Shape:
        images = read_images(name, inputs, axes, data_format)
        return transpose_convolve(
            images, as_size(filters), kernel_size, strides, padding, output_padding, dilation_rate
        )


def _register_by_channel(axes: int) -> None:
    expects = expects_images(axes)
    by_channel = f"DepthwiseConv{axes}D"

    @keras_layer(
        by_channel,
        parameters={
            "kernel_size": REQUIRED,
            "strides": _steps(axes),
            "padding": "valid",
            "depth_multiplier": 1,
            "data_format": None,
            "dilation_rate": _steps(axes),
            "activation": None,
            "use_bias": True,
            "depthwise_initializer": "glorot_uniform",
            "bias_initializer": "zeros",
            "depthwise_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "depthwise_constraint": None,
            "bias_constraint": None,
        },
        expects=expects,
    )
    def depthwise(
        inputs: Shape,
        /,
        *,
        kernel_size: object,
        strides: object,
        padding: object,
        depth_multiplier: object,
        data_format: object,
        dilation_rate: object,
    ) -> Shape:
        images = read_images(by_channel, inputs, axes, data_format)
        filters = combine(lambda c, m: c * m, images.channels, as_size(depth_multiplier))
        return convolve(by_channel, images, filters, kernel_size, strides, padding, dilation_rate)

    separated = f"SeparableConv{axes}D"

    @keras_layer(
        separated,
        f"SeparableConvolution{axes}D",
        parameters={
            "filters": REQUIRED,
            "kernel_size": REQUIRED,
            "strides": _steps(axes),
            "padding": "valid",
            "data_format": None,
            "dilation_rate": _steps(axes),
            "depth_multiplier": 1,
            "activation": None,
            "use_bias": True,
            "depthwise_initializer": "glorot_uniform",
            "pointwise_initializer": "glorot_uniform",
            "bias_initializer": "zeros",
            "depthwise_regularizer": None,
            "pointwise_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "depthwise_constraint": None,
            "pointwise_constraint": None,
            "bias_constraint": None,
            **OLD_KEYWORDS,
        },
        expects=expects,
    )
    def separable(
        inputs: Shape,
        /,
        *,
        filters: object,
        kernel_size: object,
        strides: object,
        padding: object,
        data_format: object,
        dilation_rate: object,
        border_mode: object,
        subsample: object,
        dim_ordering: object,
    ) -> Shape:
        if is_old_call(border_mode, subsample, dim_ordering):
            return read_images(separated, inputs, axes, UNKNOWN).shape()
        images = read_images(separated, inputs, axes, data_format)
        return convolve(separated, images, as_size(filters), kernel_size, strides, padding, dilation_rate)


for _axes in (1, 2, 3):
    _register(_axes)
    _register_transposed(_axes)
for _axes in (1, 2):
    _register_by_channel(_axes)
