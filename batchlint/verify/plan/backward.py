"""What an expression in a function needs to be evaluated on its own: the statements that its names come from."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from batchlint.verify.plan.project import Module
from batchlint.verify.plan.slicing import is_change
from batchlint.verify.plan.syntax import (
    DEFINITIONS,
    FunctionNode,
    dotted,
    first_line,
    is_main_guard,
    last_line,
    loaded,
    stored,
)

MAXIMUM_STATEMENTS = 40
MAXIMUM_CALLERS = 4
"""Calls that are followed outwards to find what a parameter is."""

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SELF = "self"


def setup_for(module: Module, node: ast.AST, expressions: Iterable[ast.AST]) -> tuple[str, ...]:
    """Source of the statements that *expressions*, which stand at *node* in *module*, need.

    They are to be run in the namespace of the sliced module, one by one: some may fail.
    """
    slice_ = _Backward(module)
    needed: set[str] = set()
    for each in expressions:
        needed |= read_by(each)
    slice_.collect(node, needed, MAXIMUM_CALLERS)
    return tuple(slice_.sources()[-MAXIMUM_STATEMENTS:])


def read_by(node: ast.AST) -> set[str]:
    """The names that *node* reads; attributes of ``self`` as ``self.name``."""
    names = loaded(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == _SELF:
            names.add(f"{_SELF}.{each.attr}")
    return names


def bound_by(statement: ast.AST) -> set[str]:
    """The names that *statement* binds or changes; attributes of ``self`` as ``self.name``."""
    names = stored(statement)
    for each in ast.walk(statement):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
            root = dotted(each)
            names.add(f"{_SELF}.{root[1]}" if root[0] == _SELF else root[0])
        elif isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
            names.add(dotted(each.value)[0])
        elif isinstance(each, ast.Expr) and is_change(each):
            name = dotted(cast(ast.Call, each.value).func)
            names.add(f"{_SELF}.{name[1]}" if name[0] == _SELF else name[0])
    return names - {""}


@dataclass
class _Backward:
    module: Module
    found: list[ast.stmt] = field(default_factory=list)
    visited: set[int] = field(default_factory=set)

    def sources(self) -> list[str]:
        """The statements found, in the order to run them."""
        texts = [ast.unparse(ast.fix_missing_locations(each)) for each in self.found]
        if any(f"{_SELF}." in text for text in texts):
            texts[:0] = ["import types", f"{_SELF} = types.SimpleNamespace()"]
        return list(dict.fromkeys(texts))

    def collect(self, node: ast.AST, needed: set[str], depth: int) -> None:
        """Put before what was found what *needed* names are at *node*."""
        needed = set(needed)
        function = self.module.scope(node)
        before = _flow(function.body if function else self.module.tree.body, node)
        if function is None and not self.module.is_snippet:
            needed &= self.module.made_at_sites
        kept: list[ast.stmt] = []
        comprehended = [
            ast.Assign([copy.deepcopy(generator.target)], _first_of(generator.iter), lineno=1)
            for each in self._above(node)
            if isinstance(each, _COMPREHENSIONS)
            for generator in each.generators
        ]
        for statement in reversed([*before, *comprehended]):
            pruned = self._pruned(statement, needed)
            if pruned is None:
                continue
            kept.insert(0, pruned)
            if isinstance(pruned, ast.Assign) and all(isinstance(target, ast.Name) for target in pruned.targets):
                needed -= stored(pruned)
            more = read_by(pruned)
            if function is None and not self.module.is_snippet:
                more &= self.module.made_at_sites
            needed |= more
            if len(kept) >= MAXIMUM_STATEMENTS:
                break
        self.found[:0] = kept
        if function is not None and depth and id(function) not in self.visited:
            self.visited.add(id(function))
            self._parameters(function, needed, depth)

    def _above(self, node: ast.AST) -> list[ast.AST]:
        found: list[ast.AST] = []
        each: ast.AST | None = node
        while each is not None and not isinstance(each, ast.stmt):
            found.append(each)
            each = self.module.parents.get(each)
        return list(reversed(found))

    def _pruned(self, statement: ast.stmt, needed: set[str]) -> ast.stmt | None:
        """What of *statement* binds or changes *needed* names without doing anything heavy."""
        names = self.module.bound.get(statement)
        if names is None:
            names = self.module.bound[statement] = frozenset(bound_by(statement))
        if names.isdisjoint(needed) and not (_SELF in needed and any(name.startswith(f"{_SELF}.") for name in names)):
            return None
        if isinstance(statement, ast.If):
            body = [pruned for each in statement.body if (pruned := self._pruned(each, needed))]
            orelse = [pruned for each in statement.orelse if (pruned := self._pruned(each, needed))]
            if not body and not orelse:
                return None
            return ast.If(statement.test, body or [ast.Pass()], orelse)
        if isinstance(statement, ast.Try | ast.With | ast.While | ast.ClassDef):
            return None
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return statement
        is_heavy = self.module.is_heavy
        if isinstance(statement, ast.FunctionDef):
            return None if any(is_heavy(each) for each in statement.body) else statement
        return None if is_heavy(statement) else statement

    def _parameters(self, function: FunctionNode, needed: set[str], depth: int) -> None:
        """Put before what was found what the parameters of *function* are: at a call of it, or by default."""
        parameters = [each.arg for each in [*function.args.posonlyargs, *function.args.args]]
        keyword_only = [each.arg for each in function.args.kwonlyargs]
        wanted = [name for name in [*parameters, *keyword_only] if name in needed and name != _SELF]
        if not wanted:
            return
        call, offset = self._call_of(function)
        given: dict[str, ast.expr] = {}
        if call is not None:
            positional = list(call.args)
            if not any(isinstance(each, ast.Starred) for each in positional):
                given.update(zip(parameters[offset:], positional))
            given.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg})
        defaults = dict(zip(reversed(parameters), reversed(function.args.defaults)))
        defaults.update({name: value for name, value in zip(keyword_only, function.args.kw_defaults) if value})
        bound = [
            ast.Assign([ast.Name(name, ast.Store())], value, lineno=1)
            for name in wanted
            if (value := given.get(name, defaults.get(name))) is not None and not _is_name(value, name)
        ]
        self.found[:0] = bound
        if call is not None and given:
            names = {each for name in wanted if name in given for each in read_by(given[name])}
            self.collect(call, names, depth - 1)

    def _call_of(self, function: FunctionNode) -> tuple[ast.Call | None, int]:
        """A call of *function* in its file, and how many of its parameters the call does not give."""
        holder = self.module.parents.get(function)
        in_class = isinstance(holder, ast.ClassDef)
        name = function.name
        if isinstance(holder, ast.ClassDef) and name == "__init__":
            name = holder.name
        inside = range(function.lineno, last_line(function) + 1)
        calls = [call for call in self.module.calls.get(name, []) if call.lineno not in inside]
        static = any(dotted(each)[-1] == "staticmethod" for each in function.decorator_list)
        return (calls[0] if calls else None), int(in_class and not static)


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _first_of(iterable: ast.expr) -> ast.expr:
    """``next(iter(iterable))``."""
    inner = ast.Call(ast.Name("iter", ast.Load()), [copy.deepcopy(iterable)], [])
    return ast.Call(ast.Name("next", ast.Load()), [inner], [])


def _flow(body: list[ast.stmt], node: ast.AST) -> list[ast.stmt]:
    """The statements of *body* that have run when *node* in it is evaluated, flattened along the way to it."""
    line = getattr(node, "lineno", 0)
    end = getattr(node, "end_lineno", line) or line
    found: list[ast.stmt] = []
    for statement in body:
        if first_line(statement) > line:
            break
        holds = statement.lineno <= line and end <= last_line(statement)
        if not holds:
            if is_main_guard(statement):
                found.extend(cast(ast.If, statement).body)
            elif isinstance(statement, ast.Try | ast.With):
                found.extend(statement.body)
            else:
                found.append(statement)
            continue
        if isinstance(statement, DEFINITIONS):
            break
        if isinstance(statement, ast.For):
            found.append(ast.Assign([copy.deepcopy(statement.target)], _first_of(statement.iter), lineno=1))
        elif isinstance(statement, ast.With):
            found.extend(
                ast.Assign([copy.deepcopy(item.optional_vars)], item.context_expr, lineno=1)
                for item in statement.items
                if item.optional_vars is not None
            )
        for name in ("body", "orelse", "finalbody"):
            inner: list[ast.stmt] = getattr(statement, name, [])
            if inner and inner[0].lineno <= line <= last_line(inner[-1]):
                found.extend(_flow(inner, node))
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                if handler.lineno <= line <= (handler.end_lineno or 0):
                    found.extend(_flow(handler.body, node))
        break
    return found
