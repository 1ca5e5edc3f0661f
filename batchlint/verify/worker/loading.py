"""A file of the user's, sliced and run as a module, with the modules of its project that it imports."""

from __future__ import annotations

import ast
import builtins
import contextlib
import linecache
import os
import sys
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from batchlint.verify.plan.backward import setup_for
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.plan.project import Module
from batchlint.verify.plan.slicing import slice_module
from batchlint.verify.plan.syntax import first_line, stored
from batchlint.verify.worker.frameworks import Framework
from batchlint.verify.worker.project_files import (
    future_flags,
    has_name,
    is_installed,
    makes_a_model,
    module_files,
    source_text,
)
from batchlint.verify.worker.rewriting import Rewriter
from batchlint.verify.worker.stubs import PHASE, Patched, Stub, StubModule
from batchlint.verify.worker.timeouts import Limit, TimeLimit, limit, limited
from batchlint.verify.worker.user_module import LoadProblem, Unloadable, UserModule

SECONDS_PER_STATEMENT = 3.0
SECONDS_PER_IMPORT = 20.0
SECONDS_PER_FILE = 30.0
NEVER_NEEDED = frozenset(
    "matplotlib seaborn plotly wandb visdom tensorboard tensorboardX mlflow comet_ml neptune".split()
)
"""Packages that no model's values come from, and that are not imported even where they are installed."""
_NEVER_STUBBED = frozenset({"numpy", "builtins"})
_NEVER_PROJECT = frozenset({"numpy", "batchlint"})


