"""Does a sample alone give what it gives in a batch?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.consistency import Agreement, agreed, alone, layout_of, time_major
from batchlint.verify.checks.samples import Batch, NotSamples
from batchlint.verify.checks.words import number, rows
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject

INTENDED = "intended (a contrastive loss, statistics of the batch)?"


class PerSampleConsistency(Check):
    """Runs a batch, then some of its samples alone, in eval mode and with random operations fixed.

    *Passed*: each sample's output is the same both ways, in double precision to 1e-6. *Failed*: one differs: samples
    reach each other, or a sample's place in the batch matters. Asked at the control and at one larger size. A batch on
    axis 1 is tried before mixing is said.
    """

    name = "per-sample consistency"

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Compare samples alone with the same samples in a batch."""
        refusal = not_comparable(subject, batch_sizes)
        if refusal is not None:
            return CheckOutcome(self.name, *refusal)
        layout = layout_of(subject, batch_sizes)
        assert layout is not None
        runs: list[BatchOutcome] = []
        worst: tuple[Agreement, int] | None = None
        for size in sizes_to_compare(subject, batch_sizes):
            try:
                found = agreed(subject, partial(alone, batch=Batch(subject, size), layout=layout))
            except NotSamples as error:
                return CheckOutcome(self.name, Status.UNDECIDED, str(error))
            runs.append(subject.evaluated(size).outcome())
            if worst is None or _weight(found) > _weight(worst[0]):
                worst = found, size
        if worst is None:
            return CheckOutcome(self.name, Status.UNDECIDED, "it runs with two rows or more at no batch size")
        return self._outcome(subject, *worst, tuple(runs))

    def _outcome(
        self, subject: AnySubject, found: Agreement, size: int, outcomes: tuple[BatchOutcome, ...]
    ) -> CheckOutcome:
        measured = found.gap.absolute
        if found.status is Status.UNDECIDED:
            return CheckOutcome(self.name, Status.UNDECIDED, found.reason, outcomes)
        if found.status is Status.PASSED:
            detail = f"samples alone and in a batch of {size} differ by {number(found.gap.relative)} at most"
        elif time_major(subject, size):
            detail = "samples are independent along axis 1, not 0: the batch is there (time-major); say so in the input"
            return CheckOutcome(self.name, Status.UNDECIDED, detail, outcomes)
        else:
            detail = f"sample {found.sample} of {rows(size)} {said_of(found, 'the same sample alone')}; {INTENDED}"
        pair = found.sample, found.sample
        return CheckOutcome(self.name, found.status, detail, outcomes, finite(measured), pair, found.allowed)


def said_of(found: Agreement, other: str) -> str:
    """How far apart two ways to compute a sample are, in words."""
    if not math.isfinite(found.gap.relative):
        return f"differs from {other}: one of them is not finite"
    return f"differs from {other} by {number(found.gap.absolute)} ({number(found.gap.relative)} of the largest value)"


def finite(value: float) -> float | None:
    """*value*, ``None`` for infinity: reports are JSON."""
    return value if math.isfinite(value) else None


def not_comparable(subject: AnySubject, batch_sizes: Sequence[int]) -> tuple[Status, str] | None:
    """Why values of samples cannot be compared, if they cannot."""
    noise = subject.noise()
    if noise.reason:
        return Status.UNDECIDED, noise.reason
    control = subject.evaluated(subject.control)
    if not control.shapes:
        return Status.UNDECIDED, "the output holds no tensors"
    layout = layout_of(subject, batch_sizes)
    if layout is None:
        return Status.UNDECIDED, "the outputs at different batch sizes cannot be matched"
    if layout.paired:
        return Status.SKIPPED, "the output pairs each sample with each: intended (similarities of a batch)?"
    if not any(layout.rows):
        if all(not shape or shape == (1,) for shape in control.shapes):
            return Status.SKIPPED, "the output is one number, as a loss is"
        return Status.SKIPPED, "no output has an axis that follows the batch size"
    return None


def sizes_to_compare(subject: AnySubject, batch_sizes: Sequence[int]) -> list[int]:
    """The control, and the first larger size at which the model runs."""
    running = [size for size in batch_sizes if size > 1 and subject.evaluated(size).failure is None]
    larger = [size for size in running if size > subject.control]
    return [*(size for size in running if size == subject.control), *larger[:1]] or running[:1]


def _weight(found: Agreement) -> tuple[int, float]:
    """What counts most: a difference, then a doubt."""
    order = (Status.PASSED, Status.UNDECIDED, Status.FAILED)
    return order.index(found.status), found.gap.relative
