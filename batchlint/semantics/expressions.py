"""What each kind of expression evaluates to."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import libcst as cst

from batchlint.semantics import observations as seen
from batchlint.semantics.arithmetic import as_number, binary, compare, negate
from batchlint.semantics.attributes import layer_attribute
from batchlint.semantics.batch_names import may_name_batch_size, names_batch_size, names_configuration, names_loader
from batchlint.semantics.extensions import ATTRIBUTES
from batchlint.semantics.flags import flag
from batchlint.semantics.names import canonical
from batchlint.semantics.quantities import own_batch_size, samples_drawn
from batchlint.semantics.static_batch import located
from batchlint.semantics.tensors import shape_of
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Batch,
    BoundMethod,
    Chain,
    Class,
    Constant,
    Dataset,
    Dictionary,
    Enumerated,
    External,
    Feed,
    Function,
    Instance,
    Integer,
    Layer,
    Loader,
    Origin,
    OriginKind,
    Repeated,
    Sequence,
    ShapeOf,
    SliceValue,
    Source,
    SuperOf,
    Tensor,
    Value,
    element_of,
    integer,
    join,
    key_of,
)
from batchlint.shapes.dimension import Role, Symbol, unknown
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import UNKNOWN_SHAPE

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


def _name(ev: Evaluator, node: cst.Name) -> Value:
    value = ev.frame.lookup(node.value)
    if value is not None:
        return value
    return _BUILTINS.get(node.value) or ev.unbound(node)


_BUILTINS: dict[str, Value] = {
    "True": Constant(True),
    "False": Constant(False),
    "None": NONE,
    **{
        name: External(f"builtins.{name}")
        for name in (
            "range xrange len enumerate zip list tuple dict set sorted reversed int float str bool print isinstance "
            "getattr setattr hasattr super min max sum abs round next iter map filter any all type open id vars slice "
            "locals staticmethod classmethod property object divmod"
        ).split()
    },
}


def _integer(node: cst.Integer) -> Value:
    # libcst reads every literal with a parse of its own.
    return integer(int(node.value) if node.value.isdecimal() else node.evaluated_value, node)


def _float(node: cst.Float) -> Value:
    return Constant(node.evaluated_value)


_PLAIN_STRING = re.compile(r"""(['"])([^'"\\\n]*)\1\Z""")


def _string(node: cst.SimpleString) -> Value:
    plain = _PLAIN_STRING.match(node.value)
    if plain is not None:
        return Constant(plain.group(2))
    try:
        return Constant(ast.literal_eval(node.value))
    except (ValueError, SyntaxError):
        return UNKNOWN


def _formatted_string(ev: Evaluator, node: cst.FormattedString) -> Value:
    texts: list[str] = []
    for part in node.parts:
        if isinstance(part, cst.FormattedStringText):
            texts.append(part.value)
        elif isinstance(part, cst.FormattedStringExpression):
            value = ev.evaluate(part.expression)
            known = value.value if isinstance(value, Constant) else as_number(value)
            if isinstance(known, str | int) and not part.format_spec and not part.conversion:
                texts.append(str(known))
            else:
                texts.append("\\")
    text = "".join(texts)
    return UNKNOWN if "\\" in text or "{" in text or "}" in text else Constant(text)


def _tuple(ev: Evaluator, node: cst.Tuple | cst.List | cst.Set) -> Value:
    kind = "list" if isinstance(node, cst.List) else "tuple"
    items: list[Value] = []
    for element in node.elements:
        value = ev.evaluate(element.value)
        if isinstance(element, cst.StarredElement):
            spread = ev.spread(value)
            if spread is None:
                for rest in node.elements:
                    if rest is not element:
                        ev.evaluate(rest.value)
                return Repeated(join(element_of(value), items[0]) if items else element_of(value), kind)
            items.extend(spread)
        else:
            items.append(value)
    return Sequence(tuple(items), kind)


def _dict(ev: Evaluator, node: cst.Dict) -> Value:
    items: dict[Any, Value] = {}
    complete = True
    for element in node.elements:
        value = ev.evaluate(element.value)
        if isinstance(element, cst.DictElement):
            key = key_of(ev.evaluate(element.key))
            if isinstance(key, str):
                items[key] = ev.named(key, value, element.value, OriginKind.CONFIGURATION)
            elif key is not None:
                items[key] = value
            else:
                complete = False
        elif isinstance(value, Dictionary):
            items.update(value.items)
            complete = complete and value.complete
        else:
            complete = False
    return Dictionary(items, "dict", complete)


def _unary(ev: Evaluator, node: cst.UnaryOperation) -> Value:
    value = ev.evaluate(node.expression)
    if isinstance(node.operator, cst.Minus):
        return negate(value)
    if isinstance(node.operator, cst.Not):
        truth = ev.truth(value)
        return UNKNOWN if truth is None else Constant(not truth)
    if isinstance(value, Batch):
        value = value.tensor
    return value if isinstance(value, Tensor) else UNKNOWN


def _binary(ev: Evaluator, node: cst.BinaryOperation) -> Value:
    # Long sums nest to the left: unrolled, so that depth costs no recursion.
    chain: list[cst.BinaryOperation] = []
    left_node: cst.BaseExpression = node
    while isinstance(left_node, cst.BinaryOperation):
        chain.append(left_node)
        left_node = left_node.left
    value = ev.evaluate(left_node)
    for operation in reversed(chain):
        value = binary(ev, operation, type(operation.operator).__name__, value, ev.evaluate(operation.right))
        if operation is not node:
            ev.record(operation, value)
    return value


def _boolean(ev: Evaluator, node: cst.BooleanOperation) -> Value:
    left = ev.evaluate(node.left)
    truth = ev.truth(left)
    is_and = isinstance(node.operator, cst.And)
    if truth is not None:
        return left if truth is not is_and else ev.evaluate(node.right)
    right = ev.evaluate(node.right)
    return join(left, right)


def _comparison(ev: Evaluator, node: cst.Comparison) -> Value:
    left = ev.evaluate(node.left)
    result: Value = UNKNOWN
    for target in node.comparisons:
        right = ev.evaluate(target.comparator)
        result = compare(ev, node, type(target.operator).__name__, left, right)
        left = right
    return result if len(node.comparisons) == 1 else UNKNOWN


def _attribute(ev: Evaluator, node: cst.Attribute) -> Value:
    base = ev.evaluate(node.value)
    value = attribute_of(ev, base, node.attr.value, node)
    if isinstance(value, BoundMethod) and isinstance(base, Tensor) and base.opaque:
        # Not called, so no method: a field of something that flows from a tensor.
        return Tensor(UNKNOWN_SHAPE, base.sources, loader=base.loader, opaque=True)
    return value


def callee_of(ev: Evaluator, node: cst.BaseExpression) -> Value:
    """What a call calls; a method of a tensor is bound to it."""
    if isinstance(node, cst.Attribute):
        value = attribute_of(ev, ev.evaluate(node.value), node.attr.value, node)
        if ev.recorder is not None and not ev.quiet:
            ev.recorder(node, value)
        return value
    return ev.evaluate(node)


def attribute_of(ev: Evaluator, value: Value, name: str, node: cst.Attribute) -> Value:
    """``value.name``."""
    if isinstance(value, External):
        known = flag(ev, value.name, name) if value.name.endswith("FLAGS") else None
        if known is not None:
            return known
        if names_batch_size(name) and names_configuration(value.name.rpartition(".")[2]):
            # `flags.FLAGS.batch_size`, `config.BATCH_SIZE` of a module of settings.
            return ev.configured(name, node) or UNKNOWN
        dotted = canonical(f"{value.name}.{name}")
        return NONE if dotted in ("numpy.newaxis", "tensorflow.newaxis") else External(dotted)
    if isinstance(value, Instance):
        return ev.instance_attribute(value, name, node)
    if isinstance(value, Batch):
        if names_batch_size(name):
            return ev.length_of(value.tensor) or UNKNOWN
        return ev.part_of(value, name) if not hasattr_of_tensor(name) else attribute_of(ev, value.tensor, name, node)
    if isinstance(value, Tensor):
        return _tensor_attribute(ev, value, name, node)
    if isinstance(value, Class):
        found = ev.class_attribute(value, name)
        return found if found is not None else UNKNOWN
    if isinstance(value, SuperOf):
        for base in value.owner.bases:
            if isinstance(base, Class):
                found = ev.class_attribute(base, name)
                if isinstance(found, Function):
                    return BoundMethod(value.instance, found, node)
        return BoundMethod(value, name, node)
    if isinstance(value, Dictionary):
        if name in value.items:
            return value.items[name]
        if value.kind in ("namespace", "configuration"):
            return ev.configured(name, node) or UNKNOWN
        return BoundMethod(value, name, node)
    if isinstance(value, Layer):
        known = layer_attribute(value, name) if Layer not in ATTRIBUTES else ATTRIBUTES[Layer](ev, value, name, node)
        return BoundMethod(value, name, node) if known is None else known
    if isinstance(value, Chain):
        for key, item in value.items:
            if key == name:
                return item
        return BoundMethod(value, name, node)
    if isinstance(value, Loader):
        if name == "dataset":
            return value.dataset if not isinstance(value.dataset, type(UNKNOWN)) else Dataset("?", value.identity)
        if name == "sampler":
            return value.sampler or Dataset("sampler", value.identity, size=samples_drawn(value))
        if name == "batch_size":
            return value.batch_size or own_batch_size(value, node)
        if name in ("samples", "n") and value.feed is Feed.ITERATOR:
            return ev.length_of(value.dataset) or UNKNOWN
        return BoundMethod(value, name, node)
    if isinstance(value, Dataset):
        if value.pipeline:
            return BoundMethod(value, name, node)
        if name in ("data", "targets", "train_data", "test_data", "train_labels", "test_labels"):
            return Tensor(sources=frozenset({Source.DATASET}), opaque=True)
        return UNKNOWN
    if isinstance(value, type(UNKNOWN)):
        owner = ev.last_name(node.value)
        if owner is not None and names_configuration(owner):
            return ev.configured(name, node) or UNKNOWN
        if names_loader(name):
            return ev.unknown_loader(name, node)
        return UNKNOWN
    attribute = ATTRIBUTES.get(type(value))
    found = None if attribute is None else attribute(ev, value, name, node)
    return BoundMethod(value, name, node) if found is None else found


_TENSOR_NAMES = frozenset({"shape", "T", "mT", "ndim", "device", "dtype"})


def hasattr_of_tensor(name: str) -> bool:
    """Whether *name* is something that tensors have: then a batch that has it is taken for a tensor."""
    return (
        name in _TENSOR_NAMES
        or f"torch.Tensor.{name.rstrip('_')}" in FUNCTIONS
        or name in ("size", "dim", "item", "numpy")
    )


_SAME = frozenset({"data", "real", "imag", "grad", "values", "detach_"})


def _tensor_attribute(ev: Evaluator, tensor: Tensor, name: str, node: cst.Attribute) -> Value:
    if name == "shape":
        return shape_of(tensor, ev.has_static_shapes(tensor))
    if name in _SAME:
        return tensor
    if name in ("T", "mT", "H", "mH"):
        return ev.tensor_method(tensor, name, node, (), {})
    if name == "ndim":
        rank = tensor.shape.rank
        return UNKNOWN if rank is None else Integer(rank, Origin(OriginKind.TENSOR))
    if name in ("device", "dtype", "requires_grad", "is_cuda", "grad_fn", "layout", "names", "itemsize"):
        return UNKNOWN
    if tensor.opaque and tensor.parameter is not None and names_batch_size(name):
        # `data.batch_size`, `graph.batch_size`: a property of one batch, not a fixed number.
        return Integer(
            Symbol(name, Role.BATCH, identity=(tensor.parameter, name)).dimension(), Origin(OriginKind.TENSOR)
        )
    if tensor.opaque:
        return BoundMethod(tensor, name, node)
    return BoundMethod(tensor, name, node)


def _subscript(ev: Evaluator, node: cst.Subscript) -> Value:
    base = ev.evaluate(node.value)
    items = tuple(_index_item(ev, element.slice) for element in node.slice)
    if len(items) == 1 and isinstance(items[0], Sequence) and items[0].kind == "tuple":
        items = items[0].items
    if items and isinstance(items[0], SliceValue) and seen.SLICE in ev.subscriptions:
        ev.observe(seen.SLICE, node, {"receiver": base, "slice": items[0]})
    if base is UNKNOWN and isinstance(node.value, cst.Attribute) and node.value.attr.value == "shape":
        return _unknown_size(items)
    return located(ev.subscript(base, items, node), node)


def _unknown_size(items: tuple[Value, ...]) -> Value:
    """``x.shape[0]`` of something unknown: a number of which nothing else is known."""
    if len(items) == 1 and isinstance(items[0], Integer):
        return Integer(unknown("n", minimum=0), Origin(OriginKind.LENGTH))
    return UNKNOWN


def _index_item(ev: Evaluator, part: cst.BaseSlice) -> Value:
    if isinstance(part, cst.Index):
        return ev.evaluate(part.value)
    assert isinstance(part, cst.Slice)
    return SliceValue(
        NONE if part.lower is None else ev.evaluate(part.lower),
        NONE if part.upper is None else ev.evaluate(part.upper),
        NONE if part.step is None else ev.evaluate(part.step),
    )


def _if_expression(ev: Evaluator, node: cst.IfExp) -> Value:
    truth = ev.truth(ev.evaluate(node.test))
    if truth is True:
        return ev.evaluate(node.body)
    if truth is False:
        return ev.evaluate(node.orelse)
    return join(ev.evaluate(node.body), ev.evaluate(node.orelse))


def _lambda(ev: Evaluator, node: cst.Lambda) -> Value:
    return Function("<lambda>", node, ev.frame, {})


def _comprehension(ev: Evaluator, node: cst.ListComp | cst.GeneratorExp | cst.SetComp) -> Value:
    saved = dict(ev.frame.names)
    try:
        return _comprehend(ev, node, node.for_in, node.elt)
    finally:
        ev.frame.names = saved


def _comprehend(ev: Evaluator, node: cst.BaseExpression, clause: cst.CompFor, elt: cst.BaseExpression) -> Value:
    iterable = ev.evaluate(clause.iter)
    ev.observe(seen.COMPREHENSION, node, {"iterable": iterable})
    items = ev.unrolled(iterable) if not clause.ifs and clause.inner_for_in is None else None
    if items is not None:
        results = []
        for item in items:
            ev.bind_target(clause.target, item)
            results.append(ev.evaluate(elt))
        return Sequence(tuple(results), "list")
    with ev.loop(clause, iterable, clause.target):
        ev.bind_target(clause.target, ev.iterate(iterable))
        for condition in clause.ifs:
            ev.evaluate(condition.test)
        if clause.inner_for_in is not None:
            return _comprehend(ev, node, clause.inner_for_in, elt)
        shape = _read_again(clause, iterable, elt)
        if shape is not None:
            return shape
        length = None if clause.ifs else ev.length_of(iterable)
        return Repeated(ev.evaluate(elt), "list", None if length is None else length.dimension)


def _read_again(clause: cst.CompFor, iterable: Value, elt: cst.BaseExpression) -> Value | None:
    """``[s or dynamic[i] for i, s in enumerate(x.shape)]`` of a tensor of unknown rank: its shape, as it really is."""
    inner = iterable.inner if isinstance(iterable, Enumerated) else iterable
    if not isinstance(inner, ShapeOf) or clause.ifs or clause.inner_for_in is not None:
        return None
    chosen = isinstance(elt, cst.IfExp) and not isinstance(elt.body, cst.Call) and not isinstance(elt.orelse, cst.Call)
    either = isinstance(elt, cst.BooleanOperation) and isinstance(elt.operator, cst.Or)
    return ShapeOf(inner.tensor) if chosen or either else None


def _dict_comprehension(ev: Evaluator, node: cst.DictComp) -> Value:
    saved = dict(ev.frame.names)
    try:
        clause = node.for_in
        iterable = ev.evaluate(clause.iter)
        items = ev.unrolled(iterable) if not clause.ifs and clause.inner_for_in is None else None
        if items is not None:
            return _dict_of(ev, node, items)
        ev.bind_target(clause.target, ev.iterate(iterable))
        value = ev.evaluate(node.value)
        return Dictionary({}, "dict", False) if not isinstance(value, Tensor) else Repeated(value, "dict")
    finally:
        ev.frame.names = saved


def _dict_of(ev: Evaluator, node: cst.DictComp, items: tuple[Value, ...]) -> Dictionary:
    """``{name: make(name) for name in ("train", "val")}``."""
    entries: dict[str, Value] = {}
    complete = True
    for item in items:
        ev.bind_target(node.for_in.target, item)
        key, value = ev.evaluate(node.key), ev.evaluate(node.value)
        if isinstance(key, Constant) and isinstance(key.value, str):
            entries[key.value] = value
        else:
            complete = False
    return Dictionary(entries, "dict", complete)


def _named_expression(ev: Evaluator, node: cst.NamedExpr) -> Value:
    value = ev.evaluate(node.value)
    ev.bind_target(node.target, value)
    return value


def _await(ev: Evaluator, node: cst.Await) -> Value:
    return ev.evaluate(node.expression)


def _yield(ev: Evaluator, node: cst.Yield) -> Value:
    inner = node.value
    if inner is not None:
        ev.evaluate(inner.item if isinstance(inner, cst.From) else inner)
    return UNKNOWN


def _ellipsis(ev: Evaluator, node: cst.Ellipsis) -> Value:
    return Constant(...)


def _call(ev: Evaluator, node: cst.Call) -> Value:
    return ev.call(node)


LITERALS: dict[type[cst.CSTNode], Callable[[Any], Value]] = {
    cst.Integer: _integer,
    cst.Float: _float,
    cst.SimpleString: _string,
}
"""Node type to the function that reads it once: what it says never changes."""

EXPRESSIONS: dict[type[cst.CSTNode], Callable[[Evaluator, Any], Value]] = {
    cst.Name: _name,
    cst.FormattedString: _formatted_string,
    cst.Tuple: _tuple,
    cst.List: _tuple,
    cst.Set: _tuple,
    cst.Dict: _dict,
    cst.UnaryOperation: _unary,
    cst.BinaryOperation: _binary,
    cst.BooleanOperation: _boolean,
    cst.Comparison: _comparison,
    cst.Attribute: _attribute,
    cst.Subscript: _subscript,
    cst.IfExp: _if_expression,
    cst.Lambda: _lambda,
    cst.ListComp: _comprehension,
    cst.GeneratorExp: _comprehension,
    cst.SetComp: _comprehension,
    cst.DictComp: _dict_comprehension,
    cst.NamedExpr: _named_expression,
    cst.Await: _await,
    cst.Yield: _yield,
    cst.Ellipsis: _ellipsis,
    cst.Call: _call,
}
"""Node type to the function that evaluates it; anything else is unknown."""


def literal_name(value: Value) -> str | None:
    """The string behind a constant."""
    return value.value if isinstance(value, Constant) and isinstance(value.value, str) else None


def fixes_batch(name: str, value: Value) -> bool:
    """Whether binding *name* to *value* writes down a batch size."""
    return isinstance(value, Integer) and isinstance(value.dimension, int) and may_name_batch_size(name)


__all__ = ["EXPRESSIONS", "LITERALS", "attribute_of", "callee_of", "fixes_batch", "literal_name", "shape_of"]
