"""A notebook's code cells as one Python module, read only, with the way back from its lines to the cells."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any, NamedTuple

from batchlint.source.decoding import split_lines
from batchlint.source.magics import without_magics
from batchlint.source.syntax_gate import UnparsableSource, parse_guarded


class UnreadableNotebook(Exception):
    """Bytes that are no notebook; *line* is 1-based within the file, where one can be named."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


class Notebook(NamedTuple):
    """The code of a notebook.

    Attributes:
        text: one module; each code cell holds as many lines as in the notebook, at least one.
        first_lines: the 1-based line of *text* at which each code cell begins.
        dropped_cells: 1-based numbers of the code cells that are not Python and stand as blank lines.
    """

    text: str
    first_lines: tuple[int, ...]
    dropped_cells: tuple[int, ...]

    def locate(self, line: int) -> tuple[int, int]:
        """Return the 1-based number among the code cells, and the line in that cell, of a *line* of the text."""
        cell = max(1, bisect_right(self.first_lines, line))
        return cell, line - (self.first_lines[cell - 1] if self.first_lines else 1) + 1


def read_notebook(data: bytes) -> Notebook:
    """Read a Jupyter notebook (format 3 or 4).

    Magics and shell commands become statements without effect on the same line; cells in another language and cells
    that do not parse alone become blank lines.

    Raises:
        UnreadableNotebook: not JSON, or JSON that is no notebook.
    """
    document = _load(data)
    sources = [_cell_text(cell) for cell in _code_cells(document)]
    python = _is_python(document)
    lines: list[str] = []
    first_lines: list[int] = []
    dropped: list[int] = []
    for number, source in enumerate(sources, 1):
        cell_lines = split_lines(source) or [""]
        first_lines.append(len(lines) + 1)
        readable = _readable(cell_lines) if python else None
        if readable is None:
            dropped.append(number)
            readable = [""] * len(cell_lines)
        lines += readable
    return Notebook("".join(line + "\n" for line in lines), tuple(first_lines), tuple(dropped))


def _load(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except json.JSONDecodeError as error:
        raise UnreadableNotebook(f"not a notebook: invalid JSON: {error.msg}", error.lineno) from None
    except UnicodeDecodeError:
        raise UnreadableNotebook("not a notebook: JSON must be UTF-8") from None
    except ValueError:
        raise UnreadableNotebook("not a notebook: a number in the JSON is too long") from None
    except RecursionError:
        raise UnreadableNotebook("not a notebook: JSON nested too deeply") from None
    if not isinstance(document, dict):
        raise UnreadableNotebook("not a notebook: the JSON is not an object with cells")
    if not isinstance(document.get("cells", document.get("worksheets")), list):
        raise UnreadableNotebook("not a notebook: the JSON holds no cells")
    return document


def _code_cells(document: dict[str, Any]) -> list[dict[str, Any]]:
    cells = document.get("cells")
    if cells is None:
        sheets = [sheet for sheet in document["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]
    return [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _cell_text(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


_PYTHON = re.compile(r"(?i)i?python")


def _is_python(document: dict[str, Any]) -> bool:
    """Whether the kernel runs Python; a notebook that does not say is taken to."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for section, key in (("language_info", "name"), ("kernelspec", "language")):
        described = metadata.get(section)
        language = described.get(key) if isinstance(described, dict) else None
        if isinstance(language, str) and language:
            return bool(_PYTHON.match(language))
    return True


def _readable(lines: list[str]) -> list[str] | None:
    """The cell's lines as Python, as many as before, or ``None`` where that cannot be had."""
    if _parses(lines):
        return lines
    replaced = without_magics(lines)
    if replaced is None or not _parses(replaced):
        return None
    return replaced


def _parses(lines: list[str]) -> bool:
    try:
        parse_guarded("".join(line + "\n" for line in lines))
    except UnparsableSource:
        return False
    return True
