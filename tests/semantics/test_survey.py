"""One walk over the syntax tree, whatever stands in it."""

from __future__ import annotations

import ast

from batchlint.semantics.survey import survey

PATTERNS = """
def describe(value):
    match value:
        case True | False | None:
            return "constant"
        case [first, *others] if first:
            return first.view(len(others), -1)
        case {"rows": rows, **rest}:
            return rows
        case Point(x=0, y=y) as point:
            return point
        case _:
            return "other"
"""


def test_patterns_are_walked_through() -> None:
    called = [place.node for place in survey(ast.parse(PATTERNS)).places if isinstance(place.node, ast.Call)]
    assert {ast.unparse(call.func) for call in called} == {"first.view", "len"}
