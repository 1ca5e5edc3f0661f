"""A file's text with only what one model needs, so that it runs without data, downloads or training."""

from __future__ import annotations

import ast

_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


def standalone(text: str, driver: str) -> str:
    """*text* without the top-level statements that *driver* does not need, then *driver*.

    Needed are the definitions, imports and assignments of the names that are read, and the calls of methods on them.
    What is left out becomes empty lines, so that every other line keeps its number.

    Raises:
        SyntaxError: *text* is not Python.
    """
    statements = ast.parse(text).body
    needed = _loaded(ast.parse(driver))
    kept: set[int] = set()
    while True:
        more = [s for s in statements if id(s) not in kept and not _is_main(s) and (_always(s) or _binds(s) & needed)]
        if not more:
            break
        kept.update(map(id, more))
        needed.update(name for s in more for name in _loaded(s))
    lines = text.splitlines(keepends=True)
    for statement in statements:
        if id(statement) not in kept:
            decorators = getattr(statement, "decorator_list", [])
            first = min([statement.lineno, *(d.lineno for d in decorators)])
            for number in range(first - 1, statement.end_lineno or statement.lineno):
                lines[number] = "\n"
    return "".join(lines).rstrip("\n") + "\n\n\n" + driver


def _always(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and (
        statement.module == "__future__" or any(alias.name == "*" for alias in statement.names)
    )


def _is_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in _loaded(statement.test)


def _loaded(node: ast.AST) -> set[str]:
    """The names that *node* reads and that it does not bind in a function of its own."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    found = {name for child in ast.iter_child_nodes(node) for name in _loaded(child)}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        inside = list(ast.walk(node))
        found -= {n.arg for n in inside if isinstance(n, ast.arg)}
        found -= {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found


def _binds(statement: ast.stmt) -> set[str]:
    """The names that *statement* binds, and those of the objects whose methods it calls for their effect."""
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, _IMPORTS):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, _DEFINITIONS):
            found.add(node.name)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        root: ast.expr = statement.value.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and isinstance(statement.value.func, ast.Attribute):
            found.add(root.id)
    return found
