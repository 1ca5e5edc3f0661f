"""Does a batch with every sample twice give the same?"""

from __future__ import annotations

from collections.abc import Sequence

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.consistency import alone_in, layout_of
from batchlint.verify.checks.per_sample_consistency import finite
from batchlint.verify.checks.samples import Batch, NotSamples
from batchlint.verify.checks.words import number, rows
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.tensors import tensors_in

WITHIN = 1e-4
"""As a part of the result: far above rounding, far below what a constant divisor does."""


class DuplicatedBatch(Check):
    """Runs a batch, then the same with every sample twice.

    *Passed*: a loss stays what it is, and each sample's output too. *Failed*: a loss doubles, because it is a sum or is
    divided by a constant number of samples, or outputs move. Where a sum is meant, that is no fault.
    """

    name = "duplicated batch"
    usual = False

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run once, then doubled."""
        noise = subject.noise()
        if noise.reason:
            return CheckOutcome(self.name, Status.UNDECIDED, noise.reason)
        size = subject.control
        try:
            batch = Batch(subject, size)
            twice = batch.taken([*range(size), *range(size)])
        except NotSamples as error:
            return CheckOutcome(self.name, Status.UNDECIDED, str(error))
        once, doubled = (
            subject.called_as_found(*batch.arguments, size),
            subject.called_as_found(*twice, 2 * size),
        )
        runs = (once.outcome(), doubled.outcome("every sample twice"))
        if doubled.failure is not None or once.failure is not None:
            return CheckOutcome(self.name, Status.UNDECIDED, f"it does not run with {rows(2 * size)}", runs)
        if all(tensor.numel() == 1 for tensor in tensors_in(once.output)):
            status, detail = _numbers(once, doubled)
            return CheckOutcome(self.name, status, detail, runs)
        layout = layout_of(subject, batch_sizes)
        if layout is None or not any(layout.rows):
            return CheckOutcome(self.name, Status.SKIPPED, "no output has an axis that follows the batch size", runs)
        found = alone_in(doubled, once, layout, 2 * size, list(range(size)), subject.device)
        if found.status is Status.UNDECIDED:
            return CheckOutcome(self.name, Status.UNDECIDED, found.reason, runs)
        detail = f"with every sample twice, outputs differ by {number(found.gap.relative)} of the largest value"
        return CheckOutcome(self.name, found.status, detail, runs, finite(found.gap.absolute), None, found.allowed)


def _numbers(once: Run, doubled: Run) -> tuple[Status, str]:
    """The answer for losses."""
    pairs = list(zip(tensors_in(once.output), tensors_in(doubled.output)))
    if not pairs:
        return Status.UNDECIDED, "the output holds no tensors"
    for one, two in pairs:
        before, after = float(one.detach().double().real), float(two.detach().double().real)
        if abs(after - before) <= WITHIN * max(abs(before), abs(after)):
            continue
        if abs(after - 2 * before) <= WITHIN * abs(after):
            detail = "the result doubles with the batch: a sum, or a mean by a constant number of samples"
            return Status.FAILED, f"{detail} ({number(before)} becomes {number(after)})"
        if before != before or after != after:
            return Status.UNDECIDED, "the result is not a number (NaN)"
        return Status.FAILED, f"with every sample twice, {number(before)} becomes {number(after)}"
    return Status.PASSED, "the result is the same with every sample twice"
