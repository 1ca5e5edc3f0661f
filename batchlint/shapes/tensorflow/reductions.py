"""Operations that take dimensions away, or make them 1 with *keepdims*."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import Shape
from batchlint.shapes.tensorflow.operands import as_tensor, first_given
from batchlint.shapes.torch.reductions import reduce

__all__ = ["ARGUMENTS_OF_EXTREMA", "REDUCTIONS", "reduced"]


def reduced(shape: Shape, axis: Any, keepdims: Any) -> Shape:
    """*shape* without *axis*: one dimension, several (none of them for ``()``), or all for ``None``.

    Raises:
        ShapeMismatch: there is no such dimension.
    """
    if axis in ((), []):
        return shape
    flag = False if keepdims is None else keepdims
    if isinstance(axis, Shape):
        # A tensor that holds the dimensions.
        count = axis.leading[0] if axis.exact and len(axis.leading) == 1 else 1 if axis.exact else None
        return reduce(shape, (UNKNOWN,) * count if isinstance(count, int) and count else UNKNOWN, flag)
    return reduce(shape, axis, flag)


REDUCTIONS = tuple(
    f"{place}.{name}"
    for place, names in {
        "tensorflow": """
        reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod
        reduce_std reduce_sum reduce_variance
        """,
        "keras.ops": """
        all amax amin any logsumexp max mean median min nanmax nanmean nanmedian nanmin nanprod nanstd nansum nanvar
        prod ptp std sum var
        """,
        "keras.backend": "all any logsumexp max mean min prod std sum var",
    }.items()
    for name in names.split()
)
"""Reductions over any number of axes."""

ARGUMENTS_OF_EXTREMA = tuple(
    "tensorflow.argmax tensorflow.argmin tensorflow.arg_max tensorflow.arg_min keras.ops.argmax keras.ops.argmin "
    "keras.backend.argmax keras.backend.argmin".split()
)
"""Where along one axis the greatest or least element is."""


@shape_function(*(name for name in REDUCTIONS if name.startswith("tensorflow.")))
def reduction_tensorflow(
    input_tensor: Any,
    axis: Any = None,
    keepdims: Any = None,
    name: Any = None,
    reduction_indices: Any = None,
    keep_dims: Any = None,
) -> Shape:
    """*input_tensor* without *axis*."""
    return reduced(as_tensor(input_tensor), first_given(axis, reduction_indices), first_given(keepdims, keep_dims))


@shape_function(*(name for name in REDUCTIONS if name.startswith("keras.")))
def reduction_keras(x: Any, axis: Any = None, keepdims: Any = False, *_: Any, **__: Any) -> Shape:
    """*x* without *axis*."""
    return reduced(as_tensor(x), axis, keepdims)


@shape_function("tensorflow.count_nonzero")
def count_nonzero_tensorflow(
    input: Any = None,
    axis: Any = None,
    keepdims: Any = None,
    *_: Any,
    input_tensor: Any = None,
    keep_dims: Any = None,
    reduction_indices: Any = None,
    **__: Any,
) -> Shape:
    """*input* without *axis*."""
    shape = as_tensor(first_given(input, input_tensor))
    return reduced(shape, first_given(axis, reduction_indices), first_given(keepdims, keep_dims))


@shape_function("keras.ops.count_nonzero")
def count_nonzero_keras(x: Any, axis: Any = None) -> Shape:
    """*x* without *axis*."""
    return reduced(as_tensor(x), axis, False)


@shape_function("keras.ops.average")
def average(x: Any, axis: Any = None, weights: Any = None) -> Shape:
    """*x* without *axis*."""
    return reduced(as_tensor(x), axis, False)


@shape_function("tensorflow.argmax", "tensorflow.argmin", "tensorflow.arg_max", "tensorflow.arg_min")
def arg_tensorflow(input: Any, axis: Any = None, *_: Any, dimension: Any = None, **__: Any) -> Shape:
    """*input* without *axis*, which is the first one by default."""
    chosen = first_given(axis, dimension)
    return reduced(as_tensor(input), 0 if chosen is None else chosen, False)


@shape_function("keras.ops.argmax", "keras.ops.argmin")
def arg_keras(x: Any, axis: Any = None, keepdims: Any = False) -> Shape:
    """*x* without *axis*; without one, a number."""
    return reduced(as_tensor(x), axis, keepdims)


@shape_function("keras.backend.argmax", "keras.backend.argmin")
def arg_backend(x: Any, axis: Any = -1) -> Shape:
    """*x* without *axis*, which is the last one by default."""
    return reduced(as_tensor(x), axis, False)


@shape_function("tensorflow.norm")
def norm_tensorflow(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: Any = None,
    keep_dims: Any = None,
) -> Shape:
    """*tensor* without *axis*."""
    return reduced(as_tensor(tensor), axis, first_given(keepdims, keep_dims))


@shape_function("keras.ops.norm")
def norm_keras(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Shape:
    """*x* without *axis*."""
    return reduced(as_tensor(x), axis, keepdims)


@shape_function("tensorflow.normalize")
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: Any = None) -> ShapeResult:
    """*tensor* and its norm, whose *axis* is 1."""
    shape = as_tensor(tensor)
    return shape, reduced(shape, axis, True)


@shape_function("tensorflow.nn.moments")
def moments_tensorflow(
    x: Any, axes: Any, shift: Any = None, keepdims: Any = None, name: Any = None, keep_dims: Any = None
) -> ShapeResult:
    """Mean and variance, *x* without *axes*."""
    result = reduced(as_tensor(x), axes, first_given(keepdims, keep_dims))
    return result, result


@shape_function("keras.ops.moments")
def moments_keras(x: Any, axes: Any, keepdims: Any = False, synchronized: Any = False) -> ShapeResult:
    """Mean and variance, *x* without *axes*."""
    result = reduced(as_tensor(x), axes, keepdims)
    return result, result


@shape_function("tensorflow.nn.l2_loss")
def l2_loss(t: Any, name: Any = None) -> Shape:
    """A number."""
    return Shape()


@shape_function("tensorflow.nn.zero_fraction", "tensorflow.zero_fraction")
def zero_fraction(value: Any, name: Any = None) -> Shape:
    """A number."""
    return Shape()


@shape_function("keras.ops.quantile")
def quantile(x: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: Any = False) -> Shape:
    """*x* without *axis*, for each element of a vector *q* in front."""
    result = reduced(as_tensor(x), axis, keepdims)
    return over_ranks(lambda one, rest: Shape(one.leading + rest.leading), as_tensor(q), result)
