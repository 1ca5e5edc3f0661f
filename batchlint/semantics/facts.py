"""What one look at a file's `ast` tells before the file is evaluated."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field


@dataclass(slots=True)
class FileFacts:
    """Facts about a whole file.

    Attributes:
        loader_batch_names: (function, name) pairs where the name is passed as a loader's batch size.
        outside_writes: attributes that bear a batch size's name and that something other than a constructor writes
            (``model.batch_size = len(labels)``).
        attribute_writes: how often the file writes each attribute that bears a batch size's name.
        bound_names: names that the module binds anywhere.
        called_names: names of functions and methods that the file calls.
        drops_last: whether some loader of the file drops its short last batch.
        fitted: names and attributes that are given to ``fit``, ``predict`` and the like as the samples.
        open_placeholders: whether some TensorFlow 1 placeholder leaves its first size open.
        pads_right: whether the file pads sequences behind their ends, and none in front.
        masks: whether it masks, or has lengths that say where they end.
        stateful: whether some recurrent layer keeps its state from batch to batch.
        imported: first parts of the names of modules that the file imports.
    """

    loader_batch_names: set[tuple[str | None, str]] = field(default_factory=set)
    outside_writes: set[str] = field(default_factory=set)
    attribute_writes: dict[str, int] = field(default_factory=dict)
    bound_names: set[str] = field(default_factory=set)
    called_names: set[str] = field(default_factory=set)
    drops_last: bool = False
    fitted: set[str] = field(default_factory=set)
    open_placeholders: bool = False
    pads_right: bool = False
    pads_left: bool = False
    masks: bool = False
    stateful: bool = False
    imported: set[str] = field(default_factory=set)

    def written_elsewhere(self, attribute: str) -> bool:
        """Whether something other than a constructor sets the *attribute*: then its value is not fixed."""
        return attribute in self.outside_writes


_LOADERS = frozenset({"DataLoader", "BucketIterator", "data_loader", "batch", "padded_batch", "DataLoaderX"})

_FITTING = frozenset("fit predict evaluate train_on_batch test_on_batch predict_on_batch fit_transform flow".split())


def _values(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _samples(node: ast.Call) -> set[str]:
    """The names behind what ``fit`` is given as samples."""
    given = node.args[:1] or [keyword.value for keyword in node.keywords if keyword.arg == "x"]
    return {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in given
        if isinstance(part, ast.Name | ast.Attribute)
    }


def _leaves_rows_open(node: ast.expr) -> bool:
    while isinstance(node, ast.BinOp):
        node = node.left
    if not isinstance(node, ast.Tuple | ast.List) or not node.elts:
        return False
    return isinstance(node.elts[0], ast.Constant) and node.elts[0].value is None


_MASKING = frozenset("Masking sequence_mask boolean_mask gather_nd batch_gather reverse_sequence".split())
_PADS_RIGHT = frozenset({"padded_batch", "to_tensor", "TextVectorization"})


def _note_padding(facts: FileFacts, node: ast.Call, called: str | None) -> None:
    """Whether *node* pads sequences, on which side, and whether it says where they end."""
    if called in _MASKING:
        facts.masks = True
    elif called == "pad_sequences":
        side = next((k.value for k in node.keywords if k.arg == "padding"), ast.Constant("pre"))
        if isinstance(side, ast.Constant) and side.value == "post":
            facts.pads_right = True
        else:
            facts.pads_left = True
    elif called in _PADS_RIGHT:
        facts.pads_right = True
    for keyword in node.keywords:
        given = not isinstance(keyword.value, ast.Constant) or keyword.value.value not in (None, False)
        if given and keyword.arg in ("mask_zero", "mask", "batch_dims"):
            facts.masks = True


def note_call(facts: FileFacts, node: ast.Call, function: str | None) -> None:
    """Note what the call *node* in *function* tells of the file."""
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    if called is not None:
        facts.called_names.add(called)
    if any(
        k.arg in ("drop_last", "drop_remainder") and isinstance(k.value, ast.Constant) and k.value.value is True
        for k in node.keywords
    ):
        facts.drops_last = True
    if called in _FITTING:
        facts.fitted.update(_samples(node))
    elif called == "placeholder":
        facts.open_placeholders = facts.open_placeholders or any(_leaves_rows_open(a) for a in _values(node))
    _note_padding(facts, node, called)
    if any(k.arg == "stateful" and isinstance(k.value, ast.Constant) and k.value.value is True for k in node.keywords):
        facts.stateful = True
    if called not in _LOADERS:
        return
    for keyword in node.keywords:
        if keyword.arg == "batch_size" and isinstance(keyword.value, ast.Name):
            facts.loader_batch_names.add((function, keyword.value.id))
            facts.loader_batch_names.add((None, keyword.value.id))
    if called == "DataLoader" and len(node.args) > 1 and isinstance(node.args[1], ast.Name):
        facts.loader_batch_names.add((function, node.args[1].id))
        facts.loader_batch_names.add((None, node.args[1].id))
