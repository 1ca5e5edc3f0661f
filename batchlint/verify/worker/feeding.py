"""Inputs as users of the Python API give them (a tensor, a nest, a function, a recipe), at any batch size."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from batchlint.verify.recipe_text import format_input, format_recipe, parse_input, parse_recipe
from batchlint.verify.recipes import BATCH, DTYPES, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.tensors import tensors_in

BatchAxis = int | Mapping[str | int, int | None]
"""The batch's axis: one for all tensors, or by parameter name, position or path (``"state.0"``), ``None`` for none."""

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
DEFAULT_CONTROL = 4
NAMED = re.compile(r"\s*\w+\s*:")
RECIPE = re.compile(rf"(\s*\w+\s*:)?[\s(\[]*({'|'.join(DTYPES)})\s*\[")
NOISE = 0.25
"""How far a value of a repeated row moves, as a part of itself: zeros, which pad and mask, stay zero."""


@dataclass
class FedSubject(Subject):
    """A model that is fed from the user's own example or function.

    Attributes:
        feed: arguments for so many rows, and a seed.
        described: the recipes that *feed* is described by; other recipes, put in their place, are made from scratch.
    """

    feed: Callable[[int, int], Arguments] | None = None
    described: Inputs = field(default_factory=Inputs)

    def arguments(self, batch: int, seed: int | None = None) -> Arguments:
        """Fresh arguments for *batch* rows."""
        if self.feed is None or self.inputs is not self.described:
            return super().arguments(batch, seed)
        moved: Arguments = _moved(self.feed(batch, self.seed if seed is None else seed), self.device)
        return moved


@dataclass(frozen=True, slots=True)
class Feed:
    """Inputs at any batch size.

    Attributes:
        inputs: their recipes; of an example, what they look like.
        control: the batch size they are given at.
        batch_axis: the axis of the batch in the first tensor.
        arguments: makes them from the user's example or function; ``None`` where the recipes are all.
    """

    inputs: Inputs
    control: int
    batch_axis: int = 0
    arguments: Callable[[int, int], Arguments] | None = None


def feed_from(model: Any, inputs: Any, batch_axis: BatchAxis = 0) -> Feed:
    """How to feed *model* what the user gave as *inputs*.

    Args:
        model: what is called.
        inputs: a tensor, a tuple or list (positional), a dict (by keyword), a function of the batch size that returns
            one of these, or recipes as text in their places.
        batch_axis: see `BatchAxis`.

    Raises:
        ValueError: there is no batch in them, or a recipe cannot be read.
    """
    names = parameter_names(model)
    if callable(inputs) and not isinstance(inputs, torch.Tensor):
        return _from_function(inputs, names)
    positional, keywords = _as_call(inputs)
    if any(isinstance(each, str) and RECIPE.match(each) for each in (*positional, *keywords.values())):
        return _from_text(positional, keywords, names)
    return _from_example((positional, keywords), names, batch_axis)


def parameter_names(model: Any) -> tuple[str, ...]:
    """Names of the positional parameters of *model*'s call; empty where they cannot be told."""
    called = model.forward if isinstance(model, torch.nn.Module) else model
    with contextlib.suppress(TypeError, ValueError):
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return tuple(name for name, each in inspect.signature(called).parameters.items() if each.kind in kinds)
    return ()


def recipe_lines(inputs: Inputs) -> tuple[str, ...]:
    """*inputs* as text, a line each."""
    names = [*inputs.names, *[""] * (len(inputs.positional) - len(inputs.names))]
    named = [*zip(names, inputs.positional), *inputs.keywords]
    return tuple(format_input(name, recipe) if name else format_recipe(recipe) for name, recipe in named)


def _as_call(inputs: Any) -> Arguments:
    if isinstance(inputs, Mapping):
        return (), {str(name): value for name, value in inputs.items()}
    if isinstance(inputs, tuple | list) and not hasattr(inputs, "_fields"):
        return tuple(inputs), {}
    return (inputs,), {}


def _moved(value: Any, device: torch.device) -> Any:
    """*value* with its tensors on *device*."""
    return _mapped(value, "", lambda tensor, path: tensor.to(device))


