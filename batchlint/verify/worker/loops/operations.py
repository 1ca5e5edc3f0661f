"""What operations of the framework give for stand-ins: which rows the result holds, and losses of 1.0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.standins import CHANNELS, SIDE, TRUTHS, TURNED, StandIn, first_of, scalar
from batchlint.verify.worker.loops.world import Rows, World

_REDUCED = frozenset(
    {"sum", "mean", "nansum", "nanmean", "average", "count_nonzero", "norm", "prod", "std", "var", "median", "trace"}
)
_EQUAL = frozenset({"eq", "equal", "__eq__", "isclose", "logical_and"})
_UNEQUAL = frozenset({"ne", "not_equal", "__ne__"})
_PAIRS = frozenset({"topk", "sort", "mode", "kthvalue", "cummax", "cummin"})
_EXTREMES = frozenset({"max", "min"})
_JOINED = frozenset(
    {"cat", "concat", "concatenate", "vstack", "row_stack", "stack", "pad_sequence", "array", "asarray"}
)
_COUNTED = frozenset({"numel", "nelement"})
_ROWWISE_LOSSES = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "kl_div"})


def is_loss(name: str) -> bool:
    """Whether a function of this name is a loss."""
    return name in _ROWWISE_LOSSES or name.endswith("_loss")


def joined(value: Any, world: World) -> StandIn | None:
    """One stand-in for the rows of a list of stand-ins, in order."""
    items = list(value) if isinstance(value, list | tuple) else []
    parts = [each for each in items if isinstance(each, StandIn) and each._bl_known()]
    if not parts or len(parts) != len(items):
        return None
    ids = [part._bl_ids for part in parts]
    return StandIn(world, "joined", ids=np.concatenate([part for part in ids if part is not None]))


def apply(world: World, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """What the operation *name* gives for arguments among which are stand-ins."""
    world.step()
    subject = first_of(arguments, keywords)
    if subject is None:
        return StandIn(world, name)
    ids = subject._bl_ids if subject._bl_known() else None
    if ids is None and (name in _REDUCED or is_loss(name) or name in _EQUAL):
        ids = subject._bl_rows() if subject._bl_source else None
    if ids is not None and ids.size == 0 and subject._bl_cut:
        world.use_empty()
    if is_loss(name):
        return _loss(world, ids, keywords)
    if name in TRUTHS:
        return ids is None or ids.size > 0
    if name in _REDUCED:
        return _reduced(world, name, ids, arguments, keywords)
    if name in _COUNTED and ids is not None:
        return ids.size * CHANNELS * SIDE * SIDE
    if name in TURNED:
        return StandIn(world, name)
    if name in _JOINED and arguments:
        return joined(arguments[0], world) or StandIn(world, name, ids=ids)
    if name in _EXTREMES and not _has_axis(arguments, keywords) and not _second(arguments):
        return scalar(1.0) if ids is not None else StandIn(world, name)
    if name in _PAIRS or (name in _EXTREMES and not _second(arguments)):
        return (StandIn(world, name, ids=ids), StandIn(world, name, ids=ids))
    if name in _UNEQUAL:
        return StandIn(world, name, ids=ids, worth=0.0)
    if name in ("split", "chunk", "array_split", "tensor_split", "unbind", "unstack") or name.endswith("_split"):
        return _split(world, name, ids, arguments, keywords)
    return StandIn(
        world, name, ids=ids, source=None if ids is None else subject._bl_source,
        worth=1.0 if name in _EQUAL else subject._bl_worth, cut=subject._bl_cut,
    )  # fmt: skip


def _second(arguments: tuple[Any, ...]) -> bool:
    return len(arguments) > 1 and isinstance(arguments[1], (StandIn, *framework().arrays))


def _has_axis(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    return (len(arguments) > 1 and arguments[1] is not None) or any(
        keywords.get(each) is not None for each in ("dim", "axis")
    )


def _loss(world: World, ids: Rows | None, keywords: Mapping[str, Any]) -> Any:
    reduction = keywords.get("reduction", "mean")
    if keywords.get("reduce") is False:
        reduction = "none"
    elif keywords.get("size_average") is False:
        reduction = "sum"
    if not isinstance(reduction, str):
        world.assume("how the loss is reduced")
    if reduction == "none":
        return StandIn(world, "loss", ids=ids)
    if ids is None:
        world.assume("the rows of the loss")
        return StandIn(world, "loss")
    if reduction == "sum":
        return scalar(float(ids.size))
    return scalar(1.0 if ids.size else math.nan)


def _reduced(world: World, name: str, ids: Rows | None, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    subject = first_of(arguments, keywords)
    assert subject is not None
    axis = arguments[1] if len(arguments) > 1 else keywords.get("dim", keywords.get("axis"))
    if ids is None:
        return StandIn(world, name)
    if axis is not None and not (isinstance(axis, str) or axis is Ellipsis):
        axes = axis if isinstance(axis, list | tuple) else (axis,)
        if all(isinstance(each, int) and not isinstance(each, bool) and each != 0 for each in axes):
            return StandIn(world, name, ids=ids, worth=subject._bl_worth)
        return StandIn(world, name)
    worth = subject._bl_worth
    if name in ("sum", "nansum", "count_nonzero"):
        return scalar(worth * ids.size)
    if name in ("mean", "nanmean", "average", "median"):
        return scalar(worth if ids.size else math.nan)
    return StandIn(world, name)


def _split(world: World, name: str, ids: Rows | None, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    values = [each for each in (*arguments, *keywords.values()) if not isinstance(each, StandIn)]
    if ids is None or not values or not isinstance(values[0], int) or values[0] <= 0:
        return StandIn(world, name, ids=ids)
    axis = keywords.get("dim", keywords.get("axis", values[1] if len(values) > 1 else 0))
    if axis != 0:
        return [StandIn(world, name, ids=ids) for _ in range(values[0])]
    if name == "split":
        parts = [ids[start : start + values[0]] for start in range(0, ids.size, values[0])]
    else:
        parts = list(np.array_split(ids, values[0]))
    return [StandIn(world, name, ids=part) for part in parts]
