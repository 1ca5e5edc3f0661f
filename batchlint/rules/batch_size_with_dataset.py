"""BSZ601: ``fit``, ``evaluate`` or ``predict`` is given a batch size beside something that makes its own batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.fixed_batch import describe, fixed_symbols
from batchlint.semantics.observations import FIT
from batchlint.semantics.sequences import base_of, gives_batches_by_index
from batchlint.semantics.values import GENERATOR, NONE, UNKNOWN, Dataset, Feed, Instance, Integer, Loader, Repeated

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report
    from batchlint.semantics.values import Value


class BatchSizeWithDataset(Rule):
    """``batch_size`` is given to ``fit``, ``evaluate`` or ``predict`` beside a pipeline that makes its own batches.

    Example:
        import tensorflow as tf
        from tensorflow import keras

        def train(model, images, labels):
            dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(1000).batch(16)
            model.fit(dataset, batch_size=32, epochs=5)

    Instead:
        import tensorflow as tf
        from tensorflow import keras

        def train(model, images, labels):
            dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(1000).batch(32)
            model.fit(dataset, epochs=5)

    Why:
        A ``tf.data.Dataset``, a generator, a ``PyDataset`` (``Sequence``) and a PyTorch ``DataLoader`` give batches of
        the size that they were made with. Keras says nothing and takes these: asked for 32, Keras 3.15 trained,
        evaluated and predicted with the 16 of each of the four, and so did Keras 2 (``tf_keras`` 2.21, which takes no
        ``DataLoader``). Where eager execution is off, the loop of TensorFlow 1, Keras 2 raises ``ValueError``. An
        unbatched ``tf.data.Dataset`` is not batched by the argument either: each single sample is taken for a batch.

    Silent when:
        The data are arrays or tensors, whatever they are called; ``batch_size=None``; it is not known what they are.

    Proof:
        Calls the method with the installed Keras: it raises, or the model sees batches of another size than was asked
        for.

    Fix:
        Safe: leave ``batch_size`` out, which changes nothing; the size belongs to the pipeline.
    """

    code = "BSZ601"
    name = "batch-size-with-dataset"
    severity = Severity.ERROR
    observes = (FIT,)
    candidates = ("fit with batch size",)
    proved_by = ("fit contract",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the argument."""
        feed = _feed_of(observation.argument("x"), observation.argument("own"))
        asked = observation.argument("batch_size")
        if feed is None or asked == NONE:
            return
        number = asked.number if isinstance(asked, Integer) else None
        wanted = "batch_size" if number is None else f"batch_size={number}"
        if feed.single:
            message = (
                f"`{observation.name}` takes the batches as the data set gives them, and this one is not batched: "
                f"each sample is taken for a batch, whatever `{wanted}` says; write `.batch(...)` in the pipeline and "
                f"leave the argument out"
            )
            severity = Severity.ERROR
        else:
            own = "" if feed.size is None else f" of {feed.size}"
            message = (
                f"{feed.what} makes its own batches{own}: Keras takes no notice of `{wanted}` here, or raises without "
                f"eager execution; leave the argument out"
            )
            differ = number is not None and feed.size is not None and number != feed.size
            severity = Severity.ERROR if differ else Severity.WARNING
        report(_argument(observation.node), message, severity=severity, notes=_notes(observation, feed))


class _FeedOfModel(NamedTuple):
    """What gives a model its batches.

    Attributes:
        what: what it is, as messages say it.
        size: the size of its batches, where that is known.
        single: whether it gives single samples.
        node: where it is made.
        value: its batch size as it is written.
    """

    what: str
    size: int | None = None
    single: bool = False
    node: Any = None
    value: Value = UNKNOWN


_FEEDS = {
    Feed.DATASET: "a batched `tf.data.Dataset`",
    Feed.ITERATOR: "what `ImageDataGenerator` gives",
    Feed.DATA_LOADER: "a `DataLoader`",
}


def _feed_of(value: Value, own: Value) -> _FeedOfModel | None:
    """What *value* is, where it makes its own batches for certain."""
    size = own.number if isinstance(own, Integer) else None
    if isinstance(value, Loader) and value.given and value.batches:
        return _FeedOfModel(_FEEDS[value.feed], size, False, value.node, own)
    if isinstance(value, Dataset) and value.pipeline:
        return _FeedOfModel("", None, True, value.node)
    if isinstance(value, Instance) and gives_batches_by_index(value.of):
        name = "PyDataset" if base_of(value.of) == "keras.utils.PyDataset" else "Sequence"
        return _FeedOfModel(f"a `{name}`", size, False, value.of.node.name, own)
    if isinstance(value, Repeated) and value.kind == GENERATOR:
        return _FeedOfModel("a generator")
    return None


def _argument(call: Any) -> Any:
    return next((a for a in call.args if a.keyword is not None and a.keyword.value == "batch_size"), call)


def _notes(observation: Observation, feed: _FeedOfModel) -> tuple[tuple[str, Any], ...]:
    notes: list[tuple[str, Any]] = []
    if isinstance(feed.value, Integer):
        notes += describe(fixed_symbols((feed.value.dimension,)), observation.origins)[1]
    if feed.node is not None:
        notes.append(("the batches are made here" if not feed.single else "the data set is made here", feed.node))
    return tuple(notes)
