"""Losses of TensorFlow and Keras as functions: a number for each sample or element, in TensorFlow 1 a mean of all."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import unify
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, first_given
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import axis_of, reach_of

__all__ = ["CLASS_INDEX_LOSSES", "CLASS_LOSSES", "ELEMENTWISE_LOSSES", "REDUCED_LOSSES", "SAMPLE_LOSSES"]

ELEMENTWISE_LOSSES = (
    "tensorflow.nn.sigmoid_cross_entropy_with_logits",
    "tensorflow.nn.weighted_cross_entropy_with_logits",
    "keras.ops.binary_crossentropy",
    "keras.backend.binary_crossentropy",
)
"""Losses that give a number for each element."""

_MEANS = """
MAE MAPE MSE MSLE binary_crossentropy binary_focal_crossentropy categorical_hinge cosine_similarity hinge huber
kl_divergence log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error mean_squared_error
mean_squared_logarithmic_error mse msle poisson squared_hinge
""".split()

SAMPLE_LOSSES = tuple(
    f"{place}.{name}"
    for place in ("keras.losses", "keras.metrics", "tensorflow.losses")
    for name in _MEANS
    if f"{place}.{name}" != "tensorflow.losses.mean_squared_error"
)
"""Keras' losses that compare elements and give their mean along the last dimension."""

_CLASS_LOSSES = (
    "keras.losses.categorical_crossentropy",
    "keras.losses.categorical_focal_crossentropy",
    "keras.metrics.categorical_crossentropy",
    "tensorflow.losses.categorical_crossentropy",
)

CLASS_INDEX_LOSSES = (
    "tensorflow.nn.sparse_softmax_cross_entropy_with_logits",
    "keras.ops.sparse_categorical_crossentropy",
    "keras.backend.sparse_categorical_crossentropy",
    "keras.losses.sparse_categorical_crossentropy",
    "keras.metrics.sparse_categorical_crossentropy",
    "tensorflow.losses.sparse_categorical_crossentropy",
)
"""Losses of a score for each class against the class's index."""

CLASS_LOSSES = (
    "tensorflow.nn.softmax_cross_entropy_with_logits",
    "tensorflow.nn.softmax_cross_entropy_with_logits_v2",
    "keras.ops.categorical_crossentropy",
    "keras.backend.categorical_crossentropy",
    *_CLASS_LOSSES,
)
"""Losses of a score for each class against its probability."""

REDUCED_LOSSES = tuple(
    f"tensorflow.losses.{name}"
    for name in """
    absolute_difference cosine_distance hinge_loss huber_loss log_loss mean_pairwise_squared_error sigmoid_cross_entropy
    softmax_cross_entropy sparse_softmax_cross_entropy
    """.split()
)
"""TensorFlow 1's losses, which give the mean of all by default."""


def _alike(name: str, first: Shape, second: Shape) -> Shape:
    """The one shape of two tensors that must have the same.

    Raises:
        ShapeMismatch: they are certain not to.
    """

    def at_known_rank(one: Shape, other: Shape) -> Shape:
        message = f"{name} expects two tensors of one shape, got {one} and {other}"
        if len(one.leading) != len(other.leading):
            raise ShapeMismatch(message)
        return Shape(tuple([unify(a, b, message) for a, b in zip(one.leading, other.leading)]))

    return UNKNOWN_SHAPE if first == second == UNKNOWN_SHAPE else over_ranks(at_known_rank, first, second)


