"""BSZ206: the static size of the batch, which is open when a graph is built, is used as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.observations import STATIC_BATCH
from batchlint.semantics.static_batch import EMPTINESS
from batchlint.semantics.values import Integer

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class StaticBatchInGraph(Rule):
    """``x.shape[0]`` of a layer's input is used as a number, but it is ``None`` when the graph is built.

    Example:
        import tensorflow as tf

        class FlattenHeads(tf.keras.layers.Layer):
            def call(self, x):
                batch = x.shape[0]
                return tf.reshape(x, [batch, -1, 64])

    Instead:
        import tensorflow as tf

        class FlattenHeads(tf.keras.layers.Layer):
            def call(self, x):
                batch = tf.shape(x)[0]
                return tf.reshape(x, [batch, -1, 64])

    Why:
        `x.shape`, `x.get_shape()` and `K.int_shape(x)` are what is known when TensorFlow builds a graph. Functional
        models, `fit` and `predict` leave the batch open, so that the size is `None`: `tf.reshape`, `tf.zeros`, `range`
        and arithmetic raise. It works where the layer is called eagerly, and with arrays whose length the batch size
        divides, until the data is one sample longer. `tf.shape(x)[0]` is the size of the batch that is there.
        How many rows `tf.boolean_mask` chose is never known then: `x.shape[0] == 0` is always false in a graph.

    Silent when:
        The tensor is a weight or an array, the axis is another than the batch's, the batch is fixed by the file, the
        size is compared with `None` or replaced by `tf.shape` where it is unknown, or only bounds a slice or goes to
        `set_shape`; the file only runs eagerly; a `tf.function` without `input_signature`, which is traced anew for
        each size; the file chooses another backend than TensorFlow for Keras.

    Proof:
        Builds the layer or model with an open batch: it raises, and is built with a fixed one.

    Fix:
        Safe: `tf.shape(x)[0]`, `keras.ops.shape(x)[0]`, or -1 in a reshape.
    """

    code = "BSZ206"
    name = "static-batch-in-graph"
    severity = Severity.WARNING
    observes = (STATIC_BATCH,)
    candidates = ("static batch",)
    proved_by = ("symbolic batch",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the place where the size was read, once for all its uses."""
        size = observation.arguments["size"]
        if not isinstance(size, Integer) or size.origin is None:
            return
        if observation.name == EMPTINESS:
            report(
                observation.node,
                "how many rows a mask chose is read from the static shape, which is None when the graph is built and "
                "never equals 0: an empty choice goes unnoticed; compare `tf.shape(x)[0]`",
            )
            return
        at = size.origin.node
        used = f"`{_spelt(observation.name)}`" if observation.name else "arithmetic"
        instead = _instead(observation.name)
        report(
            observation.node if at is None else at,
            f"the batch size is read from the static shape, which is None when the graph is built with an open batch "
            f"(a functional model, `fit`, `predict`), and {used} needs a number; use {instead}",
            notes=() if at is None else (("it is used here", observation.node),),
        )


def _instead(name: str) -> str:
    rows = "`keras.ops.shape(x)[0]`" if name.startswith("keras.") else "`tf.shape(x)[0]`"
    return f"-1, or {rows}" if name.endswith("reshape") else rows


def _spelt(name: str) -> str:
    """*name* as it is usually written."""
    package, _, last = name.partition(".")
    return {"builtins": last, "tensorflow": f"tf.{last}", "numpy": f"np.{last}"}.get(package, name)
