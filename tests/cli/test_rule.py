from __future__ import annotations

import json
from typing import TYPE_CHECKING

from batchlint.rules.registry import all_rules

if TYPE_CHECKING:
    from commands import Run


def test_all_rules_are_listed_one_a_line(batchlint: Run) -> None:
    lines = batchlint("rule").out.splitlines()
    assert [line.split()[0] for line in lines] == [rule.code for rule in all_rules()]
    assert [line.split()[2] for line in lines] == [rule.name for rule in all_rules()]


def test_a_page_is_found_by_code_and_by_name(batchlint: Run) -> None:
    page = batchlint("rule", "BSZ201").out
    assert page.startswith("# BSZ201 fixed-batch-reshape\n")
    assert "## Silent when\n" in page
    assert "```python\n" in page
    assert batchlint("rule", "fixed-batch-reshape").out == page
    assert batchlint("rule", "bsz201").out == page


def test_a_terminal_gets_a_typeset_page(batchlint: Run) -> None:
    page = batchlint("rule", "BSZ201", FORCE_COLOR="1").out
    assert "\x1b[" in page
    assert "```" not in page


def test_pages_are_data_too(batchlint: Run) -> None:
    one = json.loads(batchlint("rule", "BSZ201", "--output-format", "json").out)
    assert one["name"] == "fixed-batch-reshape"
    assert one.keys() >= {"code", "severity", "summary", "example", "instead", "why", "silent_when", "proof", "fix"}
    every = json.loads(batchlint("rule", "--output-format", "json").out)
    assert one in every
    assert len(every) == len(all_rules())


def test_the_version_names_what_decides_results(batchlint: Run) -> None:
    from batchlint import __version__

    assert batchlint("version").out.startswith(f"batchlint {__version__} (libcst ")
    assert batchlint("--version").out == f"batchlint {__version__}\n"
