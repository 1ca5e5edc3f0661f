"""Command-line flags of ``tf.app.flags`` and absl: what the file defines, and what it reads of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator
    from batchlint.semantics.values import Value

__all__ = ["FLAG", "flag"]

FLAG = "flag"
"""First element of the key under which a flag's default is remembered."""


def flag(ev: Evaluator, holder: str, name: str) -> Value | None:
    """``FLAGS.name`` of the *holder* ``tf.app.flags.FLAGS``, ``None`` where nothing is known of it."""
    return ev.memory.get((FLAG, name)) if holder.endswith("flags.FLAGS") else None
