"""A model of torch that runs, with the inputs it takes: what checks vary the batch size of."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import random
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.device import numerics
from batchlint.verify.worker.failures import failure_of
from batchlint.verify.worker.making import arguments
from batchlint.verify.worker.preserving import preserved_model, preserved_process
from batchlint.verify.worker.randomness import neutralised
from batchlint.verify.worker.records import Record
from batchlint.verify.worker.runs import Run

CLOSED = 1e-3
"""Factors below this hide what they multiply: 1e-4 to 1e-6 are usual beside zero."""

NEEDS_GRADIENTS = ("does not require grad", "requires_grad", "requires grad")
"""What messages say of models that differentiate in their own forward pass."""


@dataclass
class Subject(AnySubject):
    """A module of torch, or anything of torch to call; see `AnySubject`."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype | None = None

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

    @contextlib.contextmanager
    def undisturbed(self, training: bool = False) -> Iterator[None]:
        """The model in eval (or train) mode, and afterwards as it was found."""
        with preserved_model(self.model):
            if isinstance(self.model, torch.nn.Module):
                self.model.train(training)
            yield

    def in_double(self) -> Subject | None:
        """A copy in double precision, its gates open; ``None`` where there is none that runs; remembered."""
        if "double" not in self._copies:
            self._copies["double"] = None if self.device.type == "mps" else self._copied(torch.float64)
        found: Subject | None = self._copies["double"]
        return found

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

    @contextlib.contextmanager
    def asked(self) -> Iterator[None]:
        """See `AnySubject`."""
        with preserved_process(), preserved_model(self.model), numerics(self.device):
            yield

    def foresee(self, batch_sizes: Sequence[int]) -> None:
        """See `AnySubject`: of a device whose context an error would end."""
        if self.device.type == "cuda":
            from batchlint.verify.worker.meta import foresee

            foresee(self, batch_sizes)

    def sizes(self) -> set[int]:
        """See `AnySubject`."""
        parameters = getattr(self.model, "parameters", None)
        found: set[int] = set()
        for parameter in parameters() if callable(parameters) else ():
            found.update(getattr(parameter, "shape", ()))
        return found

    def padding_index(self) -> int | None:
        """See `AnySubject`."""
        if not isinstance(self.model, torch.nn.Module):
            return None
        found = (each.padding_idx for each in self.model.modules() if isinstance(each, torch.nn.Embedding))
        return next((index for index in found if index is not None), None)

    def takes_signals(self) -> bool:
        """See `AnySubject`."""
        kinds = torch.nn.Conv1d, torch.nn.ConvTranspose1d, torch.nn.LazyConv1d
        return isinstance(self.model, torch.nn.Module) and any(isinstance(each, kinds) for each in self.model.modules())


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
