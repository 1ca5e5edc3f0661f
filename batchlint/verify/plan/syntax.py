"""Small questions about syntax that slicing, sites and guesses share."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def dotted(node: ast.expr) -> tuple[str, ...]:
    """``("torch", "nn", "Linear")`` for ``torch.nn.Linear``; what is no name at its root gives ``""`` there."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return tuple(reversed(parts))


def words(name: str) -> list[str]:
    """The words of a name in lower case: ``trainLoader`` and ``train_loader`` are ``["train", "loader"]``."""
    return [word.lower() for word in _WORD.findall(name)]


def run_now(node: ast.AST) -> Iterator[ast.AST]:
    """*node* and what is evaluated when it is: not the bodies of the functions that it defines."""
    pending: list[ast.AST] = [node]
    while pending:
        each = pending.pop()
        yield each
        if isinstance(each, ast.Lambda):
            pending.extend([*each.args.defaults, *[default for default in each.args.kw_defaults if default]])
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            pending.extend([*each.decorator_list, *each.args.defaults, *[d for d in each.args.kw_defaults if d]])
        else:
            pending.extend(ast.iter_child_nodes(each))


def loaded(node: ast.AST) -> set[str]:
    """The names that *node* reads anywhere inside."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def stored(statement: ast.AST) -> set[str]:
    """The names that *statement* binds in its own scope."""
    found: set[str] = set()
    pending: list[ast.AST] = [statement]
    while pending:
        each = pending.pop()
        if isinstance(each, DEFINITIONS):
            found.add(each.name)
            continue
        if isinstance(each, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            continue
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            found.add(each.id)
        elif isinstance(each, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in each.names)
        elif isinstance(each, ast.ExceptHandler) and each.name:
            found.add(each.name)
        pending.extend(ast.iter_child_nodes(each))
    return found


def first_line(node: ast.stmt) -> int:
    """The first line of a statement, decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def last_line(node: ast.stmt | ast.expr) -> int:
    """The last line of a statement or expression."""
    return node.end_lineno or node.lineno


def is_main_guard(statement: ast.stmt) -> bool:
    """Whether *statement* is ``if __name__ == "__main__":``."""
    if not isinstance(statement, ast.If):
        return False
    inside = list(ast.walk(statement.test))
    return any(isinstance(each, ast.Name) and each.id == "__name__" for each in inside) and any(
        isinstance(each, ast.Constant) and each.value == "__main__" for each in inside
    )


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef | FunctionNode]]:
    """Every definition with its qualified name as Python gives it, without ``<locals>``, in order."""
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        inner: list[tuple[str, ast.AST]] = []
        for child in ast.iter_child_nodes(node):
            if isinstance(child, DEFINITIONS):
                yield f"{prefix}{child.name}", child
                inner.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, ast.stmt | ast.ExceptHandler):
                inner.append((prefix, child))
        pending.extend(reversed(inner))
