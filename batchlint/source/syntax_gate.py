"""The guard before libcst: syntax, Python 2, depth, and constructs on which libcst's parser takes exponential time.

libcst's native parser overflows the stack on deep input, which ends the process. Python's own parser survives such
input and costs a tenth, so it goes first, and the tree that it returns is measured without recursion.
"""

from __future__ import annotations

import ast
import re
import warnings

from batchlint.source.nesting import deepest, pattern_nesting

MAXIMUM_DEPTH = 500
"""Levels that libcst gets to see at most. Its parser takes 1 to 3 KiB of stack for each, and 13 KiB for each of the at
most 200 brackets that Python allows: 3.3 MiB at the worst, of the 8 MiB that a main thread commonly has. Its time grows
with the square, to a quarter of a second for 500 chained calls."""

MAXIMUM_PATTERN_DEPTH = 8
"""Brackets around a pattern of a ``match`` statement: each makes libcst's parser two to four times slower."""


_TOO_DEEP = f"nested more than {MAXIMUM_DEPTH} levels deep: too deep to analyse"
_PATTERN_TOO_DEEP = f"a match pattern nested more than {MAXIMUM_PATTERN_DEPTH} levels deep: too deep to analyse"


class UnparsableSource(Exception):
    """Text that cannot be analysed.

    Attributes:
        message: the reason in one line.
        line: 1-based line, where one can be named.
        column: 1-based column in characters, where one can be named.
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
    # Which of these stands for "too deep" differs from one version of Python to the next.
    except (RecursionError, MemoryError, SystemError):
        raise UnparsableSource(_TOO_DEEP) from None
    except ValueError as error:
        reason = "a character that cannot be encoded" if isinstance(error, UnicodeError) else str(error)
        raise UnparsableSource(f"not valid as source: {reason}") from None
    check_depth(tree, text)
    return tree


def check_depth(tree: ast.Module, text: str) -> None:
    """Make sure that libcst can stand *text*, whose syntax tree is *tree*.

    Raises:
        UnparsableSource: it nests too deeply.
    """
    depth, line = deepest(tree, text, enough=MAXIMUM_DEPTH)
    if depth > MAXIMUM_DEPTH:
        raise UnparsableSource(_TOO_DEEP, line)
    depth, line = pattern_nesting(tree, text)
    if depth > MAXIMUM_PATTERN_DEPTH:
        raise UnparsableSource(_PATTERN_TOO_DEEP, line)


def measure_depth(tree: ast.Module, text: str = "") -> int:
    """Return how many levels deep libcst's tree of the same source is, statements and expressions together.

    Chains count as libcst nests them even where `ast` keeps them flat: ``a and b and c``, ``import a.b.c``, the clauses
    of a comprehension, and, given the *text*, long rows of strings side by side.
    """
    return deepest(tree, text)[0]


def _unparsable(error: SyntaxError, text: str) -> UnparsableSource:
    line = error.lineno or None
    column = error.offset if line and error.offset and error.offset > 0 else None
    reason = " ".join((error.msg or "invalid syntax").split())
    old = _python2_construct(reason, _line_of(text, line))
    message = f"Python 2 {old}: batchlint reads Python 3" if old else f"syntax error: {reason}"
    return UnparsableSource(message, line, column)


def _line_of(text: str, line: int | None) -> str:
    if line is None:
        return ""
    lines = re.split(r"\r\n|\r|\n", text, maxsplit=line)
    return lines[line - 1] if line <= len(lines) else ""


# What Python 3 says of it, what the line looks like, and the name that Python 2 had for it.
_PYTHON2 = tuple(
    (re.compile(reason), re.compile(line), name)
    for reason, line, name in (
        (r"Missing parentheses in call to 'print'", r"", "print statement"),
        (r"Missing parentheses in call to 'exec'", r"", "exec statement"),
        (r"invalid syntax|multiple exception types", r"^\s*except\b[^:]*,\s*\w+\s*:", "except clause"),
        (r"invalid syntax", r"^\s*raise\s+[\w.]+\s*,", "raise statement"),
        (r"leading zeros in decimal", r"", "octal number"),
        (r"invalid (?:decimal|hexadecimal) literal", r"\b(?:0[xX][\da-fA-F]+|\d+)[lL]\b", "long integer"),
        (r"invalid syntax", r"\b[uU][rR]['\"]", "string prefix"),
        (r"invalid syntax", r"`[^`]+`", "backquotes"),
        (r"invalid syntax", r"<>", "operator <>"),
        (r"parameters cannot be parenthesized", r"", "tuple parameter"),
        (r"invalid syntax", r"\bdef\s+\w+\s*\((?:[^()]*,)?\s*\(|\blambda\s*(?:\w+\s*,\s*)*\(", "tuple parameter"),
    )
)


def _python2_construct(reason: str, line: str) -> str | None:
    for reasons, lines, name in _PYTHON2:
        if reasons.search(reason) and lines.search(line):
            return name
    return None
