"""What tests of files need."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534


@pytest.fixture
def without_privileges() -> Iterator[Path]:
    """A folder of a user who may not read everything, as whom the test runs; a test run by root would prove nothing."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as undo:
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, -1)
            os.seteuid(NOBODY)
            undo.callback(os.seteuid, 0)
        yield Path(folder)
