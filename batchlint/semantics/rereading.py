"""Loops that walk a whole dataset for each batch: what their code says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from batchlint.semantics.syntax import calls_in, kind, last_name, mentions_batch_size, names_in, walk

if TYPE_CHECKING:
    from batchlint.semantics.observations import Context

_DATA = re.compile(
    r"data|dataset|loader|samples?|examples?|corpus|images?|sentences?|records?|(?:^|_)ds(?:$|_)", re.IGNORECASE
)
_ORDER = ("LessThan", "LessThanEqual", "GreaterThan", "GreaterThanEqual")


def rereads(walking: Any, context: Context) -> str | None:
    """What the loop or comprehension *walking* reads from the start again for each batch, as the code calls it.

    It enumerates a dataset and keeps the items whose position lies between two bounds that an enclosing loop moves.
    ``None`` where it does anything else.
    """
    clause = walking if kind(walking) == "For" else getattr(walking, "for_in", None)
    counter = _counter_of(clause)
    if clause is None or counter is None:
        return None
    if kind(clause) == "CompFor":
        bounds = [bound for part in clause.ifs for bound in _bounds(part.test, counter)]
    else:
        bounds = _bounds_in_body(clause, counter)
    if len(bounds) < 2:
        return None
    data, moving = _enumerated(clause.iter), _moving(context)
    told = _DATA.search(last_name(data)) is not None or any(mentions_batch_size(bound) for bound in bounds)
    if not told or any(not names_in(bound) & moving for bound in bounds) or last_name(data) in _bound_in_loops(context):
        return None
    return last_name(data) or "the data"


def _enumerated(iterable: Any) -> Any:
    """``x`` of ``enumerate(x)``, also inside a progress bar."""
    while kind(iterable) == "Call" and iterable.args:
        iterable = iterable.args[0].value
    return iterable


def _counter_of(clause: Any) -> str | None:
    """``i`` of ``for i, x in enumerate(...)``."""
    if clause is None or not any(last_name(call.func) == "enumerate" for call in calls_in(clause.iter)):
        return None
    if kind(clause.target) != "Tuple" or kind(clause.target.elements[0].value) != "Name":
        return None
    name: str = clause.target.elements[0].value.value
    return name


def _bounds_in_body(loop: Any, counter: str) -> list[Any]:
    """The bounds within which *loop* does something: of one test, or of those that skip what lies outside."""
    skipping: list[Any] = []
    for statement in getattr(loop.body, "body", ()):
        if kind(statement) != "If":
            continue
        bounds = list(_bounds(statement.test, counter))
        if len(bounds) >= 2:
            return bounds
        if any(kind(part) in ("Continue", "Break") for part in walk(statement.body)):
            skipping += bounds
    return skipping


def _bounds(test: Any, counter: str) -> Iterator[Any]:
    """What the *counter* is compared with in *test*, a conjunction of order comparisons."""
    if kind(test) == "BooleanOperation":
        yield from _bounds(test.left, counter)
        yield from _bounds(test.right, counter)
    if kind(test) != "Comparison" or any(kind(part.operator) not in _ORDER for part in test.comparisons):
        return
    operands = [test.left, *(part.comparator for part in test.comparisons)]
    for position, operand in enumerate(operands):
        if kind(operand) == "Name" and operand.value == counter:
            yield from operands[max(0, position - 1) : position]
            yield from operands[position + 1 : position + 2]


def _bound_in_loops(context: Context) -> set[str]:
    """The names that the enclosing loops bind in their bodies."""
    found: set[str] = set()
    for loop in context.loops:
        for part in walk(loop.node):
            if kind(part) == "Assign":
                found |= {name for target in part.targets for name in names_in(target.target)}
            elif kind(part) == "AugAssign":
                found |= names_in(part.target)
    return found


def _moving(context: Context) -> set[str]:
    """Names that stand for something else in each round of the enclosing loops."""
    found = _bound_in_loops(context) | {name for loop in context.loops for name in loop.targets}
    function = context.function
    called = function is not None and kind(function.node) == "FunctionDef"
    if called and function is not None and (context.loops or function.name == "__getitem__"):
        parameters = {parameter.name.value for parameter in function.node.params.params}
        found |= parameters
        for part in walk(function.node.body):
            if kind(part) == "Assign" and names_in(part.value) & parameters:
                found |= {name for target in part.targets for name in names_in(target.target)}
    return found


def copies_all(node: Any) -> str | None:
    """``x`` of ``list(x)[...]``: all of it is read for the few items that are taken."""
    if kind(node) != "Subscript" or kind(node.value) != "Call" or last_name(node.value.func) not in ("list", "tuple"):
        return None
    arguments = node.value.args
    if len(arguments) != 1 or kind(arguments[0].value) not in ("Name", "Attribute"):
        return None
    name = last_name(arguments[0].value)
    return name if _DATA.search(name) else None


def skips_again(call: Any) -> str | None:
    """``x`` of ``islice(x, start, stop)`` where ``x`` is no iterator: what stands before ``start`` is read again."""
    if not call.args or len(call.args) < 3:
        return None
    data = call.args[0].value
    if any(last_name(part.func) == "iter" for part in calls_in(data)):
        return None
    return last_name(_enumerated(data)) or None


def takes_after_skipping(call: Any, context: Context) -> str | None:
    """``ds`` of ``ds.skip(...).take(...)`` in a loop that walks what it gives; ``None`` where a part is split off."""
    name = last_name(call.func.value)
    if not name or name in _bound_in_loops(context) or not context.loops:
        return None
    for part in calls_in(context.loops[-1].node):
        if last_name(part.func) == "take" and kind(part.func) == "Attribute" and part.func.value is call:
            return name
    return None
