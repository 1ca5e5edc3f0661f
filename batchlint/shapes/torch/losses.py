"""Losses, as layers and as functions: a scalar, or with ``reduction="none"`` the shape of what is compared."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from batchlint.shapes.bounds import unify
from batchlint.shapes.registry import UNKNOWN, ShapeResult, layer
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import (
    REQUIRED,
    as_shape,
    as_size,
    as_sizes,
    fitted,
    register_function,
    register_layer,
    require,
    require_rank,
    shape_of,
    without,
)
from batchlint.shapes.torch.broadcasting import broadcast

SCALAR = Shape()
"""The shape of a reduced loss."""


class Comparison(enum.Enum):
    """How a loss pairs predictions with targets."""

    ELEMENTWISE = "elementwise"
    """One prediction against one target: shapes that differ broadcast or raise."""
    CLASS_INDICES = "class indices"
    """A score for each class in dimension 1 against the class's index: the target has one dimension less."""
    OTHER = "other"
    """Margins, distances, distributions, sequences."""


def _same(name: str, input: Shape, target: Shape) -> Shape:
    """The one shape of two tensors that must have the same."""
    if not (input.exact and target.exact):
        return input if input.exact or not target.exact else target
    if len(input.leading) != len(target.leading):
        raise ShapeMismatch(f"{name} expects a target of shape {input}, got {target}")
    message = f"{name} expects a target of shape {input}, got {target}"
    return Shape(tuple([unify(left, right, message) for left, right in zip(input.leading, target.leading)]))


def _broadcast(name: str, *tensors: Shape) -> Shape:
    return broadcast(*tensors)


def _classes(name: str, input: Shape, target: Shape) -> Shape:
    """``[B, C, ...]`` against ``[B, ...]`` (or against probabilities ``[B, C, ...]``): ``[B, ...]``."""
    if not input.exact or len(input.leading) < 2:
        return without(input, 0 if input.exact else 1)
    losses = without(input, 1)
    if not target.exact:
        return losses
    if len(target.leading) == len(input.leading):
        _same(name, input, target)
        return losses
    return _same(name, losses, target)


def _indices(name: str, input: Shape, target: Shape) -> Shape:
    """``[B, C, ...]`` against ``[B, ...]``: ``[B, ...]``."""
    if input.exact and len(input.leading) < 2:
        return without(input, 0)
    return _same(name, without(input, 1), target)


def _rows(name: str, input: Shape, target: Shape) -> Shape:
    """``[B, C]`` to ``[B]``."""
    require_rank(name, input, (0, 1, 2))
    return without(input, -1) if input.rank != 0 else SCALAR


def _labels(name: str, input: Shape, target: Shape) -> Shape:
    return without(broadcast(input, target), -1)


def _pairs(name: str, input1: Shape, input2: Shape, target: Shape) -> Shape:
    return broadcast(without(broadcast(input1, input2), -1), target)


def _triplets(name: str, anchor: Shape, positive: Shape, negative: Shape) -> Shape:
    distances = (without(broadcast(anchor, other), -1) for other in (positive, negative))
    return broadcast(*distances)


def _gaussian(name: str, input: Shape, target: Shape, var: Shape) -> Shape:
    return broadcast(input, target)


def _sequences(name: str, log_probs: Shape, targets: Shape, input_lengths: Shape, target_lengths: Shape) -> Shape:
    sizes = fitted(name, log_probs, (2, 3))
    return shape_of(sizes[1:-1])


def _projected_classes(name: str, input: Shape, linear_weight: Shape, target: Shape) -> Shape:
    if not (linear_weight.exact and input.exact and linear_weight.leading):
        return UNKNOWN_SHAPE
    require(name, "features", linear_weight.leading[-1], input.dimension(-1))
    return Shape(input.leading[:-1] + linear_weight.leading[1:-1])


def _projected(name: str, input: Shape, target: Shape, in_features: object, out_features: object) -> Shape:
    require(name, "features", as_size(in_features), input.dimension(-1))
    extra = as_sizes(out_features)
    if extra is None or not input.exact:
        return UNKNOWN_SHAPE
    return Shape((*input.leading[:-1], *shape_of(extra).leading))


def _triplets_by(name: str, anchor: Shape, positive: Shape, negative: Shape, distance_function: object) -> Shape:
    return _triplets(name, anchor, positive, negative) if distance_function is None else UNKNOWN_SHAPE


