"""The user's own words on how to make and feed a class: comments, ``pyproject.toml`` and the command line.

``# batchlint: input x: float32[B, 3, 32, 32]`` stands directly above the class or its ``forward``, a line for each
argument. ``[tool.batchlint.verify."pkg.mod:Net"]`` holds ``inputs``, ``construct`` and ``batch-size``. ``--input``
takes ``x: …`` for every class whose ``forward`` has an ``x``, or ``Net.x: …``. What is said nearest to the run wins,
argument by argument: the command line, then comments, then ``pyproject.toml``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batchlint.source.decoding import split_lines
from batchlint.suggestions import did_you_mean
from batchlint.verify.outcomes import Grade
from batchlint.verify.plan.plans import ConstructionSite, InputCandidate, SourceCall
from batchlint.verify.recipe_text import RecipeError, parse_input
from batchlint.verify.recipes import Inputs, Recipe

if TYPE_CHECKING:
    from batchlint.verify_config import ModelConfig

_COMMENT = re.compile(r"\s*#\s*batchlint\s*:\s*input\b\s*:?\s*(?P<recipe>.*?)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user says of any class of a run, beside comments in its file.

    Attributes:
        inputs: the values of ``--input``.
        models: what ``pyproject.toml`` says of single models, by ``pkg.mod:Net`` or ``Net``.
    """

    inputs: tuple[str, ...] = ()
    models: tuple[tuple[str, ModelConfig], ...] = ()


