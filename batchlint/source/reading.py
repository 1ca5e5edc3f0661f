"""Read the bytes of a path without ever blocking on it; imports next to nothing, for the quick way out."""

from __future__ import annotations

import os
import stat

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class UnreadableSource(Exception):
    """The bytes cannot be had; the message is one line that names the reason, not the path."""

    @property
    def message(self) -> str:
        """The reason, e.g. ``permission denied``."""
        return str(self.args[0])


def describe(error: OSError) -> str:
    """The operating system's own words for *error*, without number and path."""
    reason = error.strerror or str(error) or type(error).__name__
    return reason[:1].lower() + reason[1:]


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of the regular file at *path*.

    Raises:
        UnreadableSource: there is no such file, it may not be read, or it is not a regular file: reading a named
            pipe or a device could block for ever.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
            raise UnreadableSource(f"not a regular file but {kind}")
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UnreadableSource(describe(error)) from None
    except ValueError:
        raise UnreadableSource("a path cannot hold NUL characters") from None
