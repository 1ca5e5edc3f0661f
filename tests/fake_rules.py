"""Rules that say nothing, for tests of what handles rules."""

from __future__ import annotations

from batchlint.findings import Severity
from batchlint.rules.base import SECTIONS, Rule


def fake_rule(code: str, name: str) -> Rule:
    """A complete rule with *code* and *name*."""
    sections = "".join(f"\n{heading}:\n    Text.\n" for heading in SECTIONS)
    body = {
        "__doc__": f"Summary of {name}.\n{sections}",
        "code": code,
        "name": name,
        "severity": Severity.WARNING,
        "observes": ("torch.Tensor.view",),
    }
    rule: type[Rule] = type("FakeRule", (Rule,), body)
    return rule()


FAKE_RULES = (
    fake_rule("BSZ201", "fixed-batch-reshape"),
    fake_rule("BSZ202", "fixed-batch-tensor"),
    fake_rule("BSZ301", "manual-slicing-loop"),
    fake_rule("BSZ401", "squeeze-drops-batch"),
)
