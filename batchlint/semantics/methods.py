"""Methods of values that are no tensors: lists, dicts, strings, parsers, layers, loaders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.arithmetic import as_number
from batchlint.semantics.configuration import parser_method
from batchlint.semantics.layers import apply_chain, apply_layer
from batchlint.semantics.library import next_batch
from batchlint.semantics.pipelines import array_flow, pipeline_method
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Chain,
    Constant,
    Dataset,
    Dictionary,
    Feed,
    Integer,
    Layer,
    Loader,
    Origin,
    OriginKind,
    Partial,
    Repeated,
    Sequence,
    ShapeOf,
    Value,
    key_of,
    value_of_key,
)
from batchlint.shapes.dimension import product, unknown

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

Method = Callable[["Evaluator", Any, str, tuple[Value, ...], Mapping[str, Value], Any], Value]


def _sequence(
    ev: Evaluator, receiver: Sequence, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    if name == "numel" and receiver.kind == "shape":
        dims = [item.dimension for item in receiver.items if isinstance(item, Integer)]
        return Integer(product(dims), Origin(OriginKind.TENSOR))
    if name == "pop" and receiver.items:
        index = as_number(arguments[0]) if arguments else -1
        known = isinstance(index, int) and -len(receiver.items) <= index < len(receiver.items)
        return receiver.items[index] if known and isinstance(index, int) else UNKNOWN
    if name == "copy":
        return receiver
    if receiver.kind == "ModuleList":
        return UNKNOWN
    return NONE if name in ("append", "extend", "insert", "clear", "reverse", "sort", "remove") else UNKNOWN


def _repeated(
    ev: Evaluator, receiver: Repeated, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    return receiver.item if name in ("pop", "popleft") else UNKNOWN


def _dictionary(
    ev: Evaluator,
    receiver: Dictionary,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: Any,
) -> Value:
    if name in ("get", "pop", "setdefault") and arguments and key_of(arguments[0]) is not None:
        key = key_of(arguments[0])
        if key in receiver.items:
            return receiver.items[key]
        if receiver.complete and len(arguments) > 1:
            return arguments[1]
        return UNKNOWN
    if name == "values" and receiver.complete:
        return Sequence(tuple(receiver.items.values()), "list")
    if name == "keys" and receiver.complete:
        return Sequence(tuple(value_of_key(key) for key in receiver.items), "list")
    if name == "items" and receiver.complete:
        return Sequence(tuple(Sequence((value_of_key(k), v)) for k, v in receiver.items.items()), "list")
    if name == "copy":
        return receiver
    return UNKNOWN


def _layer(
    ev: Evaluator, receiver: Layer, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    if name in ("to", "cuda", "cpu", "train", "eval", "half", "float", "double", "apply", "requires_grad_"):
        return receiver
    if name in ("forward", "__call__"):
        return apply_layer(ev, receiver, arguments, keywords, node)
    return UNKNOWN


def _chain(
    ev: Evaluator, receiver: Chain, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    if name in ("to", "cuda", "cpu", "train", "eval", "half", "float", "double", "apply", "requires_grad_"):
        return receiver
    if name in ("forward", "__call__"):
        return apply_chain(ev, receiver, arguments, node)
    if name in ("children", "values") and receiver.complete:
        return Sequence(tuple(item for _, item in receiver.items), "list")
    return UNKNOWN


def _loader(
    ev: Evaluator, receiver: Loader, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    if receiver.feed is not Feed.DATA_LOADER:
        return pipeline_method(ev, receiver, name, arguments, keywords, node)
    if name in ("next", "__next__"):
        return next_batch(ev, receiver, node.func.value)
    return receiver if name in ("__iter__", "prefetch", "with_format") else UNKNOWN


def _dataset(
    ev: Evaluator, receiver: Dataset, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    return pipeline_method(ev, receiver, name, arguments, keywords, node) if receiver.pipeline else UNKNOWN


def _partial(
    ev: Evaluator, receiver: Partial, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    return array_flow(ev, receiver, name, arguments, keywords, node)


def _shape(
    ev: Evaluator, receiver: ShapeOf, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    return Integer(unknown(), Origin(OriginKind.TENSOR)) if name == "numel" else UNKNOWN


_STRING_METHODS = frozenset(
    """startswith endswith lower upper title capitalize strip lstrip rstrip replace split rsplit join format
    removeprefix removesuffix isdigit find count partition rpartition""".split()
)


def _constant(
    ev: Evaluator, receiver: Constant, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    if not isinstance(receiver.value, str):
        return parser_method(ev, receiver, name, arguments, keywords, node)
    given = [key_of(argument) for argument in arguments]
    if name not in _STRING_METHODS or keywords or None in given:
        return UNKNOWN
    try:
        return _plain(getattr(receiver.value, name)(*given))
    except (TypeError, ValueError, IndexError, KeyError, AttributeError):
        return UNKNOWN


def _plain(value: object) -> Value:
    """What a string's method gave."""
    if isinstance(value, tuple | list):
        return Sequence(tuple(map(_plain, value)), type(value).__name__)
    return value_of_key(value)


METHODS: dict[type[Value], Method] = {
    Sequence: _sequence,
    Repeated: _repeated,
    Dictionary: _dictionary,
    Layer: _layer,
    Chain: _chain,
    Loader: _loader,
    Dataset: _dataset,
    Partial: _partial,
    ShapeOf: _shape,
    Constant: _constant,
}
"""Type of the receiver to what its methods give."""
