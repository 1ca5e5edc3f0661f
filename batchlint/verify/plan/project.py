"""The files around the one that is planned: read and parsed once, and asked who calls what."""

from __future__ import annotations

import ast
import functools
import os
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from batchlint.findings import Problem
from batchlint.source.source import read_source
from batchlint.verify.plan.slicing import slice_module, weigher
from batchlint.verify.plan.syntax import FunctionNode, dotted, stored

MAXIMUM_FILES = 4000
MAXIMUM_BYTES = 600_000
MAXIMUM_DEPTH = 8
"""Folders between a file and the root of its project."""

_ROOT_MARKS = (".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg")
_FOLDER_MARKS = ("README.md", "README.rst", "README", "LICENSE", "requirements.txt", "environment.yml")
_SKIPPED = frozenset("__pycache__ node_modules site-packages venv .venv env build dist .git .hg .tox .nox".split())
_CALLED = re.compile(rb"([A-Za-z_]\w*)(?:\s*\(|\.\w+\(|\s+as\s)")
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*\1", re.MULTILINE | re.DOTALL)
_RST_CODE = re.compile(r"^\.\. code(?:-block)?:: *python\n((?:\n|[ \t]+[^\n]*\n)+)", re.MULTILINE)


@dataclass(eq=False)
class Module:
    """A parsed file, or one code block of a README.

    Attributes:
        path: absolute.
        text: its text; a code block's is preceded by as many empty lines as the file has before it.
        tree: parsed.
        is_snippet: whether it is a code block.
    """

    path: str
    text: str
    tree: ast.Module
    is_snippet: bool = False

    bound: dict[ast.AST, frozenset[str]] = field(default_factory=dict)
    """What each statement binds, as far as it was asked for."""

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node that holds each node."""
        found: dict[ast.AST, ast.AST] = {}
        pending: list[ast.AST] = [self.tree]
        while pending:
            node = pending.pop()
            children = list(ast.iter_child_nodes(node))
            found.update(dict.fromkeys(children, node))
            pending.extend(children)
        return found

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """All calls by the last name of what they call, in order."""
        found: dict[str, list[ast.Call]] = {}
        for node in self.parents:
            if isinstance(node, ast.Call):
                found.setdefault(dotted(node.func)[-1], []).append(node)
        for calls in found.values():
            calls.sort(key=lambda call: (call.lineno, call.col_offset))
        return found

    @cached_property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """All imports, in functions too."""
        return [node for node in self.parents if isinstance(node, ast.Import | ast.ImportFrom)]

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """All functions by name; the last of each."""
        return {node.name: node for node in self.parents if isinstance(node, ast.FunctionDef)}

    @cached_property
    def made_at_sites(self) -> frozenset[str]:
        """Names of the module that a site must make itself.

        Those that several statements bind, and those that the sliced module lacks: instances of models above all.
        """
        seen: set[str] = set()
        twice: set[str] = set()
        for statement in self.tree.body:
            names = stored(statement)
            twice |= seen & names
            seen |= names
        for statement in slice_module(self.tree).kept:
            value = statement.value if isinstance(statement, ast.Assign) else None
            if isinstance(value, ast.Call) and dotted(value.func)[-1][:1].isupper():
                twice |= stored(statement)
        return frozenset(twice.union(slice_module(self.tree).left_out))

    @cached_property
    def is_heavy(self) -> Callable[[ast.AST], bool]:
        """See `weigher`."""
        return functools.cache(weigher(self.tree, models=True))

    def scope(self, node: ast.AST) -> FunctionNode | None:
        """The function that *node* stands in, if any."""
        each: ast.AST | None = self.parents.get(node)
        while each is not None and not isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            each = self.parents.get(each)
        return each

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The class that *node* stands in, if any."""
        each: ast.AST | None = self.parents.get(node)
        while each is not None and not isinstance(each, ast.ClassDef):
            each = self.parents.get(each)
        return each

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds *node*."""
        each = node
        while not isinstance(each, ast.stmt):
            each = self.parents[each]
        return each


def parse(text: str) -> ast.Module | None:
    """*text* parsed, ``None`` where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class Project:
    """The files below one folder."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._modules: dict[str, Module | None] = {}
        self._leads: dict[tuple[str, str, str], bool] = {}

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Absolute paths of Python files and notebooks, the shallow ones first."""
        found: list[str] = []
        pending = [self.root]
        while pending and len(found) < MAXIMUM_FILES:
            folder = pending.pop(0)
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _SKIPPED and not entry.name.endswith(".egg-info"):
                        pending.append(entry.path)
                elif entry.name.endswith((".py", ".ipynb")) and _size(entry) <= MAXIMUM_BYTES:
                    found.append(entry.path)
        return tuple(found)

    @cached_property
    def _callers(self) -> dict[str, list[str]]:
        callers: dict[str, list[str]] = {}
        for path in self.files:
            try:
                data = Path(path).read_bytes()
            except OSError:
                continue
            for name in set(_CALLED.findall(data)):
                callers.setdefault(name.decode(), []).append(path)
        return callers

    def callers(self, name: str) -> list[str]:
        """Paths of the files that hold a call of something of that name."""
        return self._callers.get(name, [])

    def module(self, path: str) -> Module | None:
        """The file at *path*, parsed; ``None`` where it cannot be."""
        if path not in self._modules:
            self._modules[path] = None
            source = read_source(path)
            tree = None if isinstance(source, Problem) else parse(source.text)
            if tree is not None and not isinstance(source, Problem):
                self._modules[path] = Module(path, source.text, tree)
        return self._modules[path]

    def put(self, path: str, text: str) -> Module | None:
        """The file at *path* with this *text*."""
        tree = parse(text)
        self._modules[path] = None if tree is None else Module(path, text, tree)
        return self._modules[path]

    @functools.cache  # noqa: B019 - a project lives as long as the run
    def snippets(self, folder: str) -> tuple[Module, ...]:
        """The Python code blocks of the READMEs from *folder* up to the root, the nearest first."""
        found: list[Module] = []
        for each in folders_up(folder, self.root):
            try:
                names = sorted(name for name in os.listdir(each) if name.lower().startswith("readme"))
            except OSError:
                continue
            for name in names:
                path = os.path.join(each, name)
                try:
                    text = Path(path).read_text(encoding="utf-8", errors="replace")[:MAXIMUM_BYTES]
                except OSError:
                    continue
                found.extend(_blocks(path, text))
        return tuple(found)

    def resolve(self, importer: str, module: str, level: int) -> str | None:
        """The path of the file that ``import`` in the file *importer* finds for *module*, if it is the project's."""
        folder = os.path.dirname(importer)
        if level:
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return _module_file(os.path.join(folder, *module.split("."))) if module else _module_file(folder)
        for root in roots_of(importer, self.root):
            found = _module_file(os.path.join(root, *module.split(".")))
            if found:
                return found
        return None

    def leads(self, path: str, name: str, target: str, depth: int = 6) -> bool:
        """Whether *name* in the file at *path* is what the file at *target* defines under that name."""
        if path == target:
            return True
        key = (path, name, target)
        if key in self._leads or depth == 0:
            return self._leads.get(key, False)
        self._leads[key] = False
        module = self.module(path)
        for each in module.imports if module else ():
            if isinstance(each, ast.ImportFrom) and any(
                a.name == "*" or (a.asname or a.name) == name for a in each.names
            ):
                real = next((a.name for a in each.names if (a.asname or a.name) == name), name)
                found = self.resolve(path, each.module or "", each.level)
                if found and self.leads(found, real, target, depth - 1):
                    self._leads[key] = True
                    break
        return self._leads[key]

    def names_of(self, module: Module, name: str, target: str) -> set[tuple[str, ...]]:
        """How *module* names what the file at *target* defines as *name*: ``("Net",)``, ``("models", "Net")``."""
        if module.path == target:
            return {(name,)}
        found: set[tuple[str, ...]] = set()
        for each in module.imports:
            if isinstance(each, ast.ImportFrom):
                for alias in each.names:
                    found |= self._named_by(module, each, alias, name, target)
            else:
                for alias in each.names:
                    path = self.resolve(module.path, alias.name, 0)
                    if path and self.leads(path, name, target):
                        found.add((*(alias.asname or alias.name).split("."), name))
        return found

    def _named_by(
        self, module: Module, each: ast.ImportFrom, alias: ast.alias, name: str, target: str
    ) -> set[tuple[str, ...]]:
        path = self.resolve(module.path, each.module or "", each.level)
        if alias.name in (name, "*"):
            if path and self.leads(path, name, target):
                return {(name if alias.name == "*" else alias.asname or name,)}
            return set()
        inner = f"{each.module}.{alias.name}" if each.module else alias.name
        path = self.resolve(module.path, inner, each.level)
        if path and self.leads(path, name, target):
            return {(alias.asname or alias.name, name)}
        return set()


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:
        return MAXIMUM_BYTES + 1


