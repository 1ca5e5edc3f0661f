"""From a path to a source or to the reason why not."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest

from batchlint.findings import Problem
from batchlint.source.source import Source, read_source, read_standard_input, source_from_bytes

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown"},
            {"cell_type": "code", "source": "a"},
            {"cell_type": "code", "source": "b\nc"},
        ]
    }
).encode()


def source(data: bytes, filename: str = "a.py") -> Source:
    read = source_from_bytes(data, filename)
    assert isinstance(read, Source)
    return read


def test_lines_are_counted_from_the_text_as_it_stood() -> None:
    read = source(b"\xef\xbb\xbfx = 1\r\n\x0c\r\ny = '\xe2\x80\xa8'\r\n")
    assert read.text == "x = 1\r\n\x0c\r\ny = '\u2028'\r\n"
    assert read.lines == ("x = 1", "\x0c", "y = '\u2028'")


def test_a_python_file_has_no_cells() -> None:
    assert source(b"a\nb\n").locate(2) == (None, 2)


def test_a_notebook_leads_back_to_its_cells() -> None:
    read = source(NOTEBOOK, "a.ipynb")
    assert read.text == "a\nb\nc\n"
    assert [read.locate(line) for line in (1, 2, 3)] == [(1, 1), (2, 1), (2, 2)]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"# only words\n"])
def test_a_file_without_code_is_a_source(data: bytes) -> None:
    assert source(data).text == data.decode()


@pytest.mark.parametrize(
    ("data", "filename", "problem"),
    [
        (b"x = 1\ny = '\xff'\n", "a.py", (2, "byte 0xff is not valid utf-8")),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00", "a.py", (None, "binary content, not Python source")),
        (b"{", "a.ipynb", (1, "not a notebook: invalid JSON")),
    ],
)
def test_what_cannot_be_read_is_a_problem(data: bytes, filename: str, problem: tuple[int | None, str]) -> None:
    read = source_from_bytes(data, filename)
    assert isinstance(read, Problem)
    assert read.filename == filename
    assert read.line == problem[0]
    assert read.message.startswith(problem[1])


def test_a_file_is_read_under_the_name_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"x = 1\n")
    read = read_source(path)
    assert isinstance(read, Source)
    assert (read.filename, read.text) == (str(path), "x = 1\n")


def test_an_absent_file_and_a_pipe_are_problems(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert read_source("absent.py") == Problem("absent.py", "no such file or directory")
    assert read_source(tmp_path / "pipe.py") == Problem(
        str(tmp_path / "pipe.py"), "not a regular file but a named pipe"
    )


@pytest.mark.parametrize(("filename", "text"), [("-", NOTEBOOK.decode()), ("shown.ipynb", "a\nb\nc\n")])
def test_standard_input_is_read_as_what_its_name_says(
    filename: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(NOTEBOOK)))
    read = read_standard_input(filename)
    assert isinstance(read, Source)
    assert (read.filename, read.text) == (filename, text)
