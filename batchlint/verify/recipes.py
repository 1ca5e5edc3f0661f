"""Recipes of inputs: what to make anew for each batch size, as data and as text.

The text is what users write in ``--input``, in comments and in ``pyproject.toml``, and what reports show:
``x: float32[B, 3, 32, 32]``, ``tokens: int64[B, 20] < 1000``, ``hidden: (float32[2, B, 64], float32[2, B, 64])``,
``mask: None``, ``temperature: 0.5`` or, evaluated in the user's module with ``B`` bound to the batch size,
``state: = model.init_hidden(B)``.
"""

from __future__ import annotations

from dataclasses import dataclass

BATCH = "B"
"""The batch size in `TensorRecipe.sizes`; ``2*B`` is a multiple of it."""

DTYPES = (
    "float16", "bfloat16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool", "complex64",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorRecipe:
    """A tensor.

    Attributes:
        sizes: numbers, ``"B"`` or a multiple such as ``"2*B"``; empty for a scalar.
        dtype: one of `DTYPES`.
        values: ``normal``, ``uniform`` (0 to 1), ``integers`` (0 to *below*), ``booleans``, ``ones``, ``zeros`` or
            ``lengths`` (1 to *below*, the largest first and equal to it).
        below: exclusive bound of ``integers``, inclusive bound of ``lengths``.
    """

    sizes: tuple[int | str, ...]
    dtype: str = "float32"
    values: str = "normal"
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is the same at every batch size, as Python source: ``None``, ``0.5``, ``'mean'``."""

    source: str


@dataclass(frozen=True, slots=True)
class Expression:
    """Python evaluated in the user's module, with ``B`` for the batch size and ``model`` for the built model."""

    source: str


@dataclass(frozen=True, slots=True)
class Group:
    """Several recipes.

    *kind* is ``tuple``, ``list``, ``dict`` or ``object``. Of the last two, *keys* has a key or the name of an attribute
    for each, ``to_here()`` for what a method gives.
    """

    kind: str
    items: tuple[Recipe, ...]
    keys: tuple[str, ...] = ()


Recipe = TensorRecipe | Literal | Expression | Group


@dataclass(frozen=True, slots=True)
class Inputs:
    """The arguments of one call.

    Attributes:
        positional: recipes in order, with the parameters' names where they are known.
        names: a name for each positional recipe, for reports; may be shorter.
        keywords: recipes by keyword.
    """

    positional: tuple[Recipe, ...] = ()
    names: tuple[str, ...] = ()
    keywords: tuple[tuple[str, Recipe], ...] = ()
