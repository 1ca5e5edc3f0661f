"""Hazards of models that were run although no finding speaks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.verify.outcomes import CheckOutcome, Frame, Grade, Status, TargetResult, Verdict

if TYPE_CHECKING:
    from batchlint.verify.session import VerifyReport

Key = tuple[str, str, int]


def key_of(target: TargetResult) -> Key:
    """What tells targets apart."""
    return target.path, target.qualname, target.line


def unforeseen(report: VerifyReport) -> dict[Key, tuple[CheckOutcome, ...]]:
    """Checks of each target that failed although no confirmed finding speaks of it.

    With inputs that are guesses, a failure may be the guess's: nothing is said of it here.
    """
    explained: dict[Key, set[str]] = {}
    places: dict[Key, set[Frame | None]] = {}
    for each in report.verified:
        if each.verdict.target is not None and each.verdict.verdict is Verdict.CONFIRMED:
            key = key_of(each.verdict.target)
            failed = [check for check in each.verdict.checks if check.status is Status.FAILED]
            explained.setdefault(key, set()).update(check.check for check in failed)
            places.setdefault(key, set()).update(frame for check in failed for frame in _frames(check))
    return {
        key_of(target): tuple(
            check
            for check in target.checks
            if check.status is Status.FAILED
            and target.grade is not Grade.GUESSED
            and check.check not in explained.get(key_of(target), ())
            and not (_frames(check) and _frames(check) <= places.get(key_of(target), set()))
        )
        for target in report.models
    }


def _frames(check: CheckOutcome) -> set[Frame | None]:
    """Where the runs of *check* raised."""
    return {run.failure.frame for run in check.runs if run.failure is not None}
