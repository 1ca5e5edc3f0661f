"""Many sources to their results: in this process when they are few, in several otherwise.

`check_item` is a pure function from a picklable item to a picklable result; where it runs is nobody's business. A
worker that dies costs the one file that killed it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from batchlint import engine
from batchlint.rules.selection import Selection
from batchlint.source.reading import UnreadableSource, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from multiprocessing.context import BaseContext

    Progress = Callable[[int, int], None]
    """Called with the number of finished items and of all items."""

_WORTH_A_POOL = 12
"""Files that may matter, above which processes pay for their start."""

_IN_FLIGHT = 4
"""Items a worker has waiting; those of a pool that breaks are run again, each alone."""


class WorkItem(NamedTuple):
    """One source to check.

    Attributes:
        filename: the path, as reports show it.
        selection: which rules are on.
        ignored: selectors of rules that are off in this file.
        latent: whether latent findings are wanted.
        data: the source's bytes, ``None`` to read them from *filename*.
    """

    filename: str
    selection: Selection = Selection()
    ignored: tuple[str, ...] = ()
    latent: bool = False
    data: bytes | None = None


def check_item(item: WorkItem) -> engine.CheckResult:
    """Check one item. Whatever goes wrong with it is a problem in the result; nothing is raised."""
    try:
        data = read_bytes(item.filename) if item.data is None else item.data
    except UnreadableSource as error:
        return _failed(item, error.message)
    return engine.check_bytes(data, item.filename, item.selection, item.ignored, show_latent=item.latent)


def _failed(item: WorkItem, message: str) -> engine.CheckResult:
    from batchlint.findings import Problem

    return engine.CheckResult(problems=(Problem(item.filename, message),))


def check_items(
    items: Iterable[WorkItem], jobs: int | None = None, progress: Progress | None = None
) -> list[engine.CheckResult]:
    """Check *items* and return their results in the order of the items, whatever the number of *jobs*.

    Args:
        items: what to check.
        jobs: the number of processes, by default one a CPU that this process may use.
        progress: told after each item.
    """
    todo = list(items)
    results: dict[int, engine.CheckResult] = {}
    report = progress or (lambda done, total: None)
    serious = [index for index, item in enumerate(todo) if _may_matter(item)]
    processes = min(jobs or usable_cpus(), len(serious) // 2)
    if processes <= 1 or len(serious) < _WORTH_A_POOL:
        serious = []
    apart = frozenset(serious)
    for index, item in enumerate(todo):
        if index not in apart:
            results[index] = check_item(item)
            report(len(results), len(todo))
    if apart:
        for index, result in _in_processes([(index, todo[index]) for index in serious], processes):
            results[index] = result
            report(len(results), len(todo))
    return [results[index] for index in range(len(todo))]


def _may_matter(item: WorkItem) -> bool:
    try:
        return engine.may_matter(read_bytes(item.filename) if item.data is None else item.data)
    except UnreadableSource:
        return False


def usable_cpus() -> int:
    """The number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _context() -> BaseContext:
    """Fork where that is safe, with everything imported already. Threads and macOS make it unsafe."""
    import multiprocessing
    import threading

    if sys.platform != "linux" or threading.active_count() > 1:
        return multiprocessing.get_context("spawn")
    with contextlib.suppress(Exception):  # what fails here fails again, and is told, for each file
        engine.preload()
    return multiprocessing.get_context("fork")


def _in_processes(work: Sequence[tuple[int, WorkItem]], processes: int) -> Iterator[tuple[int, engine.CheckResult]]:
    """Yield each item's number and result as they come, starting anew when a worker dies."""
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    waiting = list(reversed(work))
    while waiting:
        suspects: list[tuple[int, WorkItem]] = []
        running: dict[Future[engine.CheckResult], tuple[int, WorkItem]] = {}
        with ProcessPoolExecutor(processes, _context()) as pool:
            while (waiting or running) and not suspects:
                try:
                    while waiting and len(running) < processes * _IN_FLIGHT:
                        running[pool.submit(check_item, waiting[-1][1])] = waiting[-1]
                        waiting.pop()
                except BrokenProcessPool:
                    suspects.extend(running.values())
                    break
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    numbered = running.pop(future)
                    error = future.exception()
                    if error is None:
                        yield numbered[0], future.result()
                    elif isinstance(error, BrokenProcessPool):
                        suspects.append(numbered)
                    else:
                        yield numbered[0], engine.internal_error(numbered[1].filename, error)
                if suspects:
                    suspects.extend(running.values())
        for index, item in sorted(suspects):
            yield index, _alone(item)


def _alone(item: WorkItem) -> engine.CheckResult:
    """Check *item* in a process of its own, which it may kill."""
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    with ProcessPoolExecutor(1, _context()) as pool:
        try:
            return pool.submit(check_item, item).result()
        except BrokenProcessPool:
            message = "the process that checked this file died; exclude the file, and please report it"
            return _failed(item, message)
