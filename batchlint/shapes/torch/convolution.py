"""Convolutions and transposed convolutions over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchlint.shapes.dimension import Dimension
from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import (
    Size,
    as_shape,
    as_size,
    combine,
    fitted,
    last_axes,
    per_axis,
    require,
    shape_of,
)
from batchlint.shapes.torch.spatial import image_batch, window_count


def _convolve(
    name: str,
    axes: int,
    input: object,
    channels: Size,
    out_channels: Size,
    kernel_size: object,
    stride: object,
    padding: object,
    dilation: object,
) -> Shape:
    sizes = fitted(name, as_shape(input), (axes + 1, axes + 2))
    require(name, "input channels", channels, sizes[-axes - 1])
    spatial = sizes[-axes:]
    if padding != "same":
        settings = (kernel_size, stride, 0 if padding == "valid" else padding, dilation)
        columns = zip(spatial, *(per_axis(setting, axes) for setting in settings))
        spatial = tuple([window_count(name, *column) for column in columns])
    return shape_of((*sizes[: -axes - 1], out_channels, *spatial))


def _stretch(
    size: Dimension, kernel: Dimension, stride: Dimension, padding: Dimension, extra: Dimension, dilation: Dimension
) -> Dimension:
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1


def _transpose(
    name: str,
    axes: int,
    input: object,
    channels: Size,
    out_channels: Size,
    settings: tuple[object, ...],
    output_size: object,
) -> Shape:
    sizes = fitted(name, as_shape(input), (axes + 1, axes + 2))
    require(name, "input channels", channels, sizes[-axes - 1])
    if output_size is not None:
        spatial = last_axes(output_size, axes)
    else:
        columns = zip(sizes[-axes:], *(per_axis(setting, axes) for setting in settings))
        spatial = tuple([combine(_stretch, *column) for column in columns])
    return shape_of((*sizes[: -axes - 1], out_channels, *spatial))


def _expects(axes: int) -> Callable[[Mapping[str, Any]], Shape]:
    return lambda parameters: image_batch(as_size(parameters.get("in_channels")), axes)


def _register_convolution(axes: int) -> None:
    name = f"Conv{axes}d"

    @layer(f"torch.nn.{name}", expects=_expects(axes))
    def convolution_layer(
        input: Shape,
        /,
        in_channels: object,
        out_channels: object,
        kernel_size: object,
        stride: object = 1,
        padding: object = 0,
        dilation: object = 1,
        groups: object = 1,
        bias: object = True,
        padding_mode: object = "zeros",
    ) -> Shape:
        channels = as_size(in_channels), as_size(out_channels)
        return _convolve(name, axes, input, *channels, kernel_size, stride, padding, dilation)

    @layer(f"torch.nn.Lazy{name}", expects=_expects(axes))
    def lazy_convolution_layer(
        input: Shape,
        /,
        out_channels: object,
        kernel_size: object,
        stride: object = 1,
        padding: object = 0,
        dilation: object = 1,
        groups: object = 1,
        bias: object = True,
        padding_mode: object = "zeros",
    ) -> Shape:
        return _convolve(
            f"Lazy{name}", axes, input, None, as_size(out_channels), kernel_size, stride, padding, dilation
        )

    @shape_function(f"torch.nn.functional.conv{axes}d", f"torch.conv{axes}d")
    def convolution(
        input: Shape,
        weight: object,
        bias: object = None,
        stride: object = 1,
        padding: object = 0,
        dilation: object = 1,
        groups: object = 1,
    ) -> Shape:
        out, channels, *kernel = fitted(f"conv{axes}d's weight", as_shape(weight), (axes + 2,))
        channels = combine(lambda c, g: c * g, channels, as_size(groups))
        return _convolve(f"conv{axes}d", axes, input, channels, out, kernel, stride, padding, dilation)


def _register_transposed(axes: int) -> None:
    name = f"ConvTranspose{axes}d"

    @layer(f"torch.nn.{name}", expects=_expects(axes))
    def transposed_layer(
        input: Shape,
        output_size: object = None,
        /,
        *,
        in_channels: object,
        out_channels: object,
        kernel_size: object,
        stride: object = 1,
        padding: object = 0,
        output_padding: object = 0,
        groups: object = 1,
        bias: object = True,
        dilation: object = 1,
        padding_mode: object = "zeros",
    ) -> Shape:
        channels = as_size(in_channels), as_size(out_channels)
        settings = kernel_size, stride, padding, output_padding, dilation
        return _transpose(name, axes, input, *channels, settings, output_size)

    @layer(f"torch.nn.Lazy{name}", expects=_expects(axes))
    def lazy_transposed_layer(
        input: Shape,
        output_size: object = None,
        /,
        *,
        out_channels: object,
        kernel_size: object,
        stride: object = 1,
        padding: object = 0,
        output_padding: object = 0,
        groups: object = 1,
        bias: object = True,
        dilation: object = 1,
        padding_mode: object = "zeros",
    ) -> Shape:
        settings = kernel_size, stride, padding, output_padding, dilation
        return _transpose(f"Lazy{name}", axes, input, None, as_size(out_channels), settings, output_size)

    @shape_function(f"torch.nn.functional.conv_transpose{axes}d", f"torch.conv_transpose{axes}d")
    def transposed(
        input: Shape,
        weight: object,
        bias: object = None,
        stride: object = 1,
        padding: object = 0,
        output_padding: object = 0,
        groups: object = 1,
        dilation: object = 1,
    ) -> Shape:
        channels, out, *kernel = fitted(f"conv_transpose{axes}d's weight", as_shape(weight), (axes + 2,))
        out = combine(lambda c, g: c * g, out, as_size(groups))
        settings = kernel, stride, padding, output_padding, dilation
        return _transpose(f"conv_transpose{axes}d", axes, input, channels, out, settings, None)


for _axes in (1, 2, 3):
    _register_convolution(_axes)
    _register_transposed(_axes)


@shape_function("torch.conv_tbc")
def convolution_time_batch_channels(input: Shape, weight: object, bias: object, pad: object = 0) -> Shape:
    """``[T, B, C]`` with a weight ``[K, C, out]`` to ``[T + 2*pad - K + 1, B, out]``."""
    time, batch, channels = fitted("conv_tbc", as_shape(input), (3,))
    kernel, in_channels, out = fitted("conv_tbc's weight", as_shape(weight), (3,))
    require("conv_tbc", "input channels", in_channels, channels)
    return shape_of((combine(lambda t, p, k: t + 2 * p - k + 1, time, as_size(pad), kernel), batch, out))
