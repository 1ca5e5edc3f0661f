"""What the sources tell of a model's inputs: the user's word, calls, the evaluator's shapes, names of parameters."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from batchlint.verify.outcomes import Construction, Grade
from batchlint.verify.plan.plans import InputCandidate, SourceCall, TargetPlan
from batchlint.verify.recipes import BATCH, Expression, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.drafts import Draft
from batchlint.verify.worker.guesses import STEPS, Hints, guesses, hints_from
from batchlint.verify.worker.timeouts import TimeLimit, limit

SECONDS_PER_CALL = 2.0

USERS_WORD = ("--input", "batchlint: input", "pyproject.toml")
"""How the origins of what the user says begin."""


class BuiltModel(Protocol):
    """What is needed of a model that was built."""

    @property
    def model(self) -> Any:
        """The model."""

    @property
    def construction(self) -> Construction:
        """How it was made."""

    @property
    def calls(self) -> tuple[SourceCall, ...]:
        """Calls of the instance near its construction."""


class LoadedModule(Protocol):
    """What is needed of a user's module that was loaded."""

    @property
    def namespace(self) -> Mapping[str, Any]:
        """The module's names."""

    def scope(self, setup: Sequence[str] = (), path: str = "") -> Mapping[str, Any]:
        """The names of the file at *path* after some statements."""

    def evaluate(self, source: str, setup: Sequence[str] = (), path: str = "") -> Any:
        """The value of an expression after some statements, in the file at *path*."""


def parameters_of(model: Any) -> tuple[inspect.Parameter, ...]:
    """The parameters of *model*'s call, without ``self``; empty where they cannot be told."""
    if isinstance(model, torch.jit.ScriptModule):
        return _scripted(model)
    called = model.forward if isinstance(model, nn.Module) else model
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):
        return ()
    return tuple(p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD)


def _scripted(model: Any) -> tuple[inspect.Parameter, ...]:
    """The parameters of a compiled ``forward``, which has a schema in place of a signature."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    try:
        arguments = model.forward.schema.arguments[1:]
        return tuple(
            inspect.Parameter(
                each.name, kind, default=each.default_value if each.has_default_value() else inspect.Parameter.empty
            )
            for each in arguments
        )
    except (AttributeError, RuntimeError, ValueError):
        return (inspect.Parameter("x", kind),)


def is_users_word(candidate: InputCandidate) -> bool:
    """Whether the user said it, so that nothing else is to be tried."""
    return candidate.origin.startswith(USERS_WORD)


def users_word(target: TargetPlan) -> tuple[InputCandidate, ...]:
    """What the user said outright."""
    return tuple(candidate for candidate in target.inputs if is_users_word(candidate))


def candidates(built: BuiltModel, target: TargetPlan, loaded: LoadedModule) -> Iterator[InputCandidate]:
    """Inputs that the sources tell, best first: the user's word, real calls, the evaluator's shapes.

    Nothing else follows the user's word.
    """
    said = users_word(target)
    if said:
        yield from said
        return
    for call in built.calls:
        try:
            with limit(SECONDS_PER_CALL):
                found = list(from_call(call, built.model, functools.partial(_value, loaded, call)))
        except TimeLimit:
            continue
        yield from found
    yield from target.inputs


def _value(loaded: LoadedModule, call: SourceCall, source: str) -> Any:
    return loaded.evaluate(source, call.setup, call.path)


def from_call(call: SourceCall, model: Any, value_of: Callable[[str], Any]) -> Iterator[InputCandidate]:
    """The inputs of a call in the sources; nothing where an argument cannot be evaluated."""
    positional: list[Any] = []
    keywords: list[tuple[str, Any]] = []
    try:
        for source in call.arguments:
            if source.startswith("*"):
                positional.extend(value_of(source[1:]))
            else:
                positional.append(value_of(source))
        for name, source in call.keywords:
            if name == "**":
                keywords.extend(dict(value_of(source)).items())
            else:
                keywords.append((name, value_of(source)))
    except TimeLimit:
        raise
    except BaseException:
        return
    tensors = [t for t in (*positional, *(v for _, v in keywords)) if isinstance(t, torch.Tensor) and t.dim()]
    if not tensors:
        return
    rows = _rows(tensors)
    names = [p.name for p in parameters_of(model)]
    sources = [*call.arguments, *(source for _, source in call.keywords)]
    recipes = [_recipe(value, rows, source) for value, source in zip([*positional, *(v for _, v in keywords)], sources)]
    if any(recipe is None for recipe in recipes) or len(recipes) != len(positional) + len(keywords):
        return
    given = [recipe for recipe in recipes if recipe is not None]
    inputs = Inputs(
        tuple(given[: len(positional)]),
        tuple(names[: len(positional)]),
        tuple((name, recipe) for (name, _), recipe in zip(keywords, given[len(positional) :])),
    )
    yield InputCandidate(inputs, Grade.CODE, f"{call.path}:{call.line}")


def _rows(tensors: Sequence[torch.Tensor]) -> int:
    """The size of the batch: of the first tensor's first axis, or what all tensors have on their first or second.

    The state of a recurrent layer has the batch on its second axis, and may be the first argument.
    """
    first = int(tensors[0].shape[0])
    if all(first in tensor.shape[:2] for tensor in tensors):
        return first
    shared = set.intersection(*({int(size) for size in tensor.shape[:2]} for tensor in tensors))
    return max(shared, default=first)


def _recipe(value: Any, rows: int, source: str) -> Recipe | None:
    """The recipe of a value in a call whose batch has so many *rows*."""
    if isinstance(value, torch.Tensor):
        place = 1 if value.dim() > 1 and value.shape[0] != rows else 0
        sizes = tuple(BATCH if axis == place and size == rows else size for axis, size in enumerate(value.shape))
        return like(value, sizes)
    if isinstance(value, bool | int | float | str | type(None)):
        return Literal(repr(value))
    if isinstance(value, tuple | list):
        items = [_recipe(item, rows, source) for item in value]
        if any(item is None for item in items):
            return None
        return Group("list" if isinstance(value, list) else "tuple", tuple(item for item in items if item is not None))
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        items = [_recipe(item, rows, source) for item in value.values()]
        if any(item is None for item in items):
            return None
        return Group("dict", tuple(item for item in items if item is not None), tuple(value))
    return None


def like(tensor: torch.Tensor, sizes: tuple[int | str, ...]) -> TensorRecipe:
    """A recipe of tensors like *tensor*, with these sizes."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.dtype is torch.bool:
        constant = tensor.numel() > 0 and tensor.device.type != "meta" and bool(tensor.all())
        return TensorRecipe(sizes, dtype, "ones" if constant else "booleans")
    known = tensor.numel() > 0 and tensor.device.type != "meta"
    if not tensor.is_floating_point() and not tensor.is_complex():
        below = int(tensor.max()) + 1 if known else None
        return TensorRecipe(sizes, dtype, "integers", max(below, 1) if below is not None else None)
    if known and tensor.is_floating_point():
        values = tensor.detach().flatten()[:4096]
        low, high = float(values.min()), float(values.max())
        if low == high:
            # A placeholder or a first state: samples that are all alike would show nothing.
            return TensorRecipe(sizes, dtype)
        if low >= 0.0 and high <= 1.0 and bool(((values == 0) | (values == 1)).all()):
            return TensorRecipe(sizes, dtype, "booleans")
        if low >= 0.0:
            return TensorRecipe(sizes, dtype, "uniform")
    return TensorRecipe(sizes, dtype)


