"""Scripts for functions outside of models show the hazard, and do not show it once it is repaired."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("torch")

from scripts_at_work import run_all

from batchlint.verify.outcomes import TargetResult
from batchlint.verify.plan.plans import FilePlan, Flagged, TargetPlan
from batchlint.verify.script_of_loop import PROOFS, script_of_loop
from batchlint.verify.script_parts import NotReproducible
from batchlint.verify.settings import Settings
from batchlint.verify.worker import counting
from batchlint.verify.worker.loading import Loaded
from batchlint.verify.worker.loops.performing import perform_loop
from commands import ROOT

FIXTURES = ROOT / "fixtures"


def ran(path: str, text: str, qualname: str, code: str, line: int) -> tuple[FilePlan, TargetResult]:
    flagged = Flagged(0, code, line, line, line)
    target = TargetPlan(qualname, "function", line, line, (flagged,))
    plan = FilePlan(path, text, (str(ROOT),), "", (target,))
    return plan, perform_loop(target, plan, Loaded(plan), Settings())


TAIL, EMPTY, LOST, BY_HAND = (
    f"{folder}/hazard_{name}.py"
    for folder, name in (
        ("dropped_tail", "generator_of_minibatches"),
        ("empty_last_batch", "one_batch_more"),
        ("last_full_batch_lost", "range_stops_early"),
        ("manual_slicing_loop", "prediction_in_steps"),
    )
)
HAZARDS = [
    (TAIL, "minibatches", "BSZ302", " - batch_size + 1", ""),
    (TAIL, "bounds", "BSZ302", "len(images) + 1", "len(images) + batch_size"),
    (EMPTY, "evaluate", "BSZ305", "len(images) // BATCH_SIZE + 1", "-(-len(images) // BATCH_SIZE)"),
    (LOST, "total_loss", "BSZ304", "len(images) - batch_size", "len(images)"),
    (BY_HAND, "embed", "BSZ301", "start + batch_size, ", "start + 2 * batch_size, "),
]
"""Fixture, function, rule, what is wrong in it, and what would be right."""


def test_each_script_shows_its_hazard_and_ends_with_0_once_it_is_repaired(tmp_path: Path) -> None:
    sources = []
    for name, qualname, code, wrong, right in HAZARDS:
        text = (FIXTURES / name).read_text(encoding="utf-8")
        if "from tqdm" in text and importlib.util.find_spec("tqdm") is None:
            continue  # what stands in for a progress bar gives no rows
        line = next(
            number
            for number, each in enumerate(text.splitlines(), 1)
            if f"expect: {code}" in each and number > text[: text.index(f"def {qualname}(")].count("\n")
        )
        plan, result = ran(str(FIXTURES / name), text, qualname, code, line)
        (check,) = result.checks
        assert check.call_code, name
        source = script_of_loop(plan, result, check, code, f"{code} in {name}")
        assert wrong in source
        sources += [source, source.replace(wrong, right, 1)]
    for number, (ended, output) in enumerate(run_all(tmp_path, *sources)):
        assert ended == (1, 0)[number % 2], output
        assert output.endswith(("The hazard shows.\n", "The hazard does not show.\n")[number % 2])


SAFE = """\
def batches(rows, batch_size):
    steps = len(rows) // batch_size
    for step in range(steps + (len(rows) % batch_size > 0)):
        yield rows[step * batch_size : (step + 1) * batch_size]
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SAFE, 2),
        (SAFE.replace("rows, batch_size)", "rows, batch_size, settings)").replace("(rows)", "(settings.rows)"), 2),
        ("class Batches:\n    def take(self, rows):\n        return rows[: len(rows) // 4 * 4]\n", 3),
    ],
)
def test_no_call_is_kept_that_shows_nothing(text: str, line: int) -> None:
    _, result = ran("program.py", text, "batches", "BSZ302", line)
    assert [check.call_code for check in result.checks] == [""]


JOINED = """\
def joined(rows, batch_size):
    for step in range(len(rows) // batch_size):
        yield rows[step * batch_size : (step + 1) * batch_size]
"""


def test_what_has_no_call_has_no_script() -> None:
    text = JOINED
    plan, result = ran("program.py", text, "joined", "BSZ302", 2)
    (check,) = result.checks
    assert check.call_code == "joined(rows=rows(), batch_size=4)"
    with pytest.raises(NotReproducible, match="`joined` is a name"):
        script_of_loop(plan, result, check, "BSZ302", "")
    with pytest.raises(NotReproducible, match="no call with simple data"):
        script_of_loop(plan, result, check, "BSZ306", "")


def test_every_proof_is_there() -> None:
    assert all(callable(getattr(counting, name)) for name in PROOFS.values())