class Loaded:
    """A file that was loaded, and its project.

    Attributes:
        plan: what was to be loaded.
        main: the file.
        missing: packages that could not be imported, with the reason.
        framework: what its models are made with.
    """

    def __init__(self, plan: FilePlan, device: str = "cpu", framework: Framework | None = None) -> None:
        self.plan = plan
        self.framework = framework or _torch()
        self._never_stubbed = _NEVER_STUBBED | self.framework.packages
        self._never_project = _NEVER_PROJECT | self.framework.packages
        self.on_cpu = not device.startswith("cuda")
        self.missing: dict[str, str] = {}
        self.roots = plan.roots or (os.path.dirname(os.path.abspath(plan.path)),)
        self._files: dict[str, UserModule] = {}
        self._loose: dict[str, types.ModuleType] = {}
        self._filenames: set[str] = set()
        self._path = self._absolute(plan.path, plan.module)
        package = plan.module.rpartition(".")[0]
        with contextlib.ExitStack() as stack:
            stack.enter_context(_loading())
            if package:
                for number in range(package.count(".") + 1):
                    self._project_module(".".join(package.split(".")[: number + 1]))
            self.main = self._load(self._path, plan.module or "module", plan.text, plan.path)

    @property
    def module(self) -> types.ModuleType:
        """The file's module."""
        return self.main.module

    @property
    def namespace(self) -> dict[str, Any]:
        """The file's names."""
        return self.main.module.__dict__

    @property
    def problems(self) -> tuple[LoadProblem, ...]:
        """What failed, in the file itself first."""
        others = [problem for each in self._files.values() if each is not self.main for problem in each.problems]
        return (*self.main.problems, *others)

    def files(self) -> tuple[UserModule, ...]:
        """The user's files that were loaded, the file itself first."""
        return (self.main, *(each for each in self._files.values() if each is not self.main))

    @property
    def filenames(self) -> frozenset[str]:
        """The names of the user's files that were loaded, as their frames bear them."""
        return frozenset(self._filenames)

    def is_users(self, filename: str) -> bool:
        """Whether *filename*, from a frame, is one of the user's own files."""
        return filename in self._filenames

    def is_own(self, path: str) -> bool:
        """Whether *path*, of a site, is the file itself; an empty one is."""
        return path in ("", self.plan.path, self._path) or os.path.abspath(path) == self._path

    def turn_back(self, line: int) -> None:
        """Let names that the file defines several times be what they are after *line*, as in a notebook."""
        by_name: dict[str, list[tuple[int, Any]]] = {}
        for number, value in sorted(self.main.definitions.items()):
            by_name.setdefault(getattr(value, "__name__", ""), []).append((number, value))
        for name, values in by_name.items():
            if len(values) > 1 and name in self.namespace:
                self.namespace[name] = ([value for number, value in values if number <= line] or [values[0][1]])[-1]

    def definition(self, qualname: str, line: int) -> Any:
        """What the definition *qualname* that begins at *line* made; ``None`` where it failed.

        A class that stands in a function is made on its own, with what the function sets before.
        """
        outer, *inner = qualname.split(".")
        if line in self.main.definitions:
            return self.main.definitions[line]
        value = self.namespace.get(outer)
        for name in inner:
            if isinstance(value, types.FunctionType):
                value = self.main.definitions[line] = self._local_class(line)
                break
            value = getattr(value, name, None)
        return value

    def _local_class(self, line: int) -> Any:
        module = Module(self.main.filename, "", self.main.tree)
        for node in ast.walk(self.main.tree):
            if isinstance(node, ast.ClassDef) and first_line(node) == line:
                names = self.scope(setup_for(module, node, [node]))
                with limited(SECONDS_PER_STATEMENT), _quiet(), _loading():
                    tree = ast.Module([node], [])
                    exec(compile(tree, self.main.filename, "exec", future_flags(self.main.tree), True), names)
                    return names[node.name]
        return None

    def why_absent(self, name: str) -> str:
        """Why *name* is not in the file's namespace, in one sentence; empty where nothing is known."""
        for problem in self.main.problems:
            if name in problem.names:
                return f"line {problem.line} failed: {problem.message}"
        if name in self.main.left_out:
            return f"{name} is set at line {self.main.left_out[name]}, which was not run"
        return ""

    def scope(self, setup: Sequence[str] = (), path: str = "") -> dict[str, Any]:
        """A copy of the namespace of the file at *path* in which the statements *setup* were run, as far as they go.

        Args:
            setup: source of statements.
            path: a file of the project, which is loaded sliced, or one that is no Python, whose namespace is empty.
        """
        names = dict(self._module_at(path).__dict__)
        for source in setup:
            with limited(SECONDS_PER_STATEMENT), _quiet():
                tree = Rewriter(self.on_cpu).visit(ast.parse(source))
                exec(compile(tree, "<setup>", "exec", dont_inherit=True), names)
        return names

    def evaluate_in(self, names: dict[str, Any], source: str) -> Any:
        """The value of the expression *source* with *names*, changed as user code is; raises what it raises."""
        tree = Rewriter(self.on_cpu).visit(ast.parse(source.strip(), mode="eval"))
        with _quiet():
            return eval(compile(tree, "<expression>", "eval", dont_inherit=True), names)

    def evaluate(self, source: str, setup: Sequence[str] = (), path: str = "") -> Any:
        """The value of the expression *source* after *setup* in the file at *path*, see `scope`."""
        return self.evaluate_in(self.scope(setup, path), source)

    def _absolute(self, path: str, module: str) -> str:
        if os.path.isabs(path):
            return path
        relative = os.path.normpath(path)
        for root in self.roots:
            for below in (relative, os.path.basename(relative), *module_files(module)):
                found = os.path.join(root, below)
                if os.path.isfile(found) and (os.sep not in relative or found.endswith(os.sep + relative)):
                    return found
        return os.path.abspath(path)

    def _module_at(self, path: str) -> types.ModuleType:
        if self.is_own(path):
            return self.module
        path = os.path.abspath(path)
        if path in self._files:
            return self._files[path].module
        if not path.endswith((".py", ".ipynb")):
            if path not in self._loose:
                self._loose[path] = self._empty_module("snippet", path, path)
                self._filenames.add(path)
            return self._loose[path]
        with _loading():
            return self._load(path, self._name_for(path)).module

    def _name_for(self, path: str) -> str:
        stem = os.path.splitext(path)[0].removesuffix(f"{os.sep}__init__")
        for root in self.roots:
            if stem.startswith(root + os.sep):
                return stem[len(root) + 1 :].replace(os.sep, ".")
        return os.path.basename(stem)

    def _empty_module(self, name: str, path: str, filename: str) -> types.ModuleType:
        module = types.ModuleType(name)
        is_package = os.path.basename(path) == "__init__.py"
        module.__package__ = name if is_package else name.rpartition(".")[0]
        if is_package:
            module.__path__ = [os.path.dirname(path)]
        module.__file__ = filename
        names = dict(vars(builtins))
        names["__import__"] = self._import
        module.__dict__["__builtins__"] = names
        return module

    def _load(self, path: str, name: str, text: str | None = None, filename: str = "") -> UserModule:
        if path in self._files:
            return self._files[path]
        filename = filename or path
        if text is None:
            text = source_text(path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text, filename)
        except (SyntaxError, ValueError, RecursionError) as error:
            raise Unloadable(f"{filename} is not Python: {error}") from None
        made = UserModule(filename, self._empty_module(name, path, filename), tree)
        self._files[path] = made
        self._filenames.add(filename)
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        self._register(name, made.module)
        sliced = slice_module(tree)
        made.left_out = sliced.left_out
        flags = future_flags(tree)
        rewriter = Rewriter(self.on_cpu)
        try:
            with limit(SECONDS_PER_FILE) as own:
                for statement in sliced.kept:
                    self._run(made, rewriter.visit(statement), flags)
        except TimeLimit as error:
            if error.limit is not own:
                raise
            made.problems.append(LoadProblem(filename, 1, str(error)))
        exported = made.module.__dict__.get("__all__")
        if isinstance(exported, list | tuple):
            made.module.__dict__["__all__"] = [each for each in exported if each in made.module.__dict__]
        return made

    def _register(self, name: str, module: types.ModuleType) -> None:
        """Put *module* where pickle and dataclasses look, unless libraries would find it in place of their own."""
        top = name.partition(".")[0]
        taken = name in sys.modules and name not in _registered
        if taken or top in sys.stdlib_module_names or is_installed(top):
            name = f"users_{name}"
            module.__name__ = name
        sys.modules[name] = module
        _registered.add(name)

    def _run(self, made: UserModule, statement: ast.stmt, flags: int) -> None:
        """Run one statement; what it raises is noted."""
        names = made.module.__dict__
        if makes_a_model(statement, names, self.framework):
            for name in stored(statement):
                made.left_out.setdefault(name, statement.lineno)
            return
        is_import = isinstance(statement, ast.Import | ast.ImportFrom | ast.Try | ast.If)
        own: Limit | None = None
        try:
            with limit(SECONDS_PER_IMPORT if is_import else SECONDS_PER_STATEMENT) as own, _quiet():
                tree = ast.Module([statement], [])
                exec(compile(ast.fix_missing_locations(tree), made.filename, "exec", flags, dont_inherit=True), names)
        except BaseException as error:
            if isinstance(error, TimeLimit) and error.limit is not own:
                raise
            if isinstance(error, ImportError) and isinstance(statement, ast.ImportFrom) and len(statement.names) > 1:
                for alias in statement.names:
                    alone = ast.ImportFrom(statement.module, [alias], statement.level)
                    self._run(made, ast.copy_location(alone, statement), flags)
                return
            message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            bound = tuple(sorted(stored(statement)))
            made.problems.append(LoadProblem(made.filename, statement.lineno, message, bound))
        else:
            if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                made.definitions[first_line(statement)] = names.get(statement.name)

    # Imports of the user's files

    def _import(
        self,
        name: str,
        globals_: dict[str, Any] | None = None,
        locals_: Any = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        """What ``import`` does in the user's files: their project's modules, else what is installed, else stubs."""
        full = name
        if level:
            package = str((globals_ or {}).get("__package__") or "")
            parts = package.split(".") if package else []
            base = parts[: len(parts) - (level - 1)] if level > 1 else parts
            full = ".".join([*base, name]) if name else ".".join(base)
        top = full.partition(".")[0]
        if top and top not in self._never_project:
            found = self._project_module(full)
            if found is not None:
                for each in fromlist or ():
                    if each != "*" and not hasattr(found, each) and hasattr(found, "__path__"):
                        self._project_module(f"{full}.{each}")
                if fromlist:
                    return found
                return self._project_module(top) or found
        if level:
            raise ImportError(f"no module {full!r} in the project")
        return self._installed(name, fromlist)

    def _project_module(self, full: str) -> types.ModuleType | None:
        """The project's module of that name, loaded if it is not yet."""
        if full in self._loose:
            return self._loose[full]
        path = self._find(full)
        if path is None:
            return None
        parent, _, last = full.rpartition(".")
        holder = self._project_module(parent) if parent else None
        if os.path.isdir(path):
            module = self._empty_module(full, os.path.join(path, "__init__.py"), path)
            self._loose[full] = module
            self._register(full, module)
        else:
            module = self._load(path, full).module
        if holder is not None:
            setattr(holder, last, module)
        return module

    def _find(self, full: str) -> str | None:
        """The file of the project's module *full*, or its folder where that has no ``__init__.py``."""
        parts = full.split(".")
        top = parts[0]
        standard = top in sys.stdlib_module_names and top in sys.modules
        if standard:
            return None
        for root in self.roots:
            stem = os.path.join(root, *parts)
            for path in (f"{stem}.py", os.path.join(stem, "__init__.py")):
                if os.path.isfile(path):
                    return path
        if not is_installed(top):
            for root in self.roots:
                stem = os.path.join(root, *parts)
                if os.path.isdir(stem):
                    return stem
        return None

    def _installed(self, name: str, fromlist: Sequence[str] | None) -> Any:
        """What is installed under that name, with answers for what it does not have; failing that a stub."""
        top = name.partition(".")[0]
        shim = self.framework.equivalent_module(name)
        if shim is not None:
            return shim
        if top in NEVER_NEEDED or name == "torch.utils.tensorboard":
            place = "tensorboard" if top == "torch" else name
            return StubModule(place if fromlist else top, "which is not imported here")
        before = PHASE.loading
        try:
            PHASE.loading = 0
            module = builtins.__import__(name, None, None, fromlist or (), 0)
        except BaseException as error:
            if isinstance(error, TimeLimit):
                raise
            lacks = getattr(error, "name", None) or ""
            if top in self._never_stubbed and str(lacks).partition(".")[0] in ("", top):
                raise
            reason = "which is not installed" if isinstance(error, ModuleNotFoundError) else f"which fails: {error}"
            return self._stub(name, reason, fromlist)
        finally:
            PHASE.loading = before
        extra: dict[str, Any] = {}
        for each in fromlist or ():
            if each == "*" or has_name(module, each):
                continue
            known = self.framework.equivalent(name, each)
            if known is not None:
                extra[each] = known
            elif top not in self._never_stubbed:
                extra[each] = Stub(f"{name}.{each}", "which the installed version does not have")
        return Patched(module, extra) if extra else module

    def _stub(self, name: str, reason: str, fromlist: Sequence[str] | None) -> Any:
        self.missing.setdefault(name.partition(".")[0], reason)
        module = StubModule(name if fromlist else name.partition(".")[0], reason)
        module.__dict__.update(self.framework.equivalents_of(module.__name__))
        return module


def load(plan: FilePlan, device: str = "cpu", framework: Framework | None = None) -> Loaded:
    """Run the statements of *plan*'s file that are kept, each on its own, and of the project's files that it imports.

    To be called within `surroundings`.

    Args:
        plan: of the file.
        device: where its code is to run.
        framework: what its models are made with, by default torch.

    Raises:
        Unloadable: the file is not Python.
    """
    return Loaded(plan, device, framework)


def _torch() -> Framework:
    from batchlint.verify.worker.torch_framework import TORCH

    return TORCH


_registered: set[str] = set()
"""Names under which files of the user's are in ``sys.modules``."""


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    PHASE.loading += 1
    try:
        yield
    finally:
        PHASE.loading -= 1


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """User code's warnings are not ours to show."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
