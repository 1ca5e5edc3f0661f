"""The process that runs the user's code, from its first breath: it is held, performs one plan, and leaves."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from batchlint.verify.outcomes import TargetResult
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.sandbox.environment import homes
from batchlint.verify.sandbox.holding import hold
from batchlint.verify.settings import Settings
from batchlint.verify.worker.protocol import NO_PIPE, Begun, Finished, Raised, Sender, Task

Performer = Callable[[FilePlan, Settings, Callable[[int], None]], Iterator[TargetResult]]


class NoResult(Exception):
    """What is to be sent cannot be."""


def run(task: Task, sender: Sender) -> None:
    """Perform *task* and leave the process; never returns, and nothing that the user's code raises gets out."""
    status = NO_PIPE
    try:
        _settle(task)
        sender.send(hold(task.scratch, task.settings))
        _limit_threads(task)
        _perform(task, sender)
        status = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            sender.send(Raised(type(error).__name__, _text(error), _where(error)))
            status = 0
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        # Handlers at exit, threads and destructors are the user's: none of them gets to run.
        os._exit(status)


def _perform(task: Task, sender: Sender) -> None:
    if any(target.wanted for target in task.plan.targets):
        performer = load_performer(task.performer)
        for result in performer(task.plan, task.settings, lambda target: sender.send(Begun(target))):
            if not isinstance(result, TargetResult):
                raise NoResult(type(result).__name__)
            try:
                sender.send(result)
            except (TypeError, ValueError, RecursionError) as error:
                raise NoResult(str(error)) from None
    sender.send(Finished())


def load_performer(dotted: str) -> Performer:
    """The function that ``package.module:function`` names."""
    module, _, name = dotted.partition(":")
    performer: Performer = getattr(importlib.import_module(module), name)
    return performer


def _settle(task: Task) -> None:
    """Make the scratch folder the place where this process lives, and its traceback the last thing it says."""
    os.environ.update(homes(task.scratch))
    tempfile.tempdir = None
    os.chdir(task.scratch)
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = open(descriptor, mode, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    faulthandler.enable(file=2, all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGUSR1, file=2, all_threads=False)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _limit_threads(task: Task) -> None:
    framework: Any = sys.modules.get("torch")
    if framework is not None:
        framework.set_num_threads(task.threads)
    framework = sys.modules.get("tensorflow")
    if framework is not None:
        framework.config.threading.set_intra_op_parallelism_threads(task.threads)
        framework.config.threading.set_inter_op_parallelism_threads(1)


def _text(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())[:600]
    except BaseException:
        return ""


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
