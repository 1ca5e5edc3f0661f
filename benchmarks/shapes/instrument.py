"""A module whose every expression tells its value: what `execution` runs, and what the claims are tied to."""

from __future__ import annotations

import ast
from typing import Any

import libcst as cst

RECORDER = "__record__"
_RECORDED = (
    cst.Name, cst.Call, cst.Attribute, cst.Subscript, cst.BinaryOperation, cst.UnaryOperation, cst.Comparison,
    cst.BooleanOperation, cst.IfExp, cst.Tuple, cst.List,
)  # fmt: skip


_SKIPPED = (
    cst.Annotation, cst.Decorator, cst.FormattedString, cst.Import, cst.ImportFrom, cst.Global, cst.Nonlocal,
    cst.MatchCase,
)  # fmt: skip
_UNTOLD = frozenset({"True", "False", "None", "self", "super"})


class Expressions(cst.CSTVisitor):
    """Numbers the expressions of a module, in the order of the text.

    Attributes:
        numbers: a node's ``id`` to its number.
        nodes: the node of each number.
        functions: a function's node's ``id`` to its label, see `label`.
    """

    def __init__(self, module: cst.Module) -> None:
        self.numbers: dict[int, int] = {}
        self.nodes: list[cst.CSTNode] = []
        self.functions: dict[int, str] = {}
        self._labels = iter(_function_labels(module.code))
        module.visit(self)

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            self.functions[id(node)] = next(self._labels)
        if isinstance(node, _RECORDED) and not (isinstance(node, cst.Name) and node.value in _UNTOLD):
            self.numbers[id(node)] = len(self.nodes)
            self.nodes.append(node)
        return not isinstance(node, _SKIPPED)


def _function_labels(text: str) -> list[str]:
    found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return [label(node.name, min([node.lineno, *(d.lineno for d in node.decorator_list)])) for node in found]


def label(name: str, line: int) -> str:
    """What a function is called in a context: as its code object names it."""
    return f"{name}:{line}"


class _Recording(cst.CSTTransformer):
    """Wraps each numbered expression that is read in a call of `RECORDER`."""

    def __init__(self, numbers: dict[int, int]) -> None:
        self.numbers = numbers
        self.left_alone: set[int] = set()

    def on_visit(self, node: cst.CSTNode) -> bool:
        for child in _not_read(node):
            self.left_alone.add(id(child))
            pending = [child]
            while pending:
                current = pending.pop()
                if isinstance(current, cst.Tuple | cst.List):
                    parts = [element.value for element in current.elements]
                elif isinstance(current, cst.StarredElement):
                    parts = [current.value]
                else:
                    continue
                self.left_alone.update(map(id, parts))
                pending.extend(parts)
        return not isinstance(node, _SKIPPED)

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        number = self.numbers.get(id(original_node))
        if number is None or id(original_node) in self.left_alone:
            return updated_node
        if isinstance(updated_node, cst.Tuple) and not updated_node.lpar:
            updated_node = updated_node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        return cst.Call(
            cst.Name(RECORDER),
            [cst.Arg(cst.Integer(str(number))), cst.Arg(updated_node)],
            lpar=[cst.LeftParen()],
            rpar=[cst.RightParen()],
        )


def _not_read(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The children of *node* that are no expressions to evaluate: names that it binds, keywords, attribute names."""
    if isinstance(node, cst.Attribute):
        return [node.attr]
    if isinstance(node, cst.Arg):
        return [node.keyword] if node.keyword is not None else []
    if isinstance(node, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.NamedExpr):
        return [node.target]
    if isinstance(node, cst.For | cst.CompFor | cst.Del):
        return [node.target]
    if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Param | cst.AsName):
        return [node.name]
    return []


def instrumented(module: cst.Module, expressions: Expressions) -> str:
    """The text of *module* with each read expression told to `RECORDER` by its number; lines keep their numbers."""
    changed = module.visit(_Recording(expressions.numbers))
    assert isinstance(changed, cst.Module)
    return changed.code
