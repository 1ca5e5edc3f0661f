"""The fixtures say on each line what batchlint must find there, and what shape it must know; nowhere else anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from batchlint.engine import check_bytes
from batchlint.rules.registry import all_rules
from batchlint.rules.selection import Selection
from commands import ROOT

FIXTURES = sorted((ROOT / "fixtures").glob("*/*.py"))

EXPECTATION = re.compile(r"# expect: (BSZ\d{3}(?:, BSZ\d{3})*)")
SHAPE = re.compile(r"# shape: (\[.*?\](?: or \[.*?\])*)\s*(?:#|$)")


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_found_is_what_the_lines_say(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    expected = {
        (number, code)
        for number, line in enumerate(lines, 1)
        if (match := EXPECTATION.search(line))
        for code in match[1].split(", ")
    }
    result = check_bytes(path.read_bytes(), path.name, Selection())
    assert result.problems == ()
    assert {(finding.span.line, finding.code) for finding in result.findings} == expected


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_shapes_are_those_on_the_lines(path: Path) -> None:
    from batchlint.semantics.analysis import shape_annotations

    text = path.read_text(encoding="utf-8")
    expected = {number: match[1] for number, line in enumerate(text.splitlines(), 1) if (match := SHAPE.search(line))}
    if expected:
        known = shape_annotations(text)
        assert {number: known.get(number) for number in expected} == expected


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_name_says_what_the_fixture_is(path: Path) -> None:
    own = {rule.name.replace("-", "_"): rule.code for rule in all_rules()}[path.parent.name]
    codes = set(re.findall(r"BSZ\d{3}", " ".join(EXPECTATION.findall(path.read_text(encoding="utf-8")))))
    assert path.stem.startswith(("hazard_", "safe_"))
    assert (own in codes) is path.stem.startswith("hazard_")
