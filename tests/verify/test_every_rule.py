"""What ``check`` says of the fixtures, run by ``verify``: hazards are confirmed and near-misses refuted.

A near-miss is a line of a ``safe_*.py`` that ends with ``# refuted: BSZ201``: ``check`` is rightly silent about it, so
the finding is made here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch")

from batchlint.findings import Finding, Problem, Span
from batchlint.rules.registry import all_rules
from batchlint.rules.selection import Selection
from batchlint.runner import WorkItem
from batchlint.source.source import Source, read_source
from batchlint.verify.outcomes import Verdict
from batchlint.verify.session import VerifyReport, verify_files, verify_findings
from batchlint.verify.settings import Settings
from commands import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIXTURES = ROOT / "fixtures"
RULES = {rule.code: rule for rule in all_rules()}
MARK = re.compile(r"# refuted: (BSZ\d{3}(?:, BSZ\d{3})*)")
SETTINGS = Settings(device="cpu")
JOBS = 2


@pytest.fixture(scope="module")
def hazards() -> VerifyReport:
    files = sorted(FIXTURES.glob("*/hazard_*.py"))
    items = [WorkItem(str(path), Selection(select=(_rule_of(path),), extend_select=())) for path in files]
    return verify_files(items, SETTINGS, jobs=JOBS)


@pytest.fixture(scope="module")
def near_misses() -> VerifyReport:
    return verify_findings(_marked(), SETTINGS, jobs=JOBS)


def _rule_of(path: Path) -> str:
    return path.parent.name.replace("_", "-")


def _marked() -> Iterator[tuple[Source, list[Finding]]]:
    for path in sorted(FIXTURES.glob("*/safe_*.py")):
        source = read_source(path)
        assert not isinstance(source, Problem)
        findings = [
            Finding(
                code, RULES[code].name, "", RULES[code].severity, _span(number, line), str(path), statement_line=number
            )
            for number, line in enumerate(source.lines, start=1)
            for match in MARK.finditer(line)
            for code in match[1].split(", ")
        ]
        if findings:
            yield source, findings


def _span(number: int, line: str) -> Span:
    code = line.partition("#")[0].rstrip()
    return Span(number, len(code) - len(code.lstrip()) + 1, number, len(code) + 1)


def _verdicts(report: VerifyReport, code: str) -> list[tuple[Verdict, str]]:
    return [
        (each.verdict.verdict, f"{each.finding.filename}:{each.finding.span.line}: {each.verdict.reason}")
        for each in report.verified
        if each.finding.code == code
    ]


@pytest.mark.parametrize("code", sorted(RULES))
def test_hazards_are_confirmed(hazards: VerifyReport, code: str) -> None:
    found = _verdicts(hazards, code)
    assert [reason for verdict, reason in found if verdict is Verdict.REFUTED] == []
    assert [verdict for verdict, _ in found].count(Verdict.CONFIRMED) >= len(found) / 2, found


@pytest.mark.parametrize("code", sorted(RULES))
def test_near_misses_are_refuted(near_misses: VerifyReport, code: str) -> None:
    found = _verdicts(near_misses, code)
    assert [reason for verdict, reason in found if verdict is Verdict.CONFIRMED] == []
    assert Verdict.REFUTED in [verdict for verdict, _ in found], found


def test_each_result_says_what_it_ran_on(hazards: VerifyReport) -> None:
    targets = [each.verdict.target for each in hazards.verified if each.verdict.verdict is Verdict.CONFIRMED]
    assert targets
    for target in targets:
        assert target is not None
        assert target.environment is not None
        assert target.environment.device == "cpu"
        assert dict(target.environment.versions)["torch"]
