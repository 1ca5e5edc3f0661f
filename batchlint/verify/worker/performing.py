"""One file's targets to their results, in whichever framework: build, feed, let parents feed, check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from batchlint.verify.outcomes import CheckOutcome, Construction, Environment, Failure, Grade, Stage, TargetResult
from batchlint.verify.plan.plans import FilePlan, InputCandidate, TargetPlan
from batchlint.verify.recipe_text import input_texts
from batchlint.verify.recipes import Inputs
from batchlint.verify.sandbox.refusals import refusal
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.checking import run_checks, usual_checks
from batchlint.verify.worker.construction import Built, NotBuilt, constructions
from batchlint.verify.worker.failures import same_file
from batchlint.verify.worker.fed import Fed, NotFed
from batchlint.verify.worker.loading import Loaded
from batchlint.verify.worker.own_calls import broken_call
from batchlint.verify.worker.timeouts import TimeLimit, limit
from batchlint.verify.worker.tracing import lines_run

MAXIMUM_CONSTRUCTIONS = 4
"""Ways to build one class that are tried until one of them can be fed."""
SECONDS_TO_PREPARE = 12.0
"""Wall time to build and feed one class."""
SECONDS_FOR_PARENTS = 12.0
"""Wall time, for all classes together, to run what may feed the wanted ones."""
SHARE_FOR_CHECKS = 0.8
"""Of the time for a target."""
MISMATCH = "BSZ103"
"""Said of an input that the file itself gives, which then must not be replaced by one that fits."""


@dataclass(frozen=True)
class Ready:
    """A class that runs."""

    construction: Construction
    subject: AnySubject
    candidate: InputCandidate
    notes: tuple[str, ...]
    lines: frozenset[int]


@dataclass(frozen=True)
class Lost:
    """A class that does not."""

    stage: Stage
    reason: str
    help: str = ""
    construction: Construction | None = None


@dataclass(frozen=True)
class Handed:
    """What a parent that runs hands to one of its parts: whose class it is, the part's path, and the part, fed."""

    kind: type
    path: str
    grade: Grade
    feed: Callable[[], Fed | NotFed]


