"""Interpolation to a size or by a factor."""

from __future__ import annotations

from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import as_shape, as_size, as_sizes, fitted, require_rank, shape_of
from batchlint.shapes.torch.spatial import scaled

_RANKS = {
    "linear": (3,),
    "bilinear": (4,),
    "bicubic": (4,),
    "trilinear": (5,),
    "nearest": (3, 4, 5),
    "nearest-exact": (3, 4, 5),
    "area": (3, 4, 5),
}
"""Mode to the ranks it is for."""


def _resize(name: str, input: object, size: object, scale_factor: object, mode: object) -> Shape:
    shape = as_shape(input)
    ranks = _RANKS.get(mode, (3, 4, 5)) if isinstance(mode, str) else (3, 4, 5)
    sizes = as_sizes(size)
    factors = tuple(scale_factor) if isinstance(scale_factor, (tuple, list)) else None
    for given in (sizes, factors):
        if given is not None and len(given) + 2 in ranks:
            ranks = (len(given) + 2,)
    require_rank(name, shape, ranks)
    if not shape.exact and len(ranks) > 1:
        one = as_size(size)
        return Shape(shape.leading[:2], () if one is None else (one,), exact=False)
    known = fitted(name, shape, ranks)
    axes = len(known) - 2
    if size is not None:
        wanted = sizes if sizes is not None else (as_size(size),) * axes
        return shape_of((*known[:2], *(wanted if len(wanted) == axes else (None,) * axes)))
    if factors is None:
        factors = (scale_factor,) * axes
    if len(factors) != axes:
        return shape_of((*known[:2], *(None,) * axes))
    return shape_of((*known[:2], *(scaled(size, factor) for size, factor in zip(known[2:], factors))))


@layer("torch.nn.Upsample")
def upsample_layer(
    input: Shape,
    /,
    size: object = None,
    scale_factor: object = None,
    mode: object = "nearest",
    align_corners: object = None,
    recompute_scale_factor: object = None,
) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("Upsample", input, size, scale_factor, mode)


@layer("torch.nn.UpsamplingNearest2d")
def upsample_nearest_layer(input: Shape, /, size: object = None, scale_factor: object = None) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("UpsamplingNearest2d", input, size, scale_factor, "nearest")


@layer("torch.nn.UpsamplingBilinear2d")
def upsample_bilinear_layer(input: Shape, /, size: object = None, scale_factor: object = None) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("UpsamplingBilinear2d", input, size, scale_factor, "bilinear")


@shape_function("torch.nn.functional.interpolate")
def interpolate(
    input: Shape,
    size: object = None,
    scale_factor: object = None,
    mode: object = "nearest",
    align_corners: object = None,
    recompute_scale_factor: object = None,
    antialias: object = False,
) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("interpolate", input, size, scale_factor, mode)


@shape_function("torch.nn.functional.upsample")
def upsample(
    input: Shape,
    size: object = None,
    scale_factor: object = None,
    mode: object = "nearest",
    align_corners: object = None,
) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("upsample", input, size, scale_factor, mode)


@shape_function("torch.nn.functional.upsample_nearest")
def upsample_nearest(input: Shape, size: object = None, scale_factor: object = None) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("upsample_nearest", input, size, scale_factor, "nearest")


@shape_function("torch.nn.functional.upsample_bilinear")
def upsample_bilinear(input: Shape, size: object = None, scale_factor: object = None) -> Shape:
    """``[B, C, H, W]`` to ``[B, C, *size]`` or ``[B, C, H*factor, W*factor]``, rounded down."""
    return _resize("upsample_bilinear", input, size, scale_factor, "bilinear")
