"""All rules, found by importing the modules of this package on first need."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

from batchlint.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def _rules_of(module: ModuleType) -> Iterator[type[Rule]]:
    for value in vars(module).values():
        is_rule = isinstance(value, type) and issubclass(value, Rule) and hasattr(value, "code")
        if is_rule and value.__module__ == module.__name__:
            yield value


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """One instance of every rule, sorted by code.

    Raises:
        RuntimeError: two rules share a code or a name.
    """
    package = importlib.import_module("batchlint.rules")
    found = [
        rule()
        for module in pkgutil.iter_modules(package.__path__, "batchlint.rules.")
        for rule in _rules_of(importlib.import_module(module.name))
    ]
    for attribute in ("code", "name"):
        seen = [getattr(rule, attribute) for rule in found]
        if twice := sorted({value for value in seen if seen.count(value) > 1}):
            raise RuntimeError(f"several rules have the {attribute} {', '.join(twice)}")
    return tuple(sorted(found, key=lambda rule: rule.code))


@functools.cache
def rules_by_code() -> dict[str, Rule]:
    """Every rule by its code."""
    return {rule.code: rule for rule in all_rules()}
