"""Products, subscripts and linear algebra against torch."""

from __future__ import annotations

import pytest
import torch_side  # noqa: F401  (enters PyTorch)
from differential import Case, Draw, Group, Tensor, both, differential_tests, functions

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import Shape, ShapeMismatch


def slip(d: Draw, size: int) -> int:
    """*size*, and now and then another."""
    return size + (d.integer(0, 9) == 0)


def matmul(d: Draw) -> Case:
    batch, inner = d.sizes(0, 2), d.integer(1, 4)
    left = Tensor((*batch, d.integer(1, 4), inner)) if d.integer(0, 3) else Tensor((inner,))
    other = d.broadcastable(batch)
    right = Tensor((*other, slip(d, inner), d.integer(1, 4))) if d.integer(0, 3) else Tensor((slip(d, inner),))
    return Case((left, right))


def mm(d: Draw) -> Case:
    rows, inner, columns = d.sizes(3, 3)
    return Case((Tensor((rows, inner)), Tensor((slip(d, inner), columns))))


def bmm(d: Draw) -> Case:
    batch, rows, inner, columns = d.sizes(4, 4)
    return Case((Tensor((batch, rows, inner)), Tensor((slip(d, batch), slip(d, inner), columns))))


def mv(d: Draw) -> Case:
    rows, inner = d.sizes(2, 2)
    return Case((Tensor((rows, inner)), Tensor((slip(d, inner),))))


def dot(d: Draw) -> Case:
    size = d.integer(1, 5)
    return Case((Tensor((size,)), Tensor((slip(d, size),))))


def outer(d: Draw) -> Case:
    return Case((d.tensor(1, 1), d.tensor(1, 1)))


def inner(d: Draw) -> Case:
    size = d.integer(1, 5)
    if d.integer(0, 4) == 0:
        return Case((d.tensor(0, 0), d.tensor(0, 3)))
    return Case((Tensor((*d.sizes(0, 2), size)), Tensor((*d.sizes(0, 2), slip(d, size)))))


def added_to(product: object) -> object:
    def case(d: Draw) -> Case:
        return Case((Tensor((1,)), *product(d).arguments))  # type: ignore[operator]

    return case


def kron(d: Draw) -> Case:
    return Case((d.tensor(0, 3, 1, 3), d.tensor(0, 3, 1, 3)))


def cross(d: Draw) -> Case:
    sizes = d.sizes(0, 2)
    return Case((Tensor((*sizes, 3)), Tensor((*sizes, 3))), {"dim": -1})


def tensordot(d: Draw) -> Case:
    shared = d.sizes(1, 2)
    if d.chance():
        right = (slip(d, shared[0]), *shared[1:])
        return Case((Tensor((*d.sizes(0, 2), *shared)), Tensor((*right, *d.sizes(0, 2))), len(shared)))
    size = d.integer(1, 4)
    return Case((Tensor((size, 2, 3)), Tensor((4, slip(d, size)))), {"dims": ((0,), (d.one_of(1, -1),))})


def cdist(d: Draw) -> Case:
    batch, size = d.sizes(0, 2), d.integer(1, 4)
    return Case((Tensor((*batch, d.integer(1, 4), size)), Tensor((*d.broadcastable(batch), 3, slip(d, size)))))


EQUATIONS = {
    "ij,jk->ik": ("ij", "jk"),
    "bij,bjk->bik": ("bij", "bjk"),
    "bchw->bc": ("bchw",),
    "ii->i": ("ii",),
    "ii": ("ii",),
    "ba,ab": ("ba", "ab"),
    "b i d, b j d -> b i j": ("bid", "bjd"),
    "bhid,bhjd->bhij": ("bhid", "bhjd"),
    "...d,de->...e": ("xyd", "de"),
    "b...d,bd->b...": ("bxyd", "bd"),
    "...ij->...ji": ("xij",),
    "a,b,c->abc": ("a", "b", "c"),
    "nchw,oc,c->nohw": ("nchw", "oc", "c"),
    "i,i->": ("i", "i"),
    "zA,Az": ("zA", "Az"),
    "cab": ("cab",),
    "zj,jA": ("zj", "jA"),
}


