"""Losses of TensorFlow and Keras as functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Tensor, differential_tests

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.tensorflow import losses


def by_name(first: str, second: str, case: Callable[[Draw], Case]) -> Callable[[Draw], Case]:
    def named(d: Draw) -> Case:
        one, two = case(d).arguments
        return Case((), {first: one, second: two})

    return named


def alike(d: Draw) -> Case:
    sizes = d.sizes(1, 3)
    other = (sizes[0] + 1, *sizes[1:]) if d.integer(0, 9) == 0 else sizes
    return Case((Tensor(sizes), Tensor(other)))


def weighted(d: Draw) -> Case:
    return Case((*alike(d).arguments, 1.0))


def nearly_alike(d: Draw) -> Case:
    sizes = d.sizes(1, 3)
    other = d.one_of(sizes, sizes, (*sizes, 1), (*sizes[:-1], 1))
    pair = (Tensor(sizes), Tensor(other))
    return Case(pair if d.chance() else pair[::-1])


def indices(d: Draw) -> Case:
    sizes = d.sizes(1, 2)
    scores = (sizes[0] + (d.integer(0, 9) == 0), *sizes[1:], d.integer(2, 4))
    return Case((Tensor(sizes, "int32", below=2), Tensor(scores)))


def along(d: Draw) -> Case:
    sizes = d.sizes(2, 3)
    return Case((Tensor(sizes), Tensor(sizes)), {"axis": d.one_of(-1, 1)})


HUGE = ("tensorflow.nn.softmax_cross_entropy_with_logits", "tensorflow.nn.softmax_cross_entropy_with_logits_v2")
KERAS_CLASSES = tuple(name for name in losses.CLASS_LOSSES if not name.startswith("tensorflow.nn."))
KERAS_INDICES = tuple(name for name in losses.CLASS_INDEX_LOSSES if not name.startswith("tensorflow.nn."))

GROUPS = [
    Group(("tensorflow.nn.sigmoid_cross_entropy_with_logits",), alike),
    Group(("tensorflow.nn.weighted_cross_entropy_with_logits",), weighted),
    Group(("keras.ops.binary_crossentropy",), alike),
    Group(("keras.backend.binary_crossentropy",), nearly_alike),
    Group(HUGE, by_name("labels", "logits", alike)),
    Group(HUGE[:1], along),
    Group(KERAS_CLASSES, along),
    Group(("tensorflow.nn.sparse_softmax_cross_entropy_with_logits",), indices, examples=60),
    Group(KERAS_INDICES, indices),
    Group(losses.SAMPLE_LOSSES, nearly_alike, examples=20),
    Group(losses.REDUCED_LOSSES, alike),
    Group(("tensorflow.losses.mean_squared_error",), by_name("labels", "predictions", alike)),
]

test_agrees, test_every_operation_is_tested = differential_tests("tensorflow.losses", GROUPS)

B = Symbol("B", Role.BATCH).dimension()


def test_one_number_a_sample() -> None:
    assert FUNCTIONS["keras.losses.mean_squared_error"].function(Shape((B, 5)), Shape((B, 5))) == Shape((B,))
    assert FUNCTIONS["keras.losses.mean_squared_error"].function(Shape((B,)), Shape((B, 1))) == Shape((B,))


def test_the_names_of_arguments_tell_the_version() -> None:
    function = FUNCTIONS["tensorflow.losses.mean_squared_error"].function
    assert function(labels=Shape((B, 5)), predictions=Shape((B, 5))) == Shape()
    assert function(Shape((B, 5)), Shape((B, 5))) is UNKNOWN


def test_refused() -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS["tensorflow.nn.sparse_softmax_cross_entropy_with_logits"].function(Shape((B, 1)), Shape((B, 5)))