NOTHING_SAID = Overrides()


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user says of one class.

    Attributes:
        inputs: at most one candidate, which is tried first and alone.
        sites: at most one way to make it, tried first.
        batch_size: the size it is written for.
        problems: a line for each thing said that cannot be understood, with where it was said.
    """

    inputs: tuple[InputCandidate, ...] = ()
    sites: tuple[ConstructionSite, ...] = ()
    batch_size: int | None = None
    problems: tuple[str, ...] = ()


def stated(
    text: str, tree: ast.Module, qualname: str, overrides: Overrides = NOTHING_SAID, *, path: str = "", module: str = ""
) -> Stated:
    """What the user says of the class *qualname*.

    Args:
        text: the file's text.
        tree: its syntax tree.
        qualname: ``Net`` or ``Outer.Inner``.
        overrides: what is said outside of the file.
        path: the file.
        module: its dotted name, by which models are named in ``pyproject.toml``.
    """
    node = _class(tree, qualname)
    if node is None:
        return Stated()
    problems: list[str] = []
    said: dict[str, tuple[Recipe, str]] = {}
    sites: tuple[ConstructionSite, ...] = ()
    batch_size: int | None = None
    for key, model in overrides.models:
        if _names(key, module, path, qualname):
            where = f'pyproject.toml, [tool.batchlint.verify."{key}"]'
            batch_size = model.batch_size
            _read_inputs(model.inputs, where, said, problems)
            sites = _site(model.construct, path, node.lineno, where, problems)
    forward = _method(tree, node, "forward") or _method(tree, node, "call")
    for line, words in _comments(text, node, forward):
        _read_inputs([words], f"batchlint: input, line {line}", said, problems)
    parameters = None if forward is None else _parameters(forward)
    for words in overrides.inputs:
        try:
            name, recipe = parse_input(words)
        except RecipeError as error:
            problems.append(f"--input {words!r}: {error}")
            continue
        owner, _, parameter = name.rpartition(".")
        if owner in (qualname, f"{module}.{qualname}") or (
            not owner and (parameters is None or parameter in parameters)
        ):
            said[parameter] = (recipe, "--input")
    if parameters is not None:
        for name in [name for name in said if name not in parameters]:
            origin = said.pop(name)[1]
            known = did_you_mean(name, parameters) or f"; it has {', '.join(parameters)}"
            problems.append(f"{origin}: forward of {qualname} has no parameter {name!r}{known}")
    return Stated(_candidate(said, parameters), sites, batch_size, tuple(problems))


def stated_of_factory(name: str, overrides: Overrides) -> tuple[InputCandidate, ...]:
    """What ``--input`` says of what the function *name* returns, whose parameters no source tells: at most one."""
    said: dict[str, tuple[Recipe, str]] = {}
    for words in overrides.inputs:
        parameter, recipe = parse_input(words)
        owner, _, parameter = parameter.rpartition(".")
        if owner in ("", name):
            said[parameter] = (recipe, "--input")
    return _candidate(said, None)


def input_problems(given: Iterable[str]) -> tuple[str, ...]:
    """A line for each value of ``--input`` that is none."""
    problems = []
    for words in given:
        try:
            parse_input(words)
        except RecipeError as error:
            problems.append(f"--input {words!r}: {error}")
    return tuple(problems)


def _candidate(said: Mapping[str, tuple[Recipe, str]], parameters: Sequence[str] | None) -> tuple[InputCandidate, ...]:
    if not said:
        return ()
    ordered = sorted(said, key=lambda name: parameters.index(name) if parameters and name in parameters else 0)
    origins = dict.fromkeys(origin for _, origin in said.values())
    inputs = Inputs((), (), tuple((name, said[name][0]) for name in ordered))
    return (InputCandidate(inputs, Grade.CODE, ", ".join(reversed(origins))),)


def _read_inputs(lines: Iterable[str], where: str, said: dict[str, tuple[Recipe, str]], problems: list[str]) -> None:
    for words in lines:
        try:
            name, recipe = parse_input(words)
        except RecipeError as error:
            problems.append(f"{where}: {error}")
        else:
            said[name] = (recipe, where)


def _site(construct: str | None, path: str, line: int, where: str, problems: list[str]) -> tuple[ConstructionSite, ...]:
    if construct is None:
        return ()
    try:
        parsed = ast.parse(construct.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        parsed = None
    if not isinstance(parsed, ast.Call):
        problems.append(f'{where}: construct {construct!r} is no call: write e.g. "Net(10)"')
        return ()
    arguments = tuple(ast.unparse(argument) for argument in parsed.args)
    keywords = tuple((keyword.arg or "**", ast.unparse(keyword.value)) for keyword in parsed.keywords)
    return (ConstructionSite(SourceCall(path, line, arguments, keywords), ast.unparse(parsed.func)),)


def _names(key: str, module: str, path: str, qualname: str) -> bool:
    """Whether the key of a table, ``pkg.mod:Net`` or ``src/net.py:Net``, means this class."""
    where, _, name = key.rpartition(":")
    if name != qualname:
        return False
    dotted = path.replace("\\", "/").removesuffix(".py").strip("/").replace("/", ".")
    wanted = where.replace("\\", "/").removesuffix(".py").strip("/").replace("/", ".")
    return any(f".{each}".endswith(f".{wanted}") for each in (module, dotted) if each) if wanted else True


def _class(tree: ast.Module, qualname: str) -> ast.ClassDef | None:
    """The last definition of *qualname*, as Python binds it."""
    body: list[ast.stmt] = tree.body
    found: ast.ClassDef | None = None
    for name in qualname.split("."):
        found = None
        for statement in _statements(body):
            if isinstance(statement, ast.ClassDef) and statement.name == name:
                found = statement
        if found is None:
            return None
        body = found.body
    return found


def _statements(body: Sequence[ast.stmt]) -> Iterable[ast.stmt]:
    """The statements of a block and of the branches in it."""
    pending = list(body)
    while pending:
        statement = pending.pop(0)
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            inner = [*statement.body, *getattr(statement, "orelse", []), *getattr(statement, "finalbody", [])]
            inner += [each for handler in getattr(statement, "handlers", []) for each in handler.body]
            pending[:0] = inner


def _method(tree: ast.Module, node: ast.ClassDef, name: str, depth: int = 6) -> ast.FunctionDef | None:
    """The method of a class, its own or that of a base in the file."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            return statement
    for base in node.bases if depth else ():
        if isinstance(base, ast.Name) and (parent := _class(tree, base.id)) is not None and parent is not node:
            found = _method(tree, parent, name, depth - 1)
            if found is not None:
                return found
    return None


def _parameters(function: ast.FunctionDef) -> tuple[str, ...] | None:
    """Names of the parameters but ``self``; ``None`` where any name may be given."""
    arguments = function.args
    if arguments.kwarg is not None or arguments.vararg is not None:
        return None
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return tuple(names[1:])


def _comments(text: str, node: ast.ClassDef, forward: ast.FunctionDef | None) -> Iterable[tuple[int, str]]:
    """The input comments above a class and above its ``forward``, with their lines."""
    lines = split_lines(text)
    found: dict[int, str] = {}
    definitions: list[ast.ClassDef | ast.FunctionDef] = [node]
    if forward is not None and node.lineno <= forward.lineno <= (node.end_lineno or node.lineno):
        definitions.append(forward)
    for definition in definitions:
        first = min([definition.lineno, *(each.lineno for each in definition.decorator_list)])
        number = first - 1
        while number >= 1 and lines[number - 1].lstrip().startswith("#"):
            number -= 1
        for line in range(number + 1, definition.lineno):
            matched = _COMMENT.match(lines[line - 1]) if line <= len(lines) else None
            if matched is not None:
                found[line] = matched["recipe"]
    return sorted(found.items())
