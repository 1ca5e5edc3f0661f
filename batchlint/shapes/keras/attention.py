"""Attention: the queries' shape, with the features of what is attended to."""

from __future__ import annotations

from batchlint.shapes.keras.arguments import REQUIRED, WEIGHTS, keras_layer
from batchlint.shapes.registry import UNKNOWN, ShapeResult
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_flag, as_shape, as_size, as_sizes, replace_last, shape_of

__all__: list[str] = []


def _with_scores(output: Shape, scores: Shape, return_attention_scores: object) -> ShapeResult:
    flag = as_flag(return_attention_scores) if return_attention_scores is not None else False
    if flag is None:
        return UNKNOWN
    return (output, scores) if flag else output


def _attended(name: str, inputs: object, return_attention_scores: object) -> ShapeResult:
    """``[B, Tq, F]`` and ``[B, Tv, G]`` to ``[B, Tq, G]``."""
    if not isinstance(inputs, (tuple, list)):
        return UNKNOWN
    if not 2 <= len(inputs) <= 3:
        raise ShapeMismatch(f"{name} expects 2 or 3 tensors, got {len(inputs)}")
    query, value = as_shape(inputs[0]), as_shape(inputs[1])
    scores = UNKNOWN_SHAPE
    if query.exact and value.exact and len(query.leading) == len(value.leading) == 3:
        scores = Shape((*query.leading[:-1], value.leading[1]))
    if not query.exact or len(query.leading) < 2:
        return _with_scores(Shape(query.leading[:1], (), exact=False), scores, return_attention_scores)
    features = value.leading[-1] if value.exact and value.leading else (value.trailing or (None,))[-1]
    return _with_scores(shape_of((*query.leading[:-1], features)), scores, return_attention_scores)


@keras_layer("Attention", parameters={"use_scale": False, "score_mode": "dot", "dropout": 0.0, "seed": None})
def attention(
    inputs: object,
    mask: object = None,
    training: object = None,
    return_attention_scores: object = None,
    use_causal_mask: object = None,
    /,
) -> ShapeResult:
    """Queries, values and perhaps keys to the values that each query attends to."""
    return _attended("Attention", inputs, return_attention_scores)


@keras_layer("AdditiveAttention", parameters={"use_scale": True, "dropout": 0.0})
def additive_attention(
    inputs: object,
    mask: object = None,
    training: object = None,
    return_attention_scores: object = None,
    use_causal_mask: object = None,
    /,
) -> ShapeResult:
    """Queries, values and perhaps keys to the values that each query attends to."""
    return _attended("AdditiveAttention", inputs, return_attention_scores)


def _projected(
    query: object, value: object, heads: Size, output_shape: object, return_attention_scores: object
) -> ShapeResult:
    shape, attended = as_shape(query), as_shape(value)
    scores = UNKNOWN_SHAPE
    if shape.exact and len(shape.leading) == 3:
        batch, steps, _ = shape.leading
        others = attended.leading[1] if attended.exact and len(attended.leading) == 3 else None
        # Keras draws the keys' number as the queries', and runs with the keys' own.
        scores = shape_of((batch, heads, steps, others if others == steps else None))
    output = shape
    if output_shape is not None:
        sizes = as_sizes(output_shape)
        if sizes is None:
            output = replace_last(shape, as_size(output_shape))
        elif shape.exact and shape.leading:
            output = shape_of((*shape.leading[:-1], *sizes))
        else:
            output = Shape(shape.leading[:1], (), exact=False)
    return _with_scores(output, scores, return_attention_scores)


@keras_layer(
    "MultiHeadAttention",
    parameters={
        "num_heads": REQUIRED,
        "key_dim": REQUIRED,
        "value_dim": None,
        "dropout": 0.0,
        "use_bias": True,
        "output_shape": None,
        "attention_axes": None,
        "sliding_window": None,
        "flash_attention": None,
        **WEIGHTS,
        "use_gate": False,
        "seed": None,
    },
)
def multi_head_attention(
    query: Shape,
    value: object = None,
    key: object = None,
    query_mask: object = None,
    value_mask: object = None,
    key_mask: object = None,
    attention_mask: object = None,
    return_attention_scores: object = None,
    training: object = None,
    use_causal_mask: object = None,
    /,
    *,
    num_heads: object,
    output_shape: object,
    attention_axes: object,
) -> ShapeResult:
    """``[B, Tq, F]`` stays as it is unless *output_shape* says otherwise; the scores are ``[B, heads, Tq, Tv]``."""
    result = _projected(query, value, as_size(num_heads), output_shape, return_attention_scores)
    if attention_axes is not None and isinstance(result, tuple):
        return (result[0], UNKNOWN)
    return result


@keras_layer(
    "GroupQueryAttention",
    parameters={
        "head_dim": REQUIRED,
        "num_query_heads": REQUIRED,
        "num_key_value_heads": REQUIRED,
        "dropout": 0.0,
        "use_bias": True,
        "sliding_window": None,
        "flash_attention": None,
        **WEIGHTS,
        "use_gate": False,
        "seed": None,
    },
)
def grouped_query_attention(
    query: Shape,
    value: object = None,
    key: object = None,
    query_mask: object = None,
    value_mask: object = None,
    key_mask: object = None,
    attention_mask: object = None,
    return_attention_scores: object = None,
    training: object = None,
    use_causal_mask: object = None,
    /,
    *,
    num_query_heads: object,
) -> ShapeResult:
    """``[B, Tq, F]`` stays as it is; the scores are ``[B, heads, Tq, Tv]``."""
    return _projected(query, value, as_size(num_query_heads), None, return_attention_scores)
