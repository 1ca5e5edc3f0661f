"""The second gate: is there anything in this file's `ast` that a selected rule could flag, and in which definitions?

Each rule names the kinds of candidate it needs; a kind is a predicate on one node of the `ast`. A file without
candidates is never parsed with libcst, and only definitions with candidates are evaluated on their own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from batchlint.semantics.batch_names import may_name_batch_size, names_batch_size, names_loader
from batchlint.semantics.survey import Survey, Unit


class _HasCandidates(Protocol):
    @property
    def candidates(self) -> tuple[str, ...]: ...


def _called(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


def _constant(node: ast.AST) -> object:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, int) else None
    return node.value if isinstance(node, ast.Constant) else None


@dataclass(frozen=True, slots=True)
class KnownNames:
    """Which names mean a batch size in one unit: by what they are called, or by what the unit binds them to.

    Attributes:
        fixed: bound to something that mentions a batch size, or passed to a loader as one.
        read: bound to a size read from a tensor and to nothing else.
        attributes: attributes of the file's objects that are set to something that mentions a batch size.
        moved: bound to a tensor whose leading axis a transposition moves elsewhere.
    """

    fixed: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()

    def mean_batch(self, name: str) -> bool:
        """Whether *name* may be a batch size that somebody wrote down."""
        return name in self.fixed or (name not in self.read and may_name_batch_size(name))


def _mentions_batch(nodes: Iterable[ast.AST], names: KnownNames, depth: int = 6) -> bool:
    pending = [(node, 0) for node in nodes]
    while pending:
        node, level = pending.pop()
        if isinstance(node, ast.Name) and names.mean_batch(node.id):
            return True
        if isinstance(node, ast.Attribute) and (names_batch_size(node.attr) or node.attr in names.attributes):
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and names_batch_size(node.value):
            return True
        if level < depth:
            pending.extend((child, level + 1) for child in ast.iter_child_nodes(node))
    return False


_SIZE_READERS = frozenset({"size", "len", "numel", "get_shape", "dim", "nelement"})


def _reads_size(node: ast.AST) -> bool:
    """``x.shape``, ``x.shape[0]``, ``x.size(0)``, ``len(x)``, a tuple of such."""
    while isinstance(node, ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Tuple):
        return any(_reads_size(element) for element in node.elts)
    if isinstance(node, ast.Attribute):
        return node.attr in ("shape", "size")
    return _called(node) in _SIZE_READERS


def _targets(node: ast.Assign) -> list[str]:
    names: list[str] = []
    pending: list[ast.expr] = list(node.targets)
    while pending:
        target = pending.pop()
        if isinstance(target, ast.Name):
            names.append(target.id)
        elif isinstance(target, ast.Tuple | ast.List):
            pending.extend(target.elts)
        elif isinstance(target, ast.Starred):
            pending.append(target.value)
    return names


def _fixed_attributes(places: Iterable[ast.AST]) -> frozenset[str]:
    """Attributes that an assignment among *places* sets to something that mentions a batch size."""
    known = KnownNames()
    return frozenset(
        node.targets[0].attr
        for node in places
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and not isinstance(node.value, ast.Call)
        and _mentions_batch([node.value], known, 3)
    )


def names_in(
    unit_places: Iterable[ast.AST], in_loaders: frozenset[str], attributes: frozenset[str] = frozenset()
) -> KnownNames:
    """What the assignments among a unit's nodes tell of its names."""
    read: set[str] = set()
    other: set[str] = set()
    fixed: set[str] = set(in_loaders)
    moved: set[str] = set()
    known = KnownNames()
    for node in unit_places:
        if isinstance(node, ast.Assign):
            targets = _targets(node)
            if _moves_leading_axis(node.value):
                moved.update(targets)
            if _reads_size(node.value):
                read.update(targets)
            else:
                other.update(targets)
                parts = isinstance(node.value, ast.Call) or (isinstance(node.value, ast.Tuple) and len(targets) > 1)
                if not parts and _mentions_batch([node.value], known, 3):
                    fixed.update(targets)
    return KnownNames(frozenset(fixed - (read - other)), frozenset(read - other), attributes, frozenset(moved))


