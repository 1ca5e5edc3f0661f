"""What people read of a run at a terminal."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace

import pytest

from batchlint.reports import concise, github, verify_text
from batchlint.reports import verify_content as content
from batchlint.reports.colour import write_lines
from batchlint.reports.content import ReportedFinding
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Status
from batchlint.verify.session import VerifyReport
from verify_samples import CRASH, CRASHES, FINE, NET, PLAN, REPORT, RESIZED, VERIFIED, filled_with


def rendered(report: VerifyReport = REPORT, *, only_confirmed: bool = False, all_models: bool = False) -> str:
    return "".join(verify_text.render(report, only_confirmed=only_confirmed, all_models=all_models))


def test_a_confirmed_finding_in_full() -> None:
    report = VerifyReport(
        (VERIFIED[0],), (replace(NET, profiles=(), largest_batch=None),), plans={"net.py": PLAN}, quoted=REPORT.quoted
    )
    assert "".join(verify_text.render(report, scripts={CRASH: "repro/net_15_BSZ201.py"})) == (
        "net.py:15:13: BSZ201 [fixed-batch-reshape] CONFIRMED `view` fixes the batch at 64 (BATCH_SIZE, line 4): any "
        "other batch raises; use `x.size(0)`\n"
        "   |\n"
        "15 |         x = x.view(BATCH_SIZE, -1)  # one row a sample\n"
        "   |             ^^^^^^^^^^^^^^^^^^^^^^\n"
        "   = shape: x is [B, 16, 28, 28] here\n"
        "   = note: line 4: BATCH_SIZE is set here: BATCH_SIZE = 64\n"
        "   = confirmed: the flagged line raises at 1, 2, 63, 67 and 71 and runs at 64\n"
        "   = batch sizes: 64 ok · 1, 2, 63, 67, 71 raise RuntimeError\n"
        "   = raised at 1: RuntimeError: shape '[64, -1]' is invalid for input of size 12544 (net.py:15, in forward)\n"
        "   = built: Net() (train.py:41)\n"
        "   = input: x: float32[B, 3, 32, 32] (A, from the code: train.py:51)\n"
        "   = ran on: cpu, torch 2.13.0, seed 0\n"
        "   = reproduce: repro/net_15_BSZ201.py\n"
        "\n"
    )


def test_a_silent_hazard_tells_the_difference() -> None:
    assert "= difference: 0.312 at sample 1, through sample 0 (up to 1e-06 would pass)\n" in rendered()
    assert "= batch sizes: 4 ok · 1 ok · 2 wrong\n" in rendered()


def test_an_inconclusive_finding_says_what_would_help() -> None:
    report = rendered()
    assert "INCONCLUSIVE `squeeze` drops a batch of 1\n" in report
    assert "= inconclusive: no inputs were found that `forward(left, right)` accepts\n" in report
    assert "= help: say what it takes: --input 'Pair.left: float32[B, 8]'\n" in report


def test_a_refuted_finding_says_where_it_ran() -> None:
    assert "REFUTED `view` fixes the batch at 64\n" in rendered()
    assert "= batch sizes: 64, 1, 2 ok\n" in rendered()


def test_only_confirmed_leaves_the_others_out() -> None:
    report = rendered(only_confirmed=True)
    assert report.count("CONFIRMED") == 2
    assert "REFUTED" not in report
    assert "INCONCLUSIVE" not in report


def test_the_table_of_models_has_what_no_finding_foresaw() -> None:
    table = rendered(all_models=True)
    table = table[table.index("run   ") :]
    lines = table.splitlines()
    assert lines[0].split() == ["run", "built", "input", "by", "batch", "size"]
    assert lines[1].split()[:3] == ["net.py:7", "Net", "Net()"]
    assert lines[3].endswith(
        "not run: no inputs were found that `forward(left, right)` accepts; say what it takes: --input "
        "'Pair.left: float32[B, 8]'"
    )
    assert lines[5].startswith("other.py:3 Late")
    assert lines[6] == "  ! crash at batch sizes: at batch size 1, no rows (no confirmed finding speaks of it)"
    assert table.count("  ! ") == 1


def test_the_profile_has_slopes_and_the_largest_batch() -> None:
    lines = rendered().splitlines()
    begin = lines.index("Net (net.py:7) on cpu")
    assert lines[begin + 1].split() == ["batch", "size", "time", "peak", "memory"]
    assert lines[begin + 2].split() == ["1", "0.4", "ms", "2", "MiB"]
    assert lines[begin + 6].startswith("  each further sample: 0.19 ms and 29")
    assert lines[begin + 7] == "  largest batch that fits: 4,096"


def test_the_summary_counts_verdicts_and_runs() -> None:
    assert content.summary(REPORT) == ("4 findings: 2 confirmed, 1 refuted, 1 inconclusive; 4 classes run of 5")
    assert content.summary(VerifyReport()) == "0 findings"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["ok", "ok", "ok"], "4, 1, 2 ok"),
        (["ok", "raises E"], "4 ok · 1 raises E"),
        (["ok", "raises E", "raises E"], "4 ok · 1, 2 raise E"),
        (["raises E", "raises E"], "4, 1 raise E"),
        (["ok", "ok", "wrong", "wrong", "ok"], "4 ok · 1 ok · 2, 5 wrong · 7 ok"),
        ([], ""),
    ],
)
def test_outcomes_of_neighbours_stand_together(words: list[str], line: str) -> None:
    cells = [content.Cell(Status.PASSED, word) for word in words]
    assert content.outcomes_line(list(zip((4, 1, 2, 5, 7), cells))) == line


def test_what_fails_at_another_height_and_width_fails_at_no_batch_size() -> None:
    report = rendered(replace(REPORT, verified=(RESIZED,)))
    assert "= batch sizes: 2 ok\n" in report
    assert "= runs: height and width + 8: raises RuntimeError · x2: ok (output [2, 10])\n" in report
    assert "= raised with height and width + 8: RuntimeError: " in report
    assert content.failing(RESIZED.verdict) == ((), ("height and width + 8",))
    assert content.failing(VERIFIED[0].verdict) == ((1, 2, 63, 67, 71), ())


def test_what_would_speak_to_the_terminal_is_replaced() -> None:
    evil = filled_with("a\x1b[31m\x07\u202eb\x9b\n\r")
    found = evil.verified[0].finding
    report = "".join(verify_text.render(evil, all_models=True, scripts={found: "\x1b"}))
    assert "a\N{REPLACEMENT CHARACTER}[31m" in report
    plain = [ReportedFinding(found, {})]
    for text in (report, "".join(concise.render(plain)), "".join(github.render(plain))):
        assert not [each for each in text if each != "\n" and unicodedata.category(each) in ("Cc", "Cf", "Cs")]
    assert "".join(concise.render(plain)).count("\n") == 1


def test_runs_of_loops_are_told_by_what_was_varied() -> None:
    counted = CheckOutcome(
        "row counting",
        Status.FAILED,
        runs=(
            BatchOutcome(16, Status.PASSED, "16 rows", detail="16 of 16 rows"),
            BatchOutcome(19, Status.FAILED, "19 rows", detail="16 of 19 rows"),
        ),
    )
    assert [(name, cell.word) for name, cell in content.by_variation([counted])] == [
        ("16 rows", "ok"), ("19 rows", "wrong"),
    ]  # fmt: skip
    assert content.only_varied([counted])
    assert not content.only_varied([counted, FINE])
    verified = replace(VERIFIED[0], verdict=replace(VERIFIED[0].verdict, checks=(counted,)))
    report = rendered(replace(REPORT, verified=(verified,)))
    assert "= runs: 16 rows: ok (16 of 16 rows) · 19 rows: wrong (16 of 19 rows)\n" in report


def test_the_worst_outcome_of_a_batch_size_counts() -> None:
    memory = Failure("OutOfMemoryError", "no", out_of_memory=True)
    stopped = CheckOutcome(
        "other",
        Status.UNDECIDED,
        runs=(BatchOutcome(1, Status.UNDECIDED, failure=memory), BatchOutcome(9, Status.PASSED)),
    )
    varied = CheckOutcome("third", Status.FAILED, runs=(BatchOutcome(64, Status.FAILED, "train mode"),))
    outcomes = content.by_batch_size((64, 1), [FINE, stopped, varied])
    assert [(size, cell.word) for size, cell in outcomes] == [
        (64, "ok"), (1, "out of memory"), (2, "ok"), (9, "ok"),
    ]  # fmt: skip
    table = content.matrix((64, 1), [CRASHES, varied])
    assert [name for name, _ in table.rows] == ["crash at batch sizes", "third: train mode"]
    assert table.batch_sizes == (64, 1, 2, 63, 67, 71)
    assert table.rows[1][1][1:] == (None,) * 5


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3 GiB"), (5 << 40, "5 TiB")]
)
def test_amounts_of_memory(amount: int, text: str) -> None:
    assert content.memory(amount) == text


@pytest.mark.parametrize(("amount", "text"), [(0.42, "0.42 ms"), (12.3, "12 ms"), (1300, "1.3 s")])
def test_times(amount: float, text: str) -> None:
    assert content.milliseconds(amount) == text


def test_a_slope_is_what_each_further_sample_costs() -> None:
    assert content.slope([(1, 3.0), (2, 5.0), (4, 9.0)]) == pytest.approx(2.0)
    assert content.slope([(1, 3.0)]) is None


def test_colours_change_no_character_and_code_cannot_speak_to_the_terminal() -> None:
    from rich.text import Text

    hostile = replace(VERIFIED[1], verdict=replace(VERIFIED[1].verdict, reason="\x1b[31mred\x07"))
    report = replace(REPORT, verified=(VERIFIED[0], hostile))
    stream = io.StringIO()
    write_lines(verify_text.layout(report, all_models=True), stream)
    assert "\x1b[" in stream.getvalue()
    plain = Text.from_ansi(stream.getvalue()).plain
    lines = [line.rstrip() for line in plain.rstrip("\n").splitlines()]
    assert lines == rendered(report, all_models=True).rstrip("\n").splitlines()
    assert "\x1b" not in rendered(report, all_models=True)
