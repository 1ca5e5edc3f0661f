"""batchlint on the labelled files, and each label's outcome."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from batchlint.engine import check_bytes
from batchlint.findings import Finding, Problem
from batchlint.rules.selection import Selection
from benchmarks.accuracy.labels import FIXED, HAZARDS, SILENT, Label, Place, is_tensorflow, places

NOTES = frozenset({"BSZ101", "BSZ301"})
"""Rules that tell what is worth knowing; what they say of good code is no false alarm."""


class Outcome(NamedTuple):
    """What became of one label.

    Attributes:
        label: the label.
        result: ``found``, ``missed``, ``silent``, ``false``, ``quieted`` or ``not quieted``; ``latent`` for a hazard
            that only ``--latent`` shows, ``absent`` without the file, ``open`` where either answer can be defended or
            where there was nothing to quiet.
        near: the findings at the label's lines, or in the whole file if it has none.
        tensorflow: whether the file is written for TensorFlow or Keras.
    """

    label: Label
    result: str
    near: tuple[Finding, ...] = ()
    tensorflow: bool = False


def check(file: Path) -> tuple[tuple[Finding, ...], tuple[Problem, ...]]:
    """All findings of *file*, latent ones too, and what went wrong."""
    result = check_bytes(file.read_bytes(), str(file), Selection(), show_latent=True)
    return result.findings, result.problems


def score(labels: Iterable[Label], checkouts: Path, tolerance: int) -> tuple[list[Outcome], list[Problem]]:
    """Check every labelled file under *checkouts* once, and compare.

    Args:
        labels: bugs before their fixes, as a fix is compared with what was found in the bug.
        checkouts: the folder that holds the labels' folders.
        tolerance: how many lines a finding may be away from a label's line.
    """
    checked: dict[Path, tuple[tuple[Finding, ...], tuple[Problem, ...]]] = {}
    outcomes: list[Outcome] = []
    for label in sorted(labels, key=lambda label: label.label == FIXED):
        file = checkouts / label.folder / label.path
        if not file.is_file():
            outcomes.append(Outcome(label, "absent"))
            continue
        if file not in checked:
            checked[file] = check(file)
        findings = checked[file][0]
        if label.label == FIXED:
            result, near = _quieted(label, findings, outcomes, checkouts, checked)
        else:
            near = _near(findings, places(label, file), tolerance)
            result = _result(label, near)
        outcomes.append(Outcome(label, result, near, is_tensorflow(label, file)))
    return outcomes, [problem for _, problems in checked.values() for problem in problems]


def _near(findings: Iterable[Finding], judged: tuple[Place, ...], tolerance: int) -> tuple[Finding, ...]:
    if not judged:
        return tuple(findings)
    return tuple(
        finding
        for finding in findings
        if any(finding.cell == place.cell and abs(finding.span.line - place.line) <= tolerance for place in judged)
    )


def _result(label: Label, near: tuple[Finding, ...]) -> str:
    shown = [finding for finding in near if not finding.latent]
    if label.label in HAZARDS:
        return "found" if shown else "latent" if near else "missed"
    if label.label in SILENT:
        return "false" if any(finding.code not in NOTES for finding in shown) else "silent"
    return "open"


def _quieted(
    fixed: Label,
    findings: tuple[Finding, ...],
    outcomes: Iterable[Outcome],
    checkouts: Path,
    checked: dict[Path, tuple[tuple[Finding, ...], tuple[Problem, ...]]],
) -> tuple[str, tuple[Finding, ...]]:
    """Whether fewer of the codes that found the bug are left in the author's fixed file."""
    bug = next((o for o in outcomes if "fixed-" + o.label.identity == fixed.identity and o.result == "found"), None)
    if bug is None:
        return "open", ()
    codes = {finding.code for finding in bug.near if not finding.latent}
    left = tuple(finding for finding in findings if finding.code in codes and not finding.latent)
    before = checked[checkouts / bug.label.folder / bug.label.path][0]
    were = sum(finding.code in codes and not finding.latent for finding in before)
    return "quieted" if len(left) < were else "not quieted", left
