"""The sizes that a reshape is given, however they are spelt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.semantics.values import Integer, OriginKind, Sequence, Tensor, Value
from batchlint.shapes.dimension import Role, Symbol, has_role, symbols_of

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation
    from batchlint.shapes.shape import Shape


def sizes_of(observation: Observation) -> tuple[Value, ...]:
    """What follows the tensor in ``x.view(2, 3)``, ``x.view((2, 3))``, ``torch.reshape(x, shape=(2, 3))``."""
    values = observation.positional[1:]
    if not values:
        for name in ("shape", "size", "newshape", "sizes"):
            if name in observation.keywords:
                values = (observation.keywords[name],)
    if len(values) == 1 and isinstance(values[0], Sequence):
        return values[0].items
    return values


def literal_rows(tensor: Tensor, sizes: tuple[object, ...]) -> int | None:
    """The literal that stands where the tensor has its batch, if the sizes certainly are wrong at another batch."""
    if len(sizes) < 2 or not all(isinstance(size, Integer) for size in sizes):
        return None
    first = sizes[0]
    assert isinstance(first, Integer)
    if not isinstance(first.dimension, int) or first.dimension < 2:
        return None
    if first.origin is None or first.origin.kind not in (OriginKind.LITERAL, OriginKind.CONSTANT):
        return None
    shape = tensor.shape
    if not shape.exact or not shape.leading or not is_rows(shape.leading[0]):
        return None
    rest = [size.dimension for size in sizes[1:] if isinstance(size, Integer)]
    free = [d for d in rest if d == -1]
    if free and len(sizes) != 2:
        return None
    return first.dimension


def is_rows(dimension: object) -> bool:
    """Whether *dimension* is exactly the number of rows that really are there."""
    if isinstance(dimension, int):
        return False
    symbols = symbols_of(dimension)  # type: ignore[arg-type]
    return (
        len(symbols) == 1
        and has_role(dimension, Role.BATCH)  # type: ignore[arg-type]
        and next(iter(symbols)).dimension() == dimension
    )


def is_open(shape: Shape) -> bool:
    """Whether the rank or a leading size is not known: any of them may be the rows."""
    return not shape.exact or any(symbol.name == "?" for d in shape.leading[:2] for symbol in symbols_of(d))


def row_symbol(dimension: object) -> Symbol | None:
    """The symbol that *dimension* is, where it is exactly the number of real rows."""
    return next(iter(symbols_of(dimension))) if is_rows(dimension) else None  # type: ignore[arg-type]
