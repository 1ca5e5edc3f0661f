"""The command line: one module a subcommand, imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CLEAN = 0
"""Everything was checked, and nothing was found."""
FINDINGS = 1
"""Everything was checked, and something was found."""
FAILURE = 2
"""The command was not understood, or something could not be checked."""


class UsageError(Exception):
    """What the user asked for cannot be done; the message says why, in one line."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (by default the process's) and return the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"batchlint: error: {error}\n")
        return FAILURE
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except KeyboardInterrupt:
        sys.stderr.write("batchlint: interrupted\n")
        return 130
    except Exception as error:
        if os.environ.get("BATCHLINT_DEBUG"):
            raise
        detail = " ".join(f"{type(error).__name__}: {error}".split())
        sys.stderr.write(f"batchlint: internal error: {detail}; please report it (BATCHLINT_DEBUG=1 tells more)\n")
        return FAILURE
    return code


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["check"] and not any(argument.startswith("-") for argument in arguments[1:]):
        # Paths alone need no parser: making one costs as much as checking files without a framework.
        from batchlint.cli import check

        return check.run(check.Options(arguments[1:]))
    from batchlint.cli.parser import parse

    command, options = parse(arguments)
    code: int = importlib.import_module(f"batchlint.cli.{command}").run(options)
    return code
