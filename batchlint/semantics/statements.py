"""What each kind of statement does to the bindings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import libcst as cst

from batchlint.semantics import guards
from batchlint.semantics import observations as seen
from batchlint.semantics.arithmetic import binary
from batchlint.semantics.counting import counted_while
from batchlint.semantics.extensions import CHANGED_BY
from batchlint.semantics.quantities import accumulated
from batchlint.semantics.scope import State, join_names
from batchlint.semantics.syntax import walk
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Class,
    Constant,
    Dictionary,
    External,
    Function,
    Instance,
    Integer,
    Number,
    OriginKind,
    Range,
    Repeated,
    Tensor,
    Unknown,
    Value,
    join,
)
from batchlint.semantics.values import Sequence as SequenceValue

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def run_block(ev: Evaluator, body: Sequence[cst.CSTNode]) -> None:
    """Run statements in order until one leaves the block on every path."""
    kept = ev.guards
    for statement in body:
        if ev.frame.finished:
            break
        handler = STATEMENTS.get(type(statement))
        if handler is not None:
            handler(ev, statement)
    ev.guards = kept


def _line(ev: Evaluator, node: cst.SimpleStatementLine) -> None:
    for statement in node.body:
        handler = STATEMENTS.get(type(statement))
        if handler is not None:
            ev.statement = statement
            handler(ev, statement)
            if ev.frame.finished:
                return


def _suite(node: cst.BaseSuite) -> Sequence[cst.CSTNode]:
    if isinstance(node, cst.SimpleStatementSuite):
        return [cst.SimpleStatementLine(body=[part]) for part in node.body]
    return node.body


def _expression(ev: Evaluator, node: cst.Expr) -> None:
    ev.evaluate(node.value)


def _assign(ev: Evaluator, node: cst.Assign) -> None:
    total = _added_to_itself(node)
    if total is None:
        value = ev.evaluate(node.value)
    else:
        assert isinstance(node.value, cst.BinaryOperation)
        left, right = ev.evaluate(node.value.left), ev.evaluate(node.value.right)
        before, part = (left, right) if total is node.value.left else (right, left)
        ev.observe(seen.ACCUMULATE, node, {"before": before, "value": part})
        value = accumulated(ev, part, binary(ev, node.value, "Add", left, right), node)
        ev.record(node.value, value)
    for target in node.targets:
        ev.bind_target(target.target, value, node.value)


def _added_to_itself(node: cst.Assign) -> cst.BaseExpression | None:
    """The total of ``total = total + part``, which may also stand on the right."""
    target, value = node.targets[0].target, node.value
    if len(node.targets) > 1 or not isinstance(value, cst.BinaryOperation) or not isinstance(value.operator, cst.Add):
        return None
    if not isinstance(target, cst.Name | cst.Attribute):
        return None
    name = cst.helpers.get_full_name_for_node(target)
    for total in (value.left, value.right):
        if type(total) is type(target) and name is not None and cst.helpers.get_full_name_for_node(total) == name:
            return total
    return None


def _annotated_assign(ev: Evaluator, node: cst.AnnAssign) -> None:
    if node.value is not None:
        ev.bind_target(node.target, ev.evaluate(node.value), node.value)


def _augmented_assign(ev: Evaluator, node: cst.AugAssign) -> None:
    before = ev.evaluate(node.target)
    value = ev.evaluate(node.value)
    operator = type(node.operator).__name__.removesuffix("Assign")
    if operator == "Add":
        ev.observe(seen.ACCUMULATE, node, {"before": before, "value": value})
    result = binary(ev, node, operator, before, value)
    if operator == "Add":
        result = accumulated(ev, value, result, node)
    if isinstance(before, SequenceValue | Repeated) and operator == "Add" and isinstance(result, type(UNKNOWN)):
        result = Repeated(UNKNOWN)
    if isinstance(before, SequenceValue | Repeated) and before.kind in ("list", "ModuleList"):
        ev.change_in_place(node.target, result)
    else:
        ev.bind_target(node.target, result)


def _return(ev: Evaluator, node: cst.Return) -> None:
    value = NONE if node.value is None else ev.evaluate(node.value)
    ev.observe(seen.RETURN, node, {"value": value})
    ev.frame.give_back(value)


def _continue(ev: Evaluator, node: cst.Continue) -> None:
    ev.frame.continued.append((ev.frame.names, ev.heap))
    ev.frame.finished = True


def _break(ev: Evaluator, node: cst.Break) -> None:
    ev.frame.broken.append((ev.frame.names, ev.heap))
    ev.frame.finished = True


def _raise(ev: Evaluator, node: cst.Raise) -> None:
    ev.frame.finished = True


def _assert(ev: Evaluator, node: cst.Assert) -> None:
    ev.evaluate(node.test)
    guard = guards.asserted(ev, node.test)
    if guard is not None:
        ev.guards = ev.guards | {guard}


def _branches(ev: Evaluator, arms: Sequence[Callable[[], None]]) -> None:
    """Run each arm from the same state and join what they leave."""
    names, heap = ev.frame.names, ev.heap
    outcomes: list[State] = []
    for arm in arms:
        ev.frame.names, ev.heap = dict(names), dict(heap)
        # What the arm before stored is not there: nor is what was remembered of calls after it.
        ev.heap_version += 1
        ev.frame.finished = False
        arm()
        if not ev.frame.finished:
            outcomes.append((ev.frame.names, ev.heap))
    if not outcomes:
        ev.frame.finished = True
        ev.frame.names, ev.heap = names, heap
        ev.heap_version += 1
        return
    _go_on(ev, outcomes)


def _go_on(ev: Evaluator, outcomes: Sequence[State]) -> None:
    """Go on from one of *outcomes*, whichever it is."""
    ev.frame.finished = False
    joined_names, joined_heap = outcomes[0]
    for other_names, other_heap in outcomes[1:]:
        joined_names = join_names(joined_names, other_names)
        if joined_heap.keys() != other_heap.keys():
            ev.perhaps |= joined_heap.keys() ^ other_heap.keys()
        joined_heap = _join_heaps(joined_heap, other_heap)
    ev.frame.names, ev.heap = joined_names, joined_heap
    ev.heap_version += 1


def _join_heaps(
    left: dict[tuple[int, str], Value], right: dict[tuple[int, str], Value]
) -> dict[tuple[int, str], Value]:
    joined = dict(left)
    for key, value in right.items():
        other = left.get(key)
        if other is None:
            joined[key] = value
        elif other is not value:
            joined[key] = join(other, value)
    return joined


def _if(ev: Evaluator, node: cst.If) -> None:
    # An elif chain nests to the right: unrolled into arms, so that depth costs no recursion.
    arms: list[tuple[cst.BaseExpression | None, Sequence[cst.CSTNode]]] = []
    current: cst.If | cst.Else | None = node
    while isinstance(current, cst.If):
        arms.append((current.test, _suite(current.body)))
        current = current.orelse
    if current is not None:
        arms.append((None, _suite(current.body)))
    possible: list[Callable[[], None]] = []
    fallthrough = current is None
    guard_after: str | None = None
    for test, body in arms:
        truth = True if test is None else ev.truth(ev.evaluate(test))
        if test is not None and guards.is_main(test):
            truth = True
        if truth is False:
            continue
        possible.append(_arm(ev, test, body))
        if test is not None and truth is None and guard_after is None:
            guard_after = guards.after_skipping(ev, test, body)
        if truth is True:
            fallthrough = False
            break
    if fallthrough:
        possible.append(lambda: None)
    if len(possible) == 1:
        possible[0]()
    elif possible:
        _branches(ev, possible)
    if guard_after is not None:
        ev.guards = ev.guards | {guard_after}


def _arm(ev: Evaluator, test: cst.BaseExpression | None, body: Sequence[cst.CSTNode]) -> Callable[[], None]:
    def run() -> None:
        guard = None if test is None else guards.inside(ev, test)
        kept_guards, kept_conditions = ev.guards, ev.conditions
        if guard is not None:
            ev.guards = ev.guards | {guard}
        if test is not None:
            ev.conditions = (*ev.conditions, test)
        run_block(ev, body)
        ev.guards, ev.conditions = kept_guards, kept_conditions

    return run


def _for(ev: Evaluator, node: cst.For) -> None:
    iterable = ev.evaluate(node.iter)
    arguments = {"iterable": iterable}
    body = _suite(node.body)
    ev.observe(seen.LOOP, node, arguments)
    items = ev.unrolled(iterable)
    if items is not None and (len(items) <= 2 or not isinstance(iterable, Range) or ev.builds() or _picks(ev, node)):
        _unrolled(ev, node, iterable, items, body)
    else:
        _to_fixpoint(ev, node, iterable, body)
    ev.observe(seen.LOOP_END, node, arguments)


def _picks(ev: Evaluator, node: cst.For) -> bool:
    """Whether the loop's counter picks something out, so that each round is about another thing.

    Where it only counts (epochs, runs), one round stands for all: each of ten would run the loops inside to fixpoint.
    """
    if not isinstance(node.target, cst.Name):
        return True
    counter = node.target.value
    if CHANGED_BY and any(_adds_layer(ev, part) for part in walk(node.body)):
        return True
    indices = (part for part in walk(node.body) if isinstance(part, cst.SubscriptElement))
    return any(isinstance(name, cst.Name) and name.value == counter for index in indices for name in walk(index))


def _adds_layer(ev: Evaluator, part: Any) -> bool:
    """Whether *part* is the ``add`` of ``model.add(...)``: a layer more each time."""
    if not isinstance(part, cst.Attribute) or part.attr.value != "add" or not isinstance(part.value, cst.Name):
        return False
    return type(ev.frame.lookup(part.value.value)) in CHANGED_BY


def _round(ev: Evaluator, body: Sequence[cst.CSTNode]) -> list[State]:
    """Run one round of a loop and return the states in which it was left; `finished` where no path goes on."""
    frame = ev.frame
    kept = frame.continued, frame.broken
    frame.continued, frame.broken = [], []
    run_block(ev, body)
    states, broken = frame.continued, frame.broken
    frame.continued, frame.broken = kept
    if states:
        _go_on(ev, [*states, *([] if frame.finished else [(frame.names, ev.heap)])])
    return broken


def _after_loop(ev: Evaluator, node: cst.For | cst.While, broken: Sequence[State]) -> None:
    """Run the loop's ``else``, then go on from there and from where the loop was broken out of."""
    if node.orelse is not None and not ev.frame.finished:
        run_block(ev, _suite(node.orelse.body))
    if broken:
        _go_on(ev, [*broken, *([] if ev.frame.finished else [(ev.frame.names, ev.heap)])])


