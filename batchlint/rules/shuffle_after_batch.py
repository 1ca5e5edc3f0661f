"""BSZ307: batches are shuffled where samples are meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.evaluation import evaluates
from batchlint.semantics.observations import UNMIXED_BATCHES
from batchlint.semantics.syntax import names_in
from batchlint.semantics.values import Dataset, Integer, Loader

if TYPE_CHECKING:
    from typing import Any

    from batchlint.semantics.observations import Observation, Report

_PIECES = re.compile(r"seq|window|time|step|frame|chunk|block|context|length|horizon|look_?back|ngram", re.IGNORECASE)


class ShuffleAfterBatch(Rule):
    """``.batch(b).shuffle(n)`` shuffles whole batches: the same samples stay together in every epoch.

    Example:
        import tensorflow as tf

        def pipeline(images, labels, batch_size):
            dataset = tf.data.Dataset.from_tensor_slices((images, labels))
            return dataset.batch(batch_size).shuffle(1000).prefetch(tf.data.AUTOTUNE)

    Instead:
        import tensorflow as tf

        def pipeline(images, labels, batch_size):
            dataset = tf.data.Dataset.from_tensor_slices((images, labels))
            return dataset.shuffle(1000).batch(batch_size).prefetch(tf.data.AUTOTUNE)

    Why:
        What stands side by side in the files stands in one batch each time, and only the order of the batches changes.
        Where the files are sorted by class, each batch holds one class. The buffer also holds 1000 batches in place
        of 1000 samples.

    Silent when:
        The samples are shuffled before they are batched, also by the source (``list_files``, ``shuffle_files=True``,
        ``image_dataset_from_directory``); the batches are taken apart or batched again later, as where ``batch`` cuts
        a text into pieces; the data only evaluates.

    Proof:
        Compares over two epochs which samples stand together in a batch: they are the same.

    Fix:
        Unsafe: ``shuffle`` before ``batch``; the training takes another course.
    """

    code = "BSZ307"
    name = "shuffle-after-batch"
    severity = Severity.WARNING
    observes = (UNMIXED_BATCHES,)
    candidates = ("shuffled pipeline",)
    proved_by = ("batch membership",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the shuffle, once the whole file has been read."""
        pipeline = observation.argument("pipeline")
        if not isinstance(pipeline, Loader) or evaluates(observation.context.function):
            return
        size = pipeline.batch_size
        if size is not None and size.number == 1:
            return
        dataset = pipeline.dataset
        if isinstance(dataset, Dataset) and dataset.training is False:
            return
        if _cuts_pieces(pipeline.node):
            return
        number = size.number if isinstance(size, Integer) else None
        what = "batches" if number is None else f"batches of {number}"
        report(
            observation.node,
            f"this shuffles {what}, not samples: the same samples stay together in every epoch; "
            f"call `shuffle` before `batch`",
            notes=(("the samples are batched here", pipeline.node),),
        )


def _cuts_pieces(batching: Any) -> bool:
    """Whether ``batch(sequence_length + 1)`` cuts a text or a series into pieces."""
    names = {name for argument in getattr(batching, "args", ())[:1] for name in names_in(argument.value)}
    return any(_PIECES.search(name) for name in names) and not any(names_batch_size(name) for name in names)
