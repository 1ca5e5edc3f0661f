"""Where a class is instantiated, with what, and how what it makes is called there."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass

from batchlint.verify.plan.backward import read_by, setup_for
from batchlint.verify.plan.plans import ConstructionSite, SourceCall
from batchlint.verify.plan.project import Module, Project
from batchlint.verify.plan.syntax import FunctionNode, dotted, last_line
from batchlint.verify.plan.targets import models_in

MAXIMUM_SITES = 12
MAXIMUM_CALLS = 6
MAXIMUM_FILES = 40
"""Files other than the class's own that are looked into."""

_PASSED_THROUGH = frozenset(
    {"to", "cuda", "cpu", "eval", "train", "double", "float", "half", "apply", "type", "DataParallel", "requires_grad_"}
)
"""Calls that give back what they are made of, or what they are called on."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A site, and what ranks it: the lower the better."""

    site: ConstructionSite
    rank: tuple[int, ...]


def sites_of(project: Project, path: str, qualname: str) -> tuple[ConstructionSite, ...]:
    """Where the class *qualname* of the file at *path* is instantiated, the likeliest to work first."""
    module = project.module(path)
    if module is None:
        return ()
    name = qualname.rpartition(".")[2]
    found = list(_in_module(module, {(name,), *_qualified(qualname)}, 0, depth=2))
    makers = _makers(module, qualname)
    found += _in_module(module, {(name, maker) for maker in makers}, 0, depth=1)
    if "." not in qualname:
        for place, other in _others(project, path, name):
            names = project.names_of(other, name, path)
            if names:
                found += _in_module(other, names, place, depth=1)
                found += _in_module(other, {(*each, maker) for each in names for maker in makers}, place, depth=1)
        for factory in _factories(module, {(name,)}):
            for place, other in _others(project, path, factory.name):
                names = project.names_of(other, factory.name, path)
                if names:
                    found += _in_module(other, names, place, depth=0)
    found.sort(key=lambda each: each.rank)
    unique: dict[tuple[object, ...], ConstructionSite] = {}
    for each in found:
        call = each.site.call
        key = (each.site.callee, call.arguments, call.keywords, call.setup)
        if key not in unique or (each.site.calls and not unique[key].calls):
            unique[key] = each.site
    return tuple(unique.values())[:MAXIMUM_SITES]


def _makers(module: Module, qualname: str) -> list[str]:
    """The class methods that give back an instance: ``def from_name(cls, name): return cls(...)``."""
    node = models_in(module.tree).classes.get(qualname)
    if node is None:
        return []
    own = (("cls",), (node.name,))
    return [
        each.name
        for each in node.body
        if isinstance(each, ast.FunctionDef)
        and any(dotted(decorator)[-1] in ("classmethod", "staticmethod") for decorator in each.decorator_list)
        and any(isinstance(inner, ast.Call) and dotted(inner.func) in own for inner in ast.walk(each))
    ]


def _qualified(qualname: str) -> set[tuple[str, ...]]:
    parts = tuple(qualname.split("."))
    return {parts, ("self", parts[-1]), ("cls", parts[-1])} if len(parts) > 1 else set()


def _others(project: Project, path: str, name: str) -> Iterator[tuple[int, Module]]:
    """READMEs' code, then the other files that call something called *name*: those of the same folder first."""
    folder = os.path.dirname(path)
    for snippet in project.snippets(folder):
        if name in snippet.text:
            yield 1, snippet
    callers = [each for each in project.callers(name) if each != path]
    callers.sort(key=lambda each: (os.path.dirname(each) != folder, -len(os.path.commonpath([each, path])), each))
    for caller in callers[:MAXIMUM_FILES]:
        other = project.module(caller)
        if other is not None:
            is_example = any(word in caller.lower() for word in ("test", "example", "demo"))
            yield 2 if is_example else 3, other


def _in_module(module: Module, names: set[tuple[str, ...]], place: int, depth: int) -> Iterator[_Found]:
    """The instantiations in *module* by any of *names*; *depth* is how far factories are followed."""
    last_names = {name[-1] for name in names}
    for last in sorted(last_names):
        for call in module.calls.get(last, []):
            if dotted(call.func) in names and not _inherits_by(module, call):
                yield _found(module, call, call.func, list(call.args), place)
    for call in module.calls.get("partial", []):
        if call.args and isinstance(call.args[0], ast.expr) and dotted(call.args[0]) in names:
            yield _found(module, call, call.args[0], list(call.args[1:]), place)
    if depth:
        factories: set[tuple[str, ...]] = {(factory.name,) for factory in _factories(module, names)}
        if factories:
            yield from _in_module(module, factories, place, depth - 1)
            for factory in _factories(module, names):
                if not isinstance(module.parents.get(factory), ast.ClassDef):
                    yield _plain_call(module, factory, place)


def _plain_call(module: Module, factory: FunctionNode, place: int) -> _Found:
    """A call of *factory* without arguments, which may or may not do."""
    required = len(factory.args.args) - len(factory.args.defaults)
    site = ConstructionSite(SourceCall(module.path, factory.lineno), factory.name)
    return _Found(site, (int(required > 0), place, 1, factory.lineno))


def _inherits_by(module: Module, call: ast.Call) -> bool:
    """Whether *call* is no instantiation: a base class's ``__init__`` in disguise, or a decorator."""
    holder = module.parents.get(call)
    return isinstance(holder, ast.ClassDef | ast.FunctionDef) and call in getattr(holder, "decorator_list", [])


