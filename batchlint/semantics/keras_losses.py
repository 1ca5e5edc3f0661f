"""Losses of Keras as objects: what they compare, and what they make of a number for each sample."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import layers
from batchlint.semantics.keras_layers import WRAPPERS
from batchlint.semantics.library import handles
from batchlint.semantics.tensors import argument_for_shapes, as_value, look_for_conflict, tensors_among
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Batch,
    Constant,
    External,
    Layer,
    Quantity,
    QuantityKind,
    Tensor,
    Value,
)
from batchlint.shapes.registry import FUNCTIONS, LAYERS, LayerShape, ShapeResult
from batchlint.shapes.registry import UNKNOWN as UNKNOWN_RESULT
from batchlint.shapes.shape import Shape, ShapeMismatch

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["LOSS_OBJECTS"]

_CLASSES = """
    BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge
    CosineSimilarity Hinge Huber KLDivergence LogCosh MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
    MeanSquaredLogarithmicError Poisson SparseCategoricalCrossentropy SquaredHinge
""".split()
_WORD = re.compile(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")
_FUNCTIONS = {"KLDivergence": "kl_divergence", "Huber": "huber", "LogCosh": "log_cosh"}

LOSS_OBJECTS = {
    f"keras.losses.{name}": f"keras.losses.{_FUNCTIONS.get(name) or _WORD.sub('_', name).lower()}" for name in _CLASSES
}
"""Canonical name of a loss's class to that of its function."""

_MEANS = frozenset({"auto", "sum_over_batch_size", "mean", "mean_with_sample_weight"})
_KINDS = {"none": QuantityKind.EACH, "sum": QuantityKind.SUM}


def _reduction(layer: Layer) -> QuantityKind | None:
    value = layer.values.get("reduction", Constant("sum_over_batch_size"))
    if value == NONE:
        return QuantityKind.EACH
    if isinstance(value, External):
        # `keras.losses.Reduction.SUM` of Keras 2.
        value = Constant(value.name.rpartition(".")[2])
    if not isinstance(value, Constant) or not isinstance(value.value, str):
        return None
    return QuantityKind.MEAN if value.value.lower() in _MEANS else _KINDS.get(value.value.lower())


def _apply(
    ev: Evaluator, layer: Layer, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """``loss(y_true, y_pred)``."""
    given = {**dict(zip(("y_true", "y_pred", "sample_weight"), arguments)), **keywords}
    values = tuple(
        value.tensor if isinstance(value, Batch) else value
        for value in (given.get(name, UNKNOWN) for name in ("y_true", "y_pred"))
    )
    tensors = tensors_among(values)
    if len(tensors) > 1:
        look_for_conflict(ev, LOSS_OBJECTS[layer.name], node, tensors)
    if layer.name in ev.subscriptions:
        ev.observe(layer.name, node, {"layer": layer, **given}, name=layer.name, positional=arguments)
    kind = _reduction(layer)
    result: ShapeResult = UNKNOWN_RESULT
    if kind is QuantityKind.EACH and LOSS_OBJECTS[layer.name] in FUNCTIONS:
        try:
            result = FUNCTIONS[LOSS_OBJECTS[layer.name]].function(*map(argument_for_shapes, values))
        except (ShapeMismatch, TypeError, ValueError, AttributeError, IndexError):
            result = UNKNOWN_RESULT
    elif kind is not None:
        result = Shape(())
    value = as_value(result, layer.name, layer.name.rpartition(".")[2], tensors, node)
    if not isinstance(value, Tensor) or not tensors:
        return UNKNOWN
    # A weighted mean is divided by the rows, not by the weights.
    quantity = None if kind is None or "sample_weight" in given else Quantity(kind, node, loader=ev.loop_loader())
    return replace(value, quantity=quantity, marks=frozenset())


def _made(name: str) -> Any:
    def make(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        return layers.construct(ev, name, (), keywords, node)

    return make


for _name in LOSS_OBJECTS:
    LAYERS.setdefault(
        _name,
        LayerShape(_name, lambda *_, **__: UNKNOWN_RESULT, ("y_true", "y_pred"), ("reduction", "name"), {}, open=True),
    )
    WRAPPERS[_name] = _apply
    handles(_name)(_made(_name))
