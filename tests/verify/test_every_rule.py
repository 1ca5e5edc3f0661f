"""What ``check`` says of the fixtures, run by ``verify``: hazards are confirmed and near-misses refuted.

A near-miss is a line of a ``safe_*.py`` that ends with ``# refuted: BSZ201``: ``check`` is rightly silent about it, so
the finding is made here.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
import re
from typing import TYPE_CHECKING

import pytest

from batchlint.findings import Finding, Problem, Span
from batchlint.rules.registry import all_rules
from batchlint.rules.selection import Selection
from batchlint.runner import WorkItem
from batchlint.source.source import Source, read_source
from batchlint.verify.outcomes import Verdict
from batchlint.verify.plan.frameworks import framework_of
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
INSTALLED = {name for name in ("torch", "tensorflow", "keras") if importlib.util.find_spec(name) is not None}
ACCEPTED_TODAY = {
    # Keras 3 takes a short batch where no layer keeps states, which running it shows.
    "hazard_keras_stateless.py": "BSZ204",
}
if not INSTALLED & {"torch", "tensorflow"}:
    pytest.skip("no framework is installed", allow_module_level=True)


@functools.cache
def _framework(path: Path) -> str:
    return framework_of(ast.parse(path.read_text(encoding="utf-8")))


def _runs_here(path: Path) -> bool:
    """Whether the framework of a fixture is installed."""
    return _framework(path) in INSTALLED


def _family(path: Path) -> str:
    """``torch``, or ``keras`` for Keras and TensorFlow."""
    return "torch" if _framework(path) == "torch" else "keras"


def _wholly_run(family: str) -> bool:
    """Whether all code of the family runs here: Keras on torch runs classes alone."""
    return family == "torch" or "tensorflow" in INSTALLED


def _pairs() -> list[tuple[str, str]]:
    """Each rule with the frameworks that it has hazards of."""
    codes = {rule.name: rule.code for rule in RULES.values()}
    paths = filter(_runs_here, FIXTURES.glob("*/hazard_*.py"))
    return sorted({(codes[_rule_of(path)], _family(path)) for path in paths if _rule_of(path) in codes})


@pytest.fixture(scope="module")
def hazards() -> VerifyReport:
    files = [path for path in sorted(FIXTURES.glob("*/hazard_*.py")) if _runs_here(path)]
    items = [WorkItem(str(path), Selection(select=(_rule_of(path),), extend_select=())) for path in files]
    return verify_files(items, SETTINGS, jobs=JOBS)


@pytest.fixture(scope="module")
def near_misses() -> VerifyReport:
    return verify_findings(_marked(), SETTINGS, jobs=JOBS)


def _rule_of(path: Path) -> str:
    return path.parent.name.replace("_", "-")


def _marked() -> Iterator[tuple[Source, list[Finding]]]:
    for path in filter(_runs_here, sorted(FIXTURES.glob("*/safe_*.py"))):
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


def _verdicts(report: VerifyReport, code: str, family: str) -> list[tuple[Verdict, str]]:
    return [
        (each.verdict.verdict, f"{each.finding.filename}:{each.finding.span.line}: {each.verdict.reason}")
        for each in report.verified
        if each.finding.code == code
        and ACCEPTED_TODAY.get(os.path.basename(each.finding.filename)) != code
        and _family(ROOT / each.finding.filename) == family
    ]


@pytest.mark.parametrize(("code", "family"), _pairs())
def test_hazards_are_confirmed(hazards: VerifyReport, code: str, family: str) -> None:
    found = _verdicts(hazards, code, family)
    assert [reason for verdict, reason in found if verdict is Verdict.REFUTED] == []
    if _wholly_run(family):
        assert [verdict for verdict, _ in found].count(Verdict.CONFIRMED) >= len(found) / 2 > 0, found


@pytest.mark.parametrize(("code", "family"), _pairs())
def test_near_misses_are_refuted(near_misses: VerifyReport, code: str, family: str) -> None:
    found = _verdicts(near_misses, code, family)
    assert [reason for verdict, reason in found if verdict is Verdict.CONFIRMED] == []
    if _wholly_run(family):
        assert Verdict.REFUTED in [verdict for verdict, _ in found], found


@pytest.mark.skipif("keras" not in INSTALLED, reason="Keras is not installed")
def test_some_hazards_of_keras_are_confirmed_on_each_backend(hazards: VerifyReport) -> None:
    confirmed = [each.finding.filename for each in hazards.verified if each.verdict.verdict is Verdict.CONFIRMED]
    assert any(_family(ROOT / name) == "keras" for name in confirmed)


def test_each_result_says_what_it_ran_on(hazards: VerifyReport) -> None:
    targets = [each.verdict.target for each in hazards.verified if each.verdict.verdict is Verdict.CONFIRMED]
    assert targets
    for target in targets:
        assert target is not None
        assert target.environment is not None
        assert target.environment.device == "cpu"
        versions = dict(target.environment.versions)
        assert versions.get("torch") or versions.get("tensorflow")
