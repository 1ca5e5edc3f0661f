"""From a model that was built to one that runs: inputs are found, and the batch size that it is written for."""

from __future__ import annotations

import inspect
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from batchlint.verify.outcomes import Construction, Grade
from batchlint.verify.plan.plans import InputCandidate, TargetPlan
from batchlint.verify.recipe_text import format_input
from batchlint.verify.recipes import BATCH, Group, Inputs, Recipe, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify.worker.demands import demands
from batchlint.verify.worker.drafts import Draft, batch_axis_of, draft_from, has_batch, shape_of, tensor_recipes
from batchlint.verify.worker.fed import Fed, NotFed
from batchlint.verify.worker.guesses import STEPS
from batchlint.verify.worker.inputs import (
    BuiltModel,
    LoadedModule,
    bounded,
    candidates,
    describe_missing,
    first_drafts,
    hints_of,
    is_graph,
    is_users_word,
    own_sizes,
    parameters_of,
)
from batchlint.verify.worker.probing import Found, Probe, clean
from batchlint.verify.worker.records import size_of
from batchlint.verify.worker.repairs import only_source
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.trials import WEIGHTED, Bench, Trial

CONTROL = 4
SECONDS = 3.0
"""Wall time for finding the inputs of one model."""
MAXIMUM_ELEMENTS = 4_000_000
"""Elements of all inputs that a guess at the size of images may come to."""
MAXIMUM_WORK = 10_000_000_000
"""Multiplications in one call, beyond which smaller images are preferred."""
_PRODUCTS = frozenset({"matmul", "bmm", "__matmul__", "einsum", "scaled_dot_product_attention"})


def feed(
    built: BuiltModel,
    target: TargetPlan,
    loaded: LoadedModule,
    settings: Settings,
    is_users: Callable[[str], bool] | None = None,
) -> Fed | NotFed:
    """Find inputs with which the model runs, and the batch size it runs at.

    The model is tried in eval mode and left as it was.

    Args:
        built: the model.
        target: what the plan says of it.
        loaded: its module.
        settings: the seed.
        is_users: whether a file name is one of the user's; by default that of *loaded*.
    """
    model = built.model
    parameters = parameters_of(model)
    if isinstance(model, nn.Module) and _has_no_forward(model):
        return NotFed(f"{target.qualname} has no forward", "run a class derived from it")
    namespace = {**loaded.namespace, "model": model}
    asked = is_users or getattr(loaded, "is_users", None) or (lambda filename: True)
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, nn.Module) else []
    for module, _ in modes:
        module.training = False
    construction: Construction | None = None
    try:
        fitted = _fitted(built, target, loaded, settings, parameters, namespace)
        if isinstance(fitted, NotFed) and isinstance(model, nn.Module) and _WANTS_DOUBLE.search(fitted.reason):
            model.double()
            again = _fitted(built, target, loaded, settings, parameters, namespace)
            if isinstance(again, NotFed):
                model.float()
            else:
                made = built.construction
                fitted, construction = again, replace(made, expression=f"({made.expression}).double()")
    finally:
        for module, training in modes:
            module.training = training
    if isinstance(fitted, NotFed):
        return fitted
    candidate, control, notes = fitted
    subject = Subject(
        model,
        candidate.inputs,
        control,
        candidate.grade,
        torch.device("cpu"),
        settings.seed,
        namespace,
        asked,
        batch_axis_of(candidate.inputs),
    )
    return Fed(subject, candidate, notes, construction)


_WANTS_DOUBLE = re.compile(r"\b(?:got|found|and|but|expected)\b.*\b[Dd]ouble\b")
"""Said of a model that makes tensors in double precision itself, and is turned into such before it is used."""


def _fitted(
    built: BuiltModel,
    target: TargetPlan,
    loaded: LoadedModule,
    settings: Settings,
    parameters: tuple[inspect.Parameter, ...],
    namespace: Mapping[str, Any],
) -> Fitted | NotFed:
    fitting = _Fitting(built, target, loaded, settings, parameters, namespace)
    try:
        return fitting.run()
    finally:
        fitting.bench.close()


