"""Questions about libcst subtrees that abstract values do not answer; asked only where a hazard is likely."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from batchlint.semantics.batch_names import names_batch_size

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHUFFLING = re.compile(r"shuffle|^permutation$|^randperm$|^(?:random_?)?sample$|^rand_?perm|^resample$|^choices?$", re.IGNORECASE)
_ON_PURPOSE = re.compile(r"drop_?last|drop_?remainder|drop_?incomplete|full_?batch|remainder|left_?over", re.IGNORECASE)


def kind(node: Any) -> str:
    """The name of the node's type, so that rules need no libcst."""
    return type(node).__name__


def walk(node: Any) -> Iterator[Any]:
    """*node* and every node below it, iteratively, in source order."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(current.children))


def last_name(node: Any) -> str | None:
    """``c`` of ``a.b.c``, ``a.b.c(...)`` and ``a.b.c[...]``."""
    while kind(node) in ("Call", "Subscript"):
        node = node.func if kind(node) == "Call" else node.value
    if kind(node) == "Name":
        name: str = node.value
        return name
    return node.attr.value if kind(node) == "Attribute" else None


def names_in(node: Any) -> set[str]:
    """Every plain and attribute name in *node*."""
    return {part.value for part in walk(node) if kind(part) == "Name"}


def mentions_batch_size(node: Any) -> bool:
    """Whether a batch size is named in *node*."""
    return any(names_batch_size(name) for name in names_in(node))


def calls_in(node: Any) -> Iterator[Any]:
    """Every call in *node*."""
    return (part for part in walk(node) if kind(part) == "Call")


def reshuffles(node: Any) -> bool:
    """Whether *node* shuffles or permutes something."""
    return any(_SHUFFLING.search(last_name(call.func) or "") for call in calls_in(node))


def minds_the_tail(scope: Any) -> bool:
    """Whether the function or module *scope* knows of the rows after the last full batch.

    It takes a remainder by the batch size, cuts the rows to whole batches, slices from a computed row to the end, or
    names a choice such as ``drop_last``.
    """
    for part in walk(scope):
        if kind(part) == "Name" and _ON_PURPOSE.search(part.value):
            return True
        if kind(part) == "BinaryOperation" and kind(part.operator) == "Modulo" and mentions_batch_size(part.right):
            return True
        if kind(part) == "Call" and last_name(part.func) == "divmod":
            return True
        if kind(part) == "Slice" and _cuts_to_whole_batches(part):
            return True
    return False


def _cuts_to_whole_batches(piece: Any) -> bool:
    lower, upper = piece.lower, piece.upper
    if upper is None:
        return lower is not None and kind(lower) in ("BinaryOperation", "Name") and piece.step is None and (
            kind(lower) == "BinaryOperation" or re.search(r"start|begin|end|last|offset|idx|pos", lower.value) is not None
        )
    product = kind(upper) == "BinaryOperation" and kind(upper.operator) == "Multiply"
    return lower is None and product and mentions_batch_size(upper)
