"""What `batchlint.testing.preflight` returns. It imports no framework."""

from __future__ import annotations

from dataclasses import dataclass

from batchlint.verify.model_report import traceback_lines
from batchlint.verify.outcomes import Failure, Status


@dataclass(frozen=True, slots=True)
class PreflightRun:
    """One batch through forward, loss and backward.

    Attributes:
        name: ``first batch``, ``last batch`` or ``batch of one``.
        batch_size: its rows, ``None`` where they cannot be told.
        status: `Status.PASSED` or `Status.FAILED`; `Status.UNDECIDED` for what fails and cannot come from the loader.
        detail: what is wrong, with the numbers.
        advice: what to do about it.
        failure: what was raised, if anything.
        output_shapes: shapes of the tensors in the output.
        loss: its value, where there is one.
        milliseconds: wall time.
    """

    name: str
    batch_size: int | None
    status: Status
    detail: str = ""
    advice: str = ""
    failure: Failure | None = None
    output_shapes: tuple[tuple[int, ...], ...] = ()
    loss: float | None = None
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """What the first batch, the last one and a batch of one came to.

    Attributes:
        model: its class.
        runs: the batches that were run.
        not_run: what was not run, and why, a line each.
    """

    model: str
    runs: tuple[PreflightRun, ...]
    not_run: tuple[str, ...] = ()

    @property
    def safe(self) -> bool:
        """Whether nothing that was run failed."""
        return not self.failures()

    def failures(self) -> tuple[PreflightRun, ...]:
        """The runs that failed."""
        return tuple(run for run in self.runs if run.status is Status.FAILED)

    def __str__(self) -> str:
        failed = self.failures()
        head = (
            f"{self.model}: ready to train" if not failed else f"{self.model}: {len(failed)} of {len(self.runs)} failed"
        )
        lines = [f"{head} (forward, loss and backward of real batches)", ""]
        for run in self.runs:
            lines += _lines_of(run)
        lines += [f"  not run: {each}" for each in self.not_run]
        return "\n".join(lines)


def _lines_of(run: PreflightRun) -> list[str]:
    answer = {Status.PASSED: "ok", Status.FAILED: "FAIL"}.get(run.status, "note")
    size = "rows unknown" if run.batch_size is None else f"{run.batch_size} row{'s' if run.batch_size != 1 else ''}"
    parts = [f"loss {run.loss:.4g}"] if run.loss is not None else []
    lines = [f"  {run.name:<13} {answer:<5} {', '.join([size, *parts])}"]
    if run.detail:
        lines.append(f"      {run.detail}")
    if run.failure is not None and run.status is Status.FAILED:
        lines += traceback_lines(run.failure)
    if run.advice:
        lines.append(f"      {run.advice}")
    return lines
