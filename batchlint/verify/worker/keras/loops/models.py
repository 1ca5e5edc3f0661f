"""Models that are built outside of classes: functional ones, sequential ones, those that a function gives back.

The file's own code builds them; then they are asked what a model of a class is asked.
"""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from batchlint.rules.registry import rules_by_code
from batchlint.verify import verdicts
from batchlint.verify.outcomes import (
    BatchOutcome,
    CheckOutcome,
    Failure,
    Frame,
    Grade,
    Stage,
    Status,
    TargetResult,
    Verdict,
)
from batchlint.verify.recipes import BATCH, Group, Inputs, TensorRecipe
from batchlint.verify.settings import Settings
from batchlint.verify.worker.checking import run_checks
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.framework import parts_of
from batchlint.verify.worker.keras.subject import KerasSubject
from batchlint.verify.worker.loops.crashing import samples_of
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.under_way import running
from batchlint.verify.worker.loops.variants import Variant
from batchlint.verify.worker.loops.world import Tensors, World

CHECK = "crash at batch sizes"
OPEN, STEPS = 32, 8
"""What a size of an image and of a sequence is that the model leaves open beside the rows."""
MAXIMUM_SECONDS = 8.0
ROWS = 8


@dataclass(frozen=True)
class Made:
    """A model that the file's code made.

    Attributes:
        model: it.
        place: which of the models that were made it is.
        values: what the flagged code gave.
        run: the run that made it.
        sample: the shape of one sample where the model itself says none.
        whole: whether its values are whole numbers.
        grade: how sure that shape is.
    """

    model: Any
    place: int
    values: tuple[Any, ...]
    run: Run
    sample: tuple[int, ...]
    whole: bool
    grade: Grade


def prove(program: Program, site: Site, settings: Settings) -> CheckOutcome:
    """Build the model that the finding stands in and ask it the checks that the rule names."""
    reason = "no model was built"
    began = time.perf_counter()
    last: CheckOutcome | None = None
    rejected = _rejected(program, site) if site.flagged.code == "BSZ201" else None
    if rejected is not None:
        return rejected
    for sample, whole, grade in samples_of(program):
        if time.perf_counter() - began > MAXIMUM_SECONDS:
            break
        made = made_with(program, site, sample, whole, grade)
        if isinstance(made, str):
            reason = made
            continue
        found = _asked(program, site, made, settings)
        if found.status is not Status.UNDECIDED:
            return found
        last = last or found
        if made.model.built if hasattr(made.model, "built") else False:
            break
    return last or _outcome(site, Status.UNDECIDED, reason)


def is_rejected(program: Program, site: Site) -> bool:
    """Whether Keras refuses the flagged layer when the model is built."""
    return site.flagged.code == "BSZ201" and _rejected(program, site) is not None


def _rejected(program: Program, site: Site) -> CheckOutcome | None:
    """The answer where Keras refuses the flagged ``Reshape``, whose target is the shape of one sample."""
    sample, whole, _ = next(iter(samples_of(program)))
    run = run_with(program, site, Tensors(sample, 10, whole))
    failures = [] if run.error is None else [run.error]
    lines = range(site.flagged.statement_line, site.flagged.end_line + 1)
    for error in failures + [each for (first, _), each in run.problems.items() if first in lines]:
        failure = failure_in(error, lambda filename: filename == program.path)
        if failure.frame is not None and failure.frame.line in lines and "target_shape" in failure.message:
            what = f"Keras {keras.__version__} rejects it, as its target leaves the batch out: {failure.message[:180]}"
            return _outcome(site, Status.FAILED, what, [BatchOutcome(1, Status.FAILED, "built", failure)])
    return None


def _outcome(site: Site, status: Status, detail: str, runs: Sequence[BatchOutcome] = ()) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs), findings=(site.flagged.number,))


