"""A second, weaker line for what the system cannot enforce: a hook on what Python itself does.

It sees what goes through Python's own functions, not what compiled code does, and is meant against accidents.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from typing import Any

WRITES, NETWORK, PROGRAMS = "writes", "network", "programs"

_PATHS: dict[str, tuple[int, ...]] = {
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "os.setxattr": (0,),
    "os.removexattr": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "shutil.rmtree": (0,),
    "shutil.move": (0, 1),
    "shutil.copyfile": (1,),
}
"""Events that change files, and which of their arguments are the paths."""

_CALLS = {
    NETWORK: """
        socket.__new__ socket.connect socket.bind socket.sendto socket.getaddrinfo socket.gethostbyname urllib.Request
        ftplib.connect http.client.connect smtplib.connect
    """.split(),
    PROGRAMS: """
        subprocess.Popen os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn os.startfile os.kill os.killpg
        pty.spawn webbrowser.open
    """.split(),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEVICES = frozenset((os.devnull, os.path.abspath(os.devnull)))


def watch(folder: str, parts: Collection[str]) -> None:
    """Refuse *parts* of what Python's functions do in this process, for good.

    Args:
        folder: where files may be changed.
        parts: of `WRITES`, `NETWORK` and `PROGRAMS`.
    """
    sys.addaudithook(hook(folder, parts))


def hook(folder: str, parts: Collection[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """What `watch` adds: raises `PermissionError` for what is refused."""
    refused = frozenset(name for part in parts for name in _CALLS.get(part, ()))
    watches_files = WRITES in parts
    inside = os.path.realpath(folder)

    def allowed(path: Any) -> bool:
        if isinstance(path, int):
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real in _DEVICES or real == inside or real.startswith(inside + os.sep)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in refused:
            raise PermissionError(f"{event} is not allowed in batchlint's sandbox")
        if not watches_files:
            return
        if event == "open":
            path, mode, flags = arguments
            writing = bool(flags & _WRITING) if mode is None else any(letter in mode for letter in "wax+")
            if writing and path is not None and not allowed(path):
                raise PermissionError(f"writing to {path!r} is not allowed in batchlint's sandbox")
        elif event in _PATHS and not all(allowed(arguments[place]) for place in _PATHS[event]):
            raise PermissionError(f"{event} of {arguments[0]!r} is not allowed in batchlint's sandbox")

    return refuse
