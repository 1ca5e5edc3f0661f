"""einops beside its shape functions: patterns drawn with their sizes, computed by both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scale import SCALE

from batchlint.shapes.dimension import Role, Symbol, evaluate
from batchlint.shapes.einops import packed, unpacked
from batchlint.shapes.registry import FUNCTIONS, LAYERS, OTHER_KEYWORDS, UNKNOWN
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

einops = pytest.importorskip("einops")
np = pytest.importorskip("numpy")

AXES = "abcdef"
LAYER = LAYERS["einops.layers.torch.Rearrange"]


def rearranged(shape: Shape, pattern: str, **axes: Any) -> Any:
    return FUNCTIONS["einops.rearrange"].function(shape, pattern, **axes)


@st.composite
def sides(draw: Any, axes: list[str]) -> str:
    """*axes* in their order, some of them in brackets."""
    groups: list[str] = []
    rest = list(axes)
    while rest:
        count = draw(st.integers(1, min(3, len(rest))))
        group, rest = rest[:count], rest[count:]
        groups.append(f"({' '.join(group)})" if count > 1 or draw(st.booleans()) else group[0])
    if draw(st.booleans()):
        groups.insert(draw(st.integers(0, len(groups))), draw(st.sampled_from(["1", "()"])))
    return " ".join(groups)


@st.composite
def cases(draw: Any) -> tuple[tuple[int, ...], str, dict[str, int], str]:
    """A tensor's sizes, a pattern, the axes to tell, and the operation."""
    axes = list(AXES[: draw(st.integers(1, 6))])
    sizes = {axis: draw(st.integers(1, 4)) for axis in axes}
    operation = draw(st.sampled_from(["rearrange", "repeat", "reduce"]))
    left, right = draw(sides(axes)), list(draw(st.permutations(axes)))
    given = dict(sizes)
    if operation == "repeat":
        right.insert(draw(st.integers(0, len(right))), "new")
        given["new"] = draw(st.integers(1, 3))
    elif operation == "reduce":
        right = right[: draw(st.integers(0, len(right)))]
    result = draw(sides(right))
    rest: tuple[int, ...] = ()
    if draw(st.booleans()):
        rest = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
        left = f"... {left}"
        result = f"{result} ..." if draw(st.booleans()) or not result else f"(...) {result}"
    shape = [_product(sizes.get(axis, 1) for axis in group.strip("()").split()) for group in _groups(left)]
    return (*rest, *shape), f"{left} -> {result}", given, operation


def _groups(side: str) -> list[str]:
    groups, depth = [""], 0
    for character in side.removeprefix("...").strip():
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == " " and not depth:
            groups.append("")
        else:
            groups[-1] += character
    return groups


def _product(numbers: Any) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


@settings(max_examples=300 * SCALE, derandomize=True, deadline=None, database=None)
@given(cases(), st.data())
def test_agrees_with_einops(case: Any, data: Any) -> None:
    sizes, pattern, axes, operation = case
    more = ("max",) if operation == "reduce" else ()
    truth = getattr(einops, operation)(np.zeros(sizes), pattern, *more, **axes).shape
    function = FUNCTIONS[f"einops.{operation}"].function
    assert function(Shape(sizes), pattern, *more, **axes) == Shape(truth)

    # Some sizes as symbols: what is claimed must hold once their values are put in.
    symbols = [Symbol(f"s{i}", Role.SIZE) for i in range(len(sizes))]
    values = dict(zip(symbols, sizes))
    hidden = tuple(s.dimension() if data.draw(st.booleans()) else size for s, size in zip(symbols, sizes))
    told = {name: size for name, size in axes.items() if name == "new" or data.draw(st.booleans())}
    claim = function(Shape(hidden), pattern, *more, **told)
    if claim is not UNKNOWN:
        assert len(claim.leading) == len(truth)
        for dimension, size in zip(claim.leading, truth):
            known = dimension if isinstance(dimension, int) else evaluate(dimension, values)
            assert known in (None, size), f"{pattern} of {hidden} with {told}: {claim}, einops gives {truth}"


def test_a_pattern_tells_the_rank_of_what_is_not_known() -> None:
    claim = rearranged(UNKNOWN_SHAPE, "b (h d) n -> b n h d", h=8)
    assert str(claim) == "[b, n, 8, d]"
    assert str(rearranged(Shape((2,), (5,), False), "b ... d -> b d ...")) == "[2, 5, ...]"
    assert str(rearranged(UNKNOWN_SHAPE, "b ... d -> (b ...) d")) == "[?*b, d]"


def test_refused() -> None:
    for shape, pattern, axes in (
        (Shape((2, 3)), "a b c -> a b c", {}),
        (Shape((2, 9)), "a (b c) -> a b c", {"c": 2}),
        (Shape((2, 3)), "a b -> b a", {"a": 4}),
        (Shape((2,)), "a b ... -> a b ...", {}),
    ):
        with pytest.raises(ShapeMismatch):
            rearranged(shape, pattern, **axes)


def test_what_is_passed_and_not_known_leaves_sizes_open() -> None:
    assert rearranged(Shape((2, 12)), "a (b c) -> a b c") is UNKNOWN
    assert str(rearranged(Shape((2, 12)), "a (b c) -> a b c", **{OTHER_KEYWORDS: UNKNOWN})) == "[2, b, c]"
    assert str(rearranged(Shape((2, 12)), "a (b c) -> a b c", b=UNKNOWN)) == "[2, b, 12//b]"


def test_a_layer_expects_what_its_pattern_names() -> None:
    bound = LAYER.bind(["b c (h p) (w q) -> b (h w) (p q c)"], {"p": 4, "q": 4, "c": 3})
    assert LAYER.expects is not None
    expected = LAYER.expects(bound)
    assert expected is not None
    assert [d for d in expected.leading if isinstance(d, int)] == [3]
    assert len(expected.leading) == 4
    assert LAYER.function(Shape((2, 3, 8, 12)), **bound) == Shape((2, 6, 48))


@settings(max_examples=100 * SCALE, derandomize=True, deadline=None, database=None)
@given(st.data())
def test_packing_agrees_with_einops(data: Any) -> None:
    names = data.draw(st.permutations(["a", "b", "*"]))
    fixed = {"a": data.draw(st.integers(1, 3)), "b": data.draw(st.integers(1, 3))}
    split = names.index("*")
    middles = data.draw(st.lists(st.lists(st.integers(1, 3), max_size=2), min_size=1, max_size=3))
    before = [fixed[name] for name in names[:split]]
    after = [fixed[name] for name in names[split + 1 :]]
    shapes = [(*before, *middle, *after) for middle in middles]
    pattern = " ".join(names)
    tensor, sizes = einops.pack([np.zeros(shape) for shape in shapes], pattern)
    claim, known = packed([Shape(shape) for shape in shapes], pattern)
    assert claim == Shape(tensor.shape)
    assert list(known) == [tuple(size) for size in sizes]
    assert [part.leading for part in unpacked(claim, known, pattern)] == shapes
