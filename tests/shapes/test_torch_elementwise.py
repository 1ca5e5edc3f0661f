"""Elementwise operations and broadcasting against torch."""

from __future__ import annotations

import pytest
import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Size, Tensor, both, differential_tests, functions, methods

from batchlint.shapes.dimension import Role, Symbol, unknown
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch import elementwise
from batchlint.shapes.torch.broadcasting import broadcast

WITH_ARGUMENTS = "bitwise_not mvlgamma"
INTEGER = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm"
IN_PLACE = "cauchy exponential log_normal normal random uniform zero"


def names(table: list[str], but: str) -> str:
    return " ".join(name for name in table if name not in but.split())


def alone(d: Draw) -> Case:
    return Case((d.tensor(0, 4, 0, 5),))


def complex_alone(d: Draw) -> Case:
    return Case((d.tensor(0, 4, dtype="complex64"),))


def integers(d: Draw) -> Case:
    return Case((d.tensor(0, 4, dtype="int64"),))


def with_number(d: Draw) -> Case:
    return Case((d.tensor(0, 4), 0.5))


def with_dim(d: Draw) -> Case:
    tensor = d.tensor(0, 4)
    return Case((tensor, d.dim(len(tensor.sizes))))


def flip(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.dims(len(tensor.sizes))))


def roll(d: Draw) -> Case:
    tensor = d.tensor(1, 4)
    return Case((tensor, d.integer(-3, 3), d.dim(len(tensor.sizes))))


def renorm(d: Draw) -> Case:
    tensor = d.tensor(2, 4)
    return Case((tensor, 2, d.dim(len(tensor.sizes)), 1.0))


def at_least_two(d: Draw) -> Case:
    return Case((d.tensor(2, 4),))


def square(d: Draw) -> Case:
    side = d.integer(1, 4)
    return Case((Tensor((*d.sizes(0, 2), side, side)),))


def positive_large(d: Draw) -> Case:
    return Case((d.tensor(0, 3), 1))


def polygamma(d: Draw) -> Case:
    return Case((1, d.tensor(0, 3)))


def converted(d: Draw) -> Case:
    return Case((d.tensor(0, 3),))


def pair(d: Draw, dtype: str = "float32", least: int = 0) -> Case:
    sizes = d.sizes(0, 4, least)
    one, other = Tensor(sizes, dtype), Tensor(d.broadcastable(sizes), dtype)
    return Case((one, other) if d.chance() else (other, one))


def pair_or_number(d: Draw) -> Case:
    return Case((d.tensor(0, 4), d.one_of(2, 0.5))) if d.integer(0, 3) == 0 else pair(d, least=d.integer(0, 1))


def integer_pair(d: Draw) -> Case:
    return pair(d, "int64")


def number_first(d: Draw) -> Case:
    return Case((2.0, d.tensor(0, 4)))


