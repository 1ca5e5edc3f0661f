"""Recipes as Python with NumPy, for reports: what is fed to a model of Keras or TensorFlow."""

from __future__ import annotations

from batchlint.verify.recipes import Expression, Group, Literal, Recipe, TensorRecipe


def recipe_code(recipe: Recipe) -> str:
    """Python that makes what *recipe* describes, with ``numpy`` as ``np`` and ``B`` bound to the batch size.

    >>> recipe_code(TensorRecipe(("B", 28, 28, 1)))
    "np.random.normal(size=(B, 28, 28, 1)).astype('float32')"
    >>> recipe_code(TensorRecipe(("B", 20), "int64", "integers", 100))
    "np.random.randint(0, 100, (B, 20)).astype('int64')"
    """
    if isinstance(recipe, Literal | Expression):
        return recipe.source
    if isinstance(recipe, Group):
        items = [recipe_code(item) for item in recipe.items]
        if recipe.kind == "dict":
            return f"{{{', '.join(f'{key!r}: {item}' for key, item in zip(recipe.keys, items))}}}"
        if recipe.kind == "object":
            fields = ", ".join(f"{key.removesuffix('()')}={item}" for key, item in zip(recipe.keys, items))
            return f"types.SimpleNamespace({fields})"
        listed = ", ".join(items)
        return f"[{listed}]" if recipe.kind == "list" else f"({listed}{',' if len(items) == 1 else ''})"
    return _tensor(recipe)


def _tensor(recipe: TensorRecipe) -> str:
    listed = ", ".join(map(str, recipe.sizes))
    sizes = f"({listed}{',' if len(recipe.sizes) == 1 else ''})"
    if recipe.dtype == "string":
        return f"np.full({sizes}, 'some words of text')"
    real = recipe.dtype.startswith(("float", "bfloat", "complex"))
    values = recipe.values if real or recipe.values not in ("normal", "uniform") else "integers"
    if recipe.dtype == "bool" or values == "booleans":
        return f"(np.random.random({sizes}) < 0.5).astype({recipe.dtype!r})"
    made = {
        "normal": f"np.random.normal(size={sizes})",
        "uniform": f"np.random.random({sizes})",
        "ones": f"np.ones({sizes})",
        "zeros": f"np.zeros({sizes})",
        "lengths": f"np.random.randint(1, {(recipe.below or 1) + 1}, {sizes})",
        "integers": f"np.random.randint(0, {max(1, recipe.below or 2)}, {sizes})",
    }[values]
    return f"{made}.astype({recipe.dtype!r})"
