from __future__ import annotations

import io
from dataclasses import replace

import pytest

from batchlint.findings import Edit, Finding, Fix, Note, Severity, Span
from batchlint.reports import colour, concise, github, text
from batchlint.reports.content import ReportedFinding

FINDING = Finding(
    "BSZ201",
    "fixed-batch-reshape",
    "`view(64, -1)` fixes the batch at 64",
    Severity.WARNING,
    Span(12, 13, 12, 27),
    "net.py",
    shape="x is [B, 16, 5, 5] here",
    notes=(Note("BATCH_SIZE is set", Span(3, 1, 3, 11)),),
    fix=Fix("use `x.size(0)`", (Edit(Span(12, 20, 12, 22), "x.size(0)"),), safe=True),
)
LINES = {(None, 3): "BATCH_SIZE = 64", (None, 12): "        x = x.view(64, -1)"}


def rendered(finding: Finding, lines: dict[tuple[int | None, int], str] | None = None) -> str:
    return "".join(text.render([ReportedFinding(finding, LINES if lines is None else lines)]))


def test_a_finding_in_full() -> None:
    assert rendered(FINDING) == (
        "net.py:12:13: BSZ201 [fixed-batch-reshape] `view(64, -1)` fixes the batch at 64\n"
        "   |\n"
        "12 |         x = x.view(64, -1)\n"
        "   |             ^^^^^^^^^^^^^^\n"
        "   = shape: x is [B, 16, 5, 5] here\n"
        "   = note: line 3: BATCH_SIZE is set: BATCH_SIZE = 64\n"
        "   = fix: use `x.size(0)`\n"
        "\n"
    )


def test_without_its_source_the_place_remains() -> None:
    bare = replace(FINDING, shape=None, notes=(), fix=None, latent=True)
    assert rendered(bare, {}) == (
        "net.py:12:13: BSZ201 [fixed-batch-reshape] `view(64, -1)` fixes the batch at 64 (latent)\n\n"
    )


def test_a_notebook_names_the_cells() -> None:
    finding = replace(
        FINDING, filename="a.ipynb", cell=2, notes=(Note("set", Span(1, 1, 1, 2), 1), Note("used", Span(4, 1, 4, 2), 2))
    )
    report = rendered(finding, {(1, 1): "N = 64", (2, 12): "x.view(N, -1)", (2, 4): "N"})
    assert report.startswith("a.ipynb:cell 2:12:13: BSZ201")
    assert "= note: cell 1, line 1: set: N = 64\n" in report
    assert "= note: line 4: used: N\n" in report


@pytest.mark.parametrize(
    ("line", "span", "marked"),
    [
        ("\tx.view(64)", Span(1, 2, 1, 12), "x.view(64)"),
        ("é = x.view(64)", Span(1, 5, 1, 15), "x.view(64)"),
        ("名 = x.view(64)", Span(1, 5, 1, 15), "x.view(64)"),
        ("x.view(  # the call goes on", Span(1, 1, 3, 2), "x.view(  # the call goes on"),
        ("x", Span(1, 1, 1, 1), "x"),
        ("a = 1;" * 500 + "x.view(64)" + ";b = 2" * 500, Span(1, 3001, 1, 3011), "x.view(64)"),
    ],
)
def test_the_caret_stands_below_what_it_marks(line: str, span: Span, marked: str) -> None:
    report = rendered(replace(FINDING, span=span, shape=None, notes=(), fix=None), {(None, 1): line}).splitlines()
    _, _, source, carets, _ = report
    assert len(source) < 200
    start = cells_before(source, source.index(marked))
    assert (carets.index("^"), carets.count("^")) == (start, cells_before(marked, len(marked)))


def cells_before(line: str, index: int) -> int:
    from rich.cells import cell_len

    return cell_len(line[:index])


def test_a_source_cannot_speak_to_the_terminal() -> None:
    report = rendered(replace(FINDING, filename="a\x1b[2J.py"), {(None, 12): "x = '\x1b[31m\x07\u202e'  \x0c.view(64)"})
    assert not set(report) & set("\x1b\x07\x0c\u202e")


def test_colours_change_no_character() -> None:
    from rich.text import Text

    stream = io.StringIO()
    colour.write([ReportedFinding(FINDING, LINES)], stream)
    assert "\x1b[" in stream.getvalue()
    assert Text.from_ansi(stream.getvalue()).plain.rstrip("\n") == rendered(FINDING).rstrip("\n")


def test_concise_is_one_line() -> None:
    assert list(concise.render([ReportedFinding(FINDING, LINES)])) == [
        "net.py:12:13: BSZ201 [fixed-batch-reshape] `view(64, -1)` fixes the batch at 64\n"
    ]


@pytest.mark.parametrize(
    ("severity", "command"), [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice")]
)
def test_github_annotations_are_escaped(severity: Severity, command: str) -> None:
    finding = replace(FINDING, severity=severity, filename="a,b:c.py", message="100%\nsure")
    assert list(github.render([ReportedFinding(finding, LINES)])) == [
        f"::{command} title=batchlint (BSZ201),file=a%2Cb%3Ac.py,line=12,col=13,endLine=12,endColumn=27"
        "::a,b:c.py:12:13: BSZ201 [fixed-batch-reshape] 100%25%0Asure\n"
    ]
