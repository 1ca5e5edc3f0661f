"""Other arguments to try after a call that failed, from what it said: the likeliest first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from batchlint.verify.outcomes import Failure
from batchlint.verify.recipes import BATCH, Group, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.keras.drafts import Draft, Hints, Path, by_name, of_kind, of_numel

_RANK = re.compile(r"expected (?:min_|max_)?ndim=(\d+), found (?:full shape .*?)?ndim=(\d+)")
_CHANNELS = re.compile(r"expected axis (-?\d+) of input shape to have value (\d+)")
_UNPACK = re.compile(r"(?:too many|not enough) values to unpack \(expected (\d+)(?:, got (\d+))?")
_RESHAPE = re.compile(r"Input to reshape is a tensor with (\d+) values, but the requested shape has (\d+)")
_MULTIPLE = re.compile(r"requested shape requires a multiple of (\d+)")
_INDEX = re.compile(r"indices\[[^\]]*\] = -?\d+ is not in \[0, (\d+)\)")
_FLOAT_WANTED = re.compile(
    r"(?:attr 'T\w*' of (?:int64|int32|bool)\b)|expected to be a (?:float|double|half) tensor but is an? (?:int|bool)|"
    r"Tensor conversion requested dtype float\w* for Tensor with dtype int|incompatible.*int64.*float32|"
    r"cannot convert .*int64.*float"
)
_INTEGER_WANTED = re.compile(
    r"(?:attr 'T\w*' of (?:float|double)\b)|expected to be an? (?:int32|int64|uint8) tensor but is a float|"
    r"Tensor conversion requested dtype int\w* for Tensor with dtype float|indices must be int|must be .*integer"
)
_BOOL_WANTED = re.compile(r"expected to be a bool tensor|must be .*bool|dtype bool")
_STRING_WANTED = re.compile(r"expected to be a string tensor|dtype string|of type string|'string'")
_DEEPER = re.compile(
    r"(?:list|tuple) index out of range|slice index -?\d+ of dimension \d+ out of bounds|too many indices|"
    r"Index out of range using input dim|must be (?:at least )?rank|out of range \[|Shape must be rank|"
    r"axis -?\d+ is out of bounds|index -?\d+ is out of bounds|must have at least|Invalid reduction dimension|"
    r"Expected dimension in the range|has rank \d"
)
_LARGER = re.compile(r"[Nn]egative dimension|would be negative|output size.*(?:zero|0)|must be positive|too small|"
                     r"Computed output size|division by zero|at least 1|<= 0|cannot be smaller")  # fmt: skip
_SHAPE = re.compile(r"[\[(]\s*(\d+(?:,\s*\d+)+)\s*[\])]")
_UNLIKE = re.compile(r"ConcatOp|Incompatible shapes|must match|[Dd]imensions? must be equal|broadcast")
_GROUP_WANTED = re.compile(
    r"should be called on a list|must be called (?:on|with) a list|expects? (\d+) input|is not iterable|"
    r"Expected .* list of|list of (?:at least )?(\d+) (?:inputs|tensors)|string indices|tuple of"
)


def repaired(draft: Draft, failure: Failure, meetings: Sequence[Any], hints: Hints) -> Iterator[Draft]:
    """Small changes of *draft* that the message of *failure* suggests."""
    seen: set[Draft] = {draft}
    for each in _all(draft, failure, meetings, hints):
        if each not in seen:
            seen.add(each)
            yield each


def _all(draft: Draft, failure: Failure, meetings: Sequence[Any], hints: Hints) -> Iterator[Draft]:
    message = failure.message
    last = next((each for each in reversed(meetings) if not each.finished), None)
    own = [path for each in meetings if not each.finished and (path := each.path) is not None]
    tensors = list(draft.tensors())
    first = [each for each in tensors if each[1] in own] or tensors
    if (found := _RANK.search(message)) is not None:
        for _, path, recipe in first:
            if len(recipe.sizes) == int(found[2]) or last is None or last.path is None:
                yield from _of_rank(draft, path, recipe, int(found[1]), hints)
    if (found := _CHANNELS.search(message)) is not None:
        yield from _with_size(draft, first, int(found[1]), int(found[2]))
    if (found := _UNPACK.search(message)) is not None:
        wanted = int(found[1])
        for _, path, recipe in tensors:
            if found[2] is None or int(found[2]) == len(recipe.sizes) or wanted > len(recipe.sizes):
                yield from _of_rank(draft, path, recipe, wanted, hints)
        yield from _grouped(draft, wanted, hints)
    if (found := _RESHAPE.search(message)) is not None:
        yield from _of_elements(draft, tensors, int(found[1]), int(found[2]))
    if (found := _MULTIPLE.search(message)) is not None:
        yield from _of_multiple(draft, tensors, int(found[1]))
    if (found := _INDEX.search(message)) is not None:
        for _, path, recipe in tensors:
            if recipe.values == "integers":
                yield draft.changed(path, replace(recipe, below=max(1, int(found[1]))))
    yield from _of_types(draft, message, tensors)
    if _LARGER.search(message):
        for factor in (2, 4):
            yield from _scaled(draft, factor)
    if _DEEPER.search(message):
        for _, path, recipe in first:
            yield from _of_rank(draft, path, recipe, len(recipe.sizes) + 1, hints)
            if len(recipe.sizes) < 4:
                yield from _of_rank(draft, path, recipe, 4, hints)
    if (found := _GROUP_WANTED.search(message)) is not None:
        wanted = next((int(each) for each in found.groups() if each), 2)
        yield from _grouped(draft, wanted, hints)
    yield from _of_shapes(draft, message, tensors)
    if _UNLIKE.search(message):
        for factor in (2, 4, 8):
            yield from _scaled(draft, factor)
    yield from _of_numbers(draft, message, tensors)
    for _, path, recipe in tensors:
        for rank in (3, 4, 2):
            if rank != len(recipe.sizes) and recipe.dtype.startswith("float"):
                yield from _of_rank(draft, path, recipe, rank, hints)


def _of_rank(draft: Draft, path: Path, recipe: TensorRecipe, rank: int, hints: Hints) -> Iterator[Draft]:
    """*draft* with so many axes in one tensor."""
    if rank == len(recipe.sizes) or recipe.dtype == "string":
        return
    if not recipe.dtype.startswith("float"):
        if rank == 1:
            yield draft.changed(path, replace(recipe, sizes=(BATCH,)))
        elif rank == 2:
            yield draft.changed(path, replace(recipe, sizes=(BATCH, hints.steps)))
        kind = {3: "sequence", 4: "image"}.get(rank)
        if kind is not None:
            yield draft.changed(path, of_kind(kind, hints))
        return
    last = recipe.sizes[-1]
    kind = {1: "index", 2: "vector", 3: "sequence", 4: "image", 5: "volume"}.get(rank)
    if kind is None:
        return
    made = of_kind(kind, hints)
    if rank == 1:
        yield draft.changed(path, TensorRecipe((BATCH,)))
        return
    declared = [shape for shape in hints.shapes if len(shape) == rank - 1]
    for shape in declared:
        yield draft.changed(path, TensorRecipe((BATCH, *shape)))
    if isinstance(last, int) and len(recipe.sizes) > 1 and rank in (2, 3) and len(recipe.sizes) < 4:
        yield draft.changed(path, replace(made, sizes=(*made.sizes[:-1], last)))
    yield draft.changed(path, made)
    if rank == 4 and isinstance(last, int) and len(recipe.sizes) == 3:
        yield draft.changed(path, replace(made, sizes=(BATCH, 8, 8, last)))


def _with_size(
    draft: Draft, tensors: Sequence[tuple[str, Path, TensorRecipe]], axis: int, size: int
) -> Iterator[Draft]:
    for _, path, recipe in tensors:
        place = axis % len(recipe.sizes) if -len(recipe.sizes) <= axis < len(recipe.sizes) else None
        if place:
            sizes = [size if number == place else each for number, each in enumerate(recipe.sizes)]
            yield draft.changed(path, replace(recipe, sizes=tuple(sizes)))


def _grouped(draft: Draft, count: int, hints: Hints) -> Iterator[Draft]:
    """*draft* with several tensors in place of one."""
    if not 1 < count <= 8:
        return
    for number, (name, recipe) in enumerate(draft.recipes):
        if isinstance(recipe, TensorRecipe):
            kinds: list[Recipe] = [recipe, *(of_kind(kind, hints) for kind in hints.kinds), *by_name(name, hints)]
            for each in list(dict.fromkeys(kinds))[:3]:
                yield draft.changed((number,), Group("tuple", (each,) * count))
        elif isinstance(recipe, Group) and not recipe.keys and len(recipe.items) != count:
            yield draft.changed((number,), Group(recipe.kind, (recipe.items[0],) * count))


def _of_elements(
    draft: Draft, tensors: Sequence[tuple[str, Path, TensorRecipe]], given: int, wanted: int
) -> Iterator[Draft]:
    """*draft* with inputs of which *wanted* elements come where *given* came."""
    for _, path, recipe in tensors:
        sizes = [size for size in recipe.sizes if isinstance(size, int)]
        own = 4 * math.prod(sizes)
        if own == given and wanted % 4 == 0:
            for each in of_numel(recipe, wanted // 4):
                yield draft.changed(path, each)
        for axis, size in enumerate(recipe.sizes):
            if isinstance(size, int) and given and size * wanted % given == 0:
                changed = tuple(size * wanted // given if at == axis else each for at, each in enumerate(recipe.sizes))
                if 0 < changed[axis] <= 100_000:  # type: ignore[operator]
                    yield draft.changed(path, replace(recipe, sizes=changed))
        if len(recipe.sizes) == 4:
            for side in (28, 32, 64, 16, 128, 8, 96, 224, 256):
                if side * side * given == wanted * _area(recipe):
                    yield draft.changed(path, replace(recipe, sizes=(BATCH, side, side, recipe.sizes[3])))


def _area(recipe: TensorRecipe) -> int:
    height, width = recipe.sizes[1:3]
    return height * width if isinstance(height, int) and isinstance(width, int) else 0


def _of_multiple(draft: Draft, tensors: Sequence[tuple[str, Path, TensorRecipe]], wanted: int) -> Iterator[Draft]:
    for _, path, recipe in tensors:
        for each in of_numel(recipe, wanted):
            yield draft.changed(path, each)
        if len(recipe.sizes) > 1:
            yield draft.changed(path, replace(recipe, sizes=(*recipe.sizes[:-1], wanted)))


def _of_types(draft: Draft, message: str, tensors: Sequence[tuple[str, Path, TensorRecipe]]) -> Iterator[Draft]:
    for _, path, recipe in tensors:
        real = recipe.dtype.startswith("float")
        if not real and _FLOAT_WANTED.search(message):
            yield draft.changed(path, TensorRecipe(recipe.sizes))
        if real and _INTEGER_WANTED.search(message):
            yield draft.changed(path, replace(recipe, dtype="int32", values="integers", below=recipe.below or 10))
            if len(recipe.sizes) > 2:
                yield draft.changed(path, TensorRecipe(recipe.sizes[:2], "int32", "integers", 10))
        if not real and _INTEGER_WANTED.search(message) and recipe.dtype == "int64":
            yield draft.changed(path, replace(recipe, dtype="int32"))
        if recipe.dtype != "bool" and _BOOL_WANTED.search(message):
            yield draft.changed(path, TensorRecipe(recipe.sizes, "bool", "ones"))
        if recipe.dtype != "string" and _STRING_WANTED.search(message):
            yield draft.changed(path, TensorRecipe((BATCH,), "string"))
    if "NoneType" in message:
        for number, (_, given) in enumerate(draft.recipes):
            if isinstance(given, Literal) and given.source == "None":
                yield draft.changed((number,), TensorRecipe((BATCH, 12), "bool", "ones"))


def _of_shapes(draft: Draft, message: str, tensors: Sequence[tuple[str, Path, TensorRecipe]]) -> Iterator[Draft]:
    """*draft* with the shape that another one is compared with, where that is an input's."""
    shapes = [tuple(int(size) for size in each.split(",")) for each in _SHAPE.findall(message)]
    for _, path, recipe in tensors:
        own = tuple(4 if isinstance(size, str) else size for size in recipe.sizes)
        for other in shapes if own in shapes else ():
            if other != own and len(other) > 1 and other[0] == 4:
                yield draft.changed(path, replace(recipe, sizes=(BATCH, *other[1:])))


