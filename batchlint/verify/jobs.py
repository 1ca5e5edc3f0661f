"""One worker's work as its parent sees it: what has come, what is still to come, until when, and how it ended."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from batchlint.verify import endings
from batchlint.verify.endings import Ending
from batchlint.verify.launching import Worker
from batchlint.verify.outcomes import Stage, TargetResult
from batchlint.verify.plan.plans import LEFT_OUT, FilePlan
from batchlint.verify.sandbox.holding import Held
from batchlint.verify.settings import Settings
from batchlint.verify.worker.protocol import Begun, Finished, Garbled, Missing, Raised, Reader

KEPT_OUTPUT = 8 << 10
"""Bytes of what the user's code prints that are kept: the last ones."""
SECONDS_TO_START = 300.0
SECONDS_TO_LEAVE = 5.0
SECONDS_TO_SAY_WHERE = 0.3
SECONDS_TO_SAY_THE_REST = 0.02
SECONDS_TO_DIE = 10.0
SECONDS_FOR_STREAMS = 1.0
NO_DEVICE = "NoSuchDevice"
"""What a worker raises where the device that the user asks for is not there."""
TRIES = 3
"""How often work is begun that is lost with the process that starts workers."""


class State(enum.Enum):
    """Where a job is."""

    STARTING = enum.auto()
    RUNNING = enum.auto()
    LEAVING = enum.auto()
    """It has said that nothing more will come."""
    SAYING_WHERE = enum.auto()
    """Its time is over; it has been asked to print where it is."""
    STOPPED = enum.auto()


class Action(enum.Enum):
    """What the launcher has to do now."""

    DUMP = enum.auto()
    STOP = enum.auto()


