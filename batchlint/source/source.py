"""One source as the engine reads it: its text, its lines, and for a notebook the way back to the cells."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

from batchlint.findings import Problem
from batchlint.source.decoding import Decoded, UndecodableSource, decode, split_lines
from batchlint.source.reading import UnreadableSource, read_bytes

if TYPE_CHECKING:
    from batchlint.source.notebook import Notebook

NOTEBOOK_SUFFIX = ".ipynb"


@dataclass(frozen=True)
class Source:
    """The text of one file.

    Attributes:
        filename: as the user gave it or would give it.
        decoded: text, encoding and line ending; for a notebook those of the module made from its code cells.
        notebook: the map from lines to cells, ``None`` for a Python file.
    """

    filename: str
    decoded: Decoded
    notebook: Notebook | None = None

    @property
    def text(self) -> str:
        """What Python would read, line endings as in the file."""
        return self.decoded.text

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The lines without their ends; line *n* of a span is ``lines[n - 1]``."""
        return tuple(split_lines(self.text))

    def locate(self, line: int) -> tuple[int | None, int]:
        """Return the 1-based code cell, ``None`` outside notebooks, and the line in it for a *line* of the text."""
        return self.notebook.locate(line) if self.notebook else (None, line)


def read_source(path: str | os.PathLike[str]) -> Source | Problem:
    """Read the file at *path*; a problem says why it cannot be checked."""
    filename = os.fspath(path)
    try:
        data = read_bytes(path)
    except UnreadableSource as error:
        return Problem(filename, error.message)
    return source_from_bytes(data, filename)


def source_from_bytes(data: bytes, filename: str) -> Source | Problem:
    """Decode *data*; *filename* decides between a Python file and a notebook."""
    if PurePath(filename).suffix == NOTEBOOK_SUFFIX:
        from batchlint.source.notebook import UnreadableNotebook, read_notebook

        try:
            notebook = read_notebook(data)
        except UnreadableNotebook as error:
            return Problem(filename, error.message, error.line)
        return Source(filename, Decoded(notebook.text, "utf-8", "\n", bom=False), notebook)
    try:
        return Source(filename, decode(data))
    except UndecodableSource as error:
        return Problem(filename, error.message, error.line)


def read_standard_input(filename: str = "-") -> Source | Problem:
    """Read a source from standard input under the name *filename*."""
    return source_from_bytes(sys.stdin.buffer.read(), filename)
