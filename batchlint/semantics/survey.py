"""One iterative look through a file's `ast`, for everything that is asked before libcst is.

It gathers facts, the nodes that candidates are looked for among, and the file's units: top-level definitions and
methods with the names that they use, so that definitions nobody needs can be left out of the (dear) parse.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.facts import FileFacts, note_call

_LEAVES = {"ctx", "op", "ops", "type_comment", "type_params", "type_ignores", "returns", "annotation"}
_STRINGS = {
    "name",
    "id",
    "attr",
    "arg",
    "module",
    "asname",
    "kind",
    "conversion",
    "is_async",
    "simple",
    "names",
    "tag",
    "cls",
    "kwd_attrs",
    "rest",
    "level",
}

_CHILDLESS = frozenset(
    {ast.Constant, ast.MatchSingleton, ast.Name, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.alias}
)


def _child_fields(kind: type[ast.AST]) -> tuple[str, ...]:
    if kind in _CHILDLESS:
        return ()
    return tuple(f for f in kind._fields if f not in _LEAVES and f not in _STRINGS)


_CHILDREN: dict[type[ast.AST], tuple[str, ...]] = {
    kind: _child_fields(kind) for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.AST)
}

INTERESTING = frozenset(
    {
        ast.Call,
        ast.For,
        ast.comprehension,
        ast.keyword,
        ast.Assign,
        ast.BinOp,
        ast.AugAssign,
        ast.Compare,
        ast.Subscript,
        ast.Slice,
        ast.ExceptHandler,
    }
)
"""Types of the nodes that candidates can be."""


@dataclass(slots=True)
class Unit:
    """A top-level statement, a class's head, or a method: what can be left out of the parse as a whole.

    Attributes:
        name: what it defines, ``None`` for a statement that is no definition.
        owner: the class of a method.
        first_line, last_line: where it stands, decorators included.
        uses: every name and attribute in it.
        is_class: whether it is a class's head (everything in the class but its methods).
        runs: whether it is a statement that does something when the module runs.
    """

    name: str | None
    owner: str | None
    first_line: int
    last_line: int
    uses: set[str] = field(default_factory=set)
    is_class: bool = False
    runs: bool = False


@dataclass(slots=True)
class Place:
    """Where a node of interest stands: the outermost function and class, and the unit."""

    node: ast.AST
    owner: str | None
    function: str | None
    unit: Unit


@dataclass(slots=True)
class Survey:
    """What one look through a file gives."""

    facts: FileFacts
    places: list[Place]
    units: list[Unit]


def survey(tree: ast.Module) -> Survey:
    """Look through *tree*."""
    found = Survey(FileFacts(), [], [])
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            _class(found, statement)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            unit = _unit(statement, statement.name, None)
            found.units.append(unit)
            found.facts.bound_names.add(statement.name)
            _walk(found, statement, None, statement.name, unit)
        else:
            unit = _unit(statement, _bound(statement), None)
            unit.runs = unit.name is None and not _is_text(statement)
            found.units.append(unit)
            _walk(found, statement, None, None, unit)
    return found


def _bound(statement: ast.stmt) -> str | None:
    """The one name that a plain assignment binds."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    return None


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _unit(node: ast.stmt, name: str | None, owner: str | None) -> Unit:
    decorators = getattr(node, "decorator_list", ())
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return Unit(name, owner, first, node.end_lineno or node.lineno)


def _class(found: Survey, node: ast.ClassDef) -> None:
    head = _unit(node, node.name, None)
    head.is_class = True
    found.units.append(head)
    found.facts.bound_names.add(node.name)
    for expression in (*node.decorator_list, *node.bases, *node.keywords):
        _walk(found, expression, node.name, None, head)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            unit = _unit(statement, statement.name, node.name)
            found.units.append(unit)
            _walk(found, statement, node.name, statement.name, unit)
        else:
            _walk(found, statement, node.name, None, head)


