"""What `batchlint.verify_model` returns. It imports no framework."""

from __future__ import annotations

import linecache
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Environment, Failure, Profile, Status
from batchlint.verify.wire import to_plain

CELLS = {Status.PASSED: "ok", Status.FAILED: "FAIL", Status.SKIPPED: "-", Status.UNDECIDED: "?"}
FRAMES_SHOWN = 3


class BatchHazard(AssertionError):
    """A model does at some batch size what it does not at others. The message says where, and at which sizes."""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What running a model at several batch sizes showed.

    Attributes:
        model: its class.
        inputs: what it was called with, as recipes: ``x: float32[B, 3, 32, 32]``.
        control: the batch size it is taken to be right at.
        batch_sizes: those it was run at, the control first.
        checks: the answers, in the order they were asked.
        environment: device and versions.
        seed: of all random numbers.
        reason: why nothing could be asked, in one sentence; empty if it could.
        profiles: time and memory by batch size, where that was asked.
        largest_batch: the largest batch that fits, where that was asked.
        milliseconds: wall time of all.
    """

    model: str
    inputs: tuple[str, ...]
    control: int
    batch_sizes: tuple[int, ...]
    checks: tuple[CheckOutcome, ...]
    environment: Environment
    seed: int = 0
    reason: str = ""
    profiles: tuple[Profile, ...] = ()
    largest_batch: int | None = None
    milliseconds: float = 0.0

    @property
    def safe(self) -> bool:
        """Whether checks were answered and none of them failed."""
        return not self.reason and not self.failures() and any(each.status is Status.PASSED for each in self.checks)

    def failures(self) -> tuple[CheckOutcome, ...]:
        """The checks that failed."""
        return tuple(each for each in self.checks if each.status is Status.FAILED)

    def undecided(self) -> tuple[CheckOutcome, ...]:
        """The checks that could not tell; their details say why."""
        return tuple(each for each in self.checks if each.status is Status.UNDECIDED)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        plain: dict[str, Any] = {"safe": self.safe, **to_plain(self)}
        return plain

    def raise_for_hazards(self) -> None:
        """Do nothing if the model is safe.

        Raises:
            BatchHazard: a check failed, or none could be asked.
        """
        if not self.safe:
            raise BatchHazard(str(self))

    def __str__(self) -> str:
        return "\n".join([self._headline(), *_table(self.batch_sizes, self.checks), *_details(self.checks)])

    def _headline(self) -> str:
        versions = dict(self.environment.versions)
        where = f"{self.environment.device}, torch {versions.get('torch', 'unknown')}, seed {self.seed}"
        if self.reason:
            return f"{self.model} could not be checked: {self.reason} ({where})"
        failed, asked = len(self.failures()), len(self.checks)
        if failed:
            return f"{self.model} is not safe at every batch size: {failed} of {asked} checks failed ({where})"
        if not self.safe:
            return f"{self.model}: no check could tell whether it is safe at every batch size ({where})"
        sizes = ", ".join(map(str, self.batch_sizes))
        return f"{self.model} is safe at batch sizes {sizes}: none of {asked} checks failed ({where})"


def _table(batch_sizes: tuple[int, ...], checks: Iterable[CheckOutcome]) -> list[str]:
    """A line for each check: its name, its answer, its outcome at each batch size."""
    checks = list(checks)
    if not checks:
        return []
    names = max(len(each.check) for each in checks)
    heads = [f"B={size}" for size in batch_sizes]
    widths = [max(4, len(head)) for head in heads]
    columns = "  ".join(head.rjust(width) for head, width in zip(heads, widths))
    lines = ["", f"  {'check':<{names}}  {'result':<9}  {columns}"]
    for each in checks:
        cells = [_cell(each.runs, size).rjust(width) for size, width in zip(batch_sizes, widths)]
        lines.append(f"  {each.check:<{names}}  {each.status.value:<9}  {'  '.join(cells)}".rstrip())
    return lines


def _cell(runs: Iterable[BatchOutcome], size: int) -> str:
    """The worst outcome at one batch size."""
    worst = (Status.FAILED, Status.UNDECIDED, Status.PASSED, Status.SKIPPED)
    found = {run.status for run in runs if run.batch_size == size}
    return next((CELLS[status] for status in worst if status in found), "")


def _details(checks: Iterable[CheckOutcome]) -> list[str]:
    lines: list[str] = []
    for each in checks:
        if each.status is Status.FAILED or (each.status is Status.UNDECIDED and each.detail):
            verb = "failed" if each.status is Status.FAILED else "undecided"
            lines += ["", f"  {each.check}: {verb}: {each.detail}" if each.detail else f"  {each.check}: {verb}"]
        if each.status is Status.FAILED:
            failed = [run.failure for run in each.runs if run.status is Status.FAILED and run.failure is not None]
            if failed:
                lines += traceback_lines(failed[0])
    return lines


def traceback_lines(failure: Failure) -> list[str]:
    """The user's innermost frames, the innermost marked with ``>``, and what was raised there."""
    lines = []
    shown = failure.frames[-FRAMES_SHOWN:] or ((failure.frame,) if failure.frame is not None else ())
    for frame in shown:
        mark = ">" if frame == shown[-1] else " "
        lines.append(f"      {frame.path}:{frame.line}: in {frame.function or '?'}")
        if source := linecache.getline(frame.path, frame.line).strip():
            lines.append(f"    {mark}     {source}")
    lines.append(f"    E     {failure.kind}: {failure.message}")
    return lines
