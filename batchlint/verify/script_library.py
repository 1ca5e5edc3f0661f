"""The source of what scripts show hazards with: functions and classes of the worker's, without their types."""

from __future__ import annotations

import ast
import functools
import importlib.resources
from collections.abc import Iterable, Mapping

from batchlint.verify.plan.project import parse
from batchlint.verify.plan.syntax import loaded


def demonstrations(names: Iterable[str], module: str = "demonstration") -> list[str]:
    """The source of *names* in a module of `batchlint.verify.worker`, and of what they use there, in its order."""
    functions = library(module)
    wanted = list(names)
    chosen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in chosen:
            chosen.add(name)
            wanted += [each for each in loaded(parse(functions[name]) or ast.Module([], [])) if each in functions]
    return [source for name, source in functions.items() if name in chosen]


@functools.cache
def library(module: str) -> Mapping[str, str]:
    """The functions and classes of a module by name, their types taken off: scripts are for people to read."""
    folder = importlib.resources.files("batchlint.verify.worker")
    tree = ast.parse(folder.joinpath(f"{module}.py").read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            _Untyped().visit(node)
            found[node.name] = ast.unparse(ast.fix_missing_locations(node))
    return found


class _Untyped(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        arguments = node.args
        for each in (*arguments.args, arguments.vararg, arguments.kwarg):
            if each is not None:
                each.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return node if node.value is None else ast.copy_location(ast.Assign([node.target], node.value), node)
