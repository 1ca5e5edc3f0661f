"""From what came of a run to the verdict on a finding.

A wrong *confirmed* is the worst that can happen, a wrong *refuted* the next; *inconclusive* with its reason is always
better than either. So an exception counts only where it can be traced to the flagged code, and a refutation only where
the flagged line ran at every batch size with an input that the code itself tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from batchlint.verify.checks.words import listed, rows, said
from batchlint.verify.loop_verdicts import answers_of, decide_loop
from batchlint.verify.outcomes import (
    BatchOutcome,
    CheckOutcome,
    Failure,
    FindingVerdict,
    Grade,
    Stage,
    Status,
    TargetResult,
    Verdict,
)
from batchlint.verify.plan.plans import Flagged

CRASH = "crash at batch sizes"
LEADING = "leading dimension"
SPATIAL = "other spatial sizes"
SYMBOLIC = "symbolic batch"

Answers = Mapping[str, CheckOutcome]
"""What the checks answered, by name."""

Proof = Callable[[Flagged, Sequence[str], TargetResult, Answers], FindingVerdict]


def decide(flagged: Flagged, rule_checks: Sequence[str], result: TargetResult | None) -> FindingVerdict:
    """The verdict on *flagged*.

    Args:
        flagged: the finding.
        rule_checks: names of the checks that its rule names in ``proved_by``.
        result: what came of the target that holds it; ``None`` where nothing could be run.
    """
    if result is None:
        return FindingVerdict(Verdict.INCONCLUSIVE, "nothing here can be run by itself")
    if answers_of(flagged, result):
        return decide_loop(flagged, result)
    answers = {each.check: each for each in result.checks}
    guessed_in_vain = result.stage is not Stage.RUN and result.grade is not Grade.CODE
    if guessed_in_vain or not any(name in answers for name in rule_checks):
        return _inconclusive(_why_not_run(result, answers), result, rule_checks, answers, result.help)
    return PROOFS.get(flagged.code, _by_any_check)(flagged, rule_checks, result, answers)


# Proofs, one function a kind


def _by_crash(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """Another batch size raises at the flagged code, or changes the axes of the output."""
    crash = answers.get(CRASH)
    if crash is not None and (crash.status is Status.FAILED or _runs_at_one_row_alone(crash, result)):
        failed = _failed(crash)
        borrowed = _fixed_input(result)
        ours = [run for run in failed if run.failure is not None and _is_at(flagged, run.failure)]
        if not ours and _speak_of_control(failed, result) and _reached(flagged, result):
            ours = failed
        if not ours and flagged.code == LOOP and _reached(flagged, result):
            ours = [run for run in failed if _runs_past_the_end(run)]
        if ours and borrowed:
            reason = f"it raises at {rows(_sizes(failed))}, but the input {borrowed} is made for {result.control} rows"
            return _inconclusive(reason, result, names, answers, _input_help(result))
        if ours:
            return _confirmed(_raises(ours, result), ours, result, names, answers)
        failure = failed[0].failure if failed else None
        if failure is not None:
            reason = f"it raises at {rows(_sizes(failed))}, but at another line than the flagged one: {said(failure)}"
            return _inconclusive(reason, result, names, answers)
    other = _any_failed([name for name in names if name != CRASH], answers)
    if other is not None and _reached(flagged, result):
        return _confirmed(other.detail, _failed(other), result, names, answers)
    return _refuted_or_not(flagged, names, result, answers, Grade.LAYER)


def _by_squeeze(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """A batch of one, and no other, raises where the squeezed tensor is relied on, or loses an axis."""
    crash, leading = answers.get(CRASH), answers.get(LEADING)
    failed = _failed(crash) if crash is not None else []
    if failed and {run.batch_size for run in failed} != {1}:
        failure = failed[0].failure
        assert failure is not None
        reason = f"it raises at {rows(_sizes(failed))}, not just at one: {said(failure)}"
        return _inconclusive(reason, result, names, answers)
    if leading is not None and leading.status is Status.FAILED:
        if not _reached(flagged, result) or {run.batch_size for run in _failed(leading)} != {1}:
            return _inconclusive(f"{leading.detail}, but not for the flagged line", result, names, answers)
        return _confirmed(leading.detail, _failed(leading), result, names, answers)
    return _by_crash(flagged, names, result, answers)


def _by_mismatch(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """It raises at the flagged layer at every batch size, for an input that the code itself gives."""
    crash = answers.get(CRASH)
    if crash is None or crash.status is not Status.UNDECIDED or not crash.runs:
        return _refuted_or_not(flagged, names, result, answers, Grade.CODE, constructed=True)
    failures = [run.failure for run in crash.runs if run.status is Status.FAILED and run.failure is not None]
    if len(failures) < len(crash.runs):
        return _inconclusive(crash.detail, result, names, answers)
    numbers = re.search(r"expects? (\d+) features but gets? (\d+)", flagged.message)
    if numbers is not None:
        at_layer = all({int(numbers[1]), int(numbers[2])} <= _numbers(failure) for failure in failures)
    else:
        at_layer = all(_touches(flagged, failure) for failure in failures)
    if not at_layer:
        reason = f"it raises at every batch size, but not at the flagged layer: {said(failures[0])}"
        return _inconclusive(reason, result, names, answers, result.help)
    if result.grade is not Grade.CODE:
        return _guessed(result, names, answers)
    reason = f"raises at every batch size, {_sizes(crash.runs)}: {said(failures[0])}"
    return _confirmed(reason, crash.runs, result, names, answers)


def _by_layer(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """It runs at its own height and width, and raises at others for the width of the flagged layer."""
    spatial = answers.get(SPATIAL)
    if spatial is None or spatial.status is not Status.FAILED:
        return _refuted_or_not(flagged, names, result, answers, Grade.CODE, constructed=True)
    failed = _failed(spatial)
    width = re.match(r"\s*(\d+) input features", flagged.message)
    ours = [run for run in failed if _is_of_layer(flagged, run, int(width[1]) if width else None)]
    if not _reached(flagged, result) and not set(flagged.note_lines) & {*result.reached_lines, *result.executed_lines}:
        # A notebook that defines a class again has the same layer in another cell.
        return _inconclusive(f"{spatial.detail}, but what ran is not the flagged code", result, names, answers)
    if not ours:
        return _inconclusive(f"{spatial.detail}, but not at the flagged layer", result, names, answers)
    return _confirmed(_at_other_sizes(ours, result), ours, result, names, answers)


def _by_fold(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """Another height and width changes the number of rows, or raises at the fold."""
    spatial, leading = answers.get(SPATIAL), answers.get(LEADING)
    if spatial is not None and spatial.status is Status.FAILED and _reached(flagged, result):
        width = re.match(r"`\w+\(-1, (\d+)\)`", flagged.message)
        ours = [run for run in _failed(spatial) if _is_of_fold(flagged, run, int(width[1]) if width else None)]
        if ours:
            return _confirmed(_at_other_sizes(ours, result), ours, result, names, answers)
        return _inconclusive(f"{spatial.detail}, but not at the flagged line", result, names, answers)
    if leading is not None and leading.status is Status.FAILED:
        return _inconclusive(f"{leading.detail}, which says nothing of the flagged line", result, names, answers)
    if leading is not None and "rows for each sample" in leading.detail:
        reason = f"{leading.detail}: that may be meant (a row for each token or pixel)"
        return _inconclusive(reason, result, names, answers)
    return _refuted_or_not(flagged, names, result, answers, Grade.CODE)


def _by_values(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """A check that the rule names fails on real values, and the flagged line ran."""
    failed = _any_failed(names, answers)
    if failed is None:
        return _refuted_or_not(flagged, names, result, answers, Grade.LAYER)
    if not _reached(flagged, result):
        return _inconclusive(f"{failed.detail}; but the flagged line does not run", result, names, answers)
    reason = failed.detail.partition("; intended")[0]
    return _confirmed(reason, failed.runs, result, names, answers)


_CHOSEN = "how many rows a mask chose"
"""How BSZ206 begins where an emptiness goes unnoticed: that neither raises nor is seen while rows are left."""


def _by_symbolic(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """It is traced for its own batch size and not for an unknown one, for what the flagged line takes for a number."""
    if flagged.message.startswith(_CHOSEN):
        return _inconclusive("no input of a run is known to have no rows left", result, names, answers)
    symbolic = answers.get(SYMBOLIC)
    if symbolic is None or symbolic.status is not Status.FAILED:
        return _refuted_or_not(flagged, names, result, answers, Grade.LAYER)
    failed = [run for run in _failed(symbolic) if run.failure is not None]
    ours = [run for run in failed if run.failure is not None and _is_of_unknown_size(flagged, run.failure, result)]
    if not ours:
        return _inconclusive(f"{symbolic.detail}, which is not for the flagged line", result, names, answers)
    return _confirmed(symbolic.detail, ours, result, names, answers)


def _is_of_unknown_size(flagged: Flagged, failure: Failure, result: TargetResult) -> bool:
    """Whether tracing failed in the flagged code, or further on for a ``None`` where that ran."""
    lines = {*range(flagged.statement_line, flagged.end_line + 1), *flagged.note_lines}
    if any(frame.line in lines for frame in failure.frames):
        return True
    return "None" in failure.message and _reached(flagged, result)


def _by_any_check(flagged: Flagged, names: Sequence[str], result: TargetResult, answers: Answers) -> FindingVerdict:
    """For loops: their checks know which statement they count for."""
    failed = _any_failed(names, answers)
    if failed is not None and failed.check == CRASH:
        return _by_crash(flagged, names, result, answers)
    if failed is not None:
        return _confirmed(failed.detail, _failed(failed), result, names, answers)
    return _refuted_or_not(flagged, names, result, answers, Grade.LAYER)


LOOP = "BSZ205"

PROOFS: dict[str, Proof] = {
    "BSZ101": _by_layer,
    "BSZ102": _by_fold,
    "BSZ103": _by_mismatch,
    "BSZ201": _by_crash,
    "BSZ202": _by_crash,
    "BSZ203": _by_crash,
    LOOP: _by_crash,
    "BSZ206": _by_symbolic,
    "BSZ401": _by_squeeze,
    "BSZ402": _by_values,
    "BSZ403": _by_values,
    "BSZ405": _by_values,
}
"""How a rule's findings are proved; those that are not here are proved by any of the checks that the rule names."""

