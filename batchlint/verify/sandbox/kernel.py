"""System calls of Linux that the standard library does not have, through ``ctypes``."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

ON_LINUX = sys.platform == "linux"


@functools.cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


@functools.cache
def machine() -> str:
    """``x86_64``, ``aarch64`` or what else ``uname`` says, and ``""`` where system calls cannot be numbered."""
    name = platform.machine().lower()
    bits = ctypes.sizeof(ctypes.c_void_p) * 8
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name) if bits == 64 and sys.byteorder == "little" else ""


def call(number: int, *arguments: object) -> int:
    """The system call *number*.

    Raises:
        OSError: it failed.
    """
    ctypes.set_errno(0)
    invoke = libc().syscall
    invoke.restype = ctypes.c_long
    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(invoke(ctypes.c_long(number), *given))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def prctl(option: int, *arguments: int) -> None:
    """``prctl(2)``.

    Raises:
        OSError: it failed.
    """
    ctypes.set_errno(0)
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if libc().prctl(ctypes.c_int(option), *(ctypes.c_ulong(each) for each in padded)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def die_with_parent(parent: int) -> None:
    """Have this process killed when *parent*, which forked it, ends; it leaves at once if that has happened already."""
    prctl(PR_SET_PDEATHSIG, 9)
    if os.getppid() != parent:
        os._exit(0)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parents ended, so that none gets out of sight."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def children_of(parent: int) -> list[int]:
    """The processes, dead ones that nobody waited for included, whose parent is *parent*."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append(int(entry))
    return found
