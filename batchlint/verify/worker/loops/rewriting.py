"""The user's syntax tree, with calls, subscripts, loops and unpacking going through `loops.calling` and `.constructs`.

Positions stay: tracebacks and reads name the user's own lines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchlint.verify.plan.plans import Flagged

_UNTOUCHED = frozenset("__bl_fail__ __bl_look__ super locals globals vars dir eval exec type".split())
_KEPT_DECORATORS = re.compile(
    r"^(?:staticmethod|classmethod|property|abstractmethod|.*\.setter|torch\.no_grad|torch\.inference_mode|"
    r"dataclass|dataclasses\.dataclass|contextmanager|contextlib\.contextmanager)(?:\(.*\))?$"
)
_EPOCHS = re.compile(r"epoch|(?:^|\W)ep(?:$|\W)", re.IGNORECASE)

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Loop = ast.For | ast.While | ast.AsyncFor
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Site:
    """A finding in the tree.

    Attributes:
        flagged: the finding.
        node: the flagged expression or statement.
        statement: its statement.
        parents: what it stands in, innermost first.
    """

    flagged: Flagged
    node: ast.AST
    statement: ast.stmt
    parents: tuple[ast.AST, ...]

    def enclosing(self, *kinds: type[ast.AST]) -> ast.AST | None:
        """The innermost node of these kinds around the finding, the flagged node included."""
        return next((each for each in (self.node, *self.parents) if isinstance(each, kinds)), None)


def parents_of(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """Each node's parent."""
    found: dict[ast.AST, ast.AST] = {}
    for parent in ast.walk(tree):
        for child in ast.iter_child_nodes(parent):
            found[child] = parent
    return found


def place_findings(tree: ast.Module, text: str, flagged: Sequence[Flagged]) -> list[Site]:
    """Find the nodes that findings point at: the largest node within the finding's span, or its statement."""
    parents = parents_of(tree)
    lines = text.splitlines()
    found = []
    for each in flagged:
        node = _flagged_node(tree, lines, each)
        if node is None:
            continue
        chain: list[ast.AST] = []
        above: ast.AST | None = node
        while above is not None:
            chain.append(above)
            above = parents.get(above)
        statement = next((one for one in chain if isinstance(one, ast.stmt)), None)
        if statement is not None:
            found.append(Site(each, node, statement, tuple(chain[1:])))
    return found


def _column(lines: Sequence[str], line: int, offset: int) -> int:
    if not 1 <= line <= len(lines):
        return offset + 1
    return len(lines[line - 1].encode()[:offset].decode(errors="ignore")) + 1


def _flagged_node(tree: ast.Module, lines: Sequence[str], flagged: Flagged) -> ast.AST | None:
    begin, end = (flagged.line, flagged.column), (flagged.end_line, flagged.end_column)
    best: ast.AST | None = None
    size = (-1, -1)
    statement: ast.stmt | None = None
    for node in ast.walk(tree):
        line = getattr(node, "lineno", None)
        if line is None:
            continue
        last, last_offset = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        start = (line, _column(lines, line, node.col_offset))  # type: ignore[attr-defined]
        stop = (last, _column(lines, last, last_offset))
        innermost = statement is None or line >= statement.lineno
        if isinstance(node, ast.stmt) and line <= flagged.line <= last and innermost:
            statement = node
        if begin <= start and stop <= end:
            extent = (stop[0] - start[0], stop[1] - start[1] if stop[0] == start[0] else stop[1])
            if extent > size:
                best, size = node, extent
        elif isinstance(node, ast.For) and start == begin and best is None:
            best = node
    if flagged.column == flagged.end_column == 1 or best is None:
        return statement
    if isinstance(best, ast.keyword):
        return best.value
    stored = isinstance(getattr(best, "ctx", None), ast.Store | ast.Del)
    return statement if stored else best


