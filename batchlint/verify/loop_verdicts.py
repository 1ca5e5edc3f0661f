"""Verdicts on findings outside of models: each was run by itself, so its own checks decide."""

from __future__ import annotations

from collections.abc import Sequence

from batchlint.verify.outcomes import CheckOutcome, FindingVerdict, Grade, Status, TargetResult, Verdict
from batchlint.verify.plan.plans import Flagged


def answers_of(flagged: Flagged, result: TargetResult) -> tuple[CheckOutcome, ...]:
    """The checks that were run for this finding alone."""
    return tuple(each for each in result.checks if flagged.number in each.findings)


def decide_loop(flagged: Flagged, result: TargetResult) -> FindingVerdict:
    """Confirmed if one of its checks failed, refuted if one passed and none failed, else the reason in the way."""
    answers = answers_of(flagged, result)
    failed = [each for each in answers if each.status is Status.FAILED]
    passed = [each for each in answers if each.status is Status.PASSED and each.grade is not Grade.GUESSED]
    if failed:
        return _verdict(Verdict.CONFIRMED, failed[0], answers, result)
    if passed:
        return _verdict(Verdict.REFUTED, passed[0], answers, result)
    asked = [each for each in answers if each.status is Status.UNDECIDED] or list(answers)
    if asked:
        return _verdict(Verdict.INCONCLUSIVE, asked[0], answers, result)
    reason = result.reason or "none of the checks that prove it was asked"
    return FindingVerdict(Verdict.INCONCLUSIVE, reason, result.help, target=result)


def _verdict(
    verdict: Verdict, decisive: CheckOutcome, answers: Sequence[CheckOutcome], result: TargetResult
) -> FindingVerdict:
    ran = dict.fromkeys(run.batch_size for run in decisive.runs)
    failing = dict.fromkeys(run.batch_size for run in decisive.runs if run.status is Status.FAILED)
    help = result.help if verdict is Verdict.INCONCLUSIVE else ""
    return FindingVerdict(verdict, decisive.detail, help, tuple(ran), tuple(failing), tuple(answers), result)
