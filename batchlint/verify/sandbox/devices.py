"""Which accelerators the user's code may reach, from the settings and what the system has; touches no driver."""

from __future__ import annotations

import glob
import os

ALWAYS = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
ACCELERATORS = ("/dev/nvidia*", "/dev/nvidia-caps", "/dev/dxg", "/dev/kfd", "/dev/dri")
HIDING = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "", "ROCR_VISIBLE_DEVICES": ""}
"""Environment in which frameworks find no accelerator."""


def accelerators(device: str) -> tuple[str, ...]:
    """Device nodes that code on *device* (as `Settings.device` has it) needs; none for the CPU or without any.

    >>> accelerators("cpu")
    ()
    """
    if device in ("cpu", "meta") or (device == "auto" and os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")):
        return ()
    return tuple(sorted(path for pattern in ACCELERATORS for path in glob.glob(pattern)))
