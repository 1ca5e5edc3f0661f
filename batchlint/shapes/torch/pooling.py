"""Poolings over one to three spatial axes: windows, adaptive and fractional forms, and unpooling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchlint.shapes.dimension import Dimension, Expression
from batchlint.shapes.registry import UNKNOWN, ShapeResult, layer, shape_function
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import (
    as_flag,
    as_shape,
    as_size,
    as_tuple,
    combine,
    fitted,
    last_axes,
    per_axis,
    shape_of,
)
from batchlint.shapes.torch.spatial import ceil_window_count, image_batch, scaled, window_count


def _pool(
    name: str,
    axes: int,
    input: object,
    kernel_size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: object,
) -> Shape:
    sizes = fitted(name, as_shape(input), (axes + 1, axes + 2))
    settings = (kernel_size, kernel_size if stride is None or stride == () else stride, padding, dilation)
    columns = list(zip(sizes[-axes:], *(per_axis(setting, axes) for setting in settings)))
    ceil = as_flag(ceil_mode)
    counts = [ceil_window_count(name, *column) if ceil else window_count(name, *column) for column in columns]
    if ceil is None:
        rounded_up = [ceil_window_count(name, *column) for column in columns]
        counts = [down if down == up else None for down, up in zip(counts, rounded_up)]
    return shape_of((*sizes[:-axes], *counts))


def _adapt(name: str, axes: int, input: object, output_size: object, ranks: tuple[int, ...]) -> Shape:
    sizes = fitted(name, as_shape(input), ranks)
    wanted = _wanted(output_size, axes)
    spatial = [size if want is None else as_size(want) for size, want in zip(sizes[-axes:], wanted)]
    return shape_of((*sizes[:-axes], *spatial))


def _wanted(output_size: object, axes: int) -> tuple[object, ...]:
    """What is asked for along each axis; ``None`` is the input's own size."""
    wanted = as_tuple(output_size)
    if wanted is None:
        wanted = (output_size,)
    return wanted * axes if len(wanted) == 1 else wanted if len(wanted) == axes else (UNKNOWN,) * axes


def _average_adaptively(name: str, axes: int, input: object, output_size: object) -> Shape:
    """Adaptive averages; to one number they are a plain mean, which takes any rank."""
    rank = as_shape(input).rank
    means = all(as_size(want) in (1, None) or isinstance(want, Expression) for want in _wanted(output_size, axes))
    plain = axes > 1 and means and rank is not None and rank > axes
    return _adapt(name, axes, input, output_size, (rank,) if plain and rank else (axes + 1, axes + 2))


def _fraction(name: str, axes: int, input: object, output_size: object, output_ratio: object) -> Shape:
    sizes = fitted(name, as_shape(input), (axes + 1, axes + 2))
    if output_size is not None:
        return shape_of((*sizes[:-axes], *per_axis(output_size, axes)))
    ratios = _wanted(output_ratio, axes)
    return shape_of((*sizes[:-axes], *(scaled(size, ratio) for size, ratio in zip(sizes[-axes:], ratios))))


def _unpooled(size: Dimension, kernel: Dimension, stride: Dimension, padding: Dimension) -> Dimension:
    return (size - 1) * stride - 2 * padding + kernel


def _unpool(
    name: str,
    axes: int,
    input: object,
    indices: object,
    kernel_size: object,
    stride: object,
    padding: object,
    output_size: object,
) -> Shape:
    shape = as_shape(input)
    sizes = fitted(name, shape if shape.exact else as_shape(indices), (axes + 1, axes + 2))
    if output_size is not None:
        return shape_of((*sizes[:-axes], *last_axes(output_size, axes)))
    settings = (kernel_size, kernel_size if stride is None or stride == () else stride, padding)
    columns = zip(sizes[-axes:], *(per_axis(setting, axes) for setting in settings))
    return shape_of((*sizes[:-axes], *(combine(_unpooled, *column) for column in columns)))


def _with_indices(shape: Shape, return_indices: object) -> ShapeResult:
    flag = as_flag(return_indices)
    return UNKNOWN if flag is None else (shape, shape) if flag else shape


def _expects(axes: int) -> Callable[[Mapping[str, Any]], Shape]:
    return lambda parameters: image_batch(None, axes)


