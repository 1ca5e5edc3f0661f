"""Operators on abstract values: sizes, numbers that count samples, tensors and sequences."""

from __future__ import annotations

import operator as operators
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.batch_names import names_count
from batchlint.semantics.batching import batch_size_in
from batchlint.semantics.quantities import combined
from batchlint.semantics.static_batch import note_emptiness, note_operands
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    BoundMethod,
    Constant,
    Dictionary,
    Function,
    Integer,
    Number,
    Origin,
    OriginKind,
    Repeated,
    Sequence,
    ShapeOf,
    Tensor,
    Value,
    join,
)
from batchlint.shapes.dimension import Dimension, Role, certainly_differ, floor_divide, has_role, unknown

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_TENSOR_OPERATIONS = {
    "Add": "torch.add",
    "Subtract": "torch.sub",
    "Multiply": "torch.mul",
    "Divide": "torch.div",
    "FloorDivide": "torch.floor_divide",
    "Modulo": "torch.remainder",
    "Power": "torch.pow",
    "MatrixMultiply": "torch.matmul",
    "BitAnd": "torch.bitwise_and",
    "BitOr": "torch.bitwise_or",
    "BitXor": "torch.bitwise_xor",
}
_COMPARISONS = {
    "LessThan": "torch.lt",
    "GreaterThan": "torch.gt",
    "LessThanEqual": "torch.le",
    "GreaterThanEqual": "torch.ge",
    "Equal": "torch.eq",
    "NotEqual": "torch.ne",
}


_BY_ORDER = frozenset({"LessThan", "GreaterThan", "LessThanEqual", "GreaterThanEqual"})


def as_integer(value: Value) -> Integer | None:
    """*value* as an integer, also where it is a boolean."""
    if isinstance(value, Integer):
        return value
    if isinstance(value, Constant) and isinstance(value.value, bool):
        return Integer(int(value.value))
    return None


def binary(ev: Evaluator, node: Any, operator: str, left: Value, right: Value) -> Value:
    """``left <operator> right``, *operator* being the name of libcst's operator class without ``Assign``."""
    if isinstance(left, Batch):
        left = left.tensor
    if isinstance(right, Batch):
        right = right.tensor
    note_operands(ev, node, (left, right))
    if operator == "Divide":
        ev.observe(seen.DIVIDE, node, {"left": left, "right": right})
    if operator in ("Divide", "FloorDivide", "Subtract", "Modulo"):
        left = _as_count(ev, node, left, right)
    if isinstance(left, Integer) and isinstance(right, Integer):
        result = _integers(operator, left, right)
        if operator == "FloorDivide" and isinstance(result, Integer):
            ev.note_quotient(result.dimension, node)
        return result
    if operator == "Divide":
        top, bottom = _size_in(left), _size_in(right)
        if top is not None and bottom is not None:
            return Number(None, (top, bottom))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return _tensors(ev, node, operator, left, right)
    if isinstance(left, Sequence) and isinstance(right, Sequence) and operator == "Add":
        return Sequence(left.items + right.items, left.kind)
    if operator == "Multiply":
        for sequence, times in ((left, right), (right, left)):
            if isinstance(sequence, Sequence) and isinstance(times, Integer):
                if isinstance(times.dimension, int) and times.dimension * len(sequence.items) <= 256:
                    return Sequence(sequence.items * max(0, times.dimension), sequence.kind)
                item: Value = UNKNOWN
                for index, element in enumerate(sequence.items):
                    item = element if index == 0 else join(item, element)
                return Repeated(item, sequence.kind, times.dimension * len(sequence.items))
    if isinstance(left, Sequence | Repeated) and isinstance(right, Sequence | Repeated) and operator == "Add":
        return join(left, right) if isinstance(left, Repeated) else join(right, left)
    if isinstance(left, Repeated | Sequence) and isinstance(right, ShapeOf) and operator == "Add":
        return UNKNOWN
    if operator == "Modulo" and isinstance(left, Constant) and isinstance(left.value, str):
        return formatted(left.value, right)
    computed = _computed(operator, left, right)
    if computed is not None:
        return computed
    if isinstance(left, Constant) and isinstance(right, Constant) and isinstance(left.value, str):
        return _constants(operator, left.value, right.value)
    return _numbers(operator, left, right, node)


def _as_count(ev: Evaluator, node: Any, left: Value, right: Value) -> Value:
    """*left* as an open number of rows, where it is unknown, is called a count and meets a batch size."""
    unknown_number = left is UNKNOWN or (isinstance(left, Tensor) and left.opaque and left.parameter is not None)
    if not unknown_number or not isinstance(right, Integer) or batch_size_in(right.dimension) is None:
        return left
    left_node = getattr(node, "left", None)
    name = None if left_node is None else ev.last_name(left_node)
    if name is None or not names_count(name):
        return left
    return Integer(unknown(name, minimum=0), Origin(OriginKind.LENGTH, name))


_COMPUTED: dict[str, Callable[[float, float], float]] = {
    "Add": operators.add,
    "Subtract": operators.sub,
    "Multiply": operators.mul,
    "Divide": operators.truediv,
    "FloorDivide": operators.floordiv,
    "Modulo": operators.mod,
    "Power": operators.pow,
}


