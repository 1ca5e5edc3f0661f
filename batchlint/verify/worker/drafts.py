"""A guess at all arguments of a call, and ways to change it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from batchlint.verify.recipes import BATCH, Expression, Group, Inputs, Recipe, TensorRecipe
from batchlint.verify.worker.guesses import STEPS, Hints
from batchlint.verify.worker.records import size_of


@dataclass(frozen=True, slots=True)
class Draft:
    """A guess at the arguments.

    Attributes:
        recipes: name and recipe of each argument that is given, in the order of the parameters.
        batch: the batch size to try it with.
    """

    recipes: tuple[tuple[str, Recipe], ...]
    batch: int = 4

    def get(self, name: str) -> Recipe | None:
        """The recipe of *name*, ``batch.premise`` for a part of ``batch``; ``None`` if it is not given."""
        given = dict(self.recipes)
        if name in given:
            return given[name]
        whole, _, part = name.partition(".")
        group = given.get(whole)
        return dict(zip(group.keys, group.items)).get(part) if isinstance(group, Group) else None

    def with_recipe(self, name: str, recipe: Recipe) -> Draft:
        """This draft with *recipe* for *name*."""
        if any(each == name for each, _ in self.recipes):
            return replace(self, recipes=tuple((n, recipe if n == name else r) for n, r in self.recipes))
        whole, _, part = name.partition(".")
        group = self.get(whole)
        if isinstance(group, Group) and part in group.keys:
            items = tuple(recipe if key == part else item for key, item in zip(group.keys, group.items))
            return self.with_recipe(whole, replace(group, items=items))
        return replace(self, recipes=(*self.recipes, (name, recipe)))

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The sizes of the tensor *name* in this draft."""
        recipe = self.get(name)
        return shape_of(recipe, self.batch) if isinstance(recipe, TensorRecipe) else None

    def inputs(self, parameters: tuple[inspect.Parameter, ...]) -> Inputs:
        """As the arguments of a call of something with *parameters*."""
        given = dict(self.recipes)
        positional: list[Recipe] = []
        names: list[str] = []
        keywords: list[tuple[str, Recipe]] = []
        skipped = False
        for parameter in parameters:
            if parameter.kind is parameter.VAR_POSITIONAL:
                for name in sorted(n for n in given if n.partition(".")[0] == parameter.name):
                    positional.append(given.pop(name))
                    names.append(name)
                skipped = True
            elif parameter.name not in given:
                skipped = True
            elif skipped or parameter.kind is parameter.KEYWORD_ONLY:
                keywords.append((parameter.name, given.pop(parameter.name)))
            else:
                positional.append(given.pop(parameter.name))
                names.append(parameter.name)
        keywords += given.items()
        return Inputs(tuple(positional), tuple(names), tuple(keywords))


def draft_from(inputs: Inputs, parameters: tuple[inspect.Parameter, ...], batch: int) -> Draft:
    """The draft that is *inputs*."""
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "input")
    recipes: list[tuple[str, Recipe]] = []
    for index, recipe in enumerate(inputs.positional):
        name = positional[index].name if index < len(positional) else f"{rest}.{index - len(positional)}"
        recipes.append((name, recipe))
    return Draft((*recipes, *inputs.keywords), batch)


def shape_of(recipe: TensorRecipe, batch: int) -> tuple[int, ...]:
    """The sizes of *recipe* for *batch* rows."""
    return tuple(size_of(size, batch) for size in recipe.sizes)


def batch_axis_of(inputs: Inputs) -> int:
    """The axis of the batch in the first tensor that has one."""
    for recipe in (*inputs.positional, *(recipe for _, recipe in inputs.keywords)):
        for tensor in tensor_recipes(recipe):
            for axis, size in enumerate(tensor.sizes):
                if isinstance(size, str):
                    return axis
    return 0


