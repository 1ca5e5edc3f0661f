"""Rows that the code hands to models and to its callers, and batches without rows that it uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchlint.verify.worker.loops.standins import StandIn, rows_of
from batchlint.verify.worker.loops.under_way import current
from batchlint.verify.worker.loops.world import World


def note_delivery(world: World, arguments: Any, keywords: Any) -> None:
    """Note the rows that are handed over."""
    for each in (*arguments, *keywords.values()):
        if isinstance(each, Mapping):
            # What a session is fed: the first of the parts stands for all of them.
            note_delivery(
                world, [part for part in each.values() if isinstance(part, StandIn) and part._bl_known()][:1], {}
            )
        elif isinstance(each, list | tuple):
            parts = [part for part in each if isinstance(part, StandIn) and part._bl_known()]
            if parts and len(parts) == len(each):
                found = rows_of(list(parts))
                if found is not None:
                    world.delivered.append(found)
        elif isinstance(each, StandIn) and each._bl_known() and (each._bl_cut or each._bl_record):
            world.delivered.append(each._bl_rows())


def note_empty(world: World, arguments: Any) -> None:
    """Note a batch without rows among what is handed over."""
    for each in (part for one in arguments for part in (one.values() if isinstance(one, Mapping) else (one,))):
        if isinstance(each, StandIn) and each._bl_known() and each._bl_cut and not each._bl_rows().size:
            world.use_empty()


def holds_known(arguments: Any, keywords: Mapping[str, Any]) -> bool:
    """Whether some argument is a stand-in whose rows are known, itself or in a list."""
    for each in (*arguments, *keywords.values()):
        for item in each if isinstance(each, list | tuple) else (each,):
            if isinstance(item, StandIn) and item._bl_known():
                return True
            if isinstance(item, list | tuple) and any(isinstance(part, StandIn) and part._bl_known() for part in item):
                return True
    return False


def given(value: Any) -> Any:
    """Note what a generator yields."""
    world = current()
    note_delivery(world, (value, *(value if isinstance(value, tuple) else ())), {})
    note_empty(world, (value, *(value if isinstance(value, tuple) else ())))
    return value
