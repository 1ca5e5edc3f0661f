"""Look-up tables from indices to vectors."""

from __future__ import annotations

from batchlint.shapes.dimension import unknown
from batchlint.shapes.registry import layer, shape_function
from batchlint.shapes.shape import Shape
from batchlint.shapes.torch.arguments import Size, as_flag, as_shape, as_size, combine, fitted, shape_of


def _look_up(input: object, features: Size) -> Shape:
    shape = as_shape(input)
    last = unknown() if features is None else features
    if shape.exact:
        return Shape((*shape.leading, last))
    return Shape(shape.leading, (*shape.trailing, last), exact=False)


@layer("torch.nn.Embedding")
def embedding_layer(
    input: Shape,
    /,
    num_embeddings: object,
    embedding_dim: object,
    padding_idx: object = None,
    max_norm: object = None,
    norm_type: object = 2.0,
    scale_grad_by_freq: object = False,
    sparse: object = False,
    _weight: object = None,
    _freeze: object = False,
) -> Shape:
    """``[...]`` to ``[..., embedding_dim]``."""
    return _look_up(input, as_size(embedding_dim))


@shape_function("torch.nn.functional.embedding")
def embedding(
    input: Shape,
    weight: object,
    padding_idx: object = None,
    max_norm: object = None,
    norm_type: object = 2.0,
    scale_grad_by_freq: object = False,
    sparse: object = False,
) -> Shape:
    """``[...]`` with a table ``[N, F]`` to ``[..., F]``."""
    return _look_up(input, fitted("embedding's weight", as_shape(weight), (2,))[1])


def _bag(name: str, input: object, offsets: object, features: Size, include_last_offset: object) -> Shape:
    shape = as_shape(input)
    if shape.exact:
        fitted(name, shape, (1, 2))
    if shape.rank == 2 or offsets is None:
        return shape_of((fitted(name, shape, (2,))[0] if shape.rank != 1 else None, features))
    bags = as_shape(offsets).dimension(0) if shape.rank == 1 else None
    flag = as_flag(include_last_offset)
    return shape_of((None if flag is None else combine(lambda n, f: n - f, bags, int(flag)), features))


@layer("torch.nn.EmbeddingBag")
def bag_layer(
    input: Shape,
    offsets: object = None,
    per_sample_weights: object = None,
    /,
    *,
    num_embeddings: object,
    embedding_dim: object,
    max_norm: object = None,
    norm_type: object = 2.0,
    scale_grad_by_freq: object = False,
    mode: object = "mean",
    sparse: object = False,
    _weight: object = None,
    include_last_offset: object = False,
    padding_idx: object = None,
) -> Shape:
    """``[B, N]``, or ``[N]`` with offsets ``[B]``, to ``[B, embedding_dim]``."""
    return _bag("EmbeddingBag", input, offsets, as_size(embedding_dim), include_last_offset)


@shape_function("torch.nn.functional.embedding_bag")
def bag(
    input: Shape,
    weight: object,
    offsets: object = None,
    max_norm: object = None,
    norm_type: object = 2,
    scale_grad_by_freq: object = False,
    mode: object = "mean",
    sparse: object = False,
    per_sample_weights: object = None,
    include_last_offset: object = False,
    padding_idx: object = None,
) -> Shape:
    """``[B, N]``, or ``[N]`` with offsets ``[B]``, and a table ``[K, F]`` to ``[B, F]``."""
    features = fitted("embedding_bag's weight", as_shape(weight), (2,))[1]
    return _bag("embedding_bag", input, offsets, features, include_last_offset)
