"""The steps from bytes to findings, with an evaluator that flags the calls of ``hazard`` in place of the real one."""

from __future__ import annotations

import ast
import json
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from batchlint.engine import CheckResult, check_bytes, check_source
from batchlint.findings import Edit, Finding, Fix, Note, Severity, Span
from batchlint.rules.selection import Selection, select_rules
from batchlint.source.source import Source, source_from_bytes
from fake_rules import FAKE_RULES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchlint.rules.base import Rule


def span_of(match: re.Match[str], text: str) -> Span:
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - text.rfind("\n", 0, match.start())
    return Span(line, column, line, column + len(match[0]))


def analyse(text: str, tree: ast.Module, rules: Sequence[Rule], surveyed: object, found: object) -> list[Finding]:
    """Flag each ``hazard()``, latent where it says so, with a note at the first line."""
    note = Note("set here", Span(1, 1, 1, 2))
    return [
        Finding(
            rule.code,
            rule.name,
            "message",
            Severity.WARNING,
            span_of(match, text),
            latent="latent" in match[0],
            notes=(note,),
            fix=Fix("leave out", (Edit(span_of(match, text), ""),), safe=True),
        )
        for rule in rules[:1]
        for match in reversed(list(re.finditer(r"hazard\(\w*\)", text)))
    ]


@pytest.fixture(autouse=True)
def _evaluator(monkeypatch: pytest.MonkeyPatch) -> None:
    gate: Any = ModuleType("batchlint.semantics.gate")
    gate.candidates = lambda surveyed, rules: any(isinstance(place.node, ast.Call) for place in surveyed.places)
    analysis: Any = ModuleType("batchlint.semantics.analysis")
    analysis.analyse = analyse
    monkeypatch.setitem(sys.modules, gate.__name__, gate)
    monkeypatch.setitem(sys.modules, analysis.__name__, analysis)
    monkeypatch.setattr("batchlint.semantics.gate", gate, raising=False)
    monkeypatch.setattr("batchlint.semantics.analysis", analysis, raising=False)
    monkeypatch.setattr("batchlint.rules.registry.all_rules", lambda: FAKE_RULES)
    monkeypatch.delenv("BATCHLINT_DEBUG", raising=False)


def check(text: str | bytes, filename: str = "a.py", **options: Any) -> CheckResult:
    data = text.encode() if isinstance(text, str) else text
    return check_bytes(data, filename, Selection(), **options)


def notebook(*cells: str) -> bytes:
    code = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    return json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def test_findings_come_in_the_order_of_the_source_and_name_the_file() -> None:
    result = check("import torch\nhazard()\nx = 1; hazard()\n")
    assert [finding.span for finding in result.findings] == [Span(2, 1, 2, 9), Span(3, 8, 3, 16)]
    assert {finding.filename for finding in result.findings} == {"a.py"}
    assert result.quoted == {(None, 1): "import torch", (None, 2): "hazard()", (None, 3): "x = 1; hazard()"}


def test_a_file_without_a_framework_is_not_even_decoded() -> None:
    assert check(b"hazard() \xff\x00 (") == CheckResult()


def test_a_file_without_candidates_is_not_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlint.semantics.analysis.analyse", pytest.fail)
    assert check("import torch\n") == CheckResult()


def test_latent_findings_are_shown_on_demand() -> None:
    text = "import torch\nhazard(latent)\n"
    assert check(text).findings == ()
    assert [finding.latent for finding in check(text, show_latent=True).findings] == [True]


def test_the_gravest_of_equal_findings_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    def twice(text: str, tree: ast.Module, rules: Sequence[Rule], surveyed: object, found: object) -> list[Finding]:
        flagged = analyse(text, tree, rules, surveyed, found)
        return [*flagged, *(dataclasses.replace(each, severity=Severity.ERROR) for each in flagged), *flagged]

    monkeypatch.setattr("batchlint.semantics.analysis.analyse", twice)
    (finding,) = check("import torch\nhazard()\n").findings
    assert finding.severity is Severity.ERROR


@pytest.mark.parametrize("comment", ["noqa", "batchlint: ignore", "batchlint: ignore[{name}]", "noqa: {code}"])
def test_comments_suppress(comment: str) -> None:
    rule = FAKE_RULES[0]
    text = f"import torch\nhazard()  # {comment.format(name=rule.name, code=rule.code)}\nhazard()\n"
    assert [finding.span.line for finding in check(text).findings] == [3]


def test_noqa_can_be_left_to_others() -> None:
    source = source_from_bytes(b"import torch\nhazard()  # noqa\nhazard()  # batchlint: ignore\n", "a.py")
    assert isinstance(source, Source)
    result = check_source(source, FAKE_RULES, honour_noqa=False)
    assert [finding.span.line for finding in result.findings] == [2]


def test_a_suppression_that_names_no_rule_is_told() -> None:
    name = FAKE_RULES[0].name
    result = check(f"import torch\nhazard()  # batchlint: ignore[{name}x]\n# batchlint: ignroe\n")
    assert len(result.findings) == 1
    assert [(warning.line, warning.message) for warning in result.warnings] == [
        (2, f"unknown rule '{name}x' after `# batchlint:`: did you mean '{name}'?"),
        (3, "unknown comment 'ignroe' after `# batchlint:`: did you mean 'ignore'?"),
    ]


def test_places_in_a_notebook_count_from_their_cell() -> None:
    result = check(notebook("import torch", "%matplotlib inline\n\nhazard()"), "a.ipynb")
    (finding,) = result.findings
    assert (finding.cell, finding.span) == (2, Span(3, 1, 3, 9))
    assert finding.notes == (Note("set here", Span(1, 1, 1, 2), cell=1),)
    assert finding.fix is not None
    assert finding.fix.edits[0].span == finding.span
    assert result.quoted == {(1, 1): "import torch", (2, 3): "hazard()"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("import torch\ndef f(:\n", 2), ("import torch\nprint 'Python 2'\n", 2), (b"import torch\n# \xff\n", 2)],
)
def test_what_cannot_be_read_is_a_problem_with_its_line(text: str | bytes, line: int) -> None:
    result = check(text)
    (problem,) = result.problems
    assert (problem.filename, problem.line, result.findings) == ("a.py", line, ())
    assert "\n" not in problem.message


@pytest.mark.parametrize("error", [ValueError("two\nlines"), RecursionError("deep"), MemoryError()])
def test_a_fault_of_ours_is_a_problem_and_no_traceback(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("batchlint.semantics.analysis.analyse", fail)
    (problem,) = check("import torch\nhazard()\n").problems
    assert problem.message.startswith(f"internal error: {type(error).__name__}")
    assert "test_engine.py:" in problem.message
    assert "\n" not in problem.message


def test_developers_see_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("batchlint.semantics.analysis.analyse", fail)
    monkeypatch.setenv("BATCHLINT_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        check("import torch\nhazard()\n")


def test_rules_that_are_off_do_not_run() -> None:
    first, second = FAKE_RULES[:2]
    text = "import torch\nhazard()\n"
    assert [finding.code for finding in check(text).findings] == [first.code]
    assert [finding.code for finding in check(text, ignored=(first.code,)).findings] == [second.code]
    assert check(text, ignored=("ALL",)) == CheckResult()
    assert select_rules(FAKE_RULES, Selection(ignore=("ALL",))) == ()