def _blocks(path: str, text: str) -> Iterator[Module]:
    for match in _FENCE.finditer(text):
        if match[2].lower() in ("python", "py", "python3", ""):
            yield from _block(path, text, match.start(3), match[3])
    for match in _RST_CODE.finditer(text):
        yield from _block(path, text, match.start(1), match[1])


def _block(path: str, text: str, start: int, code: str) -> Iterator[Module]:
    lines = code.splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    plain = "\n".join(re.sub(r"^(>>>|\.\.\.) ?", "", line[margin:]) for line in lines)
    tree = parse("\n" * text.count("\n", 0, start) + plain)
    if tree is not None and tree.body:
        yield Module(path, plain, tree, is_snippet=True)


@functools.cache
def _module_file(stem: str) -> str | None:
    for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):
        if os.path.isfile(path):
            return path
    return None


def folders_up(folder: str, root: str) -> list[str]:
    """*folder* and those above it, up to *root*."""
    found = [folder]
    while found[-1] != root and len(found) <= MAXIMUM_DEPTH and os.path.dirname(found[-1]) != found[-1]:
        found.append(os.path.dirname(found[-1]))
    return found


@functools.cache
def project_root(folder: str) -> str:
    """The root of the project that *folder* is part of.

    That is the nearest folder above with a version control folder or a build file; failing that the nearest one with a
    README or a licence, outside of packages; failing that the folder above the outermost package.
    """
    above = folders_up(folder, "")
    for each in above:
        if any(os.path.exists(os.path.join(each, mark)) for mark in _ROOT_MARKS):
            return each
    package = next((each for each in above if not os.path.exists(os.path.join(each, "__init__.py"))), folder)
    outside = above[above.index(package) :]
    marked = [each for each in outside if any(os.path.exists(os.path.join(each, mark)) for mark in _FOLDER_MARKS)]
    return marked[0] if marked else package


