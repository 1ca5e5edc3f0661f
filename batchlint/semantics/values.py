"""Abstract values: what the evaluator knows of a Python object without running the program.

Values are immutable; an instance's attributes live in the evaluator's heap, so that branches can be joined.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from batchlint.shapes.dimension import Dimension, certainly_differ, known_value, unknown
from batchlint.shapes.registry import LayerShape
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.scope import Frame


class OriginKind(enum.Enum):
    """Where an integer came from; the same number is a hazard or not by this."""

    LITERAL = "literal"
    CONSTANT = "constant"
    ARGUMENT = "argument"
    """A parameter of a function: a constructor argument, or one that nobody in the file passes."""
    CONFIGURATION = "configuration"
    """An attribute of command-line arguments or of a configuration object."""
    TENSOR = "tensor"
    """Read from a tensor: ``x.shape[0]``, ``x.size(0)``, ``len(x)``."""
    LOADER_LENGTH = "number of batches"
    DATASET_LENGTH = "number of samples"
    LENGTH = "length of something unknown"
    LOOP = "loop variable"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an integer came from: what it was called there, and the node that says so."""

    kind: OriginKind
    name: str | None = None
    node: Any = None
    subject: Any = None
    """The loader, dataset or tensor it was read from; for a loop variable the loop."""
    static: bool = False
    """Whether it was read from a shape that is fixed once a graph is built: ``x.shape[0]``, not ``tf.shape(x)[0]``."""


class Source(enum.Enum):
    """What a tensor's values flow from."""

    INPUT = "an argument of the model"
    LOADER = "a batch of a loader"
    FIRST_BATCH = "the first batch of a loader, which is full"
    PARAMETER = "a parameter or buffer"
    CREATED = "a creation function"
    DATASET = "a whole dataset"


class MarkKind(enum.Enum):
    """What a tensor went through that matters at another batch size."""

    FIXED_ALLOCATION = "allocated by a fixed batch"
    FIXED_EXPANSION = "expanded by a fixed batch"
    OWN_ROWS = "allocated with a number of rows of its own"
    CHOSEN_ROWS = "rows chosen by their values"
    SQUEEZED = "squeezed without a dimension"
    AXIS_GIVEN_BACK = "squeezed, and given its batch axis back by broadcasting"
    BATCH_MEAN = "mean over a batch"
    PADDED = "padded on the right"
    BATCH_STATISTIC = "reduced over the batch"
    FOLDED = "folded spatial dimensions into rows"


