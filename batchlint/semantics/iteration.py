"""Iteration: the elements of a value, and how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.semantics.batching import COUNTER
from batchlint.semantics.classes import class_attribute
from batchlint.semantics.loaders import dataset_of
from batchlint.semantics.quantities import batch_index, number_of_batches, number_of_samples
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    BoundMethod,
    Constant,
    Dataset,
    Dictionary,
    Enumerated,
    Instance,
    Integer,
    Layer,
    Loader,
    Origin,
    OriginKind,
    Range,
    Repeated,
    Sequence,
    ShapeOf,
    Tensor,
    Value,
    Zipped,
    element_of,
    value_of_key,
)
from batchlint.shapes.dimension import Role, Symbol, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

MAXIMUM_UNROLLED = 64
"""Loops over at most so many known elements are run one by one."""


def spread(ev: Evaluator, value: Value) -> tuple[Value, ...] | None:
    """The elements of *value* where each is known, ``None`` otherwise."""
    if isinstance(value, Sequence):
        return value.items
    if isinstance(value, Constant) and isinstance(value.value, str) and len(value.value) <= MAXIMUM_UNROLLED:
        return tuple(Constant(c) for c in value.value)
    if isinstance(value, Dictionary) and value.complete:
        return tuple(value_of_key(key) for key in value.items)
    return ev.unrolled(value)


def unrolled(ev: Evaluator, value: Value) -> tuple[Value, ...] | None:
    """The elements of *value* where they are known and few, ``None`` otherwise."""
    if isinstance(value, Sequence):
        return value.items if len(value.items) <= MAXIMUM_UNROLLED else None
    if isinstance(value, Constant) and isinstance(value.value, str) and len(value.value) <= MAXIMUM_UNROLLED:
        return tuple(Constant(character) for character in value.value)
    if isinstance(value, Range):
        start, stop, step = value.start.dimension, value.stop.dimension, value.step.dimension
        if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
            numbers = range(start, stop, step)
            if len(numbers) <= 12 or (len(numbers) <= MAXIMUM_UNROLLED and ev.builds()):
                return tuple(Integer(n, Origin(OriginKind.LOOP, None, None, value)) for n in numbers)
        return None
    if isinstance(value, Enumerated):
        inner = ev.unrolled(value.inner)
        if inner is None:
            return None
        origin = Origin(OriginKind.LOOP)
        if value.start is None:
            return tuple(Sequence((Integer(unknown("i", minimum=0), origin), item)) for item in inner)
        return tuple(Sequence((Integer(i, origin), item)) for i, item in enumerate(inner, value.start))
    if isinstance(value, Zipped):
        parts = [ev.unrolled(part) for part in value.inner]
        if any(part is None for part in parts):
            return None
        return tuple(Sequence(tuple(items)) for items in zip(*(part or () for part in parts)))
    if isinstance(value, BoundMethod) and value.function == "items" and isinstance(value.receiver, Dictionary):
        return None
    return None


def iterate(ev: Evaluator, value: Value) -> Value:
    """What one element of *value* is."""
    if isinstance(value, Loader):
        return ev.batch_of(value)
    if isinstance(value, Enumerated):
        loader = loader_in(value.inner)
        index = unknown("i", minimum=0) if loader is None else batch_index(loader)
        counter = Integer(index, Origin(OriginKind.LOOP, None, None, value))
        return Sequence((counter, ev.iterate(value.inner)))
    if isinstance(value, Zipped):
        return Sequence(tuple(ev.iterate(part) for part in value.inner))
    if isinstance(value, Range):
        symbol = Symbol("i", identity=(COUNTER, value.identity, len(ev.loops)), minimum=0)
        return Integer(symbol.dimension(), Origin(OriginKind.LOOP, None, None, value))
    if isinstance(value, Batch):
        return ev.part_of(value, None)
    if isinstance(value, Tensor):
        if value.opaque:
            return Tensor(UNKNOWN_SHAPE, value.sources, opaque=True)
        return ev.subscript(value, (Integer(unknown("i", minimum=0), Origin(OriginKind.LOOP)),), None)
    if isinstance(value, Dataset):
        return value.samples or UNKNOWN if value.pipeline else UNKNOWN
    return element_of(value)


def length_of(ev: Evaluator, value: Value) -> Integer | None:
    """``len(value)``, ``None`` where nothing is known."""
    if isinstance(value, Sequence):
        return Integer(len(value.items), Origin(OriginKind.DERIVED))
    if isinstance(value, Repeated) and value.length is not None:
        return Integer(value.length, Origin(OriginKind.DERIVED))
    if isinstance(value, Range):
        start, stop, step = value.start.dimension, value.stop.dimension, value.step.dimension
        if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
            return Integer(len(range(start, stop, step)), Origin(OriginKind.DERIVED))
        return None
    if isinstance(value, Batch):
        return ev.length_of(value.tensor) if value.parts is None else None
    if isinstance(value, Tensor):
        first = value.shape.dimension(0) if value.shape.leading else None
        if first is None:
            first = Symbol("len", Role.SIZE, identity=("len", value.parameter or id(value))).dimension()
        return Integer(first, Origin(OriginKind.TENSOR, None, None, value))
    if isinstance(value, Loader):
        return Integer(number_of_batches(value), Origin(OriginKind.LOADER_LENGTH, None, None, value))
    if isinstance(value, Dataset):
        return Integer(number_of_samples(value), Origin(OriginKind.DATASET_LENGTH, None, None, value))
    if isinstance(value, Instance) and class_attribute(value.of, "__getitem__") is not None:
        return ev.length_of(dataset_of(value))
    if isinstance(value, ShapeOf) and value.tensor.shape.exact:
        return Integer(len(value.tensor.shape.leading))
    if isinstance(value, Layer | Dictionary) and isinstance(value, Dictionary) and value.complete:
        return Integer(len(value.items))
    return None


def loader_in(value: Value) -> Loader | None:
    """The loader that iterating over *value* draws from, if there is one."""
    while isinstance(value, Enumerated):
        value = value.inner
    if isinstance(value, Loader):
        return value
    if isinstance(value, Zipped):
        for part in value.inner:
            loader = loader_in(part)
            if loader is not None:
                return loader
    return None
