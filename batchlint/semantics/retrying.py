"""Whether a step that ran out of memory is tried again, smaller, inside the `except` block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from batchlint.semantics.batch_names import may_name_batch_size
from batchlint.semantics.syntax import calls_in, children_of, kind, last_name, names_in, walk

_MEMORY_ERRORS = frozenset({"OutOfMemoryError", "ResourceExhaustedError"})
_OPEN_ERRORS = frozenset({"RuntimeError", "Exception", "BaseException", "OpError", "InternalError"})
"""Errors that may be about memory: the block has to say so."""

_SPEAKS_OF_MEMORY = re.compile(r"out of memory|\boom\b|resource_?exhausted|cuda error|allocat", re.IGNORECASE)
_MEMORY_CALLS = frozenset({"empty_cache", "is_oom_error", "is_cuda_out_of_memory", "is_out_of_cpu_memory"})

_PARTS = frozenset({"chunk", "split", "array_split", "tensor_split"})
_BATCH = re.compile(r"batch|chunk|micro|(?:^|_)(?:bs|bsz|mini)(?:_|$)|bsize", re.IGNORECASE)
_ROWS = frozenset({"len", "size", "shape"})

_HELPERS = frozenset(
    """print log debug info warning warn error exception write append extend update format join range len min max int
    float str list tuple dict isinstance getattr setattr hasattr type super round abs sum zip enumerate sorted
    empty_cache collect synchronize zero_grad sleep time perf_counter item keys values items get pop copy to cuda cpu
    detach clone train eval no_grad autocast add_scalar set_description fullmatch search match group
    memory_allocated max_memory_allocated reset_peak_memory_stats set_postfix cat concat concatenate stack numpy
    device deepcopy DataLoader""".split()
)
"""What a block calls besides the step itself."""

_COMPILED = frozenset({"fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"})
"""Steps that Keras compiles: what a failed one had allocated is freed before the error reaches Python."""

_OPERATORS = frozenset({"FloorDivide", "Divide", "RightShift", "Subtract"})


class Retry(NamedTuple):
    """A step in an `except` block that was tried before it.

    Attributes:
        call: the call that tries again.
        first: the same call in the `try` block, or the name of the function that calls itself.
        handler: the `except` block.
    """

    call: Any
    first: Any
    handler: Any


def retries(statement: Any, function: str | None) -> Iterator[Retry]:
    """The steps that *statement*, a ``try``, tries again with a smaller batch while its error is alive.

    *function* is the name of the function that *statement* stands in.
    """
    tried = {name: call for call in calls_in(statement.body, into_definitions=False) if (name := _dotted(call.func))}
    for handler in statement.handlers:
        compiled = _caught(handler) & {"ResourceExhaustedError", "OpError", "InternalError"}
        if not _is_about_memory(handler) or _lets_go(handler):
            continue
        for call in _smaller_calls(handler.body):
            name = _dotted(call.func)
            last = name.rpartition(".")[2]
            if not name or last in _HELPERS or (compiled and last in _COMPILED):
                continue
            if name in tried:
                yield Retry(call, tried[name], handler)
            elif function is not None and name in (function, f"self.{function}", f"cls.{function}"):
                yield Retry(call, None, handler)
            else:
                continue
            break


def _dotted(node: Any) -> str:
    """``self.model.step`` as it is written; empty where it is anything else than names and attributes."""
    parts: list[str] = []
    while kind(node) == "Attribute":
        parts.append(node.attr.value)
        node = node.value
    return ".".join([node.value, *reversed(parts)]) if kind(node) == "Name" else ""


def _caught(handler: Any) -> set[str]:
    """The last names of the errors that *handler* catches."""
    if handler.type is None:
        return set()
    if kind(handler.type) == "Tuple":
        return {last_name(element.value) for element in handler.type.elements}
    return {last_name(handler.type)}


def _is_about_memory(handler: Any) -> bool:
    caught = _caught(handler)
    if caught & _MEMORY_ERRORS:
        return True
    if caught and not caught & _OPEN_ERRORS:
        return False
    for part in walk(handler.body, into_definitions=False):
        if kind(part) == "SimpleString" and _SPEAKS_OF_MEMORY.search(part.value):
            return True
        if kind(part) == "Call" and last_name(part.func) in _MEMORY_CALLS:
            return True
    return False


def _lets_go(handler: Any) -> bool:
    """Whether the block takes the failed step's frames from the error before anything else."""
    for part in walk(handler.body, into_definitions=False):
        if kind(part) == "Call" and last_name(part.func) in ("clear_frames", "with_traceback"):
            return True
        if kind(part) == "Attribute" and part.attr.value == "__traceback__":
            return True
    return False


