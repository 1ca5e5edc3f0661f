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


_GIVES_BATCHES = re.compile(r"load|data|set|batch|train|test|val|iter|dl|gen|dev|bar|queue|fetch", re.IGNORECASE)
_READS_NUMBER = frozenset({"item", "float", "mean", "sum", "detach", "cpu"})


def _averaging_loop(node: ast.AST, names: frozenset[str]) -> bool:
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


def _adds_up(node: ast.AST) -> bool:
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add) and not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        value = node.value
        if len(node.targets) > 1 or not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
            return False
        target = ast.unparse(node.targets[0])
        return target in (ast.unparse(value.left), ast.unparse(value.right))
    if _called(node) != "append" or not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    added = node.args[0]
    return "loss" in _iterated(added).lower() or any(_called(part) in _READS_NUMBER for part in ast.walk(added))


def _enumeration(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.comprehension) and _called(node.iter) == "enumerate" and bool(node.ifs)


_BATCH_COUNT = re.compile(r"batch|steps?(?:_|$)|iter|chunk|(?:^|_)n?b$", re.IGNORECASE)


def _counted_batches(node: ast.AST, names: frozenset[str]) -> bool:
    """A loop that counts batches, or the division that gives their number."""
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


def _zipped_ranges(node: ast.AST, names: frozenset[str]) -> bool:
    if _called(node) != "zip" or not isinstance(node, ast.Call):
        return False
    return len(node.args) == 2 and all(_called(argument) == "range" for argument in node.args)


def _full_batch_test(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Compare) and _called(node.left) == "len" and _mentions_batch(node.comparators, names, 2)


KINDS: dict[str, Callable[[ast.AST, frozenset[str]], bool]] = {
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
    "counted batches": _counted_batches,
    "zipped ranges": _zipped_ranges,
    "full batch test": _full_batch_test,
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
    interesting = (
        ast.Call, ast.For, ast.comprehension, ast.keyword, ast.Assign, ast.BinOp, ast.AugAssign, ast.Compare,
    )  # fmt: skip
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
