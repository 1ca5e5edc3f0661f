"""What a Keras model hands to its parts: a layer that nobody calls directly gets what its parent gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from batchlint.verify.recipes import BATCH, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.keras.arrays import Array, to_array
from batchlint.verify.worker.keras.calling import MODES, parameters_of
from batchlint.verify.worker.keras.framework import parts_of
from batchlint.verify.worker.keras.inputs import like
from batchlint.verify.worker.keras.subject import KerasSubject

MORE = 3
"""How many rows more the parent is given to see which sizes follow the batch."""


@dataclass(frozen=True)
class HandedPart:
    """A part of a model with what its parent gives it.

    Attributes:
        layer: the part.
        path: the attributes that lead to it.
        inputs: recipes of what it is given.
        maker: makes another such part, in a parent of its own.
    """

    layer: Any
    path: str
    inputs: Inputs
    maker: Callable[[], Any] | None


def handed_by(parent: KerasSubject, wanted: Callable[[type], bool]) -> Iterator[HandedPart]:
    """The parts of wanted classes, each class once, with what *parent* hands to them when it runs."""
    rows = parent.control
    first = _calls(parent, rows, wanted)
    more = _calls(parent, rows + MORE, wanted)
    paths = {id(part): path for path, part in parts_of(parent.model)}
    done: set[type] = set()
    for key, (positional, keywords) in first.items():
        layer, number = key[1], key[0]
        path = paths.get(id(layer))
        other = more.get((number, layer))
        if path is None or not path or other is None or type(layer) in done:
            continue
        recipes = [_recipe(one, two, rows) for one, two in zip(positional, other[0])]
        named = {
            name: _recipe(value, other[1].get(name), rows) for name, value in keywords.items() if name not in MODES
        }
        if any(each is None for each in (*recipes, *named.values())) or not _varies([*recipes, *named.values()]):
            continue
        done.add(type(layer))
        names = tuple(each.name for each in parameters_of(layer))[: len(recipes)]
        inputs = Inputs(
            tuple(each for each in recipes if each is not None),
            names,
            tuple((name, each) for name, each in named.items() if each is not None),
        )
        yield HandedPart(layer, path, inputs, None)


class _ByIdentity(dict[tuple[int, Any], tuple[tuple[Any, ...], dict[str, Any]]]):
    """Calls by number and layer."""


def _calls(parent: KerasSubject, rows: int, wanted: Callable[[type], bool]) -> _ByIdentity:
    """What parts of wanted classes are given when *parent* runs with so many rows."""
    found = _ByIdentity()
    counts: dict[int, int] = {}
    kind = keras.layers.Layer
    really_call = kind.__call__

    def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if self is not parent.model and wanted(type(self)):
            number = counts[id(self)] = counts.get(id(self), 0) + 1
            found[number, self] = arguments, keywords
        return really_call(self, *arguments, **keywords)

    kind.__call__ = call
    try:
        with parent.undisturbed():
            parent.run(rows)
    finally:
        kind.__call__ = really_call
    return found


def _recipe(one: Any, other: Any, rows: int) -> Recipe | None:
    """The recipe of what was handed with *rows* rows as *one* and with `MORE` as *other*."""
    first, second = to_array(one), to_array(other)
    if first is not None and second is not None:
        return _of_arrays(first, second, rows)
    if isinstance(one, bool | int | float | str | type(None)):
        return Literal(repr(one)) if one == other else None
    if isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other):
        items = [_recipe(a, b, rows) for a, b in zip(one, other)]
        kept = tuple(each for each in items if each is not None)
        return Group("list" if isinstance(one, list) else "tuple", kept) if len(kept) == len(items) else None
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        named = {str(name): _recipe(value, other.get(name), rows) for name, value in one.items()}
        known = {name: each for name, each in named.items() if each is not None}
        return Group("dict", tuple(known.values()), tuple(known)) if len(known) == len(named) else None
    return None


def _of_arrays(one: Array, other: Array, rows: int) -> Recipe | None:
    if one.ndim != other.ndim or not one.ndim:
        return None
    made = like(one, None)
    if made is None:
        return None
    sizes: list[int | str] = []
    for size, more in zip(one.shape, other.shape):
        if size == more:
            sizes.append(int(size))
        elif size % rows == 0 and more * rows == size * (rows + MORE):
            sizes.append(BATCH if size == rows else f"{size // rows}*{BATCH}")
        else:
            return None
    return TensorRecipe(tuple(sizes), made.dtype, made.values, made.below)


def _varies(recipes: list[Recipe | None]) -> bool:
    for each in recipes:
        if isinstance(each, TensorRecipe) and any(isinstance(size, str) for size in each.sizes):
            return True
        if isinstance(each, Group) and _varies(list(each.items)):
            return True
    return False
