"""The run that is under way, which stand-ins and replaced calls ask for."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

from batchlint.verify.worker.loops.world import World

USER_MODULE = "__batchlint_user__"
"""``__name__`` of the user's classes and functions while a loop is run."""
_WORLDS: list[World] = []


def current() -> World:
    """The run that is under way."""
    return _WORLDS[-1]


@contextlib.contextmanager
def running(world: World) -> Iterator[World]:
    """Make *world* the run that is under way."""
    _WORLDS.append(world)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield world
    finally:
        _WORLDS.pop()
