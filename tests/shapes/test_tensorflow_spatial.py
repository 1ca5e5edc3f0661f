"""Convolutions, poolings and images of TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Size, Tensor, differential_tests

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.tensorflow import images


def batch(d: Draw, axes: int, channels: int) -> Tensor:
    wrong = channels + (d.integer(0, 9) == 0)
    return Tensor((d.integer(1, 3), *(d.integer(3, 9) for _ in range(axes)), wrong))


def window(d: Draw, axes: int) -> tuple[int, ...]:
    return tuple(d.integer(1, 3) for _ in range(axes))


def padding(d: Draw) -> object:
    return d.one_of("SAME", "VALID")


def convolution(axes: int) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        inner, stride = d.integer(1, 3), d.integer(1, 2)
        strides: object = stride if axes == 1 or (axes == 2 and d.chance()) else (1, *(stride,) * axes, 1)
        arguments = (batch(d, axes, inner), Tensor((*window(d, axes), inner, d.integer(1, 4))), strides, padding(d))
        return Case(arguments, {"dilations": 2} if axes == 2 and stride == 1 and d.chance() else {})

    return case


def depthwise(d: Draw) -> Case:
    inner, stride = d.integer(1, 3), d.integer(1, 2)
    tensor = batch(d, 2, inner)
    return Case((tensor, Tensor((*window(d, 2), inner, d.integer(1, 3))), (1, stride, stride, 1), padding(d)))


def separable(d: Draw) -> Case:
    inner, times, stride = d.integer(1, 3), d.integer(1, 2), d.integer(1, 2)
    mixing = Tensor((1, 1, inner * times, d.integer(1, 4)))
    window_ = Tensor((*window(d, 2), inner, times))
    return Case((batch(d, 2, inner), window_, mixing, (1, stride, stride, 1), padding(d)))


def atrous(d: Draw) -> Case:
    inner = d.integer(1, 3)
    return Case((batch(d, 2, inner), Tensor((*window(d, 2), inner, 2)), 2, padding(d)))


def keras_convolution(axes: int | None, outer: int = 4) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        count = d.integer(1, 2) if axes is None else axes
        inner = d.integer(1, 3)
        kernel = Tensor((*window(d, count), inner, d.integer(1, outer)))
        return Case((batch(d, count, inner), kernel, d.integer(1, 2), d.one_of("same", "valid")))

    return case


def transposed(axes: int) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        inner, outer, rows, size = d.integer(1, 3), d.integer(1, 3), d.integer(1, 3), d.integer(2, 4)
        result = (Size(rows + (d.integer(0, 9) == 0)), *(Size(2 * size),) * axes, Size(outer))
        tensor = Tensor((rows, *(size,) * axes, inner))
        strides: object = 2 if axes == 1 else (1, *(2,) * axes, 1)
        return Case((tensor, Tensor((*(2,) * axes, outer, inner)), result, strides), {"padding": "SAME"})

    return case


def transposed_backend(d: Draw) -> Case:
    rows, size = d.integer(1, 3), d.integer(2, 4)
    result = (Size(rows), Size(2 * size), Size(2 * size), Size(2))
    return Case((Tensor((rows, size, size, 3)), Tensor((2, 2, 2, 3)), result), {"strides": (2, 2), "padding": "same"})


def pooling(axes: int | None) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        count = d.integer(1, 3) if axes is None else axes
        return Case((batch(d, count, 2), d.integer(1, 3), d.integer(1, 2), padding(d)))

    return case


def pooling_by_dimension(d: Draw) -> Case:
    return Case((batch(d, 2, 2), (1, *window(d, 2), 1), (1, 2, 2, 1), padding(d)))


def keras_pooling(d: Draw) -> Case:
    count = d.integer(1, 3)
    return Case((batch(d, count, 2), window(d, count), d.one_of(None, 1, 2), d.one_of("same", "valid")))


def backend_pooling(axes: int) -> Callable[[Draw], Case]:
    return lambda d: Case(
        (batch(d, axes, 2), window(d, axes)), {"strides": (2,) * axes, "padding": d.one_of("same", "valid")}
    )


def space_to_depth(d: Draw) -> Case:
    return Case((Tensor((d.integer(1, 3), 2 * d.integer(1, 3), 2 * d.integer(1, 3), d.integer(1, 3))), 2))


def depth_to_space(d: Draw) -> Case:
    return Case((Tensor((d.integer(1, 3), d.integer(1, 3), d.integer(1, 3), 4 * d.integer(1, 2))), 2))


def transposed_padding(d: Draw) -> Case:
    return Case((batch(d, 2, 2),), {"padding": ((d.integer(0, 2), 1), (1, d.integer(0, 2)))})


SPATIAL_GROUPS = [
    *(Group((f"tensorflow.nn.conv{axes}d",), convolution(axes), examples=60) for axes in (1, 2, 3)),
    Group(("tensorflow.nn.depthwise_conv2d",), depthwise),
    Group(("tensorflow.nn.separable_conv2d",), separable),
    Group(("tensorflow.nn.max_pool_with_argmax",), lambda d: Case((batch(d, 2, 2), d.integer(1, 3), 2, padding(d)))),
    Group(("tensorflow.nn.atrous_conv2d",), atrous, open=True),
    *(Group((f"keras.backend.conv{axes}d",), keras_convolution(axes)) for axes in (1, 2, 3)),
    Group(("keras.ops.conv",), keras_convolution(None)),
    Group(("keras.ops.depthwise_conv",), keras_convolution(None, 2)),
    *(Group((f"tensorflow.nn.conv{axes}d_transpose",), transposed(axes)) for axes in (1, 2, 3)),
    Group(("keras.backend.conv2d_transpose",), transposed_backend),
    Group(("tensorflow.nn.max_pool", "tensorflow.nn.max_pool_v2", "tensorflow.nn.avg_pool"), pooling(None)),
    Group(("tensorflow.nn.max_pool", "tensorflow.nn.avg_pool"), pooling_by_dimension),
    *(Group((f"tensorflow.nn.max_pool{axes}d", f"tensorflow.nn.avg_pool{axes}d"), pooling(axes)) for axes in (1, 2, 3)),
    Group(("keras.ops.max_pool", "keras.ops.average_pool"), keras_pooling),
    Group(("keras.backend.pool2d",), backend_pooling(2)),
    Group(("keras.backend.pool3d",), backend_pooling(3)),
    Group(("keras.backend.temporal_padding",), lambda d: Case((batch(d, 1, 2), (d.integer(0, 2), 1)))),
    Group(("keras.backend.spatial_2d_padding",), transposed_padding),
    Group(("keras.backend.resize_images",), lambda d: Case((batch(d, 2, 2), 2, d.integer(1, 3), "channels_last"))),
    Group(("tensorflow.nn.space_to_depth", "tensorflow.space_to_depth"), space_to_depth),
    Group(("tensorflow.nn.depth_to_space", "tensorflow.depth_to_space"), depth_to_space),
]

test_spatial_operations_agree, test_every_spatial_operation_is_tested = differential_tests(
    "tensorflow.spatial", SPATIAL_GROUPS
)


def image(d: Draw, channels: int = 3) -> Tensor:
    return Tensor((*d.sizes(0, 1), d.integer(4, 9), d.integer(4, 9), channels))


def alone(d: Draw) -> Case:
    return Case((image(d),))


def new_size(d: Draw) -> tuple[Size, Size]:
    return Size(d.integer(1, 9)), Size(d.integer(1, 9))


def resized(d: Draw) -> Case:
    return Case((image(d), new_size(d)))


def resized_batch(d: Draw) -> Case:
    return Case((Tensor((d.integer(1, 3), 5, 6, 3)), new_size(d)))


def one_by_one(d: Draw) -> Case:
    return Case((image(d), *new_size(d)))


def cropped(d: Draw) -> Case:
    return Case((image(d), 1, 1, Size(d.integer(1, 3)), Size(d.integer(1, 3))))


def padded(d: Draw) -> Case:
    return Case((image(d), 1, 1, Size(d.integer(10, 12)), Size(d.integer(10, 12))))


def crops(d: Draw) -> Case:
    count = d.integer(1, 3)
    return Case((Tensor((2, 5, 5, 3)), Tensor((count, 4)), Tensor((count,), "int32", below=1), (4, 5)))


EXTRA: dict[str, tuple[object, ...]] = {
    "adjust_brightness": (0.1,),
    "adjust_contrast": (0.5,),
    "adjust_hue": (0.1,),
    "adjust_jpeg_quality": (75,),
    "adjust_saturation": (0.5,),
    "random_brightness": (0.1,),
    "random_contrast": (0.1, 0.5),
    "random_hue": (0.1,),
    "random_jpeg_quality": (70, 90),
    "random_saturation": (0.1, 0.5),
    "stateless_random_brightness": (0.1, (1, 2)),
    "stateless_random_contrast": (0.1, 0.5, (1, 2)),
    "stateless_random_flip_left_right": ((1, 2),),
    "stateless_random_flip_up_down": ((1, 2),),
    "stateless_random_hue": (0.1, (1, 2)),
    "stateless_random_saturation": (0.1, 0.5, (1, 2)),
    "convert_image_dtype": ("float32",),
}


def single(name: str) -> Callable[[Draw], Case]:
    """A case for an operation that takes one image, some of them no batch."""
    return lambda d: Case((Tensor((d.integer(4, 9), 5, 3)), *EXTRA.get(name, ())))


def decoded(d: Draw) -> Case:
    return Case((Tensor((d.integer(1, 9), 5, 3)),), {"channels": d.one_of(0, 1, 3)})


def decoded_still(d: Draw) -> Case:
    return Case((Tensor((d.integer(1, 9), 5, 3)),), {"expand_animations": d.chance()})


def named(*names: str) -> tuple[str, ...]:
    return tuple(f"tensorflow.image.{name}" for name in names)


IMAGE_GROUPS = [
    *(Group(named(name), single(name), examples=12) for names in images.SAME.values() for name in names.split()),
    Group((*named("resize", "resize_images"), "keras.ops.resize"), resized),
    Group(
        named("resize_area", "resize_bicubic", "resize_bilinear", "resize_nearest_neighbor"), resized_batch, examples=20
    ),
    Group(
        named("resize_with_crop_or_pad", "resize_image_with_crop_or_pad", "resize_with_pad", "resize_image_with_pad"),
        one_by_one,
        examples=20,
    ),
    Group(named("crop_to_bounding_box"), cropped),
    Group(named("pad_to_bounding_box"), padded),
    Group(named("central_crop"), lambda d: Case((image(d), d.one_of(0.5, 1.0))), open=True),
    Group(named("rot90"), lambda d: Case((image(d), d.integer(0, 3)))),
    Group(named("transpose", "transpose_image"), alone),
    Group(named("rgb_to_grayscale"), alone),
    Group(named("grayscale_to_rgb"), lambda d: Case((image(d, 1),))),
    Group(
        (*named("random_crop"), "tensorflow.random_crop"),
        lambda d: Case((Tensor((5, 6, 3)), (Size(d.integer(1, 5)), Size(4), Size(3)))),
    ),
    Group(named("total_variation"), alone),
    Group(named("psnr"), lambda d: Case((*(image(d),) * 2, 1.0))),
    Group(named("crop_and_resize"), crops),
    Group(images.DECODERS, decoded, open=True),
    Group(("tensorflow.image.decode_image", "tensorflow.io.decode_image"), decoded_still, open=True),
]

test_images_agree, test_every_operation_on_images_is_tested = differential_tests("tensorflow.images", IMAGE_GROUPS)

B = Symbol("B", Role.BATCH).dimension()
H = Symbol("H").dimension()


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("tensorflow.nn.conv2d", (Shape((B, 32, 32, 3)), Shape((3, 3, 3, 16)), 2, "SAME"), Shape((B, 16, 16, 16))),
        (
            "tensorflow.nn.conv2d",
            (Shape((B, 3, 32, 32)), Shape((3, 3, 3, 16)), (1, 1, 2, 2), "VALID", "NCHW"),
            Shape((B, 16, 15, 15)),
        ),
        ("tensorflow.nn.max_pool", (Shape((B, 2 * H, 8, 3)), (1, 2, 2, 1), (1, 2, 2, 1), "SAME"), Shape((B, H, 4, 3))),
        ("tensorflow.image.resize", (Shape((B, H, H, 3)), (224, 224)), Shape((B, 224, 224, 3))),
    ],
)
def test_symbols(name: str, arguments: tuple[object, ...], result: Shape) -> None:
    assert FUNCTIONS[name].apply(arguments, {}) == result


def test_refused() -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS["tensorflow.nn.conv2d"].function(Shape((B, 32, 32, 3)), Shape((3, 3, 4, 16)), 1, "SAME")
    with pytest.raises(ShapeMismatch):
        FUNCTIONS["tensorflow.nn.max_pool2d"].function(Shape((B, 32, 3)), 2, 2, "SAME")
