"""Dropout: the shape stays."""

from __future__ import annotations

from batchlint.shapes.torch.activation import same_shape
from batchlint.shapes.torch.arguments import register_function, register_layer

_LAYERS = ("AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout")
_FUNCTIONS = ("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")

for _name in _LAYERS:
    register_layer(f"torch.nn.{_name}", same_shape, ("input",), {"p": 0.5, "inplace": False})
for _name in _FUNCTIONS:
    register_function(f"torch.nn.functional.{_name}", same_shape, ("input", "p", "training", "inplace"))

DROPOUTS = frozenset(
    [f"torch.nn.{name}" for name in _LAYERS]
    + [f"torch.nn.functional.{name}" for name in _FUNCTIONS]
    + ["torch.alpha_dropout", "torch.dropout", "torch.feature_dropout"]
)
"""Canonical names of every form of dropout."""
