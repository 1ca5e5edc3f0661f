"""Strategies: for each layer and function of the tables, calls of it that torch may accept or refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shapes.layers.truth import Case, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

CASES: dict[str, SearchStrategy[Case]] = {}
"""Canonical name to its calls."""

small = st.integers(1, 4)
flags = st.booleans()
UNBATCHED, BATCHED = 0, 1


def cases(*names: str) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    """Enter a function that draws calls of each of *names*; its first parameter is ``draw``, its second the name."""

    def enter(function: Callable[..., Case]) -> Callable[..., Case]:
        for name in names:
            assert name not in CASES, name
            CASES[name] = st.composite(function)(name)
        return function

    return enter


def layers(*names: str) -> list[str]:
    return [f"torch.nn.{name}" for name in names]


def functions(*names: str) -> list[str]:
    return [f"torch.nn.functional.{name}" for name in names]


def sizes(draw: DrawFn, least: int = 0, most: int = 5) -> tuple[int, ...]:
    return tuple(draw(st.lists(small, min_size=least, max_size=most)))


def nearly(draw: DrawFn, number: int) -> int:
    """Mostly *number*, else one beside it: a call that torch should refuse."""
    return number if draw(st.integers(0, 7)) else number + draw(st.sampled_from((1, 2)))


def given(draw: DrawFn, strategies: dict[str, SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the settings; the others keep their defaults."""
    return {name: draw(strategy) for name, strategy in strategies.items() if draw(flags)}


def axes_of(name: str) -> int:
    return next(int(digit) for digit in name if digit in "123")


def one_or_each(strategy: SearchStrategy[int], axes: int) -> SearchStrategy[Any]:
    return strategy | st.tuples(*[strategy] * axes)


def image(draw: DrawFn, axes: int, channels: int | None = None, least: int = 1, most: int = 9) -> tuple[Tensor, bool]:
    """A tensor ``[B, C, ...]``, or ``[C, ...]`` (or of a wrong rank); and whether it is a batch."""
    batched = draw(st.integers(0, 3)) > 0
    front = sizes(draw, batched, batched) if draw(st.integers(0, 9)) else sizes(draw, 0, 3)
    spatial = tuple(draw(st.integers(least, most)) for _ in range(axes))
    return Tensor((*front, draw(small) if channels is None else channels, *spatial)), len(front) == 1


# Fully connected


@cases("torch.nn.Linear", "torch.nn.LazyLinear")
def linear(draw: DrawFn, name: str) -> Case:
    features = draw(small)
    settings = {"in_features": features} if name.endswith(".Linear") else {}
    front = sizes(draw)
    return Case((Tensor((*front, nearly(draw, features))),), {**settings, "out_features": draw(small)}, bool(front))


@cases("torch.nn.functional.linear")
def linear_function(draw: DrawFn, name: str) -> Case:
    features = draw(small)
    weight = (*sizes(draw, 0, 1), features)
    front = sizes(draw)
    return Case((Tensor((*front, nearly(draw, features))), Tensor(weight)), {}, bool(front))


@cases("torch.nn.Bilinear")
def bilinear(draw: DrawFn, name: str) -> Case:
    one, two, front = draw(small), draw(small), sizes(draw, 0, 3)
    inputs = Tensor((*front, nearly(draw, one))), Tensor((*front, nearly(draw, two)))
    return Case(inputs, {"in1_features": one, "in2_features": two, "out_features": draw(small)}, bool(front))


@cases("torch.nn.functional.bilinear", "torch.bilinear")
def bilinear_function(draw: DrawFn, name: str) -> Case:
    one, two, front = draw(small), draw(small), sizes(draw, 0, 3)
    inputs = Tensor((*front, nearly(draw, one))), Tensor((*front, nearly(draw, two)))
    return Case((*inputs, Tensor((draw(small), one, two))), {"bias": None}, bool(front))


# Convolutions


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


# Poolings


def window_settings(draw: DrawFn, axes: int, name: str) -> dict[str, Any]:
    optional: dict[str, SearchStrategy[Any]] = {
        "stride": st.none() | one_or_each(st.integers(1, 5), axes),
        "ceil_mode": flags,
    }
    if "lp" not in name.lower():
        optional["padding"] = one_or_each(st.integers(0, 2), axes)
    if "max" in name.lower():
        optional["dilation"] = one_or_each(st.integers(1, 3), axes)
        if ".functional.max" in name and "with" not in name or ".Max" in name:
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


# Normalisations


