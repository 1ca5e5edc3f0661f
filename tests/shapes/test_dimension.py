"""The normal form of symbolic dimensions against the integers that it stands for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from scale import SCALE

from batchlint.shapes.bounds import at_most, unify
from batchlint.shapes.dimension import (
    Dimension,
    Expression,
    Role,
    Symbol,
    certainly_differ,
    evaluate,
    floor_divide,
    has_role,
    known_value,
    least,
    product,
    render,
    substitute,
    symbols_of,
    unknown,
)
from batchlint.shapes.shape import ShapeMismatch

H, W, B = Symbol("H"), Symbol("W"), Symbol("B", Role.BATCH)
N = Symbol("n", minimum=0)
h, w, b, n = H.dimension(), W.dimension(), B.dimension(), N.dimension()

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}


class Formula:
    """A formula as a dimension, and as a function of the symbols' values in plain integers."""

    def __init__(self, dimension: Dimension, value: Callable[[dict[Symbol, int]], int], text: str) -> None:
        self.dimension, self.value, self.text = dimension, value, text

    def __repr__(self) -> str:
        return self.text


def _leaf(atom: int | Symbol) -> Formula:
    if isinstance(atom, Symbol):
        return Formula(atom.dimension(), lambda values: values[atom], atom.name)
    return Formula(atom, lambda values: atom, str(atom))


def _combined(parts: tuple[Formula, str, Formula]) -> Formula:
    left, name, right = parts
    function = OPERATORS[name]
    try:
        dimension = function(left.dimension, right.dimension)
    except ZeroDivisionError:
        return left
    text = f"({left} {name} {right})"
    return Formula(dimension, lambda values: function(left.value(values), right.value(values)), text)


leaves = st.one_of(st.integers(-3, 12), st.sampled_from([H, W, B, N])).map(_leaf)
formulas = st.recursive(
    leaves, lambda inner: st.tuples(inner, st.sampled_from(list(OPERATORS)), inner).map(_combined), max_leaves=8
)
values = st.fixed_dictionaries(
    {H: st.integers(1, 30), W: st.integers(1, 30), B: st.integers(1, 30), N: st.integers(0, 30)}
)
thorough = settings(
    max_examples=300 * SCALE, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@thorough
@given(formulas, values)
def test_arithmetic_is_that_of_integers(formula: Formula, symbols: dict[Symbol, int]) -> None:
    try:
        expected = formula.value(symbols)
        actual = evaluate(formula.dimension, symbols)
    except ZeroDivisionError:
        # What divides by zero for these sizes stands for no size; the normal form may have cancelled the division.
        assume(False)
    assert actual == expected


monomials = st.tuples(st.integers(1, 6), st.lists(st.sampled_from([H, W, B]), max_size=3))


@thorough
@given(st.lists(monomials, min_size=1, max_size=3), monomials, values)
def test_quotients_of_products(
    terms: list[tuple[int, list[Symbol]]], divisor: tuple[int, list[Symbol]], symbols: dict[Symbol, int]
) -> None:
    def size(term: tuple[int, list[Symbol]]) -> Dimension:
        return term[0] * product(symbol.dimension() for symbol in term[1])

    numerator, denominator = sum(map(size, terms[1:]), size(terms[0])), size(divisor)
    top, bottom = evaluate(numerator, symbols), evaluate(denominator, symbols)
    assert top is not None
    assert bottom is not None
    assert evaluate(floor_divide(numerator, denominator), symbols) == top // bottom


@thorough
@given(formulas, formulas, values)
@example(_leaf(H), _leaf(N), {H: 1, W: 1, B: 1, N: 1})
def test_what_certainly_differs_is_never_equal(left: Formula, right: Formula, symbols: dict[Symbol, int]) -> None:
    if certainly_differ(left.dimension, right.dimension):
        try:
            assert evaluate(left.dimension, symbols) != evaluate(right.dimension, symbols)
        except ZeroDivisionError:
            assume(False)


@thorough
@given(formulas, formulas, values)
def test_bounds_hold(left: Formula, right: Formula, symbols: dict[Symbol, int]) -> None:
    lower = least(left.dimension)
    try:
        one, other = evaluate(left.dimension, symbols), evaluate(right.dimension, symbols)
    except ZeroDivisionError:
        assume(False)
    assert one is not None
    assert other is not None
    if lower is not None:
        assert lower <= one
    if at_most(left.dimension, right.dimension):
        assert one <= other


@thorough
@given(formulas, formulas)
def test_the_normal_form_does_not_depend_on_the_order(left: Formula, right: Formula) -> None:
    a, c = left.dimension, right.dimension
    assert a + c == c + a
    assert a * c == c * a
    assert (a + c) - c == a
    assert (a - a) == 0


@thorough
@given(formulas)
def test_rendering_reads_back(formula: Formula) -> None:
    names = {"H": h, "W": w, "B": b, "n": n}
    try:
        again = eval(render(formula.dimension), {}, names)
    except ZeroDivisionError:
        assume(False)
    assert again == formula.dimension


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [
        (b * 400, 400, b),
        (2 * h + 5, 2, h + 2),
        (b * h * w, h * w, b),
        (b * h + b * w, h + w, b),
        (b * h, b, h),
        (0, h, 0),
        (h, h, 1),
        (floor_divide(h, 2), 2, floor_divide(h, 4)),
    ],
)
def test_exact_quotients(numerator: Dimension, denominator: Dimension, quotient: Dimension) -> None:
    assert floor_divide(numerator, denominator) == quotient


