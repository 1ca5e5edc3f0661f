"""``tf.data`` pipelines: what each step makes of the elements, and what a batch is in the end.

An unbatched pipeline is a `Dataset`, a batched one a `Loader`, so that the rules about loops know nothing of either.
Where pipelines begin is in `batchlint.semantics.pipeline_sources`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.elements import pipeline_batch, reshaped, with_rows, without_rows
from batchlint.semantics.library import first_batch, handles
from batchlint.semantics.tensors import opaque
from batchlint.semantics.values import (
    NONE,
    UNKNOWN,
    Batch,
    BoundMethod,
    Class,
    Constant,
    Dataset,
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
    Partial,
    Sequence,
    Source,
    Tensor,
    Value,
    new_identity,
)
from batchlint.shapes.dimension import Dimension, unknown

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

__all__ = ["array_flow", "pipeline_method", "unbatched"]

Arguments = tuple[Value, ...]
Keywords = Mapping[str, Value]

# Steps ---------------------------------------------------------------------------------------------------------------


class _Call:
    """One step of a pipeline: ``receiver.name(...)``."""

    def __init__(
        self, ev: Evaluator, name: str, arguments: Arguments, keywords: Keywords, node: Any, parameters: tuple[str, ...]
    ) -> None:
        self.ev, self.name, self.node = ev, name, node
        self.given = {**dict(zip(parameters, arguments)), **keywords}

    def flag(self, name: str, otherwise: bool = False) -> bool | None:
        """The truth of an argument, *otherwise* where it was not given, ``None`` where it is not known."""
        value = self.given.get(name)
        if value is None:
            return otherwise
        return value.value if isinstance(value, Constant) and isinstance(value.value, bool) else None

    def integer(self, name: str) -> Integer | None:
        """An argument that is a number."""
        value = self.given.get(name)
        return value if isinstance(value, Integer) else None

    def number(self, name: str) -> int | None:
        """The number that an argument is, where it is known."""
        value = self.integer(name)
        return None if value is None else value.number


def _batch(call: _Call, pipeline: Dataset | Loader) -> Value:
    if isinstance(pipeline, Loader):
        pipeline = _of_batches(call.ev, pipeline)
    dropped = call.flag("drop_remainder")
    return Loader(
        new_identity(),
        pipeline,
        call.integer("batch_size"),
        dropped,
        pipeline.shuffled,
        call.node,
        feed=Feed.DATASET,
        endless=pipeline.endless,
    )


def _of_batches(ev: Evaluator, loader: Loader) -> Dataset:
    """A pipeline of which each element is a batch, to be batched once more."""
    _withdraw(ev, loader)
    rows: Dimension = unknown()
    if loader.drop_last and loader.batch_size is not None:
        number = loader.batch_size.number
        rows = unknown() if number is None else number
    samples = reshaped(
        pipeline_batch(ev, loader, rows), lambda t: replace(t, sources=frozenset(), loader=None, opaque=False)
    )
    shuffled = bool(loader.shuffle) or loader.shuffled_at is not None
    return Dataset("batches", new_identity(), None, samples, loader.node, None, True, shuffled, loader.endless)


def _withdraw(ev: Evaluator, loader: Loader) -> None:
    """The batches that were shuffled turn out to be no batches, or are taken apart later."""
    if loader.shuffled_at is not None:
        ev.withdraw(loader.shuffled_at)


def _shuffle(call: _Call, pipeline: Dataset | Loader) -> Value:
    if isinstance(pipeline, Dataset):
        return replace(pipeline, shuffled=True)
    if pipeline.shuffle or pipeline.shuffle is None or pipeline.shuffled_at is not None:
        return replace(pipeline, shuffled_at=pipeline.shuffled_at or call.node)
    if "unbatch" not in call.ev.facts.called_names:
        call.ev.postpone(seen.UNMIXED_BATCHES, call.node, {"pipeline": pipeline})
    return replace(pipeline, shuffled_at=call.node)


def unbatched(ev: Evaluator, loader: Loader) -> Value:
    """``loader.unbatch()``."""
    _withdraw(ev, loader)
    dataset = loader.dataset
    shuffled = bool(loader.shuffle) or loader.shuffled_at is not None
    if loader.element is None and isinstance(dataset, Dataset):
        return replace(dataset, pipeline=True, shuffled=shuffled, endless=loader.endless)
    samples = None if loader.element is None else without_rows(loader.element)
    return Dataset("unbatched", new_identity(), None, samples, loader.node, None, True, shuffled, loader.endless)


def _unbatch(call: _Call, pipeline: Dataset | Loader) -> Value:
    if isinstance(pipeline, Loader):
        return unbatched(call.ev, pipeline)
    samples = None if pipeline.samples is None else without_rows(pipeline.samples)
    return replace(pipeline, identity=new_identity(), samples=samples, size=None)


def _rebatch(call: _Call, pipeline: Dataset | Loader) -> Value:
    whole = unbatched(call.ev, pipeline) if isinstance(pipeline, Loader) else pipeline
    return _batch(call, whole) if isinstance(whole, Dataset) else UNKNOWN


def _applied(ev: Evaluator, function: Value, element: Value | None, node: Any) -> Value:
    """What *function* makes of one element; a tuple is spread over its arguments."""
    if element is None:
        element = UNKNOWN
    given = element.items if isinstance(element, Sequence) and element.kind == "tuple" else (element,)
    if isinstance(function, Function):
        parameters = function.node.params
        takes = len([*parameters.posonly_params, *parameters.params])
        if element is UNKNOWN and takes > 1:
            given = (UNKNOWN,) * takes
    known = isinstance(function, Function | External | Layer | Instance | Class | Partial)
    if not known and not (isinstance(function, BoundMethod) and isinstance(function.function, Function)):
        return UNKNOWN
    return ev.apply(function, given, {}, node)


def _map(call: _Call, pipeline: Dataset | Loader) -> Value:
    function = call.given.get("map_func", UNKNOWN)
    if isinstance(pipeline, Dataset):
        made = _applied(call.ev, function, pipeline.samples, call.node)
        return replace(pipeline, samples=None if made is UNKNOWN else made)
    made = _applied(call.ev, function, pipeline_batch(call.ev, replace(pipeline, first=False)), call.node)
    if made is UNKNOWN:
        made = Batch(Tensor(sources=frozenset({Source.LOADER}), loader=pipeline.identity, opaque=True))
    return replace(pipeline, element=made)


def _same(call: _Call, pipeline: Dataset | Loader) -> Value:
    return pipeline


def _repeat(call: _Call, pipeline: Dataset | Loader) -> Value:
    given = call.given.get("count")
    count = call.number("count")
    if count == 1:
        return pipeline
    if isinstance(pipeline, Dataset):
        endless = given is None or given == NONE or count == -1
        return replace(pipeline, identity=new_identity(), size=None, endless=endless or pipeline.endless)
    # Each round ends with its own short batch.
    return _another(call.ev, pipeline)


def _another(ev: Evaluator, loader: Loader, dataset: Value | None = None) -> Loader:
    """Other batches of the same kind: as many as nobody knows."""
    made = replace(loader, identity=new_identity(), element=None)
    if dataset is not None:
        made = replace(made, dataset=dataset)
    elif isinstance(loader.dataset, Dataset):
        made = replace(made, dataset=replace(loader.dataset, identity=new_identity(), size=None))
    if loader.element is None:
        return made
    rows, source = ev.batch_dimension(made), frozenset({Source.LOADER})
    element = with_rows(loader.element, ev.batch_dimension(loader), rows, source)
    return replace(made, element=reshaped(element, lambda t: replace(t, loader=made.identity)))


def _take(call: _Call, pipeline: Dataset | Loader) -> Value:
    count = call.number("count")
    if isinstance(pipeline, Dataset):
        size = count if count is not None and count >= 0 else None
        if isinstance(pipeline.size, int) and size is not None:
            size = min(size, pipeline.size)
        return replace(pipeline, identity=new_identity(), size=size, endless=False)
    part = _another(call.ev, pipeline)
    return replace(part, first=True) if count == 1 else part


def _skip(call: _Call, pipeline: Dataset | Loader) -> Value:
    count = call.number("count")
    if isinstance(pipeline, Dataset):
        size = None
        if isinstance(pipeline.size, int) and count is not None:
            size = max(0, pipeline.size - count)
        return replace(pipeline, identity=new_identity(), size=size)
    return _another(call.ev, pipeline)


def _part(call: _Call, pipeline: Dataset | Loader) -> Value:
    """``filter``, ``shard``, ``concatenate``: other elements of the same kind."""
    if isinstance(pipeline, Dataset):
        return replace(pipeline, identity=new_identity(), size=None)
    if call.name == "filter":
        return _another(call.ev, pipeline)
    return replace(_another(call.ev, pipeline), shuffle=None)


def _flattened(call: _Call, pipeline: Dataset | Loader) -> Value:
    """``flat_map``, ``interleave``: the elements of the pipelines that a function makes."""
    function = call.given.get("map_func", UNKNOWN)
    if isinstance(pipeline, Loader):
        _withdraw(call.ev, pipeline)
        return UNKNOWN
    inner = _applied(call.ev, function, pipeline.samples, call.node)
    if isinstance(inner, Loader):
        return UNKNOWN
    samples = inner.samples if isinstance(inner, Dataset) and inner.pipeline else None
    made = replace(pipeline, identity=new_identity(), samples=samples, size=None)
    # Several files in turn mix the samples already.
    return replace(made, shuffled=pipeline.shuffled or call.name == "interleave")


def _apply(call: _Call, pipeline: Dataset | Loader) -> Value:
    step = call.given.get("transformation_func", UNKNOWN)
    if isinstance(step, Partial) and isinstance(step.callee, External):
        name = step.callee.name.rpartition(".")[2]
        return _TRANSFORMATIONS[name](call.ev, pipeline, step, call.node)
    if isinstance(step, Function):
        return call.ev.apply(step, (pipeline,), {}, call.node)
    return UNKNOWN


def _length(call: _Call, pipeline: Dataset | Loader) -> Value:
    if pipeline.endless:
        return UNKNOWN
    return call.ev.length_of(pipeline) or UNKNOWN


def _iterator(call: _Call, pipeline: Dataset | Loader) -> Value:
    return pipeline


def _arrays(call: _Call, pipeline: Dataset | Loader) -> Value:
    if isinstance(pipeline, Dataset):
        samples = pipeline.samples
        return pipeline if samples is None else replace(pipeline, samples=_as_arrays(samples))
    return replace(pipeline, element=_as_arrays(pipeline_batch(call.ev, replace(pipeline, first=False))))


def _as_arrays(value: Value) -> Value:
    return reshaped(value, lambda tensor: replace(tensor, array=True))


def _next(call: _Call, pipeline: Dataset | Loader) -> Value:
    if isinstance(pipeline, Loader):
        return pipeline_batch(call.ev, pipeline)
    return pipeline.samples or UNKNOWN


def _enumerated(call: _Call, pipeline: Dataset | Loader) -> Value:
    return Enumerated(pipeline)


_BATCHING = ("batch_size", "drop_remainder")
_STEPS: dict[str, tuple[Callable[[_Call, Dataset | Loader], Value], tuple[str, ...]]] = {
    "batch": (_batch, _BATCHING),
    "padded_batch": (_batch, ("batch_size", "padded_shapes", "padding_values", "drop_remainder")),
    "ragged_batch": (_batch, _BATCHING),
    "unbatch": (_unbatch, ()),
    "rebatch": (_rebatch, _BATCHING),
    "shuffle": (_shuffle, ("buffer_size",)),
    "map": (_map, ("map_func",)),
    "repeat": (_repeat, ("count",)),
    "take": (_take, ("count",)),
    "skip": (_skip, ("count",)),
    "filter": (_part, ("predicate",)),
    "shard": (_part, ("num_shards", "index")),
    "concatenate": (_part, ("dataset",)),
    "interleave": (_flattened, ("map_func",)),
    "flat_map": (_flattened, ("map_func",)),
    "apply": (_apply, ("transformation_func",)),
    "enumerate": (_enumerated, ()),
    "cardinality": (_length, ()),
    "__len__": (_length, ()),
    "as_numpy_iterator": (_arrays, ()),
    "get_next": (_next, ()),
    "__next__": (_next, ()),
    "next": (_next, ()),
    **dict.fromkeys(
        ("prefetch", "cache", "with_options", "ignore_errors", "snapshot", "prefetch_to_device"), (_same, ())
    ),
    **dict.fromkeys(("make_one_shot_iterator", "make_initializable_iterator", "__iter__"), (_iterator, ())),
}
"""Method of a pipeline to what it makes of it, and its parameters in order."""


def pipeline_method(
    ev: Evaluator, receiver: Dataset | Loader, name: str, arguments: Arguments, keywords: Keywords, node: Any
) -> Value:
    """The value of ``receiver.name(...)`` for a pipeline or an iterator over one."""
    step = _STEPS.get(name)
    if step is None:
        return UNKNOWN
    if isinstance(receiver, Loader) and receiver.feed is Feed.ITERATOR and name not in ("next", "__next__"):
        return UNKNOWN
    function, parameters = step
    if isinstance(receiver, Loader) and name in ("next", "__next__") and not ev.loops:
        return first_batch(ev, receiver)
    operation = f"tensorflow.data.Dataset.{name}"
    call = _Call(ev, name, arguments, keywords, node, parameters)
    result = function(call, receiver)
    ev.observe(operation, node, {"receiver": receiver, **call.given}, result, name=operation)
    return result


# Transformations that are functions of a pipeline --------------------------------------------------------------------


def _transformation(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    callee = ev.evaluate(node.func)
    return Partial(callee, arguments, dict(keywords)) if isinstance(callee, External) else UNKNOWN


def _map_and_batch(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    given = {**dict(zip(("map_func", "batch_size", "num_parallel_batches", "drop_remainder"), step.arguments)),
             **step.keywords}  # fmt: skip
    function = given.pop("map_func", UNKNOWN)
    mapped = pipeline_method(ev, pipeline, "map", (function,), {}, node)
    return pipeline_method(ev, mapped, "batch", (), given, node) if isinstance(mapped, Dataset | Loader) else UNKNOWN


def _shuffle_and_repeat(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    shuffled = pipeline_method(ev, pipeline, "shuffle", step.arguments[:1], {}, node)
    return pipeline_method(ev, shuffled, "repeat", (), {}, node) if isinstance(shuffled, Dataset | Loader) else UNKNOWN


def _batch_and_drop(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    return pipeline_method(ev, pipeline, "batch", (*step.arguments[:1], Constant(True)), step.keywords, node)


def _batched_by(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    return pipeline_method(ev, pipeline, "batch", step.arguments[:1], step.keywords, node)


def _kept(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    return pipeline


def _unbatched_by(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    return pipeline_method(ev, pipeline, "unbatch", (), {}, node)


def _in_buckets(ev: Evaluator, pipeline: Dataset | Loader, step: Partial, node: Any) -> Value:
    """Batches of several sizes."""
    if isinstance(pipeline, Loader):
        return UNKNOWN
    return Loader(new_identity(), pipeline, None, None, pipeline.shuffled, node, feed=Feed.DATASET)


_TRANSFORMATIONS: dict[str, Callable[[Any, Dataset | Loader, Partial, Any], Value]] = {
    "map_and_batch": _map_and_batch,
    "shuffle_and_repeat": _shuffle_and_repeat,
    "batch_and_drop_remainder": _batch_and_drop,
    "dense_to_ragged_batch": _batched_by,
    "dense_to_sparse_batch": _batched_by,
    "assert_cardinality": _kept,
    "ignore_errors": _kept,
    "prefetch_to_device": _kept,
    "copy_to_device": _kept,
    "unbatch": _unbatched_by,
    "bucket_by_sequence_length": _in_buckets,
}
handles(
    *(f"tensorflow.data.experimental.{name}" for name in _TRANSFORMATIONS),
    *(f"tensorflow.contrib.data.{name}" for name in _TRANSFORMATIONS),
)(_transformation)


@handles("tensorflow.data.experimental.cardinality")
def _cardinality(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    pipeline = arguments[0] if arguments else UNKNOWN
    if not isinstance(pipeline, Dataset | Loader):
        return UNKNOWN
    return UNKNOWN if pipeline.endless else ev.length_of(pipeline) or UNKNOWN


@handles("tensorflow.data.make_one_shot_iterator", "tensorflow.data.make_initializable_iterator")
def _make_iterator(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    return arguments[0] if arguments else UNKNOWN


def array_flow(
    ev: Evaluator, receiver: Partial, name: str, arguments: Arguments, keywords: Keywords, node: Any
) -> Value:
    """``ImageDataGenerator(...).flow(...)``: batches without end, of which each epoch's last one may be short."""
    made = isinstance(receiver.callee, External) and receiver.callee.name.endswith(".ImageDataGenerator")
    if not made or name not in _FLOWS:
        return opaque(ev, arguments, keywords)
    given = {**dict(zip(_FLOWS[name], arguments)), **keywords}
    images = given.get("x", UNKNOWN)
    rows = ev.length_of(images) if isinstance(images, Tensor) else None
    dataset = Dataset(name, new_identity(), None, None, node, None if rows is None else rows.dimension)
    size = given.get("batch_size", Integer(32, Origin(OriginKind.LITERAL)))
    batch_size = size if isinstance(size, Integer) else None
    shuffle = given.get("shuffle", Constant(True))
    mixed = bool(shuffle.value) if isinstance(shuffle, Constant) else None
    return Loader(new_identity(), dataset, batch_size, False, mixed, node, feed=Feed.ITERATOR)


_FLOWS = {
    "flow": ("x", "y", "batch_size", "shuffle"),
    "flow_from_directory": ("directory", "target_size", "color_mode", "classes", "class_mode", "batch_size", "shuffle"),
    "flow_from_dataframe": (
        "dataframe", "directory", "x_col", "y_col", "weight_col", "target_size", "color_mode", "classes", "class_mode",
        "batch_size", "shuffle",
    ),
}  # fmt: skip
"""Methods of ``ImageDataGenerator`` and their first parameters in order."""


@handles("keras.preprocessing.image.ImageDataGenerator", "keras.src.legacy.preprocessing.image.ImageDataGenerator")
def _image_generator(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    return Partial(External("keras.preprocessing.image.ImageDataGenerator"), (), {})
