"""The largest batch that fits: predicted from what smaller batches need, then confirmed by a run under the bound."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from batchlint.verify.worker.failures import failure_of
from batchlint.verify.worker.profiling import evaluating, held_by, synchronise
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.tensors import tensors_in

FIRST_BATCH = 4
WARM_UP = 2
ENOUGH = 1 / 16
"""The part of the free memory by which small runs grow: from there on the line is straight."""
CURVED = 1.15
"""How much steeper the second half must be than the first for memory to be taken to grow with the batch's square."""
STEP_DOWN = 0.97
ATTEMPTS = 4
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's ``malloc.h``."""
MAXIMUM_BATCH = 1 << 20
RESERVE = 0.9
"""The part of the machine's available memory that is never exceeded."""


@dataclass(frozen=True, slots=True)
class Needed:
    """What one run needed: bytes beyond what the process held before, or that it did not get through."""

    batch_size: int
    extra_bytes: int
    seconds: float
    fits: bool
    raised: bool = False
    """Whether it raised for another reason than memory."""


@dataclass(frozen=True, slots=True)
class LargestBatch:
    """The largest batch that fits under a bound.

    Attributes:
        batch_size: the largest that ran; 0 where not even the smallest did.
        predicted: what smaller runs predicted.
        confirmed: whether a run at `batch_size` was made under the bound, and got through.
        limit_bytes: the bound.
        fixed_bytes: what is needed whatever the batch size.
        bytes_per_sample: what one more sample needs, at the predicted size.
        quadratic: whether memory grows with the square of the batch size.
        reason: why there is no more to say, or empty.
    """

    batch_size: int
    predicted: int
    confirmed: bool
    limit_bytes: int
    fixed_bytes: int = 0
    bytes_per_sample: float = 0.0
    quadratic: bool = False
    reason: str = ""


