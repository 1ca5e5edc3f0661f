"""The second gate: is there anything in this file's `ast` that a selected rule could flag, and in which definitions?

Each rule names the kinds of candidate it needs; a kind is a predicate on one node of the `ast`. A file without
candidates is never parsed with libcst, and only definitions with candidates are evaluated on their own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from batchlint.semantics.batch_names import may_name_batch_size, names_batch_size


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


def _mentions_batch(nodes: Iterable[ast.AST], names: frozenset[str], depth: int = 6) -> bool:
    pending = [(node, 0) for node in nodes]
    while pending:
        node, level = pending.pop()
        if isinstance(node, ast.Name) and (node.id in names or may_name_batch_size(node.id)):
            return True
        if isinstance(node, ast.Attribute) and names_batch_size(node.attr):
            return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and names_batch_size(node.value):
            return True
        if level < depth:
            pending.extend((child, level + 1) for child in ast.iter_child_nodes(node))
    return False


_RESHAPES = frozenset({"view", "reshape", "expand", "repeat", "tile", "broadcast_to", "unflatten", "Unflatten", "expand_as"})
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


def _fixed_reshape(node: ast.AST, names: frozenset[str]) -> bool:
    name = _called(node)
    if name not in _RESHAPES or not isinstance(node, ast.Call):
        return False
    sizes = _arguments(node)
    if not sizes:
        return False
    first = _constant(sizes[0])
    if isinstance(first, int) and not isinstance(first, bool) and first >= 2 and len(sizes) > 1:
        return True
    # A local name may stand for a batch size that was computed before: `n = 2 * batch_size; x.view(n, -1)`.
    return _mentions_batch(sizes, names) or isinstance(sizes[0], ast.Name | ast.Attribute | ast.BinOp)


def _fixed_tensor(node: ast.AST, names: frozenset[str]) -> bool:
    return (
        _called(node) in _ALLOCATIONS
        and isinstance(node, ast.Call)
        and (_mentions_batch(_arguments(node), names) or any(isinstance(a, ast.Name) for a in _arguments(node)[:2]))
    )


def _fold(node: ast.AST, names: frozenset[str]) -> bool:
    if _called(node) not in ("view", "reshape") or not isinstance(node, ast.Call):
        return False
    sizes = _arguments(node)
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) and node.func.value.id == "torch":
        sizes = sizes[1:]
    return len(sizes) >= 2 and _constant(sizes[0]) == -1 and _constant(sizes[1]) not in (1, -1)


def _linear(node: ast.AST, names: frozenset[str]) -> bool:
    return _called(node) in ("Linear", "LinearBlock") and isinstance(node, ast.Call)


def _bare_squeeze(node: ast.AST, names: frozenset[str]) -> bool:
    if _called(node) not in ("squeeze", "squeeze_") or not isinstance(node, ast.Call) or node.keywords:
        return False
    module = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    own = module and node.func.value.id in ("torch", "np", "numpy")  # type: ignore[attr-defined]
    return len(node.args) == (1 if own else 0)


def _softmax(node: ast.AST, names: frozenset[str]) -> bool:
    name = _called(node)
    if not isinstance(node, ast.Call) or name not in (
        "softmax", "log_softmax", "Softmax", "LogSoftmax", "softmin", "Softmin", "gumbel_softmax",
    ):  # fmt: skip
        return False
    return True


def _range_loop(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.For | ast.comprehension) and any(
        _called(part) in ("range", "trange") for part in ast.walk(node.iter)
    )


def _drop_last(node: ast.AST, names: frozenset[str]) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == "drop_last" and _constant(node.value) is not False
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "drop_last" for t in node.targets)
    return False


def _division(node: ast.AST, names: frozenset[str]) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv):
        return True
    return isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div)


def _accumulation(node: ast.AST, names: frozenset[str]) -> bool:
    return (
        isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and _mentions_batch([node.value], names, 2)
    ) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and _mentions_batch([node.right], names, 3)
    )


def _enumeration(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.comprehension) and _called(node.iter) == "enumerate" and bool(node.ifs)


KINDS: dict[str, Callable[[ast.AST, frozenset[str]], bool]] = {
    "fixed reshape": _fixed_reshape,
    "fixed tensor": _fixed_tensor,
    "fold": _fold,
    "linear": _linear,
    "bare squeeze": _bare_squeeze,
    "softmax": _softmax,
    "range loop": _range_loop,
    "drop last": _drop_last,
    "division": _division,
    "accumulation": _accumulation,
    "enumeration": _enumeration,
}
"""Kind of candidate to the predicate that finds it."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Where candidates stand: the kinds that were found, and the definitions (class, function) that hold them."""

    kinds: frozenset[str]
    definitions: frozenset[tuple[str | None, str]]
    classes: frozenset[str]
    in_module: bool

    def __bool__(self) -> bool:
        return bool(self.kinds)


def candidates(tree: ast.Module, rules: Sequence[_HasCandidates], names: frozenset[str] = frozenset()) -> Candidates:
    """Look through *tree* once for what *rules* could flag."""
    wanted = [(kind, KINDS[kind]) for kind in sorted({kind for rule in rules for kind in rule.candidates})]
    kinds: set[str] = set()
    definitions: set[tuple[str | None, str]] = set()
    classes: set[str] = set()
    in_module = False
    interesting = (ast.Call, ast.For, ast.comprehension, ast.keyword, ast.Assign, ast.BinOp, ast.AugAssign)
    pending: list[tuple[ast.AST, str | None, str | None]] = [(tree, None, None)]
    while pending:
        node, owner, function = pending.pop()
        if isinstance(node, ast.ClassDef):
            if function is None:
                owner = node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if function is None:
                function = node.name
        elif isinstance(node, interesting):
            for kind, predicate in wanted:
                if predicate(node, names):
                    kinds.add(kind)
                    if owner is not None:
                        classes.add(owner)
                    if function is not None:
                        definitions.add((owner, function))
                    elif owner is None:
                        in_module = True
        for child in ast.iter_child_nodes(node):
            pending.append((child, owner, function))
    return Candidates(frozenset(kinds), frozenset(definitions), frozenset(classes), in_module)
