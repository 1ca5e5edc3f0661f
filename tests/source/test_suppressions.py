"""Which comments silence which findings."""

from __future__ import annotations

import pytest

from batchlint.findings import Finding, Severity, Span
from batchlint.source.suppressions import Suppressions, UnknownName


def finding(line: int = 1, statement_line: int = 0, code: str = "BSZ201", name: str = "fixed-batch-reshape") -> Finding:
    return Finding(code, name, "", Severity.WARNING, Span(line, 1, line, 2), statement_line=statement_line)


def silenced(text: str, line: int = 1, statement_line: int = 0) -> bool:
    return Suppressions.from_text(text).suppresses(finding(line, statement_line))


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NoQA",
        "# noqa: BSZ201",
        "# noqa:BSZ201",
        "# noqa: bsz201",
        "# noqa: BSZ2",
        "# noqa: BSZ",
        "# noqa: E501,BSZ201",
        "# noqa: E501, BSZ201",
        "# noqa: E501 BSZ201",
        "# noqa: BSZ201 the batch is always 64",
        "# noqa: the batch is always 64",
        "# the batch is always 64  # noqa: BSZ201",
        "# type: ignore # noqa",
        "# batchlint: ignore",
        "# batchlint:ignore",
        "# BatchLint: Ignore",
        "# batchlint: ignore[fixed-batch-reshape]",
        "# batchlint: ignore[BSZ201]",
        "# batchlint: ignore[bsz2]",
        "# batchlint: ignore [BSZ999, fixed-batch-reshape]",
        "# batchlint: ignore[BSZ201] the batch is always 64",
        "# type: ignore  # batchlint: ignore[BSZ201]",
        "# batchlint: ignore-file",
        "# batchlint: ignore-file[BSZ2]",
    ],
)
def test_silences(comment: str) -> None:
    assert silenced(f"x = x.view(64, -1)  {comment}\n")


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "# noqa: E501",
        "# noqa: E501, W291",
        "# noqa: BSZ202",
        "# noqas",
        "# batchlint: ignore[BSZ202]",
        "# batchlint: ignore[fixed-batch]",
        "# batchlint: ignore[]",
        "# batchlint: ignroe",
        "# batchlint: ignore-file[BSZ1]",
        "# flake8: noqa",
    ],
)
def test_does_not_silence(comment: str) -> None:
    assert not silenced(f"x = x.view(64, -1)  {comment}\n")


def test_only_batchlints_own_comments_count_where_another_tool_has_dealt_with_noqa() -> None:
    noqa = Suppressions.from_text("a  # noqa\n")
    own = Suppressions.from_text("a  # batchlint: ignore\n")
    assert not noqa.suppresses(finding(), noqa=False)
    assert own.suppresses(finding(), noqa=False)


@pytest.mark.parametrize("text", ["s = '# noqa'\n", "s = '''\n# noqa\n'''\n", "s = '# batchlint: ignore-file'\n"])
def test_text_in_a_string_is_no_comment(text: str) -> None:
    assert not any(silenced(text, line) for line in (1, 2, 3))


def test_a_comment_counts_for_its_line_alone() -> None:
    text = "a\nb  # noqa\nc\n"
    assert [silenced(text, line) for line in (1, 2, 3)] == [False, True, False]


BROKEN_UP = """\
y = model(  {first}
    x.view(  {second}
        64, -1
    ),
)  {last}
"""


@pytest.mark.parametrize("place", ["first", "second", "last"])
def test_in_a_statement_of_many_lines_the_first_the_own_and_the_last_line_count(place: str) -> None:
    comments = {"first": "", "second": "", "last": "", place: "# noqa: BSZ201"}
    assert silenced(BROKEN_UP.format(**comments), line=2, statement_line=1)


def test_other_lines_of_a_statement_do_not_count() -> None:
    text = "y = {\n    'a': f(64),\n    'b': g(64),  # noqa\n}\n"
    assert not silenced(text, line=2, statement_line=1)


def test_a_comment_behind_a_string_of_many_lines_counts_for_what_is_before_it() -> None:
    assert silenced('f(x.view(64, -1), """\nlong\n""")  # noqa\n', line=1, statement_line=1)


def test_the_comment_of_a_block_does_not_count_for_what_is_in_it() -> None:
    assert not silenced("for a in b:  # noqa\n    x.view(64, -1)\n", line=2, statement_line=2)


def test_lines_are_counted_as_python_counts_them() -> None:
    assert silenced("a\r\n\x0c\nb = '\u2028'\rc  # noqa\n", line=4)


@pytest.mark.parametrize(
    "comment", ["# flake8: noqa", "# flake8:noqa", "# flake8: noqa: BSZ2", "# batchlint: ignore-file"]
)
def test_a_whole_file(comment: str) -> None:
    assert silenced(f"a\n\n{comment}\nb\n", line=4)


def test_a_whole_file_for_another_tool() -> None:
    assert not silenced("# flake8: noqa: E501\nb\n", line=2)


def test_names_that_stand_for_nothing_are_told() -> None:
    text = (
        "a  # batchlint: ignore[fixed-batch-reshap, BSZ201]\n"
        "# batchlint: ignore-file[BSZ7]\n"
        "b  # noqa: BSZ999, E501\n"
        "c  # batchlint: ignroe\n"
        "d  # batchlint: ignore[ ]\n"
    )
    suppressions = Suppressions.from_text(text)
    known = {"fixed-batch-reshape", "BSZ201"}
    assert suppressions.unknown_names(known.__contains__) == [
        UnknownName(1, "fixed-batch-reshap"),
        UnknownName(2, "BSZ7"),
    ]
    assert suppressions.unknown_verbs == (UnknownName(4, "ignroe"), UnknownName(5, "ignore[]"))


def test_what_selects_a_finding_can_be_said_from_outside() -> None:
    suppressions = Suppressions.from_text("a  # batchlint: ignore[reshapes]\n")
    assert not suppressions.suppresses(finding())
    assert suppressions.suppresses(finding(), lambda selector, found: selector == "reshapes" and found.code == "BSZ201")


def test_comments_before_a_place_that_cannot_be_read_still_count() -> None:
    assert silenced("a  # noqa\nb = '''\n")


def test_a_text_without_suppressions_silences_nothing() -> None:
    assert not Suppressions.from_text("a  # a comment\n")


def test_long_hostile_lines_are_read_in_time() -> None:
    assert not Suppressions.from_text("#" * 1_000_000 + "\n")