def _moves_leading_axis(node: ast.expr) -> bool:
    """Whether *node* is ``x.transpose(0, 2)``, ``x.permute(1, 2, 0)`` or ``x.t()``."""
    name = _called(node)
    if name == "t":
        return True
    if name not in ("transpose", "permute", "swapaxes", "movedim") or not isinstance(node, ast.Call):
        return False
    axes = [_constant(argument) for argument in _arguments(node)]
    return 0 in axes and axes[0] != 0 if name == "permute" else 0 in axes


_RESHAPES = frozenset(
    {"view", "reshape", "expand", "repeat", "tile", "broadcast_to", "unflatten", "Unflatten", "expand_as"}
)
_ALLOCATIONS = frozenset(
    """zeros ones full empty rand randn randint normal arange eye zeros_like Tensor FloatTensor LongTensor IntTensor
    DoubleTensor ByteTensor BoolTensor HalfTensor new_zeros new_ones new_full new_empty new randperm tensor init_hidden
    initHidden uniform random_sample diag diagonal""".split()
)


def _arguments(node: ast.Call) -> list[ast.expr]:
    found: list[ast.expr] = []
    for argument in (*node.args, *(k.value for k in node.keywords)):
        if isinstance(argument, ast.Tuple | ast.List):
            found.extend(argument.elts)
        else:
            found.append(argument)
    return found


def _fixed_reshape(node: ast.AST, names: KnownNames) -> bool:
    name = _called(node)
    if name not in _RESHAPES or not isinstance(node, ast.Call):
        return False
    sizes = _arguments(node)
    if not sizes:
        return False
    first = _constant(sizes[0])
    if isinstance(first, int) and not isinstance(first, bool) and first >= 2 and len(sizes) > 1:
        return name in ("view", "reshape") and (len(sizes) == 2 or all(_constant(size) != -1 for size in sizes))
    return _mentions_batch(sizes, names)


def _fixed_tensor(node: ast.AST, names: KnownNames) -> bool:
    return _called(node) in _ALLOCATIONS and isinstance(node, ast.Call) and _mentions_batch(_arguments(node), names)


def _fold(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) not in ("view", "reshape") or not isinstance(node, ast.Call):
        return False
    sizes = _arguments(node)
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "torch":
        sizes = sizes[1:]
    if len(sizes) < 2 or _constant(sizes[0]) != -1 or _constant(sizes[1]) in (1, -1):
        return False
    return all(_may_be_constant(size, names) for size in sizes[1:])


def _may_be_constant(node: ast.AST, names: KnownNames) -> bool:
    """Arithmetic of literals, attributes and names that no tensor's size was read into."""
    if isinstance(node, ast.BinOp):
        return _may_be_constant(node.left, names) and _may_be_constant(node.right, names)
    if isinstance(node, ast.Name):
        return node.id not in names.read
    return isinstance(node, ast.Constant | ast.Attribute)


def _linear(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) != "Linear" or not isinstance(node, ast.Call):
        return False
    given = next((k.value for k in node.keywords if k.arg == "in_features"), node.args[0] if node.args else None)
    return given is not None and _is_number(given)


def _is_number(node: ast.AST) -> bool:
    """A literal, or arithmetic of literals."""
    while isinstance(node, ast.BinOp):
        if not _is_number(node.right):
            return False
        node = node.left
    return isinstance(node, ast.Constant) and isinstance(node.value, int)


def _bare_squeeze(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) not in ("squeeze", "squeeze_") or not isinstance(node, ast.Call) or node.keywords:
        return False
    module = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    own = module and node.func.value.id in ("torch", "np", "numpy")  # type: ignore[attr-defined]
    return len(node.args) == (1 if own else 0)


def _softmax(node: ast.AST, names: KnownNames) -> bool:
    name = _called(node)
    if not isinstance(node, ast.Call) or name not in (
        "softmax", "log_softmax", "Softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax",
    ):  # fmt: skip
        return False
    given = next((k.value for k in node.keywords if k.arg in ("dim", "axis")), None)
    method = node.func.value if isinstance(node.func, ast.Attribute) and not _is_framework(node.func.value) else None
    if given is None:
        at = 0 if method is not None or name[0].isupper() else 1
        given = node.args[at] if len(node.args) > at else None
    axis = None if given is None else _constant(given)
    if given is None or axis in (0, None):
        return True
    # Axis 1 and the last one hold classes, unless a transposition puts the batch there.
    operand = method if method is not None else node.args[0] if node.args else None
    return operand is not None and (
        (isinstance(operand, ast.Name) and operand.id in names.moved) or _moves_leading_axis(operand)
    )


