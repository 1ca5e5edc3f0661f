"""A bar on standard error for long work, when a person watches."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from batchlint.cli.terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batchlint.runner import Progress


@contextlib.contextmanager
def progress_bar(what: str, total: int) -> Iterator[Progress | None]:
    """Give a callback that moves the bar; ``None`` where nobody watches. The callback may learn the *total* later."""
    if os.environ.get("CI") or not is_terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Without a thread that refreshes: the runner may fork, which threads make unsafe.
    with Progress(*columns, console=Console(file=sys.stderr), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(what, total=total)

        def show(done: int, total: int) -> None:
            if done % max(1, total // 200) == 0 or done == total:
                bar.update(task, completed=done, total=total, refresh=True)

        yield show
