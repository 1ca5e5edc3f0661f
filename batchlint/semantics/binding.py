"""Assignment: what a name, an attribute, an item or each part of an unpacked value becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libcst as cst

from batchlint.semantics import observations as seen
from batchlint.semantics.batch_names import names_rows
from batchlint.semantics.static_batch import located
from batchlint.semantics.tensors import look_for_conflict
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Constant,
    Dictionary,
    Instance,
    Integer,
    Origin,
    OriginKind,
    Parameter,
    Repeated,
    Sequence,
    ShapeOf,
    Tensor,
    Value,
    join,
    key_of,
)
from batchlint.shapes.dimension import Dimension, Role, Symbol, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator
    from batchlint.semantics.scope import Frame


def bind_target(ev: Evaluator, target: cst.BaseExpression, value: Value, source: Any = None) -> None:
    """Assign *value* to *target*."""
    if isinstance(target, cst.Name):
        value = ev.named(target.value, value, target)
        is_global = ev.frame.enclosing is None or target.value in ev.frame.global_names
        if is_global and ev.module_frame.names.get(target.value) != value:
            # What is remembered of calls may have read the global.
            ev.heap_version += 1
        ev.frame.bind(target.value, value)
        ev.frame.assigned.add(target.value)
        if seen.ASSIGN in ev.subscriptions:
            ev.observe(seen.ASSIGN, target, {"value": value}, name=target.value)
    elif isinstance(target, cst.Tuple | cst.List):
        _unpack(ev, target, value)
    elif isinstance(target, cst.Attribute):
        owner = ev.evaluate(target.value)
        value = ev.named(target.attr.value, value, target)
        if isinstance(owner, Instance):
            ev.store_named(owner, Constant(target.attr.value), value)
        elif owner is UNKNOWN:
            ev.written.add(target.attr.value)
        if seen.ASSIGN in ev.subscriptions:
            ev.observe(seen.ASSIGN, target, {"value": value}, name=target.attr.value)
    elif isinstance(target, cst.Subscript):
        _store_item(ev, target, value)
    elif isinstance(target, cst.StarredElement):
        ev.bind_target(target.value, Repeated(value))


def _store_item(ev: Evaluator, target: cst.Subscript, value: Value) -> None:
    base = ev.evaluate(target.value)
    if isinstance(base, Tensor | Batch):
        with_items = ev.evaluate(target)
        ev.observe(seen.CALL, target, {"callee": Constant("__setitem__"), "base": base, "value": value})
        if isinstance(with_items, Tensor) and isinstance(value, Tensor):
            look_for_conflict(ev, "torch.Tensor.copy", target, (with_items, value))
    elif isinstance(base, Dictionary | Sequence | Repeated) and isinstance(
        target.value, cst.Name | cst.Attribute | cst.Subscript
    ):
        index = target.slice[0].slice
        key = ev.evaluate(index.value) if isinstance(index, cst.Index) else UNKNOWN
        ev.change_in_place(target.value, _with_item(ev, base, key, value, target))
    elif isinstance(base, ShapeOf) and isinstance(target.value, cst.Name | cst.Attribute):
        # A list of sizes of which one was changed is no tensor's shape any more.
        ev.change_in_place(target.value, UNKNOWN)


def change_in_place(ev: Evaluator, target: cst.BaseExpression, value: Value) -> None:
    """The list or dict that *target* names is *value* from now on, under whatever other names it has."""
    if isinstance(target, cst.Name):
        holder: Frame | None = ev.frame
        while holder is not None and target.value not in holder.names:
            holder = holder.enclosing
        if holder is ev.frame or holder is None:
            ev.frame.changed.add(target.value)
            ev.frame.bind(target.value, value)
        else:
            # Whether and how often the function is called is another question: either state is possible.
            holder.names[target.value] = join(holder.names[target.value], value)
    elif isinstance(target, cst.Attribute | cst.Subscript):
        with ev.quietly():
            ev.bind_target(target, value)


def _with_item(ev: Evaluator, base: Dictionary | Sequence | Repeated, key: Value, value: Value, target: Any) -> Value:
    """*base* after ``base[key] = value``."""
    if isinstance(base, Dictionary):
        name = key_of(key)
        if name is None:
            return Dictionary({}, base.kind, False)
        if isinstance(name, str):
            value = ev.named(name, value, target, OriginKind.CONFIGURATION)
        return Dictionary({**base.items, name: value}, base.kind, base.complete)
    index = key.dimension if isinstance(key, Integer) else None
    if isinstance(base, Sequence) and isinstance(index, int) and -len(base.items) <= index < len(base.items):
        index %= len(base.items)
        return Sequence((*base.items[:index], value, *base.items[index + 1 :]), base.kind)
    return Repeated(UNKNOWN, base.kind)


def _unpack(ev: Evaluator, target: cst.Tuple | cst.List, value: Value) -> None:
    elements = target.elements
    names = [e.value.value if isinstance(e.value, cst.Name) else "?" for e in elements]
    starred = [i for i, e in enumerate(elements) if isinstance(e, cst.StarredElement)]
    if isinstance(value, ShapeOf):
        items = _unpack_shape(ev, value, names, starred)
    elif isinstance(value, Sequence):
        items = value.items
    elif isinstance(value, Batch):
        items = _parts(ev, value, len(elements))
    elif isinstance(value, Tensor) and value.opaque:
        items = tuple(Tensor(UNKNOWN_SHAPE, value.sources, value.marks, opaque=True) for _ in elements)
    elif isinstance(value, Tensor):
        row = ev.subscript(value, (Integer(0),), target)
        items = tuple(row for _ in elements)
    elif isinstance(value, Repeated):
        items = tuple(value.item for _ in elements)
    else:
        items = tuple(UNKNOWN for _ in elements)
    if starred:
        head, after = starred[0], len(elements) - starred[0] - 1
        if isinstance(value, Repeated | ShapeOf | Tensor | Batch):
            # One item stands for each element, and the starred one for any number.
            items = (*items[:head], Repeated(items[head]), *items[head + 1 :])
        elif len(items) < head + after:
            items = tuple(UNKNOWN for _ in elements)
        else:
            end = len(items) - after
            middle: Value = Sequence(items[head:end], "list")
            items = (*items[:head], middle, *items[end:])
    if len(items) != len(elements):
        items = tuple(UNKNOWN for _ in elements)
    for element, item in zip(elements, items):
        ev.bind_target(element.value, located(item, element.value))


def _parts(ev: Evaluator, batch: Batch, count: int) -> tuple[Value, ...]:
    if batch.parts is not None and len(batch.parts.items) == count:
        return batch.parts.items
    return tuple(ev.part_of(Batch(batch.tensor), index) for index in range(count))


def _unpack_shape(ev: Evaluator, value: ShapeOf, names: list[str], starred: list[int]) -> tuple[Value, ...]:
    tensor = value.tensor
    origin = Origin(OriginKind.TENSOR, None, None, tensor, value.static)
    if starred:
        found = []
        for i, name in enumerate(names):
            known = None if i == starred[0] else _maybe(tensor.shape, i if i < starred[0] else i - len(names))
            found.append(Integer(unknown(name, minimum=0) if known is None else known, origin))
        return tuple(found)
    dimensions: list[Dimension] = []
    leading, trailing, count = tensor.shape.leading, tensor.shape.trailing, len(names)
    for i, name in enumerate(names):
        if i < len(leading):
            dimensions.append(leading[i])
        elif count - i <= len(trailing):
            dimensions.append(trailing[i - count])
        elif i == 0 and names_rows(name):
            identity = (tensor.parameter or id(value), "batch")
            dimensions.append(Symbol(name if name != "_" else "B", Role.BATCH, identity=identity).dimension())
        else:
            dimensions.append(unknown(name if name not in ("_", "?") else "?"))
    shape = Shape(tuple(dimensions))
    if tensor.parameter is not None:
        ev.refine(tensor.parameter, shape)
    return tuple(Integer(d, origin) for d in dimensions)


def refine(ev: Evaluator, parameter: Parameter, shape: Shape) -> None:
    """Every local that still is the unchanged argument *parameter* now has *shape*."""
    names = ev.frame.names
    for name, value in names.items():
        if isinstance(value, Tensor) and value.parameter == parameter and not value.shape.exact:
            names[name] = Tensor(
                shape, value.sources, value.marks, value.boolean, parameter, value.quantity, value.array,
                value.loader, False,
            )  # fmt: skip


def _maybe(shape: Shape, axis: int) -> Dimension | None:
    try:
        return shape.dimension(axis)
    except ShapeMismatch:
        return None
