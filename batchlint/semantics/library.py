"""Functions that the evaluator knows by name: Python's own, and the few of the framework that are not about shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.arithmetic import as_number
from batchlint.semantics.kinds import is_instance
from batchlint.semantics.quantities import total_of
from batchlint.semantics.tensors import argument_for_shapes, as_value, fixed_role, opaque
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Batch,
    BoundMethod,
    Chain,
    Class,
    Constant,
    Dictionary,
    Enumerated,
    External,
    Function,
    Instance,
    Integer,
    Layer,
    Loader,
    Mark,
    MarkKind,
    Number,
    Origin,
    OriginKind,
    Partial,
    Range,
    Repeated,
    Sequence,
    ShapeOf,
    SliceValue,
    Source,
    Tensor,
    Value,
    Zipped,
    element_of,
)
from batchlint.shapes.dimension import Dimension, Expression, Role, Symbol, floor_divide, product, unknown
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

Handler = Callable[["Evaluator", Any, tuple[Value, ...], Mapping[str, Value]], Value]
LIBRARY: dict[str, Handler] = {}
"""Canonical name to what calling it gives."""


def handles(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler for each canonical name."""

    def register(handler: Handler) -> Handler:
        for name in names:
            LIBRARY[name] = handler
        return handler

    return register


def _first(arguments: tuple[Value, ...]) -> Value:
    return arguments[0] if arguments else UNKNOWN