@cases(
    *layers(*(f"{lazy}BatchNorm{axes}d" for axes in (1, 2, 3) for lazy in ("", "Lazy"))),
    *layers(*(f"{lazy}InstanceNorm{axes}d" for axes in (1, 2, 3) for lazy in ("", "Lazy"))),
)
def channel_normalisation(draw: DrawFn, name: str) -> Case:
    axes, channels = axes_of(name), draw(small)
    input, batched = image(draw, axes, nearly(draw, channels), least=2, most=3)
    if name.endswith("BatchNorm1d") and draw(flags):
        input = Tensor(input.sizes[:-1])
    settings = given(draw, {"affine": flags, "track_running_stats": flags})
    if "Lazy" not in name:
        settings["num_features"] = channels
    return Case((input,), settings, batched)


@cases("torch.nn.SyncBatchNorm")
def synchronised_normalisation(draw: DrawFn, name: str) -> Case:
    channels = draw(small)
    input = Tensor((draw(st.integers(2, 4)), nearly(draw, channels), *sizes(draw, 0, 3)))
    return Case((input,), {"num_features": channels, **given(draw, {"affine": flags, "track_running_stats": flags})})


@cases("torch.nn.GroupNorm")
def group_normalisation(draw: DrawFn, name: str) -> Case:
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    input = Tensor((draw(small), nearly(draw, channels), *sizes(draw, 1, 3)))
    return Case((input,), {"num_groups": groups, "num_channels": channels, **given(draw, {"affine": flags})})


@cases(*functions("group_norm"), "torch.group_norm")
def group_normalisation_function(draw: DrawFn, name: str) -> Case:
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    input = Tensor((draw(small), nearly(draw, channels), *sizes(draw, 1, 3)))
    weight = draw(st.sampled_from((None, Tensor((channels,)))))
    return Case((input,), {"num_groups": groups, "weight": weight})


@cases(*layers("LayerNorm", "RMSNorm"), *functions("layer_norm", "rms_norm"), "torch.layer_norm", "torch.rms_norm")
def last_normalisation(draw: DrawFn, name: str) -> Case:
    normalised, front = sizes(draw, 1, 3), sizes(draw, 0, 3)
    input = Tensor((*front, *normalised[:-1], nearly(draw, normalised[-1])))
    whole = len(normalised) == 1 and name.startswith("torch.nn.") and "functional" not in name and draw(flags)
    settings: dict[str, Any] = {"normalized_shape": normalised[0] if whole else normalised}
    if "Norm" in name:
        settings |= given(draw, {"elementwise_affine": flags})
    return Case((input,), settings, bool(front))


@cases(*layers("LocalResponseNorm"), *functions("local_response_norm"))
def local_normalisation(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw, 3, 5)),), {"size": draw(small)})


@cases(*layers("CrossMapLRN2d"))
def cross_map_normalisation(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw, 4, 4)),), {"size": draw(small)})


@cases(*functions("batch_norm"))
def batch_normalisation_function(draw: DrawFn, name: str) -> Case:
    channels = draw(small)
    input = Tensor((draw(st.integers(2, 4)), nearly(draw, channels), *sizes(draw, 0, 3)))
    vector = Tensor((channels,))
    settings = given(draw, {"weight": st.just(vector), "bias": st.just(vector)})
    if draw(flags):
        return Case((input, None, None), {**settings, "training": True})
    return Case((input, vector, vector), settings)


@cases(*functions("instance_norm"))
def instance_normalisation_function(draw: DrawFn, name: str) -> Case:
    channels = draw(small)
    input = Tensor((draw(small), nearly(draw, channels), *sizes(draw, 1, 3), 2))
    vector = Tensor((channels,))
    return Case((input,), given(draw, {"weight": st.just(vector), "bias": st.just(vector)}))


# Element by element


@cases(
    *layers(
        "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Identity", "LeakyReLU",
        "LogSigmoid", "Mish", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softplus", "Softshrink",
        "Softsign", "Tanh", "Tanhshrink", "Dropout", "AlphaDropout",
    ),
    *functions(
        "celu", "elu", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "logsigmoid",
        "mish", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softplus", "softshrink", "softsign", "tanh",
        "tanhshrink", "alpha_dropout", "dropout",
    ),
)  # fmt: skip
def element_by_element(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw)),))


@cases(*layers("Threshold"), *functions("threshold"))
def thresholds(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw)),), {"threshold": 0.5, "value": 1.0})


@cases(
    *layers("Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"),
    *functions("dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"),
)
def channels_dropped(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw, 2, 5)),))


