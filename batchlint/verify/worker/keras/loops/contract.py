"""What ``fit``, ``evaluate`` and ``predict`` of the installed Keras do with ``batch_size`` for one kind of data."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.loops.models import run_with
from batchlint.verify.worker.keras.loops.pipelines import RowPipeline
from batchlint.verify.worker.loops.crashing import samples_of
from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.under_way import running
from batchlint.verify.worker.loops.world import Tensors, Training

CHECK = "fit contract"
POSITIONS = {"fit": 1, "evaluate": 1, "predict": 0}
"""Where ``batch_size`` stands among the arguments after the data."""
BATCHES = 3


def prove(program: Program, site: Site, settings: Settings) -> CheckOutcome:
    """Call the real method on tiny data of the same kind, and count the rows of each step."""
    reason = "the flagged call was not reached"
    for number, (sample, whole, _) in enumerate(samples_of(program)):
        if number > 4:
            break
        run = run_with(program, site, Tensors(sample, 10, whole))
        lines = range(site.flagged.statement_line, site.flagged.end_line + 1)
        found = next((each for each in run.world.trained if each.place.line in lines), None)
        if found is not None:
            return _judge(site, run, found)
        if run.error is not None:
            reason = f"it could not be run: {type(run.error).__name__}: {run.error}"[:260]
    return _outcome(site, Status.UNDECIDED, reason)


def _outcome(site: Site, status: Status, detail: str, runs: tuple[BatchOutcome, ...] = ()) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, runs, findings=(site.flagged.number,))


def _judge(site: Site, run: Run, training: Training) -> CheckOutcome:
    asked = training.keywords.get("batch_size")
    if asked is None and len(training.arguments) > POSITIONS[training.method]:
        asked = training.arguments[POSITIONS[training.method]]
    if not isinstance(asked, int) or asked < 1:
        return _outcome(site, Status.UNDECIDED, "the batch size that is asked for is not known")
    with running(run.world):
        kind, size = _kind(training.data)
    if kind is None:
        return _outcome(site, Status.UNDECIDED, "what kind of data it is given is not known")
    version = f"Keras {keras.__version__}"
    outcomes: list[BatchOutcome] = []
    given: list[int] = []
    for wanted in (asked, asked + 1):
        sizes, failure = _steps(training.method, kind, size or 16, wanted)
        status = Status.PASSED if failure is None and sizes and sizes[0] == wanted else Status.FAILED
        outcomes.append(
            BatchOutcome(wanted, status, f"`batch_size={wanted}` for a {kind}", failure, detail=_listed(sizes))
        )
        if failure is not None:
            what = f"{version}: `{training.method}(batch_size={wanted})` with a {kind} raises {failure.kind}: "
            return _outcome(site, Status.FAILED, what + failure.message[:200], tuple(outcomes))
        given.append(sizes[0] if sizes else 0)
    if given == [asked, asked + 1]:
        article = "an" if kind == "array" else "a"
        what = f"{version}: `{training.method}` cuts {article} {kind} into batches of {asked} as it is asked"
        return _outcome(site, Status.PASSED, what, tuple(outcomes))
    if given[0] == given[1]:
        what = f"{version}: `{training.method}` raises nothing and ignores `batch_size` for a {kind}: asked for {asked}"
        what += "" if given[0] != asked else f" and for {asked + 1}"
        what += f", it gives batches of {given[0]}"
        return _outcome(site, Status.FAILED, what, tuple(outcomes))
    return _outcome(site, Status.UNDECIDED, f"batches of {given} rows were given", tuple(outcomes))


def _kind(data: Any) -> tuple[str | None, int | None]:
    """What kind of data it is, and the rows of its batches."""
    if isinstance(data, RowPipeline):
        return "tf.data.Dataset", data.batch_size if data.batched else 1
    if isinstance(data, tf.data.Dataset):
        return "tf.data.Dataset", None
    if isinstance(data, keras.utils.PyDataset):
        return "PyDataset", None
    if isinstance(data, types.GeneratorType):
        return "generator", _rows_of(next(data, None))
    if isinstance(data, np.ndarray | tf.Tensor):
        return "array", None
    if isinstance(data, list | tuple) and data and all(isinstance(each, np.ndarray | tf.Tensor) for each in data):
        return "array", None
    if isinstance(data, StandIn) and data._bl_name.startswith("load_data"):
        return "array", None
    return None, None


def _rows_of(batch: Any) -> int | None:
    first = batch[0] if isinstance(batch, tuple | list) and batch else batch
    shape = getattr(first, "shape", None)
    return int(shape[0]) if shape is not None and len(shape) and isinstance(shape[0], int) else None


def _listed(sizes: list[int]) -> str:
    """Batches' sizes, a long row of them cut short."""
    shown = sizes if len(sizes) <= 8 else [*sizes[:4], "…", sizes[-1]]
    return ", ".join(str(each) for each in shown)


def _steps(method: str, kind: str, size: int, asked: int) -> tuple[list[int], Failure | None]:
    """The rows of each step, or what was raised."""
    seen: list[int] = []

    class Model(keras.Model):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs

        def train_step(self, data: Any) -> Any:
            return self._noted(data[0] if isinstance(data, tuple) else data)

        test_step = train_step

        def predict_step(self, data: Any) -> Any:
            found = data[0] if isinstance(data, tuple) else data
            self._noted(found)
            return found

        def _noted(self, rows: Any) -> dict[str, float]:
            seen.append(len(np.asarray(rows)))
            return {"loss": 0.0}

    model = Model()
    model.compile(optimizer="sgd", loss="mse", run_eagerly=True)
    keywords: dict[str, Any] = {"batch_size": asked, "verbose": 0}
    data, targets = _data(kind, size, max(size, asked) * BATCHES + 1)
    if method == "fit":
        keywords.update(epochs=1, shuffle=False)
    if targets is not None and method != "predict":
        keywords["y"] = targets
    if kind == "generator":
        keywords["steps_per_epoch" if method == "fit" else "steps"] = BATCHES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(model, method)(data, **keywords)
    except Exception as error:
        return [], failure_in(error, lambda filename: False)
    return seen, None


def _data(kind: str, size: int, rows: int) -> tuple[Any, Any]:
    """Tiny data of a kind, and the targets that are given beside it."""
    x, y = np.zeros((rows, 1), np.float32), np.zeros((rows, 1), np.float32)
    if kind == "array":
        return x, y
    if kind == "tf.data.Dataset":
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(size), None
    if kind == "generator":
        return _generated(x, y, size), None

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-rows // size)

        def __getitem__(self, index: int) -> Any:
            return x[index * size : (index + 1) * size], y[index * size : (index + 1) * size]

    return Batches(), None


def _generated(x: Any, y: Any, size: int) -> Iterator[Any]:
    while True:
        yield x[:size], y[:size]
