"""Which lines run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from batchlint.verify.worker import tracing
from batchlint.verify.worker.tracing import lines_run

TEXT = """\
def choose(number):
    if number > 2:
        return [
            each
            for each in range(number)
        ]
    return other(number)


def other(number):
    return number
"""


@pytest.fixture(params=["settrace", "monitoring"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "settrace":
        monkeypatch.setattr(tracing, "_free_tool", lambda monitoring: None)
    elif not hasattr(sys, "monitoring"):
        pytest.skip("this Python has no sys.monitoring")


def choose() -> Callable[[int], Any]:
    namespace: dict[str, Any] = {}
    exec(compile(TEXT, "followed.py", "exec"), namespace)
    found: Callable[[int], Any] = namespace["choose"]
    return found


@pytest.mark.usefixtures("way")
def test_only_the_lines_that_ran_of_the_file_that_is_followed() -> None:
    function = choose()
    with lines_run(lambda name: name == "followed.py") as lines:
        function(1)
    assert lines == {2, 7, 11}
    with lines_run(lambda name: name == "followed.py") as again:
        function(3)
    assert {2, 4, 5} <= again
    assert not again & {7, 11}
    with lines_run(lambda name: False) as none:
        function(3)
    assert none == set()


@pytest.mark.usefixtures("way")
def test_what_raises_leaves_its_lines_and_the_trace_of_others() -> None:
    function = choose()
    before = sys.gettrace()
    with pytest.raises(TypeError), lines_run(lambda name: name == "followed.py") as lines:
        function("text")  # type: ignore[arg-type]
    assert lines == {2}
    assert sys.gettrace() is before


@pytest.mark.usefixtures("way")
def test_one_trace_within_another() -> None:
    function = choose()
    with lines_run(lambda name: name == "followed.py") as outer:
        with lines_run(lambda name: name == "followed.py") as inner:
            function(1)
        function(3)
    assert inner == {2, 7, 11}
    assert {2, 4, 5} <= outer