def largest_batch(
    subject: Subject, limit_bytes: int, *, backward: bool = False, seconds: float = 120.0
) -> LargestBatch:
    """The largest batch at which *subject* runs in no more than *limit_bytes*.

    On the CPU every run is made in a forked child under a resource limit, so that neither this process nor the
    machine can run out; on CUDA in this process, whose allocator raises cleanly.

    Args:
        subject: a model that runs at its control batch size.
        limit_bytes: bound on the memory of model, inputs and all that a pass makes; the framework's own is not in it.
        backward: whether gradients are computed, too; a forward pass without them otherwise.
        seconds: wall time after which no further run is begun.
    """
    deadline = time.monotonic() + seconds
    measure, held = _measurer(subject, limit_bytes, backward, deadline)
    room = min(limit_bytes, held + _available(subject.device)) - held
    runs = _small_runs(measure, room, deadline)
    if runs and runs[-1].raised:
        reason = f"raises at batch size {runs[-1].batch_size}, and not for want of memory"
        return LargestBatch(0, 0, False, limit_bytes, held, reason=reason)
    if not runs:
        return LargestBatch(0, 0, False, limit_bytes, held, reason=f"does not fit at batch size {FIRST_BATCH}")
    curve = fit(runs)
    if (curve.square > 0 or backward) and curve.largest(room) // 2 > runs[-1].batch_size:
        halfway = measure(curve.largest(room) // 2)  # a bend is known well only near where it is followed to
        if halfway.fits:
            runs.append(halfway)
            curve = fit(runs)
    predicted = curve.largest(room)
    found = LargestBatch(
        0, predicted, False, limit_bytes, held + int(curve.fixed), curve.slope_at(predicted), curve.square > 0
    )
    if predicted <= runs[-1].batch_size:
        return _with(found, runs[-1].batch_size, True, "")
    attempt = predicted
    for _ in range(ATTEMPTS):
        expected = runs[-1].seconds * attempt / runs[-1].batch_size
        if time.monotonic() + expected > deadline:
            return _with(found, attempt, False, f"a run at {attempt} would take {expected:.0f} s: predicted only")
        if measure(attempt).fits:
            return _with(found, attempt, True, "")
        attempt = max(runs[-1].batch_size, min(attempt - 1, int(attempt * STEP_DOWN)))
    return _with(found, runs[-1].batch_size, True, f"none of {ATTEMPTS} runs near {predicted} got through")


def needed(subject: Subject, batch: int, limit_bytes: int, *, backward: bool = False, seconds: float = 600.0) -> Needed:
    """What one run at *batch* needs, and whether it gets through under *limit_bytes*; see `largest_batch`."""
    measure, _ = _measurer(subject, limit_bytes, backward, time.monotonic() + seconds)
    return measure(batch)


def _with(found: LargestBatch, batch: int, confirmed: bool, reason: str) -> LargestBatch:
    return LargestBatch(
        batch, found.predicted, confirmed, found.limit_bytes, found.fixed_bytes, found.bytes_per_sample,
        found.quadratic, reason,
    )  # fmt: skip


def _small_runs(measure: Callable[[int], Needed], room: int, deadline: float) -> list[Needed]:
    """Runs at doubling batch sizes, until they take a good part of the room."""
    runs: list[Needed] = []
    batch = FIRST_BATCH
    while batch <= MAXIMUM_BATCH:
        run = measure(batch)
        if run.raised:
            return [run]
        if not run.fits:
            break
        runs.append(run)
        grown = run.extra_bytes - runs[0].extra_bytes
        if (len(runs) > 2 and grown >= room * ENOUGH) or time.monotonic() + 3 * run.seconds > deadline:
            break
        batch *= 2
    return runs


@dataclass(frozen=True, slots=True)
class Fit:
    """Bytes needed as a polynomial of the batch size."""

    fixed: float
    linear: float
    square: float = 0.0

    def largest(self, room: int) -> int:
        """The largest batch that needs no more than *room* bytes."""
        free = room - self.fixed
        if self.square > 0:
            return max(0, int((-self.linear + (self.linear**2 + 4 * self.square * free) ** 0.5) / (2 * self.square)))
        return min(MAXIMUM_BATCH, max(0, int(free / self.linear))) if self.linear > 0 else MAXIMUM_BATCH

    def slope_at(self, batch: int) -> float:
        """Bytes that one more sample needs there."""
        return self.linear + 2 * self.square * batch


def fit(runs: Sequence[Needed]) -> Fit:
    """A line through the two largest runs, or a parabola through the three largest where they bend."""
    if len(runs) == 1:
        return Fit(0.0, runs[0].extra_bytes / runs[0].batch_size)
    *_, fewer, more = runs
    steep = (more.extra_bytes - fewer.extra_bytes) / (more.batch_size - fewer.batch_size)
    line = Fit(more.extra_bytes - steep * more.batch_size, steep)
    if len(runs) == 2:
        return line
    few = runs[-3]
    flat = (fewer.extra_bytes - few.extra_bytes) / (fewer.batch_size - few.batch_size)
    if flat <= 0 or steep < CURVED * flat:
        return line
    square = (steep - flat) / (more.batch_size - few.batch_size)
    linear = steep - square * (more.batch_size + fewer.batch_size)
    return Fit(more.extra_bytes - linear * more.batch_size - square * more.batch_size**2, linear, square)


def _measurer(
    subject: Subject, limit_bytes: int, backward: bool, deadline: float
) -> tuple[Callable[[int], Needed], int]:
    """What measures a run, and the bytes that the process holds without one."""
    if subject.device.type == "cuda":
        torch.cuda.empty_cache()
        held = torch.cuda.memory_allocated(subject.device)
        return lambda batch: _on_cuda(subject, batch, limit_bytes, backward), held
    if not sys.platform.startswith("linux"):
        raise NotImplementedError("the largest batch on the CPU is measured on Linux only")
    return lambda batch: _in_child(subject, batch, limit_bytes, backward, deadline), _bytes_of(subject)


def _bytes_of(subject: Subject) -> int:
    return sum(tensor.nbytes for tensor in held_by(subject.model))


GOT_THROUGH, OUT_OF_MEMORY, RAISED = "got through", "out of memory", "raised"


def _work(subject: Subject, batch: int, backward: bool) -> str:
    """One pass, and how it ended."""
    with torch.set_grad_enabled(backward):
        run = dataclasses.replace(subject, gradients=backward or subject.gradients).run(batch)
        if run.failure is None and backward:
            losses = [each.float().sum() for each in tensors_in(run.output) if each.requires_grad]
            if losses:
                torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
    if run.failure is None:
        return GOT_THROUGH
    return OUT_OF_MEMORY if run.failure.out_of_memory else RAISED


def _on_cuda(subject: Subject, batch: int, limit_bytes: int, backward: bool) -> Needed:
    device = subject.device
    torch.cuda.empty_cache()
    held = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    begin = time.monotonic()
    ended = _tried(subject, batch, backward)
    synchronise(device)
    peak = torch.cuda.max_memory_allocated(device)
    for parameter in held_by(subject.model):
        parameter.grad = None
    return Needed(
        batch, peak - held, time.monotonic() - begin, ended == GOT_THROUGH and peak <= limit_bytes, ended == RAISED
    )


def _tried(subject: Subject, batch: int, backward: bool) -> str:
    """`_work` with the model in the mode for it; out of memory is an answer."""
    try:
        if backward:
            return _work(subject, batch, backward)
        with evaluating(subject.model):
            return _work(subject, batch, backward)
    except MemoryError:
        return OUT_OF_MEMORY
    except RuntimeError as error:
        return OUT_OF_MEMORY if failure_of(error, subject.is_users).out_of_memory else RAISED


def _in_child(subject: Subject, batch: int, limit_bytes: int, backward: bool, deadline: float) -> Needed:
    """One run in a forked child that cannot hold more than *limit_bytes* beside the framework."""
    bound = _status("VmData") - _bytes_of(subject) + limit_bytes
    reading, writing = os.pipe()
    begin = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork with threads: the child runs on one
        child = os.fork()
    if child == 0:
        _be_child(subject, batch, bound, backward, writing)
    os.close(writing)
    answer = _answer(reading, max(1.0, deadline - time.monotonic()))
    os.close(reading)
    if answer is None:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ended, extra = answer or (OUT_OF_MEMORY, 0)
    return Needed(batch, extra, time.monotonic() - begin, ended == GOT_THROUGH, ended == RAISED)


def _be_child(subject: Subject, batch: int, bound: int, backward: bool, writing: int) -> None:
    """The child's whole life; it never returns."""
    status = 1
    try:
        import resource

        torch.set_num_threads(1)  # a pool of threads does not survive the fork
        _return_memory_at_once()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        _tried(subject, min(batch, WARM_UP), backward)  # loads code, which is in no slope
        for parameter in held_by(subject.model):
            parameter.grad = None
        before = _status("VmRSS")
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
        ended = _tried(subject, batch, backward)
        os.write(writing, json.dumps([ended, max(0, _status("VmHWM") - before)]).encode())
        status = 0
    finally:
        os._exit(status)


def _return_memory_at_once() -> None:
    """Have the C library map every tensor by itself: what it keeps back for later would hide how memory grows."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, 1 << 20)
        library.mallopt(M_TRIM_THRESHOLD, 1 << 20)


def _answer(reading: int, seconds: float) -> tuple[str, int] | None:
    ready, _, _ = select.select([reading], [], [], seconds)
    text = os.read(reading, 4096) if ready else b""
    if not text:
        return None
    ended, extra = json.loads(text)
    return str(ended), int(extra)


def _status(name: str) -> int:
    """A number of bytes from this process's ``/proc/self/status``."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _available(device: torch.device) -> int:
    """Bytes that the machine, or the device, can still give."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    with open("/proc/meminfo", encoding="ascii") as lines:
        available: int = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    return int(available * RESERVE)