def _mapped(value: Any, path: str, change: Callable[[torch.Tensor, str], Any]) -> Any:
    """*value* with each of its tensors changed; a tensor's path is of positions and keys, ``1.0`` or ``x.mask``."""
    if isinstance(value, torch.Tensor):
        return change(value, path)
    if isinstance(value, tuple | list):
        items = [_mapped(item, f"{path}.{index}".lstrip("."), change) for index, item in enumerate(value)]
        if hasattr(value, "_fields"):
            return type(value)(*items)
        return type(value)(items) if type(value) in (tuple, list) else items
    if isinstance(value, dict):
        return {key: _mapped(item, f"{path}.{key}".lstrip("."), change) for key, item in value.items()}
    return value


# Recipes as text


def _from_text(positional: tuple[Any, ...], keywords: Mapping[str, Any], names: tuple[str, ...]) -> Feed:
    recipes: list[Recipe] = []
    by_name: list[tuple[str, Recipe]] = []
    for value in positional:
        name, recipe = _read(value)
        if name and (len(recipes) >= len(names) or names[len(recipes)] != name):
            by_name.append((name, recipe))
        else:
            recipes.append(recipe)
    by_name += [(name, _read(value)[1]) for name, value in keywords.items()]
    inputs = Inputs(tuple(recipes), names[: len(recipes)], tuple(by_name))
    sizes = [recipe.sizes for recipe in _tensors((*recipes, *(recipe for _, recipe in by_name)))]
    axes = [[place for place, size in enumerate(each) if isinstance(size, str)] for each in sizes]
    if not any(axes):
        raise ValueError("no recipe has a batch: write B for its size, e.g. float32[B, 3, 32, 32]")
    return Feed(inputs, DEFAULT_CONTROL, next(each[0] for each in axes if each))


def _read(value: Any) -> tuple[str, Recipe]:
    """The parameter's name, if it is said, and the recipe."""
    if isinstance(value, torch.Tensor):
        raise ValueError("inputs mix recipes and tensors: give one or the other")
    if not isinstance(value, str) or not RECIPE.match(value):
        return "", Literal(repr(value))
    named = NAMED.match(value)
    return parse_input(value) if named else ("", parse_recipe(value))


def _tensors(recipes: Sequence[Recipe]) -> list[TensorRecipe]:
    found: list[TensorRecipe] = []
    for recipe in recipes:
        if isinstance(recipe, TensorRecipe):
            found.append(recipe)
        elif isinstance(recipe, Group):
            found += _tensors(recipe.items)
    return found


# An example


def _from_example(example: Arguments, names: tuple[str, ...], batch_axis: BatchAxis) -> Feed:
    axes, rows = _batch_axes(example, names, batch_axis)

    def arguments(batch: int, seed: int) -> Arguments:
        generator = torch.Generator().manual_seed(seed * 7919 + batch)
        made: Arguments = _mapped(
            example, "", lambda tensor, path: _rows(tensor, axes[path], rows, batch, seed, generator)
        )
        return made

    first = next((axis for axis in axes.values() if axis is not None), 0)
    inputs = _described(example, names, lambda tensor, path: axes[path])
    return Feed(inputs, rows, first, arguments)


def _batch_axes(example: Arguments, names: tuple[str, ...], batch_axis: BatchAxis) -> tuple[dict[str, int | None], int]:
    """The batch's axis of each tensor by path, and the rows of the example."""
    found: dict[str, torch.Tensor] = {}
    _mapped(example, "", lambda tensor, path: found.setdefault(path, tensor))
    said = {path: _said(batch_axis, path, names) for path in found}
    rows = None
    for path, tensor in found.items():
        axis = said[path]
        if isinstance(axis, int) and -tensor.dim() <= axis < tensor.dim():
            rows = tensor.shape[axis]
            break
    if rows is None:
        raise ValueError("inputs hold no tensor with a batch axis; give one, or say which axis with batch_axis=")
    if rows == 0:
        raise ValueError("inputs hold no rows: give an example of at least one")
    axes: dict[str, int | None] = {}
    for path, tensor in found.items():
        axis = said[path]
        fits = axis is not None and -tensor.dim() <= axis < tensor.dim() and tensor.shape[axis] == rows
        axes[path] = axis % tensor.dim() if axis is not None and fits else None
    return axes, rows


def _said(batch_axis: BatchAxis, path: str, names: tuple[str, ...]) -> int | None:
    """The axis that the user says for the tensor at *path*, 0 unless told."""
    if isinstance(batch_axis, int):
        return batch_axis
    place, _, rest = path.partition(".")
    argument, _, inner = rest.partition(".")
    keys: list[str | int] = [rest, argument]
    if place == "0":
        index = int(argument)
        keys += [index, *([f"{names[index]}.{inner}", names[index]] if index < len(names) else [])]
    return next((batch_axis[key] for key in keys if key in batch_axis), 0)