def as_number(value: Value) -> int | float | None:
    """The number that *value* is, ``None`` where it is not known or none."""
    if isinstance(value, Integer):
        return value.dimension if isinstance(value.dimension, int) else None
    if isinstance(value, Constant):
        return value.value if isinstance(value.value, bool | int | float) else None
    if isinstance(value, Number) and value.quantity is None and value.ratio is not None:
        top, bottom = value.ratio
        return top / bottom if isinstance(top, int) and isinstance(bottom, int) and bottom else None
    return None


def _size_in(value: Value) -> Dimension | None:
    """The size that *value* is, also as ``float(n)``; ``None`` for any other number."""
    if isinstance(value, Integer):
        return value.dimension
    if isinstance(value, Number) and value.quantity is None and value.ratio is not None and value.ratio[1] == 1:
        return value.ratio[0]
    return None


def _computed(operator: str, left: Value, right: Value) -> Value | None:
    """The result of plain arithmetic with floats, ``None`` where a number is not known."""
    a, b, function = as_number(left), as_number(right), _COMPUTED.get(operator)
    if a is None or b is None or function is None or (operator == "Power" and abs(b) > 64):
        return None
    try:
        result = function(a, b)
    except (ArithmeticError, ValueError):
        return None
    if isinstance(result, int):
        return Integer(result, Origin(OriginKind.DERIVED))
    return Constant(result) if isinstance(result, float) else None


def formatted(template: str, value: Value) -> Value:
    """``template % value``."""
    items = value.items if isinstance(value, Sequence) and value.kind == "tuple" else (value,)
    parts = [item.value if isinstance(item, Constant) else as_number(item) for item in items]
    if any(part is None for part in parts):
        return UNKNOWN
    try:
        return Constant(template % tuple(parts))
    except (TypeError, ValueError):
        return UNKNOWN


def _constants(operator: str, left: Any, right: Any) -> Value:
    if isinstance(left, str) and isinstance(right, str) and operator == "Add":
        return Constant(left + right)
    return UNKNOWN


def _integers(operator: str, left: Integer, right: Integer) -> Value:
    a, b = left.dimension, right.dimension
    origin = _derived(left, right)
    try:
        if operator == "Add":
            return Integer(a + b, origin)
        if operator == "Subtract":
            return Integer(a - b, origin)
        if operator == "Multiply":
            return Integer(a * b, origin)
        if operator == "FloorDivide":
            return Integer(floor_divide(a, b), origin)
        if operator == "Modulo":
            return Integer(a % b, origin)
        if operator == "Divide":
            return Number(None, (a, b))
        if operator == "Power" and isinstance(a, int) and isinstance(b, int) and 0 <= b <= 64 and abs(a) <= 1024:
            return Integer(a**b, origin)
        if operator in ("LeftShift", "RightShift") and isinstance(a, int) and isinstance(b, int) and 0 <= b < 64:
            return Integer(a << b if operator == "LeftShift" else a >> b, origin)
    except ZeroDivisionError:
        return UNKNOWN
    return Number()


def _derived(left: Integer, right: Integer) -> Origin:
    origin = _derived_from(left, right)
    return replace(origin, static=True) if _is_static_batch(left) or _is_static_batch(right) else origin


def _may_be_none(value: Integer) -> bool:
    """Whether *value* is a size of a graph's tensor that may be open until the graph runs."""
    return value.origin is not None and value.origin.static and not isinstance(value.dimension, int)


def _is_static_batch(value: Integer) -> bool:
    return value.origin is not None and value.origin.static and has_role(value.dimension, Role.BATCH)


def _derived_from(left: Integer, right: Integer) -> Origin:
    kinds = [value.origin for value in (left, right) if value.origin is not None]
    for origin in kinds:
        if origin.kind in (OriginKind.LOADER_LENGTH, OriginKind.DATASET_LENGTH):
            return Origin(OriginKind.DERIVED, origin.name, origin.node, origin)
    for origin in kinds:
        if origin.kind not in (OriginKind.LITERAL, OriginKind.DERIVED):
            return Origin(OriginKind.DERIVED, origin.name, origin.node, origin.subject)
    telling = (origin for origin in kinds if origin.name is not None or origin.subject is not None)
    return next(telling, Origin(OriginKind.DERIVED))


def negate(value: Value) -> Value:
    """``-value``."""
    if isinstance(value, Integer):
        return Integer(value.dimension * -1, value.origin)
    if isinstance(value, Constant) and isinstance(value.value, float):
        return Constant(-value.value)
    if isinstance(value, Batch):
        return value.tensor.like(value.tensor.shape)
    if isinstance(value, Tensor):
        return value.like(value.shape)
    return value if isinstance(value, Number) else UNKNOWN


