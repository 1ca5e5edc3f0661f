"""Does one run change what the next one gives?"""

from __future__ import annotations

from collections.abc import Sequence

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.words import rows, said
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.tensors import same

WITHIN = 1e-4
"""As a part of the largest value; kept state was never seen to move outputs by less than a thousand times this."""


class StateBetweenRuns(Check):
    """Runs the same batch twice in a row in eval mode, then one of one row less.

    *Passed*: the second answer is the first, and the shorter batch gives what it gives to a fresh model. *Failed*: they
    differ or it raises: the model keeps something from one batch to the next, such as a hidden state.
    """

    name = "state between runs"

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run twice, then shorter."""
        noise = subject.noise()
        if noise.reason:
            return CheckOutcome(self.name, Status.UNDECIDED, noise.reason)
        control = subject.control
        shorter = control - 1 if control > 1 else 2
        fresh_shorter = subject.evaluated(shorter)
        with subject.undisturbed():
            first, second = subject.run(control), subject.run(control)
            third = subject.run(shorter)
        runs = (
            first.outcome("first run"),
            second.outcome("second run"),
            third.outcome(f"after {rows(control)}"),
        )
        detail = _changed(first, second, third, fresh_shorter)
        if detail:
            return CheckOutcome(self.name, Status.FAILED, detail, runs)
        if any(run.failure is not None for run in (first, second)):
            return CheckOutcome(self.name, Status.UNDECIDED, "it cannot be run twice", runs)
        detail = "a second run, and one of fewer rows, give what they give first"
        return CheckOutcome(self.name, Status.PASSED, detail, runs)


def _changed(first: Run, second: Run, third: Run, fresh: Run) -> str:
    """What the first run changed, in words."""
    if first.failure is not None:
        return ""
    if second.failure is not None:
        return f"raises in a second run with as many rows: {said(second.failure)}" if _decides(second) else ""
    if not same(first.output, second.output, WITHIN):
        return "a second run on the same input gives something else: the model keeps something from run to run"
    if fresh.failure is not None:
        return ""
    if third.failure is not None:
        after = f"raises at {rows(third.batch_size)} after {rows(first.batch_size)}: {said(third.failure)}"
        return f"{after}; a fresh model runs" if _decides(third) else ""
    if not same(third.output, fresh.output, WITHIN):
        return f"{rows(third.batch_size)} after {first.batch_size} give something else than to a fresh model"
    return ""


def _decides(run: Run) -> bool:
    return run.status is Status.FAILED
