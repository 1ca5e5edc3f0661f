"""Questions about libcst subtrees that abstract values do not answer; asked only where a hazard is likely."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from batchlint.semantics.batch_names import names_batch_size

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHUFFLING = re.compile(r"shuffle|^permutation$|^rand_?perm|^(?:random_?)?sample$|^resample$|^choices?$", re.IGNORECASE)
_CHOOSING = re.compile(r"drop_?last|drop_?remainder|drop_?incomplete|remainder|left_?over", re.IGNORECASE)
_START = re.compile(r"start|begin|end|last|offset|lo|low|lower|tail|batch", re.IGNORECASE)
_DEFINITIONS = frozenset({"FunctionDef", "ClassDef", "Lambda"})


def kind(node: Any) -> str:
    """The name of the node's type: who asks needs no libcst."""
    return type(node).__name__


_MEANINGLESS = re.compile(
    r"whitespace|^[lr](?:par|bracket|brace)$|comma|semicolon|lines|^(?:equal|dot|colon|indent|header|footer|newline|"
    r"trailing_\w+|asynchronous|has_\w+|encoding|default_\w+|first_colon|second_colon|star)$"
)
_fields: dict[type[Any], tuple[str, ...]] = {}


def children_of(node: Any) -> list[Any]:
    """The nodes below *node* that mean something, in source order; libcst's own ``children`` visits and copies."""
    kind_of_node = node.__class__
    names = _fields.get(kind_of_node)
    if names is None:
        names = tuple(name for name in kind_of_node.__dataclass_fields__ if not _MEANINGLESS.search(name))
        _fields[kind_of_node] = names
    found: list[Any] = []
    for name in names:
        value = getattr(node, name)
        if isinstance(value, list | tuple):
            found.extend(part for part in value if hasattr(part, "__dataclass_fields__"))
        elif hasattr(value, "__dataclass_fields__"):
            found.append(value)
    return found


