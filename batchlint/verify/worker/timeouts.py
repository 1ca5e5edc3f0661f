"""Limits on wall time for code that may not come back."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


@dataclass(eq=False, frozen=True)
class Limit:
    """A limit that is in force.

    Attributes:
        seconds: its length.
        deadline: the wall time at which it ends.
        busy: the process's own time up to which it goes on past that; zero for none.
        latest: the wall time at which it ends in any case.
    """

    seconds: float
    deadline: float
    busy: float
    latest: float

    def is_over(self, now: float) -> bool:
        """Whether it has ended at the wall time *now*."""
        return now >= self.latest or (now >= self.deadline and time.process_time() >= self.busy)


class TimeLimit(BaseException):
    """Time is up. No ``Exception``, so that the code it ends does not catch it by mistake.

    Attributes:
        limit: the limit that was passed. Whoever catches this lets those of others through.
    """

    def __init__(self, passed: Limit) -> None:
        super().__init__(f"took longer than {passed.seconds:g} s")
        self.limit = passed


_GRACE = 0.2
"""Seconds after which `TimeLimit` is raised again where code has swallowed it."""

_limits: list[Limit] = []
"""The limits that are in force, the outermost first."""


def _ring(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    over = [each for each in _limits if each.is_over(now)]
    _arm()
    if over:
        raise TimeLimit(over[0])


def _arm() -> None:
    """Set the alarm to the next deadline, or to a moment from now where one has passed."""
    if not _limits:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return
    now = time.monotonic()
    waits = [each.deadline - now if each.deadline > now else _GRACE for each in _limits]
    signal.setitimer(signal.ITIMER_REAL, min(waits))


@contextlib.contextmanager
def limit(seconds: float, patience: float = 1.0) -> Iterator[Limit]:
    """Raise `TimeLimit` in the block after *seconds*. Limits nest: the outer one holds inside, too.

    On a machine that is busy with other things the block may take up to *patience* times as long, as long as the
    process's own time is within *seconds*.

    It is raised between two instructions of Python: a call into compiled code that never returns is not ended. Outside
    the main thread, where no signal arrives, and on systems without alarms there is no limit.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield Limit(seconds, float("inf"), 0.0, float("inf"))
        return
    if not _limits:
        previous = signal.signal(signal.SIGALRM, _ring)
    now = time.monotonic()
    busy = time.process_time() + seconds if patience > 1 else 0.0
    own = Limit(seconds, now + seconds, busy, now + seconds * max(1.0, patience))
    _limits.append(own)
    try:
        _arm()
        yield own
    finally:
        _limits.remove(own)
        _arm()
        if not _limits:
            signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End the block after *seconds*, or at what it raises, and go on after it; limits from outside are let through."""
    own: Limit | None = None
    try:
        with limit(seconds) as own:
            yield
    except TimeLimit as error:
        if error.limit is not own:
            raise
    except BaseException:
        return