MEETING = ("BSZ202", "BSZ203", LOOP, "BSZ401")
"""Rules whose last note points at the place where the flagged value meets the rows that came."""


# Whose failure it is


def _lines(flagged: Flagged) -> range:
    return range(flagged.line, flagged.end_line + 1)


def _is_at(flagged: Flagged, failure: Failure) -> bool:
    """Whether the innermost user frame is the flagged statement, or the flagged value meets the rows in one of them."""
    if failure.frame is None:
        return False
    if failure.frame.line in range(flagged.statement_line, flagged.end_line + 1):
        return True
    return bool(flagged.code in MEETING and flagged.note_lines[-1:]) and any(
        frame.path == failure.frame.path and frame.line == flagged.note_lines[-1] for frame in failure.frames
    )


def _touches(flagged: Flagged, failure: Failure) -> bool:
    """Whether the innermost user frame is the flagged statement or a line of the finding's notes."""
    if failure.frame is None:
        return False
    return failure.frame.line in (*range(flagged.statement_line, flagged.end_line + 1), *flagged.note_lines)


def _numbers(failure: Failure) -> set[int]:
    return {int(digits) for digits in re.findall(r"\d+", failure.message)}


def _speak_of_control(failed: Sequence[BatchOutcome], result: TargetResult) -> bool:
    """Whether each message has the control's size in it, although so many rows were not given, and follows the rows.

    A tensor stuck at the fixed number is what every one of them meets: a size that only happens to be equal to it
    would not appear beside numbers that move with the batch. Sizes of 1 and 2 are too common to tell.
    """
    control = result.control or 0
    failures = [run.failure for run in failed if run.failure is not None]
    if control < 3 or not failures or not all(control in _numbers(failure) for failure in failures):
        return False
    if len(failures) == 1:
        return failed[0].batch_size in _numbers(failures[0])
    return len({failure.message for failure in failures}) > 1


