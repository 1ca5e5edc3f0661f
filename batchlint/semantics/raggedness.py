"""Sequences of different lengths: which lists hold them for certain, and whether anything evens them out."""

from __future__ import annotations

import re
from typing import Any

from batchlint.semantics.elements import is_variable
from batchlint.semantics.syntax import kind, last_name, names_in, walk
from batchlint.semantics.values import Constant, Dataset, Dictionary, Integer, Number, Sequence, Tensor, Value

_EVENS_OUT = re.compile(r"pad|max_?len|trunc|bucket|resize|crop|ragged|trim|clip", re.IGNORECASE)
_PLAIN = ("list", "tuple")


def ragged_lengths(value: Value, stacks: bool) -> tuple[int, ...] | None:
    """The different lengths of the sequences that *value* lists, in order; ``None`` where they may all be one.

    *stacks*: whether the sequences become arrays first, so that numbers in the list are no sequences.
    """
    if not isinstance(value, Sequence) or value.kind not in _PLAIN or len(value.items) < 2:
        return None
    lengths = [_length(item) for item in value.items]
    known = [length for length in lengths if length is not None]
    if len(known) < 2 or len(set(known)) < 2 or (stacks and len(known) < len(lengths)):
        return None
    return tuple(dict.fromkeys(known)) if len(known) == len(lengths) else None


def _length(value: Value) -> int | None:
    """How many elements *value* has, ``None`` where that is not known or it is no sequence of numbers or words."""
    if isinstance(value, Tensor):
        first = value.shape.leading[0] if value.shape.exact and value.shape.leading else None
        return first if isinstance(first, int) else None
    if isinstance(value, Sequence) and value.kind in _PLAIN and all(map(_is_plain, value.items)):
        return len(value.items)
    return None


def _is_plain(value: Value) -> bool:
    if isinstance(value, Constant):
        return isinstance(value.value, int | float | str) and not isinstance(value.value, bool)
    if isinstance(value, Sequence):
        return value.kind in _PLAIN and all(map(_is_plain, value.items))
    return isinstance(value, Integer | Number)


def may_be_padded(call: Any, scope: Any) -> bool:
    """Whether *scope* may even out what *call* is given in a way that values do not show, or expects it to fail.

    It walks the list and changes what it finds there, or hands the list to a function whose result it does not use.
    """
    given = {name for argument in call.args[:1] for name in names_in(argument.value)}
    for part in walk(scope):
        what = kind(part)
        if what == "Try" and any(each is call for each in walk(part.body)):
            return True
        if what == "With" and last_name(part.items[0].item).startswith("raises"):
            return True
        if what == "For" and names_in(part.iter) & given and _changes_something(part.body):
            return True
        if what == "Expr" and kind(part.value) == "Call" and part.value is not call:
            handed = {name for argument in part.value.args for name in names_in(argument.value)}
            if handed & given and last_name(part.value.func) not in ("print", "len"):
                return True
    return False


def _changes_something(body: Any) -> bool:
    for part in walk(body):
        what = kind(part)
        if what == "AugAssign" or (what == "Assign" and any(kind(t.target) == "Subscript" for t in part.targets)):
            return True
        if what == "Call" and last_name(part.func) in ("append", "extend", "insert", "pop", "remove"):
            return True
    return False


def declared_lengths(pipeline: Dataset) -> bool:
    """Whether the elements of *pipeline* are declared to differ in size, by a generator that does not even them out."""
    if pipeline.samples is None or not _has_open_size(pipeline.samples):
        return False
    node = pipeline.node
    return kind(node) == "Call" and not any(_EVENS_OUT.search(name) for name in names_in(node))


def _has_open_size(value: Value) -> bool:
    if isinstance(value, Tensor):
        return any(is_variable(dimension) for dimension in value.shape.leading)
    if isinstance(value, Sequence):
        return any(map(_has_open_size, value.items))
    return isinstance(value, Dictionary) and any(map(_has_open_size, value.items.values()))
