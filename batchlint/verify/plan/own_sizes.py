"""The batch sizes that a file is written for."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Sequence

from batchlint.semantics.batch_names import may_name_batch_size, names_batch_size
from batchlint.verify.plan.plans import ConstructionSite, Flagged
from batchlint.verify.plan.syntax import dotted, last_line

MAXIMUM_SIZES = 6
LARGEST = 4096

_SHAPED_FIRST = frozenset(
    "view reshape expand repeat zeros ones rand randn empty full new_zeros new_ones unflatten resize_".split()
)
"""Functions whose first number is the batch size, where the line is flagged."""


def own_batch_sizes(
    tree: ast.Module,
    class_node: ast.ClassDef | None,
    sites: Sequence[ConstructionSite],
    flagged: Sequence[Flagged],
    others: Sequence[ast.Module] = (),
) -> tuple[int, ...]:
    """Numbers above one that the code seems to be written for, the likeliest first.

    First what the flagged lines say themselves (``view(32, -1)``), then what the class is constructed with and its own
    defaults, then what the file binds to the name of a batch size, gives to a loader, or has as a default of its
    command line; last the same in *others*, the files that instantiate the class.
    """
    found = [*_flagged(tree, flagged)]
    for site in sites[:1]:
        found += [_number(value) for name, value in site.call.keywords if names_batch_size(name)]
    if class_node is not None:
        found += _defaults(class_node)
    for each in (tree, *others):
        found += _bound(each)
    return tuple(dict.fromkeys(each for each in found if each is not None and 1 < each <= LARGEST))[:MAXIMUM_SIZES]


def _number(source: str) -> int | None:
    return int(source) if source.isdecimal() else None


def _value(node: ast.expr | None) -> int | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flagged(tree: ast.Module, flagged: Sequence[Flagged]) -> Iterator[int | None]:
    lines = {line for each in flagged for line in range(each.line, each.end_line + 1)}
    for node in ast.walk(tree) if lines else ():
        if isinstance(node, ast.Call) and not lines.isdisjoint(range(node.lineno, last_line(node) + 1)):
            if dotted(node.func)[-1] in _SHAPED_FIRST:
                sizes = node.args[0].elts if node.args and isinstance(node.args[0], ast.Tuple | ast.List) else node.args
                yield from [_value(each) for each in sizes[:1]]
        elif isinstance(node, ast.For) and node.lineno in lines and isinstance(node.iter, ast.Call):
            yield from [_value(each) for each in node.iter.args[-1:]]


def _defaults(node: ast.AST) -> Iterator[int | None]:
    for each in ast.walk(node):
        if isinstance(each, ast.arguments):
            parameters = [*each.posonlyargs, *each.args]
            for parameter, default in [
                *zip(reversed(parameters), reversed(each.defaults)),
                *zip(each.kwonlyargs, each.kw_defaults),
            ]:
                if names_batch_size(parameter.arg):
                    yield _value(default)


@functools.lru_cache(maxsize=16)
def _bound(tree: ast.Module) -> list[int | None]:
    """Numbers bound to names of batch sizes, those of training before those of tests."""
    training: list[int | None] = []
    testing: list[int | None] = []
    for node in ast.walk(tree):
        for name, value in _bindings(node):
            is_test = any(word in name.lower() for word in ("test", "val", "eval"))
            (testing if is_test else training).append(value)
    return training + testing + list(_defaults(tree))


def _bindings(node: ast.AST) -> Iterator[tuple[str, int | None]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            name = dotted(target)[-1]
            if may_name_batch_size(name):
                yield name, _value(node.value)
    elif isinstance(node, ast.AnnAssign) and may_name_batch_size(dotted(node.target)[-1]):
        yield dotted(node.target)[-1], _value(node.value)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values):
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and names_batch_size(key.value):
                yield key.value, _value(value)
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg and names_batch_size(keyword.arg):
                yield keyword.arg, _value(keyword.value)
        if dotted(node.func)[-1] in ("add_argument", "add_option", "DEFINE_integer"):
            names = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            default = next((each.value for each in node.keywords if each.arg == "default"), None)
            if default is None and dotted(node.func)[-1] == "DEFINE_integer" and len(node.args) > 1:
                default = node.args[1]
            for name in names:
                plain = name.lstrip("-").replace("-", "_")
                if may_name_batch_size(plain):
                    yield plain, _value(default)