def walk(node: Any, *, into_definitions: bool = True) -> Iterator[Any]:
    """*node* and every node below it in source order, iteratively."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if into_definitions or current is node or kind(current) not in _DEFINITIONS:
            pending.extend(reversed(children_of(current)))


def last_name(node: Any) -> str:
    """``c`` of ``a.b.c``, ``a.b.c(...)`` and ``a.b.c[...]``; empty where there is none."""
    while kind(node) in ("Call", "Subscript"):
        node = node.func if kind(node) == "Call" else node.value
    if kind(node) == "Attribute":
        node = node.attr
    return str(node.value) if kind(node) == "Name" else ""


def names_in(node: Any) -> set[str]:
    """Every name and attribute in *node*."""
    return {part.value for part in walk(node) if kind(part) == "Name"}


def mentions_batch_size(node: Any) -> bool:
    """Whether *node* names a batch size."""
    return any(names_batch_size(name) for name in names_in(node))


def calls_in(node: Any, *, into_definitions: bool = True) -> Iterator[Any]:
    """Every call in *node*."""
    return (part for part in walk(node, into_definitions=into_definitions) if kind(part) == "Call")


def reshuffles(node: Any) -> bool:
    """Whether *node* shuffles or permutes something; definitions inside of it do not count."""
    return any(_SHUFFLING.search(last_name(call.func)) for call in calls_in(node, into_definitions=False))


def minds_the_tail(scope: Any) -> bool:
    """Whether the function or module *scope* knows of the rows after the last full batch.

    It takes a remainder by the batch size, cuts the rows to whole batches, slices from a batch's start to the end, or
    names the choice, such as ``drop_last``.
    """
    for part in walk(scope, into_definitions=False):
        what = kind(part)
        if what == "Name" and _CHOOSING.search(part.value):
            return True
        if what == "BinaryOperation" and kind(part.operator) == "Modulo" and mentions_batch_size(part.right):
            return True
        if what == "Call" and last_name(part.func) in ("divmod", "fmod", "remainder"):
            return True
        if what == "Slice" and _takes_the_rest(part):
            return True
    return False


def _takes_the_rest(piece: Any) -> bool:
    """``x[start:]`` or ``x[:whole * batch_size]``."""
    if piece.upper is None:
        return piece.lower is not None and any(_START.search(name) for name in names_in(piece.lower))
    product = kind(piece.upper) == "BinaryOperation" and kind(piece.upper.operator) == "Multiply"
    return piece.lower is None and product and mentions_batch_size(piece.upper)


def goes_on_with(scope: Any, node: Any) -> bool:
    """Whether *scope* adds to, or looks at single items of, the list to which it binds *node*."""
    bound: set[str] = set()
    for part in walk(scope, into_definitions=False):
        if kind(part) == "Assign" and holds(part.value, node):
            bound |= {name for target in part.targets for name in names_in(target.target)}
    for part in walk(scope, into_definitions=False):
        what = kind(part)
        if what == "AugAssign" and last_name(part.target) in bound:
            return True
        if what == "Subscript" and kind(part.value) == "Name" and part.value.value in bound:
            return True
        if what == "Call" and last_name(part.func) in ("append", "extend") and last_name(part.func.value) in bound:
            return True
    return False


def leaves_or_skips(loop: Any) -> bool:
    """Whether a round of *loop* may end early, or looks at how much it got."""
    for part in walk(getattr(loop, "body", loop), into_definitions=False):
        if kind(part) in ("Break", "Continue", "Return", "Raise", "Assert", "Try", "CompIf"):
            return True
        asks = kind(part) in ("If", "IfExp") and names_in(part.test) & {"len", "shape", "size", "numel", "any"}
        if asks and not _only_assigns(part):
            return True
    return False


def _only_assigns(node: Any) -> bool:
    """``if end > len(x): end = len(x)``, which leaves an empty batch empty."""
    if kind(node) != "If" or node.orelse is not None or kind(node.body) != "IndentedBlock":
        return False
    lines = node.body.body
    return all(kind(line) == "SimpleStatementLine" and all(kind(s) == "Assign" for s in line.body) for line in lines)


@functools.lru_cache(maxsize=64)
def gives_axis_back(function: Any) -> bool:
    """Whether *function*, which squeezes, asks for the number of axes and puts one in front of a scalar."""
    ranks = {"rank", "ndim", "ndims", "dim"}
    asks = any(
        kind(part) == "Comparison"
        and names_in(part.left) & ranks
        and any(getattr(target.comparator, "value", None) in ("0", "1") for target in part.comparisons)
        for part in walk(function)
    )
    return asks and bool(names_in(function) & {"expand_dims", "unsqueeze", "atleast_1d", "newaxis", "reshape", "view"})


def decides(scope: Any) -> bool:
    """Whether *scope* does one thing or another."""
    return any(kind(part) in ("If", "IfExp", "Try", "Assert") for part in walk(scope, into_definitions=False))


def holds(node: Any, part: Any) -> bool:
    """Whether *part* stands in *node*."""
    return any(each is part for each in walk(node))


def is_taken_apart(function: Any, name: str) -> bool:
    """Whether *function* takes its argument *name* for a list or dict: unpacks it, or asks for one of its parts."""
    for part in walk(function.body):
        which = kind(part)
        if which not in ("Assign", "Subscript") or kind(part.value) != "Name" or part.value.value != name:
            continue
        if which == "Assign":
            taken = any(kind(target.target) in ("Tuple", "List") for target in part.targets)
        else:
            taken = len(part.slice) == 1 and kind(part.slice[0].slice) == "Index" and _is_key(part.slice[0].slice.value)
        if taken:
            return True
    return False


def _is_key(node: Any) -> bool:
    """Whether *node* is a number or string as it is written in the source."""
    if kind(node) == "UnaryOperation":
        node = node.expression
    return kind(node) in ("Integer", "SimpleString")


__all__ = [
    "calls_in",
    "children_of",
    "decides",
    "gives_axis_back",
    "goes_on_with",
    "holds",
    "is_taken_apart",
    "kind",
    "last_name",
    "leaves_or_skips",
    "mentions_batch_size",
    "minds_the_tail",
    "names_in",
    "reshuffles",
    "walk",
]
