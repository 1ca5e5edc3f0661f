"""From a Keras model that was made to one that runs: its inputs are found by trying, each time on a fresh one.

Layers make their weights when they are first called, so that a try which fails leaves a model that is half built.
"""

from __future__ import annotations

import ast
import contextlib
import heapq
import inspect
import math
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras

from batchlint.verify.outcomes import Failure, Grade
from batchlint.verify.plan.plans import InputCandidate, TargetPlan
from batchlint.verify.recipe_text import format_input
from batchlint.verify.recipes import BATCH, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify.worker.construction import Built
from batchlint.verify.worker.fed import Fed, NotFed
from batchlint.verify.worker.keras.arrays import arrays_in
from batchlint.verify.worker.keras.calling import (
    MODES,
    called_by,
    has_no_call,
    node_of,
    parameters_of,
    unpacked,
    uses_shape_of,
)
from batchlint.verify.worker.keras.drafts import Draft, Path, by_name, guesses
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.framework import parts_of, seed_all
from batchlint.verify.worker.keras.handing import HandedPart
from batchlint.verify.worker.keras.inputs import candidates, hints_of, is_users_word
from batchlint.verify.worker.keras.making import arguments, to_tensors
from batchlint.verify.worker.keras.repairs import repaired
from batchlint.verify.worker.keras.subject import KerasSubject, invoked
from batchlint.verify.worker.keras.watching import Meeting, watched
from batchlint.verify.worker.loading import Loaded
from batchlint.verify.worker.tensors import tensors_in
from batchlint.verify.worker.timeouts import TimeLimit

CONTROL = 4
SECONDS = 8.0
"""Wall time for finding the inputs of one model."""
MAXIMUM_TRIES = 80
PATIENCE = 4
"""Tries, of which one is another first guess."""
LARGEST_ROW = 1 << 21
"""Elements of a row of a guessed tensor."""
LONGEST = 2048
"""Steps of a guessed sequence: attention takes their square."""


@dataclass(frozen=True)
class Trial:
    """How a call of a fresh model went: with it, what it gave or raised, how far it came, what its layers met."""

    model: Any
    output: Any
    failure: Failure | None
    progress: float
    meetings: tuple[Meeting, ...]


def maker_of(built: Built, loaded: Loaded) -> Callable[[], Any]:
    """Makes another model as *built* was made."""
    made = built.construction

    def make() -> Any:
        names = {**loaded.framework.names, **loaded.scope(made.setup, made.module)}
        value = loaded.evaluate_in(names, made.expression)
        if made.submodule:
            return next(part for path, part in parts_of(value) if path == made.submodule)
        return value

    return make


def subject_of(
    built: Built, model: Any, candidate: InputCandidate, control: int, loaded: Loaded, seed: int
) -> KerasSubject:
    """What checks are asked of."""
    return KerasSubject(
        model, candidate.inputs, control, candidate.grade, seed=seed, namespace=dict(loaded.namespace),
        is_users=loaded.is_users, maker=maker_of(built, loaded),
    )  # fmt: skip


def feed(built: Built, target: TargetPlan, loaded: Loaded, settings: Settings) -> Fed | NotFed:
    """Find inputs with which the model runs, and the batch size it runs at."""
    if has_no_call(built.model):
        return NotFed(f"{target.qualname} has no `call`", "run a class derived from it")
    return _Feeding(built, target, loaded, settings).run()


def feed_handed(part: HandedPart, parent: KerasSubject) -> Fed | NotFed:
    """What a parent hands to one of its parts, as the inputs of the part alone."""
    candidate = InputCandidate(part.inputs, parent.grade, f"what {type(parent.model).__name__} gives it")
    subject = replace(parent, model=part.layer, inputs=part.inputs, maker=part.maker, dtype=None)
    run = subject.evaluated(subject.control)
    if run.failure is not None:
        return NotFed(f"it does not run with {candidate.origin}: {run.failure.message}", "")
    return Fed(subject, candidate)