@dataclass
class Job:
    """A plan, or what is left of it, in one worker.

    Attributes:
        index: the plan's place among all.
        plan: the plan, as it was given.
        open: numbers of the targets without a result.
        settings: limits.
        tries: how often the same was begun before, and lost through no fault of its own.
        left_out: numbers of targets that are not wanted, and that ended a process when they were run for others' sake.
        process: the process, 0 while it is not known.
        held: the sandbox that holds it.
        missing: the framework that is not there, if that is why nothing was done.
        no_device: why the device that is asked for cannot be used, if that is why nothing was done.
        loading: whether no work on a target has begun.
        begun: the target on which work has.
        deadline: when `expire` has to be called.
        ending: why it came to no good end, where that is known already.
        discarded: whether it is ended for what its last result says.
        over: whether the process is gone.
        status: how it ended, as `subprocess` has it, ``None`` where nobody saw.
        streams: how many of its streams have not come to their end.
        detail: what is known of its end where nobody saw it.
    """

    index: int
    plan: FilePlan
    open: list[int]
    settings: Settings
    tries: int = 0
    left_out: frozenset[int] = frozenset()

    worker: Worker | None = None
    process: int = 0
    held: Held | None = None
    missing: Missing | None = None
    no_device: str = ""
    state: State = State.STARTING
    loading: bool = True
    begun: int | None = None
    deadline: float = 0.0
    ending: Ending | None = None
    discarded: bool = False
    over: bool = False
    status: int | None = None
    streams: int = 2
    detail: str = ""

    _reader: Reader | None = None
    _output: bytearray = field(default_factory=bytearray)

    def attach(self, worker: Worker, now: float) -> None:
        """It has been given to *worker*."""
        self.worker = worker
        self._reader = Reader(worker.word)
        self.deadline = now + SECONDS_TO_START

    def remaining(self) -> FilePlan:
        """The plan, with only those targets wanted that are open."""
        wanted = frozenset(self.open)
        targets = (replace(target, wanted=number in wanted) for number, target in enumerate(self.plan.targets))
        kept = (
            replace(target, kind=LEFT_OUT) if number in self.left_out else target
            for number, target in enumerate(targets)
        )
        return replace(self.plan, targets=tuple(kept))

    def refuse(self, ending: Ending) -> list[TargetResult]:
        """Results that say that nothing of it is run at all."""
        return [self._unfinished(number, ending) for number in self.open]

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.over and self.streams <= 0

    @property
    def printed(self) -> str:
        """The last of what the user's code printed."""
        return self._output.decode("utf-8", "replace")

    def started(self, process: int, now: float) -> None:
        """Its process runs."""
        self.process = process
        if self.state is State.STARTING:
            self._run(now)

    def ended(self, status: int | None, now: float, detail: str = "") -> None:
        """Its process, and all that it started, is gone."""
        self.over, self.status, self.detail = True, status, detail
        self.deadline = now + SECONDS_FOR_STREAMS

    def print(self, data: bytes, now: float) -> None:
        """Take what the user's code printed; empty *data* is its end."""
        if not data:
            self.streams -= 1
        self._output += data
        del self._output[:-KEPT_OUTPUT]
        if self.state is State.SAYING_WHERE:
            self.deadline = min(self.deadline, now + SECONDS_TO_SAY_THE_REST)

    def hear(self, data: bytes, now: float) -> Iterator[TargetResult]:
        """Take what came through the pipe of results, and yield the results in it; empty *data* is its end."""
        if not data:
            self.streams -= 1
        if self._reader is None or self.state in (State.STOPPED, State.SAYING_WHERE):
            return
        try:
            for message in self._reader.feed(data):
                if isinstance(message, TargetResult):
                    yield self._accept(message, now)
                else:
                    self._note(message, now)
                if self._is_stopped():
                    return
        except Garbled as error:
            self._stop(endings.garbled(str(error)[:200]), now)

    def stop(self, ending: Ending, now: float) -> None:
        """End it, for a reason that its parent has."""
        if self.state is not State.STOPPED:
            self._stop(ending, now)

    def expire(self, now: float) -> Action | None:
        """Its deadline has passed: what is to be done."""
        if self.over:
            self.streams = 0
        elif self.state is State.STARTING:
            self._stop(Ending(f"did not start within {SECONDS_TO_START:g} s"), now)
            return Action.STOP
        elif self.state is State.RUNNING and self.held is not None:
            self._enter(State.SAYING_WHERE, now + SECONDS_TO_SAY_WHERE)
            return Action.DUMP
        elif self.state is State.LEAVING:
            self._stop(self.ending, now)
            return Action.STOP
        elif self.state is State.STOPPED:  # even the system cannot end it
            self.ended(None, now)
            self.streams = 0
        else:
            self._stop(endings.timeout(self.settings.seconds_per_target, self.printed, self.plan), now)
            return Action.STOP
        return None

    def conclude(self) -> tuple[list[TargetResult], Job | None]:
        """Results for targets that ended the process, and what is left to do in another one."""
        ending, blamed = self._blame()
        results = [self._unfinished(number, ending) for number in blamed]
        left = [number for number in self.open if number not in blamed]
        lost = self._is_lost
        out = self.left_out
        if self.begun is not None and self.begun not in self.open and not lost:
            out |= {self.begun}
        return results, Job(self.index, self.plan, left, self.settings, self.tries + lost, out) if left else None

    def _is_stopped(self) -> bool:
        return self.state is State.STOPPED

    @property
    def _is_lost(self) -> bool:
        return self.status is None and self.ending is None and not self.discarded and self.state is not State.LEAVING

    def _blame(self) -> tuple[Ending, list[int]]:
        ending = self.ending
        if not self.open or self.discarded:
            return endings.NO_RESULT, []
        if ending is None:
            if self.state is State.LEAVING:
                return endings.NO_RESULT, list(self.open)
            if self.status is None:
                if self.tries + 1 < TRIES:
                    return endings.lost(self.detail), []
                ending = endings.lost(self.detail)
            else:
                ending = endings.of_status(self.status, self.printed, self.plan, self.settings)
        if self.loading:
            return endings.while_loading(ending), list(self.open)
        if self.begun is None:
            return ending, [self.open[0]]
        if self.begun in self.open:
            return ending, [self.begun]
        # It was run for others' sake: they get another process without it, unless it ended that one, too.
        return ending, list(self.open) if self.begun in self.left_out else []

    def _unfinished(self, number: int, ending: Ending) -> TargetResult:
        target = self.plan.targets[number]
        return TargetResult(
            self.plan.path,
            target.qualname,
            target.kind,
            target.line,
            Stage.NOT_LOADED if self.loading else Stage.SLICED,
            seed=self.settings.seed,
            reason=ending.reason,
            help=ending.help,
        )

    def _accept(self, result: TargetResult, now: float) -> TargetResult:
        number = self._number_of(result)
        if number is None:
            raise Garbled(f"a result of {result.qualname[:80]!r}, which is not awaited")
        self.open.remove(number)
        self.begun, self.loading = None, False
        self._run(now)
        if any(run.failure and run.failure.fatal for check in result.checks for run in check.runs):
            self.discarded = True
            self._stop(None, now)
        if result.environment is not None and self.held is not None and not result.environment.sandbox:
            said = replace(result.environment, sandbox=self.held.enforced, not_enforced=self.held.not_enforced)
            result = replace(result, environment=said)
        return result if result.path == self.plan.path else replace(result, path=self.plan.path)

    def _number_of(self, result: TargetResult) -> int | None:
        for number in (self.begun, *self.open) if self.begun in self.open else self.open:
            target = self.plan.targets[number]
            if (target.qualname, target.line) == (result.qualname, result.line):
                return number
        return None

    def _note(self, message: object, now: float) -> None:
        if isinstance(message, Held):
            self.held = message
            self._run(now)
        elif isinstance(message, Begun):
            if not 0 <= message.target < len(self.plan.targets):
                raise Garbled(f"target {message.target}, which there is not")
            self.begun, self.loading = message.target, False
            self._run(now)
        elif isinstance(message, Raised) and message.kind == NO_DEVICE:
            self.no_device = message.message
            self._enter(State.LEAVING, now + SECONDS_TO_LEAVE)
        elif isinstance(message, Raised):
            self.ending = endings.raised(message, self.settings)
            self._enter(State.LEAVING, now + SECONDS_TO_LEAVE)
        elif isinstance(message, Missing):
            self.missing = message
        elif isinstance(message, Finished):
            self._enter(State.LEAVING, now + SECONDS_TO_LEAVE)

    def _run(self, now: float) -> None:
        self._enter(State.RUNNING, now + self.settings.seconds_per_target)

    def _stop(self, ending: Ending | None, now: float) -> None:
        self.ending = ending
        self._enter(State.STOPPED, now + SECONDS_TO_DIE)

    def _enter(self, state: State, deadline: float) -> None:
        self.state, self.deadline = state, deadline
