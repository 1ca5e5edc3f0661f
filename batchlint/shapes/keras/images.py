"""Layers that prepare and vary images."""

from __future__ import annotations

from typing import Any, Final

from batchlint.shapes.keras.arguments import REQUIRED, channels_last, keras_layer
from batchlint.shapes.keras.elementwise import register_keeping
from batchlint.shapes.registry import UNKNOWN, ChainArgument, LayerArgument, ShapeResult
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import Size, as_shape, as_size, fitted, shape_of

__all__ = ["VARIATIONS"]

_RANGE: Final[dict[str, Any]] = {"value_range": (0, 255)}
_FORMAT: Final[dict[str, Any]] = {"data_format": None}
_SEED: Final[dict[str, Any]] = {"seed": None}
_FACTOR: Final[dict[str, Any]] = {"factor": REQUIRED}
_WHOLE: Final[dict[str, Any]] = {"factor": 1.0}
_FILLED: Final[dict[str, Any]] = {"fill_mode": "reflect", "interpolation": "bilinear", **_SEED, "fill_value": 0.0}

VARIATIONS: Final[dict[str, dict[str, Any]]] = {
    "AugMix": {
        **_RANGE, "num_chains": 3, "chain_depth": 3, "factor": 0.3, "alpha": 1.0, "all_ops": True,
        "interpolation": "bilinear", **_SEED, **_FORMAT,
    },
    "AutoContrast": _RANGE,
    "ContrastLimitedAdaptiveHistogramEqualization": {
        **_RANGE, "clip_limit": 4.0, "tile_grid_size": (8, 8), **_FORMAT
    },
    "CutMix": {**_WHOLE, **_SEED, **_FORMAT},
    "Equalization": {**_RANGE, "bins": 256, **_FORMAT},
    "MixUp": {"alpha": 0.2, **_FORMAT, **_SEED},
    "RandAugment": {**_RANGE, "num_ops": 2, "factor": 0.5, "interpolation": "bilinear", **_SEED, **_FORMAT},
    "RandomBrightness": {**_FACTOR, **_RANGE, **_SEED},
    "RandomColorDegeneration": {**_FACTOR, **_RANGE, **_FORMAT, **_SEED},
    "RandomColorJitter": {
        **_RANGE, "brightness_factor": None, "contrast_factor": None, "saturation_factor": None, "hue_factor": None,
        **_SEED, **_FORMAT,
    },
    "RandomContrast": {**_FACTOR, **_RANGE, **_SEED},
    "RandomElasticTransform": {
        **_WHOLE, "scale": 1.0, "interpolation": "bilinear", "fill_mode": "reflect", "fill_value": 0.0, **_RANGE,
        **_SEED, **_FORMAT,
    },
    "RandomErasing": {**_WHOLE, "scale": (0.02, 0.33), "fill_value": None, **_RANGE, **_SEED, **_FORMAT},
    "RandomFlip": {"mode": "horizontal_and_vertical", **_SEED, **_FORMAT},
    "RandomGaussianBlur": {**_WHOLE, "kernel_size": 3, "sigma": 1.0, **_RANGE, **_FORMAT, **_SEED},
    "RandomGrayscale": {"factor": 0.5, **_FORMAT, **_SEED},
    "RandomHue": {**_FACTOR, **_RANGE, **_FORMAT, **_SEED},
    "RandomInvert": {**_WHOLE, **_RANGE, **_SEED, **_FORMAT},
    "RandomPerspective": {
        **_WHOLE, "scale": 1.0, "interpolation": "bilinear", "fill_value": 0.0, **_SEED, **_FORMAT
    },
    "RandomPosterization": {**_FACTOR, **_RANGE, **_FORMAT, **_SEED},
    "RandomRotation": {**_FACTOR, **_FILLED, **_FORMAT},
    "RandomSaturation": {**_FACTOR, **_RANGE, **_FORMAT, **_SEED},
    "RandomSharpness": {**_FACTOR, **_RANGE, **_FORMAT, **_SEED},
    "RandomShear": {
        "x_factor": 0.0, "y_factor": 0.0, "interpolation": "bilinear", "fill_mode": "reflect", "fill_value": 0.0,
        **_FORMAT, **_SEED,
    },
    "RandomTranslation": {"height_factor": REQUIRED, "width_factor": REQUIRED, **_FILLED, **_FORMAT},
    "RandomZoom": {"height_factor": REQUIRED, "width_factor": None, **_FILLED, **_FORMAT},
    "Solarization": {"addition_factor": 0.0, "threshold_factor": 0.0, **_RANGE, **_SEED},
}  # fmt: skip
"""Constructors of the layers that change images and not their sizes."""

