"""What runs leave behind in a model of Keras or TensorFlow, put back: states, statistics, attributes."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from batchlint.verify.worker.keras.arrays import to_array
from batchlint.verify.worker.keras.framework import parts_of

Undo = Callable[[], object]

MAXIMUM_TRAINABLE = 1 << 20
"""Elements of a trainable variable beyond which a run is not taken to write to it."""


@contextlib.contextmanager
def preserved_process() -> Iterator[None]:
    """Put back random number generators and the type of real numbers."""
    python_state, numpy_state, floatx = random.getstate(), np.random.get_state(), keras.config.floatx()
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        keras.config.set_floatx(floatx)


@contextlib.contextmanager
def preserved_model(model: Any) -> Iterator[None]:
    """Put back the variables and attributes of a model's parts."""
    undo = [each for _, part in parts_of(model) for each in _part_state(part)]
    undo += [each for variable in variables_of(model) if (each := _value(variable)) is not None]
    try:
        yield
    finally:
        for each in undo:
            each()


def variables_of(model: Any) -> list[Any]:
    """All variables of a model, also those that a layer holds without having been told."""
    found: dict[int, Any] = {}
    for _, part in parts_of(model):
        for name in ("variables", "_trainable_variables", "_non_trainable_variables"):
            with contextlib.suppress(Exception):
                found.update((id(each), each) for each in getattr(part, name, ()))
        for value in list(vars(part).values()):
            items = value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else [value]
            found.update((id(each), each) for each in items if _is_variable(each))
    return list(found.values())


def _is_variable(value: Any) -> bool:
    return hasattr(value, "assign") and hasattr(value, "shape") and hasattr(value, "dtype")


def _value(variable: Any) -> Undo | None:
    try:
        if isinstance(variable, keras.Variable) and variable.trainable and np.prod(variable.shape) > MAXIMUM_TRAINABLE:
            return None
        before = numbers_of(variable)
    except Exception:
        return None

    def restore() -> None:
        with contextlib.suppress(Exception):
            if not np.array_equal(numbers_of(variable), before, equal_nan=before.dtype.kind == "f"):
                variable.assign(before)

    return restore


def numbers_of(variable: Any) -> Any:
    """What a variable holds, as a NumPy array of its own.

    Raises:
        TypeError: it holds nothing that can be read.
    """
    found = to_array(variable)
    if found is None:
        raise TypeError(f"a {type(variable).__name__} cannot be read")
    return np.array(np.asarray(found))


def _part_state(part: Any) -> Iterator[Undo]:
    try:
        names = vars(part)
    except TypeError:
        return
    before = dict(names)
    held = {name: list(value) for name, value in before.items() if type(value) is list}

    def restore() -> None:
        for name, value in held.items():
            before[name][:] = value
        if any(names.get(name, before) is not value for name, value in before.items()) or len(names) != len(before):
            names.clear()
            names.update(before)

    yield restore
