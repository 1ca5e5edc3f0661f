"""Batching by hand: which rows a loop of slices covers, told from the sizes in its range and its slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.values import Enumerated, Integer, Range, SliceValue, Value, Zipped
from batchlint.shapes.dimension import (
    Dimension,
    Expression,
    FloorDivision,
    Role,
    Symbol,
    floor_divide,
    has_role,
    known_value,
    render,
    substitute,
    symbols_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from batchlint.semantics.observations import LoopContext

COUNTER = "counter"
"""First element of the identity of a symbol that counts the rounds of a ``range``."""
GIVEN_INDEX = "given index"
"""First element of the identity of the symbol that is the argument of ``__getitem__``."""


def batch_size_in(dimension: Dimension) -> Symbol | None:
    """The batch size that *dimension* is, or is a whole multiple of; ``None`` where it is anything else."""
    if not isinstance(dimension, Expression) or len(dimension.terms) != 1:
        return None
    ((monomial, coefficient),) = dimension.terms
    if len(monomial) != 1 or coefficient < 1 or not isinstance(monomial[0], Symbol):
        return None
    symbol = monomial[0]
    written = symbol.role is Role.FIXED_BATCH or (symbol.role is Role.SIZE and names_batch_size(symbol.name))
    return symbol if written else None


def floor_divisions(dimension: Dimension) -> Iterator[Dimension]:
    """Each floor division that is a term of *dimension*."""
    if isinstance(dimension, Expression):
        for monomial, _ in dimension.terms:
            if len(monomial) == 1 and isinstance(monomial[0], FloorDivision):
                yield Expression(((monomial, 1),))


class Batches(NamedTuple):
    """Batches of *size* rows each, cut from *rows* rows.

    Attributes:
        rows: how many rows there are.
        size: how many rows a batch has.
        quotient: ``rows // size`` as a dimension.
    """

    rows: Dimension
    size: Dimension
    quotient: Dimension

    @property
    def tail(self) -> int | None:
        """How many rows are left after the last full batch, ``None`` where that is not known."""
        rows, size = known_value(self.rows), known_value(self.size)
        return None if rows is None or not size else rows % size

    def tail_text(self) -> str:
        """The rows after the last full batch, as messages say it."""
        rows, size, tail = known_value(self.rows), known_value(self.size), self.tail
        if tail is None:
            return f"the last {_factor(self.rows)} % {_factor(self.size)} rows"
        return f"the last {tail} of {rows} rows ({rows} % {size})"


def _factor(dimension: Dimension) -> str:
    text = render(dimension)
    return f"({text})" if " " in text or "*" in text else text


def batches_of(quotient: Dimension) -> Batches | None:
    """The batches that ``n // batch_size`` counts; ``None`` where *quotient* is anything else.

    The rows must be counted, not be a batch size themselves (``batch_size // micro_batch_size`` divides on purpose), and
    nothing may have been taken off them (``(n - 1) // batch_size`` is part of a ceiling).
    """
    if not isinstance(quotient, Expression) or len(quotient.terms) != 1:
        return None
    ((monomial, coefficient),) = quotient.terms
    if coefficient != 1 or len(monomial) != 1 or not isinstance(monomial[0], FloorDivision):
        return None
    division = monomial[0]
    if batch_size_in(division.denominator) is None or not _counts_rows(division.numerator):
        return None
    return Batches(division.numerator, division.denominator, quotient)


def _counts_rows(dimension: Dimension) -> bool:
    if not isinstance(dimension, Expression):
        return dimension > 0
    if has_role(dimension, Role.FIXED_BATCH) or any(names_batch_size(s.name) for s in symbols_of(dimension)):
        return False
    return all(coefficient > 0 for _, coefficient in dimension.terms)


class Loop(NamedTuple):
    """A loop over a ``range`` that gives a slice its bounds.

    Attributes:
        context: the loop.
        counted: its range.
        counter: the symbol that is the range's element.
    """

    context: LoopContext
    counted: Range
    counter: Symbol


def loop_of(piece: SliceValue, loops: Sequence[LoopContext]) -> Loop | None:
    """The loop whose counter the lower bound of *piece* is made from, ``None`` without one or with several."""
    lower = piece.lower
    if not isinstance(lower, Integer):
        return None
    counters = [s for s in symbols_of(lower.dimension) if isinstance(s.identity, tuple) and s.identity[0] == COUNTER]
    if len(counters) != 1:
        return None
    for context in reversed(loops):
        for counted in _ranges_in(context.iterable):
            if counted.identity == counters[0].identity[1]:
                return Loop(context, counted, counters[0])
    return None


def _ranges_in(value: Value) -> Iterator[Range]:
    if isinstance(value, Range):
        yield value
    elif isinstance(value, Enumerated):
        yield from _ranges_in(value.inner)
    elif isinstance(value, Zipped):
        for part in value.inner:
            yield from _ranges_in(part)


def step_of(piece: SliceValue, loop: Loop) -> Dimension | None:
    """By how many rows *piece* moves from one round of *loop* to the next; ``None`` where that is not a batch size."""
    lower = piece.lower
    assert isinstance(lower, Integer)
    here = substitute(lower.dimension, {loop.counter: 0})
    step = (substitute(lower.dimension, {loop.counter: 1}) - here) * loop.counted.step.dimension
    if lower.dimension != loop.counter.dimension() * _slope(lower.dimension, loop.counter) + here:
        return None
    return step if batch_size_in(step) is not None else None


def _slope(dimension: Dimension, counter: Symbol) -> Dimension:
    return substitute(dimension, {counter: 1}) - substitute(dimension, {counter: 0})


def end_of(piece: SliceValue, loop: Loop, size: Dimension) -> Dimension | None:
    """Where the last slice of *loop* ends, counted in rows, were there enough; ``None`` where that is not known.

    A slice without a plain upper bound (``min(...)``) is taken to be *size* rows long.
    """
    lower = piece.lower
    assert isinstance(lower, Integer)
    last = _last_counter(loop.counted, size)
    if last is None:
        return None
    length = piece.upper.dimension - lower.dimension if isinstance(piece.upper, Integer) else size
    if length != size and isinstance(piece.upper, Integer) and _depends_on(piece.upper.dimension, loop.counter):
        return None
    return substitute(lower.dimension, {loop.counter: last}) + size


def _depends_on(dimension: Dimension, symbol: Symbol) -> bool:
    return symbol in symbols_of(dimension)


def _last_counter(counted: Range, size: Dimension) -> Dimension | None:
    """The range's last element, ``None`` where it is not known exactly."""
    start, stop, step = counted.start.dimension, counted.stop.dimension, counted.step.dimension
    if step == 1:
        return stop - 1
    if start != 0 or step != size:
        return None
    # The largest multiple of the step below `stop`.
    return floor_divide(stop - 1, step) * step


def slices_by(piece: SliceValue, index: Symbol) -> Dimension | None:
    """The batch size in ``x[index * size:(index + 1) * size]``, ``None`` where *piece* is no such slice."""
    if not isinstance(piece.lower, Integer):
        return None
    step = _slope(piece.lower.dimension, index)
    if piece.lower.dimension != index.dimension() * step or batch_size_in(step) is None:
        return None
    return step


def first_node(quotients: dict[Dimension, Any], dimension: Dimension, otherwise: Any) -> Any:
    """Where the floor division in *dimension* was written, else *otherwise*."""
    return next((quotients[part] for part in floor_divisions(dimension) if part in quotients), otherwise)
