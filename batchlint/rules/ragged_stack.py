"""BSZ602: sequences of different lengths are put into one array or batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.observations import CALL
from batchlint.semantics.raggedness import declared_lengths, may_be_padded, ragged_lengths
from batchlint.semantics.values import Dataset, External, Integer, Loader, Sequence

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report
    from batchlint.semantics.values import Value

_LOADER = "torch.utils.data.DataLoader"
_BATCH = "tensorflow.data.Dataset.batch"
_SLICES = "tensorflow.data.Dataset.from_tensor_slices"

_STACKING = {
    "numpy.array": "pad them to one length first",
    "numpy.asarray": "pad them to one length first",
    "numpy.stack": "pad them to one length first",
    "torch.stack": "`torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True)` pads them",
    "torch.tensor": "`torch.nn.utils.rnn.pad_sequence` pads tensors of each",
    "torch.as_tensor": "`torch.nn.utils.rnn.pad_sequence` pads tensors of each",
    "torch.LongTensor": "`torch.nn.utils.rnn.pad_sequence` pads tensors of each",
    "torch.FloatTensor": "`torch.nn.utils.rnn.pad_sequence` pads tensors of each",
    "tensorflow.stack": "`keras.utils.pad_sequences` pads them, `tf.ragged.stack` keeps their lengths",
    "tensorflow.constant": "`keras.utils.pad_sequences` pads them, `tf.ragged.constant` keeps their lengths",
    "tensorflow.convert_to_tensor": "`keras.utils.pad_sequences` pads them, `tf.ragged.constant` keeps their lengths",
    _SLICES: "`keras.utils.pad_sequences` pads them, `tf.ragged.constant` keeps their lengths",
}
"""What makes one array of a list of sequences, and what to do instead."""


class RaggedStack(Rule):
    """Sequences whose lengths differ are stacked into one array, tensor or batch.

    Example:
        import numpy as np
        from tensorflow import keras

        reviews = [[12, 7, 55], [3, 9], [41, 5, 8, 20]]

        def predict(model):
            return model.predict(np.array(reviews))

    Instead:
        import numpy as np
        from tensorflow import keras

        reviews = [[12, 7, 55], [3, 9], [41, 5, 8, 20]]

        def predict(model):
            return model.predict(keras.utils.pad_sequences(reviews, padding="post"))

    Why:
        An array has one length a row. NumPy (since 1.24), PyTorch and TensorFlow raise for rows of different lengths,
        and so does the first batch that holds two of them; with a batch size of 1 nothing is seen of it.

    Silent when:
        The lengths are not known to differ, the sequences are padded or cut first, the array holds objects
        (``dtype=object``), ``padded_batch``, ``ragged_batch`` or a ``collate_fn`` puts the batch together, or a batch
        is one sample.

    Proof:
        Runs the call with the sequences of the file: it raises.

    Fix:
        Unsafe: ``pad_sequence``, ``padded_batch``, ``keras.utils.pad_sequences``; the model has to know of the padding.
    """

    code = "BSZ602"
    name = "ragged-stack"
    severity = Severity.ERROR
    observes = (CALL, _BATCH, _LOADER)
    candidates = ("ragged",)
    proved_by = ("ragged stack", "crash at batch sizes")

    def check(self, observation: Observation, report: Report) -> None:
        """Report the call that puts them together."""
        if observation.operation == _BATCH:
            self._batched(observation, report)
        elif observation.operation == _LOADER:
            self._loaded(observation, report)
        else:
            self._stacked(observation, report)

    def _stacked(self, observation: Observation, report: Report) -> None:
        callee = observation.arguments["callee"]
        remedy = _STACKING.get(callee.name) if isinstance(callee, External) else None
        if remedy is None or not observation.positional or _holds_objects(observation):
            return
        lengths = _lengths(observation.positional[0], callee.name)  # type: ignore[attr-defined]
        if lengths is not None and not may_be_padded(observation.node, observation.context.scope):
            report(
                observation.node,
                f"these sequences have {_told(lengths)} elements: an array needs one length, so this raises; {remedy}",
            )

    def _loaded(self, observation: Observation, report: Report) -> None:
        """A ``DataLoader`` over a list of sequences."""
        given = observation.arguments
        if "collate_fn" in given or "batch_sampler" in given or _is_one(given.get("batch_size", Integer(1))):
            return
        lengths = ragged_lengths(observation.argument("dataset"), stacks=False)
        if lengths is not None and not may_be_padded(observation.node, observation.context.scope):
            report(
                observation.node,
                f"these sequences have {_told(lengths)} elements: the first batch with two lengths raises; give the "
                f"loader a `collate_fn` that pads them, e.g. with `pad_sequence`",
            )

    def _batched(self, observation: Observation, report: Report) -> None:
        """``.batch(b)`` over elements that are declared to differ in length."""
        pipeline, made = observation.argument("receiver"), observation.result
        if not isinstance(pipeline, Dataset) or not isinstance(made, Loader) or _is_one(made.batch_size):
            return
        if declared_lengths(pipeline):
            report(
                observation.node,
                "the elements are declared with an open size, and `batch` puts only elements of one size together: a "
                "batch with two lengths raises; use `padded_batch` or `ragged_batch`",
                severity=Severity.WARNING,
                notes=(("the open size is declared here", pipeline.node),),
            )


def _lengths(value: Value, name: str) -> tuple[int, ...] | None:
    """The different lengths of the sequences that *name* is given."""
    if name == _SLICES and isinstance(value, Sequence) and value.kind == "tuple":
        # Each part of a tuple is an array of its own.
        found = (ragged_lengths(item, stacks=False) for item in value.items)
        return next((lengths for lengths in found if lengths is not None), None)
    return ragged_lengths(value, stacks=name.endswith("stack"))


def _holds_objects(observation: Observation) -> bool:
    """Whether the call names a ``dtype`` other than a framework's or a number's: then an array of lists is meant."""
    given: Any = observation.keywords.get("dtype")
    if given is None and len(observation.positional) > 1:
        given = observation.positional[1]
    if given is None:
        return False
    name = given.name if isinstance(given, External) else ""
    return (
        not name.startswith(("numpy.", "torch.", "tensorflow.", "builtins.int", "builtins.float")) or "object" in name
    )


def _is_one(size: object) -> bool:
    return isinstance(size, Integer) and size.number == 1


def _told(lengths: tuple[int, ...]) -> str:
    """``3, 2 and 4``, of many the first few."""
    shown = [str(length) for length in lengths[:4]]
    if len(lengths) > len(shown):
        return ", ".join(shown) + ", …"
    return " and ".join((", ".join(shown[:-1]), shown[-1]))
