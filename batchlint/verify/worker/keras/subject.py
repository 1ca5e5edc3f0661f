"""A layer, a model or a function of Keras or TensorFlow that runs, with the inputs it takes."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from batchlint.verify.worker.any_subject import AnySubject, NoGraph, TracedGraph
from batchlint.verify.worker.keras.arrays import Array, arrays_in
from batchlint.verify.worker.keras.calling import MODES, called_by, overrides_call
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.framework import parts_of, seed_all
from batchlint.verify.worker.keras.graphs import graph_of
from batchlint.verify.worker.keras.making import arguments, to_tensors
from batchlint.verify.worker.keras.preserving import numbers_of, preserved_model, preserved_process, variables_of
from batchlint.verify.worker.keras.randomness import neutralised
from batchlint.verify.worker.runs import Run

CLOSED = 1e-3
"""Factors below this hide what they multiply."""


@dataclass
class KerasSubject(AnySubject):
    """Outputs and arguments are arrays, whatever the backend; see `AnySubject`.

    Attributes:
        maker: makes another such model that has not been called; ``None`` where it cannot be made again.
        training: whether it is called as in training.
        anew: whether each call is of another such model: one that raises when it is first called is half built.
    """

    maker: Callable[[], Any] | None = None
    training: bool = False
    anew: bool = False

    def arguments(self, batch: int, seed: int | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """See `AnySubject`."""
        names = {**self.namespace, "model": self.model}
        return arguments(self.inputs, batch, self.seed if seed is None else seed, names)

    def call(
        self, batch: int, positional: tuple[Any, ...], keywords: Mapping[str, Any], seed: int | None = None
    ) -> Run:
        """See `AnySubject`."""
        begin = time.perf_counter()
        try:
            with self.surroundings(self.seed if seed is None else seed):
                output = self.invoke(to_tensors(positional, self.dtype), to_tensors(dict(keywords), self.dtype))
                output, failure = arrays_in(output), None
        except (Exception, SystemExit, GeneratorExit) as error:
            output, failure = None, failure_in(error, self.is_users)
        return Run(batch, output, failure, (time.perf_counter() - begin) * 1000)

    def invoke(self, positional: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Call the model with tensors, in the mode that it is in."""
        model = self.maker() if self.anew and self.maker is not None else self.model
        return invoked(model, positional, keywords, self.training)

    @contextlib.contextmanager
    def undisturbed(self, training: bool = False) -> Iterator[None]:
        """See `AnySubject`."""
        before = self.training
        with preserved_model(self.model):
            self.training = training
            try:
                yield
            finally:
                self.training = before

    @contextlib.contextmanager
    def asked(self) -> Iterator[None]:
        """See `AnySubject`."""
        with preserved_process(), preserved_model(self.model):
            yield

    def sizes(self) -> set[int]:
        """See `AnySubject`."""
        return {int(size) for variable in variables_of(self.model) for size in variable.shape if size}

    def graph(self, rows: int | None) -> TracedGraph | NoGraph | None:
        """See `AnySubject`."""
        key = f"graph {rows}"
        if key not in self._copies:
            with self.undisturbed(), self.surroundings(self.seed):
                self._copies[key] = graph_of(self, rows)
        found: TracedGraph | NoGraph | None = self._copies[key]
        return found

    def in_double(self) -> KerasSubject | None:
        """See `AnySubject`."""
        if "double" not in self._copies:
            self._copies["double"] = self._copied("float64")
        found: KerasSubject | None = self._copies["double"]
        return found

    def opened(self) -> KerasSubject:
        """See `AnySubject`."""
        if "opened" not in self._copies:
            closed = any(_is_closed(each) for each in variables_of(self.model))
            self._copies["opened"] = self._copied(self.dtype) if closed else self
        return self._copies["opened"] or self

    def padding_index(self) -> int | None:
        """See `AnySubject`: what a masking layer says, else the zero that Keras's own functions pad with."""
        found = (part.mask_value for _, part in parts_of(self.model) if isinstance(part, keras.layers.Masking))
        return int(next(found, 0))

    def channels_last(self) -> bool:
        """See `AnySubject`."""
        return bool(keras.config.image_data_format() == "channels_last")

    def normalises_alone(self) -> bool:
        """See `AnySubject`."""
        return any(isinstance(part, keras.layers.BatchNormalization) for _, part in parts_of(self.model))

    def takes_signals(self) -> bool:
        """See `AnySubject`."""
        kinds = keras.layers.Conv1D, keras.layers.Conv1DTranspose, keras.layers.SeparableConv1D
        return any(isinstance(part, kinds) for _, part in parts_of(self.model))

    def _copied(self, dtype: str | None) -> KerasSubject | None:
        """Another such model with the same weights and open gates, in another precision; ``None`` where none runs."""
        if self.maker is None:
            return None
        copied = dataclasses.replace(self, dtype=dtype, path="")
        try:
            with copied.surroundings(self.seed):
                copied.model = self.maker()
            made = copied.run(self.control)
            mine, theirs = variables_of(self.model), variables_of(copied.model)
            if made.failure is not None or len(mine) != len(theirs):
                return None
            generator = np.random.default_rng(self.seed)
            for one, other in zip(mine, theirs):
                values = numbers_of(one)
                if values.shape != tuple(other.shape):
                    return None
                if _is_closed(one):
                    values = 0.1 + 0.1 * generator.standard_normal(values.shape)
                if np.issubdtype(values.dtype, np.floating):
                    other.assign(values.astype(dtype or values.dtype))
        except Exception:
            return None
        return copied if copied.evaluated(self.control).failure is None else None

    @contextlib.contextmanager
    def surroundings(self, seed: int) -> Iterator[None]:
        """What holds while the model is called."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            if self.dtype is not None:
                stack.enter_context(_in(self.dtype))
            seed_all(seed)
            _seed_generators(self.model, seed)
            if self.neutral:
                stack.enter_context(neutralised())
            yield


def _seed_generators(model: Any, seed: int) -> None:
    """Begin the random numbers of a model's own generators anew, which no seed of the process reaches."""
    for variable in variables_of(model):
        if getattr(variable, "name", "") == "seed_generator_state":
            variable.assign(np.full(variable.shape, seed).astype(numbers_of(variable).dtype))


@contextlib.contextmanager
def _in(dtype: str) -> Iterator[None]:
    """Make layers and constants of type *dtype*."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)


def _is_closed(variable: Any) -> bool:
    """Whether a variable is all zeros, or next to it, and may be a factor: what is added hides nothing."""
    name = str(getattr(variable, "name", ""))
    if not getattr(variable, "trainable", False) or any(word in name for word in ("bias", "beta")):
        return False
    values = numbers_of(variable)
    return values.dtype.kind == "f" and bool(values.size) and float(np.abs(values).max()) < CLOSED


def invoked(model: Any, positional: tuple[Any, ...], keywords: Mapping[str, Any], training: bool) -> Any:
    """Call *model* in eval or in train mode, if it knows of modes."""
    given = dict(keywords)
    if isinstance(model, keras.layers.Layer) and not overrides_call(model):
        given.setdefault("training", training)
    known = _parameters(model)
    given.update({name: training for name in MODES if name in known and name not in given})
    return model(*positional, **given)


def _parameters(model: Any) -> Mapping[str, inspect.Parameter]:
    try:
        called = called_by(model)
        return inspect.signature(getattr(called, "python_function", called)).parameters
    except (TypeError, ValueError):
        return {}


def is_array(value: Any) -> bool:
    """Whether *value* is a tensor of an argument."""
    return isinstance(value, Array)