def hints_of(built: BuiltModel, loaded: LoadedModule) -> Hints:
    """What the model's construction and its module tell of sizes."""
    bound = getattr(built, "arguments", None)
    if not isinstance(bound, Mapping):
        bound = _bound(built, loaded)
    names = dict(loaded.namespace)
    if built.construction.module:
        # The script that makes the model has its options.
        names.update(_namespace_at(loaded, built.construction.module))
    return hints_from(bound, built.model, names)


def _namespace_at(loaded: LoadedModule, path: str) -> Mapping[str, Any]:
    try:
        return loaded.scope((), path)
    except TimeLimit:
        raise
    except BaseException:
        return {}


def _bound(built: BuiltModel, loaded: LoadedModule) -> Mapping[str, Any]:
    """The constructor's arguments by name, from the construction's expression; what cannot be evaluated is left out."""
    try:
        parsed = ast.parse(built.construction.expression, mode="eval").body
        signature = inspect.signature(type(built.model).__init__)
    except (SyntaxError, ValueError, TypeError):
        return {}
    if not isinstance(parsed, ast.Call):
        return {}
    call = SourceCall(built.construction.module, 1, setup=built.construction.setup)
    found = {p.name: p.default for p in signature.parameters.values() if p.default is not p.empty and p.name != "self"}
    names = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
    for name, node in (*zip(names, parsed.args), *((k.arg, k.value) for k in parsed.keywords if k.arg)):
        try:
            found[str(name)] = _value(loaded, call, ast.unparse(node))
        except TimeLimit:
            raise
        except BaseException:
            found.pop(str(name), None)
    return found


