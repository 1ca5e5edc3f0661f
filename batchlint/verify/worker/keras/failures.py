"""What an exception from Keras or TensorFlow says, as data: what they wrap around it is taken off."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from batchlint.verify.outcomes import Failure, Frame
from batchlint.verify.worker.failures import MAXIMUM_FRAMES, MAXIMUM_MESSAGE, failure_of

_BOLD = re.compile(r"\x1b\[1m(.*?)\x1b\[0m", re.DOTALL)
_FRAME = re.compile(r'File "(?P<path>[^"\n]+)", line (?P<line>\d+), in (?P<function>\S+)')
_NOISE = re.compile(
    r"\{\{[^}]*\}\}\s*|\s*\[Op:\w+\](?:\s*name:\s*\S*)?|__wrapped__\w+_device_\S+\s*|\s*\[\[\{\{.*|\x1b\[\d*m"
)


def failure_in(error: BaseException, is_users: Callable[[str], bool]) -> Failure:
    """*error* as data; a graph says in its message which of the user's lines made the operation that failed."""
    found = failure_of(error, is_users)
    text = _said(error)
    frames = found.frames
    named = tuple(
        Frame(each["path"], int(each["line"]), each["function"])
        for each in _FRAME.finditer(text)
        if is_users(each["path"])
    )
    if named and (not frames or "in user code" in text or "Detected at node" in text):
        frames = named[-MAXIMUM_FRAMES:]
    return dataclasses.replace(found, message=message_of(error), frames=frames, frame=frames[-1] if frames else None)


def message_of(error: BaseException) -> str:
    """What *error* says, without the layers that it came through and their arguments."""
    text = _said(error)
    while (bold := _BOLD.search(text)) is not None and bold[1].strip():
        text = bold[1]
    if "Exception encountered when calling" in text:
        text = text.split("Arguments received by")[0]
        text = text.partition("\n\n")[2] or text
    if "in user code:" in text:
        paragraphs = [each.strip() for each in text.split("\n\n") if each.strip()]
        text = paragraphs[-1] if paragraphs else text
        lines = [each.strip() for each in text.splitlines() if each.strip()]
        raised = [each for each in lines if re.match(r"\w*(?:Error|Exception)\b", each)]
        text = raised[-1].partition(": ")[2] if raised else text
    text = text.split("Arguments received by")[0]
    if "Detected at node" in text:
        after = re.split(r"\n(?=\S)", text.rpartition("Detected at node")[2])
        text = after[-1] if len(after) > 1 else text
    text = _NOISE.sub("", text.split("\n\t [[")[0])
    return " ".join(text.split())[:MAXIMUM_MESSAGE]


def _said(error: BaseException) -> str:
    try:
        return str(getattr(error, "message", None) or error)
    except Exception:
        return ""
