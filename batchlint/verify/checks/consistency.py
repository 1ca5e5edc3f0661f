"""Whether a batch's samples are computed each by itself: what the checks of values share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from batchlint.verify.checks.differences import Difference, difference, is_dense, magnitude_of, overlap, samples_of
from batchlint.verify.checks.rows import Rows, by_tensor, pairs_samples, rows_of
from batchlint.verify.checks.samples import Batch, NotSamples
from batchlint.verify.outcomes import Status
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.tensors import Tensor, tensors_in
from batchlint.verify.worker.tolerances import decides, tolerance

DEAR_MILLISECONDS = 5.0
"""Above this a run in double precision is made only where single precision leaves a doubt."""

CERTAIN = 1e-5
"""What single precision must agree in to leave no doubt; clean models were seen to differ by 2e-6."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two ways to compute the same samples agree.

    Attributes:
        status: whether they do, within the tolerance.
        gap: the largest difference.
        sample: the sample it is at.
        allowed: the tolerance.
        reason: why nothing can be said.
    """

    status: Status
    gap: Difference = field(default_factory=Difference)
    sample: int = 0
    allowed: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the outputs have their samples; ``None`` for an output that has none."""

    rows: tuple[Rows | None, ...]
    paired: bool = False


def layout_of(subject: AnySubject, batch_sizes: Sequence[int]) -> Layout | None:
    """Where the outputs have their samples, from the batch sizes at which the model runs; ``None`` if that varies."""
    runs = {batch: subject.evaluated(batch) for batch in batch_sizes}
    shapes = {batch: run.shapes for batch, run in runs.items() if run.failure is None}
    tensors = by_tensor(shapes) if len(shapes) > 1 else None
    if tensors is None:
        return None
    return Layout(tuple(rows_of(each) for each in tensors), any(pairs_samples(each) for each in tensors))


