"""Functions of TensorFlow that count predictions, and what they need of the axes of what they count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.library import handles
from batchlint.semantics.tensors import consume, opaque, tensors_among
from batchlint.semantics.values import Value

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


@handles("tensorflow.confusion_matrix")
def _confusion_matrix(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """Labels and predictions have to be vectors: a squeezed batch of one is none."""
    given = (*arguments[:2], *(keywords[name] for name in ("labels", "predictions") if name in keywords))
    consume(ev, "tensorflow.confusion_matrix", node, tensors_among(given), keywords, arguments)
    return opaque(ev, arguments, keywords)