def has_batch(inputs: Inputs) -> bool:
    """Whether anything in *inputs* depends on the batch size."""
    for recipe in (*inputs.positional, *(recipe for _, recipe in inputs.keywords)):
        if isinstance(recipe, Expression) and BATCH in recipe.source:
            return True
        if any(isinstance(size, str) for tensor in tensor_recipes(recipe) for size in tensor.sizes):
            return True
    return False


def tensor_recipes(recipe: Recipe) -> Iterator[TensorRecipe]:
    """The tensors in *recipe*."""
    if isinstance(recipe, TensorRecipe):
        yield recipe
    elif isinstance(recipe, Group):
        for item in recipe.items:
            yield from tensor_recipes(item)


def with_size(recipe: TensorRecipe, axis: int, size: int) -> TensorRecipe:
    """*recipe* with *size* on *axis*."""
    sizes = list(recipe.sizes)
    sizes[axis] = size
    return replace(recipe, sizes=tuple(sizes))


def of_rank(recipe: TensorRecipe, rank: int, hints: Hints, **sizes: int) -> list[TensorRecipe]:
    """*recipe* with another number of axes, the likeliest sizes first; *sizes* may say ``channels`` or ``last``."""
    steps = hints.steps or STEPS
    channels, last = sizes.get("channels"), sizes.get("last")
    height, width = hints.sides_for(channels or 1)
    integral = recipe.dtype.startswith(("int", "uint"))
    old = recipe.sizes[-1] if recipe.sizes and isinstance(recipe.sizes[-1], int) else 32
    shapes: list[tuple[int | str, ...]]
    if rank == 0:
        shapes = [()]
    elif rank == 1:
        shapes = [(BATCH,)]
    elif rank == 2:
        shapes = [(BATCH, last or channels or (steps if integral else old))]
    elif rank == 3:
        if channels is not None:
            shapes = [(BATCH, channels, steps if steps > STEPS else 64)]
        else:
            shapes = [(BATCH, steps, last or old)]
    elif rank == 4:
        shapes = [(BATCH, channels or hints.channels or 3, height, last or width)]
    elif rank == 5:
        frames = hints.frames or 8
        if channels is not None:
            shapes = [(BATCH, channels, frames, height, width)]
        else:
            channels = hints.channels or 3
            shapes = [
                (BATCH, channels, frames, height, last or width),
                (BATCH, frames, channels, height, last or width),
            ]
    else:
        shapes = [(BATCH, *(4 for _ in range(rank - 1)))]
    return [replace(recipe, sizes=shape) for shape in shapes]


def of_numel(recipe: TensorRecipe, wanted: int, hints: Hints) -> list[TensorRecipe]:
    """*recipe* with *wanted* elements a row: kept in rank if it can be, else an image, else flat."""
    found: list[TensorRecipe] = []
    rank = len(recipe.sizes)
    if rank == 4 or rank == 2:
        for channels in dict.fromkeys((hints.channels or 3, 1, 3)):
            side = math.isqrt(wanted // channels) if wanted % channels == 0 else 0
            if side > 3 and side * side * channels == wanted:
                found.append(replace(recipe, sizes=(BATCH, channels, side, side)))
        if hints.sides is not None and wanted % (hints.sides[0] * hints.sides[1]) == 0:
            channels = wanted // (hints.sides[0] * hints.sides[1])
            found.insert(0, replace(recipe, sizes=(BATCH, channels, *hints.sides)))
    if rank == 3:
        last = recipe.sizes[-1]
        if isinstance(last, int) and wanted % last == 0:
            found.append(replace(recipe, sizes=(BATCH, wanted // last, last)))
        middle = recipe.sizes[1]
        if isinstance(middle, int) and wanted % middle == 0:
            found.append(replace(recipe, sizes=(BATCH, middle, wanted // middle)))
    found.append(replace(recipe, sizes=(BATCH, wanted)))
    return found


def plain(value: Any) -> bool:
    """Whether *value* is a number of sizes: an int, but no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)
