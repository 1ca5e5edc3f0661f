"""Where frameworks that are loaded on demand say what the evaluator does with their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.values import Instance, Value

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["APPLIED", "ATTRIBUTES", "BEFORE_CALL", "CHANGED_BY", "INHERITED", "OF_SUPER"]

Arguments = tuple[Value, ...]
Keywords = Mapping[str, Value]

APPLIED: dict[type[Value], Callable[[Evaluator, Any, Arguments, Keywords, Any], Value]] = {}
"""Type of a callee to what calling it gives."""

ATTRIBUTES: dict[type[Value], Callable[[Evaluator, Any, str, Any], Value | None]] = {}
"""Type of a value to what its attributes are, ``None`` for one that is a method."""

CHANGED_BY: dict[type[Value], Callable[[Evaluator, Any, str, Arguments, Keywords, Any], Value | None]] = {}
"""Type of a receiver to what one of its methods makes of it, ``None`` where it stays as it is."""

INHERITED: list[Callable[[Evaluator, Instance, str, Arguments, Keywords, Any], Value | None]] = []
"""What methods give that a class of the file has from an imported base, ``None`` for those of other frameworks."""

BEFORE_CALL: list[Callable[[Evaluator, Instance, Arguments, Keywords, Any], None]] = []
"""What happens to an object of a class of the file before it is called as a layer."""

OF_SUPER: list[Callable[[Evaluator, Instance, str, Arguments, Keywords, Any], Value | None]] = []
"""What ``super().name(...)`` gives in a class with an imported base, ``None`` for those of other frameworks."""
