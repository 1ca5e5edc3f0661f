"""Sizes of a batch that are read when a graph is built, where they are `None`, and used as numbers.

What was measured on TensorFlow 2.21 and Keras 3.15: arithmetic, comparison by order, ``range``, ``int`` and every
function of TensorFlow, Keras and NumPy raise for such a size. Slices (``x[:None]``), ``set_shape``, ``ensure_shape``
and comparison by ``==`` take it, as do ``keras.ops.reshape`` and ``keras.ops.slice`` on the symbolic tensors of a
functional model. A ``tf.function`` without a signature is traced for each size anew, so that sizes are numbers in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.batch_names import names_rows
from batchlint.semantics.classes import external_base
from batchlint.semantics.syntax import kind, last_name, names_in, walk
from batchlint.semantics.values import (
    BoundMethod,
    External,
    Function,
    Integer,
    MarkKind,
    OriginKind,
    Sequence,
    ShapeOf,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Dimension, Role, symbols_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batchlint.semantics.evaluator import Evaluator

FUNCTIONAL = "keras"
"""First element of the identity of the rows of a functional model's inputs."""

EMPTINESS = "=="
"""Name of the observation that a graph compares an open number of rows with 0."""

_NUMBERS = frozenset({"range", "xrange", "int", "float", "min", "max", "abs", "round", "sum", "trunc", "ceil", "floor"})
"""Functions of Python that need a number."""

_TAKES_NONE = frozenset(
    """Input placeholder placeholder_with_default TensorSpec RaggedTensorSpec SparseTensorSpec TensorShape Dimension
    KerasTensor InputSpec InputLayer ensure_shape set_shape print Assert dimension_value dimension_at_index
    get_static_value is_symbolic_tensor Reshape name_scope variable_scope is_tensor shape rank size cond case switch
    map_fn scan while_loop vectorized_map function py_function numpy_function py_func Lambda constant_value print_tensor
    broadcast_static_shape compute_output_shape standardize_shape isinstance""".split()
)
"""Functions of the frameworks that take a size that is not known, or only pass it on."""

_WHOLE_SHAPES = frozenset(
    """zeros ones fill full empty random_normal random_uniform truncated_normal normal uniform reshape
    broadcast_to randn rand random_sample""".split()
)
"""Functions of the frameworks to which ``x.shape`` is given as a whole."""

_METHODS = frozenset({"zero_state", "get_initial_state"})
_SYMBOLIC = frozenset({"keras.ops.reshape", "keras.ops.slice", "keras.ops.slice_update"})
_CALLS = frozenset({"call", "__call__"})


def located(value: Value, node: Any) -> Value:
    """*value* with *node* as the place where it was read, should it be a static size that does not know its own."""
    if isinstance(value, Integer) and value.origin is not None and value.origin.static and value.origin.node is None:
        return Integer(value.dimension, replace(value.origin, node=node))
    return value


def note_call(
    ev: Evaluator, node: Any, callee: Value, arguments: Iterable[Value], keywords: Mapping[str, Value]
) -> None:
    """Observe where the static size of a batch is given to a function that needs a number."""
    if seen.STATIC_BATCH not in ev.subscriptions or ev.quiet:
        return
    name = _needs_number(callee)
    if name is None:
        return
    whole = name.rpartition(".")[2] in _WHOLE_SHAPES
    for size in _sizes((*arguments, *keywords.values()), whole):
        _observe(ev, node, size, name)


def note_operands(ev: Evaluator, node: Any, operands: Iterable[Value]) -> None:
    """Observe where arithmetic, or comparison by order, is done with the static size of a batch."""
    if seen.STATIC_BATCH not in ev.subscriptions or ev.quiet:
        return
    for operand in operands:
        if isinstance(operand, Integer) and _is_open_batch(operand):
            _observe(ev, node, operand, "")


def note_emptiness(ev: Evaluator, node: Any, left: Value, right: Value) -> None:
    """Observe where a graph is to ask whether a mask chose any rows, and asks their static number, which is open."""
    if seen.STATIC_BATCH not in ev.subscriptions or ev.quiet:
        return
    for size, other in ((left, right), (right, left)):
        if not isinstance(size, Integer) or not isinstance(other, Integer) or other.dimension != 0:
            continue
        tensor = size.origin.subject if size.origin is not None and size.origin.static else None
        chosen = isinstance(tensor, Tensor) and any(mark.kind is MarkKind.CHOSEN_ROWS for mark in tensor.marks)
        if chosen and ev.stack and _runs_in_graph(ev.stack[-1]) and not _minds_none(ev.stack[-1].node):
            ev.observe(seen.STATIC_BATCH, node, {"size": size}, name=EMPTINESS)