def _runs_at_one_row_alone(crash: CheckOutcome, result: TargetResult) -> bool:
    """Whether one row is what the code is given, by itself, and no other number of rows runs."""
    runs = {run.batch_size: run.status for run in crash.runs}
    ran = [size for size, status in runs.items() if status is Status.PASSED]
    return result.grade is Grade.CODE and result.control == 1 and ran == [1] and len(runs) > 1


def _runs_past_the_end(run: BatchOutcome) -> bool:
    """Whether a row was asked for that a batch of this size has not."""
    message = run.failure.message if run.failure is not None else ""
    return bool(re.search(rf"out of (bounds|range) .*\bsize {run.batch_size}\b", message))


def _is_of_layer(flagged: Flagged, run: BatchOutcome, width: int | None) -> bool:
    if run.failure is None:
        return True
    if width is not None:
        return width in _numbers(run.failure)
    return _touches(flagged, run.failure)


def _is_of_fold(flagged: Flagged, run: BatchOutcome, width: int | None) -> bool:
    if run.failure is None:
        return True
    return _is_at(flagged, run.failure) or (width is not None and width in _numbers(run.failure))


def _reached(flagged: Flagged, result: TargetResult) -> bool:
    return any(line in result.reached_lines or line in result.executed_lines for line in _lines(flagged))


