"""The user's module, run statement by statement: definitions and constants for real, data and models as stand-ins."""

from __future__ import annotations

import ast
import builtins
import importlib
import sys
import types
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from batchlint.semantics.batch_names import names_batch_size
from batchlint.verify.worker.loops.constructs import RUNTIME, unknown_module
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.rewriting import Definition
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.under_way import USER_MODULE, current

_REAL = frozenset(sys.stdlib_module_names) - {
    "antigravity", "this", "tkinter", "turtle", "idlelib", "multiprocessing", "socket", "webbrowser", "curses",
    "readline", "pdb", "concurrent", "asyncio", "ssl", "http", "smtplib", "ftplib", "sqlite3", "signal", "threading",
}  # fmt: skip


class Names(dict[str, Any]):
    """A module's names; one that nothing here binds is a stand-in, as if another file had set it."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name.startswith("__"):
            raise KeyError(name)
        from batchlint.verify.worker.loops.naming import value_named

        found = value_named(current(), name)
        self[name] = StandIn(current(), name) if found is None else found
        return self[name]


@dataclass
class Staged:
    """What running a module's statements left.

    Attributes:
        namespace: its names.
        problems: first and last line of each statement that raised, with what it raised.
    """

    namespace: dict[str, Any]
    problems: dict[tuple[int, int], BaseException] = field(default_factory=dict)


def stage(path: str, body: Iterable[ast.stmt], *, script: bool, until: int | None = None) -> Staged:
    """Run the statements of a rewritten module.

    Args:
        path: the user's file, for tracebacks.
        body: the statements.
        script: whether loops, calls and the main block are run as well, as far as *until*.
        until: the last line that is needed.
    """
    names = Names({**RUNTIME, "__name__": USER_MODULE, "__file__": path, "__builtins__": vars(builtins)})
    staged = Staged(names)
    _run(staged, path, list(body), script, until)
    return staged


def _run(staged: Staged, path: str, body: list[ast.stmt], script: bool, until: int | None) -> None:
    for statement in body:
        if until is not None and statement.lineno > until:
            return
        if isinstance(statement, ast.Import | ast.ImportFrom):
            _import(staged.namespace, statement)
        elif isinstance(statement, ast.If) and _is_main_test(statement.test):
            _run(staged, path, statement.body, script, until)
        elif isinstance(statement, ast.Try):
            _try(staged, path, statement, script, until)
        elif script or _is_quiet(statement, staged.namespace):
            _execute(staged, path, statement)


def _is_main_test(test: ast.expr) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "__name__" for each in ast.walk(test))


def _is_quiet(statement: ast.stmt, namespace: dict[str, Any]) -> bool:
    """Whether a statement defines or sets something, and does not start the script's work."""
    if isinstance(statement, ast.Expr):
        call = statement.value
        callee = call.args[2] if isinstance(call, ast.Call) and len(call.args) > 2 else None
        return isinstance(callee, ast.Attribute)
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | Definition | ast.If | ast.Delete):
        return not any(isinstance(each, ast.While) for each in ast.walk(statement)) or isinstance(statement, Definition)
    return isinstance(statement, ast.With)


def _execute(staged: Staged, path: str, statement: ast.stmt) -> None:
    world, namespace = current(), staged.namespace
    replaced = _constant(statement)
    try:
        code = compile(ast.Module([statement], []), path, "exec")
        exec(code, namespace)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        staged.problems[(statement.lineno, statement.end_lineno or statement.lineno)] = error
        for name in _bound(statement):
            namespace.setdefault(name, StandIn(world, name))
        return
    if replaced is not None and dict.__contains__(namespace, replaced):
        namespace[replaced] = _replacement(replaced, namespace[replaced])


def _constant(statement: ast.stmt) -> str | None:
    """The name that a statement binds to a number."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
        value: ast.expr | None = statement.value
    elif isinstance(statement, ast.AnnAssign):
        target, value = statement.target, statement.value
    else:
        return None
    number = isinstance(value, ast.Constant) and isinstance(value.value, int) and not isinstance(value.value, bool)
    return target.id if number and isinstance(target, ast.Name) else None


def _replacement(name: str, value: int) -> int:
    from batchlint.verify.worker.loops.naming import names_epochs

    world = current()
    if name in world.constants:
        return world.constants[name]
    if names_batch_size(name):
        world.batch_sizes.add(value)
        return world.forced or value
    if names_epochs(name):
        return min(value, 1)
    return value


def _bound(statement: ast.stmt) -> Iterable[str]:
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, Definition):
            yield node.name


def _try(staged: Staged, path: str, statement: ast.Try, script: bool, until: int | None) -> None:
    _run(staged, path, statement.body, script, until)
    _run(staged, path, statement.orelse, script, until)
    _run(staged, path, statement.finalbody, script, until)


def _import(namespace: dict[str, Any], statement: ast.Import | ast.ImportFrom) -> None:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            found = found_module(alias.name)
            top = alias.name.split(".")[0]
            if alias.asname:
                namespace[alias.asname] = found
            else:
                namespace[top] = (
                    found_module(top) if not isinstance(found, StandIn) else dict.get(namespace, top, found)
                )
        return
    module = statement.module or ""
    if module == "__future__":
        return
    source = unknown_module(module) if statement.level else found_module(module)
    for alias in statement.names:
        namespace[alias.asname or alias.name] = found_member(source, module, alias.name)
        if alias.name == "*" and isinstance(source, types.ModuleType):
            public = getattr(source, "__all__", [name for name in vars(source) if not name.startswith("_")])
            namespace.update({name: getattr(source, name) for name in public if hasattr(source, name)})
            namespace.pop("*", None)


def found_module(name: str) -> Any:
    """The module *name* if it is one of the standard library or of a framework, else a stand-in."""
    found = framework().module(name)
    if found is not NotImplemented:
        return found
    top = name.split(".")[0]
    if top not in _REAL and top not in framework().packages:
        return unknown_module(name)
    try:
        return importlib.import_module(name)
    except Exception:
        return unknown_module(name)


def found_member(source: Any, module: str, name: str) -> Any:
    """What ``from module import name`` binds, *source* being the module."""
    if isinstance(source, StandIn):
        return StandIn(current(), name)
    if hasattr(source, name):
        return getattr(source, name)
    try:
        return importlib.import_module(f"{module}.{name}")
    except Exception:
        return StandIn(current(), name)
