"""What holds for every rule that there is, and will hold for the next one."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from batchlint.rules.registry import all_rules
from commands import ROOT

if TYPE_CHECKING:
    from batchlint.rules.base import Rule


@pytest.fixture(params=all_rules(), ids=lambda rule: rule.code)
def rule(request: pytest.FixtureRequest) -> Rule:
    return request.param


def test_rules_come_sorted_with_unique_codes_and_names() -> None:
    rules = all_rules()
    assert [rule.code for rule in rules] == sorted({rule.code for rule in rules})
    assert len({rule.name for rule in rules}) == len(rules) > 0


def test_a_rule_lives_in_the_file_of_its_name(rule: Rule) -> None:
    assert type(rule).__module__ == f"batchlint.rules.{rule.name.replace('-', '_')}"
    assert type(rule).__name__ == rule.name.title().replace("-", "")


def test_a_rule_has_fixtures(rule: Rule) -> None:
    folder = ROOT / "fixtures" / rule.name.replace("-", "_")
    assert list(folder.glob("hazard_*.py")), f"{folder} has no hazard_*.py"
    assert list(folder.glob("safe_*.py")), f"{folder} has no safe_*.py"


def test_a_rule_has_a_line_in_the_changelog(rule: Rule) -> None:
    assert f"{rule.code} `{rule.name}`" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_rule_says_how_it_is_proved(rule: Rule) -> None:
    assert rule.proved_by


def test_reading_all_rules_needs_no_libcst() -> None:
    code = (
        "import sys; from batchlint.rules.registry import all_rules; all_rules();"
        "print(sorted({'libcst', 'torch', 'numpy', 'rich'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout == "[]\n"
