"""Tensors made from sizes, ranges or other tensors' shapes."""

from __future__ import annotations

import math
from typing import Any

from batchlint.shapes.dimension import Dimension, Expression, floor_divide, unknown
from batchlint.shapes.registry import UNKNOWN, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.operands import as_dimension, as_shape, as_sizes, shape_of_sizes

__all__ = ["range_length"]

LEGACY_TYPES = """
BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor Tensor
"""
LIKE = "empty_like full_like ones_like rand_like randint_like randn_like zeros_like"
WINDOWS = "bartlett_window blackman_window hamming_window hann_window kaiser_window"


@shape_function("torch.empty", "torch.ones", "torch.rand", "torch.randn", "torch.zeros")
def sized(*sizes: Any, size: Any = None, **_: Any) -> Shape:
    """The sizes, given one by one or as a tuple."""
    return shape_of_sizes(as_sizes(sizes, size))


@shape_function("torch.Tensor.new_empty", "torch.Tensor.new_ones", "torch.Tensor.new_zeros", "torch.Tensor.new")
def new_sized(input: Any, *sizes: Any, size: Any = None, **_: Any) -> Shape:
    """The sizes; of *input* only the type counts."""
    return shape_of_sizes(as_sizes(sizes, size))


@shape_function("torch.full")
def full(size: Any, fill_value: Any = None, **_: Any) -> Shape:
    """*size*."""
    return shape_of_sizes(as_sizes((size,)))


@shape_function("torch.Tensor.new_full")
def new_full(input: Any, size: Any, fill_value: Any = None, **_: Any) -> Shape:
    """*size*; of *input* only the type counts."""
    return shape_of_sizes(as_sizes((size,)))


@shape_function("torch.empty_strided")
def empty_strided(size: Any, stride: Any, **_: Any) -> Shape:
    """*size*."""
    return shape_of_sizes(as_sizes((size,)))


@shape_function(*(f"torch.{name}" for name in LIKE.split()))
def like(input: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *input*."""
    return as_shape(input)


@shape_function("torch.randint")
def randint(*bounds_and_size: Any, low: Any = None, high: Any = None, size: Any = None, **_: Any) -> Shape:
    """*size*, which follows one bound or two."""
    given = size if size is not None else bounds_and_size[-1] if bounds_and_size else None
    return shape_of_sizes(as_sizes((given,)))


@shape_function("torch.normal")
def normal(mean: Any, std: Any = 1.0, size: Any = None, **_: Any) -> Shape:
    """*size*, or *mean* and *std* broadcast."""
    return broadcast(as_shape(mean), as_shape(std)) if size is None else shape_of_sizes(as_sizes((size,)))


@shape_function("torch.tensor", "torch.as_tensor", "torch.asarray", "torch.from_numpy", "torch.scalar_tensor")
def from_data(data: Any, *_: Any, **__: Any) -> Shape:
    """The shape of *data*: another tensor's, none for a number, the lengths of nested tuples."""
    return _shape_of_data(data)


def _shape_of_data(data: Any) -> Shape:
    if isinstance(data, (tuple, list)):
        if not data:
            return Shape((0,))
        first = _shape_of_data(data[0])
        return Shape((len(data), *first.leading), first.trailing, first.exact)
    return as_shape(data)


@shape_function(*(f"torch.{name}" for name in LEGACY_TYPES.split()))
def legacy_constructor(*sizes_or_data: Any, **_: Any) -> Shape:
    """``FloatTensor(2, 3)`` has these sizes, ``FloatTensor(data)`` the data's."""
    if not sizes_or_data:
        return Shape((0,))
    if len(sizes_or_data) == 1:
        only = sizes_or_data[0]
        return Shape((only,)) if isinstance(only, (int, Expression)) else _shape_of_data(only)
    return shape_of_sizes(sizes_or_data)


def range_length(start: Any, end: Any, step: Any) -> Dimension:
    """How many numbers there are from *start* to below *end*.

    Raises:
        ShapeMismatch: the numbers run the other way than *step*.
    """
    if all(isinstance(bound, (int, float)) for bound in (start, end, step)):
        if step == 0 or not all(map(math.isfinite, (start, end, step))):
            return unknown()
        length: int = math.ceil((end - start) / step)
        if length < 0:
            raise ShapeMismatch(f"a range from {start} to {end} in steps of {step}")
        return length
    sizes = isinstance(start, (int, Expression)) and isinstance(end, (int, Expression))
    if sizes and isinstance(step, int) and step > 0:
        return floor_divide(end - start + (step - 1), step)
    return unknown(minimum=0)


@shape_function("torch.arange")
def arange(*bounds: Any, start: Any = 0, end: Any = UNKNOWN, step: Any = 1) -> Shape:
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``."""
    if len(bounds) == 1:
        if end is UNKNOWN:
            end = bounds[0]
        else:
            start = bounds[0]
    elif len(bounds) == 2:
        start, end = bounds
    elif bounds:
        start, end, step = bounds
    return Shape((range_length(start, end, step),))


@shape_function("torch.linspace", "torch.logspace")
def linspace(start: Any, end: Any, steps: Any = UNKNOWN, base: Any = 10.0) -> Shape:
    """``[steps]``."""
    return Shape((as_dimension(steps),))


@shape_function("torch.eye")
def eye(n: Any, m: Any = None) -> Shape:
    """``[n, m]``, square without *m*."""
    rows = as_dimension(n)
    return Shape((rows, rows if m is None else as_dimension(m)))


@shape_function("torch.randperm")
def randperm(n: Any) -> Shape:
    """``[n]``."""
    return Shape((as_dimension(n),))


@shape_function(*(f"torch.{name}" for name in WINDOWS.split()))
def window(window_length: Any, *_: Any, **__: Any) -> Shape:
    """``[window_length]``."""
    return Shape((as_dimension(window_length),))


@shape_function("torch.tril_indices", "torch.triu_indices")
def triangle_indices(row: Any, col: Any, offset: Any = 0) -> Shape:
    """Two rows of indices, one column for each element of the triangle."""
    return Shape((2, unknown(minimum=0)))


@shape_function("torch.Tensor.new_tensor")
def new_tensor(input: Any, data: Any) -> Shape:
    """The shape of *data*."""
    return _shape_of_data(data) if data is not UNKNOWN else UNKNOWN_SHAPE
