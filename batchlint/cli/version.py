"""``batchlint version``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from batchlint import __version__

if TYPE_CHECKING:
    import argparse


class Options:
    """Nothing to choose."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def run(options: Options) -> int:
    """Print the version and what decides the results besides."""
    import platform
    from importlib.metadata import version

    sys.stdout.write(f"batchlint {__version__} (libcst {version('libcst')}, Python {platform.python_version()})\n")
    return 0
