"""A program with findings, run with stand-ins: a function is called, a class made and used, a script followed."""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from batchlint.semantics.batch_names import names_batch_size
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.worker.loops import naming
from batchlint.verify.worker.loops.calling import call
from batchlint.verify.worker.loops.constructs import unpack
from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.rewriting import Function, Site, place_findings, rewritten
from batchlint.verify.worker.loops.staging import Staged, stage
from batchlint.verify.worker.loops.standins import StandIn, tensor_part
from batchlint.verify.worker.loops.under_way import USER_MODULE, current, running
from batchlint.verify.worker.loops.world import OutOfBudget, World
from batchlint.verify.worker.timeouts import TimeLimit

NO_TENSOR = re.compile(
    r"model|net(?:work)?s?$|net_|critic$|generator|discriminator|encoder|decoder|optim|sched|loss|criterion|data_?set|"
    r"^data$|loader|writer|logger|args?$|opts?$|cfg|config|params?$|hparams|trainer|scaler|function|^fn$|_fn$|classes$|"
    r"path|dir$|name|file|^step$|score$|callback|transform|tokenizer|vocab",
    re.IGNORECASE,
)
"""Names of parameters that are no data."""

PREDICTIONS = re.compile(r"pred|logits?(?:_|$)|y_?hat|scores$|^outputs?$|^prob", re.IGNORECASE)
"""Names of data that a model gave."""

LABELS = re.compile(r"^(?:y|t)(?:_|$)|label|target|gt|ground_?truth|class", re.IGNORECASE)
"""Names of data that are labels, unless they are predictions."""

MAXIMUM_ITEMS = 20_000
"""Items taken from what a function returns."""


@dataclass
class Run:
    """One run.

    Attributes:
        world: what it was given and what it left.
        error: what ended it, if anything did.
        results: what was returned, generators and iterators run to their end.
        problems: statements of the module that raised, by first and last line.
        names: the module's names, as the run left them.
    """

    world: World
    error: BaseException | None = None
    results: list[Any] = field(default_factory=list)
    problems: dict[tuple[int, int], BaseException] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)

    @property
    def stopped(self) -> bool:
        """Whether a limit was reached."""
        return isinstance(self.error, OutOfBudget)


