"""Losses of TensorFlow and Keras as functions: which give a number for each sample, and which the mean of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics import layers
from batchlint.semantics.keras_losses import LOSS_OBJECTS
from batchlint.semantics.library import handles
from batchlint.semantics.quantities import REDUCED
from batchlint.semantics.values import QuantityKind, Value
from batchlint.shapes.tensorflow.losses import (
    CLASS_INDEX_LOSSES,
    CLASS_LOSSES,
    ELEMENTWISE_LOSSES,
    REDUCED_LOSSES,
    SAMPLE_LOSSES,
)

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

REDUCED.update(
    dict.fromkeys((*ELEMENTWISE_LOSSES, *SAMPLE_LOSSES, *CLASS_LOSSES, *CLASS_INDEX_LOSSES), QuantityKind.EACH)
)
REDUCED.update(dict.fromkeys(REDUCED_LOSSES, QuantityKind.MEAN))


@handles(*(name.replace("keras.", "tensorflow.", 1) for name in LOSS_OBJECTS))
def _as_in_keras(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """``tf.losses.MeanSquaredError()`` is Keras's."""
    return layers.construct(ev, f"keras.losses.{ev.last_name(node.func)}", (), keywords, node)
