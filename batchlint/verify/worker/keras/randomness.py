"""Random operations with fixed values, as `batchlint.verify.worker.randomness` has them for torch."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

MIDDLE = 0.5

_NORMAL = ("normal", "truncated_normal", "stateless_normal", "stateless_truncated_normal", "random_normal",
           "truncated_random_normal")  # fmt: skip
_UNIFORM = ("uniform", "stateless_uniform", "random_uniform")


@contextlib.contextmanager
def neutralised() -> Iterator[None]:
    """Have random operations of Keras, TensorFlow and NumPy give fixed values, and dropout nothing but its input."""
    with contextlib.ExitStack() as stack:
        for holder, name, value in _changes():
            stack.callback(setattr, holder, name, getattr(holder, name))
            setattr(holder, name, value)
        yield


def _changes() -> Iterator[tuple[Any, str, Any]]:
    backend = importlib.import_module(f"keras.src.backend.{keras.backend.backend()}.random")
    for holder in (backend, keras.random):
        for name in _NORMAL:
            yield from _changed(holder, name, _filled_normal)
        for name in _UNIFORM:
            yield from _changed(holder, name, _filled_uniform)
        yield from _changed(holder, "dropout", lambda inputs, *arguments, **keywords: inputs)
        yield from _changed(holder, "randint", lambda shape, minval=0, *_, dtype="int32", **__: _full(
            shape, minval, dtype))  # fmt: skip
        yield from _changed(holder, "shuffle", lambda x, *arguments, **keywords: x)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        for holder in (tensorflow.random, tensorflow.compat.v1.random):
            for name in _NORMAL:
                yield from _changed(holder, name, _filled_normal)
            for name in _UNIFORM:
                yield from _changed(holder, name, _filled_uniform)
            yield from _changed(holder, "shuffle", lambda value, *arguments, **keywords: value)
        yield from _changed(tensorflow.nn, "dropout", lambda x, *arguments, **keywords: x)
    numpy = sys.modules["numpy"].random
    yield numpy, "rand", lambda *shape: np.full(shape, MIDDLE)
    yield numpy, "randn", lambda *shape: np.full(shape, MIDDLE)
    yield numpy, "normal", lambda loc=0.0, scale=1.0, size=None: np.full(size or (), loc + MIDDLE * scale)
    yield numpy, "uniform", lambda low=0.0, high=1.0, size=None: np.full(size or (), (low + high) / 2)


def _changed(holder: Any, name: str, value: Callable[..., Any]) -> Iterator[tuple[Any, str, Any]]:
    if hasattr(holder, name):
        yield holder, name, value


def _full(shape: Any, value: Any, dtype: Any) -> Any:
    dtype = getattr(dtype, "name", dtype) or keras.config.floatx()
    return keras.ops.full(shape, value, dtype=dtype) if not _symbolic(shape) else _filled_symbolic(shape, value, dtype)


def _symbolic(shape: Any) -> bool:
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return False
    parts = shape if isinstance(shape, tuple | list) else [shape]
    return any(isinstance(each, tensorflow.Tensor) for each in parts)


def _filled_symbolic(shape: Any, value: Any, dtype: Any) -> Any:
    tensorflow = sys.modules["tensorflow"]
    return tensorflow.fill(shape, tensorflow.cast(value, dtype))


def _filled_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, **_: Any) -> Any:
    return _full(shape, mean + MIDDLE * stddev, dtype)


def _filled_uniform(shape: Any, minval: Any = 0.0, maxval: Any = None, dtype: Any = None, **_: Any) -> Any:
    high = 1.0 if maxval is None else maxval
    whole = "int" in str(getattr(dtype, "name", dtype))
    return _full(shape, minval if whole else (minval + high) / 2, dtype)
