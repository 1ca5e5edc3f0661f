"""Convolutions and poolings."""

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
    small,
)
from shapes.layers.truth import Case, Tensor

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy


def convolution_settings(draw: DrawFn, axes: int) -> dict[str, Any]:
    settings = given(draw, {"stride": one_or_each(small, axes), "dilation": one_or_each(st.integers(1, 3), axes)})
    padding = draw(st.sampled_from(("none", "number", "same", "valid")))
    if padding == "number":
        settings["padding"] = draw(one_or_each(st.integers(0, 3), axes))
    elif padding != "none":
        settings["padding"] = padding
        if padding == "same":
            settings["stride"] = 1
    return settings


@cases(*layers(*(f"{lazy}Conv{axes}d" for axes in (1, 2, 3) for lazy in ("", "Lazy"))))
def convolution(draw: DrawFn, name: str) -> Case:
    axes, groups = axes_of(name), draw(st.integers(1, 2))
    channels = draw(st.integers(1, 2)) * groups
    settings = {
        "out_channels": draw(st.integers(1, 2)) * groups,
        "kernel_size": draw(one_or_each(st.integers(1, 4), axes)),
        "groups": groups,
        **convolution_settings(draw, axes),
    }
    if "Lazy" not in name:
        settings["in_channels"] = channels
    if draw(st.integers(0, 5)) == 0:
        settings["padding_mode"] = draw(st.sampled_from(("reflect", "replicate", "circular")))
    input, batched = image(draw, axes, nearly(draw, channels), most=9 if axes < 3 else 6)
    return Case((input,), settings, batched)


@cases(*functions("conv1d", "conv2d", "conv3d"), "torch.conv1d", "torch.conv2d", "torch.conv3d")
def convolution_function(draw: DrawFn, name: str) -> Case:
    axes, groups = axes_of(name), draw(st.integers(1, 2))
    channels = draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    weight = Tensor((draw(st.integers(1, 2)) * groups, channels, *kernel))
    input, batched = image(draw, axes, nearly(draw, channels * groups), most=9 if axes < 3 else 6)
    return Case((input, weight), {"groups": groups, **convolution_settings(draw, axes)}, batched)


def transposed_settings(draw: DrawFn, axes: int) -> dict[str, Any]:
    return given(
        draw,
        {
            "stride": one_or_each(small, axes),
            "padding": one_or_each(st.integers(0, 2), axes),
            "output_padding": one_or_each(st.integers(0, 2), axes),
            "dilation": one_or_each(st.integers(1, 3), axes),
        },
    )


@cases(*layers(*(f"{lazy}ConvTranspose{axes}d" for axes in (1, 2, 3) for lazy in ("", "Lazy"))))
def transposed(draw: DrawFn, name: str) -> Case:
    axes, groups = axes_of(name), draw(st.integers(1, 2))
    channels = draw(st.integers(1, 2)) * groups
    settings = {
        "out_channels": draw(st.integers(1, 2)) * groups,
        "kernel_size": draw(one_or_each(st.integers(1, 4), axes)),
        "groups": groups,
        **transposed_settings(draw, axes),
    }
    if "Lazy" not in name:
        settings["in_channels"] = channels
    input, batched = image(draw, axes, nearly(draw, channels), most=5)
    if draw(st.integers(0, 3)) == 0 and "output_padding" not in settings:
        wanted = tuple(draw(st.integers(1, 16)) for _ in range(axes))
        return Case((input, wanted), settings, batched)
    return Case((input,), settings, batched)


