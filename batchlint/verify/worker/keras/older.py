"""What Keras 2 took and Keras 3 refuses, for code that is written so: nothing of it depends on the batch size."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras

from batchlint.verify.worker.changes import Change


def older_keras() -> Iterator[Change]:
    """Changes that let layers be made and called as they once were.

    ``add_weight("kernel", [3, 4])`` and ``add_variable``, ``layer(x, False)`` for a mode that is not named, a name
    that is given to ``Layer.__init__`` by position, and one with a ``/``; the functions of ``keras.backend`` that went,
    ``variable.get_shape()``, ``layer.add_update(...)``, ``keras.ops.image.resize(image=...)``.
    """
    yield from _about_functions()
    kind = keras.layers.Layer
    really_add, really_call, really_make = kind.add_weight, kind.__call__, kind.__init__

    def add_weight(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if arguments and isinstance(arguments[0], str):
            keywords.setdefault("name", arguments[0])
            arguments = arguments[1:]
        if not isinstance(keywords.get("aggregation", "none"), str):
            del keywords["aggregation"]
        for unknown in ("use_resource", "partitioner", "synchronization", "getter"):
            keywords.pop(unknown, None)
        return really_add(self, *arguments, **keywords)

    def call(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if any(isinstance(each, bool | int | float | str) for each in arguments[1:]):
            arguments, keywords = _by_name(self, arguments, keywords)
        return really_call(self, *arguments, **keywords)

    def make(self: Any, *arguments: Any, **keywords: Any) -> None:
        for value in arguments:
            keywords.setdefault("name" if isinstance(value, str) else "trainable", value)
        for unknown in ("dynamic", "experimental_autocast"):
            keywords.pop(unknown, None)
        if isinstance(keywords.get("name"), str):
            keywords["name"] = keywords["name"].replace("/", "_")
        really_make(self, **keywords)

    yield kind, "_compute_dtype", property(lambda self: self.compute_dtype)
    yield kind, "add_weight", add_weight
    yield kind, "add_variable", add_weight
    yield kind, "__call__", call
    yield kind, "__init__", make


def _by_name(
    layer: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """*arguments* with those that are no tensors by their names."""
    try:
        names = list(inspect.signature(layer.call).parameters)
    except (TypeError, ValueError):
        return arguments, keywords
    kept: list[Any] = []
    named = dict(keywords)
    for number, value in enumerate(arguments):
        plain = isinstance(value, bool | int | float | str | None)
        if number < len(names) and (len(kept) < number or (number and plain)):
            named.setdefault(names[number], value)
        else:
            kept.append(value)
    return tuple(kept), named


def _about_functions() -> Iterator[Change]:
    kind = keras.layers.Layer
    if not hasattr(kind, "add_update"):
        # What is given was computed where it was called, and changes what it changes then.
        yield kind, "add_update", lambda self, updates=None, inputs=None: None
    if not hasattr(keras.Variable, "get_shape"):
        yield keras.Variable, "get_shape", _shape
    for name in ("keras.ops.image", "keras._tf_keras.keras.ops.image"):
        module = sys.modules.get(name)
        for attribute, value in list(vars(module).items()) if module is not None else ():
            if inspect.isfunction(value) and next(iter(inspect.signature(value).parameters), "") == "images":
                yield module, attribute, _of_image(value)
    try:
        legacy = importlib.import_module("keras.src.legacy.backend")
    except ImportError:  # it went as well
        return
    for name, value in list(vars(legacy).items()):
        if inspect.isfunction(value) and not name.startswith("_") and not hasattr(keras.backend, name):
            yield keras.backend, name, value


def _shape(variable: Any) -> Any:
    tensorflow = sys.modules.get("tensorflow")
    return tuple(variable.shape) if tensorflow is None else tensorflow.TensorShape(variable.shape)


def _of_image(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, whose first parameter was once called ``image``."""

    @functools.wraps(function)
    def called(*arguments: Any, **keywords: Any) -> Any:
        if "image" in keywords:
            keywords["images"] = keywords.pop("image")
        return function(*arguments, **keywords)

    return called
