"""What a model feeds its parts: a block that nobody calls directly gets what its parent gives it.

The parent runs at two batch sizes, and the axes of its parts' arguments that grow with the batch become ``B`` or a
multiple of it. What does not depend on the batch is kept as it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from batchlint.verify.outcomes import Grade
from batchlint.verify.plan.plans import InputCandidate
from batchlint.verify.recipes import BATCH, Expression, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.drafts import batch_axis_of, has_batch
from batchlint.verify.worker.fed import Fed, NotFed
from batchlint.verify.worker.inputs import like, parameters_of
from batchlint.verify.worker.preserving import preserved_model
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.tensors import tensors_in

LARGE = 5_000_000
"""Parameters of a parent from which on it runs with few rows only."""
SMALL = (2, 3)
"""The batch sizes of such a parent."""
KEPT = "kept_"
"""How the names of objects that are kept as they are begin, in the expressions of recipes."""


@dataclass(frozen=True)
class Captured:
    """A part of a model, and what its parent feeds it.

    Attributes:
        model: the part.
        path: where it is in its parent, e.g. ``layer1.0``.
        parent: the name of the parent's class.
        inputs: what it is fed.
        control: the batch size that the parent runs at.
        grade: the parent's.
        kept: objects that *inputs* name in expressions.
    """

    model: nn.Module
    path: str
    parent: str
    inputs: Inputs
    control: int
    grade: Grade
    kept: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> type[nn.Module]:
        """The part's class."""
        return type(self.model)

    @property
    def candidate(self) -> InputCandidate:
        """Its inputs with their grade and origin."""
        return InputCandidate(self.inputs, self.grade, f"{self.parent}, which calls {self.path}")


def capture(subject: Subject, is_wanted: Callable[[type], bool]) -> list[Captured]:
    """What *subject* feeds the parts of it whose class *is_wanted*, in the order of their first calls.

    Of parts of one class that are fed the same, only the first is given. The model is left as it was.
    """
    model = subject.model
    if not isinstance(model, nn.Module):
        return []
    parts = {
        path: module for path, module in model.named_modules()
        if path and is_wanted(type(module)) and not isinstance(module, torch.jit.ScriptModule)
    }  # fmt: skip
    if not parts:
        return []
    control, other = subject.control, _other_size(subject.control)
    first: dict[str, Call] = {}
    second: dict[str, Call] = {}
    if sum(parameter.numel() for parameter in model.parameters()) > LARGE:
        first = _calls(subject, parts, SMALL[0])
        second = _calls(subject, parts, SMALL[1]) if first else {}
        control, other = SMALL
    if not second:
        control, other = subject.control, _other_size(subject.control)
        first, second = _calls(subject, parts, control), _calls(subject, parts, other)
    found: list[Captured] = []
    told: set[tuple[type, Inputs]] = set()
    for path, (positional, keywords) in first.items():
        keeper = _Keeper(control, other)
        again = second.get(path)
        if again is not None and (len(again[0]) != len(positional) or set(again[1]) != set(keywords)):
            again = None
        recipes = [keeper.recipe(v, again[0][i] if again else None) for i, v in enumerate(positional)]
        named = {n: keeper.recipe(v, again[1][n] if again else None) for n, v in keywords.items()}
        if any(recipe is None for recipe in (*recipes, *named.values())):
            continue
        names = tuple(p.name for p in parameters_of(parts[path]))[: len(recipes)]
        inputs = Inputs(
            tuple(recipe for recipe in recipes if recipe is not None),
            names,
            tuple((name, recipe) for name, recipe in named.items() if recipe is not None),
        )
        key = (type(parts[path]), inputs)
        if key in told or not has_batch(inputs):
            continue
        told.add(key)
        grade = subject.grade if again is not None else min(subject.grade, Grade.LAYER)
        found.append(Captured(parts[path], path, type(model).__name__, inputs, subject.control, grade, keeper.kept))
    return found


def feed_captured(captured: Captured, subject: Subject) -> Fed | NotFed:
    """*captured* as something that runs; *subject* is the parent that it was captured from."""
    names = {**subject.namespace, **captured.kept, "model": captured.model}
    part = replace_subject(subject, captured, names)
    with _InEvalMode(captured.model):
        run = part.run(captured.control)
    if run.failure is not None:
        reason = f"{captured.path} of {captured.parent} does not run on its own: {run.failure.message}"
        return NotFed(reason, f"say with --input what {captured.kind.__name__} is called with")
    return Fed(part, captured.candidate)


def replace_subject(subject: Subject, captured: Captured, names: Mapping[str, Any]) -> Subject:
    """The subject that *captured* is, with its parent's device, seed and namespace."""
    return Subject(
        captured.model,
        captured.inputs,
        captured.control,
        captured.grade,
        subject.device,
        subject.seed,
        names,
        subject.is_users,
        batch_axis_of(captured.inputs),
    )


Call = tuple[tuple[Any, ...], dict[str, Any]]


