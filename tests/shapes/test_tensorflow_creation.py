"""Tensors that TensorFlow and Keras make of sizes, ranges and data."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Size, Tensor, differential_tests

import batchlint.shapes.tensorflow.creation as table
from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS, UNKNOWN
from batchlint.shapes.shape import Shape

BINOMIAL = "keras.backend.random_binomial"


def sizes(d: Draw) -> tuple[Size, ...]:
    return tuple(map(Size, d.sizes(0, 3, 0)))


def sized(*extra: object) -> Callable[[Draw], Case]:
    return lambda d: Case((sizes(d), *extra))


def alone(d: Draw) -> Case:
    return Case((d.tensor(1, 4),))


def eye(d: Draw) -> Case:
    return Case(tuple(map(Size, d.sizes(1, 2))))


def eyes(d: Draw) -> Case:
    return Case(tuple(map(Size, d.sizes(1, 2))), {"batch_shape": tuple(map(Size, d.sizes(1, 2)))})


def bounds(d: Draw) -> Case:
    start, stop, step = Size(d.integer(0, 9)), Size(d.integer(0, 9)), d.one_of(1, 2, 3)
    return d.one_of(Case((stop,)), Case((start, stop)), Case((start, stop, step)))


def data(d: Draw) -> object:
    return d.one_of(d.tensor(0, 2), (1.0, 2.0), ((1.0, 2.0), (3.0, 4.0)), 3.0, (d.tensor(1, 1, 2, 2),) * 3)


def constant(d: Draw) -> Case:
    return d.one_of(Case(((1.0, 2.0),)), Case((0.0,), {"shape": (2, 3)}), Case((((1.0, 2.0), (3.0, 4.0)), "float32")))


def logits(d: Draw) -> Case:
    return Case((d.tensor(2, 2 + (d.integer(0, 9) == 0)), Size(d.integer(1, 5))))


def gamma(d: Draw) -> Case:
    return Case((sizes(d), d.one_of(Tensor(d.sizes(0, 2)), 1.0)))


def poisson(d: Draw) -> Case:
    return Case((), {"shape": sizes(d), "lam": d.one_of(Tensor(d.sizes(0, 2)), 1.0)})


def between(d: Draw) -> Case:
    return Case((0.0, 1.0, Size(d.integer(1, 5))))


def mask(d: Draw) -> Case:
    tensor = d.tensor(1, 2, dtype="int32")
    return Case((tensor, Size(d.integer(1, 5)))) if d.chance() else Case((tensor,))


KEYED = tuple(name for name in table.SIZED.split() if ".stateless_" in name)
BETWEEN = ("keras.random.randint",)
BACKEND_RANDOM = tuple(name for name in table.SIZED.split() if name.endswith("_variable"))
REST = tuple(name for name in table.SIZED.split() if name not in {*KEYED, *BETWEEN, *BACKEND_RANDOM, BINOMIAL})

GROUPS = [
    Group(REST, sized(), examples=12),
    Group(KEYED, sized((1, 2)), examples=12),
    Group(BETWEEN, sized(0, 5)),
    Group(BACKEND_RANDOM, sized(0.0, 1.0)),
    Group((BINOMIAL,), sized(0.5)),
    Group(tuple(name for name in table.LIKE.split() if name != "keras.ops.full_like"), alone, examples=12),
    Group(("tensorflow.get_variable",), lambda d: Case(("w", sizes(d)))),
    Group(("keras.ops.full_like",), lambda d: Case((*alone(d).arguments, 2.0))),
    Group(("tensorflow.fill", "keras.ops.full"), sized(1.5)),
    Group(("keras.random.gamma",), sized(1.5)),
    Group(("keras.random.beta",), sized(1.5, 1.5)),
    Group(("tensorflow.eye", "keras.ops.eye", "keras.ops.tri"), eye),
    Group(("tensorflow.eye",), eyes),
    Group(("keras.ops.identity",), lambda d: Case((Size(d.integer(1, 4)),))),
    Group(("keras.backend.eye",), lambda d: Case((Size(d.integer(1, 4)),))),
    Group(("tensorflow.range", "keras.ops.arange", "keras.backend.arange"), bounds, examples=60),
    Group(("tensorflow.linspace", "tensorflow.lin_space", "keras.ops.linspace", "keras.ops.logspace"), between),
    Group(("tensorflow.constant", "keras.backend.constant"), constant),
    Group(
        (
            "tensorflow.convert_to_tensor",
            "tensorflow.Variable",
            "keras.ops.convert_to_tensor",
            "keras.ops.convert_to_numpy",
            "keras.backend.variable",
        ),
        lambda d: Case((data(d),)),
        examples=20,
    ),
    Group(("keras.Variable", "keras.ops.array"), lambda d: Case((d.tensor(0, 3),))),
    Group(("keras.Variable",), lambda d: Case(("zeros", sizes(d)))),
    Group(
        (
            "tensorflow.random.categorical",
            "tensorflow.multinomial",
            "tensorflow.random.multinomial",
            "keras.random.categorical",
        ),
        logits,
    ),
    Group(("tensorflow.random.gamma", "tensorflow.random_gamma"), gamma),
    Group(("tensorflow.random.poisson", "tensorflow.random_poisson"), poisson),
    Group(("tensorflow.sequence_mask",), mask, open=True),
]

test_agrees, test_every_operation_is_tested = differential_tests("tensorflow.creation", GROUPS)

B = Symbol("B", Role.BATCH).dimension()


@pytest.mark.parametrize(
    ("name", "keywords", "result"),
    [
        ("tensorflow.zeros", {"shape": (B, 64)}, Shape((B, 64))),
        ("tensorflow.fill", {"dims": (B, 1), "value": 0.5}, Shape((B, 1))),
        ("tensorflow.random.normal", {"shape": (B, 100), "mean": 0.0}, Shape((B, 100))),
        ("tensorflow.ones_like", {"input": Shape((B, 3))}, Shape((B, 3))),
        ("tensorflow.ones_like", {"tensor": Shape((B, 3))}, Shape((B, 3))),
        ("tensorflow.range", {"start": B}, Shape((B,))),
        ("tensorflow.get_variable", {"name": "w", "shape": (3, 4)}, Shape((3, 4))),
    ],
)
def test_by_keyword(name: str, keywords: dict[str, object], result: Shape) -> None:
    assert FUNCTIONS[name].function(**keywords) == result


def test_what_is_not_known_keeps_the_rest() -> None:
    result = FUNCTIONS["tensorflow.zeros"].function((UNKNOWN, 64))
    assert isinstance(result, Shape)
    assert result.rank == 2
    assert result.leading[1] == 64
