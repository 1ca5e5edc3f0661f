"""Command-line arguments and configuration objects: where batch sizes are written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics import library
from batchlint.semantics.flags import FLAG
from batchlint.semantics.values import (
    FALSE,
    NONE,
    TRUE,
    UNKNOWN,
    BoundMethod,
    Constant,
    Dictionary,
    Integer,
    OriginKind,
    Sequence,
    Value,
    integer,
    new_identity,
)

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

PARSER = "argument parser"


def _parser(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    identity = new_identity()
    ev.memory[(PARSER, identity)] = Dictionary({}, "namespace", False)
    return Constant((PARSER, identity))


def parser_method(
    ev: Evaluator,
    receiver: Constant,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: Any,
) -> Value:
    """``parser.add_argument(...)``, ``parser.parse_args()`` and their kin."""
    key = receiver.value
    if not (isinstance(key, tuple) and key and key[0] == PARSER):
        return UNKNOWN
    if name == "add_argument":
        _declare(ev, key, arguments, keywords, node)
        return UNKNOWN
    namespace = ev.memory.get(key, UNKNOWN)
    if name == "set_defaults":
        for destination, value in keywords.items():
            _set(ev, key, destination, value, node)
        return NONE
    if name == "parse_args":
        return namespace
    if name == "parse_known_args":
        return Sequence((namespace, UNKNOWN))
    if name in ("add_argument_group", "add_mutually_exclusive_group"):
        return receiver
    return UNKNOWN


def _declare(ev: Evaluator, key: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any) -> None:
    flags = [a.value for a in arguments if isinstance(a, Constant) and isinstance(a.value, str)]
    destination = keywords.get("dest")
    if isinstance(destination, Constant) and isinstance(destination.value, str):
        name = destination.value
    else:
        long_flags = [flag for flag in flags if flag.startswith("--")] or flags
        if not long_flags:
            return
        name = long_flags[0].lstrip("-").replace("-", "_")
    action = keywords.get("action")
    value = keywords.get("default", UNKNOWN)
    if isinstance(action, Constant) and "default" not in keywords:
        # The user may give the flag or not.
        value = UNKNOWN if action.value in ("store_true", "store_false") else value
    if isinstance(value, Constant) and isinstance(value.value, bool):
        value = UNKNOWN
    _set(ev, key, name, value, node)


def _set(ev: Evaluator, key: Any, name: str, value: Value, node: Any) -> None:
    if isinstance(value, Integer):
        value = ev.named(name, value, node, OriginKind.CONFIGURATION)
        if isinstance(value, Integer) and isinstance(value.dimension, int):
            value = integer(value.dimension, node)
    if value is UNKNOWN:
        # Given on the command line only.
        value = ev.configured(name, node) or UNKNOWN
    namespace = ev.memory.get(key)
    items = dict(namespace.items) if isinstance(namespace, Dictionary) else {}
    items[name] = value
    ev.memory[key] = Dictionary(items, "namespace", False)


def _define_flag(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """``flags.DEFINE_integer("batch_size", 128, "...")``."""
    given = {**dict(zip(("name", "default"), arguments)), **keywords}
    name, value = given.get("name", UNKNOWN), given.get("default", UNKNOWN)
    if isinstance(name, Constant) and isinstance(name.value, str):
        if isinstance(value, Integer):
            value = ev.named(name.value, value, node, OriginKind.CONFIGURATION)
        elif isinstance(value, Constant) and (isinstance(value.value, bool) or value.value is None):
            value = UNKNOWN
        ev.memory[(FLAG, name.value)] = value
    return UNKNOWN


_FLAGS = ("tensorflow.app.flags", "tensorflow.flags", "absl.flags", "gflags")
_KINDS = ("integer", "float", "string", "bool", "boolean", "enum", "list")
library.handles(*(f"{module}.DEFINE_{kind}" for module in _FLAGS for kind in _KINDS))(_define_flag)
library.handles("argparse.ArgumentParser", "configargparse.ArgumentParser", "configargparse.ArgParser")(_parser)

__all__ = ["FALSE", "TRUE", "BoundMethod", "parser_method"]
