"""The forward abstract interpreter: runs a file's statements over abstract values and tells what it sees.

It never runs the user's code. Unknown stays unknown: a value that is not certain is `UNKNOWN`, which silences rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import libcst as cst

from batchlint.semantics.batch_names import (
    may_name_batch_size,
    names_batch_size,
    names_data_loader,
    names_loader,
)
from batchlint.semantics.batching import floor_divisions
from batchlint.semantics.binding import bind_target, change_in_place, refine
from batchlint.semantics.calls import apply, call, call_function, instantiate
from batchlint.semantics.classes import class_attribute, define_class, external_base
from batchlint.semantics.expressions import EXPRESSIONS, LITERALS
from batchlint.semantics.facts import FileFacts
from batchlint.semantics.fixed_batch import FULL_BATCHES
from batchlint.semantics.frameworks import load_tables
from batchlint.semantics.iteration import MAXIMUM_UNROLLED, iterate, length_of, loader_in, spread, unrolled
from batchlint.semantics.loaders import batch_of
from batchlint.semantics.names import MODULE_ATTRIBUTES, canonical
from batchlint.semantics.observations import CONFLICT, Context, LoopContext, Observation
from batchlint.semantics.scope import Frame
from batchlint.semantics.statements import run_block
from batchlint.semantics.syntax import walk
from batchlint.semantics.tensors import made_outside_torch, operate, subscript, tensor_method
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    BoundMethod,
    Chain,
    Class,
    Constant,
    Dictionary,
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
    Repeated,
    Sequence,
    Source,
    Tensor,
    Unknown,
    Value,
    new_identity,
)
from batchlint.shapes.dimension import Dimension, Role, Symbol
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape


class Tentative:
    """A run of a loop's body that may turn out not to have been the last.

    Attributes:
        accepted: whether it was.
        happens: whether it is the loop's first round, which is as it was seen whatever later ones are.
    """

    accepted = False
    happens = False


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
        self.frameworks: set[str] = set()
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
        self.postponed: dict[int, Observation] = {}
        self.withdrawn: set[int] = set()
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

    def apply(self, callee: Value, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any) -> Value:
        """The value of calling *callee*."""
        return apply(self, callee, arguments, keywords, node)

    def call_function(
        self, function: Function, arguments: tuple[Value, ...], keywords: Mapping[str, Value], receiver: Value | None
    ) -> Value:
        """The value of calling a function of the file."""
        return call_function(self, function, arguments, keywords, receiver)

    def instantiate(self, of: Class, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any) -> Value:
        """A new object of a class of the file."""
        return instantiate(self, of, arguments, keywords, node)

    def operate(self, operation: str, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
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

    def postpone(self, operation: str, node: Any, arguments: Mapping[str, Value]) -> None:
        """Tell the rules that subscribe to *operation* when the file has been read, unless it is withdrawn by then."""
        if operation in self.subscriptions and not self.quiet:
            made = Observation(operation, node, arguments, UNKNOWN, self.context(), origins=self.origins)
            self.postponed.setdefault(id(node), made)

    def withdraw(self, node: Any) -> None:
        """What was postponed at *node* is not so after all."""
        self.withdrawn.add(id(node))

    def tell_postponed(self) -> None:
        """Tell what was postponed and not withdrawn."""
        for key, observation in self.postponed.items():
            if key not in self.withdrawn:
                self.sink(observation)
        self.postponed.clear()

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
            self.facts,
            frozenset(self.frameworks),
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
                for observation in told if run.happens else ():
                    if observation.operation == CONFLICT and made_outside_torch(observation):
                        sink(observation)

    # Names -----------------------------------------------------------------------------------------------------------

    def canonical(self, name: str) -> str:
        """The documented name of an imported dotted name."""
        return canonical(name)

    def note_import(self, module: str) -> None:
        """The file imports *module*: what is known of its framework is loaded."""
        self.frameworks.add("tensorflow" if load_tables(module) else module.partition(".")[0])

    def has_static_shapes(self, tensor: Tensor) -> bool:
        """Whether a size read from *tensor* is that of a graph, which is fixed when the graph is built."""
        if tensor.array or "tensorflow" not in self.frameworks:
            return False
        if "torch" not in self.frameworks:
            return True
        instance = self.frame.instance
        base = None if instance is None else external_base(instance.of)
        return base is not None and base.startswith(("keras.", "tensorflow."))

    def unbound(self, node: cst.Name) -> Value:
        """A name that nothing in the file binds: perhaps from a star import, a loader or a configuration."""
        name = node.value
        for module in self.star_imports:
            if module.startswith("torch"):
                return External(canonical(f"{module}.{name}"))
            dotted = canonical(f"{module}.{name}")
            if dotted.startswith(("keras.", "tensorflow.")) and name not in self.facts.bound_names:
                return External(dotted)
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
        bind_target(self, target, value, source)

    def change_in_place(self, target: cst.BaseExpression, value: Value) -> None:
        """The list or dict that *target* names is *value* from now on, under whatever other names it has."""
        change_in_place(self, target, value)

    def refine(self, parameter: Parameter, shape: Shape) -> None:
        """Every local that still is the unchanged argument *parameter* now has *shape*."""
        refine(self, parameter, shape)

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
        if self.facts.attribute_writes.get(name) == 1 and self.facts.written_elsewhere(name):
            number = self._written_once(instance.of, name)
            if number is not None:
                return number
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

    def _written_once(self, of: Class, name: str) -> Value | None:
        """The number that a method other than the constructor sets a batch size to, where the file sets it once."""
        if "tensorflow" not in self.frameworks:
            return None
        key = ("written once", id(of.node), name)
        if key not in self.memory:
            self.memory[key] = UNKNOWN
            for part in walk(of.node):
                if isinstance(part, cst.Assign) and isinstance(part.value, cst.Integer) and len(part.targets) == 1:
                    target = part.targets[0].target
                    if isinstance(target, cst.Attribute) and target.attr.value == name:
                        self.memory[key] = self.named(name, self.evaluate(part.value), target)
        known = self.memory[key]
        return known if isinstance(known, Integer) else None

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
        for each in node.decorators:
            if isinstance(each.decorator, cst.Call) and self._decorator(each.decorator) == "function":
                # `tf.function(input_signature=...)`
                self.evaluate(each.decorator)
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
        return spread(self, value)

    def unrolled(self, value: Value) -> tuple[Value, ...] | None:
        """The elements of *value* where they are known and few, ``None`` otherwise."""
        return unrolled(self, value)

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
        return iterate(self, value)

    def runs_at_least_once(self, iterable: Value) -> bool:
        """Whether a loop over *iterable* is taken to run: sizes and loaders are not empty."""
        return not isinstance(iterable, Unknown | Constant)

    def length_of(self, value: Value) -> Integer | None:
        """``len(value)``, ``None`` where nothing is known."""
        return length_of(self, value)

    @contextmanager
    def loop(self, node: Any, iterable: Value, target: cst.BaseExpression | None) -> Iterator[None]:
        """Evaluate inside of a loop."""
        kept = self.loops
        loop = LoopContext(node, iterable, loader_in(iterable), _names_in(target), len(self.conditions))
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
        if loader.drop_last or loader.endless:
            return Symbol("B", Role.BATCH, identity=(FULL_BATCHES, loader.identity)).dimension()
        return Symbol("B", Role.BATCH, identity=("loader", loader.identity)).dimension()

    def batch_of(self, loader: Loader) -> Value:
        """What *loader* gives each time."""
        return batch_of(self, loader)

    def part_of(self, batch: Batch, key: Any) -> Value:
        """``batch[key]`` or ``batch.key``."""
        if batch.parts is not None and isinstance(key, int) and -len(batch.parts.items) <= key < len(batch.parts.items):
            return batch.parts.items[key]
        parameter = batch.tensor.parameter
        if parameter is not None and key is not None:
            # Each part is an argument of its own.
            return replace(batch.tensor, parameter=Parameter(parameter.function, f"{parameter.name}[{key}]"))
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
            self.postponed.clear()
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
            # What would have withdrawn it may stand in what was not read.
            self.postponed.clear()
        finally:
            self._reset()

    def input_tensor(self, function: Function, name: str, leading_batch: bool) -> Tensor:
        """What an argument of an entry point is: a tensor with the batch first, or one of which nothing is known."""
        parameter = Parameter(id(function.node), name)
        shape = UNKNOWN_SHAPE
        if leading_batch:
            shape = Shape((Symbol("B", Role.BATCH, identity=("input", parameter.function)).dimension(),), (), False)
        return Tensor(shape, frozenset({Source.INPUT}), parameter=parameter, opaque=not leading_batch)


def _names_in(target: cst.BaseExpression | None) -> tuple[str, ...]:
    if isinstance(target, cst.Name):
        return (target.value,)
    if isinstance(target, cst.Tuple | cst.List):
        return tuple(name for element in target.elements for name in _names_in(element.value))
    return ()


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
