"""BSZ204: an input is declared for one batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.declarations import Declaration, declared_inputs
from batchlint.semantics.fixed_batch import describe, fixed_symbols, number_of
from batchlint.semantics.observations import CALL
from batchlint.semantics.values import Integer, OriginKind

if TYPE_CHECKING:
    from typing import Any

    from batchlint.semantics.observations import Observation, Report


class FixedBatchInput(Rule):
    """An input of a model or graph is declared for one batch size.

    Example:
        import tensorflow as tf

        batch_size = 32
        images = tf.compat.v1.placeholder(tf.float32, [batch_size, 784])
        labels = tf.compat.v1.placeholder(tf.int64, [batch_size])
        logits = tf.matmul(images, tf.Variable(tf.zeros([784, 10])))
        loss = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, logits)

    Instead:
        import tensorflow as tf

        images = tf.compat.v1.placeholder(tf.float32, [None, 784])
        labels = tf.compat.v1.placeholder(tf.int64, [None])
        logits = tf.matmul(images, tf.Variable(tf.zeros([784, 10])))
        loss = tf.compat.v1.losses.sparse_softmax_cross_entropy(labels, logits)

    Why:
        A placeholder, or the ``input_signature`` of a ``tf.function``, takes no other number of rows: the short last
        batch and the single sample of a later prediction raise. A stateful recurrent layer of Keras has one state for
        each row and raises as well, in ``fit`` too. A stateless Keras model takes a shorter batch all the same (Keras 3
        was run), so there it is worth knowing and no more: the number stays in static shapes and in what is exported.

    Silent when:
        The size is ``None``, 1, or read from an array's shape; the function is one that is exported; or the file is
        for a TPU, which needs fixed sizes.

    Proof:
        Runs the code at the declared batch size and at one less: it raises.

    Fix:
        Safe where nothing is stateful: ``None`` in place of the number.
    """

    code = "BSZ204"
    name = "fixed-batch-input"
    severity = Severity.WARNING
    observes = (CALL,)
    candidates = ("fixed input",)
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the declaration."""
        for declared in declared_inputs(observation):
            rows = _rows(observation, declared)
            if rows is not None:
                report(
                    declared.node,
                    f"`{declared.spelt}` fixes the batch at {rows.text}: {_consequence(declared)}; leave that size "
                    f"open, `{declared.open_form}`",
                    severity=Severity.WARNING if declared.strict else Severity.INFO,
                    latent=bool(observation.context.guards),
                    notes=rows.notes,
                )


class _Rows(NamedTuple):
    text: str
    notes: tuple[tuple[str, Any], ...]


def _rows(observation: Observation, declared: Declaration) -> _Rows | None:
    """How many rows *declared* takes, where somebody wrote that down as a batch size."""
    value = declared.rows
    if not isinstance(value, Integer):
        return None
    symbols = fixed_symbols((value.dimension,))
    if symbols:
        where, notes = describe(symbols, observation.origins)
        number = number_of(symbols)
        return None if number == "1" else _Rows(f"{number} ({where})", notes)
    number_written = value.dimension
    if not isinstance(number_written, int) or number_written < 2 or not declared.counts_rows:
        return None
    written = value.origin is None or value.origin.kind in (OriginKind.LITERAL, OriginKind.CONSTANT)
    return _Rows(str(number_written), ()) if written else None


def _consequence(declared: Declaration) -> str:
    if declared.stateful:
        return "a stateful layer keeps one state a row, so a shorter last batch raises, in `fit` too"
    if declared.strict:
        return "a shorter last batch or a single sample raises"
    return "Keras 3 takes a shorter one all the same, but the number stays in the layers' static shapes and in exports"
