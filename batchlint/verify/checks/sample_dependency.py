"""Does another sample in the batch change this one's output?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.consistency import Agreement, agreed, exchanged, layout_of, time_major
from batchlint.verify.checks.per_sample_consistency import INTENDED, finite, not_comparable, said_of
from batchlint.verify.checks.samples import Batch, NotSamples
from batchlint.verify.checks.words import number, rows
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.tensors import same


class SampleDependency(Check):
    """Exchanges one sample of a batch for another one, in eval mode, and looks at the outputs of all the others.

    *Passed*: they stay as they are. *Failed*: one moves: some samples reach others. Unlike `PerSampleConsistency` it
    says which sample reaches which, and does not see what depends on the batch size alone.
    """

    name = "sample dependency"

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Exchange the first sample, then the last one."""
        refusal = not_comparable(subject, batch_sizes)
        if refusal is not None:
            return CheckOutcome(self.name, *refusal)
        layout = layout_of(subject, batch_sizes)
        assert layout is not None
        size = next((each for each in batch_sizes if each > 1 and subject.evaluated(each).failure is None), None)
        if size is None:
            return CheckOutcome(self.name, Status.UNDECIDED, "it runs with two rows or more at no batch size")
        runs = (subject.evaluated(size).outcome(),)
        largest = Agreement(Status.PASSED)
        for index in (0, size - 1):
            try:
                batch = Batch(subject, size)
                if same(batch.arguments, batch.exchanged(index)):
                    return CheckOutcome(self.name, Status.UNDECIDED, "no other sample could be made", runs)
                found = agreed(subject, partial(exchanged, batch=batch, layout=layout, index=index))
            except NotSamples as error:
                return CheckOutcome(self.name, Status.UNDECIDED, str(error), runs)
            if found.status is Status.UNDECIDED:
                return CheckOutcome(self.name, Status.UNDECIDED, found.reason, runs)
            if found.status is Status.FAILED:
                return self._failed(subject, found, size, index, runs)
            largest = max(largest, found, key=lambda each: each.gap.relative)
        detail = f"no other sample's output moves by more than {number(largest.gap.relative)} of {rows(size)}"
        if not largest.gap.relative:
            detail = f"no other sample's output of {rows(size)} moves"
        return CheckOutcome(self.name, Status.PASSED, detail, runs, largest.gap.absolute, None, largest.allowed)

    def _failed(
        self, subject: AnySubject, found: Agreement, size: int, index: int, runs: tuple[BatchOutcome, ...]
    ) -> CheckOutcome:
        """Sample *index* reaches another one, unless the batch is on axis 1."""
        if time_major(subject, size):
            detail = "samples are independent along axis 1, not 0: the batch is there (time-major); say so in the input"
            return CheckOutcome(self.name, Status.UNDECIDED, detail, runs)
        moved = said_of(found, "what it is with the first one")
        detail = f"with another sample {index} of {rows(size)}, sample {found.sample} {moved}; {INTENDED}"
        pair = found.sample, index
        return CheckOutcome(self.name, Status.FAILED, detail, runs, finite(found.gap.absolute), pair, found.allowed)
