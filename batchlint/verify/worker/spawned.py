"""A worker in a process of its own, for systems where forking is not to be had: it imports everything anew.

The task comes in through standard input, behind the word and its length; messages leave through what was standard
output. When standard input ends before the work does, the parent is gone, and so is this process.
"""

from __future__ import annotations

import os
import struct
import sys
import threading

from batchlint.verify.worker import child
from batchlint.verify.worker.protocol import NO_PIPE, WORD_BYTES, Missing, Sender, move_descriptor, task_from_bytes
from batchlint.verify.worker.zygote import importable

HEADER = struct.Struct(f"!{WORD_BYTES}sI")


def main() -> None:
    """Read a task, and perform it."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != os.path.realpath(".")]
    word, size = HEADER.unpack(_read(HEADER.size))
    task = task_from_bytes(_read(size))
    sender = Sender(move_descriptor(os.dup(1)), word)
    parent = move_descriptor(os.dup(0))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    framework = task.plan.framework
    if framework and (reason := importable(framework)):
        sender.send(Missing(framework, reason))
        os._exit(0)
    child.run(task, sender)


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def _leave_with(parent: int) -> None:
    while os.read(parent, 1):
        pass
    os._exit(NO_PIPE)


if __name__ == "__main__":
    main()
