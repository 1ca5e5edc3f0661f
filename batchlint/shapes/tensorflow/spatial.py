"""Convolutions, poolings and resizings of TensorFlow and of Keras' functions: filters are ``[*kernel, in, out]``."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.dimension import floor_divide, render
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, first_given, shape_with, sizes_of
from batchlint.shapes.torch.arguments import Size, as_size, combine, fitted, require, shape_of

__all__: list[str] = []


def _channels_first(data_format: Any) -> bool | None:
    """Whether the channels come before the spatial axes, ``None`` where that is not known; last by default."""
    if data_format is None:
        return False
    if not isinstance(data_format, str):
        return None
    return data_format == "channels_first" or data_format.startswith("NC")


def window_count(name: str, size: Size, kernel: Size, stride: Size, padding: Any, dilation: Size = 1) -> Size:
    """How many windows fit into an axis of *size*: with ``SAME`` padding ``ceil(size / stride)``.

    Raises:
        ShapeMismatch: not one does.
    """
    kind = padding.lower() if isinstance(padding, str) else None
    if kind == "same":
        return combine(lambda n, s: floor_divide(n + s - 1, s), size, stride)
    if kind != "valid":
        return None
    count = combine(lambda n, k, s, d: floor_divide(n - d * (k - 1) - 1, s) + 1, size, kernel, stride, dilation)
    if isinstance(count, int) and count < 1:
        raise ShapeMismatch(f"{name}: a kernel of {kernel} does not fit into {size}", kernel, size)
    return count


def _per_axis(value: Any, axes: int, first: bool) -> tuple[Size, ...]:
    """One number for each spatial axis, from one number, one an axis, or one for each dimension of a batch."""
    if value is None:
        return (1,) * axes
    sizes = sizes_of(value)
    if sizes is None:
        return (None,) * axes
    numbers = tuple(map(as_size, sizes))
    if len(numbers) == axes + 2:
        return numbers[2:] if first else numbers[1:-1]
    return numbers * axes if len(numbers) == 1 else numbers if len(numbers) == axes else (None,) * axes


def _split(name: str, tensor: Any, axes: int, first: bool) -> tuple[Size, Size, tuple[Size, ...]]:
    """The batch, the channels and the spatial axes of *tensor*.

    Raises:
        ShapeMismatch: it is certain to have another number of dimensions.
    """
    batch, *rest = fitted(name, as_tensor(tensor), (axes + 2,))
    return (batch, rest[0], tuple(rest[1:])) if first else (batch, rest[-1], tuple(rest[:-1]))


def _joined(batch: Size, channels: Size, spatial: tuple[Size, ...], first: bool) -> Shape:
    return shape_of((batch, channels, *spatial) if first else (batch, *spatial, channels))


def _sizes_alone(name: str, tensor: Any, axes: int) -> Shape:
    """What is known where the layout is not: the batch."""
    batch, *rest = fitted(name, as_tensor(tensor), (axes + 2,))
    return shape_of((batch, *(None for _ in rest)))


def convolve(
    name: str,
    axes: int,
    tensor: Any,
    kernel: Any,
    strides: Any,
    padding: Any,
    data_format: Any,
    dilations: Any,
    depthwise: bool = False,
) -> Shape:
    """*tensor* convolved with a *kernel* of shape ``[*window, in, out]`` (*depthwise*: ``[*window, in, multiplier]``).

    Raises:
        ShapeMismatch: the channels are certain not to fit, or the window, or the number of dimensions.
    """
    first = _channels_first(data_format)
    if first is None:
        return _sizes_alone(name, tensor, axes)
    batch, channels, spatial = _split(name, tensor, axes, first)
    *window, inner, outer = fitted(f"{name}'s filters", as_tensor(kernel), (axes + 2,))
    if depthwise:
        require(name, "input channels", inner, channels)
        outer = combine(lambda c, m: c * m, inner if channels is None else channels, outer)
    elif isinstance(inner, int) and isinstance(channels, int) and (inner == 0 or channels % inner):
        raise ShapeMismatch(f"{name} expects {render(inner)} input channels, got {render(channels)}", inner, channels)
    columns = zip(spatial, window, _per_axis(strides, axes, first), _per_axis(dilations, axes, first))
    sizes = tuple([window_count(name, size, k, s, padding, d) for size, k, s, d in columns])
    return _joined(batch, outer, sizes, first)


def _axes_of(*shapes: Any) -> int | None:
    """How many spatial axes the first of *shapes* whose rank is known leaves, ``None`` where none is."""
    ranks = (as_tensor(shape).rank for shape in shapes)
    return next((rank - 2 for rank in ranks if rank is not None and 3 <= rank <= 5), None)


def _batch_of(tensor: Any) -> Shape:
    """What is known where even the number of spatial axes is not: the batch."""
    return Shape(as_tensor(tensor).leading[:1], (), exact=False)


@shape_function("tensorflow.nn.conv1d")
def conv1d(
    input: Any = None,
    filters: Any = UNKNOWN,
    stride: Any = None,
    padding: Any = UNKNOWN,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
    value: Any = None,
    **_: Any,
) -> Shape:
    """``[B, L, C]`` with filters ``[K, C, out]``."""
    return convolve("conv1d", 1, first_given(value, input), filters, stride, padding, data_format, dilations)


@shape_function("tensorflow.nn.conv2d")
def conv2d(
    input: Any,
    filters: Any = None,
    strides: Any = None,
    padding: Any = UNKNOWN,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
    filter: Any = None,
    **_: Any,
) -> Shape:
    """``[B, H, W, C]`` with filters ``[KH, KW, C, out]``."""
    if isinstance(data_format, bool):
        # TensorFlow 1 asked here whether to use cuDNN.
        data_format = dilations
        dilations = UNKNOWN
    kernel = first_given(filters, filter)
    return convolve("conv2d", 2, input, kernel, strides, padding, data_format, dilations)


@shape_function("tensorflow.nn.conv3d")
def conv3d(
    input: Any,
    filters: Any = None,
    strides: Any = None,
    padding: Any = UNKNOWN,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
    filter: Any = None,
) -> Shape:
    """``[B, D, H, W, C]`` with filters ``[KD, KH, KW, C, out]``."""
    kernel = first_given(filters, filter)
    return convolve("conv3d", 3, input, kernel, strides, padding, data_format, dilations)


@shape_function("tensorflow.nn.atrous_conv2d")
def atrous_conv2d(value: Any, filters: Any, rate: Any, padding: Any, name: Any = None) -> Shape:
    """``[B, H, W, C]`` with filters ``[KH, KW, C, out]`` whose elements are *rate* apart."""
    if padding != "SAME":
        # Where no window fits TensorFlow does not refuse but gives the input back.
        return _sizes_alone("atrous_conv2d", value, 2)
    return convolve("atrous_conv2d", 2, value, filters, 1, padding, None, rate)


@shape_function("tensorflow.nn.depthwise_conv2d")
def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
    **_: Any,
) -> Shape:
    """``[B, H, W, C]`` with filters ``[KH, KW, C, M]`` to ``C * M`` channels."""
    return convolve("depthwise_conv2d", 2, input, filter, strides, padding, data_format, dilations, depthwise=True)


@shape_function("keras.ops.conv")
def conv_keras(
    inputs: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Shape:
    """``[B, ..., C]`` with a kernel ``[*window, C, out]``."""
    axes = _axes_of(inputs, kernel)
    if axes is None:
        return _batch_of(inputs)
    return convolve("conv", axes, inputs, kernel, strides, padding, data_format, dilation_rate)


@shape_function("keras.ops.depthwise_conv")
def depthwise_conv_keras(
    inputs: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Shape:
    """``[B, ..., C]`` with a kernel ``[*window, C, M]`` to ``C * M`` channels."""
    axes = _axes_of(inputs, kernel)
    if axes is None:
        return _batch_of(inputs)
    return convolve("depthwise_conv", axes, inputs, kernel, strides, padding, data_format, dilation_rate, True)


def _register_backend_convolution(axes: int) -> None:
    @shape_function(f"keras.backend.conv{axes}d")
    def convolution(
        x: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1
    ) -> Shape:
        return convolve(f"conv{axes}d", axes, x, kernel, strides, padding, data_format, dilation_rate)


for _axes in (1, 2, 3):
    _register_backend_convolution(_axes)


def _enlarged(name: str, tensor: Any, output_shape: Any) -> Shape:
    """*output_shape*, whose batch must be that of *tensor*.

    Raises:
        ShapeMismatch: the two are certain to differ.
    """
    result, batch = shape_with(output_shape), as_tensor(tensor).leading[:1]
    if result.leading and batch:
        require(name, "samples", result.leading[0], batch[0])
    return result


@shape_function(*(f"tensorflow.nn.conv{axes}d_transpose" for axes in (1, 2, 3)))
def conv_transpose(
    input: Any = None,
    filters: Any = None,
    output_shape: Any = UNKNOWN,
    strides: Any = None,
    padding: Any = "SAME",
    data_format: Any = None,
    *_: Any,
    value: Any = None,
    filter: Any = None,
    **__: Any,
) -> Shape:
    """*output_shape*."""
    return _enlarged("conv_transpose", first_given(value, input), output_shape)


@shape_function("keras.backend.conv2d_transpose")
def conv_transpose_backend(x: Any, kernel: Any, output_shape: Any, *_: Any, **__: Any) -> Shape:
    """*output_shape*."""
    return _enlarged("conv2d_transpose", x, output_shape)


def pool(name: str, axes: int, tensor: Any, window: Any, strides: Any, padding: Any, data_format: Any) -> Shape:
    """*tensor* with one number for each *window*, by default as many apart as they are long.

    Raises:
        ShapeMismatch: the window is certain not to fit, or the number of dimensions.
    """
    first = _channels_first(data_format)
    if first is None:
        return _sizes_alone(name, tensor, axes)
    batch, channels, spatial = _split(name, tensor, axes, first)
    steps = _per_axis(window if strides is None else strides, axes, first)
    columns = zip(spatial, _per_axis(window, axes, first), steps)
    sizes = tuple([window_count(name, size, k, s, padding) for size, k, s in columns])
    return _joined(batch, channels, sizes, first)


def _register_pooling(name: str, axes: int | None) -> None:
    @shape_function(f"tensorflow.nn.{name}")
    def pooling(
        input: Any = None,
        ksize: Any = UNKNOWN,
        strides: Any = UNKNOWN,
        padding: Any = UNKNOWN,
        data_format: Any = None,
        name: Any = None,
        value: Any = None,
    ) -> Shape:
        tensor = first_given(value, input)
        count = _axes_of(tensor, _of_rank(ksize)) if axes is None else axes
        if count is None:
            return _batch_of(tensor)
        return pool("pooling", count, tensor, ksize, strides, padding, data_format)


def _of_rank(numbers: Any) -> Shape:
    """A tensor with as many dimensions as *numbers* has elements, if it has one for each dimension of a batch."""
    sizes = sizes_of(numbers)
    return UNKNOWN_SHAPE if sizes is None or len(sizes) < 4 else Shape(tuple([1 for _ in sizes]))


for _kind in ("max_pool", "avg_pool"):
    _register_pooling(_kind, None)
    for _axes in (1, 2, 3):
        _register_pooling(f"{_kind}{_axes}d", _axes)
_register_pooling("max_pool_v2", None)


@shape_function("keras.ops.max_pool", "keras.ops.average_pool")
def pool_keras(
    inputs: Any, pool_size: Any, strides: Any = None, padding: Any = "valid", data_format: Any = None
) -> Shape:
    """*inputs* with one number for each window."""
    axes = _axes_of(inputs)
    return _batch_of(inputs) if axes is None else pool("pool", axes, inputs, pool_size, strides, padding, data_format)


def _register_backend_pooling(axes: int) -> None:
    @shape_function(f"keras.backend.pool{axes}d")
    def pooling(
        x: Any,
        pool_size: Any,
        strides: Any = 1,
        padding: Any = "valid",
        data_format: Any = None,
        pool_mode: Any = "max",
    ) -> Shape:
        return pool(f"pool{axes}d", axes, x, pool_size, strides, padding, data_format)


for _axes in (2, 3):
    _register_backend_pooling(_axes)


def _with_spatial(name: str, tensor: Any, data_format: Any, *change: Any) -> Shape:
    """*tensor*, a batch of as many spatial axes as *change* has functions, with each of these applied to its axis."""
    axes = len(change)
    first = _channels_first(data_format)
    if first is None:
        return _sizes_alone(name, tensor, axes)
    batch, channels, spatial = _split(name, tensor, axes, first)
    return _joined(batch, channels, tuple([make(size) for make, size in zip(change, spatial)]), first)


def _grows(amounts: Any) -> Any:
    pair = sizes_of(amounts) or (UNKNOWN, UNKNOWN)
    before, after = pair if len(pair) == 2 else (UNKNOWN, UNKNOWN)
    return lambda size: combine(lambda n, a, b: n + a + b, size, as_size(before), as_size(after))


def _multiplies(factor: Any) -> Any:
    return lambda size: combine(lambda n, f: n * f, size, as_size(factor))


@shape_function("tensorflow.nn.max_pool_with_argmax")
def max_pool_with_argmax(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: Any = None, *_: Any, **__: Any
) -> ShapeResult:
    """The greatest elements of the windows and where they are."""
    result = pool("max_pool_with_argmax", 2, input, ksize, strides, padding, data_format)
    return result, result


@shape_function("tensorflow.nn.separable_conv2d")
def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: Any,
    data_format: Any = None,
    dilations: Any = None,
    name: Any = None,
    rate: Any = None,
) -> Shape:
    """``[B, H, W, C]`` with filters ``[KH, KW, C, M]`` and ``[1, 1, C * M, out]``."""
    reach = first_given(dilations, rate)
    name = "separable_conv2d"
    middle = convolve(name, 2, input, depthwise_filter, strides, padding, data_format, reach, depthwise=True)
    return convolve(name, 2, middle, pointwise_filter, 1, "SAME", data_format, 1)


@shape_function("keras.backend.temporal_padding")
def temporal_padding(x: Any, padding: Any = (1, 1)) -> Shape:
    """``[B, L, C]`` with steps added before and after."""
    return _with_spatial("temporal_padding", x, None, _grows(padding))


@shape_function("keras.backend.spatial_2d_padding")
def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: Any = None) -> Shape:
    """Rows and columns added."""
    pairs = padding if isinstance(padding, (tuple, list)) and len(padding) == 2 else (UNKNOWN, UNKNOWN)
    return _with_spatial("spatial_2d_padding", x, data_format, *map(_grows, pairs))


@shape_function("keras.backend.resize_images")
def resize_images_backend(
    x: Any, height_factor: Any, width_factor: Any, data_format: Any, interpolation: Any = "nearest"
) -> Shape:
    """Rows and columns multiplied."""
    return _with_spatial("resize_images", x, data_format, _multiplies(height_factor), _multiplies(width_factor))


@shape_function("tensorflow.nn.space_to_depth", "tensorflow.space_to_depth")
def space_to_depth(input: Any, block_size: Any, data_format: Any = None, name: Any = None) -> Shape:
    """``[B, H, W, C]`` to ``[B, H/n, W/n, C*n*n]``."""
    return _moved(input, block_size, data_format, lambda size, n: floor_divide(size, n), lambda c, n: c * n * n)


@shape_function("tensorflow.nn.depth_to_space", "tensorflow.depth_to_space")
def depth_to_space(input: Any, block_size: Any, data_format: Any = None, name: Any = None) -> Shape:
    """``[B, H, W, C]`` to ``[B, H*n, W*n, C/(n*n)]``."""
    return _moved(input, block_size, data_format, lambda size, n: size * n, lambda c, n: floor_divide(c, n * n))


def _moved(tensor: Any, block: Any, data_format: Any, of_space: Any, of_depth: Any) -> Shape:
    first = _channels_first(data_format)
    if first is None or data_format == "NCHW_VECT_C":
        return UNKNOWN_SHAPE
    batch, channels, spatial = _split("space_to_depth", tensor, 2, first)
    size = as_size(block)
    moved = tuple([combine(of_space, one, size) for one in spatial])
    return _joined(batch, combine(of_depth, channels, size), moved, first)
