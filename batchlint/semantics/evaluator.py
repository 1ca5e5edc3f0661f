"""The forward abstract interpreter: runs a file's statements over abstract values and tells what it sees.

It never runs the user's code. Unknown stays unknown: a value that is not certain is `UNKNOWN`, which silences rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import libcst as cst

from batchlint.semantics import observations as seen
from batchlint.semantics.batch_names import (
    may_name_batch_size,
    names_batch_size,
    names_data_loader,
    names_loader,
    names_rows,
)
from batchlint.semantics.batching import COUNTER, floor_divisions
from batchlint.semantics.calls import call, call_function, instantiate
from batchlint.semantics.classes import class_attribute, define_class, external_base
from batchlint.semantics.expressions import EXPRESSIONS, LITERALS
from batchlint.semantics.facts import FileFacts
from batchlint.semantics.loaders import dataset_of
from batchlint.semantics.names import MODULE_ATTRIBUTES, canonical
from batchlint.semantics.observations import Context, LoopContext, Observation
from batchlint.semantics.quantities import batch_index, number_of_batches, number_of_samples
from batchlint.semantics.scope import Frame
from batchlint.semantics.statements import run_block
from batchlint.semantics.tensors import operate, subscript, tensor_method
from batchlint.semantics.values import (
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
    Function,
    Instance,
    Integer,
    Layer,
    Loader,
    Number,
    Origin,
    OriginKind,
    Parameter,
    Range,
    Repeated,
    Sequence,
    ShapeOf,
    Source,
    Tensor,
    Unknown,
    Value,
    Zipped,
    element_of,
    join,
    key_of,
    new_identity,
    value_of_key,
)
from batchlint.shapes.dimension import Dimension, Role, Symbol, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

from batchlint.semantics.fixed_batch import FULL_BATCHES

MAXIMUM_UNROLLED = 64
"""Loops over at most so many known elements are run one by one."""


class Tentative:
    """A run of a loop's body that may turn out not to have been the last."""

    accepted = False


class Exhausted(Exception):
    """The file needs more evaluation than it is worth: what was seen so far stands."""


