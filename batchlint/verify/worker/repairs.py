"""What to change in the arguments of a call that failed, read from the operation that failed and from its message."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from torch import nn

from batchlint.verify.recipes import BATCH, Expression, Group, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.demands import Demand, demands
from batchlint.verify.worker.drafts import Draft, of_numel, of_rank, shape_of, with_size
from batchlint.verify.worker.guesses import USUAL_SIDES, Hints, guesses, state_of
from batchlint.verify.worker.trials import Operation, Seen, Trial

_JOINS = frozenset({"cat", "concat", "concatenate", "hstack"})
_FLATTENS = frozenset({"view", "reshape", "flatten", "unflatten"})


@dataclass(frozen=True, slots=True)
class Scene:
    """What repairs look at.

    Attributes:
        trial: a try that failed.
        draft: what it was given.
        hints: numbers that the author named.
        optional: first guesses of the parameters that the draft leaves out.
        own_batch_sizes: numbers that the code may be written for.
    """

    trial: Trial
    draft: Draft
    hints: Hints
    optional: tuple[tuple[str, Recipe], ...] = ()
    own_batch_sizes: tuple[int, ...] = ()

    def last_direct(self) -> tuple[str, Seen] | None:
        """The argument that was last looked at before it failed, and what it was then."""
        last = [*self.trial.operations[-6:], *([self.trial.failing] if self.trial.failing else [])]
        for operation in reversed(last):
            for seen in operation.tensors():
                name = only_source(seen)
                if name is not None and seen.direct:
                    return name, seen
        for operation in reversed(last):
            for seen in operation.tensors():
                name = only_source(seen)
                if name is not None:
                    return name, seen
        return None


def only_source(seen: Seen) -> str | None:
    """The one argument that a tensor comes from."""
    return next(iter(seen.sources)) if len(seen.sources) == 1 else None


def repairs(scene: Scene) -> Iterator[Draft]:
    """Drafts that may do better, the likeliest first."""
    asked = demands(scene.trial)
    order = len(scene.trial.operations)
    failing = [demand for demand in asked if not demand.met and demand.order >= order - 1]
    unmet = [demand for demand in asked if not demand.met and demand not in failing]
    for demand in (*failing, *unmet):
        yield from meet(demand, scene)
    yield from _objects(scene)
    yield from _states(scene)
    message = scene.trial.message
    for pattern, repair in _BY_MESSAGE:
        matched = pattern.search(message)
        if matched is not None:
            yield from repair(scene, matched)
    yield from _mismatched(scene)
    yield from _batches(scene, message)
    yield from _named_sides(scene)
    yield from _optional(scene, message)


def _objects(scene: Scene) -> Iterator[Draft]:
    """An argument is read as an object or by keys: it gets what it is asked for."""
    trial, draft, operation = scene.trial, scene.draft, scene.trial.failing
    if trial.lacks is not None:
        name, asked = trial.lacks
        yield from _with_part(scene, name, "object", asked)
    elif operation is not None and operation.name == "__getitem__" and len(operation.arguments) > 1:
        first, key = operation.arguments[:2]
        whole = only_source(first) if isinstance(first, Seen) else None
        if isinstance(key, str) and whole is not None and isinstance(draft.get(whole), TensorRecipe):
            yield from _with_part(scene, whole, "dict", key)
    elif isinstance(trial.error, KeyError) and trial.error.args and isinstance(trial.error.args[0], str):
        for name, recipe in draft.recipes:
            if isinstance(recipe, Group) and recipe.kind == "dict" and trial.error.args[0] not in recipe.keys:
                yield from _with_part(scene, name, "dict", trial.error.args[0])


def _with_part(scene: Scene, name: str, kind: str, part: str) -> Iterator[Draft]:
    """*name* as a group of that *kind* which has a *part* more."""
    before = scene.draft.get(name)
    kept = before if isinstance(before, Group) and before.kind == kind else Group(kind, ())
    found = guesses(inspect.Parameter(part.removesuffix("()"), inspect.Parameter.KEYWORD_ONLY), None, scene.hints)
    if part.endswith("()") and isinstance(before, TensorRecipe):
        # The name of the argument says more than that of the method by which it is got.
        found.insert(0, before)
    for recipe in dict.fromkeys(found):
        group = Group(kind, (*kept.items, recipe), (*kept.keys, part))
        yield scene.draft.with_recipe(name, group)


def other_sizes(scene: Scene) -> Iterator[Draft]:
    """Drafts of other sizes, where nothing says which: to be tried when nothing else is left."""
    yield from _numbers(scene, scene.trial.message)
    yield from _other_batches(scene, scene.trial.message)


def meet(demand: Demand, scene: Scene) -> Iterator[Draft]:
    """Drafts in which the tensor that a layer was given is what it asks for."""
    seen, draft, hints = demand.seen, scene.draft, scene.hints
    if not seen.fresh:
        return
    name = only_source(seen)
    if name is None:
        yield from _joined(demand, scene)
        return
    recipe = draft.get(name)
    if isinstance(recipe, Group):
        yield from _in_group(name, recipe, demand, scene)
        return
    if not isinstance(recipe, TensorRecipe):
        return
    shape = shape_of(recipe, draft.batch)
    if demand.dtype and recipe.dtype != demand.dtype:
        rank = len(shape) if len(shape) <= 2 else 2
        if recipe.dtype.startswith("float") and len(shape) > 2:
            recipe = of_rank(replace(recipe, dtype="int64"), rank, hints)[0]
        yield draft.with_recipe(name, replace(recipe, dtype="int64", values="integers", below=demand.below))
        return
    delta = len(seen.shape) - len(shape)
    flat = len(seen.shape) == 2 and len(shape) != 2 and seen.shape[0] == draft.batch
    if flat and -1 in demand.sizes and _numel(shape) == _numel(seen.shape):
        for each in of_numel(recipe, demand.sizes[-1], hints):
            yield draft.with_recipe(name, each)
    ranks = [rank - delta for rank in demand.ranks] if demand.ranks else []
    if not ranks and -1 in demand.sizes and delta == 0:
        ranks = [len(shape)] if len(shape) <= 3 else [2, 3, len(shape)]
    channels, last = demand.sizes.get(1), demand.sizes.get(-1)
    for rank in ranks:
        if rank < 1 or rank > 6:
            continue
        if rank != len(shape):
            keywords = {"channels": channels} if channels is not None else {"last": last} if last is not None else {}
            for each in of_rank(recipe, rank, hints, **keywords):
                yield draft.with_recipe(name, _major(each, demand))
            if delta > 0 and channels is not None:
                for each in of_rank(recipe, rank, hints):
                    yield draft.with_recipe(name, each)
            continue
        changed = recipe
        for axis, size in demand.sizes.items():
            place = axis if delta == 0 else None
            if place is not None and isinstance(changed.sizes[place], int):
                changed = with_size(changed, place, size)
        if changed != recipe:
            if channels is not None and channels > 16 and shape[2:] == hints.sides_for(1):
                # Feature maps are smaller than the images that were guessed.
                smaller = replace(changed, sizes=(*changed.sizes[:2], *hints.sides_for(channels)))
                yield draft.with_recipe(name, smaller)
            yield draft.with_recipe(name, _major(changed, demand))
    for axis, size in demand.sizes.items():
        if not -len(seen.shape) <= axis < len(seen.shape):
            continue
        got = seen.shape[axis]
        if got == size:
            continue
        for place in reversed(range(len(shape))):
            if shape[place] == got and isinstance(recipe.sizes[place], int):
                yield draft.with_recipe(name, with_size(recipe, place, size))
            elif got and isinstance(recipe.sizes[place], int) and got % shape[place] == 0 and got != shape[place]:
                factor = got // shape[place]
                if size % factor == 0:
                    yield draft.with_recipe(name, with_size(recipe, place, size // factor))


def _major(recipe: TensorRecipe, demand: Demand) -> TensorRecipe:
    """*recipe* with the batch on the axis where a recurrent layer has it."""
    sizes = recipe.sizes
    if demand.time_major and len(sizes) == 3 and sizes[0] == BATCH and len(demand.seen.shape) != 3:
        return replace(recipe, sizes=(sizes[1], BATCH, sizes[2]))
    return recipe


def _numel(shape: Iterable[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _joined(demand: Demand, scene: Scene) -> Iterator[Draft]:
    """Several arguments were put together: share what is asked among them."""
    seen, draft = demand.seen, scene.draft
    for axis, size in demand.sizes.items():
        if not -len(seen.shape) <= axis < len(seen.shape) or seen.shape[axis] == size:
            continue
        surplus = size - seen.shape[axis]
        flexible: list[tuple[str, TensorRecipe, int]] = []
        for name, recipe in draft.recipes:
            if name not in seen.fresh or not isinstance(recipe, TensorRecipe) or recipe.dtype != "float32":
                continue
            rank = len(recipe.sizes)
            place = axis if -rank <= axis < rank else -1
            if rank and isinstance(recipe.sizes[place], int):
                flexible.append((name, recipe, place))
        sizes = [int(recipe.sizes[place]) for _, recipe, place in flexible]
        if len(flexible) > 1 and len(set(sizes)) == 1 and (sum(sizes) + surplus) % len(sizes) == 0:
            each = (sum(sizes) + surplus) // len(sizes)
            changed = draft
            if each > 0:
                for name, recipe, place in flexible:
                    changed = changed.with_recipe(name, with_size(recipe, place, each))
                yield changed
        for (name, recipe, place), old in zip(flexible, sizes):
            if old + surplus > 0:
                yield draft.with_recipe(name, with_size(recipe, place, old + surplus))


def _in_group(name: str, group: Group, demand: Demand, scene: Scene) -> Iterator[Draft]:
    """The argument is a list or tuple of tensors: change those that have the shape that was seen."""
    items: list[Recipe] = []
    for item in group.items:
        changed: Recipe = item
        if isinstance(item, TensorRecipe) and shape_of(item, scene.draft.batch) == demand.seen.shape:
            inner = Scene(scene.trial, Draft((("item", item),), scene.draft.batch), scene.hints)
            one = replace(demand, seen=replace(demand.seen, sources=frozenset({"item"})))
            first = next(meet(one, inner), None)
            changed = item if first is None else first.get("item") or item
        items.append(changed)
    yield scene.draft.with_recipe(name, replace(group, items=tuple(items)))


def _states(scene: Scene) -> Iterator[Draft]:
    """A recurrent layer failed: give it the state it takes."""
    for call in reversed(scene.trial.layers):
        module = call.module
        if isinstance(module, nn.RNNBase) and not module.batch_first and call.arguments:
            for name in _sources(call.arguments[0]):
                turned = scene.draft.get(name)
                if isinstance(turned, TensorRecipe) and len(turned.sizes) > 1 and turned.sizes[0] == BATCH:
                    sizes = (turned.sizes[1], BATCH, *turned.sizes[2:])
                    yield scene.draft.with_recipe(name, replace(turned, sizes=sizes))
        if isinstance(module, nn.RNNBase | nn.RNNCellBase):
            state = call.arguments[1] if len(call.arguments) > 1 else call.keywords.get("hx")
            for name in _sources(state):
                recipe = state_of(module)
                if isinstance(scene.draft.get(name), Expression):
                    continue
                yield scene.draft.with_recipe(name, recipe)
                if isinstance(recipe, Group) and len(_sources(state)) > 1:
                    changed = scene.draft
                    for source, item in zip(_sources(state), recipe.items):
                        changed = changed.with_recipe(source, item)
                    yield changed
            return


def _sources(value: object) -> list[str]:
    if isinstance(value, Seen):
        return sorted(value.sources)
    if isinstance(value, tuple | list):
        return list(dict.fromkeys(name for item in value for name in _sources(item)))
    return []


def _mismatched(scene: Scene) -> Iterator[Draft]:
    """Two tensors that should agree do not: change the one that is an argument to be like the other."""
    operation = scene.trial.failing
    if operation is None:
        return
    tensors = operation.tensors()
    for seen in tensors:
        name = only_source(seen)
        if name is None or not seen.direct:
            continue
        recipe = scene.draft.get(name)
        if not isinstance(recipe, TensorRecipe):
            continue
        shape = shape_of(recipe, scene.draft.batch)
        for other in tensors:
            if other is seen or other.sources == seen.sources or not other.shape:
                continue
            if operation.name in _JOINS and len(shape) == len(other.shape) >= 3 and shape == seen.shape:
                sizes = (*recipe.sizes[:2], *other.shape[2:])
                yield scene.draft.with_recipe(name, replace(recipe, sizes=sizes))
            if shape == seen.shape:
                like = tuple(
                    BATCH if axis == 0 and size == scene.draft.batch else size for axis, size in enumerate(other.shape)
                )
                if like[0] == 1 and not other.sources:
                    # A parameter for each position, say, that is the same for all samples.
                    like = (BATCH, *like[1:])
                if other.sources and not any(size == BATCH for size in like):
                    like = tuple(BATCH if size == scene.draft.batch else size for size in like)
                yield scene.draft.with_recipe(name, replace(recipe, sizes=like))
            for axis in range(1, min(len(seen.shape), len(other.shape)) + 1):
                if axis > len(shape) or seen.shape[-axis] == other.shape[-axis]:
                    continue
                if isinstance(recipe.sizes[-axis], int) and seen.shape[-axis] == shape[-axis]:
                    yield scene.draft.with_recipe(name, with_size(recipe, -axis, other.shape[-axis]))
        for other in tensors:
            if other is not seen and other.dtype != seen.dtype and other.dtype in ("int64", "float32", "float64"):
                yield scene.draft.with_recipe(name, _typed(recipe, other.dtype))


def _typed(recipe: TensorRecipe, dtype: str) -> TensorRecipe:
    if dtype.startswith(("float", "bfloat")):
        return replace(recipe, dtype=dtype, values="normal", below=None)
    if dtype == "bool":
        return replace(recipe, dtype=dtype, values="booleans", below=None)
    return replace(recipe, dtype=dtype, values="integers", below=recipe.below or 2)


def _batches(scene: Scene, message: str) -> Iterator[Draft]:
    """The message speaks of a batch size that the code may be written for."""
    for number in _in_message(message):
        if number != scene.draft.batch and number in scene.own_batch_sizes:
            yield replace(scene.draft, batch=number)


def _other_batches(scene: Scene, message: str) -> Iterator[Draft]:
    """The message speaks of the batch size, and of another number: that may be the one that is meant."""
    numbers = _in_message(message)
    if scene.draft.batch in numbers:
        for number in numbers:
            if 1 <= number <= 256 and number != scene.draft.batch:
                yield replace(scene.draft, batch=number)


def _in_message(message: str) -> list[int]:
    return list(dict.fromkeys(int(number) for number in re.findall(r"\d+", message)[:40]))


def _named_sides(scene: Scene) -> Iterator[Draft]:
    """Images of the size that the author named."""
    sides = scene.hints.sides
    for name, recipe in scene.draft.recipes if sides is not None else ():
        if isinstance(recipe, TensorRecipe) and len(recipe.sizes) in (4, 5) and recipe.sizes[-2:] != sides:
            yield scene.draft.with_recipe(name, replace(recipe, sizes=(*recipe.sizes[:-2], *(sides or ()))))


def _numbers(scene: Scene, message: str) -> Iterator[Draft]:
    """Another size of the images, one that the message names first."""
    if isinstance(scene.trial.error, AttributeError | NameError | ImportError):
        return
    numbers = [int(number) for number in re.findall(r"\d+", message)[:20]]
    raised_by_user = isinstance(scene.trial.error, AssertionError | ValueError)
    sides = [n for n in numbers if 8 <= n <= 1024] if raised_by_user else []
    for name, recipe in scene.draft.recipes:
        if isinstance(recipe, TensorRecipe) and len(recipe.sizes) >= 4 and recipe.dtype.startswith("float"):
            for side in dict.fromkeys((*sides, *USUAL_SIDES)):
                yield scene.draft.with_recipe(name, replace(recipe, sizes=(*recipe.sizes[:-2], side, side)))
        elif isinstance(recipe, TensorRecipe) and len(recipe.sizes) == 3 and isinstance(recipe.sizes[1], int):
            for number in dict.fromkeys((*sides, 16, 32, 64, 128, 256, 1024)):
                axis = 1 if scene.trial.error is None or number in sides else 2
                yield scene.draft.with_recipe(name, with_size(recipe, axis, number))
        elif isinstance(recipe, TensorRecipe) and len(recipe.sizes) == 2 and isinstance(recipe.sizes[-1], int):
            for number in sides:
                yield scene.draft.with_recipe(name, with_size(recipe, -1, number))


def _optional(scene: Scene, message: str) -> Iterator[Draft]:
    """An argument that has a default is needed after all."""
    if "None" not in message and scene.trial.failing is not None:
        return
    for name, recipe in scene.optional:
        if scene.draft.get(name) is None:
            yield scene.draft.with_recipe(name, recipe)


# By message


def _rank(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """So many axes are expected of the tensor that was looked at last."""
    yield from _to_rank(scene, int(matched["rank"]))


def _to_rank(scene: Scene, rank: int) -> Iterator[Draft]:
    found = scene.last_direct()
    if found is None:
        return
    name, seen = found
    recipe = scene.draft.get(name)
    if isinstance(recipe, TensorRecipe):
        rank -= len(seen.shape) - len(recipe.sizes)
        if 0 <= rank <= 6:
            for each in of_rank(recipe, rank, scene.hints, **_kept(scene, name, seen)):
                yield scene.draft.with_recipe(name, each)
            if rank == 3:
                last = recipe.sizes[-1]
                if isinstance(last, int):
                    yield scene.draft.with_recipe(name, replace(recipe, sizes=(BATCH, last, 64)))


def _kept(scene: Scene, name: str, seen: Seen) -> dict[str, int]:
    """The last size of an argument is kept where a layer has asked for it."""
    recipe = scene.draft.get(name)
    if isinstance(recipe, TensorRecipe) and len(recipe.sizes) in (2, 3) and isinstance(recipe.sizes[-1], int):
        return {"last": recipe.sizes[-1]}
    return {}


def _unpack(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """As many values as sizes: the rank is wrong; as many values as a tensor has rows: it is a tuple of tensors."""
    wanted = int(matched["wanted"])
    found = scene.last_direct()
    if found is None:
        return
    name, _ = found
    last = scene.trial.operations[-1].name if scene.trial.operations else ""
    recipe = scene.draft.get(name)
    if last in ("__iter__", "unbind") and isinstance(recipe, TensorRecipe):
        yield scene.draft.with_recipe(name, Group("tuple", (recipe,) * min(wanted, 8)))
        return
    # The sizes may be unpacked together with other things: `b, n, d, h = *x.shape, heads`.
    rank, got = len(found[1].shape), matched.groupdict().get("got")
    near = (rank + wanted - int(got),) if got else (wanted - 1, wanted - 2)
    for each in dict.fromkeys((wanted, *near)):
        if each != rank:
            yield from _to_rank(scene, each)


def _dimension(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    got = int(matched["got"])
    yield from _to_rank(scene, got + 1 if got >= 0 else -got)


def _more_axes(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    found = scene.last_direct()
    if found is not None:
        for more in (1, 2):
            yield from _to_rank(scene, len(found[1].shape) + more)


def _integral(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    yield from _to_dtype(scene, "int64", "float")


def _floating(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    yield from _to_dtype(scene, "float32", "int")


def _boolean(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    yield from _to_dtype(scene, "bool", "")


def _to_dtype(scene: Scene, dtype: str, only: str) -> Iterator[Draft]:
    operation = scene.trial.failing
    names: list[str] = []
    for seen in reversed(operation.tensors()) if operation is not None else ():
        names += sorted(seen.sources) if seen.direct else []
    if not names and (found := scene.last_direct()) is not None:
        names.append(found[0])
    for name in dict.fromkeys(names):
        recipe = scene.draft.get(name)
        if isinstance(recipe, TensorRecipe) and recipe.dtype.startswith(only) and recipe.dtype != dtype:
            if dtype == "int64" and len(recipe.sizes) > 2:
                yield scene.draft.with_recipe(name, _typed(of_rank(recipe, 2, scene.hints)[0], dtype))
                yield scene.draft.with_recipe(name, _typed(of_rank(recipe, 1, scene.hints)[0], dtype))
            yield scene.draft.with_recipe(name, _typed(recipe, dtype))


def _number(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """A number is expected where a tensor was given."""
    operation = scene.trial.failing
    names: list[str] = []
    for seen in operation.tensors() if operation is not None else ():
        names += sorted(seen.sources) if seen.direct else []
    if not names and (found := scene.last_direct()) is not None:
        names.append(found[0])
    for name in dict.fromkeys(names):
        yield scene.draft.with_recipe(name, Literal("3"))
        yield scene.draft.with_recipe(name, TensorRecipe((BATCH,), "int64", "integers", 3))


def _bigger(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """What is left of the image, or of the sequence, is smaller than a kernel."""
    for name, recipe in scene.draft.recipes:
        if isinstance(recipe, TensorRecipe) and len(recipe.sizes) >= 3 and recipe.dtype.startswith("float"):
            spatial = [axis for axis in range(2, len(recipe.sizes)) if isinstance(recipe.sizes[axis], int)]
            for factor in (2, 4, 8):
                sizes = list(recipe.sizes)
                for axis in spatial:
                    sizes[axis] = int(sizes[axis]) * factor
                if spatial and max(int(sizes[axis]) for axis in spatial) <= 4096:
                    yield scene.draft.with_recipe(name, replace(recipe, sizes=tuple(sizes)))
            if len(recipe.sizes) == 3 and isinstance(recipe.sizes[1], int):
                yield scene.draft.with_recipe(name, with_size(recipe, 1, recipe.sizes[1] * 4))


def _chunks(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """An axis has to be a multiple of a number."""
    length, chunk = int(matched["length"]), int(matched["chunk"])
    if chunk < 1:
        return
    wanted = max(chunk, -(-length // chunk) * chunk)
    for name, recipe in scene.draft.recipes:
        if not isinstance(recipe, TensorRecipe):
            continue
        for size in dict.fromkeys((wanted, chunk * 8, chunk)):
            sizes = tuple(size if each == length else each for each in recipe.sizes)
            if sizes != recipe.sizes:
                yield scene.draft.with_recipe(name, replace(recipe, sizes=sizes))


def _channels(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """So many channels are expected, said by a layer inside of something compiled."""
    got = tuple(int(size) for size in matched["got"].split(","))
    for name, recipe in scene.draft.recipes:
        if isinstance(recipe, TensorRecipe) and shape_of(recipe, scene.draft.batch) == got and len(got) > 1:
            yield scene.draft.with_recipe(name, with_size(recipe, 1, int(matched["wanted"])))


def _agree(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """Two sizes have to be the same."""
    left, right = int(matched["left"]), int(matched["right"])
    for wanted, got in ((left, right), (right, left)):
        for name, recipe in scene.draft.recipes:
            if not isinstance(recipe, TensorRecipe):
                continue
            # A sequence may have lost its first position, which is no patch, on the way.
            for lost in (0, 1):
                for axis in reversed(range(len(recipe.sizes))):
                    if recipe.sizes[axis] == got + lost:
                        yield scene.draft.with_recipe(name, with_size(recipe, axis, wanted + lost))


def _views(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    """A view needs another number of elements."""
    operation = scene.trial.failing
    if operation is None or operation.name not in _FLATTENS:
        return
    first = operation.arguments[0] if operation.arguments else None
    if not isinstance(first, Seen) or not first.direct:
        return
    name = only_source(first)
    recipe = scene.draft.get(name) if name is not None else None
    wanted = view_wants(operation, scene.draft.batch)
    if name is None or not isinstance(recipe, TensorRecipe) or wanted is None:
        return
    rows = scene.draft.batch if recipe.sizes and recipe.sizes[0] == BATCH else 1
    if wanted % rows == 0:
        for each in of_numel(recipe, wanted // rows, scene.hints):
            yield scene.draft.with_recipe(name, each)
    yield from _to_rank(scene, len(first.shape) + 1)


def view_wants(operation: Operation, batch: int) -> int | None:
    """How many elements a view takes; with one size open, those of *batch* rows of the rest."""
    sizes: list[int] = []
    for value in operation.arguments[1:]:
        sizes += [v for v in value if isinstance(v, int)] if isinstance(value, tuple | list) else []
        if isinstance(value, int):
            sizes.append(value)
    if not sizes:
        return None
    known = _numel(size for size in sizes if size != -1)
    if -1 in sizes:
        return known * batch if sizes[0] == -1 else known
    return known


def _callable(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    for name, recipe in scene.draft.recipes:
        if isinstance(recipe, TensorRecipe):
            yield scene.draft.with_recipe(name, Expression("torch.nn.Identity()"))


def _listed(scene: Scene, matched: re.Match[str]) -> Iterator[Draft]:
    found = scene.last_direct()
    for name, recipe in scene.draft.recipes:
        if isinstance(recipe, TensorRecipe) and (found is None or found[0] == name):
            yield scene.draft.with_recipe(name, Group("list", (recipe, recipe, recipe)))


Repair = Callable[[Scene, "re.Match[str]"], Iterator[Draft]]

_BY_MESSAGE: tuple[tuple[re.Pattern[str], Repair], ...] = tuple(
    (re.compile(pattern), repair)
    for pattern, repair in (
        (r"not enough values to unpack \(expected (?:at least )?(?P<wanted>\d+), got (?P<got>\d+)", _unpack),
        (r"too many values to unpack \(expected (?P<wanted>\d+)", _unpack),
        (r"expected (?P<rank>\d+) dims\. Received \d+-dim", _rank),
        (r"[Ee]xpected (?P<rank>\d)D (?:or \dD )?\(?(?:unbatched)?", _rank),
        (r"\d+D or (?P<rank>\d)D \(batched", _rank),
        (r"input\.dim\(\) = \d+ is not equal to len\(dims\) = (?P<rank>\d+)", _rank),
        (r"number of sizes provided \((?P<rank>\d+)\) must be greater or equal to the number of dimensions", _rank),
        (r"Dimension out of range .*but got (?P<got>-?\d+)", _dimension),
        (r"too many indices for tensor|tuple index out of range|no dimensions|Dimension specified as", _more_axes),
        (r"[Ee]xpected.*(?:3D|4D|5D)", _more_axes),
        (r"can't divide axis of length (?P<length>\d+) in chunks of (?P<chunk>\d+)", _chunks),
        (r"(?:Shape mismatch,|match) (?P<left>\d+) != (?P<right>\d+)", _agree),
        (r"[Kk]ernel size can't be greater|too small|[Oo]utput size|should be less than|non-zero size|"
         r"spatial dim|larger than|Padding size", _bigger),
        (r"expected input\[(?P<got>[\d, ]+)\] to have (?P<wanted>\d+) channels", _channels),
        (r"is invalid for input of size|shape .* is invalid|split_with_sizes|cannot be multiplied", _views),
        (r"[Ll]ong|Int\b|int64|integer|indices|index tensor|LongTensor", _integral),
        (r"[Ff]loat|floating|'Long'|'Int'|normal_kernel", _floating),
        (r"[Bb]ool", _boolean),
        (r"interpreted as an integer|single element can be converted|must be tuple of ints|\bint\b.*not Tensor|"
         r"must be (?:an )?int|scalar|ambiguous|Boolean value", _number),
        (r"'Tensor' object is not callable", _callable),
        (r"must be (?:a )?(?:tuple|list)|must be tuple of Tensors|of Tensors, not Tensor", _listed),
    )
)  # fmt: skip