def run_with(program: Program, site: Site, tensors: Tensors) -> Run:
    """Run what the finding stands in; training is noted, not done."""
    world = Variant(program, site, loads_batches=True, batch_size=program.batch_size).world(ROWS, tensors=tensors)
    world.notes_training = world.whole = True
    return program.run(world, site)


def made_with(program: Program, site: Site, sample: tuple[int, ...], whole: bool, grade: Grade) -> Made | str:
    """The model, else why there is none."""
    run = run_with(program, site, Tensors(sample, 10, whole))
    if run.error is not None:
        failure = failure_in(run.error, lambda filename: filename == program.path)
        line = f" on line {failure.frame.line}" if failure.frame is not None else ""
        return f"the model could not be built: {failure.kind}{line}: {failure.message}"[:260]
    values = tuple(program.seen(run, site))
    models = run.world.models
    place = next((place for place, model in enumerate(models) if _holds(model, values)), None)
    if place is None and len(models) == 1 and (not values or any(_is_of_keras(each) for each in values)):
        place = 0
    if place is None and models and any(_stands_for_rows(each) and not _is_of_keras(each) for each in values):
        # It stands in a function that a layer calls.
        place = len(models) - 1
    if place is None:
        return "the flagged code is in no model that was built"
    return Made(models[place], place, values, run, sample, whole, grade)


@contextlib.contextmanager
def going_on(world: World) -> Iterator[None]:
    """User code that was changed runs in the block, as long as whoever runs it allows."""
    world.seconds, world.maximum_steps = float("inf"), 1 << 60
    with running(world):
        yield


def _is_reshape(value: Any) -> bool:
    history = getattr(value, "_keras_history", None)
    return isinstance(value if history is None else history.operation, keras.layers.Reshape)


def is_symbolic(program: Program, site: Site) -> bool:
    """Whether the flagged code builds a model: what it gives stands for any number of rows."""
    sample, whole, _ = next(iter(samples_of(program)))
    run = run_with(program, site, Tensors(sample, 10, whole))
    return any(_stands_for_rows(each) for each in program.seen(run, site))


def _is_of_keras(value: Any) -> bool:
    return isinstance(value, keras.KerasTensor | keras.layers.Layer)


def _stands_for_rows(value: Any) -> bool:
    if _is_of_keras(value):
        return True
    return isinstance(value, tf.Tensor) and not hasattr(value, "numpy")


def _holds(model: Any, values: Sequence[Any]) -> bool:
    parts = {id(part) for _, part in parts_of(model)}
    operations = {id(each) for each in getattr(model, "operations", ())}
    operations |= {id(each._keras_history.operation) for each in getattr(model, "inputs", None) or ()}
    for value in values:
        if id(value) in parts:
            return True
        history = getattr(value, "_keras_history", None)
        if history is not None and id(history.operation) in operations:
            return True
    return False


def subject_of(program: Program, site: Site, made: Made, settings: Settings) -> KerasSubject | None:
    """The model with inputs of the shapes that it was built for."""
    model = made.model
    symbolic = list(getattr(model, "inputs", None) or [])
    own = [each for each in made.run.world.batch_sizes if 1 < each < 4096]
    grade, control = Grade.CODE, max(own, default=program.batch_size)
    recipes: list[TensorRecipe] = []
    below = _vocabulary(model)
    if symbolic:
        for each in symbolic:
            if each.shape[0]:
                control = int(each.shape[0])
            open_size = OPEN if len(each.shape) > 3 else STEPS
            sizes = tuple(size if size else open_size for size in each.shape[1:])
            recipes.append(_recipe(sizes, str(each.dtype), below))
    else:
        sample, grade = _trained_on(made) or (made.sample, made.grade)
        recipes.append(_recipe(sample, "int32" if made.whole else "float32", below))
    inputs = Inputs((recipes[0] if len(recipes) == 1 else Group("list", tuple(recipes)),), ("inputs",))

    def again() -> Any:
        run = run_with(program, site, Tensors(made.sample, 10, made.whole))
        return run.world.models[made.place]

    kind = _Padded if site.flagged.code == "BSZ405" else KerasSubject
    return kind(
        model, inputs, control, grade, seed=settings.seed, namespace={"keras": keras, "np": np},
        is_users=lambda filename: filename == program.path, maker=again, path=program.path,
    )  # fmt: skip


