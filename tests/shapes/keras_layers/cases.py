"""Strategies for calls of Keras's layers, such that Keras may accept or refuse them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from batchlint.shapes.keras.images import VARIATIONS
from shapes.keras_layers.truth import Case, Layer, Model, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

CASES: dict[str, SearchStrategy[Case]] = {}
"""Name in ``keras.layers`` to its calls."""

small = st.integers(1, 4)
flags = st.booleans()
formats = st.sampled_from((None, "channels_last", "channels_first"))


def cases(*names: str) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    """Enter a function that draws calls of each of *names*; its first parameter is ``draw``, its second the name."""

    def enter(function: Callable[..., Case]) -> Callable[..., Case]:
        for name in names:
            assert name not in CASES, name
            CASES[name] = st.composite(function)(name)
        return function

    return enter


def axes_of(name: str) -> int:
    return next(int(digit) for digit in reversed(name) if digit in "123")


def sizes(draw: DrawFn, least: int = 0, most: int = 4) -> tuple[int, ...]:
    return tuple(draw(st.lists(small, min_size=least, max_size=most)))


def batch(draw: DrawFn, least: int = 0, most: int = 4) -> Tensor:
    """``[B, ...]`` with so many dimensions beside the batch."""
    return Tensor((3, *sizes(draw, least, most)))


def given(draw: DrawFn, **strategies: SearchStrategy[Any]) -> dict[str, Any]:
    """Some of the settings; the others keep their defaults."""
    return {name: draw(strategy) for name, strategy in strategies.items() if draw(flags)}


def one_or_each(strategy: SearchStrategy[int], axes: int) -> SearchStrategy[Any]:
    return strategy | st.tuples(*[strategy] * axes)


def now_and_then(draw: DrawFn) -> bool:
    return draw(st.integers(0, 9)) == 0


def images(draw: DrawFn, axes: int, least: int = 1, most: int = 9, channels: int | None = None) -> Tensor:
    """A batch with *axes* spatial axes and a few channels on either side; now and then of another rank."""
    if now_and_then(draw):
        return batch(draw, 0, axes + 3)
    spatial = tuple(draw(st.integers(least, most)) for _ in range(axes))
    features = draw(small) if channels is None else channels
    first = draw(flags)
    return Tensor((3, features, *spatial) if first else (3, *spatial, features))


def filters(draw: DrawFn) -> dict[str, Any]:
    return {"filters": draw(st.sampled_from((1, 2, 4, 6)))}


@cases("Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D")
def convolution(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    words = ["valid", "same", "SAME"] + (["causal"] if name == "Conv1D" else [])
    settings = filters(draw) | {"kernel_size": draw(one_or_each(small, axes))}
    settings |= given(draw, padding=st.sampled_from(words), data_format=formats)
    if name.startswith("Conv"):
        settings |= given(draw, groups=st.sampled_from((1, 2)))
    kind = draw(st.sampled_from(("", "strides", "dilation_rate")))
    if kind:
        settings[kind] = draw(one_or_each(st.integers(1, 3), axes))
    return Case((images(draw, axes),), settings, run=settings.get("data_format") != "channels_first")


@cases("DepthwiseConv1D", "DepthwiseConv2D")
def depthwise(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    settings = {"kernel_size": draw(one_or_each(small, axes))}
    settings |= given(
        draw, padding=st.sampled_from(("valid", "same")), data_format=formats, depth_multiplier=small,
        strides=st.integers(1, 3),
    )  # fmt: skip
    return Case((images(draw, axes),), settings, run=settings.get("data_format") != "channels_first")


@cases("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose")
def transposed(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    settings = filters(draw) | {"kernel_size": draw(one_or_each(small, axes))}
    settings |= given(draw, padding=st.sampled_from(("valid", "same")), data_format=formats)
    kind = draw(st.sampled_from(("", "strides", "dilation_rate")))
    if kind:
        settings[kind] = draw(st.integers(1, 3))
    if kind == "strides":
        settings |= given(draw, output_padding=st.integers(0, 2))
    run = settings.get("data_format") != "channels_first" and kind != "dilation_rate"
    return Case((images(draw, axes, most=5),), settings, run=run)


@cases(*(f"{kind}Pooling{axes}D" for kind in ("Max", "Average") for axes in (1, 2, 3)))
def pooling(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    settings = {"pool_size": draw(one_or_each(small, axes))}
    settings |= given(
        draw, strides=st.none() | one_or_each(st.integers(1, 3), axes), padding=st.sampled_from(("valid", "same")),
        data_format=formats,
    )  # fmt: skip
    tensor = images(draw, axes)
    # Where no window fits, taking maxima ends TensorFlow's process.
    safe = name.startswith("Average") or min(tensor.sizes[1:], default=0) > 3
    return Case((tensor,), settings, run=safe and settings.get("data_format") != "channels_first")


@cases(*(f"Global{kind}Pooling{axes}D" for kind in ("Max", "Average") for axes in (1, 2, 3)))
def global_pooling(draw: DrawFn, name: str) -> Case:
    return Case((images(draw, axes_of(name)),), given(draw, keepdims=flags, data_format=formats))


@cases(*(f"Adaptive{kind}Pooling{axes}D" for kind in ("Max", "Average") for axes in (1, 2, 3)))
def adaptive_pooling(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    settings = {"output_size": draw(one_or_each(small, axes))} | given(draw, data_format=formats)
    tensor = Tensor((3, *(draw(st.integers(4, 9)) for _ in range(axes + 1))))
    # Taking maxima, TensorFlow's process ends by a division by zero for some sizes.
    return Case((tensor,), settings, run="Average" in name and settings.get("data_format") != "channels_first")


@cases("Flatten")
def flatten(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw),), given(draw, data_format=formats))


@cases("Reshape")
def reshape(draw: DrawFn, name: str) -> Case:
    tensor = batch(draw, 1, 3)
    target = list(draw(st.permutations(tensor.sizes[1:])))
    if draw(flags):
        target[draw(st.integers(0, len(target) - 1))] = -1
    if now_and_then(draw):
        target.append(draw(small))
    return Case((tensor,), {"target_shape": tuple(target)})


@cases("Permute")
def permute(draw: DrawFn, name: str) -> Case:
    tensor = batch(draw, 1, 4)
    count = len(tensor.sizes) - 1 + now_and_then(draw)
    return Case((tensor,), {"dims": tuple(draw(st.permutations(range(1, count + 1))))})


@cases("RepeatVector")
def repeat_vector(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1, 1 + now_and_then(draw)),), {"n": draw(small)})


@cases("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D")
def edges(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    amount = st.integers(0, 2)
    pair = st.tuples(amount, amount)
    amounts = amount | pair if axes == 1 else amount | st.tuples(*[amount] * axes) | st.tuples(*[pair] * axes)
    settings = given(draw, **{"padding" if "Padding" in name else "cropping": amounts})
    if name != "Cropping1D":
        settings |= given(draw, data_format=formats)
    return Case((images(draw, axes, least=3, most=9, channels=draw(st.integers(2, 5))),), settings)


@cases("UpSampling1D", "UpSampling2D", "UpSampling3D")
def enlarging(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    settings = given(draw, size=one_or_each(st.integers(1, 3), axes) if axes > 1 else st.integers(1, 3))
    if axes > 1:
        settings |= given(draw, data_format=formats)
    return Case((images(draw, axes, most=4),), settings)


@cases("Dense")
def dense(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw),), {"units": draw(small)})


EQUATIONS = (
    ("ab,bc->ac", 1), ("abc,cd->abd", 2), ("abc,cd->abd", 1), ("abc,bd->adc", 2), ("abc,cde->abde", 3),
    ("...x,xy->...y", 1), ("...ab,bc->...ac", 2), ("abcd,cde->abe", 2), ("ab...,bc->ac...", 1),
)  # fmt: skip


@cases("EinsumDense")
def einsum_dense(draw: DrawFn, name: str) -> Case:
    equation, count = draw(st.sampled_from(EQUATIONS))
    tensor = batch(draw, 1, 4)
    places = [None if draw(flags) else draw(small) for _ in range(count - 1)]
    shape = (*places, draw(small))
    # On symbols, Keras puts what an ellipsis stands for in the wrong order.
    return Case((tensor,), {"equation": equation, "output_shape": shape}, vague=True, drawn="..." not in equation)


@cases("Embedding")
def embedding(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw),), {"input_dim": 5, "output_dim": draw(small)} | given(draw, mask_zero=flags))


@cases("ReversibleEmbedding")
def reversible_embedding(draw: DrawFn, name: str) -> Case:
    tensor = batch(draw, 1, 3)
    reverse = draw(flags)
    settings = {"input_dim": 5, "output_dim": tensor.sizes[-1] if reverse else draw(small)}
    return Case((tensor,), settings, {"reverse": reverse} if reverse else {})


@cases("ELU", "ReLU", "LeakyReLU", "Softmax", "Identity", "ActivityRegularization", "Masking", "PReLU")
def keeping(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1),))


@cases("Activation")
def activation(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1),), {"activation": draw(st.sampled_from(("relu", "softmax", "tanh")))})


@cases("Dropout", "AlphaDropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
def dropping(draw: DrawFn, name: str) -> Case:
    count = axes_of(name) + 1 if name.startswith("Spatial") else 2
    return Case((batch(draw, count, count),), {"rate": 0.5}, given(draw, training=flags))


@cases("GaussianNoise")
def noise(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1),), {"stddev": 0.5}, given(draw, training=flags))


@cases("BatchNormalization", "LayerNormalization", "RMSNormalization", "UnitNormalization")
def normalisation(draw: DrawFn, name: str) -> Case:
    settings = given(draw, axis=st.sampled_from((-1, 1, 2, 4)))
    return Case((batch(draw, 1),), settings, vague=name.startswith("RMS"))


@cases("GroupNormalization")
def group_normalisation(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1),), {"groups": draw(st.sampled_from((-1, 1, 2)))} | given(draw, axis=st.just(-1)))


@cases("SpectralNormalization")
def spectral(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1, 3),), {"layer": Layer("Dense", {"units": draw(small)})})


def several(draw: DrawFn, least: int = 1, most: int = 3) -> tuple[Tensor, ...]:
    """Tensors that mostly go together, some of a lower rank or with ones."""
    shape = sizes(draw, 1, 3)
    tensors = []
    for _ in range(draw(st.integers(least, most))):
        own = [1 if draw(st.integers(0, 5)) == 0 else size for size in shape]
        if now_and_then(draw):
            own = own[1:] or own
        if now_and_then(draw):
            own[0] += 1
        tensors.append(Tensor((3, *own)))
    return tuple(tensors)


@cases("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
def merging(draw: DrawFn, name: str) -> Case:
    return Case((several(draw, 2, 2 + now_and_then(draw)) if name == "Subtract" else several(draw),))


@cases("Concatenate")
def concatenate(draw: DrawFn, name: str) -> Case:
    shape = sizes(draw, 1, 3)
    axis = draw(st.integers(-len(shape), len(shape)))
    tensors = []
    for _ in range(draw(st.integers(1, 3))):
        own = [3, *shape]
        own[axis if axis else -1] = draw(small)
        tensors.append(Tensor(tuple(own)))
    return Case((tuple(tensors),), given(draw, axis=st.just(axis)))


@cases("Dot")
def dot(draw: DrawFn, name: str) -> Case:
    left, right = batch(draw, 1, 3), list(sizes(draw, 1, 3))
    axes: Any = (draw(st.integers(1, len(left.sizes) - 1)), draw(st.integers(1, len(right))))
    if not now_and_then(draw):
        right[axes[1] - 1] = left.sizes[axes[0]]
    if draw(flags):
        axes = -1
    return Case(((left, Tensor((3, *right))),), {"axes": axes} | given(draw, normalize=flags))


SEQUENCE = {"return_sequences": flags, "return_state": flags, "go_backwards": flags}


@cases("LSTM", "GRU", "SimpleRNN")
def recurrent(draw: DrawFn, name: str) -> Case:
    tensor = batch(draw, 2, 2 + now_and_then(draw))
    units = draw(small)
    settings = {"units": units} | given(draw, **SEQUENCE, unroll=flags)
    call = {}
    if draw(st.integers(0, 3)) == 0:
        call["initial_state"] = (Tensor((3, units)),) * (2 if name == "LSTM" else 1)
    return Case((tensor, *call.values()), settings)


def a_cell(draw: DrawFn) -> Layer:
    return Layer(draw(st.sampled_from(("LSTMCell", "GRUCell", "SimpleRNNCell"))), {"units": draw(small)})


@cases("RNN")
def with_cell(draw: DrawFn, name: str) -> Case:
    kind = draw(st.integers(0, 2))
    cells = tuple(a_cell(draw) for _ in range(draw(st.integers(2, 3))))
    cell: Any = a_cell(draw) if kind == 0 else cells if kind == 1 else Layer("StackedRNNCells", {"cells": cells})
    return Case((batch(draw, 2, 2 + now_and_then(draw)),), {"cell": cell} | given(draw, **SEQUENCE), vague=kind > 0)


@cases("LSTMCell", "GRUCell", "SimpleRNNCell")
def cell(draw: DrawFn, name: str) -> Case:
    units = draw(small)
    states = (Tensor((3, units)),) * (2 if name == "LSTMCell" else 1)
    return Case((batch(draw, 1, 1), states), {"units": units})


@cases("StackedRNNCells")
def stacked(draw: DrawFn, name: str) -> Case:
    units = draw(small)
    return Case(
        (batch(draw, 1, 1), ((Tensor((3, units)),), (Tensor((3, units)),))),
        {"cells": (Layer("GRUCell", {"units": units}), Layer("SimpleRNNCell", {"units": units}))},
        vague=True,
    )


@cases("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def recurrent_convolution(draw: DrawFn, name: str) -> Case:
    axes = axes_of(name)
    spatial = tuple(draw(st.integers(2, 4)) for _ in range(axes))
    front = (3, draw(st.integers(1, 2)))
    settings = {"filters": draw(small), "kernel_size": draw(one_or_each(st.integers(1, 2), axes))}
    settings |= given(
        draw, strides=one_or_each(st.integers(1, 2), axes), padding=st.sampled_from(("valid", "same")),
        return_sequences=flags, return_state=flags, data_format=formats,
    )  # fmt: skip
    first = settings.get("data_format") == "channels_first"
    tensor = Tensor((*front, 2, *spatial) if first else (*front, *spatial, 2))
    return Case((tensor,), settings, run=not first)


@cases("Bidirectional")
def both_ways(draw: DrawFn, name: str) -> Case:
    inner = {"units": draw(small)} | given(draw, return_sequences=flags, return_state=flags)
    layer = Layer(draw(st.sampled_from(("LSTM", "GRU", "SimpleRNN"))), inner)
    settings = {"layer": layer} | given(draw, merge_mode=st.sampled_from(("concat", "sum", "mul", "ave", None)))
    return Case((batch(draw, 2, 2),), settings)


@cases("TimeDistributed")
def over_time(draw: DrawFn, name: str) -> Case:
    kind = draw(st.integers(0, 3))
    dense = Layer("Dense", {"units": draw(small)})
    layer: Any = dense
    tensor = batch(draw, 2 - now_and_then(draw), 4)
    if kind == 1:
        layer, tensor = Layer("Conv2D", {"filters": draw(small), "kernel_size": 2}), Tensor((3, 2, 4, 5, 2))
    elif kind == 2:
        layer = Layer("Flatten", {})
    elif kind == 3:
        layer = Model((Layer("Flatten", {}), dense))
    return Case((tensor,), {"layer": layer})


@cases("Attention", "AdditiveAttention")
def attention(draw: DrawFn, name: str) -> Case:
    queries, steps, features = draw(small), draw(small), draw(small)
    value = Tensor((3, steps, features))
    tensors = [Tensor((3, queries, features)), value]
    if draw(flags):
        tensors.append(value)
    call = given(draw, return_attention_scores=flags, use_causal_mask=flags)
    return Case((list(tensors),), given(draw, dropout=st.just(0.1)), call)


@cases("MultiHeadAttention")
def multi_head_attention(draw: DrawFn, name: str) -> Case:
    query = batch(draw, 2, 2 + now_and_then(draw))
    value = query if draw(flags) else Tensor((3, *sizes(draw, len(query.sizes) - 1, len(query.sizes) - 1)))
    settings = {"num_heads": draw(small), "key_dim": draw(small)}
    settings |= given(draw, value_dim=small, output_shape=small, use_bias=flags)
    call = given(draw, return_attention_scores=flags)
    return Case((query, value), settings, call, vague=True)


@cases("GroupQueryAttention")
def grouped_query_attention(draw: DrawFn, name: str) -> Case:
    query = batch(draw, 2, 2)
    value = query if draw(flags) else Tensor((3, draw(small), query.sizes[-1]))
    heads = draw(st.integers(1, 2))
    settings = {"head_dim": draw(small), "num_query_heads": heads * 2, "num_key_value_heads": heads}
    return Case((query, value), settings, given(draw, return_attention_scores=flags), vague=True)


def picture(draw: DrawFn, data_format: object = None) -> Tensor:
    spatial = (draw(st.integers(4, 6)), draw(st.integers(4, 6)))
    return Tensor((3, 3, *spatial) if data_format == "channels_first" else (3, *spatial, 3))


@cases("Resizing", "CenterCrop", "RandomCrop")
def resizing(draw: DrawFn, name: str) -> Case:
    settings = {"height": draw(st.integers(1, 6)), "width": draw(st.integers(1, 6))} | given(draw, data_format=formats)
    tensor = picture(draw, settings.get("data_format"))
    if draw(st.integers(0, 3)) == 0:
        # One image alone: its first dimension is no batch.
        return Case((Tensor(tensor.sizes[1:]),), settings, drawn=False, batched=False, vague=name == "RandomCrop")
    return Case((tensor,), settings, given(draw, training=flags), vague=name == "RandomCrop")


REQUIRED_OF_VARIATIONS: dict[str, dict[str, Any]] = {
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2},
    "RandomPosterization": {"factor": 4},
}
WITH_FACTOR = (
    "RandomBrightness", "RandomColorDegeneration", "RandomContrast", "RandomHue", "RandomRotation", "RandomSaturation",
    "RandomSharpness",
)  # fmt: skip
VARYING = sorted({*VARIATIONS})


@cases(*VARYING)
def varying(draw: DrawFn, name: str) -> Case:
    settings = REQUIRED_OF_VARIATIONS.get(name, {"factor": 0.2} if name in WITH_FACTOR else {})
    # Every one of these is slow to run.
    return Case((picture(draw),), dict(settings), given(draw, training=flags), run=draw(st.integers(0, 5)) == 0)


@cases("Rescaling")
def rescaling(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1),), {"scale": 0.5} | given(draw, offset=st.just(1.0)))


@cases("Pipeline")
def pipeline(draw: DrawFn, name: str) -> Case:
    crop = Layer("CenterCrop", {"height": draw(small), "width": draw(small)})
    return Case((picture(draw),), {"layers": (Layer("Rescaling", {"scale": 0.5}), crop)})


@cases("Normalization")
def normalization(draw: DrawFn, name: str) -> Case:
    return Case((batch(draw, 1),), {"mean": 0.5, "variance": 2.0, "axis": None} | given(draw, invert=flags))


MODES = st.sampled_from(("int", "one_hot", "multi_hot", "count"))


@cases("Discretization")
def discretization(draw: DrawFn, name: str) -> Case:
    settings = {"bin_boundaries": (0.0, 2.0)} | given(draw, output_mode=MODES)
    return Case((batch(draw, 0, 3),), settings, vague=True)


@cases("CategoryEncoding")
def category_encoding(draw: DrawFn, name: str) -> Case:
    settings = {"num_tokens": draw(st.integers(2, 4))} | given(draw, output_mode=MODES)
    return Case((batch(draw, 0, 3),), settings, vague=True, dtype="int32")


@cases("Hashing")
def hashing(draw: DrawFn, name: str) -> Case:
    settings = {"num_bins": draw(small)} | given(draw, output_mode=MODES)
    # On symbols, Keras takes the last dimension away in every mode.
    only_run = "output_mode" in settings
    return Case((batch(draw, 0, 3),), settings, vague=True, dtype="int32", drawn=not only_run)


@cases("HashedCrossing")
def hashed_crossing(draw: DrawFn, name: str) -> Case:
    tensor = Tensor((3, 1)) if draw(flags) else Tensor((3,))
    return Case(((tensor, tensor),), {"num_bins": 4}, dtype="int32", drawn=False)


@cases("IntegerLookup")
def integer_lookup(draw: DrawFn, name: str) -> Case:
    settings = {"vocabulary": (1, 2)} | given(draw, output_mode=MODES, mask_token=st.just(0))
    return Case((batch(draw, 0, 3),), settings, vague=True, dtype="int32")


@cases("StringLookup")
def string_lookup(draw: DrawFn, name: str) -> Case:
    settings = {"vocabulary": ("a", "b")} | given(draw, output_mode=MODES)
    if draw(flags):
        settings |= {"max_tokens": 7, "pad_to_max_tokens": True}
    return Case((batch(draw, 0, 3),), settings, vague=True, dtype="string")


@cases("TextVectorization")
def text_vectorization(draw: DrawFn, name: str) -> Case:
    settings = {"vocabulary": ("a", "b")}
    settings |= given(draw, output_mode=st.sampled_from(("int", "multi_hot", "count")))
    if settings.get("output_mode", "int") == "int":
        settings |= given(draw, output_sequence_length=small)
    tensor = Tensor((3, 1)) if draw(flags) else Tensor((3,))
    # On symbols, Keras counts each text's words as if they were texts.
    drawn = settings.get("output_mode", "int") == "int"
    return Case((tensor,), settings, vague=True, dtype="string", drawn=drawn)


@cases("STFTSpectrogram")
def short_time_spectrogram(draw: DrawFn, name: str) -> Case:
    settings: dict[str, Any] = {"frame_length": draw(st.sampled_from((4, 5, 8))), "window": None}
    settings |= given(
        draw, frame_step=st.integers(1, 4), fft_length=st.sampled_from((8, 16)), expand_dims=flags,
        padding=st.sampled_from(("valid", "same")), mode=st.sampled_from(("log", "stft", "real")), data_format=formats,
    )  # fmt: skip
    first = settings.get("data_format") == "channels_first"
    size, channels = draw(st.integers(8, 20)), draw(st.integers(1, 2))
    return Case((Tensor((3, channels, size) if first else (3, size, channels)),), settings, run=not first)


@cases("MelSpectrogram")
def mel_spectrogram(draw: DrawFn, name: str) -> Case:
    settings = {"fft_length": 16, "sequence_stride": 4} | given(draw, num_mel_bins=st.integers(2, 5))
    return Case((Tensor((3, draw(st.integers(20, 40)))),), settings, vague=True)
