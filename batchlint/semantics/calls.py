"""Calls: to functions and classes of the file, to layers, and to the framework's operations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from batchlint.semantics import observations as seen
from batchlint.semantics import static_batch
from batchlint.semantics.attributes import layer_attribute
from batchlint.semantics.batch_names import names_batch_size, names_data_loader, names_input_size
from batchlint.semantics.classes import ancestors, class_attribute, external_base
from batchlint.semantics.expressions import callee_of
from batchlint.semantics.extensions import APPLIED, BEFORE_CALL, CHANGED_BY, INHERITED, OF_SUPER
from batchlint.semantics.layers import apply_chain, apply_layer, construct, is_layer
from batchlint.semantics.library import LIBRARY
from batchlint.semantics.loaders import made_by_library
from batchlint.semantics.methods import METHODS
from batchlint.semantics.names import canonical
from batchlint.semantics.scope import Frame
from batchlint.semantics.statements import run_block
from batchlint.semantics.syntax import walk
from batchlint.semantics.tensors import opaque, tensors_in
from batchlint.semantics.values import (
    GENERATOR,
    NONE,
    UNKNOWN,
    Batch,
    BoundMethod,
    Chain,
    Class,
    Constant,
    Dataset,
    Dictionary,
    External,
    Function,
    Instance,
    Integer,
    Layer,
    Loader,
    Mark,
    MarkKind,
    Origin,
    OriginKind,
    Partial,
    Repeated,
    Sequence,
    ShapeOf,
    SuperOf,
    Tensor,
    Value,
    element_of,
    join,
    new_identity,
)
from batchlint.shapes.dimension import Role, Symbol, has_role, unknown
from batchlint.shapes.registry import FUNCTIONS, OTHER_KEYWORDS

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

MAXIMUM_DEPTH = 14
"""Calls are followed so deep at most."""

Arguments = tuple[tuple[Value, ...], dict[str, Value]]


def arguments_of(ev: Evaluator, node: cst.Call) -> Arguments:
    """The abstract arguments of a call.

    A starred argument that is not known ends the positional ones, as a `Repeated` of kind ``star``; a double-starred
    one is the keyword `OTHER_KEYWORDS`: there may be others.
    """
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    lost = False
    for argument in node.args:
        value = ev.evaluate(argument.value)
        if argument.star == "*":
            spread = ev.spread(value)
            if lost:
                positional[-1] = Repeated(UNKNOWN, "star")
            elif spread is None:
                lost = True
                positional.append(Repeated(element_of(value), "star"))
            else:
                positional.extend(spread)
        elif argument.star == "**":
            if isinstance(value, Dictionary):
                keywords.update({key: item for key, item in value.items.items() if isinstance(key, str)})
            if not isinstance(value, Dictionary) or not value.complete:
                keywords[OTHER_KEYWORDS] = UNKNOWN
        elif argument.keyword is not None:
            keywords[argument.keyword.value] = value
        elif lost:
            positional[-1] = Repeated(UNKNOWN, "star")
        else:
            positional.append(value)
    return tuple(positional), keywords


def call(ev: Evaluator, node: cst.Call) -> Value:
    """The value of the call *node*."""
    function = node.func
    if isinstance(function, cst.Name) and function.value == "super":
        frame = ev.frame
        while frame.enclosing is not None and frame.instance is None:
            frame = frame.enclosing
        if frame.instance is not None and frame.owner is not None:
            return SuperOf(frame.instance, frame.owner)
        return UNKNOWN
    callee = callee_of(ev, function)
    arguments, keywords = arguments_of(ev, node)
    if ev.loops and isinstance(function, cst.Attribute) and function.attr.value in _TRAINING:
        ev.note_training()
    if callee is UNKNOWN or isinstance(callee, External):
        _observe_unknown_loss(ev, function, arguments, node)
    if seen.CALL in ev.subscriptions:
        ev.observe(seen.CALL, node, {"callee": callee}, positional=arguments, keywords=keywords)
    _observe_by_name(ev, node, callee, arguments, keywords)
    static_batch.note_call(ev, node, callee, arguments, keywords)
    given = {**callee.keywords, **keywords} if isinstance(callee, Partial) else keywords
    if "drop_last" in given or ("drop_remainder" in given and not _is_pipeline(callee)):
        ev.observe(seen.DROP_LAST, node, given, name=ev.last_name(function) or "", positional=arguments)
    if isinstance(callee, BoundMethod) and isinstance(callee.function, str):
        result = call_method(ev, callee.receiver, callee.function, arguments, keywords, node)
        _rebind_receiver(ev, function, callee, arguments, keywords, result)
        return result
    if callee is UNKNOWN and _asks_size(function, arguments):
        return Integer(unknown("n", minimum=0), Origin(OriginKind.LENGTH))
    if callee is UNKNOWN:
        known = _distributed(ev, function, arguments, keywords, node)
        if known is not None:
            return known
    ev.changed_arguments = {}
    value = apply(ev, callee, arguments, keywords, node)
    if ev.changed_arguments:
        _change_arguments(ev, node)
    if isinstance(callee, External) and callee.name not in LIBRARY:
        _leave_open(ev, node)
    return value


_TRAINING = frozenset({"backward", "apply_gradients", "minimize", "train_on_batch"})
"""Methods that take a step of training, or most of one."""
_STEPPING = frozenset({"evaluate", "predict", "evaluate_generator", "predict_generator"})
_FITTING = frozenset({"fit", "evaluate", "predict"})


def _observe_by_name(
    ev: Evaluator, node: cst.Call, callee: Value, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> None:
    """What a method says by its name, whatever it is called on; not a method that the file defines."""
    function = node.func
    own = isinstance(callee, BoundMethod) and isinstance(callee.function, Function)
    if own or not isinstance(function, cst.Attribute):
        return
    name = function.attr.value
    if name in _FITTING and "batch_size" in keywords:
        given = {**keywords, "x": arguments[0]} if arguments else dict(keywords)
        given["own"] = _own_batch_size(ev, given.get("x", UNKNOWN))
        ev.observe(seen.FIT, node, given, name=name, positional=arguments)
    elif name in _STEPPING and "steps" in keywords:
        given = {**keywords, "x": arguments[0]} if arguments else dict(keywords)
        ev.observe(seen.STEPS, node, given, name=name)
    elif name == "skip" and ev.loops and len(arguments) == 1:
        with ev.quietly():
            receiver = ev.evaluate(function.value)
        ev.observe(seen.SKIP, node, {"receiver": receiver, "count": arguments[0]}, name=name)


def _distributed(
    ev: Evaluator,
    function: cst.BaseExpression,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: cst.Call,
) -> Value | None:
    """What a ``tf.distribute.Strategy`` does, by its methods' names: ``None`` for any other call."""
    if not isinstance(function, cst.Attribute) or not arguments:
        return None
    name, first = function.attr.value, arguments[0]
    if name == "experimental_distribute_dataset":
        return first
    if name not in ("run", "experimental_run_v2") or not isinstance(first, Function | BoundMethod | Partial):
        return None
    given = arguments[1] if len(arguments) > 1 else keywords.get("args", Sequence(()))
    if isinstance(given, Sequence) and not (isinstance(first, BoundMethod) and isinstance(first.function, str)):
        # Each replica has its part of the rows: what it gives is not known, what it does is seen.
        apply(ev, first, given.items, {}, node)
    return UNKNOWN


