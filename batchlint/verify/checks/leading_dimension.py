"""Does every output have as many rows as were given?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.consistency import alone, layout_of
from batchlint.verify.checks.rows import by_tensor, rows_of
from batchlint.verify.checks.samples import Batch, NotSamples
from batchlint.verify.checks.words import listed, rows, shape
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.tensors import same, tensors_in


class LeadingDimension(Check):
    """Compares the shapes of the outputs between batch sizes.

    *Passed*: each output has an axis whose size follows the batch size, or none that could (a loss, a table of
    parameters). *Failed*: an output loses an axis at some batch size, or has as many rows as the control whatever it is
    given. The batch may be on any axis, and a sample may have several rows (one for each token).
    """

    name = "leading dimension"

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Compare shapes at all batch sizes at which the model runs."""
        runs = {batch: subject.evaluated(batch) for batch in batch_sizes}
        outcomes = tuple(run.outcome() for run in runs.values())
        good = {batch: run for batch, run in runs.items() if run.failure is None}
        if subject.control not in good or len(good) < 2:
            return CheckOutcome(self.name, Status.UNDECIDED, "it runs at one batch size at most", outcomes)
        shapes = {batch: run.shapes for batch, run in good.items()}
        if not shapes[subject.control]:
            return CheckOutcome(self.name, Status.UNDECIDED, "the output holds no tensors", outcomes)
        tensors = by_tensor(shapes)
        if tensors is None:
            return self._of_lists(shapes, outcomes)
        details: list[str] = []
        doubts: list[str] = []
        for place, each in enumerate(tensors):
            which = "the output" if len(tensors) == 1 else f"output {place + 1}"
            verdict, detail, failing = _judge(subject, good[subject.control], place, each)
            if verdict is Status.FAILED:
                marked = tuple(
                    replace(run, status=Status.FAILED, detail=detail) if run.batch_size in failing else run
                    for run in outcomes
                )
                return CheckOutcome(self.name, Status.FAILED, f"{which} {detail}", marked)
            (doubts if verdict is Status.UNDECIDED else details).append(f"{which} {detail}")
        if doubts:
            return CheckOutcome(self.name, Status.UNDECIDED, doubts[0], outcomes)
        return CheckOutcome(self.name, Status.PASSED, details[0], outcomes)

    def _of_lists(
        self, shapes: Mapping[int, Sequence[tuple[int, ...]]], outcomes: tuple[BatchOutcome, ...]
    ) -> CheckOutcome:
        """Where the number of tensors varies: a list of samples, or nothing that can be told."""
        counts = {batch: len(each) for batch, each in shapes.items()}
        if rows_of({batch: (count,) for batch, count in counts.items()}):
            return CheckOutcome(self.name, Status.PASSED, "the output is a list of samples", outcomes)
        detail = f"the output holds {listed(counts.values())} tensors at {rows(listed(counts))}"
        return CheckOutcome(self.name, Status.UNDECIDED, detail, outcomes)


def _judge(
    subject: AnySubject, control: Run, place: int, shapes: dict[int, tuple[int, ...]]
) -> tuple[Status, str, tuple[int, ...]]:
    """The answer for one tensor, in words, and the batch sizes at which it is wrong."""
    own = shapes[subject.control]
    deviating = tuple(batch for batch, each in shapes.items() if len(each) != len(own))
    if deviating:
        batch = deviating[0]
        detail = f"is {shape(shapes[batch])} at {rows(batch)} and {shape(own)} at {subject.control}: an axis is lost"
        if len(shapes[batch]) > len(own):
            detail = f"is {shape(shapes[batch])} at {rows(batch)} and {shape(own)} at {subject.control}"
        return Status.FAILED, detail, deviating
    counted = rows_of(shapes)
    fixed = [axis for axis, size in enumerate(own) if size == subject.control and _same_everywhere(shapes, axis)]
    if counted is not None and counted.each > 1 and fixed and _regroups(subject, shapes):
        other = max(shapes)
        detail = f"is {shape(shapes[other])} at {rows(other)}: samples are regrouped into {subject.control} rows"
        return Status.FAILED, detail, tuple(batch for batch in shapes if batch != subject.control)
    if counted is not None and counted.each > 1 and fixed and subject.control == 1:
        return (
            Status.UNDECIDED,
            f"has one row whatever is given, and {counted.each} values for each sample beside it",
            (),
        )
    if counted is not None:
        several = "" if counted.each == 1 else f", {counted.each} rows for each sample"
        where = "" if counted.axis == 0 else f" on axis {counted.axis}"
        return Status.PASSED, f"has the batch{where} at {rows(listed(shapes))}{several}", ()
    if not own:
        return Status.PASSED, "is one number", ()
    moved = subject.called_as_found(*subject.arguments(subject.control, subject.seed + 1), subject.control)
    if moved.failure is not None or len(moved.shapes) != len(control.shapes):
        return Status.UNDECIDED, "depends on the values of the input", ()
    if moved.shapes[place] != own:
        return Status.UNDECIDED, f"has a shape that depends on values ({shape(own)}, {shape(moved.shapes[place])})", ()
    if len(set(shapes.values())) == 1 and _is_same_tensor(control, moved, place):
        return Status.PASSED, f"is the same {shape(own)} for every input", ()
    if fixed and subject.control > 1:
        wrong = tuple(batch for batch in shapes if batch != subject.control)
        other = wrong[-1]
        return Status.FAILED, f"is {shape(shapes[other])} at {rows(other)}: {subject.control} whatever is given", wrong
    shown = listed(f"{shape(each)} at {rows(batch)}" for batch, each in list(shapes.items())[:3])
    return Status.UNDECIDED, f"has no axis that follows the batch size: {shown}", ()


def _regroups(subject: AnySubject, shapes: Mapping[int, tuple[int, ...]]) -> bool:
    """Whether a sample alone has its values elsewhere: what follows the batch size are then no rows of it."""
    layout = layout_of(subject, tuple(shapes))
    size = next((batch for batch in shapes if batch > subject.control), None)
    if layout is None or size is None or subject.noise().reason:
        return False
    try:
        return alone(subject, Batch(subject, size), layout).status is Status.FAILED
    except NotSamples:
        return False


def _same_everywhere(shapes: Mapping[int, tuple[int, ...]], axis: int) -> bool:
    return len({each[axis] for each in shapes.values()}) == 1


def _is_same_tensor(one: Run, other: Run, place: int) -> bool:
    return same(tensors_in(one.output)[place], tensors_in(other.output)[place])