def _tensors(ev: Evaluator, node: Any, operator: str, left: Value, right: Value) -> Value:
    if isinstance(left, Sequence | Repeated) or isinstance(right, Sequence | Repeated):
        sequence = left if isinstance(left, Sequence | Repeated) else right
        tensor = right if sequence is left else left
        assert isinstance(tensor, Tensor)
        if operator == "Add" and isinstance(sequence, Sequence) and tensor.opaque:
            return Repeated(UNKNOWN, "list")
        return tensor.like(ev.unknown_shape)
    operation = _TENSOR_OPERATIONS.get(operator)
    if operation is None:
        return UNKNOWN
    result = ev.operate(operation, node, (left, right), {})
    if not isinstance(result, Tensor):
        return result
    quantity = combined(operator, left, right, node)
    return result if quantity is result.quantity else replace(result, quantity=quantity)


def compare(ev: Evaluator, node: Any, operator: str, left: Value, right: Value) -> Value:
    """``left <operator> right`` for comparison operators."""
    if isinstance(left, Batch):
        left = left.tensor
    if isinstance(right, Batch):
        right = right.tensor
    if operator in _BY_ORDER:
        note_operands(ev, node, (left, right))
    elif operator in ("Equal", "NotEqual"):
        note_emptiness(ev, node, left, right)
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        if operator in ("Is", "IsNot"):
            # A tensor is never None: `if mask is not None` takes the tensor branch when one was given.
            none = right if isinstance(left, Tensor) else left
            tensor = left if isinstance(left, Tensor) else right
            assert isinstance(tensor, Tensor)
            if isinstance(none, Constant) and none.value is None and not tensor.opaque:
                return Constant(operator == "IsNot")
            return UNKNOWN
        operation = _COMPARISONS.get(operator)
        if operation is None:
            return UNKNOWN
        result = ev.operate(operation, node, (left, right), {})
        return replace(result, boolean=True, quantity=None) if isinstance(result, Tensor) else result
    if isinstance(left, Constant) or isinstance(right, Constant):
        answer = _compare_constants(operator, left, right)
        if answer is not None:
            return Constant(answer)
    if operator in ("Is", "IsNot", "Equal", "NotEqual"):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Constant) and one.value is None and not isinstance(other, type(UNKNOWN)):
                if isinstance(other, Integer) and _may_be_none(other):
                    return UNKNOWN
                certain = not isinstance(other, BoundMethod) or isinstance(other.function, Function)
                if certain and not isinstance(other, Constant):
                    return Constant(operator in ("IsNot", "NotEqual"))
    if operator in ("Equal", "NotEqual"):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Sequence | Dictionary) and isinstance(other, Integer | Number | Constant):
                return Constant(operator == "NotEqual")
    if isinstance(left, Integer) and isinstance(right, Integer):
        return _compare_integers(operator, left.dimension, right.dimension)
    if operator not in ("In", "NotIn") or not isinstance(right, Sequence) or not isinstance(left, Constant):
        return UNKNOWN
    if not all(isinstance(item, Constant) for item in right.items):
        return UNKNOWN
    return Constant((left in right.items) is (operator == "In"))


_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "Equal": operators.eq,
    "NotEqual": operators.ne,
    "LessThan": operators.lt,
    "GreaterThan": operators.gt,
    "LessThanEqual": operators.le,
    "GreaterThanEqual": operators.ge,
}


def _compare_constants(operator: str, left: Value, right: Value) -> bool | None:
    """Compare two values of which one is a string, a float, a boolean or ``None``."""
    a, b = as_number(left), as_number(right)
    if a is not None and b is not None and operator in _ORDERS:
        return _ORDERS[operator](a, b)
    if isinstance(left, Constant) and isinstance(right, Constant):
        one, other = left.value, right.value
        if operator in ("Is", "Equal"):
            return type(one) is type(other) and bool(one == other)
        if operator in ("IsNot", "NotEqual"):
            return not (type(one) is type(other) and one == other)
        if operator in ("In", "NotIn") and isinstance(one, str) and isinstance(other, str):
            return (one in other) is (operator == "In")
        return None
    constant, number = (left, right) if isinstance(left, Constant) else (right, left)
    if isinstance(constant, Constant) and isinstance(constant.value, str) and isinstance(number, Integer | Number):
        return {"Equal": False, "Is": False, "NotEqual": True, "IsNot": True}.get(operator)
    return None


def _compare_integers(operator: str, left: Dimension, right: Dimension) -> Value:
    if isinstance(left, int) and isinstance(right, int):
        answers = {
            "Equal": left == right,
            "NotEqual": left != right,
            "LessThan": left < right,
            "GreaterThan": left > right,
            "LessThanEqual": left <= right,
            "GreaterThanEqual": left >= right,
        }
        return Constant(answers[operator]) if operator in answers else UNKNOWN
    if left == right and operator in ("Equal", "NotEqual"):
        return Constant(operator == "Equal")
    if certainly_differ(left, right) and operator in ("Equal", "NotEqual"):
        return Constant(operator == "NotEqual")
    return UNKNOWN


def _numbers(operator: str, left: Value, right: Value, node: Any) -> Value:
    numeric = (Number, Integer, Constant)
    if not isinstance(left, numeric) or not isinstance(right, numeric):
        return UNKNOWN
    for value in (left, right):
        if isinstance(value, Constant) and not isinstance(value.value, int | float):
            return UNKNOWN
    return Number(combined(operator, left, right, node))