class _Feeding:
    def __init__(self, built: Built, target: TargetPlan, loaded: Loaded, settings: Settings) -> None:
        self.built, self.target, self.loaded, self.settings = built, target, loaded, settings
        self.make = maker_of(built, loaded)
        self.fresh: Any = built.model
        self.parameters = parameters_of(built.model)
        self.parts = [part for _, part in parts_of(built.model)]
        self.hints = hints_of(built, loaded, self.source(), self.parts)
        self.deadline = time.perf_counter() + SECONDS
        self.tries = 0
        self.furthest: Trial | None = None
        self.first_failure = ""
        self.told: dict[Draft, tuple[Draft, InputCandidate]] = {}

    def source(self) -> str:
        """The text of the model's class."""
        name = type(self.built.model).__name__
        for node in ast.walk(self.loaded.main.tree):
            if isinstance(node, ast.ClassDef) and node.name == name:
                return ast.unparse(node)
        return ""

    @property
    def expired(self) -> bool:
        """Whether enough was tried."""
        return self.tries >= MAXIMUM_TRIES or time.perf_counter() > self.deadline

    def run(self) -> Fed | NotFed:
        """What came of it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.found()

    def found(self) -> Fed | NotFed:
        known: list[tuple[Draft, InputCandidate]] = []
        narrow: Fed | None = None
        for candidate in candidates(self.built, self.target, self.loaded):
            draft = self.completed(candidate.inputs)
            known.append((draft, candidate))
            for batch in self.batches():
                trial = self.attempt(draft, batch)
                if trial.failure is None:
                    fed = self.fed(trial, draft, batch, candidate.grade, candidate.origin)
                    if self.is_wide(draft):
                        return fed
                    narrow = narrow or fed
                    break
                self.first_failure = self.first_failure or _text(trial.failure)
                if not self.is_about_rows(trial.failure):
                    break
            if is_users_word(candidate):
                lines = ", ".join(format_input(name, recipe) for name, recipe in draft.recipes)
                return NotFed(f"{lines} ({candidate.origin}) does not run: {self.first_failure}", "correct it")
        found = self.search(known)
        if isinstance(found, NotFed) and narrow is not None:
            return narrow
        return found

    def is_wide(self, draft: Draft) -> bool:
        """Whether every tensor follows the batch."""
        return all(any(isinstance(size, str) for size in recipe.sizes) for _, _, recipe in draft.tensors())

    def is_about_rows(self, failure: Failure) -> bool:
        """Whether another number of rows may run."""
        said = set(re.findall(r"\d+", failure.message))
        return str(CONTROL) in said or bool(said & set(map(str, self.own_sizes())))

    def own_sizes(self) -> tuple[int, ...]:
        """Batch sizes that the code may be written for."""
        found = list(self.target.own_batch_sizes)
        for part in self.parts[:50]:
            found += [value for name, value in vars(part).items() if re.fullmatch(r"_?(batch_?size|bs|batch)", name)]
        return tuple(dict.fromkeys(size for size in found if isinstance(size, int) and 1 <= size <= 4096))

    def batches(self) -> tuple[int, ...]:
        """Batch sizes to try, in order."""
        if self.target.batch_size is not None:
            return (self.target.batch_size,)
        return tuple(dict.fromkeys((CONTROL, *self.own_sizes()[:4], 32, 64, 1)))

    def fed(self, trial: Trial, draft: Draft, batch: int, grade: Grade, origin: str) -> Fed:
        if not self.is_clean(trial, batch):
            grade = Grade.GUESSED
        inputs = draft.inputs(self.parameters)
        candidate = InputCandidate(inputs, grade, origin)
        notes: tuple[str, ...] = ()
        if batch not in (CONTROL, self.target.batch_size):
            notes = (f"it does not run with {CONTROL} rows: its own batch size is {batch}",)
        model = self.settled(self.built_for_any(inputs, batch) or trial.model)
        return Fed(subject_of(self.built, model, candidate, batch, self.loaded, self.settings.seed), candidate, notes)

    def built_for_any(self, inputs: Inputs, batch: int) -> Any:
        """Another such model, whose weights are made for an unknown number of rows, as ``fit`` has them made.

        ``None`` where they cannot be: ``build`` may take the number of rows for a size.
        """
        if not isinstance(self.built.model, keras.layers.Layer) or time.perf_counter() > self.deadline:
            return None
        try:
            seed_all(self.settings.seed)
            model = self.make()
            positional, keywords = symbolic(inputs)
            with self.loaded.framework.capped():
                invoked(model, positional, keywords, training=False)
            names = {**self.loaded.namespace, "model": model}
            positional, keywords = to_tensors(arguments(inputs, batch, self.settings.seed, names))
            invoked(model, positional, keywords, training=False)
        except TimeLimit:
            raise
        except BaseException:
            return None
        return model

    def settled(self, model: Any) -> Any:
        """*model* without the states that the try left behind."""
        for _, part in parts_of(model):
            if isinstance(part, keras.layers.RNN):
                with contextlib.suppress(Exception):
                    part.reset_state()
        return model

    def is_clean(self, trial: Trial, batch: int) -> bool:
        """Whether some output has a row for each of the batch, or is one number."""
        shapes = [tensor.shape for tensor in tensors_in(trial.output)]
        return not shapes or any(not shape or batch in shape[:3] for shape in shapes)

    # Trying

    def attempt(self, draft: Draft, batch: int = CONTROL) -> Trial:
        """Call a fresh model."""
        self.tries += 1
        model, self.fresh = self.fresh, None
        inputs = draft.inputs(self.parameters)
        meetings: list[Meeting] = []
        output: Any = None
        failure: Failure | None = None
        try:
            seed_all(self.settings.seed)
            model = model if model is not None else self.make()
            names = {**self.loaded.namespace, "model": model}
            positional, keywords = to_tensors(arguments(inputs, batch, self.settings.seed, names))
            with watched((positional, keywords)) as meetings, self.loaded.framework.capped():
                output = arrays_in(invoked(model, positional, keywords, training=False))
        except TimeLimit:
            raise
        except BaseException as error:
            failure = failure_in(error, self.loaded.is_users)
            error.__traceback__ = None
        line = failure.frame.line if failure is not None and failure.frame is not None else 0
        done = sum(meeting.finished for meeting in meetings)
        trial = Trial(model, output, failure, done + min(line, 9999) / 10_000, tuple(meetings))
        if failure is not None and (self.furthest is None or trial.progress > self.furthest.progress):
            self.furthest = trial
        return trial

    def completed(self, inputs: Inputs) -> Draft:
        """*inputs* with guesses for what they leave out."""
        names = [*inputs.names, *[each.name for each in self.parameters][len(inputs.names) :]]
        given: dict[str, Recipe] = dict(zip(names, inputs.positional))
        given.update((name, recipe) for name, recipe in inputs.keywords if name not in MODES)
        required = {
            each.name: given.pop(each.name) if each.name in given else guesses(each.name, self.hints)[0]
            for each in self.parameters
            if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        }
        return Draft((*required.items(), *given.items()))

    # Guesses

    def drafts(self) -> Iterator[Draft]:
        """Guesses at all arguments, the likeliest first."""
        function = node_of(called_by(self.built.model), self.trees())
        required: list[tuple[str, list[Recipe]]] = []
        for number, each in enumerate(self.parameters):
            if each.kind is each.VAR_POSITIONAL and not required:
                required.append((f"{each.name}.0", guesses(each.name, self.hints)))
            elif each.kind is each.VAR_POSITIONAL or each.kind is each.VAR_KEYWORD:
                continue
            elif each.default is each.empty or (number == 0 and not required):
                required.append((each.name, self.of_parameter(each.name, function)))
        if not required:
            yield Draft(())
            return
        yield Draft(tuple((name, found[0]) for name, found in required))
        if len(required) > 1:
            for place in range(1, 3):
                yield Draft(tuple((name, found[min(place, len(found) - 1)]) for name, found in required))
        for place, (_, found) in enumerate(required):
            for other in found[1:]:
                yield Draft(
                    tuple((n, other if at == place else choices[0]) for at, (n, choices) in enumerate(required))
                )

    def trees(self) -> dict[str, ast.Module]:
        """The user's files, parsed."""
        return {each.filename: each.tree for each in self.loaded.files()}

    def of_parameter(self, name: str, function: Any) -> list[Recipe]:
        """What a parameter may be, with what the code makes of it."""
        found = guesses(name, self.hints)
        use = unpacked(function, name) if function is not None else None
        if use is None:
            return found
        if use.keys:
            items = tuple(guesses(key, self.hints, within=True)[0] for key in use.keys)
            return [Group("dict", items, use.keys), *found]
        named = _names_unpacked(function, name) if function is not None else ()
        groups: list[Recipe] = []
        for place in range(3):
            chosen: list[Recipe] = []
            for number in range(use.items):
                known = by_name(named[number], self.hints) if number < len(named) else []
                choices = [*known, *guesses("", self.hints, within=True)]
                chosen.append(choices[min(place, len(choices) - 1)])
            groups.append(Group("tuple", tuple(chosen)))
        if function is not None and uses_shape_of(function, name):
            return [*found, *groups]
        return [*groups, *found]

    def search(self, known: Sequence[tuple[Draft, InputCandidate]]) -> Fed | NotFed:
        """Arguments that run: best first, what went further before the rest.

        Args:
            known: what the sources tell, tried first with small changes.
        """
        drafts = [*(draft for draft, _ in known), *self.drafts()]
        self.told = {draft: (draft, candidate) for draft, candidate in known}
        waiting: list[tuple[float, int, Draft, int]] = []
        seen: set[Draft] = set()
        counter = 0
        met: dict[str, int] = {}

        def push(draft: Draft, rank: float, depth: int, after: Draft | None = None) -> None:
            nonlocal counter
            if draft not in seen and not is_large(draft):
                seen.add(draft)
                if after in self.told:
                    self.told.setdefault(draft, self.told[after])
                counter += 1
                heapq.heappush(waiting, (-rank, counter, draft, depth))

        for number, draft in enumerate(drafts):
            push(draft, 1000.0 - number if number < len(known) else 0.5 - number / 1000, 0)
        others = iter(drafts[len(known) :])
        tried: set[Draft] = set()
        unclean: Fed | None = None
        while waiting and not self.expired:
            _, _, draft, depth = heapq.heappop(waiting)
            # Changes of a guess that is far from right must not use up the time of the other guesses.
            if len(tried) % PATIENCE == PATIENCE - 1:
                other_guess = next((each for each in others if each not in tried and not is_large(each)), None)
                if other_guess is not None and other_guess != draft:
                    heapq.heappush(waiting, (-10_000.0, 0, draft, depth))
                    draft, depth = other_guess, 0
            if draft in tried:
                continue
            tried.add(draft)
            trial = self.attempt(draft)
            if trial.failure is None:
                better = self.asked(draft, trial)
                if better is not None and better not in seen:
                    push(better, 10_000.0, depth, draft)
                    continue
                fed = self.fed(trial, draft, CONTROL, *self.graded(draft, trial))
                if self.is_clean(trial, CONTROL):
                    return fed
                unclean = unclean or fed
                continue
            for batch in (*leading_sizes(trial.failure.message), *self.reshaped_sizes(trial.failure.message)):
                other = self.attempt(draft, batch)
                if other.failure is None and self.is_clean(other, batch):
                    grade, origin = self.graded(draft, other)
                    return self.fed(other, draft, batch, grade if batch in self.own_sizes() else Grade.GUESSED, origin)
            signature = f"{trial.progress:.4f} {re.sub(r'[0-9, ]+', ' ', trial.failure.message)[:80]}"
            met[signature] = met.get(signature, 0) + 1
            if met[signature] > 8:
                continue
            better = self.asked(draft, trial)
            if better is not None:
                push(better, trial.progress + 500, depth, draft)
            for each in self.with_masks(draft, trial.failure):
                push(each, trial.progress + 200, depth, draft)
            for number, each in enumerate(repaired(draft, trial.failure, trial.meetings, self.hints)):
                push(each, trial.progress + 100 - depth - number / 100, depth + 1, draft)
        if unclean is not None:
            return unclean
        at_own = self.at_own_sizes(drafts)
        return at_own or self.missing()

    def reshaped_sizes(self, message: str) -> list[int]:
        """Batch sizes that the code may be written for, with as many elements as a ``reshape`` asks for."""
        found = _RESHAPED.search(message)
        if found is None:
            return []
        given, wanted = int(found[1]), int(found[2])
        return [size for size in self.own_sizes() if given * size == wanted * CONTROL]

    def with_masks(self, draft: Draft, failure: Failure) -> Iterator[Draft]:
        """*draft* with the masks that it leaves out: Keras hands them on, so code may count on them.

        Without them a name is not bound, or there is ``None`` where a tensor is wanted.
        """
        if failure.kind != "UnboundLocalError" and "NoneType" not in failure.message:
            return
        given = {name for name, _ in draft.recipes}
        first = next((recipe for _, _, recipe in draft.tensors() if len(recipe.sizes) > 1), None)
        masks = [each.name for each in self.parameters if "mask" in each.name and each.name not in given]
        if masks and first is not None:
            mask = TensorRecipe(first.sizes[:2], "bool", "ones")
            yield Draft((*draft.recipes, *((name, mask) for name in masks)))

    def at_own_sizes(self, drafts: Sequence[Draft]) -> Fed | None:
        """The first drafts at batch sizes that the code may be written for."""
        for batch in self.own_sizes()[:3]:
            for draft in drafts[:4]:
                trial = self.attempt(draft, batch)
                if trial.failure is None:
                    return self.fed(trial, draft, batch, *self.graded(draft, trial))
        return None

    def asked(self, draft: Draft, trial: Trial) -> Draft | None:
        """*draft* with tensors of the types that the layers which got them unchanged look up."""
        changed = draft
        for meeting in trial.meetings:
            if meeting.path is None or meeting.wants is None:
                continue
            recipe = _at(changed, meeting.path)
            if recipe is None or (recipe.dtype == meeting.wants and (recipe.below or 0) <= (meeting.below or 1 << 30)):
                continue
            if meeting.wants == "string":
                new = TensorRecipe(recipe.sizes[:1], "string")
            else:
                sizes = recipe.sizes if len(recipe.sizes) <= 2 else (BATCH, self.hints.steps)
                new = TensorRecipe(sizes, "int64", "integers", meeting.below)
            changed = changed.changed(meeting.path, new)
        return changed if changed != draft else None

    def graded(self, draft: Draft, trial: Trial) -> tuple[Grade, str]:
        """How sure the shapes are, and who tells them: layers that take one number of axes only."""
        root = self.told.get(draft)
        if root is not None and _is_alike(draft, root[0]):
            grade = min(root[1].grade, Grade.CODE if draft == root[0] else Grade.LAYER)
            return grade, root[1].origin if draft == root[0] else f"{root[1].origin} and its layers"
        told = {meeting.path for meeting in trial.meetings if meeting.telling}
        tensors = [path for _, path, _ in draft.tensors()]
        if tensors and all(path in told for path in tensors):
            return Grade.LAYER, "its layers"
        return Grade.GUESSED, "a guess"

    def missing(self) -> NotFed:
        """What to say."""
        said = self.first_failure or (_text(self.furthest.failure) if self.furthest and self.furthest.failure else "")
        lines = [
            f"{each.name}: float32[{BATCH}, ?]"
            for each in self.parameters
            if each.default is inspect.Parameter.empty and each.kind is not inspect.Parameter.VAR_POSITIONAL
        ] or [f"x: float32[{BATCH}, ?]"]
        reason = f"no input was found that it accepts{f': {said}' if said else ''}"
        comments = "; ".join(f"`# batchlint: input {line}`" for line in lines)
        return NotFed(reason, f"write {comments} above the class, or give --input '{self.target.qualname}.{lines[0]}'")


