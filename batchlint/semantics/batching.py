"""Batching by hand: which rows a loop of slices covers, told from the sizes in its range and its slices."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, NamedTuple

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.values import (
    Batch,
    Enumerated,
    Integer,
    Range,
    SliceValue,
    Source,
    Tensor,
    Value,
)
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
    from collections.abc import Iterator, Mapping, Sequence

    from batchlint.semantics.observations import LoopContext, Observation

COUNTER = "counter"
"""First element of the identity of a symbol that counts the rounds of a ``range``."""

SMALLEST = "min"
"""Name of the symbol that ``min(...)`` of open sizes gives."""


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
    """Each floor division that is a factor in *dimension*, as a dimension of its own."""
    if isinstance(dimension, Expression):
        for monomial, _ in dimension.terms:
            for atom in monomial:
                if isinstance(atom, FloorDivision):
                    yield Expression((((atom,), 1),))


class Extent(enum.Enum):
    """How far the batches of a loop reach."""

    FULL_BATCHES = "to the last full batch"
    """The rows after it are left out."""
    LESS = "not to the last full batch"
    """A batch is lost also where the batch size divides the rows."""
    MORE = "one batch further"
    """The last batch is empty where the batch size divides the rows."""


class Batches(NamedTuple):
    """Batches of *size* rows, cut from *rows* rows.

    Attributes:
        rows: how many rows there are.
        size: how many rows a batch has.
        quotient: the floor division that counts the batches, as a dimension.
        extent: how far they reach.
    """

    rows: Dimension
    size: Dimension
    quotient: Dimension
    extent: Extent = Extent.FULL_BATCHES

    @property
    def tail(self) -> int | None:
        """How many rows stand after the last full batch, ``None`` where that is not known."""
        rows, size = known_value(self.rows), known_value(self.size)
        return None if rows is None or not size else rows % size

    @property
    def rows_name(self) -> str:
        """The number of rows as messages say it."""
        return _named(self.rows)

    @property
    def size_name(self) -> str:
        """The batch size as messages say it."""
        return _named(self.size)

    @property
    def divides(self) -> str:
        """``n % batch_size`` in the file's own names, with what it is where that is known."""
        text = f"{self.rows_name} % {self.size_name}"
        return text if self.tail is None else f"{text} = {self.tail}"

    def written_at(self, quotients: Mapping[Dimension, Any], otherwise: Any) -> Any:
        """The node of the floor division that counts these batches, else *otherwise*."""
        return quotients.get(self.quotient, otherwise)


def _named(dimension: Dimension) -> str:
    symbols = symbols_of(dimension)
    if len(symbols) == 1 and next(iter(symbols)).dimension() == dimension:
        symbol = next(iter(symbols))
        plain = symbol.name.isidentifier() and symbol.role is not Role.BATCH and symbol.name not in (SMALLEST, "len")
        return symbol.name if plain else "n"
    text = render(dimension)
    return f"({text})" if " " in text or "*" in text else text


def counted_batches(count: Dimension) -> Batches | None:
    """The batches that ``n // batch_size`` counts; ``None`` where *count* is anything else.

    The rows must be counted, not be a batch size themselves: ``batch_size // micro_batch_size`` divides on purpose.
    """
    found = next(floor_divisions(count), None)
    if found is None or found != count:
        return None
    division = _division(found)
    if batch_size_in(division.denominator) is None or not _counts_rows(division.numerator):
        return None
    return Batches(division.numerator, division.denominator, found)


def _division(quotient: Dimension) -> FloorDivision:
    assert isinstance(quotient, Expression)
    ((monomial, _),) = quotient.terms
    division = monomial[0]
    assert isinstance(division, FloorDivision)
    return division


def _counts_rows(dimension: Dimension) -> bool:
    if not isinstance(dimension, Expression):
        return dimension > 0
    if has_role(dimension, Role.FIXED_BATCH) or any(names_batch_size(s.name) for s in symbols_of(dimension)):
        return False
    return all(coefficient > 0 for _, coefficient in dimension.terms)


class Loop(NamedTuple):
    """A loop over a ``range`` that gives slices their bounds.

    Attributes:
        context: the loop.
        counted: its range.
        counter: the symbol that is the range's element.
    """

    context: LoopContext
    counted: Range
    counter: Symbol


