"""What the tests of workers share: plans whose targets are functions of a text, run as they are."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.workers import Workers

PERFORMER = "hostile_performer:perform"
FOLDER = str(Path(__file__).parent)

UNHELD = """
import batchlint.verify.sandbox.{module} as module
def refuse(*arguments):
    raise OSError(38, "not on this system")
module.restrict = refuse
"""
"""A ``sitecustomize`` for processes in which a part of the sandbox is not to be had."""


def plan(code: str, *names: str, path: str = "users.py", framework: str = "") -> FilePlan:
    """A plan of functions of *code*; one named twice is called twice."""
    targets = tuple(TargetPlan(name, "function", number + 1, number + 1) for number, name in enumerate(names))
    return FilePlan(path, textwrap.dedent(code), targets=targets, framework=framework)


def quick(**others: object) -> Settings:
    """Settings for tests: on the CPU, and not for long."""
    return Settings(**{"seconds_per_target": 15.0, "device": "cpu", **others})  # type: ignore[arg-type]


def workers(
    settings: Settings | None = None, jobs: int = 1, fork: bool = sys.platform == "linux", performer: str = PERFORMER
) -> Workers:
    """Workers that perform with `hostile_performer`."""
    return Workers(settings or quick(), jobs, performer=performer, fork=fork)


def run(plans: Sequence[FilePlan], running: Workers) -> list[dict[str, str]]:
    """For each plan, the reason that each target got."""
    found: list[dict[str, str]] = [{} for _ in plans]
    for index, result in running.perform(plans):
        assert result.qualname not in found[index], "one result for each target"
        found[index][result.qualname] = result.reason
    assert [list(each) for each in found] == [[target.qualname for target in each.targets] for each in plans]
    return found


class Shared:
    """Workers by their settings, so that not every test has to start a process to fork from."""

    def __init__(self) -> None:
        self._workers: dict[Settings, Workers] = {}

    def of(self, **settings: object) -> Workers:
        """Those with *settings*."""
        key = quick(**settings)
        if key not in self._workers:
            self._workers[key] = workers(key)
        return self._workers[key]

    def close(self) -> None:
        """End them all."""
        for each in self._workers.values():
            each.close()


def reason(code: str, running: Workers) -> str:
    """What came of ``attack`` in *code*, after which another target and another file still got their results."""
    code = textwrap.dedent(code) + "\ndef fine(): return 1\n"
    hostile, other = run([plan(code, "attack", "fine"), plan("def fine(): return 2", "fine")], running)
    assert hostile["fine"] == "returned 1"
    assert other["fine"] == "returned 2"
    return hostile["attack"]


def processes(wanted: str) -> list[int]:
    """Living processes with *wanted* in their command line or environment's home."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and wanted.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def gone(process: int) -> bool:
    """Whether *process* has ended, or is about to be waited for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether *holds* comes true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def without(folder: Path, *modules: str) -> str:
    """A ``PYTHONPATH`` under which *modules* of the sandbox are not to be had in new processes."""
    (folder / "sitecustomize.py").write_text("".join(UNHELD.format(module=module) for module in modules))
    return os.pathsep.join([str(folder), FOLDER])
