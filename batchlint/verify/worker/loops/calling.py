"""What a call in the user's code does when stand-ins may be among its arguments.

Every call of the user's code comes through `call`. Functions of the user's own file run for real; data sources, models
and frameworks that are given stand-ins answer with stand-ins; side effects (printing, plotting, saving) do nothing.
"""

from __future__ import annotations

import argparse
import builtins
import functools
import types
from collections.abc import Mapping
from typing import Any

from batchlint.verify.worker.loops.deliveries import note_delivery, note_empty
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.instances import instance_of, options_of
from batchlint.verify.worker.loops.operations import apply
from batchlint.verify.worker.loops.replaced import handler_of
from batchlint.verify.worker.loops.standin_calls import call_standin
from batchlint.verify.worker.loops.standins import StandIn, first_of, holds_standin, rows_of
from batchlint.verify.worker.loops.under_way import USER_MODULE, current
from batchlint.verify.worker.loops.world import Compared, Place, World


def call(line: int, column: int, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
    """Call *function* as the user's code does at this place."""
    world = current()
    world.place = Place(line, column)
    world.step()
    if isinstance(function, StandIn):
        return call_standin(function, arguments, keywords)
    if isinstance(function, functools.partial):
        merged = {**function.keywords, **keywords}
        return call(line, column, function.func, *function.args, *arguments, **merged)
    owner, named = getattr(function, "__self__", None), getattr(function, "__name__", "")
    if isinstance(owner, argparse.ArgumentParser) and named in ("parse_args", "parse_known_args"):
        options = options_of(world, owner)
        return (options, []) if named == "parse_known_args" else options
    found = framework().answer(world, function, arguments, keywords)
    if found is not NotImplemented:
        return found
    handler = handler_of(function)
    if handler is not None:
        return handler(world, arguments, keywords)
    if isinstance(function, type):
        return instance_of(world, function, arguments, keywords)
    if _is_users(function):
        return function(*arguments, **keywords)
    if isinstance(owner, (*framework().tensors, *framework().modules)) and (
        named == "cuda" or (named == "to" and holds_standin(arguments))
    ):
        return owner
    if world.tensors is not None:
        _note_compared(world, function, named, arguments, keywords)
    if not holds_standin(arguments) and not holds_standin(keywords):
        return _plain(world, function, arguments, keywords)
    return _given_standins(world, function, arguments, keywords)


def _plain(world: World, function: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    module = getattr(function, "__module__", "") or ""
    if module.startswith(("torch.cuda", "torch.distributed", "torch.multiprocessing", "torch.hub", "urllib", "shutil")):
        return False if getattr(function, "__name__", "").startswith("is_") else StandIn(world, "cuda")
    return function(*arguments, **keywords)


_ELEMENTWISE = {
    "mse_loss": "mse_loss",
    "l1_loss": "l1_loss",
    "smooth_l1_loss": "smooth_l1_loss",
    "huber_loss": "huber_loss",
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
}
"""Losses that broadcast their operands, by the names of functions and layers."""


def _note_compared(
    world: World, function: Any, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]
) -> None:
    loss, tensors = _ELEMENTWISE.get(name or type(function).__name__), framework().tensors
    left = arguments[0] if arguments else keywords.get("input")
    right = arguments[1] if len(arguments) > 1 else keywords.get("target")
    if loss is not None and isinstance(left, tensors) and isinstance(right, tensors):
        shapes = tuple(left.shape), tuple(right.shape)
        world.compared.append(Compared(world.place, loss, *shapes, world.made is None))


def _is_users(function: Any) -> bool:
    inner = getattr(function, "__func__", function)
    if isinstance(inner, types.FunctionType):
        return inner.__module__ == USER_MODULE
    return type(inner).__module__ == USER_MODULE and not isinstance(inner, framework().modules)


def _given_standins(world: World, function: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    if isinstance(function, framework().modules):
        return _module(world, function, arguments, keywords)
    name = getattr(function, "__name__", type(function).__name__)
    module = getattr(function, "__module__", None) or type(getattr(function, "__self__", None)).__module__ or ""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, (*framework().arrays, *framework().owners)):
        return apply(world, name, (owner, *arguments), keywords)
    if module.split(".")[0] in framework().operations and not isinstance(owner, list):
        note_delivery(world, arguments, keywords)
        return apply(world, name, arguments, keywords)
    try:
        return function(*arguments, **keywords)
    except (StopIteration, AssertionError):
        raise
    except Exception:
        if isinstance(owner, list | dict | set) or owner is builtins:
            raise
        return apply(world, name, arguments, keywords)


def _module(world: World, module: Any, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    note_delivery(world, arguments, keywords)
    name = type(module).__name__
    if framework().is_loss(module):
        return apply(world, "any_loss", arguments, {"reduction": getattr(module, "reduction", "mean")})
    subject = first_of(arguments, keywords)
    ids = rows_of(subject) if subject is not None and subject._bl_known() else None
    note_empty(world, arguments)
    return StandIn(world, name, ids=ids)
