"""One file's plan to its targets' results, in the worker, with torch: load, build, feed, check."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import torch

from batchlint.verify.outcomes import CheckOutcome, Grade, Stage, TargetResult
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.recipe_text import recipe_code
from batchlint.verify.recipes import Inputs
from batchlint.verify.settings import Settings
from batchlint.verify.worker import device as devices
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.construction import Built
from batchlint.verify.worker.drafts import batch_axis_of
from batchlint.verify.worker.fed import Fed, NotFed
from batchlint.verify.worker.fitting import feed
from batchlint.verify.worker.hooks import capture, feed_captured
from batchlint.verify.worker.inputs import candidates
from batchlint.verify.worker.largest import largest_batch
from batchlint.verify.worker.loading import Loaded, load
from batchlint.verify.worker.loops.performing import perform_loop
from batchlint.verify.worker.performing import Handed, Performance, result_of
from batchlint.verify.worker.profiling import profile
from batchlint.verify.worker.shapes_alone import on_meta
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.surroundings import surroundings
from batchlint.verify.worker.timeouts import TimeLimit
from batchlint.verify.worker.torch_framework import TORCH
from batchlint.verify.worker.user_module import Unloadable


def perform(plan: FilePlan, settings: Settings, begin: Callable[[int], None]) -> Iterator[TargetResult]:
    """Yield one result for each wanted target of *plan*, in any order.

    Args:
        plan: what to do.
        settings: how.
        begin: is told the number of a target when work on it begins, so that whoever watches knows what hangs.
    """
    device = devices.resolve(settings.device)
    with surroundings(str(device)):
        try:
            loaded = load(plan, str(device), TORCH)
        except (Unloadable, TimeLimit) as error:
            for target in plan.targets:
                if target.wanted:
                    yield result_of(plan, target, Stage.NOT_LOADED, reason=f"the file could not be loaded: {error}")
            return
        yield from _Performance(plan, settings, begin, loaded, device).results()


class _Performance(Performance):
    def __init__(
        self, plan: FilePlan, settings: Settings, begin: Callable[[int], None], loaded: Loaded, device: torch.device
    ) -> None:
        super().__init__(plan, settings, begin, loaded, devices.describe(device))
        self.device = device

    def fed(self, made: Built, target: TargetPlan) -> Fed | NotFed:
        return feed(made, target, self.loaded, self.settings, self.loaded.is_users)

    def own_inputs(self, made: Built, target: TargetPlan) -> Iterator[Fed]:
        for candidate in candidates(made, target, self.loaded):
            if candidate.grade is Grade.CODE:
                names = {**self.loaded.namespace, "model": made.model}
                subject = Subject(
                    made.model, candidate.inputs, 4, candidate.grade, torch.device("cpu"), self.settings.seed, names,
                    self.loaded.is_users, batch_axis_of(candidate.inputs),
                )  # fmt: skip
                yield Fed(subject, candidate)

    def handed(self, parent: AnySubject, wanted: Callable[[type], bool]) -> Iterable[Handed]:
        assert isinstance(parent, Subject)
        for captured in capture(parent, wanted):
            yield Handed(captured.kind, captured.path, captured.grade, partial(feed_captured, captured, parent))

    def run_other(self, target: TargetPlan) -> TargetResult:
        return perform_loop(target, self.plan, self.loaded, self.settings)

    def answers(self, subject: AnySubject, names: Iterable[str], target: TargetPlan) -> tuple[CheckOutcome, ...]:
        assert isinstance(subject, Subject)
        if self.device.type != "cpu" and self.device.type != "meta":
            subject.model.to(self.device)
            subject.device = self.device
        asked = [*names, *(["export and run"] if self.settings.export else [])]
        if self.device.type == "meta":
            return on_meta(subject, dict.fromkeys(asked), self.within(target))
        return super().answers(subject, asked, target)

    def measured(self, number: int, subject: AnySubject) -> dict[str, Any]:
        assert isinstance(subject, Subject)
        found: dict[str, Any] = {}
        if self.device.type == "meta":
            return found
        if self.settings.profile:
            found["profiles"] = profile(subject, sorted(subject.batch_sizes))
        if self.settings.largest_batch:
            self.begin(number)
            with contextlib.suppress(OSError, NotImplementedError):  # no fork in this sandbox, or not on Linux
                seconds = self.within(self.plan.targets[number]).seconds_per_target
                largest = largest_batch(subject, self.settings.memory_bytes, seconds=seconds)
                found["largest_batch"] = largest.batch_size if largest.confirmed else None
        return found

    def code(self, inputs: Inputs) -> tuple[str, ...]:
        by_keyword = tuple(f"{name}={recipe_code(recipe)}" for name, recipe in inputs.keywords)
        return (*(recipe_code(recipe) for recipe in inputs.positional), *by_keyword)
