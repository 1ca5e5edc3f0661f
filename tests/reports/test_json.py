"""The JSON report is read by what reads ruff's."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

from batchlint.findings import Edit, Finding, Fix, Note, Severity, Span
from batchlint.reports import as_json, statistics
from batchlint.reports.content import ReportedFinding

FINDING = Finding(
    "BSZ201",
    "fixed-batch-reshape",
    "message",
    Severity.ERROR,
    Span(12, 13, 13, 27),
    "net.py",
    shape="x is [B, 400] here",
    notes=(Note("set here", Span(3, 1, 3, 11)),),
    fix=Fix("use `x.size(0)`", (Edit(Span(12, 20, 12, 22), "x.size(0)"),), safe=False),
)

RUFF_KEYS = {
    "cell", "code", "end_location", "filename", "fix", "location", "message", "name", "noqa_row", "severity", "url",
}  # fmt: skip
"""Those of ``ruff check --output-format json``."""


def records(*findings: Finding) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads("".join(as_json.render([ReportedFinding(each, {}) for each in findings])))
    return loaded


def test_a_finding_in_full() -> None:
    assert records(FINDING) == [
        {
            "cell": None,
            "code": "BSZ201",
            "end_location": {"row": 13, "column": 27},
            "filename": os.path.abspath("net.py"),
            "fix": {
                "applicability": "unsafe",
                "message": "use `x.size(0)`",
                "edits": [
                    {
                        "content": "x.size(0)",
                        "location": {"row": 12, "column": 20},
                        "end_location": {"row": 12, "column": 22},
                    }
                ],
            },
            "latent": False,
            "location": {"row": 12, "column": 13},
            "message": "message",
            "name": "fixed-batch-reshape",
            "noqa_row": 12,
            "notes": [
                {
                    "cell": None,
                    "message": "set here",
                    "location": {"row": 3, "column": 1},
                    "end_location": {"row": 3, "column": 11},
                }
            ],
            "severity": "error",
            "shape": "x is [B, 400] here",
            "url": None,
        }
    ]


def test_it_has_all_that_ruffs_has() -> None:
    assert records(FINDING)[0].keys() >= RUFF_KEYS


def test_a_notebook_has_cells_and_a_finding_may_have_no_fix() -> None:
    (record,) = records(replace(FINDING, cell=3, fix=None))
    assert (record["cell"], record["fix"]) == (3, None)


def test_nothing_found_is_an_empty_list() -> None:
    assert records() == []


def test_statistics_count_by_rule_most_frequent_first() -> None:
    other = replace(FINDING, code="BSZ101", name="hardcoded-fc-input")
    reported = [ReportedFinding(each, {}) for each in (FINDING, *[other] * 10)]
    assert list(statistics.render(reported)) == [
        "10  BSZ101  hardcoded-fc-input\n",
        " 1  BSZ201  fixed-batch-reshape\n",
    ]
    assert json.loads("".join(statistics.render_json(reported))) == [
        {"code": "BSZ101", "name": "hardcoded-fc-input", "count": 10},
        {"code": "BSZ201", "name": "fixed-batch-reshape", "count": 1},
    ]
