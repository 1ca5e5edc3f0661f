"""Puts the whole sandbox on this process, and says in plain words what holds and what does not."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from batchlint.verify.sandbox import audit, kernel, landlock, limits, privileges, seccomp
from batchlint.verify.sandbox.devices import ALWAYS, accelerators
from batchlint.verify.settings import Settings


@dataclass(frozen=True, slots=True)
class Held:
    """What of the sandbox is in force.

    Attributes:
        enforced: what the system, or else Python, refuses; a line each.
        not_enforced: what nothing refuses; a line each.
    """

    enforced: tuple[str, ...] = ()
    not_enforced: tuple[str, ...] = ()


def hold(scratch: str, settings: Settings) -> Held:
    """Hold this process to the sandbox, for good.

    What the system cannot do is left out and said. Call it in a process of its own with one thread, after everything
    that the process inherits and needs is open.

    Args:
        scratch: the one folder in which it may change files.
        settings: memory, device, and whether it may use the network.
    """
    on_device = accelerators(settings.device)
    has_filter = kernel.ON_LINUX and seccomp.supported()
    yes = ["a time limit, with everything the code started killed at its end", "an environment without secrets"]
    no: list[str] = []
    forks = settings.largest_batch and not on_device
    _bound(settings, bool(on_device), has_filter and not forks, yes, no)
    own_network = False
    files = 0
    filtered = False
    if kernel.ON_LINUX:
        own_network = not settings.allow_network and privileges.leave_network()
        _try(privileges.forbid_new_privileges)
        _try(privileges.drop_capabilities)
        try:
            files = landlock.restrict([scratch], [*ALWAYS, *on_device], settings.allow_network)
        except OSError:
            files = 0
        try:
            seccomp.restrict(settings.allow_network, files, forks)
            filtered = True
        except OSError:
            filtered = False
    weaker = _say_files(files, filtered, yes, no)
    weaker += _say_network(settings, own_network, filtered, files, yes, no)
    weaker += _say_processes(filtered, files, forks, yes, no)
    if weaker:
        audit.watch(scratch, weaker)
    return Held(tuple(yes), tuple(no))


def _try(action: object) -> None:
    try:
        assert callable(action)
        action()
    except OSError:
        return


def gigabytes(size: int) -> str:
    """*size* in bytes as people say it.

    >>> gigabytes(8 << 30)
    '8 GiB'
    >>> gigabytes(300 << 20)
    '300 MiB'
    """
    return f"{size / (1 << 30):.3g} GiB" if size >= 1 << 30 else f"{size / (1 << 20):.3g} MiB"


def _bound(settings: Settings, on_device: bool, has_filter: bool, yes: list[str], no: list[str]) -> None:
    if limits.limit(settings.memory_bytes, bound_memory=not on_device, bound_processes=not has_filter):
        yes.append(f"memory: at most {gigabytes(settings.memory_bytes)}")
    elif kernel.ON_LINUX:
        yes.append(f"memory: stopped when it is seen to hold more than {gigabytes(settings.memory_bytes)}")
        no.append("memory: no hard limit, as GPU drivers do not start under one")
    else:
        no.append("memory: this system keeps no limit")
    if sys.platform != "win32":
        yes.append(f"files: at most {gigabytes(limits.FILE_BYTES)} each, {limits.OPEN_FILES} open, no core dumps")


def _say_files(files: int, filtered: bool, yes: list[str], no: list[str]) -> list[str]:
    if files:
        yes.append(f"files: written in a temporary folder alone (Landlock {files})")
        if not filtered:
            no.append("files: modes, owners and times of the user's own files can be changed")
            if files < landlock.TRUNCATE_SINCE:
                no.append("files: existing files can be cut to nothing (needs Linux 6.2)")
    else:
        yes.append("files: Python's own functions write in a temporary folder alone (audit hook)")
        no.append("files: compiled code can write wherever the user can (needs Linux 5.13 with Landlock)")
    no.append("files: everything that the user can read can be read")
    no.append("files: how many are written to the temporary folder, which is removed at the end")
    return [] if files else [audit.WRITES]


def _say_network(
    settings: Settings, own_network: bool, filtered: bool, files: int, yes: list[str], no: list[str]
) -> list[str]:
    if settings.allow_network:
        no.append("network: allowed, as asked for")
        return []
    if filtered or own_network:
        means = [name for name, holds in (("seccomp", filtered), ("a network namespace", own_network)) if holds]
        yes.append(f"network: none ({' and '.join(means)})")
        if filtered:
            return []
    elif files >= landlock.TCP_SINCE:
        yes.append(f"network: no TCP (Landlock {files})")
        no.append("network: UDP by compiled code")
    else:
        no.append("network: compiled code can use it")
    yes.append("network: none for Python's own functions (audit hook)")
    return [audit.NETWORK]


def _say_processes(filtered: bool, files: int, forks: bool, yes: list[str], no: list[str]) -> list[str]:
    if files:
        yes.append(f"processes: the memory and environment of others cannot be read (Landlock {files})")
    else:
        no.append("processes: the environment of the user's other processes can be read")
    if filtered:
        started = "no program run" if forks else "none started"
        yes.append(f"processes: {started}, none signalled, none traced (seccomp)")
        if forks:
            no.append("processes: copies of the worker's own, which finding the largest batch needs")
        return []
    yes.append("processes: none started by Python's own functions (audit hook)")
    if files:
        yes.append(f"processes: no program is run (Landlock {files})")
        no.append("processes: compiled code can fork; what it forks is killed at the end")
        if files < landlock.SCOPES_SINCE:
            no.append("processes: the user's other processes can be signalled")
    else:
        no.append("processes: compiled code can start them, and signal the user's other processes")
    return [audit.PROGRAMS]
