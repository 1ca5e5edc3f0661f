"""Finding arguments that a model runs with, by trying and by reading what it says when they are wrong.

Tries are made on the meta device, where they cost no memory and little time, best first: what went further in the model
than others is looked at before them. A hardcoded number of features is solved for the size of the image.
"""

from __future__ import annotations

import heapq
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from batchlint.verify.outcomes import Grade
from batchlint.verify.recipes import BATCH, Group, Recipe, TensorRecipe
from batchlint.verify.worker.demands import Demand, demands
from batchlint.verify.worker.drafts import Draft, has_batch, of_rank, shape_of, tensor_recipes
from batchlint.verify.worker.guesses import USUAL_SIDES, Hints
from batchlint.verify.worker.repairs import Scene, only_source, other_sizes, repairs, view_wants
from batchlint.verify.worker.trials import Bench, Operation, Seen, Trial

MAXIMUM_TRIES = 150
MAXIMUM_REPETITIONS = 10
"""Tries that fail alike."""
_FIRST, _LAYERS, _GUESSED = 4_000_000, 3_000_000, 2_000_000
"""Ranks of drafts that no try has ranked: what sources tell, what first layers ask, guesses."""
MAXIMUM_WIDENED = 16
"""Tries to make what runs with one number of rows run with another."""
MAXIMUM_SIDE = 1024
MAXIMUM_LENGTH = 65_536


@dataclass(frozen=True, slots=True)
class Found:
    """Arguments that a model runs with.

    Attributes:
        draft: the arguments, and the batch size they ran at.
        grade: how much of them the model's layers say.
        clean: whether some output has the batch as its first axis.
        trial: the try that passed.
    """

    draft: Draft
    grade: Grade
    clean: bool
    trial: Trial


