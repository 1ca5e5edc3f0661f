"""What loading a file of the user's leaves: its module, and what of it could not be run."""

from __future__ import annotations

import ast
import types
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """A statement that failed while a file was loaded, or a name that was left out.

    Attributes:
        path: the file.
        line: the statement's line.
        message: what was raised, in one line.
        names: the names that are absent because of it.
    """

    path: str
    line: int
    message: str
    names: tuple[str, ...] = ()


@dataclass
class UserModule:
    """A file of the user's that was loaded.

    Attributes:
        filename: what its frames bear.
        module: what it is in ``sys.modules``.
        tree: its text, parsed.
        problems: what failed.
        left_out: names that only statements that were not run bind, with the line.
        definitions: what each definition bound, by its first line: a name may be bound again later.
    """

    filename: str
    module: types.ModuleType
    tree: ast.Module
    problems: list[LoadProblem] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    definitions: dict[int, Any] = field(default_factory=dict)


class Unloadable(Exception):
    """The file is not Python, or not one that is there."""
