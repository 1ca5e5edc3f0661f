"""Recipes to real arguments."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import torch

from batchlint.verify.recipes import BATCH, Expression, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.records import Record, size_of


def make(
    recipe: Recipe, batch: int, generator: torch.Generator, device: torch.device, namespace: Mapping[str, Any]
) -> Any:
    """The argument that *recipe* describes, for *batch* rows.

    Random numbers are drawn on the CPU, so that every device gets the same.
    """
    if isinstance(recipe, TensorRecipe):
        return _tensor(recipe, batch, generator, device)
    if isinstance(recipe, Literal):
        return ast.literal_eval(recipe.source)
    if isinstance(recipe, Expression):
        return eval(recipe.source, {**namespace, "torch": torch, BATCH: batch})
    assert isinstance(recipe, Group)
    items = [make(item, batch, generator, device, namespace) for item in recipe.items]
    if recipe.kind == "dict":
        return dict(zip(recipe.keys, items, strict=True))
    if recipe.kind == "object":
        return Record(dict(zip(recipe.keys, items, strict=True)))
    return tuple(items) if recipe.kind == "tuple" else items


def _tensor(recipe: TensorRecipe, batch: int, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    sizes = [size_of(size, batch) for size in recipe.sizes]
    dtype: torch.dtype = getattr(torch, recipe.dtype)
    if device.type == "meta":
        return torch.zeros(sizes, dtype=dtype, device=device)
    if recipe.values == "ones":
        made = torch.ones(sizes)
    elif recipe.values == "zeros":
        made = torch.zeros(sizes)
    elif recipe.values == "uniform":
        made = torch.rand(sizes, generator=generator)
    elif recipe.values == "booleans" or dtype is torch.bool:
        made = torch.rand(sizes, generator=generator) < 0.5
    elif recipe.values == "lengths":
        longest = recipe.below or 1
        made = torch.randint(1, longest + 1, sizes, generator=generator).sort(descending=True).values
        if made.numel():
            made[0] = longest
    elif recipe.values == "integers" or not (dtype.is_floating_point or dtype.is_complex):
        made = torch.randint(0, max(1, recipe.below or 2), sizes, generator=generator)
    else:
        made = torch.randn(sizes, generator=generator)
    return made.to(dtype).to(device)


def arguments(
    inputs: Inputs, batch: int, seed: int, device: torch.device, namespace: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments for *batch* rows."""
    generator = torch.Generator().manual_seed(seed)
    positional = tuple(make(recipe, batch, generator, device, namespace) for recipe in inputs.positional)
    return positional, {name: make(recipe, batch, generator, device, namespace) for name, recipe in inputs.keywords}
