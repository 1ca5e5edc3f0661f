"""Patches, shuffled pixels and sampling grids."""

from __future__ import annotations

from batchlint.shapes.dimension import Dimension, floor_divide, product
from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import (
    Size,
    as_shape,
    as_size,
    as_sizes,
    combine,
    fitted,
    fitted_end,
    per_axis,
    require,
    require_rank,
    shape_of,
)
from batchlint.shapes.torch.spatial import window_count


def _product(*sizes: Dimension) -> Dimension:
    return product(sizes)


def _quotient(name: str, what: str, size: Size, by: Size) -> Size:
    """``size // by``, which torch wants to be without remainder."""
    if isinstance(size, int) and isinstance(by, int) and by > 0 and size % by:
        raise ShapeMismatch(f"{name} expects {what} divisible by {by}, got {size}", actual=size)
    return combine(floor_divide, size, by)


def _last_three(name: str, input: object, sizes: tuple[Size, Size, Size]) -> Shape:
    """*input* with other channels, height and width."""
    shape = as_shape(input)
    end = shape_of(sizes).leading
    if shape.exact:
        return Shape(shape.leading[:-3] + end)
    return Shape(shape.leading[: max(shape.least_rank - 3, 1 if shape.leading else 0)], end, exact=False)


def _image(name: str, input: object) -> tuple[Size, ...]:
    shape = as_shape(input)
    if not shape.exact:
        return fitted_end(shape, 3)
    if len(shape.leading) < 3:
        raise ShapeMismatch(f"{name} expects a tensor of at least 3 dimensions, got {shape}")
    return shape.leading[-3:]


def _to_space(name: str, input: object, factor: Size) -> Shape:
    channels, height, width = _image(name, input)
    channels = _quotient(name, "channels", channels, combine(_product, factor, factor))
    return _last_three(name, input, (channels, combine(_product, height, factor), combine(_product, width, factor)))


def _to_depth(name: str, input: object, factor: Size) -> Shape:
    channels, height, width = _image(name, input)
    height, width = (_quotient(name, "a height and width", size, factor) for size in (height, width))
    return _last_three(name, input, (combine(_product, channels, factor, factor), height, width))


@layer("torch.nn.PixelShuffle")
def pixel_shuffle_layer(input: Shape, /, upscale_factor: object) -> Shape:
    """``[..., C*r*r, H, W]`` to ``[..., C, H*r, W*r]``."""
    return _to_space("PixelShuffle", input, as_size(upscale_factor))


@shape_function("torch.nn.functional.pixel_shuffle", "torch.pixel_shuffle")
def pixel_shuffle(input: Shape, upscale_factor: object) -> Shape:
    """``[..., C*r*r, H, W]`` to ``[..., C, H*r, W*r]``."""
    return _to_space("pixel_shuffle", input, as_size(upscale_factor))


@layer("torch.nn.PixelUnshuffle")
def pixel_unshuffle_layer(input: Shape, /, downscale_factor: object) -> Shape:
    """``[..., C, H*r, W*r]`` to ``[..., C*r*r, H, W]``."""
    return _to_depth("PixelUnshuffle", input, as_size(downscale_factor))


@shape_function("torch.nn.functional.pixel_unshuffle", "torch.pixel_unshuffle")
def pixel_unshuffle(input: Shape, downscale_factor: object) -> Shape:
    """``[..., C, H*r, W*r]`` to ``[..., C*r*r, H, W]``."""
    return _to_depth("pixel_unshuffle", input, as_size(downscale_factor))


@layer("torch.nn.ChannelShuffle")
def channel_shuffle_layer(input: Shape, /, groups: object) -> Shape:
    """``[B, C, ...]`` stays."""
    return as_shape(input)


@shape_function(
    "torch.nn.functional.channel_shuffle",
    "torch.channel_shuffle",
    "torch.nn.functional.native_channel_shuffle",
    "torch.native_channel_shuffle",
)
def channel_shuffle(input: Shape, groups: object) -> Shape:
    """``[B, C, ...]`` stays."""
    return as_shape(input)


def _windows(name: str, sizes: tuple[Size, ...], settings: tuple[object, ...]) -> Size:
    kernel_size, dilation, padding, stride = (per_axis(setting, 2) for setting in settings)
    columns = zip(sizes, kernel_size, stride, padding, dilation)
    return combine(_product, *[window_count(name, *column) for column in columns])