def _has_no_forward(model: nn.Module) -> bool:
    return "forward" not in vars(model) and getattr(type(model), "forward", None) is nn.Module.forward


Fitted = tuple[InputCandidate, int, tuple[str, ...]]


class _Fitting:
    def __init__(
        self,
        built: BuiltModel,
        target: TargetPlan,
        loaded: LoadedModule,
        settings: Settings,
        parameters: tuple[inspect.Parameter, ...],
        namespace: Mapping[str, Any],
    ) -> None:
        self.built, self.target, self.loaded, self.parameters = built, target, loaded, parameters
        self.hints = hints_of(built, loaded)
        self.own = own_sizes(built, target, {})
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.bench = Bench(built.model, tuple(names), namespace, settings.seed, time.perf_counter() + SECONDS)
        self.first_failure = ""

    def run(self) -> Fitted | NotFed:
        tried: list[InputCandidate] = []
        narrow: Fitted | None = None
        for candidate in candidates(self.built, self.target, self.loaded):
            if is_users_word(candidate) or self.is_complete(candidate):
                fitted = self.fits(candidate)
                if fitted is not None and candidate not in self.target.inputs:
                    # Of numbers in a call nobody said which of them is the batch.
                    fitted = self.turned(fitted)
                if fitted is not None and (is_users_word(candidate) or self.is_wide(fitted)):
                    return fitted
                narrow = narrow or fitted
            if is_users_word(candidate):
                return self.refused(candidate)
            tried.append(candidate)
        probed = self.probed(tried)
        if narrow is not None and (isinstance(probed, NotFed) or not self.is_wide(probed)):
            return narrow
        return probed

    def is_wide(self, fitted: Fitted) -> bool:
        """Whether it runs with more rows, or fails there though all that it is given has as many.

        A size that is the batch's and was taken for a constant runs with one number of rows only.
        """
        inputs, batch = fitted[0].inputs, fitted[1]
        recipes = [*inputs.positional, *(recipe for _, recipe in inputs.keywords)]
        tensors = [tensor for recipe in recipes for tensor in tensor_recipes(recipe)]
        if not has_batch(inputs):
            return not tensors
        if all(any(isinstance(size, str) for size in tensor.sizes) for tensor in tensors):
            return True
        return self.bench.shapes(inputs, batch + 3).passed

    def is_complete(self, candidate: InputCandidate) -> bool:
        """Whether *candidate* has all that must be given."""
        given = {name for name, _ in draft_from(candidate.inputs, self.parameters, CONTROL).recipes}
        return all(
            p.name in given or p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
            for p in self.parameters
        )

    def fits(self, candidate: InputCandidate) -> Fitted | None:
        """*candidate* with the batch size at which it runs as it is."""
        draft = draft_from(candidate.inputs, self.parameters, CONTROL)
        inputs = replace(draft.inputs(self.parameters))
        fallback: Fitted | None = None
        said: set[str] = set()
        for batch in self.batches(inputs):
            if said and batch not in self.own and str(CONTROL) not in said:
                # What it said of the usual size is not about the number of rows.
                continue
            trial = self.bench.shapes(inputs, batch)
            said |= set(re.findall(r"\d+", trial.message))
            if not trial.passed:
                if not self.first_failure:
                    # What is said of shapes alone is worded for the framework's authors.
                    self.first_failure = self.bench.real(inputs, batch).message or trial.message
                continue
            bound = bounded(inputs, _bounds(trial))
            real = self.bench.real(bound, batch)
            if not real.passed:
                self.first_failure = self.first_failure or real.message
                continue
            fitted = (replace(candidate, inputs=bound), batch, self.notes(batch))
            if clean(replace(draft, batch=batch), real):
                return fitted
            fallback = fallback or fitted
        return fallback

    def turned(self, fitted: Fitted) -> Fitted:
        """*fitted* with the batch on the second axis, where the layer that it reaches first has it there."""
        candidate, batch, _ = fitted
        draft = draft_from(candidate.inputs, self.parameters, batch)
        demand = next((d for d in demands(self.bench.shapes(candidate.inputs, batch)) if d.seen.direct), None)
        name = only_source(demand.seen) if demand is not None and demand.time_major else None
        first = draft.get(name) if name is not None else None
        if not isinstance(first, TensorRecipe) or len(first.sizes) < 2 or first.sizes[0] != BATCH:
            return fitted
        if demand is None or demand.seen.shape[:2] != shape_of(first, batch)[:2]:
            return fitted
        rows = first.sizes[1]
        changed = Draft(tuple((each, _turned(recipe, rows)) for each, recipe in draft.recipes), batch)
        again = self.fits(replace(candidate, inputs=changed.inputs(self.parameters)))
        return again or (replace(candidate, grade=Grade.GUESSED), batch, fitted[2])

    def batches(self, inputs: Inputs) -> tuple[int, ...]:
        """Batch sizes to try, in order."""
        if not has_batch(inputs):
            return (CONTROL,)
        if self.target.batch_size is not None:
            return (self.target.batch_size,)
        return tuple(dict.fromkeys((CONTROL, *self.own[:6], 1, 64, 32, 16, 128, 100)))

    def notes(self, batch: int) -> tuple[str, ...]:
        return (
            ()
            if batch in (CONTROL, self.target.batch_size)
            else (f"it does not run with {CONTROL} rows: its own batch size is {batch}",)
        )

    def refused(self, candidate: InputCandidate) -> NotFed:
        texts = ", ".join(_lines(candidate.inputs))
        return NotFed(f"{texts} ({candidate.origin}) does not run: {self.first_failure}", "correct it")

    def probed(self, tried: list[InputCandidate]) -> Fitted | NotFed:
        drafts, optional = first_drafts(self.parameters, self.built.model, self.hints, CONTROL)
        if not drafts[0].recipes:
            trial = self.bench.real(Inputs(), CONTROL)
            if trial.passed:
                return InputCandidate(Inputs(), Grade.GUESSED, "it takes no arguments"), CONTROL, ()
        probe = Probe(self.bench, self.parameters, self.hints, optional, self.own)
        known = [self.completed(candidate, drafts[0]) for candidate in tried]
        found = probe.search(drafts, known)
        if found is None and probe.last is not None:
            found = self.at_own_sizes(probe, drafts)
        if found is not None:
            fitted = self.settled(found, probe, tried)
            if fitted is not None:
                return fitted
        return self.missing(probe)

    def completed(self, candidate: InputCandidate, guess: Draft) -> Draft:
        """*candidate* with guesses for what it leaves out."""
        given = dict(draft_from(candidate.inputs, self.parameters, CONTROL).recipes)
        merged = {name: given.pop(name, recipe) for name, recipe in guess.recipes}
        return Draft((*merged.items(), *given.items()), guess.batch)

    def at_own_sizes(self, probe: Probe, drafts: list[Draft]) -> Found | None:
        """The search once more at batch sizes that the code may be written for."""
        self.bench.deadline = time.perf_counter() + SECONDS / 3
        for batch in self.own[:3]:
            found = probe.search([replace(draft, batch=batch) for draft in drafts])
            if found is not None:
                return found
        return None

    def settled(self, found: Found, probe: Probe, tried: list[InputCandidate]) -> Fitted | None:
        """What was found with shapes alone, run on real tensors; larger where layers are left with one number."""
        draft = self.lighter(self.roomy(found, probe), found, probe) if not tried else found.draft
        trial = found.trial if draft == found.draft else probe.trial(draft)
        inputs = bounded(draft.inputs(self.parameters), _bounds(trial))
        if _elements(draft) > 8 * MAXIMUM_ELEMENTS:
            self.first_failure = f"only inputs of {_elements(draft)} elements fit"
            return None
        # Attention over thousands of positions takes seconds: two rows say as much as four.
        rows = min(draft.batch, 2) if draft.batch == CONTROL and _work(trial) > MAXIMUM_WORK else draft.batch
        real = self.bench.real(inputs, rows, traced=rows == draft.batch)
        if not real.passed:
            self.bench.meta_works = False
            self.bench.deadline = time.perf_counter() + SECONDS
            again = probe.search([draft_from(inputs, self.parameters, draft.batch), draft])
            if again is None:
                self.first_failure = real.message
                return None
            found, draft = again, again.draft
            inputs = bounded(draft.inputs(self.parameters), _bounds(again.trial))
        grade, origin = self.graded(draft, found.trial, probe, tried)
        if is_graph(self.parameters, draft):
            inputs, origin = _without_batch(inputs, draft.batch), "a guess; its rows are the nodes of a graph"
        if not found.clean or not has_batch(inputs) or draft.batch not in (CONTROL, *self.own):
            grade = Grade.GUESSED
        return InputCandidate(inputs, grade, origin), draft.batch, self.notes(draft.batch)

    def graded(self, draft: Draft, trial: Trial, probe: Probe, tried: list[InputCandidate]) -> tuple[Grade, str]:
        """How sure the shapes in *draft* are, and who tells them."""
        best = (probe.grade(draft, trial), "")
        for candidate in tried:
            given = dict(draft_from(candidate.inputs, self.parameters, CONTROL).recipes)
            told = [name for name, recipe in draft.recipes if name in given and _sizes(recipe) == _sizes(given[name])]
            tensors = [name for name, recipe in draft.recipes if any(True for _ in tensor_recipes(recipe))]
            if told and set(tensors) <= set(told) and candidate.grade > best[0]:
                best = candidate.grade, candidate.origin
            elif told and (grade := probe.grade(draft, trial, told)) > best[0]:
                best = grade, f"{candidate.origin} and its layers"
        return best[0], best[1] or ("its layers" if best[0] is Grade.LAYER else "a guess")

    def roomy(self, found: Found, probe: Probe) -> Draft:
        """Larger images, where a normalisation layer would see a single number of each channel."""
        draft, trial = found.draft, found.trial
        for _ in range(3):
            if not _cramped(trial, draft.batch):
                return draft
            larger = _scaled(draft, 2)
            if larger is None:
                return found.draft
            draft, trial = larger, probe.trial(larger)
            if not trial.passed or self.bench.expired or _elements(draft) > MAXIMUM_ELEMENTS:
                return found.draft
        return draft

    def lighter(self, draft: Draft, found: Found, probe: Probe) -> Draft:
        """Smaller images, where those in *draft* would keep the model busy for seconds."""
        trial = found.trial if draft == found.draft else probe.trial(draft)
        while trial.passed and _work(trial) > MAXIMUM_WORK and not self.bench.expired:
            smaller = _scaled(draft, 1, 2)
            if smaller is None:
                break
            trial = probe.trial(smaller)
            if not trial.passed or not clean(smaller, trial) or _cramped(trial, smaller.batch):
                break
            draft = smaller
        return draft

    def missing(self, probe: Probe) -> NotFed:
        message = self.first_failure
        if probe.last is not None and probe.last_draft is not None:
            again = None
            if _elements(probe.last_draft) <= MAXIMUM_ELEMENTS:
                again = self.bench.real(probe.last_draft.inputs(self.parameters), probe.last_draft.batch)
            message = (again.message if again is not None else "") or probe.last.message
        if 'missing the required "forward"' in message:
            return NotFed(f"{self.target.qualname} has no forward to call", "run a class derived from it")
        lines = describe_missing(self.parameters)
        comments = "; ".join(f"`# batchlint: input {line}`" for line in lines)
        reason = f"no input was found that it accepts{f': {message}' if message else ''}"
        return NotFed(reason, f"write {comments} above the class, or give --input '{self.target.qualname}.{lines[0]}'")


