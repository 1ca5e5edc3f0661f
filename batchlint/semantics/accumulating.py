"""Readers that gather items into batches, and classes that cut batches by index: what their code says."""

from __future__ import annotations

from typing import Any, NamedTuple

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.syntax import calls_in, kind, last_name, mentions_batch_size, names_in, walk

_LOOPS = ("For", "While")


class FullTest(NamedTuple):
    """``len(name) < size`` or ``len(name) == size``: asks whether the list *name* holds a full batch."""

    node: Any
    name: str
    size: str
    skips: bool
    """Whether the statement goes on to the next item while the batch is not full."""


def forgotten_batch(loop: Any, scope: Any) -> FullTest | None:
    """The test in the body of *loop* that lets only full batches through, where nothing handles the last one.

    *scope* is the function or module in which the loop stands.
    """
    if kind(loop) != "For" or kind(loop.body) != "IndentedBlock" or loop.orelse is not None:
        return None
    for statement in loop.body.body:
        test = _full_test(statement)
        if test is None or not _fills(loop.body, test.name):
            continue
        emptied = loop.body if test.skips else statement.body
        if not _empties(emptied, test.name) or _is_last_test(statement):
            return None
        block = _block_around(scope, loop)
        if block is None or _handled_after(block, loop, test.name) or not _starts_empty(block, loop, test.name):
            return None
        return test
    return None


def _full_test(statement: Any) -> FullTest | None:
    if kind(statement) != "If" or statement.orelse is not None or kind(statement.test) != "Comparison":
        return None
    comparison = statement.test
    if len(comparison.comparisons) != 1 or kind(comparison.left) != "Call":
        return None
    arguments = comparison.left.args
    if last_name(comparison.left.func) != "len" or len(arguments) != 1 or kind(arguments[0].value) != "Name":
        return None
    bound = comparison.comparisons[0].comparator
    operator = kind(comparison.comparisons[0].operator)
    if kind(bound) not in ("Name", "Attribute") or not names_batch_size(last_name(bound)):
        return None
    continues = any(kind(part) == "Continue" for part in walk(statement.body))
    only_continues = continues and len(statement.body.body) == 1
    if operator in ("LessThan", "NotEqual") and only_continues:
        return FullTest(statement.test, arguments[0].value.value, last_name(bound), True)
    if operator in ("Equal", "GreaterThanEqual") and not continues:
        return FullTest(statement.test, arguments[0].value.value, last_name(bound), False)
    return None


def _is_last_test(statement: Any) -> bool:
    return any(kind(part) in ("Break", "Return") for part in walk(statement.body))


def _fills(body: Any, name: str) -> bool:
    """Whether ``name.append(...)`` or ``name += [...]`` stands in *body*."""
    for part in walk(body, into_definitions=False):
        if kind(part) == "AugAssign" and kind(part.target) == "Name" and part.target.value == name:
            return True
        if _calls_method(part, name, ("append", "extend")):
            return True
    return False


def _calls_method(part: Any, name: str, methods: tuple[str, ...]) -> bool:
    """Whether *part* is ``name.method(...)`` for one of *methods*."""
    method = kind(part) == "Call" and kind(part.func) == "Attribute" and part.func.attr.value in methods
    return method and last_name(part.func.value) == name


def _empties(body: Any, name: str) -> bool:
    """Whether *body* binds *name* anew, clears it or deletes its items."""
    for part in walk(body, into_definitions=False):
        if kind(part) == "Assign" and any(name in _bound(target.target) for target in part.targets):
            return True
        if _calls_method(part, name, ("clear",)):
            return True
        if kind(part) == "Del" and name in names_in(part):
            return True
    return False


def _bound(target: Any) -> set[str]:
    return names_in(target) if kind(target) in ("Name", "Tuple", "List") else set()


def _block_around(scope: Any, loop: Any) -> Any | None:
    """The body of the innermost loop around *loop*, else of the whole *scope*; ``None`` where *loop* is elsewhere."""
    found = None
    pending = [(scope, scope)]
    while pending:
        node, block = pending.pop()
        if node is loop:
            found = block
            break
        inner = node.body if kind(node) in _LOOPS else block
        pending.extend((child, inner if child is inner else block) for child in node.children)
    return found


def _handled_after(block: Any, loop: Any, name: str) -> bool:
    """Whether *name* is used in *block* after *loop*."""
    passed = False
    inside = {id(part) for part in walk(loop)}
    for part in walk(block):
        if part is loop:
            passed = True
        elif passed and id(part) not in inside and kind(part) == "Name" and part.value == name:
            return True
    return False


def _starts_empty(block: Any, loop: Any, name: str) -> bool:
    """Whether *name* is bound in *block* before *loop*: what is left over does not reach the next round."""
    for part in walk(block):
        if part is loop:
            return False
        if kind(part) == "Assign" and any(name in _bound(target.target) for target in part.targets):
            return True
        if kind(part) == "AnnAssign" and name in _bound(part.target):
            return True
    return False


def cuts_by_index(getter: Any) -> bool:
    """Whether the ``__getitem__`` *getter* takes the rows from ``index * batch_size`` on."""
    parameters = [parameter.name.value for parameter in getter.params.params]
    if len(parameters) != 2:
        return False
    index = parameters[1]
    multiplied = any(
        kind(part) == "BinaryOperation"
        and kind(part.operator) == "Multiply"
        and index in names_in(part)
        and mentions_batch_size(part)
        for part in walk(getter.body)
    )
    return multiplied and (
        any(kind(part) == "Slice" for part in walk(getter.body))
        or any(last_name(call.func) in ("range", "slice", "narrow") for call in calls_in(getter.body))
    )
