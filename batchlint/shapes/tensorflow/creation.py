"""Tensors made from sizes, ranges, data or other tensors' shapes."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import at_most
from batchlint.shapes.dimension import Expression, unknown
from batchlint.shapes.ranks import over_ranks
from batchlint.shapes.registry import UNKNOWN, ShapeResult, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.tensorflow.operands import as_tensor, first_given, shape_with, sizes_of
from batchlint.shapes.torch.broadcasting import broadcast
from batchlint.shapes.torch.creation import range_length
from batchlint.shapes.torch.operands import as_dimension

__all__: list[str] = []

SIZED = """
tensorflow.zeros tensorflow.ones tensorflow.random.normal tensorflow.random.uniform tensorflow.random.truncated_normal
tensorflow.random_normal tensorflow.random_uniform tensorflow.truncated_normal
tensorflow.random.stateless_normal tensorflow.random.stateless_uniform tensorflow.random.stateless_truncated_normal
keras.ops.zeros keras.ops.ones keras.ops.empty
keras.random.normal keras.random.uniform keras.random.truncated_normal keras.random.randint
keras.backend.zeros keras.backend.ones keras.backend.random_normal keras.backend.random_uniform
keras.backend.truncated_normal keras.backend.random_bernoulli keras.backend.random_binomial
keras.backend.random_normal_variable keras.backend.random_uniform_variable
"""

LIKE = """
tensorflow.zeros_like tensorflow.ones_like keras.ops.zeros_like keras.ops.ones_like keras.ops.full_like
keras.ops.empty_like keras.backend.zeros_like keras.backend.ones_like
tensorflow.random.shuffle tensorflow.random_shuffle keras.random.shuffle
"""


@shape_function(*SIZED.split())
def sized(shape: Any, *_: Any, **__: Any) -> Shape:
    """*shape*."""
    return shape_with(shape)


@shape_function(*LIKE.split())
def like(x: Any = None, *_: Any, **named: Any) -> Shape:
    """The shape of the tensor, which is called *input*, *tensor*, *value* or *x*."""
    return as_tensor(first_given(x, *(named.get(name) for name in ("input", "tensor", "value"))))


@shape_function("tensorflow.fill")
def fill(dims: Any, value: Any = None, *_: Any, **__: Any) -> Shape:
    """*dims*."""
    return shape_with(dims)


@shape_function("keras.ops.full")
def full(shape: Any, fill_value: Any = None, *_: Any) -> Shape:
    """*shape*."""
    return shape_with(shape)


@shape_function("tensorflow.eye")
def eye_tensorflow(num_rows: Any, num_columns: Any = None, batch_shape: Any = None, *_: Any, **__: Any) -> Shape:
    """``[*batch_shape, num_rows, num_columns]``, square without *num_columns*."""
    rows = as_dimension(num_rows)
    matrix = rows, rows if num_columns is None else as_dimension(num_columns)
    if batch_shape is None:
        return Shape(matrix)
    sizes = sizes_of(batch_shape)
    return Shape((), matrix, exact=False) if sizes is None else Shape((*map(as_dimension, sizes), *matrix))


@shape_function("keras.ops.eye")
def eye_keras(N: Any, M: Any = None, *_: Any, **__: Any) -> Shape:
    """``[N, M]``, square without *M*."""
    return eye_tensorflow(N, M)


@shape_function("keras.backend.eye")
def eye_backend(size: Any, *_: Any, **__: Any) -> Shape:
    """``[size, size]``, or the two sizes of a tuple."""
    return shape_with(size) if isinstance(size, (tuple, list)) else eye_tensorflow(size)


@shape_function("keras.ops.identity")
def identity_keras(n: Any) -> Shape:
    """``[n, n]``."""
    return eye_tensorflow(n)


@shape_function("keras.ops.tri")
def tri(N: Any, M: Any = None, *_: Any, **__: Any) -> Shape:
    """``[N, M]``, square without *M*."""
    return eye_tensorflow(N, M)


def _range(start: Any, limit: Any, delta: Any) -> Shape:
    first, last = (0, start) if limit is None else (start, limit)
    step = 1 if delta is None else delta
    try:
        length = range_length(first, last, step)
    except ShapeMismatch:
        # Eager TensorFlow refuses a range whose end comes before its start, Keras gives an empty one.
        return Shape((0,))
    sizes = isinstance(first, (int, Expression)) and isinstance(last, (int, Expression))
    ordered = isinstance(length, int) or (sizes and at_most(first, last))
    return Shape((length if ordered else unknown(minimum=0),))


@shape_function("tensorflow.range")
def range_tensorflow(start: Any = 0, limit: Any = None, delta: Any = 1, *_: Any, **__: Any) -> Shape:
    """``range(limit)``, ``range(start, limit)`` or ``range(start, limit, delta)``."""
    return _range(start, limit, delta)


@shape_function("keras.ops.arange", "keras.backend.arange")
def arange(start: Any, stop: Any = None, step: Any = 1, *_: Any, **__: Any) -> Shape:
    """``arange(stop)``, ``arange(start, stop)`` or ``arange(start, stop, step)``."""
    return _range(start, stop, step)


@shape_function("tensorflow.linspace", "tensorflow.lin_space")
def linspace_tensorflow(start: Any, stop: Any, num: Any, name: Any = None, axis: Any = 0) -> Shape:
    """*num* between numbers."""
    return _between(start, stop, num)


@shape_function("keras.ops.linspace", "keras.ops.logspace")
def linspace_keras(start: Any, stop: Any, num: Any = 50, *_: Any, retstep: Any = False, **__: Any) -> ShapeResult:
    """*num* between numbers."""
    return UNKNOWN if retstep is not False or _ else _between(start, stop, num)


def _between(start: Any, stop: Any, num: Any) -> Shape:
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        return Shape((as_dimension(num),))
    return UNKNOWN_SHAPE


@shape_function("tensorflow.constant", "keras.backend.constant")
def constant(value: Any, dtype: Any = None, shape: Any = None, name: Any = None, **_: Any) -> Shape:
    """*shape*, without one the shape of the data."""
    return as_tensor(value) if shape is None else shape_with(shape)


@shape_function("tensorflow.convert_to_tensor")
def convert_tensorflow(value: Any, *_: Any, **__: Any) -> Shape:
    """The shape of the data."""
    return as_tensor(value)


@shape_function("keras.ops.convert_to_tensor", "keras.ops.array", "keras.ops.convert_to_numpy")
def convert_keras(x: Any, *_: Any, **__: Any) -> Shape:
    """The shape of the data."""
    return as_tensor(x)


@shape_function("keras.backend.variable")
def variable_backend(value: Any, *_: Any, **__: Any) -> Shape:
    """The shape of the data."""
    return as_tensor(value)


@shape_function("tensorflow.Variable")
def variable_tensorflow(initial_value: Any = UNKNOWN, *_: Any, shape: Any = None, **__: Any) -> Shape:
    """The shape of the data that it starts with; a shape said beside it may be wider."""
    return as_tensor(initial_value) if shape is None else UNKNOWN_SHAPE


@shape_function("keras.Variable")
def variable_keras(initializer: Any = UNKNOWN, shape: Any = None, *_: Any, **__: Any) -> Shape:
    """*shape*, without one the shape of the data."""
    return as_tensor(initializer) if shape is None else shape_with(shape)


@shape_function("tensorflow.get_variable")
def get_variable(name: Any, shape: Any = None, dtype: Any = None, initializer: Any = None, **_: Any) -> Shape:
    """*shape*, without one the shape of the data that it starts with."""
    return as_tensor(initializer) if shape is None else shape_with(shape)


@shape_function("tensorflow.random.categorical", "tensorflow.multinomial", "tensorflow.random.multinomial")
def categorical(logits: Any, num_samples: Any, *_: Any, **__: Any) -> Shape:
    """``[B, C]`` to ``[B, num_samples]``."""

    def at_known_rank(known: Shape) -> Shape:
        if len(known.leading) != 2:
            raise ShapeMismatch(f"categorical expects a tensor of 2 dimensions, got {known}")
        return Shape((known.leading[0], as_dimension(num_samples)))

    return over_ranks(at_known_rank, as_tensor(logits))


@shape_function("keras.random.categorical")
def categorical_keras(logits: Any, num_samples: Any, *_: Any, **__: Any) -> Shape:
    """``[B, C]`` to ``[B, num_samples]``."""
    return categorical(logits, num_samples)


@shape_function("tensorflow.random.gamma", "tensorflow.random_gamma")
def gamma(shape: Any, alpha: Any, beta: Any = None, *_: Any, **__: Any) -> Shape:
    """*shape* draws for each of the parameters, broadcast."""
    return _draws(shape, broadcast(as_tensor(alpha), as_tensor(1.0 if beta is None else beta)))


@shape_function("tensorflow.random.poisson", "tensorflow.random_poisson")
def poisson(shape: Any, lam: Any, *_: Any, **__: Any) -> Shape:
    """*shape* draws for each of *lam*, which came first in TensorFlow 1."""
    if isinstance(lam, (tuple, list)) and not isinstance(shape, (tuple, list)):
        shape, lam = lam, shape
    return _draws(shape, as_tensor(lam))


def _draws(shape: Any, parameters: Shape) -> Shape:
    drawn = shape_with(shape)
    if not drawn.exact:
        return UNKNOWN_SHAPE
    return Shape(drawn.leading + parameters.leading, parameters.trailing, parameters.exact)


@shape_function("keras.random.gamma", "keras.random.beta")
def drawn_keras(shape: Any, *_: Any, **__: Any) -> Shape:
    """*shape*."""
    return shape_with(shape)


@shape_function("tensorflow.sequence_mask")
def sequence_mask(lengths: Any, maxlen: Any = None, *_: Any, **__: Any) -> Shape:
    """For each of *lengths* a row of *maxlen*; without it, of the longest."""
    shape = as_tensor(lengths)
    size = unknown(minimum=0) if maxlen is None else as_dimension(maxlen)
    if shape.exact:
        return Shape((*shape.leading, size))
    return Shape(shape.leading, (*shape.trailing, size), exact=False)
