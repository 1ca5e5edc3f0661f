"""Starts and ends worker processes, by forking one that is warm or by starting anew; knows nothing of their work."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from batchlint.verify.worker.protocol import Task, new_word, task_to_bytes

RESTARTS = 8
"""How often a zygote that died is replaced before it is given up."""
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "tensorflow": {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0",
                   "TF_FORCE_GPU_ALLOW_GROWTH": "true"},
    "keras": {"KERAS_BACKEND": "torch"},
}  # fmt: skip
"""What a framework reads from its environment while it is imported."""
SECONDS_TO_LEAVE = 3.0
"""What a zygote has to end its workers; one that imports listens to nobody, and is killed."""


@dataclass(frozen=True, slots=True)
class Started:
    """The worker runs."""

    worker: int
    process: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The worker is gone, with all it started; *status* is as `subprocess` has it, ``None`` where nobody saw.

    *detail* is the last that was heard from the process that should have seen it.
    """

    worker: int
    status: int | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lacking:
    """The worker was not started, as its framework cannot be imported."""

    worker: int
    framework: str
    reason: str


Event = Started | Ended | Lacking


class Stream:
    """What comes from a worker through a pipe, as `selectors` can wait for it on every system."""

    def __init__(self, descriptor: int) -> None:
        self._socket: socket.socket | None = None
        self._descriptor = descriptor
        if sys.platform == "win32":  # where only sockets can be waited for
            self._socket, other = socket.socketpair()
            threading.Thread(target=_pump, args=(descriptor, other), daemon=True).start()

    def fileno(self) -> int:
        """What to wait for."""
        return self._descriptor if self._socket is None else self._socket.fileno()

    def read(self) -> bytes:
        """What is there; empty at the end."""
        try:
            return os.read(self._descriptor, 1 << 16) if self._socket is None else self._socket.recv(1 << 16)
        except OSError:
            return b""

    def close(self) -> None:
        """Read no more."""
        if self._socket is not None:
            self._socket.close()
        else:
            os.close(self._descriptor)


def _pump(descriptor: int, to: socket.socket) -> None:
    with to, contextlib.suppress(OSError):
        while data := os.read(descriptor, 1 << 16):
            to.sendall(data)
    with contextlib.suppress(OSError):
        os.close(descriptor)


@dataclass(frozen=True)
class Worker:
    """A worker process, as its parent holds it.

    Attributes:
        number: what events call it.
        word: what marks its messages.
        results: its messages.
        output: what the user's code prints.
    """

    number: int
    word: bytes
    results: Stream
    output: Stream


class GivenUp(Exception):
    """No more workers can be started."""


class Launcher(Protocol):
    """A way to start workers."""

    def launch(self, task: Task, preload: Sequence[str]) -> Worker:
        """Start a worker for *task*; *preload* are modules that are worth importing before."""

    def warm(self, framework: str, performer: str) -> None:
        """Begin to import what workers will need, if that can be done before."""

    def dump(self, worker: int) -> None:
        """Have a worker that runs print where it is."""

    def stop(self, worker: int) -> None:
        """Kill a worker, and all that it started."""

    def controls(self) -> list[int]:
        """What to wait for besides the workers' streams; nothing where the workers have to be looked after."""

    def events(self) -> list[Event]:
        """What happened since the last call; does not wait."""

    def close(self) -> None:
        """Kill everything."""