def _unrolled(
    ev: Evaluator, node: cst.For, iterable: Value, items: Sequence[Value], body: Sequence[cst.CSTNode]
) -> None:
    broken: list[State] = []
    with ev.loop(node, iterable, node.target):
        for item in items:
            ev.bind_target(node.target, item)
            broken += _round(ev, body)
            if ev.frame.finished:
                break
    _after_loop(ev, node, broken)


def _to_fixpoint(
    ev: Evaluator,
    node: cst.For | cst.While,
    iterable: Value,
    body: Sequence[cst.CSTNode],
    counted: tuple[str, Range] | None = None,
) -> None:
    """Run *body* until the bindings no longer change; only the run that changes nothing is told of. At most five.

    *counted* is the name that a ``while`` counts with, and the ``range`` that it goes through.
    """
    left: list[State] = []
    over = iterable if counted is None else counted[1]

    def once() -> bool | None:
        """Run one round; the truth of a ``while``'s test."""
        truth = None
        start = dict(ev.frame.names), dict(ev.heap)
        with ev.loop(node, over, node.target if isinstance(node, cst.For) else None):
            if isinstance(node, cst.For):
                ev.bind_target(node.target, ev.iterate(iterable))
            else:
                if counted is not None:
                    ev.frame.bind(counted[0], ev.iterate(counted[1]))
                truth = ev.truth(ev.evaluate(node.test))
            left[:] = _round(ev, body)
        if ev.frame.finished:
            ev.frame.names, ev.heap = start
            ev.heap_version += 1
            ev.frame.finished = isinstance(node, cst.While) and truth is True
        return truth

    widened: set[object] = set()
    truth: bool | None = None
    before: State = ev.frame.names, ev.heap
    for attempt in range(5):
        names, heap = before = ev.frame.names, ev.heap
        ev.frame.names, ev.heap = dict(names), dict(heap)
        with ev.tentatively() as run:
            run.happens = attempt == 0 and ev.runs_at_least_once(iterable)
            truth = once()
            after_names, after_heap = ev.frame.names, ev.heap
            moved_names = {name for name, value in after_names.items() if name in names and names[name] != value}
            moved_heap = {key for key, value in after_heap.items() if key in heap and heap[key] != value}
            settled = not moved_names and not moved_heap
            if attempt == 0 and not settled and not moved_heap:
                settled = _only_add_up(ev, node, {name: after_names[name] for name in moved_names})
            run.accepted = settled or attempt == 4 or (attempt > 1 and moved_names | moved_heap <= widened)
        if run.accepted:
            break
        ev.frame.finished = False
        # First both, then what both have in common; what still moves is forgotten, as far as it is not a count.
        merge = join if attempt == 0 else _widened
        ev.frame.names = {
            name: merge(value, after_names[name]) if name in moved_names else value for name, value in names.items()
        }
        ev.heap = {key: merge(value, after_heap[key]) if key in moved_heap else value for key, value in heap.items()}
        if attempt:
            widened |= moved_names | moved_heap
        ev.heap_version += 1
    if isinstance(node, cst.While):
        if truth is True:
            # Only `break` leaves it.
            ev.frame.finished = bool(left)
        else:
            _go_on(ev, [(ev.frame.names, ev.heap), before])
    elif not ev.runs_at_least_once(iterable):
        _go_on(ev, [(ev.frame.names, ev.heap), before])
    _after_loop(ev, node, left)