def _smaller_calls(body: Any) -> Iterator[Any]:
    """Calls in *body*, in order, of which an argument or the receiver was made from a part of a batch."""
    smaller: set[str] = set()
    for statement in _statements(body):
        what = kind(statement)
        if what in ("For", "CompFor"):
            if _is_smaller(statement.iter, smaller):
                smaller |= _targets(statement.target)
            parts = [statement.iter]
        elif what in ("While", "If"):
            parts = [statement.test]
        elif what == "With":
            parts = [item.item for item in statement.items]
        else:
            parts = [statement]
        for part in parts:
            for call in calls_in(part, into_definitions=False):
                given = [argument.value for argument in call.args]
                if any(_is_smaller(value, smaller) for value in given) or _reads_own(call, smaller):
                    yield call
        if what == "Assign" and _is_smaller(statement.value, smaller):
            smaller |= {name for target in statement.targets for name in _targets(target.target)}
        elif what == "AugAssign" and _divides(statement.operator, "Assign") and _is_batch(statement.target):
            smaller |= _targets(statement.target)


def _statements(node: Any) -> Iterator[Any]:
    """The statements below *node* in source order, those of blocks after the statement that opens them."""
    for child in children_of(node):
        what = kind(child)
        if what in ("FunctionDef", "ClassDef"):
            continue
        if what in ("Assign", "AugAssign", "AnnAssign", "Expr", "Return", "For", "While", "If", "With", "Raise"):
            yield child
        if what not in ("Assign", "AugAssign", "AnnAssign", "Expr", "Return", "Raise"):
            yield from _statements(child)


def _targets(node: Any) -> set[str]:
    """What a target binds: names, and attributes as they are written."""
    if kind(node) in ("Tuple", "List"):
        return {name for element in node.elements for name in _targets(element.value)}
    dotted = _dotted(node)
    return {dotted} if dotted else set()


def _reads_own(call: Any, smaller: set[str]) -> bool:
    """Whether a method is called of an object of which a size was made smaller."""
    owner = _dotted(call.func).rpartition(".")[0]
    return bool(owner) and any(name.startswith(f"{owner}.") for name in smaller)


def _is_smaller(node: Any, smaller: set[str]) -> bool:
    """Whether *node* is made of a divided batch size, of parts of a batch, or of what was made so before."""
    for part in walk(node, into_definitions=False):
        what = kind(part)
        if what in ("Name", "Attribute") and _dotted(part) in smaller:
            return True
        if what == "BinaryOperation" and _divides(part.operator) and _is_batch(part.left):
            return True
        if what == "Call" and last_name(part.func) in _PARTS and not _splits_text(part):
            return True
    return False


def _splits_text(call: Any) -> bool:
    """``line.split(",")``."""
    return any(kind(argument.value) == "SimpleString" for argument in call.args) or not call.args


def _divides(operator: Any, suffix: str = "") -> bool:
    return kind(operator).removesuffix(suffix) in _OPERATORS


def _is_batch(node: Any) -> bool:
    """Whether *node* names a batch, or reads the number of its rows."""
    return any(_BATCH.search(name) or may_name_batch_size(name) or name in _ROWS for name in names_in(node))