@cases(*layers("Softmax", "LogSoftmax", "Softmin"))
def softmax(draw: DrawFn, name: str) -> Case:
    return Case((Tensor(sizes(draw)),), given(draw, {"dim": st.integers(-2, 1)}))


@cases(*layers("Softmax2d"))
def softmax_over_channels(draw: DrawFn, name: str) -> Case:
    input, batched = image(draw, 2)
    return Case((input,), {}, batched)


@cases(*layers("GLU"), *functions("glu"))
def gated(draw: DrawFn, name: str) -> Case:
    doubled = tuple(draw(st.sampled_from((1, 2, 2, 4, 6))) for _ in range(draw(st.integers(0, 4))))
    return Case((Tensor(doubled),), given(draw, {"dim": st.integers(-3, 3)}), len(doubled) > 1)


@cases(*layers("PReLU"))
def parametric(draw: DrawFn, name: str) -> Case:
    parameters = draw(small)
    input = draw(st.sampled_from(((2, nearly(draw, parameters), 3), (3, parameters), (parameters,), ())))
    return Case((Tensor(input),), {"num_parameters": parameters})


@cases(*functions("prelu"), "torch.prelu")
def parametric_function(draw: DrawFn, name: str) -> Case:
    parameters = draw(small)
    input = draw(st.sampled_from(((2, nearly(draw, parameters), 3), (3, parameters), (parameters,), ())))
    return Case((Tensor(input), Tensor((parameters,))))


# Embeddings


@cases(*layers("Embedding"), *functions("embedding"))
def embedding(draw: DrawFn, name: str) -> Case:
    input, features = Tensor(sizes(draw, 0, 4), index=0), draw(small)
    if "functional" in name:
        return Case((input, Tensor((3, features))))
    return Case((input,), {"num_embeddings": 3, "embedding_dim": features})


@cases(*layers("EmbeddingBag"), *functions("embedding_bag"))
def bag(draw: DrawFn, name: str) -> Case:
    features, last = draw(small), draw(flags)
    input = Tensor(sizes(draw, 0, 3), index=0)
    offsets = Tensor((draw(small) + last,), index=0) if len(input.sizes) == 1 or draw(st.integers(0, 9)) == 0 else None
    settings = {"include_last_offset": last, "mode": draw(st.sampled_from(("mean", "sum", "max")))}
    batched = len(input.sizes) == 2
    if "functional" in name:
        return Case((input, Tensor((3, features))), {**settings, "offsets": offsets}, batched)
    return Case((input, offsets), {**settings, "num_embeddings": 3, "embedding_dim": features}, batched)


# Sequences


@cases(*layers("RNN", "GRU", "LSTM"))
def recurrent(draw: DrawFn, name: str) -> Case:
    features, hidden, first = draw(small), draw(st.integers(2, 4)), draw(flags)
    settings = given(draw, {"num_layers": st.integers(1, 3), "bidirectional": flags})
    settings |= {"input_size": features, "hidden_size": hidden, "batch_first": first}
    projected = 0
    if name.endswith("LSTM") and draw(flags):
        projected = settings["proj_size"] = draw(st.integers(0, hidden - 1))
    batched = draw(st.integers(0, 3)) > 0
    input = Tensor((*sizes(draw, 1 + batched, 1 + batched), nearly(draw, features)))
    if draw(flags):
        return Case((input,), settings, batched)
    depth = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    batch = (input.sizes[0 if first else 1],) if batched else ()
    state = Tensor((depth, *batch, projected or hidden))
    return Case((input, (state, Tensor((depth, *batch, hidden))) if name.endswith("LSTM") else state), settings, batched)


@cases(*layers("RNNCell", "GRUCell", "LSTMCell"))
def recurrent_cell(draw: DrawFn, name: str) -> Case:
    features, hidden = draw(small), draw(small)
    batch = sizes(draw, 0, 1)
    input, state = Tensor((*batch, nearly(draw, features))), Tensor((*batch, hidden))
    settings = {"input_size": features, "hidden_size": hidden}
    if draw(flags):
        return Case((input,), settings, bool(batch))
    return Case((input, (state, state) if name.endswith("LSTMCell") else state), settings, bool(batch))


@cases("torch.nn.utils.rnn.pad_sequence")
def padded_sequences(draw: DrawFn, name: str) -> Case:
    rest = sizes(draw, 0, 2)
    sequences = tuple(Tensor((draw(small), *rest)) for _ in range(draw(st.integers(1, 3))))
    return Case((sequences,), given(draw, {"batch_first": flags}))