def _is_framework(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("F", "torch", "nn", "functional")


def _range_loop(node: ast.AST, names: KnownNames) -> bool:
    if not isinstance(node, ast.For | ast.comprehension) or not isinstance(node.target, ast.Name):
        return False
    counted = [part for part in ast.walk(node.iter) if _called(part) in ("range", "trange")]
    if not counted:
        return False
    if _mentions_batch(counted, names):
        return True
    literal = any(isinstance(a, ast.Constant) for part in counted for a in getattr(part, "args", ()))
    return literal and isinstance(node, ast.For) and _indexes(node.body, node.target.id)


def _indexes(body: list[ast.stmt], counter: str) -> bool:
    """Whether something is subscripted by *counter* alone."""
    for statement in body:
        for part in ast.walk(statement):
            if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Name) and part.slice.id == counter:
                return True
    return False


def _drop_last(node: ast.AST, names: KnownNames) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "drop_last" and _constant(node.value) is not False
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "drop_last" for t in node.targets)
    return False


_GIVES_BATCHES = re.compile(r"load|data|set|batch|train|test|val|iter|dl|gen|dev|bar|queue|fetch", re.IGNORECASE)
_READS_NUMBER = frozenset({"item", "float", "mean", "sum", "detach", "cpu"})


def _averaging_loop(node: ast.AST, names: KnownNames) -> bool:
    """A loop over what may be a loader that adds something up."""
    if not isinstance(node, ast.For) or not _GIVES_BATCHES.search(_iterated(node.iter)):
        return False
    return any(_adds_up(part) for statement in node.body for part in ast.walk(statement))


def _iterated(node: ast.expr) -> str:
    """``loader`` of ``enumerate(tqdm(self.loader))``."""
    while True:
        if isinstance(node, ast.Call):
            wraps = _called(node) in ("enumerate", "tqdm", "iter", "zip", "track", "progress_bar", "tqdm_notebook")
            node = node.args[0] if wraps and node.args else node.func
        elif isinstance(node, ast.Subscript | ast.Starred):
            node = node.value
        else:
            return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _same(one: ast.expr, other: ast.expr) -> bool:
    """Whether both are the same name or attribute."""
    if isinstance(one, ast.Name):
        return isinstance(other, ast.Name) and one.id == other.id
    if not isinstance(one, ast.Attribute) or not isinstance(other, ast.Attribute):
        return False
    return one.attr == other.attr and _same(one.value, other.value)


def _adds_up(node: ast.AST) -> bool:
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        value = node.value
        if len(node.targets) > 1 or not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
            return False
        return _same(node.targets[0], value.left) or _same(node.targets[0], value.right)
    if _called(node) != "append" or not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    added = node.args[0]
    return "loss" in _iterated(added).lower() or any(_called(part) in _READS_NUMBER for part in ast.walk(added))


def _enumeration(node: ast.AST, names: KnownNames) -> bool:
    """An ``enumerate`` whose counter may be held against two bounds."""
    if isinstance(node, ast.comprehension):
        tests = node.ifs
    elif isinstance(node, ast.For):
        tests = [statement.test for statement in node.body if isinstance(statement, ast.If)]
    else:
        return False
    if not tests or not any(_called(part) == "enumerate" for part in ast.walk(node.iter)):
        return False
    operators = [op for test in tests for part in ast.walk(test) if isinstance(part, ast.Compare) for op in part.ops]
    return sum(isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in operators) >= 2


