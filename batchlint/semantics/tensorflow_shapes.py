"""Shapes that TensorFlow and Keras code reads: static ones of a graph, real ones of the tensor that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.extensions import ATTRIBUTES
from batchlint.semantics.library import LIBRARY, handles
from batchlint.semantics.methods import METHODS
from batchlint.semantics.tensors import shape_of
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Constant,
    Integer,
    Number,
    Origin,
    OriginKind,
    Sequence,
    ShapeOf,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import product, unknown
from batchlint.shapes.registry import FUNCTIONS

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def _of(arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """The tensor that a function is given first, under whatever name."""
    if arguments:
        value = arguments[0]
    else:
        value = next(
            (keywords[name] for name in ("input", "x", "tensor", "value", "inputs") if name in keywords), UNKNOWN
        )
    return value.tensor if isinstance(value, Batch) else value


def _read(value: Value, static: bool) -> Value:
    if isinstance(value, Tensor):
        return shape_of(value, static)
    if isinstance(value, Sequence) and value.kind != "shape":
        return Sequence((Integer(len(value.items), Origin(OriginKind.DERIVED)),), "shape")
    return UNKNOWN


@handles("tensorflow.shape", "keras.ops.shape", "keras.backend.shape")
def _shape(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _read(_of(arguments, keywords), static=False)
    ev.observe("tensorflow.shape", node, {"input": _of(arguments, keywords)}, value, name="tensorflow.shape")
    return value


@handles("tensorflow.shape_n")
def _shapes(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = _of(arguments, keywords)
    if not isinstance(given, Sequence):
        return UNKNOWN
    return Sequence(tuple(_read(item, static=False) for item in given.items), "list")


@handles("keras.backend.int_shape")
def _int_shape(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _read(_of(arguments, keywords), static=True)


@handles("tensorflow.rank", "keras.backend.ndim", "keras.ops.ndim")
def _rank(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _of(arguments, keywords)
    if isinstance(value, Tensor) and value.shape.rank is not None:
        return Integer(value.shape.rank, Origin(OriginKind.TENSOR))
    return UNKNOWN


@handles("tensorflow.size", "keras.ops.size", "keras.backend.count_params")
def _number_of_elements(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _of(arguments, keywords)
    if not isinstance(value, Tensor):
        return UNKNOWN
    count = value.shape.number_of_elements()
    return Integer(unknown(minimum=0) if count is None else count, Origin(OriginKind.TENSOR, None, None, value))


@handles("tensorflow.TensorShape", "tensorflow.compat.dimension_value", "tensorflow.compat.dimension_at_index")
def _as_shape(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _of(arguments, keywords)
    if len(arguments) == 2:
        return ev.subscript(value, (arguments[1],), None)
    return Sequence(value.items, "shape") if isinstance(value, Sequence) else value


def _sizes_in(value: Value) -> tuple[Value, ...] | None:
    """The sizes of a shape that is put together: integers, lists of them, pieces of other shapes."""
    if isinstance(value, Integer):
        return (value,)
    if isinstance(value, Sequence) and all(isinstance(item, Integer) for item in value.items):
        return value.items
    return None


def _is_read(sizes: tuple[Value, ...]) -> bool:
    """Whether some of *sizes* is no literal, so that the whole is a shape, not data."""
    return any(isinstance(size, Integer) and not isinstance(size.dimension, int) for size in sizes) or any(
        isinstance(size, Integer) and size.origin is not None and size.origin.kind is OriginKind.TENSOR
        for size in sizes
    )


def _put_together(operation: str, first: tuple[str, ...]) -> Any:
    """A function that joins pieces of shapes, or tensors where its arguments are these."""

    def join_pieces(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        given = next((keywords[name] for name in first if name in keywords), UNKNOWN)
        # Before TensorFlow 1.0 the axis of `concat` stood first.
        pieces = given if not arguments else arguments[0] if isinstance(arguments[0], Sequence) else arguments[-1]
        if isinstance(pieces, Sequence):
            found = [_sizes_in(piece) for piece in pieces.items]
            sizes = tuple(size for piece in found if piece is not None for size in piece)
            flat = all(isinstance(piece, Integer) for piece in pieces.items)
            right_kind = flat if operation.endswith(("stack", "pack")) else not flat
            if None not in found and right_kind and sizes and _is_read(sizes):
                return Sequence(sizes, "shape")
        return ev.operate(operation, node, arguments, keywords) if operation in FUNCTIONS else UNKNOWN

    return join_pieces


for _name, _first in {
    "tensorflow.concat": ("values",),
    "keras.ops.concatenate": ("xs",),
    "keras.backend.concatenate": ("tensors",),
    "tensorflow.stack": ("values",),
    "tensorflow.pack": ("values",),
    "keras.ops.stack": ("x",),
    "keras.backend.stack": ("x",),
}.items():
    handles(_name)(_put_together(_name, _first))


@handles("tensorflow.unstack", "tensorflow.unpack", "keras.ops.unstack")
def _unstack(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _of(arguments, keywords)
    if isinstance(value, ShapeOf) or (isinstance(value, Sequence) and value.kind == "shape"):
        return value
    return ev.operate("tensorflow.unstack", node, arguments, keywords)


_KEEPING = """
    tensorflow.cast tensorflow.to_float tensorflow.to_int32 tensorflow.to_int64 tensorflow.identity
    tensorflow.convert_to_tensor tensorflow.stop_gradient keras.ops.cast keras.ops.convert_to_tensor
    keras.ops.stop_gradient keras.backend.cast keras.backend.stop_gradient tensorflow.saturate_cast keras.ops.copy
    keras.backend.identity tensorflow.ensure_shape tensorflow.debugging.check_numerics tensorflow.check_numerics
    keras.ops.convert_to_numpy keras.backend.get_value keras.backend.eval tensorflow.python_io tensorflow.to_double
