"""Fixed batches: which symbols in a dimension were written down by hand, and how to tell users where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.values import Origin, OriginKind, Tensor
from batchlint.shapes.dimension import Dimension, Role, Symbol, symbols_of

if TYPE_CHECKING:
    from batchlint.semantics.observations import Context
    from batchlint.shapes.shape import Shape

FIRST_BATCH = "only the first batch is looked at"
"""A guard, see `batchlint.semantics.observations.Context`: rows of a first batch are as many as were asked for."""

FULL_BATCH = "a short batch is skipped"
"""A guard as well: the rows that come here are always as many as were asked for."""

FULL_BATCHES = "every batch is full"
"""First element of the identity of the rows of a loader that drops its short last batch."""


def fixed_symbols(dimensions: Iterable[Dimension]) -> list[Symbol]:
    """The fixed batches that take part in *dimensions*, in the order of their names."""
    found = {s for dimension in dimensions for s in symbols_of(dimension) if s.role is Role.FIXED_BATCH}
    return sorted(found, key=lambda symbol: (symbol.name, str(symbol.value)))


def batch_symbols(shape: Shape) -> set[Symbol]:
    """The numbers of real rows that take part in *shape*."""
    return {s for d in (*shape.leading, *shape.trailing) for s in symbols_of(d) if s.role is Role.BATCH}


def never_short(tensor: Tensor, context: Context) -> bool:
    """Whether the rows of *tensor* come from loaders that drop the short last batch."""
    rows = batch_symbols(tensor.shape)
    if rows:
        return all(isinstance(s.identity, tuple) and s.identity[0] == FULL_BATCHES for s in rows)
    loaders = [loop.loader for loop in context.loops if loop.loader is not None]
    return any(loader.identity == tensor.loader and (loader.drop_last or loader.endless) for loader in loaders)


_KINDS = {
    OriginKind.CONFIGURATION: "a configured value",
    OriginKind.ARGUMENT: "an argument",
    OriginKind.CONSTANT: "a constant",
}


def describe(symbols: Iterable[Symbol], origins: Mapping[Symbol, Origin]) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """How a message names fixed batches, and notes of where they were set."""
    parts: list[str] = []
    notes: list[tuple[str, Any]] = []
    for symbol in symbols:
        origin = origins.get(symbol)
        kind = _KINDS.get(origin.kind, "") if origin is not None else ""
        text = f"{symbol.name} = {symbol.value}" if symbol.value is not None else symbol.name
        parts.append(f"{text}, {kind}" if kind else text)
        if origin is not None and origin.node is not None:
            notes.append((f"{symbol.name} is set here", origin.node))
    return "; ".join(parts), tuple(notes)


def number_of(symbols: Iterable[Symbol]) -> str:
    """The number behind the first fixed batch as messages say it: ``64``, or its name where the number is open."""
    for symbol in symbols:
        return str(symbol.value) if symbol.value is not None else symbol.name
    return "?"
