"""Conditions that keep a hazard from biting: a look at the first batch only, a short batch that is skipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import libcst as cst

from batchlint.semantics.fixed_batch import FIRST_BATCH, FULL_BATCH
from batchlint.semantics.values import Enumerated, Integer, OriginKind, Value
from batchlint.shapes.dimension import Role, has_role

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def is_main(test: cst.BaseExpression) -> bool:
    """Whether *test* is ``__name__ == "__main__"``."""
    return (
        isinstance(test, cst.Comparison)
        and isinstance(test.left, cst.Name)
        and test.left.value == "__name__"
        and isinstance(test.comparisons[0].operator, cst.Equal)
    )


def _compared(ev: Evaluator, test: cst.BaseExpression) -> tuple[str, Integer, Integer] | None:
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
        return None
    with ev.quietly():
        left, right = ev.evaluate(test.left), ev.evaluate(test.comparisons[0].comparator)
    if isinstance(left, Integer) and isinstance(right, Integer):
        return type(test.comparisons[0].operator).__name__, left, right
    return None


def _is_first_batch(operator: str, left: Integer, right: Integer) -> bool:
    """``i == 0`` for the counter of an ``enumerate``."""
    return _counts_batches(left) and operator == "Equal" and isinstance(right.dimension, int)


def _counts_batches(value: Value) -> bool:
    """Whether *value* is the counter of an ``enumerate``; the number of an epoch counts no batches."""
    origin = value.origin if isinstance(value, Integer) else None
    return origin is not None and origin.kind is OriginKind.LOOP and isinstance(origin.subject, Enumerated)


def _rows_against_fixed(left: Integer, right: Integer) -> bool:
    roles = [(has_role(v.dimension, Role.BATCH), has_role(v.dimension, Role.FIXED_BATCH)) for v in (left, right)]
    if any(real for real, _ in roles) and any(fixed for _, fixed in roles):
        return True
    # `if len(x) < 64`: rows of a batch against a number.
    return any(roles[i][0] and isinstance((left, right)[1 - i].dimension, int) for i in (0, 1))


def _conjuncts(test: cst.BaseExpression) -> list[cst.BaseExpression]:
    if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.And):
        return [*_conjuncts(test.left), *_conjuncts(test.right)]
    return [test]


def inside(ev: Evaluator, test: cst.BaseExpression) -> str | None:
    """The guard that holds in the body of ``if test:``."""
    for part in _conjuncts(test):
        compared = _compared(ev, part)
        if compared is None:
            continue
        operator, left, right = compared
        if _is_first_batch(operator, left, right):
            return FIRST_BATCH
        if operator == "Equal" and _rows_against_fixed(left, right):
            return FULL_BATCH
    return None


def _leaves(body: Sequence[cst.CSTNode]) -> bool:
    last = body[-1] if body else None
    if isinstance(last, cst.SimpleStatementLine):
        return isinstance(last.body[-1], cst.Continue | cst.Break | cst.Return | cst.Raise)
    return False


def _binds(body: Sequence[cst.CSTNode]) -> bool:
    """Whether *body* binds a name, as padding does."""
    simple = [part for line in body if isinstance(line, cst.SimpleStatementLine) for part in line.body]
    binding = cst.Assign | cst.AugAssign | cst.AnnAssign
    return len(simple) < len(body) or any(isinstance(part, binding) for part in simple)


def after_skipping(ev: Evaluator, test: cst.BaseExpression, body: Sequence[cst.CSTNode]) -> str | None:
    """The guard that holds after ``if test: body`` when the body skips a short batch, or pads it."""
    if _leaves(body) and _is_after_full_batches(ev, test):
        return FULL_BATCH
    compared = _compared(ev, test)
    if compared is None:
        return None
    operator, left, right = compared
    if operator in ("LessThan", "NotEqual", "LessThanEqual", "GreaterThan") and _rows_against_fixed(left, right):
        return FULL_BATCH if _leaves(body) or _binds(body) else None
    stops = operator in ("GreaterThan", "GreaterThanEqual", "Equal") and _leaves(body)
    if stops and _counts_batches(left) and isinstance(right.dimension, int) and right.dimension <= 1:
        return FIRST_BATCH
    return None


def _is_after_full_batches(ev: Evaluator, test: cst.BaseExpression) -> bool:
    """Whether *test* is ``i == n // batch_size`` or ``i == len(loader) - 1``: what comes then may be short."""
    if not isinstance(test, cst.Comparison) or len(test.comparisons) != 1:
        return False
    if not isinstance(test.comparisons[0].operator, cst.Equal | cst.GreaterThanEqual):
        return False
    bound = test.comparisons[0].comparator
    if not isinstance(bound, cst.BinaryOperation):
        return False
    with ev.quietly():
        counter = ev.evaluate(test.left)
        if not _counts_batches(counter):
            return False
        if isinstance(bound.operator, cst.FloorDivide):
            return True
        batches = ev.evaluate(bound.left)
    return (
        isinstance(batches, Integer)
        and batches.origin is not None
        and batches.origin.kind is OriginKind.LOADER_LENGTH
        and isinstance(bound.operator, cst.Subtract)
        and isinstance(bound.right, cst.Integer)
        and bound.right.value == "1"
    )


def asserted(ev: Evaluator, test: cst.BaseExpression) -> str | None:
    """The guard that holds after ``assert test``."""
    for part in _conjuncts(test):
        compared = _compared(ev, part)
        if compared is not None and compared[0] == "Equal" and _rows_against_fixed(compared[1], compared[2]):
            return FULL_BATCH
    return None
