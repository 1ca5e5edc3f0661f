"""What one look at a file's `ast` tells before the file is evaluated."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from batchlint.semantics.batch_names import names_batch_size


@dataclass(slots=True)
class FileFacts:
    """Facts about a whole file.

    Attributes:
        loader_batch_names: (function, name) pairs where the name is passed as a loader's batch size.
        attribute_writes: attributes that bear a batch size's name, by whether something other than a constructor
            writes them (``model.batch_size = len(labels)``).
        bound_names: names that the module binds anywhere.
        called_methods: names of methods that the file calls on something.
    """

    loader_batch_names: set[tuple[str | None, str]] = field(default_factory=set)
    outside_writes: set[str] = field(default_factory=set)
    bound_names: set[str] = field(default_factory=set)
    called_names: set[str] = field(default_factory=set)

    def written_elsewhere(self, attribute: str) -> bool:
        """Whether something other than a constructor sets the *attribute*: then its value is not fixed."""
        return attribute in self.outside_writes


_LOADERS = frozenset({"DataLoader", "BucketIterator", "data_loader", "batch", "padded_batch", "DataLoaderX"})


def gather(tree: ast.Module) -> FileFacts:
    """Look through *tree* once, iteratively."""
    facts = FileFacts()
    pending: list[tuple[ast.AST, str | None]] = [(tree, None)]
    while pending:
        node, function = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            facts.bound_names.add(node.name)
            function = node.name
        elif isinstance(node, ast.Call):
            _call(facts, node, function)
        elif isinstance(node, ast.Attribute):
            if isinstance(node.ctx, ast.Store) and names_batch_size(node.attr):
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                if not own or function not in ("__init__", "__post_init__", "setup", "build", "reset"):
                    facts.outside_writes.add(node.attr)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                facts.bound_names.add(node.id)
        for child in ast.iter_child_nodes(node):
            pending.append((child, function))
    return facts


def _call(facts: FileFacts, node: ast.Call, function: str | None) -> None:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    if called is not None:
        facts.called_names.add(called)
    if called not in _LOADERS:
        return
    for keyword in node.keywords:
        if keyword.arg == "batch_size" and isinstance(keyword.value, ast.Name):
            facts.loader_batch_names.add((function, keyword.value.id))
            facts.loader_batch_names.add((None, keyword.value.id))
    if called == "DataLoader" and len(node.args) > 1 and isinstance(node.args[1], ast.Name):
        facts.loader_batch_names.add((function, node.args[1].id))
        facts.loader_batch_names.add((None, node.args[1].id))
