"""BSZ405: the last step of a recurrent layer is read, where short sequences have padding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.observations import LAST_STEP

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class PaddedLastStep(Rule):
    """The last step of a recurrent layer is read from sequences that are padded on the right.

    Example:
        from tensorflow import keras
        from tensorflow.keras import layers

        def prepare(tokens):
            return keras.utils.pad_sequences(tokens, padding="post")

        class Sentiment(keras.Model):
            def __init__(self):
                super().__init__()
                self.embedding = layers.Embedding(10_000, 64)
                self.lstm = layers.LSTM(64, return_sequences=True)
                self.out = layers.Dense(1)

            def call(self, tokens):
                outputs = self.lstm(self.embedding(tokens))
                return self.out(outputs[:, -1])

    Instead:
        from tensorflow import keras
        from tensorflow.keras import layers

        def prepare(tokens):
            return keras.utils.pad_sequences(tokens, padding="post")

        class Sentiment(keras.Model):
            def __init__(self):
                super().__init__()
                self.embedding = layers.Embedding(10_000, 64, mask_zero=True)
                self.lstm = layers.LSTM(64)
                self.out = layers.Dense(1)

            def call(self, tokens):
                return self.out(self.lstm(self.embedding(tokens)))

    Why:
        A short sequence ends before the last step: what is read there is the state after so many steps of padding, and
        their number depends on the longest sequence that it was padded with. The same text gives another result in
        another batch. `dynamic_rnn` with `sequence_length` gives zeros for these steps.

    Silent when:
        A mask reaches the layer (`mask_zero`, `Masking`): then the steps of padding repeat the last real output; the
        padding is on the left, which is what `pad_sequences` does by default; all sequences have one length; lengths
        choose the step that is read.

    Proof:
        Pads the same sample further, and compares what the model gives for it.

    Fix:
        Unsafe: `mask_zero=True`, `Masking`, `padding="pre"`, or the last state instead of the last output.
    """

    code = "BSZ405"
    name = "padded-last-step"
    severity = Severity.WARNING
    observes = (LAST_STEP,)
    candidates = ("last step",)
    proved_by = ("further padding",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the index, or the layer that gives its last step alone."""
        what = "this index reads" if observation.name == "index" else "the layer gives"
        report(
            observation.node,
            f"{what} the last step of sequences that are padded on the right: short ones end before it, and what is "
            f"read depends on how far they were padded; mask the padding (`mask_zero=True`, `Masking`), or pad on the "
            f"left",
        )
