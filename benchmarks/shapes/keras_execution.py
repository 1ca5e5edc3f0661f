"""Runs instrumented programs of TensorFlow and Keras and notes the shape of every value, as `execution` does.

Whatever can run eagerly does, so that what is noted are the shapes of data. A symbolic tensor is noted as
``["k", sizes]`` with ``None`` for what is open; where a session or a model that is there at the end can compute it, its
sizes are those of what was computed. A tensor or array of few integers has them as its third part.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import types
import warnings
from pathlib import Path
from typing import Any

FEW = 8
"""Integers that are noted besides a shape at most."""
OPEN = 7
"""What stands for an open size that is not the batch's."""


class _Symbolic:
    """The symbolic tensors that were noted, and their notes."""

    def __init__(self) -> None:
        self.graph: dict[int, tuple[Any, list[list[Any]]]] = {}
        self.keras: dict[int, tuple[Any, list[list[Any]]]] = {}

    def note(self, kept: dict[int, tuple[Any, list[list[Any]]]], tensor: Any, sizes: list[int | None]) -> list[Any]:
        made = ["k", sizes]
        kept.setdefault(id(tensor), (tensor, []))[1].append(made)
        return made


def describer(symbolic: _Symbolic) -> Any:
    """The function that notes a value."""
    import keras
    import numpy as np
    import tensorflow as tf
    from keras.src.backend.common.symbolic_scope import in_symbolic_scope

    def describe(value: Any, depth: int = 3) -> list[Any]:
        if isinstance(value, keras.KerasTensor):
            return symbolic.note(symbolic.keras, value, list(value.shape))
        if isinstance(value, keras.Variable):
            return ["t", list(value.shape)]
        if isinstance(value, (tf.Tensor, tf.Variable)):
            if value.shape.rank is None:
                return ["o"]
            sizes = value.shape.as_list()
            if isinstance(value, tf.Tensor) and not hasattr(value, "numpy"):
                return ["o"] if in_symbolic_scope() else symbolic.note(symbolic.graph, value, sizes)
            if isinstance(value, tf.Tensor) and value.dtype.is_integer and len(sizes) < 2 and sum(sizes) <= FEW:
                return ["t", sizes, np.ravel(value.numpy()).tolist()]
            if isinstance(value, tf.Tensor) and not sizes and value.dtype.is_floating and float(value).is_integer():
                return ["t", [], [int(value)]]
            return ["t", sizes]
        if isinstance(value, np.ndarray):
            if value.dtype.kind in "iu" and value.ndim < 2 and value.size <= FEW:
                return ["t", list(value.shape), np.ravel(value).tolist()]
            return ["t", list(value.shape)]
        if isinstance(value, bool):
            return ["o"]
        if isinstance(value, int):
            return ["i", value]
        if isinstance(value, np.integer):
            return ["t", [], [int(value)]]
        if isinstance(value, np.generic):
            return ["t", []]
        if isinstance(value, tf.TensorShape):
            return ["o"] if value.rank is None else describe(tuple(value), depth)
        if isinstance(value, (tuple, list)) and depth and len(value) <= 64:
            return ["s", [describe(item, depth - 1) for item in value]]
        return ["n"] if value is None else ["o"]

    return describe


def _recorder(notes: Any) -> Any:
    """The recorder, less what Keras makes the program's functions compute, for a shape or for a batch of its own."""
    from keras.src.backend.common.symbolic_scope import in_symbolic_scope

    def record(number: int, value: Any) -> Any:
        return value if in_symbolic_scope() or _called_by_keras() else notes.record(number, value, 2)

    return record