class Program:
    """A file, rewritten for one target.

    Args:
        plan: the file.
        target: the target.
        more: gives, for each finding, further nodes whose values are kept, by a key of the caller's.
    """

    def __init__(
        self, plan: FilePlan, target: TargetPlan, more: Callable[[ast.Module, Site], dict[str, ast.AST]]
    ) -> None:
        self.path, self.target = plan.path, target
        self.batch_size = next((size for size in target.own_batch_sizes if 2 <= size <= 512), 4)
        self.original = ast.parse(plan.text)
        self.tree = ast.parse(plan.text)
        self.sites = place_findings(self.tree, plan.text, target.flagged)
        self.records: dict[tuple[int, str], int] = {}
        marks: dict[ast.AST, int] = {}
        for site in self.sites:
            for key, node in {"": site.node, **more(self.tree, site)}.items():
                number = marks.setdefault(node, len(marks) + 1)
                self.records[(site.flagged.number, key)] = number
        self._owners = {site.flagged.number: _owner(site) for site in self.sites}
        self._noted = {site.flagged.number: _noted(self.tree, site) for site in self.sites}
        self.strings = {site.flagged.number: compared_strings(site) for site in self.sites}
        self._rewritten = rewritten(self.tree, marks)

    def classes(self, site: Site) -> frozenset[str]:
        """Names of the classes that the finding stands in."""
        owner = self._owners[site.flagged.number]
        return frozenset(() if owner is None else owner[0])

    def seen(self, run: Run, site: Site, key: str = "") -> list[Any]:
        """The values that a finding's record took in *run*."""
        return run.world.seen.get(self.records.get((site.flagged.number, key), -1), [])

    def run(self, world: World, site: Site) -> Run:
        """Run what the finding stands in."""
        return self.run_with(world, site, None)

    def run_with(self, world: World, site: Site, use: Callable[[Any], Any] | None) -> Run:
        """Run what the finding stands in; *use*, where it is given, is what is done with an instance of its class."""
        owner = self._owners[site.flagged.number]
        script = owner is None
        until = None
        if script and not world.whole:
            lines = [site.statement.end_lineno or 0, *site.flagged.note_lines]
            until = max(_end_of_top(self._rewritten, line) for line in lines)
        result = Run(world)
        try:
            with framework().keeping(), running(world):
                staged = stage(self.path, self._rewritten.body, script=script, until=until)
                result.problems, result.names = staged.problems, staged.namespace
                if owner is not None:
                    chain, function = owner
                    if world.once and self.seen(result, site):
                        pass
                    elif use is not None:
                        self._consume(result, use(self._made(staged, chain)))
                    else:
                        self._drive(staged, result, chain, function, self._noted[site.flagged.number])
                elif staged.problems:
                    # On real data, where the flagged value meets the rows counts as well.
                    meeting = site.flagged.note_lines if world.tensors is not None else ()
                    near = (site.statement.lineno, *meeting)
                    around = (
                        error for (a, b), error in staged.problems.items() if any(a <= each <= b for each in near)
                    )
                    result.error = next(around, None)
        except SystemExit:
            pass
        except TimeLimit:
            raise
        except BaseException as error:
            result.error = error
        return result

    def _drive(
        self, staged: Staged, run: Run, chain: tuple[str, ...], function: str, noted: Sequence[tuple[str, str]]
    ) -> None:
        if not chain:
            called = staged.namespace.get(function)
            if not isinstance(called, types.FunctionType):
                raise LookupError(f"`{function}` could not be defined")
            arguments = self.arguments(staged, called, function)
            run.world.arguments = dict(arguments)
            self._consume(run, called(**arguments))
            return
        instance = self._made(staged, chain)
        methods = [name for owner, name in noted if owner == chain[-1]]
        if function in ("__init__", "__len__", "__getitem__", "__iter__", "__next__"):
            protocols = self._protocol(instance)
            if protocols is not None:
                self._consume(run, protocols)
            for name in dict.fromkeys(methods):
                if name not in ("__init__", "__len__", "__getitem__", "__iter__", function):
                    self._call_method(staged, run, instance, name)
        else:
            self._call_method(staged, run, instance, function)

    def _made(self, staged: Staged, chain: tuple[str, ...]) -> Any:
        """An instance of the class at the end of *chain*."""
        made: Any = staged.namespace.get(chain[0]) if chain else None
        for name in chain[1:]:
            made = getattr(made, name)
        if not isinstance(made, type):
            raise LookupError(f"`{chain[-1] if chain else ''}` could not be defined")
        return self._instance(staged, made)

    def _call_method(self, staged: Staged, run: Run, instance: Any, name: str) -> None:
        method = getattr(instance, name)
        if callable(method):
            self._consume(run, method(**self.arguments(staged, method, name)))
        else:
            self._consume(run, method)

    def _protocol(self, instance: Any) -> Iterator[Any] | None:
        of = type(instance)
        if hasattr(of, "__getitem__") and hasattr(of, "__len__"):
            return (instance[index] for index in range(len(instance)))
        if hasattr(of, "__iter__"):
            found: Iterator[Any] = iter(instance)
            return found
        return None

    def _instance(self, staged: Staged, of: type) -> Any:
        try:
            return of(**self.arguments(staged, of, of.__name__))
        except Exception:
            bare = type(of.__name__, (of,), {"__init__": _bare, "__getattr__": _any_attribute})
            bare.__module__ = USER_MODULE
            return bare()

    def arguments(self, staged: Staged, function: Any, name: str) -> dict[str, Any]:
        """Stand-ins for the parameters of *function*."""
        world = current()
        found: dict[str, Any] = {}
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            return found
        positional_only = False
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            positional_only = positional_only or parameter.kind is parameter.POSITIONAL_ONLY
            found[parameter.name] = self._argument(staged, parameter, name)
        world.step()
        return found

    def _argument(self, staged: Staged, parameter: inspect.Parameter, function: str) -> Any:
        world, name, default = current(), parameter.name, parameter.default
        if name in world.choices:
            return world.choices[name]
        if default is not parameter.empty:
            if names_batch_size(name) and isinstance(default, int):
                world.batch_sizes.add(default)
                return world.forced or (default if default > 1 else world.batch_size)
            if naming.names_epochs(name) and isinstance(default, int):
                return min(default, 1)
            if default is not None or name not in staged.namespace:
                return default
        if naming.names_loss(name) or names_batch_size(name):
            found = self._at_call_site(staged, function, parameter)
            if callable(found) and not isinstance(found, StandIn):
                return found
            if isinstance(found, int) and not isinstance(found, bool) and found > 1:
                world.batch_sizes.add(found)
                return world.forced or found
        value = naming.value_named(world, name, parameter=True)
        if value is None and world.tensors is not None and not NO_TENSOR.search(name):
            rows = np.arange(world.rows)
            predicted = PREDICTIONS.search(name) is not None
            labels = not predicted and LABELS.search(name) is not None
            if world.tensors.scores and (predicted or (labels and world.tensors.floats)):
                return framework().scores(world, rows, labels)
            return tensor_part(world, rows, 0, label=labels)
        return StandIn(world, name) if value is None else value

    def _at_call_site(self, staged: Staged, function: str, parameter: inspect.Parameter) -> Any:
        """What the file itself gives for the parameter, where that is a loss or a number that can be made here."""
        for node in ast.walk(self.original):
            if not isinstance(node, ast.Call):
                continue
            callee = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if callee != function:
                continue
            given = _given(node, self.original, function, parameter.name)
            made = None if given is None else _evaluate(given, self.original, node, staged, 3)
            if made is not None:
                return made
        return None

    def _consume(self, run: Run, result: Any) -> None:
        if isinstance(result, types.GeneratorType | zip | map | filter | enumerate) or (
            isinstance(result, Iterator) and not isinstance(result, StandIn)
        ):
            for count, each in enumerate(result):
                run.results.append(each)
                run.world.step()
                if count > MAXIMUM_ITEMS:
                    raise OutOfBudget("too many items")
        else:
            run.results.append(result)


