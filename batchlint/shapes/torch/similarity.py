"""Distances and similarities of vectors, one number for each pair."""

from __future__ import annotations

from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape
from batchlint.shapes.torch.arguments import as_flag, as_shape, as_size, resized, without
from batchlint.shapes.torch.broadcasting import broadcast


def _similarity(x1: object, x2: object, dim: object) -> Shape:
    axis, shape = as_size(dim), broadcast(as_shape(x1), as_shape(x2))
    if shape.rank == 0:
        return shape
    return without(shape, axis) if isinstance(axis, int) else UNKNOWN_SHAPE


def _distance(x1: object, x2: object, keepdim: object) -> Shape:
    shape, keep = broadcast(as_shape(x1), as_shape(x2)), as_flag(keepdim)
    return UNKNOWN_SHAPE if keep is None else resized(shape, -1, 1) if keep else without(shape, -1)


@layer("torch.nn.CosineSimilarity")
def cosine_layer(x1: Shape, x2: Shape, /, dim: object = 1, eps: object = 1e-8) -> Shape:
    """``[B, F]`` and ``[B, F]`` to ``[B]``."""
    return _similarity(x1, x2, dim)


@shape_function("torch.nn.functional.cosine_similarity", "torch.cosine_similarity")
def cosine(x1: Shape, x2: Shape, dim: object = 1, eps: object = 1e-8) -> Shape:
    """``[B, F]`` and ``[B, F]`` to ``[B]``."""
    return _similarity(x1, x2, dim)


@layer("torch.nn.PairwiseDistance")
def distance_layer(x1: Shape, x2: Shape, /, p: object = 2.0, eps: object = 1e-6, keepdim: object = False) -> Shape:
    """``[B, F]`` and ``[B, F]`` to ``[B]``."""
    return _distance(x1, x2, keepdim)


@shape_function("torch.nn.functional.pairwise_distance", "torch.pairwise_distance")
def distance(x1: Shape, x2: Shape, p: object = 2.0, eps: object = 1e-6, keepdim: object = False) -> Shape:
    """``[B, F]`` and ``[B, F]`` to ``[B]``."""
    return _distance(x1, x2, keepdim)
