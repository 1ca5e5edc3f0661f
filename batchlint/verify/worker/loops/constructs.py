"""What subscripts, loops, unpacking and imports in the rewritten code do, and the names that it calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from batchlint.verify.worker.loops.calling import call
from batchlint.verify.worker.loops.deliveries import given
from batchlint.verify.worker.loops.failing_step import fail, look
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.standins import Permissive, Sizes, StandIn, holds_standin
from batchlint.verify.worker.loops.under_way import current
from batchlint.verify.worker.loops.world import Place


def item(line: int, column: int, container: Any, key: Any) -> Any:
    """``container[key]`` at this place."""
    world = current()
    if isinstance(container, StandIn):
        world.place = Place(line, column)
    elif world.tensors is None and _has_no_axes(container) and isinstance(key, int):
        return container
    elif isinstance(key, StandIn) and not isinstance(container, (*framework().arrays, Mapping)):
        return StandIn(world, "picked", ids=key._bl_rows() if key._bl_known() else None)
    elif isinstance(container, Permissive):
        return StandIn(world, "item")
    try:
        return container[key]
    except (KeyError, IndexError, TypeError):
        if isinstance(container, dict) and isinstance(key, StandIn) and container:
            return next(iter(container.values()))
        if isinstance(key, StandIn) or holds_standin(key):
            return StandIn(world, "picked")
        raise


def _has_no_axes(value: Any) -> bool:
    return isinstance(value, framework().tensors) and len(value.shape) == 0


Shape = Any
"""How names stand in a target: ``None`` for one name, a list for several, ``"*"`` for a starred one."""


def unpack(value: Any, shape: Shape) -> Any:
    """*value* with as many parts as the target wants."""
    if shape is None or shape == "*":
        return value
    starred = "*" in shape
    if isinstance(value, StandIn):
        parts: list[Any] = list(value._bl_parts(len(shape)))
    elif isinstance(value, Sizes):
        parts = list(value if starred else value.resized(len(shape)))
    elif value is current().made:
        # An unknown model gives as many outputs as are wanted of it.
        parts = [value for _ in shape]
    elif isinstance(value, Permissive):
        parts = [StandIn(current(), "part") for _ in shape]
    else:
        parts = list(value)
    if not starred and len(parts) == len(shape):
        parts = [unpack(part, inner) for part, inner in zip(parts, shape)]
    return parts


def iterate(iterable: Any, shape: Shape, epochs: bool) -> Iterator[Any]:
    """What a loop over *iterable* goes through; of a range of epochs the first only."""
    world = current()
    if (
        epochs
        and isinstance(iterable, range | StandIn)
        and not (isinstance(iterable, StandIn) and iterable._bl_known())
    ):
        iterable = iterable[:1] if isinstance(iterable, range) else [StandIn(world, "epoch")]
    for each in iterable:
        world.step()
        yield unpack(each, shape)


def tick() -> None:
    """A round of a loop begins."""
    current().step()


def seen(number: int, value: Any = None) -> Any:
    """Keep the value that the flagged expression *number* has."""
    kept = current().seen.setdefault(number, [])
    if len(kept) < 20_000:
        kept.append(value)
    return value


def keywords_of(value: Any) -> Any:
    """What ``**value`` passes on: nothing, if it is not known."""
    return {} if isinstance(value, StandIn | RowLoader | Permissive) else value


def imported(module: str, name: str | None, level: int) -> Any:
    """What an import inside of a function binds."""
    from batchlint.verify.worker.loops.staging import found_member, found_module

    source = unknown_module(module) if level else found_module(module)
    return source if name is None else found_member(source, module, name)


def unknown_module(name: str) -> StandIn:
    """A stand-in for a module that is not imported."""
    found = StandIn(current(), name.split(".")[-1])
    found._bl_plain = True
    return found


RUNTIME: dict[str, Any] = {
    "__bl_keywords__": keywords_of,
    "__bl_import__": imported,
    "__bl_slice__": slice,
    "__bl_call__": call,
    "__bl_item__": item,
    "__bl_unpack__": unpack,
    "__bl_iterate__": iterate,
    "__bl_tick__": tick,
    "__bl_seen__": seen,
    "__bl_given__": given,
    "__bl_fail__": fail,
    "__bl_look__": look,
}
"""Names that rewritten code calls."""