def _register_windows(axes: int) -> None:
    expects = _expects(axes)

    @layer(f"torch.nn.MaxPool{axes}d", expects=expects)
    def maximum_layer(
        input: Shape,
        /,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        dilation: object = 1,
        return_indices: object = False,
        ceil_mode: object = False,
    ) -> ShapeResult:
        pooled = _pool(f"MaxPool{axes}d", axes, input, kernel_size, stride, padding, dilation, ceil_mode)
        return _with_indices(pooled, return_indices)

    @shape_function(f"torch.nn.functional.max_pool{axes}d")
    def maximum(
        input: Shape,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        dilation: object = 1,
        ceil_mode: object = False,
        return_indices: object = False,
    ) -> ShapeResult:
        pooled = _pool(f"max_pool{axes}d", axes, input, kernel_size, stride, padding, dilation, ceil_mode)
        return _with_indices(pooled, return_indices)

    @shape_function(f"torch.max_pool{axes}d")
    def maximum_alone(
        input: Shape,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        dilation: object = 1,
        ceil_mode: object = False,
    ) -> ShapeResult:
        return maximum(input, kernel_size, stride, padding, dilation, ceil_mode)

    @shape_function(f"torch.nn.functional.max_pool{axes}d_with_indices")
    def maximum_with_indices(
        input: Shape,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        dilation: object = 1,
        ceil_mode: object = False,
        return_indices: object = False,
    ) -> ShapeResult:
        return maximum(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    @layer(f"torch.nn.MaxUnpool{axes}d", expects=expects)
    def unpooling_layer(
        input: Shape,
        indices: object,
        output_size: object = None,
        /,
        *,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
    ) -> Shape:
        return _unpool(f"MaxUnpool{axes}d", axes, input, indices, kernel_size, stride, padding, output_size)

    @shape_function(f"torch.nn.functional.max_unpool{axes}d")
    def unpooling(
        input: Shape,
        indices: object,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        output_size: object = None,
    ) -> Shape:
        return _unpool(f"max_unpool{axes}d", axes, input, indices, kernel_size, stride, padding, output_size)

    @layer(f"torch.nn.LPPool{axes}d", expects=expects)
    def power_average_layer(
        input: Shape, /, norm_type: object, kernel_size: object, stride: object = None, ceil_mode: object = False
    ) -> Shape:
        return _pool(f"LPPool{axes}d", axes, input, kernel_size, stride, 0, 1, ceil_mode)

    @shape_function(f"torch.nn.functional.lp_pool{axes}d")
    def power_average(
        input: Shape, norm_type: object, kernel_size: object, stride: object = None, ceil_mode: object = False
    ) -> Shape:
        return _pool(f"lp_pool{axes}d", axes, input, kernel_size, stride, 0, 1, ceil_mode)


def _register_adaptive(axes: int) -> None:
    expects = _expects(axes)

    @layer(f"torch.nn.AdaptiveAvgPool{axes}d", expects=expects)
    def average_layer(input: Shape, /, output_size: object) -> Shape:
        return _average_adaptively(f"AdaptiveAvgPool{axes}d", axes, input, output_size)

    @shape_function(
        f"torch.nn.functional.adaptive_avg_pool{axes}d", *(["torch.adaptive_avg_pool1d"] if axes == 1 else [])
    )
    def average(input: Shape, output_size: object) -> Shape:
        return _average_adaptively(f"adaptive_avg_pool{axes}d", axes, input, output_size)

    @layer(f"torch.nn.AdaptiveMaxPool{axes}d", expects=expects)
    def maximum_layer(input: Shape, /, output_size: object, return_indices: object = False) -> ShapeResult:
        pooled = _adapt(f"AdaptiveMaxPool{axes}d", axes, input, output_size, (axes + 1, axes + 2))
        return _with_indices(pooled, return_indices)

    @shape_function(f"torch.nn.functional.adaptive_max_pool{axes}d")
    def maximum(input: Shape, output_size: object, return_indices: object = False) -> ShapeResult:
        pooled = _adapt(f"adaptive_max_pool{axes}d", axes, input, output_size, (axes + 1, axes + 2))
        return _with_indices(pooled, return_indices)

    @shape_function(f"torch.nn.functional.adaptive_max_pool{axes}d_with_indices")
    def maximum_with_indices(input: Shape, output_size: object, return_indices: object = False) -> ShapeResult:
        return maximum(input, output_size, True)


def _register_fractional(axes: int) -> None:
    @layer(f"torch.nn.FractionalMaxPool{axes}d", expects=_expects(axes))
    def fractional_layer(
        input: Shape,
        /,
        kernel_size: object,
        output_size: object = None,
        output_ratio: object = None,
        return_indices: object = False,
        _random_samples: object = None,
    ) -> ShapeResult:
        pooled = _fraction(f"FractionalMaxPool{axes}d", axes, input, output_size, output_ratio)
        return _with_indices(pooled, return_indices)

    @shape_function(f"torch.nn.functional.fractional_max_pool{axes}d")
    def fractional(
        input: Shape,
        kernel_size: object,
        output_size: object = None,
        output_ratio: object = None,
        return_indices: object = False,
        _random_samples: object = None,
    ) -> ShapeResult:
        pooled = _fraction(f"fractional_max_pool{axes}d", axes, input, output_size, output_ratio)
        return _with_indices(pooled, return_indices)

    @shape_function(f"torch.nn.functional.fractional_max_pool{axes}d_with_indices")
    def fractional_with_indices(
        input: Shape,
        kernel_size: object,
        output_size: object = None,
        output_ratio: object = None,
        return_indices: object = False,
        _random_samples: object = None,
    ) -> ShapeResult:
        return fractional(input, kernel_size, output_size, output_ratio, True)


for _axes in (1, 2, 3):
    _register_windows(_axes)
    _register_adaptive(_axes)
for _axes in (2, 3):
    _register_fractional(_axes)


@layer("torch.nn.AvgPool1d", expects=_expects(1))
def average_layer_1d(
    input: Shape,
    /,
    kernel_size: object,
    stride: object = None,
    padding: object = 0,
    ceil_mode: object = False,
    count_include_pad: object = True,
) -> Shape:
    """``[B, C, L]`` to ``[B, C, windows]``."""
    return _pool("AvgPool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode)


@shape_function("torch.nn.functional.avg_pool1d", "torch.avg_pool1d")
def average_1d(
    input: Shape,
    kernel_size: object,
    stride: object = None,
    padding: object = 0,
    ceil_mode: object = False,
    count_include_pad: object = True,
) -> Shape:
    """``[B, C, L]`` to ``[B, C, windows]``."""
    return _pool("avg_pool1d", 1, input, kernel_size, stride, padding, 1, ceil_mode)


def _register_average(axes: int) -> None:
    @layer(f"torch.nn.AvgPool{axes}d", expects=_expects(axes))
    def average_layer(
        input: Shape,
        /,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        ceil_mode: object = False,
        count_include_pad: object = True,
        divisor_override: object = None,
    ) -> Shape:
        return _pool(f"AvgPool{axes}d", axes, input, kernel_size, stride, padding, 1, ceil_mode)

    @shape_function(f"torch.nn.functional.avg_pool{axes}d")
    def average(
        input: Shape,
        kernel_size: object,
        stride: object = None,
        padding: object = 0,
        ceil_mode: object = False,
        count_include_pad: object = True,
        divisor_override: object = None,
    ) -> Shape:
        return _pool(f"avg_pool{axes}d", axes, input, kernel_size, stride, padding, 1, ceil_mode)


for _axes in (2, 3):
    _register_average(_axes)


@shape_function("torch.max_pool1d_with_indices")
def maximum_with_indices_1d(
    input: Shape,
    kernel_size: object,
    stride: object = None,
    padding: object = 0,
    dilation: object = 1,
    ceil_mode: object = False,
) -> ShapeResult:
    """``[B, C, L]`` to two tensors ``[B, C, windows]``."""
    pooled = _pool("max_pool1d_with_indices", 1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return pooled, pooled


@shape_function("torch.adaptive_max_pool1d")
def adaptive_maximum_with_indices_1d(input: Shape, output_size: object) -> ShapeResult:
    """``[B, C, L]`` to two tensors ``[B, C, output_size]``."""
    pooled = _adapt("adaptive_max_pool1d", 1, input, output_size, (2, 3))
    return pooled, pooled
