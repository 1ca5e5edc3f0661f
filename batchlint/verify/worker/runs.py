"""What one call of a model gave, and how a model answers the same question twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batchlint.verify.outcomes import BatchOutcome, Failure, Status
from batchlint.verify.worker.tensors import shape_of, tensors_in


@dataclass(frozen=True, slots=True)
class Run:
    """What one call gave: its output, or what it raised."""

    batch_size: int
    output: Any
    failure: Failure | None
    milliseconds: float

    def outcome(self, variation: str = "", detail: str = "") -> BatchOutcome:
        """This run as data."""
        return BatchOutcome(
            self.batch_size, self.status, variation, self.failure, self.shapes, round(self.milliseconds, 3), detail
        )

    @property
    def status(self) -> Status:
        """`Status.PASSED`, or how it failed: memory and broken devices decide nothing."""
        if self.failure is None:
            return Status.PASSED
        return Status.UNDECIDED if self.failure.out_of_memory or self.failure.fatal else Status.FAILED

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the tensors in the output."""
        return tuple(shape_of(tensor) for tensor in tensors_in(self.output))


@dataclass(frozen=True, slots=True)
class Noise:
    """How a model answers the same question twice, in eval mode.

    Attributes:
        bitwise: whether both answers are the same to the last bit.
        random: whether it draws random numbers that reach its output.
        reason: why its numbers say nothing; empty where they do.
    """

    bitwise: bool
    random: bool = False
    reason: str = ""


def without_failures(runs: Sequence[Run]) -> dict[int, Run]:
    """The runs that gave an output, by batch size."""
    return {run.batch_size: run for run in runs if run.failure is None}
