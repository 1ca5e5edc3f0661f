"""BSZ104: the shape that Keras is given for one sample counts the samples as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.fixed_batch import describe
from batchlint.semantics.observations import CALL
from batchlint.semantics.samples import counted_samples

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class DatasetShapeAsInputShape(Rule):
    """`input_shape` is the shape of the whole data set, or holds the batch size: it must be one sample's.

    Example:
        import numpy as np
        from tensorflow import keras

        x_train = np.random.random((100, 7, 1))
        y_train = np.random.random((100, 1))
        model = keras.Sequential([
            keras.layers.LSTM(16, input_shape=x_train.shape),
            keras.layers.Dense(1),
        ])
        model.compile(loss="mse")
        model.fit(x_train, y_train)

    Instead:
        import numpy as np
        from tensorflow import keras

        x_train = np.random.random((100, 7, 1))
        y_train = np.random.random((100, 1))
        model = keras.Sequential([
            keras.layers.LSTM(16, input_shape=x_train.shape[1:]),
            keras.layers.Dense(1),
        ])
        model.compile(loss="mse")
        model.fit(x_train, y_train)

    Why:
        Keras puts the batch axis in front of ``input_shape`` by itself. With the number of samples in it the input has
        one axis too many, and the model is built for that very number of samples: layers raise about their rank, or the
        data does not fit the model when it is trained.

    Silent when:
        The first size is left out (``x.shape[1:]``), the array is one sample (``x_train[0].shape``), or nothing shows
        that the array holds many.

    Proof:
        Builds and runs the model: it raises at every batch size.

    Fix:
        Safe: ``x_train.shape[1:]``.
    """

    code = "BSZ104"
    name = "dataset-shape-as-input-shape"
    severity = Severity.ERROR
    observes = (CALL,)
    candidates = ("samples in shape",)
    proved_by = ("crash at batch sizes",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the call whose shape of one sample counts the samples."""
        found = counted_samples(observation)
        if found is None:
            return
        where, notes = describe((found.batch,), observation.origins) if found.batch is not None else ("", ())
        what = f"{found.what} ({where})" if where else found.what
        report(
            observation.node,
            f"`{found.spelt}` puts {what} into the shape of one sample: Keras adds the batch axis itself, so the model "
            f"does not fit the data; use {found.remedy}",
            notes=notes,
        )
