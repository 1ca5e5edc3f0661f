"""A rule that is not fully described cannot be written."""

from __future__ import annotations

from typing import Any

import pytest

from batchlint.findings import Severity
from batchlint.rules.base import Rule, parse_page

PAGE = """Summary of the hazard.

Example:
    x.view(64, -1)

Instead:
    if True:
        x.flatten(1)

Why:
    Because: it
    fails.

Silent when:
    Never.

Proof:
    A run.

Fix:
    Safe.
"""


def describe(**changes: Any) -> dict[str, Any]:
    """The body of a class that is a complete rule, but for *changes*; ``None`` takes an attribute away."""
    body: dict[str, Any] = {
        "__doc__": PAGE,
        "code": "BSZ999",
        "name": "some-hazard",
        "severity": Severity.WARNING,
        "observes": ("torch.Tensor.view",),
        **changes,
    }
    return {key: value for key, value in body.items() if value is not None}


def test_a_complete_rule_has_a_page() -> None:
    rule: Any = type("SomeHazard", (Rule,), describe())
    page = rule.page()
    assert page.summary == "Summary of the hazard."
    assert page.hazard == "x.view(64, -1)\n"
    assert page.remedy == "if True:\n    x.flatten(1)\n"
    assert page.sections["Why"] == "Because: it\nfails."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code": None}, "needs a code"),
        ({"code": "BSZ20"}, "needs a code"),
        ({"code": "TOR201"}, "needs a code"),
        ({"name": None}, "needs a kebab-case name"),
        ({"name": "SomeHazard"}, "needs a kebab-case name"),
        ({"severity": None}, "needs a severity"),
        ({"severity": "error"}, "needs a severity"),
        ({"observes": None}, "observes nothing"),
        ({"__doc__": None}, "needs a docstring"),
        ({"__doc__": "Summary alone."}, "needs the sections"),
        ({"__doc__": PAGE.replace("Why:", "Reason:")}, "needs the sections"),
        ({"__doc__": PAGE.replace("    Never.\n", "")}, "empty section 'Silent when'"),
        ({"__doc__": PAGE.replace("\nExample:", "More.\n\nExample:")}, "outside of sections: 'More.'"),
        ({"__doc__": PAGE.partition("\n\n")[2]}, "no summary"),
    ],
)
def test_an_incomplete_rule_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        type("SomeHazard", (Rule,), describe(**changes))


def test_what_rules_share_may_be_abstract() -> None:
    shared: Any = type("Shared", (Rule,), {}, abstract=True)
    with pytest.raises(TypeError, match="needs a code"):
        type("SomeHazard", (shared,), describe(code=None))


def test_the_sections_keep_their_order() -> None:
    fix, why = "Fix:\n    Safe.\n", "Why:\n    Because: it\n    fails.\n"
    swapped = PAGE.replace(fix, "@").replace(why, fix).replace("@", why)
    with pytest.raises(ValueError, match="in this order, but has Example, Instead, Fix"):
        parse_page(swapped)