def three(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return Case((Tensor(sizes), Tensor(d.broadcastable(sizes)), Tensor(d.broadcastable(sizes))))


def clamp(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return d.one_of(
        Case((Tensor(sizes), 0.0, 1.0)), Case((Tensor(sizes),), {"min": 0}), Case((Tensor(sizes), None, 2.0)), three(d)
    )


def interpolated(d: Draw) -> Case:
    case = three(d)
    return Case((*case.arguments[:2], 0.5)) if d.chance() else case


def tensors(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return Case(tuple(Tensor(d.broadcastable(sizes)) for _ in range(d.integer(1, 3))))


def stretched(d: Draw) -> Case:
    sizes = d.sizes(0, 3)
    return Case((Tensor(tuple(1 if d.chance() else size for size in sizes)), tuple(map(Size, sizes))))


UNARY = names(elementwise.UNARY, WITH_ARGUMENTS)
BINARY = names(elementwise.BINARY, INTEGER)

GROUPS = [
    Group(both(UNARY), alone, examples=50),
    Group(both("bitwise_not"), integers),
    Group(both("mvlgamma"), positive_large),
    Group(both("clone detach"), alone),
    Group(both("softmax log_softmax cumsum cumprod logcumsumexp"), with_dim),
    Group(both("flip"), flip),
    Group(both("roll"), roll),
    Group(both("renorm"), renorm),
    Group(both("tril triu"), lambda d: Case((d.tensor(2, 4), d.integer(-2, 2)))),
    Group(both("flipud fliplr"), at_least_two),
    Group(both("matrix_exp"), square),
    Group(functions("celu rrelu selu poisson"), alone),
    Group(functions("threshold"), lambda d: Case((d.tensor(0, 3), 0.5, 0.0))),
    Group(functions("dropout alpha_dropout"), lambda d: Case((d.tensor(1, 4), 0.5, True))),
    Group(functions("feature_dropout"), lambda d: Case((d.tensor(2, 4), 0.5, True))),
    Group(functions("expit", "torch.special"), alone),
    Group(functions("softmax log_softmax", "torch.special"), with_dim),
    Group(functions("softmax softmin log_softmax", "torch.nn.functional"), with_dim),
    Group(functions("gumbel_softmax", "torch.nn.functional"), lambda d: Case((d.tensor(1, 4),))),
    Group(functions("normalize", "torch.nn.functional"), lambda d: Case((d.tensor(2, 4),))),
    Group(
        methods(names([*elementwise.CONVERSIONS, "data", "grad"], "to type type_as")),
        converted,
        device="cpu",
    ),
    Group(methods("real"), converted),
    Group((*methods("imag"), *functions("imag real")), complex_alone),
    Group(methods("to type_as"), lambda d: Case((d.tensor(0, 3), Tensor((1,), "float64"))), device="cpu"),
    Group(methods("type"), lambda d: Case((d.tensor(0, 3), "torch.DoubleTensor")), device="cpu"),
    Group(methods(IN_PLACE), alone, device="cpu"),
    Group(methods("fill geometric"), with_number),
    Group(methods("copy"), lambda d: Case((d.tensor(0, 3), Tensor(())))),
    Group(("torch.autograd.Variable", "torch.nn.Parameter", "torch.nn.parameter.Parameter"), alone),
    Group(functions("polygamma") + functions("polygamma", "torch.special"), polygamma),
    Group(both(BINARY), pair, examples=40),
    Group(both("add sub mul div pow eq lt remainder fmod floor_divide"), pair_or_number, examples=120),
    Group(both(INTEGER), integer_pair),
    Group(functions("complex polar"), pair),
    Group(functions("rsub"), pair_or_number),
    Group(functions("pow remainder"), number_first),
    Group(both("addcmul addcdiv"), three, examples=100),
    Group(both("lerp"), interpolated),
    Group(both("clamp clip"), clamp),
    Group(functions("broadcast_tensors"), tensors, examples=200),
    Group(both("broadcast_to"), stretched),
]

test_agrees, test_every_operation_is_tested = differential_tests("torch.elementwise torch.broadcasting", GROUPS)

B = Symbol("B", Role.BATCH).dimension()
FIXED = Symbol("batch_size", Role.FIXED_BATCH, value=64).dimension()
H = Symbol("H").dimension()


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        (Shape((B, 3)), Shape((1, 3)), Shape((B, 3))),
        (Shape((B, 3)), Shape((3,)), Shape((B, 3))),
        (Shape((B,)), Shape((10,)), Shape((10,))),
        (Shape((B, H)), Shape((2 * B, 1)), Shape((2 * B, H))),
        (Shape((FIXED, 8)), Shape((B, 8)), Shape((B, 8))),
        (Shape((B,), (), False), Shape(), Shape((B,), (), False)),
        (Shape((B,), (), False), Shape((1,)), Shape((B,), (), False)),
        (Shape((B,), (), False), Shape((B,), (), False), Shape((B,), (), False)),
        (Shape((), (10,), False), Shape((10,)), Shape((), (10,), False)),
        (Shape((B, 3, H), (), False), Shape((7,)), Shape((B, 3), (7,), False)),
        # One sample of one element would become ten.
        (Shape((B,), (), False), Shape((10,)), Shape((), (10,), False)),
    ],
)
def test_broadcast_keeps_what_is_certain(left: Shape, right: Shape, result: Shape) -> None:
    assert broadcast(left, right) == result
    assert broadcast(right, left) == result


def test_only_the_first_of_two_beginnings_is_kept() -> None:
    """``[B, H] + [B, H, 5]`` begins with B, but its H meets a B."""
    shape = Shape((B, H), (), exact=False)
    assert broadcast(shape, shape).leading == (B,)


def test_two_names_give_neither() -> None:
    result = broadcast(Shape((B,)), Shape((H,))).leading[0]
    assert result not in (B, H)


def test_an_unknown_size_takes_a_known_one() -> None:
    size = unknown()
    assert broadcast(Shape((size,)), Shape((7,))) == Shape((7,))
    assert broadcast(Shape((size,)), Shape((1,))) == Shape((size,))


@pytest.mark.parametrize(("left", "right"), [((3,), (4,)), ((2, 3), (3, 3)), ((2 * B,), (2 * B + 1,))])
def test_broadcast_refuses_what_is_certain_to_fail(left: tuple[object, ...], right: tuple[object, ...]) -> None:
    with pytest.raises(ShapeMismatch):
        broadcast(Shape(left), Shape(right))  # type: ignore[arg-type]
