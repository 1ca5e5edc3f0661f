"""Fully connected layers, elementwise ones, normalisations and embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shapes.layers.calls import axes_of, cases, flags, functions, given, image, layers, nearly, sizes, small
from shapes.layers.truth import Case, Tensor

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


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


@cases(*layers("Embedding"), *functions("embedding"))
def embedding(draw: DrawFn, name: str) -> Case:
    input, features = Tensor(sizes(draw, 0, 4), index=0), draw(small)
    if "functional" in name:
        return Case((input, Tensor((3, features))))
    return Case((input,), {"num_embeddings": 3, "embedding_dim": features})


@cases(*layers("EmbeddingBag"), *functions("embedding_bag"))
def bag(draw: DrawFn, name: str) -> Case:
    features, last = draw(small), draw(flags)
    input = Tensor(sizes(draw, 1, 2) if draw(st.integers(0, 5)) else sizes(draw, 0, 3), index=0)
    offsets = Tensor((draw(small) + last,), index=0) if len(input.sizes) == 1 or draw(st.integers(0, 9)) == 0 else None
    settings = {"include_last_offset": last, "mode": draw(st.sampled_from(("mean", "sum", "max")))}
    batched = len(input.sizes) == 2
    if "functional" in name:
        return Case((input, Tensor((3, features))), {**settings, "offsets": offsets}, batched)
    return Case((input, offsets), {**settings, "num_embeddings": 3, "embedding_dim": features}, batched)
