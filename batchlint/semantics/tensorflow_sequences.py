"""What TensorFlow code says of several tensors at once: losses of sequence models, and ``TensorSpec``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.declarations import SPECIFICATION
from batchlint.semantics.library import handles
from batchlint.semantics.tensors import look_for_conflict, opaque, tensors_among
from batchlint.semantics.values import UNKNOWN, Dictionary, Value

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__: list[str] = []

_MODULES = ("tensorflow.contrib.legacy_seq2seq", "tensorflow.contrib.seq2seq", "tensorflow.nn.seq2seq")
_FUNCTIONS = ("sequence_loss", "sequence_loss_by_example")


@handles("tensorflow.TensorSpec")
def _specification(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = {**dict(zip(("shape", "dtype", "name"), arguments)), **keywords}
    return Dictionary({"shape": given.get("shape", UNKNOWN)}, SPECIFICATION, False)


@handles(*(f"{module}.{function}" for module in _MODULES for function in _FUNCTIONS))
def _sequence_loss(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    name = ev.last_name(node.func)
    operation = f"{_MODULES[0]}.{name if name in _FUNCTIONS else _FUNCTIONS[0]}"
    look_for_conflict(ev, operation, node, tensors_among((*arguments, *keywords.values())))
    return opaque(ev, arguments, keywords)