def _lines(inputs: Inputs) -> list[str]:
    names = [*inputs.names, *[f"argument {i + 1}" for i in range(len(inputs.names), len(inputs.positional))]]
    return [format_input(name, recipe) for name, recipe in (*zip(names, inputs.positional), *inputs.keywords)]


def _bounds(trial: Trial) -> dict[str, int]:
    """The bound of the indices in each argument that embeddings look up."""
    found: dict[str, int] = {}
    for demand in demands(trial):
        if demand.below is not None:
            for name in demand.seen.fresh:
                found[name] = min(demand.below, found.get(name, demand.below))
    return found


def _turned(recipe: Recipe, rows: int | str) -> Recipe:
    """*recipe* with the batch on the second axis, which has *rows* rows."""
    if isinstance(recipe, Group):
        return replace(recipe, items=tuple(_turned(item, rows) for item in recipe.items))
    if not isinstance(recipe, TensorRecipe) or BATCH not in (*recipe.sizes[:1], *_second(recipe, rows)):
        return recipe
    first = STEPS if recipe.sizes[0] == BATCH else recipe.sizes[0]
    return replace(recipe, sizes=(first, *_second(recipe, rows), *recipe.sizes[2:]))


def _second(recipe: TensorRecipe, rows: int | str) -> tuple[int | str, ...]:
    return tuple(BATCH if size == rows else size for size in recipe.sizes[1:2])


