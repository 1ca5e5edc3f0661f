"""Sizes along the spatial axes and in time: what a sliding window makes of them, and their customary names."""

from __future__ import annotations

import math

from batchlint.shapes.dimension import Dimension, Expression, unknown
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.arguments import Size, as_flag, combine

AXIS_NAMES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""Number of spatial axes to their customary names."""

LONGEST_BINARY_FRACTION = 2**20
"""Up to this denominator torch's product in floating point is the exact one for every size that fits in memory."""


def image_batch(channels: Size, axes: int) -> Shape:
    """The shape of a batch with *channels* and *axes* spatial axes, e.g. ``[B, 3, H, W]``."""
    named = tuple([unknown(name) for name in AXIS_NAMES[axes]])
    return Shape((unknown("B"), unknown("C") if channels is None else channels, *named))


def sequence_batch(features: Size, batch_first: object) -> Shape:
    """The shape of a batch of sequences, ``[L, B, 512]`` or ``[B, L, 512]``."""
    flag = as_flag(batch_first)
    names = ("?", "?") if flag is None else ("B", "L") if flag else ("L", "B")
    return Shape((*map(unknown, names), unknown("F") if features is None else features))


def _window_count(
    size: Dimension, kernel: Dimension, stride: Dimension, padding: Dimension, dilation: Dimension
) -> Dimension:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def window_count(layer: str, size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size) -> Size:
    """How many windows fit into a padded axis of *size*.

    Raises:
        ShapeMismatch: not one does.
    """
    count = combine(_window_count, size, kernel, stride, padding, dilation)
    if isinstance(count, int) and count < 1:
        raise ShapeMismatch(f"{layer}: a kernel of {kernel} does not fit into {size}", kernel, size)
    return count


def ceil_window_count(layer: str, size: Size, kernel: Size, stride: Size, padding: Size, dilation: Size) -> Size:
    """`window_count` in ceil mode: a last, partial window counts if it starts inside the input or its left padding.

    Of the two bounds on the count, *windows that reach the end* and *windows that start inside*, the settings alone say
    which is the lower one, so the count has a normal form.

    Raises:
        ShapeMismatch: no window fits.
    """
    overhang = combine(lambda k, s, p, d: s + p - (d * (k - 1) + 1), kernel, stride, padding, dilation)
    if not isinstance(overhang, int):
        return None
    if overhang <= 0:
        count = combine(
            lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) + s - 2) // s + 1, size, kernel, stride, padding, dilation
        )
    else:
        count = combine(lambda n, s, p: (n + p - 1) // s + 1, size, stride, padding)
    if isinstance(count, int) and count < 1:
        return window_count(layer, size, kernel, stride, padding, dilation)
    return count


def scaled(size: Size, factor: object) -> Size:
    """``floor(size * factor)``; of a symbolic size only where *factor* is a fraction that has a short binary form."""
    if isinstance(factor, (int, Expression)):
        return combine(lambda n, f: n * f, size, factor)
    if not isinstance(factor, float) or size is None or not math.isfinite(factor):
        return None
    if isinstance(size, int):
        return math.floor(float(size) * factor)
    numerator, denominator = factor.as_integer_ratio()
    return size * numerator // denominator if denominator <= LONGEST_BINARY_FRACTION else None