def _of_numbers(draft: Draft, message: str, tensors: Sequence[tuple[str, Path, TensorRecipe]]) -> Iterator[Draft]:
    """*draft* with a size that the message names turned into another that it names."""
    numbers = list(dict.fromkeys(int(each) for each in re.findall(r"(?<![\w.])\d{1,5}(?![\w.])", message)))
    for _, path, recipe in tensors:
        for axis in reversed(range(1, len(recipe.sizes))):
            size = recipe.sizes[axis]
            for number in numbers if size in numbers else ():
                if number != size and 1 <= number <= 4096:
                    sizes = tuple(number if at == axis else each for at, each in enumerate(recipe.sizes))
                    yield draft.changed(path, replace(recipe, sizes=sizes))
    for _, path, recipe in tensors:
        last = recipe.sizes[-1]
        if len(recipe.sizes) > 1 and isinstance(last, int) and last not in numbers:
            for number in numbers[:4]:
                if 1 < number <= 4096:
                    yield draft.changed(path, replace(recipe, sizes=(*recipe.sizes[:-1], number)))


def _scaled(draft: Draft, factor: int) -> Iterator[Draft]:
    changed = draft
    for _, path, recipe in draft.tensors():
        if len(recipe.sizes) >= 3 and recipe.dtype.startswith("float"):
            spatial = [size * factor if isinstance(size, int) else size for size in recipe.sizes[1:-1]]
            if all(isinstance(size, int) and size <= 512 for size in spatial):
                changed = changed.changed(path, replace(recipe, sizes=(recipe.sizes[0], *spatial, recipe.sizes[-1])))
    if changed != draft:
        yield changed
