"""Attention and the Transformer's layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlint.shapes.registry import UNKNOWN, ShapeResult, layer, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape
from batchlint.shapes.torch.arguments import (
    Size,
    as_flag,
    as_shape,
    as_size,
    combine,
    fitted,
    require,
    resized,
    shape_of,
    without,
)
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.spatial import sequence_batch

_RANKS = (2, 3)
"""A sequence of vectors, and a batch of such."""


def _sequence(name: str, what: str, input: object, features: Size, ranks: tuple[int, ...] = _RANKS) -> Shape:
    """*input* as a sequence of vectors with *features* elements."""
    sizes = fitted(name, as_shape(input), ranks)
    require(name, what, features, sizes[-1])
    return shape_of((*sizes[:-1], features if sizes[-1] is None else sizes[-1]))


def _expects(parameter: str) -> Any:
    def expects(parameters: Mapping[str, Any]) -> Shape:
        return sequence_batch(as_size(parameters[parameter]), parameters["batch_first"])

    return expects


@layer("torch.nn.MultiheadAttention", expects=_expects("embed_dim"))
def multihead_layer(
    query: Shape,
    key: object,
    value: object,
    key_padding_mask: object = None,
    need_weights: object = True,
    attn_mask: object = None,
    average_attn_weights: object = True,
    is_causal: object = False,
    /,
    *,
    embed_dim: object,
    num_heads: object,
    dropout: object = 0.0,
    bias: object = True,
    add_bias_kv: object = False,
    add_zero_attn: object = False,
    kdim: object = None,
    vdim: object = None,
    batch_first: object = False,
) -> ShapeResult:
    """Queries ``[L, B, embed_dim]`` to the same, and the weights ``[B, L, S]`` or ``[B, heads, L, S]``."""
    name, features = "MultiheadAttention", as_size(embed_dim)
    rank = next((shape.rank for shape in map(as_shape, (query, key, value)) if shape.exact), 3)
    ranks = (rank,) if rank in _RANKS else _RANKS
    asked = _sequence(name, "features in the query", query, features, ranks)
    told = _sequence(name, "features in the key", key, features if kdim is None else as_size(kdim), ranks)
    _sequence(name, "features in the value", value, features if vdim is None else as_size(vdim), ranks)
    wanted = as_flag(need_weights)
    if not wanted:
        return asked, UNKNOWN if wanted is None else None
    first, averaged = as_flag(batch_first), as_flag(average_attn_weights)
    if averaged is None or (first is None and rank == 3):
        return asked, UNKNOWN_SHAPE
    extra = [as_flag(flag) for flag in (add_bias_kv, add_zero_attn)]
    time = 1 if first and rank == 3 else 0
    steps = combine(lambda size, *more: size + sum(more), told.leading[time], *extra)
    heads = () if averaged else (as_size(num_heads),)
    batch = (asked.leading[1 - time],) if rank == 3 else ()
    return asked, shape_of((*batch, *heads, asked.leading[time], steps))


@shape_function("torch.nn.functional.scaled_dot_product_attention")
def scaled_dot_product(
    query: Shape,
    key: object,
    value: object,
    attn_mask: object = None,
    dropout_p: object = 0.0,
    is_causal: object = False,
    scale: object = None,
    enable_gqa: object = False,
) -> Shape:
    """``[..., L, E]``, ``[..., S, E]`` and ``[..., S, F]`` to ``[..., L, F]``."""
    name = "scaled_dot_product_attention"
    queries, keys, values = as_shape(query), as_shape(key), as_shape(value)
    require(name, "features in the key", queries.dimension(-1), keys.dimension(-1))
    require(name, "steps in the value", keys.dimension(-2), values.dimension(-2))
    grouped = as_flag(enable_gqa)
    length, features = (shape.dimension(index) for shape, index in ((queries, -2), (values, -1)))
    pairs = [without(without(shape, -1), -1) for shape in (queries, keys, values)]
    if grouped is None:
        return Shape((), shape_of((length, features)).leading, exact=False)
    if grouped:
        heads = queries.dimension(-3)
        pairs = [resized(pair, -1, heads) if pair.least_rank else pair for pair in pairs]
    batch = broadcast(*pairs)
    end = shape_of((length, features)).leading
    return Shape(batch.leading + end) if batch.exact else Shape(batch.leading, batch.trailing + end, exact=False)


@layer("torch.nn.TransformerEncoderLayer", expects=_expects("d_model"))
def encoder_step(
    src: Shape,
    src_mask: object = None,
    src_key_padding_mask: object = None,
    is_causal: object = False,
    /,
    *,
    d_model: object,
    nhead: object,
    dim_feedforward: object = 2048,
    dropout: object = 0.1,
    activation: object = UNKNOWN,
    layer_norm_eps: object = 1e-05,
    batch_first: object = False,
    norm_first: object = False,
    bias: object = True,
) -> Shape:
    """``[L, B, d_model]`` stays."""
    return _sequence("TransformerEncoderLayer", "features", src, as_size(d_model))


@layer("torch.nn.TransformerEncoder")
def encoder(
    src: Shape,
    mask: object = None,
    src_key_padding_mask: object = None,
    is_causal: object = None,
    /,
    *,
    encoder_layer: object,
    num_layers: object,
    norm: object = None,
    enable_nested_tensor: object = True,
    mask_check: object = True,
) -> Shape:
    """``[L, B, F]`` stays."""
    return _sequence("TransformerEncoder", "features", src, None)


@layer("torch.nn.TransformerDecoderLayer", expects=_expects("d_model"))
def decoder_step(
    tgt: Shape,
    memory: object,
    tgt_mask: object = None,
    memory_mask: object = None,
    tgt_key_padding_mask: object = None,
    memory_key_padding_mask: object = None,
    tgt_is_causal: object = False,
    memory_is_causal: object = False,
    /,
    *,
    d_model: object,
    nhead: object,
    dim_feedforward: object = 2048,
    dropout: object = 0.1,
    activation: object = UNKNOWN,
    layer_norm_eps: object = 1e-05,
    batch_first: object = False,
    norm_first: object = False,
    bias: object = True,
) -> Shape:
    """Targets ``[L, B, d_model]`` and a memory ``[S, B, d_model]`` to ``[L, B, d_model]``."""
    _sequence("TransformerDecoderLayer", "features in the memory", memory, as_size(d_model))
    return _sequence("TransformerDecoderLayer", "features", tgt, as_size(d_model))


@layer("torch.nn.TransformerDecoder")
def decoder(
    tgt: Shape,
    memory: object,
    tgt_mask: object = None,
    memory_mask: object = None,
    tgt_key_padding_mask: object = None,
    memory_key_padding_mask: object = None,
    tgt_is_causal: object = None,
    memory_is_causal: object = False,
    /,
    *,
    decoder_layer: object,
    num_layers: object,
    norm: object = None,
) -> Shape:
    """Targets ``[L, B, F]`` and a memory ``[S, B, F]`` to ``[L, B, F]``."""
    return _sequence("TransformerDecoder", "features", tgt, None)


@layer("torch.nn.Transformer")
def transformer(
    src: Shape,
    tgt: object,
    src_mask: object = None,
    tgt_mask: object = None,
    memory_mask: object = None,
    src_key_padding_mask: object = None,
    tgt_key_padding_mask: object = None,
    memory_key_padding_mask: object = None,
    src_is_causal: object = None,
    tgt_is_causal: object = None,
    memory_is_causal: object = False,
    /,
    *,
    d_model: object = 512,
    nhead: object = 8,
    num_encoder_layers: object = 6,
    num_decoder_layers: object = 6,
    dim_feedforward: object = 2048,
    dropout: object = 0.1,
    activation: object = UNKNOWN,
    custom_encoder: object = None,
    custom_decoder: object = None,
    layer_norm_eps: object = 1e-05,
    batch_first: object = False,
    norm_first: object = False,
    bias: object = True,
) -> Shape:
    """Sources ``[S, B, d_model]`` and targets ``[L, B, d_model]`` to ``[L, B, d_model]``."""
    _sequence("Transformer", "features in the source", src, as_size(d_model))
    targets = _sequence("Transformer", "features in the target", tgt, as_size(d_model))
    return targets if custom_decoder is None else UNKNOWN_SHAPE
