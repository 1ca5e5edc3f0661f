"""Objects that the code makes: of its own classes, of the framework's, and the options of a command line."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from batchlint.semantics.batch_names import names_batch_size
from batchlint.verify.worker.loops import naming
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.operations import apply
from batchlint.verify.worker.loops.standins import StandIn, holds_standin
from batchlint.verify.worker.loops.under_way import USER_MODULE, current
from batchlint.verify.worker.loops.world import World


def instance_of(world: World, of: type, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What calling a class gives; a stand-in for data sets, models and optimizers."""
    name = of.__name__
    if of.__module__ == USER_MODULE:
        kept = name in world.exempt or any(base.__name__ in world.exempt for base in of.__mro__)
        if world.tensors is not None and issubclass(of, framework().modules):
            try:
                return of(*arguments, **keywords)
            except Exception:
                return StandIn(world, name)
        if issubclass(of, (*framework().modules, *framework().datasets)) and not kept:
            return StandIn(world, name)
        return of(*arguments, **keywords)
    if issubclass(of, BaseException):
        return of(*[str(each) for each in arguments])
    made = framework().make(world, of, arguments, keywords)
    if made is not NotImplemented:
        return made
    if holds_standin(arguments) or holds_standin(keywords):
        if of.__module__ == "builtins" or of.__module__.startswith(("collections", "itertools")):
            return of(*arguments, **keywords)
        if of.__module__.startswith("numpy"):
            return apply(world, name, arguments, keywords)
    try:
        return of(*arguments, **keywords)
    except Exception:
        if holds_standin(arguments) or holds_standin(keywords):
            return StandIn(world, name)
        raise


class Options(argparse.Namespace):
    """Options of the command line; those without a default are stand-ins."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = naming.value_named(current(), name)
        return StandIn(current(), name) if found is None else found


def options_of(world: World, parser: argparse.ArgumentParser) -> Options:
    """The options that a parser has when nothing is said on the command line."""
    found = Options()
    for action in parser._actions:
        if action.dest in ("help", argparse.SUPPRESS):
            continue
        value = action.default
        if isinstance(value, str) and callable(action.type):
            with contextlib.suppress(Exception):
                value = action.type(value)
        if value is None or (action.dest in world.choices) or action.dest in world.constants:
            continue
        if naming.names_epochs(action.dest) and isinstance(value, int):
            value = min(value, 1)
        if names_batch_size(action.dest) and isinstance(value, int):
            world.batch_sizes.add(value)
            value = world.forced or value
        setattr(found, action.dest, value)
    return found