def _executed(flagged: Flagged, result: TargetResult, constructed: bool) -> bool:
    """Whether the flagged code ran at every batch size; what is made by a constructor has to be made."""
    lines = set(_lines(flagged))
    meeting = flagged.note_lines[-1:] if flagged.code in MEETING else ()
    if not all(line in result.executed_lines for line in meeting):
        return False
    if lines & set(result.executed_lines):
        return True
    return bool((constructed or meeting) and lines & set(result.reached_lines))


def _fixed_input(result: TargetResult) -> str:
    """The input that has as many rows as the control at every batch size, if there is one."""
    for text in result.inputs:
        for sizes in re.findall(r"\[([^\[\]]*)\]", text):
            parts = [part.strip() for part in sizes.split(",")]
            if result.control and result.control > 1 and str(result.control) in parts and "B" not in sizes:
                return f"`{text}`"
    return ""


# Words


def _why_not_run(result: TargetResult, answers: Answers) -> str:
    crash = answers.get(CRASH)
    if crash is not None and crash.status is Status.UNDECIDED and result.grade is Grade.CODE:
        return _doubt(crash)
    if result.reason:
        return result.reason
    return {
        Stage.NOT_LOADED: "its file could not be loaded",
        Stage.SLICED: f"`{result.qualname}` could not be made",
        Stage.BUILT: f"no input was found that `{result.qualname}` accepts",
        Stage.RUN: "none of the checks that prove it was asked",
    }[result.stage]


