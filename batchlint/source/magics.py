"""Replace what IPython adds to Python (magics, shell commands, help) line by line, keeping every line's number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batchlint.source.syntax_gate import UnparsableSource, parse_guarded

# Cell magics whose body is Python, run in the notebook's own names. Any other (`%%bash`, `%%html`, `%%writefile`)
# has a body in another language or for another place.
_PYTHON_CELL_MAGICS = frozenset(
    "capture debug ipytest memit notify prun pypy python python3 px scalene time timeit wandb".split()
)

# Line magics whose argument is a Python statement, after options such as `-n 10`.
_STATEMENT_MAGIC = re.compile(r"(\s*)(%(?:time|timeit|prun|memit)(?![\w?])(?:[ \t]+-\w+(?:[ \t]+\d+)?)*[ \t]*)(\S.*)")

_LINE_MAGIC = re.compile(r"\s*(?:[%!?]|[,;/](?=\S))")
_HELP = re.compile(r"\s*[%\w.*\[\]'\"]+\?{1,2}\s*;?\s*(?:#.*)?$")
_TARGET = r"[\w.\[\]'\"]+"
_ASSIGNED_MAGIC = re.compile(rf"([ \t]*{_TARGET}(?:[ \t]*,[ \t]*{_TARGET})*[ \t]*=[ \t]*)[%!](?!=)")

# What a logical line is made of, as far as its end is concerned. A string that is not closed on its line is left to
# the last alternative, as in `!echo it's`.
_LEXEME = re.compile(
    r"""(?P<triple>\"{3}|'{3})|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?P<comment>\#)|(?P<open>[(\[{])|(?P<close>[)\]}])"""
    r"""|(?P<continued>\\$)|."""
)
_TRIPLE_END = {
    '"""': re.compile(r'(?:[^"\\]|\\.|\\$|"(?!""))*"""'),
    "'''": re.compile(r"(?:[^'\\]|\\.|\\$|'(?!''))*'''"),
}


def without_magics(lines: Sequence[str]) -> list[str] | None:
    """Return the cell's *lines* as plain Python, one for each, or ``None`` when the whole cell is not Python.

    A magic becomes ``pass`` at the same indentation, ``names = !command`` an assignment of an unknown value, and
    ``%time statement`` keeps the statement in its columns.
    """
    lines = list(lines)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is not None and lines[first].startswith("%%"):
        name = lines[first][2:].split(None, 1)[0] if lines[first][2:].strip() else ""
        if name not in _PYTHON_CELL_MAGICS:
            return None
        lines[first] = "pass"
    for start, stop in _magic_lines(lines):
        lines[start] = _replaced(lines[start])
        for continuation in range(start + 1, stop):
            lines[continuation] = ""
    return lines


def _replaced(line: str) -> str:
    statement = _STATEMENT_MAGIC.match(line)
    if statement:
        indentation, magic, rest = statement.groups()
        replaced = f"pass{' ' * (len(magic) - 5)};{rest}"
        return indentation + (replaced if _parses(replaced) else "pass")
    assigned = None if _LINE_MAGIC.match(line) else _ASSIGNED_MAGIC.match(line)
    if assigned:
        return assigned.group(1) + "get_ipython()"
    return line[: len(line) - len(line.lstrip())] + "pass"


def _parses(line: str) -> bool:
    try:
        parse_guarded(line)
    except UnparsableSource:
        return False
    return True


def _is_magic(line: str) -> bool:
    return bool(_LINE_MAGIC.match(line) or _HELP.match(line) or _ASSIGNED_MAGIC.match(line))


def _magic_lines(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield each magic as its first line and the line after its last, 0-based; strings and brackets hide lines."""
    number = 0
    depth = 0
    quotes: str | None = None
    continued = False
    while number < len(lines):
        line = lines[number]
        if depth == 0 and quotes is None and not continued and _is_magic(line):
            stop = number + 1
            while lines[stop - 1].endswith("\\") and stop < len(lines):
                stop += 1
            yield number, stop
            number = stop
            continue
        depth, quotes, continued = _state_after(line, depth, quotes)
        number += 1


def _state_after(line: str, depth: int, quotes: str | None) -> tuple[int, str | None, bool]:
    """Follow brackets and triple quotes through one line: the depth, the open quotes, whether a backslash ends it."""
    position = 0
    while position < len(line):
        if quotes:
            end = _TRIPLE_END[quotes].match(line, position)
            if end is None:
                return depth, quotes, False
            position, quotes = end.end(), None
            continue
        lexeme = _LEXEME.match(line, position)
        assert lexeme is not None
        position = lexeme.end()
        kind = lexeme.lastgroup
        if kind == "triple":
            quotes = lexeme.group()
        elif kind == "comment":
            break
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif kind == "continued":
            return depth, quotes, True
    return depth, quotes, False