def _is_pipeline(callee: Value) -> bool:
    """Whether *callee* is a method of a pipeline that is known: its steps are told by their own names."""
    return isinstance(callee, BoundMethod) and isinstance(callee.receiver, Dataset | Loader)


def _own_batch_size(ev: Evaluator, feed: Value) -> Value:
    """The batch size of what gives a model its batches."""
    if isinstance(feed, Loader):
        return feed.batch_size or UNKNOWN
    if not isinstance(feed, Instance):
        return UNKNOWN
    stored = (name for owner, name in ev.heap if owner == feed.identity and names_batch_size(name))
    return next((ev.heap[(feed.identity, name)] for name in stored), UNKNOWN)


def _change_arguments(ev: Evaluator, node: cst.Call) -> None:
    """A function of the file changed lists or dicts that it was given: so they are changed for its caller."""
    changed, ev.changed_arguments = ev.changed_arguments, {}
    for position, argument in enumerate(node.args):
        if argument.star == "*":
            return
        key = position if argument.keyword is None else argument.keyword.value
        if key in changed:
            ev.change_in_place(argument.value, changed[key])


def _leave_open(ev: Evaluator, node: cst.Call) -> None:
    """A function that is not known may put more into a dict that it is given."""
    for argument in node.args:
        if isinstance(argument.value, cst.Name) and not argument.star:
            value = ev.frame.lookup(argument.value.value)
            if isinstance(value, Dictionary) and value.complete and value.kind == "dict":
                ev.change_in_place(argument.value, Dictionary(value.items, value.kind, False))


