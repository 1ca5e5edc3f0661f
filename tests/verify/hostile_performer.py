"""Performs plans of the tests of workers: targets are functions of the plan's text, which is run as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from batchlint.verify.outcomes import Environment, Stage, TargetResult
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.settings import Settings


def perform(plan: FilePlan, settings: Settings, begin: Callable[[int], None]) -> Iterator[TargetResult]:
    """Load the text, then call what each target names; what it returns or raises is the result's reason."""
    names: dict[str, Any] = {"__name__": "users"}
    exec(compile(plan.text, plan.path, "exec"), names)
    for number, target in enumerate(plan.targets):
        if not target.wanted:
            continue
        begin(number)
        try:
            reason = f"returned {names[target.qualname]()!r}"
        except Exception as error:
            reason = f"raised {type(error).__name__}: {error}"
        environment = Environment("cpu")
        yield TargetResult(
            plan.path, target.qualname, target.kind, target.line, Stage.RUN, reason=reason, environment=environment
        )


def with_parents(plan: FilePlan, settings: Settings, begin: Callable[[int], None]) -> Iterator[TargetResult]:
    """The same, after running classes that are not wanted themselves."""
    names: dict[str, Any] = {"__name__": "users"}
    exec(compile(plan.text, plan.path, "exec"), names)
    for number, target in enumerate(plan.targets):
        if not target.wanted and target.kind == "class":
            begin(number)
            names[target.qualname]()
    yield from perform(plan, settings, begin)
