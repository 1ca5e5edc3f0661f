"""What the worker changes in the framework while the user's code runs: no device that is absent, no downloads."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch


class NotDownloaded(Exception):
    """The code wants something from the network."""


class NoWeights(dict[Any, Any]):
    """In place of trained weights that were not read: the same under every name, and loading it changes nothing."""

    def __missing__(self, key: Any) -> Any:
        return NoWeights()


@contextlib.contextmanager
def surroundings(device: str = "cpu") -> Iterator[None]:
    """Install, for the block, what the user's code needs to run here.

    Downloads fail at once, with a sentence; trained weights that are not there are not loaded; command lines are parsed
    as empty, with something sensible for what is required. Where *device* is no CUDA device, ``.cuda()`` gives back
    what it is called on, ``torch.cuda.FloatTensor`` is ``torch.FloatTensor``, and waiting for a device does nothing.
    """
    with contextlib.ExitStack() as stack:
        for holder, name, value in _changes(not device.startswith("cuda")):
            stack.callback(_restore, holder, name, holder.__dict__.get(name, _ABSENT))
            setattr(holder, name, value)
        yield


_ABSENT = object()


def _restore(holder: Any, name: str, value: Any) -> None:
    if value is _ABSENT:
        delattr(holder, name)
    else:
        setattr(holder, name, value)


def _changes(on_cpu: bool) -> Iterator[tuple[Any, str, Any]]:
    yield from _about_downloads()
    yield from _about_command_lines()
    yield from _about_old_names()
    if on_cpu:
        yield from _about_cuda()


def _about_cuda() -> Iterator[tuple[Any, str, Any]]:
    def itself(self: Any, *arguments: Any, **keywords: Any) -> Any:
        return self

    def nothing() -> Callable[..., None]:
        # One function each: the framework keeps tables by function, and refuses one that stands in two places.
        return lambda *arguments, **keywords: None

    class Undistributed:
        """In place of wrappers that need a group of processes: gives back the model."""

        def __new__(cls, module: Any = None, *arguments: Any, **keywords: Any) -> Any:
            return module

    yield torch.nn.parallel, "DistributedDataParallel", Undistributed
    yield torch.Tensor, "cuda", itself
    yield torch.nn.Module, "cuda", itself
    for name in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"):
        yield torch.cuda, f"{name}Tensor", getattr(torch, f"{name}Tensor")
    for name in ("synchronize", "set_device", "empty_cache", "reset_peak_memory_stats"):
        yield torch.cuda, name, nothing()
    yield torch.cuda, "current_device", lambda: torch.device("cpu")


def _about_old_names() -> Iterator[tuple[Any, str, Any]]:
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        old = {
            "float": float,
            "int": int,
            "bool": bool,
            "object": object,
            "str": str,
            "Inf": numpy.inf,
            "NaN": numpy.nan,
        }
        for name, value in {**old, "float_": numpy.float64, "product": numpy.prod}.items():
            if name not in numpy.__dict__:
                yield numpy, name, value


def _about_downloads() -> Iterator[tuple[Any, str, Any]]:
    import urllib.request

    really_load, really_load_state = torch.load, torch.nn.Module.load_state_dict

    def refuse(what: str) -> Callable[..., Any]:
        def refused(*arguments: Any, **keywords: Any) -> Any:
            raise NotDownloaded(f"{what} would download something, which is not allowed here")

        return refused

    def load(file: Any, *arguments: Any, **keywords: Any) -> Any:
        if isinstance(file, str | os.PathLike) and not os.path.exists(file):
            return NoWeights()
        return really_load(file, *arguments, **keywords)

    def load_state_dict(self: Any, state_dict: Any, *arguments: Any, **keywords: Any) -> Any:
        if not state_dict:
            return types.SimpleNamespace(missing_keys=[], unexpected_keys=[])
        return really_load_state(self, state_dict, *arguments, **keywords)

    def no_weights(*arguments: Any, **keywords: Any) -> NoWeights:
        return NoWeights()

    fetch = torch.hub.load_state_dict_from_url
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        for name in ("load_state_dict_from_url", "load_url"):
            if names.get(name) is fetch:
                yield module, name, no_weights
    yield torch.hub, "load", refuse("torch.hub.load")
    yield torch.hub, "download_url_to_file", refuse("torch.hub.download_url_to_file")
    yield urllib.request, "urlopen", refuse("urllib.request.urlopen")
    yield urllib.request, "urlretrieve", refuse("urllib.request.urlretrieve")
    yield torch, "load", load
    yield torch.nn.Module, "load_state_dict", load_state_dict


def _about_command_lines() -> Iterator[tuple[Any, str, Any]]:
    really_parse = argparse.ArgumentParser.parse_known_args

    def parse_known_args(self: Any, args: Any = None, namespace: Any = None) -> Any:
        """As with an empty command line; what is required gets something of its type."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                chosen = next(iter(action.choices.values()), None)
                if chosen is not None:
                    namespace, _ = parse_known_args(chosen, [], namespace)
            elif action.required and action.default is None:
                action.default = _something(action)
            action.required = False
        for group in self._mutually_exclusive_groups:
            group.required = False
        try:
            return really_parse(self, [], namespace)
        except SystemExit:
            defaults = {action.dest: action.default for action in self._actions if action.dest != "help"}
            return argparse.Namespace(**defaults), []

    def parse_args(self: Any, args: Any = None, namespace: Any = None) -> Any:
        return parse_known_args(self, args, namespace)[0]

    yield argparse.ArgumentParser, "parse_known_args", parse_known_args
    yield argparse.ArgumentParser, "parse_args", parse_args


def _something(action: argparse.Action) -> Any:
    """A value for an argument that has no default."""
    if action.choices:
        value: Any = next(iter(action.choices))
    elif action.type is int:
        value = 4
    elif action.type is float:
        value = 0.1
    elif action.nargs == 0:
        value = False
    else:
        value = action.dest
    return [value] if action.nargs in ("+", "*") or (isinstance(action.nargs, int) and action.nargs > 1) else value
