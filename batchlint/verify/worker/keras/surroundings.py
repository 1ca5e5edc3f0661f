"""What the worker changes in Keras while the user's code runs: no downloads, no trained weights, no device."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras

from batchlint.verify.worker.changes import Change, changed, everywhere, refuse
from batchlint.verify.worker.keras.older import older_keras


@contextlib.contextmanager
def surroundings() -> Iterator[None]:
    """Install, for the block, what the user's code needs to run here: see `_changes`."""
    with changed(_changes()):
        yield


def _changes() -> Iterator[Change]:
    """Downloads fail at once; trained weights are left out; files of weights that are not there change nothing."""
    yield from everywhere()
    yield keras.utils, "get_file", refuse("keras.utils.get_file")
    for module in list(vars(keras.applications).values()):
        for name, value in list(vars(module).items()) if inspect.ismodule(module) else ():
            if inspect.isfunction(value) and "weights" in inspect.signature(value).parameters:
                yield module, name, _untrained(value)
    for name, value in list(vars(keras.applications).items()):
        if inspect.isfunction(value) and "weights" in inspect.signature(value).parameters:
            yield keras.applications, name, _untrained(value)
    really_load = keras.Model.load_weights

    def load_weights(self: Any, filepath: Any, *arguments: Any, **keywords: Any) -> Any:
        if not os.path.exists(os.fspath(filepath)):
            return None
        return really_load(self, filepath, *arguments, **keywords)

    yield keras.Model, "load_weights", load_weights
    yield from older_keras()
    if (tensorflow := sys.modules.get("tensorflow")) is not None:
        config = tensorflow.config.experimental
        yield config, "set_memory_growth", lambda *arguments, **keywords: None
        yield tensorflow.config, "set_visible_devices", lambda *arguments, **keywords: None
        symbolic = getattr(importlib.import_module("tensorflow.python.framework.ops"), "SymbolicTensor", None)
        if symbolic is not None:
            yield symbolic, "__len__", _length


def _length(tensor: Any) -> int:
    """How many there are along the first axis of a tensor in a graph: what AutoGraph made of ``len`` in Keras 2.

    Raises:
        TypeError: that is not known, as without this.
    """
    if tensor.shape.rank and tensor.shape[0] is not None:
        return int(tensor.shape[0])
    raise TypeError(f"len is not well defined for a symbolic Tensor ({tensor.name}) of unknown size")


def _untrained(make: Callable[..., Any]) -> Callable[..., Any]:
    """*make* without weights that would have to be downloaded."""

    def made(*arguments: Any, **keywords: Any) -> Any:
        given = inspect.signature(make).bind_partial(*arguments, **keywords)
        weights = given.arguments.get("weights", "imagenet")
        if not (isinstance(weights, str) and os.path.exists(weights)):
            given.arguments["weights"] = None
        return make(*given.args, **given.kwargs)

    return made