class Evaluator:
    """Evaluates one module.

    Args:
        facts: what one look at the file's `ast` found (batch-size names, writes to attributes, …).
        subscriptions: the operations and kinds of observation that anybody wants.
        sink: is given each observation.
        recorder: is given each expression's node and value, for showing shapes.
        limit: the number of expressions to evaluate at most.
    """

    unknown_shape = UNKNOWN_SHAPE

    def __init__(
        self,
        facts: FileFacts,
        subscriptions: frozenset[str],
        sink: Callable[[Observation], None],
        *,
        recorder: Callable[[cst.CSTNode, Value], None] | None = None,
        limit: int = 60_000,
    ) -> None:
        self.facts = facts
        self.subscriptions = subscriptions
        self.sink = sink
        self.recorder = recorder
        self.remaining = limit
        self.frame = Frame()
        self.module_frame = self.frame
        self.heap: dict[tuple[int, str], Value] = {}
        self.heap_version = 0
        self.perhaps: set[tuple[int, str]] = set()
        self.written: set[str] = set()
        self.changed_arguments: dict[int | str, Value] = {}
        self.stack: list[Function] = []
        self.loops: tuple[LoopContext, ...] = ()
        self.guards: frozenset[str] = frozenset()
        self.conditions: tuple[cst.BaseExpression, ...] = ()
        self.evaluating = False
        self.statement: cst.CSTNode | None = None
        self.module: cst.Module | None = None
        self.star_imports: list[str] = []
        self.origins: dict[Symbol, Origin] = {}
        self.quotients: dict[Dimension, cst.CSTNode] = {}
        self.visited: set[int] = set()
        self.instances: dict[int, Instance] = {}
        self.classes: list[Class] = []
        self.functions: list[Function] = []
        self.memory: dict[Any, Value] = {}
        self.literals: dict[int, Value] = {}
        self.requirements: list[tuple[Parameter | None, Dimension, int, Any]] = []
        self.training_loops: set[int] = set()
        self.quiet = 0
        self.last_context = Context()

    # Evaluation ------------------------------------------------------------------------------------------------------

    def evaluate(self, node: cst.CSTNode) -> Value:
        """The abstract value of the expression *node*.

        Raises:
            Exhausted: the limit is reached.
        """
        kind = node.__class__
        if kind in LITERALS:
            literal = self.literals.get(id(node))
            if literal is None:
                literal = self.literals[id(node)] = LITERALS[kind](node)
            return literal
        handler = EXPRESSIONS.get(kind)
        if handler is None:
            return UNKNOWN
        self.remaining -= 1
        if self.remaining < 0:
            raise Exhausted
        value = handler(self, node)
        if self.recorder is not None:
            self.record(node, value)
        return value

    def record(self, node: cst.CSTNode, value: Value) -> None:
        """Show that *node* is *value*, to whoever wants to know."""
        if self.recorder is not None and not self.quiet:
            self.recorder(node, value)

    def call(self, node: cst.Call) -> Value:
        """The value of a call."""
        return call(self, node)

    def call_function(
        self, function: Function, arguments: tuple[Value, ...], keywords: Mapping[str, Value], receiver: Value | None
    ) -> Value:
        """The value of calling a function of the file."""
        return call_function(self, function, arguments, keywords, receiver)

    def instantiate(self, of: Class, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any) -> Value:
        """A new object of a class of the file."""
        return instantiate(self, of, arguments, keywords, node)

    def operate(
        self, operation: str, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
    ) -> Value:
        """The value of a framework's operation by its canonical name."""
        return operate(self, operation, node, arguments, keywords)

    def tensor_method(
        self, tensor: Tensor, name: str, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
    ) -> Value:
        """The value of ``tensor.name(...)``."""
        return tensor_method(self, tensor, name, node, arguments, keywords)

    def subscript(self, base: Value, items: tuple[Value, ...], node: Any) -> Value:
        """The value of ``base[items]``."""
        return subscript(self, base, items, node)

    # Observation -----------------------------------------------------------------------------------------------------

    def note_quotient(self, quotient: Dimension, node: Any) -> None:
        """Remember where a floor division was made, for rules that speak of it."""
        for part in floor_divisions(quotient):
            self.quotients.setdefault(part, node)

    def observe(
        self, operation: str, node: Any, arguments: Mapping[str, Value], result: Value = UNKNOWN, **more: Any
    ) -> None:
        """Tell the rules that subscribe to *operation*."""
        if operation in self.subscriptions and not self.quiet:
            self.sink(
                Observation(
                    operation, node, arguments, result, self.context(), origins=self.origins, quotients=self.quotients,
                    **more,
                )
            )  # fmt: skip

    def context(self) -> Context:
        """Where the evaluation stands."""
        function, instance = self.frame.function, self.frame.instance
        last = self.last_context
        # Most observations stand where the one before stood.
        if (
            last.loops is self.loops
            and last.conditions is self.conditions
            and last.function is function
            and last.instance is instance
            and last.guards is self.guards
            and last.evaluating is self.evaluating
            and last.scope is not None
        ):
            return last
        self.last_context = Context(
            function,
            instance,
            instance is not None and instance.of.is_module,
            self.loops,
            self.guards,
            self.conditions,
            self.evaluating,
            function.node if function is not None else self.module,
            self.facts.drops_last,
        )
        return self.last_context

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Evaluate without telling anybody."""
        self.quiet += 1
        try:
            yield
        finally:
            self.quiet -= 1

    @contextmanager
    def tentatively(self) -> Iterator[Tentative]:
        """Evaluate, and tell what was seen only if the run is accepted by its end."""
        sink, recorder, memory = self.sink, self.recorder, self.memory
        told: list[Observation] = []
        recorded: list[tuple[cst.CSTNode, Value]] = []
        self.sink = told.append
        if recorder is not None:
            self.recorder = lambda node, value: recorded.append((node, value))
        self.memory = dict(memory)
        run = Tentative()
        try:
            yield run
        finally:
            self.sink, self.recorder = sink, recorder
            if run.accepted:
                for observation in told:
                    sink(observation)
                if recorder is not None:
                    for node, value in recorded:
                        recorder(node, value)
            else:
                self.memory = memory

    # Names -----------------------------------------------------------------------------------------------------------

    def canonical(self, name: str) -> str:
        """The documented name of an imported dotted name."""
        return canonical(name)

    def unbound(self, node: cst.Name) -> Value:
        """A name that nothing in the file binds: perhaps from a star import, a loader or a configuration."""
        name = node.value
        for module in self.star_imports:
            if module.startswith("torch"):
                return External(canonical(f"{module}.{name}"))
        if names_loader(name) and name not in self.facts.bound_names:
            return self.unknown_loader(name, node)
        return UNKNOWN

    def last_name(self, node: cst.BaseExpression) -> str | None:
        """``c`` of ``a.b.c``."""
        if isinstance(node, cst.Name):
            return node.value
        if isinstance(node, cst.Attribute):
            return node.attr.value
        return None

    def configured(self, name: str, node: Any) -> Integer | None:
        """A batch size that a configuration holds, where *name* says that it is one."""
        if not names_batch_size(name):
            return None
        symbol = Symbol(name, Role.FIXED_BATCH, None, ("configuration", name.lower()))
        origin = Origin(OriginKind.CONFIGURATION, name, node)
        self.origins.setdefault(symbol, origin)
        return Integer(symbol.dimension(), origin)

    def named(self, name: str, value: Value, node: Any, kind: OriginKind = OriginKind.CONSTANT) -> Value:
        """*value* as it is once it bears *name*: a number called a batch size becomes a fixed batch."""
        if value is UNKNOWN and names_data_loader(name):
            return self.unknown_loader(name, node)
        if not isinstance(value, Integer) or not isinstance(value.dimension, int) or value.dimension < 1:
            return value
        if not names_batch_size(name):
            function = self.frame.function.name if self.frame.function else None
            in_loader = (function, name) in self.facts.loader_batch_names
            if not in_loader and not (may_name_batch_size(name) and function is None and not self.loops):
                if value.origin is not None and value.origin.kind is OriginKind.LITERAL:
                    return Integer(value.dimension, Origin(OriginKind.CONSTANT, name, value.origin.node))
                return value
        if value.origin is not None and value.origin.kind in (OriginKind.TENSOR, OriginKind.LOOP):
            return value
        scope = id(self.frame.function) if self.frame.function and self.stack else 0
        symbol = Symbol(name, Role.FIXED_BATCH, value.dimension, (kind.value, scope, name))
        origin = Origin(kind, name, node)
        self.origins.setdefault(symbol, origin)
        return Integer(symbol.dimension(), origin)

    def bind_target(self, target: cst.BaseExpression, value: Value, source: Any = None) -> None:
        """Assign *value* to *target*."""
        if isinstance(target, cst.Name):
            value = self.named(target.value, value, target)
            self.frame.bind(target.value, value)
            self.frame.assigned.add(target.value)
            if seen.ASSIGN in self.subscriptions:
                self.observe(seen.ASSIGN, target, {"value": value}, name=target.value)
        elif isinstance(target, cst.Tuple | cst.List):
            self._unpack(target, value)
        elif isinstance(target, cst.Attribute):
            owner = self.evaluate(target.value)
            value = self.named(target.attr.value, value, target)
            if isinstance(owner, Instance):
                self.store_named(owner, Constant(target.attr.value), value)
            elif owner is UNKNOWN:
                self.written.add(target.attr.value)
            if seen.ASSIGN in self.subscriptions:
                self.observe(seen.ASSIGN, target, {"value": value}, name=target.attr.value)
        elif isinstance(target, cst.Subscript):
            self._store_item(target, value)
        elif isinstance(target, cst.StarredElement):
            self.bind_target(target.value, Repeated(value))

    def _store_item(self, target: cst.Subscript, value: Value) -> None:
        base = self.evaluate(target.value)
        if isinstance(base, Tensor | Batch):
            with_items = self.evaluate(target)
            self.observe(seen.CALL, target, {"callee": Constant("__setitem__"), "base": base, "value": value})
            if isinstance(with_items, Tensor) and isinstance(value, Tensor):
                from batchlint.semantics.tensors import look_for_conflict

                look_for_conflict(self, "torch.Tensor.copy", target, (with_items, value))
        elif isinstance(base, Dictionary | Sequence | Repeated) and isinstance(
            target.value, cst.Name | cst.Attribute | cst.Subscript
        ):
            index = target.slice[0].slice
            key = self.evaluate(index.value) if isinstance(index, cst.Index) else UNKNOWN
            self.change_in_place(target.value, self._with_item(base, key, value, target))

    def change_in_place(self, target: cst.BaseExpression, value: Value) -> None:
        """The list or dict that *target* names is *value* from now on, under whatever other names it has."""
        if isinstance(target, cst.Name):
            holder: Frame | None = self.frame
            while holder is not None and target.value not in holder.names:
                holder = holder.enclosing
            if holder is self.frame or holder is None:
                self.frame.changed.add(target.value)
                self.frame.bind(target.value, value)
            else:
                # Whether and how often the function is called is another question: either state is possible.
                holder.names[target.value] = join(holder.names[target.value], value)
        elif isinstance(target, cst.Attribute | cst.Subscript):
            with self.quietly():
                self.bind_target(target, value)

    def _with_item(self, base: Dictionary | Sequence | Repeated, key: Value, value: Value, target: Any) -> Value:
        """*base* after ``base[key] = value``."""
        if isinstance(base, Dictionary):
            name = key_of(key)
            if name is None:
                return Dictionary({}, base.kind, False)
            if isinstance(name, str):
                value = self.named(name, value, target, OriginKind.CONFIGURATION)
            return Dictionary({**base.items, name: value}, base.kind, base.complete)
        index = key.dimension if isinstance(key, Integer) else None
        if isinstance(base, Sequence) and isinstance(index, int) and -len(base.items) <= index < len(base.items):
            index %= len(base.items)
            return Sequence((*base.items[:index], value, *base.items[index + 1 :]), base.kind)
        return Repeated(UNKNOWN, base.kind)

    def _unpack(self, target: cst.Tuple | cst.List, value: Value) -> None:
        elements = target.elements
        names = [e.value.value if isinstance(e.value, cst.Name) else "?" for e in elements]
        starred = [i for i, e in enumerate(elements) if isinstance(e, cst.StarredElement)]
        if isinstance(value, ShapeOf):
            items = self._unpack_shape(value, names, starred)
        elif isinstance(value, Sequence):
            items = value.items
        elif isinstance(value, Batch):
            items = self._parts(value, len(elements))
        elif isinstance(value, Tensor) and value.opaque:
            items = tuple(Tensor(UNKNOWN_SHAPE, value.sources, value.marks, opaque=True) for _ in elements)
        elif isinstance(value, Tensor):
            row = self.subscript(value, (Integer(0),), target)
            items = tuple(row for _ in elements)
        elif isinstance(value, Repeated):
            items = tuple(value.item for _ in elements)
        else:
            items = tuple(UNKNOWN for _ in elements)
        if starred:
            head, after = starred[0], len(elements) - starred[0] - 1
            if isinstance(value, Repeated | ShapeOf | Tensor | Batch):
                # One item stands for each element, and the starred one for any number.
                items = (*items[:head], Repeated(items[head]), *items[head + 1 :])
            elif len(items) < head + after:
                items = tuple(UNKNOWN for _ in elements)
            else:
                end = len(items) - after
                middle: Value = Sequence(items[head:end], "list")
                items = (*items[:head], middle, *items[end:])
        if len(items) != len(elements):
            items = tuple(UNKNOWN for _ in elements)
        for element, item in zip(elements, items):
            self.bind_target(element.value, item)

    def _parts(self, batch: Batch, count: int) -> tuple[Value, ...]:
        if batch.parts is not None and len(batch.parts.items) == count:
            return batch.parts.items
        return tuple(batch.tensor for _ in range(count))

    def _unpack_shape(self, value: ShapeOf, names: list[str], starred: list[int]) -> tuple[Value, ...]:
        tensor = value.tensor
        origin = Origin(OriginKind.TENSOR, None, None, tensor)
        if starred:
            found = []
            for i, name in enumerate(names):
                known = None if i == starred[0] else _maybe(tensor.shape, i if i < starred[0] else i - len(names))
                found.append(Integer(unknown(name, minimum=0) if known is None else known, origin))
            return tuple(found)
        dimensions: list[Dimension] = []
        leading, trailing, count = tensor.shape.leading, tensor.shape.trailing, len(names)
        for i, name in enumerate(names):
            if i < len(leading):
                dimensions.append(leading[i])
            elif count - i <= len(trailing):
                dimensions.append(trailing[i - count])
            elif i == 0 and names_rows(name):
                identity = (tensor.parameter or id(value), "batch")
                dimensions.append(Symbol(name if name != "_" else "B", Role.BATCH, identity=identity).dimension())
            else:
                dimensions.append(unknown(name if name not in ("_", "?") else "?"))
        shape = Shape(tuple(dimensions))
        if tensor.parameter is not None:
            self.refine(tensor.parameter, shape)
        return tuple(Integer(d, Origin(OriginKind.TENSOR, None, None, tensor)) for d in dimensions)

    def refine(self, parameter: Parameter, shape: Shape) -> None:
        """Every local that still is the unchanged argument *parameter* now has *shape*."""
        names = self.frame.names
        for name, value in names.items():
            if isinstance(value, Tensor) and value.parameter == parameter and not value.shape.exact:
                names[name] = Tensor(
                    shape, value.sources, value.marks, value.boolean, parameter, value.quantity, value.array,
                    value.loader, False,
                )  # fmt: skip

    # Objects ---------------------------------------------------------------------------------------------------------

    def store(self, instance: Instance, name: str, value: Value) -> None:
        """``instance.name = value``."""
        self.heap[(instance.identity, name)] = value
        self.heap_version += 1

    def store_named(self, instance: Instance, name: Value, value: Value) -> str | None:
        """``setattr(instance, name, value)``; the name, where it is known."""
        known = name.value if isinstance(name, Constant) and isinstance(name.value, str) else None
        if known is not None:
            self.store(instance, known, value)
        else:
            self.perhaps.add((instance.identity, "*"))
            self.heap_version += 1
        chain = self.heap.get((instance.identity, "()"))
        if isinstance(chain, Chain):
            self.store(instance, "()", _with_part(chain, known, value))
        return known

    def instance_attribute(self, instance: Instance, name: str, node: Any) -> Value:
        """``instance.name``: what was stored, else what its class has."""
        value = self.heap.get((instance.identity, name))
        if value is not None:
            if names_batch_size(name) and isinstance(value, Integer) and self.facts.written_elsewhere(name):
                return UNKNOWN
            if name in self.written and not names_batch_size(name):
                return UNKNOWN
            return value
        found = self.class_attribute(instance.of, name)
        if isinstance(found, Function):
            if found.is_property:
                return self.call_function(found, (), {}, instance)
            if found.static:
                return found
            return BoundMethod(instance, found, node)
        if found is not None:
            return found
        if name == "training":
            return UNKNOWN
        if names_batch_size(name) and instance.of.is_module and not self.facts.written_elsewhere(name):
            return UNKNOWN
        if name in ("hparams", "args", "config", "cfg", "opt"):
            return Dictionary({}, "configuration", False)
        if names_loader(name):
            return self.unknown_loader(name, node)
        return BoundMethod(instance, name, node)

    def has_attribute(self, value: Value, name: str) -> bool | None:
        """Whether *value* has the attribute *name*, ``None`` where that is not known."""
        if not isinstance(value, Instance):
            return None
        if (value.identity, name) in self.heap:
            return None if (value.identity, name) in self.perhaps else True
        if self.class_attribute(value.of, name) is not None:
            return True
        if (value.identity, "*") in self.perhaps:
            return None
        plain = external_base(value.of) in (None, "torch.nn.Module") and not hasattr(object, name)
        return False if plain and value.of.is_module and name not in MODULE_ATTRIBUTES else None

    def class_attribute(self, of: Class, name: str) -> Value | None:
        """What *of* or a base of it in the file has under *name*."""
        return class_attribute(of, name)

    def define(self, node: cst.FunctionDef, owner: Class | None) -> Function:
        """The function that a ``def`` makes."""
        defaults: dict[str, Value] = {}
        parameters = node.params
        for parameter in (*parameters.posonly_params, *parameters.params, *parameters.kwonly_params):
            if parameter.default is not None:
                with self.quietly():
                    defaults[parameter.name.value] = self.evaluate(parameter.default)
        marks = {self._decorator(d.decorator) for d in node.decorators}
        function = Function(
            node.name.value,
            node,
            self.frame,
            defaults,
            owner,
            "staticmethod" in marks,
            "classmethod" in marks,
            bool(marks & {"property", "cached_property", "lazy_property"}),
            bool(marks - {"staticmethod", "classmethod", "property", "no_grad", "inference_mode", "override", "script",
                          "jit_ignore", "autocast", "typechecked", "export", "unused", "ignore"}),
        )  # fmt: skip
        self.functions.append(function)
        return function

    def _decorator(self, node: cst.BaseExpression) -> str:
        if isinstance(node, cst.Call):
            node = node.func
        return self.last_name(node) or "?"

    def define_class(self, node: cst.ClassDef) -> Class:
        """The class that a ``class`` statement makes."""
        return define_class(self, node)

    # Iteration -------------------------------------------------------------------------------------------------------

    def spread(self, value: Value) -> tuple[Value, ...] | None:
        """The elements of *value* where each is known, ``None`` otherwise."""
        if isinstance(value, Sequence):
            return value.items
        if isinstance(value, Constant) and isinstance(value.value, str) and len(value.value) <= MAXIMUM_UNROLLED:
            return tuple(Constant(c) for c in value.value)
        if isinstance(value, Dictionary) and value.complete:
            return tuple(value_of_key(key) for key in value.items)
        return self.unrolled(value)

    def unrolled(self, value: Value) -> tuple[Value, ...] | None:
        """The elements of *value* where they are known and few, ``None`` otherwise."""
        if isinstance(value, Sequence):
            return value.items if len(value.items) <= MAXIMUM_UNROLLED else None
        if isinstance(value, Constant) and isinstance(value.value, str) and len(value.value) <= MAXIMUM_UNROLLED:
            return tuple(Constant(character) for character in value.value)
        if isinstance(value, Range):
            start, stop, step = value.start.dimension, value.stop.dimension, value.step.dimension
            if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
                numbers = range(start, stop, step)
                if len(numbers) <= 12 or (len(numbers) <= MAXIMUM_UNROLLED and self.builds()):
                    return tuple(Integer(n, Origin(OriginKind.LOOP, None, None, value)) for n in numbers)
            return None
        if isinstance(value, Enumerated):
            inner = self.unrolled(value.inner)
            if inner is None:
                return None
            origin = Origin(OriginKind.LOOP)
            if value.start is None:
                return tuple(Sequence((Integer(unknown("i", minimum=0), origin), item)) for item in inner)
            return tuple(Sequence((Integer(i, origin), item)) for i, item in enumerate(inner, value.start))
        if isinstance(value, Zipped):
            parts = [self.unrolled(part) for part in value.inner]
            if any(part is None for part in parts):
                return None
            return tuple(Sequence(tuple(items)) for items in zip(*(part or () for part in parts)))
        if isinstance(value, BoundMethod) and value.function == "items" and isinstance(value.receiver, Dictionary):
            return None
        return None

    def builds(self) -> bool:
        """Whether a constructor is being evaluated: its loops make layers, so each round counts."""
        return any(function.name == "__init__" or function.name.startswith(("_make", "make", "build"))
                   for function in self.stack)  # fmt: skip

    def rounds_worth_counting(self, test: cst.BaseExpression) -> int:
        """How many rounds of a ``while`` loop to run one by one, as long as *test* is known."""
        literal = isinstance(test, cst.Integer) or (isinstance(test, cst.Name) and test.value == "True")
        return MAXIMUM_UNROLLED if self.builds() and not literal else 0

    def iterate(self, value: Value) -> Value:
        """What one element of *value* is."""
        if isinstance(value, Loader):
            return self.batch_of(value)
        if isinstance(value, Enumerated):
            loader = _loader_in(value.inner)
            index = unknown("i", minimum=0) if loader is None else batch_index(loader)
            counter = Integer(index, Origin(OriginKind.LOOP, None, None, value))
            return Sequence((counter, self.iterate(value.inner)))
        if isinstance(value, Zipped):
            return Sequence(tuple(self.iterate(part) for part in value.inner))
        if isinstance(value, Range):
            symbol = Symbol("i", identity=(COUNTER, value.identity, len(self.loops)), minimum=0)
            return Integer(symbol.dimension(), Origin(OriginKind.LOOP, None, None, value))
        if isinstance(value, Batch):
            return self.part_of(value, None)
        if isinstance(value, Tensor):
            if value.opaque:
                return Tensor(UNKNOWN_SHAPE, value.sources, opaque=True)
            return self.subscript(value, (Integer(unknown("i", minimum=0), Origin(OriginKind.LOOP)),), None)
        if isinstance(value, Dataset):
            return UNKNOWN
        return element_of(value)

    def runs_at_least_once(self, iterable: Value) -> bool:
        """Whether a loop over *iterable* is taken to run: sizes and loaders are not empty."""
        return not isinstance(iterable, Unknown | Constant)

    def length_of(self, value: Value) -> Integer | None:
        """``len(value)``, ``None`` where nothing is known."""
        if isinstance(value, Sequence):
            return Integer(len(value.items), Origin(OriginKind.DERIVED))
        if isinstance(value, Repeated) and value.length is not None:
            return Integer(value.length, Origin(OriginKind.DERIVED))
        if isinstance(value, Batch):
            return self.length_of(value.tensor) if value.parts is None else None
        if isinstance(value, Tensor):
            first = value.shape.dimension(0) if value.shape.leading else None
            if first is None:
                first = Symbol("len", Role.SIZE, identity=("len", value.parameter or id(value))).dimension()
            return Integer(first, Origin(OriginKind.TENSOR, None, None, value))
        if isinstance(value, Loader):
            return Integer(number_of_batches(value), Origin(OriginKind.LOADER_LENGTH, None, None, value))
        if isinstance(value, Dataset):
            return Integer(number_of_samples(value), Origin(OriginKind.DATASET_LENGTH, None, None, value))
        if isinstance(value, Instance) and class_attribute(value.of, "__getitem__") is not None:
            return self.length_of(dataset_of(value))
        if isinstance(value, ShapeOf) and value.tensor.shape.exact:
            return Integer(len(value.tensor.shape.leading))
        if isinstance(value, Layer | Dictionary) and isinstance(value, Dictionary) and value.complete:
            return Integer(len(value.items))
        return None

    @contextmanager
    def loop(self, node: Any, iterable: Value, target: cst.BaseExpression | None) -> Iterator[None]:
        """Evaluate inside of a loop."""
        kept = self.loops
        loop = LoopContext(node, iterable, _loader_in(iterable), _names_in(target), len(self.conditions))
        self.loops = (*kept, loop)
        try:
            yield
        finally:
            self.loops = kept

    def loop_loader(self) -> Loader | None:
        """The loader that the innermost loop over a loader draws from."""
        for loop in reversed(self.loops):
            if loop.loader is not None:
                return loop.loader
        return None

    def note_training(self) -> None:
        """The loops that enclose this take steps of training."""
        self.training_loops.update(id(loop.node) for loop in self.loops)

    # Loaders ---------------------------------------------------------------------------------------------------------

    def unknown_loader(self, name: str, node: Any) -> Loader:
        """A loader that the file only uses: what its name says, and nothing else."""
        key = ("loader", name)
        known = self.memory.get(key)
        if isinstance(known, Loader):
            return known
        loader = Loader(new_identity(), UNKNOWN, None, None, None, node, given=False)
        self.memory[key] = loader
        return loader

    def batch_dimension(self, loader: Loader) -> Dimension:
        """The rows of a batch that *loader* gives: its batch size where no batch is shorter."""
        size = loader.batch_size
        if size is not None and isinstance(size.dimension, int) and size.dimension == 1:
            return 1
        if loader.drop_last:
            return Symbol("B", Role.BATCH, identity=(FULL_BATCHES, loader.identity)).dimension()
        return Symbol("B", Role.BATCH, identity=("loader", loader.identity)).dimension()

    def batch_of(self, loader: Loader) -> Value:
        """What *loader* gives each time."""
        from batchlint.semantics.loaders import batch_of

        return batch_of(self, loader)

    def part_of(self, batch: Batch, key: Any) -> Value:
        """``batch[key]`` or ``batch.key``."""
        if batch.parts is not None and isinstance(key, int) and -len(batch.parts.items) <= key < len(batch.parts.items):
            return batch.parts.items[key]
        return batch.tensor

    # Truth -----------------------------------------------------------------------------------------------------------

    def truth(self, value: Value) -> bool | None:
        """Whether *value* is true, ``None`` where that is not known."""
        if isinstance(value, Constant):
            return bool(value.value)
        if isinstance(value, Integer) and isinstance(value.dimension, int):
            return bool(value.dimension)
        if isinstance(value, Sequence):
            return bool(value.items)
        if isinstance(value, Layer | Instance | Function | Class):
            return True
        if isinstance(value, Chain) and (value.complete or value.items):
            return bool(value.items)
        return None

    # Running ---------------------------------------------------------------------------------------------------------

    def run_module(self, module: cst.Module) -> None:
        """Evaluate the module's own statements, top to bottom."""
        self.module = module
        try:
            run_block(self, module.body)
        except Exhausted:
            self.remaining = 20_000
        self._reset()

    def _reset(self) -> None:
        self.frame = self.module_frame
        self.frame.finished = False
        self.stack, self.loops, self.conditions = [], (), ()
        self.guards, self.evaluating, self.quiet = frozenset(), False, 0

    def enter(self, run: Callable[[], None]) -> None:
        """Run one entry point with its own bound on work."""
        self._reset()
        self.remaining = min(self.remaining, 40_000)
        budget = self.remaining
        try:
            run()
        except Exhausted:
            self.remaining = budget // 2
        finally:
            self._reset()

    def input_tensor(self, function: Function, name: str, leading_batch: bool) -> Tensor:
        """What an argument of an entry point is: a tensor with the batch first, or one of which nothing is known."""
        parameter = Parameter(id(function.node), name)
        shape = UNKNOWN_SHAPE
        if leading_batch:
            shape = Shape((Symbol("B", Role.BATCH, identity=("input", parameter.function)).dimension(),), (), False)
        return Tensor(shape, frozenset({Source.INPUT}), parameter=parameter, opaque=not leading_batch)


