"""Reductions and elementwise operations of TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Tensor, differential_tests

import batchlint.shapes.tensorflow.elementwise as table
from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.tensorflow.reductions import REDUCTIONS


def only(names: tuple[str, ...], *parts: str) -> tuple[str, ...]:
    return tuple(name for name in names if name.startswith(parts))


def but(names: tuple[str, ...], *others: str) -> tuple[str, ...]:
    return tuple(name for name in names if name not in others)


def axis_of(d: Draw, rank: int) -> object:
    return d.one_of(None, d.dim(rank), d.dims(rank)) if rank else None


def reduction(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    axis = axis_of(d, len(tensor.sizes))
    return Case((tensor, axis)) if d.chance() else Case((tensor,), {"axis": axis, "keepdims": d.chance()})


def truth(d: Draw) -> Case:
    case = reduction(d)
    return Case((case.arguments[0]._replace(dtype="bool"), *case.arguments[1:]), case.keywords)


def no_axes(d: Draw) -> Case:
    return Case((d.tensor(0, 3), ()))


def old_reduction(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    axis = d.integer(0, len(tensor.sizes) - 1)
    return Case((tensor,), {"reduction_indices": axis, "keep_dims": d.chance()})


def one_axis(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor,)) if d.integer(0, 3) == 0 else Case((tensor, d.dim(len(tensor.sizes))))


def old_axis(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor,), {"dimension": d.integer(0, len(tensor.sizes) - 1)})


def axis_or_none(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.one_of(None, d.dim(len(tensor.sizes)))))


def norm(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor,), {"axis": d.one_of(None, d.dim(len(tensor.sizes))), "keepdims": d.chance()})


def moments(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dims(len(tensor.sizes))), {"keepdims": d.chance()})


def quantile(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, d.one_of(0.5, Tensor((3,))), d.one_of(None, d.dim(len(tensor.sizes)))))


def alone(d: Draw) -> Case:
    return Case((d.tensor(0, 4),))


TENSORFLOW_REDUCTIONS = only(REDUCTIONS, "tensorflow")
LOGICAL = tuple(name for name in REDUCTIONS if name.endswith((".all", ".any", "_all", "_any")))
NUMBERS = tuple(name for name in REDUCTIONS if name not in LOGICAL)

REDUCTION_GROUPS = [
    Group(NUMBERS, reduction, examples=15),
    Group(LOGICAL, truth),
    Group(but(NUMBERS, "keras.ops.median", "keras.ops.logsumexp", "keras.backend.logsumexp"), no_axes, examples=6),
    Group(("keras.ops.count_nonzero", "keras.ops.average"), axis_or_none),
    Group(("tensorflow.count_nonzero",), reduction),
    Group(("tensorflow.argmax", "tensorflow.argmin"), one_axis, examples=60),
    Group(("tensorflow.arg_max", "tensorflow.arg_min"), old_axis),
    Group(("keras.ops.argmax", "keras.ops.argmin"), axis_or_none),
    Group(("keras.backend.argmax", "keras.backend.argmin"), one_axis),
    Group(("tensorflow.norm", "keras.ops.norm"), norm),
    Group(("tensorflow.normalize",), axis_or_none),
    Group(("tensorflow.nn.moments", "keras.ops.moments"), moments),
    Group(("tensorflow.nn.l2_loss", "tensorflow.nn.zero_fraction", "tensorflow.zero_fraction"), alone),
    Group(("keras.ops.quantile",), quantile),
]

test_reductions_agree, test_every_reduction_is_tested = differential_tests("tensorflow.reductions", REDUCTION_GROUPS)


def names_of(tables: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for names in tables.values() for name in names)


INTEGERS = ("keras.ops.gcd", "keras.ops.lcm", "keras.ops.bitwise_and", "keras.ops.bitwise_or", "keras.ops.bitwise_xor")
TRUTHS = tuple(
    f"{place}.{name}"
    for place in ("tensorflow", "keras.ops")
    for name in ("logical_and", "logical_not", "logical_or", "logical_xor")
)
WITH_TYPE = (
    "tensorflow.dtypes.cast",
    "tensorflow.dtypes.saturate_cast",
    "keras.ops.saturate_cast",
    "tensorflow.cast",
    "tensorflow.saturate_cast",
    "keras.ops.cast",
    "keras.backend.cast",
)
WITH_MESSAGE = ("tensorflow.check_numerics", "tensorflow.debugging.check_numerics")
THRESHOLDS = ("keras.ops.threshold", "keras.activations.threshold")
OTHERS = (*INTEGERS, *TRUTHS, *WITH_TYPE, *WITH_MESSAGE)


def of_type(dtype: str, count: int) -> Callable[[Draw], Case]:
    def case(d: Draw) -> Case:
        sizes = d.sizes(0, 3)
        return Case((Tensor(sizes, dtype), *(Tensor(d.broadcastable(sizes), dtype) for _ in range(count - 1))))

    return case


def with_extra(*extra: object) -> Callable[[Draw], Case]:
    return lambda d: Case((d.tensor(0, 3), *extra))


def pair(d: Draw) -> Case:
    sizes = d.sizes(0, 4)
    return Case((Tensor(sizes), d.one_of(Tensor(d.broadcastable(sizes)), Tensor(d.broadcastable(sizes)), 2.0)))


def deep(d: Draw) -> Case:
    return Case((d.tensor(2, 4),))


def softmax(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    axis = d.dim(len(tensor.sizes))
    return d.one_of(Case((tensor,)), Case((tensor, axis)), Case((tensor,), {"axis": axis}))


def along(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.integer(-len(tensor.sizes), len(tensor.sizes) - 1)))


def along_or_flat(d: Draw) -> Case:
    return d.one_of(along(d), Case((d.tensor(1, 3),)), Case((d.tensor(1, 3), None)))


def several_along(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, (d.integer(0, len(tensor.sizes) - 1),)))


def rolled(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, 1, d.integer(0, len(tensor.sizes) - 1)))


def biased(d: Draw) -> Case:
    sizes = d.sizes(2, 4)
    return Case((Tensor(sizes), Tensor(sizes[-1:])))


def normalised(d: Draw) -> Case:
    sizes = d.sizes(2, 4)
    return Case((Tensor(sizes), Tensor(sizes[-1:]), Tensor(sizes[-1:])))


UNARY = but(names_of(table.UNARY), *OTHERS)
BINARY = but(names_of(table.BINARY), *OTHERS)
ALONG = table._MIXED["x axis"] + table._MIXED["values axis"]

ELEMENTWISE_GROUPS = [
    Group(UNARY, alone, examples=8),
    Group(but(names_of(table.ACTIVATIONS), *THRESHOLDS), alone, examples=8),
    Group(THRESHOLDS, with_extra(0.1, 0.0)),
    Group(BINARY, pair, examples=15),
    Group(INTEGERS, of_type("int32", 2)),
    Group(tuple(name for name in TRUTHS if name.endswith("not")), of_type("bool", 1)),
    Group(tuple(name for name in TRUTHS if not name.endswith("not")), of_type("bool", 2)),
    Group(WITH_TYPE, with_extra("float32")),
    Group(WITH_MESSAGE, with_extra("bad")),
    Group(names_of(table.SOFTMAXES), softmax, examples=20),
    Group(("tensorflow.nn.dropout", "keras.backend.dropout", "keras.random.dropout"), with_extra(0.5)),
    Group(("tensorflow.nn.experimental.stateless_dropout",), with_extra(0.5, (1, 2))),
    Group(ALONG, along, examples=12),
    Group(("keras.ops.cumprod", "keras.ops.cumsum", "keras.ops.nancumprod", "keras.ops.nancumsum"), along_or_flat),
    Group(("keras.ops.argsort", "keras.ops.sort"), along_or_flat),
    Group(("keras.backend.reverse", "tensorflow.reverse", "tensorflow.reverse_v2"), several_along),
    Group(("tensorflow.roll", "keras.ops.roll"), rolled),
    Group(("keras.ops.layer_normalization", "keras.ops.rms_normalization", "keras.ops.tril", "keras.ops.triu"), deep),
    Group(("tensorflow.band_part", "tensorflow.matrix_band_part"), lambda d: Case((d.tensor(2, 4), 1, 1))),
    Group(("tensorflow.nn.lrn", "tensorflow.nn.local_response_normalization"), lambda d: Case((d.tensor(4, 4),))),
    Group(
        ("tensorflow.set_diag",),
        lambda d: Case((Tensor((3, d.integer(3, 5))), Tensor((3,)))),
    ),
    Group(("tensorflow.reverse_sequence",), lambda d: Case((d.tensor(2, 3), (1,)), {"seq_axis": 1, "batch_axis": 0})),
    Group(("tensorflow.nn.bias_add", "keras.backend.bias_add"), biased),
    Group(("tensorflow.clip_by_norm",), with_extra(1.0)),
    Group(("tensorflow.Print",), with_extra((1.0,)), examples=12),
    Group(("tensorflow.scalar_mul",), lambda d: Case((2.0, d.tensor(0, 3)))),
    Group(("keras.backend.pow",), with_extra(2.0)),
    Group(("tensorflow.clip_by_value", "keras.ops.clip", "keras.backend.clip"), with_extra(0.0, 1.0)),
    Group(("tensorflow.nn.crelu",), lambda d: Case((d.tensor(1, 4),))),
    Group(("tensorflow.ensure_shape",), lambda d: Case((d.tensor(2, 2), (None, None)))),
    Group(("tensorflow.nn.batch_normalization",), lambda d: Case((*normalised(d).arguments, None, None, 1e-3))),
    Group(("keras.backend.batch_normalization",), lambda d: Case((*normalised(d).arguments, 0.0, 1.0))),
    Group(("keras.ops.batch_normalization",), lambda d: Case((*normalised(d).arguments, -1))),
]

test_elementwise_agree, test_every_elementwise_operation_is_tested = differential_tests(
    "tensorflow.elementwise", ELEMENTWISE_GROUPS
)

B = Symbol("B", Role.BATCH).dimension()


@pytest.mark.parametrize(
    ("name", "keywords", "result"),
    [
        ("tensorflow.reduce_mean", {"input_tensor": Shape((B, 8, 8, 3)), "axis": (1, 2)}, Shape((B, 3))),
        ("tensorflow.reduce_mean", {"input_tensor": Shape((B, 8)), "reduction_indices": 1}, Shape((B,))),
        ("tensorflow.argmax", {"input": Shape((B, 8))}, Shape((8,))),
        ("keras.backend.argmax", {"x": Shape((B, 8))}, Shape((B,))),
        ("tensorflow.reduce_sum", {"input_tensor": Shape((B, 8)), "axis": Shape((2,))}, Shape()),
        ("tensorflow.nn.softmax", {"logits": Shape((B, 8)), "axis": 0}, Shape((B, 8))),
        ("tensorflow.add", {"x": Shape((B, 8)), "y": Shape((8,))}, Shape((B, 8))),
    ],
)
def test_by_keyword(name: str, keywords: dict[str, object], result: Shape) -> None:
    assert FUNCTIONS[name].function(**keywords) == result


def test_refused() -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS["tensorflow.reduce_sum"].function(Shape((B, 8)), 2)
    with pytest.raises(ShapeMismatch):
        FUNCTIONS["tensorflow.add"].function(Shape((B, 8)), Shape((7,)))