_ADDED_TO = (Number, Repeated, Dictionary, Unknown)
"""What loses nothing when another round adds to it; sizes, tensors and lists of known length are run again."""


def _only_add_up(ev: Evaluator, node: cst.For | cst.While, moved: dict[str, Value]) -> bool:
    """Whether the loop does nothing with what moved but add to it: then another round shows nothing new.

    Losses that are summed up and tables that are filled are most of what moves in training loops.
    """
    if not all(isinstance(value, _ADDED_TO) for value in moved.values()):
        return False
    added: dict[str, int] = dict.fromkeys(moved, 0)
    mentioned: dict[str, int] = dict.fromkeys(moved, 0)
    for part in walk(node.body):
        kind = part.__class__
        if kind is cst.Name:
            if part.value in mentioned:
                mentioned[part.value] += 1
        elif kind is cst.AugAssign:
            if isinstance(part.operator, cst.AddAssign) and isinstance(part.target, cst.Name):
                added[part.target.value] = added.get(part.target.value, 0) + 1
        elif kind is cst.AssignTarget:
            if isinstance(part.target, cst.Subscript) and isinstance(part.target.value, cst.Name):
                added[part.target.value.value] = added.get(part.target.value.value, 0) + 1
        elif kind is cst.Attribute and part.attr.value == "append" and isinstance(part.value, cst.Name):
            added[part.value.value] = added.get(part.value.value, 0) + 1
    return all(mentioned[name] == added[name] for name in moved)


