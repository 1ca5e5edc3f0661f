"""Labels: what was judged, where it lies among the checkouts, and at which lines of which cell."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.accuracy.families import FAMILIES, FOLDERS, PARTS

HAZARDS = frozenset({"bug", "hazard"})
SILENT = frozenset({"benign", "clean", "hard-negative", "decoy"})
FIXED = "fixed"


class UnreadableLabels(Exception):
    """A file that holds no labels; the message is one line."""


class Place(NamedTuple):
    """A judged line; *cell* counts a notebook's code cells from 1, ``None`` in a Python file."""

    cell: int | None
    line: int


class Label(NamedTuple):
    """One judgement.

    Attributes:
        set: ``bugs``, ``census`` or ``clean``.
        family: a key of `FAMILIES`.
        label: the judgement, see `HAZARDS`, `SILENT` and `FIXED`.
        repository: ``owner/name``.
        path: the file's path within the repository.
        folder: the name of the checkout.
        lines: the judged lines as the label gives them; none if it speaks of the whole file.
        cell: a notebook's cell, from 0 among all cells; ``None`` if *lines* count over all code cells.
        identity: the name that a bug and its fix share.
        framework: what the label says of the framework, if anything.
        decidable: whether the one file tells: ``file``, ``file-rank``, ``cross-file``, ``runtime`` or nothing.
        why: the judgement's reason.
        rules: the codes that answer for it, or will.
        disputed: the run that shows the judgement to be wrong, or nothing.
    """

    set: str
    family: str
    label: str
    repository: str
    path: str
    folder: str
    lines: tuple[int, ...]
    cell: int | None
    identity: str
    framework: str
    decidable: str
    why: str
    rules: tuple[str, ...]
    disputed: str


def read_labels(path: Path, disputed: Path) -> list[Label]:
    """Read JSON lines, and mark those that the JSON list *disputed* names.

    Raises:
        UnreadableLabels: a line is no label, or its family is unknown.
        OSError: a file cannot be read.
    """
    runs = {
        (entry["repo"], entry["commit"], entry["path"], tuple(entry["lines"])): entry["run"]
        for entry in json.loads(disputed.read_text(encoding="utf-8"))
    }
    labels = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            key = (record["repo"], record["commit"], record["path"], tuple(record.get("lines") or ()))
            family = record.get("family") or "-"
            if family not in FAMILIES:
                raise UnreadableLabels(f"{path}:{number}: unknown family {family!r}; add it to families.py")
            label = _label(record, family, runs.get(key, ""))
        except (ValueError, TypeError, KeyError) as error:
            raise UnreadableLabels(f"{path}:{number}: no label: {type(error).__name__}: {error}") from None
        labels.append(label)
    return labels


def _label(record: Mapping[str, Any], family: str, disputed: str) -> Label:
    at_cell = "cell" in record
    path = record["path"]
    if path in FOLDERS:
        path = f"{path}/{FOLDERS[path]}"
    lines = tuple(record.get("lines") or ())
    return Label(
        set=record["set"],
        family=family,
        label=record["label"],
        repository=record["repo"],
        path=path,
        folder=_folder(record),
        lines=(record["cell_line"],) if at_cell else lines,
        cell=record["cell"] if at_cell else None,
        identity=record.get("id", ""),
        framework=record.get("framework", ""),
        decidable=record.get("decidable", ""),
        why=record.get("why") or record.get("trigger", ""),
        rules=PARTS.get((family, record["repo"], lines[0] if lines else 0), FAMILIES[family].rules),
        disputed=disputed,
    )


def _folder(record: Mapping[str, Any]) -> str:
    """``owner__name@commit`` (20 characters of it), or ``@version`` of a wheel."""
    commit = record["commit_fix"] if record["label"] == FIXED else record["commit"]
    commit = commit.removeprefix("PyPI wheel ").replace(" ", "-")[:20]
    return f"{record['repo'].replace('/', '__')}@{commit}"


def places(label: Label, file: Path) -> tuple[Place, ...]:
    """The judged lines of *label* as batchlint counts them in *file*."""
    if file.suffix != ".ipynb":
        return tuple(Place(None, line) for line in label.lines)
    cells = _cells(file)
    numbers = {index: number for number, (index, _) in enumerate(cells, 1)}
    if label.cell is not None:
        return tuple(Place(numbers[label.cell], line) for line in label.lines if label.cell in numbers)
    return tuple(place for line in label.lines if (place := _in_joined_cells(cells, line)) is not None)


def _cells(file: Path) -> list[tuple[int, str]]:
    """Each code cell's number among all cells, from 0, and its source."""
    cells = json.loads(file.read_text(encoding="utf-8")).get("cells", [])
    return [(i, "".join(cell.get("source", ""))) for i, cell in enumerate(cells) if cell.get("cell_type") == "code"]


def _in_joined_cells(cells: list[tuple[int, str]], line: int) -> Place | None:
    """Where *line* of all code cells, joined by one blank line, lies; ``None`` on a blank line between."""
    first = 1
    for number, (_, source) in enumerate(cells, 1):
        length = source.count("\n") + 1
        if first <= line < first + length:
            return Place(number, line - first + 1)
        first += length + 1
    return None


_IMPORTS = r"^(?:import|from)[ \t]+(?:[\w., \t]*[ ,])?(?:%s)\b"
_TORCH = re.compile(_IMPORTS % r"torch\w*|pytorch_\w+|lightning", re.MULTILINE)
_TENSORFLOW = re.compile(_IMPORTS % r"tensorflow\w*|keras\w*|tflearn", re.MULTILINE)


def is_tensorflow(label: Label, file: Path) -> bool:
    """Whether *file* is written for TensorFlow or Keras: the label says so, or what it imports at its top level."""
    if label.framework:
        return label.framework.startswith(("tf", "keras"))
    text = "\n".join(source for _, source in _cells(file)) if file.suffix == ".ipynb" else _text(file)
    return _TENSORFLOW.search(text) is not None and _TORCH.search(text) is None


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
