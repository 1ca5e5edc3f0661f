"""A seccomp filter (Linux): system calls that reach out of this process fail."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from batchlint.verify.sandbox.kernel import libc, machine
from batchlint.verify.sandbox.landlock import SCOPES_SINCE, TRUNCATE_SINCE
from batchlint.verify.sandbox.syscall_numbers import MACHINES, numbers

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_CALLS = 0x40000000
"""On x86_64, the bit that marks calls of another, nearly forgotten interface."""

CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020080
F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15
FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX = 0x8901, 0x8902, 0x5412, 0x541C
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, SOCK_DGRAM = 1, 2, 10, 16, 2
O_ACCMODE, O_TRUNC = 0o3, 0o1000

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


@dataclass(frozen=True, slots=True)
class When:
    """A condition on one argument: that ``argument & mask`` equals *value*, or does not.

    Attributes:
        argument: its place, from 0.
        value: what it is compared with, 32 bits.
        equal: whether it has to be equal.
        mask: the bits that count.
        upper: whether the upper 32 bits of the argument are meant.
    """

    argument: int
    value: int
    equal: bool = True
    mask: int = 0xFFFFFFFF
    upper: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """System calls that fail with *error* when all conditions hold."""

    calls: str
    conditions: tuple[When, ...] = ()
    error: int = errno.EPERM


PROGRAMS = (
    Refusal("execve execveat"),
    Refusal("clone", (When(0, 0, False, mask=CLONE_NAMESPACES),)),
    Refusal("clone3", error=errno.ENOSYS),  # its flags are in memory; the C library falls back on clone
)
FORKS = (Refusal("fork vfork"), Refusal("clone", (When(0, 0, mask=CLONE_THREAD),)))
"""Starting processes; threads are started the same way, with one bit more."""

OTHER_PROCESSES = (
    Refusal("ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_open pidfd_getfd pidfd_send_signal"),
    Refusal("fcntl", (When(1, F_SETOWN),)),  # would have the kernel signal another process
    Refusal("fcntl", (When(1, F_SETOWN_EX),)),
    Refusal("fcntl", (When(1, F_SETSIG),)),
    *(Refusal("ioctl", (When(1, request),)) for request in (FIOSETOWN, SIOCSPGRP, TIOCSTI, TIOCLINUX)),
    Refusal("shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semtimedop semctl mq_open mq_unlink"),
    Refusal("ioprio_set"),
)

SYSTEM = (
    Refusal("io_uring_setup io_uring_enter io_uring_register"),  # would go round this filter
    Refusal("mount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick"),
    Refusal("mount_setattr unshare setns bpf perf_event_open userfaultfd keyctl add_key request_key"),
    Refusal("init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff sethostname"),
    Refusal("setdomainname settimeofday clock_settime clock_adjtime adjtimex acct quotactl quotactl_fd syslog"),
    Refusal("iopl ioperm vhangup fanotify_init open_by_handle_at name_to_handle_at"),
)

METADATA = (
    Refusal("chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat file_setattr"),
    Refusal("setxattr lsetxattr fsetxattr setxattrat removexattr lremovexattr fremovexattr removexattrat"),
    Refusal("utime utimes futimesat utimensat"),
)
"""What Landlock does not see: owners, modes, times and attributes of files."""

SOCKETS = (
    Refusal("socketpair", (When(0, AF_UNIX, False),), errno.EACCES),
    Refusal("socketpair", (When(1, SOCK_DGRAM, mask=0xF),), errno.EACCES),
)
"""A pair of stream sockets reaches nobody; datagrams could be sent from one to any socket of the file system."""

NETWORK = (
    Refusal("socket", (When(0, AF_UNIX, False),), errno.ENETUNREACH),
    Refusal("socket", error=errno.EACCES),
    Refusal("connect bind listen accept accept4", error=errno.ENETUNREACH),
)

WITH_NETWORK = (
    Refusal("socket", tuple(When(0, family, False) for family in (AF_INET, AF_INET6, AF_NETLINK)), errno.EACCES),
)
"""With the network allowed: IP alone, and what asks for the addresses of this machine; no local sockets."""

TRUNCATION = (
    Refusal("truncate"),
    Refusal("openat2", error=errno.ENOSYS),
    Refusal("open", (When(1, O_TRUNC, mask=O_ACCMODE | O_TRUNC),)),
    Refusal("openat", (When(2, O_TRUNC, mask=O_ACCMODE | O_TRUNC),)),
)
"""What the first two versions of Landlock do not see."""


def signals(process: int) -> tuple[Refusal, ...]:
    """Signals, priorities and limits of any process but *process*."""
    group = -process & 0xFFFFFFFF
    return (
        Refusal("kill", (When(0, process, False), When(0, 0, False), When(0, group, False))),
        Refusal("tgkill rt_sigqueueinfo rt_tgsigqueueinfo", (When(0, process, False),)),
        Refusal("tkill"),
        Refusal("prlimit64", (When(0, process, False), When(0, 0, False))),
        Refusal("setpriority", (When(1, process, False), When(1, 0, False))),
    )


def supported() -> bool:
    """Whether the filter knows this machine."""
    return machine() in MACHINES


def program(machine: str, refusals: Sequence[Refusal]) -> bytes:
    """The filter for *machine* as the kernel takes it: an array of ``struct sock_filter``."""
    known = numbers(machine)
    code = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_JUMP_EQUAL, ARCHITECTURES[machine], 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        code += [_instruction(_JUMP_AT_LEAST, X32_CALLS, 0, 1), _instruction(_RETURN, _FAIL | errno.ENOSYS)]
    for refusal in refusals:
        for name in refusal.calls.split():
            if name in known:
                code += _refuse(known[name], refusal)
    return b"".join([*code, _instruction(_RETURN, _ALLOW)])


def _refuse(number: int, refusal: Refusal) -> list[bytes]:
    fail = _instruction(_RETURN, _FAIL | refusal.error)
    if not refusal.conditions:
        return [_instruction(_JUMP_EQUAL, number, 0, 1), fail]
    # A condition that does not hold jumps to the end, where the call's number is loaded again for the next refusal.
    block = [fail, _instruction(_LOAD, _NUMBER)]
    for when in reversed(refusal.conditions):
        past = len(block) - 1
        jump = (0, past) if when.equal else (past, 0)
        block = [
            _instruction(_LOAD, _ARGUMENTS + 8 * when.argument + 4 * when.upper),
            _instruction(_AND, when.mask),
            _instruction(_JUMP_EQUAL, when.value, *jump),
            *block,
        ]
    return [_instruction(_JUMP_EQUAL, number, 0, len(block)), *block]


def _instruction(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, operand)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def restrict(allow_network: bool, landlock: int, allow_forks: bool = False) -> None:
    """Hold this process to the filter, for good. New privileges have to be forbidden before.

    Args:
        allow_network: whether sockets to other machines may be opened.
        landlock: the version of Landlock that is in force, 0 for none.
        allow_forks: whether the process may fork, and signal what it forked where Landlock keeps it to that.

    Raises:
        OSError: the kernel refused, or the machine is none that the filter knows.
    """
    if not supported():
        raise OSError(errno.ENOSYS, f"no filter for {machine() or 'this machine'}")
    code = program(
        machine(),
        (
            *PROGRAMS,
            *OTHER_PROCESSES,
            *(() if allow_forks else FORKS),
            *(() if allow_forks and landlock >= SCOPES_SINCE else signals(os.getpid())),
            *SYSTEM,
            *METADATA,
            *SOCKETS,
            *(WITH_NETWORK if allow_network else NETWORK),
            *(TRUNCATION if landlock < TRUNCATE_SINCE else ()),
        ),
    )
    filters = _Program(len(code) // 8, code)
    ctypes.set_errno(0)
    if (
        libc().prctl(
            ctypes.c_int(_PR_SET_SECCOMP), ctypes.c_ulong(_MODE_FILTER), ctypes.byref(filters), *[ctypes.c_ulong(0)] * 2
        )
        != 0
    ):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
