"""How deep a syntax tree nests in libcst's eyes, measured on Python's own tree without recursion."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from batchlint.source.decoding import split_lines

_STRINGS_A_LEVEL = 4
"""Strings side by side nest as well, but take a quarter of the stack of other levels, and generated data has many."""

_WORTH_COUNTING = 1000
"""Strings in one row; fewer are never the deepest thing that matters."""

# Fields that hold no nodes, or only nodes without children of their own.
_LEAF_FIELDS = frozenset(
    "arg attr conversion ctx id is_async kind kwd_attrs level module name names op ops rest simple str tag "
    "type_comment type_ignores".split()
)
_LEAVES = (ast.Constant, ast.MatchSingleton)


class _ChildFields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of a node type that hold children worth a visit, filled as types are met."""

    def __missing__(self, node_type: type[ast.AST]) -> tuple[str, ...]:
        leaf = issubclass(node_type, _LEAVES)
        fields = () if leaf else tuple(field for field in node_type._fields if field not in _LEAF_FIELDS)
        self[node_type] = fields
        return fields


_CHILD_FIELDS = _ChildFields()

_PLACED = frozenset(
    (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Assert, ast.Call, ast.Expr, ast.Import, ast.ImportFrom, ast.Return)
)
"""The commonest nodes with a place in the text that are worth stopping at."""

_NODES_WITHOUT_TEXT = 8
"""More than the levels of a statement that no character stands for, such as that of an expression as a statement."""

# How many levels libcst makes of a node beyond the one that `ast` makes of it.
_EXTRA_LEVELS: dict[type[ast.AST], Callable[[Any], int]] = {
    ast.BoolOp: lambda node: len(node.values) - 2,
    ast.ListComp: lambda node: len(node.generators) - 1,
    ast.SetComp: lambda node: len(node.generators) - 1,
    ast.DictComp: lambda node: len(node.generators) - 1,
    ast.GeneratorExp: lambda node: len(node.generators) - 1,
    ast.Import: lambda node: max(alias.name.count(".") for alias in node.names),
    ast.ImportFrom: lambda node: (node.module or "").count("."),
}


def deepest(tree: ast.AST, text: str = "", *, enough: int = 0) -> tuple[int, int | None]:
    """Return the greatest depth of *tree*, and the 1-based line where it is reached.

    Rows of strings side by side leave no trace in the tree; they count only when the *text* is given. A depth of up to
    *enough* may come out too small, which saves most of the time: a level takes at least one character, so short
    statements need not be entered.
    """
    fields_of = _CHILD_FIELDS
    extra_levels = _EXTRA_LEVELS
    depth_found, place = 0, tree
    stack: list[tuple[Any, int]] = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        node_type = node.__class__
        if node_type in extra_levels:
            depth += extra_levels[node_type](node)
        if depth > depth_found:
            depth_found, place = depth, node
        if (
            node_type in _PLACED
            and node.lineno == node.end_lineno
            and depth + node.end_col_offset - node.col_offset + _NODES_WITHOUT_TEXT < enough
        ):
            continue
        for field in fields_of[node_type]:
            value = getattr(node, field, None)
            if value.__class__ is list:
                stack += [(child, depth + 1) for child in value if child is not None]
            elif value is not None:
                stack.append((value, depth + 1))
    strings, line = _longest_row_of_strings(tree, text)
    if strings // _STRINGS_A_LEVEL > depth_found:
        return strings // _STRINGS_A_LEVEL, line
    return depth_found, getattr(place, "lineno", None)


def pattern_nesting(tree: ast.AST, text: str) -> tuple[int, int | None]:
    """Return the greatest number of brackets open at once in a ``case`` of *text*, and the 1-based line of its pattern.

    Brackets that only group are not in the tree, but cost libcst as much as others, so the text between the end of what
    precedes a case and the beginning of its body is looked at.
    """
    if "case" not in text or not _CASE.search(text):
        return 0, None
    lines: list[bytes] = []
    worst: tuple[int, int | None] = 0, None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Match):
            continue
        lines = lines or [line.encode() for line in split_lines(text)]
        before: ast.AST = node.subject
        for case in node.cases:
            header = _between(lines, _end(before), _start(case.body[0]))
            depth = _open_brackets(header)
            if depth > worst[0]:
                worst = depth, case.pattern.lineno
            before = case.body[-1]
    return worst


_CASE = re.compile(r"(?:^|\r)[ \t\f]*case\b", re.MULTILINE)
_BRACKET = re.compile(rb"[()\[\]{}]")


def _open_brackets(text: bytes) -> int:
    depth = most = 0
    for bracket in _BRACKET.findall(text):
        depth = depth + 1 if bracket in b"([{" else max(0, depth - 1)
        most = max(most, depth)
    return most


def _longest_row_of_strings(tree: ast.AST, text: str) -> tuple[int, int | None]:
    """The number of strings in the longest row, as far as it can matter, and its line."""
    if text.count('"') + text.count("'") < 2 * _WORTH_COUNTING:
        return 0, None
    lines = [line.encode() for line in split_lines(text)]
    worst: tuple[int, int | None] = 0, None
    for node in _string_nodes(tree):
        segment = _between(lines, _start(node), _end(node))
        if segment.count(b'"') + segment.count(b"'") >= 2 * _WORTH_COUNTING:
            worst = max(
                worst, (_count_strings(segment.decode(errors="replace")), node.lineno), key=lambda found: found[0]
            )
    return worst


def _string_nodes(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))):
            yield node


_STRING_STARTS = frozenset(
    getattr(tokenize, name) for name in ("STRING", "FSTRING_START", "TSTRING_START") if hasattr(tokenize, name)
)


def _count_strings(segment: str) -> int:
    """How many string literals stand in *segment*; those inside f-strings count as well, to be on the safe side."""
    count = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(f"({segment}\n)").readline):
            count += token.type in _STRING_STARTS
    except (tokenize.TokenError, SyntaxError):
        # Up to Python 3.11 the positions of what is inside an f-string are wrong and cut the text anywhere.
        return count
    return count


_Position = tuple[int, int]


def _start(node: Any) -> _Position:
    """Where *node* begins: 1-based line, 0-based column in UTF-8 bytes."""
    return node.lineno, node.col_offset


def _end(node: Any) -> _Position:
    return node.end_lineno, node.end_col_offset


def _between(lines: Sequence[bytes], start: _Position, end: _Position) -> bytes:
    taken = list(lines[start[0] - 1 : end[0]])
    if taken:
        taken[-1] = taken[-1][: end[1]]
        taken[0] = taken[0][start[1] :]
    return b"\n".join(taken)
