"""Does a training step get through with one sample?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.crash_at_batch_sizes import crashes
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.tensors import same

OTHER_INPUTS = 3
FORGETS = "one row gives the same output whatever is in it: batch normalisation of one value for each channel"


class TrainModeAtBatchSize1(Check):
    """Runs the model in train mode at its control, at 2 and at 1.

    *Passed*: it runs. *Failed*: it runs at its control and raises at 1 or 2, as batch normalisation of one value does
    in PyTorch. In Keras that does not raise: the value minus its own mean is zero, so that the layer gives its offset
    and no more; *failed* if other inputs of one row, which differ in eval mode, then all have the same output.
    """

    name = "train mode at batch size 1"
    train_mode = True

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run in train mode."""
        sizes = tuple(dict.fromkeys((subject.control, 2, 1)))
        found = crashes(self.name, subject, sizes, training=True, all_sizes=False)
        if found.status is not Status.PASSED or not subject.normalises_alone() or not _forgets(subject):
            return found
        runs = [run for run in found.runs if run.batch_size != 1]
        failed = BatchOutcome(1, Status.FAILED, "train mode", detail=FORGETS)
        return replace(found, status=Status.FAILED, detail=FORGETS, runs=(*runs, failed))


def _forgets(subject: AnySubject) -> bool:
    """Whether in train mode, and only there, one row alone leaves no trace in the output, as several rows do."""
    alone = subject.control != 1 and _is_constant(subject, 1, training=True)
    return alone and not _is_constant(subject, 1) and not _is_constant(subject, subject.control, training=True)


def _is_constant(subject: AnySubject, batch: int, training: bool = False) -> bool:
    """Whether different inputs have the same output; random numbers are the same for all of them."""
    first = None
    for number in range(OTHER_INPUTS):
        seed = subject.seed + number
        with subject.undisturbed(training):
            run = subject.call(batch, *subject.arguments(batch, seed), subject.seed)
        if run.failure is not None or (first is not None and not same(first, run.output)):
            return False
        first = run.output
    return True
