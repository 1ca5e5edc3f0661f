"""Shape functions beside what TensorFlow and Keras infer while the batch is not known.

Graphs and symbolic tensors know no number of samples: the ``None`` in front is the batch here. Each size that the
framework infers we must give, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import tensorflow_side
from tensorflow_side import keras, tf

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape

B = Symbol("B", Role.BATCH).dimension()


class X(tuple):  # type: ignore[type-arg]
    """The sizes of a tensor behind the batch."""


def mapped(value: Any, function: Callable[[X], Any]) -> Any:
    if isinstance(value, X):
        return function(value)
    if isinstance(value, (tuple, list)):
        return [mapped(one, function) for one in value]
    return value


def as_tuples(value: Any) -> Any:
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


def traced(name: str, arguments: tuple[Any, ...]) -> Any:
    """The shapes that a `tf.function` infers for tensors whose first dimension is not known."""
    found: list[Any] = []
    specs: list[X] = []
    mapped(arguments, specs.append)

    def body(*tensors: Any) -> None:
        given = iter(tensors)
        found.append(tensorflow_side.operation(name)(*mapped(arguments, lambda _: next(given))))

    tf.function(body, input_signature=[tf.TensorSpec([None, *sizes]) for sizes in specs]).get_concrete_function()
    return found[0]


def symbolic(name: str, arguments: tuple[Any, ...]) -> Any:
    """The shapes that Keras infers for symbolic tensors whose first dimension is not known."""
    return tensorflow_side.operation(name)(*mapped(arguments, lambda sizes: keras.KerasTensor((None, *sizes))))


def compare(claim: Any, truth: Any) -> None:
    if isinstance(claim, tuple):
        assert len(claim) == len(truth)
        for one, other in zip(claim, truth):
            compare(one, other)
        return
    assert isinstance(claim, Shape)
    inferred = truth.shape
    if getattr(inferred, "rank", 0) is None:
        return
    assert claim.exact
    assert len(claim.leading) == len(inferred)
    for ours, theirs in zip(claim.leading, inferred):
        # Where the framework knows a number, so do we.
        assert theirs is None or ours == theirs, f"{claim} where {tuple(inferred)} was inferred"


CASES: list[tuple[str, tuple[Any, ...]]] = [
    ("reshape", (X((8, 3)), (-1, 24))),
    ("reshape", (X((8, 3)), (-1, 3))),
    ("reshape", (X((8, 3)), (4, -1))),
    ("squeeze", (X((1, 3)), 1)),
    ("expand_dims", (X((8,)), -1)),
    ("transpose", (X((8, 3)), (0, 2, 1))),
    ("transpose", (X((8, 3)), (1, 0, 2))),
    ("transpose", (X((8, 3)),)),
    ("concat", ((X((8, 3)), X((8, 5))), 2)),
    ("concat", ((X((8, 3)), X((8, 3))), 0)),
    ("stack", ((X((8,)), X((8,))), 1)),
    ("unstack", (X((3, 8)), None, 1)),
    ("split", (X((8,)), 2, 1)),
    ("split", (X((8,)), (3, 5), 1)),
    ("tile", (X((8,)), (1, 3))),
    ("repeat", (X((8,)), 3, 1)),
    ("reduce_mean", (X((8, 8, 3)), (1, 2))),
    ("reduce_sum", (X((8,)), 0)),
    ("reduce_max", (X((8,)), 1, True)),
    ("argmax", (X((8,)),)),
    ("argmax", (X((8,)), 1)),
    ("matmul", (X((4, 8)), X((8, 5)))),
    ("matmul", (X((4, 8)), X((5, 8)), False, True)),
    ("tensordot", (X((4, 8)), X((4, 8)), ((1, 2), (1, 2)))),
    ("einsum", ("bij,bjk->bik", X((4, 8)), X((8, 5)))),
    ("add", (X((8,)), X((1,)))),
    ("maximum", (X((8, 1)), X((1, 5)))),
    ("pad", (X((8, 8)), ((0, 0), (1, 2), (0, 1)))),
    ("slice", (X((8,)), (0, 2), (-1, 3))),
    ("cumsum", (X((8,)), 1)),
    ("zeros_like", (X((8,)),)),
    ("nn.softmax", (X((8,)),)),
    ("nn.top_k", (X((8,)), 3)),
    ("nn.max_pool2d", (X((9, 9, 3)), 2, 2, "VALID")),
    ("nn.avg_pool2d", (X((9, 9, 3)), 3, 2, "SAME")),
    ("nn.space_to_depth", (X((8, 8, 3)), 2)),
    ("nn.moments", (X((8, 3)), (1,))),
    ("nn.softmax_cross_entropy_with_logits", (X((8,)), X((8,)))),
    ("nn.l2_normalize", (X((8,)), 1)),
    ("image.resize", (X((8, 8, 3)), (4, 6))),
    ("image.rgb_to_grayscale", (X((8, 8, 3)),)),
]

KERAS_CASES: list[tuple[str, tuple[Any, ...]]] = [
    ("reshape", (X((8, 3)), (-1, 24))),
    ("squeeze", (X((1, 3)), 1)),
    ("expand_dims", (X((8,)), (1, 2))),
    ("transpose", (X((8, 3)), (1, 0, 2))),
    ("swapaxes", (X((8, 3)), 0, 1)),
    ("moveaxis", (X((8, 3)), 0, -1)),
    ("concatenate", ((X((8, 3)), X((8, 5))), -1)),
    ("stack", ((X((8,)), X((8,))), 1)),
    ("split", (X((8,)), 2, 1)),
    ("split", (X((8,)), (3,), 1)),
    ("tile", (X((8,)), (1, 3))),
    ("repeat", (X((8,)), 3, 1)),
    ("mean", (X((8, 8, 3)), (1, 2))),
    ("sum", (X((8,)), 0)),
    ("max", (X((8,)), 1, True)),
    ("argmax", (X((8,)), -1)),
    ("matmul", (X((4, 8)), X((8, 5)))),
    ("einsum", ("bij,bjk->bik", X((4, 8)), X((8, 5)))),
    ("add", (X((8,)), X((1,)))),
    ("where", (X((8,)), X((8,)), 0.0)),
    ("pad", (X((8, 8)), ((0, 0), (1, 2), (0, 1)))),
    ("one_hot", (X((8,)), 5)),
    ("take", (X((8,)), X(()), 1)),
    ("softmax", (X((8,)),)),
    ("top_k", (X((8,)), 3)),
    ("max_pool", (X((9, 9, 3)), 2, 2, "valid")),
    ("average_pool", (X((9, 9, 3)), 3, 2, "same")),
    ("relu", (X((9, 9, 3)),)),
    ("cumsum", (X((8,)), 1)),
    ("layer_normalization", (X((8,)),)),
]


@pytest.mark.parametrize(("name", "arguments"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_agrees_with_tracing(name: str, arguments: tuple[Any, ...]) -> None:
    claim = FUNCTIONS[f"tensorflow.{name}"].apply(as_tuples(mapped(arguments, lambda sizes: Shape((B, *sizes)))), {})
    compare(claim, traced(f"tensorflow.{name}", arguments))


@pytest.mark.parametrize(("name", "arguments"), KERAS_CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_agrees_with_symbolic_tensors(name: str, arguments: tuple[Any, ...]) -> None:
    claim = FUNCTIONS[f"keras.ops.{name}"].apply(as_tuples(mapped(arguments, lambda sizes: Shape((B, *sizes)))), {})
    compare(claim, symbolic(f"keras.ops.{name}", arguments))
