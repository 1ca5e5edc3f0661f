"""Functions that answer otherwise while a loop is run: data sources give stand-ins, side effects do nothing."""

from __future__ import annotations

import builtins
import copy
import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from batchlint.verify.worker.loops.deliveries import note_empty
from batchlint.verify.worker.loops.frameworks import Handler, framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.operations import apply, joined
from batchlint.verify.worker.loops.standins import StandIn, holds_standin, rows_of
from batchlint.verify.worker.loops.world import World


def nothing(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Answers with nothing."""
    return None


def _assumed(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return world.truth


def source(name: str) -> Handler:
    """Answers with a stand-in called *name*."""
    return lambda world, arguments, keywords: StandIn(world, name)


def first(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Answers with the first argument."""
    if arguments:
        return arguments[0]
    return next(iter(keywords.values()), None)


def _tensor(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    given = arguments[0] if arguments else None
    if isinstance(given, StandIn):
        note_empty(world, arguments)
        return given
    if isinstance(given, list | tuple) and holds_standin(given):
        return joined(given, world) or StandIn(world, "tensor", ids=rows_of(given))
    return None


def array_made(function: Any) -> Handler:
    """Answers in place of what makes an array or tensor: stand-ins keep their rows."""

    def make(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        found = _tensor(world, arguments, keywords)
        if found is not None:
            return found
        if holds_standin(arguments):
            return apply(world, function.__name__, arguments, keywords)
        return function(*arguments, **keywords)

    return make


def _isinstance(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    value, of = arguments
    wanted = of if isinstance(of, tuple) else (of,)
    known = framework().is_like(world, value, wanted)
    if known is not None:
        return known
    if isinstance(value, StandIn | RowLoader):
        return isinstance(value, StandIn) and np.ndarray in wanted
    return any(isinstance(each, type) and isinstance(value, each) for each in wanted)


def _number(function: Any) -> Callable[..., Any]:
    def convert(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if arguments and isinstance(arguments[0], StandIn):
            return arguments[0]
        return function(*arguments, **keywords)

    return convert


def _folded(function: Any) -> Callable[..., Any]:
    def fold(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if len(arguments) == 1 and isinstance(arguments[0], StandIn):
            return apply(world, function.__name__, arguments, keywords)
        return function(*arguments, **keywords)

    return fold


def _ranged(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return range(*arguments)


def _deep_copy(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    try:
        return copy.deepcopy(arguments[0])
    except Exception:
        return arguments[0]


def _leave(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    raise SystemExit


_TABLE: dict[Any, Callable[[World, tuple[Any, ...], dict[str, Any]], Any]] = {
    builtins.print: nothing,
    builtins.input: lambda world, arguments, keywords: "",
    builtins.open: source("file"),
    builtins.isinstance: _isinstance,
    builtins.float: _number(float),
    builtins.int: _number(int),
    builtins.round: _number(round),
    builtins.sum: _folded(sum),
    builtins.max: _folded(max),
    builtins.min: _folded(min),
    builtins.abs: _folded(abs),
    builtins.range: _ranged,
    np.array: array_made(np.array),
    np.asarray: array_made(np.asarray),
    os.path.exists: _assumed,
    os.path.isfile: _assumed,
    os.path.isdir: _assumed,
    np.load: source("loaded"),
    np.loadtxt: source("loaded"),
    np.genfromtxt: source("loaded"),
    np.fromfile: source("loaded"),
    np.save: nothing,
    np.savez: nothing,
    np.savetxt: nothing,
    copy.deepcopy: _deep_copy,
}
_INERT_MODULES: dict[str, frozenset[str] | None] = {
    "os": frozenset({"makedirs", "mkdir", "remove", "rename", "system", "rmdir", "unlink", "listdir", "walk", "chdir"}),
    "posix": frozenset({"mkdir", "remove", "rename", "system", "rmdir", "unlink", "listdir", "chdir", "scandir"}),
    "shutil": None,
    "subprocess": None,
    "glob": None,
    "json": frozenset({"load", "dump"}),
    "pickle": None,
    "_pickle": None,
    "csv": None,
    "_csv": None,
    "gzip": None,
    "tarfile": None,
    "zipfile": None,
    "urllib.request": None,
    "logging": None,
    "warnings": None,
    "time": frozenset({"sleep"}),
    "pathlib": frozenset({"mkdir", "write_text", "write_bytes", "unlink", "touch", "open", "read_text", "iterdir"}),
}


def handler_of(function: Any) -> Callable[[World, tuple[Any, ...], dict[str, Any]], Any] | None:
    """What answers in place of *function*, `None` where it answers itself."""
    try:
        found = framework().replaced.get(function) or _TABLE.get(function)
    except TypeError:
        return None
    if found is not None:
        return found
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", "")
    if module in _INERT_MODULES:
        names = _INERT_MODULES[module]
        if names is None or name in names:
            return source(name) if inspect.isroutine(function) or isinstance(function, type) else None
    return None
