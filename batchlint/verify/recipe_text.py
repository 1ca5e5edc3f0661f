"""The text of recipes: what users write in ``--input``, comments and ``pyproject.toml``, and what reports show.

``x: float32[B, 3, 32, 32]`` is a tensor, ``tokens: int64[B, 20] < 1000`` one of indices below 1000,
``lengths: int64[B] lengths <= 20`` one of lengths, ``(…, …)``, ``[…]`` and ``{"key": …}`` are groups,
``= model.init_hidden(B)`` is evaluated in the user's module, and anything else is a Python literal. Random values other
than the usual ones of a dtype are named after the sizes: ``float32[B, 3] uniform``.
"""

from __future__ import annotations

import ast
import keyword
import re

from batchlint.suggestions import did_you_mean
from batchlint.verify.recipes import BATCH, DTYPES, Expression, Group, Inputs, Literal, Recipe, TensorRecipe

VALUES = ("normal", "uniform", "integers", "booleans", "ones", "zeros", "lengths")

_TENSOR = re.compile(r"(?P<dtype>[A-Za-z_]\w*)\s*\[(?P<sizes>[^\[\]]*)\]\s*(?P<rest>.*)\Z", re.DOTALL)
_REST = re.compile(r"(?P<values>[a-z]+)?\s*(?:(?P<sign><=?)\s*(?P<below>-?\w+))?\Z")
_OPENING = {"(": ")", "[": "]", "{": "}"}


class RecipeError(ValueError):
    """A text that is no recipe; its message says where, and what to write."""


def parse_input(text: str) -> tuple[str, Recipe]:
    """The parameter's name and the recipe in ``x: float32[B, 3, 32, 32]``.

    Raises:
        RecipeError: *text* is something else.
    """
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not colon or not all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split(".")):
        raise RecipeError(f"{_cut(text)!r} names no parameter: write e.g. `x: float32[B, 3, 32, 32]`")
    return name, parse_recipe(rest, name)


def parse_recipe(text: str, where: str = "") -> Recipe:
    """The recipe that *text* describes; *where* is said in errors.

    Raises:
        RecipeError: *text* is no recipe.
    """
    text = text.strip()
    if not text:
        raise _error(where, "nothing is said of it", "write e.g. `float32[B, 3, 32, 32]`")
    if text.startswith("="):
        return Expression(_expression(text[1:].strip(), where))
    if _is_literal(text):
        return Literal(text)
    if text[0] in _OPENING:
        return _group(text, where)
    matched = _TENSOR.match(text)
    if matched is None:
        example = "write e.g. `float32[B, 3, 32, 32]`, a literal such as `None`, or `= expression`"
        raise _error(where, f"{_cut(text)!r} is no recipe", example)
    return _tensor(matched["dtype"], matched["sizes"], matched["rest"].strip(), where)


def format_input(name: str, recipe: Recipe) -> str:
    """``x: float32[B, 3, 32, 32]``, which `parse_input` reads back."""
    return f"{name}: {format_recipe(recipe)}"


def input_texts(inputs: Inputs) -> tuple[str, ...]:
    """*inputs* as text, one for each argument."""
    names = [*inputs.names, *[""] * (len(inputs.positional) - len(inputs.names))]
    named = [*zip(names, inputs.positional), *inputs.keywords]
    return tuple(format_input(name, recipe) if name else format_recipe(recipe) for name, recipe in named)


def format_recipe(recipe: Recipe) -> str:
    """*recipe* as users write it."""
    if isinstance(recipe, Literal):
        return recipe.source
    if isinstance(recipe, Expression):
        return f"= {recipe.source}"
    if isinstance(recipe, Group):
        return f"= {recipe_code(recipe)}" if recipe.kind == "object" else _grouped(recipe, format_recipe)
    text = f"{recipe.dtype}[{', '.join(map(str, recipe.sizes))}]"
    if recipe.values != _usual(recipe.dtype) or recipe.values == "lengths":
        text += f" {recipe.values}"
    if recipe.below is not None:
        text += f" {'<=' if recipe.values == 'lengths' else '<'} {recipe.below}"
    return text