def _unfold(name: str, input: object, kernel_size: object, dilation: object, padding: object, stride: object) -> Shape:
    sizes = fitted(name, as_shape(input), (3, 4))
    count = _windows(name, sizes[-2:], (kernel_size, dilation, padding, stride))
    return shape_of((*sizes[:-3], combine(_product, sizes[-3], *per_axis(kernel_size, 2)), count))


@layer("torch.nn.Unfold")
def unfold_layer(
    input: Shape, /, kernel_size: object, dilation: object = 1, padding: object = 0, stride: object = 1
) -> Shape:
    """``[B, C, H, W]`` to ``[B, C * elements of a patch, patches]``."""
    return _unfold("Unfold", input, kernel_size, dilation, padding, stride)


@shape_function("torch.nn.functional.unfold")
def unfold(input: Shape, kernel_size: object, dilation: object = 1, padding: object = 0, stride: object = 1) -> Shape:
    """``[B, C, H, W]`` to ``[B, C * elements of a patch, patches]``."""
    return _unfold("unfold", input, kernel_size, dilation, padding, stride)


def _fold(
    name: str,
    input: object,
    output_size: object,
    kernel_size: object,
    dilation: object,
    padding: object,
    stride: object,
) -> Shape:
    sizes = fitted(name, as_shape(input), (2, 3))
    output = per_axis(output_size, 2)
    require(name, "patches", _windows(name, output, (kernel_size, dilation, padding, stride)), sizes[-1])
    channels = _quotient(name, "channels", sizes[-2], combine(_product, *per_axis(kernel_size, 2)))
    return shape_of((*sizes[:-2], channels, *output))


@layer("torch.nn.Fold")
def fold_layer(
    input: Shape,
    /,
    output_size: object,
    kernel_size: object,
    dilation: object = 1,
    padding: object = 0,
    stride: object = 1,
) -> Shape:
    """``[B, C * elements of a patch, patches]`` to ``[B, C, *output_size]``."""
    return _fold("Fold", input, output_size, kernel_size, dilation, padding, stride)


@shape_function("torch.nn.functional.fold")
def fold(
    input: Shape,
    output_size: object,
    kernel_size: object,
    dilation: object = 1,
    padding: object = 0,
    stride: object = 1,
) -> Shape:
    """``[B, C * elements of a patch, patches]`` to ``[B, C, *output_size]``."""
    return _fold("fold", input, output_size, kernel_size, dilation, padding, stride)


@shape_function("torch.nn.functional.grid_sample")
def grid_sample(
    input: Shape,
    grid: object,
    mode: object = "bilinear",
    padding_mode: object = "zeros",
    align_corners: object = None,
) -> Shape:
    """``[B, C, H, W]`` at a grid ``[B, h, w, 2]`` to ``[B, C, h, w]``, or the like with three spatial axes."""
    image, places = as_shape(input), as_shape(grid)
    for shape in (image, places):
        require_rank("grid_sample", shape, (4, 5))
    rank = image.rank or places.rank
    if rank is None:
        return Shape(image.leading[:2], (), exact=False)
    sizes, where = fitted("grid_sample", image, (rank,)), fitted("grid_sample", places, (rank,))
    require("grid_sample", "grids", sizes[0], where[0])
    require("grid_sample", "coordinates for each place", rank - 2, where[-1])
    return shape_of((where[0] if sizes[0] is None else sizes[0], sizes[1], *where[1:-1]))


@shape_function("torch.nn.functional.affine_grid")
def affine_grid(theta: Shape, size: object, align_corners: object = None) -> Shape:
    """``[B, 2, 3]`` for an image ``[B, C, H, W]`` to ``[B, H, W, 2]``, or the like with three spatial axes."""
    sizes = as_sizes(size)
    batch, axes, _ = fitted("affine_grid", as_shape(theta), (3,))
    if sizes is None or len(sizes) not in (4, 5):
        return Shape(() if batch is None else (batch,), () if axes is None else (axes,), exact=False)
    require("affine_grid", "matrices", sizes[0], batch)
    return shape_of((batch if sizes[0] is None else sizes[0], *sizes[2:], len(sizes) - 2))
