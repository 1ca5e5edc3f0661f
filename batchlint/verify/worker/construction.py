"""From a class to an instance of it: as the project makes it, else by its defaults, else by what its parameters say."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import os
import re
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from batchlint.semantics.batch_names import names_configuration
from batchlint.verify.outcomes import Construction, Grade
from batchlint.verify.plan.plans import ConstructionSite, SourceCall, TargetPlan
from batchlint.verify.plan.syntax import DEFINITIONS, stored
from batchlint.verify.worker.answers import SETTINGS, Settings, by_name
from batchlint.verify.worker.frameworks import TooBig
from batchlint.verify.worker.guessed_arguments import Use, by_annotation, guesses, use_of
from batchlint.verify.worker.loading import Loaded
from batchlint.verify.worker.stubs import MissingPackage, Stub
from batchlint.verify.worker.timeouts import Limit, TimeLimit, limit, limited

SECONDS_PER_BUILD = 4.0
"""For one attempt, on a machine that has nothing else to do."""
SECONDS_PER_ARGUMENT = 2.0
SECONDS_PER_TARGET = 10.0
MAXIMUM_TIMEOUTS = 2
"""Attempts that may run into `SECONDS_PER_BUILD`."""
MAXIMUM_ATTEMPTS = 40
"""Combinations of guessed arguments that are tried."""

MAXIMUM_FRAMES = 40
"""Of a failure, the innermost, that are looked into: constructors may call each other without end."""

_DEFAULTS = "defaults"
_GUESSED = "guessed from names"
_HELP = "say how to make it, e.g. --model module:factory"


@dataclass(frozen=True, slots=True)
class Built:
    """A model that was made.

    Attributes:
        model: it.
        construction: how.
        calls: calls of such an instance near the place where the code makes it.
        grade: `Grade.CODE` as the code makes it, `Grade.LAYER` by its defaults, `Grade.GUESSED` where any argument is
            a guess.
    """

    model: Any
    construction: Construction
    calls: tuple[SourceCall, ...]
    grade: Grade


@dataclass(frozen=True, slots=True)
class NotBuilt:
    """Why a class could not be made, in one sentence, and the one thing that the user can give."""

    reason: str
    help: str = ""


def constructions(target: TargetPlan, loaded: Loaded, seed: int = 0) -> Iterator[Built | NotBuilt]:
    """Ways to make the class of *target* that work, the likeliest to be meant first; one `NotBuilt` where none does.

    Args:
        target: a target of kind ``class``.
        loaded: its file.
        seed: of the parameters' random numbers.
    """
    builder = _Builder(target, loaded, seed)
    if builder.kind is None and not target.sites:
        yield _absent(target, loaded)
        return
    if builder.kind is not None and not loaded.framework.is_model_class(builder.kind):
        yield NotBuilt(f"{target.qualname} is no {loaded.framework.model}")
        return
    found = False
    for built in builder.all():
        found = True
        yield built
    if not found:
        yield builder.reason()


def _absent(target: TargetPlan, loaded: Loaded) -> NotBuilt:
    outer = target.qualname.partition(".")[0]
    why = loaded.why_absent(outer)
    if not why:
        why = "it is defined inside of a function" if "." in target.qualname else "its definition was not run"
    return NotBuilt(f"{target.qualname} cannot be loaded: {why}", _HELP)


@dataclass
class _Failed:
    """An attempt that failed: with what, and how far down the constructor it came."""

    expression: str
    origin: str
    error: BaseException
    progress: tuple[int, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass
class _Builder:
    target: TargetPlan
    loaded: Loaded
    seed: int
    kind: Any = None
    is_factory: bool = False
    failures: list[_Failed] = field(default_factory=list)
    deadline: float = 0.0
    depth: int = 0
    timeouts: int = 0
    tried: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.framework = self.loaded.framework
        Settings.names_of_framework = self.framework.names
        Settings.phrase_of_framework = self.framework.phrase
        self.kind = self.loaded.definition(self.target.qualname, self.target.line)
        self.is_factory = inspect.isfunction(self.kind)
        if not isinstance(self.kind, type):
            self.kind = None
        self.deadline = time.monotonic() + SECONDS_PER_TARGET
        self.name = self.target.qualname.rpartition(".")[2]

    def all(self) -> Iterator[Built]:
        partial: list[tuple[ConstructionSite, dict[str, Any], dict[str, str]]] = []
        large: tuple[ConstructionSite, dict[str, str]] | None = None
        for site in self.target.sites:
            names = self.loaded.scope(site.call.setup, site.call.path)
            sources, lost = self._evaluated(site, names)
            if not lost:
                built = self._at_site(site, names)
                if built is not None:
                    yield built
                    continue
                if self.failures and isinstance(self.failures[-1].error, TooBig | TimeLimit):
                    large = large or (site, sources)
                    continue
            if self.kind is not None:
                partial.append((site, names, sources))
        if self.kind is None:
            return
        if large is not None:
            yield from self._smaller(*large)
        for site, names, sources in partial:
            if sources:
                origin = f"{_place(site.call)}, other arguments guessed"
                yield from self._completed(sources, names, origin, site.call, site.calls)
        names = dict(self.loaded.namespace)
        calls = next((site.calls for site in self.target.sites if site.calls), ())
        if not self._required({}):
            yield from self._completed({}, names, _DEFAULTS, None, calls)
        else:
            yield from self._completed({}, names, _GUESSED, None, calls)
        if large is None and any(isinstance(each.error, TooBig | TimeLimit) for each in self.failures):
            yield from self._smaller(None, {})

    def _smaller(self, site: ConstructionSite | None, sources: dict[str, str]) -> Iterator[Built]:
        """As a site or the defaults say, but with few layers."""
        self.timeouts = 0
        names = self.loaded.scope(site.call.setup, site.call.path) if site else dict(self.loaded.namespace)
        fewer: dict[str, str] = {}
        for each in self._signature():
            value = each.default
            if each.name in sources:
                with limited(SECONDS_PER_ARGUMENT):
                    value = self.loaded.evaluate_in(names, sources[each.name])
            if _COUNTS_LAYERS.search(each.name):
                if isinstance(value, int) and not isinstance(value, bool) and value > 2:
                    fewer[each.name] = "2"
                elif isinstance(value, list | tuple) and value and all(isinstance(item, int) for item in value):
                    fewer[each.name] = repr(type(value)(min(item, 2) for item in value))
        if fewer:
            origin = f"{_place(site.call) if site else _DEFAULTS}, with fewer layers"
            call = site.call if site else SourceCall("", 0)
            yield from self._completed({**sources, **fewer}, names, origin, call, site.calls if site else ())

    # Sites

    def _evaluated(self, site: ConstructionSite, names: dict[str, Any]) -> tuple[dict[str, str], bool]:
        """The arguments of a site that can be evaluated, by parameter, and whether others cannot."""
        lost = False
        sources: dict[str, str] = {}
        parameters = self._parameters()
        for number, source in enumerate(site.call.arguments):
            if self._evaluates(source.removeprefix("*"), names):
                if not source.startswith("*") and number < len(parameters):
                    sources[parameters[number]] = source
            else:
                lost = True
        for name, source in site.call.keywords:
            if self._evaluates(source, names):
                if name in parameters:
                    sources[name] = source
            else:
                lost = True
        if site.callee.rpartition(".")[2] != self.name:
            return {}, lost
        return sources, lost

    def _evaluates(self, source: str, names: dict[str, Any]) -> bool:
        own: Limit | None = None
        try:
            with limit(SECONDS_PER_ARGUMENT) as own:
                value = self.loaded.evaluate_in(names, source)
        except BaseException as error:
            if isinstance(error, TimeLimit) and error.limit is not own:
                raise
            self.failures.append(_Failed(source, "", error))
            return False
        return not isinstance(value, Stub)

    def _at_site(self, site: ConstructionSite, names: dict[str, Any]) -> Built | None:
        keywords = [f"**{source}" if name == "**" else f"{name}={source}" for name, source in site.call.keywords]
        expression = f"{site.callee}({', '.join([*site.call.arguments, *keywords])})"
        made = self._try(expression, names, _place(site.call), site.call.setup, site.call.path)
        error = self.failures[-1].error if self.failures else None
        named = site.callee.rpartition(".")[2] == self.name and self.kind is not None
        if made is None and named and not isinstance(error, TooBig | TimeLimit):
            # The name of the class may be lost where it is called, its arguments are not.
            expression = expression.replace(site.callee, "batchlint_target", 1)
            made = self._try(
                expression, {**names, "batchlint_target": self.kind}, _place(site.call), (), site.call.path
            )
        if made is None:
            return None
        calls = site.calls if not made[1].submodule else ()
        return Built(made[0], made[1], calls, Grade.CODE)

    # Parameters

    def _signature(self) -> list[inspect.Parameter]:
        try:
            return list(self.framework.signature(self.kind).parameters.values())
        except (TypeError, ValueError):
            return []

    def _parameters(self) -> list[str]:
        return [each.name for each in self._signature()]

    def _required(self, given: dict[str, str]) -> list[inspect.Parameter]:
        variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        return [
            each
            for each in self._signature()
            if each.default is inspect.Parameter.empty and each.kind not in variable and each.name not in given
        ]

    def _completed(
        self,
        given: dict[str, str],
        names: dict[str, Any],
        origin: str,
        call: SourceCall | None,
        calls: tuple[SourceCall, ...],
    ) -> Iterator[Built]:
        """Build with *given* arguments and guesses for the others."""
        setup, path = (call.setup, call.path) if call is not None else ((), "")
        names = {**names, **self.framework.names, "Settings": Settings, self.name: self.kind}
        choices = {each.name: self._guesses(each, names) for each in self._required(given)}
        optional = [each for each in self._signature() if each.name not in given and each.name not in choices]
        attempts = 0
        best: tuple[int, ...] = ()
        pending: list[dict[str, int]] = [dict.fromkeys(choices, 0)]
        seen: set[str] = set()
        while pending and attempts < MAXIMUM_ATTEMPTS and time.monotonic() < self.deadline:
            chosen = pending.pop(0)
            fixed = {**given, **{name: _chosen(name, choices, chosen) for name in choices if "." not in name}}
            expression = f"{self.name}({self._written(fixed)})"
            if expression in seen:
                continue
            seen.add(expression)
            attempts += 1
            Settings.made.clear()
            made = self._try(expression, names, origin, setup, path)
            if made is not None:
                grade = Grade.GUESSED if choices or call is not None else Grade.LAYER
                yield Built(made[0], self._plain(made[1], expression, fixed), calls, grade)
                return
            if not self.failures:
                return
            failure = self.failures[-1]
            new = self._extend(choices, optional, failure, names)
            if failure.progress > best or attempts == 1 or new:
                best = max(best, failure.progress)
                pending = []
            if new:
                attempts -= 1
                pending.append(chosen)
            if "None" in str(failure.error) or isinstance(failure.error, AssertionError):
                unset = {name: 1 for name in choices if choices[name][0] == "None" and not chosen.get(name)}
                pending.append({**chosen, **unset})
            pending += _neighbours(chosen, choices, failure)

    def _plain(self, made: Construction, expression: str, sources: dict[str, str]) -> Construction:
        """*made* with configurations written as plain Python."""
        if "Settings(" not in expression:
            return made
        plain = {
            name: Settings.made[name].written() if source.startswith("Settings(") and name in Settings.made else source
            for name, source in sources.items()
        }
        setup = ("import types", *made.setup)
        return replace(made, expression=f"{self.name}({self._written(plain)})", setup=setup)

    def _extend(
        self,
        choices: dict[str, list[str]],
        optional: list[inspect.Parameter],
        failure: _Failed,
        names: dict[str, Any],
    ) -> bool:
        """Let more vary: optional parameters that the failure points at, what a configuration was asked for.

        Returns:
            Whether an argument was added without which nothing can work.
        """
        words_of = set(re.findall(r"\w+", " ".join(failure.lines)))
        for name, made in list(Settings.made.items()):
            for each in made.sources:
                choices.setdefault(f"{name}.{each}", by_name(each))
        deeper = re.search(r"object has no attribute '(\w+)'", str(failure.error))
        if deeper and failure.lines:
            for name in list(choices):
                last = name.rpartition(".")[2]
                if "." in name and SETTINGS not in choices[name][:1] and f"{last}.{deeper[1]}" in failure.lines[-1]:
                    choices[name].insert(0, SETTINGS)
                    return True
        missing = _missing(failure.error)
        added = False
        for each in optional:
            if each.kind is inspect.Parameter.VAR_KEYWORD:
                for name in missing:
                    wanted = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
                    added |= name not in choices
                    choices.setdefault(name, self._guesses(wanted, names))
                for wanted in self._inherited():
                    if wanted.default is None and wanted.name not in choices and wanted.name in words_of:
                        choices[wanted.name] = ["None", *self._guesses(wanted, names)]
            elif each.default is None and each.name not in choices and each.name in words_of:
                choices[each.name] = ["None", *self._guesses(each, names)]
        return added

    def _inherited(self) -> list[inspect.Parameter]:
        """The parameters of the constructors of the bases."""
        found: list[inspect.Parameter] = []
        for each in self.kind.__mro__[1:]:
            if each is self.framework.base:
                break
            with contextlib.suppress(TypeError, ValueError):
                found += self.framework.signature(each).parameters.values()
        return found

    def _guesses(self, parameter: inspect.Parameter, names: dict[str, Any]) -> list[str]:
        use = self._use(parameter.name)
        found = list(self.framework.named(parameter.name))
        found += [each for each in by_annotation(parameter.annotation, names, lambda name: []) if each.endswith(")")]
        if "attributes" in use.kinds or "mapping" in use.kinds or names_configuration(parameter.name):
            found += [name for name in _CONFIGURATIONS if name in names and _is_settings(names[name])]
            if not self._fitting(parameter.name, use):
                found.append(SETTINGS)
        found += guesses(parameter, use, names, lambda name: self._fitting(name, use))
        return list(dict.fromkeys(filter(None, map(self.framework.phrase, found))))

    def _use(self, name: str) -> Use:
        for each in self.kind.__mro__:
            node = self._constructor_node(each)
            if node is not None and any(argument.arg == name for argument in [*node.args.args, *node.args.kwonlyargs]):
                return use_of(node, name)
        return Use(frozenset())

    def _constructor_node(self, kind: type) -> ast.FunctionDef | None:
        function = kind.__dict__.get("__init__")
        code = getattr(function, "__code__", None)
        if code is None:
            return None
        for node in ast.walk(self.loaded.main.tree):
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                lines = [node.lineno, *(each.lineno for each in node.decorator_list)]
                if code.co_firstlineno in lines:
                    return node
        return None

    def _fitting(self, name: str, use: Use) -> list[str]:
        """Expressions for the classes of the file that *name*, of a parameter or a class, asks for."""
        found: list[str] = []
        lowered = name.lower().strip("_")
        for each, value in list(self.loaded.namespace.items()):
            if not self.framework.is_model_class(value) or value is self.kind:
                continue
            if self.framework.is_own(value) or issubclass(value, self.kind):
                continue
            ours = each.lower()
            if not (lowered in ours or ours in lowered) and not ("block" in lowered and hasattr(value, "expansion")):
                continue
            if len(lowered) < 3:
                continue
            if "call" in use.kinds:
                found.append(each)
            elif self.depth < 2:
                inner = self._inner(each, value)
                if inner is not None:
                    found.append(inner)
        return found[:3]

    def _inner(self, name: str, kind: type) -> str | None:
        """An expression that makes *kind*, another class of the file."""
        plan = next((each for each in self.loaded.plan.targets if each.qualname == name), None)
        plan = plan or TargetPlan(name, "class", -1, -1)
        builder = _Builder(plan, self.loaded, self.seed, depth=self.depth + 1)
        builder.deadline = min(self.deadline, time.monotonic() + SECONDS_PER_BUILD)
        for built in builder.all():
            made = built.construction
            if not made.setup and not made.submodule and not made.module:
                return made.expression
        return None

    def _written(self, sources: dict[str, str]) -> str:
        """The arguments as a call has them."""
        parts: list[str] = []
        by_position = True
        for each in self._signature():
            if each.name not in sources:
                by_position = False
                continue
            only = each.kind is inspect.Parameter.POSITIONAL_ONLY
            parts.append(sources[each.name] if only and by_position else f"{each.name}={sources[each.name]}")
        known = set(self._parameters())
        parts += [f"{name}={source}" for name, source in sources.items() if name not in known]
        return ", ".join(parts)

    # Building

    def _try(
        self, expression: str, names: dict[str, Any], origin: str, setup: tuple[str, ...], path: str
    ) -> tuple[Any, Construction] | None:
        """Evaluate *expression*; what it raises is kept."""
        key = (expression, path, setup)
        if key in self.tried or time.monotonic() > self.deadline or self.timeouts >= MAXIMUM_TIMEOUTS:
            return None
        self.tried.add(key)
        supplied: dict[str, str] = {}
        for _ in range(5):
            own: Limit | None = None
            try:
                self.framework.seed(self.seed)
                with limit(SECONDS_PER_BUILD, patience=2.5) as own, self.framework.capped():
                    value = self.loaded.evaluate_in(names, expression)
            except TimeLimit as error:
                if error.limit is not own:
                    raise
                self.timeouts += 1
                self.failures.append(self._failed(expression, origin, error))
                return None
            except BaseException as error:
                name = self._supplied(error, supplied)
                if name is not None:
                    continue
                self.failures.append(self._failed(expression, origin, error))
                return None
            break
        else:
            return None
        model, submodule = self._part(value)
        if model is None:
            wrong = TypeError(f"gives a {type(value).__name__}")
            self.failures.append(_Failed(expression, origin, wrong))
            return None
        before = tuple(f"{name} = {source}" for name, source in supplied.items())
        expression = expression.replace("batchlint_target", self.target.qualname)
        path = "" if self.loaded.is_own(path) else path
        return model, Construction(expression, (*before, *setup), origin, submodule, path)

    def _part(self, value: Any) -> tuple[Any, str]:
        """The instance of the class in what was made, and its path there."""
        if not self.framework.is_model(value):
            return None, ""
        if self.is_factory:
            return value, ""
        if self.kind is not None:
            if isinstance(value, self.kind):
                return value, ""
            for path, each in self.framework.parts(value):
                if isinstance(each, self.kind):
                    return each, path
            return None, ""
        for path, each in self.framework.parts(value):
            if type(each).__qualname__.endswith(self.name):
                return each, path
        return None, ""

    def _supplied(self, error: BaseException, supplied: dict[str, str]) -> str | None:
        """Give a global name that the file lost a value that its name suggests."""
        if not isinstance(error, NameError) or isinstance(error, UnboundLocalError):
            return None
        name = getattr(error, "name", None)
        if not isinstance(name, str) or name in self.loaded.namespace or name in supplied:
            return None
        source = self._bound_to(name)
        if source is None:
            return None
        supplied[name] = source
        self.loaded.namespace[name] = eval(source, {**self.framework.names, "Settings": Settings})
        return name

    def _bound_to(self, name: str) -> str | None:
        """What the file binds the global *name* to where it says so plainly, else a guess.

        ``None`` for a name that the file never binds.
        """
        found: str | None = None
        for statement in self.loaded.main.tree.body:
            if name not in stored(statement):
                continue
            found = found or ("Settings()" if names_configuration(name) else by_name(name)[0])
            for each in ast.walk(statement):
                if isinstance(each, ast.Assign) and name in stored(each) and isinstance(each.value, ast.Constant):
                    return ast.unparse(each.value)
        return found

    def _failed(self, expression: str, origin: str, error: BaseException) -> _Failed:
        every = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
        frames = [each for each in every if self.loaded.is_users(each.filename)][-MAXIMUM_FRAMES:]
        progress = tuple(each.lineno or 0 for each in frames)
        tree = self.loaded.main.tree
        own = self.loaded.main.filename
        lines = tuple(
            _statement_text(tree, each.lineno or 0) if each.filename == own else each.line or "" for each in frames
        )
        return _Failed(expression, origin, error, progress, lines)

    def reason(self) -> NotBuilt:
        """Why nothing worked."""
        for failure in self.failures:
            if isinstance(failure.error, MissingPackage):
                package = failure.error.name.partition(".")[0]
                return NotBuilt(f"needs the package {package}, {failure.error.reason}", f"install {package}")
        for failure in self.failures:
            if isinstance(failure.error, TooBig):
                return NotBuilt(f"{failure.expression} is too big: {failure.error}", "give smaller arguments")
        tried = [each for each in self.failures if each.origin]
        if tried and tried[0].origin in (_GUESSED, _DEFAULTS):
            tried.sort(key=lambda each: each.progress, reverse=True)
        for failure in tried or self.failures:
            error = failure.error
            message = " ".join(str(error).split())[:200]
            where = f" ({failure.origin})" if failure.origin else ""
            return NotBuilt(f"{failure.expression[:160]}{where} raises {type(error).__name__}: {message}", _HELP)
        return NotBuilt(f"nothing tells how {self.target.qualname} is made", _HELP)


@functools.lru_cache(maxsize=1024)
def _statement_text(tree: ast.Module, line: int) -> str:
    """The source of the innermost statement at *line*."""
    found: ast.stmt | None = None
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            found = node
    return ast.unparse(found) if found is not None and not isinstance(found, DEFINITIONS) else ""


def _place(call: SourceCall) -> str:
    return f"{os.path.basename(call.path)}:{call.line}"


def _chosen(name: str, choices: dict[str, list[str]], chosen: dict[str, int]) -> str:
    """The source that is chosen for a parameter; a configuration's is made of those for what it was asked."""
    source = choices[name][min(chosen.get(name, 0), len(choices[name]) - 1)]
    if source != SETTINGS:
        return source
    inner = {each: _chosen(each, choices, chosen) for each in choices if each.rpartition(".")[0] == name}
    return f"Settings({', '.join([repr(name), *(f'{_last(each)}={value!r}' for each, value in inner.items())])})"


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _missing(error: BaseException) -> list[str]:
    """The names of the arguments that a call lacked."""
    if isinstance(error, KeyError) and error.args and str(error.args[0]).isidentifier():
        return [str(error.args[0])]
    text = str(error)
    if isinstance(error, TypeError) and " missing " in text and " required " in text:
        return [str(name) for name in re.findall(r"'(\w+)'", text.partition(" missing ")[2])]
    return []


def _neighbours(chosen: dict[str, int], choices: dict[str, list[str]], failure: _Failed) -> list[dict[str, int]]:
    """Other choices for one parameter at a time, for those that the failing lines name first."""
    text = " ".join([*failure.lines, str(failure.error)])
    chosen = {**dict.fromkeys(choices, 0), **chosen}
    names = sorted(choices, key=lambda name: _last(name) not in text)
    near: list[dict[str, int]] = []
    for step in range(1, 8):
        for name in names:
            index = (chosen[name] + step) % max(1, len(choices[name]))
            if index != chosen[name] and step < len(choices[name]):
                near.append({**chosen, name: index})
    return near


_COUNTS_LAYERS = re.compile(r"depth|layers?$|blocks?$|^n_?layer|stages|repeats", re.IGNORECASE)
_CONFIGURATIONS = (
    "args",
    "opt",
    "config",
    "cfg",
    "hparams",
    "opts",
    "params",
    "hp",
    "conf",
    "options",
    "FLAGS",
    "configs",
)


def _is_settings(value: Any) -> bool:
    return not isinstance(value, type | Stub) and not callable(value) and not inspect.ismodule(value)