def loop_of(lower: Dimension, loops: Sequence[LoopContext]) -> Loop | None:
    """The loop whose counter *lower* is made from, ``None`` without one or with several."""
    counters = {
        s.identity[1]: s for s in symbols_of(lower) if isinstance(s.identity, tuple) and s.identity[0] == COUNTER
    }
    if len(counters) != 1:
        return None
    for context in reversed(loops):
        for counted in _ranges_in(context.iterable):
            if counted.identity in counters:
                return Loop(context, counted, counters[counted.identity])
    return None


def _ranges_in(value: Value) -> Iterator[Range]:
    if isinstance(value, Range):
        yield value
    elif isinstance(value, Enumerated):
        yield from _ranges_in(value.inner)


def step_of(lower: Dimension, loop: Loop) -> Dimension | None:
    """By how many rows *lower* moves with each round of *loop*; ``None`` where that is no batch size."""
    start = substitute(lower, {loop.counter: 0})
    slope = substitute(lower, {loop.counter: 1}) - start
    if lower != loop.counter.dimension() * slope + start:
        return None
    step = slope * loop.counted.step.dimension
    return step if batch_size_in(step) is not None else None


def pieces_of(observation: Observation) -> SliceValue | None:
    """The rows that are taken at once: ``x[lower:upper]``, or the numbers of ``range(lower, upper)`` in a loop."""
    piece = observation.argument("slice", "iterable")
    if isinstance(piece, Range):
        return SliceValue(piece.start, piece.stop, piece.step)
    return piece if isinstance(piece, SliceValue) else None


class _Cut(NamedTuple):
    """A slice whose lower bound moves by a batch size with each round of a loop.

    Attributes:
        loop: the loop.
        lower: the lower bound.
        size: by how many rows it moves.
        end: what is known of the upper bound.
    """

    loop: Loop
    lower: Dimension
    size: Dimension
    end: _End


class _End(enum.Enum):
    """The upper bound of a slice."""

    FULL = "a batch size after the lower bound, or cut off at the number of rows"
    OPEN = "one or the other number"
    OTHER = "anything else"


def _cut(observation: Observation) -> _Cut | None:
    piece = pieces_of(observation)
    if piece is None or not isinstance(piece.lower, Integer):
        return None
    lower = piece.lower.dimension
    loop = loop_of(lower, observation.context.loops)
    size = None if loop is None else step_of(lower, loop)
    if loop is None or size is None:
        return None
    return _Cut(loop, lower, size, _end_of(piece.upper, lower + size))


def _end_of(upper: Value, full: Dimension) -> _End:
    if not isinstance(upper, Integer):
        return _End.OTHER
    names = {symbol.name for symbol in symbols_of(upper.dimension)}
    if upper.dimension == full or names == {SMALLEST}:
        return _End.FULL
    return _End.OPEN if names == {"?"} else _End.OTHER


def sliced_by_hand(observation: Observation) -> tuple[Loop, str] | None:
    """The loop that gives a slice its bounds, and the batch size by which it moves, as messages say it.

    ``None`` for a batch that is cut into smaller ones.
    """
    cut = _cut(observation)
    if cut is None or cut.end is _End.OTHER or _flows_from_loader(observation.argument("receiver")):
        return None
    others = symbols_of(cut.loop.counted.stop.dimension) - symbols_of(cut.size)
    if any(symbol.role is Role.FIXED_BATCH or names_batch_size(symbol.name) for symbol in others):
        return None
    return cut.loop, render(cut.size)


def _flows_from_loader(value: Value) -> bool:
    if isinstance(value, Batch):
        return True
    return isinstance(value, Tensor) and Source.LOADER in value.sources