def recipe_code(recipe: Recipe) -> str:
    """Python that makes what *recipe* describes, with ``torch`` imported and ``B`` bound to the batch size."""
    if isinstance(recipe, Literal | Expression):
        return recipe.source
    if isinstance(recipe, Group):
        return _grouped(recipe, recipe_code)
    sizes = [size if isinstance(size, int) else size.replace("*", " * ") for size in recipe.sizes]
    as_tuple = f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"
    listed = ", ".join(map(str, sizes)) or "()"
    dtype, values, below = recipe.dtype, _made(recipe), recipe.below
    if values == "booleans":
        made = f"torch.rand({listed}) < 0.5"
        return made if dtype == "bool" else f"({made}).to(torch.{dtype})"
    if values == "lengths":
        if len(sizes) == 1:
            counted = f"torch.arange({below or 1}, {below or 1} - {sizes[0]}, -1).clamp(min=1)"
            return counted if dtype == "int64" else f"{counted}.to(torch.{dtype})"
        return _integers(1, (below or 1) + 1, as_tuple, dtype)
    if values == "integers":
        return _integers(0, max(1, below or 2), as_tuple, dtype)
    if values == "uniform" and not dtype.startswith(("float", "bfloat", "complex")):
        return f"torch.rand({listed}).to(torch.{dtype})"
    function = {"normal": "randn", "uniform": "rand", "ones": "ones", "zeros": "zeros"}[values]
    return f"torch.{function}({listed}{_dtype(dtype, 'float32')})"


def _integers(least: int, below: int, sizes: str, dtype: str) -> str:
    if dtype == "bool" or dtype.startswith("complex"):
        return f"torch.randint({least}, {below}, {sizes}).to(torch.{dtype})"
    return f"torch.randint({least}, {below}, {sizes}{_dtype(dtype, 'int64')})"


def _dtype(dtype: str, usual: str) -> str:
    return "" if dtype == usual else f", dtype=torch.{dtype}"


def _usual(dtype: str) -> str:
    """The values that are meant where none are named."""
    if dtype == "bool":
        return "booleans"
    return "normal" if dtype.startswith(("float", "bfloat", "complex")) else "integers"


def _made(recipe: TensorRecipe) -> str:
    usual = _usual(recipe.dtype)
    if recipe.dtype == "bool" and recipe.values in ("uniform", "integers"):
        return usual
    return usual if recipe.values == "normal" else recipe.values


def _grouped(group: Group, write: object) -> str:
    assert callable(write)
    items = [write(item) for item in group.items]
    if group.kind == "dict":
        return "{" + ", ".join(f"{key!r}: {item}" for key, item in zip(group.keys, items)) + "}"
    if group.kind == "object":
        given = ", ".join(
            f"{key[:-2]}=lambda *_: {item}" if key.endswith("()") else f"{key}={item}"
            for key, item in zip(group.keys, items)
        )
        # Imported where it stands: the text is one expression.
        return f"__import__('types').SimpleNamespace({given})"
    joined = ", ".join(items)
    if group.kind == "list":
        return f"[{joined}]"
    return f"({joined},)" if len(items) == 1 else f"({joined})"


def _tensor(dtype: str, sizes: str, rest: str, where: str) -> TensorRecipe:
    if dtype not in DTYPES:
        meant = did_you_mean(dtype, DTYPES) or f"; dtypes are {', '.join(DTYPES)}"
        raise _error(where, f"there is no dtype {dtype!r}{meant}")
    parts = [part.strip() for part in sizes.split(",")] if sizes.strip() else []
    if parts and not parts[-1]:
        parts.pop()
    matched = _REST.match(rest)
    if matched is None:
        raise _error(where, f"{_cut(rest)!r} after the sizes", "write `< 1000` to bound integers, or one of the values "
                     + ", ".join(VALUES))  # fmt: skip
    values = matched["values"] or _usual(dtype)
    if values not in VALUES:
        raise _error(
            where, f"there are no values {values!r}{did_you_mean(values, VALUES)}", f"write one of {', '.join(VALUES)}"
        )
    below = _bound(matched["below"], matched["sign"], values, where)
    return TensorRecipe(tuple(_size(part, where) for part in parts), dtype, values, below)


