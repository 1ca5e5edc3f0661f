"""All calls that the layers are tested with: importing a family's module enters its calls."""

from __future__ import annotations

from shapes.layers import dense_calls, image_calls, loss_calls, sequence_calls, window_calls
from shapes.layers.calls import CASES

__all__ = ["CASES", "dense_calls", "image_calls", "loss_calls", "sequence_calls", "window_calls"]
