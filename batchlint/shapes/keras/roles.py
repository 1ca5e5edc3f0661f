"""What Keras's layers are for, as far as rules ask: sets of canonical names, of layers and their functional forms."""

from __future__ import annotations

from batchlint.shapes.keras import elementwise, images, legacy, merging, normalisation, recurrent
from batchlint.shapes.registry import FUNCTIONS, LAYERS

__all__ = [
    "BATCH_NORMALISATIONS",
    "CONVOLUTIONS",
    "ELEMENTWISE",
    "FLATTENING",
    "GLOBAL_POOLINGS",
    "MERGING",
    "NORMALISATIONS",
    "POOLINGS",
    "RECURRENT",
    "RECURRENT_CELLS",
    "SPATIAL",
    "STATEFUL",
    "WRAPPERS",
]

_KEPT_BEFORE_KERAS = ("tensorflow.layers", *legacy.CONTRIB)


def _layers(names: str, axes: str = "") -> frozenset[str]:
    """The names of Keras's layers, for each number of axes where they hold a ``#``."""
    found = [f"keras.layers.{name}" for name in names.split()]
    return frozenset(name.replace("#", axis) for name in found for axis in axes or " ")


def _before_keras(names: str) -> frozenset[str]:
    """Those of TensorFlow 1's names, layers and functions, that the tables hold."""
    full = {f"{package}.{name}" for package in _KEPT_BEFORE_KERAS for name in names.split()}
    return frozenset(full & {*LAYERS, *FUNCTIONS})


CONVOLUTIONS = (
    _layers("Conv#D Convolution#D Conv#DTranspose Convolution#DTranspose", "123")
    | _layers("SeparableConv#D SeparableConvolution#D DepthwiseConv#D", "12")
    | _before_keras("Conv1D Conv2D Conv3D SeparableConv1D SeparableConv2D Conv2DTranspose Conv3DTranspose")
    | _before_keras("conv1d conv2d conv3d convolution1d convolution2d convolution3d separable_conv1d separable_conv2d")
    | _before_keras("separable_convolution2d conv2d_transpose conv3d_transpose convolution2d_transpose")
    | _before_keras("convolution3d_transpose")
)
"""Convolutions and transposed convolutions."""

POOLINGS = (
    _layers("MaxPooling#D MaxPool#D AveragePooling#D AvgPool#D", "123")
    | _before_keras("MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D")
    | _before_keras("max_pooling1d max_pooling2d max_pooling3d average_pooling1d average_pooling2d average_pooling3d")
    | _before_keras("max_pool2d max_pool3d avg_pool2d avg_pool3d")
)
"""Poolings whose output grows with the input."""

GLOBAL_POOLINGS = _layers("GlobalMaxPooling#D GlobalMaxPool#D GlobalAveragePooling#D GlobalAvgPool#D", "123")
"""Poolings over everything."""

SPATIAL = (
    CONVOLUTIONS
    | POOLINGS
    | _layers("ZeroPadding#D Cropping#D UpSampling#D", "123")
    | _layers("AdaptiveMaxPooling#D AdaptiveAveragePooling#D", "123")
)
"""Layers that slide, pool, pad, crop or enlarge along spatial axes and keep these."""

FLATTENING = _layers("Flatten") | _before_keras("Flatten flatten")
"""Layers that make all dimensions after the batch one."""

BATCH_NORMALISATIONS = _layers(" ".join(normalisation.BATCH_STATISTICS)) | _before_keras(
    "BatchNormalization batch_normalization batch_norm"
)
"""Normalisations by the statistics of the batch."""

NORMALISATIONS = (
    BATCH_NORMALISATIONS
    | _layers("LayerNormalization GroupNormalization RMSNormalization UnitNormalization")
    | _before_keras("layer_norm instance_norm group_norm unit_norm")
)
"""All normalisations that keep the shape."""

RECURRENT = _layers(" ".join(("RNN", *recurrent.WHOLE_SEQUENCES, *recurrent.CONVOLUTIONAL)))
"""Layers that run a cell over whole sequences; ``Bidirectional`` is among `WRAPPERS`."""

RECURRENT_CELLS = _layers(" ".join((*recurrent.CELLS, "StackedRNNCells")))
"""One step of a recurrent layer."""

WRAPPERS = _layers("Bidirectional TimeDistributed SpectralNormalization")
"""Layers around a layer that their constructor takes."""

STATEFUL = RECURRENT | _layers("Bidirectional")
"""Layers that take ``stateful``, or hold one that does: told so, they keep a state for each row of the batch."""

MERGING = _layers(" ".join((*merging.ELEMENTWISE_MERGES, "Concatenate", "Dot"))) | frozenset(
    f"keras.layers.{name.lower()}" for name in (*merging.ELEMENTWISE_MERGES, "Concatenate", "Dot")
)
"""Layers and functions that take several tensors with a batch of one size."""

ELEMENTWISE = (
    _layers(" ".join((*elementwise.ACTIVATIONS, *elementwise.DROPOUTS, *elementwise.NOISES, *images.VARIATIONS)))
    - _layers("MixUp CutMix")
    | _layers("Softmax ActivityRegularization Identity Masking Rescaling")
    | _before_keras("Dropout dropout softmax bias_add")
)
"""Layers that keep the shape and the order of the rows: activations, dropout, noise, changes to single images."""