class _Padded(KerasSubject):
    """A model that is said to be given padded sequences: zeros stand for padding."""

    def padding_index(self) -> int | None:
        """See `AnySubject`."""
        return 0


def _recipe(sizes: tuple[int, ...], dtype: str, below: int) -> TensorRecipe:
    if "int" in dtype:
        return TensorRecipe((BATCH, *sizes), dtype, "integers", below)
    return TensorRecipe((BATCH, *sizes), "float32")


def _vocabulary(model: Any) -> int:
    found = [part.input_dim for _, part in parts_of(model) if isinstance(part, keras.layers.Embedding)]
    return min(found, default=10)


def _trained_on(made: Made) -> tuple[tuple[int, ...], Grade] | None:
    """The shape of one sample of what the model is trained on, where that is an array of the file."""
    for training in made.run.world.trained:
        shape = getattr(training.data, "shape", None)
        if training.model is made.model and shape is not None and len(shape) and all(isinstance(s, int) for s in shape):
            return tuple(shape[1:]), Grade.CODE
    return None


def _asked(program: Program, site: Site, made: Made, settings: Settings) -> CheckOutcome:
    subject = subject_of(program, site, made, settings)
    if subject is None:
        return _outcome(site, Status.UNDECIDED, "the inputs of the model are not known")
    flagged = site.flagged
    if flagged.code == "BSZ201" and any(_is_reshape(each) for each in made.values):
        what = "Keras' `Reshape` leaves the batch out: the number takes the place of a feature axis, and nothing raises"
        return _outcome(site, Status.UNDECIDED, what)
    rule = rules_by_code().get(flagged.code)
    names = flagged.checks or (rule.proved_by if rule is not None else (CHECK,))
    lines = frozenset(range(flagged.line, flagged.end_line + 1))
    less = replace(settings, seconds_per_target=min(settings.seconds_per_target, 20.0))
    with going_on(made.run.world):
        answers = run_checks(subject, names, less, wanted_lines=lines)
        answers = tuple(_placed(each, subject, made, program.path, flagged.line) for each in answers)
    # What builds the model runs once, and what it made is run at every batch size.
    built = lines if _holds(made.model, made.values) else frozenset()
    # What a layer calls runs at every batch size, as the lines that ran then tell.
    executed = subject.executed_lines | built
    result = TargetResult(
        program.path, program.target.qualname, program.target.kind, program.target.line, Stage.RUN,
        grade=subject.grade, control=subject.control, batch_sizes=subject.batch_sizes, checks=answers,
        executed_lines=tuple(sorted(executed)), reached_lines=tuple(sorted(subject.reached_lines | built)),
    )  # fmt: skip
    verdict = verdicts.decide(flagged, names, result)
    status = {
        Verdict.CONFIRMED: Status.FAILED,
        Verdict.REFUTED: Status.PASSED,
        Verdict.INCONCLUSIVE: Status.UNDECIDED,
    }[verdict.verdict]
    decisive = next((each for each in answers if each.status is status), answers[0] if answers else None)
    return CheckOutcome(
        CHECK if decisive is None else decisive.check,
        status,
        verdict.reason,
        () if decisive is None else decisive.runs,
        findings=(flagged.number,),
        grade=subject.grade,
    )


