"""What loading files and building models needs to know of a framework; each framework says it of itself."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Framework:
    """A framework, as far as loading and building go.

    Attributes:
        packages: its own top-level packages, which nothing stands in for.
        model: what its models are called in a sentence.
        is_model_class: whether a class is one of models.
        is_model: whether an object is a model.
        parts: the parts of a model with their paths, itself first under an empty one.
        base: the class of models, whose own constructor tells nothing of a derived one's.
        equivalent: what to take for a name of a module that does not have it; ``None`` where nothing is known.
        equivalent_module: what to take for a module that is gone; ``None`` where nothing is known.
        equivalents_of: what is known of a module that cannot be imported.
        seed: seed all random numbers.
        capped: raise `TooBig` in the block where the parameters that are made in it take too much memory.
        names: what the sources of guessed arguments mean.
        phrase: the source of a guessed argument, written for torch, as the framework has it; ``""`` where it has none.
        named: guesses for a constructor's parameter of a name that means something in this framework.
        signature: the parameters of a class's constructor.
    """

    packages: frozenset[str]
    model: str
    is_model_class: Callable[[Any], bool]
    is_model: Callable[[Any], bool]
    parts: Callable[[Any], Iterator[tuple[str, Any]]]
    base: type
    equivalent: Callable[[str, str], Any]
    equivalent_module: Callable[[str], types.ModuleType | None]
    equivalents_of: Callable[[str], Mapping[str, Any]]
    seed: Callable[[int], None]
    capped: Callable[[], AbstractContextManager[None]]
    names: Mapping[str, Any] = field(default_factory=dict)
    phrase: Callable[[str], str] = lambda source: source
    named: Callable[[str], tuple[str, ...]] = lambda name: ()
    signature: Callable[[Any], inspect.Signature] = inspect.signature

    def is_own(self, kind: type) -> bool:
        """Whether a class is the framework's."""
        return kind.__module__.partition(".")[0] in self.packages


MAXIMUM_BYTES = 1_500_000_000
"""Of parameters, beyond which a model is not built."""


class TooBig(Exception):
    """The parameters take more memory than a model may."""

    def __init__(self) -> None:
        super().__init__(f"its parameters take more than {MAXIMUM_BYTES / 1e9:g} GB")
