"""What many tests start from."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import pytest

from commands import Finished, Run, run_command

if TYPE_CHECKING:
    from pathlib import Path

pytest.register_assert_rewrite("reading")
# Keras reads it when it is imported; what the user has set would choose what the tests run on.
os.environ["KERAS_BACKEND"] = "torch" if importlib.util.find_spec("tensorflow") is None else "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture
def batchlint(tmp_path: Path) -> Run:
    """Run the command in an empty folder."""

    def run(*arguments: str, stdin: str | bytes = "", **environment: str) -> Finished:
        return run_command([sys.executable, "-m", "batchlint", *arguments], tmp_path, stdin, **environment)

    return run
