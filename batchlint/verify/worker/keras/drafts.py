"""A guess at all arguments of a call of a Keras model, and small changes of it; channels are last."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from batchlint.verify.recipes import BATCH, Expression, Group, Inputs, Literal, Recipe, TensorRecipe

STEPS = 12
SIDE = 32
FEATURES = 32
INTEGERS = 10

Path = tuple[int, ...]
"""Where a tensor is in the arguments: the argument, then the item within it."""


@dataclass(frozen=True)
class Draft:
    """A guess at the arguments.

    Attributes:
        recipes: name and recipe of each argument, in the order of the parameters.
    """

    recipes: tuple[tuple[str, Recipe], ...]

    def inputs(self, parameters: tuple[inspect.Parameter, ...]) -> Inputs:
        """The arguments of a call: by position as far as there is no gap, else by keyword."""
        given = dict(self.recipes)
        positional: list[Recipe] = []
        names: list[str] = []
        keywords: list[tuple[str, Recipe]] = []
        gap = False
        for parameter in parameters:
            recipe = given.pop(parameter.name, None)
            if parameter.kind is parameter.VAR_POSITIONAL:
                while f"{parameter.name}.{len(positional)}" in given:
                    positional.append(given.pop(f"{parameter.name}.{len(positional)}"))
            elif recipe is None:
                gap = True
            elif gap or parameter.kind is parameter.KEYWORD_ONLY:
                keywords.append((parameter.name, recipe))
            else:
                positional.append(recipe)
                names.append(parameter.name)
        return Inputs(tuple(positional), tuple(names), (*keywords, *given.items()))

    def tensors(self) -> Iterator[tuple[str, Path, TensorRecipe]]:
        """The tensors with the names of their arguments and where they are."""
        for number, (name, recipe) in enumerate(self.recipes):
            yield from _tensors(name, (number,), recipe)

    def changed(self, path: Path, recipe: Recipe) -> Draft:
        """This with another tensor at *path*."""
        recipes = list(self.recipes)
        name, old = recipes[path[0]]
        recipes[path[0]] = name, _put(old, path[1:], recipe)
        return Draft(tuple(recipes))


def _tensors(name: str, path: Path, recipe: Recipe) -> Iterator[tuple[str, Path, TensorRecipe]]:
    if isinstance(recipe, TensorRecipe):
        yield name, path, recipe
    elif isinstance(recipe, Group):
        for number, item in enumerate(recipe.items):
            inner = recipe.keys[number] if recipe.keys else name
            yield from _tensors(inner, (*path, number), item)


def _put(recipe: Recipe, path: Path, new: Recipe) -> Recipe:
    if not path or not isinstance(recipe, Group):
        return new
    items = list(recipe.items)
    items[path[0]] = _put(items[path[0]], path[1:], new)
    return replace(recipe, items=tuple(items))


@dataclass(frozen=True)
class Hints:
    """Numbers that the author gave names to.

    Attributes:
        image: height, width and channels.
        steps: length of sequences.
        features: size of a feature vector.
        latent: size of a noise vector.
        below: how many different tokens there are.
        classes: how many labels there are.
        shapes: shapes without the batch that the file declares (``Input(shape=...)``, ``input_shape=...``).
        kinds: what the model's layers take, the likeliest first: ``image``, ``tokens``, ``sequence``, ``vector``,
            ``text``, ``volume``.
    """

    image: tuple[int, int, int] = (SIDE, SIDE, 3)
    steps: int = STEPS
    features: int = FEATURES
    latent: int = 16
    below: int | None = None
    classes: int = INTEGERS
    shapes: tuple[tuple[int, ...], ...] = ()
    kinds: tuple[str, ...] = ("vector",)
    numbers: Mapping[str, Any] = field(default_factory=dict)


def of_kind(kind: str, hints: Hints) -> TensorRecipe:
    """A tensor of one of `Hints.kinds`."""
    if kind == "image":
        return TensorRecipe((BATCH, *hints.image))
    if kind == "volume":
        return TensorRecipe((BATCH, 8, *hints.image))
    if kind == "tokens":
        return TensorRecipe((BATCH, hints.steps), "int64", "integers", hints.below or INTEGERS)
    if kind == "sequence":
        return TensorRecipe((BATCH, hints.steps, hints.features))
    if kind == "text":
        return TensorRecipe((BATCH,), "string")
    if kind == "index":
        return TensorRecipe((BATCH,), "int64", "integers", hints.below or INTEGERS)
    return TensorRecipe((BATCH, hints.features))


Guess = Callable[[Hints], Recipe]


def _literal(source: str) -> Guess:
    return lambda hints: Literal(source)


_BY_NAME: tuple[tuple[re.Pattern[str], tuple[Guess, ...]], ...] = tuple(
    (re.compile(pattern), guesses)
    for pattern, guesses in (
        (r"(?:\w*_)?masks?(?:_\w+)?\Z", (_literal("None"),
                                         lambda hints: TensorRecipe((BATCH, hints.steps), "bool", "ones"))),
        (r"(?:z|noises?|latents?|latent_\w+|z_\w+|random_latent\w*)\Z", (lambda h: TensorRecipe((BATCH, h.latent)),)),
        (r"(?:imgs?|images?|pixels?|pixel_values|frames?|\w+_images?|\w+_imgs?|photo|picture|feature_maps?)\Z",
         (lambda h: of_kind("image", h),)),
        (r"(?:videos?|clips?)\Z", (lambda h: of_kind("volume", h),)),
        (r"(?:tokens?|token_ids|ids|input_ids|words?|sentences?|src|tgt|trg|target_seq|source_seq|sequences?|captions?|"
         r"\w+_tokens|\w+_ids|indices|prompt)\Z", (lambda h: of_kind("tokens", h),)),
        (r"(?:texts?|strings?|titles?|queries|raw_\w+)\Z", (lambda h: of_kind("text", h),)),
        (r"(?:labels?|classes|class_labels?|y|y_true|targets?)\Z", (lambda h: of_kind("index", h),)),
        (r"(?:t|timesteps?|time_?steps?|times?|noise_variances?|noise_levels?|sigma)\Z",
         (lambda h: of_kind("index", h), lambda h: TensorRecipe((BATCH,), "float32", "uniform"))),
        (r"(?:edges|edge_index\w*|edge_list|pair_indices)\Z",
         (lambda h: TensorRecipe((BATCH, 2), "int64", "integers", 2),)),
        (r"(?:node_states|node_features|atom_features|nodes)\Z", (lambda h: of_kind("vector", h),)),
        (r"(?:users?|items?|movies?|user_\w+|item_\w+|movie_\w+)\Z", (lambda h: of_kind("index", h),)),
        (r"(?:queries|query|keys?|values?|q|k|v|enc_outputs?|encoder_outputs?|memory|context|hidden_states|features|"
         r"values|embeddings?|patch(?:es)?|encoded_\w+|tokens_embedded|source|target)\Z",
         (lambda h: of_kind("sequence", h), lambda h: of_kind("vector", h))),
        (r"(?:states?|hidden|h|c|initial_states?|prev_\w+|carry|cell|hidden_state|state_\w+)\Z",
         (lambda h: TensorRecipe((BATCH, h.features)),)),
        (r"(?:return_\w+|use_\w+|is_\w+|reverse|deterministic|inverse|verbose|add_\w+)\Z", (_literal("False"),)),
        (r"(?:batch_?size|bs|bsz)\Z", (lambda hints: Expression("B"),)),
        (r"(?:step|epoch|steps|num_\w+|n_\w+|max_len\w*|maxlen|k)\Z", (_literal("3"),)),
        (r"(?:alpha|beta|temperature|p|rate|scale)\Z", (_literal("0.5"),)),
    )
)  # fmt: skip


def by_name(name: str, hints: Hints) -> list[Recipe]:
    """Guesses for an argument of that name."""
    for pattern, guesses in _BY_NAME:
        if pattern.match(name.lower().lstrip("_")):
            return [guess(hints) for guess in guesses]
    return []


def guesses(name: str, hints: Hints, within: bool = False) -> list[Recipe]:
    """What an argument, or an item *within* one, may be: by its name, else by what the layers take."""
    found = by_name(name, hints)
    found += [TensorRecipe((BATCH, *shape)) for shape in hints.shapes] if not within else []
    found += [of_kind(kind, hints) for kind in hints.kinds]
    rest = ("vector", "sequence", "image", "tokens", "text", "index", "volume")
    found += [of_kind(kind, hints) for kind in rest if kind not in hints.kinds]
    return list(dict.fromkeys(found))


def of_numel(recipe: TensorRecipe, wanted: int) -> Iterator[TensorRecipe]:
    """*recipe* with *wanted* elements a row: an image, a sequence, a vector."""
    real = recipe.dtype.startswith("float")
    last = recipe.sizes[-1]
    if isinstance(last, int) and len(recipe.sizes) == 4 and last and wanted % last == 0:
        side = math.isqrt(wanted // last)
        if side * side * last == wanted:
            yield replace(recipe, sizes=(BATCH, side, side, last))
    if isinstance(last, int) and len(recipe.sizes) == 3 and last and wanted % last == 0:
        yield replace(recipe, sizes=(BATCH, wanted // last, last))
    for channels in (1, 3) if real else ():
        side = math.isqrt(wanted // channels) if wanted % channels == 0 else 0
        if side > 3 and side * side * channels == wanted:
            yield replace(recipe, sizes=(BATCH, side, side, channels))
            yield replace(recipe, sizes=(BATCH, side, side * channels))
    yield replace(recipe, sizes=(BATCH, wanted))