def _with_part(chain: Chain, name: str | None, value: Value) -> Chain:
    """What a container of layers is made of after *value* was set on it as an attribute."""
    if isinstance(value, Constant | Integer | Number | Tensor | Sequence | Function | BoundMethod | Dictionary):
        return chain
    if name is None or isinstance(value, Unknown | Repeated):
        return Chain(chain.items, False)
    names = [each for each, _ in chain.items]
    if name in names:
        return Chain(tuple((each, value if each == name else part) for each, part in chain.items), chain.complete)
    return Chain((*chain.items, (name, value)), chain.complete)


def _loader_in(value: Value) -> Loader | None:
    while isinstance(value, Enumerated):
        value = value.inner
    if isinstance(value, Loader):
        return value
    if isinstance(value, Zipped):
        for part in value.inner:
            loader = _loader_in(part)
            if loader is not None:
                return loader
    return None


def _maybe(shape: Shape, axis: int) -> Dimension | None:
    try:
        return shape.dimension(axis)
    except ShapeMismatch:
        return None


def _names_in(target: cst.BaseExpression | None) -> tuple[str, ...]:
    if isinstance(target, cst.Name):
        return (target.value,)
    if isinstance(target, cst.Tuple | cst.List):
        return tuple(name for element in target.elements for name in _names_in(element.value))
    return ()
