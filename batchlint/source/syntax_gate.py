"""The guard before libcst: syntax, depth and the constructs on which libcst's parser takes exponential time.

libcst's native parser overflows the stack on deep input, which ends the process. Python's own parser survives it and
costs a tenth, so it goes first, and what it returns is measured without recursion.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Callable
from typing import Any

from batchlint.source.decoding import split_lines

MAXIMUM_DEPTH = 500
"""Levels that libcst gets to see at most. Its parser takes 1 to 3 KiB of stack for each, and 13 KiB for each of the at
most 200 brackets that Python allows: 3.3 MiB at the worst, of the 8 MiB that a main thread commonly has. Its time grows
with the square, to a quarter of a second for 500 chained calls."""

MAXIMUM_PATTERN_DEPTH = 8
"""Nested patterns of a ``match`` statement: libcst's parser takes twice to four times as long for each level."""


class UnparsableSource(Exception):
    """Text that cannot be analysed.

    Attributes:
        message: the reason in one line.
        line: 1-based line where one can be named.
        column: 1-based column in characters where one can be named.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def parse_guarded(text: str) -> ast.Module:
    """Parse *text* and make sure that libcst can stand it.

    Raises:
        UnparsableSource: a syntax error, Python 2, or nesting that libcst does not survive.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise _unparsable(error, text) from None
    # The depth that Python itself refuses, and how, differs between its versions: 3.10 to 3.13 raise all of these.
    except (RecursionError, MemoryError, SystemError):
        raise UnparsableSource("nested too deeply for Python's own parser") from None
    except ValueError as error:
        raise UnparsableSource(f"not valid as source: {error}") from None
    check_depth(tree, text)
    return tree


def check_depth(tree: ast.Module, text: str) -> None:
    """Make sure that libcst can stand *text*, whose syntax tree is *tree*.

    Raises:
        UnparsableSource: it nests too deeply.
    """
    depth, line = _deepest(tree, text)
    if depth > MAXIMUM_DEPTH:
        raise UnparsableSource(f"nested more than {MAXIMUM_DEPTH} levels deep, too deep to analyse", line)


def measure_depth(tree: ast.AST, text: str = "") -> int:
    """Return how many levels deep libcst's tree of the same source is, statements and expressions together.

    Chains count as libcst nests them, where `ast` may keep them flat: ``a and b and c``, ``import a.b.c``, the clauses of
    a comprehension, and, given the *text*, strings side by side.
    """
    return _deepest(tree, text)[0]


# Fields that hold no nodes, or only nodes without children.
_LEAF_FIELDS = frozenset(
    "arg attr conversion ctx id is_async kind kwd_attrs level module name names op ops rest simple str tag type_comment "
    "type_ignores".split()
)


def _child_fields(node_type: type[ast.AST]) -> tuple[str, ...]:
    if issubclass(node_type, (ast.Constant, ast.MatchSingleton)):
        return ()
    return tuple(field for field in node_type._fields if field not in _LEAF_FIELDS)


class _ChildFields(dict[type[ast.AST], "tuple[str, ...]"]):
    def __missing__(self, node_type: type[ast.AST]) -> tuple[str, ...]:
        fields = self[node_type] = _child_fields(node_type)
        return fields


_CHILD_FIELDS = _ChildFields()

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


def _deepest(tree: ast.AST, text: str) -> tuple[int, int | None]:
    """The greatest depth, and the line where it is reached."""
    fields_of = _CHILD_FIELDS
    extra_levels = _EXTRA_LEVELS
    deepest, place = 0, tree
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        node_type = node.__class__
        if node_type in extra_levels:
            depth += extra_levels[node_type](node)
        if depth > deepest:
            deepest, place = depth, node
        for field in fields_of[node_type]:
            value = getattr(node, field, None)
            if value.__class__ is list:
                stack += [(child, depth + 1) for child in value if child is not None]
            elif value is not None:
                stack.append((value, depth + 1))
    strings, line = _longest_concatenation(text)
    if strings > deepest:
        return strings, line
    return deepest, getattr(place, "lineno", None)


# Two strings side by side leave no trace in the tree. Where the text holds too few quotes for a long row of them, or
# too few lines and too long ones to look at, a search of the text settles it.
_SIDE_BY_SIDE = None


def _longest_concatenation(text: str) -> tuple[int, int | None]:
    return 0, None
