"""Tables of frameworks that a file may name: loaded when it does, so that other files pay nothing for them."""

from __future__ import annotations

import functools
import importlib

__all__ = ["KERAS_FAMILY", "is_loss", "load_tables"]

KERAS_FAMILY = ("keras", "tensorflow", "tf_keras", "tf_slim", "tensorflow_addons", "tensorflow_probability")
"""First parts of the names of imports that bring TensorFlow and Keras with them."""

_TABLES = ("batchlint.shapes.tensorflow", "batchlint.shapes.keras")
_HANDLERS = (
    "keras_layers", "keras_models", "keras_wrappers", "keras_classes", "keras_losses", "tensorflow_shapes",
    "tensorflow_variables", "tensorflow_control", "tensorflow_graphs", "tensorflow_cells", "tensorflow_sequences",
    "tensorflow_losses", "tensorflow_metrics", "pipeline_sources",
)  # fmt: skip


def is_loss(operation: str) -> bool:
    """Whether *operation* is a loss of TensorFlow or Keras; asks their tables only where it is theirs."""
    return operation.startswith(("tensorflow.", "keras.")) and operation in _losses()


@functools.cache
def _losses() -> frozenset[str]:
    from batchlint.shapes.tensorflow.roles import LOSSES

    return LOSSES


def load_tables(name: str) -> bool:
    """Load what belongs to the framework of the imported dotted *name*; whether it is TensorFlow's or Keras's."""
    if name.partition(".")[0] not in KERAS_FAMILY:
        return False
    _load()
    return True


@functools.cache
def _load() -> None:
    for table in _TABLES:
        importlib.import_module(table)
    for module in _HANDLERS:
        importlib.import_module(f"batchlint.semantics.{module}")
