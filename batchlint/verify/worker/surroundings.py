"""What the worker changes in torch while the user's code runs: no device that is absent, no downloads."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import torch

from batchlint.verify.worker.changes import Change, NoWeights, changed, everywhere, refuse


@contextlib.contextmanager
def surroundings(device: str = "cpu") -> Iterator[None]:
    """Install, for the block, what the user's code needs to run here.

    Downloads fail at once, with a sentence; trained weights that are not there are not loaded; command lines are parsed
    as empty, with something sensible for what is required. Where *device* is no CUDA device, ``.cuda()`` gives back
    what it is called on, ``torch.cuda.FloatTensor`` is ``torch.FloatTensor``, and waiting for a device does nothing.
    """
    with changed(_changes(not device.startswith("cuda"))):
        yield


def _changes(on_cpu: bool) -> Iterator[Change]:
    yield from _about_downloads()
    yield from everywhere()
    if on_cpu:
        yield from _about_cuda()


def _about_cuda() -> Iterator[Change]:
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


def _about_downloads() -> Iterator[Change]:
    really_load, really_load_state = torch.load, torch.nn.Module.load_state_dict

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
    yield torch, "load", load
    yield torch.nn.Module, "load_state_dict", load_state_dict