@functools.cache
def roots_of(path: str, root: str) -> tuple[str, ...]:
    """The folders in which the modules that the file at *path* imports are looked up, nearest first."""
    folders = folders_up(os.path.dirname(path), root)
    outside = [each for each in folders if not os.path.exists(os.path.join(each, "__init__.py"))]
    inside = [each for each in folders if each not in outside]
    source = [os.path.join(each, "src") for each in outside]
    return (*outside, *(each for each in source if os.path.isdir(each)), *inside)


@functools.cache
def project(root: str) -> Project:
    """The project at *root*, the same one each time."""
    return Project(root)


def module_name(path: str, text: str) -> str:
    """The dotted name of the file at *path*, below the folder that holds its outermost package."""
    # A notebook cannot be imported: its name must not hide a package's (`pytorch_lightning.ipynb`).
    parts = [f"{Path(path).stem}_notebook" if path.endswith(".ipynb") else Path(path).stem]
    folder = os.path.dirname(path)
    relative = re.search(r"^\s*from\s+\.", text, re.MULTILINE) is not None
    while os.path.exists(os.path.join(folder, "__init__.py")) or (relative and len(parts) == 1):
        parts.append(os.path.basename(folder))
        folder = os.path.dirname(folder)
    if parts[0] == "__init__":
        parts = parts[1:]
    return ".".join(reversed([re.sub(r"\W", "_", part) for part in parts]))


def clear() -> None:
    """Forget all projects, for long-lived processes and tests: files may have changed."""
    for each in (project, project_root, roots_of, _module_file):
        each.cache_clear()
