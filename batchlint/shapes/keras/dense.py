"""Dense layers, einsum layers and embeddings."""

from __future__ import annotations

from typing import Any, Final

from batchlint.shapes.dimension import unknown
from batchlint.shapes.keras.arguments import REQUIRED, WEIGHTS, keras_layer
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_flag, as_shape, as_size, as_sizes, replace_last, require, shape_of

__all__ = ["append", "dense"]

_ADAPTATION: Final = {"lora_rank": None, "lora_alpha": None}


def dense(layer: str, input: object, units: Size) -> Shape:
    """*input* with *units* in its last dimension.

    Raises:
        ShapeMismatch: it has no dimension beside the batch.
    """
    shape = as_shape(input)
    if shape.exact and len(shape.leading) < 2:
        raise ShapeMismatch(f"{layer} expects a tensor of at least 2 dimensions, got {shape}")
    return replace_last(shape, units)


def append(shape: Shape, size: Size) -> Shape:
    """*shape* with one dimension more at its end."""
    new = unknown() if size is None else size
    if shape.exact:
        return Shape((*shape.leading, new))
    return Shape(shape.leading, (*shape.trailing, new), exact=False)


@keras_layer(
    "Dense",
    parameters={
        "units": REQUIRED, "activation": None, "use_bias": True, **WEIGHTS, **_ADAPTATION, "quantization_config": None
    },
)  # fmt: skip
def dense_layer(inputs: Shape, training: object = None, /, *, units: object) -> Shape:
    """``[B, ..., F]`` to ``[B, ..., units]``."""
    return dense("Dense", inputs, as_size(units))


def _labelled(labels: str, sizes: tuple[Any, ...]) -> dict[str, Any] | None:
    """The size of each label, the ellipsis's by their place; ``None`` where the number of dimensions does not fit."""
    before, dots, after = labels.partition("...")
    hidden = len(sizes) - len(before) - len(after)
    if hidden < 0 or (hidden and not dots):
        return None
    names = [*before, *(f".{place}" for place in range(hidden)), *after]
    return dict(zip(names, sizes))


def _einsum(equation: str, sizes: tuple[Any, ...], given: tuple[Size, ...]) -> Shape:
    operands, _, result = equation.replace(" ", "").partition("->")
    of_input = _labelled(operands.partition(",")[0], sizes)
    if of_input is None:
        # Keras does not look, and some equations run all the same.
        return UNKNOWN_SHAPE
    before, dots, after = result.partition("...")
    hidden = [label for label in of_input if label.startswith(".")]
    labels = [*before, *(hidden if dots else ()), *after]
    # The constructor's sizes leave the batch out, and what an ellipsis stands for.
    named = [label for label in labels if not label.startswith(".")]
    wanted = dict(zip(reversed(named), reversed(given))) if not before else dict(zip(named[1:], given))
    out: list[Size] = []
    for label in labels:
        size = wanted.get(label)
        there = of_input.get(label)
        require("EinsumDense", f"elements along {label}", size, there)
        out.append(there if there is not None else size)
    return shape_of(out)


@keras_layer(
    "EinsumDense",
    "experimental.EinsumDense",
    parameters={
        "equation": REQUIRED,
        "output_shape": REQUIRED,
        "activation": None,
        "bias_axes": None,
        **{name: default for name, default in WEIGHTS.items() if name != "activity_regularizer"},
        **_ADAPTATION,
        "gptq_unpacked_column_size": None,
        "quantization_config": None,
    },
)
def einsum_dense(inputs: Shape, training: object = None, /, *, equation: object, output_shape: object) -> Shape:
    """What the equation says, with the sizes that it adds."""
    shape = as_shape(inputs)
    sizes = as_sizes(output_shape)
    if sizes is None:
        sizes = (as_size(output_shape),)
    if not isinstance(equation, str) or "->" not in equation:
        return UNKNOWN_SHAPE
    labels = equation.partition(",")[0].replace(" ", "")
    if "..." not in labels and not shape.exact:
        rank = len(labels)
        back = shape.trailing[max(len(shape.leading) + len(shape.trailing) - rank, 0) :]
        missing = [unknown() for _ in range(rank - len(shape.leading) - len(back))]
        shape = Shape((*shape.leading[:rank], *missing, *back))
    return over_ranks(lambda known: _einsum(equation, known.leading, sizes), shape, reach=len(labels))


@keras_layer(
    "Embedding",
    parameters={
        "input_dim": REQUIRED,
        "output_dim": REQUIRED,
        "embeddings_initializer": "uniform",
        "embeddings_regularizer": None,
        "embeddings_constraint": None,
        "mask_zero": False,
        "weights": None,
        **_ADAPTATION,
        "quantization_config": None,
    },
)
def embedding(inputs: Shape, /, *, output_dim: object) -> Shape:
    """``[B, ...]`` to ``[B, ..., output_dim]``."""
    return append(as_shape(inputs), as_size(output_dim))


@keras_layer(
    "ReversibleEmbedding",
    parameters={
        "input_dim": REQUIRED,
        "output_dim": REQUIRED,
        "tie_weights": True,
        "embeddings_initializer": "uniform",
        "embeddings_regularizer": None,
        "embeddings_constraint": None,
        "mask_zero": False,
        "reverse_dtype": None,
        "logit_soft_cap": None,
    },
)
def reversible_embedding(inputs: Shape, reverse: object = False, /, *, input_dim: object, output_dim: object) -> Shape:
    """``[B, ...]`` to ``[B, ..., output_dim]``; reversed, ``[B, ..., output_dim]`` to ``[B, ..., input_dim]``."""
    backwards = as_flag(reverse) if reverse is not None else False
    if backwards is None:
        return UNKNOWN_SHAPE
    shape = as_shape(inputs)
    return replace_last(shape, as_size(input_dim)) if backwards else append(shape, as_size(output_dim))