class Rewriter(ast.NodeTransformer):
    """Rewrites one tree, a method for each kind of node.

    Args:
        marks: number of the record for each node whose value is to be kept.
    """

    def __init__(self, marks: Mapping[ast.AST, int]) -> None:
        self.marks = dict(marks)
        self.kept: set[ast.AST] = set()

    def visit(self, node: ast.AST) -> Any:
        """Rewrite *node*, and keep its value where that is wanted."""
        number = self.marks.get(node)
        rewritten = super().visit(node)
        if number is None:
            return rewritten
        if isinstance(node, ast.expr):
            return _runtime("__bl_seen__", node, ast.Constant(number), rewritten)
        kept = rewritten if isinstance(rewritten, list) else [rewritten]
        target = _target_name(node)
        if target is not None:
            return [
                *kept,
                ast.copy_location(ast.Expr(_runtime("__bl_seen__", node, ast.Constant(number), target)), node),
            ]
        return [ast.copy_location(ast.Expr(_runtime("__bl_seen__", node, ast.Constant(number))), node), *kept]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Calls are made by `calling.call`."""
        if isinstance(node.func, ast.Name) and node.func.id in _UNTOUCHED:
            self.generic_visit(node)
            return node
        line, column = node.lineno, node.col_offset
        self.generic_visit(node)
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = _runtime("__bl_keywords__", keyword.value, keyword.value)
        return ast.copy_location(
            ast.Call(
                _name("__bl_call__", node),
                [ast.Constant(line), ast.Constant(column), node.func, *node.args],
                node.keywords,
            ),
            node,
        )

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Elements are taken by `calling.item`."""
        line, column, load = node.lineno, node.col_offset, isinstance(node.ctx, ast.Load)
        self.generic_visit(node)
        if not load or _starred(node.slice):
            return node
        return _runtime("__bl_item__", node, ast.Constant(line), ast.Constant(column), node.value, _key(node.slice))

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """What is assigned to several names is unpacked by `calling.unpack`."""
        shape = next((found for target in node.targets if (found := _shape(target)) is not None), None)
        literal = isinstance(node.value, ast.Tuple | ast.List)
        if any(
            isinstance(target, ast.Subscript) and ast.unparse(target.value) == "os.environ" for target in node.targets
        ):
            return ast.copy_location(ast.Pass(), node)
        self.generic_visit(node)
        if shape is not None and not literal:
            node.value = _runtime("__bl_unpack__", node, node.value, _literal(shape))
        return node

    def visit_Import(self, node: ast.Import) -> Any:
        """An import inside of a function binds what `calling.imported` finds."""
        if node in self.kept:
            return node
        return [
            _import_of(
                node,
                alias.asname or alias.name.split(".")[0],
                alias.name if alias.asname else alias.name.split(".")[0],
                None,
                0,
            )
            for alias in node.names
        ]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        """As `visit_Import`."""
        if node in self.kept:
            return node
        return [
            _import_of(node, alias.asname or alias.name, node.module or "", alias.name, node.level)
            for alias in node.names
            if alias.name != "*"
        ] or [ast.copy_location(ast.Pass(), node)]

    def visit_Delete(self, node: ast.Delete) -> ast.AST:
        """Nothing is deleted."""
        # What was deleted by one statement may be asked for by another that is only followed here.
        return ast.copy_location(ast.Pass(), node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """Loops go through what `calling.iterate` gives."""
        epochs = _speaks_of_epochs(node.target, node.iter)
        shape = _shape(node.target)
        self.generic_visit(node)
        node.iter = _runtime("__bl_iterate__", node.iter, node.iter, _literal(shape), ast.Constant(epochs))
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        """Each round is counted."""
        self.generic_visit(node)
        node.body.insert(0, ast.copy_location(ast.Expr(_runtime("__bl_tick__", node)), node.body[0]))
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """As `visit_For`."""
        shape = _shape(node.target)
        self.generic_visit(node)
        node.iter = _runtime("__bl_iterate__", node.iter, node.iter, _literal(shape), ast.Constant(False))
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        """What is yielded is noted."""
        self.generic_visit(node)
        if node.value is not None:
            node.value = _runtime("__bl_given__", node, node.value)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Decorators and annotations that may need what is not there are left out."""
        node.decorator_list = [each for each in node.decorator_list if _KEPT_DECORATORS.match(ast.unparse(each))]
        node.returns = None
        for argument in (
            *node.args.posonlyargs,
            *node.args.args,
            *node.args.kwonlyargs,
            node.args.vararg,
            node.args.kwarg,
        ):
            if argument is not None:
                argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """As `visit_FunctionDef`."""
        node.annotation = ast.copy_location(ast.Constant(None), node)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """As `visit_FunctionDef`."""
        node.decorator_list = [each for each in node.decorator_list if _KEPT_DECORATORS.match(ast.unparse(each))]
        self.generic_visit(node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Formats are left out."""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.format_spec, part.conversion = None, -1
        self.generic_visit(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Texts are not formatted."""
        text = isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
        self.generic_visit(node)
        if text:
            return ast.copy_location(ast.Tuple([node.left, node.right], ast.Load()), node)
        return node


def _name(name: str, at: ast.AST) -> ast.Name:
    return ast.copy_location(ast.Name(name, ast.Load()), at)


def _runtime(name: str, at: ast.AST, *arguments: ast.expr) -> ast.Call:
    return ast.copy_location(ast.Call(_name(name, at), list(arguments), []), at)


def _import_of(at: ast.stmt, bound: str, module: str, name: str | None, level: int) -> ast.stmt:
    value = _runtime("__bl_import__", at, ast.Constant(module), ast.Constant(name), ast.Constant(level))
    return ast.copy_location(ast.Assign([ast.copy_location(ast.Name(bound, ast.Store()), at)], value), at)


def _starred(key: ast.expr) -> bool:
    return isinstance(key, ast.Tuple) and any(isinstance(each, ast.Starred) for each in key.elts)


def _key(key: ast.expr) -> ast.expr:
    """A subscript's key as an ordinary expression: slices become calls of ``slice``."""
    if isinstance(key, ast.Slice):
        bounds = [each if each is not None else ast.Constant(None) for each in (key.lower, key.upper, key.step)]
        return ast.copy_location(ast.Call(_name("__bl_slice__", key), bounds, []), key)
    if isinstance(key, ast.Tuple):
        return ast.copy_location(ast.Tuple([_key(each) for each in key.elts], ast.Load()), key)
    return key


def _shape(target: ast.expr) -> Any:
    if isinstance(target, ast.Tuple | ast.List):
        return ["*" if isinstance(each, ast.Starred) else _shape(each) for each in target.elts]
    return None


def _literal(shape: Any) -> ast.expr:
    if isinstance(shape, list):
        return ast.List([_literal(each) for each in shape], ast.Load())
    return ast.Constant(shape)


def _speaks_of_epochs(target: ast.expr, iterable: ast.expr) -> bool:
    names = {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
    if any(_EPOCHS.search(name) for name in names):
        return True
    return any(
        _EPOCHS.search(name)
        for each in ast.walk(iterable)
        if (name := each.id if isinstance(each, ast.Name) else each.attr if isinstance(each, ast.Attribute) else None)
    )


def _target_name(node: ast.AST) -> ast.expr | None:
    """An expression for what an assignment binds; ``None`` for other statements."""
    if isinstance(node, ast.AugAssign):
        target: ast.expr = node.target
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    else:
        return None
    if not isinstance(target, ast.Name | ast.Attribute):
        return None
    return ast.copy_location(ast.parse(ast.unparse(target), mode="eval").body, node)


def rewritten(tree: ast.Module, marks: Mapping[ast.AST, int]) -> ast.Module:
    """*tree*, changed in place."""
    rewriter = Rewriter(marks)
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.Import | ast.ImportFrom):
            rewriter.kept.add(statement)
        elif isinstance(statement, ast.Try):
            pending += [*statement.body, *statement.orelse, *statement.finalbody]
    result = rewriter.visit(tree)
    assert isinstance(result, ast.Module)
    ast.fix_missing_locations(result)
    return result
