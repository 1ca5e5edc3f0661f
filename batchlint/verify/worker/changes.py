"""What the worker changes while the user's code runs in any framework: no downloads, no command line, old names."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Change = tuple[Any, str, Any]
"""What holds a name, the name, and what it is to be."""


class NotDownloaded(Exception):
    """The code wants something from the network."""


class NoWeights(dict[Any, Any]):
    """In place of trained weights that were not read: the same under every name, and loading it changes nothing."""

    def __missing__(self, key: Any) -> Any:
        return NoWeights()


@contextlib.contextmanager
def changed(changes: Iterable[Change]) -> Iterator[None]:
    """Have names be what *changes* say, for the block."""
    with contextlib.ExitStack() as stack:
        for holder, name, value in changes:
            stack.callback(_restore, holder, name, holder.__dict__.get(name, _ABSENT))
            setattr(holder, name, value)
        yield


_ABSENT = object()


def _restore(holder: Any, name: str, value: Any) -> None:
    if value is _ABSENT:
        delattr(holder, name)
    else:
        setattr(holder, name, value)


def everywhere() -> Iterator[Change]:
    """What is changed in every framework."""
    import urllib.request

    yield urllib.request, "urlopen", refuse("urllib.request.urlopen")
    yield urllib.request, "urlretrieve", refuse("urllib.request.urlretrieve")
    yield from _about_command_lines()
    yield from _about_old_names()


def refuse(what: str) -> Callable[..., Any]:
    """A function that refuses to download."""

    def refused(*arguments: Any, **keywords: Any) -> Any:
        raise NotDownloaded(f"{what} would download something, which is not allowed here")

    return refused


def _about_old_names() -> Iterator[Change]:
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        old = {
            "float": float,
            "int": int,
            "bool": bool,
            "object": object,
            "str": str,
            "Inf": numpy.inf,
            "NaN": numpy.nan,
        }
        for name, value in {**old, "float_": numpy.float64, "product": numpy.prod}.items():
            if name not in numpy.__dict__:
                yield numpy, name, value


def _about_command_lines() -> Iterator[Change]:
    really_parse = argparse.ArgumentParser.parse_known_args

    def parse_known_args(self: Any, args: Any = None, namespace: Any = None) -> Any:
        """As with an empty command line; what is required gets something of its type."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                chosen = next(iter(action.choices.values()), None)
                if chosen is not None:
                    namespace, _ = parse_known_args(chosen, [], namespace)
            elif action.required and action.default is None:
                action.default = _something(action)
            action.required = False
        for group in self._mutually_exclusive_groups:
            group.required = False
        try:
            return really_parse(self, [], namespace)
        except SystemExit:
            defaults = {action.dest: action.default for action in self._actions if action.dest != "help"}
            return argparse.Namespace(**defaults), []

    def parse_args(self: Any, args: Any = None, namespace: Any = None) -> Any:
        return parse_known_args(self, args, namespace)[0]

    yield argparse.ArgumentParser, "parse_known_args", parse_known_args
    yield argparse.ArgumentParser, "parse_args", parse_args


def _something(action: argparse.Action) -> Any:
    """A value for an argument that has no default."""
    if action.choices:
        value: Any = next(iter(action.choices))
    elif action.type is int:
        value = 4
    elif action.type is float:
        value = 0.1
    elif action.nargs == 0:
        value = False
    else:
        value = action.dest
    return [value] if action.nargs in ("+", "*") or (isinstance(action.nargs, int) and action.nargs > 1) else value