def _factories(module: Module, names: set[tuple[str, ...]]) -> list[FunctionNode]:
    """The functions that return an instance: ``def resnet18(): return ResNet(Block, [2, 2, 2, 2])``."""
    found: list[FunctionNode] = []
    for last in sorted({name[-1] for name in names}):
        for call in module.calls.get(last, []):
            function = module.scope(call)
            if function is None or dotted(call.func) not in names or function in found:
                continue
            variable = _variable(module, call)
            for each in ast.walk(function):
                if isinstance(each, ast.Return) and each.value is not None:
                    inner = _inside(each.value)
                    if inner is call or (variable is not None and dotted(inner) == variable):
                        found.append(function)
                        break
    return found


def _inside(node: ast.expr) -> ast.expr:
    """What is wrapped in ``.to(device)``, ``DataParallel(...)`` and the like."""
    while isinstance(node, ast.Call) and dotted(node.func)[-1] in _PASSED_THROUGH:
        if isinstance(node.func, ast.Attribute) and dotted(node.func)[-1] != "DataParallel":
            node = node.func.value
        elif node.args:
            node = node.args[0]
        else:
            break
    return node


def _found(module: Module, call: ast.Call, callee: ast.expr, arguments: list[ast.expr], place: int) -> _Found:
    keywords = [(each.arg or "**", each.value) for each in call.keywords]
    expressions = [*arguments, *(value for _, value in keywords)]
    needs_self = any(name.startswith("self.") for each in expressions for name in read_by(each))
    calls = _calls_of_instance(module, call)
    needed: list[ast.AST] = [*expressions, callee] if module.is_snippet else [*expressions]
    setup = setup_for(module, call, needed)
    site = ConstructionSite(_source_call(module, call.lineno, arguments, keywords, setup), ast.unparse(callee), calls)
    in_class = module.class_of(call) is not None
    rank = (int(needs_self) + int(in_class), place, 0 if calls else 1, call.lineno)
    return _Found(site, rank)


def _source_call(
    module: Module, line: int, arguments: list[ast.expr], keywords: list[tuple[str, ast.expr]], setup: tuple[str, ...]
) -> SourceCall:
    return SourceCall(
        module.path,
        line,
        tuple(ast.unparse(each) for each in arguments),
        tuple((name, ast.unparse(value)) for name, value in keywords),
        setup,
    )


def _variable(module: Module, call: ast.Call) -> tuple[str, ...] | None:
    """What the instance that *call* makes is bound to: ``("net",)``, ``("self", "encoder")``."""
    each: ast.AST = call
    while True:
        parent = module.parents.get(each)
        passes = isinstance(parent, ast.Call) and dotted(parent.func)[-1] in _PASSED_THROUGH
        if parent is not None and (passes or isinstance(parent, ast.Attribute)):
            each = parent
        elif isinstance(parent, ast.Assign) and parent.value is each and len(parent.targets) == 1:
            name = dotted(parent.targets[0])
            return name if name[0] else None
        else:
            return None


def _calls_of_instance(module: Module, call: ast.Call) -> tuple[SourceCall, ...]:
    """The calls of what *call* makes: at once, by the variable it is bound to, by the parameter it is passed as."""
    found: list[ast.Call] = []
    outer = module.parents.get(call)
    if isinstance(outer, ast.Call) and outer.func is call:
        found.append(outer)
    variable = _variable(module, call)
    if variable is not None:
        scope = module.scope(call)
        own = _calls_by(module, variable)
        found += sorted(own, key=lambda each: (module.scope(each) is not scope, each.lineno < call.lineno, each.lineno))
        for passed, parameter in _passed_to(module, variable):
            inside = range(passed.lineno, last_line(passed) + 1)
            found += [each for each in _calls_by(module, (parameter,)) if each.lineno in inside]
    made: list[SourceCall] = []
    for each in list(dict.fromkeys(found))[:MAXIMUM_CALLS]:
        arguments = list(each.args)
        keywords = [(keyword.arg or "**", keyword.value) for keyword in each.keywords]
        needed = [*arguments, *(value for _, value in keywords)]
        made.append(_source_call(module, each.lineno, arguments, keywords, setup_for(module, each, needed)))
    return tuple(made)


def _calls_by(module: Module, variable: tuple[str, ...]) -> list[ast.Call]:
    calls = [each for each in module.calls.get(variable[-1], []) if dotted(each.func) == variable]
    for name in ("forward", "call"):
        calls += [each for each in module.calls.get(name, []) if dotted(each.func) == (*variable, name)]
    return calls


def _passed_to(module: Module, variable: tuple[str, ...]) -> Iterator[tuple[FunctionNode, str]]:
    """The functions of *module* that *variable* is passed to, and the parameter that it is there."""
    for name, function in module.functions.items():
        calls = module.calls.get(name, [])
        parameters = [each.arg for each in [*function.args.posonlyargs, *function.args.args]]
        if parameters[:1] == ["self"]:
            parameters = parameters[1:]
        for call in calls:
            for parameter, argument in zip(parameters, call.args):
                if dotted(argument) == variable:
                    yield function, parameter
            for keyword in call.keywords:
                if keyword.arg and dotted(keyword.value) == variable:
                    yield function, keyword.arg