def _skipping(node: ast.AST, names: KnownNames) -> bool:
    """``islice(x, start, stop)`` or ``list(x)[start:stop]``."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Slice) and _called(node.value) in ("list", "tuple")
    return isinstance(node, ast.Call) and _called(node) == "islice" and len(node.args) >= 3


_BATCH_COUNT = re.compile(r"batch|steps?(?:_|$)|iter|chunk|(?:^|_)n?b$", re.IGNORECASE)


def _counted_batches(node: ast.AST, names: KnownNames) -> bool:
    """A loop that counts batches, the division that gives their number, or the slice that cuts one."""
    if isinstance(node, ast.Slice):
        return _mentions_batch([bound for bound in (node.lower, node.upper) if bound is not None], names, 3)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div | ast.FloorDiv) and _mentions_batch([node.right], names, 3)
    if not isinstance(node, ast.For | ast.comprehension):
        return False
    for part in ast.walk(node.iter):
        if _called(part) in ("range", "trange", "xrange") and isinstance(part, ast.Call):
            if _mentions_batch(part.args, names):
                return True
            counts = [a.attr if isinstance(a, ast.Attribute) else getattr(a, "id", "") for a in part.args]
            if any(_BATCH_COUNT.search(count) for count in counts):
                return True
    return False


def _zipped_ranges(node: ast.AST, names: KnownNames) -> bool:
    if _called(node) != "zip" or not isinstance(node, ast.Call):
        return False
    return len(node.args) == 2 and all(_called(argument) == "range" for argument in node.args)


def _full_batch_test(node: ast.AST, names: KnownNames) -> bool:
    return isinstance(node, ast.Compare) and _called(node.left) == "len" and _mentions_batch(node.comparators, names, 2)


KINDS: dict[str, Callable[[ast.AST, KnownNames], bool]] = {
    "fixed reshape": _fixed_reshape,
    "fixed tensor": _fixed_tensor,
    "fold": _fold,
    "linear": _linear,
    "bare squeeze": _bare_squeeze,
    "softmax": _softmax,
    "range loop": _range_loop,
    "drop last": _drop_last,
    "averaging loop": _averaging_loop,
    "enumeration": _enumeration,
    "skipping": _skipping,
    "counted batches": _counted_batches,
    "zipped ranges": _zipped_ranges,
    "full batch test": _full_batch_test,
}
"""Kind of candidate to the predicate that finds it."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Where candidates stand: the kinds that were found, and the definitions (class, function) that hold them.

    *units* holds the ``id`` of each surveyed unit with one.
    """

    kinds: frozenset[str]
    definitions: frozenset[tuple[str | None, str]]
    classes: frozenset[str]
    in_module: bool
    units: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.kinds)


_BY_CALL: dict[str, frozenset[str]] = {
    "fixed reshape": _RESHAPES,
    "fixed tensor": _ALLOCATIONS,
    "fold": frozenset({"view", "reshape"}),
    "linear": frozenset({"Linear"}),
    "bare squeeze": frozenset({"squeeze", "squeeze_"}),
    "softmax": frozenset({"softmax", "log_softmax", "Softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax"}),
    "zipped ranges": frozenset({"zip"}),
}
"""Kinds that are calls, by what they call: the predicate is asked about these alone."""

_BY_TYPE: dict[str, tuple[type[ast.AST], ...]] = {
    "range loop": (ast.For, ast.comprehension),
    "drop last": (ast.keyword, ast.Assign),
    "averaging loop": (ast.For,),
    "enumeration": (ast.For, ast.comprehension),
    "skipping": (ast.Call, ast.Subscript),
    "counted batches": (ast.BinOp, ast.For, ast.comprehension, ast.Slice),
    "full batch test": (ast.Compare,),
}
"""Kinds that are other nodes, by their types."""

_ABOUT_BATCHES = frozenset({"enumeration", "skipping", "range loop"})
"""Kinds that are candidates only where something is called a batch or a loader."""


def _speaks_of_batches(unit: Unit) -> bool:
    return any("batch" in name.lower() or names_batch_size(name) or names_loader(name) for name in unit.uses)


_Predicate = Callable[[ast.AST, KnownNames], bool]

_CALLERS = 1
"""How many calls up from a candidate its arguments are looked for."""


def _callers(found: Survey, definitions: set[tuple[str | None, str]]) -> list[Unit]:
    """The units that use a function, or a method of their own class, of *definitions*: they give it its arguments."""
    callers: list[Unit] = []
    sought = set(definitions)
    for _ in range(_CALLERS):
        functions = {function for owner, function in sought if owner is None}
        methods: dict[str | None, set[str]] = {}
        for owner, function in sought:
            if owner is not None and not function.startswith("__"):
                methods.setdefault(owner, set()).add(function)
        new = [
            unit
            for unit in found.units
            if (unit.is_class or unit.name is not None)
            and (unit.owner, unit.name) not in sought
            and (unit.uses & functions or unit.uses & methods.get(unit.owner, _NONE))
        ]
        if not new:
            break
        callers += new
        sought = {(unit.owner, unit.name) for unit in new if unit.name is not None}
    return callers


_NONE: frozenset[str] = frozenset()


_SPATIAL = re.compile(r"conv|pool", re.IGNORECASE)


def _is_spatial(found: Survey) -> bool:
    """Whether anything in the file is called a convolution or a pooling."""
    return any(_SPATIAL.search(name) for unit in found.units for name in unit.uses)


def _divides(found: Survey) -> bool:
    """Whether the file divides by anything that it does not write as a number."""
    for place in found.places:
        node = place.node
        if isinstance(node, ast.BinOp):
            divisor = node.right
        elif isinstance(node, ast.AugAssign):
            divisor = node.value
        else:
            continue
        if isinstance(node.op, ast.Div) and not isinstance(divisor, ast.Constant):
            return True
    return False


_FILE_NEEDS: dict[str, Callable[[Survey], bool]] = {"fold": _is_spatial, "averaging loop": _divides}
"""Kinds that mean nothing in a file without something else."""


def candidates(found: Survey, rules: Sequence[_HasCandidates]) -> Candidates:
    """Which of the surveyed nodes *rules* could flag."""
    by_call: dict[str, list[tuple[str, _Predicate]]] = {}
    by_type: dict[type[ast.AST], list[tuple[str, _Predicate]]] = {}
    for kind in sorted({kind for rule in rules for kind in rule.candidates}):
        if kind in _FILE_NEEDS and not _FILE_NEEDS[kind](found):
            continue
        for called in _BY_CALL.get(kind, ()):
            by_call.setdefault(called, []).append((kind, KINDS[kind]))
        for node_type in _BY_TYPE.get(kind, ()):
            by_type.setdefault(node_type, []).append((kind, KINDS[kind]))
    in_loaders = frozenset(name for _, name in found.facts.loader_batch_names)
    module_names = names_in((p.node for p in found.places if p.function is None), in_loaders)
    attributes = _fixed_attributes(p.node for p in found.places)
    per_unit: dict[int, KnownNames] = {}
    about_batches: dict[int, bool] = {}
    nodes_of: dict[int, list[ast.AST]] = {}
    for place in found.places:
        if place.node.__class__ is ast.Assign:
            nodes_of.setdefault(id(place.unit), []).append(place.node)
    kinds: set[str] = set()
    definitions: set[tuple[str | None, str]] = set()
    classes: set[str] = set()
    units: set[int] = set()
    in_module = False
    for place in found.places:
        node = place.node
        asked = by_type.get(node.__class__, ())
        if node.__class__ is ast.Call:
            asked = [*asked, *by_call.get(_called(node) or "", ())]
        if not asked:
            continue
        names = per_unit.get(id(place.unit))
        if names is None:
            names = names_in(nodes_of.get(id(place.unit), ()), module_names.fixed, attributes)
            per_unit[id(place.unit)] = names
        for kind, predicate in asked:
            if kind in _ABOUT_BATCHES:
                speaks = about_batches.get(id(place.unit))
                if speaks is None:
                    speaks = about_batches[id(place.unit)] = _speaks_of_batches(place.unit)
                if not speaks:
                    continue
            if predicate(node, names):
                kinds.add(kind)
                units.add(id(place.unit))
                if place.owner is not None:
                    classes.add(place.owner)
                if place.function is not None:
                    definitions.add((place.owner, place.function))
                elif place.owner is None:
                    in_module = True
    for unit in _callers(found, definitions):
        units.add(id(unit))
        if unit.owner is not None:
            classes.add(unit.owner)
        if unit.is_class:
            classes.add(unit.name or "")
        elif unit.name is not None:
            definitions.add((unit.owner, unit.name))
    return Candidates(frozenset(kinds), frozenset(definitions), frozenset(classes), in_module, frozenset(units))
