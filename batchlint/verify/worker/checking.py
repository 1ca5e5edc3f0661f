"""Asks the checks of one model, each within its time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterable, Sequence

from batchlint.verify.batch_sizes import ladder
from batchlint.verify.checks.crash_at_batch_sizes import CrashAtBatchSizes, crashes, judged
from batchlint.verify.checks.registry import CHECKS
from batchlint.verify.checks.words import listed, rows
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.tensors import tensors_in
from batchlint.verify.worker.timeouts import TimeLimit, limit

FIRST = CrashAtBatchSizes.name
"""Asked before all others, which take what it ran."""

AT_ONE_SIZE = frozenset({"other spatial sizes"})
"""Checks that need no other batch size than the control."""

ON_REQUEST = ("export and run",)
"""Checks that no rule names and `usual` leaves out."""


def usual_checks() -> tuple[str, ...]:
    """Names of the checks that every model is asked."""
    return tuple(name for name in CHECKS if name not in ON_REQUEST and CHECKS[name].usual)


def sizes_for(subject: AnySubject, settings: Settings) -> tuple[int, ...]:
    """The batch sizes to run *subject* at, its control first."""
    return ladder(subject.control, dimensions_of(subject), settings.batch_sizes)


def dimensions_of(subject: AnySubject) -> set[int]:
    """Sizes of the tensors involved, but for the batch's own: of inputs, parameters, and outputs at the control."""
    found: set[int] = set()
    try:
        for tensor in tensors_in(list(subject.arguments(subject.control))):
            found.update(size for size in tensor.shape if size != subject.control)
        for shape in subject.evaluated(subject.control).shapes:
            found.update(size for size in shape if size != subject.control)
    except Exception:
        pass
    return found | subject.sizes()


def run_checks(
    subject: AnySubject,
    names: Iterable[str],
    settings: Settings,
    *,
    batch_sizes: Sequence[int] = (),
    wanted_lines: Collection[int] = (),
) -> tuple[CheckOutcome, ...]:
    """Ask the checks called *names* of *subject*; the crash check always, and first.

    What was run is noted in the subject: ``batch_sizes``, ``executed_lines`` and ``reached_lines``. Whether the control
    runs is not asked before: where it does not, the crash check says so and no other is asked.

    Args:
        subject: the model and its inputs.
        names: of checks, in the order in which they are asked; those that are not of models are left out.
        settings: device, seed and limits.
        batch_sizes: those to run at, the control first; empty for the default ladder.
        wanted_lines: lines of findings: where the run in eval mode reaches none of them, train mode is tried, too.
    """
    asked = list(dict.fromkeys(names))
    deadline = time.monotonic() + settings.seconds_per_target
    with subject.asked():
        subject.batch_sizes = tuple(batch_sizes)
        if asked and AT_ONE_SIZE.issuperset(asked):
            subject.batch_sizes, wanted_lines = (subject.control,), ()
        found = [_within(subject, FIRST, settings, deadline, wanted_lines)]
        control = subject.control
        if any(run.batch_size == control and run.failure is None for run in found[0].runs):
            for name in asked:
                if name in CHECKS and name != FIRST:
                    found.append(_within(subject, name, settings, deadline, wanted_lines))
                    if any(run.failure is not None and run.failure.fatal for run in found[-1].runs):
                        break
    return tuple(found)


def _within(
    subject: AnySubject, name: str, settings: Settings, deadline: float, wanted_lines: Collection[int]
) -> CheckOutcome:
    """The outcome of one check, whatever it does."""
    left = min(settings.seconds_per_check, deadline - time.monotonic())
    if left <= 0:
        detail = f"not asked: {settings.seconds_per_target:g} s for all checks were used up"
        return CheckOutcome(name, Status.UNDECIDED, detail)
    end = time.monotonic() + left
    try:
        with limit(left):
            if not subject.batch_sizes:
                subject.batch_sizes = sizes_for(subject, settings)
            if name == FIRST:
                subject.foresee(subject.batch_sizes)
                return _crashes(subject, wanted_lines, settings)
            return CHECKS[name].run(subject, subject.batch_sizes, settings)
    except TimeLimit:
        if time.monotonic() < end - 0.01:
            raise  # somebody else's limit
        return _so_far(subject, name, f"took longer than {left:.3g} s")
    except (MemoryError, RecursionError) as error:
        return CheckOutcome(name, Status.UNDECIDED, f"ended by {type(error).__name__}")
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        return CheckOutcome(name, Status.UNDECIDED, f"could not be asked: {type(error).__name__}: {text}")


def _so_far(subject: AnySubject, name: str, why: str) -> CheckOutcome:
    """What can be said of a check that was ended; the runs at other batch sizes that were made still count."""
    done = subject.remembered(subject.batch_sizes) if name == FIRST else []
    if not done:
        return CheckOutcome(name, Status.UNDECIDED, why)
    left_out = [size for size in subject.batch_sizes if size not in {run.batch_size for run in done}]
    subject.batch_sizes = tuple(run.batch_size for run in done)
    found = crashes(name, subject, subject.batch_sizes)
    if found.status is Status.PASSED:
        return dataclasses.replace(found, status=Status.UNDECIDED, detail=f"{why}; not run at {rows(listed(left_out))}")
    return found


def _crashes(subject: AnySubject, wanted_lines: Collection[int], settings: Settings) -> CheckOutcome:
    """The ladder in eval mode, and in train mode where that is what reaches the wanted lines."""
    evaluated = CHECKS[FIRST].run(subject, subject.batch_sizes, settings)
    if not wanted_lines or not subject.reached_lines or subject.reached_lines & set(wanted_lines):
        return evaluated
    if evaluated.status is not Status.PASSED:
        return evaluated
    trained = crashes(FIRST, subject, subject.batch_sizes, training=True)
    if trained.status is Status.PASSED:
        return CheckOutcome(FIRST, Status.PASSED, evaluated.detail, (*evaluated.runs, *trained.runs))
    return judged(FIRST, trained.runs)
