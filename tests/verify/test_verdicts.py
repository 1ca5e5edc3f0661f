"""From outcomes of checks to the verdict on a finding; no framework is needed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from batchlint.verify.outcomes import (
    BatchOutcome,
    CheckOutcome,
    Failure,
    Frame,
    Grade,
    Stage,
    Status,
    TargetResult,
    Verdict,
)
from batchlint.verify.plan.plans import Flagged
from batchlint.verify.verdicts import decide

CRASH, LEADING, ALONE, SPATIAL = (
    "crash at batch sizes",
    "leading dimension",
    "per-sample consistency",
    "other spatial sizes",
)
LINE = 26


def flagged(code: str, checks: tuple[str, ...], notes: tuple[int, ...] = (), message: str = "") -> Flagged:
    return Flagged(0, code, LINE, LINE, LINE, note_lines=notes, checks=checks, message=message)


def run(batch: int, message: str = "", line: int = LINE, outer: tuple[int, ...] = (), **more: str) -> BatchOutcome:
    if not message:
        return BatchOutcome(batch, Status.PASSED, **more)
    frames = tuple(Frame("net.py", each, "forward") for each in (*outer, line))
    return BatchOutcome(batch, Status.FAILED, failure=Failure("RuntimeError", message, frames[-1], frames), **more)


def check(name: str, status: Status = Status.PASSED, *runs: BatchOutcome, detail: str = "") -> CheckOutcome:
    return CheckOutcome(name, status, detail, runs)


def result(*checks: CheckOutcome, **changes: object) -> TargetResult:
    base = TargetResult(
        "net.py", "Net", "class", 10, Stage.RUN,
        inputs=("x: float32[B, 3, 32, 32]",), grade=Grade.CODE, control=64, batch_sizes=(64, 1, 2, 63, 67, 71),
        checks=checks, executed_lines=(25, LINE, 27), reached_lines=(12, 25, LINE, 27),
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


RESHAPE = flagged("BSZ201", (CRASH, LEADING))
TENSOR = flagged("BSZ202", (CRASH,), notes=(8, 30))
SHAPE = "shape '[64, -1]' is invalid for input of size {}"


def test_a_crash_at_the_flagged_line_confirms() -> None:
    runs = (run(64), run(1, SHAPE.format(800)), run(2), run(67, SHAPE.format(53600)))
    verdict = decide(RESHAPE, RESHAPE.checks, result(check(CRASH, Status.FAILED, *runs), check(LEADING)))
    assert verdict.verdict is Verdict.CONFIRMED
    assert verdict.failing == (1, 67)
    assert verdict.reason == (
        "raises at 1 and 67 rows: `RuntimeError: shape '[64, -1]' is invalid for input of size 800` at line 26; "
        "runs at 64"
    )


def test_a_crash_elsewhere_confirms_nothing() -> None:
    runs = (run(64), run(1, "Expected 3 channels", line=40), run(67, "Expected 3 channels", line=40))
    verdict = decide(RESHAPE, RESHAPE.checks, result(check(CRASH, Status.FAILED, *runs), check(LEADING)))
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "another line" in verdict.reason
    assert "line 40" in verdict.reason


def test_regrouped_rows_that_break_a_later_line_are_traced_by_the_number() -> None:
    runs = tuple(run(b, f"mat1 and mat2 shapes cannot be multiplied (64x{b * 10} and 800x10)", 27) for b in (1, 2, 67))
    found = result(check(CRASH, Status.FAILED, run(64), *runs), check(LEADING, Status.UNDECIDED))
    assert decide(RESHAPE, RESHAPE.checks, found).verdict is Verdict.CONFIRMED
    not_reached = replace(found, executed_lines=(25,), reached_lines=(25,))
    assert decide(RESHAPE, RESHAPE.checks, not_reached).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "messages",
    [
        ("expected 64 channels", "expected 64 channels"),
        ("sizes 1 and 64", "sizes 67 and 32"),
        ("no number", "none either"),
    ],
)
def test_a_number_that_is_there_by_chance_traces_nothing(messages: tuple[str, str]) -> None:
    runs = (run(64), *(run(b, message, line=40) for b, message in zip((1, 67), messages)))
    found = result(check(CRASH, Status.FAILED, *runs), check(LEADING))
    assert decide(RESHAPE, RESHAPE.checks, found).verdict is Verdict.INCONCLUSIVE


def test_a_control_of_two_is_too_common_a_number() -> None:
    runs = (run(2), run(1, "sizes 2 and 1", 40), run(3, "sizes 2 and 3", 40))
    found = result(check(CRASH, Status.FAILED, *runs), check(LEADING), control=2)
    assert decide(RESHAPE, RESHAPE.checks, found).verdict is Verdict.INCONCLUSIVE


def test_one_row_that_alone_runs_confirms_only_at_the_flagged_line() -> None:
    for line, grade, verdict in (
        (LINE, Grade.CODE, Verdict.CONFIRMED),
        (LINE, Grade.LAYER, Verdict.INCONCLUSIVE),
        (40, Grade.CODE, Verdict.INCONCLUSIVE),
    ):
        runs = (run(1), run(2, "shape '[1, 9]' is invalid", line), run(3, "shape '[1, 9]' is invalid", line))
        found = result(check(CRASH, Status.UNDECIDED, *runs), check(LEADING), control=1, grade=grade)
        assert decide(RESHAPE, RESHAPE.checks, found).verdict is verdict


def test_an_allocation_is_confirmed_where_it_meets_the_rows() -> None:
    runs = (run(64), run(1, "does not match", line=80, outer=(30,)), run(67, "does not match", line=80, outer=(30,)))
    assert decide(TENSOR, TENSOR.checks, result(check(CRASH, Status.FAILED, *runs))).verdict is Verdict.CONFIRMED
    runs = (run(64), run(1, "does not match", line=80, outer=(8,)))
    assert decide(TENSOR, TENSOR.checks, result(check(CRASH, Status.FAILED, *runs))).verdict is Verdict.INCONCLUSIVE


def test_an_input_made_for_the_control_blames_nobody() -> None:
    runs = (run(64), run(1, "Expected hidden size (2, 1, 8), got [2, 64, 8]"))
    found = result(check(CRASH, Status.FAILED, *runs), inputs=("x: float32[B, 5]", "h: float32[2, 64, 8]"))
    verdict = decide(TENSOR, TENSOR.checks, found)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "h: float32[2, 64, 8]" in verdict.reason


def test_rows_that_do_not_follow_confirm() -> None:
    leading = check(LEADING, Status.FAILED, replace(run(67), status=Status.FAILED), detail="the output is [64, 9]")
    verdict = decide(RESHAPE, RESHAPE.checks, result(check(CRASH), leading))
    assert (verdict.verdict, verdict.failing) == (Verdict.CONFIRMED, (67,))


def test_everything_passes_on_the_flagged_line() -> None:
    found = result(check(CRASH, detail="runs at 64, 1, 2, 63, 67 and 71 rows"), check(LEADING))
    verdict = decide(RESHAPE, RESHAPE.checks, found)
    assert verdict.verdict is Verdict.REFUTED
    assert verdict.reason == "runs at 64, 1, 2, 63, 67 and 71 rows; line 26 ran at all of them"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"grade": Grade.GUESSED}, "guess"),
        ({"executed_lines": (25,), "reached_lines": (25,)}, "the flagged line did not"),
        ({"executed_lines": (25,)}, "not run at every batch size"),
        ({"checks": (check(CRASH), check(LEADING, Status.UNDECIDED, detail="depends on values"))}, "depends on values"),
        ({"checks": (check(CRASH, Status.UNDECIDED, detail="took longer than 10 s"), check(LEADING))}, "took longer"),
        ({"checks": (check(CRASH),)}, "leading dimension was not asked"),
    ],
)
def test_what_stands_in_the_way_of_a_refutation(changes: dict[str, object], word: str) -> None:
    verdict = decide(RESHAPE, RESHAPE.checks, result(check(CRASH), check(LEADING), **changes))
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert word in verdict.reason


def test_the_place_where_it_meets_the_rows_has_to_run_for_a_refutation() -> None:
    assert decide(TENSOR, TENSOR.checks, result(check(CRASH))).verdict is Verdict.INCONCLUSIVE
    found = result(check(CRASH), executed_lines=(LINE, 30))
    assert decide(TENSOR, TENSOR.checks, found).verdict is Verdict.REFUTED


def test_nothing_that_could_be_run() -> None:
    assert decide(RESHAPE, RESHAPE.checks, None).verdict is Verdict.INCONCLUSIVE
    found = result(stage=Stage.BUILT, reason="it accepts none of 12 inputs", help="--input 'x: float32[B, 3]'")
    verdict = decide(RESHAPE, RESHAPE.checks, found)
    assert (verdict.reason, verdict.help) == ("it accepts none of 12 inputs", "--input 'x: float32[B, 3]'")


def test_broken_everywhere_is_no_batch_hazard() -> None:
    crash = check(CRASH, Status.UNDECIDED, run(64, "x"), run(1, "x"), detail="raises at every batch size: `x`")
    verdict = decide(RESHAPE, RESHAPE.checks, result(crash, stage=Stage.BUILT))
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "broken at every batch size" in verdict.reason


SQUEEZE = flagged("BSZ401", (CRASH, LEADING), notes=(27,))


def test_a_squeeze_is_confirmed_by_a_batch_of_one_alone() -> None:
    one = check(CRASH, Status.FAILED, run(64), run(1, "Dimension out of range", line=27), run(67))
    assert decide(SQUEEZE, SQUEEZE.checks, result(one, check(LEADING))).verdict is Verdict.CONFIRMED
    more = check(CRASH, Status.FAILED, run(64), run(1, "no", line=27), run(67, "no", line=27))
    assert decide(SQUEEZE, SQUEEZE.checks, result(more, check(LEADING))).verdict is Verdict.INCONCLUSIVE
    lost = check(LEADING, Status.FAILED, replace(run(1), status=Status.FAILED), detail="the output is [] at 1 row")
    assert decide(SQUEEZE, SQUEEZE.checks, result(check(CRASH), lost)).verdict is Verdict.CONFIRMED


MISMATCH = flagged(
    "BSZ103", (CRASH,), notes=(40,), message="this layer expects 400 features but gets 256 for the input"
)


@pytest.mark.parametrize(
    ("message", "grade", "verdict"),
    [
        ("shapes cannot be multiplied ({}x256 and 400x10)", Grade.CODE, Verdict.CONFIRMED),
        ("shapes cannot be multiplied ({}x256 and 400x10)", Grade.LAYER, Verdict.INCONCLUSIVE),
        ("shapes cannot be multiplied ({}x128 and 64x10)", Grade.CODE, Verdict.INCONCLUSIVE),
    ],
)
def test_a_mismatch_is_broken_at_every_batch_size(message: str, grade: Grade, verdict: Verdict) -> None:
    runs = tuple(run(b, message.format(b), line=40) for b in (64, 1, 2))
    crash = check(CRASH, Status.UNDECIDED, *runs, detail="raises at every batch size")
    found = result(crash, stage=Stage.BUILT, grade=grade, reason="no input fits")
    assert decide(MISMATCH, MISMATCH.checks, found).verdict is verdict


def test_a_mismatch_that_runs_is_refuted() -> None:
    assert decide(MISMATCH, MISMATCH.checks, result(check(CRASH))).verdict is Verdict.REFUTED


LAYER = flagged(
    "BSZ101", (SPATIAL,), notes=(30,), message="400 input features are hardcoded, but the layers before give"
)
FOLD = flagged("BSZ102", (SPATIAL, LEADING), message="`view(-1, 400)` folds 16*(H//4) values")


def test_a_hardcoded_width_is_told_by_its_number() -> None:
    at_layer = run(2, "(2x784 and 400x120)", line=31, variation="height and width + 8")
    elsewhere = run(2, "(2x784 and 500x120)", line=31, variation="height and width + 8")
    confirmed = decide(LAYER, LAYER.checks, result(check(SPATIAL, Status.FAILED, run(2), at_layer)))
    assert confirmed.verdict is Verdict.CONFIRMED
    assert "height and width + 8" in confirmed.reason
    other = decide(LAYER, LAYER.checks, result(check(SPATIAL, Status.FAILED, run(2), elsewhere)))
    assert other.verdict is Verdict.INCONCLUSIVE


def test_a_fold_is_told_by_its_rows() -> None:
    folded = replace(
        run(2, variation="height and width doubled", detail="gives 8 rows for 2 samples"), status=Status.FAILED
    )
    found = result(check(SPATIAL, Status.FAILED, run(2), folded), check(LEADING))
    assert decide(FOLD, FOLD.checks, found).verdict is Verdict.CONFIRMED
    passing = result(check(SPATIAL), check(LEADING))
    assert decide(FOLD, FOLD.checks, passing).verdict is Verdict.REFUTED
    guessed = replace(passing, grade=Grade.LAYER)
    assert decide(FOLD, FOLD.checks, guessed).verdict is Verdict.INCONCLUSIVE
    tokens = result(check(SPATIAL), check(LEADING, detail="the output has the batch, 7 rows for each sample"))
    assert decide(FOLD, FOLD.checks, tokens).verdict is Verdict.INCONCLUSIVE


def test_a_softmax_is_told_by_its_values() -> None:
    softmax = flagged("BSZ402", (ALONE,))
    failed = check(ALONE, Status.FAILED, run(64), detail="sample 1 differs by 0.9; intended (statistics)?")
    verdict = decide(softmax, softmax.checks, result(failed))
    assert (verdict.verdict, verdict.reason) == (Verdict.CONFIRMED, "sample 1 differs by 0.9")
    unreached = result(failed, executed_lines=(25,), reached_lines=(25,))
    assert decide(softmax, softmax.checks, unreached).verdict is Verdict.INCONCLUSIVE
    paired = result(check(ALONE, Status.SKIPPED, detail="the output pairs each sample with each"))
    assert decide(softmax, softmax.checks, paired).verdict is Verdict.INCONCLUSIVE


def test_a_loop_that_runs_past_the_end() -> None:
    loop = flagged("BSZ205", (CRASH,))
    runs = (run(64), run(63, "index 63 is out of bounds for dimension 0 with size 63", line=28), run(67))
    assert decide(loop, loop.checks, result(check(CRASH, Status.FAILED, *runs))).verdict is Verdict.CONFIRMED
    runs = (run(64), run(63, "index 9 is out of bounds for dimension 0 with size 7", line=28), run(67))
    assert decide(loop, loop.checks, result(check(CRASH, Status.FAILED, *runs))).verdict is Verdict.INCONCLUSIVE
