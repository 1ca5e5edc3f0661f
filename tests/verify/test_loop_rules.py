"""Each rule about loops: its hazards are confirmed by a run, its near-misses are refuted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")

from batchlint.engine import check_bytes
from batchlint.findings import Finding
from batchlint.rules.selection import Selection
from batchlint.verify.loop_verdicts import decide_loop
from batchlint.verify.outcomes import Verdict
from batchlint.verify.plan.frameworks import TORCH, framework_of
from batchlint.verify.plan.plans import FilePlan, Flagged, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.loops.performing import perform_loop
from commands import ROOT

FIXTURES = ROOT / "fixtures"
RULES = {
    "manual_slicing_loop": "BSZ301",
    "dropped_tail": "BSZ302",
    "quadratic_batching": "BSZ303",
    "last_full_batch_lost": "BSZ304",
    "empty_last_batch": "BSZ305",
    "drop_last_in_evaluation": "BSZ306",
    "normalised_twice": "BSZ501",
    "count_by_constant": "BSZ503",
}
CRASHES = ("fixed_batch_reshape", "fixed_batch_tensor", "fixed_batch_expand", "fixed_batch_loop", "squeeze_drops_batch")
UNDECIDED = {
    # Boxes of each image: no stand-in for a batch of boxes.
    ("hazard_boxes_of_each_image.py", "BSZ205"),
    # Raises with its own data, which have one number of rows.
    ("hazard_numpy_other_split.py", "BSZ201"),
}


def _in_model(tree: ast.Module, line: int) -> bool:
    return any(
        isinstance(node, ast.ClassDef)
        and node.lineno <= line <= (node.end_lineno or 0)
        and any(isinstance(each, ast.FunctionDef) and each.name == "forward" for each in node.body)
        for node in ast.walk(tree)
    )


def _flagged(finding: Finding) -> Flagged:
    span = finding.span
    notes = tuple(note.span.line for note in finding.notes)
    return Flagged(
        0, finding.code, span.line, span.end_line, span.line, span.column, span.end_column, notes, (), finding.message
    )


def _announced(path: Path) -> Iterator[tuple[Flagged, Verdict]]:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    found = check_bytes(text.encode(), path.name, Selection()).findings
    for finding in found:
        if not _in_model(tree, finding.span.line):
            yield _flagged(finding), Verdict.CONFIRMED
    for line, source in enumerate(text.splitlines(), start=1):
        match = re.search(r"# refuted: (BSZ\d+)", source)
        if match is not None and not _in_model(tree, line):
            yield Flagged(0, match[1], line, line, line), Verdict.REFUTED


def _cases(folders: Iterator[str]) -> list[tuple[Path, Flagged, Verdict]]:
    return [
        (path, flagged, verdict)
        for folder in folders
        for path in sorted((FIXTURES / folder).glob("*.py"))
        if framework_of(ast.parse(path.read_text(encoding="utf-8"))) == TORCH
        for flagged, verdict in _announced(path)
        if (path.name, flagged.code) not in UNDECIDED
    ]


CASES = _cases(iter((*RULES, *CRASHES)))


def _name(case: tuple[Path, Flagged, Verdict]) -> str:
    return f"{case[0].parent.name}/{case[0].stem}:{case[1].line}-{case[1].code}"


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_a_loop_gets_the_verdict_that_its_comment_says(case: tuple[Path, Flagged, Verdict]) -> None:
    path, flagged, verdict = case
    target = TargetPlan("<anything>", "function", 1, 1, (flagged,))
    plan = FilePlan(str(path), path.read_text(encoding="utf-8"), targets=(target,))
    result = perform_loop(target, plan, None, Settings())
    decided = decide_loop(flagged, result)
    assert decided.verdict is verdict, decided.reason
    assert decided.batch_sizes
    if verdict is Verdict.CONFIRMED and flagged.code != "BSZ301":
        assert decided.failing


@pytest.mark.parametrize("folder", RULES)
def test_each_rule_has_a_hazard_that_is_confirmed_and_a_near_miss_that_is_refuted(folder: str) -> None:
    own = {verdict for path, flagged, verdict in CASES if path.parent.name == folder and flagged.code == RULES[folder]}
    assert own == {Verdict.CONFIRMED, Verdict.REFUTED}
