"""The text of recipes: what it means, that it is read back, that what is wrong is said where."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchlint.verify.recipe_text import (
    RecipeError,
    format_input,
    format_recipe,
    parse_input,
    parse_recipe,
    recipe_code,
)
from batchlint.verify.recipes import DTYPES, Expression, Group, Literal, Recipe, TensorRecipe

TEXTS = [
    ("x: float32[B, 3, 32, 32]", TensorRecipe(("B", 3, 32, 32))),
    ("tokens: int64[B, 20] < 1000", TensorRecipe(("B", 20), "int64", "integers", 1000)),
    ("x: float16[2*B, 8] uniform", TensorRecipe(("2*B", 8), "float16", "uniform")),
    ("lengths: int64[B] lengths <= 20", TensorRecipe(("B",), "int64", "lengths", 20)),
    ("mask: bool[B, 1, 7, 7]", TensorRecipe(("B", 1, 7, 7), "bool", "booleans")),
    ("scale: float32[]", TensorRecipe(())),
    ("mask: None", Literal("None")),
    ("temperature: 0.5", Literal("0.5")),
    ("reduction: 'mean: all'", Literal("'mean: all'")),
    ("state: = model.init_hidden(B)", Expression("model.init_hidden(B)")),
    (
        "hidden: (float32[2, B, 64], float32[2, B, 64])",
        Group("tuple", (TensorRecipe((2, "B", 64)), TensorRecipe((2, "B", 64)))),
    ),
    ("features: [float32[B, 8], None]", Group("list", (TensorRecipe(("B", 8)), Literal("None")))),
    ("one: (float32[B],)", Group("tuple", (TensorRecipe(("B",)),))),
    (
        "batch: {'image': float32[B, 3, 8, 8], 'label': int64[B] < 10}",
        Group(
            "dict", (TensorRecipe(("B", 3, 8, 8)), TensorRecipe(("B",), "int64", "integers", 10)), ("image", "label")
        ),
    ),
]


@pytest.mark.parametrize(("text", "recipe"), TEXTS)
def test_text_and_recipe_are_the_same(text: str, recipe: Recipe) -> None:
    name, parsed = parse_input(text)
    assert parsed == recipe
    assert format_input(name, recipe) == text


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("x:float32[B,3,32,32]", TensorRecipe(("B", 3, 32, 32))),
        ("x : float32 [ B , 3 ]", TensorRecipe(("B", 3))),
        ("x: float32[B, 16*5*5]", TensorRecipe(("B", 400))),
        ("x: float32[B*4, 2]", TensorRecipe(("4*B", 2))),
        ("x: int64[B] <= 9", TensorRecipe(("B",), "int64", "integers", 10)),
        ("x: int64[B] lengths < 10", TensorRecipe(("B",), "int64", "lengths", 9)),
        ("x: (1, 2)", Literal("(1, 2)")),
    ],
)
def test_other_ways_to_write_it(text: str, recipe: Recipe) -> None:
    assert parse_input(text)[1] == recipe


def test_a_parameter_may_have_its_class() -> None:
    assert parse_input("Net.x: float32[B]") == ("Net.x", TensorRecipe(("B",)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("float32[B, 3]", "'float32[B, 3]' names no parameter: write e.g. `x: float32[B, 3, 32, 32]`"),
        ("class: float32[B]", "'class: float32[B]' names no parameter: write e.g. `x: float32[B, 3, 32, 32]`"),
        ("x:", "x: nothing is said of it: write e.g. `float32[B, 3, 32, 32]`"),
        ("x: flaot32[B, 3]", "x: there is no dtype 'flaot32': did you mean 'float32'?"),
        ("x: float32[B, ?, 3]", "x: '?' is no size: write a number in its place"),
        ("x: float32[B, C]", "x: 'C' is no size: write a number, B or e.g. 2*B"),
        ("x: float32[B*B]", "x: 'B*B' has the batch size twice: write a number, B or e.g. 2*B"),
        ("x: float32[B] unifrom", "x: there are no values 'unifrom': did you mean 'uniform'?: write one of normal, "
         "uniform, integers, booleans, ones, zeros, lengths"),
        ("x: float32[B] < 3", "x: a bound goes with integers, not with normal values: leave it out, or write int64"),
        ("x: int64[B] < n", "x: the bound 'n' is no positive number"),
        ("x: int64[B] < 0", "x: the bound '0' is no positive number"),
        ("x: (float32[B], None", "x: '(float32[B], None' has no closing `)`"),
        ("x: (float32[B])", "x: a group of one needs a comma: write `(float32[B],)`"),
        ("x: = model.", "x: 'model.' is no Python expression: write e.g. `= model.init_hidden(B)`"),
        ("x: {float32[B]}", "x: 'float32[B]' in a dict: write e.g. `{\"image\": float32[B, 3, 32, 32]}`"),
        ("x: three", "x: 'three' is no recipe: write e.g. `float32[B, 3, 32, 32]`, a literal such as `None`, or "
         "`= expression`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_input(text)
    assert str(caught.value) == message


def sizes() -> st.SearchStrategy[tuple[int | str, ...]]:
    size = st.integers(0, 5000) | st.just("B") | st.integers(2, 9).map(lambda n: f"{n}*B")
    return st.lists(size, max_size=5).map(tuple)


@st.composite
def tensors(draw: st.DrawFn) -> TensorRecipe:
    dtype = draw(st.sampled_from(DTYPES))
    values = draw(st.sampled_from(("normal", "uniform", "integers", "booleans", "ones", "zeros", "lengths")))
    bounded = values in ("integers", "lengths")
    below = draw(st.none() | st.integers(1, 10**6)) if bounded else None
    return TensorRecipe(draw(sizes()), dtype, values, below)


def groups(items: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
    # A group of nothing but literals is a literal itself.
    several = st.tuples(tensors(), st.lists(items, max_size=3)).map(lambda pair: (pair[0], *pair[1]))
    keys = st.text(max_size=6)
    listed = st.builds(lambda kind, inner: Group(kind, inner), st.sampled_from(("tuple", "list")), several)
    keyed = several.flatmap(
        lambda inner: st.lists(keys, min_size=len(inner), max_size=len(inner), unique=True).map(
            lambda names: Group("dict", inner, tuple(names))
        )
    )
    return listed | keyed


def recipes() -> st.SearchStrategy[Recipe]:
    literal = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
    expression = st.sampled_from(("model.init_hidden(B)", "torch.zeros(B, 3)", "kept_0", "[0] * B", "'a:b'[B:]"))
    leaves: st.SearchStrategy[Recipe] = (
        tensors() | literal.map(lambda value: Literal(repr(value))) | expression.map(Expression)
    )
    return st.recursive(leaves, groups, max_leaves=6)


@settings(deadline=None)
@given(recipes())
def test_round_trip(recipe: Recipe) -> None:
    name, parsed = parse_input(format_input("some_name", recipe))
    assert (name, parsed) == ("some_name", recipe)


@settings(deadline=None)
@given(recipes())
def test_code_is_python(recipe: Recipe) -> None:
    ast.parse(recipe_code(recipe), mode="eval")


@settings(deadline=None)
@given(st.text(alphabet="xB0123 ,:[]()<=*?'\"{}=floatint64", max_size=40))
def test_any_text_is_a_recipe_or_an_error(text: str) -> None:
    try:
        recipe = parse_recipe(text)
    except RecipeError as error:
        message = str(error)
    else:
        message = ""
        assert parse_recipe(format_recipe(recipe)) == recipe
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("float32[B, 3, 32, 32]", "torch.randn(B, 3, 32, 32)"),
        ("int64[B, 20] < 1000", "torch.randint(0, 1000, (B, 20))"),
        ("int32[B]", "torch.randint(0, 2, (B,), dtype=torch.int32)"),
        ("float64[2*B, 3] uniform", "torch.rand(2 * B, 3, dtype=torch.float64)"),
        ("bool[B, 7]", "torch.rand(B, 7) < 0.5"),
        ("bool[B, 7] ones", "torch.ones(B, 7, dtype=torch.bool)"),
        ("float32[B] booleans", "(torch.rand(B) < 0.5).to(torch.float32)"),
        ("float32[]", "torch.randn(())"),
        ("int64[B] lengths <= 20", "torch.arange(20, 20 - B, -1).clamp(min=1)"),
        ("(float32[B], None)", "(torch.randn(B), None)"),
        ("[float32[B]]", "[torch.randn(B)]"),
        ('{"a": float32[B]}', "{'a': torch.randn(B)}"),
        ("= model.init_hidden(B)", "model.init_hidden(B)"),
    ],
)
def test_code(text: str, code: str) -> None:
    assert recipe_code(parse_recipe(text)) == code


@settings(deadline=None)
@given(tensors())
def test_code_makes_what_is_described(recipe: TensorRecipe) -> None:
    torch = pytest.importorskip("torch")
    small = TensorRecipe(
        tuple(min(size, 3) if isinstance(size, int) else size for size in recipe.sizes), recipe.dtype, recipe.values,
        None if recipe.below is None else min(recipe.below, 100),
    )  # fmt: skip
    made = eval(recipe_code(small), {"torch": torch, "B": 2})
    expected = tuple(eval(size, {"B": 2}) if isinstance(size, str) else size for size in small.sizes)
    assert tuple(made.shape) == expected
    assert str(made.dtype) == f"torch.{small.dtype}"
