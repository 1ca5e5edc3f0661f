"""How each framework spells what a message advises: where to read the number of rows that really are there."""

from __future__ import annotations

from collections.abc import Set

_ROWS = (
    ("keras.ops.", "keras.ops.shape({0})[0]"),
    ("keras.backend.", "K.shape({0})[0]"),
    ("keras.", "keras.ops.shape({0})[0]"),
    ("tensorflow.", "tf.shape({0})[0]"),
    ("numpy.", "len({0})"),
)
"""First letters of an operation's canonical name, and the number of rows of *x* in its framework."""

_PYTORCH = "{0}.size(0)"
_FLATTENING = (
    ("keras.ops.", "keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))"),
    ("keras.", "keras.layers.Flatten()"),
    ("tensorflow.", "keras.layers.Flatten() or tf.reshape(x, [tf.shape(x)[0], -1])"),
    ("numpy.", "x.reshape(len(x), -1)"),
)


def rows_of(operation: str, tensor: str = "x") -> str:
    """The number of rows of *tensor* in the words of the framework that *operation* belongs to.

    ``x.size(0)`` for ``torch.reshape``, ``tf.shape(x)[0]`` for ``tensorflow.reshape``, ``len(x)`` for NumPy.
    """
    spelt = next((text for prefix, text in _ROWS if operation.startswith(prefix)), _PYTORCH)
    return spelt.format(tensor)


def flattening(operation: str) -> str:
    """How the framework that *operation* belongs to flattens each sample: ``flatten(1)`` in PyTorch."""
    return next((text for prefix, text in _FLATTENING if operation.startswith(prefix)), "flatten(1)")


def is_torch(operation: str) -> bool:
    """Whether *operation* is PyTorch's, or one that no framework owns."""
    return not operation.startswith(("keras.", "tensorflow.", "numpy."))


def uses_tensorflow(frameworks: Set[str]) -> bool:
    """Whether a file that imports *frameworks* is TensorFlow's or Keras's, and not PyTorch's as well."""
    return "tensorflow" in frameworks and "torch" not in frameworks


def loader_of(frameworks: Set[str], size: str) -> str:
    """What makes batches of *size* rows in the framework at hand."""
    if uses_tensorflow(frameworks):
        return f"tf.data.Dataset.from_tensor_slices(...).batch({size})"
    return f"DataLoader(TensorDataset(...), batch_size={size})"
