"""Layers that arrange, repeat, pad, crop and enlarge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchlint.shapes.dimension import Dimension, product, unknown
from batchlint.shapes.keras.arguments import REQUIRED, expects_images, keras_layer, read_images
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import (
    Size,
    as_shape,
    as_size,
    as_sizes,
    as_tuple,
    combine,
    fitted,
    per_axis,
    shape_of,
)
from batchlint.shapes.torch.reshaping import reshape

__all__ = ["batch_of", "flatten"]


def batch_of(shape: Shape) -> Dimension:
    """The first dimension, an `unknown` one where nothing is known of it."""
    return shape.leading[0] if shape.leading else unknown()


def flatten(layer: str, input: object) -> Shape:
    """``[B, ...]`` to ``[B, F]``; a vector becomes a column.

    Raises:
        ShapeMismatch: it is a number.
    """
    shape = as_shape(input)
    if not shape.exact:
        return Shape((batch_of(shape), unknown()))
    if not shape.leading:
        raise ShapeMismatch(f"{layer} expects a tensor of at least 1 dimension, got {shape}")
    return Shape((shape.leading[0], product(shape.leading[1:])))


@keras_layer("Flatten", parameters={"data_format": None})
def flatten_layer(inputs: Shape, /) -> Shape:
    """``[B, H, W, C]`` to ``[B, H*W*C]``."""
    return flatten("Flatten", inputs)


@keras_layer("Reshape", parameters={"target_shape": REQUIRED})
def reshape_layer(inputs: Shape, /, *, target_shape: object) -> Shape:
    """``[B, ...]`` to ``[B, *target_shape]``."""
    shape = as_shape(inputs)
    target = as_tuple(target_shape)
    if target is None:
        return Shape(shape.leading[:1], (), exact=False)
    if not shape.exact:
        known = [unknown() if size is None or size == -1 else size for size in as_sizes(target) or ()]
        return Shape((batch_of(shape), *known))
    if not shape.leading:
        raise ShapeMismatch(f"Reshape expects a batch, got {shape}")
    return Shape((shape.leading[0], *reshape(Shape(shape.leading[1:]), target).leading))


def _expects_as_many(parameters: Mapping[str, Any]) -> Shape | None:
    dims = as_tuple(parameters.get("dims"))
    return None if dims is None else Shape((unknown("B"), *(unknown() for _ in dims)))


@keras_layer("Permute", parameters={"dims": REQUIRED}, expects=_expects_as_many)
def permute(inputs: Shape, /, *, dims: object) -> Shape:
    """The dimensions after the batch in the order of *dims*, which count from 1."""
    shape = as_shape(inputs)
    order = as_sizes(dims)
    if order is None:
        return Shape(shape.leading[:1], (), exact=False)
    sizes = fitted("Permute", shape, (len(order) + 1,))
    places = [place if isinstance(place, int) and 0 < place < len(sizes) else None for place in order]
    return shape_of((sizes[0], *(None if place is None else sizes[place] for place in places)))


@keras_layer("RepeatVector", parameters={"n": REQUIRED}, expects=lambda _: Shape((unknown("B"), unknown("F"))))
def repeat_vector(inputs: Shape, /, *, n: object) -> Shape:
    """``[B, F]`` to ``[B, n, F]``."""
    batch, features = fitted("RepeatVector", as_shape(inputs), (2,))
    return shape_of((batch, as_size(n), features))


def _pairs(value: object, axes: int) -> tuple[tuple[Size, Size], ...]:
    """What to add or to take away before and after, along each of *axes* axes."""
    elements = as_tuple(value)
    if axes == 1:
        before, after = per_axis(value, 2)
        return ((before, after),)
    if elements is None or len(elements) != axes:
        size = as_size(value)
        return ((size, size),) * axes
    pairs = [per_axis(element, 2) for element in elements]
    return tuple([(before, after) for before, after in pairs])


def _padded(layer: str, size: Size, before: Size, after: Size) -> Size:
    return combine(lambda n, a, b: n + a + b, size, before, after)


def _cropped(layer: str, size: Size, before: Size, after: Size) -> Size:
    left = combine(lambda n, a, b: n - a - b, size, before, after)
    if isinstance(left, int) and left <= 0:
        raise ShapeMismatch(f"{layer} takes {before} and {after} of {size}", actual=size)
    return left


def _register_edges(
    name: str, parameter: str, default: object, axes: int, change: Callable[[str, Size, Size, Size], Size]
) -> None:
    parameters = {parameter: default, "data_format": None}
    if parameter == "cropping" and axes == 1:
        del parameters["data_format"]

    def edged(inputs: object, amounts: object, data_format: object) -> Shape:
        images = read_images(name, inputs, axes, data_format)
        pairs = _pairs(amounts, axes)
        spatial = tuple([change(name, size, *pair) for size, pair in zip(images.spatial, pairs)])
        return images._replace(spatial=spatial).shape()

    expects = expects_images(axes)
    if parameter == "padding":

        @keras_layer(name, parameters=parameters, expects=expects)
        def pad(inputs: Shape, /, *, padding: object, data_format: object) -> Shape:
            return edged(inputs, padding, data_format)

    elif axes == 1:

        @keras_layer(name, parameters=parameters, expects=expects)
        def crop_sequence(inputs: Shape, /, *, cropping: object) -> Shape:
            return edged(inputs, cropping, None)

    else:

        @keras_layer(name, parameters=parameters, expects=expects)
        def crop(inputs: Shape, /, *, cropping: object, data_format: object) -> Shape:
            return edged(inputs, cropping, data_format)


for _axes, _padding, _cropping in (
    (1, 1, (1, 1)),
    (2, (1, 1), ((0, 0), (0, 0))),
    (3, ((1, 1),) * 3, ((1, 1),) * 3),
):
    _register_edges(f"ZeroPadding{_axes}D", "padding", _padding, _axes, _padded)
    _register_edges(f"Cropping{_axes}D", "cropping", _cropping, _axes, _cropped)


def _enlarged(name: str, inputs: object, size: object, axes: int, data_format: object) -> Shape:
    images = read_images(name, inputs, axes, data_format)
    spatial = [combine(lambda n, f: n * f, n, f) for n, f in zip(images.spatial, per_axis(size, axes))]
    return images._replace(spatial=tuple(spatial)).shape()


@keras_layer("UpSampling1D", parameters={"size": 2}, expects=expects_images(1))
def enlarge_sequence(inputs: Shape, /, *, size: object) -> Shape:
    """``[B, T, F]`` to ``[B, T*size, F]``."""
    return _enlarged("UpSampling1D", inputs, size, 1, None)


@keras_layer(
    "UpSampling2D",
    parameters={"size": (2, 2), "data_format": None, "interpolation": "nearest"},
    expects=expects_images(2),
)
def enlarge_image(inputs: Shape, /, *, size: object, data_format: object) -> Shape:
    """``[B, H, W, C]`` to ``[B, H*size[0], W*size[1], C]``."""
    return _enlarged("UpSampling2D", inputs, size, 2, data_format)


@keras_layer("UpSampling3D", parameters={"size": (2, 2, 2), "data_format": None}, expects=expects_images(3))
def enlarge_volume(inputs: Shape, /, *, size: object, data_format: object) -> Shape:
    """Each of three axes made longer by its own factor."""
    return _enlarged("UpSampling3D", inputs, size, 3, data_format)
