"""The examples on every rule's page, run: the first is flagged by that rule, the second by none of it."""

from __future__ import annotations

import pytest

from batchlint.engine import check_bytes
from batchlint.rules.base import Rule
from batchlint.rules.registry import all_rules
from batchlint.rules.selection import Selection


def found(rule: Rule, code: str) -> list[str]:
    result = check_bytes(code.encode(), "example.py", Selection(select=(rule.code,)), show_latent=True)
    assert result.problems == ()
    return [finding.name for finding in result.findings]


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_the_example_is_flagged(rule: Rule) -> None:
    assert set(found(rule, rule.page().hazard)) == {rule.name}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_what_stands_instead_is_silent(rule: Rule) -> None:
    assert found(rule, rule.page().remedy) == []
