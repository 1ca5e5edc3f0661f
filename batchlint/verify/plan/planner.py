"""From a source and its findings to what the worker is to do with it."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

from batchlint.findings import Finding, Problem
from batchlint.rules.registry import rules_by_code
from batchlint.source.source import Source, read_source
from batchlint.verify.plan.frameworks import framework_of
from batchlint.verify.plan.overrides import NOTHING_SAID, Overrides, Stated, stated, stated_of_factory
from batchlint.verify.plan.own_sizes import own_batch_sizes
from batchlint.verify.plan.plans import ConstructionSite, FilePlan, Flagged, InputCandidate, SourceCall, TargetPlan
from batchlint.verify.plan.project import Project, module_name, parse, project, project_root, roots_of
from batchlint.verify.plan.shapes import input_candidates
from batchlint.verify.plan.sites import sites_of
from batchlint.verify.plan.syntax import definitions, first_line, last_line
from batchlint.verify.plan.targets import Definition, all_models, models_in, targets_of
from batchlint.verify.settings import Settings


def plan_file(
    source: Source | str | os.PathLike[str],
    findings: Sequence[tuple[int, Finding]] = (),
    *,
    roots: Sequence[str] = (),
    settings: Settings | None = None,
    overrides: Overrides = NOTHING_SAID,
) -> FilePlan:
    """What to run of *source*.

    Args:
        source: a source that was read, or the path of one.
        findings: findings in it, each with its place in the list of all findings of the run.
        roots: further folders in which the file's modules are looked up.
        settings: `Settings.all_models` asks for classes without findings, too.
        overrides: what the user says of single classes.

    Raises:
        ValueError: the file cannot be read, or is not Python.
    """
    if not isinstance(source, Source):
        read = read_source(source)
        if isinstance(read, Problem):
            raise ValueError(f"{read.filename}: {read.message}")
        source = read
    path = os.path.abspath(source.filename)
    root = project_root(os.path.dirname(path))
    around = project(root)
    module = around.put(path, source.text)
    if module is None:
        raise ValueError(f"{source.filename}: not Python that this interpreter can parse")
    models = models_in(module.tree)
    flagged = [_flagged(source, number, finding) for number, finding in findings]
    wanted = targets_of(module.tree, models, flagged)
    if settings is not None and settings.all_models:
        for definition in all_models(models):
            wanted.setdefault(definition, ())
    targets = tuple(
        _target(around, path, source.text, definition, own, overrides) for definition, own in wanted.items()
    )
    if any(target.kind == "class" for target in targets):
        # What builds and feeds a wanted class may be another class of the file.
        others = [definition for definition in all_models(models) if definition not in wanted]
        helpers = (_target(around, path, source.text, definition, (), overrides) for definition in others)
        targets += tuple(replace(helper, wanted=False) for helper in helpers)
    folders = dict.fromkeys([*roots_of(path, root), *(os.path.abspath(each) for each in roots)])
    framework = framework_of(module.tree, _imported(around, path))
    return FilePlan(source.filename, source.text, tuple(folders), module_name(path, source.text), targets, framework)


def plan_model(name: str, *, folder: str = ".", overrides: Overrides = NOTHING_SAID) -> FilePlan:
    """What to run of a model that a factory makes.

    Args:
        name: ``pkg.mod:factory``, a function or class that is called without arguments, or ``path/to/mod.py:factory``.
        folder: where modules are looked up.
        overrides: what the user says of it, under the factory's name.

    Raises:
        ValueError: there is no such module, or nothing of that name in it; the message says which.
    """
    module, _, factory = name.rpartition(":")
    if not module or not factory:
        raise ValueError(f"--model {name}: expected module:factory, e.g. models.net:build")
    path = module if module.endswith(".py") else os.path.join(folder, *module.split("."))
    files = [path] if module.endswith(".py") else [f"{path}.py", os.path.join(path, "__init__.py")]
    found = next((each for each in files if os.path.isfile(each)), None)
    if found is None:
        raise ValueError(f"--model {name}: there is no module {module} below {os.path.abspath(folder)}")
    plan = plan_file(os.path.normpath(found), overrides=overrides)
    tree = parse(plan.text)
    top = None if tree is None else next((each for each in tree.body if getattr(each, "name", None) == factory), None)
    if tree is None or not isinstance(top, ast.FunctionDef | ast.ClassDef):
        raise ValueError(f"--model {name}: {found} defines no function or class {factory}")
    site = ConstructionSite(SourceCall(os.path.abspath(found), top.lineno), factory)
    if isinstance(top, ast.ClassDef):
        said = stated(plan.text, tree, factory, overrides, path=found, module=plan.module).inputs
    else:
        said = stated_of_factory(factory, overrides)
    target = TargetPlan(factory, "class", first_line(top), last_line(top), (), (site,), said)
    return replace(plan, targets=(target,))


def _imported(around: Project, path: str) -> Iterator[ast.Module]:
    """The files of the project that the one at *path* imports."""
    module = around.module(path)
    for node in module.imports if module is not None else ():
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for name in names:
            found = around.resolve(path, name, node.level if isinstance(node, ast.ImportFrom) else 0)
            other = around.module(found) if found is not None else None
            if other is not None:
                yield other.tree


_SHOWN_AT_NOTE = frozenset({"BSZ102"})
"""Rules that report where a number is written, and note where it does harm: there a run shows it."""


def _flagged(source: Source, number: int, finding: Finding) -> Flagged:
    def line_of(line: int, cell: int | None) -> int:
        if cell is None or source.notebook is None:
            return line
        return source.notebook.first_lines[cell - 1] + line - 1

    rule = rules_by_code().get(finding.code)
    span, cell, statement = finding.span, finding.cell, finding.statement_line or finding.span.line
    if finding.code in _SHOWN_AT_NOTE and finding.notes:
        span, cell, statement = finding.notes[0].span, finding.notes[0].cell, finding.notes[0].span.line
    return Flagged(
        number,
        finding.code,
        line_of(span.line, cell),
        line_of(span.end_line, cell),
        line_of(statement, cell),
        span.column,
        span.end_column,
        tuple(line_of(note.span.line, note.cell) for note in finding.notes),
        rule.proved_by if rule is not None else (),
        finding.message,
    )


def _target(
    around: Project,
    path: str,
    text: str,
    definition: Definition,
    flagged: tuple[Flagged, ...],
    overrides: Overrides,
) -> TargetPlan:
    module = around.module(path)
    assert module is not None
    node = _class_node(module.tree, definition)
    sites = sites_of(around, path, definition.qualname) if definition.kind == "class" else ()
    said = Stated()
    shapes: tuple[InputCandidate, ...] = ()
    if definition.kind == "class":
        name = module_name(path, text)
        said = stated(text, module.tree, definition.qualname, overrides, path=path, module=name)
        shapes = input_candidates(text, module.tree, definition.qualname)
        sites = (*said.sites, *sites)
    return TargetPlan(
        definition.qualname,
        definition.kind,
        definition.line,
        definition.end_line,
        flagged,
        sites,
        (*said.inputs, *shapes),
        own_batch_sizes(module.tree, node, sites, flagged, _trees(around, path, sites)),
        batch_size=said.batch_size,
        problems=said.problems,
    )


def _trees(around: Project, path: str, sites: Sequence[ConstructionSite]) -> list[ast.Module]:
    """The other files of the project that *sites* stand in, the likeliest first."""
    paths = dict.fromkeys(each.call.path for each in sites if each.call.path.endswith((".py", ".ipynb")))
    modules = [around.module(each) for each in paths if each != path]
    return [each.tree for each in modules if each is not None]


def _class_node(tree: ast.Module, definition: Definition) -> ast.ClassDef | None:
    if definition.kind != "class":
        return None
    found = [
        node
        for name, node in definitions(tree)
        if name == definition.qualname and isinstance(node, ast.ClassDef) and first_line(node) == definition.line
    ]
    return found[0] if found else models_in(tree).classes.get(definition.qualname)
