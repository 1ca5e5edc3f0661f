"""One file's plan to its targets' results, in the worker: load, build, feed, check."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from batchlint.verify.outcomes import Construction, Environment, Failure, Grade, Profile, Stage, TargetResult
from batchlint.verify.plan.plans import FilePlan, InputCandidate, TargetPlan
from batchlint.verify.recipe_text import format_input, format_recipe, recipe_code
from batchlint.verify.recipes import Inputs, Recipe
from batchlint.verify.sandbox.refusals import refusal
from batchlint.verify.settings import Settings
from batchlint.verify.worker import device as devices
from batchlint.verify.worker.checking import run_checks, usual_checks
from batchlint.verify.worker.construction import Built, NotBuilt, constructions
from batchlint.verify.worker.drafts import batch_axis_of
from batchlint.verify.worker.failures import same_file
from batchlint.verify.worker.fitting import Fed, NotFed, feed
from batchlint.verify.worker.hooks import capture, feed_captured
from batchlint.verify.worker.inputs import candidates
from batchlint.verify.worker.largest import largest_batch
from batchlint.verify.worker.loading import Loaded, load
from batchlint.verify.worker.loops.performing import perform_loop
from batchlint.verify.worker.profiling import profile
from batchlint.verify.worker.shapes_alone import on_meta
from batchlint.verify.worker.subject import Subject
from batchlint.verify.worker.surroundings import surroundings
from batchlint.verify.worker.timeouts import TimeLimit, limit
from batchlint.verify.worker.tracing import lines_run
from batchlint.verify.worker.user_module import Unloadable

MAXIMUM_CONSTRUCTIONS = 4
"""Ways to build one class that are tried until one of them can be fed."""
SECONDS_TO_PREPARE = 12.0
"""Wall time to build and feed one class."""
SECONDS_FOR_PARENTS = 12.0
"""Wall time, for all classes together, to run what may feed the wanted ones."""
SECONDS_UNFLAGGED = 10.0
"""Wall time for the checks of a class without findings, of which there are many."""
SHARE_FOR_CHECKS = 0.8
"""Of the time for a target."""
MISMATCH = "BSZ103"
"""Said of an input that the file itself gives, which then must not be replaced by one that fits."""


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
            loaded = load(plan, str(device))
        except (Unloadable, TimeLimit) as error:
            for target in plan.targets:
                if target.wanted:
                    yield _result(plan, target, Stage.NOT_LOADED, reason=f"the file could not be loaded: {error}")
            return
        yield from _Performance(plan, settings, begin, loaded, device).results()


@dataclass(frozen=True)
class _Ready:
    """A class that runs."""

    construction: Construction
    subject: Subject
    candidate: InputCandidate
    notes: tuple[str, ...]
    lines: frozenset[int]


@dataclass(frozen=True)
class _Lost:
    """A class that does not."""

    stage: Stage
    reason: str
    help: str = ""
    construction: Construction | None = None


class _Performance:
    def __init__(
        self, plan: FilePlan, settings: Settings, begin: Callable[[int], None], loaded: Loaded, device: torch.device
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.begin = begin
        self.loaded = loaded
        self.device = device
        self.prepared: dict[int, _Ready | _Lost] = {}
        self.seconds: dict[int, float] = {}
        self.environment: Environment = devices.describe(device)

    def results(self) -> Iterator[TargetResult]:
        """Results of the wanted targets: classes first."""
        classes = [number for number, target in enumerate(self.plan.targets) if target.kind == "class"]
        wanted = [number for number in classes if self.plan.targets[number].wanted]
        for number in wanted:
            self.prepare(number)
        if any(self.rank(number) < (1, Grade.CODE) for number in wanted):
            self.ask_parents(classes, wanted)
        for number in wanted:
            yield self.checked(number)
        for number, target in enumerate(self.plan.targets):
            if target.wanted and target.kind != "class":
                self.begin(number)
                yield replace(perform_loop(target, self.plan, self.loaded, self.settings), environment=self.environment)

    def rank(self, number: int) -> tuple[int, int]:
        """How good what is known of a class is: whether it runs, and the grade of its inputs."""
        prepared = self.prepared.get(number)
        if isinstance(prepared, _Ready):
            return 1, prepared.subject.grade
        return 0, 0

    # Build and feed --------------------------------------------------------------------------------------------------

    def prepare(self, number: int) -> None:
        """Build and feed a class on its own."""
        self.begin(number)
        begun = time.perf_counter()
        target = self.plan.targets[number]
        self.prepared[number] = _Lost(Stage.SLICED, f"took longer than {SECONDS_TO_PREPARE:g} s to be built and fed")
        try:
            with limit(SECONDS_TO_PREPARE, patience=2.0):
                self.prepared[number] = self.alone(target)
        except (TimeLimit, Exception, SystemExit, GeneratorExit) as error:
            if not isinstance(error, TimeLimit):
                text = " ".join(str(error).split())[:300]
                self.prepared[number] = _Lost(Stage.SLICED, f"could not be prepared: {type(error).__name__}: {text}")
        self.seconds[number] = time.perf_counter() - begun

    def alone(self, target: TargetPlan) -> _Ready | _Lost:
        """The first of its constructions that can be fed, else why none can."""
        self.loaded.turn_back(target.line)
        lost: _Lost | None = None
        built = 0
        ways = constructions(target, self.loaded, self.settings.seed)
        while built < MAXIMUM_CONSTRUCTIONS:
            with lines_run(self.follows() if target.flagged else nobody) as lines:
                made = next(ways, None)
            if made is None:
                break
            if isinstance(made, NotBuilt):
                lost = lost or _Lost(Stage.SLICED, made.reason, made.help)
                continue
            ready = self.own_input(made, target, frozenset(lines)) if _is_mismatch(target) else None
            if ready is not None:
                return ready
            fed = feed(made, target, self.loaded, self.settings, self.loaded.is_users)
            if isinstance(fed, Fed):
                return _Ready(
                    fed.construction or made.construction, fed.subject, fed.candidate, fed.notes, frozenset(lines)
                )
            if lost is None or lost.stage is Stage.SLICED:
                lost = _Lost(Stage.BUILT, fed.reason, fed.help, made.construction)
            built += 1
        return lost or _Lost(Stage.SLICED, f"no way to make {target.qualname} was found")

    def own_input(self, made: Built, target: TargetPlan, lines: frozenset[int]) -> _Ready | None:
        """The class with an input that the file gives, whether it runs or not."""
        for candidate in candidates(made, target, self.loaded):
            if candidate.grade is Grade.CODE:
                names = {**self.loaded.namespace, "model": made.model}
                subject = Subject(
                    made.model, candidate.inputs, 4, candidate.grade, torch.device("cpu"), self.settings.seed, names,
                    self.loaded.is_users, batch_axis_of(candidate.inputs),
                )  # fmt: skip
                return _Ready(made.construction, subject, candidate, (), lines)
        return None

    def follows(self) -> Callable[[str], bool]:
        return same_file(self.loaded.main.filename)

    # Parents ---------------------------------------------------------------------------------------------------------

    def ask_parents(self, classes: list[int], wanted: list[int]) -> None:
        """Let classes that run feed the wanted ones that do not, or whose inputs are a guess."""
        deadline = time.monotonic() + SECONDS_FOR_PARENTS
        for number in classes:
            if number not in self.prepared and time.monotonic() < deadline:
                self.prepare(number)
        kinds = {}
        for number in wanted:
            target = self.plan.targets[number]
            kind = self.loaded.definition(target.qualname, target.line)
            if isinstance(kind, type):
                kinds[kind] = number
        parents = [ready for number in classes if isinstance(ready := self.prepared.get(number), _Ready)]
        parents.sort(key=lambda ready: (ready.subject.grade, _size(ready.subject.model)), reverse=True)
        for parent in parents:
            if time.monotonic() > deadline:
                break
            try:
                with limit(SECONDS_TO_PREPARE):
                    self.ask_parent(parent, kinds)
            except (TimeLimit, Exception, SystemExit, GeneratorExit):
                continue  # a parent that cannot be watched feeds nobody

    def ask_parent(self, parent: _Ready, kinds: dict[type, int]) -> None:
        for captured in capture(parent.subject, lambda kind: kind in kinds):
            number = kinds[captured.kind]
            if (1, captured.grade) <= self.rank(number):
                continue
            fed = feed_captured(captured, parent.subject)
            if isinstance(fed, NotFed):
                continue
            within = f"{parent.construction.submodule}.{captured.path}".lstrip(".")
            made = replace(parent.construction, submodule=within)
            self.prepared[number] = _Ready(made, fed.subject, fed.candidate, fed.notes, parent.lines)

    # Check -----------------------------------------------------------------------------------------------------------

    def checked(self, number: int) -> TargetResult:
        """Ask the checks of a class that runs, and say why of one that does not."""
        target, prepared = self.plan.targets[number], self.prepared[number]
        if isinstance(prepared, _Lost):
            return _result(
                self.plan, target, prepared.stage, construction=prepared.construction, environment=self.environment,
                reason=prepared.reason, help=_help(prepared), milliseconds=self.seconds.get(number, 0) * 1000,
                seed=self.settings.seed,
            )  # fmt: skip
        self.begin(number)
        self.loaded.turn_back(target.line)
        begun = time.perf_counter()
        subject = prepared.subject
        subject.path = self.loaded.main.filename
        if self.device.type != "cpu" and self.device.type != "meta":
            subject.model.to(self.device)
            subject.device = self.device
        # What a rule names comes first: it must not find that others have used up the time.
        names = dict.fromkeys(check for flagged in target.flagged for check in flagged.checks)
        if self.settings.all_models or not names:
            names.update(dict.fromkeys(usual_checks()))
        if self.settings.export:
            names["export and run"] = None
        lines = {line for flagged in target.flagged for line in range(flagged.line, flagged.end_line + 1)}
        if self.device.type == "meta":
            answers = on_meta(subject, names, _within(self.settings, target))
        else:
            answers = run_checks(subject, names, _within(self.settings, target), wanted_lines=lines)
        profiles: tuple[Profile, ...] = ()
        if self.settings.profile and self.device.type != "meta":
            profiles = profile(subject, sorted(subject.batch_sizes))
        largest = None
        if self.settings.largest_batch and self.device.type != "meta":
            self.begin(number)
            with contextlib.suppress(OSError, NotImplementedError):  # no fork in this sandbox, or not on Linux
                seconds = _within(self.settings, target).seconds_per_target
                found = largest_batch(subject, self.settings.memory_bytes, seconds=seconds)
                largest = found.batch_size if found.confirmed else None
        seconds = time.perf_counter() - begun + self.seconds.get(number, 0)
        inputs = subject.inputs
        return _result(
            self.plan, target, Stage.RUN, construction=prepared.construction, inputs=_texts(inputs),
            input_origin=prepared.candidate.origin,
            input_code=_code(inputs), grade=subject.grade, control=subject.control,
            batch_sizes=subject.batch_sizes, checks=answers, executed_lines=tuple(sorted(subject.executed_lines)),
            reached_lines=tuple(sorted(subject.reached_lines | prepared.lines)), profiles=profiles,
            largest_batch=largest, environment=self.environment, seed=self.settings.seed, milliseconds=seconds * 1000,
            reason="; ".join(prepared.notes),
        )  # fmt: skip


def _help(lost: _Lost) -> str:
    kind = "PermissionError" if "PermissionError" in lost.reason else ""
    return refusal(Failure(kind, lost.reason)) or lost.help


def nobody(filename: str) -> bool:
    """Follows no file."""
    return False


def _within(settings: Settings, target: TargetPlan) -> Settings:
    """*settings* with so much less time that a worker ends its checks before its parent ends the worker."""
    seconds = settings.seconds_per_target * SHARE_FOR_CHECKS
    if not target.flagged:
        seconds = min(seconds, SECONDS_UNFLAGGED)
    return replace(settings, seconds_per_target=seconds)


def _is_mismatch(target: TargetPlan) -> bool:
    return any(flagged.code == MISMATCH for flagged in target.flagged)


def _size(model: Any) -> int:
    modules = getattr(model, "modules", None)
    return sum(1 for _ in modules()) if callable(modules) else 0


def _named(inputs: Inputs) -> list[tuple[str, Recipe]]:
    names = [*inputs.names, *[""] * (len(inputs.positional) - len(inputs.names))]
    return [*zip(names, inputs.positional), *inputs.keywords]


def _texts(inputs: Inputs) -> tuple[str, ...]:
    return tuple(format_input(name, recipe) if name else format_recipe(recipe) for name, recipe in _named(inputs))


def _code(inputs: Inputs) -> tuple[str, ...]:
    by_keyword = tuple(f"{name}={recipe_code(recipe)}" for name, recipe in inputs.keywords)
    return (*(recipe_code(recipe) for recipe in inputs.positional), *by_keyword)


def _result(plan: FilePlan, target: TargetPlan, stage: Stage, **more: Any) -> TargetResult:
    return TargetResult(plan.path, target.qualname, target.kind, target.line, stage, **more)