@dataclass(frozen=True, slots=True)
class Mark:
    """A trace of the node that a hazard would be reported at."""

    kind: MarkKind
    node: Any
    detail: Any = None

    def __hash__(self) -> int:
        return hash((self.kind, id(self.node)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mark) and self.kind is other.kind and self.node is other.node


NO_MARKS: frozenset[Mark] = frozenset()
NO_SOURCES: frozenset[Source] = frozenset()


class Value:
    """Anything that an expression can be."""

    __slots__ = ()


class Unknown(Value):
    """Nothing is known; silences every rule."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Unknown"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Constant(Value):
    """A string, boolean, float, bytes, ``None`` or ``...``."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


NONE = Constant(None)
TRUE = Constant(True)
FALSE = Constant(False)


@dataclass(frozen=True, slots=True)
class Integer(Value):
    """An integer, perhaps symbolic, and where it came from."""

    dimension: Dimension
    origin: Origin | None = field(default=None, compare=False)

    @property
    def number(self) -> int | None:
        """The number, also of a symbol that carries one; ``None`` where it is not known."""
        return known_value(self.dimension)


class QuantityKind(enum.Enum):
    """What a number is, counted in samples."""

    MEAN = "mean over a batch"
    SUM = "sum over a batch"
    EACH = "one number a sample"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A per-batch number on its way into a metric.

    Attributes:
        kind: a mean of the batch, a sum over its samples, or a number for each.
        node: the expression that made it.
        accumulated: whether it was added up over the batches of *loader*.
        loader: the loader whose batch it is of, where known.
        loss: whether a loss made it, not a count of right answers.
        weight: the batch size that made a sum of a mean, or a mean of a sum.
        divided: the division by a number of samples or batches that it went through before it was added up.
        training: whether the loop that added it up also trains.
    """

    kind: QuantityKind
    node: Any = field(compare=False)
    accumulated: bool = False
    loader: Loader | None = None
    loss: bool = True
    weight: Integer | None = None
    divided: Division | None = None
    training: bool = False


@dataclass(frozen=True, slots=True)
class Division:
    """A quantity over a count."""

    node: Any = field(compare=False)
    count: Integer


@dataclass(frozen=True, slots=True)
class Number(Value):
    """A number that is no size: a loss, a metric, a float; *ratio* where it is one size over another."""

    quantity: Quantity | None = None
    ratio: tuple[Dimension, Dimension] | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """The identity of a function's tensor argument, kept while the tensor is passed on unchanged."""

    function: int
    name: str


@dataclass(frozen=True, slots=True)
class Tensor(Value):
    """A tensor (or array): its shape, and what its values flow from.

    Attributes:
        shape: see `Shape`.
        sources: what the values flow from.
        marks: what it went through.
        boolean: whether it holds booleans; ``None`` where that is not known.
        parameter: which argument this is, unchanged.
        quantity: for losses and metrics.
        array: whether it is a NumPy array.
        loader: identity of the loader whose batch it flows from.
        opaque: it came from a call that is not understood: perhaps no tensor at all.
    """

    shape: Shape = UNKNOWN_SHAPE
    sources: frozenset[Source] = NO_SOURCES
    marks: frozenset[Mark] = NO_MARKS
    boolean: bool | None = None
    parameter: Parameter | None = None
    quantity: Quantity | None = None
    array: bool = False
    loader: Any = None
    opaque: bool = False

    def like(self, shape: Shape, **changes: Any) -> Tensor:
        """The same tensor in another shape, no longer an unchanged argument."""
        changes.setdefault("parameter", None)
        return replace(self, shape=shape, **changes)


@dataclass(frozen=True, slots=True)
class ShapeOf(Value):
    """``x.shape`` of a tensor whose rank is not known; *static* as in `Origin`."""

    tensor: Tensor
    static: bool = False


@dataclass(frozen=True, slots=True)
class Sequence(Value):
    """A list, tuple, ``ModuleList`` or unpacked shape of known length."""

    items: tuple[Value, ...]
    kind: str = "tuple"


@dataclass(frozen=True, slots=True)
class Repeated(Value):
    """A list or iterable of unknown length whose elements are all like *item*."""

    item: Value
    kind: str = "list"
    length: Dimension | None = None


GENERATOR = "generator"
"""The kind of a `Repeated` that a function with ``yield`` gives: it can be walked once."""


@dataclass(frozen=True, slots=True)
class Dictionary(Value):
    """A dict (or ``ModuleDict``, ``argparse.Namespace``, configuration) with known keys, each as Python has it."""

    items: Mapping[Any, Value]
    kind: str = "dict"
    complete: bool = True
    """Whether there can be no other keys."""

    def __hash__(self) -> int:
        return hash(tuple(self.items))


@dataclass(frozen=True, slots=True)
class Range(Value):
    """``range(start, stop, step)``."""

    start: Integer
    stop: Integer
    step: Integer
    identity: int = field(compare=False, default_factory=lambda: new_identity())


@dataclass(frozen=True, slots=True)
class Enumerated(Value):
    """``enumerate(inner, start)``."""

    inner: Value
    start: int | None = 0


@dataclass(frozen=True, slots=True)
class Zipped(Value):
    """``zip(*inner)``."""

    inner: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class SliceValue(Value):
    """``lower:upper:step``."""

    lower: Value
    upper: Value
    step: Value


@dataclass(frozen=True, slots=True)
class External(Value):
    """Something imported, by its canonical dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Layer(Value):
    """A layer of the framework with its bound constructor arguments."""

    name: str
    shape: LayerShape = field(compare=False)
    arguments: Mapping[str, Any] = field(compare=False)
    values: Mapping[str, Value] = field(compare=False)
    node: Any = field(compare=False, default=None)
    identity: int = 0

    def __hash__(self) -> int:
        return hash((self.name, self.identity))


@dataclass(frozen=True, slots=True)
class Chain(Value):
    """``nn.Sequential``: layers one after another, with their names."""

    items: tuple[tuple[str, Value], ...]
    complete: bool = True
    """Whether every layer is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Function(Value):
    """A function or lambda of the file."""

    name: str
    node: Any
    frame: Frame | None
    defaults: Mapping[str, Value]
    owner: Class | None = None
    static: bool = False
    class_method: bool = False
    is_property: bool = False
    decorated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Class(Value):
    """A class of the file: its bases as values, its methods and class attributes."""

    name: str
    node: Any
    bases: tuple[Value, ...]
    attributes: dict[str, Value]
    is_module: bool
    frame: Frame | None = None
    fields: tuple[str, ...] = ()
    """A dataclass's or named tuple's fields, in order."""


@dataclass(frozen=True, slots=True)
class Instance(Value):
    """An object of a class of the file; its attributes are in the heap under *identity*."""

    of: Class
    identity: int


@dataclass(frozen=True, slots=True)
class BoundMethod(Value):
    """``instance.method``, or a method of a value the evaluator models (then *function* is its name)."""

    receiver: Value
    function: Function | str
    node: Any = field(compare=False, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Partial(Value):
    """``functools.partial(callee, *arguments, **keywords)``."""

    callee: Value
    arguments: tuple[Value, ...]
    keywords: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SuperOf(Value):
    """``super()`` in a method of *owner* on *instance*."""

    instance: Value
    owner: Class


@dataclass(frozen=True, slots=True)
class Batch(Value):
    """What a loader gives each time: a tensor, or a tuple or dict of tensors, whichever the file treats it as.

    Attributes:
        tensor: the batch, or any part of it, as a tensor of unknown rank with the batch axis first.
        parts: its parts, where the dataset's samples are known.
    """

    tensor: Tensor
    parts: Sequence | None = None


@dataclass(frozen=True, slots=True)
class Dataset(Value):
    """A dataset: its name where it is well known, the shape of one sample's tensors where that is known.

    Attributes:
        training: ``True`` or ``False`` where the file says which split it is.
        samples: what one element is (a tuple of tensors without the batch axis), where known.
        size: how many elements there are, where the file says so.
        pipeline: whether it is an unbatched ``tf.data.Dataset``: then *samples* is the element just as it is.
        shuffled: whether a pipeline shuffles its elements.
        endless: whether a pipeline starts again when it ends.
    """

    name: str
    identity: int
    training: bool | None = None
    samples: Value | None = None
    node: Any = field(compare=False, default=None)
    size: Dimension | None = None
    pipeline: bool = False
    shuffled: bool = False
    endless: bool = False


class Feed(enum.Enum):
    """What gives batches."""

    DATA_LOADER = "a `DataLoader`"
    DATASET = "a batched `tf.data.Dataset`"
    ITERATOR = "a Keras iterator"
    """What ``ImageDataGenerator.flow`` and its kin give."""


@dataclass(frozen=True, slots=True)
class Loader(Value):
    """A ``DataLoader`` or batched pipeline: what it draws from, how many at a time, whether a last batch may be short.

    Attributes:
        feed: what it is.
        element: what one batch is, where a pipeline has made something else of the samples since they were batched.
        endless: whether it starts again before a batch is full, so that none is short.
        first: whether it gives the first batch alone.
        shuffled_at: where batches, not samples, are shuffled.
    """

    identity: int
    dataset: Value
    batch_size: Integer | None
    drop_last: bool | None
    shuffle: bool | None = None
    node: Any = field(compare=False, default=None)
    custom_collate: bool = False
    given: bool = True
    """Whether the file itself builds it."""
    batches: bool = True
    """Whether it groups samples; not where the dataset's elements are batches already (``batch_size=None``)."""
    sampler: Dataset | None = None
    """What it really draws, where a sampler chooses a part of the dataset."""
    feed: Feed = Feed.DATA_LOADER
    element: Value | None = None
    endless: bool = False
    first: bool = False
    shuffled_at: Any = field(compare=False, default=None)


_identities = itertools.count(1)


def new_identity() -> int:
    """A number that no other value has."""
    return next(_identities)


def integer(number: int, node: Any = None) -> Integer:
    """The literal *number*."""
    return Integer(number, Origin(OriginKind.LITERAL, None, node))


def join_dimensions(left: Dimension, right: Dimension) -> Dimension:
    """A size that is one or the other."""
    return left if left == right else unknown()


def join_shapes(left: Shape, right: Shape) -> Shape:
    """A shape that is one or the other: what both agree on."""
    if left == right:
        return left
    if left.exact and right.exact and len(left.leading) == len(right.leading):
        return Shape(tuple(map(join_dimensions, left.leading, right.leading)))
    leading: list[Dimension] = []
    for a, b in zip(left.leading, right.leading):
        if a != b:
            break
        leading.append(a)
    trailing: list[Dimension] = []
    for a, b in zip(reversed(_last(left)), reversed(_last(right))):
        if a != b:
            break
        trailing.append(a)
    return Shape(tuple(leading), tuple(reversed(trailing)), False)


def _last(shape: Shape) -> tuple[Dimension, ...]:
    return shape.leading if shape.exact else shape.trailing


def join(left: Value, right: Value) -> Value:
    """A value that is one or the other, as far as both agree."""
    if left is right or left == right:
        if isinstance(left, Integer) and left.origin is not None and left.origin.static:
            # `n = x.shape[0] or tf.shape(x)[0]`: read where the tensor is, wherever that can be.
            return right
        return left
    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return Tensor(
            join_shapes(left.shape, right.shape),
            left.sources | right.sources,
            left.marks | right.marks,
            left.boolean if left.boolean == right.boolean else None,
            left.parameter if left.parameter == right.parameter else None,
            join_quantities(left.quantity, right.quantity),
            left.array and right.array,
            left.loader if left.loader == right.loader else None,
            left.opaque or right.opaque,
        )
    if isinstance(left, Integer) and isinstance(right, Integer):
        if left.dimension == right.dimension:
            return left
        return Integer(unknown(minimum=0), Origin(OriginKind.DERIVED))
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        if len(left.items) == len(right.items):
            return Sequence(tuple(map(join, left.items, right.items)), left.kind)
        if left.items and right.items:
            item = left.items[0]
            for other in (*left.items[1:], *right.items):
                item = join(item, other)
            return Repeated(item, left.kind)
        return Repeated(_joined_items(left.items or right.items), left.kind)
    if isinstance(left, Sequence) and isinstance(right, Repeated):
        return Repeated(join(_joined_items(left.items), right.item) if left.items else right.item, right.kind)
    if isinstance(left, Repeated) and isinstance(right, Sequence):
        return join(right, left)
    if isinstance(left, Repeated) and isinstance(right, Repeated):
        return Repeated(join(left.item, right.item), left.kind)
    if isinstance(left, Number | Integer) and isinstance(right, Number | Integer):
        a = left.quantity if isinstance(left, Number) else None
        b = right.quantity if isinstance(right, Number) else None
        return Number(a or b if a is None or b is None else join_quantities(a, b))
    if isinstance(left, Dictionary) and isinstance(right, Dictionary):
        items = {key: join(value, right.items[key]) for key, value in left.items.items() if key in right.items}
        return Dictionary(items, left.kind, False)
    if isinstance(left, Constant) and isinstance(left.value, float) and isinstance(right, Number):
        return right
    if isinstance(right, Constant) and isinstance(right.value, float) and isinstance(left, Number):
        return left
    if isinstance(left, Chain) and isinstance(right, Chain):
        return Chain((), False)
    joined = getattr(left, "joined", None)
    if joined is not None and type(left) is type(right):
        return joined(right)  # type: ignore[no-any-return]
    if isinstance(left, Loader) and isinstance(right, Loader) and left.feed is right.feed is Feed.DATASET:
        return _either_pipeline(left, right)
    # `state = None` before the first batch, a tensor after: what matters is the tensor.
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant) and isinstance(other, Tensor | Sequence | Number):
            return other if isinstance(other, Tensor) and one.value in (None, 0) else UNKNOWN
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        tensor = left if isinstance(left, Tensor) else right
        assert isinstance(tensor, Tensor)
        other = right if tensor is left else left
        # `total = 0` before the loop, a tensor after its first round.
        quantity = tensor.quantity if isinstance(other, Integer | Constant) else None
        if isinstance(other, Number):
            quantity = join_quantities(tensor.quantity, other.quantity)
        return Tensor(UNKNOWN_SHAPE, tensor.sources, quantity=quantity, opaque=True)
    return UNKNOWN


def _either_pipeline(left: Loader, right: Loader) -> Value:
    """A batched pipeline that went through one more step, or not."""
    if left.batch_size != right.batch_size or left.drop_last != right.drop_last:
        return UNKNOWN
    shuffled_at = left.shuffled_at or right.shuffled_at
    same = left.element == right.element and left.dataset == right.dataset and left.identity == right.identity
    if same:
        return replace(left, endless=left.endless and right.endless, first=False, shuffled_at=shuffled_at)
    dataset = Dataset("?", new_identity(), None, None, left.node, pipeline=True, shuffled=True)
    return replace(
        left, identity=new_identity(), dataset=dataset, element=None, endless=False, first=False,
        shuffled_at=shuffled_at,
    )  # fmt: skip


def join_quantities(left: Quantity | None, right: Quantity | None) -> Quantity | None:
    """A quantity that is one or the other, where both are of one kind."""
    if left is None or right is None or left.kind is not right.kind:
        return None
    chosen, other = (left, right) if left.accumulated or not right.accumulated else (right, left)
    same = chosen.weight == other.weight and chosen.divided == other.divided
    return chosen if same else replace(chosen, weight=None, divided=None)


def _joined_items(items: tuple[Value, ...]) -> Value:
    if not items:
        return UNKNOWN
    result = items[0]
    for item in items[1:]:
        result = join(result, item)
    return result


def differ_for_certain(left: Value, right: Value) -> bool:
    """Whether two integers are different whatever their symbols are."""
    return (
        isinstance(left, Integer) and isinstance(right, Integer) and certainly_differ(left.dimension, right.dimension)
    )


def key_of(value: Value) -> Any:
    """*value* as a key of a dict, ``None`` where it is not known (or is ``None``)."""
    if isinstance(value, Constant):
        return value.value
    if isinstance(value, Integer):
        return value.dimension if isinstance(value.dimension, int) else None
    if isinstance(value, Sequence):
        keys = tuple(map(key_of, value.items))
        return None if None in keys else keys
    return None


def value_of_key(key: Any) -> Value:
    """The value that `key_of` made *key* of."""
    if isinstance(key, tuple):
        return Sequence(tuple(map(value_of_key, key)))
    if isinstance(key, int) and not isinstance(key, bool):
        return Integer(key, Origin(OriginKind.DERIVED))
    return Constant(key)


def element_of(value: Value) -> Value:
    """What iterating over *value* gives each time, as far as every element agrees."""
    if isinstance(value, Sequence):
        return _joined_items(value.items)
    if isinstance(value, Repeated):
        return value.item
    return UNKNOWN
