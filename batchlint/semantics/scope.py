"""Names and what they are bound to while one function (or the module) is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from batchlint.semantics.values import Class, Function, Instance, Value, join

State: TypeAlias = "tuple[dict[str, Value], dict[tuple[int, str], Value]]"
"""The bindings of a frame, and the heap."""


@dataclass(slots=True)
class Frame:
    """One activation of a function, or the module itself.

    Attributes:
        names: local bindings.
        enclosing: the frame of the function that defines this one; the module's frame has none.
        function: what is being evaluated, ``None`` for the module.
        instance: ``self``, for methods.
        returned: what was returned so far, joined.
        finished: every path so far has returned, raised, continued or broken out.
        continued: the states in which the innermost loop's round was left for the next one.
        broken: the states in which the innermost loop was left.
        changed: the names of lists and dicts that were changed in place.
        assigned: the names that were bound to something else.
    """

    names: dict[str, Value] = field(default_factory=dict)
    enclosing: Frame | None = None
    function: Function | None = None
    instance: Instance | None = None
    owner: Class | None = None
    returned: Value | None = None
    finished: bool = False
    global_names: frozenset[str] = frozenset()
    continued: list[State] = field(default_factory=list)
    broken: list[State] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)

    def lookup(self, name: str) -> Value | None:
        """What *name* is bound to here or in an enclosing frame, ``None`` where it is not bound."""
        frame: Frame | None = self
        while frame is not None:
            value = frame.names.get(name)
            if value is not None:
                return value
            frame = frame.enclosing
        return None

    def module(self) -> Frame:
        """The outermost frame."""
        frame = self
        while frame.enclosing is not None:
            frame = frame.enclosing
        return frame

    def bind(self, name: str, value: Value) -> None:
        """Bind *name*, in the module where it was declared ``global``."""
        if name in self.global_names:
            self.module().names[name] = value
        else:
            self.names[name] = value

    def give_back(self, value: Value) -> None:
        """Record that *value* is returned on one path."""
        self.returned = value if self.returned is None else join(self.returned, value)
        self.finished = True


def join_names(left: dict[str, Value], right: dict[str, Value]) -> dict[str, Value]:
    """Bindings after a branch: what both sides agree on; a name bound on one side only keeps that value."""
    joined = dict(left)
    for name, value in right.items():
        other = left.get(name)
        if other is None:
            joined[name] = value
        elif other is not value:
            joined[name] = join(other, value)
    return joined
