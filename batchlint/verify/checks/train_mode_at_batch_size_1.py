"""Does a training step get through with one sample?"""

from __future__ import annotations

from collections.abc import Sequence

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.crash_at_batch_sizes import crashes
from batchlint.verify.outcomes import CheckOutcome
from batchlint.verify.settings import Settings
from batchlint.verify.worker.subject import Subject


class TrainModeAtBatchSize1(Check):
    """Runs the model in train mode at its control, at 2 and at 1.

    *Passed*: it runs. *Failed*: it runs at its control and raises at 1 or 2, as batch normalisation of one value does.
    """

    name = "train mode at batch size 1"
    train_mode = True

    def run(self, subject: Subject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Run in train mode."""
        sizes = tuple(dict.fromkeys((subject.control, 2, 1)))
        return crashes(self.name, subject, sizes, training=True, all_sizes=False)