@dataclass
class Probe:
    """The search for the arguments of one model.

    Attributes:
        bench: where to try.
        parameters: of the model's call.
        hints: numbers that the author named.
        optional: first guesses of parameters with defaults.
        own_batch_sizes: numbers that the code may be written for.
        last: the failed try that went furthest.
        last_draft: what it was given.
    """

    bench: Bench
    parameters: tuple[inspect.Parameter, ...]
    hints: Hints
    optional: tuple[tuple[str, Recipe], ...] = ()
    own_batch_sizes: tuple[int, ...] = ()
    last: Trial | None = None
    last_draft: Draft | None = None

    def trial(self, draft: Draft) -> Trial:
        """Try *draft* for its shapes."""
        return self.bench.shapes(draft.inputs(self.parameters), draft.batch)

    def search(self, drafts: Iterable[Draft], known: Iterable[Draft] = ()) -> Found | None:
        """Arguments that run; what is not clean is given only if nothing else is found.

        Args:
            drafts: guesses, which what the first layers ask is preferred to.
            known: drafts that the sources tell, tried before them with small changes.
        """
        waiting: list[tuple[int, int, Draft, Signature | None]] = []
        seen: set[Draft] = set()
        counter = 0
        met: dict[Signature, int] = {}

        def push(draft: Draft, progress: int, after: Signature | None = None) -> None:
            nonlocal counter
            if draft not in seen:
                seen.add(draft)
                counter += 1
                heapq.heappush(waiting, (-progress, counter, draft, after))

        changes: dict[Draft, int] = {}
        for draft in known:
            push(draft, _FIRST)
            changes[draft] = 2
        for draft in drafts:
            push(draft, _GUESSED)
        unclean: Found | None = None
        furthest = -1
        tries = 0
        read_layers = False
        while waiting and tries < MAXIMUM_TRIES and not self.bench.expired:
            _, _, draft, after = heapq.heappop(waiting)
            if after is not None and met[after] > MAXIMUM_REPETITIONS:
                continue
            trial = self.trial(draft)
            tries += 1
            left = changes.get(draft, 0)
            if not read_layers and draft not in changes:
                read_layers = True
                first = list(self.first_layers(draft, trial))
                for each in first:
                    push(each, _LAYERS)
                if trial.passed and first:
                    # It ran by chance on something that its first layer is not made for.
                    unclean = Found(draft, Grade.GUESSED, False, trial)
                    continue
            if trial.passed and all(demand.sized for demand in demands(trial)):
                batched = has_batch(draft.inputs(self.parameters))
                found = Found(draft, self.grade(draft, trial), clean(draft, trial) and batched, trial)
                if found.clean:
                    return self.widened(found)
                if unclean is None or (batched and not has_batch(unclean.draft.inputs(self.parameters))):
                    unclean = found
                for each in (*self.turned(draft, trial), *self.regrouped(draft, trial)):
                    push(each, len(trial.operations) + 1)
                continue
            unmet = sum(not demand.met for demand in demands(trial))
            progress = len(trial.operations) + 10 * len(trial.calls) - 1000 * unmet
            if progress > furthest:
                furthest, self.last, self.last_draft = progress, trial, draft
            signature = _signature(trial)
            met[signature] = met.get(signature, 0) + 1
            if met[signature] <= 2:
                for solved in self.solved(draft, trial):
                    push(solved, progress + 10_000)
            scene = Scene(trial, draft, self.hints, self.optional, self.own_batch_sizes)
            for number, each in enumerate(repairs(scene)):
                if left and number < 6 and each not in seen:
                    changes[each] = left - 1
                    push(each, _FIRST - 1)
                push(each, progress, signature)
            for each in other_sizes(scene):
                push(each, progress - 1_000_000, signature)
        return unclean

    # Other numbers of rows ------------------------------------------------------------------------------------------

    def widened(self, found: Found) -> Found:
        """*found*, or what it becomes when more of its sizes follow the batch, where only that runs with other rows.

        It is kept where neither does: that a model runs with one number of rows only is for its checks to say.
        """
        draft = found.draft
        other = replace(draft, batch=draft.batch + 3)
        trial = self.trial(other)
        if trial.passed:
            return found
        rows = _count(draft)
        repaired = (replace(each, batch=draft.batch) for each in repairs(Scene(trial, other, self.hints)))
        more = [each for each in (*following(draft), *repaired) if _count(each) > rows]
        for each in list(dict.fromkeys(more))[:MAXIMUM_WIDENED]:
            if self.bench.expired:
                break
            first = self.trial(each)
            if first.passed and clean(each, first) and self.trial(replace(each, batch=other.batch)).passed:
                return Found(each, self.grade(each, first), True, first)
        return found

    def turned(self, draft: Draft, trial: Trial) -> Iterator[Draft]:
        """*draft* with the batch on the second axis of what reaches a layer that has it there."""
        changed = draft
        for demand in demands(trial):
            for name in demand.seen.sources if demand.time_major else ():
                recipe = changed.get(name)
                if isinstance(recipe, TensorRecipe) and len(recipe.sizes) > 1 and recipe.sizes[0] == BATCH:
                    sizes = (recipe.sizes[1], BATCH, *recipe.sizes[2:])
                    changed = changed.with_recipe(name, replace(recipe, sizes=sizes))
        if changed != draft:
            yield changed

    # What the first layers ask -------------------------------------------------------------------------------------

    def first_layers(self, draft: Draft, trial: Trial) -> Iterator[Draft]:
        """*draft* as the layers that its arguments reach first are made for."""
        best = draft
        changed: set[str] = set()
        for demand in demands(trial):
            name = only_source(demand.seen)
            if name is None or not demand.seen.direct or name in changed:
                continue
            recipe = best.get(name)
            if not isinstance(recipe, TensorRecipe):
                continue
            changed.add(name)
            canonical = _canonical(recipe, demand, draft, self.hints)
            if canonical is not None:
                best = best.with_recipe(name, canonical)
        if best != draft:
            yield best

    def grade(self, draft: Draft, trial: Trial, told: Iterable[str] = ()) -> Grade:
        """`Grade.LAYER` if every tensor is one that a layer's arguments tell, or one of *told*."""
        asked = set(told)
        for demand in demands(trial):
            asked |= demand.seen.fresh
        for name, recipe in draft.recipes:
            if any(True for _ in tensor_recipes(recipe)) and name not in asked and not isinstance(recipe, Group):
                return Grade.GUESSED
        return Grade.LAYER

    # Solving for sizes -----------------------------------------------------------------------------------------------

    def solved(self, draft: Draft, trial: Trial) -> Iterator[Draft]:
        """*draft* with the size of its images or sequences for which the operation that failed fits."""
        operation, index = trial.failing, len(trial.operations)
        if operation is None:
            return
        measure = _measure(operation, draft.batch)
        if measure is not None:
            yield from self._solve(draft, index, operation, lambda op: _measure(op, draft.batch))

    def regrouped(self, draft: Draft, trial: Trial) -> Iterator[Draft]:
        """*draft* with the size at which a view with a hardcoded number of features keeps the rows."""
        for index, operation in enumerate(trial.operations):
            if operation.name in ("view", "reshape") and operation.result and len(operation.result[0]) == 2:
                rows, first = operation.result[0][0], operation.arguments[0]
                if isinstance(first, Seen) and first.shape and rows != draft.batch and first.shape[0] == draft.batch:
                    yield from self._solve(draft, index, operation, lambda op: _rows(op, draft.batch))
                    return

    def _solve(
        self,
        draft: Draft,
        index: int,
        operation: Operation,
        measure: Callable[[Operation], tuple[int, int] | None],
    ) -> Iterator[Draft]:
        sources = frozenset().union(*(seen.sources for seen in operation.tensors()))
        for name, recipe in draft.recipes:
            if name not in sources or not isinstance(recipe, TensorRecipe) or recipe.dtype == "bool":
                continue
            for axes in _free_axes(recipe):

                def at(
                    size: int, name: str = name, recipe: TensorRecipe = recipe, axes: tuple[int, ...] = axes
                ) -> Draft:
                    sizes = [size if axis in axes else each for axis, each in enumerate(recipe.sizes)]
                    return draft.with_recipe(name, replace(recipe, sizes=tuple(sizes)))

                def short(size: int, at: Callable[[int], Draft] = at) -> int | None:
                    """How much is missing at *size*: negative for too much, ``None`` where it never gets there."""
                    trial = self.trial(at(size))
                    reached = trial.at(index)
                    if reached is None or reached.name != operation.name:
                        return None
                    pair = measure(reached)
                    return None if pair is None else pair[0] - pair[1]

                size = self._bisect(short, MAXIMUM_SIDE if len(axes) > 1 else MAXIMUM_LENGTH)
                if size is not None:
                    yield at(size)
                    return

    def _bisect(self, short: Callable[[int], int | None], most: int) -> int | None:
        """The usual or smallest size at which nothing is missing, for something that grows with the size."""
        for usual in USUAL_SIDES[:4]:
            if short(usual) == 0:
                return usual
            if self.bench.expired:
                return None
        low, high = 0, 1
        while high < most:
            missing = short(high)
            if missing is not None and missing <= 0:
                break
            low, high = high, high * 2
        else:
            return None
        high = min(high, most)
        while high - low > 1 and not self.bench.expired:
            middle = (low + high) // 2
            missing = short(middle)
            if missing is None or missing > 0:
                low = middle
            else:
                high = middle
        if short(high) != 0:
            return None
        for usual in sorted(_ROUND):
            if high <= usual <= high + 32 and short(usual) == 0:
                return usual
        return high + 1 if high % 2 and short(high + 1) == 0 else high


