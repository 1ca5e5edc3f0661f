"""What Keras itself says of a call: drawn on symbols with an open batch, and run on numbers."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import batchlint.shapes.keras  # noqa: F401  (fills the tables)
from batchlint.shapes.dimension import Expression, Role, Symbol
from batchlint.shapes.registry import LAYERS, ChainArgument, LayerArgument
from batchlint.shapes.shape import Shape, exact
from shapes.layers.claims import Tensor, agrees, describe

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import tensorflow as tf

__all__ = [
    "BATCH",
    "B",
    "Case",
    "Layer",
    "Model",
    "Tensor",
    "agrees",
    "as_claim",
    "claimed",
    "describe",
    "drawn",
    "keras",
    "matches",
    "ran",
    "tf",
]

BATCH = Symbol("B", Role.BATCH)
B = BATCH.dimension()


@dataclass(frozen=True)
class Layer:
    """A layer that another one's constructor takes."""

    name: str
    settings: dict[str, Any]

    def real(self) -> Any:
        return build(self.name, self.settings)

    def claim(self) -> LayerArgument:
        layer = LAYERS[f"keras.layers.{self.name}"]
        return LayerArgument(layer, layer.bind((), {key: as_claim(value) for key, value in self.settings.items()}))


@dataclass(frozen=True)
class Model:
    """Layers one after another, as another one's constructor takes them."""

    layers: tuple[Layer, ...]

    def real(self) -> Any:
        return keras.Sequential([layer.real() for layer in self.layers])

    def claim(self) -> ChainArgument:
        return ChainArgument(tuple(layer.claim() for layer in self.layers))


@dataclass(frozen=True)
class Case:
    """One call of a layer: what ``call`` takes, tensors with their batch first, and what the constructor takes.

    ``vague`` says that even plain numbers do not settle the result; ``drawn`` and ``run`` say whether the layer can be
    called on symbols and on numbers; ``batched`` that no tensor is a single sample.
    """

    inputs: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    vague: bool = False
    drawn: bool = True
    run: bool = True
    dtype: str = "float32"
    batched: bool = True


def as_claim(value: Any, batch: Any = None) -> Any:
    """*value* as the tables take it, with *batch* in place of each tensor's first size where it is given."""
    if isinstance(value, Tensor):
        return exact(value.sizes if batch is None else (batch, *value.sizes[1:]))
    if isinstance(value, (Layer, Model)):
        return value.claim()
    return tuple(as_claim(part, batch) for part in value) if isinstance(value, (tuple, list)) else value


def real(value: Any) -> Any:
    if isinstance(value, (Layer, Model)):
        return value.real()
    return tuple(map(real, value)) if isinstance(value, tuple) else value


def build(name: str, settings: dict[str, Any]) -> Any:
    layer = functools.reduce(getattr, name.split("."), keras.layers)
    return layer(**{key: real(value) for key, value in settings.items()})


def symbolic(value: Any, dtype: str) -> Any:
    if isinstance(value, Tensor):
        return keras.KerasTensor((None, *value.sizes[1:]), dtype=dtype)
    return [symbolic(part, dtype) for part in value] if isinstance(value, (tuple, list)) else value


def numbers(value: Any, batch: int | None, dtype: str) -> Any:
    if isinstance(value, Tensor):
        sizes = value.sizes if batch is None else (batch, *value.sizes[1:])
        return np.full(sizes, "a") if dtype == "string" else np.ones(sizes, dtype)
    return [numbers(part, batch, dtype) for part in value] if isinstance(value, (tuple, list)) else value


def sizes_of(result: Any) -> Any:
    """The sizes of what a layer returns, nested as its results are."""
    if isinstance(result, (tuple, list)):
        return tuple(map(sizes_of, result))
    return Shape(tuple(result.shape)) if hasattr(result, "shape") else None


def drawn(name: str, case: Case) -> Any:
    """The layer's results on symbols, with ``None`` for the batch; raises what Keras raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = build(name, case.settings)
        return sizes_of(layer(*symbolic(case.inputs, case.dtype), **case.call))


def ran(name: str, case: Case, batch: int | None) -> Any:
    """The layer's results on numbers; raises what Keras raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = build(name, case.settings)
        return sizes_of(layer(*numbers(case.inputs, batch, case.dtype), **case.call))


def claimed(name: str, inputs: tuple[Any, ...], settings: dict[str, Any], call: dict[str, Any]) -> Any:
    """What the table claims for the same call."""
    layer = LAYERS[f"keras.layers.{name}"]
    given = list(inputs)
    given.extend(call.get(parameter) for parameter in layer.inputs[len(given) :])
    return layer.function(*given, **layer.bind((), settings))


def matches(claim: Any, truth: Any, vague: bool) -> bool:
    """Whether *claim* says just what Keras says, ``None`` being an open size."""
    if isinstance(truth, Shape):
        if not isinstance(claim, Shape):
            return vague and not isinstance(claim, tuple)
        if not claim.exact or len(claim.leading) != len(truth.leading):
            return vague and not claim.exact and claim.least_rank <= len(truth.leading)
        pairs = zip(claim.leading, truth.leading, strict=True)
        return all(
            isinstance(size, Expression) if true is None else (size == true or (vague and isinstance(size, Expression)))
            for size, true in pairs
        )
    if isinstance(truth, tuple):
        if not isinstance(claim, tuple):
            return vague and not isinstance(claim, Shape)
        return len(claim) == len(truth) and all(matches(c, t, vague) for c, t in zip(claim, truth, strict=True))
    return claim is None