def _sizes(recipe: Recipe) -> object:
    """What of a recipe has to agree with the sources: the sizes of tensors, else all of it."""
    tensors = [tensor.sizes for tensor in tensor_recipes(recipe)]
    return tensors or recipe


def _without_batch(inputs: Inputs, batch: int) -> Inputs:
    """*inputs* with numbers in place of the batch size."""

    def fixed(recipe: Recipe) -> Recipe:
        if isinstance(recipe, TensorRecipe):
            return replace(recipe, sizes=tuple(size_of(size, batch) for size in recipe.sizes))
        return replace(recipe, items=tuple(map(fixed, recipe.items))) if isinstance(recipe, Group) else recipe

    return Inputs(
        tuple(map(fixed, inputs.positional)),
        inputs.names,
        tuple((name, fixed(recipe)) for name, recipe in inputs.keywords),
    )


def _cramped(trial: Trial, batch: int) -> bool:
    for operation in trial.operations:
        if operation.name in ("batch_norm", "instance_norm"):
            seen = operation.tensors()[0]
            if len(seen.shape) > 2 and seen.shape[0] == batch and all(size == 1 for size in seen.shape[2:]):
                return True
    return False


def _elements(draft: Draft) -> int:
    shapes = [shape_of(tensor, draft.batch) for _, recipe in draft.recipes for tensor in tensor_recipes(recipe)]
    return sum(math.prod(shape) for shape in shapes)


