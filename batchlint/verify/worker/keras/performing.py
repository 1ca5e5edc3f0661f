"""One file's plan to its targets' results, in the worker, with Keras and TensorFlow."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import keras

from batchlint.verify.checks.symbolic_batch import SymbolicBatch
from batchlint.verify.outcomes import CheckOutcome, Environment, Grade, Stage, TargetResult
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.recipes import Inputs
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject, Place
from batchlint.verify.worker.construction import Built
from batchlint.verify.worker.fed import Fed, NotFed
from batchlint.verify.worker.keras.feeding import feed, feed_handed, subject_of
from batchlint.verify.worker.keras.framework import KERAS
from batchlint.verify.worker.keras.handing import handed_by
from batchlint.verify.worker.keras.inputs import candidates
from batchlint.verify.worker.keras.recipe_code import recipe_code
from batchlint.verify.worker.keras.subject import KerasSubject
from batchlint.verify.worker.keras.surroundings import surroundings
from batchlint.verify.worker.loading import load
from batchlint.verify.worker.performing import Handed, Performance, result_of
from batchlint.verify.worker.timeouts import TimeLimit
from batchlint.verify.worker.user_module import Unloadable

REPORTED_PACKAGES = ("tensorflow", "keras", "torch", "numpy")


def perform(plan: FilePlan, settings: Settings, begin: Callable[[int], None]) -> Iterator[TargetResult]:
    """Yield one result for each wanted target of *plan*, in any order, as `batchlint.verify.worker.perform` does."""
    keras.config.disable_traceback_filtering()
    place = device_of(settings.device)
    with surroundings():
        try:
            loaded = load(plan, str(place), KERAS)
        except (Unloadable, TimeLimit) as error:
            for target in plan.targets:
                if target.wanted:
                    yield result_of(plan, target, Stage.NOT_LOADED, reason=f"the file could not be loaded: {error}")
            return
        yield from _Performance(plan, settings, begin, loaded, environment_of(place)).results()


def device_of(text: str) -> Place:
    """The device that *text* names: a GPU where TensorFlow finds one and it is not forbidden, else the CPU."""
    tensorflow = sys.modules.get("tensorflow")
    if text in ("cpu", "meta") or tensorflow is None:
        return Place()
    return Place("cuda" if tensorflow.config.list_physical_devices("GPU") else "cpu")


def environment_of(place: Place) -> Environment:
    """What code runs on."""
    backend = keras.backend.backend()
    versions = [(name, str(sys.modules[name].__version__)) for name in REPORTED_PACKAGES if name in sys.modules]
    where = f"{platform.system()} {platform.machine()}"
    return Environment(str(place), (*versions, ("Keras's backend", backend)), platform.python_version(), where)


class _Performance(Performance):
    seconds_unflagged = 20.0  # eager execution is slow, and graphs are traced besides

    def fed(self, made: Built, target: TargetPlan) -> Fed | NotFed:
        return feed(made, target, self.loaded, self.settings)

    def own_inputs(self, made: Built, target: TargetPlan) -> Iterator[Fed]:
        for candidate in candidates(made, target, self.loaded):
            if candidate.grade is Grade.CODE:
                subject = subject_of(made, made.model, candidate, 4, self.loaded, self.settings.seed)
                subject.anew = True
                yield Fed(subject, candidate)

    def handed(self, parent: AnySubject, wanted: Callable[[type], bool]) -> Iterable[Handed]:
        assert isinstance(parent, KerasSubject)
        for each in handed_by(parent, wanted):
            yield Handed(type(each.layer), each.path, parent.grade, partial(feed_handed, each, parent))

    def run_other(self, target: TargetPlan) -> TargetResult:
        if "tensorflow" not in sys.modules:
            reason = "outside of classes only code for TensorFlow is run, not for Keras on torch"
            return result_of(self.plan, target, Stage.SLICED, reason=reason, seed=self.settings.seed)
        from batchlint.verify.worker.keras.scripts import perform_script

        return perform_script(target, self.plan, self.loaded, self.settings)

    def answers(self, subject: AnySubject, names: Iterable[str], target: TargetPlan) -> tuple[CheckOutcome, ...]:
        if not target.flagged:
            subject.path = ""  # to note the lines that run takes several times as long as to run them
        asked = [name for name in names if name != "export and run"]
        if self.settings.all_models or not any(flagged.checks for flagged in target.flagged):
            asked.append(SymbolicBatch.name)
        return super().answers(subject, asked, target)

    def code(self, inputs: Inputs) -> tuple[str, ...]:
        by_keyword = tuple(f"{name}={recipe_code(recipe)}" for name, recipe in inputs.keywords)
        return (*(recipe_code(recipe) for recipe in inputs.positional), *by_keyword)