def _asks_size(function: cst.BaseExpression, arguments: tuple[Value, ...]) -> bool:
    """Whether this is ``x.size(0)``: a number, whatever ``x`` is."""
    named = isinstance(function, cst.Attribute) and function.attr.value == "size"
    return named and len(arguments) == 1 and isinstance(arguments[0], Integer)


_LOSS_NAME = re.compile(r"criterion|(?:^|_)loss(?:_?(?:fn|func|function|f))?$|^ce_?loss", re.IGNORECASE)


def _observe_unknown_loss(
    ev: Evaluator, function: cst.BaseExpression, arguments: tuple[Value, ...], node: cst.Call
) -> None:
    """A criterion that the file does not define: its target relies on the batch axis, as the predictions have it."""
    name = ev.last_name(function)
    if name is None or len(arguments) != 2 or _LOSS_NAME.search(name) is None:
        return
    prediction, target = arguments
    if isinstance(target, Tensor) and isinstance(prediction, Tensor):
        squeezed = [any(mark.kind is MarkKind.SQUEEZED for mark in t.marks) for t in (prediction, target)]
        if squeezed == [False, True]:
            ev.observe(seen.CONSUME, node, {"tensor": target}, name="torch.nn.CrossEntropyLoss")


_LIST_CHANGES = frozenset({"add_module", "append", "extend", "insert", "pop", "clear", "reverse", "remove", "sort"})


def _changed_items(
    ev: Evaluator, items: tuple[Value, ...], name: str, arguments: tuple[Value, ...]
) -> tuple[Value, ...] | None:
    """The elements of a list after one of its methods, ``None`` where they are not known."""
    first = arguments[0] if arguments else UNKNOWN
    if name == "append":
        return (*items, first)
    if name == "add_module" and len(arguments) > 1:
        return (*items, arguments[1])
    if name == "extend":
        more = ev.spread(first)
        return None if more is None else (*items, *more)
    if name == "clear":
        return ()
    if name == "reverse":
        return items[::-1]
    index = first.dimension if isinstance(first, Integer) else None
    if name == "insert" and isinstance(index, int) and len(arguments) > 1:
        return (*items[:index], arguments[1], *items[index:])
    if name == "pop" and not arguments and items:
        return items[:-1]
    if name == "pop" and isinstance(index, int) and -len(items) <= index < len(items):
        index %= len(items)
        return (*items[:index], *items[index + 1 :])
    return None


