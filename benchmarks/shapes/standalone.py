"""A file's text with only what its classes and functions need, so that it runs without data, downloads or training."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def standalone(text: str, driver: str) -> str:
    """*text* without the top-level statements that neither its definitions nor *driver* need, then *driver*.

    What is left out becomes empty lines, so that every other line keeps its number.

    Raises:
        SyntaxError: *text* is not Python.
    """
    statements = ast.parse(text).body
    kept = {
        id(s)
        for s in statements
        if isinstance(s, (*_DEFINITIONS, *_IMPORTS)) or (isinstance(s, ast.Try) and _imports(s))
    }
    needed = {name for s in (*statements, *ast.parse(driver).body) if id(s) in kept for name in _loaded(s)}
    needed |= set(_loaded(ast.parse(driver)))
    while True:
        more = [s for s in statements if id(s) not in kept and not _is_main(s) and _changes(s) & needed]
        if not more:
            break
        kept.update(map(id, more))
        needed.update(name for s in more for name in _loaded(s))
    lines = text.splitlines(keepends=True)
    for statement in statements:
        if id(statement) not in kept:
            for number in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[number] = "\n"
    return "".join(lines).rstrip("\n") + "\n\n\n" + driver


def _imports(statement: ast.stmt) -> bool:
    return any(isinstance(node, _IMPORTS) for node in ast.walk(statement))


def _is_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in _loaded(statement.test)


def _loaded(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))


def _changes(statement: ast.stmt) -> set[str]:
    """The names that *statement* binds, and those of the objects whose methods it calls for their effect."""
    found = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        root: ast.expr = statement.value.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name):
            found.add(root.id)
    return found
