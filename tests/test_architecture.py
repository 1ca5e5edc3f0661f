"""Data flows one way: what lies lower never imports what lies higher."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from commands import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = ROOT / "batchlint"

MAY_IMPORT = {
    "findings": set(),
    "suggestions": set(),
    "source": {"findings"},
    "shapes": set(),
    "semantics": {"findings", "source", "shapes"},
    "rules": {"findings", "source", "shapes", "semantics", "suggestions"},
    "engine": {"findings", "source", "shapes", "semantics", "rules", "suggestions"},
    "verify_config": {"suggestions"},
    "config": {"findings", "source", "rules", "suggestions", "verify_config"},
    "runner": {"findings", "source", "rules", "engine"},
    "verify": {
        "findings",
        "source",
        "shapes",
        "semantics",
        "rules",
        "engine",
        "config",
        "verify_config",
        "runner",
        "suggestions",
    },
    "testing": {"verify"},
    "reports": {"findings", "source", "verify"},
    "flake8_plugin": {"findings", "source", "rules", "engine"},
    "cli": {
        "findings",
        "source",
        "shapes",
        "semantics",
        "rules",
        "engine",
        "config",
        "runner",
        "reports",
        "suggestions",
        "verify",
        "verify_config",
    },
    "__main__": {"cli"},
}
"""What each room may import, beside itself and the package's version."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> Iterator[tuple[int, str]]:
    """The rooms that the module at *path* imports anywhere, for type checking too, with the lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, *rest = name.split(".")
            if package == "batchlint" and rest and rest[0] != "__version__":
                yield node.lineno, rest[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_imports_upward(path: Path) -> None:
    room = room_of(path)
    upward = [
        f"line {line} imports {imported}"
        for line, imported in rooms_imported(path)
        if imported != room and imported not in MAY_IMPORT[room]
    ]
    assert upward == []


def test_every_room_has_its_place() -> None:
    assert {room_of(path) for path in MODULES} == MAY_IMPORT.keys()


def test_the_order_has_no_cycle() -> None:
    placed: set[str] = set()
    waiting = dict(MAY_IMPORT)
    while waiting:
        free = {room for room, below in waiting.items() if below <= placed}
        assert free, f"these import each other: {sorted(waiting)}"
        placed |= free
        waiting = {room: below for room, below in waiting.items() if room not in free}


RUNS_CODE = ("verify/worker", "verify/checks")
"""Where frameworks are imported."""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_shapes_tests_and_the_verifier_know_a_framework(path: Path) -> None:
    if path.relative_to(PACKAGE).as_posix().startswith(RUNS_CODE):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & {"torch", "tensorflow", "keras", "numpy"}
