"""A step that is made to fail for want of memory, and a look at whether what it had allocated is still there."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np

from batchlint.verify.worker.loops.under_way import current

NUMBERS = 1 << 18
"""Numbers in the array that stands for what the step had allocated."""
_MESSAGES = ("CUDA out of memory. Tried to allocate 2.00 GiB", "OOM when allocating tensor")


def fail(*caught: Any) -> None:
    """Raise, the first time in a run, an error that a block catches which catches these."""
    world = current()
    if world.held is not None:
        return
    wanted = [each for kinds in caught for each in (kinds if isinstance(kinds, tuple) else (kinds,))]
    for kind in wanted or [MemoryError]:
        if isinstance(kind, type) and issubclass(kind, BaseException):
            _step(_error(kind))


def _error(kind: type[BaseException]) -> BaseException:
    text = ": ".join(_MESSAGES)
    for arguments in ((text,), (None, None, text), ()):
        try:
            return kind(*arguments)
        except TypeError:
            continue
    return MemoryError(text)


def _step(error: BaseException) -> None:
    allocated = np.zeros(NUMBERS, np.float32)
    current().held = weakref.ref(allocated)
    raise error


def look() -> None:
    """Note whether what the failed step had allocated is alive."""
    world = current()
    if world.held is not None:
        gc.collect()
        world.alive.append(world.held() is not None)
