"""TensorFlow, keras.ops and keras.backend as the differential tests call them; importing it enters them there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from differential import FRAMEWORKS, STAND_INS, Framework, Tensor

import batchlint.shapes.tensorflow  # noqa: F401  (fills the tables)
from batchlint.shapes.tensorflow.images import DECODERS
from batchlint.shapes.tensorflow.losses import REDUCED_LOSSES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras
    import tensorflow as tf
    from keras.src.legacy import backend as legacy_backend

PLACES: dict[str, tuple[Any, ...]] = {
    "tensorflow": (tf, tf.math, tf.linalg, tf.compat.v1),
    "keras": (keras,),
}
"""Where an operation may lie: `tf.math` and `tf.linalg` have no part in canonical names."""

RENAMED = {
    "keras.backend.logsumexp": "keras.ops.logsumexp",
    "keras.backend.random_binomial": "keras.backend.random_bernoulli",
    **{
        f"keras.losses.{short}": f"keras.losses.{long}"
        for short, long in {
            "mae": "mean_absolute_error",
            "mape": "mean_absolute_percentage_error",
            "mse": "mean_squared_error",
            "msle": "mean_squared_logarithmic_error",
            "MAE": "mean_absolute_error",
            "MAPE": "mean_absolute_percentage_error",
            "MSE": "mean_squared_error",
            "MSLE": "mean_squared_logarithmic_error",
            "logcosh": "log_cosh",
        }.items()
    },
    "keras.ops.resize": "keras.ops.image.resize",
    "keras.utils.np_utils.to_categorical": "keras.utils.to_categorical",
    "tensorflow.batch_matmul": "tensorflow.matmul",
    "tensorflow.mul": "tensorflow.multiply",
    "tensorflow.neg": "tensorflow.negative",
    "tensorflow.pack": "tensorflow.stack",
    "tensorflow.random.multinomial": "tensorflow.random.categorical",
    "tensorflow.reverse_v2": "tensorflow.reverse",
    "tensorflow.sub": "tensorflow.subtract",
    "tensorflow.unpack": "tensorflow.unstack",
}
"""Names that were given up before TensorFlow 1.0, with 2.0 or with Keras 3, to what took their place."""


def operation(name: str) -> Callable[..., Any]:
    """The function that the canonical *name* stands for."""
    name = name.replace("keras.metrics.", "keras.losses.").replace("tensorflow.losses.", "keras.losses.")
    framework, *path = RENAMED.get(name, name).split(".")
    if path[0] == "backend":
        places: tuple[Any, ...] = (legacy_backend,)
        path = path[1:]
    else:
        places = PLACES[framework]
    for place in places:
        found = place
        for part in path:
            found = getattr(found, part, None)
        if found is not None:
            return found  # type: ignore[no-any-return]
    raise LookupError(f"there is no {name}")


def make_tensor(tensor: Tensor, device: str) -> Any:
    """A tensor on the CPU; integers are below ``tensor.below``, so that they are good indices."""
    if tensor.dtype == "bool":
        data = np.arange(int(np.prod(tensor.sizes))).reshape(tensor.sizes) % 2 == 0
        return tf.constant(data)
    if tensor.dtype.startswith("int"):
        count = int(np.prod(tensor.sizes))
        return tf.constant(np.arange(count).reshape(tensor.sizes) % max(tensor.below, 1), dtype=tensor.dtype)
    return tf.constant(np.full(tensor.sizes, 0.5), dtype=tensor.dtype)


def _get_variable(*arguments: Any, **keywords: Any) -> Any:
    with tf.Graph().as_default():
        return tf.compat.v1.get_variable(*arguments, **keywords)


def _in_old_losses(name: str) -> Callable[..., Any]:
    def loss(labels: Any, predictions: Any) -> Any:
        if name.startswith("sparse"):
            labels = tf.zeros(predictions.shape[:-1], tf.int32)
        extra = {"axis": -1} if name == "cosine_distance" else {}
        return getattr(tf.compat.v1.losses, name)(labels, predictions, **extra)

    return loss


def _decode(decoder: Callable[..., Any]) -> Callable[..., Any]:
    def of_an_image(image: Any, **keywords: Any) -> Any:
        return decoder(tf.io.encode_png(tf.cast(image, tf.uint8)).numpy(), **keywords)

    return of_an_image


for _name in (*DECODERS, "tensorflow.image.decode_image", "tensorflow.io.decode_image"):
    # What comes out of a file does not depend on which decoder read it; there is no encoder for bitmaps.
    STAND_INS[_name] = _decode(tf.io.decode_image if _name.endswith("image") else tf.io.decode_png)
for _name in (*REDUCED_LOSSES, "tensorflow.losses.mean_squared_error"):
    STAND_INS[_name] = _in_old_losses(_name.rpartition(".")[2])
STAND_INS["tensorflow.get_variable"] = _get_variable
for _name in PLACES:
    FRAMEWORKS[_name] = Framework(operation, make_tensor, (tf.errors.OpError, AttributeError, AssertionError))