def may_be_short(rows: Dimension, piece: SliceValue, loops: Sequence[LoopContext]) -> Symbol | None:
    """The rows of the batch that *piece* cuts from *rows* rows, where the last one of the loop may be shorter.

    ``None`` where nothing is known of the loop, or it ends with the last full batch.
    """
    if not isinstance(piece.lower, Integer):
        return None
    lower = piece.lower.dimension
    loop = loop_of(lower, loops)
    size = None if loop is None else step_of(lower, loop)
    if loop is None or size is None or _end_of(piece.upper, lower + size) is not _End.FULL:
        return None
    if substitute(lower, {loop.counter: loop.counted.start.dimension}) != 0:
        return None
    stop = loop.counted.stop.dimension
    stepped = loop.counted.step.dimension == size and stop == rows
    counted = loop.counted.step.dimension == 1 and stop in (
        floor_divide(rows + size - 1, size),
        floor_divide(rows, size) + 1,
    )
    count, width, rounds = known_value(rows), known_value(size), known_value(stop)
    if count is not None and width and rounds is not None and loop.counted.step.dimension == 1:
        counted = rounds * width > count
    if not (stepped or counted) or (count is not None and width and count % width == 0):
        return None
    return Symbol("B", Role.BATCH, identity=("slice", id(loop.context.node)))


def batches_in(observation: Observation) -> tuple[Loop, Batches] | None:
    """The loop that gives a slice its bounds and the batches it cuts, where they are not simply all rows."""
    cut = _cut(observation)
    last = None if cut is None else _last_of(cut.loop.counted)
    if cut is None or last is None:
        return None
    batches = _reaching(substitute(cut.lower, {cut.loop.counter: last}) + cut.size, cut.size)
    if batches is None or (cut.end is not _End.FULL and batches.extent is not Extent.MORE):
        # A last slice of its own may take the rest; what starts after the last row is empty wherever it ends.
        return None
    if cut.loop.counted.step.dimension == 1 and batches.quotient != floor_divide(batches.rows, cut.size):
        # `range((n - 1) // batch_size)`: one row may well have been taken off on purpose.
        return None
    return cut.loop, batches


def _last_of(counted: Range) -> Dimension | None:
    """The last element of *counted*, ``None`` where it is not known exactly."""
    start, stop, step = counted.start.dimension, counted.stop.dimension, counted.step.dimension
    if step == 1:
        return stop - 1
    if start != 0 or not isinstance(step, Expression) or _is_number_less(stop, step):
        return None
    # The largest multiple of the step below `stop`.
    return floor_divide(stop - 1, step) * step


def _is_number_less(stop: Dimension, step: Dimension) -> bool:
    """Whether *stop* is a number, or one less the step: it does not tell how many rows there are."""
    return isinstance(stop, int) or isinstance(stop + step, int)


def _reaching(end: Dimension, size: Dimension) -> Batches | None:
    """The batches of *size* rows that end at row *end*, where that row is counted by a floor division."""
    for quotient in floor_divisions(end):
        division = _division(quotient)
        further = end - quotient * size
        if division.denominator != size or any(atom == division for atom in _factors(further)):
            continue
        for more in (-2, -1, 0, 1):
            if further == size * more:
                return _judged(division.numerator, size, quotient, more)
    return None


def zipped_bounds(values: Sequence[Value]) -> Batches | None:
    """The batches between ``zip(range(0, n, size), range(size, n, size))``, where these leave rows out."""
    if len(values) != 2:
        return None
    starts, ends = values
    if not isinstance(starts, Range) or not isinstance(ends, Range):
        return None
    size = starts.step.dimension
    if batch_size_in(size) is None or ends.step.dimension != size:
        return None
    if ends.start.dimension - starts.start.dimension != size:
        return None
    rows, stop = starts.stop.dimension, ends.stop.dimension
    if _counts_rows(rows) and stop == rows + 1:
        return Batches(rows, size, floor_divide(rows, size))
    if _counts_rows(stop) and rows in (stop, stop - size):
        return Batches(stop, size, floor_divide(stop, size), Extent.LESS)
    return None


def _factors(dimension: Dimension) -> Iterator[object]:
    if isinstance(dimension, Expression):
        for monomial, _ in dimension.terms:
            yield from monomial


def _judged(numerator: Dimension, size: Dimension, quotient: Dimension, more: int) -> Batches | None:
    """What *more* batches than ``numerator // size`` are; ``None`` where they are just all rows."""
    if _counts_rows(numerator):
        extent = Extent.FULL_BATCHES if more == 0 else Extent.MORE if more > 0 else Extent.LESS
        return Batches(numerator, size, quotient, extent)
    # `(n - 1) // size` batches: one fewer than the ceiling.
    if more < 1 and _counts_rows(numerator + 1):
        return Batches(numerator + 1, size, quotient, Extent.LESS)
    return None
