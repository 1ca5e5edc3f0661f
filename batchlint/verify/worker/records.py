"""What inputs are made of in every framework: sizes with the batch put in, and objects with attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from batchlint.verify.recipes import BATCH


def size_of(size: int | str, batch: int) -> int:
    """A number, or the ``B`` or ``2*B`` of a recipe with *batch* put in."""
    if isinstance(size, int):
        return size
    factor, _, rest = size.rpartition("*")
    if rest.strip() != BATCH:
        raise ValueError(f"{size!r} is no size: expected a number, B, or a multiple such as 2*B")
    return int(factor or 1) * batch


class Record:
    """An object with attributes, and with methods that give what they are said to give whatever they are asked.

    Attributes:
        parts: what it has, by name; the names of methods end with ``()``.
    """

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = dict(parts)
        for name, value in self.parts.items():
            setattr(self, name.removesuffix("()"), _giving(value) if name.endswith("()") else value)

    def mapped(self, change: Callable[[Any], Any]) -> Record:
        """One like this of changed parts."""
        return Record({name: change(value) for name, value in self.parts.items()})


def _giving(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value
