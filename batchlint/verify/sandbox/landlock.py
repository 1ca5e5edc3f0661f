"""Landlock (Linux 5.13 and later): files are written in some folders alone, and no program is started."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Sequence

from batchlint.verify.sandbox.kernel import call

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

EXECUTE = 1 << 0
WRITE_FILE = 1 << 1
CHANGES_IN_FOLDERS = sum(1 << bit for bit in range(4, 13))
"""Removing and making files, folders, links, sockets, pipes and device nodes."""
REFER = 1 << 13
TRUNCATE = 1 << 14
IOCTL_DEVICE = 1 << 15

BIND_TCP, CONNECT_TCP = 1 << 0, 1 << 1
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1 << 0, 1 << 1

TRUNCATE_SINCE, TCP_SINCE, DEVICES_SINCE, SCOPES_SINCE = 3, 4, 5, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def version() -> int:
    """The version of Landlock that the kernel has, 0 for none."""
    try:
        return call(CREATE_RULESET, 0, 0, _VERSION)
    except OSError:
        return 0


def _handled(version: int) -> int:
    rights = EXECUTE | WRITE_FILE | CHANGES_IN_FOLDERS
    for right, since in ((REFER, 2), (TRUNCATE, TRUNCATE_SINCE), (IOCTL_DEVICE, DEVICES_SINCE)):
        if version >= since:
            rights |= right
    return rights


def restrict(folders: Sequence[str], devices: Sequence[str], allow_network: bool) -> int:
    """Hold this process, for good, to writing below *folders* and to *devices*; the version of Landlock that does it.

    Other processes cannot be traced or read through ``/proc`` from then on, and from version 6 on not be signalled.

    Args:
        folders: where it may do anything but start programs.
        devices: device nodes, or folders of such, that it may write to and control. What is not there is left out.
        allow_network: whether it may use TCP.

    Raises:
        OSError: the kernel has no Landlock, or refused.
    """
    has = call(CREATE_RULESET, 0, 0, _VERSION)
    handled = _handled(has)
    attributes = _Ruleset(
        handled,
        0 if allow_network or has < TCP_SINCE else BIND_TCP | CONNECT_TCP,
        0 if has < SCOPES_SINCE else SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS,
    )
    size = 8 if has < TCP_SINCE else 16 if has < SCOPES_SINCE else 24
    ruleset = call(CREATE_RULESET, ctypes.byref(attributes), size, 0)
    try:
        for folder in folders:
            _allow(ruleset, folder, handled & ~EXECUTE)
        for device in devices:
            if os.path.exists(device):
                _allow(ruleset, device, handled & (WRITE_FILE | TRUNCATE | IOCTL_DEVICE))
        call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return has


def _allow(ruleset: int, path: str, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= WRITE_FILE | TRUNCATE | IOCTL_DEVICE
        rule = struct.pack("=Qi", rights, opened)
        call(ADD_RULE, ruleset, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    finally:
        os.close(opened)
