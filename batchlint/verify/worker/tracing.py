"""Which lines of a file run: a refutation needs that the flagged line did, at every batch size."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any


@contextlib.contextmanager
def lines_run(follows: Callable[[str], bool]) -> Iterator[set[int]]:
    """Collect the lines that run in this thread, in files whose name *follows* accepts.

    Code that is compiled by a framework (TorchScript) leaves no lines.
    """
    monitoring = getattr(sys, "monitoring", None)
    tool = None if monitoring is None else _free_tool(monitoring)
    lines: set[int] = set()
    with _traced(follows, lines) if tool is None else _monitored(follows, lines, monitoring, tool):
        yield lines


@contextlib.contextmanager
def _traced(follows: Callable[[str], bool], lines: set[int]) -> Iterator[None]:
    followed: dict[str, bool] = {}

    def inside(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            lines.add(frame.f_lineno)
        return inside

    def entered(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        wanted = followed.get(name)
        if wanted is None:
            wanted = followed[name] = follows(name)
        return inside if wanted else None

    before = sys.gettrace()
    sys.settrace(entered)
    try:
        yield
    finally:
        sys.settrace(before)


def _free_tool(monitoring: Any) -> int | None:
    """A tool's number that nobody has taken; 3 and 4 belong to no kind of tool."""
    return next((number for number in (3, 4, 5, 1) if monitoring.get_tool(number) is None), None)


@contextlib.contextmanager
def _monitored(follows: Callable[[str], bool], lines: set[int], monitoring: Any, tool: int) -> Iterator[None]:
    followed: dict[str, bool] = {}

    def ran(code: CodeType, line: int) -> Any:
        wanted = followed.get(code.co_filename)
        if wanted is None:
            wanted = followed[code.co_filename] = follows(code.co_filename)
        if wanted:
            lines.add(line)
        return monitoring.DISABLE

    monitoring.use_tool_id(tool, "batchlint")
    try:
        monitoring.register_callback(tool, monitoring.events.LINE, ran)
        monitoring.restart_events()
        monitoring.set_events(tool, monitoring.events.LINE)
        yield
    finally:
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.LINE, None)
        monitoring.free_tool_id(tool)
