"""``batchlint shapes``: a source with what the engine knows of its tensors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from batchlint.cli import CLEAN, UsageError

if TYPE_CHECKING:
    import argparse

_GAP = "  # "
_WIDEST = 100
"""The column that comments are aligned to at most."""


class Options:
    """Which file."""

    file: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument("file", metavar="FILE", help="a Python file or notebook, - for standard input")


def run(options: Options) -> int:
    """Print the source with the shapes at the ends of its lines."""
    from batchlint.findings import Problem
    from batchlint.semantics.analysis import shape_annotations
    from batchlint.source.source import read_source, read_standard_input
    from batchlint.source.syntax_gate import UnparsableSource, parse_guarded

    source = read_standard_input() if options.file == "-" else read_source(options.file)
    if isinstance(source, Problem):
        raise UsageError(f"{source.filename}: {source.message}")
    try:
        parse_guarded(source.text)
    except UnparsableSource as error:
        raise UsageError(f"{source.filename}:{error.line or 1}: {error.message}") from None
    annotations = shape_annotations(source.text)
    margin = min(_WIDEST, max((len(source.lines[line - 1]) for line in annotations), default=0))
    for number, line in enumerate(source.lines, 1):
        shapes = annotations.get(number)
        sys.stdout.write(f"{line:{margin}}{_GAP}{shapes}\n" if shapes else f"{line}\n")
    return CLEAN