def _rebind_receiver(
    ev: Evaluator,
    function: cst.BaseExpression,
    callee: BoundMethod,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    result: Value,
) -> None:
    """``layers.append(x)`` and in-place methods change what the receiver's name is bound to."""
    if not isinstance(function, cst.Attribute):
        return
    receiver, name = callee.receiver, callee.function
    assert isinstance(name, str)
    changed: Value | None = None
    if isinstance(receiver, Sequence) and name in _LIST_CHANGES:
        if name == "append" and ev.loops and not ev.quiet and len(receiver.items) > 256:
            changed = Repeated(arguments[0] if arguments else UNKNOWN, receiver.kind)
        else:
            items = _changed_items(ev, receiver.items, name, arguments)
            changed = Repeated(UNKNOWN, receiver.kind) if items is None else Sequence(items, receiver.kind)
    elif isinstance(receiver, ShapeOf) and name in _LIST_CHANGES:
        changed = UNKNOWN
    elif isinstance(receiver, Repeated) and arguments and name == "append":
        changed = Repeated(join(receiver.item, arguments[0]), receiver.kind)
    elif isinstance(receiver, Dictionary) and arguments and name == "update":
        other = arguments[0]
        if isinstance(other, Dictionary):
            changed = Dictionary({**receiver.items, **other.items}, receiver.kind, receiver.complete and other.complete)
        else:
            changed = Dictionary({}, receiver.kind, False)
    elif isinstance(receiver, Chain) and name in ("append", "add_module") and arguments:
        label = arguments[0].value if isinstance(arguments[0], Constant) else str(len(receiver.items))
        changed = Chain((*receiver.items, (str(label), arguments[-1])), receiver.complete)
    elif isinstance(receiver, Tensor) and name in ("resize_", "set_", "resize_as_"):
        changed = result if isinstance(result, Tensor) else None
    elif type(receiver) in CHANGED_BY:
        changed = CHANGED_BY[type(receiver)](ev, receiver, name, arguments, keywords, function)
    if changed is not None:
        target = function.value
        while isinstance(target, cst.Attribute) and target.attr.value == "data":
            target = target.value
        ev.change_in_place(target, changed)


def apply(
    ev: Evaluator, callee: Value, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: cst.Call
) -> Value:
    """The value of calling *callee*."""
    if isinstance(callee, External):
        return call_external(ev, callee.name, arguments, keywords, node)
    if isinstance(callee, Function):
        if callee.name == "<lambda>":
            return _call_lambda(ev, callee, arguments)
        return blamed(call_function(ev, callee, arguments, keywords, None), arguments, keywords, node)
    if isinstance(callee, BoundMethod):
        assert isinstance(callee.function, Function)
        value = call_function(ev, callee.function, arguments, keywords, callee.receiver)
        return blamed(value, arguments, keywords, node)
    if isinstance(callee, Class):
        return instantiate(ev, callee, arguments, keywords, node)
    if isinstance(callee, Instance):
        return call_instance(ev, callee, arguments, keywords, node)
    if isinstance(callee, Layer):
        return apply_layer(ev, callee, arguments, keywords, node)
    if isinstance(callee, Partial):
        given = {**callee.keywords, **keywords}
        return apply(ev, callee.callee, (*callee.arguments, *arguments), given, node)
    if isinstance(callee, Chain):
        return apply_chain(ev, callee, arguments, node)
    applied = APPLIED.get(type(callee))
    if applied is not None:
        return applied(ev, callee, arguments, keywords, node)
    return opaque(ev, arguments, keywords)


def blamed(value: Value, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: cst.Call) -> Value:
    """What a helper that was *given* a fixed batch allocates: the call is at fault, not the helper."""
    given = (*arguments, *keywords.values())
    if not any(isinstance(a, Integer) and has_role(a.dimension, Role.FIXED_BATCH) for a in given):
        return value
    before = {mark for tensor in tensors_in(Sequence(given)) for mark in tensor.marks}
    return _remarked(value, before, node)


def _remarked(value: Value, before: set[Mark], node: cst.Call) -> Value:
    if isinstance(value, Tensor):
        marks = frozenset(
            Mark(mark.kind, node, mark.detail)
            if mark.kind in (MarkKind.FIXED_ALLOCATION, MarkKind.FIXED_EXPANSION) and mark not in before
            else mark
            for mark in value.marks
        )
        return replace(value, marks=marks)
    if isinstance(value, Sequence):
        return Sequence(tuple(_remarked(item, before, node) for item in value.items), value.kind)
    return value