def _calls(subject: Subject, parts: Mapping[str, nn.Module], batch: int) -> dict[str, Call]:
    """The first call of each part while *subject* runs with *batch* rows; empty where that fails."""
    seen: dict[str, Call] = {}
    handles = []
    for path, module in parts.items():

        def note(module: nn.Module, args: Any, kwargs: Any, path: str = path) -> None:
            seen.setdefault(
                path, (tuple(_detached(value) for value in args), {k: _detached(v) for k, v in kwargs.items()})
            )

        handles.append(module.register_forward_pre_hook(note, with_kwargs=True))
    try:
        with preserved_model(subject.model), _InEvalMode(subject.model):
            run = subject.run(batch)
    finally:
        for handle in handles:
            handle.remove()
    return seen if run.failure is None else {}


class _InEvalMode:
    """Every module in eval mode, and as it was afterwards."""

    def __init__(self, model: nn.Module) -> None:
        self.modes = [(module, module.training) for module in model.modules()]

    def __enter__(self) -> None:
        for module, _ in self.modes:
            module.training = False

    def __exit__(self, *error: object) -> None:
        for module, training in self.modes:
            module.training = training


def _detached(value: Any) -> Any:
    """*value* with its tensors as they are now, whatever is done to them in place later."""
    if isinstance(value, PackedSequence):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if type(value) in (tuple, list):
        return type(value)(_detached(item) for item in value)
    if type(value) is dict:
        return {key: _detached(item) for key, item in value.items()}
    return value


def _other_size(control: int) -> int:
    """A second batch size that is no multiple of the first."""
    return control + 3 if control % 3 else control + 2


class _Keeper:
    """Turns values seen at two batch sizes into recipes."""

    def __init__(self, control: int, other: int) -> None:
        self.control, self.other = control, other
        self.kept: dict[str, Any] = {}

    def recipe(self, first: Any, second: Any) -> Recipe | None:
        """What makes a value like these, ``None`` where it depends on the batch in a way that is not understood."""
        if isinstance(first, PackedSequence):
            steps, width = len(first.batch_sizes), tuple(first.data.shape[1:])
            made = ", ".join(map(str, (steps, *width)))
            return Expression(f"torch.nn.utils.rnn.pack_sequence([torch.randn({made}) for _ in range(B)])")
        if isinstance(first, torch.Tensor):
            return self._tensor(first, second if isinstance(second, torch.Tensor) else None)
        if isinstance(first, bool | str | type(None)):
            return Literal(repr(first)) if second is None or first == second else None
        if isinstance(first, int | float):
            return self._number(first, second)
        if type(first) in (tuple, list) or type(first) is dict:
            return self._group(first, second)
        if isinstance(first, torch.device | torch.dtype | torch.Size) and first == second:
            return self._keep(first)
        if first is second and not tensors_in(first):
            return self._keep(first)
        return None

    def _group(self, first: Any, second: Any) -> Recipe | None:
        values = list(first.values()) if isinstance(first, dict) else list(first)
        others: list[Any] = [None] * len(values)
        if type(second) is type(first):
            if len(second) != len(first):
                return None
            others = list(second.values()) if isinstance(second, dict) else list(second)
        items = [self.recipe(value, other) for value, other in zip(values, others)]
        if any(item is None for item in items):
            return None
        whole = tuple(item for item in items if item is not None)
        if isinstance(first, dict):
            return Group("dict", whole, tuple(first)) if all(isinstance(key, str) for key in first) else None
        if not any(isinstance(item, TensorRecipe | Expression | Group) for item in whole) and first == second:
            return Literal(repr(first))
        return Group("list" if isinstance(first, list) else "tuple", whole)

    def _number(self, first: float, second: Any) -> Recipe | None:
        if second is None or first == second:
            return Literal(repr(first)) if _is_literal(repr(first)) else self._keep(first)
        if isinstance(first, int) and isinstance(second, int) and first * self.other == second * self.control:
            factor = first // self.control
            if factor * self.control == first:
                return Expression(BATCH if factor == 1 else f"{factor} * B")
        return None

    def _tensor(self, first: torch.Tensor, second: torch.Tensor | None) -> Recipe | None:
        if second is None:
            sizes = tuple(
                BATCH if axis == 0 and size == self.control else size for axis, size in enumerate(first.shape)
            )
            return like(first, sizes)
        if first.dim() != second.dim() or first.dtype != second.dtype:
            return None
        if first.shape == second.shape and (first.dim() == 0 or torch.equal(first, second)):
            return self._keep(first)
        made: list[int | str] = []
        for one, other in zip(first.shape, second.shape):
            if one == other:
                made.append(one)
            elif one * self.other == other * self.control and one % self.control == 0:
                factor = one // self.control
                made.append(BATCH if factor == 1 else f"{factor}*{BATCH}")
            else:
                return None
        larger = like(first, tuple(made)), like(second, tuple(made))
        bounds = [each.below for each in larger if each.below is not None]
        agreed = larger[0] if larger[0].values == larger[1].values else replace(larger[0], values="normal")
        return replace(agreed, below=max(bounds)) if bounds else agreed

    def _keep(self, value: Any) -> Expression:
        name = f"{KEPT}{len(self.kept)}"
        self.kept[name] = value
        return Expression(name)


def _is_literal(source: str) -> bool:
    try:
        ast.literal_eval(source)
    except (SyntaxError, ValueError):
        return False
    return True
