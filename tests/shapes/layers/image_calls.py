"""Resizing, padding, patches, grids, and layers that only arrange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shapes.layers.calls import (
    axes_of,
    cases,
    flags,
    functions,
    given,
    image,
    layers,
    nearly,
    one_or_each,
    sizes,
    small,
)
from shapes.layers.truth import Case, Tensor

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


@cases(*layers("Upsample"), *functions("interpolate", "upsample"))
def resized(draw: DrawFn, name: str) -> Case:
    axes = draw(st.integers(1, 3))
    modes = {1: ("nearest", "linear", "area"), 2: ("nearest", "bilinear", "bicubic"), 3: ("nearest", "trilinear")}
    settings: dict[str, Any] = given(draw, {"mode": st.sampled_from(modes[axes])})
    return Case((Tensor(sizes(draw, axes + 2, axes + 2)),), {**settings, **resizing(draw, axes)})


def resizing(draw: DrawFn, axes: int) -> dict[str, Any]:
    if draw(flags):
        return {"size": draw(one_or_each(small, axes))}
    factors = small | st.sampled_from((0.5, 1.5, 2.0, 0.75, 1.3, 0.7))
    return {"scale_factor": draw(factors | st.tuples(*[factors] * axes))}


@cases(*layers("UpsamplingNearest2d", "UpsamplingBilinear2d"), *functions("upsample_nearest", "upsample_bilinear"))
def resized_image(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw, 4, 4)),), resizing(draw, 2))


@cases(*layers("PixelShuffle"), *functions("pixel_shuffle"), "torch.pixel_shuffle")
def shuffled_pixels(draw: DrawFn, name: str) -> Case:
    factor = draw(st.integers(1, 3))
    input = Tensor((*sizes(draw, 0, 2), nearly(draw, factor * factor * draw(small)), *sizes(draw, 2, 2)))
    return Case((input,), {"upscale_factor": factor}, len(input.sizes) > 3)


@cases(*layers("PixelUnshuffle"), *functions("pixel_unshuffle"), "torch.pixel_unshuffle")
def unshuffled_pixels(draw: DrawFn, name: str) -> Case:
    factor = draw(st.integers(1, 3))
    input = Tensor((*sizes(draw, 1, 3), nearly(draw, factor * draw(small)), factor * draw(small)))
    return Case((input,), {"downscale_factor": factor}, len(input.sizes) > 3)


@cases(
    *layers("ChannelShuffle"),
    *functions("channel_shuffle", "native_channel_shuffle"),
    "torch.channel_shuffle",
    "torch.native_channel_shuffle",
)
def shuffled_channels(draw: DrawFn, name: str) -> Case:
    groups = draw(st.integers(1, 3))
    return Case((Tensor((draw(small), nearly(draw, groups * draw(small)), *sizes(draw, 1, 2))),), {"groups": groups})


@cases(*layers(*(f"{kind}Pad{axes}d" for kind in ("Zero", "Constant") for axes in (1, 2, 3))))
def constant_padding(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    input = Tensor(sizes(draw, max(axes - 1, 1), 5))
    settings = {"padding": draw(one_or_each(st.integers(-1, 3), 2 * axes))}
    return Case((input,), settings | ({"value": 0.0} if "Constant" in name else {}), len(input.sizes) > axes)


@cases(*layers(*(f"{kind}Pad{axes}d" for kind in ("Reflection", "Replication", "Circular") for axes in (1, 2, 3))))
def mirrored_padding(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    input, batched = image(draw, axes, least=2, most=6 if axes < 3 else 4)
    return Case((input,), {"padding": draw(one_or_each(st.integers(0, 3), 2 * axes))}, batched)


@cases(*layers("Unfold"), *functions("unfold"))
def patches(draw: DrawFn, name: str) -> Case:
    input, batched = image(draw, 2)
    return Case((input,), {"kernel_size": draw(one_or_each(st.integers(1, 3), 2)), **patch_settings(draw)}, batched)


def patch_settings(draw: DrawFn) -> dict[str, Any]:
    return given(
        draw,
        {
            "stride": one_or_each(small, 2),
            "padding": one_or_each(st.integers(0, 2), 2),
            "dilation": one_or_each(st.integers(1, 2), 2),
        },
    )


@cases(*layers("Fold"), *functions("fold"))
def folded_patches(draw: DrawFn, name: str) -> Case:
    output, kernel = sizes(draw, 2, 2), tuple(draw(st.integers(1, 2)) for _ in range(2))
    stride, padding = draw(st.integers(1, 2)), draw(st.integers(0, 1))
    count = 1
    for size, width in zip(output, kernel, strict=True):
        count *= max((size + 2 * padding - width) // stride + 1, 0)
    channels = nearly(draw, kernel[0] * kernel[1] * draw(small))
    front = sizes(draw, 0, 1)
    settings = {"output_size": output, "kernel_size": kernel, "stride": stride, "padding": padding}
    return Case((Tensor((*front, channels, nearly(draw, count))),), settings, bool(front))


@cases(*functions("grid_sample"))
def sampled(draw: DrawFn, name: str) -> Case:
    axes, batch = draw(st.integers(2, 3)), draw(small)
    grid = Tensor((nearly(draw, batch), *sizes(draw, axes, axes), nearly(draw, axes)))
    return Case((Tensor((batch, *sizes(draw, axes + 1, axes + 1))), grid))


@cases(*functions("affine_grid"))
def affine(draw: DrawFn, name: str) -> Case:
    axes, batch = draw(st.integers(2, 3)), draw(small)
    return Case((Tensor((nearly(draw, batch), axes, axes + 1)), (batch, *sizes(draw, axes + 1, axes + 1))))


@cases(*layers("Flatten"))
def flattened(draw: DrawFn, name: str) -> Case:
    settings = given(draw, {"start_dim": st.integers(-3, 3), "end_dim": st.integers(-3, 3)})
    return Case((Tensor(sizes(draw)),), settings)


@cases(*layers("Unflatten"))
def unflattened(draw: DrawFn, name: str) -> Case:
    parts = sizes(draw, 1, 3)
    whole = 1
    for part in parts:
        whole *= part
    front = sizes(draw, 0, 2)
    return Case((Tensor((*front, whole, 3)),), {"dim": len(front), "unflattened_size": parts})


@cases(*layers("CosineSimilarity"), *functions("cosine_similarity"), "torch.cosine_similarity")
def cosine(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 0, 4)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(two)), given(draw, {"dim": st.integers(-2, 2)}), len(one) > 2)


@cases(*layers("PairwiseDistance"), *functions("pairwise_distance"), "torch.pairwise_distance")
def distance(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 4)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(two)), given(draw, {"keepdim": flags}))
