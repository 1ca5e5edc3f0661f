"""What layers are for, as far as rules ask: sets of canonical names, of layers and of their functional forms."""

from __future__ import annotations

from batchlint.shapes.torch import activation, dropout
from batchlint.shapes.torch.losses import LOSSES, Comparison

__all__ = [
    "ADAPTIVE_POOLINGS",
    "BATCH_NORMALISATIONS",
    "CONVOLUTIONS",
    "ELEMENTWISE",
    "LOSSES",
    "POOLINGS",
    "RECURRENT",
    "Comparison",
]


def _forms(layers: str, functions: str = "", axes: str = "123") -> frozenset[str]:
    """The names of layers and functions for each number of axes, given with ``#`` in its place."""
    names = [f"torch.nn.{name}" for name in layers.split()]
    names += [f"torch.nn.functional.{name}" for name in functions.split()]
    return frozenset(name.replace("#", axis) for name in names for axis in axes)


CONVOLUTIONS = _forms("Conv#d ConvTranspose#d LazyConv#d LazyConvTranspose#d", "conv#d conv_transpose#d") | frozenset(
    f"torch.conv{kind}{axes}d" for kind in ("", "_transpose") for axes in (1, 2, 3)
)
"""Convolutions and transposed convolutions."""

POOLINGS = (
    _forms("MaxPool#d AvgPool#d LPPool#d", "max_pool#d avg_pool#d lp_pool#d max_pool#d_with_indices")
    | _forms("FractionalMaxPool#d", "fractional_max_pool#d fractional_max_pool#d_with_indices", "23")
    | {"torch.avg_pool1d", "torch.max_pool1d", "torch.max_pool2d", "torch.max_pool3d", "torch.max_pool1d_with_indices"}
)
"""Poolings whose output grows with the input."""

ADAPTIVE_POOLINGS = _forms(
    "AdaptiveAvgPool#d AdaptiveMaxPool#d",
    "adaptive_avg_pool#d adaptive_max_pool#d adaptive_max_pool#d_with_indices",
) | {"torch.adaptive_avg_pool1d", "torch.adaptive_max_pool1d"}
"""Poolings to a size that does not depend on the input's."""

BATCH_NORMALISATIONS = _forms("BatchNorm#d LazyBatchNorm#d SyncBatchNorm", "batch_norm")
"""Normalisations by the statistics of the batch."""

RECURRENT = _forms("RNN GRU LSTM", axes="1")
"""Layers over whole sequences; their cells are not among them."""

ELEMENTWISE = (
    activation.ELEMENTWISE
    | dropout.DROPOUTS
    | {f"{owner}.{name}" for owner in ("torch", "torch.Tensor") for name in ("relu", "sigmoid", "tanh", "softmax")}
    | {f"torch.nn.functional.{name}" for name in ("softmax", "log_softmax", "softmin")}
)
"""Activations, dropout and the identity: every element for itself (softmax: along an axis), the shape stays."""
