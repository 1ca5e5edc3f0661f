"""Weights that TensorFlow code makes: ``tf.Variable``, ``tf.get_variable`` and their kin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics.keras_classes import shape_from
from batchlint.semantics.library import handles
from batchlint.semantics.tensors import as_value
from batchlint.semantics.values import NONE, UNKNOWN, External, Source, Tensor, Value
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import UNKNOWN_SHAPE

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_PARAMETER = frozenset({Source.PARAMETER})


@handles("tensorflow.Variable", "keras.Variable", "keras.backend.variable")
def _variable(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = arguments[0] if arguments else UNKNOWN
    for name in ("initial_value", "initializer", "value"):
        value = keywords.get(name, value)
    shape = keywords.get("shape")
    if isinstance(value, Tensor) and (shape is None or shape == NONE):
        # Its batch size is that of what it begins with.
        return Tensor(value.shape, _PARAMETER, value.marks)
    if shape is not None and shape != NONE:
        return Tensor(shape_from(shape), _PARAMETER)
    known = FUNCTIONS.get("tensorflow.Variable")
    made = ev.operate("tensorflow.Variable", node, (value,), {}) if known is not None else UNKNOWN
    return replace(made, sources=_PARAMETER) if isinstance(made, Tensor) else Tensor(sources=_PARAMETER)


@handles("tensorflow.get_variable", "tensorflow.contrib.framework.model_variable", "tensorflow.contrib.layers.variable")
def _get_variable(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(("name", "shape", "dtype", "initializer"), arguments)), **keywords}
    shape, start = given.get("shape", NONE), given.get("initializer")
    if shape == NONE:
        return Tensor(start.shape if isinstance(start, Tensor) else UNKNOWN_SHAPE, _PARAMETER)
    value = Tensor(shape_from(shape), _PARAMETER)
    ev.observe("tensorflow.get_variable", node, given, value, name="tensorflow.get_variable")
    return value


INITIALIZER = "tensorflow.initializer"
"""The name under which something that makes a weight's first values is a value."""

_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform Ones Orthogonal RandomNormal
    RandomUniform TruncatedNormal VarianceScaling Zeros glorot_normal glorot_uniform he_normal he_uniform get
""".split()
_OLD_INITIALIZERS = """
    constant_initializer glorot_normal_initializer glorot_uniform_initializer ones_initializer orthogonal_initializer
    random_normal_initializer random_uniform_initializer truncated_normal_initializer variance_scaling_initializer
    zeros_initializer contrib.layers.xavier_initializer contrib.layers.variance_scaling_initializer
""".split()


@handles(
    *(f"{place}.{name}" for place in ("keras.initializers", "tensorflow.initializers") for name in _INITIALIZERS),
    *(f"tensorflow.{name}" for name in _OLD_INITIALIZERS),
)
def _initializer(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return External(INITIALIZER)


@handles(INITIALIZER)
def _initial(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """``initializer(shape=(8, 16))``."""
    shape = arguments[0] if arguments else keywords.get("shape", UNKNOWN)
    return as_value(shape_from(shape), "tensorflow.zeros", "zeros", [], node)
