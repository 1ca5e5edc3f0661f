"""Layers that turn features into what a model takes: scaled, counted, looked up, split into words or frequencies."""

from __future__ import annotations

from typing import Any, Final

from batchlint.shapes.dimension import unknown
from batchlint.shapes.keras.arguments import REQUIRED, keras_layer, read_images
from batchlint.shapes.keras.convolution import convolve
from batchlint.shapes.keras.dense import append
from batchlint.shapes.registry import UNKNOWN, ShapeResult
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_flag, as_shape, as_size, as_tuple, combine, shape_of

__all__: list[str] = []

_EXPERIMENTAL: Final = "experimental.preprocessing"
_COUNTED: Final = ("multi_hot", "count", "tf_idf")
"""Modes in which a sample is counted as a whole."""


@keras_layer(
    "Normalization",
    f"{_EXPERIMENTAL}.Normalization",
    parameters={"axis": -1, "mean": None, "variance": None, "invert": False},
)
def normalization(inputs: Shape, /) -> ShapeResult:
    """The shape stays."""
    return inputs if isinstance(inputs, Shape) else UNKNOWN


def _encoded(inputs: object, mode: object, depth: Size) -> ShapeResult:
    """Whole numbers, as they are or encoded with *depth* elements for each, or for each sample."""
    if not isinstance(inputs, Shape):
        return UNKNOWN
    if mode == "int":
        return inputs
    if not inputs.exact or not inputs.leading or mode not in ("one_hot", *_COUNTED):
        return UNKNOWN_SHAPE
    rank = len(inputs.leading)
    if mode in _COUNTED:
        # A vector is one sample; of more than two dimensions not all modes drop the last.
        return shape_of((*inputs.leading[:-1], depth)) if rank <= 2 else UNKNOWN_SHAPE
    last = inputs.leading[-1]
    if rank > 1 and not isinstance(last, int):
        return Shape(inputs.leading[: rank - 1], (), exact=False)
    return append(Shape(inputs.leading[:-1]) if rank > 1 and last == 1 else inputs, depth)


@keras_layer(
    "Discretization",
    f"{_EXPERIMENTAL}.Discretization",
    parameters={
        "bin_boundaries": None,
        "num_bins": None,
        "epsilon": 0.01,
        "output_mode": "int",
        "sparse": False,
        "dtype": None,
        "name": None,
    },
)
def discretization(inputs: Shape, /, *, bin_boundaries: object, output_mode: object) -> ShapeResult:
    """Each number to the bin that it is in."""
    boundaries = as_tuple(bin_boundaries)
    depth = None if boundaries is None else len(boundaries) + 1
    return _encoded(inputs, output_mode, depth)


@keras_layer(
    "CategoryEncoding",
    f"{_EXPERIMENTAL}.CategoryEncoding",
    parameters={"num_tokens": None, "output_mode": "multi_hot", "sparse": False},
)
def category_encoding(
    inputs: Shape, count_weights: object = None, /, *, num_tokens: object, output_mode: object
) -> ShapeResult:
    """Whole numbers to vectors of *num_tokens* elements."""
    return _encoded(inputs, output_mode, as_size(num_tokens))


@keras_layer(
    "Hashing",
    f"{_EXPERIMENTAL}.Hashing",
    parameters={"num_bins": REQUIRED, "mask_value": None, "salt": None, "output_mode": "int", "sparse": False},
)
def hashing(inputs: Shape, /, *, num_bins: object, output_mode: object) -> ShapeResult:
    """Each element to one of *num_bins* numbers."""
    return _encoded(inputs, output_mode, as_size(num_bins))


@keras_layer(
    "HashedCrossing",
    parameters={"num_bins": REQUIRED, "output_mode": "int", "sparse": False, "name": None, "dtype": None},
)
def hashed_crossing(inputs: object, /, *, output_mode: object) -> ShapeResult:
    """Two features to one."""
    if not isinstance(inputs, (tuple, list)) or not inputs or output_mode != "int":
        return UNKNOWN
    return inputs[0] if isinstance(inputs[0], Shape) else UNKNOWN


def _vocabulary(max_tokens: object, pad_to_max_tokens: object) -> Size:
    return as_size(max_tokens) if pad_to_max_tokens is True else None


_TOKENS: Final[dict[str, Any]] = {"max_tokens": None, "num_oov_indices": 1, "mask_token": None}


@keras_layer(
    "StringLookup",
    f"{_EXPERIMENTAL}.StringLookup",
    parameters={
        **_TOKENS,
        "oov_token": "[UNK]",
        "vocabulary": None,
        "idf_weights": None,
        "invert": False,
        "output_mode": "int",
        "pad_to_max_tokens": False,
        "sparse": False,
        "encoding": "utf-8",
        "name": None,
        "salt": None,
    },
)
def string_lookup(
    inputs: Shape, /, *, max_tokens: object, output_mode: object, pad_to_max_tokens: object
) -> ShapeResult:
    """Each word to its number, or a sample to an element for each word there is."""
    return _encoded(inputs, output_mode, _vocabulary(max_tokens, pad_to_max_tokens))


