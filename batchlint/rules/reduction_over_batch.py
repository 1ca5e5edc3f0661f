"""BSZ403: a statistic of the whole batch changes the single samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.observations import BATCH_STATISTIC
from batchlint.semantics.values import Tensor

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class ReductionOverBatch(Rule):
    """A layer changes each sample by a mean, maximum or norm that it takes over the whole batch.

    Example:
        import tensorflow as tf

        class ScaleToOne(tf.keras.layers.Layer):
            def call(self, images):
                return images / tf.reduce_max(images)

    Instead:
        import tensorflow as tf

        class ScaleToOne(tf.keras.layers.Layer):
            def call(self, images):
                return images / tf.reduce_max(images, axis=[1, 2, 3], keepdims=True)

    Why:
        Without `axis`, or with an axis that holds the batch, the statistic is one number for all samples. What the
        layer gives for a sample then depends on which others are in the batch with it: predictions change with the
        batch size, and a sample alone gets another result than in training. Nothing raises.

    Silent when:
        The statistic ends in a loss or a metric, is kept for later (`assign`, as in batch normalisation), or belongs to
        a method that compares the samples of a batch (contrastive losses, minibatch discrimination, clustering,
        experts); a maximum is only subtracted, as before an exponential; the axis is another than the batch's.

    Proof:
        Compares a sample's output alone with its output in a batch: they differ.

    Fix:
        None: name the axes of one sample (`axis=[1, 2, 3], keepdims=True`).
    """

    code = "BSZ403"
    name = "reduction-over-batch"
    severity = Severity.WARNING
    observes = (BATCH_STATISTIC,)
    candidates = ("batch statistic",)
    proved_by = ("per-sample consistency",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the reduction."""
        tensor = observation.arguments["tensor"]
        name = observation.name.rpartition(".")[2] or "the reduction"
        known = isinstance(tensor, Tensor) and bool(tensor.shape.leading)
        report(
            observation.node,
            f"`{name}` runs over the whole batch, and its result changes each sample: what a sample gives depends on "
            f"the others in its batch; name the axes of one sample, with `keepdims=True`",
            shape=f"the samples are {tensor.shape} here" if known and isinstance(tensor, Tensor) else None,
        )