def _rows(
    tensor: torch.Tensor, axis: int | None, rows: int, batch: int, seed: int, generator: torch.Generator
) -> torch.Tensor:
    """*batch* rows like those of *tensor*.

    Fewer are the first ones. More are repeated in place (an order by length stays one), with values that move a
    little, within the example's own range, if they are real numbers.
    """
    tensor = tensor.detach()
    if axis is None:
        return tensor.clone()
    repeated = batch > rows
    index = [place * rows // batch for place in range(batch)] if repeated else list(range(batch))
    made = tensor.index_select(axis, torch.tensor(index, device=tensor.device))
    if not tensor.is_floating_point() or not (repeated or seed):
        return made
    noise = torch.rand(made.shape, generator=generator).mul_(2 * NOISE).add_(1 - NOISE).to(made)
    if not seed:
        shape = [-1 if place == axis else 1 for place in range(made.dim())]
        again = torch.tensor([place > 0 and index[place] == index[place - 1] for place in range(batch)])
        noise = torch.where(again.to(made.device).view(shape), noise, torch.ones_like(noise))
    if tensor.numel() == 0:
        return made
    return (made * noise).clamp(tensor.amin(), tensor.amax())


# A function of the batch size


def _from_function(inputs: Callable[[int], Any], names: tuple[str, ...]) -> Feed:
    def arguments(batch: int, seed: int) -> Arguments:
        torch.manual_seed(seed)
        return _as_call(inputs(batch))

    fewer, more = arguments(DEFAULT_CONTROL, 0), arguments(DEFAULT_CONTROL + 1, 0)
    sizes: dict[str, torch.Size] = {}
    _mapped(more, "", lambda tensor, path: sizes.setdefault(path, tensor.shape))

    def axis_of(tensor: torch.Tensor, path: str) -> int | None:
        other = sizes.get(path, tensor.shape)
        pairs = enumerate(zip(tensor.shape, other)) if len(other) == tensor.dim() else ()
        return next((axis for axis, (size, larger) in pairs if size != larger), None)

    axes: list[int | None] = []
    _mapped(fewer, "", lambda tensor, path: axes.append(axis_of(tensor, path)))
    first = next((axis for axis in axes if axis is not None), None)
    if first is None and tensors_in(list(fewer)):
        raise ValueError("inputs(batch_size) returns tensors of the same shape at every batch size")
    return Feed(_described(fewer, names, axis_of), DEFAULT_CONTROL, first or 0, arguments)


# What it looks like


def _described(
    example: Arguments, names: tuple[str, ...], axis_of: Callable[[torch.Tensor, str], int | None]
) -> Inputs:
    positional, keywords = example
    return Inputs(
        tuple(_recipe(value, f"0.{index}", axis_of) for index, value in enumerate(positional)),
        names[: len(positional)],
        tuple((name, _recipe(value, f"1.{name}", axis_of)) for name, value in keywords.items()),
    )


def _recipe(value: Any, path: str, axis_of: Callable[[torch.Tensor, str], int | None]) -> Recipe:
    if isinstance(value, torch.Tensor):
        return _tensor_recipe(value, axis_of(value, path))
    if isinstance(value, dict):
        items = tuple(_recipe(item, f"{path}.{key}", axis_of) for key, item in value.items())
        return Group("dict", items, tuple(map(str, value)))
    if isinstance(value, tuple | list):
        items = tuple(_recipe(item, f"{path}.{index}", axis_of) for index, item in enumerate(value))
        return Group("list" if isinstance(value, list) else "tuple", items)
    return Literal(repr(value))


def _tensor_recipe(tensor: torch.Tensor, axis: int | None) -> TensorRecipe:
    sizes: tuple[int | str, ...] = tuple(BATCH if place == axis else size for place, size in enumerate(tensor.shape))
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.dtype is torch.bool:
        return TensorRecipe(sizes, dtype, "booleans")
    if tensor.is_floating_point() or tensor.is_complex():
        return TensorRecipe(sizes, dtype)
    below = int(tensor.max()) + 1 if tensor.numel() and tensor.device.type != "meta" else 2
    return TensorRecipe(sizes, dtype, "integers", max(1, below))
