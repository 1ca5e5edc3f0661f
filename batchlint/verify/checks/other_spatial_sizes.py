"""Does it run at another height and width, with as many rows as were given?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.rows import by_tensor
from batchlint.verify.checks.words import listed, rows, said, shape
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.recipes import BATCH, Group, Inputs, Recipe, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run

STEP = 8
"""What is added to height and width; a stack that rounds this away is caught by the doubled size."""

FEW_ROWS = 2


class OtherSpatialSizes(Check):
    """Runs the model with inputs 8 larger along each spatial axis, then twice as large.

    *Passed*: it runs, with as many rows for each sample as at its own size. *Failed*: it raises, or gives another
    number of rows. Spatial axes are those after batch and channels.
    """

    name = "other spatial sizes"
    usual = False

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run at other sizes."""
        names = _axes(subject.inputs, subject.takes_signals(), subject.channels_last())
        if names is None:
            return CheckOutcome(self.name, Status.SKIPPED, "no input has spatial axes")
        few = subject.control > FEW_ROWS and subject.evaluated(FEW_ROWS).failure is None
        batch = FEW_ROWS if few else subject.control
        own = subject.evaluated(batch)
        outcomes = [own.outcome()]
        if own.failure is not None:
            detail = f"raises at its own size: {said(own.failure)}"
            return CheckOutcome(self.name, Status.UNDECIDED, detail, tuple(outcomes))
        failed: list[str] = []
        doubts: list[str] = []
        for variation, inputs in _variations(subject.inputs, names, subject.channels_last()):
            run, lines = dataclasses.replace(subject, inputs=inputs).traced(batch)
            subject.reached_lines |= lines
            problem = _problem(own, run)
            outcome = run.outcome(variation, problem)
            if run.status is Status.UNDECIDED and run.failure is not None:
                doubts.append(f"could not be run with {variation}: {said(run.failure)}")
            elif problem:
                outcome = dataclasses.replace(outcome, status=Status.FAILED)
                failed.append(f"{problem} with {variation}")
            outcomes.append(outcome)
        if failed:
            return CheckOutcome(self.name, Status.FAILED, f"{failed[0]}; runs at its own size", tuple(outcomes))
        if doubts:
            return CheckOutcome(self.name, Status.UNDECIDED, doubts[0], tuple(outcomes))
        sizes = listed(run.variation for run in outcomes[1:])
        return CheckOutcome(self.name, Status.PASSED, f"runs with {sizes}", tuple(outcomes))


def _problem(own: Run, other: Run) -> str:
    """What is wrong at the other size: an exception, or rows that are no longer those of the samples."""
    if other.failure is not None:
        return f"raises {said(other.failure)}"
    tensors = by_tensor({0: own.shapes, 1: other.shapes})
    for each in tensors or ():
        before, after = each[0], each[1]
        if before and len(before) == len(after) and before[0] == own.batch_size != after[0]:
            return f"gives {rows(after[0])} for {own.batch_size} samples ({shape(before)} becomes {shape(after)})"
    return ""


def _axes(inputs: Inputs, signals: bool, last: bool) -> str | None:
    """What the spatial axes are called, ``None`` where no input has any; three axes may be steps and features."""
    most = 0
    for recipe in _tensors(inputs):
        if _is_spatial(recipe, last):
            most = max(most, len(recipe.sizes) - 2)
    if most == 1 and not signals:
        return None
    return {0: None, 1: "length", 2: "height and width"}.get(most, "depth, height and width")


def _is_spatial(recipe: TensorRecipe, last: bool) -> bool:
    """Batch and channels, and one axis or more besides, of real numbers."""
    real = recipe.dtype.startswith(("float", "bfloat"))
    return (
        real
        and len(recipe.sizes) > 2
        and recipe.sizes[0] == BATCH
        and all(isinstance(size, int) and size > 1 for size in recipe.sizes[_spatial(last)])
    )


def _spatial(last: bool) -> slice:
    """The spatial axes: those after batch and channels, or between them."""
    return slice(1, -1) if last else slice(2, None)


def _tensors(inputs: Inputs) -> list[TensorRecipe]:
    found: list[TensorRecipe] = []
    pending: list[Recipe] = [*inputs.positional, *(recipe for _, recipe in inputs.keywords)]
    while pending:
        each = pending.pop()
        if isinstance(each, TensorRecipe):
            found.append(each)
        elif isinstance(each, Group):
            pending += each.items
    return found


def _variations(inputs: Inputs, names: str, last: bool) -> list[tuple[str, Inputs]]:
    return [
        (f"{names} + {STEP}", _resized(inputs, 1, STEP, last)),
        (f"{names} doubled", _resized(inputs, 2, 0, last)),
    ]


def _resized(inputs: Inputs, factor: int, step: int, last: bool) -> Inputs:
    def of(recipe: Recipe) -> Recipe:
        if isinstance(recipe, Group):
            return dataclasses.replace(recipe, items=tuple(map(of, recipe.items)))
        if isinstance(recipe, TensorRecipe) and _is_spatial(recipe, last):
            spatial = tuple(
                size * factor + step if isinstance(size, int) else size for size in recipe.sizes[_spatial(last)]
            )
            sizes = (*recipe.sizes[:1], *spatial, *recipe.sizes[-1:]) if last else (*recipe.sizes[:2], *spatial)
            return dataclasses.replace(recipe, sizes=sizes)
        return recipe

    positional = tuple(map(of, inputs.positional))
    return dataclasses.replace(inputs, positional=positional, keywords=tuple((n, of(r)) for n, r in inputs.keywords))