def _placed(answer: CheckOutcome, subject: KerasSubject, made: Made, path: str, line: int) -> CheckOutcome:
    """*answer* with failures placed at the flagged line that its operation alone brings about.

    What a functional model calls has no line of the user's: an operation is to blame where its own inputs can be
    computed, and its result cannot.
    """
    value = next((each for each in made.values if isinstance(each, keras.KerasTensor)), None)
    if value is None or answer.check != CHECK or all(each.failure is None for each in answer.runs):
        return answer
    history = value._keras_history
    before = history.operation._inbound_nodes[history.node_index].input_tensors
    try:
        able, unable = (keras.Model(made.model.inputs, outputs) for outputs in (before, value))
    except Exception:
        return answer
    runs = []
    for run in answer.runs:
        failure = run.failure
        if failure is not None and _runs(able, subject, run.batch_size) and not _runs(unable, subject, run.batch_size):
            frame = Frame(path, line)
            run = replace(run, failure=replace(failure, frame=frame, frames=(*failure.frames, frame)))
        runs.append(run)
    return replace(answer, runs=tuple(runs))


def _runs(model: Any, subject: KerasSubject, rows: int) -> bool:
    (given,), _ = subject.arguments(rows)
    try:
        model(given, training=False)
    except Exception:
        return False
    return True


# BSZ104 and BSZ204


def dataset_shape(program: Program, site: Site, settings: Settings) -> CheckOutcome:
    """BSZ104: the model is given one row of what it is trained on."""
    reason = "no model was built"
    for sample, whole, grade in samples_of(program):
        run = run_with(program, site, Tensors(sample, 10, whole))
        failure = None if run.error is None else failure_in(run.error, lambda filename: filename == program.path)
        lines = range(site.flagged.statement_line, site.flagged.end_line + 1)
        if failure is not None and failure.frame is not None and failure.frame.line in lines:
            what = f"Keras {keras.__version__} rejects the layer: {failure.kind}: {failure.message[:200]}"
            return _outcome(site, Status.FAILED, what, [BatchOutcome(1, Status.FAILED, "built", failure)])
        found = _first_rows(program, site, run)
        if isinstance(found, str):
            reason = found
            continue
        model, row, from_file = found
        if not from_file and grade is Grade.GUESSED:
            reason = "the shape of the data is a guess"
            continue
        with going_on(run.world):
            return _fits(site, model, row)
    return _outcome(site, Status.UNDECIDED, reason)


def _fits(site: Site, model: Any, row: Any) -> CheckOutcome:
    rows = f"rows of shape {list(row.shape[1:])}"
    outcomes = []
    for count in (4, 1):
        given = np.zeros((count, *row.shape[1:]), row.dtype)
        try:
            keras.ops.convert_to_numpy(model(given, training=False))
            outcomes.append(BatchOutcome(count, Status.PASSED, rows))
        except Exception as error:
            failure = failure_in(error, lambda filename: False)
            outcomes.append(BatchOutcome(count, Status.FAILED, rows, failure))
    bad = [each.failure for each in outcomes if each.failure is not None]
    if len(bad) == len(outcomes):
        what = f"given {rows}, Keras {keras.__version__} raises {bad[0].kind}: {bad[0].message[:200]}"
        return _outcome(site, Status.FAILED, what, outcomes)
    declared = next((each.shape[1:] for each in getattr(model, "inputs", None) or ()), row.shape[1:])
    if not bad and any(size not in (None, own) for size, own in zip(declared, row.shape[1:])):
        what = f"the model takes {rows}, although it is declared for {list(declared)}"
        return _outcome(site, Status.UNDECIDED, what, outcomes)
    if not bad:
        return _outcome(site, Status.PASSED, f"the model takes {rows}", outcomes)
    return _outcome(site, Status.UNDECIDED, "it takes some numbers of rows and not others", outcomes)


