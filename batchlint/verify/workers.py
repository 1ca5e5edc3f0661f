"""Runs plans in worker processes that the sandbox holds: one result for each wanted target, whatever the code does."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import stat
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

from batchlint.runner import usable_cpus
from batchlint.verify import endings
from batchlint.verify.jobs import Action, Job, State
from batchlint.verify.launching import Ended, Event, Forking, GivenUp, Lacking, Launcher, Spawning, Started, Stream
from batchlint.verify.outcomes import TargetResult
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.sandbox.devices import accelerators
from batchlint.verify.sandbox.environment import homes, scrubbed
from batchlint.verify.sandbox.holding import Held
from batchlint.verify.settings import Settings
from batchlint.verify.worker.protocol import Missing, Task

PERFORMERS = {
    "torch": "batchlint.verify.worker.perform:perform",
    "tensorflow": "batchlint.verify.worker.keras.performing:perform",
    "keras": "batchlint.verify.worker.keras.performing:perform",
}
"""What performs a plan in the worker, by framework."""
EXTRAS = {"torch": "torch", "tensorflow": "tensorflow", "keras": "keras"}
"""The extra of this package that brings a framework."""
PRELOADED = ("numpy", "PIL", "torchvision", "einops")
"""Packages that are slow to import, start no threads and touch no device: imported once if a plan imports them."""

_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
_SECONDS_BETWEEN_LOOKS = 0.25
_SECONDS_TO_POLL = 0.02


class FrameworkMissing(Exception):
    """What the code needs to run cannot be imported."""

    def __init__(self, framework: str, reason: str) -> None:
        self.framework = framework
        super().__init__(lacking(framework, reason))


def lacking(framework: str, reason: str) -> str:
    """What to say where *framework* cannot be imported, for that *reason*."""
    install = f'pip install "batchlint[{EXTRAS[framework]}]"' if framework in EXTRAS else f"pip install {framework}"
    return f"running code needs {framework}, but {reason}: {install}"


class DeviceMissing(Exception):
    """The device that the user asks for is not there; the message says why, and what to ask for."""


class Workers:
    """Worker processes for one run; a context manager that leaves neither a process nor a file behind.

    Args:
        settings: how code is run.
        jobs: how many plans are run at once. Each gets its share of the CPUs as threads, at least one.
        python: the interpreter to run code with.
        performer: ``package.module:function`` that performs a plan in the worker; by default that of its framework.
        fork: whether workers are forked from a warm process, by default where that is safe (Linux).
    """

    def __init__(
        self,
        settings: Settings,
        jobs: int = 1,
        python: str = sys.executable,
        *,
        performer: str = "",
        fork: bool = sys.platform == "linux",
    ) -> None:
        self._settings = settings
        self._jobs = max(1, jobs)
        self._python = python
        self._performer = performer
        self._fork = fork
        self._folder = ""
        self._launcher: Launcher | None = None
        self._warmed: set[str] = set()
        self._held: Held | None = None
        self._watches_memory = sys.platform == "linux" and bool(accelerators(settings.device))

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill what runs, and remove what is left."""
        launcher, self._launcher = self._launcher, None
        folder, self._folder = self._folder, ""
        try:
            if launcher is not None:
                launcher.close()
        finally:
            _remove(folder)

    def warm(self, framework: str = "torch") -> None:
        """Begin to import *framework* while this process does something else; that it is missing is said later."""
        if framework not in self._warmed:
            self._warmed.add(framework)
            self._open().warm(framework, self._performer_of(framework))

    def _performer_of(self, framework: str) -> str:
        return self._performer or PERFORMERS.get(framework, "")

    @property
    def sandbox(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is enforced on this machine with these settings, and what is not, a line each."""
        if self._held is None:
            for _ in self._run(deque([Job(0, FilePlan("", "", framework=""), [], self._settings)]), 1):
                pass
        held = self._held or Held((), ("nothing: no worker could be started",))
        return held.enforced, held.not_enforced

    def perform(self, plans: Iterable[FilePlan]) -> Iterator[tuple[int, TargetResult]]:
        """Run *plans*; yield the index of a plan and a result of it, as they come.

        There is exactly one result for each target that is wanted; of one that ended its process it says why.

        Raises:
            FrameworkMissing: what a plan needs to run cannot be imported.
            DeviceMissing: the device of the settings is not there.
        """
        jobs = deque(
            Job(index, plan, wanted, self._settings)
            for index, plan in enumerate(plans)
            if (wanted := [number for number, target in enumerate(plan.targets) if target.wanted])
        )
        yield from self._run(jobs, min(self._jobs, len(jobs)))

    def _run(self, waiting: deque[Job], at_once: int) -> Iterator[tuple[int, TargetResult]]:
        run = _Run(self._open(), waiting, at_once, self)
        try:
            yield from run.results()
        finally:
            run.close()

    def _open(self) -> Launcher:
        if self._launcher is not None:
            return self._launcher
        self._folder = os.path.realpath(tempfile.mkdtemp(prefix="batchlint-"))
        empty = os.path.join(self._folder, "processes")
        os.mkdir(empty)
        environment = scrubbed(
            os.environ,
            hide_accelerators=not accelerators(self._settings.device),
            allow_network=self._settings.allow_network,
        )
        environment.update(homes(empty))
        if self._fork:
            self._launcher = Forking(self._python, environment, empty, self._folder)
        else:
            self._launcher = Spawning(self._python, environment, empty)
        return self._launcher

    def _task(self, job: Job, at_once: int) -> Task:
        scratch = tempfile.mkdtemp(prefix="home-", dir=self._folder)
        threads = max(1, usable_cpus() // max(1, at_once))
        performer = self._performer_of(job.plan.framework)
        return Task(job.remaining(), self._settings, performer, scratch, threads)


class _Run:
    """One call of `Workers.perform`: who runs, who waits."""

    def __init__(self, launcher: Launcher, waiting: deque[Job], at_once: int, workers: Workers) -> None:
        self.launcher = launcher
        self.waiting = waiting
        self.at_once = at_once
        self.workers = workers
        self.frameworks = {job.plan.framework for job in waiting}
        self.running: dict[int, Job] = {}
        self.scratch: dict[int, str] = {}
        self.streams: dict[Stream, Job] = {}

    def results(self) -> Iterator[tuple[int, TargetResult]]:
        while self.waiting or self.running:
            while self.waiting and len(self.running) < self.at_once:
                yield from self.give(self.start(self.waiting.popleft()))
            results = [(job.index, result) for stream, job in self.wait() for result in self.read(stream, job)]
            for event in self.launcher.events():
                self.happened(event)
            self.keep_time()
            for number in [number for number, job in self.running.items() if job.done]:
                results += self.conclude(number)
            yield from self.give(results)

    def give(self, results: Sequence[tuple[int, TargetResult]]) -> Iterator[tuple[int, TargetResult]]:
        """Yield *results*; the time that whoever takes them needs is no worker's."""
        for each in results:
            begin = time.monotonic()
            yield each
            elapsed = time.monotonic() - begin
            for job in self.running.values():
                job.deadline += elapsed

    def start(self, job: Job) -> list[tuple[int, TargetResult]]:
        task = self.workers._task(job, self.at_once)
        try:
            worker = self.launcher.launch(task, _preloads(job.plan))
        except GivenUp as error:
            _remove(task.scratch)
            ending = endings.Ending(f"could not be run: {error}")
            return [(job.index, result) for result in job.refuse(ending)]
        job.attach(worker, time.monotonic())
        self.running[worker.number] = job
        self.scratch[worker.number] = task.scratch
        self.streams.update({worker.results: job, worker.output: job})
        return []

    def wait(self) -> list[tuple[Stream, Job]]:
        """The streams with something to read, after waiting for one no longer than to the next deadline."""
        controls = self.launcher.controls()
        deadline = min((job.deadline for job in self.running.values()), default=0.0)
        seconds = max(0.0, deadline - time.monotonic())
        if self.workers._watches_memory:
            seconds = min(seconds, _SECONDS_BETWEEN_LOOKS)
        if not controls:
            seconds = min(seconds, _SECONDS_TO_POLL if any(job.streams < 2 for job in self.running.values()) else 0.25)
        # A new selector each time: what is waited for changes often, and numbers of closed files come again.
        with selectors.DefaultSelector() as selector:
            for stream, job in self.streams.items():
                selector.register(stream, selectors.EVENT_READ, (stream, job))
            for control in controls:
                selector.register(control, selectors.EVENT_READ)
            return [key.data for key, _ in selector.select(seconds) if key.data is not None]

    def read(self, stream: Stream, job: Job) -> Iterator[TargetResult]:
        data = stream.read()
        if not data:
            del self.streams[stream]
            stream.close()
        assert job.worker is not None
        if stream is job.worker.output:
            job.print(data, time.monotonic())
            return
        was = job.state
        yield from job.hear(data, time.monotonic())
        if job.held is not None:
            self.workers._held = job.held
        if job.state is State.STOPPED and was is not State.STOPPED:
            self.launcher.stop(job.worker.number)

    def happened(self, event: Event) -> None:
        job = self.running.get(event.worker)
        if job is None:
            return
        if isinstance(event, Started):
            job.started(event.process, time.monotonic())
        elif isinstance(event, Ended):
            job.ended(event.status, time.monotonic(), event.detail)
            if event.status is None and job.state is State.STARTING and job.tries and job.plan.framework:
                detail = f" ({event.detail})" if event.detail else ""
                raise FrameworkMissing(job.plan.framework, f"importing it ends the process{detail}")
        elif isinstance(event, Lacking):
            job.ended(None, time.monotonic())
            job.missing = Missing(event.framework, event.reason)
            if len(self.frameworks) == 1:
                raise FrameworkMissing(event.framework, event.reason)

    def keep_time(self) -> None:
        now = time.monotonic()
        for number, job in self.running.items():
            if self.workers._watches_memory and job.process and not job.over:
                self.look_at_memory(number, job, now)
            if job.deadline > now:
                continue
            action = job.expire(now)
            if action is Action.DUMP:
                self.launcher.dump(number)
            elif action is Action.STOP:
                self.launcher.stop(number)

    def look_at_memory(self, number: int, job: Job, now: float) -> None:
        if _own_bytes(job.process) > self.workers._settings.memory_bytes and job.state is not State.STOPPED:
            job.stop(endings.memory(self.workers._settings), now)
            self.launcher.stop(number)

    def conclude(self, number: int) -> list[tuple[int, TargetResult]]:
        job = self.running[number]
        self.leave(number)
        if job.missing is not None:
            if len(self.frameworks) == 1:
                raise FrameworkMissing(job.missing.framework, job.missing.reason)
            # Other files may need what is there.
            ending = endings.Ending(f"was not run: {lacking(job.missing.framework, job.missing.reason)}")
            return [(job.index, result) for result in job.refuse(ending)]
        if job.no_device:
            raise DeviceMissing(job.no_device)
        results, rest = job.conclude()
        if rest is not None:
            self.waiting.appendleft(rest)
        return [(job.index, result) for result in results]

    def leave(self, number: int) -> None:
        """Forget a job, with its files."""
        worker = self.running.pop(number).worker
        assert worker is not None
        for stream in (worker.results, worker.output):
            if self.streams.pop(stream, None) is not None:
                stream.close()
        _remove(self.scratch.pop(number))

    def close(self) -> None:
        """Stop all that runs, and wait until it has."""
        for number in self.running:
            self.launcher.stop(number)
        end = time.monotonic() + 2
        alive = {number for number, job in self.running.items() if not job.over}
        while alive and time.monotonic() < end:
            alive -= {event.worker for event in self.launcher.events() if not isinstance(event, Started)}
            time.sleep(0.005 if alive else 0)
        for number in list(self.running):
            self.leave(number)


def _preloads(plan: FilePlan) -> list[str]:
    imported = set(_IMPORT.findall(plan.text))
    return [name for name in PRELOADED if name in imported and not _is_users(name, plan)]


def _is_users(name: str, plan: FilePlan) -> bool:
    """Whether the user's own folders have a module of this name."""
    return any((Path(root) / name).exists() or (Path(root) / f"{name}.py").exists() for root in plan.roots)


def _own_bytes(process: int) -> int:
    """What *process* holds in memory besides files (Linux)."""
    try:
        pages = [int(each) for each in Path(f"/proc/{process}/statm").read_bytes().split()]
        return (pages[1] - pages[2]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _remove(folder: str) -> None:
    """Remove *folder*, also where the user's code took away the right to look into what it made."""
    if not folder:
        return
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        for path, names, _ in os.walk(folder):
            for each in (path, *(os.path.join(path, name) for name in names)):
                if not os.path.islink(each):  # which may lead anywhere
                    with contextlib.suppress(OSError):
                        os.chmod(each, stat.S_IRWXU)
        shutil.rmtree(folder, ignore_errors=True)
