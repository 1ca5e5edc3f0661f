"""Files that are there whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile


def write_atomically(path: str, text: str) -> None:
    """Write *text* to *path*, in place of what is there.

    Raises:
        OSError: the folder is not there or may not be written to.
    """
    folder = os.path.dirname(path) or "."
    handle, scratch = tempfile.mkstemp(prefix=".batchlint-", dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(scratch, 0o666 & ~umask)
        os.replace(scratch, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise
