"""A model that runs, with the inputs it takes: what checks vary the batch size of."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from batchlint.verify.outcomes import BatchOutcome, Failure, Grade, Status
from batchlint.verify.recipes import Inputs
from batchlint.verify.worker.failures import failure_of, same_file
from batchlint.verify.worker.making import Record, arguments
from batchlint.verify.worker.preserving import preserved_model
from batchlint.verify.worker.randomness import neutralised
from batchlint.verify.worker.tracing import lines_run

KEPT_BYTES = 64 << 20
"""Outputs above this are made again when they are asked for."""

CLOSED = 1e-3
"""Factors below this hide what they multiply: 1e-4 to 1e-6 are usual beside zero."""

NEEDS_GRADIENTS = ("does not require grad", "requires_grad", "requires grad")
"""What messages say of models that differentiate in their own forward pass."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one call gave: its output, or what it raised."""

    batch_size: int
    output: Any
    failure: Failure | None
    milliseconds: float

    def outcome(self, variation: str = "", detail: str = "") -> BatchOutcome:
        """This run as data."""
        return BatchOutcome(
            self.batch_size, self.status, variation, self.failure, self.shapes, round(self.milliseconds, 3), detail
        )

    @property
    def status(self) -> Status:
        """`Status.PASSED`, or how it failed: memory and broken devices decide nothing."""
        if self.failure is None:
            return Status.PASSED
        return Status.UNDECIDED if self.failure.out_of_memory or self.failure.fatal else Status.FAILED

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the tensors in the output."""
        return tuple(shape_of(tensor) for tensor in tensors_in(self.output))


@dataclass(frozen=True, slots=True)
class Noise:
    """How a model answers the same question twice, in eval mode.

    Attributes:
        bitwise: whether both answers are the same to the last bit.
        random: whether it draws random numbers that reach its output.
        reason: why its numbers say nothing; empty where they do.
    """

    bitwise: bool
    random: bool = False
    reason: str = ""


@dataclass
class Subject:
    """A model, and how to feed it.

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
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    seed: int = 0
    namespace: Mapping[str, Any] = field(default_factory=dict)
    is_users: Callable[[str], bool] = lambda filename: True
    batch_axis: int = 0
    axis_is_said: bool = False
    path: str = ""
    dtype: torch.dtype | None = None
    neutral: bool = False
    gradients: bool = False
    executed_lines: frozenset[int] = frozenset()
    reached_lines: frozenset[int] = frozenset()
    batch_sizes: tuple[int, ...] = ()
    _runs: dict[tuple[int, bool, bool], Run] = field(default_factory=dict, init=False, repr=False)
    _lines: dict[tuple[int, bool, bool], frozenset[int]] = field(default_factory=dict, init=False, repr=False)
    _noise: Noise | None = field(default=None, init=False, repr=False)
    _copies: dict[str, Subject | None] = field(default_factory=dict, init=False, repr=False)

    def arguments(self, batch: int, seed: int | None = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Fresh arguments for *batch* rows."""
        names = {**self.namespace, "model": self.model}
        seed = self.seed if seed is None else seed
        torch.manual_seed(seed)
        return arguments(self.inputs, batch, seed, self.device, names)

    def call(
        self, batch: int, positional: tuple[Any, ...], keywords: Mapping[str, Any], seed: int | None = None
    ) -> Run:
        """Call the model with these arguments, its random numbers seeded anew."""
        positional, keywords = self._cast(positional), self._cast(keywords)
        begin = time.perf_counter()
        try:
            with self._surroundings(self.seed if seed is None else seed):
                output, failure = self.model(*positional, **keywords), None
        except (Exception, SystemExit, GeneratorExit) as error:
            output, failure = None, failure_of(error, self.is_users)
        elapsed = (time.perf_counter() - begin) * 1000
        if failure and not self.gradients and any(each in failure.message for each in NEEDS_GRADIENTS):
            self.gradients = True
            return self.call(batch, positional, keywords, seed)
        return Run(batch, output, failure, elapsed)

    def run(self, batch: int) -> Run:
        """Call the model with *batch* rows, in the mode that it is in."""
        try:
            positional, keywords = self.arguments(batch)
        except (Exception, SystemExit, GeneratorExit) as error:
            return Run(batch, None, failure_of(error, self.is_users), 0.0)
        return self.call(batch, positional, keywords)

    @contextlib.contextmanager
    def undisturbed(self, training: bool = False) -> Iterator[None]:
        """The model in eval (or train) mode, and afterwards as it was found."""
        with preserved_model(self.model):
            if isinstance(self.model, torch.nn.Module):
                self.model.train(training)
            yield

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

    def in_double(self) -> Subject | None:
        """A copy in double precision, its gates open; ``None`` where there is none that runs; remembered."""
        if "double" not in self._copies:
            self._copies["double"] = None if self.device.type == "mps" else self._copied(torch.float64)
        return self._copies["double"]

    def opened(self) -> Subject:
        """A copy whose gates are open, or this subject where none is closed; remembered.

        A factor that is initialised with zeros, as before residual branches, hides whatever is behind it.
        """
        if not isinstance(self.model, torch.nn.Module) or not any(_is_closed(*each) for each in _named(self.model)):
            return self
        if "opened" not in self._copies:
            self._copies["opened"] = self._copied(self.dtype)
        return self._copies["opened"] or self

    def _copied(self, dtype: torch.dtype | None) -> Subject | None:
        """A copy with open gates, in another precision; ``None`` where there is none that runs."""
        if not isinstance(self.model, torch.nn.Module):
            return None
        try:
            model = copy.deepcopy(self.model)
            model = model if dtype is None else model.to(dtype)
            generator = torch.Generator().manual_seed(self.seed)
            with torch.no_grad():
                for name, parameter in _named(model):
                    if _is_closed(name, parameter):
                        parameter.copy_(0.1 + 0.1 * torch.randn(parameter.shape, generator=generator))
        except Exception:
            return None
        copied = dataclasses.replace(self, model=model, dtype=dtype, path="")
        return copied if copied.evaluated(self.control).failure is None else None

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

    @contextlib.contextmanager
    def _surroundings(self, seed: int) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            stack.enter_context(torch.set_grad_enabled(self.gradients))
            if self.dtype is not None:
                before = torch.get_default_dtype()
                stack.callback(torch.set_default_dtype, before)
                torch.set_default_dtype(self.dtype)
            _seed(seed)
            if self.neutral:
                stack.enter_context(neutralised())
            yield

    def _cast(self, value: Any) -> Any:
        if self.dtype is None:
            return value
        if isinstance(value, torch.Tensor):
            return value.to(self.dtype) if value.is_floating_point() else value
        if isinstance(value, Mapping):
            return {name: self._cast(each) for name, each in value.items()}
        if isinstance(value, Record):
            return value.mapped(self._cast)
        if type(value) in (tuple, list):
            return type(value)(self._cast(each) for each in value)
        return value


def _named(model: torch.nn.Module) -> list[tuple[str, torch.nn.Parameter]]:
    return [
        each for each in model.named_parameters() if not isinstance(each[1], torch.nn.parameter.UninitializedParameter)
    ]


def _is_closed(name: str, parameter: torch.nn.Parameter) -> bool:
    """Whether a parameter is all zeros, or next to it, and may be a factor: what is added hides nothing."""
    if name.endswith("bias") or not parameter.is_floating_point() or not parameter.numel():
        return False
    return float(parameter.detach().abs().max()) < CLOSED


def _seed(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed)


def same(one: Any, other: Any, within: float = 0.0) -> bool:
    """Whether two outputs hold the same tensors, up to *within* as a part of the largest value."""
    left, right = tensors_in(one), tensors_in(other)
    return len(left) == len(right) and all(_close(a, b, within) for a, b in zip(left, right))


def _close(one: torch.Tensor, other: torch.Tensor, within: float) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    try:
        one, other = one.detach(), other.detach()
        if one.is_sparse:
            one, other = one.to_dense(), other.to_dense()
        if not within or not (one.is_floating_point() or one.is_complex()):
            return bool(torch.equal(one, other) or torch.equal(torch.nan_to_num(one), torch.nan_to_num(other)))
        scale = float(one.abs().nan_to_num().max()) if one.numel() else 0.0
        return bool(torch.allclose(one, other, rtol=0.0, atol=within * scale, equal_nan=True))
    except (RuntimeError, NotImplementedError):
        return False


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """The tensor's shape; empty for one that has none (nested tensors)."""
    try:
        return tuple(tensor.shape)
    except RuntimeError:
        return ()


def tensors_in(value: Any, limit: int = 64) -> list[torch.Tensor]:
    """The tensors in a nest of tuples, lists, dicts and dataclass-like outputs, in order."""
    found: list[torch.Tensor] = []
    pending: list[Any] = [value]
    seen = 0
    while pending and len(found) < limit and seen < 100 * limit:
        each = pending.pop(0)
        seen += 1
        if isinstance(each, torch.Tensor):
            found.append(each)
        elif isinstance(each, tuple | list):
            pending[:0] = list(each)
        elif isinstance(each, Mapping):
            pending[:0] = list(each.values())
        elif isinstance(each, Record):
            pending[:0] = list(each.parts.values())
        elif hasattr(each, "__dataclass_fields__") and not isinstance(each, type):
            pending[:0] = [getattr(each, name, None) for name in each.__dataclass_fields__]
    return found


def without_failures(runs: Sequence[Run]) -> dict[int, Run]:
    """The runs that gave an output, by batch size."""
    return {run.batch_size: run for run in runs if run.failure is None}