# Attention


def sequence(draw: DrawFn, length: int, batch: tuple[int, ...], first: bool, features: int) -> Tensor:
    return Tensor((*batch, length, features) if first else (length, *batch, features))


@cases(*layers("MultiheadAttention"))
def multihead(draw: DrawFn, name: str) -> Case:
    heads, first = draw(st.integers(1, 3)), draw(flags)
    features, batch = heads * draw(st.integers(1, 2)), sizes(draw, 0, 1)
    settings = given(draw, {"add_bias_kv": flags, "add_zero_attn": flags, "kdim": small, "vdim": small})
    source = draw(small)
    key = sequence(draw, source, batch, first, settings.get("kdim", features))
    value = sequence(draw, source, batch, first, settings.get("vdim", features))
    query = sequence(draw, draw(small), batch, first, nearly(draw, features))
    inputs: tuple[Any, ...] = (query, key, value)
    if draw(flags):
        inputs = (*inputs, None, draw(flags), None, draw(flags))
    return Case(inputs, {**settings, "embed_dim": features, "num_heads": heads, "batch_first": first}, bool(batch))


@cases(*functions("scaled_dot_product_attention"))
def scaled_dot_product(draw: DrawFn, name: str) -> Case:
    batch, features, length, source = sizes(draw, 0, 2), draw(small), draw(small), draw(small)
    fewer = tuple(draw(st.sampled_from((size, 1))) for size in batch)
    key = Tensor((*fewer, source, nearly(draw, features)))
    value = Tensor((*fewer, nearly(draw, source), draw(small)))
    return Case((Tensor((*batch, length, features)), key, value))


@cases(*layers("TransformerEncoderLayer", "TransformerDecoderLayer"))
def transformer_layer(draw: DrawFn, name: str) -> Case:
    heads, first = draw(st.integers(1, 2)), draw(flags)
    features, batch = heads * draw(st.integers(1, 2)), sizes(draw, 0, 1)
    settings = {"d_model": features, "nhead": heads, "dim_feedforward": 2, "batch_first": first}
    inputs = (sequence(draw, draw(small), batch, first, nearly(draw, features)),)
    if "Decoder" in name:
        inputs = (*inputs, sequence(draw, draw(small), batch, first, nearly(draw, features)))
    return Case(inputs, settings, bool(batch))


@cases(*layers("Transformer"))
def transformer(draw: DrawFn, name: str) -> Case:
    first, batch = draw(flags), sizes(draw, 0, 1)
    settings = {
        "d_model": 2, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 2,
        "batch_first": first,
    }  # fmt: skip
    inputs = [sequence(draw, draw(small), batch, first, nearly(draw, 2)) for _ in range(2)]
    return Case(tuple(inputs), settings, bool(batch))


# Images


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
    input, batched = image(draw, axes, most=4)
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


# Losses

reductions = st.sampled_from(("none", "mean", "sum"))


def reduction(draw: DrawFn, name: str, legacy: bool = True) -> dict[str, Any]:
    optional: dict[str, SearchStrategy[Any]] = {"reduction": reductions}
    if legacy and draw(st.integers(0, 3)) == 0:
        optional |= {"size_average": flags | st.none(), "reduce": flags | st.none()}
    return given(draw, optional)


@cases(
    *layers("BCELoss", "BCEWithLogitsLoss", "L1Loss", "MSELoss", "SmoothL1Loss", "KLDivLoss", "HingeEmbeddingLoss"),
    *layers("SoftMarginLoss", "PoissonNLLLoss", "HuberLoss"),
    *functions("binary_cross_entropy", "binary_cross_entropy_with_logits", "l1_loss", "mse_loss", "smooth_l1_loss"),
    *functions("kl_div", "hinge_embedding_loss", "soft_margin_loss", "poisson_nll_loss", "huber_loss"),
)
def compared(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 0, 4)
    two = tuple(draw(st.sampled_from((size, size, size, 1))) for size in one)
    two = two if draw(st.integers(0, 4)) else two[draw(st.integers(0, len(two))) :]
    return Case((Tensor(one), Tensor(two)), reduction(draw, name, "uber" not in name))


@cases(*layers("GaussianNLLLoss"), *functions("gaussian_nll_loss"))
def gaussian(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 3)
    var = draw(st.sampled_from((one, one[:-1], (*one[:-1], 1))))
    return Case((Tensor(one), Tensor(one), Tensor(var)), reduction(draw, name, False))


