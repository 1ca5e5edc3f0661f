"""What a script needs of the user's files to make one object: statements, and the modules of the project they import.

Nothing is run here. What stays are the statements that slicing keeps and that the wanted names reach.
"""

from __future__ import annotations

import ast
import os
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from batchlint.findings import Problem
from batchlint.source.decoding import split_lines
from batchlint.source.source import read_source
from batchlint.verify.plan.project import parse
from batchlint.verify.plan.slicing import slice_module
from batchlint.verify.plan.syntax import dotted, first_line, last_line, loaded, stored

_NEVER_PROJECT = frozenset({"torch", "numpy"})
_MAXIMUM_MODULES = 60


class TooMuch(ValueError):
    """The project's modules that would have to be embedded are too many."""


@dataclass(frozen=True, slots=True)
class EmbeddedModule:
    """A module of the project, or the part of it that is needed.

    Attributes:
        name: as it is imported.
        path: its file, relative to where it is looked up.
        source: the statements that are needed.
        is_package: whether it holds others.
    """

    name: str
    path: str
    source: str
    is_package: bool = False


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a script needs.

    Attributes:
        future: imports that have to come first.
        source: the statements of the main file.
        bound: the names they bind.
        open_names: whether more names may be bound, by ``import *``.
        modules: the project's modules, sorted by name.
        packages: other packages that are imported, besides torch and the standard library.
    """

    future: str
    source: str
    bound: frozenset[str]
    open_names: bool
    modules: tuple[EmbeddedModule, ...]
    packages: tuple[str, ...]


@dataclass
class _File:
    """A file of the project, of which some names are needed."""

    name: str
    path: str
    text: str
    kept: tuple[ast.stmt, ...]
    is_package: bool
    names: set[str] = field(default_factory=set)
    everything: bool = False

    def needed(self) -> list[ast.stmt]:
        """The statements that the needed names reach."""
        return list(self.kept) if self.everything else reached(self.kept, self.names)


def embed(
    path: str, text: str, module: str, roots: Sequence[str], names: Iterable[str], setup: Sequence[ast.stmt] = ()
) -> Embedded:
    """What is needed to have *names* of a file.

    Args:
        path: the file.
        text: its text.
        module: its dotted name.
        roots: folders in which its project's modules are looked up.
        names: the names that are wanted.
        setup: further statements, whose imports are needed, too.

    Raises:
        TooMuch: see there.
        ValueError: the file is not Python.
    """
    tree = parse(text)
    if tree is None:
        raise ValueError(f"{path} is not Python")
    main = _File(module, path, text, slice_module(tree).kept, False, set(names))
    files: dict[str, _File] = {}
    packages: set[str] = set()
    pending = [main]
    while pending:
        current = pending.pop()
        statements = [*current.needed(), *(setup if current is main else ())]
        for statement in statements:
            for each in _imports(statement):
                for asked in _imported(each, current, statements):
                    pending += _want(files, packages, roots, asked)
        if len(files) > _MAXIMUM_MODULES:
            raise TooMuch(f"it needs more than {_MAXIMUM_MODULES} modules of its project")
    future = [each for each in main.needed() if _is_future(each)]
    plain = [each for each in main.needed() if not _is_future(each)]
    return Embedded(
        "\n".join(ast.unparse(each) for each in future),
        joined(plain, text),
        frozenset(name for each in plain for name in stored(each)),
        any(alias.name == "*" for each in plain if isinstance(each, ast.ImportFrom) for alias in each.names),
        tuple(
            EmbeddedModule(file.name, file.path, joined(file.needed(), file.text), file.is_package)
            for _, file in sorted(files.items())
        ),
        tuple(sorted(packages)),
    )


def reached(kept: Sequence[ast.stmt], names: Iterable[str]) -> list[ast.stmt]:
    """The statements of *kept* that bind or change *names*, or what those need, in order."""
    binding = [stored(each) for each in kept]
    changing = [changed(each) for each in kept]
    wanted = set(names)
    chosen = {index for index, each in enumerate(kept) if _is_always_needed(each)}
    grew = True
    while grew:
        grew = False
        for index, each in enumerate(kept):
            if index in chosen or not (binding[index] | changing[index]) & wanted:
                continue
            chosen.add(index)
            wanted |= loaded(each)
            grew = True
    return [each for index, each in enumerate(kept) if index in chosen]


def changed(statement: ast.stmt) -> set[str]:
    """The names whose values *statement* changes in place, as far as it shows."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return set()
    found: set[str] = set()
    for each in ast.walk(statement):
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call):
            found.add(dotted(each.value.func)[0])
        elif isinstance(each, ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del):
            root: ast.expr = each
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name):
                found.add(root.id)
    return found - {""}


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _is_always_needed(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and (
        _is_future(statement) or any(alias.name == "*" for alias in statement.names)
    )


def _imports(statement: ast.stmt) -> Iterator[ast.Import | ast.ImportFrom]:
    """All imports in *statement*, those in functions too."""
    for each in ast.walk(statement):
        if isinstance(each, ast.Import | ast.ImportFrom):
            yield each


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an import asks for.

    Attributes:
        module: the module's dotted name.
        name: what is taken from it, which may be a module of its own; empty where the module itself is bound.
        used: the names that are looked up in what is bound, ``None`` for all.
    """

    module: str
    name: str
    used: frozenset[str] | None


def _imported(statement: ast.Import | ast.ImportFrom, file: _File, within: Sequence[ast.stmt]) -> Iterator[_Asked]:
    """What *statement* of *file* asks for; *within* these statements it is used."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield _Asked(alias.name, "", _looked_up(within, tuple((alias.asname or alias.name).split("."))))
        return
    full = statement.module or ""
    if statement.level:
        parts = file.name.split(".")
        base = parts[: len(parts) - statement.level + file.is_package]
        full = ".".join([*base, full] if full else base)
    for alias in statement.names:
        yield _Asked(full, alias.name, _looked_up(within, (alias.asname or alias.name,)))


def _looked_up(statements: Sequence[ast.stmt], names: tuple[str, ...]) -> frozenset[str] | None:
    """The attributes of what is called *names* that are read, ``None`` where it is used otherwise, too."""
    found: set[str] = set()
    uses = reads = 0
    for statement in statements:
        for each in ast.walk(statement):
            if isinstance(each, ast.Name) and each.id == names[0] and isinstance(each.ctx, ast.Load):
                uses += 1
            elif isinstance(each, ast.Attribute) and dotted(each)[:-1] == names:
                reads += 1
                found.add(each.attr)
    return frozenset(found) if reads == uses or len(names) > 1 else None


def _want(files: dict[str, _File], packages: set[str], roots: Sequence[str], asked: _Asked) -> list[_File]:
    """Note what is asked for; the files of which more is needed than before."""
    top = asked.module.partition(".")[0]
    if not top or top == "torch" or top in sys.stdlib_module_names:
        return []
    if top in _NEVER_PROJECT or _find(roots, top) is None:
        packages.add(top)
        return []
    moved: list[_File] = []
    parts = asked.module.split(".")
    file: _File | None = None
    for number in range(1, len(parts) + 1):
        file, is_new = _file(files, roots, ".".join(parts[:number]))
        if file is None:
            return moved
        if is_new:
            moved.append(file)
    assert file is not None
    if not asked.name:
        return [*moved, file] if _note(file, asked.used) else moved
    if asked.name == "*":
        return [*moved, file] if _note(file, None) else moved
    inner, is_new = _file(files, roots, f"{asked.module}.{asked.name}") if file.is_package else (None, False)
    if inner is not None:
        return [*moved, inner] if _note(inner, asked.used) or is_new else moved
    return [*moved, file] if _note(file, frozenset({asked.name})) else moved


def _note(file: _File, names: frozenset[str] | None) -> bool:
    """Note that *names* of *file* are needed, or everything; whether that is more than before."""
    if file.everything or (names is not None and names <= file.names):
        return False
    if names is None:
        file.everything = True
    else:
        file.names |= names
    return True


def _file(files: dict[str, _File], roots: Sequence[str], name: str) -> tuple[_File | None, bool]:
    """The project's module called *name*, and whether it was not known before."""
    if name in files:
        return files[name], False
    found = _find(roots, name)
    if found is None:
        return None, False
    path, shown = found
    text = ""
    if os.path.isfile(path):
        source = read_source(path)
        text = "" if isinstance(source, Problem) else source.text
    tree = parse(text)
    is_package = os.path.basename(path) == "__init__.py"
    files[name] = _File(name, shown, text, slice_module(tree).kept if tree is not None else (), is_package)
    return files[name], True


def _find(roots: Sequence[str], name: str) -> tuple[str, str] | None:
    """Path of the module *name*, absolute and relative to its root; a folder is a package without ``__init__.py``."""
    for root in roots:
        stem = os.path.join(*name.split("."))
        for relative in (f"{stem}.py", os.path.join(stem, "__init__.py")):
            if os.path.isfile(os.path.join(root, relative)):
                return os.path.join(root, relative), relative
    for root in roots:
        stem = os.path.join(*name.split("."))
        if os.path.isdir(os.path.join(root, stem)):
            return os.path.join(root, stem, "__init__.py"), os.path.join(stem, "__init__.py")
    return None


def joined(statements: Sequence[ast.stmt], text: str) -> str:
    """The statements as they stand in *text*, one below the other, with the empty lines that PEP 8 wants."""
    lines = split_lines(text)
    written: list[str] = []
    before: ast.stmt | None = None
    for statement in statements:
        if before is not None:
            apart = isinstance(statement, _DEFINITIONS) or isinstance(before, _DEFINITIONS)
            written += [""] * (2 if apart else int(isinstance(statement, _IMPORTS) != isinstance(before, _IMPORTS)))
        written.append(source_of(statement, lines))
        before = statement
    return "\n".join(written)


_IMPORTS = (ast.Import, ast.ImportFrom)
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_of(statement: ast.stmt, lines: Sequence[str]) -> str:
    """*statement* as it stands in its file where that is the same, written anew otherwise."""
    own = "\n".join(lines[first_line(statement) - 1 : last_line(statement)])
    plain = textwrap.dedent(own).rstrip()
    again = parse(plain)
    if again is not None and len(again.body) == 1 and ast.dump(again.body[0]) == ast.dump(statement):
        return plain
    return ast.unparse(statement)