def first_drafts(
    parameters: tuple[inspect.Parameter, ...], model: Any, hints: Hints, batch: int
) -> tuple[list[Draft], tuple[tuple[str, Recipe], ...]]:
    """Drafts from the parameters' names, and a first guess at each parameter that has a default."""
    required: list[tuple[str, list[Recipe]]] = []
    optional: list[tuple[str, Recipe]] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            if not required:
                required.append((f"{parameter.name}.0", [hints.image()]))
            continue
        found = guesses(parameter, model, hints)
        if parameter.default is parameter.empty:
            required.append((parameter.name, found))
        elif parameter.default is None or isinstance(parameter.default, torch.Tensor):
            optional.append((parameter.name, found[0]))
        if not required and parameter is parameters[-1] and optional:
            # Everything has a default: the first is what is fed.
            required.append((optional[0][0], guesses(parameters[0], model, hints)))
    if is_graph(parameters):
        # Rows are the nodes of one graph, as many as the adjacency matrix has.
        batch = STEPS
    drafts = [Draft(tuple((name, found[0]) for name, found in required), batch)]
    if sum(len(found) > 1 for _, found in required) > 1:
        drafts.append(Draft(tuple((name, found[min(1, len(found) - 1)]) for name, found in required), batch))
    for name, found in required:
        drafts += [drafts[0].with_recipe(name, other) for other in found[1:]]
    return drafts, tuple(optional)


_GRAPH = re.compile(
    r"(?:g|graphs?|edge_(?:index|attr|weight|feats?)|adj\w*|adjacency\w*|edges|laplacian|a_hat)\Z", re.IGNORECASE
)


def is_graph(parameters: tuple[inspect.Parameter, ...], draft: Draft | None = None) -> bool:
    """Whether a parameter makes the model one over the nodes of a graph, whose rows are no samples of a batch.

    So does a part of an argument in *draft*.
    """
    recipes = [recipe for _, recipe in draft.recipes] if draft is not None else []
    parts = [key for recipe in recipes if isinstance(recipe, Group) for key in recipe.keys]
    return any(_GRAPH.match(name) for name in (*(parameter.name for parameter in parameters), *parts))


def bounded(inputs: Inputs, bounds: Mapping[str, int]) -> Inputs:
    """*inputs* with the indices of each argument in *bounds* below the bound."""

    def bound(name: str, recipe: Recipe) -> Recipe:
        if isinstance(recipe, TensorRecipe) and name in bounds and recipe.values == "integers":
            below = bounds[name] if recipe.below is None else min(recipe.below, bounds[name])
            return TensorRecipe(recipe.sizes, recipe.dtype, recipe.values, below)
        if isinstance(recipe, Group):
            names = [f"{name}.{key}" for key in recipe.keys] or [name] * len(recipe.items)
            return Group(recipe.kind, tuple(map(bound, names, recipe.items)), recipe.keys)
        return recipe

    names = (*inputs.names, *[""] * len(inputs.positional))
    return Inputs(
        tuple(bound(name, recipe) for name, recipe in zip(names, inputs.positional)),
        inputs.names,
        tuple((name, bound(name, recipe)) for name, recipe in inputs.keywords),
    )


def describe_missing(parameters: tuple[inspect.Parameter, ...]) -> tuple[str, ...]:
    """A line to fill in for each parameter that must be given: ``x: float32[B, ?, ?, ?]``."""
    lines = []
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.kind not in (
            parameter.VAR_POSITIONAL,
            parameter.VAR_KEYWORD,
        ):
            recipe = next(iter(guesses(parameter, None, Hints())), None)
            lines.append(f"{parameter.name}: {_template(recipe)}")
    return tuple(lines) or ("x: float32[B, ?]",)


def _template(recipe: Recipe | None) -> str:
    if isinstance(recipe, TensorRecipe):
        sizes = ", ".join(BATCH if size == BATCH else "?" for size in recipe.sizes)
        return f"{recipe.dtype}[{sizes}]" + (" < ?" if recipe.dtype == "int64" else "")
    if isinstance(recipe, Expression):
        return f"= {recipe.source}"
    if isinstance(recipe, Literal):
        return recipe.source
    return "float32[B, ?]"


_OWN = re.compile(r"(?:batch_?size|bs|bsz|n_?batch|batch)\Z", re.IGNORECASE)


def own_sizes(built: BuiltModel, target: TargetPlan, hinted: Mapping[str, Any]) -> tuple[int, ...]:
    """Batch sizes that the code may be written for: the plan's, the model's attributes, the construction's."""
    found = list(target.own_batch_sizes)
    modules = list(built.model.modules())[:50] if isinstance(built.model, nn.Module) else [built.model]
    for source in (*(getattr(module, "__dict__", {}) for module in modules), hinted):
        found += [
            value
            for name, value in source.items()
            if isinstance(name, str) and _OWN.match(name) and isinstance(value, int) and not isinstance(value, bool)
        ]
    return tuple(dict.fromkeys(size for size in found if 1 <= size <= 4096))
