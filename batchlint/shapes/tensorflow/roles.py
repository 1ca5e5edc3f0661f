"""What operations are for, as far as rules ask: sets of canonical names."""

from __future__ import annotations

from batchlint.shapes.tensorflow import elementwise, losses, reductions

__all__ = ["ACTIVATIONS", "ELEMENTWISE", "EXTREMA", "LOSSES", "MERGING", "REDUCTIONS", "SELECTING", "SOFTMAXES"]


def _all(tables: dict[str, tuple[str, ...]]) -> frozenset[str]:
    return frozenset(name for names in tables.values() for name in names)


SOFTMAXES = _all(elementwise.SOFTMAXES)
"""Softmax and its like along one axis."""

ACTIVATIONS = _all(elementwise.ACTIVATIONS)
"""Activations of each element for itself."""

ELEMENTWISE = _all(elementwise.UNARY) | ACTIVATIONS | SOFTMAXES | _all(elementwise.DROPOUTS)
"""Every element for itself (softmax: along an axis): the shape stays."""

MERGING = _all(elementwise.BINARY)
"""Operations on two tensors, which are broadcast."""

REDUCTIONS = frozenset(reductions.REDUCTIONS)
"""Reductions over any number of axes, over all of them by default."""

EXTREMA = frozenset(reductions.ARGUMENTS_OF_EXTREMA)
"""Where along one axis the greatest or least element is."""

SELECTING = frozenset(
    """
    tensorflow.gather tensorflow.gather_nd tensorflow.boolean_mask tensorflow.nn.embedding_lookup keras.ops.take
    keras.ops.take_along_axis keras.backend.gather
    """.split()
)
"""Operations whose second tensor says what to take of the first."""

LOSSES = frozenset(
    (
        *losses.ELEMENTWISE_LOSSES,
        *losses.SAMPLE_LOSSES,
        *losses.CLASS_LOSSES,
        *losses.CLASS_INDEX_LOSSES,
        *losses.REDUCED_LOSSES,
        "tensorflow.losses.mean_squared_error",
    )
)
"""Losses, which compare as many predictions as targets."""