def call_external(
    ev: Evaluator, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: cst.Call
) -> Value:
    """The value of calling something imported."""
    handler = LIBRARY.get(name)
    if handler is not None:
        return handler(ev, node, arguments, keywords)
    if name.startswith("torch.nn.init.") and arguments:
        return arguments[0]
    if is_layer(name):
        return construct(ev, name, arguments, keywords, node)
    if name in FUNCTIONS:
        return ev.operate(name, node, arguments, keywords)
    last = name.rpartition(".")[2]
    if last.endswith("_") and name[:-1] in FUNCTIONS:
        return ev.operate(name[:-1], node, arguments, keywords)
    made = made_by_library(ev, name, arguments, keywords, node)
    return made if made is not None else opaque(ev, arguments, keywords)


def call_method(
    ev: Evaluator,
    receiver: Value,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: cst.Call,
) -> Value:
    """The value of ``receiver.name(...)`` for a receiver that the evaluator models."""
    if isinstance(receiver, Batch):
        receiver = receiver.tensor
    if isinstance(receiver, Tensor):
        return ev.tensor_method(receiver, name, node, arguments, keywords)
    handler = METHODS.get(type(receiver))
    if handler is not None:
        return handler(ev, receiver, name, arguments, keywords, node)
    if isinstance(receiver, Instance):
        return _inherited_method(ev, receiver, name, arguments, keywords, node)
    if isinstance(receiver, SuperOf):
        return _super_method(ev, receiver, name, arguments, keywords, node)
    return opaque(ev, arguments, keywords)


_RETURN_SELF = frozenset(
    {
        "to",
        "cuda",
        "cpu",
        "train",
        "eval",
        "half",
        "float",
        "double",
        "apply",
        "requires_grad_",
        "share_memory",
        "bfloat16",
        "type",
    }
)


def _inherited_method(
    ev: Evaluator,
    receiver: Instance,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: cst.Call,
) -> Value:
    """A method that a class of the file has from an imported base."""
    for inherited in INHERITED:
        given = inherited(ev, receiver, name, arguments, keywords, node)
        if given is not None:
            return given
    if name in _RETURN_SELF:
        return receiver
    if name in ("register_buffer", "register_parameter", "register_module", "__setattr__") and len(arguments) >= 2:
        ev.store_named(receiver, arguments[0], arguments[1])
        return NONE
    if name == "__getattr__" and len(arguments) == 1 and isinstance(arguments[0], Constant):
        return ev.instance_attribute(receiver, str(arguments[0].value), node)
    if name == "add_module" and len(arguments) >= 2:
        ev.store_named(receiver, arguments[0], arguments[1])
        return NONE
    if name in ("forward", "call", "__call__"):
        return _inherited_forward(ev, receiver, arguments, node)
    if name in ("children", "modules", "values", "items", "keys"):
        chain = ev.heap.get((receiver.identity, "()"))
        if not isinstance(chain, Chain) or not chain.complete or name == "modules":
            return UNKNOWN
        keys, items = [Constant(key) for key, _ in chain.items], [item for _, item in chain.items]
        if name == "items":
            return Sequence(tuple(Sequence(pair) for pair in zip(keys, items)), "list")
        return Sequence(tuple(keys if name == "keys" else items), "list")
    return opaque(ev, arguments, keywords)


def _inherited_forward(ev: Evaluator, receiver: Instance, arguments: tuple[Value, ...], node: cst.Call) -> Value:
    chain = ev.heap.get((receiver.identity, "()"))
    if isinstance(chain, Chain):
        return apply_chain(ev, chain, arguments, node)
    layer = ev.heap.get((receiver.identity, "(layer)"))
    if isinstance(layer, Layer):
        return apply_layer(ev, layer, arguments, {}, node)
    return opaque(ev, arguments, {})