_ROUND = (16, 48, 64, 80, 96, 112, 128, 160, 192, 256, 299, 320, 384, 448, 512, 640, 768, 1024)
"""Sizes that are likelier than others where several fit."""


def _count(draft: Draft) -> int:
    """How many sizes in *draft* follow the batch."""
    tensors = [tensor for _, recipe in draft.recipes for tensor in tensor_recipes(recipe)]
    return sum(isinstance(size, str) for tensor in tensors for size in tensor.sizes)


def following(draft: Draft) -> Iterator[Draft]:
    """*draft* with a size that is the number of rows, or another axis of an argument, following the batch."""

    def of(recipe: Recipe, size: int | None, axis: int | None) -> Recipe:
        if isinstance(recipe, Group):
            return replace(recipe, items=tuple(of(item, size, axis) for item in recipe.items))
        if not isinstance(recipe, TensorRecipe):
            return recipe
        sizes: tuple[int | str, ...] = tuple(
            BATCH if each == size or (place == axis and BATCH not in recipe.sizes) else each
            for place, each in enumerate(recipe.sizes)
        )
        return replace(recipe, sizes=sizes)

    yield Draft(tuple((name, of(recipe, draft.batch, None)) for name, recipe in draft.recipes), draft.batch)
    for name, recipe in draft.recipes:
        yield draft.with_recipe(name, of(recipe, draft.batch, None))
        for axis in (0, 1):
            yield draft.with_recipe(name, of(recipe, None, axis))


Signature = tuple[int, str, str]