@handles("builtins.len")
def _len(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    length = ev.length_of(_first(arguments))
    return Integer(unknown("n", minimum=0), Origin(OriginKind.LENGTH)) if length is None else length


@handles("builtins.range", "builtins.xrange", "six.moves.range", "six.moves.xrange", "past.builtins.xrange")
def _range(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    values = [a if isinstance(a, Integer) else Integer(unknown(minimum=0)) for a in arguments]
    zero, one = Integer(0), Integer(1)
    if len(values) == 1:
        return Range(zero, values[0], one)
    if len(values) == 2:
        return Range(values[0], values[1], one)
    return Range(values[0], values[1], values[2]) if len(values) == 3 else UNKNOWN


@handles("tqdm.trange", "tqdm.tqdm.trange", "tqdm.auto.trange", "tqdm.notebook.trange")
def _trange(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _range(ev, node, arguments, {})


@handles("builtins.enumerate")
def _enumerate(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    start = arguments[1] if len(arguments) > 1 else keywords.get("start", Integer(0))
    number = as_number(start)
    return Enumerated(_first(arguments), number if isinstance(number, int) else None)


@handles("builtins.zip", "itertools.zip_longest")
def _zip(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    zipped = Zipped(arguments)
    if ev.last_name(node.func) == "zip":
        ev.observe("builtins.zip", node, {}, zipped, name="builtins.zip", positional=arguments)
    return zipped


@handles("itertools.islice")
def _islice(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    ev.observe("itertools.islice", node, {}, name="itertools.islice", positional=arguments)
    return opaque(ev, arguments, keywords)


_HANDED_ON = """
    builtins.iter tqdm.tqdm tqdm
    tqdm.auto.tqdm tqdm.notebook.tqdm tqdm.tqdm_notebook
    itertools.cycle tqdm.std.tqdm rich.progress.track
    copy.copy copy.deepcopy torch.autograd.Variable
    torch.Variable torch.compile torch.jit.script
    torch.nn.utils.weight_norm torch.nn.utils.spectral_norm torch.nn.utils.parametrizations.weight_norm
    torch.nn.utils.parametrizations.spectral_norm torch.nn.DataParallel torch.nn.parallel.DataParallel
    torch.nn.parallel.DistributedDataParallel torch.nn.parallel.data_parallel.DataParallel torch.jit.trace_module
"""


@handles(*_HANDED_ON.split())
def _same(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if not arguments:
        for name in ("iterable", "data", "module", "sequence"):
            if name in keywords:
                return keywords[name]
    if isinstance(value, Tensor):
        return Tensor(
            value.shape, value.sources, value.marks, value.boolean, value.parameter, value.quantity, False,
            value.loader, value.opaque,
        )  # fmt: skip
    return value


@handles("builtins.reversed")
def _reversed(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    items = None if isinstance(value, Tensor | Batch) else ev.spread(value)
    return value if items is None else Sequence(items[::-1], "list")


@handles("builtins.sorted")
def _sorted(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    items = ev.spread(value)
    if items is None:
        return value
    keys = [item.value if isinstance(item, Constant) else as_number(item) for item in items]
    if keywords or any(key is None for key in keys) or len({isinstance(key, str) for key in keys}) > 1:
        return Repeated(element_of(Sequence(items)), "list")
    order: list[Any] = [(key, i) for i, key in enumerate(keys)]
    return Sequence(tuple(items[i] for _, i in sorted(order)), "list")


@handles("torch.as_tensor", "torch.asarray", "torch.from_numpy", "numpy.ascontiguousarray")
def _as_tensor(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    same = isinstance(_first(arguments), Tensor | Batch | type(UNKNOWN))
    return (_same if same else _tensor)(ev, node, arguments, keywords)


@handles("builtins.next")
def _next(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if isinstance(value, Loader):
        return next_batch(ev, value, node.args[0].value)
    return ev.iterate(value)


def next_batch(ev: Evaluator, loader: Loader, iterator: Any) -> Value:
    """What ``next(iterator)`` gives: the first batch, unless a loop draws from one iterator until it ends."""
    import libcst as cst

    if ev.loops and isinstance(iterator, cst.Name | cst.Attribute):
        return ev.batch_of(loader)
    return first_batch(ev, loader)


def first_batch(ev: Evaluator, loader: Loader) -> Value:
    """The first batch of *loader*: never the short one."""
    if loader.batch_size is None:
        return UNKNOWN
    return loaders.batch_of(ev, loader, loader.batch_size.dimension)


@handles("builtins.list", "builtins.tuple")
def _list(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if not arguments:
        return Sequence((), "tuple" if ev.last_name(node.func) == "tuple" else "list")
    value = arguments[0]
    if isinstance(value, ShapeOf | Loader):
        return value if isinstance(value, ShapeOf) else UNKNOWN
    spread = ev.spread(value)
    if spread is not None:
        return Sequence(spread, "tuple" if ev.last_name(node.func) == "tuple" else "list")
    if isinstance(value, Range | Enumerated | Zipped):
        return Repeated(ev.iterate(value), "list")
    if isinstance(value, Repeated):
        return Repeated(value.item, "list", value.length)
    return UNKNOWN


@handles("collections.OrderedDict", "builtins.dict")
def _dictionary(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    items: dict[str, Value] = {}
    complete = True
    if arguments:
        first = arguments[0]
        if isinstance(first, Dictionary):
            items.update(first.items)
            complete = first.complete
        elif isinstance(first, Sequence):
            for item in first.items:
                if isinstance(item, Sequence) and len(item.items) == 2 and isinstance(item.items[0], Constant):
                    items[str(item.items[0].value)] = item.items[1]
                else:
                    complete = False
        else:
            complete = False
    for name, value in keywords.items():
        items[name] = ev.named(name, value, node, OriginKind.CONFIGURATION)
    return Dictionary(items, "dict", complete)


_ROUNDINGS: dict[str, Callable[[float], int]] = {"ceil": math.ceil, "floor": math.floor, "round": round}


@handles("builtins.int", "math.floor", "math.ceil", "builtins.round", "math.trunc")
def _int(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if len(arguments) > 1:
        return UNKNOWN
    if isinstance(value, Integer):
        return value
    number = as_number(value)
    if number is not None and isinstance(value, Constant):
        try:
            return Integer(_ROUNDINGS.get(ev.last_name(node.func) or "", int)(number))
        except (OverflowError, ValueError):
            return UNKNOWN
    if isinstance(value, Number) and value.ratio is not None:
        top, bottom = value.ratio
        name = ev.last_name(node.func)
        try:
            if name == "ceil":
                return Integer(floor_divide(top + bottom - 1, bottom), Origin(OriginKind.DERIVED, "ceil"))
            if name == "round":
                return Integer(unknown(minimum=0), Origin(OriginKind.DERIVED))
            quotient = floor_divide(top, bottom)
            ev.note_quotient(quotient, node)
            return Integer(quotient, Origin(OriginKind.DERIVED))
        except ZeroDivisionError:
            return UNKNOWN
    if isinstance(value, Number):
        return Integer(unknown(minimum=0), Origin(OriginKind.DERIVED))
    if isinstance(value, Tensor) and not value.opaque:
        return Integer(unknown(minimum=0), Origin(OriginKind.TENSOR))
    return UNKNOWN


@handles("builtins.float", "numpy.float32", "numpy.float64")
def _float(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if isinstance(value, Number):
        return value
    if isinstance(value, Tensor):
        return Number(value.quantity)
    if isinstance(value, Integer):
        return (
            Constant(float(value.dimension)) if isinstance(value.dimension, int) else Number(None, (value.dimension, 1))
        )
    number = as_number(value)
    return Constant(float(number)) if number is not None else Number() if isinstance(value, Constant) else UNKNOWN


_FLOAT_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt, "log": math.log, "exp": math.exp, "log2": math.log2,
}  # fmt: skip


@handles("math.sqrt", "math.log", "math.exp", "numpy.sqrt", "math.log2", "numpy.log", "numpy.exp")
def _float_function(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if isinstance(value, Tensor):
        return value.like(value.shape)
    number = as_number(value)
    function = _FLOAT_FUNCTIONS.get(ev.last_name(node.func) or "")
    if number is None or function is None or len(arguments) != 1:
        return Number()
    try:
        return Constant(function(number))
    except (ValueError, OverflowError):
        return Number()


@handles("math.prod", "numpy.prod", "torch.prod")
def _prod(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if isinstance(value, Sequence) and all(isinstance(item, Integer) for item in value.items):
        dims: list[Dimension] = [item.dimension for item in value.items if isinstance(item, Integer)]
        origin = Origin(OriginKind.TENSOR) if value.kind == "shape" else Origin(OriginKind.DERIVED)
        return Integer(product(dims), origin)
    if isinstance(value, Tensor):
        return Tensor(UNKNOWN_SHAPE, value.sources, opaque=True)
    return UNKNOWN


@handles("builtins.sum", "builtins.max", "builtins.min", "builtins.abs")
def _reduce(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    name = ev.last_name(node.func)
    items = ev.spread(_first(arguments)) if len(arguments) == 1 and name != "abs" else arguments
    if items and all(isinstance(item, Integer) for item in items):
        dims = [item.dimension for item in items if isinstance(item, Integer)]
        if name == "sum":
            total: Dimension = 0
            for dim in dims:
                total = total + dim
            return Integer(total, Origin(OriginKind.DERIVED))
        if all(isinstance(dim, int) for dim in dims):
            numbers = [dim for dim in dims if isinstance(dim, int)]
            value = {"max": max, "min": min}.get(name or "", lambda n: abs(n[0]))(numbers)
            return Integer(value, Origin(OriginKind.DERIVED))
        if name in ("max", "min"):
            return Integer(unknown(name, minimum=0), Origin(OriginKind.DERIVED))
    if name == "sum" and len(arguments) == 1:
        metric = total_of(ev, arguments[0])
        if metric is not None:
            return metric
    value = element_of(_first(arguments))
    if name == "sum" and isinstance(value, Tensor):
        return value.like(value.shape)
    if isinstance(_first(arguments), Tensor):
        tensor = _first(arguments)
        assert isinstance(tensor, Tensor)
        return Tensor(UNKNOWN_SHAPE, tensor.sources, opaque=True)
    return UNKNOWN


@handles("numpy.sum", "math.fsum")
def _sum(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    total = total_of(ev, arguments[0]) if len(arguments) == 1 and not keywords else None
    if total is not None:
        return total
    if "numpy.sum" in FUNCTIONS:
        return ev.operate("numpy.sum", node, arguments, keywords)
    tensors = [value for value in arguments if isinstance(value, Tensor)]
    return Tensor(UNKNOWN_SHAPE, tensors[0].sources, opaque=True) if tensors else UNKNOWN


@handles("torch.cuda.is_available")
def _unknown_truth(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return UNKNOWN


def _answer(truth: bool | None) -> Value:
    return UNKNOWN if truth is None else Constant(truth)


@handles("builtins.isinstance")
def _isinstance(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _answer(is_instance(*arguments)) if len(arguments) == 2 else UNKNOWN


@handles("torch.is_tensor")
def _is_tensor(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _answer(is_instance(_first(arguments), External("torch.Tensor")))


@handles("builtins.callable")
def _callable(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    if isinstance(value, Function | Class | Layer | Chain):
        return Constant(True)
    return Constant(False) if isinstance(value, Integer | Constant | Sequence | Tensor) else UNKNOWN


@handles("builtins.hasattr")
def _hasattr(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if len(arguments) != 2 or not isinstance(arguments[1], Constant) or not isinstance(arguments[1].value, str):
        return UNKNOWN
    return _answer(ev.has_attribute(arguments[0], arguments[1].value))


@handles("builtins.getattr")
def _getattr(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if len(arguments) >= 2 and isinstance(arguments[1], Constant) and isinstance(arguments[1].value, str):
        value, name = arguments[0], arguments[1].value
        if isinstance(value, Instance):
            if len(arguments) > 2 and ev.has_attribute(value, name) is not True:
                return UNKNOWN
            return ev.instance_attribute(value, name, node)
        if isinstance(value, External):
            return External(ev.canonical(f"{value.name}.{name}"))
        if isinstance(value, Dictionary) and name in value.items:
            return value.items[name]
    return UNKNOWN


@handles("builtins.locals")
def _locals(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return Dictionary(dict(ev.frame.names))


@handles("builtins.all", "builtins.any")
def _every(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    items = None if isinstance(_first(arguments), Tensor | Batch) else ev.spread(_first(arguments))
    if items is None:
        return UNKNOWN
    truths = [ev.truth(item) for item in items]
    deciding = ev.last_name(node.func) == "any"
    if deciding in truths:
        return Constant(deciding)
    return UNKNOWN if None in truths else Constant(not deciding)


@handles("typing.cast")
def _cast(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return arguments[1] if len(arguments) == 2 else UNKNOWN


@handles("builtins.setattr")
def _setattr(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if len(arguments) == 3 and isinstance(arguments[0], Instance):
        ev.store_named(arguments[0], arguments[1], arguments[2])
    return NONE


@handles("builtins.print", "builtins.open", "builtins.id", "builtins.type", "builtins.vars")
def _nothing(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return UNKNOWN


@handles("builtins.bool")
def _bool(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _answer(ev.truth(_first(arguments)))


@handles("builtins.str")
def _str(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = _first(arguments)
    known = value.value if isinstance(value, Constant) else as_number(value)
    return Constant(str(known)) if isinstance(known, str | int | float) else UNKNOWN


@handles("builtins.filter")
def _filter(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    items = ev.spread(arguments[1]) if len(arguments) == 2 else None
    if items is None:
        return UNKNOWN
    function = arguments[0]
    plain = function == NONE
    truths = [ev.truth(item if plain else ev.apply(function, (item,), {}, node)) for item in items]
    if None in truths:
        return Repeated(element_of(Sequence(items)), "list")
    return Sequence(tuple(item for item, truth in zip(items, truths) if truth), "list")


@handles("builtins.slice")
def _slice(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    parts = list(arguments)
    if len(parts) == 1:
        parts = [NONE, parts[0]]
    while len(parts) < 3:
        parts.append(NONE)
    return SliceValue(*parts[:3])


@handles("builtins.map")
def _map(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if len(arguments) < 2:
        return UNKNOWN
    function, iterable = arguments[0], arguments[1] if len(arguments) == 2 else Zipped(arguments[1:])
    items = ev.spread(iterable)
    if not isinstance(function, Function | BoundMethod | External | Class | Partial | Layer | Chain | Instance):
        return UNKNOWN
    if len(arguments) > 2:
        rows = [item.items for item in items or () if isinstance(item, Sequence)]
        return UNKNOWN if items is None else Sequence(tuple(ev.apply(function, row, {}, node) for row in rows), "list")
    if isinstance(function, BoundMethod) and isinstance(function.function, str):
        return UNKNOWN
    if items is not None:
        return Sequence(tuple(ev.apply(function, (item,), {}, node) for item in items), "list")
    if isinstance(iterable, Tensor | ShapeOf):
        return UNKNOWN
    return Repeated(ev.apply(function, (ev.iterate(iterable),), {}, node), "list")


@handles("functools.partial")
def _partial(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if not arguments:
        return UNKNOWN
    return Partial(arguments[0], arguments[1:], dict(keywords))


@handles("torch.nn.Parameter", "torch.nn.Buffer", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")
def _parameter(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    value = arguments[0] if arguments else keywords.get("data", UNKNOWN)
    shape = value.shape if isinstance(value, Tensor) else UNKNOWN_SHAPE
    marks = value.marks if isinstance(value, Tensor) else frozenset()
    return Tensor(shape, frozenset({Source.PARAMETER}), marks)


_CONSTRUCTORS = tuple(
    f"torch.{device}{kind}Tensor"
    for device in ("", "cuda.")
    for kind in ("", "Float", "Double", "Half", "Long", "Int", "Short", "Byte", "Bool", "Char", "BFloat16")
)


@handles(*_CONSTRUCTORS, "torch.tensor", "numpy.array", "numpy.asarray")
def _tensor(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    array = "numpy" in str(getattr(ev.evaluate(node.func), "name", ""))
    called = ev.last_name(node.func) or ""
    first = _first(arguments)
    if isinstance(first, Batch):
        first = first.tensor
    if isinstance(first, Tensor):
        return Tensor(first.shape, first.sources, first.marks, array=array, loader=first.loader, opaque=first.opaque)
    sized = called.endswith("Tensor") and arguments and all(isinstance(a, Integer) for a in arguments)
    if sized:
        shape = Shape(tuple(a.dimension for a in arguments if isinstance(a, Integer)))
    elif called.endswith("Tensor") and isinstance(first, ShapeOf):
        shape = first.tensor.shape
    elif called.endswith("Tensor") and isinstance(first, Sequence) and first.kind == "shape":
        shape = Shape(tuple(i.dimension for i in first.items if isinstance(i, Integer)))
    else:
        shape = _stacked_shape(first) if array and isinstance(first, Repeated) else literal_shape(first)
    marks: frozenset[Mark] = frozenset()
    if fixed_role(shape):
        marks = frozenset({Mark(MarkKind.FIXED_ALLOCATION, node)})
    value = Tensor(shape, frozenset({Source.CREATED}), marks, array=array)
    if marks and "torch.zeros" in ev.subscriptions and sized:
        ev.observe("torch.zeros", node, {"size": Sequence(arguments)}, value, name=f"torch.{called}")
    return value


def _stacked_shape(values: Repeated) -> Shape:
    """The shape of NumPy's array of a list of arrays, whose own shapes are one known shape."""
    item, length = values.item, values.length
    if length is None or values.kind != "list" or not isinstance(item, Tensor) or not item.shape.exact:
        return UNKNOWN_SHAPE
    if not all(isinstance(size, int) for size in item.shape.leading):
        return UNKNOWN_SHAPE
    return Shape((length, *item.shape.leading))


@handles("sklearn.model_selection.train_test_split", "sklearn.cross_validation.train_test_split")
def _train_test_split(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """Two parts of each array that is given: of all of them, as many rows in the first and in the second part."""
    if any(isinstance(given, Repeated) and given.kind == "star" for given in arguments):
        return UNKNOWN
    names = ("n_train", "n_test")
    rows = [Symbol(name, Role.SIZE, identity=("split", id(node), name), minimum=1).dimension() for name in names]
    parts: list[Value] = []
    for given in arguments:
        known = isinstance(given, Tensor) and given.array and given.shape.exact and given.shape.leading
        for count in rows:
            if known and isinstance(given, Tensor):
                parts.append(given.like(Shape((count, *given.shape.leading[1:]))))
            else:
                parts.append(UNKNOWN)
    return Sequence(tuple(parts), "list")


def literal_shape(value: Value) -> Shape:
    """The shape of a tensor made from nested lists of numbers."""
    if isinstance(value, Integer | Number) or (isinstance(value, Constant) and isinstance(value.value, int | float)):
        return Shape(())
    if isinstance(value, Sequence):
        if not value.items:
            return Shape((0,))
        inner = literal_shape(value.items[0])
        if all(literal_shape(item) == inner for item in value.items[:8]) and inner.exact:
            return Shape((len(value.items), *inner.leading))
    return UNKNOWN_SHAPE


def _random_size(ev: Evaluator, node: Any, size: Value) -> Value:
    if isinstance(size, Integer):
        size = Sequence((size,))
    dims = argument_for_shapes(size)
    known = isinstance(dims, tuple) and all(isinstance(d, int | Expression) for d in dims)
    shape = Shape(dims) if known else UNKNOWN_SHAPE
    return as_value(shape, "numpy.random", "random", [], node)


@handles(
    *(
        f"numpy.random.{n}"
        for n in "normal uniform randint choice random_sample random binomial poisson beta standard_normal".split()
    )
)
def _numpy_random(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    name = ev.last_name(node.func)
    position = {"normal": 2, "uniform": 2, "randint": 2, "choice": 1, "binomial": 2, "beta": 2, "poisson": 1}.get(
        name or "", 0
    )
    size = keywords.get("size")
    if size is None and len(arguments) > position:
        size = arguments[position]
    return UNKNOWN if size is None else _random_size(ev, node, size)


@handles("numpy.random.rand", "numpy.random.randn")
def _numpy_rand(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _random_size(ev, node, Sequence(arguments))


@handles("torch.Size")
def _size(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _first(arguments)


@handles("numpy.ceil", "numpy.floor")
def _numpy_ceil(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return _int(ev, node, arguments, keywords)


@handles("torch.utils.checkpoint.checkpoint")
def _checkpoint(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    if not arguments:
        return UNKNOWN
    if isinstance(arguments[0], BoundMethod) and isinstance(arguments[0].function, str):
        return UNKNOWN
    return ev.apply(arguments[0], arguments[1:], {}, node)


@handles("torch.no_grad", "torch.inference_mode")
def _no_grad(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    return External("torch.no_grad")


from batchlint.semantics import configuration, loaders, packing  # noqa: E402  (they register their own handlers)

__all__ = ["LIBRARY", "configuration", "first_batch", "handles", "loaders", "packing", "seen"]