""".split()
"""Functions that give what they are given: a size stays one."""


def _keep(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _of(arguments, keywords)
    known = isinstance(value, Tensor | Integer | Number | ShapeOf | Sequence | Constant)
    return value if known else UNKNOWN


handles(*_KEEPING)(_keep)


_OPERATORS = {
    "Multiply": "multiply mul scalar_mul",
    "Add": "add",
    "Subtract": "subtract sub",
    "FloorDivide": "floordiv floor_div floor_divide",
    "Divide": "divide truediv div true_divide realdiv",
    "Modulo": "mod floormod",
}


def _register_arithmetic() -> None:
    for operator, names in _OPERATORS.items():
        for name in names.split():
            for place in ("tensorflow", "keras.ops"):
                full = f"{place}.{name}"
                if full in FUNCTIONS:
                    LIBRARY.setdefault(full, _named_arithmetic(full, operator))


def _named_arithmetic(full: str, operator: str) -> Any:
    def computed(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
        from batchlint.semantics.arithmetic import binary

        given = (*arguments, *(value for name, value in keywords.items() if name in ("x", "y", "x1", "x2")))[:2]
        if len(given) == 2 and not any(isinstance(value, Tensor | Batch) for value in given):
            return binary(ev, node, operator, *given)
        return ev.operate(full, node, arguments, keywords)

    return computed


_register_arithmetic()


@handles("tensorflow.reduce_prod", "keras.ops.prod", "keras.backend.prod")
def _prod(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _of(arguments, keywords)
    if isinstance(value, Sequence):
        return LIBRARY["math.prod"](ev, node, (value,), {})
    name = "tensorflow.reduce_prod"
    return ev.operate(name, node, arguments, keywords) if name in FUNCTIONS else UNKNOWN


_LISTS = frozenset({"as_list", "copy", "as_proto", "with_rank", "with_rank_at_least", "merge_with", "assert_has_rank"})


def _shape_method(previous: Any) -> Any:
    """Methods of ``tf.TensorShape``."""

    def method(
        ev: Evaluator, receiver: Any, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
    ) -> Value:
        if name in _LISTS:
            return receiver  # type: ignore[no-any-return]
        if name in ("num_elements", "is_fully_defined", "concatenate") and isinstance(receiver, Sequence):
            if name == "num_elements":
                sizes = [item.dimension for item in receiver.items if isinstance(item, Integer)]
                return (
                    Integer(product(sizes), Origin(OriginKind.TENSOR)) if len(sizes) == len(receiver.items) else UNKNOWN
                )
            if name == "concatenate" and arguments and isinstance(arguments[0], Sequence):
                return Sequence(receiver.items + arguments[0].items, "shape")
            return UNKNOWN
        return previous(ev, receiver, name, arguments, keywords, node)  # type: ignore[no-any-return]

    return method


def _sequence_method(previous: Any) -> Any:
    shaped = _shape_method(previous)

    def method(
        ev: Evaluator, receiver: Any, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
    ) -> Value:
        chosen = shaped if receiver.kind == "shape" else previous
        return chosen(ev, receiver, name, arguments, keywords, node)  # type: ignore[no-any-return]

    return method


METHODS[ShapeOf] = _shape_method(METHODS[ShapeOf])
METHODS[Sequence] = _sequence_method(METHODS[Sequence])


def _sequence_attribute(ev: Evaluator, value: Sequence, name: str, node: Any) -> Value | None:
    if value.kind != "shape":
        return None
    if name in ("ndims", "rank"):
        return Integer(len(value.items), Origin(OriginKind.TENSOR))
    return value if name == "dims" else None


def _open_attribute(ev: Evaluator, value: ShapeOf, name: str, node: Any) -> Value | None:
    if name in ("ndims", "rank"):
        rank = value.tensor.shape.rank
        return UNKNOWN if rank is None else Integer(rank, Origin(OriginKind.TENSOR))
    return value if name == "dims" else None


def _integer_attribute(ev: Evaluator, value: Integer, name: str, node: Any) -> Value | None:
    return value if name in ("value", "real") else None


ATTRIBUTES[Sequence] = _sequence_attribute
ATTRIBUTES[ShapeOf] = _open_attribute
ATTRIBUTES[Integer] = _integer_attribute
