"""What IPython adds to Python is replaced on its own line; every other line stays as it is."""

from __future__ import annotations

import ast

import pytest

from batchlint.source.magics import without_magics


@pytest.mark.parametrize(
    ("line", "replaced"),
    [
        ("%matplotlib inline", "pass"),
        ("!pip install torch", "pass"),
        ("!!ls", "pass"),
        ("?torch.nn", "pass"),
        ("torch.nn.Linear?", "pass"),
        ("torch.nn.Linear??  # the source", "pass"),
        ("%timeit?", "pass"),
        ("/print 3", "pass"),
        (",call a b", "pass"),
        ("    !ls", "    pass"),
        ("\t%cd ..", "\tpass"),
        ("files = !ls", "files = get_ipython()"),
        ("here = %pwd", "here = get_ipython()"),
        ("a, b = !ls", "a, b = get_ipython()"),
        ("found['a'] = !ls", "found['a'] = get_ipython()"),
        ("%time model.fit(x, y)", "pass ;model.fit(x, y)"),
        ("%timeit -n 10 -r3 f(x)", "pass             ;f(x)"),
        ("%prun -s cumulative f(x)", "pass"),
        ("%time for x in y: f(x)", "pass"),
        ("%time", "pass"),
        ("!echo it's (open", "pass"),
    ],
)
def test_a_magic(line: str, replaced: str) -> None:
    assert without_magics(["before = 1", line, "after = 2"]) == ["before = 1", replaced, "after = 2"]


def test_the_statement_behind_time_keeps_its_columns() -> None:
    line = "%time x = f(64)"
    (replaced,) = without_magics([line]) or [""]
    assert replaced.index("x = f(64)") == line.index("x = f(64)")
    ast.parse(replaced)


@pytest.mark.parametrize(
    "lines",
    [
        ["x = 17 % 4"],
        ["x = (17", "% 4)"],
        ["x = 17 \\", "% 4"],
        ["x %= 4"],
        ["if x != 4: pass"],
        ["if a == b != c: pass"],
        ["s = '''", "%matplotlib inline", "!ls", "'''"],
        ['s = """ a', "? it's", '"""; t = 1'],
        ['s = """\\"""', "!ls", '"""'],
        ["s = 'it\\'s ('", "x = 1"],
        ["print('what?')  # why?"],
        ["# %matplotlib inline"],
        ["# what?"],
        ["print('a=%d' % x)"],
        ["a = {", "  'b': [", "%c", "]}"],
        ["x = f(a)  # (", "y = 1"],
        [],
        ["", "  "],
    ],
)
def test_what_is_no_magic_stays(lines: list[str]) -> None:
    assert without_magics(lines) == lines


def test_a_command_continued_on_further_lines() -> None:
    assert without_magics(["!pip install \\", "  torch \\", "  numpy", "x = 1"]) == ["pass", "", "", "x = 1"]


def test_quotes_and_brackets_of_a_command_do_not_reach_the_next_line() -> None:
    assert without_magics(["!echo ''' (", "%cd", "x = '''", "%cd", "'''"]) == ["pass", "pass", "x = '''", "%cd", "'''"]


@pytest.mark.parametrize("magic", ["%%time", "%%timeit -n 10", "%%capture output", "%%python3"])
def test_the_body_of_a_cell_magic_about_python_is_kept(magic: str) -> None:
    assert without_magics(["", magic, "x = 1", "!ls"]) == ["", "pass", "x = 1", "pass"]


@pytest.mark.parametrize("magic", ["%%bash", "%%html", "%%writefile model.py", "%%javascript", "%%unknown", "%%"])
def test_a_cell_in_another_language_is_none(magic: str) -> None:
    assert without_magics([magic, "x = 1"]) is None


def test_long_hostile_lines_are_read_in_time() -> None:
    for line in (
        " " * 200_000 + "x",
        "a" * 200_000 + "(",
        "'" * 200_001,
        "a, " * 100_000 + "!",
        "%time" + " -1" * 50_000,
    ):
        without_magics([line])