_EXPERIMENTAL: Final = "experimental.preprocessing"
"""Where TensorFlow 2.3 to 2.8 kept these layers."""

_EARLY: Final = ("RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom")

for _name, _parameters in VARIATIONS.items():
    register_keeping(_name, _parameters, "data", "training")
for _name in _EARLY:
    register_keeping(f"{_EXPERIMENTAL}.{_name}", VARIATIONS[_name], "data", "training")
for _name in ("Rescaling", f"{_EXPERIMENTAL}.Rescaling"):
    register_keeping(_name, {"scale": REQUIRED, "offset": 0.0}, "inputs")


def _resized(name: str, input: object, height: Size, width: Size, data_format: object) -> ShapeResult:
    """An image or a batch of images, of which only height and width change.

    Raises:
        ShapeMismatch: it is neither.
    """
    if not isinstance(input, Shape):
        return UNKNOWN
    sizes = fitted(name, as_shape(input), (3, 4))
    last = channels_last(data_format)
    front = sizes[: len(sizes) - 3]
    if last is None:
        return shape_of((*front, None, None, None))
    image = (height, width, sizes[-1]) if last else (sizes[-3], height, width)
    return shape_of((*front, *image))


@keras_layer(
    "Resizing",
    f"{_EXPERIMENTAL}.Resizing",
    parameters={
        "height": REQUIRED,
        "width": REQUIRED,
        "interpolation": "bilinear",
        "crop_to_aspect_ratio": False,
        "pad_to_aspect_ratio": False,
        "fill_mode": "constant",
        "fill_value": 0.0,
        "antialias": False,
        "data_format": None,
    },
)
def resizing(
    data: Shape, training: object = None, /, *, height: object, width: object, data_format: object
) -> ShapeResult:
    """``[B, H, W, C]`` to ``[B, height, width, C]``."""
    return _resized("Resizing", data, as_size(height), as_size(width), data_format)


@keras_layer(
    "CenterCrop",
    f"{_EXPERIMENTAL}.CenterCrop",
    parameters={"height": REQUIRED, "width": REQUIRED, "data_format": None},
)
def center_crop(
    data: Shape, training: object = None, /, *, height: object, width: object, data_format: object
) -> ShapeResult:
    """``[B, H, W, C]`` to ``[B, height, width, C]``."""
    return _resized("CenterCrop", data, as_size(height), as_size(width), data_format)


@keras_layer(
    "RandomCrop",
    f"{_EXPERIMENTAL}.RandomCrop",
    parameters={"height": REQUIRED, "width": REQUIRED, "seed": None, "data_format": None, "name": None},
)
def random_crop(
    data: Shape, training: object = None, /, *, height: object, width: object, data_format: object
) -> ShapeResult:
    """``[B, H, W, C]`` to ``[B, height, width, C]`` in training; else Keras 3 leaves the images as they are."""
    if training is not True:
        height = width = None
    return _resized("RandomCrop", data, as_size(height), as_size(width), data_format)


@keras_layer(
    "RandomHeight",
    "RandomWidth",
    f"{_EXPERIMENTAL}.RandomHeight",
    f"{_EXPERIMENTAL}.RandomWidth",
    parameters={"factor": REQUIRED, "interpolation": "bilinear", "seed": None},
)
def random_size(data: Shape, training: object = None, /) -> ShapeResult:
    """``[B, H, W, C]`` with a height or width that changes from call to call (TensorFlow 2's own Keras)."""
    return _resized("RandomHeight", data, None, None, None)


@keras_layer("Pipeline", parameters={"layers": REQUIRED, "name": None})
def pipeline(inputs: Shape, training: object = None, mask: object = None, /, *, layers: object) -> ShapeResult:
    """What the layers make of the images, one after another."""
    known = (LayerArgument, ChainArgument)
    if not isinstance(inputs, Shape) or not isinstance(layers, (tuple, list)):
        return UNKNOWN
    if not all(isinstance(one, known) for one in layers):
        return UNKNOWN
    return ChainArgument(tuple(layers)).apply(inputs)


@keras_layer("MaxNumBoundingBoxes", parameters={"max_number": REQUIRED, "fill_value": -1})
def bounding_boxes(data: object, training: object = None, /) -> ShapeResult:
    """A dictionary of images and boxes, which is no tensor."""
    return UNKNOWN