class _Loss(NamedTuple):
    """One loss, as a layer or as a function.

    Attributes:
        inputs: the tensors.
        parameters: what else it takes, with the defaults.
        unreduced: from a name for messages, the tensors' shapes and the parameters that *reads* names to what
            ``reduction="none"`` gives.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: Mapping[str, object]
    unreduced: Callable[..., Shape]
    comparison: Comparison = Comparison.OTHER
    reads: tuple[str, ...] = ()


_PAIR = ("input", "target")
_TWO_AND_TARGET = ("input1", "input2", "target")
_TRIPLET = ("anchor", "positive", "negative")
_SEQUENCES = ("log_probs", "targets", "input_lengths", "target_lengths")
_LEGACY: dict[str, object] = {"size_average": None, "reduce": None, "reduction": "mean"}
_CLASS: dict[str, object] = {
    "weight": None,
    "size_average": None,
    "ignore_index": -100,
    "reduce": None,
    "reduction": "mean",
}
_PLAIN: dict[str, object] = {"reduction": "mean"}
_EACH, _INDEX = Comparison.ELEMENTWISE, Comparison.CLASS_INDICES

_LAYERS = (
    _Loss("BCELoss", _PAIR, {"weight": None, **_LEGACY}, _same, _EACH),
    _Loss("BCEWithLogitsLoss", _PAIR, {"weight": None, **_LEGACY, "pos_weight": None}, _same, _EACH),
    _Loss("CTCLoss", _SEQUENCES, {"blank": 0, **_PLAIN, "zero_infinity": False}, _sequences),
    _Loss("CosineEmbeddingLoss", _TWO_AND_TARGET, {"margin": 0.0, **_LEGACY}, _pairs),
    _Loss("CrossEntropyLoss", _PAIR, {**_CLASS, "label_smoothing": 0.0}, _classes, _INDEX),
    _Loss("GaussianNLLLoss", (*_PAIR, "var"), {"full": False, "eps": 1e-6, **_PLAIN}, _gaussian),
    _Loss("HingeEmbeddingLoss", _PAIR, {"margin": 1.0, **_LEGACY}, _broadcast),
    _Loss("HuberLoss", _PAIR, {**_PLAIN, "delta": 1.0}, _broadcast, _EACH),
    _Loss("KLDivLoss", _PAIR, {**_LEGACY, "log_target": False}, _broadcast),
    _Loss("L1Loss", _PAIR, _LEGACY, _broadcast, _EACH),
    _Loss(
        "LinearCrossEntropyLoss",
        _PAIR,
        {
            "in_features": REQUIRED,
            "num_classes": REQUIRED,
            "out_features": (),
            "bias": False,
            **_PLAIN,
            "weight": None,
            "ignore_index": None,
            "label_smoothing": 0.0,
            "options": None,
        },
        _projected,
        _INDEX,
        ("in_features", "out_features"),
    ),
    _Loss("MSELoss", _PAIR, _LEGACY, _broadcast, _EACH),
    _Loss("MarginRankingLoss", _TWO_AND_TARGET, {"margin": 0.0, **_LEGACY}, _broadcast),
    _Loss("MultiLabelMarginLoss", _PAIR, _LEGACY, _rows),
    _Loss("MultiLabelSoftMarginLoss", _PAIR, {"weight": None, **_LEGACY}, _labels),
    _Loss("MultiMarginLoss", _PAIR, {"p": 1, "margin": 1.0, "weight": None, **_LEGACY}, _rows, _INDEX),
    _Loss("NLLLoss", _PAIR, _CLASS, _indices, _INDEX),
    _Loss("NLLLoss2d", _PAIR, _CLASS, _indices, _INDEX),
    _Loss(
        "PoissonNLLLoss",
        ("log_input", "target"),
        {"log_input": True, "full": False, "size_average": None, "eps": 1e-8, "reduce": None, **_PLAIN},
        _broadcast,
    ),
    _Loss("SmoothL1Loss", _PAIR, {**_LEGACY, "beta": 1.0}, _broadcast, _EACH),
    _Loss("SoftMarginLoss", _PAIR, _LEGACY, _broadcast),
    _Loss("TripletMarginLoss", _TRIPLET, {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, **_LEGACY}, _triplets),
    _Loss(
        "TripletMarginWithDistanceLoss",
        _TRIPLET,
        {"distance_function": None, "margin": 1.0, "swap": False, **_PLAIN},
        _triplets_by,
        reads=("distance_function",),
    ),
)
"""In ``torch.nn``."""

_FUNCTIONS = (
    _Loss("binary_cross_entropy", _PAIR, {"weight": None, **_LEGACY}, _same, _EACH),
    _Loss("binary_cross_entropy_with_logits", _PAIR, {"weight": None, **_LEGACY, "pos_weight": None}, _same, _EACH),
    _Loss("cosine_embedding_loss", _TWO_AND_TARGET, {"margin": 0, **_LEGACY}, _pairs),
    _Loss("cross_entropy", _PAIR, {**_CLASS, "label_smoothing": 0.0}, _classes, _INDEX),
    _Loss("ctc_loss", _SEQUENCES, {"blank": 0, **_PLAIN, "zero_infinity": False}, _sequences),
    _Loss("gaussian_nll_loss", (*_PAIR, "var"), {"full": False, "eps": 1e-6, **_PLAIN}, _gaussian),
    _Loss("hinge_embedding_loss", _PAIR, {"margin": 1.0, **_LEGACY}, _broadcast),
    _Loss("huber_loss", _PAIR, {**_PLAIN, "delta": 1.0, "weight": None}, _broadcast, _EACH),
    _Loss("kl_div", _PAIR, {**_LEGACY, "log_target": False}, _broadcast),
    _Loss("l1_loss", _PAIR, {**_LEGACY, "weight": None}, _broadcast, _EACH),
    _Loss(
        "linear_cross_entropy",
        ("input", "linear_weight", "target"),
        {
            "linear_bias": None,
            "weight": None,
            **_PLAIN,
            "ignore_index": None,
            "label_smoothing": 0.0,
            "options": None,
        },
        _projected_classes,
        _INDEX,
    ),
    _Loss("margin_ranking_loss", _TWO_AND_TARGET, {"margin": 0, **_LEGACY}, _broadcast),
    _Loss("mse_loss", _PAIR, {**_LEGACY, "weight": None}, _broadcast, _EACH),
    _Loss("multi_margin_loss", _PAIR, {"p": 1, "margin": 1.0, "weight": None, **_LEGACY}, _rows, _INDEX),
    _Loss("multilabel_margin_loss", _PAIR, _LEGACY, _rows),
    _Loss("multilabel_soft_margin_loss", _PAIR, {"weight": None, **_LEGACY}, _labels),
    _Loss("nll_loss", _PAIR, _CLASS, _indices, _INDEX),
    _Loss(
        "poisson_nll_loss",
        _PAIR,
        {"log_input": True, "full": False, "size_average": None, "eps": 1e-8, "reduce": None, **_PLAIN},
        _broadcast,
    ),
    _Loss("smooth_l1_loss", _PAIR, {**_LEGACY, "beta": 1.0}, _broadcast, _EACH),
    _Loss("soft_margin_loss", _PAIR, _LEGACY, _broadcast),
    _Loss("triplet_margin_loss", _TRIPLET, {"margin": 1.0, "p": 2, "eps": 1e-6, "swap": False, **_LEGACY}, _triplets),
    _Loss(
        "triplet_margin_with_distance_loss",
        _TRIPLET,
        {"distance_function": None, "margin": 1.0, "swap": False, **_PLAIN},
        _triplets_by,
        reads=("distance_function",),
    ),
)
"""In ``torch.nn.functional``."""


def reduction_of(parameters: Mapping[str, Any]) -> str | None:
    """``none``, ``mean``, ``sum``, …: also as the deprecated flags say it; ``None`` where it is not known."""
    size_average, reduce = parameters.get("size_average"), parameters.get("reduce")
    if size_average is None and reduce is None:
        reduction = parameters.get("reduction", "mean")
        return reduction if isinstance(reduction, str) else None
    if UNKNOWN in (size_average, reduce):
        return None
    return "none" if reduce is not None and not reduce else "sum" if size_average is False else "mean"


def _reduced(loss: _Loss, tensors: Sequence[object], parameters: Mapping[str, Any]) -> Shape:
    missing = [UNKNOWN] * (len(loss.inputs) - len(tensors))
    read = [parameters.get(name, loss.parameters[name]) for name in loss.reads]
    unreduced = loss.unreduced(loss.name, *map(as_shape, (*tensors, *missing)), *read)
    reduction = reduction_of(parameters)
    return UNKNOWN_SHAPE if reduction is None else unreduced if reduction == "none" else SCALAR


def _enter_layer(loss: _Loss) -> None:
    def shape(*tensors: object, **parameters: object) -> Shape:
        return _reduced(loss, tensors, parameters)

    register_layer(f"torch.nn.{loss.name}", shape, loss.inputs, loss.parameters)


def _enter_function(loss: _Loss) -> None:
    names = (*loss.inputs, *loss.parameters)

    def shape(*arguments: object, **keywords: object) -> Shape:
        given = {**dict(zip(names, arguments)), **keywords}
        return _reduced(loss, [given.get(name, UNKNOWN) for name in loss.inputs], given)

    register_function(f"torch.nn.functional.{loss.name}", shape, names)


for _loss in _LAYERS:
    _enter_layer(_loss)
for _loss in _FUNCTIONS:
    _enter_function(_loss)

LOSSES: Mapping[str, Comparison] = MappingProxyType(
    {f"torch.nn.{loss.name}": loss.comparison for loss in _LAYERS}
    | {f"torch.nn.functional.{loss.name}": loss.comparison for loss in _FUNCTIONS}
    | {"torch.nn.AdaptiveLogSoftmaxWithLoss": Comparison.CLASS_INDICES}
)
"""Canonical name of each loss to how it pairs predictions with targets."""


@layer("torch.nn.AdaptiveLogSoftmaxWithLoss")
def adaptive_log_softmax_layer(
    input_: Shape,
    target_: Shape,
    /,
    in_features: object,
    n_classes: object,
    cutoffs: object,
    div_value: object = 4.0,
    head_bias: object = False,
) -> ShapeResult:
    """``[B, in_features]`` against ``[B]``: each sample's log probability ``[B]``, and their mean."""
    name = "AdaptiveLogSoftmaxWithLoss"
    sizes = fitted(name, as_shape(input_), (1, 2))
    require(name, "features", as_size(in_features), sizes[-1])
    return _same(name, shape_of(sizes[:-1]), as_shape(target_)), SCALAR