def _widened(before: Value, after: Value) -> Value:
    if before == after:
        return before
    if isinstance(before, Number) and isinstance(after, Number):
        return join(before, after)
    if isinstance(before, Tensor) and isinstance(after, Tensor):
        return join(before, after)
    if isinstance(before, Repeated) or isinstance(after, Repeated):
        return join(before, after)
    if isinstance(before, Integer) and isinstance(after, Integer):
        return join(before, after)
    return UNKNOWN


def _while(ev: Evaluator, node: cst.While) -> None:
    body = _suite(node.body)
    broken: list[State] = []
    for _ in range(ev.rounds_worth_counting(node.test)):
        truth = ev.truth(ev.evaluate(node.test))
        if truth is None:
            break
        if not truth:
            _after_loop(ev, node, broken)
            return
        with ev.loop(node, UNKNOWN, None):
            broken += _round(ev, body)
        if ev.frame.finished:
            _after_loop(ev, node, broken)
            return
    _to_fixpoint(ev, node, UNKNOWN, body, counted_while(ev, node))
    if broken:
        _go_on(ev, [*broken, *([] if ev.frame.finished else [(ev.frame.names, ev.heap)])])


def _with(ev: Evaluator, node: cst.With) -> None:
    evaluating = ev.evaluating
    for item in node.items:
        value = ev.evaluate(item.item)
        if isinstance(value, External) and value.name in ("torch.no_grad", "torch.inference_mode"):
            ev.evaluating = True
        if item.asname is not None:
            ev.bind_target(item.asname.name, value)
    run_block(ev, _suite(node.body))
    ev.evaluating = evaluating