def _bare(self: Any, *arguments: Any, **keywords: Any) -> None:
    framework().bare(self)


def _any_attribute(self: Any, name: str) -> Any:
    if name.startswith("__") and name.endswith("__"):
        raise AttributeError(name)
    world = current()
    found = naming.value_named(world, name)
    value = StandIn(world, name) if found is None else found
    self.__dict__[name] = value
    return value


def _owner(site: Site) -> tuple[tuple[str, ...], str] | None:
    """Classes and function that the finding stands in, of the outermost function; ``None`` for the module's own."""
    classes: list[str] = []
    function: str | None = None
    for each in reversed((site.node, *site.parents)):
        if isinstance(each, ast.ClassDef) and function is None:
            classes.append(each.name)
        elif isinstance(each, Function) and function is None:
            function = each.name
    return None if function is None else (tuple(classes), function)


def _noted(tree: ast.Module, site: Site) -> list[tuple[str, str]]:
    """Class and method around each line that the finding's notes name."""
    found = []
    for each in ast.walk(tree):
        if isinstance(each, ast.ClassDef):
            for method in each.body:
                if isinstance(method, Function) and any(
                    method.lineno <= line <= (method.end_lineno or 0) for line in site.flagged.note_lines
                ):
                    found += [(each.name, method.name)]
    return found


def compared_strings(site: Site) -> dict[str, list[str]]:
    """Strings that names are compared with around the finding, those of the branches it stands in first."""
    found: dict[str, list[str]] = {}
    around = [each for each in (site.node, *site.parents) if isinstance(each, ast.If)]
    functions = [each for each in site.parents if isinstance(each, Function)]
    for each in (*around, *functions):
        for test in ast.walk(each.test if isinstance(each, ast.If) else each):
            if isinstance(test, ast.Compare) and isinstance(test.left, ast.Name | ast.Attribute):
                name = test.left.id if isinstance(test.left, ast.Name) else test.left.attr
                for other in test.comparators:
                    values = other.elts if isinstance(other, ast.Tuple | ast.List | ast.Set) else [other]
                    for value in values:
                        if isinstance(value, ast.Constant) and isinstance(value.value, str):
                            options = found.setdefault(name, [])
                            if value.value not in options:
                                options.append(value.value)
    return found


def _end_of_top(tree: ast.Module, line: int) -> int:
    """The last line of the statement of the module around *line*, or of that in its main block."""
    for each in tree.body:
        if each.lineno <= line <= (each.end_lineno or 0):
            return each.end_lineno or line
    return line


def _given(node: ast.Call, tree: ast.Module, function: str, parameter: str) -> ast.expr | None:
    for keyword in node.keywords:
        if keyword.arg == parameter:
            return keyword.value
    for each in ast.walk(tree):
        if isinstance(each, Function) and each.name == function:
            names = [argument.arg for argument in (*each.args.posonlyargs, *each.args.args)]
            if names and names[0] in ("self", "cls"):
                names = names[1:]
            if parameter in names and names.index(parameter) < len(node.args):
                found = node.args[names.index(parameter)]
                return None if isinstance(found, ast.Starred) else found
    return None


def _evaluate(expression: ast.expr, tree: ast.Module, call_node: ast.AST, staged: Staged, depth: int) -> Any:
    """The value of an argument at a call site, names resolved by the assignments of the file."""
    if isinstance(expression, ast.Constant):
        return expression.value
    if isinstance(expression, ast.Name):
        if expression.id in staged.namespace and not isinstance(staged.namespace[expression.id], StandIn):
            return staged.namespace[expression.id]
        if not depth:
            return None
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == expression.id for target in each.targets
            ):
                found = _evaluate(each.value, tree, call_node, staged, depth - 1)
                if found is not None:
                    return found
        return None
    if isinstance(expression, ast.Call):
        if isinstance(expression.func, ast.Attribute) and expression.func.attr in ("to", "cuda"):
            return _evaluate(expression.func.value, tree, call_node, staged, depth)
        try:
            made = eval(compile(ast.Expression(expression), "<argument>", "eval"), staged.namespace)
        except Exception:
            return None
        return made if isinstance(made, framework().modules) else None
    if isinstance(expression, ast.Attribute):
        try:
            return eval(compile(ast.Expression(expression), "<argument>", "eval"), staged.namespace)
        except Exception:
            return None
    return None


__all__ = ["Program", "Run", "call", "compared_strings", "unpack"]
