"""The process that imports the framework once and forks a worker for each plan (Linux).

It talks with its parent through a socket of small JSON messages. It never touches a device and has one thread, so that
what it forks works; it runs none of the user's code. It outlives its parent only to kill what it forked.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import select
import shutil
import signal
import socket
import sys
import warnings
from dataclasses import dataclass, field
from typing import Any

from batchlint.verify.sandbox.kernel import adopt_orphans, children_of, die_with_parent
from batchlint.verify.worker import child
from batchlint.verify.worker.protocol import NO_PIPE, Sender, move_descriptor, task_from_bytes

MAXIMUM_BYTES = 1 << 16
ROUNDS_AGAINST_STRAYS = 200


@dataclass
class Zygote:
    """What it knows: its parent's socket, the folder of the run, and the workers that live, by process."""

    parent: socket.socket
    folder: str
    workers: dict[int, int] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)

    def serve(self) -> None:
        """Do what the parent says, until it is gone."""
        woken, waker = os.pipe()
        for end in (woken, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while True:
            readable, _, _ = select.select([self.parent.fileno(), woken], [], [])
            if woken in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 4096)
                self.bury()
            if self.parent.fileno() in readable and not self.obey():
                return

    def obey(self) -> bool:
        """Take one message; whether there is still a parent."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.parent, MAXIMUM_BYTES, 2)
        except ConnectionError:
            return False
        if not data:
            return False
        message = json.loads(data)
        for path in message.get("preload", ()):
            _preload(path)
        if "start" in message:
            self.start(message, *descriptors)
        elif "warm" in message:
            self.import_framework(message["warm"], message["performer"])
        elif "stop" in message:
            self.signal(message["stop"], signal.SIGKILL)
        elif "dump" in message:
            self.signal(message["dump"], signal.SIGUSR1)
        return True

    def start(self, message: dict[str, Any], results: int, output: int) -> None:
        """Fork the worker that *message* asks for."""
        try:
            reason = self.import_framework(message["framework"], message["performer"])
            if reason:
                self.tell({"missing": message["framework"], "reason": reason, "job": message["start"]})
                return
            sys.stdout.flush()
            sys.stderr.flush()
            zygote = os.getpid()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                process = os.fork()
            if process == 0:
                self.become_worker(message, results, output, zygote)
            self.workers[process] = message["start"]
            self.tell({"started": message["start"], "process": process})
        finally:
            os.close(results)
            os.close(output)

    def import_framework(self, framework: str, performer: str) -> str:
        """Import what all workers need; why it cannot be had, or ``""``."""
        if framework in self.ready:
            return ""
        if framework:
            reason = importable(framework)
            if reason:
                return reason
            _warm(framework)
        with contextlib.suppress(Exception):  # a worker that cannot import it says so itself
            importlib.import_module(performer.partition(":")[0])
        self.ready.add(framework)
        gc.collect()
        gc.freeze()
        return ""

    def become_worker(self, message: dict[str, Any], results: int, output: int, zygote: int) -> None:
        """Turn a fork into a worker; never returns."""
        try:
            os.setsid()
            die_with_parent(zygote)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDONLY)
            os.dup2(null, 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            kept = move_descriptor(results)
            for each in [int(name) for name in os.listdir("/proc/self/fd")]:
                if each > 2 and each != kept:
                    with contextlib.suppress(OSError):
                        os.close(each)
            with open(message["task"], "rb") as file:
                task = task_from_bytes(file.read())
            child.run(task, Sender(kept, bytes.fromhex(message["word"])))
        finally:
            os._exit(NO_PIPE)

    def signal(self, job: int, number: int) -> None:
        """Signal a worker and all in its group."""
        for process, theirs in self.workers.items():
            if theirs == job:
                with contextlib.suppress(OSError):
                    (os.kill if number == signal.SIGUSR1 else os.killpg)(process, number)

    def bury(self) -> None:
        """Wait for what has ended, kill what it left behind, and say so."""
        ended = []
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if found is None:
                break
            process = found.si_pid
            with contextlib.suppress(OSError):  # before it is waited for, while its number is surely its own
                os.killpg(process, signal.SIGKILL)
            _, status = os.waitpid(process, 0)
            if process in self.workers:
                ended.append((self.workers.pop(process), os.waitstatus_to_exitcode(status)))
        if ended:
            self.kill_strays()
        for job, code in ended:
            self.tell({"ended": job, "status": code})

    def kill_strays(self) -> None:
        """Kill descendants that left their worker's group; as they are adopted here, they are this process's own."""
        for _ in range(ROUNDS_AGAINST_STRAYS):
            strays = [each for each in children_of(os.getpid()) if each not in self.workers]
            if not strays:
                return
            for stray in strays:
                with contextlib.suppress(OSError):
                    os.kill(stray, signal.SIGKILL)
            for stray in strays:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(stray, 0)

    def tell(self, message: dict[str, Any]) -> None:
        """Tell the parent; that it is gone is seen elsewhere."""
        with contextlib.suppress(OSError):
            self.parent.send(json.dumps(message).encode())

    def finish(self) -> None:
        """Kill all workers and what they left."""
        for process in list(self.workers):
            with contextlib.suppress(OSError):
                os.killpg(process, signal.SIGKILL)
        self.workers.clear()
        self.kill_strays()
        shutil.rmtree(self.folder, ignore_errors=True)


def importable(framework: str) -> str:
    """Import *framework*; why that fails, or ``""``."""
    try:
        if importlib.util.find_spec(framework) is None:
            return "it is not installed"
        importlib.import_module(framework)
    except Exception as error:
        return f"importing it raises {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return ""


def _preload(name: str) -> None:
    """Import what many files need, once for all of them; that it cannot be is for the file that needs it to say."""
    if name not in sys.modules:
        with contextlib.suppress(BaseException):
            importlib.import_module(name)


def _warm(framework: str) -> None:
    """Have the framework import now what it would import at the first use, in every worker."""
    with contextlib.suppress(Exception):
        importlib.import_module(f"batchlint.verify.worker.warming_{framework}")


def main() -> None:
    """Serve the parent whose socket has the number that the command line says."""
    # ``-m`` puts the working folder first.
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != os.path.realpath(".")]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    adopt_orphans()
    zygote = Zygote(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
    try:
        zygote.serve()
    finally:
        zygote.finish()


if __name__ == "__main__":
    main()
