"""How far two tensors are apart, and whether that says anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from batchlint.verify.checks.rows import Rows
from batchlint.verify.worker.tensors import Tensor, at
from batchlint.verify.worker.tolerances import HALVES, name_of


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest difference between two tensors.

    Attributes:
        relative: as a part of the largest magnitude.
        absolute: in units of the output.
        place: index along the first axis that was compared where it is largest.
        reason: why the two cannot be compared; empty where they can.
    """

    relative: float = 0.0
    absolute: float = 0.0
    place: int = 0
    reason: str = ""


def difference(one: Tensor, other: Tensor, axis: int = 0, scale: float = 0.0) -> Difference:
    """How far *one* and *other* are apart.

    Equal infinities are equal. Integers differ by the part of them that are not equal.

    Args:
        one: any tensor.
        other: one of the same shape.
        axis: the axis along which the place is counted.
        scale: a magnitude to measure against where it is larger than those of both.
    """
    one, other = _plain(one), _plain(other)
    if one.shape != other.shape:
        return Difference(reason=f"the shapes {list(one.shape)} and {list(other.shape)} differ")
    if not one.numel():
        return Difference()
    if not (one.is_floating_point() or one.is_complex()):
        unequal = one != other
        part = float(unequal.double().mean())
        return Difference(part, float(unequal.any()), _place(unequal.double(), axis))
    if bool(one.isnan().any() and other.isnan().any()):
        return Difference(reason="the output is not a number (NaN)")
    gap = (one - other).abs()
    gap = gap.masked_fill(one == other, 0.0).nan_to_num(nan=math.inf, posinf=math.inf)
    largest = float(gap.max())
    magnitude = max(magnitude_of(one), magnitude_of(other), scale)
    relative = largest / magnitude if magnitude else (0.0 if largest == 0 else float("inf"))
    return Difference(relative, largest, _place(gap, axis))


def magnitude_of(tensor: Tensor) -> float:
    """The largest finite magnitude in *tensor*."""
    tensor = _plain(tensor)
    if not tensor.numel() or not (tensor.is_floating_point() or tensor.is_complex()):
        return 0.0
    values = tensor.abs()
    values = values[values.isfinite()]
    return float(values.max()) if values.numel() else 0.0


def samples_of(tensor: Tensor, rows: Rows, batch: int, indices: Sequence[int]) -> list[Tensor]:
    """What *tensor* holds of these samples; where each has several rows, by sample and by row are both possible."""
    wanted = list(indices)
    if rows.each == 1:
        return [tensor[at(rows.axis, wanted)]]
    axis = rows.axis
    by_sample = _split(tensor, axis, batch, rows.each)[at(axis, wanted)].flatten(axis, axis + 1)
    by_row = _split(tensor, axis, rows.each, batch)[at(axis + 1, wanted)].flatten(axis, axis + 1)
    return [by_sample, by_row]


def _split(tensor: Tensor, axis: int, outer: int, inner: int) -> Tensor:
    return tensor.reshape(*tensor.shape[:axis], outer, inner, *tensor.shape[axis + 1 :])


def overlap(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor] | None:
    """The parts of two tensors of the same rank that both have: a sample alone may be padded less."""
    if one.dim() != other.dim():
        return None
    for axis, (left, right) in enumerate(zip(one.shape, other.shape)):
        one, other = one.narrow(axis, 0, min(left, right)), other.narrow(axis, 0, min(left, right))
    return one, other


def _plain(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    if not is_dense(tensor):
        tensor = tensor.to_dense()
    return tensor.float() if name_of(tensor.dtype) in HALVES else tensor


def is_dense(tensor: Tensor) -> bool:
    """Whether *tensor* keeps every value."""
    return str(tensor.layout) == "torch.strided"


def _place(gap: Tensor, axis: int) -> int:
    if not gap.dim():
        return 0
    return int(gap.movedim(axis, 0).reshape(gap.shape[axis], -1).amax(1).argmax())
