"""From the words of a command line to a subcommand and its options.

This is argparse because `batchlint check` on a file without a framework must cost no more than three bare interpreter
starts: importing click alone costs more than that, and four times as much as importing argparse.
"""

from __future__ import annotations

import argparse
import importlib
import os
from typing import TYPE_CHECKING, Any, NoReturn

from batchlint.cli import FAILURE, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "check": "find batch-size hazards in files and folders",
    "verify": "run what was found, and say what that shows",
    "rule": "explain a rule, or list all",
    "shapes": "print a source with the shape of each tensor expression at the line's end",
    "version": "print the version",
}
"""Subcommands and what they do: each is the module of that name, with ``Options``, ``add_arguments`` and ``run``."""


class _HelpFormatter(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # argparse makes a formatter for each argument; left to find the width itself, it imports shutil for it.
        try:
            columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns
        except (ValueError, OSError):
            columns = 80
        super().__init__(prog, width=max(40, min(columns, 120) - 2))


class _Parser(argparse.ArgumentParser):
    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(
            prog,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
            argument_default=argparse.SUPPRESS,  # what is not said is left to `Options`
            **settings,
        )

    def error(self, message: str) -> NoReturn:
        """Exit with the one line that says what is wrong; the usage is for ``--help``."""
        self.exit(FAILURE, f"batchlint: error: {message} (see `{self.prog} --help`)\n")


def parse(arguments: Sequence[str]) -> tuple[str, Any]:
    """Return the subcommand's name and its ``Options``.

    Raises:
        UsageError: a subcommand or option is unknown.
        SystemExit: all is said, as for ``--help``, or *arguments* are malformed.
    """
    from batchlint import __version__

    called = arguments[0] if arguments else ""
    if called and not called.startswith("-") and called not in COMMANDS:
        raise UsageError(f"unknown command {called!r}{_nearest(called, COMMANDS)}")
    parser = _Parser("batchlint", description="Find batch-size hazards in deep learning code.")
    parser.add_argument("--version", action="version", version=f"batchlint {__version__}")
    subparsers = parser.add_subparsers(prog="batchlint", dest="command", metavar="COMMAND", required=True)
    options = None
    known: list[str] = []
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == called:  # the other subcommands only lend their names
            module = importlib.import_module(f"batchlint.cli.{name}")
            module.add_arguments(subparser)
            options = module.Options()
            known = list(subparser._option_string_actions)
    options, unknown = parser.parse_known_args(arguments, options)
    if unknown:
        first = unknown[0].partition("=")[0]
        raise UsageError(f"unknown argument {first!r}{_nearest(first, known)} (see `batchlint {called} --help`)")
    return called, options


def _nearest(word: str, known: Sequence[str] | dict[str, str]) -> str:
    from batchlint.suggestions import did_you_mean

    return did_you_mean(word, known)
