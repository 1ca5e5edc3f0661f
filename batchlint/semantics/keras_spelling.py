"""How Keras 1 spelt the arguments of its layers, and the default layout of images that a file may change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from batchlint.semantics.values import TRUE, UNKNOWN, Integer, Sequence, Value
from batchlint.shapes.registry import LAYERS

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["as_written_today"]

_CONVOLUTION = re.compile(r"keras\.layers\.(?:Convolution|Conv|AtrousConvolution|Deconvolution)([123])D(?:Transpose)?$")
_RENAMED = {
    "border_mode": "padding",
    "inner_activation": "recurrent_activation",
    "nb_filter": "filters",
    "pool_length": "pool_size",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
    "filter_length": "kernel_size",
    "atrous_rate": "dilation_rate",
}
_KERNELS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
_UNITS = re.compile(r"keras\.layers\.(?:Dense|LSTM|GRU|SimpleRNN|TimeDistributedDense)$")
_OLD = frozenset({*_RENAMED, "dim_ordering", "nb_row", "init"}) - {"stride"}
_KERAS_1 = "Keras 1"
"""The key under which the evaluator remembers that the file is written for it."""

Arguments = tuple[tuple[Value, ...], dict[str, Value]]


def as_written_today(
    ev: Evaluator, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Arguments:
    """The arguments of a layer's constructor as Keras 2 and 3 have them; what is not certain of them is unknown."""
    given = dict(keywords)
    convolution = _CONVOLUTION.match(name)
    axes = int(convolution.group(1)) if convolution is not None else 0
    old = bool(_OLD & given.keys())
    sizes = arguments[1 : 1 + axes]
    if axes > 1 and len(arguments) > axes and all(isinstance(size, Integer) for size in sizes):
        # `Convolution2D(32, 3, 3)`: a kernel for Keras 1 and for Keras 2, a kernel and a stride for Keras 3.
        kernel: Value = Sequence(sizes) if old else UNKNOWN
        arguments = (arguments[0], kernel)
        if not old:
            given["strides"] = UNKNOWN
            old = True
    if old:
        ev.memory[(_KERAS_1,)] = TRUE
        given = {_RENAMED.get(key, key): value for key, value in given.items()}
        for names in _KERNELS:
            if names[0] in given and names[1] in given:
                given["kernel_size"] = Sequence(tuple(given.pop(each) for each in names if each in given))
    if "output_dim" in given and _UNITS.match(name):
        given["units"] = given.pop("output_dim")
    shape = LAYERS.get(name)
    if shape is not None and "data_format" in shape.parameters and "data_format" not in given:
        position = shape.parameters.index("data_format")
        moved = ev.facts.called_names & {"set_image_data_format", "set_image_dim_ordering"}
        if len(arguments) <= position and (moved or (_KERAS_1,) in ev.memory):
            # Keras 1 had the channels first with Theano, last with TensorFlow: the user's settings decided.
            given["data_format"] = UNKNOWN
    return arguments, given
