"""A ``while`` loop that counts, as the ``range`` that it goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.semantics.syntax import kind, last_name, walk
from batchlint.semantics.values import Integer, Range
from batchlint.shapes.dimension import known_value

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def counted_while(ev: Evaluator, node: Any) -> tuple[str, Range] | None:
    """The counter of ``while i < n: ...; i += step`` and ``range(i, n, step)``, where nothing else sets ``i``.

    Only where the last statement counts, and nothing goes on to the next round before it.
    """
    test = node.test
    if kind(test) != "Comparison" or kind(test.left) != "Name" or len(test.comparisons) != 1:
        return None
    if kind(test.comparisons[0].operator) != "LessThan" or kind(node.body) != "IndentedBlock" or not node.body.body:
        return None
    name: str = test.left.value
    last = node.body.body[-1]
    step = _added(last.body[-1], name) if kind(last) == "SimpleStatementLine" else None
    if step is None or _bindings(node, name) != 1 or any(kind(part) == "Continue" for part in walk(node.body)):
        return None
    with ev.quietly():
        values = [ev.evaluate(each) for each in (test.left, test.comparisons[0].comparator, step)]
    start, stop, width = values
    if not isinstance(start, Integer) or not isinstance(stop, Integer) or not isinstance(width, Integer):
        return None
    if known_value(start.dimension) != 0:
        return None
    return name, Range(start, stop, width)


def _added(statement: Any, name: str) -> Any:
    """What ``name += step`` or ``name = name + step`` adds."""
    if kind(statement) == "AugAssign" and kind(statement.operator) == "AddAssign":
        return statement.value if _is_name(statement.target, name) else None
    if kind(statement) != "Assign" or len(statement.targets) != 1 or not _is_name(statement.targets[0].target, name):
        return None
    value = statement.value
    if kind(value) != "BinaryOperation" or kind(value.operator) != "Add" or not _is_name(value.left, name):
        return None
    return value.right


def _is_name(node: Any, name: str) -> bool:
    return kind(node) == "Name" and last_name(node) == name


def _bindings(loop: Any, name: str) -> int:
    """How often the body of *loop* binds *name*."""
    count = 0
    for part in walk(loop.body):
        what = kind(part)
        if what in ("AugAssign", "AnnAssign", "AssignTarget", "For", "NamedExpr", "CompFor"):
            targets = walk(part.target)
        elif what == "AsName":
            targets = walk(part.name)
        elif what in ("Global", "Nonlocal", "Del"):
            return 2
        else:
            continue
        count += any(_is_name(target, name) for target in targets)
    return count
