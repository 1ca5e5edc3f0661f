"""What a layer keeps of its constructor's arguments, and the shapes of its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from batchlint.semantics.values import NONE, Constant, Integer, Layer, Sequence, Source, Tensor, Value
from batchlint.shapes.dimension import Dimension, Expression, floor_divide
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

__all__ = ["layer_attribute"]

_CONVOLUTION = re.compile(r"^torch\.nn\.(?:Lazy)?Conv(Transpose)?([123])d$")
_PER_AXIS = frozenset({"kernel_size", "stride", "padding", "dilation", "output_padding"})
_LAYER_NORMS = frozenset({"torch.nn.LayerNorm", "torch.nn.RMSNorm"})
_FLAG_BIAS = frozenset({"torch.nn.RNN", "torch.nn.LSTM", "torch.nn.GRU", "torch.nn.RNNCell", "torch.nn.LSTMCell",
                        "torch.nn.GRUCell"})  # fmt: skip
"""Layers whose ``bias`` says whether there is one."""


def layer_attribute(layer: Layer, name: str) -> Value | None:
    """``layer.name``, ``None`` where nothing is known of it."""
    if name == "weight":
        return Tensor(_weight(layer), frozenset({Source.PARAMETER}))
    if name == "bias" and layer.name not in _FLAG_BIAS:
        given = layer.values.get("bias")
        if isinstance(given, Constant) and given.value is False:
            return NONE
        known = given is None or (isinstance(given, Constant) and given.value is True)
        return Tensor(UNKNOWN_SHAPE, frozenset({Source.PARAMETER}), opaque=not known)
    value = layer.values.get(name)
    if isinstance(value, Integer):
        convolution = _CONVOLUTION.match(layer.name)
        if convolution is not None and name in _PER_AXIS:
            return Sequence((value,) * int(convolution.group(2)))
        if layer.name in _LAYER_NORMS and name == "normalized_shape":
            return Sequence((value,))
    return value


def _size(value: Any) -> Dimension | None:
    return value if isinstance(value, int | Expression) and not isinstance(value, bool) else None


def _sizes(*values: Any) -> Shape:
    sizes = [size for size in map(_size, values) if size is not None]
    return Shape(tuple(sizes)) if len(sizes) == len(values) else UNKNOWN_SHAPE


_WEIGHTS: dict[str, Callable[[Mapping[str, Any]], Shape]] = {
    "torch.nn.Linear": lambda given: _sizes(given["out_features"], given["in_features"]),
    "torch.nn.Embedding": lambda given: _sizes(given["num_embeddings"], given["embedding_dim"]),
    **{f"torch.nn.BatchNorm{n}d": lambda given: _sizes(given["num_features"]) for n in (1, 2, 3)},
}


def _weight(layer: Layer) -> Shape:
    given = layer.arguments
    convolution = _CONVOLUTION.match(layer.name)
    if convolution is not None and "Lazy" not in layer.name:
        kernel = given["kernel_size"]
        kernel = kernel if isinstance(kernel, tuple) else (kernel,) * int(convolution.group(2))
        first, second, groups = given["out_channels"], given["in_channels"], _size(given["groups"])
        if convolution.group(1):
            first, second = second, first
        second = _size(second)
        return UNKNOWN_SHAPE if second is None or not groups else _sizes(first, floor_divide(second, groups), *kernel)
    weight = _WEIGHTS.get(layer.name)
    return UNKNOWN_SHAPE if weight is None else weight(given)
