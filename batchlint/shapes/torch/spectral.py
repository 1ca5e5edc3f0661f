"""Fourier transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchlint.shapes.dimension import Dimension, floor_divide, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.operands import along, as_axes, as_dimension, as_shape, axis_of, reach_of

__all__: list[str] = []

Size = Callable[[Dimension], Dimension]


def _half(size: Dimension) -> Dimension:
    return floor_divide(size, 2) + 1


def _from_half(size: Dimension) -> Dimension:
    return 2 * (size - 1)


def _one(shape: Shape, n: Any, dim: Any, given: Size, missing: Size) -> Shape:
    """*shape* with *dim* of the size that *n* says, or, without it, its own size does."""

    def at_axis(sizes: tuple[Dimension, ...], axis: int) -> Shape:
        if not sizes:
            raise ShapeMismatch("a Fourier transform of a tensor without dimensions")
        size = missing(sizes[axis]) if n is None else given(as_dimension(n))
        return Shape((*sizes[:axis], size, *sizes[axis + 1 :]))

    result: Shape = along(shape, dim, at_axis)
    return result


def _same(size: Dimension) -> Dimension:
    return size


@shape_function("torch.fft.fft", "torch.fft.ifft")
def fft(input: Any, n: Any = None, dim: Any = -1, norm: Any = None) -> Shape:
    """*dim* of size *n*."""
    return _one(as_shape(input), n, dim, _same, _same)


@shape_function("torch.fft.rfft", "torch.fft.ihfft")
def rfft(input: Any, n: Any = None, dim: Any = -1, norm: Any = None) -> Shape:
    """*dim* of size ``n//2 + 1``."""
    return _one(as_shape(input), n, dim, _half, _half)


@shape_function("torch.fft.irfft", "torch.fft.hfft")
def irfft(input: Any, n: Any = None, dim: Any = -1, norm: Any = None) -> Shape:
    """*dim* of size *n*, by default ``2 * (size - 1)``."""
    return _one(as_shape(input), n, dim, _same, _from_half)


def _several(shape: Shape, s: Any, dim: Any, given: Size, missing: Size) -> Shape:
    """*shape* with each of *dim* of the size that *s* says; *given* and *missing* concern the last of them."""
    axes = None if dim is None else as_axes(dim)
    lengths = s if isinstance(s, tuple) else None
    if (dim is not None and axes is None) or s is UNKNOWN or (axes and lengths and len(axes) != len(lengths)):
        return over_ranks(lambda known: Shape(tuple([unknown(minimum=0) for _ in known.leading])), shape)

    def at_known_rank(known: Shape) -> Shape:
        rank = len(known.leading)
        if axes is not None:
            chosen = [axis_of(rank, axis) for axis in axes]
        else:
            chosen = list(range(0 if lengths is None else rank - len(lengths), rank))
        if not rank or (chosen and chosen[0] < 0):
            raise ShapeMismatch(f"a Fourier transform over more dimensions than {known} has")
        sizes = list(known.leading)
        for position, axis in enumerate(chosen):
            length = -1 if lengths is None else lengths[position]
            last = position == len(chosen) - 1
            if length == -1:
                sizes[axis] = missing(sizes[axis]) if last else sizes[axis]
            else:
                sizes[axis] = given(as_dimension(length)) if last else as_dimension(length)
        return Shape(tuple(sizes))

    return over_ranks(at_known_rank, shape, reach=reach_of(axes or ()) + len(lengths or ()))


@shape_function("torch.fft.fft2", "torch.fft.ifft2")
def fft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Any = None) -> Shape:
    """*dim* of sizes *s*."""
    return _several(as_shape(input), s, dim, _same, _same)


@shape_function("torch.fft.rfft2")
def rfft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Any = None) -> Shape:
    """*dim* of sizes *s*, the last ``n//2 + 1``."""
    return _several(as_shape(input), s, dim, _half, _half)


@shape_function("torch.fft.irfft2")
def irfft2(input: Any, s: Any = None, dim: Any = (-2, -1), norm: Any = None) -> Shape:
    """*dim* of sizes *s*, the last by default ``2 * (size - 1)``."""
    return _several(as_shape(input), s, dim, _same, _from_half)


@shape_function("torch.fft.fftn", "torch.fft.ifftn")
def fftn(input: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Shape:
    """*dim*, by default all, of sizes *s*."""
    return _several(as_shape(input), s, dim, _same, _same)


@shape_function("torch.fft.rfftn")
def rfftn(input: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Shape:
    """*dim*, by default all, of sizes *s*, the last ``n//2 + 1``."""
    return _several(as_shape(input), s, dim, _half, _half)


@shape_function("torch.fft.irfftn")
def irfftn(input: Any, s: Any = None, dim: Any = None, norm: Any = None) -> Shape:
    """*dim*, by default all, of sizes *s*, the last by default ``2 * (size - 1)``."""
    return _several(as_shape(input), s, dim, _same, _from_half)


@shape_function("torch.fft.fftshift", "torch.fft.ifftshift")
def shifted(input: Any, dim: Any = None) -> Shape:
    """The shape of *input*."""
    return as_shape(input)


@shape_function("torch.fft.fftfreq")
def fftfreq(n: Any, d: Any = 1.0) -> Shape:
    """``[n]``."""
    return Shape((as_dimension(n),))


@shape_function("torch.fft.rfftfreq")
def rfftfreq(n: Any, d: Any = 1.0) -> Shape:
    """``[n//2 + 1]``."""
    return Shape((_half(as_dimension(n)),))


@shape_function("torch.stft", "torch.Tensor.stft")
def stft(
    input: Any,
    n_fft: Any,
    hop_length: Any = None,
    win_length: Any = None,
    window: Any = None,
    center: Any = True,
    pad_mode: Any = "reflect",
    normalized: Any = False,
    onesided: Any = None,
    return_complex: Any = True,
) -> Shape:
    """``[L]`` or ``[B, L]`` to ``[..., frequencies, frames]``, a last dimension of 2 unless *return_complex*."""
    size = as_dimension(n_fft)
    hop = floor_divide(size, 4) if hop_length is None else as_dimension(hop_length)
    frequencies = _half(size) if onesided is True else size if onesided is False else unknown()

    def at_known_rank(known: Shape) -> Shape:
        if not 0 < len(known.leading) < 3:
            raise ShapeMismatch(f"stft expects 1 or 2 dimensions, got {known}")
        padding = 2 * floor_divide(size, 2) if center is True else 0 if center is False else unknown()
        frames = unknown() if hop == 0 else floor_divide(known.leading[-1] + padding - size, hop) + 1
        parts = () if return_complex is True else (2,)
        return Shape((*known.leading[:-1], frequencies, frames, *parts))

    if not isinstance(return_complex, bool):
        return UNKNOWN_SHAPE
    return over_ranks(at_known_rank, as_shape(input))
