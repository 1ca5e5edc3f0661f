"""Numbers that count samples: means and sums of batches on their way into a metric, and what they are divided by.

Counts are symbols: the number of batches and of samples that a loader gives are the same symbol wherever they come
from (``len(loader)``, a counter that goes up by one in the loop), so that rules compare them by equality.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.values import (
    Constant,
    Dataset,
    Division,
    Integer,
    Loader,
    Number,
    Origin,
    OriginKind,
    Quantity,
    QuantityKind,
    Repeated,
    Source,
    Tensor,
    Value,
    join_quantities,
)
from batchlint.shapes.dimension import Dimension, Expression, Role, Symbol, has_role, known_value, symbols_of
from batchlint.shapes.torch.losses import LOSSES, reduction_of

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

# First elements of the identities of counting symbols; the second is the loader's or the dataset's identity.
_BATCHES = "batches"
_SAMPLES = "samples"
_SAMPLER = "samples of a sampler"
_INDEX = "batch index"
_ROWS = "rows of the batches"
_CONSTANT_ROWS = "a constant for each batch"


def number_of_batches(loader: Loader) -> Dimension:
    """``len(loader)``."""
    return Symbol("batches", identity=(_BATCHES, loader.identity)).dimension()


def number_of_samples(dataset: Dataset) -> Dimension:
    """``len(dataset)``."""
    if dataset.size is not None:
        return dataset.size
    return Symbol("samples", identity=(_SAMPLES, dataset.identity)).dimension()


def samples_behind(loader: Loader) -> Dimension:
    """``len(loader.dataset)``."""
    if isinstance(loader.dataset, Dataset):
        return number_of_samples(loader.dataset)
    return Symbol("samples", identity=(_SAMPLES, loader.identity)).dimension()


def samples_drawn(loader: Loader) -> Dimension:
    """``len(loader.sampler)``."""
    if loader.sampler is not None:
        return number_of_samples(loader.sampler)
    return Symbol("samples", identity=(_SAMPLER, loader.identity)).dimension()


def own_batch_size(loader: Loader, node: Any) -> Integer:
    """``loader.batch_size`` of a loader whose batch size the file does not say."""
    symbol = Symbol("batch_size", Role.FIXED_BATCH, identity=("batch size", loader.identity))
    return Integer(symbol.dimension(), Origin(OriginKind.CONFIGURATION, "batch_size", node))


def batch_index(loader: Loader) -> Dimension:
    """The counter of ``enumerate(loader)``."""
    return Symbol("i", identity=(_INDEX, loader.identity), minimum=0).dimension()


class Count(enum.Enum):
    """What a divisor counts of the data that went through a loader."""

    BATCHES = "batches"
    SAMPLES = "samples"
    WHOLE_DATASET = "samples of the dataset, of which the loader draws a part"
    FULL_BATCHES = "batches times a fixed batch size"
    BATCHES_SO_FAR = "batches so far"
    FULL_BATCHES_SO_FAR = "batches so far times a fixed batch size"
    CONSTANTS = "a fixed batch size, added for each batch"


def count_of(divisor: Value, loader: Loader) -> Count | None:
    """What *divisor* counts of the data that *loader* gives, ``None`` where that is not known."""
    if isinstance(divisor, Integer):
        dimension = divisor.dimension
        if isinstance(dimension, int) and (divisor.origin is None or divisor.origin.kind is OriginKind.LITERAL):
            # `running_loss / 1000` after 1000 steps, not after 1000 samples.
            return None
    elif isinstance(divisor, Number) and divisor.ratio is not None and divisor.ratio[1] == 1:
        dimension = divisor.ratio[0]
    else:
        return None
    if dimension == samples_drawn(loader):
        return Count.SAMPLES
    if dimension == samples_behind(loader):
        return Count.SAMPLES if loader.sampler is None else Count.WHOLE_DATASET
    if dimension == number_of_batches(loader):
        return Count.BATCHES
    if not isinstance(dimension, Expression):
        return None
    symbols = {symbol: _role_of(symbol, loader) for symbol in symbols_of(dimension)}
    kinds = {kind for kind in symbols.values() if kind is not None}
    if len(symbols) == 1 and len(kinds) == 1 and dimension == next(iter(symbols)).dimension():
        return _ALONE.get(next(iter(kinds)))
    others = [symbol for symbol, kind in symbols.items() if kind is None]
    if kinds == {_INDEX} and not others and dimension == batch_index(loader) + 1:
        return Count.BATCHES_SO_FAR
    if len(kinds) == 1 and kinds <= {_BATCHES, _INDEX} and _full_batches(dimension, others, loader):
        return Count.FULL_BATCHES if kinds == {_BATCHES} else Count.FULL_BATCHES_SO_FAR
    return None


_ALONE = {_ROWS: Count.SAMPLES, _CONSTANT_ROWS: Count.CONSTANTS, _INDEX: Count.BATCHES_SO_FAR}


def _role_of(symbol: Symbol, loader: Loader) -> str | None:
    identity = symbol.identity
    if isinstance(identity, tuple) and len(identity) > 1 and identity[1] == loader.identity:
        return identity[0] if identity[0] in (_BATCHES, _INDEX, _ROWS, _CONSTANT_ROWS) else None
    return None


def _full_batches(dimension: Expression, others: list[Symbol], loader: Loader) -> bool:
    """Whether *dimension* is a count of batches times one batch size that somebody wrote down."""
    if not others:
        size = None if loader.batch_size is None else loader.batch_size.number
        return size is not None and size > 1 and all(coefficient == size for _, coefficient in dimension.terms)
    if len(others) != 1 or not _is_written(others[0]) or others[0].value == 1:
        return False
    return all(coefficient == 1 and others[0] in monomial for monomial, coefficient in dimension.terms)


def _is_written(symbol: Symbol) -> bool:
    """Whether somebody wrote *symbol* down as a batch size, or gives it as an argument of that name."""
    if symbol.role is Role.FIXED_BATCH:
        return True
    given = isinstance(symbol.identity, tuple) and symbol.identity[0] == "argument"
    return symbol.role is Role.SIZE and given and names_batch_size(symbol.name)


def quantity_of(value: Value) -> Quantity | None:
    """The quantity that *value* carries."""
    return value.quantity if isinstance(value, Number | Tensor) else None


def fixed_size(value: Value, loader: Loader | None) -> Integer | None:
    """*value* as a batch size of fixed origin: a named one, or the very number that *loader* has."""
    if not isinstance(value, Integer):
        return None
    if isinstance(value.dimension, int):
        size = None if loader is None or loader.batch_size is None else loader.batch_size.number
        literal = value.origin is None or value.origin.kind in (OriginKind.LITERAL, OriginKind.CONSTANT)
        return value if literal and size is not None and size == value.dimension > 1 else None
    symbols = symbols_of(value.dimension)
    only = next(iter(symbols)) if len(symbols) == 1 else None
    if only is None or not _is_written(only) or only.dimension() != value.dimension:
        return None
    return None if known_value(value.dimension) == 1 else value


def is_fixed_weight(quantity: Quantity) -> bool:
    """Whether *quantity* was multiplied with, or divided by, a batch size of fixed origin."""
    return quantity.weight is not None and fixed_size(quantity.weight, quantity.loader) is not None


def one_at_a_time(loader: Loader) -> bool:
    """Whether a batch is one sample (or one of the dataset's own batches): then batches and samples are as many."""
    return not loader.batches or (loader.batch_size is not None and loader.batch_size.number == 1)


def is_row_count(value: Value) -> bool:
    """Whether *value* is how many rows a batch has, read from the batch."""
    if not isinstance(value, Integer) or isinstance(value.dimension, int):
        return False
    if has_role(value.dimension, Role.BATCH):
        return True
    if has_role(value.dimension, Role.FIXED_BATCH):
        return False
    origin = value.origin
    return origin is not None and origin.kind is OriginKind.TENSOR and origin.name in (None, "axis 0")


# Made ----------------------------------------------------------------------------------------------------------------

_KINDS = {"mean": QuantityKind.MEAN, "sum": QuantityKind.SUM, "none": QuantityKind.EACH}


REDUCED: dict[str, QuantityKind] = {}
"""Losses whose reduction is always the same, by canonical name: filled by the frameworks that have such."""


def of_loss(ev: Evaluator, name: str, arguments: Mapping[str, Any], node: Any) -> Quantity | None:
    """The quantity that the loss *name* gives with these *arguments*, ``None`` where its reduction is not known."""
    if name in REDUCED:
        return Quantity(REDUCED[name], node, loader=ev.loop_loader())
    if name not in LOSSES:
        return None
    reduction = reduction_of(arguments)
    if reduction == "batchmean":
        reduction = "mean"
    kind = _KINDS.get(reduction or "")
    return None if kind is None else Quantity(kind, node, loader=ev.loop_loader())


_KEEPING = frozenset(
    "to cuda cpu float double half long int contiguous clone detach type abs squeeze view reshape flatten "
    "requires_grad_ unsqueeze cast identity stop_gradient expand_dims".split()
)


def of_operation(
    ev: Evaluator, last: str, tensor: Tensor, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Quantity | None:
    """The quantity of ``tensor.last(*arguments, **keywords)``."""
    quantity = tensor.quantity
    if last in _KEEPING:
        return quantity
    last = last.removeprefix("reduce_")
    if last not in ("sum", "mean"):
        return None
    if quantity is not None and quantity.kind is not QuantityKind.EACH:
        return quantity
    axes = arguments or tuple(value for name, value in keywords.items() if name in ("dim", "axis"))
    if quantity is not None:
        if axes and not any(isinstance(axis, Integer) and axis.dimension == 0 for axis in axes):
            return quantity
        return replace(quantity, kind=QuantityKind.SUM if last == "sum" else QuantityKind.MEAN)
    if axes or Source.LOADER not in tensor.sources:
        return None
    if last == "mean":
        return Quantity(QuantityKind.MEAN, node, loader=ev.loop_loader(), loss=False)
    if tensor.boolean:
        return Quantity(QuantityKind.SUM, node, loader=ev.loop_loader(), loss=False)
    return None


# Combined ------------------------------------------------------------------------------------------------------------


def combined(operator: str, left: Value, right: Value, node: Any) -> Quantity | None:
    """What a sum, product or quotient of a quantity is."""
    a, b = quantity_of(left), quantity_of(right)
    if operator in ("Add", "Subtract"):
        if a is not None and b is not None:
            return join_quantities(a, b)
        return None if _is_unknown_part(right if b is None else left) else a or b
    if operator == "Multiply":
        if a is not None:
            return _product(a, right, node)
        return None if b is None else _product(b, left, node)
    if operator == "Divide" and a is not None:
        return _quotient(a, right, node)
    return None


def _is_unknown_part(value: Value) -> bool:
    """Whether *value* is another part of a loss, of which it is not known how it was reduced."""
    return isinstance(value, Tensor) and bool(value.sources & {Source.LOADER, Source.INPUT})


def _product(quantity: Quantity, factor: Value, node: Any) -> Quantity | None:
    size = _batch_size(factor, quantity.loader)
    if size is not None:
        if quantity.kind is not QuantityKind.MEAN or quantity.weight is not None:
            return None
        return replace(quantity, kind=QuantityKind.SUM, weight=size, node=node)
    return quantity if _is_plain(factor) else None


def _batch_size(value: Value, loader: Loader | None) -> Integer | None:
    """*value* as the size of a batch, be it read from the batch or written down."""
    return value if isinstance(value, Integer) and is_row_count(value) else fixed_size(value, loader)


def _quotient(quantity: Quantity, divisor: Value, node: Any) -> Quantity | None:
    if quantity.accumulated:
        return quantity if _is_plain(divisor) else None
    size = _batch_size(divisor, quantity.loader)
    if size is not None:
        if quantity.kind is not QuantityKind.SUM or quantity.weight is not None:
            return None
        return replace(quantity, kind=QuantityKind.MEAN, weight=size, node=node)
    if _is_plain(divisor):
        return quantity
    counts = quantity.loader is not None and count_of(divisor, quantity.loader) is not None
    if counts and quantity.divided is None and isinstance(divisor, Integer):
        return replace(quantity, divided=Division(node, divisor))
    return None


def _is_plain(value: Value) -> bool:
    """Whether *value* is a number that has nothing to do with the batch."""
    if isinstance(value, Constant):
        return isinstance(value.value, int | float)
    return isinstance(value, Integer) and isinstance(value.dimension, int)


# Added up ------------------------------------------------------------------------------------------------------------


def accumulated(ev: Evaluator, value: Value, result: Value, node: Any) -> Value:
    """*result* of adding *value* to a total in a loop over a loader."""
    loader = ev.loop_loader()
    if loader is None:
        return result
    if isinstance(value, Integer):
        return _counted(ev, loader, value, result, node)
    quantity = quantity_of(value)
    if quantity is None or quantity.kind is QuantityKind.EACH:
        return result
    if not quantity.accumulated:
        quantity = replace(quantity, accumulated=True, loader=loader, training=_trains(ev))
    if isinstance(result, Tensor):
        return replace(result, quantity=quantity)
    return Number(quantity)


def _trains(ev: Evaluator) -> bool:
    """Whether the innermost loop over a loader takes steps of training."""
    if ev.evaluating:
        return False
    return any(loop.loader is not None and id(loop.node) in ev.training_loops for loop in ev.loops)


def _counted(ev: Evaluator, loader: Loader, value: Integer, result: Value, node: Any) -> Value:
    """A count of rows or batches after one more round of the loop."""
    if is_row_count(value):
        kind = _ROWS
    elif fixed_size(value, loader) is not None and not ev.guards:
        kind = _CONSTANT_ROWS
    elif value.dimension == 1 and ev.loops[-1].loader is not None and ev.loops[-1].conditions == len(ev.conditions):
        kind = _BATCHES
    else:
        return result
    name = "batches" if kind == _BATCHES else "samples"
    origin = Origin(OriginKind.DERIVED, None, node, value)
    return Integer(Symbol(name, identity=(kind, loader.identity)).dimension(), origin)


def total_of(ev: Evaluator, values: Value) -> Value | None:
    """``sum(values)`` of a list with one quantity a batch, ``None`` where it is something else.

    The loop that filled the list is not known any more, so it counts as one that trains.
    """
    if not isinstance(values, Repeated):
        return None
    quantity = quantity_of(values.item)
    if quantity is None or quantity.loader is None or quantity.kind is QuantityKind.EACH:
        return None
    if any(loop.loader is not None and loop.loader.identity == quantity.loader.identity for loop in ev.loops):
        return None
    return Number(replace(quantity, accumulated=True, training=True))
