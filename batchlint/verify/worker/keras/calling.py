"""How a model is called: its parameters, and what its code makes of each."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from batchlint.verify.plan.syntax import FunctionNode

MODES = frozenset({"training", "is_training", "train"})
"""Parameters that say whether it is called in training."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What is made of a parameter: so many items (``a, b = inputs``), or items by key (``inputs["title"]``)."""

    items: int = 0
    keys: tuple[str, ...] = ()


def overrides_call(model: Any) -> bool:
    """Whether a layer has a ``__call__`` of its own, in place of the one that knows of modes and comes to ``call``."""
    for kind in type(model).__mro__:
        if kind.__module__.partition(".")[0] in ("keras", "tensorflow"):
            return False
        if "call" in vars(kind) or "__call__" in vars(kind):
            return "__call__" in vars(kind)
    return False


def called_by(model: Any) -> Any:
    """The method that a call of *model* comes to."""
    if isinstance(model, keras.layers.Layer) and not overrides_call(model):
        return model.call
    return model.__call__ if not inspect.isfunction(model) else model


def parameters_of(model: Any) -> tuple[inspect.Parameter, ...]:
    """The parameters of a call but for those of its mode, after which others are given by name.

    Empty where they cannot be told.
    """
    try:
        called = called_by(model)
        # A traced function has its parameters, and not ``self``, in what it was made of.
        signature = inspect.signature(getattr(called, "python_function", called))
    except (TypeError, ValueError):
        return ()
    found: list[inspect.Parameter] = []
    after_mode = False
    for each in signature.parameters.values():
        if each.name in MODES:
            after_mode = True
        elif each.kind is not each.VAR_KEYWORD and each.name != "self":
            by_name = after_mode and each.kind is each.POSITIONAL_OR_KEYWORD
            found.append(each.replace(kind=each.KEYWORD_ONLY) if by_name else each)
    return tuple(found)


def has_no_call(model: Any) -> bool:
    """Whether a model has nothing to call."""
    if isinstance(model, keras.Sequential) or hasattr(model, "_operations") or overrides_call(model):
        return False
    if isinstance(model, keras.layers.Layer):
        return type(model).call in (keras.layers.Layer.call, keras.Model.call)
    return not callable(model)


def node_of(function: Any, trees: Mapping[str, ast.Module]) -> FunctionNode | None:
    """The definition of *function* in the user's files, by file name."""
    code: Any = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    tree = None if code is None else trees.get(code.co_filename)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            lines = [node.lineno, *(each.lineno for each in node.decorator_list)]
            if code.co_firstlineno in lines:
                return node
    return None


def unpacked(function: FunctionNode, name: str) -> Unpacked | None:
    """What *function* makes of its parameter *name*; ``None`` where that is not told."""
    keys: dict[str, None] = {}
    indices: set[int] = set()
    several = False
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == name:
            for target in node.targets:
                if isinstance(target, ast.Tuple | ast.List) and not any(
                    isinstance(each, ast.Starred) for each in target.elts
                ):
                    return Unpacked(len(target.elts))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == name:
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                keys[node.slice.value] = None
            elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
                indices.add(node.slice.value)
            elif not isinstance(node.slice, ast.Name):
                indices.add(-99)  # a slice or the like: of a tensor
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("len", "zip", "enumerate")
        ):
            several |= any(isinstance(each, ast.Name) and each.id == name for each in node.args)
        if isinstance(node, ast.For | ast.comprehension):
            several |= isinstance(node.iter, ast.Name) and node.iter.id == name
    if keys:
        return Unpacked(keys=tuple(keys))
    if len(indices) > 1 and min(indices) == 0 and max(indices) == len(indices) - 1:
        return Unpacked(max(indices) + 1)
    return Unpacked(2) if several else None


def uses_shape_of(function: FunctionNode, name: str) -> bool:
    """Whether *function* asks for the shape of its parameter *name*, which a list has not."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("shape", "dtype")
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        for node in ast.walk(function)
    )
