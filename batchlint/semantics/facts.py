"""What one look at a file's `ast` tells before the file is evaluated."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field


@dataclass(slots=True)
class FileFacts:
    """Facts about a whole file.

    Attributes:
        loader_batch_names: (function, name) pairs where the name is passed as a loader's batch size.
        attribute_writes: attributes that bear a batch size's name, by whether something other than a constructor
            writes them (``model.batch_size = len(labels)``).
        bound_names: names that the module binds anywhere.
        called_names: names of functions and methods that the file calls.
        drops_last: whether some loader of the file drops its short last batch.
    """

    loader_batch_names: set[tuple[str | None, str]] = field(default_factory=set)
    outside_writes: set[str] = field(default_factory=set)
    bound_names: set[str] = field(default_factory=set)
    called_names: set[str] = field(default_factory=set)
    drops_last: bool = False

    def written_elsewhere(self, attribute: str) -> bool:
        """Whether something other than a constructor sets the *attribute*: then its value is not fixed."""
        return attribute in self.outside_writes


_LOADERS = frozenset({"DataLoader", "BucketIterator", "data_loader", "batch", "padded_batch", "DataLoaderX"})


def note_call(facts: FileFacts, node: ast.Call, function: str | None) -> None:
    """Note what the call *node* in *function* tells of the file."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    if called is not None:
        facts.called_names.add(called)
    if any(k.arg == "drop_last" and isinstance(k.value, ast.Constant) and k.value.value is True for k in node.keywords):
        facts.drops_last = True
    if called not in _LOADERS:
        return
    for keyword in node.keywords:
        if keyword.arg == "batch_size" and isinstance(keyword.value, ast.Name):
            facts.loader_batch_names.add((function, keyword.value.id))
            facts.loader_batch_names.add((None, keyword.value.id))
    if called == "DataLoader" and len(node.args) > 1 and isinstance(node.args[1], ast.Name):
        facts.loader_batch_names.add((function, node.args[1].id))
        facts.loader_batch_names.add((None, node.args[1].id))
