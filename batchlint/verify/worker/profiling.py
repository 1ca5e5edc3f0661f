"""Time and memory of a model by batch size."""

from __future__ import annotations

import contextlib
import statistics
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from batchlint.verify.outcomes import Profile
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.tensors import tensors_in

PASSES = 3
"""Timed passes at one batch size; the median is told."""


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the storages that are alive while operations run.

    What an operation needs for itself, and gives back before it returns, is not seen.

    Attributes:
        live: bytes of all storages that are alive now.
        peak: the most that were.
    """

    def __init__(self, held: Sequence[torch.Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self._known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()
        for tensor in held:
            self._see(tensor)
        self.peak = self.live

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self._see(result)
        elif isinstance(result, tuple | list):
            for each in tensors_in(result):
                self._see(each)
        self.peak = max(self.peak, self.live)
        return result

    def _see(self, tensor: torch.Tensor) -> None:
        try:
            storage = tensor.untyped_storage()
        except (NotImplementedError, RuntimeError):
            return  # sparse tensors have none
        if storage not in self._known:
            size = storage.nbytes()
            self.live += size
            self._known.add(storage)
            weakref.finalize(storage, self._free, size).atexit = False

    def _free(self, size: int) -> None:
        self.live -= size


def profile(subject: Subject, batch_sizes: Sequence[int]) -> tuple[Profile, ...]:
    """Time and memory of a plain forward pass in eval mode, without gradients, at each of *batch_sizes* that runs.

    Memory is what tensors hold, parameters included: on CUDA as the allocator counts it, elsewhere by the storages
    that operations return.
    """
    profiles = [_profile(subject, batch) for batch in sorted(set(batch_sizes))]
    return tuple(each for each in profiles if each is not None)


def _profile(subject: Subject, batch: int) -> Profile | None:
    with evaluating(subject.model), torch.no_grad():
        first = subject.run(batch)
        if first.failure is not None:
            return None
        del first
        times = []
        for _ in range(PASSES):
            synchronise(subject.device)
            begin = time.perf_counter()
            failed = subject.run(batch).failure is not None
            synchronise(subject.device)
            times.append((time.perf_counter() - begin) * 1000)
            if failed:
                return None
        return Profile(batch, statistics.median(times), peak_bytes(subject, batch))


def peak_bytes(subject: Subject, batch: int) -> int | None:
    """The most bytes that tensors held during a pass at *batch*, parameters included; ``None`` if it raises."""
    if subject.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(subject.device)
        failure = subject.run(batch).failure
        return torch.cuda.max_memory_allocated(subject.device) if failure is None else None
    with LiveBytes(held_by(subject.model)) as counted:
        failure = subject.run(batch).failure
    return counted.peak if failure is None else None


def held_by(model: Any) -> list[torch.Tensor]:
    """Parameters and buffers of *model*, if it is a module."""
    return [*model.parameters(), *model.buffers()] if isinstance(model, torch.nn.Module) else []


def synchronise(device: torch.device) -> None:
    """Wait for what was started on *device*."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextlib.contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Eval mode, and each module's own mode afterwards."""
    modules = list(model.modules()) if isinstance(model, torch.nn.Module) else []
    modes = [module.training for module in modules]
    try:
        if modules:
            model.eval()
        yield
    finally:
        for module, mode in zip(modules, modes):
            module.training = mode


def slope(profiles: Sequence[Profile]) -> tuple[float, float] | None:
    """Milliseconds and bytes that one more sample costs, between the two largest batch sizes.

    ``None`` where fewer than two were measured.
    """
    measured = sorted((each for each in profiles if each.peak_bytes is not None), key=lambda each: each.batch_size)
    if len(measured) < 2:
        return None
    fewer, more = measured[-2:]
    samples = more.batch_size - fewer.batch_size
    peak = (more.peak_bytes or 0) - (fewer.peak_bytes or 0)
    return (more.milliseconds - fewer.milliseconds) / samples, peak / samples
