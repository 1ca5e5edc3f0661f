"""Small programs that look like real ones: each says on its lines what batchlint finds there and nowhere else.

A trailing ``# expect: BSZ302`` (several codes with commas) is a finding on that line; ``# latent: BSZ302`` is one that
only ``--latent`` shows, and may be left unsaid. ``# shape: [B, 16, 5, 5]`` is what is known of the line's outermost
tensor. Files called ``safe_*.py`` hold near-misses of their folder's rule.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from batchlint.engine import check_bytes
from batchlint.rules.registry import all_rules
from batchlint.rules.selection import Selection
from commands import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIXTURES = ROOT / "fixtures"
PROGRAMS = sorted(FIXTURES.glob("*/*.py"))
RULES = {rule.name.replace("-", "_"): rule for rule in all_rules()}

_EXPECTATION = re.compile(r"#\s*(expect|latent):\s*(BSZ\d{3}(?:\s*,\s*BSZ\d{3})*)")

_SHAPE = re.compile(r"#\s*shape:\s*(\[.*?\](?: or \[.*?\])*)\s*(?:#|$)")


def expectations(text: str) -> Iterator[tuple[int, str, bool]]:
    """Line, code and whether it is latent, of each finding that *text* announces."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, codes in _EXPECTATION.findall(line):
            for code in re.findall(r"BSZ\d{3}", codes):
                yield number, code, kind == "latent"


def relative(path: Path) -> str:
    return path.relative_to(FIXTURES).as_posix()


@pytest.mark.parametrize("path", PROGRAMS, ids=relative)
def test_a_program_shows_what_it_announces(path: Path) -> None:
    data = path.read_bytes()
    result = check_bytes(data, relative(path), Selection(), show_latent=True)
    assert result.problems == ()
    announced = set(expectations(data.decode("utf-8")))
    found = {(finding.span.line, finding.code, finding.latent) for finding in result.findings}
    assert {each for each in found if not each[2]} == {each for each in announced if not each[2]}
    assert found >= announced


@pytest.mark.parametrize("path", [path for path in PROGRAMS if "# shape:" in path.read_text()], ids=relative)
def test_the_shapes_are_those_on_the_lines(path: Path) -> None:
    from batchlint.semantics.analysis import shape_annotations

    text = path.read_text(encoding="utf-8")
    announced = {number: match[1] for number, line in enumerate(text.splitlines(), 1) if (match := _SHAPE.search(line))}
    known = shape_annotations(text)
    assert announced
    assert {number: known.get(number) for number in announced} == announced


@pytest.mark.parametrize("path", PROGRAMS, ids=relative)
def test_a_program_is_named_for_what_it_is(path: Path) -> None:
    rule = RULES[path.parent.name]
    announced = {code for _, code, latent in expectations(path.read_text(encoding="utf-8")) if not latent}
    if path.name.startswith("safe_"):
        assert rule.code not in announced
    else:
        assert path.name.startswith("hazard_")
        assert rule.code in announced