def _super_method(
    ev: Evaluator,
    receiver: SuperOf,
    name: str,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    node: cst.Call,
) -> Value:
    instance = receiver.instance
    if not isinstance(instance, Instance):
        return UNKNOWN
    for of_super in OF_SUPER:
        given = of_super(ev, instance, name, arguments, keywords, node)
        if given is not None:
            return given
    if name == "__init__":
        base = external_base(receiver.owner)
        if base == "torch.nn.Sequential":
            chain = construct(ev, base, arguments, keywords, node)
            ev.store(instance, "()", chain)
            if isinstance(chain, Chain):
                for key, item in chain.items:
                    ev.store(instance, key, item)
        elif base is not None and is_layer(base):
            layer = construct(ev, base, arguments, keywords, node)
            ev.store(instance, "(layer)", layer)
            if isinstance(layer, Layer):
                for key in (*layer.values, "weight", "bias"):
                    ev.store(instance, key, layer_attribute(layer, key) or UNKNOWN)
        return NONE
    return _inherited_method(ev, instance, name, arguments, keywords, node)


def call_instance(
    ev: Evaluator, callee: Instance, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: cst.Call
) -> Value:
    """The value of calling an object of a class of the file: its ``forward``, ``call`` or ``__call__``."""
    for name in ("forward", "__call__", *(("call",) if callee.of.is_module else ())):
        found = class_attribute(callee.of, name)
        if isinstance(found, Function):
            if name == "call":
                for prepare in BEFORE_CALL:
                    prepare(ev, callee, arguments, keywords, node)
                if "training" in found.defaults and "training" not in keywords and len(arguments) < 2:
                    # Keras gives it.
                    keywords = {**keywords, "training": UNKNOWN}
            return call_function(ev, found, arguments, keywords, callee)
    return _inherited_method(ev, callee, "__call__", arguments, keywords, node)


_CONTAINERS = frozenset({"torch.nn.Sequential", "torch.nn.ModuleDict", "torch.nn.ModuleList"})
"""Bases whose objects are made of other layers."""


