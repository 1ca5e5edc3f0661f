"""Normalisations: they keep the shape."""

from __future__ import annotations

from typing import Any, Final

from batchlint.shapes.keras.arguments import REQUIRED, keras_layer
from batchlint.shapes.registry import UNKNOWN, ChainArgument, LayerArgument, ShapeResult
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import as_tuple

__all__ = ["BATCH_STATISTICS"]

_AFFINE: Final[dict[str, Any]] = {
    "beta_initializer": "zeros",
    "gamma_initializer": "ones",
    "beta_regularizer": None,
    "gamma_regularizer": None,
    "beta_constraint": None,
    "gamma_constraint": None,
}

BATCH_STATISTICS: Final = ("BatchNormalization", "experimental.SyncBatchNormalization")
"""Layers that normalise by the statistics of the batch while training."""


def _kept(layer: str, inputs: object, axis: object) -> ShapeResult:
    if not isinstance(inputs, Shape):
        return UNKNOWN
    axes = as_tuple(axis)
    for one in (axis,) if axes is None else axes:
        rank = len(inputs.leading)
        if inputs.exact and isinstance(one, int) and not -rank <= one < rank:
            raise ShapeMismatch(f"{layer} normalises along axis {one}, got {inputs}")
    return inputs


@keras_layer(
    *BATCH_STATISTICS,
    parameters={
        "axis": -1,
        "momentum": 0.99,
        "epsilon": 1e-3,
        "center": True,
        "scale": True,
        "beta_initializer": "zeros",
        "gamma_initializer": "ones",
        "moving_mean_initializer": "zeros",
        "moving_variance_initializer": "ones",
        "beta_regularizer": None,
        "gamma_regularizer": None,
        "beta_constraint": None,
        "gamma_constraint": None,
        "renorm": False,
        "renorm_clipping": None,
        "renorm_momentum": 0.99,
        "synchronized": False,
    },
)
def batch_normalisation(inputs: Shape, training: object = None, mask: object = None, /, *, axis: object) -> ShapeResult:
    """The shape stays."""
    return _kept("BatchNormalization", inputs, axis)


@keras_layer(
    "LayerNormalization",
    parameters={"axis": -1, "epsilon": 1e-3, "center": True, "scale": True, **_AFFINE},
)
def layer_normalisation(inputs: Shape, /, *, axis: object) -> ShapeResult:
    """The shape stays."""
    return _kept("LayerNormalization", inputs, axis)


@keras_layer(
    "GroupNormalization",
    parameters={"groups": 32, "axis": -1, "epsilon": 1e-3, "center": True, "scale": True, **_AFFINE},
)
def group_normalisation(inputs: Shape, /, *, groups: object, axis: object) -> ShapeResult:
    """The shape stays."""
    kept = _kept("GroupNormalization", inputs, axis)
    if isinstance(kept, Shape) and isinstance(axis, int) and isinstance(groups, int) and groups > 0:
        channels = kept.dimension(axis)
        if isinstance(channels, int) and channels % groups:
            raise ShapeMismatch(f"GroupNormalization: {channels} channels do not go into {groups} groups")
    return kept


@keras_layer("RMSNormalization", parameters={"axis": -1, "epsilon": 1e-6})
def root_mean_square_normalisation(x: Shape, /, *, axis: object) -> ShapeResult:
    """The shape stays."""
    kept = _kept("RMSNormalization", x, axis)
    if not isinstance(kept, Shape) or axis == -1 or (kept.exact and axis == len(kept.leading) - 1):
        return kept
    # The scale is one value for each element along the axis, and meets the last dimension.
    return UNKNOWN


@keras_layer("UnitNormalization", parameters={"axis": -1})
def unit_normalisation(inputs: Shape, /, *, axis: object) -> ShapeResult:
    """The shape stays."""
    return _kept("UnitNormalization", inputs, axis)


@keras_layer("SpectralNormalization", parameters={"layer": REQUIRED, "power_iterations": 1})
def spectral_normalisation(inputs: Shape, training: object = None, /, *, layer: object) -> ShapeResult:
    """What the layer whose weights are normalised makes of its input."""
    return layer.apply(inputs) if isinstance(layer, (LayerArgument, ChainArgument)) else UNKNOWN
