"""A notebook reads as one module, and each of its lines leads back to a cell."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from batchlint.source.notebook import Notebook, UnreadableNotebook, read_notebook


def code(*lines: str) -> dict[str, Any]:
    """A code cell as Jupyter writes it: all lines but the last with their ends."""
    return {"cell_type": "code", "source": [line + "\n" for line in lines[:-1]] + list(lines[-1:])}


def notebook(*cells: dict[str, Any], **metadata: object) -> Notebook:
    return read_notebook(json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4}).encode())


MARKDOWN = {"cell_type": "markdown", "source": ["# Title\n", "import this"]}


def test_code_cells_become_one_module() -> None:
    read = notebook(MARKDOWN, code("import torch", "x = 1"), MARKDOWN, code("y = 2"))
    assert read.text == "import torch\nx = 1\ny = 2\n"


def test_a_line_leads_to_its_cell_counted_among_the_code_cells_from_one() -> None:
    read = notebook(MARKDOWN, code("a", "b"), MARKDOWN, code(), code("c", "d"))
    assert [read.locate(line) for line in (1, 2, 3, 4, 5)] == [(1, 1), (1, 2), (2, 1), (3, 1), (3, 2)]


def test_every_code_cell_counts_the_empty_and_the_unreadable_too() -> None:
    read = notebook(code(), code("%%bash", "ls"), code("x ="), code("here"))
    assert read.locate(read.text.split("\n").index("here") + 1) == (4, 1)
    assert read.dropped_cells == (2, 3)


def test_the_source_may_be_one_text() -> None:
    read = notebook({"cell_type": "code", "source": "a\nb\n"}, {"cell_type": "code", "source": "c\r\nd"})
    assert read.text == "a\nb\nc\nd\n"


def test_magics_keep_the_numbers_of_the_lines() -> None:
    read = notebook(code("%matplotlib inline", "!pip install \\", "   torch", "import torch", "%time x = 1"))
    assert read.text == "pass\npass\n\nimport torch\npass ;x = 1\n"


def test_a_cell_that_is_python_as_it_stands_is_not_touched() -> None:
    text = "s = '''\n%matplotlib inline\n'''"
    assert notebook(code(*text.split("\n"))).text == text + "\n"


def test_a_broken_cell_costs_no_other() -> None:
    read = notebook(code("x = 1"), code("def f(:", "  y"), code("z = 3"))
    assert read.text == "x = 1\n\n\nz = 3\n"
    assert read.dropped_cells == (2,)


def test_await_outside_functions_is_what_notebooks_allow() -> None:
    assert notebook(code("x = await f()")).dropped_cells == ()


def test_a_cell_that_ends_in_a_comment_or_a_block_ends_there() -> None:
    read = notebook(code("if x:", "    y  # open ("), code("    ", "z"))
    ast.parse(read.text)
    assert read.locate(4) == (2, 2)


def test_a_cell_nested_too_deeply_costs_no_other() -> None:
    assert notebook(code("x = " + "+".join("a" * 10_000)), code("y = 2")).text == "\ny = 2\n"


def test_a_cell_with_half_a_character_costs_no_other() -> None:
    assert notebook(code("x = '\ud800'"), code("y = 2")).text == "\ny = 2\n"


@pytest.mark.parametrize(
    "metadata",
    [
        {"language_info": {"name": "R"}},
        {"kernelspec": {"language": "julia"}},
        {"kernelspec": {"language": "scala"}, "language_info": {}},
    ],
)
def test_a_notebook_in_another_language_has_no_python(metadata: dict[str, object]) -> None:
    assert notebook(code("x = 1"), **metadata).text == "\n"


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"language_info": {"name": "python"}, "kernelspec": {"language": "python"}},
        {"language_info": {"name": "ipython"}},
        {"kernelspec": {"display_name": "Python 3"}, "language_info": None},
    ],
)
def test_a_notebook_that_does_not_say_otherwise_is_python(metadata: dict[str, object]) -> None:
    assert notebook(code("x = 1"), **metadata).text == "x = 1\n"


def test_format_three_keeps_its_cells_in_worksheets() -> None:
    sheets = [{"cells": [MARKDOWN, {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python"}]}]
    read = read_notebook(json.dumps({"worksheets": sheets, "nbformat": 3}).encode())
    assert read.text == "x = 1\ny = 2\n"
    assert read.locate(2) == (1, 2)


def test_a_byte_order_mark_is_no_part_of_the_notebook() -> None:
    assert read_notebook(b"\xef\xbb\xbf" + json.dumps({"cells": [code("x")]}).encode()).text == "x\n"


def test_a_notebook_without_code() -> None:
    assert notebook(MARKDOWN) == Notebook("", (), ())
    assert notebook() == Notebook("", (), ())


@pytest.mark.parametrize(
    ("data", "message", "line"),
    [
        (b"", "not a notebook: invalid JSON: Expecting value", 1),
        (b'{"cells": [\n<<<<<<< HEAD\n', "not a notebook: invalid JSON: Expecting value", 2),
        (b"import torch\n", "not a notebook: invalid JSON: Expecting value", 1),
        (b"\xff\xff{", "not a notebook: JSON must be UTF-8", None),
        (b"[]", "not a notebook: the JSON is not an object with cells", None),
        (b"{}", "not a notebook: the JSON holds no cells", None),
        (b'{"cells": 3}', "not a notebook: the JSON holds no cells", None),
        (b"[" * 100_000, "not a notebook: JSON nested too deeply", None),
        (b'{"cells": [], "x": ' + b"1" * 10_000 + b"}", "not a notebook: a number in the JSON is too long", None),
    ],
)
def test_what_is_no_notebook(data: bytes, message: str, line: int | None) -> None:
    with pytest.raises(UnreadableNotebook) as refused:
        read_notebook(data)
    assert (refused.value.message, refused.value.line) == (message, line)


@pytest.mark.parametrize("cell", [None, 3, [], {}, {"cell_type": "code"}, {"cell_type": "code", "source": [3, None]}])
def test_cells_of_the_wrong_kind_cost_no_other(cell: Any) -> None:
    read = notebook(cell, code("x = 1"))
    assert read.text.lstrip("\n") == "x = 1\n"
