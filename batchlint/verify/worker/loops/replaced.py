"""Functions that answer otherwise while a loop is run: data sources give stand-ins, side effects do nothing."""

from __future__ import annotations

import builtins
import copy
import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from batchlint.verify.worker.loops.deliveries import note_empty
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.operations import apply, joined
from batchlint.verify.worker.loops.standins import StandIn, holds_standin, rows_of
from batchlint.verify.worker.loops.world import World


def _nothing(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return None


def _assumed(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return world.truth


def _source(name: str) -> Callable[..., Any]:
    return lambda world, arguments, keywords: StandIn(world, name)


def _first(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
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


def _made(function: Any) -> Callable[..., Any]:
    def make(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        found = _tensor(world, arguments, keywords)
        if found is not None:
            return found
        if holds_standin(arguments):
            return apply(world, function.__name__, arguments, keywords)
        return function(*arguments, **{**keywords, **({"device": "cpu"} if "device" in keywords else {})})

    return make


def _isinstance(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    value, of = arguments
    wanted = of if isinstance(of, tuple) else (of,)
    if isinstance(value, StandIn):
        return any(each in (torch.Tensor, np.ndarray) for each in wanted)
    if isinstance(value, RowLoader):
        return torch.utils.data.DataLoader in wanted
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


def _dataset(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    if not holds_standin(arguments):
        return torch.utils.data.TensorDataset(*arguments)
    given = [each for each in arguments if isinstance(each, StandIn)]
    return given[0]._bl_like("dataset") if given[0]._bl_known() else StandIn(world, "dataset")


def _subset(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    dataset = arguments[0] if arguments else keywords.get("dataset")
    indices = arguments[1] if len(arguments) > 1 else keywords.get("indices")
    if isinstance(indices, StandIn) and indices._bl_known():
        return StandIn(world, "subset", ids=indices._bl_rows())
    if isinstance(indices, StandIn) or indices is None:
        return StandIn(world, "subset")
    ids = np.asarray([int(each) for each in indices], dtype=np.int64)
    return StandIn(world, "subset", ids=ids, source=world.source()) if isinstance(dataset, StandIn) else list(indices)


def _random_split(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    lengths = arguments[1] if len(arguments) > 1 else keywords.get("lengths", ())
    if not isinstance(lengths, list | tuple):
        return [StandIn(world, "split"), StandIn(world, "split")]
    try:
        total = len(arguments[0])
    except TypeError:
        total = world.rows
    parts, start = [], 0
    for length in lengths:
        count = round(length * total) if isinstance(length, float) else int(length)
        parts.append(StandIn(world, "split", ids=np.arange(start, start + count), source=world.source()))
        start += count
    return parts


def _loader(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return RowLoader(*arguments, **keywords)


def _sampler(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    indices = arguments[0] if arguments else keywords.get("indices")
    if isinstance(indices, StandIn):
        return indices._bl_like("sampler")
    return torch.utils.data.SubsetRandomSampler(indices if indices is not None else [])


def _whole_sampler(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return StandIn(world, "sampler")


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
    builtins.print: _nothing,
    builtins.input: lambda world, arguments, keywords: "",
    builtins.open: _source("file"),
    builtins.isinstance: _isinstance,
    builtins.float: _number(float),
    builtins.int: _number(int),
    builtins.round: _number(round),
    builtins.sum: _folded(sum),
    builtins.max: _folded(max),
    builtins.min: _folded(min),
    builtins.abs: _folded(abs),
    builtins.range: _ranged,
    torch.tensor: _made(torch.tensor),
    torch.as_tensor: _made(torch.as_tensor),
    torch.from_numpy: _made(torch.from_numpy),
    torch.Tensor: _made(torch.Tensor),
    torch.FloatTensor: _made(torch.FloatTensor),
    torch.LongTensor: _made(torch.LongTensor),
    np.array: _made(np.array),
    np.asarray: _made(np.asarray),
    torch.autograd.Variable: _first,
    nn.DataParallel: _first,
    torch.compile: _first,
    torch.device: lambda world, arguments, keywords: torch.device("cpu"),
    torch.utils.data.DataLoader: _loader,
    torch.utils.data.TensorDataset: _dataset,
    torch.utils.data.Subset: _subset,
    torch.utils.data.random_split: _random_split,
    torch.utils.data.ConcatDataset: _source("dataset"),
    torch.utils.data.SubsetRandomSampler: _sampler,
    torch.utils.data.RandomSampler: _whole_sampler,
    torch.utils.data.SequentialSampler: _whole_sampler,
    torch.utils.data.WeightedRandomSampler: _whole_sampler,
    torch.utils.data.DistributedSampler: _whole_sampler,
    os.path.exists: _assumed,
    os.path.isfile: _assumed,
    os.path.isdir: _assumed,
    torch.load: _source("loaded"),
    torch.save: _nothing,
    np.load: _source("loaded"),
    np.loadtxt: _source("loaded"),
    np.genfromtxt: _source("loaded"),
    np.fromfile: _source("loaded"),
    np.save: _nothing,
    np.savez: _nothing,
    np.savetxt: _nothing,
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
        found = _TABLE.get(function)
    except TypeError:
        return None
    if found is not None:
        return found
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", "")
    if module in _INERT_MODULES:
        names = _INERT_MODULES[module]
        if names is None or name in names:
            return _source(name) if inspect.isroutine(function) or isinstance(function, type) else None
    return None
