"""Dataclasses to JSON and back, checked: what a worker sends is never unpickled, and is refused unless it fits."""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


class Malformed(ValueError):
    """What came is not what was expected."""


def to_plain(value: Any) -> Any:
    """*value*, a dataclass or a part of one, as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: to_plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


def from_plain(kind: type[T], plain: Any) -> T:
    """The *kind* that `to_plain` made *plain* from.

    Raises:
        Malformed: *plain* is something else.
    """
    result: T = _read(kind, plain, kind.__name__)
    return result


def _read(kind: Any, plain: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(kind, plain, where)
    if origin is tuple:
        return _read_tuple(kind, plain, where)
    if kind is Any:
        return plain
    if kind is type(None):
        if plain is not None:
            raise Malformed(f"{where}: expected null")
        return None
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(plain)
        except ValueError:
            raise Malformed(f"{where}: {plain!r} is no {kind.__name__}") from None
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, plain, where)
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        raise Malformed(f"{where}: expected {getattr(kind, '__name__', kind)}")
    return plain


def _read_union(kind: Any, plain: Any, where: str) -> Any:
    for choice in typing.get_args(kind):
        try:
            return _read(choice, plain, where)
        except Malformed:
            continue
    raise Malformed(f"{where}: {plain!r:.60} is none of {kind}")


def _read_tuple(kind: Any, plain: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(plain, list):
        raise Malformed(f"{where}: expected a list")
    kinds = typing.get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_read(kinds[0], item, f"{where}[{index}]") for index, item in enumerate(plain))
    if len(kinds) != len(plain):
        raise Malformed(f"{where}: expected {len(kinds)} items")
    return tuple(_read(each, item, f"{where}[{index}]") for index, (each, item) in enumerate(zip(kinds, plain)))


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read_dataclass(kind: Any, plain: Any, where: str) -> Any:
    if not isinstance(plain, dict):
        raise Malformed(f"{where}: expected an object")
    hints = _hints(kind)
    unknown = plain.keys() - hints.keys()
    if unknown:
        raise Malformed(f"{where}: unknown {sorted(unknown)[0]!r}")
    try:
        return kind(**{name: _read(hints[name], item, f"{where}.{name}") for name, item in plain.items()})
    except TypeError as error:
        raise Malformed(f"{where}: {error}") from None