def instantiate(
    ev: Evaluator, of: Class, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value:
    """A new object of *of*: its constructor is evaluated."""
    if sum(1 for function in ev.stack if function.owner is not None and function.owner.node is of.node) > 2:
        return UNKNOWN
    instance = Instance(of, new_identity())
    if external_base(of) in _CONTAINERS:
        ev.store(instance, "()", Chain(()))
    constructor = class_attribute(of, "__init__")
    if isinstance(constructor, Function):
        call_function(ev, constructor, arguments, keywords, instance)
    elif of.fields:
        given = dict(zip(of.fields, arguments))
        given.update(keywords)
        for name in of.fields:
            value = given.get(name) or class_attribute(of, name)
            if value is not None:
                ev.store(instance, name, ev.named(name, value, node, OriginKind.CONFIGURATION))
        after = class_attribute(of, "__post_init__")
        if isinstance(after, Function):
            call_function(ev, after, (), {}, instance)
    else:
        _super_method(ev, SuperOf(instance, of), "__init__", arguments, keywords, node)
    ev.instances.setdefault(id(of.node), instance)
    return instance


def _call_lambda(ev: Evaluator, function: Function, arguments: tuple[Value, ...]) -> Value:
    node = function.node
    if len(ev.stack) >= MAXIMUM_DEPTH:
        return UNKNOWN
    outer = ev.frame
    ev.frame = Frame({}, function.frame, function, None, function.owner)
    ev.stack.append(function)
    try:
        for parameter, value in zip(node.params.params, arguments):
            ev.frame.names[parameter.name.value] = value
        return ev.evaluate(node.body)
    finally:
        ev.stack.pop()
        ev.frame = outer


def call_function(
    ev: Evaluator,
    function: Function,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    receiver: Value | None,
) -> Value:
    """The value of calling a function of the file: its body is evaluated with these arguments."""
    active = sum(1 for other in ev.stack if other.node is function.node)
    if active > 1 or len(ev.stack) >= MAXIMUM_DEPTH or (function.decorated and receiver is None and active):
        return opaque(ev, arguments, keywords)
    if function.class_method and receiver is None and function.owner is not None:
        receiver = function.owner
    names = bind(ev, function, arguments, keywords, receiver)
    key: tuple[object, ...] = (
        id(function.node),
        id(receiver) if receiver is not None else 0,
        ev.heap_version,
        ev.evaluating,
        bool(ev.quiet),
        len(ev.loops),
        ev.guards,
        tuple(names.items()),
    )
    try:
        known = ev.memory.get(key)
    except TypeError:
        known, key = None, ()
    if function.frame is not ev.module_frame:
        # It may read names of the function around it, which move: nothing is remembered of it.
        known, key = None, ()
    if known is not None:
        return known
    ev.visited.add(id(function.node))
    outer = ev.frame
    instance = receiver if isinstance(receiver, Instance) else None
    ev.frame = Frame(names, function.frame, function, instance, function.owner)
    ev.stack.append(function)
    statement = ev.statement
    try:
        run_block(ev, function.node.body.body)
        result = ev.frame.returned
        changed = _changed_by(ev.frame, function, receiver)
    finally:
        ev.stack.pop()
        ev.frame = outer
        ev.statement = statement
    ev.changed_arguments = changed
    value = NONE if result is None else result
    if value == NONE and _yields(ev, function):
        value = Repeated(UNKNOWN, GENERATOR)
    if key and not changed:
        ev.memory[key] = value
    return value


def _yields(ev: Evaluator, function: Function) -> bool:
    """Whether *function* is a generator."""
    key = ("yields", id(function.node))
    known = ev.memory.get(key)
    if known is None:
        found = any(isinstance(part, cst.Yield) for part in walk(function.node.body, into_definitions=False))
        known = ev.memory[key] = Constant(found)
    return known == Constant(True)


def _changed_by(frame: Frame, function: Function, receiver: Value | None) -> dict[int | str, Value]:
    """What became of the lists and dicts that a function was given, by their places among its arguments."""
    if not frame.changed:
        return {}
    parameters = function.node.params
    positional = [p.name.value for p in (*parameters.posonly_params, *parameters.params)]
    if receiver is not None and not function.static:
        positional = positional[1:]
    found: dict[int | str, Value] = {}
    for name in frame.changed:
        value = frame.names.get(name, UNKNOWN)
        if name in frame.assigned:
            value = Dictionary({}, "dict", False) if isinstance(value, Dictionary) else Repeated(UNKNOWN)
        found[name] = value
        if name in positional:
            found[positional.index(name)] = value
    return found


def bind(
    ev: Evaluator,
    function: Function,
    arguments: tuple[Value, ...],
    keywords: Mapping[str, Value],
    receiver: Value | None,
) -> dict[str, Value]:
    """Local bindings at the start of *function*; a parameter that was not given has its default."""
    parameters = function.node.params
    names: dict[str, Value] = {}
    positional = [*parameters.posonly_params, *parameters.params]
    values = list(arguments)
    if receiver is not None and not function.static:
        values.insert(0, receiver)
    rest: Value | None = None
    last = values[-1] if values else None
    if isinstance(last, Repeated) and last.kind == "star":
        rest = last.item
        values.pop()
    lost = rest is not None or OTHER_KEYWORDS in keywords
    constructor = function.name == "__init__"
    for index, parameter in enumerate(positional):
        name = parameter.name.value
        if index < len(values):
            names[name] = values[index]
        elif name in keywords:
            names[name] = keywords[name]
        elif name in function.defaults and not lost:
            names[name] = function.defaults[name]
        else:
            names[name] = rest if rest is not None and name not in function.defaults else UNKNOWN
    for parameter in parameters.kwonly_params:
        name = parameter.name.value
        default = UNKNOWN if OTHER_KEYWORDS in keywords else function.defaults.get(name, UNKNOWN)
        names[name] = keywords.get(name, default)
    if isinstance(parameters.star_arg, cst.Param):
        more = tuple(values[len(positional) :])
        name = parameters.star_arg.name.value
        names[name] = Sequence(more, "tuple") if rest is None else Repeated(rest if not more else UNKNOWN, "tuple")
    if parameters.star_kwarg is not None:
        known = {p.name.value for p in (*positional, *parameters.kwonly_params)}
        extra = {name: value for name, value in keywords.items() if name not in known and name != OTHER_KEYWORDS}
        names[parameters.star_kwarg.name.value] = Dictionary(extra, "dict", OTHER_KEYWORDS not in keywords)
    for name, value in names.items():
        if names_batch_size(name) and isinstance(value, Integer) and isinstance(value.dimension, int):
            origin = value.origin
            if origin is None or origin.kind not in (OriginKind.TENSOR, OriginKind.LOOP):
                symbol = Symbol(name, Role.FIXED_BATCH, value.dimension, ("argument", id(function.node), name))
                made = Origin(OriginKind.ARGUMENT, name, origin.node if origin else None)
                ev.origins.setdefault(symbol, made)
                names[name] = Integer(symbol.dimension(), made)
        elif isinstance(value, Integer) and _is_literal(value.origin) and names_input_size(name):
            # Configured with the input's size: what follows from it is not hardcoded.
            names[name] = Integer(value.dimension, Origin(OriginKind.ARGUMENT, name))
        elif value is UNKNOWN and names_data_loader(name):
            names[name] = ev.unknown_loader(name, function.node)
        elif constructor and names_batch_size(name) and value is UNKNOWN:
            names[name] = fixed_argument(ev, function, name)
    return names


def _is_literal(origin: Origin | None) -> bool:
    return origin is None or origin.kind is OriginKind.LITERAL


def fixed_argument(ev: Evaluator, function: Function, name: str) -> Integer:
    """A constructor's batch-size argument that nobody in the file passes: a fixed batch of unknown number."""
    symbol = Symbol(name, Role.FIXED_BATCH, None, ("argument", id(function.node), name))
    origin = Origin(OriginKind.ARGUMENT, name, function.node)
    ev.origins.setdefault(symbol, origin)
    return Integer(symbol.dimension(), origin)


_SIZE_NAME = re.compile(
    r"(?:^|_)(?:dim|dims|size|channels?|features?|hidden|planes|width|height|nf|nc|nz|ch|len|length|heads?|layers?|"
    r"vocab|classes|units|inputs?|outputs?|in|out|num|n|d|k|kernel|stride|padding|depth|embed|embedding)(?:_|$)|"
    r"(?:dim|size|channels|features|planes|heads|layers|classes)$|^(?:num|n|in|out|d)_",
    re.IGNORECASE,
)


_NO_SIZE_NAME = re.compile(
    r"(?:shapes?|tables?|matri(?:x|ces)|weights|initiali[sz]ers?|regulari[sz]ers?|fn|func|function|types?|modes?|names?|"
    r"paths?|format)$",
    re.IGNORECASE,
)
"""Ends of names that are no numbers, whatever else they mention."""


def symbolic_arguments(ev: Evaluator, function: Function) -> dict[str, Value]:
    """Arguments for a constructor that the file never calls: a named size for each parameter that is a number."""
    parameters = function.node.params
    given: dict[str, Value] = {}
    for parameter in (*parameters.posonly_params, *parameters.params[1:], *parameters.kwonly_params):
        name = parameter.name.value
        if name in function.defaults:
            continue
        annotation = parameter.annotation.annotation if parameter.annotation is not None else None
        annotated = annotation.value if isinstance(annotation, cst.Name) else None
        if names_batch_size(name):
            given[name] = fixed_argument(ev, function, name)
        elif annotated == "int" or (annotation is None and _SIZE_NAME.search(name) and not _NO_SIZE_NAME.search(name)):
            symbol = Symbol(name, Role.SIZE, identity=("constructor", id(function.node)))
            given[name] = Integer(symbol.dimension(), Origin(OriginKind.ARGUMENT, name, parameter))
    return given


__all__ = ["ancestors", "apply", "call", "call_function", "canonical", "instantiate", "opaque", "symbolic_arguments"]