def _walk(found: Survey, start: ast.AST, owner: str | None, function: str | None, unit: Unit) -> None:
    facts, places, uses = found.facts, found.places, unit.uses
    outer = function
    nested: list[tuple[ast.AST, str | None]] = [(start, function)]
    while nested:
        root, innermost = nested.pop()
        pending: list[ast.AST] = [root]
        while pending:
            node = pending.pop()
            kind = node.__class__
            if kind is ast.Name:
                uses.add(node.id)  # type: ignore[attr-defined]
                if node.ctx.__class__ is ast.Store:  # type: ignore[attr-defined]
                    facts.bound_names.add(node.id)  # type: ignore[attr-defined]
                continue
            if kind is ast.Constant:
                continue
            if kind in INTERESTING:
                places.append(Place(node, owner, outer, unit))
                if kind is ast.Call:
                    note_call(facts, node, innermost)  # type: ignore[arg-type]
            elif kind is ast.Attribute:
                attribute: str = node.attr  # type: ignore[attr-defined]
                uses.add(attribute)
                if node.ctx.__class__ is ast.Store and names_batch_size(attribute):  # type: ignore[attr-defined]
                    _note_write(facts, node, attribute, innermost)  # type: ignore[arg-type]
            elif kind is ast.Import:
                facts.imported.update(alias.name.partition(".")[0] for alias in node.names)  # type: ignore[attr-defined]
            elif kind is ast.ImportFrom:
                if node.module is not None and not node.level:  # type: ignore[attr-defined]
                    facts.imported.add(node.module.partition(".")[0])  # type: ignore[attr-defined]
            elif kind in (ast.FunctionDef, ast.AsyncFunctionDef) and node is not root:
                facts.bound_names.add(node.name)  # type: ignore[attr-defined]
                if outer is None:
                    # A function under a module-level `if`: its own definition.
                    _walk(found, node, owner, node.name, unit)  # type: ignore[attr-defined]
                else:
                    nested.append((node, node.name))  # type: ignore[attr-defined]
                continue
            elif kind is ast.ClassDef and node is not root and outer is None and owner is None:
                for part in ast.iter_child_nodes(node):
                    _walk(found, part, node.name, getattr(part, "name", None), unit)  # type: ignore[attr-defined]
                continue
            for name in _CHILDREN[kind]:
                value = getattr(node, name, None)
                if value.__class__ is list:
                    pending.extend(part for part in value if part is not None and part.__class__ is not str)
                elif value is not None:
                    pending.append(value)


def _note_write(facts: FileFacts, node: ast.Attribute, attribute: str, function: str | None) -> None:
    facts.attribute_writes[attribute] = facts.attribute_writes.get(attribute, 0) + 1
    own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    if not own or function not in ("__init__", "__post_init__", "setup", "build", "reset"):
        facts.outside_writes.add(attribute)


def used_by(units: list[Unit], roots: Iterator[Unit] | list[Unit]) -> set[int]:
    """The ``id`` of each unit that *roots* need: those whose names they use, and what these use in turn."""
    by_name: dict[str, list[Unit]] = {}
    methods: dict[str, list[Unit]] = {}
    heads: dict[str, Unit] = {}
    for unit in units:
        if unit.owner is not None:
            methods.setdefault(unit.owner, []).append(unit)
        if unit.is_class and unit.name is not None:
            heads[unit.name] = unit
        if unit.name is not None:
            by_name.setdefault(unit.name, []).append(unit)
    needed: set[int] = set()
    followed: set[str] = set()
    pending = list(roots)
    while pending:
        unit = pending.pop()
        if id(unit) in needed:
            continue
        needed.add(id(unit))
        if unit.owner is not None and unit.owner in heads:
            pending.append(heads[unit.owner])
        if unit.is_class and unit.name is not None:
            pending.extend(m for m in methods.get(unit.name, ()) if _always_needed(m.name))
        for name in unit.uses - followed:
            pending.extend(by_name.get(name, ()))
        followed |= unit.uses
    return needed


def _always_needed(name: str | None) -> bool:
    return name is not None and (name in ("forward", "call", "on_epoch_end") or name.startswith("__"))