def einsum(d: Draw) -> Case:
    equation = d.one_of(*EQUATIONS)
    sizes: dict[str, int] = {}
    tensors = []
    for letters in EQUATIONS[equation]:
        for letter in letters:
            sizes.setdefault(letter, d.integer(1, 4))
        own = [1 if d.integer(0, 15) == 0 else slip(d, sizes[c]) if d.integer(0, 5) == 0 else sizes[c] for c in letters]
        tensors.append(Tensor(tuple(own)))
    return Case((equation, *tensors)) if d.integer(0, 5) else Case((equation, tuple(tensors)))


def square(d: Draw) -> Case:
    side = d.integer(1, 4)
    return Case((Tensor((*d.sizes(0, 2), side, slip(d, side))),))


def positive(d: Draw) -> Case:
    """The matrix has one row: with random values others need not be positive definite."""
    return Case((Tensor((*d.sizes(0, 2), 1, slip(d, 1))),))


def squared(d: Draw) -> Case:
    return Case((*square(d).arguments, 2))


def matrices(d: Draw) -> Case:
    return Case((d.tensor(2, 4, 1, 4),))


def svd(d: Draw) -> Case:
    return Case((d.tensor(2, 4, 1, 4), d.chance()))


def qr(d: Draw) -> Case:
    return Case((d.tensor(2, 4, 1, 4), d.one_of("reduced", "complete")))


def chain(d: Draw) -> Case:
    sizes = d.sizes(3, 5)
    return Case((tuple(Tensor(sizes[at : at + 2]) for at in range(len(sizes) - 1)),))


GROUPS = [
    Group((*both("matmul"), "torch.linalg.matmul"), matmul, examples=250),
    Group(both("mm"), mm),
    Group(both("bmm"), bmm, examples=100),
    Group(both("mv"), mv),
    Group(both("dot vdot"), dot),
    Group(both("outer ger"), outer),
    Group(both("inner"), inner),
    Group(both("addmm"), added_to(mm)),  # type: ignore[arg-type]
    Group(both("addmv"), added_to(mv)),  # type: ignore[arg-type]
    Group(both("addr"), added_to(outer)),  # type: ignore[arg-type]
    Group(both("baddbmm addbmm"), added_to(bmm)),  # type: ignore[arg-type]
    Group(both("kron"), kron),
    Group((*both("cross"), "torch.linalg.cross"), cross),
    Group(functions("tensordot"), tensordot, examples=100),
    Group(functions("cdist"), cdist, examples=100),
    Group(functions("einsum"), einsum, examples=400),
    Group((*both("inverse"), "torch.linalg.inv"), square),
    Group((*both("det logdet slogdet"), *functions("det slogdet", "torch.linalg")), square),
    Group((*both("cholesky"), "torch.linalg.cholesky"), positive, device="cpu"),
    Group(functions("eig eigh eigvals eigvalsh matrix_exp", "torch.linalg"), square, device="cpu"),
    Group((*both("matrix_power"), "torch.linalg.matrix_power"), squared, device="cpu"),
    Group((*both("pinverse"), "torch.linalg.pinv"), matrices, device="cpu"),
    Group(functions("svd", "torch.linalg"), svd),
    Group(both("svd"), svd),
    Group(functions("svdvals", "torch.linalg"), matrices),
    Group(functions("qr", "torch.linalg"), qr),
    Group(functions("multi_dot", "torch.linalg"), chain),
]

test_agrees, test_every_operation_is_tested = differential_tests(
    "torch.products torch.subscripts torch.linear_algebra", GROUPS
)

B = Symbol("B", Role.BATCH).dimension()
H = Symbol("H").dimension()


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        (Shape((B, 400)), Shape((400, 120)), Shape((B, 120))),
        (Shape((B, 8, H, 64)), Shape((B, 8, 64, H)), Shape((B, 8, H, H))),
        (Shape((B, H)), Shape((H,)), Shape((B,))),
    ],
)
def test_matmul_of_symbols(left: Shape, right: Shape, result: Shape) -> None:
    assert FUNCTIONS["torch.matmul"].apply((left, right), {}) == result


def test_operands_of_known_rank_do_not_bound_the_others() -> None:
    result = FUNCTIONS["torch.cdist"].apply((Shape((1, 1, 2, 8)), Shape((), (3, 8), exact=False)), {})
    assert isinstance(result, Shape)
    assert not result.exact
    assert result.trailing == (2, 3)


def test_matmul_names_both_sizes() -> None:
    with pytest.raises(ShapeMismatch) as caught:
        FUNCTIONS["torch.matmul"].apply((Shape((B, 576)), Shape((400, 120))), {})
    assert (caught.value.expected, caught.value.actual) == (576, 400)
