"""Gives away what an administrator's process could use to undo the other parts of the sandbox (Linux)."""

from __future__ import annotations

import ctypes
import os

from batchlint.verify.sandbox.kernel import PR_SET_NO_NEW_PRIVS, libc, prctl

CLONE_NEWNET = 0x40000000
_CAPABILITY_VERSION = 0x20080522
_READ_ALL_FILES = 1 << 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def forbid_new_privileges() -> None:
    """From here on no program that this process starts has more rights than it; seccomp and Landlock ask for that."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def leave_network() -> bool:
    """Move into a network of its own that has no interface that is up; whether the system let it."""
    if os.geteuid() != 0:
        return False
    return int(libc().unshare(ctypes.c_int(CLONE_NEWNET))) == 0


def drop_capabilities() -> None:
    """Give up the rights of an administrator, but reading files of other users that it could read before.

    Raises:
        OSError: the system refused.
    """
    header = _Header(_CAPABILITY_VERSION, 0)
    before = (_Capabilities * 2)()
    after = (_Capabilities * 2)()
    if libc().capget(ctypes.byref(header), before) == 0:
        kept = before[0].permitted & _READ_ALL_FILES
        after[0].effective = after[0].permitted = kept
    ctypes.set_errno(0)
    if libc().capset(ctypes.byref(header), after) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
