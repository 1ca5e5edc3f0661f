"""Why a worker process ended before its work did, in one sentence, and what may help."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass

from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.sandbox.holding import gigabytes
from batchlint.verify.settings import Settings
from batchlint.verify.worker.protocol import NO_PIPE, Raised

_FRAME = re.compile(r'File "(?P<path>[^"\n]*)", line (?P<line>\d+) in (?P<function>\S+)')
_WINDOWS_ERRORS = 0xC0000000
_OUT_OF_MEMORY = ("bad_alloc", "cannot allocate memory", "can't allocate memory", "memoryerror", "out of memory")


@dataclass(frozen=True, slots=True)
class Ending:
    """Attributes: *reason*, a sentence without its subject, and *help*, the one thing to do."""

    reason: str
    help: str = ""


def place(output: str, plan: FilePlan) -> str:
    """The user's innermost line in the last traceback of *output*, as `faulthandler` prints it, to follow a verb.

    >>> place('  File "net.py", line 7 in forward', FilePlan("net.py", ""))
    ' in `forward` (net.py:7)'
    """
    absolute = os.path.abspath(plan.path)
    for frame in _FRAME.finditer(output[output.rfind("(most recent call first)") + 1 :]):
        path = frame["path"]
        below = any(path.startswith(root + os.sep) for root in plan.roots) and "site-packages" not in path
        if below or path in (plan.path, absolute):
            shown = plan.path if path == absolute else path
            function = frame["function"]
            return f"{'' if function.startswith('<') else f' in `{function}`'} ({shown}:{frame['line']})"
    return ""


def timeout(seconds: float, output: str, plan: FilePlan) -> Ending:
    """It was stopped after *seconds*."""
    return Ending(
        f"ran past {seconds:g} s{place(output, plan)} and was stopped",
        "more time with --timeout, or a smaller input",
    )


def memory(settings: Settings) -> Ending:
    """It asked for more memory than there is for it."""
    return Ending(
        f"asked for more memory than the {gigabytes(settings.memory_bytes)} it may have",
        "more memory with --memory, or a smaller input",
    )


def garbled(detail: str) -> Ending:
    """It sent what is no result."""
    return Ending(f"sent something that is no result ({detail})" if detail else "sent something that is no result")


def raised(message: Raised, settings: Settings) -> Ending:
    """An exception came through."""
    if message.kind == "MemoryError":
        return memory(settings)
    if message.kind == "NoResult":
        return garbled(message.message)
    text = f"raised {message.kind}: {message.message}" if message.message else f"raised {message.kind}"
    return Ending(f"{text} at {message.where}" if message.where else text)


def of_status(status: int, output: str, plan: FilePlan, settings: Settings) -> Ending:
    """The process ended by itself with *status*, as `subprocess` has it, after printing *output*."""
    where = place(output, plan)
    if status == NO_PIPE:
        return Ending("closed the pipe that its results go through")
    if status >= _WINDOWS_ERRORS:
        return Ending(f"was ended by Windows with error {status:#x}")
    if status >= 0:
        return Ending(f"left with os._exit({status})", "code that leaves the process cannot be run")
    lowered = output.lower()
    if status == -signal.SIGABRT and any(sign in lowered for sign in _OUT_OF_MEMORY):
        return memory(settings)
    if status == -int(getattr(signal, "SIGKILL", 9)):
        return Ending(
            f"was killed by SIGKILL{where}, most likely as the machine ran out of memory",
            "fewer --jobs, or a smaller input",
        )
    return Ending(f"was killed by {signal_name(-status)}{where}")


def signal_name(number: int) -> str:
    """The name of a signal.

    >>> signal_name(11)
    'SIGSEGV'
    """
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def while_loading(ending: Ending) -> Ending:
    """*ending*, said of a file whose loading it was that ended."""
    return Ending(f"while its file was loaded, the process {ending.reason}", ending.help)


def lost(detail: str) -> Ending:
    """It went with the process that started it, whose last words were *detail*."""
    return Ending(f"was lost with the process that starts workers{f' ({detail})' if detail else ''}")


NO_RESULT = Ending("gave no result")
