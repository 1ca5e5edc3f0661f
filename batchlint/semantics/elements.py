"""Elements of pipelines: samples and the batches that are made of them, tensors in tuples and dicts alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Dataset,
    Dictionary,
    Integer,
    Loader,
    Number,
    Sequence,
    Source,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Dimension, Symbol, symbols_of, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

VARIABLE_LENGTH = "variable length"
"""First element of the identity of a size that the file declares to differ between elements."""


def is_variable(dimension: Dimension) -> bool:
    """Whether *dimension* is a size that the file declares to differ between elements."""
    return any(isinstance(s.identity, tuple) and s.identity[0] == VARIABLE_LENGTH for s in symbols_of(dimension))


def variable_length(identity: object) -> Dimension:
    """A size that the file declares to differ between elements."""
    return Symbol("T", identity=(VARIABLE_LENGTH, identity)).dimension()


def reshaped(value: Value, change: Callable[[Tensor], Value]) -> Value:
    """*value* with *change* made to each tensor in it; what is no tensor is unknown."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Batch):
        return change(value.tensor)
    if isinstance(value, Sequence):
        return Sequence(tuple(reshaped(item, change) for item in value.items), value.kind)
    if isinstance(value, Dictionary):
        return replace(value, items={key: reshaped(item, change) for key, item in value.items.items()})
    if isinstance(value, Integer | Number):
        return change(Tensor(Shape(())))
    return change(Tensor(opaque=True)) if isinstance(value, type(UNKNOWN)) else UNKNOWN


def in_batches(sample: Value, rows: Dimension, sources: frozenset[Source], loader: int) -> Value:
    """A batch of *rows* samples."""

    def batch(tensor: Tensor) -> Tensor:
        shape = tensor.shape
        shape = Shape((rows, *shape.leading), shape.trailing, shape.exact)
        return Tensor(shape, sources, array=tensor.array, loader=loader, opaque=not shape.exact)

    return reshaped(sample, batch)


def without_rows(batch: Value) -> Value:
    """One sample of *batch*."""

    def sample(tensor: Tensor) -> Tensor:
        shape = tensor.shape
        known = Shape(shape.leading[1:], shape.trailing, shape.exact) if shape.leading else UNKNOWN_SHAPE
        return Tensor(known, array=tensor.array, opaque=not known.exact)

    return reshaped(batch, sample)


def with_rows(element: Value, old: Dimension, rows: Dimension, sources: frozenset[Source]) -> Value:
    """*element*, whose rows were *old*, with *rows* of them."""
    values = dict.fromkeys(symbols_of(old), rows)
    return reshaped(element, lambda t: replace(t, shape=t.shape.substitute(values), sources=sources))


def pipeline_batch(ev: Evaluator, loader: Loader, rows: Dimension | None = None) -> Value:
    """What a batched pipeline gives each time, *rows* of them where that is known."""
    usual = ev.batch_dimension(loader)
    if rows is None and loader.first:
        rows = unknown("n") if loader.batch_size is None else loader.batch_size.dimension
    source = frozenset({Source.LOADER if rows is None else Source.FIRST_BATCH})
    if loader.element is not None:
        return loader.element if rows is None else with_rows(loader.element, usual, rows, source)
    rows = usual if rows is None else rows
    samples = loader.dataset.samples if isinstance(loader.dataset, Dataset) else None
    if samples is None:
        return Batch(Tensor(Shape((rows,), (), False), source, loader=loader.identity, opaque=True))
    return in_batches(samples, rows, source, loader.identity)