def _signature(trial: Trial) -> Signature:
    """Where and how a try failed: after tries that changed nothing about it, others of their kind are not made."""
    name = trial.failing.name if trial.failing is not None else ""
    return len(trial.operations), name, re.sub(r"[\d, ]+", " ", trial.message)


def _measure(operation: Operation, batch: int) -> tuple[int, int] | None:
    """What an operation wants and what it has got, as numbers that grow together with its input."""
    tensors = operation.tensors()
    if operation.name in ("linear", "addmm", "mm", "matmul", "__matmul__") and len(tensors) > 1:
        left, right = tensors[-2:] if operation.name == "addmm" else tensors[:2]
        if not left.shape or not right.shape or (left.direct and left.sources):
            return None
        wanted = right.shape[-1] if operation.name == "linear" else right.shape[-2] if len(right.shape) > 1 else None
        return None if wanted is None or not right.weight else (wanted, left.shape[-1])
    if operation.name in ("view", "reshape") and tensors and not tensors[0].direct:
        wanted = view_wants(operation, batch)
        return None if wanted is None else (wanted, _numel(tensors[0].shape))
    if (
        operation.name in ("add", "__add__", "mul", "__mul__", "iadd", "__iadd__", "sub", "__sub__")
        and len(tensors) == 2
    ):
        left, right = tensors
        if left.weight and right.sources:
            left, right = right, left
        if right.weight and left.sources:
            for axis in range(1, min(len(left.shape), len(right.shape)) + 1):
                if left.shape[-axis] != right.shape[-axis] and right.shape[-axis] != 1:
                    return right.shape[-axis], left.shape[-axis]
            return 0, 0
    return None


def _rows(operation: Operation, batch: int) -> tuple[int, int] | None:
    tensors = operation.tensors()
    wanted = view_wants(operation, batch)
    return None if wanted is None or not tensors else (wanted, _numel(tensors[0].shape))


def _numel(shape: Iterable[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _free_axes(recipe: TensorRecipe) -> list[tuple[int, ...]]:
    """The axes that layers leave open, together or one after the other."""
    rank = len(recipe.sizes)
    if rank == 5:
        return [(3, 4), (2, 3, 4), (2,)]
    if rank == 4:
        return [(2, 3), (3,)]
    if rank == 3:
        return [(axis,) for axis in (2, 1) if isinstance(recipe.sizes[axis], int)]
    if rank == 2 and isinstance(recipe.sizes[1], int):
        return [(1,)]
    return []


def _canonical(recipe: TensorRecipe, demand: Demand, draft: Draft, hints: Hints) -> TensorRecipe | None:
    """*recipe* as the layer that it reaches unchanged is made for, ``None`` if it is that already."""
    shape = shape_of(recipe, draft.batch)
    if demand.seen.shape != shape:
        return None
    if demand.dtype and recipe.dtype != demand.dtype:
        return replace(
            of_rank(replace(recipe, dtype="int64"), 2 if len(shape) > 2 else len(shape), hints)[0],
            dtype="int64", values="integers", below=demand.below,
        )  # fmt: skip
    if demand.ranks and len(shape) in demand.ranks and demand.met:
        return None
    channels, last = demand.sizes.get(1), demand.sizes.get(-1)
    if demand.ranks:
        rank = demand.ranks[0]
        if channels is not None:
            made = of_rank(recipe, rank, hints, channels=channels)[0]
            if rank != len(shape) or channels > 16:
                return made
            return replace(recipe, sizes=(recipe.sizes[0], channels, *recipe.sizes[2:]))
        if last is not None:
            made = of_rank(recipe, rank, hints, last=last)[0]
            if rank == 3 and demand.time_major:
                made = replace(made, sizes=(made.sizes[1], made.sizes[0], made.sizes[2]))
            return made
        return None
    if last is not None and (len(shape) > 2 or not demand.met):
        return of_rank(recipe, 2, hints, last=last)[0]
    return None


def clean(draft: Draft, trial: Trial) -> bool:
    """Whether some output has a row for each of the batch, or is one number for all."""
    if not trial.outputs:
        return True
    return any(not shape or shape[0] == draft.batch or draft.batch in shape[:3] for shape in trial.outputs)


def deadline(seconds: float) -> float:
    """`time.perf_counter` so many seconds from now."""
    return time.perf_counter() + seconds
