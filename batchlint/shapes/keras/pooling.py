"""Poolings: over windows, over everything, and to a given size."""

from __future__ import annotations

from batchlint.shapes.dimension import Dimension
from batchlint.shapes.keras.arguments import REQUIRED, Images, expects_images, keras_layer, lowered, read_images
from batchlint.shapes.keras.convolution import OLD_KEYWORDS, is_old_call
from batchlint.shapes.registry import UNKNOWN
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_flag, combine, per_axis, shape_of

__all__ = ["pool"]


def _count(size: Dimension, window: Dimension, stride: Dimension) -> Dimension:
    return (size - window) // stride + 1


def pool(layer: str, images: Images, pool_size: object, strides: object, padding: object) -> Shape:
    """What pooling over windows makes of *images*.

    Raises:
        ShapeMismatch: a window is larger than the image by more than a stride.
    """
    axes = len(images.spatial)
    windows = per_axis(pool_size, axes)
    steps = windows if strides is None else per_axis(strides, axes)
    word = lowered(padding)
    spatial: list[Size] = []
    for size, window, step in zip(images.spatial, windows, steps):
        count = None
        if word == "same":
            count = combine(lambda n, s: (n - 1) // s + 1, size, step)
        elif word == "valid":
            count = combine(_count, size, window, step)
        if isinstance(count, int) and count < 0:
            raise ShapeMismatch(f"{layer}: a window of {window} does not fit into {size}", window, size)
        spatial.append(count)
    return images._replace(spatial=tuple(spatial)).shape()


def _register(name: str, short: str, axes: int) -> None:
    size = 2 if axes == 1 else (2,) * axes
    parameters = {
        "pool_size": size if name.startswith("Max") else REQUIRED,
        "strides": None,
        "padding": "valid",
        "data_format": None,
        "name": None,
        **OLD_KEYWORDS,
    }

    @keras_layer(name, short, parameters=parameters, expects=expects_images(axes))
    def pooling(
        inputs: Shape,
        /,
        *,
        pool_size: object,
        strides: object,
        padding: object,
        data_format: object,
        border_mode: object,
        subsample: object,
        dim_ordering: object,
    ) -> Shape:
        if is_old_call(border_mode, subsample, dim_ordering):
            return read_images(name, inputs, axes, UNKNOWN).shape()
        return pool(name, read_images(name, inputs, axes, data_format), pool_size, strides, padding)


def _register_global(name: str, short: str, axes: int, inputs: int) -> None:
    parameters = {"data_format": None, "keepdims": False}

    def pooled(input: object, data_format: object, keepdims: object) -> Shape:
        images = read_images(name, input, axes, data_format)
        keep = as_flag(keepdims)
        if keep is None:
            return Shape(shape_of((images.batch,)).leading, (), exact=False)
        if keep:
            return images._replace(spatial=(1,) * axes).shape()
        return shape_of((images.batch, images.channels))

    if inputs == 1:

        @keras_layer(name, short, parameters=parameters, expects=expects_images(axes))
        def over_everything(inputs: Shape, /, *, data_format: object, keepdims: object) -> Shape:
            return pooled(inputs, data_format, keepdims)

    else:

        @keras_layer(name, short, parameters=parameters, expects=expects_images(axes))
        def over_time(inputs: Shape, mask: object = None, /, *, data_format: object, keepdims: object) -> Shape:
            return pooled(inputs, data_format, keepdims)


def _register_adaptive(name: str, axes: int) -> None:
    @keras_layer(name, parameters={"output_size": REQUIRED, "data_format": None}, expects=expects_images(axes))
    def adaptive(inputs: Shape, /, *, output_size: object, data_format: object) -> Shape:
        images = read_images(name, inputs, axes, data_format)
        return images._replace(spatial=per_axis(output_size, axes)).shape()


for _axes in (1, 2, 3):
    for _kind, _word in (("Max", "Max"), ("Average", "Avg")):
        _register(f"{_kind}Pooling{_axes}D", f"{_word}Pool{_axes}D", _axes)
        _register_adaptive(f"Adaptive{_kind}Pooling{_axes}D", _axes)
        _inputs = 2 if (_kind, _axes) == ("Average", 1) else 1
        _register_global(f"Global{_kind}Pooling{_axes}D", f"Global{_word}Pool{_axes}D", _axes, _inputs)
