"""A configuration that nobody wrote: it answers every name with a guess, and remembers what it was asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from batchlint.verify.worker.guessed_arguments import Use, guesses

SETTINGS = "Settings()"
"""The guess for a parameter that is read by attributes or by keys."""


class Settings(dict[str, Any]):
    """Stands in for ``args`` or ``config``: attributes and items, given as source, others guessed by their names.

    Attributes:
        made: the configurations made since it was last cleared, by the name of the parameter that they are given for.
        names_of_framework: what the sources mean, the framework's.
        phrase_of_framework: gives a source in the words of the framework, see `Framework`.
        sources: what each name has, as source.
        by_key: whether anything was asked as an item.
    """

    made: ClassVar[dict[str, Settings]] = {}
    names_of_framework: ClassVar[Mapping[str, Any]] = {}
    phrase_of_framework: ClassVar[Callable[[str], str]] = str

    def __init__(self, name: str = "", /, **sources: str) -> None:
        super().__init__()
        self.__dict__.update(sources=dict(sources), by_key=False, place=name)
        Settings.made[name] = self
        for each, source in sources.items():
            self[each] = eval(source, {**Settings.names_of_framework, "Settings": Settings})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self:
            self.sources[name] = by_name(name)[0]
            self[name] = eval(self.sources[name], dict(Settings.names_of_framework))
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __missing__(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise KeyError(name)
        self.__dict__["by_key"] = True
        return self.__getattr__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary has it."""
        return super().get(name, default)

    def written(self) -> str:
        """Python for a plain configuration with the same answers."""
        inner = ", ".join(
            f"{name}={self[name].written() if isinstance(self.get(name), Settings) else source}"
            for name, source in self.sources.items()
        )
        return f"dict({inner})" if self.by_key else f"types.SimpleNamespace({inner})"


def by_name(name: str) -> list[str]:
    """Guesses for a value of that name."""
    found = guesses(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY), Use(frozenset()), {}, lambda name: [])
    return [phrased for each in found if (phrased := Settings.phrase_of_framework(each))]
