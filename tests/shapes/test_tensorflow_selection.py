"""Operations of TensorFlow and Keras that pick, cut out and pad."""

from __future__ import annotations

import pytest
import tensorflow_side  # noqa: F401  (enters TensorFlow and Keras)
from differential import Case, Draw, Group, Size, Tensor, differential_tests

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch


def indices(d: Draw, below: int = 1, least: int = 0, most: int = 2) -> Tensor:
    return d.tensor(least, most, dtype="int32", below=below)


def gather(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return d.one_of(
        Case((tensor, indices(d))),
        Case((tensor, indices(d)), {"axis": d.dim(len(tensor.sizes))}),
    )


def gather_in_batches(d: Draw) -> Case:
    batch = d.sizes(1, 1)
    tensor = Tensor((*batch, *d.sizes(1, 2)))
    picked = Tensor((batch[0] + (d.integer(0, 9) == 0), *d.sizes(0, 1)), dtype="int32", below=1)
    return Case((tensor, picked), {"batch_dims": d.one_of(1, 1, 2), "axis": d.one_of(None, -1)})


def gather_rows(d: Draw) -> Case:
    return Case((d.tensor(1, 3), indices(d)))


def take(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, indices(d), d.one_of(None, d.dim(len(tensor.sizes)))))


def take_along(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    axis = d.integer(-len(tensor.sizes), len(tensor.sizes) - 1)
    sizes = list(tensor.sizes)
    sizes[axis] = d.integer(1, 4)
    return Case((tensor, Tensor(tuple(sizes), "int32", below=1), axis))


def gather_nd(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    depth = d.integer(1, len(tensor.sizes) + (d.integer(0, 9) == 0))
    return Case((tensor, Tensor((*d.sizes(0, 2), depth), "int32", below=1)))


def gather_nd_in_batches(d: Draw) -> Case:
    rows = d.integer(1, 3)
    tensor = Tensor((rows, *d.sizes(1, 2)))
    return Case((tensor, Tensor((rows, *d.sizes(0, 1), 1), "int32", below=1)), {"batch_dims": 1})


def scatter_nd(d: Draw) -> Case:
    count = d.integer(1, 3)
    return Case((Tensor((count, 1), "int32", below=1), Tensor((count, 2)), (Size(d.integer(1, 4)), Size(2))))


def scatter_into(d: Draw) -> Case:
    count = d.integer(1, 3)
    return Case((Tensor((d.integer(1, 4), 2)), Tensor((count, 1), "int32", below=1), Tensor((count, 2))))


def slice_update(d: Draw) -> Case:
    return Case((Tensor((4, 2)), (0, 0), Tensor((d.integer(1, 4), 2))))


def mask(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    start = d.one_of(0, 0, 1) if len(tensor.sizes) > 1 else 0
    covered = tensor.sizes[start : start + d.integer(1, 2)]
    if d.integer(0, 9) == 0:
        covered = (covered[0] + 1, *covered[1:])
    return Case((tensor, Tensor(covered, "bool")), {"axis": start} if start else {})


def where(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return Case((Tensor(sizes, "bool"), Tensor(d.broadcastable(sizes)), d.one_of(Tensor(d.broadcastable(sizes)), 0.0)))


def where_true(d: Draw) -> Case:
    return Case((d.tensor(1, 3, dtype="bool"),))


def one_hot(d: Draw) -> Case:
    tensor = indices(d, 3, 0, 3)
    depth = Size(d.integer(0, 5))
    return Case((tensor, depth)) if d.chance() else Case((tensor, depth), {"axis": d.dim(len(tensor.sizes), new=1)})


def one_hot_last(d: Draw) -> Case:
    return Case((indices(d, 3, 0, 3), Size(d.integer(1, 5))))


def categories(d: Draw) -> Case:
    tensor = indices(d, 2, 1, 3)
    sizes = (*tensor.sizes[:-1], 1) if d.chance() else tensor.sizes
    return Case((tensor._replace(sizes=sizes), Size(d.integer(2, 5))))


def top_k(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Size(d.integer(1, tensor.sizes[-1] + (d.integer(0, 9) == 0)))))


def in_top_k(d: Draw) -> Case:
    rows = d.integer(1, 4)
    return Case((Tensor((rows,), "int32", below=1), Tensor((rows, 3)), 2))


def in_top_k_swapped(d: Draw) -> Case:
    targets, predictions, k = in_top_k(d).arguments
    return Case((predictions, targets, k))


def cut(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    starts = tuple(Size(d.integer(0, size)) for size in tensor.sizes)
    lengths = tuple(Size(d.integer(0, size - start)) for size, start in zip(tensor.sizes, starts))
    if d.integer(0, 9) == 0:
        lengths = (Size(lengths[0] + 9), *lengths[1:])
    return Case((tensor, starts, lengths))


def cut_to_the_end(d: Draw) -> Case:
    tensor, starts, lengths = cut(d).arguments
    return Case((tensor, starts, tuple(Size(-1) if d.chance() else length for length in lengths)))


def strided(d: Draw) -> Case:
    tensor = d.tensor(2, 3)
    count = d.integer(1, 2)
    case = (
        tuple(d.integer(0, 2) for _ in range(count)),
        tuple(d.integer(0, 5) for _ in range(count)),
    )
    return Case((tensor, *case)) if d.chance() else Case((tensor, *case, (d.integer(1, 2),) * count))


def pad(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    count = len(tensor.sizes) + (d.integer(0, 9) == 0)
    return Case((tensor, tuple((Size(d.integer(0, 2)), Size(d.integer(0, 2))) for _ in range(count))))


def pad_alike(d: Draw) -> Case:
    return Case((d.tensor(1, 4), d.one_of(2, (1,), (1, 2), ((1, 2),))))


def segments(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    return Case((tensor, Tensor(tensor.sizes[:1], "int32", below=1)))


def counted_segments(d: Draw) -> Case:
    tensor = d.tensor(1, 3)
    covered = tensor.sizes[: d.integer(1, 2)]
    return Case((tensor, Tensor(covered, "int32", below=1), Size(d.integer(1, 4))))


def counted_segments_of_rows(d: Draw) -> Case:
    return Case((*segments(d).arguments, Size(d.integer(1, 4))))


SCATTERED = (
    *(f"tensorflow.tensor_scatter_nd_{name}" for name in ("add", "max", "min", "sub", "update")),
    "keras.ops.scatter_update",
)
SEGMENTS = tuple(f"tensorflow.segment_{name}" for name in ("max", "mean", "min", "prod", "sum"))

GROUPS = [
    Group(("tensorflow.gather",), gather, examples=100),
    Group(("tensorflow.gather",), gather_in_batches, examples=60),
    Group(("tensorflow.nn.embedding_lookup", "keras.backend.gather"), gather_rows),
    Group(("keras.ops.take",), take),
    Group(("keras.ops.take_along_axis",), take_along),
    Group(("tensorflow.gather_nd",), gather_nd, examples=60),
    Group(("tensorflow.gather_nd",), gather_nd_in_batches),
    Group(("tensorflow.scatter_nd", "keras.ops.scatter"), scatter_nd),
    Group(
        SCATTERED,
        scatter_into,
    ),
    Group(("keras.ops.slice_update",), slice_update),
    Group(("tensorflow.boolean_mask",), mask, open=True, examples=80),
    Group(("keras.ops.where",), where, examples=60),
    Group(("tensorflow.where", "tensorflow.where_v2"), where, open=True, examples=60),
    Group(("tensorflow.where", "tensorflow.where_v2"), where_true, open=True),
    Group(("tensorflow.one_hot", "keras.ops.one_hot"), one_hot, examples=60),
    Group(("keras.backend.one_hot",), one_hot_last),
    Group(("keras.utils.to_categorical", "keras.utils.np_utils.to_categorical"), categories, examples=60),
    Group(("tensorflow.nn.top_k", "tensorflow.top_k", "keras.ops.top_k"), top_k),
    Group(("tensorflow.nn.in_top_k", "tensorflow.in_top_k", "keras.ops.in_top_k"), in_top_k),
    Group(("keras.backend.in_top_k",), in_top_k_swapped),
    Group(("tensorflow.slice", "keras.ops.slice"), cut, examples=60),
    Group(("tensorflow.slice",), cut_to_the_end, examples=60),
    Group(("tensorflow.strided_slice",), strided, examples=60),
    Group(("tensorflow.pad", "keras.ops.pad"), pad),
    Group(("keras.ops.pad",), pad_alike),
    Group(SEGMENTS, segments, open=True),
    Group(
        (*(name.replace("segment", "unsorted_segment") for name in SEGMENTS), "tensorflow.unsorted_segment_sqrt_n"),
        counted_segments,
    ),
    Group(("keras.ops.segment_max", "keras.ops.segment_sum"), counted_segments_of_rows),
    Group(("tensorflow.unique",), lambda d: Case((d.tensor(1, 1),)), open=True),
    Group(("tensorflow.diag",), lambda d: Case((d.tensor(1, 1),))),
]

test_agrees, test_every_operation_is_tested = differential_tests("tensorflow.selection", GROUPS)

B = Symbol("B", Role.BATCH).dimension()


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("tensorflow.gather", (Shape((1000, 64)), Shape((B, 20))), Shape((B, 20, 64))),
        ("tensorflow.one_hot", (Shape((B,)), 10), Shape((B, 10))),
        ("tensorflow.pad", (Shape((B, 8, 8, 3)), ((0, 0), (1, 1), (1, 1), (0, 0))), Shape((B, 10, 10, 3))),
        ("tensorflow.slice", (Shape((B, 8)), (0, 2), (-1, 3)), Shape((B, 3))),
        ("tensorflow.gather_nd", (Shape((B, 8, 5)), Shape((7, 2))), Shape((7, 5))),
    ],
)
def test_symbols(name: str, arguments: tuple[object, ...], result: Shape) -> None:
    assert FUNCTIONS[name].apply(arguments, {}) == result


def test_a_vector_chose_rows_in_tensorflow_1() -> None:
    where = FUNCTIONS["tensorflow.where"].function
    assert where(Shape((32,)), Shape((32, 10)), Shape((32, 10))) == Shape((32, 10))


def test_how_many_rows_a_mask_leaves_is_not_known() -> None:
    result = FUNCTIONS["tensorflow.boolean_mask"].apply((Shape((B, 5)), Shape((B,))), {})
    assert isinstance(result, Shape)
    assert result.leading[0] != B
    assert result.leading[1:] == (5,)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tensorflow.pad", (Shape((B, 8)), ((1, 1),))),
        ("tensorflow.nn.top_k", (Shape((B, 8)), 9)),
        ("tensorflow.boolean_mask", (Shape((B, 8)), Shape((B, 7)))),
    ],
)
def test_refused(name: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        FUNCTIONS[name].apply(arguments, {})