def test_nested_quotients_by_a_negative_number_stay_nested() -> None:
    nested = floor_divide(floor_divide(h, 2), -2)
    assert evaluate(nested, {H: 5}) == (5 // 2) // -2


def test_division_by_zero_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        floor_divide(h, 0)
    with pytest.raises(ZeroDivisionError):
        substitute(floor_divide(h, w), {W: 0})


@pytest.mark.parametrize(
    ("dimension", "text"),
    [
        (5, "5"),
        (2 * b + 1, "2*B + 1"),
        (h - 4, "H - 4"),
        (floor_divide(h - 4, 2), "H//2 - 2"),
        (floor_divide(h - 3, 2), "(H + 1)//2 - 2"),
        (-h, "-H"),
        (b * floor_divide(h, 2), "B*(H//2)"),
        (-floor_divide(h, 2), "-(H//2)"),
        (h - floor_divide(h, 2), "H - H//2"),
        (floor_divide(b * h, 7), "(B*H)//7"),
    ],
)
def test_rendering(dimension: Dimension, text: str) -> None:
    assert render(dimension) == text


@pytest.mark.parametrize(
    ("left", "right", "differ"),
    [
        (3, 4, True),
        (h, h, False),
        (h, h + 1, True),
        (2 * h, h, True),
        (2 * h, 6, False),
        (h, w, False),
        (h + 3 * n, 0, True),
        (n, 0, False),
        # Negative for small H, so that the two may meet.
        (h + floor_divide(h - 9, 2), 0, False),
    ],
)
def test_certainly_differ(left: Dimension, right: Dimension, differ: bool) -> None:
    assert certainly_differ(left, right) is differ
    assert certainly_differ(right, left) is differ


def test_symbols_are_known_by_name_role_and_identity() -> None:
    assert Symbol("H").dimension() == h
    assert Symbol("B").dimension() != b
    assert Symbol("H", identity=1).dimension() != h
    assert unknown() != unknown()


def test_symbols_inside_divisions_are_found() -> None:
    assert symbols_of(b * floor_divide(h + 1, w)) == {B, H, W}
    assert has_role(floor_divide(b, 2), Role.BATCH)
    assert not has_role(floor_divide(h, 2), Role.BATCH)


def test_the_number_behind_fixed_batches() -> None:
    fixed = Symbol("batch_size", Role.FIXED_BATCH, value=64).dimension()
    assert known_value(fixed * 2) == 128
    assert known_value(fixed * h) is None


def test_product() -> None:
    assert product(()) == 1
    assert product((b, 3, h)) == 3 * b * h


def test_unify_prefers_what_says_more() -> None:
    fixed, anything = Symbol("batch_size", Role.FIXED_BATCH, value=64).dimension(), unknown()
    assert unify(h, 5) == unify(5, h) == 5
    assert unify(b, h) == unify(h, b) == b
    assert unify(fixed, b) == unify(b, fixed) == b
    assert unify(anything, fixed) == unify(fixed, anything) == fixed
    with pytest.raises(ShapeMismatch):
        unify(h, h + 1)


def test_expressions_are_never_constant() -> None:
    assert isinstance(h, Expression)
    assert (h - h) == 0
    assert isinstance(h - h, int)