def _refuted_or_not(
    flagged: Flagged,
    names: Sequence[str],
    result: TargetResult,
    answers: Answers,
    needed: Grade,
    constructed: bool = False,
) -> FindingVerdict:
    """Refuted if every named check passed on the flagged line with a known shape, else the first thing in the way."""
    crash = answers.get(CRASH)
    if crash is not None and crash.status is Status.UNDECIDED:
        return _inconclusive(_doubt(crash), result, names, answers, result.help)
    for name in names:
        answer = answers.get(name)
        if answer is None and result.kind != "class":
            continue
        if answer is None:
            return _inconclusive(f"{name} was not asked", result, names, answers)
        if answer.status is not Status.PASSED:
            return _inconclusive(_doubt(answer), result, names, answers, result.help)
    if not _executed(flagged, result, constructed):
        if _reached(flagged, result) or constructed:
            reason = "it ran, but the flagged code did not run at every batch size"
        else:
            reason = "it ran, but the flagged line did not: nothing here calls it"
        return _inconclusive(reason, result, names, answers)
    if result.grade < needed:
        return _guessed(result, names, answers)
    details = [answers[name].detail for name in names if name in answers and answers[name].detail]
    passes = details[0] if details else f"passes at {rows(_all_sizes(result))}"
    reason = f"{passes}; line {flagged.line} ran at all of them"
    return FindingVerdict(Verdict.REFUTED, reason, "", result.batch_sizes, (), _named(names, answers), result)


def _doubt(answer: CheckOutcome) -> str:
    if answer.check == CRASH and answer.status is Status.UNDECIDED and "every batch size" in answer.detail:
        return f"broken at every batch size, which is no batch hazard: {answer.detail.partition(': ')[2]}"
    return f"{answer.check}: {answer.detail or answer.status.value}"


def _guessed(result: TargetResult, names: Sequence[str], answers: Answers) -> FindingVerdict:
    reason = f"the checks pass, but the shape of the input is a guess (grade {result.grade.letter})"
    if any(answers[name].status is not Status.PASSED for name in names if name in answers):
        reason = f"it fails, but the shape of the input is not the code's own (grade {result.grade.letter})"
    return _inconclusive(reason, result, names, answers, _input_help(result))


def _input_help(result: TargetResult) -> str:
    if result.help:
        return result.help
    shown = next((each for each in result.inputs if re.search(r"\bB\b", each)), "x: float32[B, 3, 32, 32]")
    return f"say what it is given: --input '{shown}'"


def _inconclusive(
    reason: str, result: TargetResult, names: Sequence[str], answers: Answers, help: str = ""
) -> FindingVerdict:
    sizes = result.batch_sizes if result.stage is Stage.RUN else ()
    return FindingVerdict(Verdict.INCONCLUSIVE, reason, help, sizes, (), _named(names, answers), result)


def _confirmed(
    reason: str, failed: Iterable[BatchOutcome], result: TargetResult, names: Sequence[str], answers: Answers
) -> FindingVerdict:
    failing = tuple(dict.fromkeys(run.batch_size for run in failed))
    return FindingVerdict(Verdict.CONFIRMED, reason, "", result.batch_sizes, failing, _named(names, answers), result)


def _raises(failed: Sequence[BatchOutcome], result: TargetResult) -> str:
    failure = failed[0].failure
    assert failure is not None
    runs = f"; runs at {result.control}" if result.control is not None else ""
    return f"raises at {rows(_sizes(failed))}: {said(failure)}{runs}"


def _at_other_sizes(failed: Sequence[BatchOutcome], result: TargetResult) -> str:
    run = failed[0]
    what = f"raises {said(run.failure)}" if run.failure is not None else run.detail
    return f"{what} with {run.variation}; runs at its own size"


def _failed(outcome: CheckOutcome) -> list[BatchOutcome]:
    return [run for run in outcome.runs if run.status is Status.FAILED]


def _any_failed(names: Iterable[str], answers: Answers) -> CheckOutcome | None:
    return next((answers[name] for name in names if name in answers and answers[name].status is Status.FAILED), None)


def _named(names: Sequence[str], answers: Answers) -> tuple[CheckOutcome, ...]:
    return tuple(answers[name] for name in names if name in answers)


def _sizes(runs: Iterable[BatchOutcome]) -> str:
    return listed(run.batch_size for run in runs)


def _all_sizes(result: TargetResult) -> str:
    return listed(result.batch_sizes)
