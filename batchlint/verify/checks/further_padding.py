"""Does more padding change what a sequence gives?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.differences import Difference, difference, magnitude_of, overlap
from batchlint.verify.checks.words import number
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.recipes import BATCH, Inputs, Recipe, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.tensors import is_tensor, joined, tensors_in
from batchlint.verify.worker.tolerances import tolerance

STEPS = 3
"""How many steps of padding are added: a longer neighbour in the batch does the same."""


@dataclass(frozen=True, slots=True)
class Padded:
    """A recipe that has time steps: on which axis, and what is written into the new ones."""

    axis: int
    value: float


class FurtherPadding(Check):
    """Adds steps of padding to every sequence, with lengths as they are.

    *Passed*: the outputs at the old steps stay. *Failed*: they move: a sequence's output depends on the longest one in
    its batch. Asked of models that know of padding: they take lengths or a mask, or an embedding has a padding index.
    """

    name = "further padding"
    usual = False

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run, pad, run again."""
        noise = subject.noise()
        if noise.reason:
            return CheckOutcome(self.name, Status.UNDECIDED, noise.reason)
        plans = [plan for mask in (1.0, 0.0) if (plan := _plan(subject, mask))]
        if not plans:
            return CheckOutcome(self.name, Status.SKIPPED, "no input is a sequence with padding")
        positional, keywords = subject.arguments(subject.control)
        before = subject.called_as_found(positional, keywords, subject.control)
        found: list[tuple[Status, str, Run]] = []
        for plan in plans:
            longer = tuple(_padded(each, plan.get(place)) for place, each in enumerate(positional))
            named = {name: _padded(each, plan.get(name)) for name, each in keywords.items()}
            after = subject.called_as_found(longer, named, subject.control)
            found.append((*_compared(before, after, subject.device), after))
            if found[-1][0] is Status.PASSED:
                break
        # Whether True in a mask means padding is not said anywhere: the reading that fits is taken.
        order = (Status.PASSED, Status.FAILED, Status.UNDECIDED)
        status, detail, after = min(found, key=lambda each: order.index(each[0]))
        runs = (before.outcome(), after.outcome(f"{STEPS} more steps of padding"))
        return CheckOutcome(self.name, status, detail, runs)


def _plan(subject: AnySubject, mask: float) -> dict[int | str, Padded]:
    """Which inputs get longer, by place or name; empty where the model knows nothing of padding."""
    recipes = _recipes(subject.inputs)
    index = subject.padding_index()
    tensors = {place: recipe for place, recipe in recipes.items() if isinstance(recipe, TensorRecipe)}
    lengths = any(recipe.values == "lengths" for recipe in tensors.values())
    masks = any(recipe.dtype == "bool" for recipe in tensors.values())
    if not (lengths or masks or index is not None):
        return {}
    plan: dict[int | str, Padded] = {}
    steps = {_time_of(recipe) for recipe in tensors.values() if recipe.values != "lengths"} - {None}
    if len(steps) != 1:
        return {}
    for place, recipe in tensors.items():
        if recipe.values == "lengths" or _time_of(recipe) is None:
            continue
        axis = 1 if recipe.sizes[0] == BATCH else 0
        plan[place] = Padded(axis, mask if recipe.dtype == "bool" else float(index or 0))
    return plan


def _time_of(recipe: TensorRecipe) -> int | None:
    """How many steps a sequence of tokens, a mask or a sequence of vectors has."""
    sizes = recipe.sizes
    if len(sizes) < 2 or BATCH not in sizes[:2]:
        return None
    real = recipe.dtype.startswith(("float", "bfloat"))
    if len(sizes) != (3 if real else 2):
        return None
    step = sizes[1] if sizes[0] == BATCH else sizes[0]
    return step if isinstance(step, int) else None


def _recipes(inputs: Inputs) -> Mapping[int | str, Recipe]:
    return {**dict(enumerate(inputs.positional)), **dict(inputs.keywords)}


def _padded(value: Any, how: Padded | None) -> Any:
    if how is None or not is_tensor(value):
        return value
    shape = list(value.shape)
    shape[how.axis] = STEPS
    return joined([value, value.new_full(shape, how.value)], how.axis)


def _compared(before: Run, after: Run, device: Any) -> tuple[Status, str]:
    if after.failure is not None:
        return Status.UNDECIDED, "it does not run with more padding"
    one, other = tensors_in(before.output), tensors_in(after.output)
    if len(one) != len(other) or not one:
        return Status.UNDECIDED, "the number of outputs depends on padding"
    worst = Difference()
    failed = False
    for left, right in zip(one, other):
        shared = overlap(left, right)
        if shared is None or not shared[0].numel():
            return Status.UNDECIDED, "the shape of the output depends on padding"
        gap = difference(*shared, scale=magnitude_of(left))
        if gap.reason:
            return Status.UNDECIDED, gap.reason
        failed = failed or gap.relative > tolerance(left.dtype, device)
        worst = max(worst, gap, key=lambda each: each.relative)
    by = f"by {number(worst.relative)} of the largest value"
    if failed:
        return Status.FAILED, f"{STEPS} more steps of padding move the output {by}"
    return Status.PASSED, f"{STEPS} more steps of padding move the output {by} at most"
