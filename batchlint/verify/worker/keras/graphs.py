"""A model traced into a graph, as ``fit`` and ``tf.function`` do it: once, for any number of rows or for one."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.verify.worker.any_subject import NoGraph, TracedGraph
from batchlint.verify.worker.keras.arrays import Array, arrays_in, mapped
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.making import to_tensors
from batchlint.verify.worker.runs import Run

if TYPE_CHECKING:
    from batchlint.verify.worker.keras.subject import KerasSubject


class Graph(TracedGraph):
    """A traced model."""

    def __init__(self, subject: KerasSubject, function: Any) -> None:
        self._subject = subject
        self._function = function

    def run(self, batch: int) -> Run:
        """Run the graph, which is not traced again, with *batch* rows."""
        subject = self._subject
        begin = time.perf_counter()
        try:
            positional, keywords = subject.arguments(batch)
            with subject.undisturbed(), subject.surroundings(subject.seed):
                flat = _flat(to_tensors((positional, keywords), subject.dtype))
                output, failure = arrays_in(self._function(*flat)), None
        except (Exception, SystemExit) as error:
            output, failure = None, failure_in(error, subject.is_users)
        return Run(batch, output, failure, (time.perf_counter() - begin) * 1000)


def graph_of(subject: KerasSubject, rows: int | None) -> Graph | NoGraph | None:
    """*subject* traced for any number of rows (*rows* is ``None``) or for its control's.

    Returns:
        ``None`` where there are no graphs, or a number among the arguments follows the rows.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return None
    control = subject.control
    arguments, longer = subject.arguments(control), subject.arguments(control + 1)
    plain, more = _outline(arguments), _outline(longer)
    if plain != more:
        return None  # a number that follows the rows is a constant of the graph
    specs = [_spec(tensorflow, one, other, rows) for one, other in zip(_flat(arguments), _flat(longer))]
    if not specs or any(spec is None for spec in specs):
        return None

    def traced(*tensors: Any) -> Any:
        remaining = list(tensors)
        positional, keywords = mapped(arguments, lambda each: remaining.pop(0) if isinstance(each, Array) else None)
        return subject.invoke(positional, keywords)

    try:
        function = tensorflow.function(traced, input_signature=specs, autograph=True)
        function.get_concrete_function()
        return Graph(subject, function)
    except (Exception, SystemExit) as error:
        return NoGraph(failure_in(error, subject.is_users))


def _flat(value: Any) -> list[Any]:
    """The tensors in *value*, in the order in which `mapped` comes to them."""
    found: list[Any] = []

    def note(each: Any) -> Any:
        if hasattr(each, "shape") and hasattr(each, "dtype"):
            found.append(each)
            return each
        return None

    mapped(value, note)
    return found


def _outline(value: Any) -> Any:
    """*value* without its tensors."""
    if isinstance(value, Array):
        return "tensor"
    if isinstance(value, Mapping):
        return {name: _outline(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_outline(each) for each in value]
    return value if isinstance(value, int | float | str | bool | None) else type(value)


def _spec(tensorflow: Any, one: Array, other: Array, rows: int | None) -> Any:
    if one.ndim != other.ndim:
        return None
    varied = [size if size == more else None for size, more in zip(one.shape, other.shape)]
    sizes = varied if rows is None else list(one.shape)
    dtype = "string" if one.dtype.kind in "OSU" else one.dtype.name
    return tensorflow.TensorSpec(sizes, dtype)