def _first_rows(program: Program, site: Site, run: Run) -> tuple[Any, Any, bool] | str:
    """The model, one row of the data whose shape it was given, and whether the file makes that data."""
    values = program.seen(run, site)
    models = run.world.models
    model = next((each for each in models if _holds(each, values)), None)
    if model is None and len(models) == 1:
        model = models[0]
    if model is None:
        loose = [each for each in values if isinstance(each, keras.layers.Layer) or hasattr(each, "_keras_history")]
        if not loose:
            return "the flagged code is in no model that was built"
        model = _alone(loose[0])
    row = next((each.data for each in run.world.trained if each.model is model and _is_array(each.data)), None)
    if row is None:
        row = next((each for each in _measured(program, site, run) if _is_array(each)), None)
    if row is not None:
        return model, np.asarray(row)[:1], isinstance(row, np.ndarray)
    shape = next((each.shape for each in values if hasattr(each, "_keras_history")), None)
    if shape is not None and len(shape) > 1 and shape[1] in run.world.batch_sizes:
        # The batch size stands in front of one sample.
        return model, np.zeros((1, *[size or 4 for size in shape[2:]]), np.float32), True
    return "what the model is trained on is not known"


def _alone(value: Any) -> Any:
    """A layer, or a model from an input to itself, that can be called."""
    if isinstance(value, keras.layers.Layer):
        return value
    return keras.Model(value, keras.layers.Identity()(value))


def _measured(program: Program, site: Site, run: Run) -> Iterator[Any]:
    """Arrays whose shape or length the flagged code reads."""
    lines = range(site.flagged.line, site.flagged.end_line + 1)
    for node in ast.walk(program.original):
        if getattr(node, "lineno", 0) not in lines:
            continue
        name: ast.expr | None = None
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            name = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and node.args:
            name = node.args[0]
        if isinstance(name, ast.Name) and name.id in run.names:
            yield run.names[name.id]


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype") and len(value.shape) > 0 and value.shape[0] is not None


def fixed_input(program: Program, site: Site, settings: Settings) -> CheckOutcome:
    """BSZ204: the model is given one row fewer than its input says, called, asked to predict and trained."""
    for sample, whole, grade in samples_of(program):
        made = made_with(program, site, sample, whole, grade)
        if isinstance(made, str):
            return _outcome(site, Status.UNDECIDED, made)
        size = next((int(each.shape[0]) for each in made.model.inputs if each.shape[0]), None)
        if size is None:
            return _outcome(site, Status.UNDECIDED, "the input of the model fixes no number of rows")
        if size < 2:
            return _outcome(site, Status.UNDECIDED, "the input takes one row, and there is none fewer")
        with going_on(made.run.world):
            return _one_fewer(program, site, made, size, settings)
    return _outcome(site, Status.UNDECIDED, "no model was built")


def _one_fewer(program: Program, site: Site, made: Made, size: int, settings: Settings) -> CheckOutcome:
    subject = subject_of(program, site, made, settings)
    assert subject is not None
    outcomes: list[BatchOutcome] = []
    failures: list[Failure] = []
    for count in dict.fromkeys((size, size - 1, 1)):
        subject.model = made.model
        with subject.undisturbed():
            (given,), _ = subject.arguments(count)
            failure = _used(made.model, given)
        outcomes.append(BatchOutcome(count, Status.PASSED if failure is None else Status.FAILED, failure=failure))
        if failure is not None:
            failures.append(failure)
    if outcomes[0].status is not Status.PASSED:
        what = f"it does not run with {size} rows: {failures[0].kind}: {failures[0].message}"
        return _outcome(site, Status.UNDECIDED, what[:260], outcomes)
    if failures:
        what = f"{outcomes[1].batch_size} rows: Keras {keras.__version__} raises {failures[0].kind}: "
        what += f"{failures[0].message[:180]}; {size} rows run"
        return _outcome(site, Status.FAILED, what, outcomes)
    what = (
        f"Keras {keras.__version__} takes {size - 1} rows and 1 as well as {size}, called and in `predict`: without "
        "states the fixed size is not enforced"
    )
    return _outcome(site, Status.PASSED, what, outcomes)


def _used(model: Any, given: Any) -> Failure | None:
    """What is raised when the model is called and asked to predict."""
    try:
        model(given, training=False)
        model.predict_on_batch(given)
    except Exception as error:
        return failure_in(error, lambda filename: False)
    return None