def _runs_in_graph(function: Function) -> bool:
    """Whether *function* is a ``tf.function``, a layer's ``call``, or a loss that training calls in its graph."""
    if any(last_name(each.decorator) == "function" for each in getattr(function.node, "decorators", ())):
        return True
    if function.owner is None or function.name not in _CALLS:
        return False
    return _is_layer(function) or "loss" in function.owner.name.lower()


def _needs_number(callee: Value) -> str | None:
    """The canonical name of *callee*, where a size that it is given has to be a number."""
    if isinstance(callee, BoundMethod):
        method = callee.function
        return method if isinstance(method, str) and method in _METHODS else None
    if not isinstance(callee, External):
        return None
    package, _, last = callee.name.rpartition(".")
    if package == "builtins" or package == "math":
        return callee.name if last in _NUMBERS else None
    if not callee.name.startswith(("tensorflow.", "keras.", "numpy.")):
        return None
    told = last in _TAKES_NONE or "assert" in last.lower() or "summary" in callee.name or "logging" in callee.name
    return None if told else callee.name


def _sizes(values: Iterable[Value], whole: bool) -> Iterator[Integer]:
    """The static sizes of batches among *values* and in lists of sizes; of whole shapes only where these are meant."""
    for value in values:
        if isinstance(value, Integer):
            if _is_open_batch(value):
                yield value
        elif isinstance(value, Sequence) and (whole or value.kind != "shape"):
            yield from _sizes(value.items, whole)
        elif isinstance(value, ShapeOf) and whole and value.static and value.tensor.shape.leading:
            yield from _sizes(_first_of(value), whole)


def _first_of(value: ShapeOf) -> Iterator[Integer]:
    from batchlint.semantics.tensors import shape_of

    shape = value.tensor.shape
    known = replace(value.tensor, shape=replace(shape, leading=shape.leading[:1], trailing=(), exact=True))
    found = shape_of(known, True)
    if isinstance(found, Sequence):
        yield from (item for item in found.items if isinstance(item, Integer))


def _is_open_batch(value: Integer) -> bool:
    origin = value.origin
    if origin is None or not origin.static or origin.kind is not OriginKind.TENSOR:
        return False
    return _rows(value.dimension) is not None


def _rows(dimension: Dimension) -> Any:
    """The identity of the rows that *dimension* is, ``None`` where it is anything else."""
    if isinstance(dimension, int):
        return None
    symbols = symbols_of(dimension)
    if len(symbols) != 1:
        return None
    symbol = next(iter(symbols))
    return symbol.identity if symbol.role is Role.BATCH and symbol.dimension() == dimension else None


def _observe(ev: Evaluator, node: Any, size: Integer, name: str) -> None:
    identity = _rows(size.dimension)
    if not isinstance(identity, tuple):
        return
    caller = graph_of(ev, identity)
    if caller is None or (name in _SYMBOLIC and caller == FUNCTIONAL):
        return
    at = size.origin.node if size.origin is not None else None
    scopes = [function.node for function in ev.stack] or [ev.module]
    if any(_minds_none(scope) or (at is not None and _is_other_axis(scope, at)) for scope in scopes):
        return
    ev.observe(seen.STATIC_BATCH, node, {"size": size}, name=name)


def graph_of(ev: Evaluator, identity: tuple[Any, ...]) -> str | None:
    """What builds the graph in which the rows called *identity* are open: nothing where that is not certain."""
    if identity[0] == FUNCTIONAL:
        inside = any(function.name in _CALLS and _is_layer(function) for function in ev.stack)
        return "call" if inside else FUNCTIONAL
    entered = identity[1] if identity[0] == "input" and len(identity) > 1 else identity[0]
    function = next((each for each in ev.stack if id(each.node) == entered), None)
    if function is None:
        return None
    if identity[0] == "input":
        return "call" if function.name in _CALLS and _is_layer(function) else None
    if identity[2:] != (0,):
        return None
    if _is_cell(function) and identity[1] in _CELL_INPUTS:
        return "call"
    return "function" if _is_open_function(function) else None


_CELL_INPUTS = frozenset({"inputs", "input", "x", "state", "states"})


def _is_cell(function: Function) -> bool:
    """Whether *function* is a method of a recurrent cell of TensorFlow 1, which runs in graphs alone."""
    base = "" if function.owner is None else external_base(function.owner) or ""
    return base.rpartition(".")[2] in ("RNNCell", "LayerRNNCell")