@shape_function("tensorflow.nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy(labels: Any = None, logits: Any = None, name: Any = None, **old: Any) -> Shape:
    """The shape of both."""
    targets = first_given(labels, old.get("targets"))
    return _alike("sigmoid_cross_entropy_with_logits", as_tensor(targets), as_tensor(logits))


@shape_function("tensorflow.nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: Any = None, targets: Any = None
) -> Shape:
    """The shape of both."""
    return _alike("weighted_cross_entropy_with_logits", as_tensor(first_given(labels, targets)), as_tensor(logits))


@shape_function("keras.backend.binary_crossentropy")
def binary_crossentropy_backend(target: Any, output: Any, from_logits: Any = False) -> Shape:
    """Both, broadcast."""
    return broadcast(as_tensor(target), as_tensor(output))


@shape_function("keras.ops.binary_crossentropy")
def binary_crossentropy(target: Any, output: Any, from_logits: Any = False) -> Shape:
    """The shape of both."""
    return _alike("binary_crossentropy", as_tensor(target), as_tensor(output))


def _without(shape: Shape, axis: Any) -> Shape:
    if not isinstance(axis, int):
        return UNKNOWN_SHAPE

    def at_known_rank(known: Shape) -> Shape:
        if not known.leading:
            return known
        at = axis_of(len(known.leading), axis)
        return Shape(known.leading[:at] + known.leading[at + 1 :])

    return over_ranks(at_known_rank, shape, reach=reach_of((axis,)))


@shape_function("tensorflow.nn.softmax_cross_entropy_with_logits", "tensorflow.nn.softmax_cross_entropy_with_logits_v2")
def softmax_cross_entropy(
    labels: Any = UNKNOWN, logits: Any = UNKNOWN, axis: Any = None, name: Any = None, dim: Any = None, **_: Any
) -> Shape:
    """Scores and probabilities without *axis*, the last by default."""
    chosen = first_given(axis, dim)
    return _without(broadcast(as_tensor(labels), as_tensor(logits)), -1 if chosen is None else chosen)


@shape_function("keras.ops.categorical_crossentropy", "keras.backend.categorical_crossentropy")
def categorical_crossentropy(target: Any, output: Any, from_logits: Any = False, axis: Any = -1) -> Shape:
    """Scores and probabilities, of one shape, without *axis*."""
    return _without(_alike("categorical_crossentropy", as_tensor(target), as_tensor(output)), axis)


@shape_function(*_CLASS_LOSSES)
def categorical_loss(y_true: Any, y_pred: Any, *_: Any, axis: Any = -1, **__: Any) -> Shape:
    """Scores and probabilities without *axis*."""
    return UNKNOWN_SHAPE if _ else _without(as_tensor(y_pred), axis)


@shape_function("tensorflow.nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy(labels: Any = UNKNOWN, logits: Any = UNKNOWN, name: Any = None, **_: Any) -> Shape:
    """``[...]`` and ``[..., C]`` to ``[...]``.

    Raises:
        ShapeMismatch: the scores are certain not to have one dimension more, or another differs.
    """

    def at_known_rank(indices: Shape, scores: Shape) -> Shape:
        message = f"sparse_softmax_cross_entropy_with_logits of labels {indices} and logits {scores}"
        if len(scores.leading) != len(indices.leading) + 1:
            raise ShapeMismatch(message)
        return Shape(tuple([unify(a, b, message) for a, b in zip(indices.leading, scores.leading)]))

    first, second = as_tensor(labels), as_tensor(logits)
    if first.rank is not None and second.rank is not None and first.rank == second.rank + 1:
        # Before TensorFlow 1.0 the scores came first.
        first, second = second, first
    return UNKNOWN_SHAPE if first == second == UNKNOWN_SHAPE else over_ranks(at_known_rank, first, second)


@shape_function("keras.ops.sparse_categorical_crossentropy", "keras.backend.sparse_categorical_crossentropy")
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: Any = False, axis: Any = -1) -> Shape:
    """The scores without *axis*."""
    return _without(as_tensor(output), axis)


@shape_function(
    "keras.losses.sparse_categorical_crossentropy",
    "keras.metrics.sparse_categorical_crossentropy",
    "tensorflow.losses.sparse_categorical_crossentropy",
)
def sparse_categorical_loss(
    y_true: Any, y_pred: Any, from_logits: Any = False, ignore_class: Any = None, axis: Any = -1
) -> Shape:
    """The scores without *axis*."""
    return _without(as_tensor(y_pred), axis)


@shape_function(*SAMPLE_LOSSES)
def sample_loss(y_true: Any, y_pred: Any, *_: Any, axis: Any = -1, **__: Any) -> Shape:
    """Both, broadcast, without the last dimension.

    Of ``[B]`` and ``[B, 1]`` Keras 3 makes ``[B, 1]``, Keras 2 broadcasts them to ``[B, B]``: the result is ``[B]``.
    """
    return UNKNOWN_SHAPE if axis != -1 else over_ranks(_compared, as_tensor(y_true), as_tensor(y_pred))


def _compared(one: Shape, other: Shape) -> Shape:
    shorter, longer = sorted((one.leading, other.leading), key=len)
    if len(longer) == len(shorter) + 1 and longer[-1] == 1:
        shorter = (*shorter, 1)
    sizes = broadcast(Shape(longer), Shape(shorter)).leading
    return Shape(sizes[:-1])


@shape_function(*REDUCED_LOSSES)
def reduced_loss(*_: Any, reduction: Any = None, **__: Any) -> ShapeResult:
    """A number, unless another *reduction* is asked for."""
    return Shape() if reduction is None and len(_) < 4 else UNKNOWN


@shape_function("tensorflow.losses.mean_squared_error")
def mean_squared_error(*_: Any, labels: Any = None, predictions: Any = None, **__: Any) -> ShapeResult:
    """TensorFlow 1's gives a number, TensorFlow 2's one for each sample: the names of the arguments tell."""
    if (labels is None and predictions is None) or "reduction" in __:
        return UNKNOWN
    return Shape()