def sampled(size: int, control: int) -> list[int]:
    """The samples that are looked at: one in the middle and the last; in the control's batch the first, too."""
    return sorted({size // 2, size - 1, *([0] if size <= control else [])})


def agreed(subject: AnySubject, compare: Callable[[AnySubject], Agreement]) -> Agreement:
    """What *compare* says, in the precision that can decide it.

    Double precision decides. A dear model is compared in single precision first: where it agrees to five digits there,
    nothing else is needed.
    """
    first = subject.evaluated(subject.control)
    if first.milliseconds > DEAR_MILLISECONDS:
        single = compare(subject.opened())
        if single.status is not Status.FAILED and single.gap.relative <= CERTAIN:
            return single
    double = subject.in_double()
    if double is not None:
        in_double = compare(double)
        if in_double.status is not Status.UNDECIDED:
            return in_double
    return compare(subject.opened())


def together(
    whole: Run, parts: Iterator[tuple[Sequence[int], Run]], layout: Layout, size: int, device: Any
) -> Agreement:
    """Compare samples of *whole* with the same ones computed otherwise.

    Args:
        whole: a run with *size* samples.
        parts: for some samples, a run whose output holds those alone.
        layout: where the outputs have their samples.
        size: samples in *whole*.
        device: where the model runs.
    """
    tensors = tensors_in(whole.output)
    worst = Agreement(Status.PASSED)
    doubt = ""
    for indices, part in parts:
        if part.failure is not None:
            return Agreement(Status.UNDECIDED, reason="a sample cannot be run without the others")
        alone = tensors_in(part.output)
        if len(alone) != len(tensors) or len(tensors) != len(layout.rows):
            return Agreement(Status.UNDECIDED, reason="the number of outputs follows the batch size")
        for tensor, single, where in zip(tensors, alone, layout.rows):
            if where is None:
                continue
            found = _agreement(tensor, single, where, size, indices, device)
            doubt = doubt or found.reason
            if not found.reason and _heavier(found, worst):
                worst = found
    if worst.status is not Status.FAILED and doubt:
        return Agreement(Status.UNDECIDED, worst.gap, worst.sample, worst.allowed, doubt)
    return worst


def _heavier(one: Agreement, other: Agreement) -> bool:
    """Whether *one* says more against the model than *other*."""
    failed = one.status is Status.FAILED, other.status is Status.FAILED
    return failed[0] > failed[1] or (failed[0] == failed[1] and one.gap.relative >= other.gap.relative)


def _agreement(
    tensor: Tensor, single: Tensor, where: Rows, size: int, indices: Sequence[int], device: Any
) -> Agreement:
    if tensor.shape[where.axis] != size * where.each:
        return Agreement(Status.UNDECIDED, reason="the number of rows is not that of the batch")
    allowed = tolerance(tensor.dtype, device)
    gaps = []
    padded = False
    for mine in samples_of(tensor, where, size, indices):
        parts = (mine, single)
        if mine.shape != single.shape:
            shared = overlap(mine, single)
            if shared is None or shared[0].shape[where.axis] != mine.shape[where.axis] or not shared[0].numel():
                gaps.append(Difference(reason="a sample alone has an output of another shape"))
                continue
            parts, padded = shared, True
        gaps.append(difference(*parts, axis=where.axis, scale=magnitude_of(tensor)))
    gap = min(gaps, key=lambda each: (bool(each.reason), each.relative))
    sample = indices[min(gap.place // where.each, len(indices) - 1)]
    if gap.reason:
        return Agreement(Status.UNDECIDED, gap, sample, allowed, gap.reason)
    if gap.relative <= allowed:
        return Agreement(Status.PASSED, gap, sample, allowed)
    if padded:
        return Agreement(Status.UNDECIDED, gap, sample, allowed, "a sample alone has an output of another shape")
    if not (tensor.is_floating_point() or tensor.is_complex()) and gap.relative <= 0.5:
        return Agreement(Status.UNDECIDED, gap, sample, allowed, "integers differ, as they may where values tie")
    if not decides(tensor.dtype):
        return Agreement(Status.UNDECIDED, gap, sample, allowed, "half precision is too coarse to tell")
    return Agreement(Status.FAILED, gap, sample, allowed)


def alone_in(whole: Run, part: Run, layout: Layout, size: int, indices: Sequence[int], device: Any) -> Agreement:
    """Compare some samples of *whole*, which has *size*, with *part*, which holds those alone."""
    return together(whole, iter([(indices, part)]), layout, size, device)


def alone(subject: AnySubject, batch: Batch, layout: Layout) -> Agreement:
    """Whether samples come out alone (or two by two, where one cannot be run) as they do in the batch."""
    whole = subject.evaluated(batch.rows)
    if whole.failure is not None:
        return Agreement(Status.UNDECIDED, reason=f"it does not run with {batch.size} rows")
    groups = [[index] for index in sampled(batch.size, subject.control)]
    first = _part(subject, batch, groups[0])
    if first.failure is not None:
        if batch.size < 3:
            return Agreement(Status.UNDECIDED, reason="a sample cannot be run alone")
        groups = [[index, (index + 1) % batch.size] for (index,) in groups]
        first = _part(subject, batch, groups[0])
    parts = ((group, _part(subject, batch, group)) for group in groups[1:])
    return together(whole, chain([(groups[0], first)], parts), layout, batch.size, subject.device)


def exchanged(subject: AnySubject, batch: Batch, layout: Layout, index: int) -> Agreement:
    """Whether the other samples stay as they are when sample *index* is another one."""
    whole = subject.evaluated(batch.rows)
    changed = subject.called_as_found(*batch.exchanged(index), batch.size)
    if whole.failure is not None or changed.failure is not None:
        return Agreement(Status.UNDECIDED, reason="it does not run with another sample")
    if same_samples(whole, changed):
        return Agreement(Status.PASSED)
    others = [each for each in range(batch.size) if each != index]
    tensors, moved = tensors_in(whole.output), tensors_in(changed.output)
    if len(tensors) != len(moved) or len(tensors) != len(layout.rows):
        return Agreement(Status.UNDECIDED, reason="the number of outputs depends on values")
    worst = Agreement(Status.PASSED)
    for one, other, where in zip(tensors, moved, layout.rows):
        if where is None:
            continue
        if one.shape != other.shape or one.shape[where.axis] != batch.size * where.each:
            return Agreement(Status.UNDECIDED, reason="the shape of the output depends on values")
        allowed = tolerance(one.dtype, subject.device)
        pairs = zip(samples_of(one, where, batch.size, others), samples_of(other, where, batch.size, others))
        gaps = [difference(a, b, where.axis, magnitude_of(one)) for a, b in pairs]
        gap = min(gaps, key=lambda each: (bool(each.reason), each.relative))
        if gap.reason:
            return Agreement(Status.UNDECIDED, gap, reason=gap.reason)
        bad = gap.relative > allowed
        if bad and not (one.is_floating_point() or one.is_complex()):
            return Agreement(Status.UNDECIDED, gap, reason="integers differ, as they may where values tie")
        if bad and not decides(one.dtype):
            return Agreement(Status.UNDECIDED, gap, reason="half precision is too coarse to tell")
        if bad or gap.relative > worst.gap.relative:
            sample = others[min(gap.place // where.each, len(others) - 1)]
            if bad or worst.status is not Status.FAILED:
                worst = Agreement(Status.FAILED if bad else Status.PASSED, gap, sample, allowed)
    return worst


def same_samples(one: Run, other: Run) -> bool:
    """Whether two runs gave the same to the last bit."""
    left, right = tensors_in(one.output), tensors_in(other.output)
    return len(left) == len(right) and all(
        a.shape == b.shape and a.dtype == b.dtype and is_dense(a) and is_dense(b) and a.equal(b)
        for a, b in zip(left, right)
    )


def time_major(subject: AnySubject, size: int) -> bool:
    """Whether the samples are independent along axis 1 of inputs and outputs: then the batch is there.

    Asked of what may be sequences alone: indices of two axes, vectors of three. Features are often independent, too.
    """
    if subject.axis_is_said:
        return False
    try:
        batch = Batch(subject, size, axis=1)
    except NotSamples:
        return False
    if any(tensor.dim() != (3 if tensor.is_floating_point() else 2) for tensor in tensors_in(list(batch.arguments))):
        return False
    whole = subject.evaluated(batch.rows)
    if whole.failure is not None:
        return False
    rows = tuple(
        Rows(1) if tensor.dim() > 1 and tensor.shape[1] == batch.size else None for tensor in tensors_in(whole.output)
    )
    if not any(rows):
        return False
    layout = Layout(rows)
    parts = (([index], _part(subject, batch, [index])) for index in sampled(batch.size, batch.size))
    return together(whole, parts, layout, batch.size, subject.device).status is Status.PASSED


def _part(subject: AnySubject, batch: Batch, indices: Sequence[int]) -> Run:
    return subject.called_as_found(*batch.taken(indices), len(indices))
