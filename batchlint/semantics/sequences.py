"""Classes that give batches by index (Keras's ``Sequence`` and ``PyDataset``): what their code says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.syntax import kind, last_name, names_in, walk
from batchlint.semantics.values import Class, External, Function
from batchlint.shapes.dimension import Dimension, Expression, Role, evaluate, symbols_of

__all__ = ["base_of", "counts_up", "gives_batches_by_index", "rows_never_written"]

_ALLOCATING = frozenset({"empty", "zeros", "ones", "full"})
_TRIALS = ((9, 4, 3), (8, 4, 2), (1, 4, 1), (13, 5, 3))
"""Rows, a batch size, and the ceiling of one over the other."""


_SEQUENCES = frozenset({"keras.utils.PyDataset", "keras.utils.Sequence"})


def base_of(of: Class) -> str:
    """The canonical name of the imported class that *of* is derived from, empty where there is none."""
    for base in of.bases:
        if isinstance(base, External):
            return base.name
        if isinstance(base, Class) and (found := base_of(base)):
            return found
    return ""


def gives_batches_by_index(of: Class) -> bool:
    """Whether *of* is a ``Sequence`` or ``PyDataset`` of Keras."""
    return base_of(of) in _SEQUENCES


def counts_up(count: Dimension) -> bool:
    """Whether *count* is a number of rows over a batch size, rounded up."""
    if not isinstance(count, Expression):
        return False
    symbols = symbols_of(count)
    sizes = [s for s in symbols if s.role is Role.FIXED_BATCH or names_batch_size(s.name)]
    rows = [s for s in symbols if s not in sizes]
    if len(sizes) != 1 or len(rows) != 1:
        return False
    return all(evaluate(count, {rows[0]: n, sizes[0]: size}) == batches for n, size, batches in _TRIALS)


def rows_never_written(of: Class) -> Iterator[Any]:
    """Each array of ``self.batch_size`` rows that *of* fills sample by sample and gives back whole."""
    getter = of.attributes.get("__getitem__")
    if not isinstance(getter, Function):
        return
    called = {last_name(part.func) for part in walk(getter.node.body) if kind(part) == "Call"}
    helpers = [f for name, f in of.attributes.items() if isinstance(f, Function) and name in called]
    for function in (getter, *helpers):
        yield from _in_function(function.node)


def _in_function(function: Any) -> Iterator[Any]:
    for part in walk(function.body):
        if kind(part) != "Assign" or len(part.targets) != 1 or kind(part.targets[0].target) != "Name":
            continue
        name, call = part.targets[0].target.value, part.value
        if _allocates(call) and _is_filled(function, name) and _is_given_back(function, name):
            yield call


def _allocates(call: Any) -> bool:
    """``np.empty((self.batch_size, ...))``."""
    if kind(call) != "Call" or last_name(call.func) not in _ALLOCATING or not call.args:
        return False
    size = call.args[0].value
    if kind(size) in ("Tuple", "List"):
        if not size.elements:
            return False
        size = size.elements[0].value
    own = kind(size) == "Attribute" and kind(size.value) == "Name" and size.value.value == "self"
    return own and names_batch_size(last_name(size))


def _is_filled(function: Any, name: str) -> bool:
    """Whether a loop over something other than the batch size writes rows of *name*."""
    for loop in walk(function.body):
        if kind(loop) != "For" or any(names_batch_size(each) for each in names_in(loop.iter)):
            continue
        for part in walk(loop.body):
            if kind(part) == "Assign" and any(_writes_row(target.target, name) for target in part.targets):
                return True
    return False


def _writes_row(target: Any, name: str) -> bool:
    return kind(target) == "Subscript" and kind(target.value) == "Name" and target.value.value == name


def _is_given_back(function: Any, name: str) -> bool:
    """Whether *name* is returned as it is: nothing cuts it, binds it anew or takes a part of it."""
    returned = False
    bound = 0
    for part in walk(function.body):
        what = kind(part)
        if what in ("Assign", "AnnAssign", "AugAssign"):
            targets = [t.target for t in part.targets] if what == "Assign" else [part.target]
            bound += any(kind(target) == "Name" and target.value == name for target in targets)
        elif what == "Return" and part.value is not None:
            if any(kind(each) == "Subscript" and _writes_row(each, name) for each in walk(part.value)):
                return False
            returned = returned or name in names_in(part.value)
    return returned and bound == 1
