"""Recipes to real arguments for Keras and TensorFlow."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from batchlint.verify.recipes import BATCH, Expression, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.keras.arrays import Array, array, arrays_in, mapped
from batchlint.verify.worker.records import Record, size_of

WORDS = ("the", "film", "was", "good", "bad", "a", "slow", "story", "with", "much", "heart", "indeed")


def names() -> dict[str, Any]:
    """What an expression may read besides the user's own names."""
    found = {"keras": keras, "np": np, "numpy": np}
    if (tensorflow := sys.modules.get("tensorflow")) is not None:
        found |= {"tf": tensorflow, "tensorflow": tensorflow}
    if keras.backend.backend() == "torch":
        found["torch"] = sys.modules["torch"]
    return found


def make(recipe: Recipe, batch: int, generator: np.random.Generator, namespace: Mapping[str, Any]) -> Any:
    """The argument that *recipe* describes, for *batch* rows, its tensors as arrays."""
    if isinstance(recipe, TensorRecipe):
        return _tensor(recipe, batch, generator)
    if isinstance(recipe, Literal):
        return ast.literal_eval(recipe.source)
    if isinstance(recipe, Expression):
        return arrays_in(eval(recipe.source, {**names(), **namespace, BATCH: batch}))
    assert isinstance(recipe, Group)
    items = [make(item, batch, generator, namespace) for item in recipe.items]
    if recipe.kind == "dict":
        return dict(zip(recipe.keys, items, strict=True))
    if recipe.kind == "object":
        return Record(dict(zip(recipe.keys, items, strict=True)))
    return tuple(items) if recipe.kind == "tuple" else items


def _tensor(recipe: TensorRecipe, batch: int, generator: np.random.Generator) -> Array:
    sizes = [size_of(size, batch) for size in recipe.sizes]
    if recipe.dtype == "string":
        return array(np.array([_sentence(generator) for _ in range(int(np.prod(sizes)))], object).reshape(sizes))
    is_real = recipe.dtype.startswith(("float", "bfloat", "complex"))
    made: Any
    if recipe.values in ("ones", "zeros"):
        made = np.full(sizes, 1.0 if recipe.values == "ones" else 0.0)
    elif recipe.values == "uniform":
        made = generator.random(sizes)
    elif recipe.values == "booleans" or recipe.dtype == "bool":
        made = generator.random(sizes) < 0.5
    elif recipe.values == "lengths":
        longest = recipe.below or 1
        made = -np.sort(-generator.integers(1, longest + 1, sizes))
        if made.size:
            made[0] = longest
    elif recipe.values == "integers" or not is_real:
        made = generator.integers(0, max(1, recipe.below or 2), sizes)
    else:
        made = generator.standard_normal(sizes)
    dtype = "float32" if recipe.dtype == "bfloat16" else recipe.dtype
    return array(np.asarray(made).astype(dtype))


def _sentence(generator: np.random.Generator) -> str:
    return " ".join(WORDS[index] for index in generator.integers(0, len(WORDS), 6))


def arguments(
    inputs: Inputs, batch: int, seed: int, namespace: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments for *batch* rows."""
    generator = np.random.default_rng(seed)
    positional = tuple(make(recipe, batch, generator, namespace) for recipe in inputs.positional)
    return positional, {name: make(recipe, batch, generator, namespace) for name, recipe in inputs.keywords}


def to_tensors(value: Any, dtype: str | None = None) -> Any:
    """*value* with its arrays as the backend's tensors, real numbers of type *dtype*."""

    def changed(each: Any) -> Any:
        if not isinstance(each, Array):
            return None
        if each.dtype.kind in "OSU":
            return sys.modules["tensorflow"].constant(np.asarray(each))
        if dtype is not None and each.is_floating_point():
            each = array(each.astype(dtype))
        return keras.ops.convert_to_tensor(np.asarray(each), dtype=each.dtype.name)

    return mapped(value, changed)
