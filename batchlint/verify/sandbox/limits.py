"""Limits that the system keeps for a process: memory, sizes of files, how many of them are open."""

from __future__ import annotations

import contextlib
import os
import sys

FILE_BYTES = 1 << 30
OPEN_FILES = 1024
ADDRESS_SLACK = 8 << 30
"""What may be reserved beyond the memory that may be used: libraries reserve addresses that they never touch."""
PROCESSES_MORE = 256


def memory_in_use() -> tuple[int, int]:
    """Bytes of addresses and of data that this process has, 0 where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = [int(each) for each in file.read().split()]
    except (OSError, ValueError):
        return 0, 0
    page = os.sysconf("SC_PAGE_SIZE")
    return pages[0] * page, pages[5] * page


def limit(memory_bytes: int, bound_memory: bool, bound_processes: bool) -> bool:
    """Set the limits of this process, for good; whether its memory is bounded now.

    Args:
        memory_bytes: what it may use beyond what it has.
        bound_memory: false where that would keep a device from working.
        bound_processes: whether nothing else keeps it from starting processes without end. Linux counts the threads
            of all of the user's processes, and not at all for an administrator.
    """
    if sys.platform == "win32":
        return False
    import resource

    def lower(which: int, value: int) -> bool:
        _, hard = resource.getrlimit(which)
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (bounded, bounded))
        except (OSError, ValueError):
            return False
        return True

    _be_first_to_go()
    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_FSIZE, FILE_BYTES)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    if bound_processes:
        lower(resource.RLIMIT_NPROC, _processes_of_user() + PROCESSES_MORE if sys.platform == "linux" else 1)
    if not bound_memory or sys.platform != "linux":
        return False
    addresses, data = memory_in_use()
    lower(resource.RLIMIT_AS, addresses + memory_bytes + ADDRESS_SLACK)
    return lower(resource.RLIMIT_DATA, data + memory_bytes)


def _be_first_to_go() -> None:
    """Have Linux end this process before all others when the machine runs out of memory."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as file:
        file.write(b"1000")


def _processes_of_user() -> int:
    """Threads that the user has on this machine, as ``RLIMIT_NPROC`` counts them on Linux."""
    count, user = 0, os.getuid()
    for entry in os.listdir("/proc"):
        try:
            if entry.isdecimal() and os.stat(f"/proc/{entry}").st_uid == user:
                count += len(os.listdir(f"/proc/{entry}/task"))
        except OSError:
            continue
    return count
