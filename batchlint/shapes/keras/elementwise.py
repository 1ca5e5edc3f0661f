"""Layers that keep the shape: activations, dropout, noise, masking."""

from __future__ import annotations

from typing import Any, Final

from batchlint.shapes.keras.arguments import REQUIRED, keras_layer
from batchlint.shapes.registry import UNKNOWN, ShapeResult
from batchlint.shapes.shape import Shape

__all__ = ["ACTIVATIONS", "DROPOUTS", "NOISES", "register_keeping"]

_RATE: Final[dict[str, Any]] = {"rate": REQUIRED, "noise_shape": None, "seed": None}

ACTIVATIONS: Final[dict[str, dict[str, Any]]] = {
    "Activation": {"activation": REQUIRED},
    "ELU": {"alpha": 1.0},
    "LeakyReLU": {"negative_slope": 0.3},
    "PReLU": {
        "alpha_initializer": "Zeros", "alpha_regularizer": None, "alpha_constraint": None, "shared_axes": None
    },
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "ThresholdedReLU": {"theta": 1.0},
}  # fmt: skip
"""Constructors of the activations, save softmax, which also takes a mask."""

DROPOUTS: Final[dict[str, dict[str, Any]]] = {
    "AlphaDropout": _RATE,
    "Dropout": _RATE,
    "GaussianDropout": {"rate": REQUIRED, "seed": None},
    "SpatialDropout1D": {"rate": REQUIRED, "seed": None, "name": None, "dtype": None},
    "SpatialDropout2D": {"rate": REQUIRED, "data_format": None, "seed": None, "name": None, "dtype": None},
    "SpatialDropout3D": {"rate": REQUIRED, "data_format": None, "seed": None, "name": None, "dtype": None},
}
"""Constructors of the layers that drop elements."""

NOISES: Final[dict[str, dict[str, Any]]] = {"GaussianNoise": {"stddev": REQUIRED, "seed": None}}
"""Constructors of the layers that add noise."""

_OTHERS: Final[dict[str, dict[str, Any]]] = {
    "ActivityRegularization": {"l1": 0.0, "l2": 0.0},
    "Identity": {},
    "Masking": {"mask_value": 0.0},
}


def register_keeping(name: str, parameters: dict[str, Any], *inputs: str) -> None:
    """Enter a layer whose result has the shape of its first input; *inputs* names what ``call`` takes."""
    if inputs == ("inputs",):

        @keras_layer(name, parameters=parameters)
        def keep(inputs: Shape, /) -> ShapeResult:
            return inputs if isinstance(inputs, Shape) else UNKNOWN

    elif inputs == ("inputs", "mask"):

        @keras_layer(name, parameters=parameters)
        def keep_where(inputs: Shape, mask: object = None, /) -> ShapeResult:
            return inputs if isinstance(inputs, Shape) else UNKNOWN

    elif inputs == ("data", "training"):

        @keras_layer(name, parameters=parameters)
        def keep_data(data: Shape, training: object = None, /) -> ShapeResult:
            return data if isinstance(data, Shape) else UNKNOWN

    else:

        @keras_layer(name, parameters=parameters)
        def keep_in_training(inputs: Shape, training: object = None, /) -> ShapeResult:
            return inputs if isinstance(inputs, Shape) else UNKNOWN


for _name, _parameters in {**ACTIVATIONS, **_OTHERS}.items():
    register_keeping(_name, _parameters, "inputs")
for _name, _parameters in {**DROPOUTS, **NOISES}.items():
    register_keeping(_name, _parameters, "inputs", "training")
register_keeping("Softmax", {"axis": -1}, "inputs", "mask")