@cases(*layers("CrossEntropyLoss", "NLLLoss", "NLLLoss2d"), *functions("cross_entropy", "nll_loss"))
def classified(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 1, 4)
    target = Tensor(tuple(nearly(draw, size) for size in (*scores[:1], *scores[2:])[: len(scores) - 1]), index=0)
    if "ross" in name and draw(st.integers(0, 3)) == 0:
        target = Tensor(scores)
    return Case((Tensor(scores), target), reduction(draw, name), len(scores) > 1)


@cases(*layers("MultiMarginLoss"), *functions("multi_margin_loss"))
def margin_of_classes(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 0, 3)
    return Case((Tensor(scores), Tensor(scores[:-1], index=0)), reduction(draw, name), len(scores) > 1)


@cases(*layers("MultiLabelMarginLoss"), *functions("multilabel_margin_loss"))
def margin_of_labels(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 0, 3)
    return Case((Tensor(scores), Tensor(scores, index=0)), reduction(draw, name), len(scores) > 1)


@cases(*layers("MultiLabelSoftMarginLoss"), *functions("multilabel_soft_margin_loss"))
def soft_margin_of_labels(draw: DrawFn, name: str) -> Case:
    scores = sizes(draw, 1, 3)
    return Case((Tensor(scores), Tensor(scores)), reduction(draw, name), len(scores) > 1)


@cases(*layers("MarginRankingLoss"), *functions("margin_ranking_loss"))
def ranked(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 0, 3)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(two), Tensor(one)), reduction(draw, name))


@cases(*layers("CosineEmbeddingLoss"), *functions("cosine_embedding_loss"))
def embedded_pairs(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 2)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(two), Tensor(one[:-1])), reduction(draw, name), len(one) > 1)


@cases(*layers("TripletMarginLoss"), *functions("triplet_margin_loss"))
def triplet(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 3)
    two = tuple(draw(st.sampled_from((size, size, 1))) for size in one)
    return Case((Tensor(one), Tensor(one), Tensor(two)), reduction(draw, name), len(one) > 1)


@cases(*layers("TripletMarginWithDistanceLoss"), *functions("triplet_margin_with_distance_loss"))
def triplet_by(draw: DrawFn, name: str) -> Case:
    one = sizes(draw, 1, 3)
    return Case((Tensor(one), Tensor(one), Tensor(one)), reduction(draw, name, False), len(one) > 1)


@cases(*layers("CTCLoss"), *functions("ctc_loss"))
def transcribed(draw: DrawFn, name: str) -> Case:
    time, classes, length = draw(st.integers(2, 4)), draw(st.integers(2, 3)), draw(st.integers(1, 2))
    batch = sizes(draw, 0, 1)
    targets = Tensor((*batch, length), index=1)
    lengths = Tensor(batch, index=time), Tensor(batch, index=length)
    return Case((Tensor((time, *batch, classes)), targets, *lengths), reduction(draw, name, False), bool(batch))


@cases(*layers("AdaptiveLogSoftmaxWithLoss"))
def adaptive_softmax(draw: DrawFn, name: str) -> Case:
    features, batch = draw(st.integers(4, 6)), sizes(draw, 0, 1)
    inputs = Tensor((*batch, nearly(draw, features))), Tensor(batch, index=0)
    return Case(inputs, {"in_features": features, "n_classes": 5, "cutoffs": (2,), "div_value": 1.0}, bool(batch))


@cases(*layers("LinearCrossEntropyLoss"))
def projected(draw: DrawFn, name: str) -> Case:
    features, batch, classes = draw(small), sizes(draw, 0, 1), draw(st.integers(2, 4))
    extra = sizes(draw, 0, 2) if batch else ()
    settings = {"in_features": features, "num_classes": classes, "out_features": extra}
    inputs = Tensor((*batch, nearly(draw, features))), Tensor((*batch, *extra), index=0)
    return Case(inputs, {**settings, **reduction(draw, name, False)}, bool(batch))


@cases(*functions("linear_cross_entropy"))
def projected_function(draw: DrawFn, name: str) -> Case:
    features, batch, classes = draw(small), sizes(draw, 0, 1), draw(st.integers(2, 4))
    extra = sizes(draw, 0, 2) if batch else ()
    inputs = Tensor((*batch, nearly(draw, features))), Tensor((classes, *extra, features))
    return Case((*inputs, Tensor((*batch, *extra), index=0)), reduction(draw, name, False), bool(batch))