@keras_layer(
    "IntegerLookup",
    f"{_EXPERIMENTAL}.IntegerLookup",
    parameters={
        **_TOKENS,
        "oov_token": -1,
        "vocabulary": None,
        "vocabulary_dtype": "int64",
        "idf_weights": None,
        "invert": False,
        "output_mode": "int",
        "sparse": False,
        "pad_to_max_tokens": False,
        "oov_method": "floormod",
        "salt": None,
        "name": None,
    },
)
def integer_lookup(
    inputs: Shape, /, *, max_tokens: object, output_mode: object, pad_to_max_tokens: object
) -> ShapeResult:
    """Each whole number to its place in the vocabulary, or a sample to an element for each."""
    return _encoded(inputs, output_mode, _vocabulary(max_tokens, pad_to_max_tokens))


@keras_layer(
    "TextVectorization",
    f"{_EXPERIMENTAL}.TextVectorization",
    parameters={
        "max_tokens": None,
        "standardize": "lower_and_strip_punctuation",
        "split": "whitespace",
        "ngrams": None,
        "output_mode": "int",
        "output_sequence_length": None,
        "pad_to_max_tokens": False,
        "vocabulary": None,
        "idf_weights": None,
        "sparse": False,
        "ragged": False,
        "encoding": "utf-8",
        "name": None,
    },
)
def text_vectorization(
    inputs: Shape,
    /,
    *,
    max_tokens: object,
    split: object,
    output_mode: object,
    output_sequence_length: object,
    pad_to_max_tokens: object,
    ragged: object,
) -> ShapeResult:
    """``[B]`` or ``[B, 1]`` texts to ``[B, T]`` words, or to ``[B, words]`` counts."""
    shape = as_shape(inputs)
    if ragged is not False or split is None or not shape.exact or not 1 <= len(shape.leading) <= 2:
        return UNKNOWN
    batch = shape.leading[0]
    if output_mode == "int":
        length = as_size(output_sequence_length)
        return Shape((batch, unknown(minimum=0) if length is None else length))
    return shape_of((batch, _vocabulary(max_tokens, pad_to_max_tokens)))


@keras_layer(
    "STFTSpectrogram",
    parameters={
        "mode": "log",
        "frame_length": 256,
        "frame_step": None,
        "fft_length": None,
        "window": "hann",
        "periodic": False,
        "scaling": "density",
        "padding": "valid",
        "expand_dims": False,
        "data_format": None,
    },
)
def short_time_spectrogram(
    inputs: Shape,
    /,
    *,
    mode: object,
    frame_length: object,
    frame_step: object,
    fft_length: object,
    padding: object,
    expand_dims: object,
    data_format: object,
) -> ShapeResult:
    """``[B, T, C]`` to the frequencies of each frame, ``[B, frames, C*frequencies]``."""
    images = read_images("STFTSpectrogram", inputs, 1, data_format)
    length = as_size(frame_length)
    step = combine(lambda n: n // 2, length) if frame_step is None else as_size(frame_step)
    whole = as_size(fft_length)
    if fft_length is None and isinstance(length, int) and length > 0:
        whole = 1 << (length - 1).bit_length()
    frequencies = combine(lambda n: n // 2 + 1, whole)
    if not isinstance(mode, str):
        frequencies = None
    elif mode == "stft":
        frequencies = combine(lambda n: 2 * n, frequencies)
    features = combine(lambda c, f: c * f, images.channels, frequencies)
    framed = convolve("STFTSpectrogram", images, features, length, step, padding, 1)
    expanded = as_flag(expand_dims)
    if expanded is None:
        return Shape(framed.leading[:1], (), exact=False)
    if not expanded:
        return framed
    if images.last is None:
        return shape_of((framed.leading[0], None, None, None))
    if images.last:
        return shape_of((*framed.leading[:2], frequencies, images.channels))
    return shape_of((framed.leading[0], images.channels, framed.leading[2], frequencies))


@keras_layer(
    "MelSpectrogram",
    parameters={
        "fft_length": 2048,
        "sequence_stride": 512,
        "sequence_length": None,
        "window": "hann",
        "sampling_rate": 16000,
        "num_mel_bins": 128,
        "min_freq": 20.0,
        "max_freq": None,
        "power_to_db": True,
        "top_db": 80.0,
        "mag_exp": 2.0,
        "min_power": 1e-10,
        "ref_power": 1.0,
    },
)
def mel_spectrogram(inputs: Shape, /, *, num_mel_bins: object) -> Shape:
    """``[B, T]`` to ``[B, bins, frames]``, and ``[T]`` to ``[bins, frames]``."""
    shape = as_shape(inputs)
    if not shape.exact:
        return UNKNOWN_SHAPE
    if not 1 <= len(shape.leading) <= 2:
        raise ShapeMismatch(f"MelSpectrogram expects a tensor of 1 or 2 dimensions, got {shape}")
    # Its frames are counted otherwise where it is drawn than where it runs.
    return shape_of((*shape.leading[:-1], as_size(num_mel_bins), None))


@keras_layer("Lambda", parameters={"function": REQUIRED, "output_shape": None, "mask": None, "arguments": None})
def function_layer(inputs: object, mask: object = None, training: object = None, /) -> ShapeResult:
    """Whatever the function gives."""
    return UNKNOWN
