"""Layers that only arrange the dimensions anew."""

from __future__ import annotations

from batchlint.shapes.registry import layer
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import as_shape
from batchlint.shapes.torch.operands import as_sizes
from batchlint.shapes.torch.reshaping import flatten, unflatten


@layer("torch.nn.Flatten")
def flatten_layer(input: Shape, /, start_dim: object = 1, end_dim: object = -1) -> Shape:
    """``[B, C, H, W]`` to ``[B, C*H*W]``."""
    return flatten(as_shape(input), start_dim, end_dim)


@layer("torch.nn.Unflatten")
def unflatten_layer(input: Shape, /, dim: object, unflattened_size: object) -> Shape:
    """``[B, C*H*W]`` to ``[B, C, H, W]`` for ``Unflatten(1, (C, H, W))``."""
    return unflatten(as_shape(input), dim, as_sizes((unflattened_size,)))
