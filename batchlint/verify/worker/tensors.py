"""Tensors, whichever framework's: what all of the worker may ask of them without importing one.

Those of other frameworks than torch are registered, and have the methods of a torch tensor that are used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchlint.verify.worker.records import Record

Tensor = Any
"""A ``torch.Tensor``, or what stands for one in another framework."""

Join = Callable[[Sequence[Tensor], int], Tensor]

_joining: dict[type, Join] = {}
_kinds: tuple[type, ...] = ()


def register(kind: type, join: Join) -> None:
    """Take instances of *kind* for tensors; *join* puts several together along an axis."""
    global _kinds
    _joining[kind] = join
    _kinds = tuple(_joining)


def kinds() -> tuple[type, ...]:
    """The classes of tensors: what was registered, and torch's where somebody has imported torch."""
    torch = sys.modules.get("torch")
    kind = getattr(torch, "Tensor", None)
    if kind is not None and kind not in _joining:
        register(kind, lambda tensors, axis: torch.cat(list(tensors), dim=axis))  # type: ignore[union-attr]
    return _kinds


def is_tensor(value: Any) -> bool:
    """Whether *value* is a tensor."""
    return isinstance(value, kinds())


def joined(tensors: Sequence[Tensor], axis: int) -> Tensor:
    """Tensors of one framework, one after the other along *axis*."""
    return next(join for kind, join in _joining.items() if isinstance(tensors[0], kind))(tensors, axis)


def at(axis: int, where: Any) -> tuple[Any, ...]:
    """The index that takes *where* along *axis* and everything else."""
    return (*(slice(None),) * axis, where)


def same(one: Any, other: Any, within: float = 0.0) -> bool:
    """Whether two outputs hold the same tensors, up to *within* as a part of the largest value."""
    left, right = tensors_in(one), tensors_in(other)
    return len(left) == len(right) and all(_close(a, b, within) for a, b in zip(left, right))


def _close(one: Tensor, other: Tensor, within: float) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    try:
        one, other = one.detach(), other.detach()
        if one.is_sparse:
            one, other = one.to_dense(), other.to_dense()
        if not within or not (one.is_floating_point() or one.is_complex()):
            return bool(one.equal(other) or one.nan_to_num().equal(other.nan_to_num()))
        scale = float(one.abs().nan_to_num().max()) if one.numel() else 0.0
        return bool(one.allclose(other, rtol=0.0, atol=within * scale, equal_nan=True))
    except (RuntimeError, NotImplementedError):
        return False


def shape_of(tensor: Tensor) -> tuple[int, ...]:
    """The tensor's shape; empty for one that has none (nested tensors)."""
    try:
        return tuple(tensor.shape)
    except RuntimeError:
        return ()


def tensors_in(value: Any, limit: int = 64) -> list[Tensor]:
    """The tensors in a nest of tuples, lists, dicts and dataclass-like outputs, in order."""
    found: list[Tensor] = []
    pending: list[Any] = [value]
    seen = 0
    tensors = kinds()
    while pending and len(found) < limit and seen < 100 * limit:
        each = pending.pop(0)
        seen += 1
        if isinstance(each, tensors):
            found.append(each)
        elif isinstance(each, tuple | list):
            pending[:0] = list(each)
        elif isinstance(each, Mapping):
            pending[:0] = list(each.values())
        elif isinstance(each, Record):
            pending[:0] = list(each.parts.values())
        elif hasattr(each, "__dataclass_fields__") and not isinstance(each, type):
            pending[:0] = [getattr(each, name, None) for name in each.__dataclass_fields__]
    return found