@cases(
    *functions("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    *(f"torch.conv_transpose{axes}d" for axes in (1, 2, 3)),
)
def transposed_function(draw: DrawFn, name: str) -> Case:
    axes, groups = axes_of(name), draw(st.integers(1, 2))
    channels = draw(st.integers(1, 2)) * groups
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    weight = Tensor((channels, draw(st.integers(1, 2)), *kernel))
    input, batched = image(draw, axes, nearly(draw, channels), most=5)
    return Case((input, weight), {"groups": groups, **transposed_settings(draw, axes)}, batched)


@cases("torch.conv_tbc")
def convolution_time_first(draw: DrawFn, name: str) -> Case:
    channels, out = draw(small), draw(small)
    input = Tensor((draw(st.integers(1, 8)), draw(small), nearly(draw, channels)))
    return Case((input, Tensor((draw(small), channels, out)), Tensor((out,))), given(draw, {"pad": st.integers(0, 3)}))


def window_settings(draw: DrawFn, axes: int, name: str) -> dict[str, Any]:
    optional: dict[str, SearchStrategy[Any]] = {
        "stride": st.none() | one_or_each(st.integers(1, 5), axes),
        "ceil_mode": flags,
    }
    if "lp" not in name.lower():
        optional["padding"] = one_or_each(st.integers(0, 2), axes)
    if "max" in name.lower():
        optional["dilation"] = one_or_each(st.integers(1, 3), axes)
        if (".functional.max" in name and "with" not in name) or ".Max" in name:
            optional["return_indices"] = flags
    settings = given(draw, optional)
    if "lp" in name.lower():
        settings["norm_type"] = 2
    return {"kernel_size": draw(one_or_each(st.integers(1, 5), axes)), **settings}


@cases(
    *layers(*(f"{kind}Pool{axes}d" for kind in ("Max", "Avg", "LP") for axes in (1, 2, 3))),
    *functions(*(f"{kind}_pool{axes}d" for kind in ("max", "avg", "lp") for axes in (1, 2, 3))),
    *functions(*(f"max_pool{axes}d_with_indices" for axes in (1, 2, 3))),
    *(f"torch.max_pool{axes}d" for axes in (1, 2, 3)),
    "torch.avg_pool1d",
    "torch.max_pool1d_with_indices",
)
def pooling(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    input, batched = image(draw, axes, most=12 if axes < 3 else 7)
    return Case((input,), window_settings(draw, axes, name), batched)


@cases(
    *layers(*(f"Adaptive{kind}Pool{axes}d" for kind in ("Max", "Avg") for axes in (1, 2, 3))),
    *functions(*(f"adaptive_{kind}_pool{axes}d" for kind in ("max", "avg") for axes in (1, 2, 3))),
    *functions(*(f"adaptive_max_pool{axes}d_with_indices" for axes in (1, 2, 3))),
    "torch.adaptive_avg_pool1d",
    "torch.adaptive_max_pool1d",
)
def adaptive_pooling(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    input, batched = image(draw, axes, most=7)
    entry = small | st.none() if axes > 1 else small
    settings: dict[str, Any] = {"output_size": draw(small | st.tuples(*[entry] * axes))}
    if "max" in name.lower() and "with" not in name and name != "torch.adaptive_max_pool1d":
        settings |= given(draw, {"return_indices": flags})
    return Case((input,), settings, batched)


@cases(
    *layers("FractionalMaxPool2d", "FractionalMaxPool3d"),
    *functions(*(f"fractional_max_pool{axes}d{rest}" for axes in (2, 3) for rest in ("", "_with_indices"))),
)
def fractional_pooling(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    input, batched = image(draw, axes, least=5, most=12 if axes < 3 else 7)
    settings: dict[str, Any] = {"kernel_size": draw(one_or_each(st.integers(1, 3), axes))}
    if draw(flags):
        settings["output_size"] = draw(one_or_each(st.integers(1, 5), axes))
    else:
        ratios = st.sampled_from((0.25, 0.3, 0.5, 0.75, 0.9))
        settings["output_ratio"] = draw(ratios | st.tuples(*[ratios] * axes))
    if "with" not in name:
        settings |= given(draw, {"return_indices": flags})
    return Case((input,), settings, batched)


@cases(
    *layers(*(f"MaxUnpool{axes}d" for axes in (1, 2, 3))),
    *functions(*(f"max_unpool{axes}d" for axes in (1, 2, 3))),
)
def unpooling(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    input, batched = image(draw, axes, most=4)
    settings = {"kernel_size": draw(one_or_each(small, axes))}
    settings |= given(draw, {"stride": st.none() | one_or_each(small, axes), "padding": st.integers(0, 1)})
    inputs: tuple[Any, ...] = (input, Tensor(input.sizes, index=0))
    if draw(st.integers(0, 3)) == 0:
        wanted = tuple(draw(st.integers(1, 9)) for _ in range(axes))
        if "functional" in name:
            settings["output_size"] = wanted
        else:
            inputs = (*inputs, wanted)
    return Case(inputs, settings, batched)
