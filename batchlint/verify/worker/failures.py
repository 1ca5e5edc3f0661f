"""What an exception of the user's code says, as data."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable

from batchlint.verify.outcomes import Failure, Frame

MAXIMUM_MESSAGE = 600
MAXIMUM_FRAMES = 20

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "unable to allocate")
"""What messages say, in lower case, where memory was what ended a run."""

FATAL = ("device-side assert", "cuda error", "cudnn_status_execution_failed", "illegal memory access")
"""What messages say, in lower case, where the process cannot use the device any more."""


def failure_of(error: BaseException, is_users: Callable[[str], bool]) -> Failure:
    """*error* as data; *is_users* says whether a file name is one of the user's own files."""
    frames = tuple(
        Frame(each.filename, each.lineno or 0, each.name)
        for each in traceback.extract_tb(error.__traceback__)
        if is_users(each.filename)
    )
    message = _text(error)
    lowered = message.lower()
    kind = type(error).__name__
    memory = isinstance(error, MemoryError) or kind == "OutOfMemoryError" or any(s in lowered for s in OUT_OF_MEMORY)
    fatal = not memory and any(each in lowered for each in FATAL)
    return Failure(kind, message, frames[-1] if frames else None, frames[-MAXIMUM_FRAMES:], memory, fatal)


def _text(error: BaseException) -> str:
    """The message on one line; an exception of the user's may fail to say it."""
    try:
        return " ".join(str(error).split())[:MAXIMUM_MESSAGE]
    except Exception:
        return ""


def same_file(path: str) -> Callable[[str], bool]:
    """Whether a file name is *path*."""
    wanted = os.path.abspath(path)
    return lambda filename: os.path.abspath(filename) == wanted
