"""JSON in the shape of ``ruff check --output-format json``, with what batchlint knows besides."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from batchlint.findings import Finding, Fix, Note, Span
    from batchlint.reports.content import ReportedFinding


def _start(span: Span) -> dict[str, int]:
    return {"row": span.line, "column": span.column}


def _end(span: Span) -> dict[str, int]:
    return {"row": span.end_line, "column": span.end_column}


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "applicability": "safe" if fix.safe else "unsafe",
        "message": fix.message,
        "edits": [
            {"content": edit.replacement, "location": _start(edit.span), "end_location": _end(edit.span)}
            for edit in fix.edits
        ],
    }


def _note(note: Note) -> dict[str, Any]:
    place = {"location": _start(note.span), "end_location": _end(note.span)}
    return {"cell": note.cell, "message": note.message, **place}


def record(finding: Finding) -> dict[str, Any]:
    """*finding* as JSON has it."""
    return {
        "cell": finding.cell,
        "code": finding.code,
        "end_location": _end(finding.span),
        "filename": os.path.abspath(finding.filename),
        "fix": None if finding.fix is None else _fix(finding.fix),
        "latent": finding.latent,
        "location": _start(finding.span),
        "message": finding.message,
        "name": finding.name,
        "noqa_row": finding.span.line,
        "notes": [_note(note) for note in finding.notes],
        "severity": finding.severity.label,
        "shape": finding.shape,
        "url": None,
    }


def render(reported: Iterable[ReportedFinding]) -> Iterator[str]:
    """Yield the report: one list of objects."""
    yield json.dumps([record(finding) for finding, _ in reported], indent=2)
    yield "\n"
