"""What checks vary the batch size of: something that runs, with the inputs it takes, in whichever framework."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from batchlint.verify.outcomes import Failure, Grade
from batchlint.verify.recipes import Inputs
from batchlint.verify.worker.failures import failure_of, same_file
from batchlint.verify.worker.runs import Noise, Run
from batchlint.verify.worker.tensors import same, tensors_in
from batchlint.verify.worker.tracing import lines_run

KEPT_BYTES = 64 << 20
"""Outputs above this are made again when they are asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something runs, as frameworks other than torch say it; *type* is ``cpu``, ``cuda`` or ``meta``."""

    type: str = "cpu"

    def __str__(self) -> str:
        return self.type


@dataclass(frozen=True)
class NoGraph:
    """Why tracing failed."""

    failure: Failure


class TracedGraph:
    """A model traced into a graph."""

    def run(self, batch: int) -> Run:
        """Run the graph, which is not traced again, with *batch* rows."""
        raise NotImplementedError


@dataclass
class AnySubject:
    """A model, and how to feed it; what is its framework's is left to classes derived from this.

    Attributes:
        model: a module, or anything to call.
        inputs: what to call it with.
        control: the batch size it is written for, at which it runs.
        grade: how sure the shapes of the inputs are.
        device: where it runs.
        seed: of inputs and of the model's own random numbers.
        namespace: what names in the inputs' expressions mean; holds ``model``.
        is_users: whether a file name is one of the user's own, for frames of exceptions.
        batch_axis: the axis of the batch in the first input, 0 unless it is time-major.
        axis_is_said: whether the user says where the batch is, so that no other axis is tried.
        path: the file whose executed lines are wanted; empty for none.
        dtype: what floating-point inputs are turned into; ``None`` leaves them.
        neutral: whether random operations give fixed values.
        gradients: whether calls record gradients; a model that needs them turns it on.
        executed_lines: lines of *path* that ran at every batch size that did not raise.
        reached_lines: lines of *path* that ran at all, construction included where the maker adds it.
        batch_sizes: those at which it was run, the control first.
    """

    model: Any
    inputs: Inputs
    control: int = 4
    grade: Grade = Grade.CODE
    device: Any = field(default_factory=Place)
    seed: int = 0
    namespace: Mapping[str, Any] = field(default_factory=dict)
    is_users: Callable[[str], bool] = lambda filename: True
    batch_axis: int = 0
    axis_is_said: bool = False
    path: str = ""
    dtype: Any = None
    neutral: bool = False
    gradients: bool = False
    executed_lines: frozenset[int] = frozenset()
    reached_lines: frozenset[int] = frozenset()
    batch_sizes: tuple[int, ...] = ()
    _runs: dict[tuple[int, bool, bool], Run] = field(default_factory=dict, init=False, repr=False)
    _lines: dict[tuple[int, bool, bool], frozenset[int]] = field(default_factory=dict, init=False, repr=False)
    _noise: Noise | None = field(default=None, init=False, repr=False)
    _copies: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    # What a framework answers ----------------------------------------------------------------------------------------

    def arguments(self, batch: int, seed: int | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Fresh arguments for *batch* rows."""
        raise NotImplementedError

    def call(
        self, batch: int, positional: tuple[Any, ...], keywords: Mapping[str, Any], seed: int | None = None
    ) -> Run:
        """Call the model with these arguments, its random numbers seeded anew."""
        raise NotImplementedError

    def undisturbed(self, training: bool = False) -> contextlib.AbstractContextManager[None]:
        """The model in eval (or train) mode, and afterwards as it was found."""
        raise NotImplementedError

    def asked(self) -> contextlib.AbstractContextManager[None]:
        """What has to hold while checks are asked: all is put back, numbers are exact."""
        raise NotImplementedError

    def foresee(self, batch_sizes: Sequence[int]) -> None:
        """Remember runs that can be known without running them where that would be dangerous."""

    def sizes(self) -> set[int]:
        """Sizes of the model's parameters."""
        return set()

    def in_double(self: Own) -> Own | None:
        """A copy in double precision, its gates open; ``None`` where there is none that runs; remembered."""
        return None

    def opened(self: Own) -> Own:
        """A copy whose gates are open, or this subject where none is closed; remembered.

        A factor that is initialised with zeros, as before residual branches, hides whatever is behind it.
        """
        return self

    def graph(self, rows: int | None) -> TracedGraph | NoGraph | None:
        """The model traced for an unknown number of rows (*rows* is ``None``) or for so many.

        ``None`` where the framework has no graphs, or nothing in one could follow the rows.
        """
        return None

    def padding_index(self) -> int | None:
        """The number that stands for padding among the indices that the model looks up, if one does."""
        return None

    def channels_last(self) -> bool:
        """Whether images have their channels on the last axis."""
        return False

    def normalises_alone(self) -> bool:
        """Whether a part takes the mean off each value of one row alone, in train mode, and does not raise."""
        return False

    def takes_signals(self) -> bool:
        """Whether a convolution goes along one axis, so that three axes are no steps and features."""
        return False

    # What is the same in all of them ---------------------------------------------------------------------------------

    def run(self, batch: int) -> Run:
        """Call the model with *batch* rows, in the mode that it is in."""
        try:
            positional, keywords = self.arguments(batch)
        except (Exception, SystemExit, GeneratorExit) as error:
            return Run(batch, None, failure_of(error, self.is_users), 0.0)
        return self.call(batch, positional, keywords)

    def evaluated(self, batch: int, training: bool = False) -> Run:
        """The run of the model as it was found with *batch* rows, in eval (or train) mode; remembered."""
        key = batch, training, self.neutral
        known = self._runs.get(key)
        if known is not None and (known.output is not None or known.failure is not None):
            return known
        with self.undisturbed(training), self._followed() as lines:
            run = self.run(batch)
        self._lines[key] = frozenset(lines)
        small = sum(tensor.numel() * tensor.element_size() for tensor in tensors_in(run.output)) <= KEPT_BYTES
        if small or batch == self.control:
            self._runs[key] = run
        return run

    def remembered(self, batch_sizes: Sequence[int]) -> list[Run]:
        """The runs in eval mode at these batch sizes that were made already."""
        known = (self._runs.get((batch, False, self.neutral)) for batch in batch_sizes)
        return [run for run in known if run is not None]

    def remember(self, run: Run) -> None:
        """Take *run* for what the model, as it was found, gives in eval mode with as many rows."""
        for neutral in (False, True):
            self._runs[run.batch_size, False, neutral] = run

    def _followed(self) -> contextlib.AbstractContextManager[set[int]]:
        return lines_run(same_file(self.path)) if self.path else contextlib.nullcontext(set())

    def traced(self, batch: int, training: bool = False) -> tuple[Run, frozenset[int]]:
        """`evaluated`, and the lines of *path* that ran."""
        run = self.evaluated(batch, training)
        return run, self._lines.get((batch, training, self.neutral), frozenset())

    def called_as_found(self, positional: tuple[Any, ...], keywords: Mapping[str, Any], batch: int) -> Run:
        """A call in eval mode of the model as it was found."""
        with self.undisturbed():
            return self.call(batch, positional, keywords)

    def noise(self) -> Noise:
        """How far the model repeats itself in eval mode; from here on its random operations give fixed values."""
        if self._noise is None:
            self._noise = self._listen()
        return self._noise

    def _listen(self) -> Noise:
        first = self.evaluated(self.control)
        if first.failure is not None:
            return Noise(False, reason="the control fails")
        again = self._another(self.seed + 1)
        if same(first.output, again.output):
            return Noise(True)
        self.neutral = True
        first, again = self.evaluated(self.control), self._another(self.seed + 1)
        if first.failure is not None:
            return Noise(False, True, "it cannot be run without its random numbers")
        bitwise = same(first.output, again.output)
        if not bitwise and not same(first.output, again.output, 1e-4):
            return Noise(False, True, "two runs on the same input differ")
        return Noise(bitwise, True)

    def _another(self, seed: int) -> Run:
        with self.undisturbed():
            positional, keywords = self.arguments(self.control)
            return self.call(self.control, positional, keywords, seed)


Own = TypeVar("Own", bound=AnySubject)