def environment_for(framework: str, environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* with what a process that imports *framework* needs."""
    return {**environment, **ENVIRONMENTS.get(framework, {})}


@dataclass
class Forking:
    """Workers are forks of warm processes, one for each framework, as two do not go into one process (Linux).

    Attributes:
        python: the interpreter.
        environment: what the processes get.
        folder: an empty folder that the run may use, and that workers cannot write to.
        run_folder: what is removed when this process dies without having done so.
    """

    python: str
    environment: Mapping[str, str]
    folder: str
    run_folder: str
    _nests: dict[str, Nest] = field(default_factory=dict)
    _homes: dict[int, Nest] = field(default_factory=dict)
    _next: int = 0

    def launch(self, task: Task, preload: Sequence[str]) -> Worker:
        """See `Launcher`."""
        self._next += 1
        nest = self._homes[self._next] = self._nest(task.plan.framework)
        return nest.launch(self._next, task, preload)

    def warm(self, framework: str, performer: str) -> None:
        """See `Launcher`."""
        self._nest(framework).warm(framework, performer)

    def _nest(self, framework: str) -> Nest:
        """The process that has imported *framework*, or is to; what needs none goes to any."""
        if framework not in self._nests:
            known = next(iter(self._nests.values()), None) if not framework else None
            self._nests[framework] = known or Nest(
                self.python, environment_for(framework, self.environment), self.folder, self.run_folder, framework
            )
        return self._nests[framework]

    def dump(self, worker: int) -> None:
        """See `Launcher`."""
        self._homes[worker].dump(worker)

    def stop(self, worker: int) -> None:
        """See `Launcher`."""
        self._homes[worker].stop(worker)

    def controls(self) -> list[int]:
        """See `Launcher`."""
        return [found for nest in self._each() if (found := nest.control()) is not None]

    def events(self) -> list[Event]:
        """See `Launcher`."""
        return [event for nest in self._each() for event in nest.events()]

    def close(self) -> None:
        """See `Launcher`."""
        for nest in self._each():
            nest.close()

    def _each(self) -> list[Nest]:
        return list({id(nest): nest for nest in self._nests.values()}.values())


@dataclass
class Nest:
    """The workers that one warm process forks.

    Attributes:
        python: the interpreter.
        environment: what the processes get.
        folder: a folder that the run may use, and that workers cannot write to.
        run_folder: what is removed when this process dies without having done so.
        name: of the process, among others.
    """

    python: str
    environment: Mapping[str, str]
    folder: str
    run_folder: str
    name: str = ""
    _zygote: subprocess.Popen[bytes] | None = None
    _socket: socket.socket | None = None
    _started: int = 0
    _alive: dict[int, int] = field(default_factory=dict)
    _lost: list[Event] = field(default_factory=list)

    def launch(self, number: int, task: Task, preload: Sequence[str]) -> Worker:
        """Start worker *number*, see `Launcher`."""
        word = new_word()
        path = os.path.join(self.folder, f"task-{number}.json")
        Path(path).write_bytes(task_to_bytes(task))
        message = {
            "start": number, "task": path, "word": word.hex(), "framework": task.plan.framework,
            "performer": task.performer, "preload": list(preload),
        }  # fmt: skip
        results, theirs_results = os.pipe()
        output, theirs_output = os.pipe()
        try:
            self._alive[number] = 0
            channel = self._connect()
            socket.send_fds(channel, [json.dumps(message).encode()], [theirs_results, theirs_output])
        except OSError:
            self._bury()
        except BaseException:
            del self._alive[number]
            os.close(results)
            os.close(output)
            raise
        finally:
            os.close(theirs_results)
            os.close(theirs_output)
        return Worker(number, word, Stream(results), Stream(output))

    def warm(self, framework: str, performer: str) -> None:
        """See `Launcher`."""
        self._connect()
        self._tell({"warm": framework, "performer": performer})

    def _connect(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        if self._started > RESTARTS:
            raise GivenUp(f"the process that starts workers died {self._started} times")
        self._started += 1
        home = os.path.join(self.folder, f"zygote-{self.name}{self._started}")  # empty: Python looks for modules in it
        os.mkdir(home)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, open(self._log(), "wb") as log:
            self._zygote = subprocess.Popen(
                [self.python, "-m", "batchlint.verify.worker.zygote", str(theirs.fileno()), self.run_folder],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=home,
                env=dict(self.environment),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # an interrupt from the keyboard is for the parent alone
            )
        return self._socket

    def _log(self) -> str:
        """The file of what the zygote says when it fails."""
        return os.path.join(self.folder, f"zygote-{self.name}{self._started}.log")

    def _tell(self, message: Mapping[str, Any]) -> None:
        if self._socket is not None:
            try:
                self._socket.send(json.dumps(message).encode())
            except OSError:
                self._bury()

    def dump(self, worker: int) -> None:
        """See `Launcher`."""
        if self._alive.get(worker):
            self._tell({"dump": worker})

    def stop(self, worker: int) -> None:
        """See `Launcher`."""
        if self._alive.get(worker):
            self._tell({"stop": worker})
        elif worker in self._alive and self._zygote is not None:  # still importing: it listens to nobody
            self._zygote.kill()

    def control(self) -> int | None:
        """What to wait for besides the workers' streams."""
        return None if self._socket is None else self._socket.fileno()

    def events(self) -> list[Event]:
        """See `Launcher`."""
        found: list[Event] = []
        while self._socket is not None:
            try:
                data = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._bury()
                break
            found.append(self._event(json.loads(data)))
        lost, self._lost = self._lost, []
        return found + lost

    def _event(self, message: Mapping[str, Any]) -> Event:
        if "started" in message:
            self._alive[message["started"]] = message["process"]
            return Started(message["started"], message["process"])
        if "missing" in message:
            self._forget(message["job"])
            return Lacking(message["job"], message["missing"], message["reason"])
        self._forget(message["ended"])
        return Ended(message["ended"], message["status"])

    def _forget(self, worker: int) -> None:
        self._alive.pop(worker, None)
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self.folder, f"task-{worker}.json"))

    def _bury(self) -> None:
        """The zygote is gone: its workers die with it, and are killed where the system does not see to that."""
        if self._zygote is None or self._socket is None:
            return
        self._socket.close()
        self._socket = None
        self._zygote.kill()
        self._zygote.wait()
        last_words = _last_line(self._log())
        for worker, process in list(self._alive.items()):
            if process:
                with contextlib.suppress(OSError):
                    os.killpg(process, signal.SIGKILL)
            self._lost.append(Ended(worker, None, last_words))
            self._forget(worker)

    def close(self) -> None:
        """See `Launcher`."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._zygote is None:
            return
        if not any(self._alive.values()):
            self._zygote.kill()  # at once, as it may be importing; it has nothing to clean up
        try:
            self._zygote.wait(SECONDS_TO_LEAVE)
        except subprocess.TimeoutExpired:
            self._zygote.kill()
            self._zygote.wait()
        for process in filter(None, self._alive.values()):
            with contextlib.suppress(OSError):
                os.killpg(process, signal.SIGKILL)
        self._alive.clear()


@dataclass
class Spawning:
    """Each worker is a process of its own that imports everything anew.

    Attributes:
        python: the interpreter.
        environment: what the processes get.
        folder: an empty folder.
    """

    python: str
    environment: Mapping[str, str]
    folder: str
    _next: int = 0
    _alive: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _news: list[Event] = field(default_factory=list)

    def launch(self, task: Task, preload: Sequence[str]) -> Worker:
        """See `Launcher`."""
        self._next += 1
        number, word = self._next, new_word()
        popen = subprocess.Popen(
            [self.python, "-m", "batchlint.verify.worker.spawned"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=environment_for(task.plan.framework, self.environment),
            start_new_session=True,
        )
        data = task_to_bytes(task)
        assert popen.stdin is not None
        threading.Thread(
            target=_give, args=(popen.stdin, struct.pack(f"!{len(word)}sI", word, len(data)) + data), daemon=True
        ).start()
        self._alive[number] = popen
        self._news.append(Started(number, popen.pid))
        return Worker(number, word, Stream(_taken(popen.stdout)), Stream(_taken(popen.stderr)))

    def warm(self, framework: str, performer: str) -> None:
        """See `Launcher`: every worker imports for itself."""

    def dump(self, worker: int) -> None:
        """See `Launcher`."""
        if sys.platform != "win32" and worker in self._alive:
            self._alive[worker].send_signal(signal.SIGUSR1)

    def stop(self, worker: int) -> None:
        """See `Launcher`."""
        if (popen := self._alive.get(worker)) is not None:
            _kill(popen)

    def controls(self) -> list[int]:
        """See `Launcher`: nothing tells, the processes have to be looked after."""
        return []

    def events(self) -> list[Event]:
        """See `Launcher`."""
        for worker, popen in list(self._alive.items()):
            if popen.poll() is not None:
                self._end(worker, popen)
        news, self._news = self._news, []
        return news

    def _end(self, worker: int, popen: subprocess.Popen[bytes]) -> None:
        _kill(popen)  # what it left in its group
        del self._alive[worker]
        if popen.stdin is not None:
            with contextlib.suppress(OSError):
                popen.stdin.close()
        self._news.append(Ended(worker, popen.returncode))

    def close(self) -> None:
        """See `Launcher`."""
        for worker, popen in list(self._alive.items()):
            _kill(popen)
            popen.wait()
            self._end(worker, popen)


def _last_line(path: str) -> str:
    """The last line of the file, if there is one."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 2000))
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:300] for line in reversed(lines) if line.strip()), "")


def _kill(popen: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            popen.kill()
        else:
            os.killpg(popen.pid, signal.SIGKILL)


def _give(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):
        stream.write(data)
        stream.flush()


def _taken(stream: IO[bytes] | None) -> int:
    assert stream is not None
    descriptor = os.dup(stream.fileno())
    stream.close()
    return descriptor
