"""Operations on images, ``[H, W, C]`` or ``[B, H, W, C]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, shape_with, sizes_of
from batchlint.shapes.torch.arguments import register_function
from batchlint.shapes.torch.operands import as_dimension

__all__: list[str] = []

Sizes = tuple[Dimension, Dimension, Dimension]

SAME = {
    "image": """
    adjust_brightness adjust_contrast adjust_gamma adjust_hue adjust_jpeg_quality adjust_saturation flip_left_right
    flip_up_down per_image_standardization random_brightness random_contrast random_flip_left_right random_flip_up_down
    random_hue random_jpeg_quality random_saturation stateless_random_brightness stateless_random_contrast
    stateless_random_flip_left_right stateless_random_flip_up_down stateless_random_hue stateless_random_saturation
    convert_image_dtype
    """,
    "images": "hsv_to_rgb rgb_to_hsv rgb_to_yiq rgb_to_yuv yiq_to_rgb yuv_to_rgb",
}
"""Operations that keep the shape, by the name of their first parameter."""


def _register_same(parameter: str, names: list[str]) -> None:
    def same(*arguments: Any, **keywords: Any) -> Shape:
        return as_tensor(arguments[0] if arguments else keywords.get(parameter, UNKNOWN))

    for name in names:
        register_function(f"tensorflow.image.{name}", same, (parameter,))


for _parameter, _operations in SAME.items():
    _register_same(_parameter, _operations.split())


def _of_images(name: str, tensor: Any, change: Callable[[Dimension, Dimension, Dimension], Sizes]) -> Shape:
    """*tensor* with its height, width and channels changed.

    Raises:
        ShapeMismatch: it is certain to have neither 3 nor 4 dimensions.
    """

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) not in (3, 4):
            raise ShapeMismatch(f"{name} expects a tensor of 3 or 4 dimensions, got {known}")
        return Shape((*known.leading[:-3], *change(*known.leading[-3:])))

    return over_ranks(at_known_rank, as_tensor(tensor))


def _with_size(name: str, images: Any, height: Any, width: Any) -> Shape:
    new = as_dimension(height), as_dimension(width)
    return _of_images(name, images, lambda _h, _w, channels: (*new, channels))


def _pair(size: Any) -> tuple[Any, Any]:
    sizes = sizes_of(size)
    return (sizes[0], sizes[1]) if sizes is not None and len(sizes) == 2 else (UNKNOWN, UNKNOWN)


@shape_function("tensorflow.image.resize")
def resize(
    images: Any, size: Any, method: Any = "bilinear", preserve_aspect_ratio: Any = False, *_: Any, **__: Any
) -> Shape:
    """*images* of the height and width *size*."""
    return _with_size("resize", images, *(_pair(size) if preserve_aspect_ratio is False else (UNKNOWN, UNKNOWN)))


@shape_function("tensorflow.image.resize_images")
def resize_images(images: Any, size: Any, *_: Any, preserve_aspect_ratio: Any = False, **__: Any) -> Shape:
    """*images* of the height and width *size*, which TensorFlow 0 took one by one."""
    plain = preserve_aspect_ratio is False and isinstance(size, (tuple, list))
    return _with_size("resize_images", images, *(_pair(size) if plain else (UNKNOWN, UNKNOWN)))


@shape_function(*(f"tensorflow.image.resize_{kind}" for kind in ("area", "bicubic", "bilinear", "nearest_neighbor")))
def resize_batch(images: Any, size: Any, *_: Any, **__: Any) -> Shape:
    """*images* of the height and width *size*."""
    return _with_size("resize", images, *_pair(size))


@shape_function(
    "tensorflow.image.resize_with_crop_or_pad",
    "tensorflow.image.resize_image_with_crop_or_pad",
    "tensorflow.image.resize_with_pad",
    "tensorflow.image.resize_image_with_pad",
)
def resize_with_pad(image: Any, target_height: Any, target_width: Any, *_: Any, **__: Any) -> Shape:
    """*image* of that height and width."""
    return _with_size("resize_with_pad", image, target_height, target_width)


@shape_function("keras.ops.resize")
def resize_keras(
    images: Any,
    size: Any,
    interpolation: Any = "bilinear",
    antialias: Any = False,
    crop_to_aspect_ratio: Any = False,
    pad_to_aspect_ratio: Any = False,
    *_: Any,
    data_format: Any = None,
    **__: Any,
) -> Shape:
    """*images* of the height and width *size*."""
    if data_format in (None, "channels_last"):
        return _with_size("resize", images, *_pair(size))
    return UNKNOWN_SHAPE


@shape_function("tensorflow.image.crop_to_bounding_box", "tensorflow.image.pad_to_bounding_box")
def bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any, *_: Any, **__: Any
) -> Shape:
    """*image* of that height and width."""
    return _with_size("bounding_box", image, target_height, target_width)


@shape_function("tensorflow.image.central_crop")
def central_crop(image: Any, central_fraction: Any) -> Shape:
    """*image* of a smaller height and width."""
    if central_fraction == 1.0:
        return as_tensor(image)
    return _of_images("central_crop", image, lambda _h, _w, channels: (unknown(), unknown(), channels))


@shape_function("tensorflow.image.rot90")
def rot90(image: Any, k: Any = 1, name: Any = None) -> Shape:
    """Height and width swapped for odd *k*."""
    if not isinstance(k, int):
        return _of_images("rot90", image, lambda _h, _w, channels: (unknown(), unknown(), channels))
    return _of_images("rot90", image, lambda h, w, channels: (w, h, channels) if k % 2 else (h, w, channels))


@shape_function("tensorflow.image.transpose", "tensorflow.image.transpose_image")
def transpose(image: Any, name: Any = None) -> Shape:
    """Height and width swapped."""
    return _of_images("transpose", image, lambda height, width, channels: (width, height, channels))


def _with_channels(tensor: Any, channels: int) -> Shape:
    shape = as_tensor(tensor)
    if shape.exact:
        return Shape((*shape.leading[:-1], channels)) if shape.leading else UNKNOWN_SHAPE
    return Shape(shape.leading[: shape.least_rank - 1], (channels,), exact=False)


@shape_function("tensorflow.image.rgb_to_grayscale")
def rgb_to_grayscale(images: Any, name: Any = None) -> Shape:
    """A last dimension of 1."""
    return _with_channels(images, 1)


@shape_function("tensorflow.image.grayscale_to_rgb")
def grayscale_to_rgb(images: Any, name: Any = None) -> Shape:
    """A last dimension of 3."""
    return _with_channels(images, 3)


@shape_function("tensorflow.image.random_crop", "tensorflow.random_crop")
def random_crop(value: Any, size: Any, *_: Any, **__: Any) -> Shape:
    """*size*."""
    return shape_with(size)


@shape_function("tensorflow.image.total_variation")
def total_variation(images: Any, name: Any = None) -> Shape:
    """A number for each image."""
    return over_ranks(_one_each, as_tensor(images))


def _one_each(shape: Shape) -> Shape:
    if len(shape.leading) not in (3, 4):
        raise ShapeMismatch(f"expected a tensor of 3 or 4 dimensions, got {shape}")
    return Shape(shape.leading[:-3])


@shape_function("tensorflow.image.psnr")
def signal_to_noise(a: Any, b: Any, max_val: Any, name: Any = None) -> Shape:
    """A number for each image."""
    return Shape(as_tensor(a).leading[:-3]) if as_tensor(a).exact else UNKNOWN_SHAPE


@shape_function("tensorflow.image.crop_and_resize")
def crop_and_resize(image: Any, boxes: Any, box_indices: Any, crop_size: Any, *_: Any, **__: Any) -> Shape:
    """A crop of *crop_size* for each of *boxes*."""
    height, width = _pair(crop_size)
    images, wanted = as_tensor(image), as_tensor(boxes)
    count = wanted.leading[0] if wanted.leading else unknown(minimum=0)
    channels = images.dimension(-1) if not images.exact or images.leading else None
    return Shape((count, as_dimension(height), as_dimension(width), unknown() if channels is None else channels))


DECODERS = tuple(f"tensorflow.{place}.decode_{kind}" for place in ("image", "io") for kind in ("bmp", "jpeg", "png"))


@shape_function(*DECODERS)
def decode(contents: Any, channels: Any = 0, *_: Any, **__: Any) -> Shape:
    """``[H, W, channels]``, of which the file says what is not asked for."""
    known = isinstance(channels, int) and channels > 0
    return Shape((unknown(), unknown(), channels if known else unknown()))


@shape_function("tensorflow.image.decode_image", "tensorflow.io.decode_image")
def decode_any(
    contents: Any, channels: Any = None, dtype: Any = None, name: Any = None, expand_animations: Any = True
) -> Shape:
    """``[H, W, channels]``, or a sequence of these unless *expand_animations* is off."""
    return decode(contents, channels) if expand_animations is False else UNKNOWN_SHAPE