def _try(ev: Evaluator, node: cst.Try | cst.TryStar) -> None:
    if node.handlers:
        ev.observe(seen.TRY, node, {})

    def body() -> None:
        run_block(ev, _suite(node.body))
        if node.orelse is not None and not ev.frame.finished:
            run_block(ev, _suite(node.orelse.body))

    def handler(block: cst.BaseSuite) -> Callable[[], None]:
        return lambda: run_block(ev, _suite(block))

    _branches(ev, [body, *(handler(each.body) for each in node.handlers)])
    if node.finalbody is not None:
        finished = ev.frame.finished
        ev.frame.finished = False
        run_block(ev, _suite(node.finalbody.body))
        ev.frame.finished = finished or ev.frame.finished


def _match(ev: Evaluator, node: cst.Match) -> None:
    ev.evaluate(node.subject)

    def case(body: cst.BaseSuite) -> Callable[[], None]:
        return lambda: run_block(ev, _suite(body))

    _branches(ev, [*(case(each.body) for each in node.cases), lambda: None])


def _import(ev: Evaluator, node: cst.Import) -> None:
    if isinstance(node.names, cst.ImportStar):
        return
    for alias in node.names:
        dotted = cst.helpers.get_full_name_for_node(alias.name) or ""
        ev.note_import(dotted)
        if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
            ev.frame.bind(alias.asname.name.value, External(ev.canonical(dotted)))
        else:
            first = dotted.split(".")[0]
            ev.frame.bind(first, External(first))


def _import_from(ev: Evaluator, node: cst.ImportFrom) -> None:
    module = "" if node.module is None else cst.helpers.get_full_name_for_node(node.module) or ""
    if node.relative:
        module = "." * len(node.relative) + module
    ev.note_import(module)
    if isinstance(node.names, cst.ImportStar):
        ev.star_imports.append(module)
        return
    for alias in node.names:
        if not isinstance(alias.name, cst.Name):
            continue
        name = alias.asname.name.value if alias.asname and isinstance(alias.asname.name, cst.Name) else alias.name.value
        ev.frame.bind(name, External(ev.canonical(f"{module}.{alias.name.value}")))


def _function(ev: Evaluator, node: cst.FunctionDef) -> None:
    ev.frame.bind(node.name.value, ev.define(node, None))


def _class(ev: Evaluator, node: cst.ClassDef) -> None:
    ev.frame.bind(node.name.value, ev.define_class(node))


def _global(ev: Evaluator, node: cst.Global) -> None:
    ev.frame.global_names = ev.frame.global_names | {item.name.value for item in node.names}


def _delete(ev: Evaluator, node: cst.Del) -> None:
    if isinstance(node.target, cst.Name):
        ev.frame.names.pop(node.target.value, None)


STATEMENTS: dict[type[cst.CSTNode], Callable[[Evaluator, Any], None]] = {
    cst.SimpleStatementLine: _line,
    cst.Expr: _expression,
    cst.Assign: _assign,
    cst.AnnAssign: _annotated_assign,
    cst.AugAssign: _augmented_assign,
    cst.Return: _return,
    cst.Raise: _raise,
    cst.Continue: _continue,
    cst.Break: _break,
    cst.Assert: _assert,
    cst.If: _if,
    cst.For: _for,
    cst.While: _while,
    cst.With: _with,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.Match: _match,
    cst.Import: _import,
    cst.ImportFrom: _import_from,
    cst.FunctionDef: _function,
    cst.ClassDef: _class,
    cst.Global: _global,
    cst.Del: _delete,
}
"""Node type to the function that runs it; anything else changes nothing."""

__all__ = ["STATEMENTS", "Class", "Constant", "Function", "Instance", "OriginKind", "run_block"]