def _is_layer(function: Function) -> bool:
    """Whether *function* is a method of a layer, a model or a cell that is part of a graph."""
    if function.owner is None:
        return False
    base = external_base(function.owner) or ""
    if function.name == "__call__":
        return _is_cell(function)
    return base.startswith("keras.") and function.owner.is_module


def _is_open_function(function: Function) -> bool:
    """Whether *function* is a ``tf.function`` whose signature leaves the first size open."""
    for decorator in getattr(function.node, "decorators", ()):
        call = decorator.decorator
        if kind(call) != "Call" or last_name(call.func) != "function":
            continue
        for argument in call.args:
            name = argument.keyword.value if argument.keyword is not None else ""
            if name == "input_signature" and _leaves_rows_open(argument.value):
                return True
            if name in ("reduce_retracing", "experimental_relax_shapes") and last_name(argument.value) == "True":
                return True
    return False


def _leaves_rows_open(signature: Any) -> bool:
    """Whether every ``TensorSpec`` of *signature* that has axes begins with ``None``."""
    shapes = [call.args[0].value for call in walk(signature) if kind(call) == "Call" and call.args]
    lists = [shape for shape in shapes if kind(shape) in ("List", "Tuple") and shape.elements]
    return bool(lists) and all(last_name(shape.elements[0].value) == "None" for shape in lists)


_OTHER_AXES = re.compile(
    r"len|seq|step|time|node|point|height|width|depth|channel|feat|vocab|head|unit|dim|box|anchor|roi|class|query|"
    r"queries|key|token|word|frame|^[qkthwcdfm]\d?$",
    re.IGNORECASE,
)


def _is_other_axis(scope: Any, node: Any) -> bool:
    """Whether the author means another axis than the batch by the size read at *node* in *scope*.

    The size is called a length, or it is another axis's size that is called a batch (``bsz = tf.shape(x)[1]``).
    """
    for part in walk(scope):
        if kind(part) != "Assign":
            continue
        targets = [element for target in part.targets for element in _elements(target.target)]
        if any(element is node for element in targets):
            if _OTHER_AXES.search(last_name(node)):
                return True
        elif len(targets) == 1 and _bare(part.value) is node and _OTHER_AXES.search(last_name(targets[0])):
            return True
        if len(targets) == 1 and names_rows(last_name(targets[0])) and _reads_axis(part.value, "1"):
            return True
    return False


def _bare(value: Any) -> Any:
    """The size that *value* reads, without ``int`` around it and ``.value`` behind it."""
    while kind(value) == "Attribute" or (kind(value) == "Call" and last_name(value.func) == "int" and value.args):
        value = value.value if kind(value) == "Attribute" else value.args[0].value
    return value


def _elements(target: Any) -> list[Any]:
    return [element.value for element in target.elements] if kind(target) in ("Tuple", "List") else [target]


def _reads_axis(value: Any, axis: str) -> bool:
    """Whether *value* is ``x.shape[axis]`` or ``tf.shape(x)[axis]``."""
    while kind(value) == "Attribute":
        value = value.value
    if kind(value) != "Subscript" or not names_in(value.value) & {"shape", "get_shape", "as_list", "int_shape"}:
        return False
    index = getattr(value.slice[0].slice, "value", None)
    return kind(index) == "Integer" and getattr(index, "value", None) == axis


def _minds_none(scope: Any) -> bool:
    """Whether the function or module *scope* asks whether a static size is ``None``, or whether it runs eagerly."""
    read = {"shape", "get_shape", "as_list", "int_shape", "static_shape", "dimension_value"}
    names = set(read)
    for part in walk(scope):
        if kind(part) == "Assign" and names_in(part.value) & read:
            for target in part.targets:
                names |= names_in(target.target)
    for part in walk(scope):
        what = kind(part)
        if what == "Comparison" and names_in(part.left) & names:
            if any(last_name(target.comparator) == "None" for target in part.comparisons):
                return True
        elif (what in ("If", "IfExp") and _is_size(part.test, names)) or (
            what in ("Name", "Attribute") and last_name(part) in ("executing_eagerly", "is_fully_defined")
        ):
            return True
    return False


def _is_size(test: Any, names: set[str]) -> bool:
    """Whether a condition is the static size itself, which is false where it is ``None``."""
    while kind(test) == "UnaryOperation":
        test = test.expression
    if kind(test) == "BooleanOperation":
        return _is_size(test.left, names) or _is_size(test.right, names)
    return kind(test) in ("Name", "Subscript") and bool(names_in(test) & names)
