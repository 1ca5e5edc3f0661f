"""Normalisations: the shape stays, the channels or the last dimensions must be the ones the layer was built for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import (
    Size,
    as_shape,
    as_size,
    as_sizes,
    fitted,
    require,
    require_rank,
    shape_of,
)
from batchlint.shapes.torch.spatial import image_batch

_ANY_RANK = tuple(range(2, 65))
"""Every rank that torch knows, from a batch of features on."""


def _over_channels(name: str, input: object, ranks: tuple[int, ...], channels: Size) -> Shape:
    """The input, with *channels* in dimension 1; ``None`` where the layer takes any number of them."""
    shape = as_shape(input)
    require_rank(name, shape, ranks)
    if not shape.exact:
        if len(shape.leading) == 1 and channels is not None:
            shape = Shape((shape.leading[0], channels), shape.trailing, exact=False)
        if len(ranks) == 1:
            shape = shape_of(fitted(name, shape, ranks))
    if len(shape.leading) > 1:
        require(name, "channels", channels, shape.leading[1])
    return shape


def _demanded(channels: object, *uses: object) -> Size:
    """The number of channels where something of that size is certain to be applied, ``None`` otherwise."""
    return as_size(channels) if any(use is True for use in uses) else None


def _last_sizes(name: str, input: object, normalized_shape: object) -> Shape:
    shape = as_shape(input)
    one = as_size(normalized_shape)
    sizes = as_sizes(normalized_shape) if one is None else (one,)
    if not sizes:
        return shape
    if shape.exact and len(shape.leading) < len(sizes):
        raise ShapeMismatch(f"{name} expects a tensor of at least {len(sizes)} dimensions, got {shape}")
    for index, size in enumerate(sizes, -len(sizes)):
        require(name, f"features in dimension {index}", size, shape.dimension(index))
    if shape.exact or len(shape.trailing) >= len(sizes):
        return shape
    return Shape(shape.leading, shape_of(sizes).leading, exact=False)


def _expects(axes: int) -> Callable[[Mapping[str, Any]], Shape]:
    return lambda parameters: image_batch(as_size(parameters.get("num_features")), axes)


def _expects_last(parameters: Mapping[str, Any]) -> Shape | None:
    given = parameters["normalized_shape"]
    one = as_size(given)
    sizes = as_sizes(given) if one is None else (one,)
    return Shape((), shape_of(sizes).leading, exact=False) if sizes else None


_BATCH_RANKS = {1: (2, 3), 2: (4,), 3: (5,)}
"""Number of spatial axes to the ranks that a batch normalisation takes."""


def _register(axes: int) -> None:
    expects = _expects(axes) if axes > 1 else None

    @layer(f"torch.nn.BatchNorm{axes}d", expects=expects)
    def batch_layer(
        input: Shape,
        /,
        num_features: object,
        eps: object = 1e-05,
        momentum: object = 0.1,
        affine: object = True,
        track_running_stats: object = True,
        bias: object = True,
    ) -> Shape:
        channels = _demanded(num_features, affine, track_running_stats)
        return _over_channels(f"BatchNorm{axes}d", input, _BATCH_RANKS[axes], channels)

    @layer(f"torch.nn.LazyBatchNorm{axes}d", expects=expects)
    def lazy_batch_layer(
        input: Shape,
        /,
        eps: object = 1e-05,
        momentum: object = 0.1,
        affine: object = True,
        track_running_stats: object = True,
        bias: object = True,
    ) -> Shape:
        return _over_channels(f"LazyBatchNorm{axes}d", input, _BATCH_RANKS[axes], None)

    def instances(name: str, input: object, channels: Size) -> Shape:
        sizes = fitted(name, as_shape(input), (axes + 1, axes + 2))
        require(name, "channels", channels, sizes[-axes - 1])
        return shape_of(sizes)

    @layer(f"torch.nn.InstanceNorm{axes}d", expects=_expects(axes))
    def instance_layer(
        input: Shape,
        /,
        num_features: object,
        eps: object = 1e-05,
        momentum: object = 0.1,
        affine: object = False,
        track_running_stats: object = False,
        bias: object = True,
    ) -> Shape:
        return instances(f"InstanceNorm{axes}d", input, _demanded(num_features, affine, track_running_stats))

    @layer(f"torch.nn.LazyInstanceNorm{axes}d", expects=_expects(axes))
    def lazy_instance_layer(
        input: Shape,
        /,
        eps: object = 1e-05,
        momentum: object = 0.1,
        affine: object = True,
        track_running_stats: object = True,
        bias: object = True,
    ) -> Shape:
        return instances(f"LazyInstanceNorm{axes}d", input, None)


for _axes in (1, 2, 3):
    _register(_axes)


@layer("torch.nn.SyncBatchNorm")
def synchronised_layer(
    input: Shape,
    /,
    num_features: object,
    eps: object = 1e-05,
    momentum: object = 0.1,
    affine: object = True,
    track_running_stats: object = True,
    process_group: object = None,
    bias: object = True,
) -> Shape:
    """``[B, num_features, ...]`` stays."""
    return _over_channels("SyncBatchNorm", input, _ANY_RANK, _demanded(num_features, affine, track_running_stats))


@layer("torch.nn.GroupNorm")
def group_layer(
    input: Shape,
    /,
    num_groups: object,
    num_channels: object,
    eps: object = 1e-05,
    affine: object = True,
    bias: object = True,
) -> Shape:
    """``[B, num_channels, ...]`` stays."""
    return _over_channels("GroupNorm", input, _ANY_RANK, _demanded(num_channels, affine))


@layer("torch.nn.LayerNorm", expects=_expects_last)
def layer_layer(
    input: Shape,
    /,
    normalized_shape: object,
    eps: object = 1e-05,
    elementwise_affine: object = True,
    bias: object = True,
) -> Shape:
    """``[..., *normalized_shape]`` stays."""
    return _last_sizes("LayerNorm", input, normalized_shape)


@layer("torch.nn.RMSNorm", expects=_expects_last)
def root_mean_square_layer(
    x: Shape, /, normalized_shape: object, eps: object = None, elementwise_affine: object = True
) -> Shape:
    """``[..., *normalized_shape]`` stays."""
    return _last_sizes("RMSNorm", x, normalized_shape)


@layer("torch.nn.LocalResponseNorm")
def local_response_layer(
    input: Shape, /, size: object, alpha: object = 0.0001, beta: object = 0.75, k: object = 1.0
) -> Shape:
    """``[B, C, ...]`` stays."""
    return as_shape(input)


@layer("torch.nn.CrossMapLRN2d")
def cross_map_layer(input: Shape, /, size: object, alpha: object = 0.0001, beta: object = 0.75, k: object = 1) -> Shape:
    """``[B, C, H, W]`` stays."""
    return shape_of(fitted("CrossMapLRN2d", as_shape(input), (4,)))


def _channels_of(*vectors: object) -> Size:
    """The length of the first of *vectors* whose shape is known."""
    for vector in vectors:
        if isinstance(vector, Shape) and vector.rank == 1:
            return vector.leading[0]
    return None


@shape_function("torch.nn.functional.batch_norm")
def batch(
    input: Shape,
    running_mean: object = None,
    running_var: object = None,
    weight: object = None,
    bias: object = None,
    training: object = False,
    momentum: object = 0.1,
    eps: object = 1e-05,
) -> Shape:
    """``[B, C, ...]`` stays; the vectors are of length C."""
    return _over_channels("batch_norm", input, _ANY_RANK, _channels_of(running_mean, running_var, weight, bias))


@shape_function("torch.nn.functional.instance_norm")
def instance(
    input: Shape,
    running_mean: object = None,
    running_var: object = None,
    weight: object = None,
    bias: object = None,
    use_input_stats: object = True,
    momentum: object = 0.1,
    eps: object = 1e-05,
) -> Shape:
    """``[B, C, ...]`` stays; the vectors are of length C."""
    return _over_channels("instance_norm", input, _ANY_RANK, _channels_of(running_mean, running_var, weight, bias))


@shape_function("torch.nn.functional.group_norm", "torch.group_norm")
def group(input: Shape, num_groups: object, weight: object = None, bias: object = None, eps: object = 1e-05) -> Shape:
    """``[B, C, ...]`` stays; the vectors are of length C."""
    return _over_channels("group_norm", input, _ANY_RANK, _channels_of(weight, bias))


@shape_function("torch.nn.functional.layer_norm", "torch.layer_norm")
def layer_norm(
    input: Shape, normalized_shape: object, weight: object = None, bias: object = None, eps: object = 1e-05
) -> Shape:
    """``[..., *normalized_shape]`` stays."""
    return _last_sizes("layer_norm", input, normalized_shape)


@shape_function("torch.nn.functional.rms_norm", "torch.rms_norm")
def root_mean_square(input: Shape, normalized_shape: object, weight: object = None, eps: object = None) -> Shape:
    """``[..., *normalized_shape]`` stays."""
    return _last_sizes("rms_norm", input, normalized_shape)


@shape_function("torch.nn.functional.local_response_norm")
def local_response(input: Shape, size: object, alpha: object = 0.0001, beta: object = 0.75, k: object = 1.0) -> Shape:
    """``[B, C, ...]`` stays."""
    return as_shape(input)