class Performance:
    """The work on one file; what is its framework's is left to classes derived from this.

    Attributes:
        seconds_unflagged: wall time for the checks of a class without findings, of which there are many.
    """

    seconds_unflagged = 10.0

    def __init__(
        self, plan: FilePlan, settings: Settings, begin: Callable[[int], None], loaded: Loaded, environment: Environment
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.begin = begin
        self.loaded = loaded
        self.environment = environment
        self.prepared: dict[int, Ready | Lost] = {}
        self.seconds: dict[int, float] = {}

    # What a framework answers ----------------------------------------------------------------------------------------

    def fed(self, made: Built, target: TargetPlan) -> Fed | NotFed:
        """*made* with inputs that it runs with."""
        raise NotImplementedError

    def own_inputs(self, made: Built, target: TargetPlan) -> Iterator[Fed]:
        """*made* with inputs that the file gives, whether it runs with them or not."""
        raise NotImplementedError

    def handed(self, parent: AnySubject, wanted: Callable[[type], bool]) -> Iterable[Handed]:
        """What *parent* hands to its parts of *wanted* classes when it runs."""
        raise NotImplementedError

    def run_other(self, target: TargetPlan) -> TargetResult:
        """The result of a target that is no class."""
        raise NotImplementedError

    def answers(self, subject: AnySubject, names: Iterable[str], target: TargetPlan) -> tuple[CheckOutcome, ...]:
        """The answers of the checks called *names*."""
        lines = {line for flagged in target.flagged for line in range(flagged.line, flagged.end_line + 1)}
        return run_checks(subject, names, self.within(target), wanted_lines=lines)

    def measured(self, number: int, subject: AnySubject) -> dict[str, Any]:
        """What else the user asks of a class that runs: `TargetResult.profiles`, `TargetResult.largest_batch`."""
        return {}

    def code(self, inputs: Inputs) -> tuple[str, ...]:
        """Python that makes *inputs*."""
        return ()

    # What is the same in all of them ----------------------------------------------------------------------------------

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
                yield replace(self.run_other(target), environment=self.environment)

    def rank(self, number: int) -> tuple[int, int]:
        """How good what is known of a class is: whether it runs, and the grade of its inputs."""
        prepared = self.prepared.get(number)
        if isinstance(prepared, Ready):
            return 1, prepared.subject.grade
        return 0, 0

    # Build and feed

    def prepare(self, number: int) -> None:
        """Build and feed a class on its own."""
        self.begin(number)
        begun = time.perf_counter()
        target = self.plan.targets[number]
        self.prepared[number] = Lost(Stage.SLICED, f"took longer than {SECONDS_TO_PREPARE:g} s to be built and fed")
        try:
            with limit(SECONDS_TO_PREPARE, patience=2.0):
                self.prepared[number] = self.alone(target)
        except (TimeLimit, Exception, SystemExit, GeneratorExit) as error:
            if not isinstance(error, TimeLimit):
                text = " ".join(str(error).split())[:300]
                self.prepared[number] = Lost(Stage.SLICED, f"could not be prepared: {type(error).__name__}: {text}")
        self.seconds[number] = time.perf_counter() - begun

    def alone(self, target: TargetPlan) -> Ready | Lost:
        """The first of its constructions that can be fed, else why none can."""
        self.loaded.turn_back(target.line)
        lost: Lost | None = None
        built = 0
        ways = constructions(target, self.loaded, self.settings.seed)
        while built < MAXIMUM_CONSTRUCTIONS:
            with lines_run(self.follows() if target.flagged else nobody) as lines:
                made = next(ways, None)
            if made is None:
                break
            if isinstance(made, NotBuilt):
                lost = lost or Lost(Stage.SLICED, made.reason, made.help)
                continue
            own = next(self.own_inputs(made, target), None) if is_mismatch(target) else None
            fed = own or self.fed(made, target)
            notes: tuple[str, ...] = ()
            if isinstance(fed, NotFed) or fed.subject.grade is not Grade.CODE:
                broken = broken_call(self.own_inputs(made, target), target.own_batch_sizes)
                notes = () if broken is None else (broken.text,)
                if broken is not None and is_flagged(target, broken.failure):
                    fed = broken.fed
            if isinstance(fed, Fed):
                notes = (*notes, *fed.notes)
                return Ready(fed.construction or made.construction, fed.subject, fed.candidate, notes, frozenset(lines))
            if lost is None or lost.stage is Stage.SLICED:
                lost = Lost(Stage.BUILT, "".join(notes) or fed.reason, fed.help, made.construction)
            built += 1
        return lost or Lost(Stage.SLICED, f"no way to make {target.qualname} was found")

    def follows(self) -> Callable[[str], bool]:
        """What says whether a file is the plan's."""
        return same_file(self.loaded.main.filename)

    # Parents

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
        parents = [ready for number in classes if isinstance(ready := self.prepared.get(number), Ready)]
        parents.sort(key=lambda ready: (ready.subject.grade, self.size(ready.subject.model)), reverse=True)
        for parent in parents:
            if time.monotonic() > deadline:
                break
            try:
                with limit(SECONDS_TO_PREPARE):
                    self.ask_parent(parent, kinds)
            except (TimeLimit, Exception, SystemExit, GeneratorExit):
                continue  # a parent that cannot be watched feeds nobody

    def ask_parent(self, parent: Ready, kinds: dict[type, int]) -> None:
        """Take what a parent hands to parts that are not fed as well."""
        for handed in self.handed(parent.subject, lambda kind: kind in kinds):
            number = kinds[handed.kind]
            if (1, handed.grade) <= self.rank(number):
                continue
            fed = handed.feed()
            if isinstance(fed, NotFed):
                continue
            within = f"{parent.construction.submodule}.{handed.path}".lstrip(".")
            made = replace(parent.construction, submodule=within)
            self.prepared[number] = Ready(made, fed.subject, fed.candidate, fed.notes, parent.lines)

    def size(self, model: Any) -> int:
        """How many parts *model* has."""
        try:
            return sum(1 for _ in self.loaded.framework.parts(model))
        except Exception:
            return 0

    # Check

    def checked(self, number: int) -> TargetResult:
        """Ask the checks of a class that runs, and say why of one that does not."""
        target, prepared = self.plan.targets[number], self.prepared[number]
        if isinstance(prepared, Lost):
            return result_of(
                self.plan, target, prepared.stage, construction=prepared.construction, environment=self.environment,
                reason=prepared.reason, help=_help(prepared), milliseconds=self.seconds.get(number, 0) * 1000,
                seed=self.settings.seed,
            )  # fmt: skip
        self.begin(number)
        self.loaded.turn_back(target.line)
        begun = time.perf_counter()
        subject = prepared.subject
        subject.path = self.loaded.main.filename
        # What a rule names comes first: it must not find that others have used up the time.
        names = dict.fromkeys(check for flagged in target.flagged for check in flagged.checks)
        if self.settings.all_models or not names:
            names.update(dict.fromkeys(usual_checks()))
        answers = self.answers(subject, names, target)
        more = self.measured(number, subject)
        seconds = time.perf_counter() - begun + self.seconds.get(number, 0)
        inputs = subject.inputs
        return result_of(
            self.plan, target, Stage.RUN, construction=prepared.construction, inputs=input_texts(inputs),
            input_origin=prepared.candidate.origin,
            input_code=self.code(inputs), grade=subject.grade, control=subject.control,
            batch_sizes=subject.batch_sizes, checks=answers, executed_lines=tuple(sorted(subject.executed_lines)),
            reached_lines=tuple(sorted(subject.reached_lines | prepared.lines)),
            environment=self.environment, seed=self.settings.seed, milliseconds=seconds * 1000,
            reason="; ".join(prepared.notes), **more,
        )  # fmt: skip

    def within(self, target: TargetPlan) -> Settings:
        """The settings with so much less time that a worker ends its checks before its parent ends the worker."""
        seconds = self.settings.seconds_per_target * SHARE_FOR_CHECKS
        if not target.flagged:
            seconds = min(seconds, self.seconds_unflagged)
        return replace(self.settings, seconds_per_target=seconds)


def _help(lost: Lost) -> str:
    kind = "PermissionError" if "PermissionError" in lost.reason else ""
    return refusal(Failure(kind, lost.reason)) or lost.help


def nobody(filename: str) -> bool:
    """Follows no file."""
    return False


def is_mismatch(target: TargetPlan) -> bool:
    """Whether it is said of the target that the file's own input does not fit."""
    return any(flagged.code == MISMATCH for flagged in target.flagged)


def is_flagged(target: TargetPlan, failure: Failure) -> bool:
    """Whether a finding stands where *failure* was raised."""
    line = 0 if failure.frame is None else failure.frame.line
    return any(flagged.statement_line <= line <= flagged.end_line for flagged in target.flagged)


def result_of(plan: FilePlan, target: TargetPlan, stage: Stage, **more: Any) -> TargetResult:
    """The result of *target*."""
    return TargetResult(plan.path, target.qualname, target.kind, target.line, stage, **more)