_SHAPE = re.compile(r"\[(\d+(?:,\s*\d+)*)\]")
_RESHAPED = re.compile(r"Input to reshape is a tensor with (\d+) values, but the requested shape has (\d+)")


def leading_sizes(message: str) -> list[int]:
    """Sizes that another tensor has where the rows are, and all else alike: it may be made for so many rows.

    >>> leading_sizes("Incompatible shapes: [4,10] vs. [32,10]")
    [32]
    """
    shapes = [[int(size) for size in each.split(",")] for each in _SHAPE.findall(message)]
    own = [each[1:] for each in shapes if each[0] == CONTROL]
    return list(dict.fromkeys(each[0] for each in shapes if each[0] > 1 and each[0] != CONTROL and each[1:] in own))


def is_large(draft: Draft) -> bool:
    """Whether a call may take longer than a call can be waited for: nothing stops it within the framework."""
    for _, _, recipe in draft.tensors():
        sizes = [size for size in recipe.sizes[1:] if isinstance(size, int)]
        if math.prod(sizes) > LARGEST_ROW or (len(sizes) == 2 and sizes[0] > LONGEST):
            return True
    return False


def symbolic(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call as Keras's symbolic tensors, the rows unknown.

    Raises:
        ValueError: something in *inputs* is no tensor and no constant.
    """

    def of(recipe: Recipe) -> Any:
        if isinstance(recipe, TensorRecipe):
            shape = tuple(None if isinstance(size, str) else size for size in recipe.sizes)
            return keras.KerasTensor(shape, dtype=recipe.dtype)
        if isinstance(recipe, Literal):
            return ast.literal_eval(recipe.source)
        if not isinstance(recipe, Group) or recipe.kind == "object":
            raise ValueError("no symbolic tensor stands for an expression")
        items = [of(item) for item in recipe.items]
        if recipe.kind == "dict":
            return dict(zip(recipe.keys, items, strict=True))
        return tuple(items) if recipe.kind == "tuple" else items

    return tuple(map(of, inputs.positional)), {name: of(recipe) for name, recipe in inputs.keywords}


def _text(failure: Failure) -> str:
    return f"{failure.kind}: {failure.message}"[:400]


def _is_alike(one: Draft, other: Draft) -> bool:
    """Whether two drafts have tensors of as many axes, and as many channels or features."""
    mine, theirs = (
        [(path, len(recipe.sizes), recipe.sizes[-1:]) for _, path, recipe in each.tensors()] for each in (one, other)
    )
    return mine == theirs


def _at(draft: Draft, path: Path) -> TensorRecipe | None:
    return next((recipe for _, where, recipe in draft.tensors() if where == path), None)


def _names_unpacked(function: ast.AST, name: str) -> tuple[str, ...]:
    """The names in ``a, b = inputs``."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == name:
            for target in node.targets:
                if isinstance(target, ast.Tuple | ast.List):
                    return tuple(each.id if isinstance(each, ast.Name) else "" for each in target.elts)
    return ()