def _bound(text: str | None, sign: str | None, values: str, where: str) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise _error(where, f"the bound {text!r} is no positive number")
    if values not in ("integers", "lengths"):
        raise _error(where, f"a bound goes with integers, not with {values} values", "leave it out, or write int64")
    # `< 1000` and `<= 999` are the same integers; lengths reach their bound.
    return int(text) + (values == "integers" and sign == "<=") - (values == "lengths" and sign == "<")


def _size(text: str, where: str) -> int | str:
    factors = [factor.strip() for factor in text.split("*")]
    number, batches = 1, 0
    for factor in factors:
        if factor == BATCH:
            batches += 1
        elif factor.isdigit():
            number *= int(factor)
        else:
            what = "write a number in its place" if factor in ("?", "...", "") else "write a number, B or e.g. 2*B"
            raise _error(where, f"{text!r} is no size", what)
    if batches > 1:
        raise _error(where, f"{text!r} has the batch size twice", "write a number, B or e.g. 2*B")
    if not batches:
        return number
    return BATCH if number == 1 else f"{number}*{BATCH}"


def _group(text: str, where: str) -> Group:
    closing = _OPENING[text[0]]
    if not text.endswith(closing):
        raise _error(where, f"{_cut(text)!r} has no closing `{closing}`")
    parts = _split(text[1:-1], ",", where)
    if parts and not parts[-1].strip():
        parts.pop()
    if text[0] != "{":
        kind = "tuple" if text[0] == "(" else "list"
        recipes = tuple(parse_recipe(part, where) for part in parts)
        if kind == "tuple" and len(recipes) == 1 and not text[1:-1].rstrip().endswith(","):
            raise _error(where, "a group of one needs a comma", f"write `({parts[0].strip()},)`")
        return Group(kind, recipes)
    keys, items = [], []
    for part in parts:
        halves = _split(part, ":", where)
        key = halves[0].strip()
        if len(halves) < 2 or not _is_literal(key) or not isinstance(ast.literal_eval(key), str):
            raise _error(where, f"{_cut(part.strip())!r} in a dict", 'write e.g. `{"image": float32[B, 3, 32, 32]}`')
        keys.append(str(ast.literal_eval(key)))
        items.append(parse_recipe(":".join(halves[1:]), where))
    return Group("dict", tuple(items), tuple(keys))


def _split(text: str, separator: str, where: str) -> list[str]:
    """*text* at each *separator* that is in no bracket and no string."""
    parts, begin, open_brackets, quote = [], 0, [], ""
    position = 0
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in _OPENING:
            open_brackets.append(_OPENING[character])
        elif character in ")]}":
            if not open_brackets or open_brackets.pop() != character:
                raise _error(where, f"a `{character}` too many in {_cut(text)!r}")
        elif character == separator and not open_brackets:
            parts.append(text[begin:position])
            begin = position + 1
        position += 1
    if quote or open_brackets:
        raise _error(where, f"{_cut(text)!r} has no closing `{quote or open_brackets[-1]}`")
    return [*parts, text[begin:]]


def _expression(source: str, where: str) -> str:
    try:
        ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _error(
            where, f"{_cut(source)!r} is no Python expression", "write e.g. `= model.init_hidden(B)`"
        ) from None
    return source


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True


def _error(where: str, what: str, instead: str = "") -> RecipeError:
    text = f"{where}: {what}" if where else what
    return RecipeError(f"{text}: {instead}" if instead else text)


def _cut(text: str, limit: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
