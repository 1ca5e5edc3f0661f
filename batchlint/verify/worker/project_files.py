"""Files and statements of a project, looked at before anything of them is run."""

from __future__ import annotations
import __future__

import ast
import importlib.util
import os
import types
from collections.abc import Iterator
from typing import Any

from batchlint.verify.plan.syntax import dotted, run_now
from batchlint.verify.worker.frameworks import Framework
from batchlint.verify.worker.user_module import Unloadable


def module_files(module: str) -> Iterator[str]:
    """The files that a module of that dotted name may have, below a root."""
    if module:
        yield os.path.join(*module.split(".")) + ".py"
        yield os.path.join(*module.split("."), "__init__.py")


def source_text(path: str) -> str:
    """The text of a file of the user's.

    Raises:
        Unloadable: it cannot be read.
    """
    from batchlint.findings import Problem
    from batchlint.source.source import read_source

    source = read_source(path)
    if isinstance(source, Problem):
        raise Unloadable(f"{path}: {source.message}")
    return source.text


def has_name(module: Any, name: str) -> bool:
    """Whether a module has that name; one that is imported on first use may fail with anything."""
    try:
        getattr(module, name)
    except Exception:
        return False
    return True


def makes_a_model(statement: ast.stmt, names: dict[str, Any], framework: Framework) -> bool:
    """Whether *statement* binds an instance of one of the user's own models: made at its site, if at all."""
    if not isinstance(statement, ast.Assign):
        return False
    for each in run_now(statement.value):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name | ast.Attribute):
            root, *rest = dotted(each.func)
            value = names.get(root)
            for name in rest:
                value = getattr(value, name, None) if isinstance(value, types.ModuleType) else None
            if isinstance(value, type) and framework.is_model_class(value) and not framework.is_own(value):
                return True
    return False


def future_flags(tree: ast.Module) -> int:
    """The compiler's flags for what a file imports from the future."""
    flags = 0
    for statement in tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
            for alias in statement.names:
                feature = getattr(__future__, alias.name, None)
                flags |= getattr(feature, "compiler_flag", 0)
    return flags


_installed_names: dict[str, bool] = {}


def is_installed(top: str) -> bool:
    """Whether a package or module of that name is installed, without importing it."""
    if top not in _installed_names:
        try:
            _installed_names[top] = importlib.util.find_spec(top) is not None
        except (ImportError, ValueError, AttributeError):
            _installed_names[top] = False
    return _installed_names[top]
