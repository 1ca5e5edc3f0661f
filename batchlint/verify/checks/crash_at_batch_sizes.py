"""Does it raise at another batch size?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.samples import follow_batch
from batchlint.verify.checks.symbolic_batch import graph_ladder
from batchlint.verify.checks.words import listed, rows, said
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject


class CrashAtBatchSizes(Check):
    """Runs the model in eval mode at each batch size.

    *Passed*: it ran at all of them. *Failed*: it ran at its control, and raised at another. Where the control raises,
    nothing can be said of the others; nor where one row is all that runs, as with inputs whose batch is on a wrong
    axis. What ran is remembered: other checks take the outputs, verdicts the lines. A framework with graphs is asked
    for one of an unknown batch size, too, which is run at each of them where there is one.
    """

    name = "crash at batch sizes"

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run at each batch size, the control first."""
        try:
            varied = follow_batch(subject)
        except Exception:
            varied = True  # arguments that cannot be made are said below
        if not varied:
            return CheckOutcome(self.name, Status.UNDECIDED, "no input follows the batch size")
        eager = crashes(self.name, subject, batch_sizes)
        if eager.status is not Status.PASSED:
            return eager
        traced = graph_ladder(subject, batch_sizes)
        if not any(run.status is Status.FAILED for run in traced):
            return replace(eager, runs=(*eager.runs, *traced))
        found = judged(self.name, traced)
        return replace(found, detail=f"as a graph, it {found.detail}", runs=(*eager.runs, *traced))


def crashes(
    name: str, subject: AnySubject, batch_sizes: Sequence[int], training: bool = False, all_sizes: bool = True
) -> CheckOutcome:
    """The outcome of running at each batch size; notes in *subject* which lines ran.

    Args:
        name: of the check that asks.
        subject: what is run.
        batch_sizes: the control first.
        training: whether it is run in train mode.
        all_sizes: whether lines that ran at these sizes count as run at every batch size.
    """
    runs: list[BatchOutcome] = []
    everywhere: frozenset[int] | None = None
    for batch in batch_sizes:
        run, lines = subject.traced(batch, training)
        runs.append(run.outcome("train mode" if training else ""))
        subject.reached_lines |= lines
        if run.failure is None:
            everywhere = lines if everywhere is None else everywhere & lines
        elif run.failure.fatal:
            break
    if all_sizes and everywhere:
        subject.executed_lines |= everywhere
    return judged(name, runs)


def judged(name: str, runs: Sequence[BatchOutcome]) -> CheckOutcome:
    """What runs, the control's first, say of crashes."""
    control, others = runs[0], runs[1:]
    failed = [run for run in others if run.status is Status.FAILED]
    if control.failure is not None:
        if failed and len(failed) == len(others):
            detail = f"raises at every batch size: {said(control.failure)}"
        else:
            detail = f"raises at its own batch size of {control.batch_size}: {said(control.failure)}"
        return CheckOutcome(name, Status.UNDECIDED, detail, tuple(runs))
    if failed and failed[0].failure is not None and control.batch_size == 1 and len(failed) == len(others):
        detail = (
            f"runs at 1 row and at no other: the batch may be on another axis of the inputs; {said(failed[0].failure)}"
        )
        return CheckOutcome(name, Status.UNDECIDED, detail, tuple(runs))
    if failed and failed[0].failure is not None:
        sizes = listed(run.batch_size for run in failed)
        detail = f"raises at {rows(sizes)}: {said(failed[0].failure)}; runs at {control.batch_size}"
        return CheckOutcome(name, Status.FAILED, detail, tuple(runs))
    stopped = [run for run in others if run.failure is not None]
    if stopped and stopped[0].failure is not None:
        sizes = listed(run.batch_size for run in stopped)
        detail = f"could not be run at {rows(sizes)}: {said(stopped[0].failure)}"
        return CheckOutcome(name, Status.UNDECIDED, detail, tuple(runs))
    return CheckOutcome(name, Status.PASSED, f"runs at {rows(listed(run.batch_size for run in runs))}", tuple(runs))
