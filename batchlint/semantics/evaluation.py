"""Which code only evaluates: what functions, conditions and arguments are called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from batchlint.semantics.batch_names import names_evaluation, names_training
from batchlint.semantics.syntax import kind, last_name, reshuffles

if TYPE_CHECKING:
    from batchlint.semantics.observations import Context

_SPLIT = r"(?:test|testing|val|valid|validation|eval|evaluation|dev|predict|prediction|inference)"
_MAKES_LOADER = re.compile(
    rf"^_*(?:(?:get|make|build|create|load|setup|prepare)_)?{_SPLIT}_?(?:data_?)?(?:loader|dl|iter)s?$"
)
_EVALUATES = re.compile(r"^_*(?:test|evaluate|validate|validation|eval|predict|infer|inference)$")
_UNEQUAL = ("NotEqual", "NotIn", "IsNot")


def evaluates(function: Any) -> bool:
    """Whether *function* evaluates, or makes a loader for that, by its name: ``evaluate``, ``val_dataloader``."""
    if function is None:
        return False
    if function.owner is None and function.name.startswith("test_"):
        # A unit test: `def test_data_loader():`.
        return False
    return _EVALUATES.match(function.name) is not None or _MAKES_LOADER.match(function.name) is not None


def is_reshuffled(context: Context) -> bool:
    """Whether each epoch of training sees the rows in another order; an evaluation must see all of them."""
    if context.evaluating or (context.function is not None and names_evaluation(context.function.name)):
        return False
    return any(reshuffles(place) for place in (context.scope, *(loop.node for loop in context.loops)))


def only_when_evaluating(test: Any) -> bool:
    """Whether the condition *test* holds for evaluation alone: ``flag == "test"``, ``not train``, ``is_test``."""
    if kind(test) == "UnaryOperation" and kind(test.operator) == "Not":
        return names_training(last_name(test.expression)) and kind(test.expression) in ("Name", "Attribute")
    if kind(test) in ("Name", "Attribute"):
        return names_evaluation(last_name(test))
    if kind(test) != "Comparison" or len(test.comparisons) != 1:
        return False
    operator, compared = kind(test.comparisons[0].operator), test.comparisons[0].comparator
    splits = _strings(compared) or _strings(test.left)
    if not splits:
        return False
    if operator in _UNEQUAL:
        return all(names_training(split) for split in splits)
    return operator in ("Equal", "In", "Is") and all(names_evaluation(split) for split in splits)


def _strings(node: Any) -> list[str]:
    if kind(node) == "SimpleString":
        return [str(node.evaluated_value)]
    if kind(node) in ("Tuple", "List", "Set"):
        found = [_strings(element.value) for element in node.elements]
        return [text for part in found for text in part] if all(found) else []
    return []


def words_of(node: Any) -> list[str]:
    """What names the thing behind an expression: ``val_set``, ``self.val``, ``splits["test"]``."""
    if kind(node) in ("Name", "Attribute"):
        return [last_name(node)]
    if kind(node) == "Subscript":
        words = words_of(node.value)
        for element in node.slice:
            if kind(element.slice) == "Index" and kind(element.slice.value) == "SimpleString":
                words.append(str(element.slice.value.evaluated_value))
        return words
    if kind(node) == "Call":
        # `Subset(val_set, indices)`, `val_set.with_format(...)`, `test_indices.to(device)`
        receiver = [node.func.value] if kind(node.func) == "Attribute" else []
        return [word for part in (*receiver, *(a.value for a in node.args[:1])) for word in words_of(part)]
    return []


def evaluated_data(call: Any) -> bool | None:
    """Whether *call* is given data to evaluate (``True``) or to train on, by its name; ``None``: cannot tell."""
    words = [word for argument in call.args if _is_data(argument) for word in words_of(argument.value)]
    if any(names_training(word) for word in words):
        return False
    return True if any(names_evaluation(word) for word in words) else None


def _is_data(argument: Any) -> bool:
    return argument.keyword is None or argument.keyword.value in ("dataset", "data", "indices", "sampler")
