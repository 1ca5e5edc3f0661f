"""What a worker tells its parent: JSON behind a header, with a word that only the two know in each.

The user's code lives in the process that writes. Whatever else gets into the pipe lacks the word, and ends the talk.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from batchlint.verify.outcomes import TargetResult
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.sandbox.holding import Held
from batchlint.verify.settings import Settings
from batchlint.verify.wire import Malformed, from_plain, to_plain

_HEADER = struct.Struct("!16sI")
WORD_BYTES = 16
MAXIMUM_BYTES = 4 << 20
NO_PIPE = 97
"""Status of a worker that can no longer reach its parent."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker process is to do.

    Attributes:
        plan: the file's plan; what of it is done already is no longer wanted.
        settings: how.
        performer: dotted path of the function that does it, ``package.module:function``.
        scratch: the folder that is the process's home and all that it may write to.
        threads: how many threads the framework may use.
    """

    plan: FilePlan
    settings: Settings
    performer: str
    scratch: str
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Begun:
    """Work on the target with this number has begun; everything before the first is the loading of the file."""

    target: int


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception came through what performs the plan; nothing more will come."""

    kind: str
    message: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """The plan's framework cannot be imported (where each worker imports it itself)."""

    framework: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """All results were sent."""


Message = Held | Begun | TargetResult | Raised | Missing | Finished
_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in (Held, Begun, TargetResult, Raised, Missing, Finished)}


class Garbled(ValueError):
    """What came through the pipe is no message."""


def new_word() -> bytes:
    """A word for one worker."""
    return secrets.token_bytes(WORD_BYTES)


def encode(message: Message, word: bytes) -> bytes:
    """*message* as it goes through the pipe.

    Raises:
        TypeError: it holds something that is no plain data.
        ValueError: it is too large, or refers to itself.
    """
    plain = {"kind": type(message).__name__, "body": to_plain(message)}
    data = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(data) > MAXIMUM_BYTES:
        raise ValueError(f"{len(data)} bytes are too many for a result")
    return _HEADER.pack(word, len(data)) + data


def decode(data: bytes) -> Message:
    """The message in *data*, without its header.

    Raises:
        Garbled: it is none.
    """
    try:
        plain = json.loads(data)
        message: Message = from_plain(_KINDS[plain["kind"]], plain["body"])
    except (ValueError, TypeError, KeyError, RecursionError, Malformed) as error:
        raise Garbled(f"{type(error).__name__}: {error}") from None
    return message


@dataclass
class Reader:
    """Puts messages together from the pieces in which they come."""

    word: bytes
    _pending: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with *data*.

        Raises:
            Garbled: something else came; there is no way to go on.
        """
        self._pending += data
        while len(self._pending) >= _HEADER.size:
            word, size = _HEADER.unpack_from(self._pending)
            if word != self.word or size > MAXIMUM_BYTES:
                raise Garbled("something without the header of a message")
            if len(self._pending) < _HEADER.size + size:
                return
            body = bytes(self._pending[_HEADER.size : _HEADER.size + size])
            del self._pending[: _HEADER.size + size]
            yield decode(body)

    @property
    def is_clean(self) -> bool:
        """Whether the last message came to its end."""
        return not self._pending


@dataclass(frozen=True)
class Sender:
    """The worker's end.

    Attributes:
        descriptor: of the pipe.
        word: what marks this worker's messages.
    """

    descriptor: int
    word: bytes

    def send(self, message: Message) -> None:
        """Send *message*, however long the parent takes to read it.

        Raises:
            TypeError: it holds something that is no plain data.
            ValueError: it is too large.
            OSError: the pipe is gone.
        """
        rest = memoryview(encode(message, self.word))
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]


def task_to_bytes(task: Task) -> bytes:
    """*task* as JSON."""
    return json.dumps(to_plain(task)).encode()


def task_from_bytes(data: bytes) -> Task:
    """The task that `task_to_bytes` made *data* from."""
    return from_plain(Task, json.loads(data))


def move_descriptor(descriptor: int) -> int:
    """Move an open file to a number that nobody guesses, as code that counts through the low ones would find it."""
    if sys.platform == "win32":
        return descriptor
    import fcntl
    import resource

    highest = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 64 + secrets.randbelow(max(1, highest - 100)))
    os.close(descriptor)
    return moved