def _work(trial: Trial) -> int:
    """Multiplications in convolutions and linear layers."""
    total = 0
    for operation in trial.operations:
        tensors = operation.tensors()
        if operation.name in WEIGHTED and len(tensors) > 1 and operation.result and len(tensors[1].shape) > 1:
            # A transposed convolution uses its weights once for each place of its input.
            places = tensors[0].shape if "transpose" in operation.name else operation.result[0]
            total += math.prod(places) * math.prod(tensors[1].shape[1:])
        elif operation.name in _PRODUCTS and operation.result and tensors and tensors[0].shape:
            total += math.prod(operation.result[0]) * tensors[0].shape[-1]
    return total


def _scaled(draft: Draft, times: int, over: int = 1) -> Draft | None:
    """*draft* with larger or smaller images, ``None`` where there are none, or they would be tiny."""
    changed = draft
    for name, recipe in draft.recipes:
        if isinstance(recipe, TensorRecipe) and len(recipe.sizes) >= 4 and recipe.dtype.startswith("float"):
            spatial = [size * times // over if isinstance(size, int) else size for size in recipe.sizes[2:]]
            if any(isinstance(size, int) and size < 12 for size in spatial):
                return None
            changed = changed.with_recipe(name, replace(recipe, sizes=(*recipe.sizes[:2], *spatial)))
    return None if changed == draft else changed