def _called_by_keras() -> bool:
    """Whether ``fit``, ``evaluate`` or ``predict`` runs: its batches are no arguments that the program wrote down."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name in ("fit", "evaluate", "predict") and code.co_filename.endswith("trainer.py"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def _sessions_that_tell(symbolic: _Symbolic, describe: Any) -> Any:
    """Sessions compute, besides what they are asked for, how large every tensor is that was noted."""
    import numpy as np
    import tensorflow as tf

    session = tf.compat.v1.Session
    run = session.run

    def run_and_tell(self: Any, fetches: Any, feed_dict: Any = None, *rest: Any, **keywords: Any) -> Any:
        result = run(self, fetches, feed_dict, *rest, **keywords)
        for tensor, notes in symbolic.graph.values():
            numbers = tensor.dtype.is_integer and len(notes[0][1]) < 2
            if tensor.graph is self.graph and (numbers or any(None in note[1] for note in notes)):
                with contextlib.suppress(Exception):
                    found = run(self, tensor if numbers else _shape_of(tensor), feed_dict)
                    told = ["k", *describe(np.asarray(found))[1:]] if numbers else ["k", found.tolist()]
                    for note in notes:
                        note[:] = told
        return result

    session.run = run_and_tell
    try:
        yield
    finally:
        session.run = run


DATA_SETS = {
    "mnist": ((60000, 28, 28), (60000,)),
    "fashion_mnist": ((60000, 28, 28), (60000,)),
    "cifar10": ((50000, 32, 32, 3), (50000, 1)),
    "cifar100": ((50000, 32, 32, 3), (50000, 1)),
}
"""What the data sets' training halves are; the other half has 10,000 samples."""


def _without_downloads_and_long_runs() -> None:
    """Data sets of zeros, and training of one step: no shape depends on either."""
    import keras
    import numpy as np

    def load(images: tuple[int, ...], labels: tuple[int, ...]) -> Any:
        return tuple(
            (np.zeros((rows, *images[1:]), "uint8"), np.zeros((rows, *labels[1:]), "uint8"))
            for rows in (images[0], 10000)
        )

    for name, shapes in DATA_SETS.items():
        getattr(keras.datasets, name).load_data = lambda *given, shapes=shapes, **named: load(*shapes)
    fit = keras.Model.fit

    def one_step(self: Any, *arguments: Any, **keywords: Any) -> Any:
        return fit(self, *arguments, **{**keywords, "epochs": 1, "steps_per_epoch": 1, "verbose": 0})

    keras.Model.fit = one_step


def _shape_of(tensor: Any) -> Any:
    import tensorflow as tf

    with tensor.graph.as_default():
        return tf.shape(tensor)


def _compute_inputs_of_models(symbolic: _Symbolic, names: dict[str, Any], rows: int) -> None:
    """Give the notes of symbolic tensors the sizes that they have when the program's models run on *rows* rows."""
    import keras
    import numpy as np

    models = [value for value in names.values() if isinstance(value, keras.Model) and getattr(value, "inputs", None)]
    for model in models:
        inputs = [
            np.zeros([rows if n == 0 and size is None else size or OPEN for n, size in enumerate(each.shape)], "int32")
            for each in model.inputs
        ]
        for tensor, notes in symbolic.keras.values():
            if not any(None in note[1] for note in notes):
                continue
            with contextlib.suppress(Exception):
                result = keras.Model(model.inputs, tensor)(inputs)
                for note in notes:
                    note[:] = ["k", list(result.shape)]


def run(code: str, recorder: str, rows: int) -> dict[str, dict[int, list[Any]]]:
    """Execute *code* as a module and return what its expressions were."""
    import keras
    import tensorflow as tf

    from benchmarks.shapes.execution import FILE_NAME, Notes

    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    if tf.executing_eagerly():
        tf.config.run_functions_eagerly(True)
        tf.data.experimental.enable_debug_mode()
    symbolic = _Symbolic()
    describe = describer(symbolic)
    notes = Notes(describe)
    module = types.ModuleType("program")
    module.__dict__.update({recorder: _recorder(notes), "__file__": FILE_NAME})
    sys.modules["program"] = module
    with _sessions_that_tell(symbolic, describe):
        exec(compile(code, FILE_NAME, "exec"), module.__dict__)
    _compute_inputs_of_models(symbolic, module.__dict__, rows)
    return notes.seen


def main() -> None:
    """Answer jobs until standard input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    sys.path[:0] = json.loads(sys.stdin.readline())
    warnings.simplefilter("ignore")
    _without_downloads_and_long_runs()
    for line in sys.stdin:
        job = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"seen": run(job["code"], job["recorder"], job["rows"])}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])
    os.environ.update(
        KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0", CUDA_VISIBLE_DEVICES=""
    )
    main()
