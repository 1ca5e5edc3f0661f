"""The checks that need no values, asked on meta tensors alone: ``--device meta``."""

from __future__ import annotations

from collections.abc import Iterable

from batchlint.verify.checks.crash_at_batch_sizes import judged
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.checking import FIRST, run_checks
from batchlint.verify.worker.meta import meta_subject, wants_values
from batchlint.verify.worker.subject import Subject

SHAPES_ALONE = (FIRST, "leading dimension")
"""Checks that need no values."""


def on_meta(subject: Subject, names: Iterable[str], settings: Settings) -> tuple[CheckOutcome, ...]:
    """`run_checks` with meta tensors alone; what cannot be told from shapes is undecided.

    Args:
        subject: of which a meta copy is made.
        names: of checks; those that need values are left out.
        settings: limits.
    """
    shapes = meta_subject(subject)
    if shapes is None:
        detail = "the model cannot be put on the meta device"
        return (CheckOutcome(FIRST, Status.UNDECIDED, detail),)
    answers = run_checks(shapes, [name for name in names if name in SHAPES_ALONE], settings)
    subject.batch_sizes, subject.control = shapes.batch_sizes, shapes.control
    return tuple(_without_values(answer, shapes) for answer in answers)


def _without_values(answer: CheckOutcome, shapes: Subject) -> CheckOutcome:
    """An answer whose failures all come of shapes, or none."""
    if any(run.failure is not None and wants_values(run.failure) for run in answer.runs):
        if answer.check == FIRST:
            decided = [run for run in answer.runs if run.failure is None or not wants_values(run.failure)]
            if any(run.failure is not None for run in decided) and decided[0].batch_size == shapes.control:
                return judged(FIRST, decided)
        return CheckOutcome(answer.check, Status.UNDECIDED, "needs values, which meta tensors do not have", answer.runs)
    return answer
