"""Where pipelines begin: arrays, generators, files, directories, and the data sets that come with the frameworks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchlint.semantics.batch_names import names_evaluation, names_training
from batchlint.semantics.elements import reshaped, variable_length, without_rows
from batchlint.semantics.library import handles, literal_shape
from batchlint.semantics.syntax import kind, last_name
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Constant,
    Dataset,
    Dictionary,
    Feed,
    Integer,
    Loader,
    Origin,
    OriginKind,
    Sequence,
    Source,
    Tensor,
    Value,
    new_identity,
)
from batchlint.shapes.datasets import KERAS_DATASETS, TENSORFLOW_DATASETS
from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

Arguments = tuple[Value, ...]
Keywords = Mapping[str, Value]

_DATASET = "tensorflow.data.Dataset."


def _given(parameters: tuple[str, ...], arguments: Arguments, keywords: Keywords) -> dict[str, Value]:
    return {**dict(zip(parameters, arguments)), **keywords}


# Arrays --------------------------------------------------------------------------------------------------------------


@handles(f"{_DATASET}from_tensor_slices")
def _from_tensor_slices(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    whole = _given(("tensors",), arguments, keywords).get("tensors", UNKNOWN)
    if node.args:
        whole = _named_arrays(ev, node.args[0].value, whole)
    whole = _as_tensors(whole)
    rows = _rows(ev, whole)
    made = Dataset(
        f"{_DATASET}from_tensor_slices", new_identity(), _split_of(node), without_rows(whole), node, rows, pipeline=True
    )
    ev.observe(f"{_DATASET}from_tensor_slices", node, {"tensors": whole}, made, positional=arguments)
    return made


def _named_arrays(ev: Evaluator, node: Any, value: Value) -> Value:
    """*value*, in which a name of which nothing is known is a whole data set from now on: ``len`` of it is known."""
    what = kind(node)
    if what == "Name" and (value is UNKNOWN or (isinstance(value, Tensor) and value.opaque)):
        made = Tensor(sources=frozenset({Source.DATASET}), opaque=True, array=True)
        if value is UNKNOWN:
            ev.frame.bind(node.value, made)
            return made
    elif what == "Tuple" and isinstance(value, Sequence) and len(value.items) == len(node.elements):
        items = (_named_arrays(ev, e.value, item) for e, item in zip(node.elements, value.items))
        return Sequence(tuple(items), value.kind)
    return value


def _as_tensors(value: Value) -> Value:
    """Lists as the tensors that they become; tuples and dicts keep their structure."""
    if isinstance(value, Sequence) and value.kind != "tuple":
        tensors = [item for item in value.items if isinstance(item, Tensor)]
        if tensors and len(tensors) == len(value.items):
            first = tensors[0].shape
            same = first.exact and all(tensor.shape == first for tensor in tensors)
            return Tensor(Shape((len(tensors), *first.leading)) if same else UNKNOWN_SHAPE)
        return Tensor(literal_shape(value))
    if isinstance(value, Sequence):
        return Sequence(tuple(map(_as_tensors, value.items)))
    if isinstance(value, Dictionary):
        return Dictionary({key: _as_tensors(item) for key, item in value.items.items()}, value.kind, value.complete)
    if isinstance(value, Batch):
        return value.tensor
    return value if isinstance(value, Tensor) else Tensor(opaque=True)


def _rows(ev: Evaluator, value: Value) -> Dimension | None:
    """How many slices *value* has."""
    if isinstance(value, Tensor):
        rows = ev.length_of(value)
        return None if rows is None else rows.dimension
    parts: tuple[Value, ...] = ()
    if isinstance(value, Sequence):
        parts = value.items
    elif isinstance(value, Dictionary):
        parts = tuple(value.items.values())
    known = [_rows(ev, part) for part in parts]
    numbers = [dimension for dimension in known if isinstance(dimension, int)]
    return (numbers or known or [None])[0]


def _split_of(node: Any) -> bool | None:
    """Whether what the pipeline is made of says training or evaluation."""
    words = {last_name(part) for argument in node.args for part in _names(argument.value)}
    if any(names_evaluation(word) for word in words):
        return False
    return True if any(names_training(word) for word in words) else None


def _names(node: Any) -> list[Any]:
    if kind(node) in ("Tuple", "List"):
        return [part for element in node.elements for part in _names(element.value)]
    return [node] if kind(node) in ("Name", "Attribute") else []


@handles(f"{_DATASET}from_tensors")
def _from_tensors(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    whole = _as_tensors(arguments[0]) if arguments else UNKNOWN
    samples = reshaped(whole, lambda t: Tensor(t.shape, opaque=t.opaque))
    return Dataset(f"{_DATASET}from_tensors", new_identity(), None, samples, node, 1, pipeline=True)


@handles(f"{_DATASET}range")
def _range(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    size = arguments[0].dimension if len(arguments) == 1 and isinstance(arguments[0], Integer) else None
    return Dataset(f"{_DATASET}range", new_identity(), None, Tensor(Shape(())), node, size, pipeline=True)


@handles(f"{_DATASET}zip")
def _zip(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    given = arguments[0] if len(arguments) == 1 else Sequence(arguments)
    if not isinstance(given, Sequence) or not given.items:
        return UNKNOWN
    parts = given.items
    if all(isinstance(part, Dataset) and part.pipeline for part in parts):
        datasets = [part for part in parts if isinstance(part, Dataset)]
        samples = Sequence(tuple(part.samples or UNKNOWN for part in datasets))
        first = datasets[0]
        shuffled = any(part.shuffled for part in datasets)
        endless = all(part.endless for part in datasets)
        return Dataset(
            f"{_DATASET}zip", new_identity(), first.training, samples, node, first.size, True, shuffled, endless
        )
    loaders = [part for part in parts if isinstance(part, Loader) and part.feed is Feed.DATASET]
    if len(loaders) < len(parts):
        return UNKNOWN
    first_loader = loaders[0]
    if any(part.batch_size != first_loader.batch_size or part.drop_last != first_loader.drop_last for part in loaders):
        return UNKNOWN
    sources = [part.dataset if isinstance(part.dataset, Dataset) and part.element is None else None for part in loaders]
    samples = Sequence(tuple(UNKNOWN if s is None or s.samples is None else s.samples for s in sources))
    dataset = Dataset(f"{_DATASET}zip", new_identity(), None, samples, node, None, True, bool(first_loader.shuffle))
    endless = all(part.endless for part in loaders)
    return Loader(
        new_identity(), dataset, first_loader.batch_size, first_loader.drop_last, first_loader.shuffle,
        first_loader.node, feed=Feed.DATASET, endless=endless,
    )  # fmt: skip


# Generators ----------------------------------------------------------------------------------------------------------


@handles(f"{_DATASET}from_generator")
def _from_generator(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    declared = {argument.keyword.value: argument.value for argument in node.args if argument.keyword is not None}
    positional = [argument.value for argument in node.args if argument.keyword is None]
    if "output_signature" in declared:
        samples = _signature(ev, declared["output_signature"])
    elif "output_shapes" in declared or len(positional) > 2:
        samples = _shapes(ev, declared.get("output_shapes", positional[2] if len(positional) > 2 else None))
    else:
        samples = None
    return Dataset(f"{_DATASET}from_generator", new_identity(), None, samples, node, None, pipeline=True)


def _signature(ev: Evaluator, node: Any) -> Value | None:
    """The element that a (nested) ``TensorSpec`` declares."""
    what = kind(node)
    if what == "Tuple":
        parts = [_signature(ev, element.value) for element in node.elements]
        return Sequence(tuple(UNKNOWN if part is None else part for part in parts))
    if what == "Dict":
        return _in_dict(ev, node, _signature)
    if what == "Call" and last_name(node.func) == "TensorSpec":
        shape = next((a.value for a in node.args if a.keyword is not None and a.keyword.value == "shape"), None)
        if shape is None and node.args and node.args[0].keyword is None:
            shape = node.args[0].value
        return None if shape is None else _declared(ev, shape)
    return None


def _in_dict(ev: Evaluator, node: Any, read: Any) -> Value:
    items: dict[Any, Value] = {}
    for element in node.elements:
        key: Any = getattr(element, "key", None)
        if kind(key) == "SimpleString":
            value = read(ev, element.value)
            items[str(key.evaluated_value)] = UNKNOWN if value is None else value
    return Dictionary(items)


def _shapes(ev: Evaluator, node: Any) -> Value | None:
    """The element that ``output_shapes`` declares: one shape, or a tuple or dict of them."""
    what = kind(node)
    if what == "Dict":
        return _in_dict(ev, node, _shapes)
    if what == "Tuple" and any(kind(e.value) in ("Tuple", "List", "Call") for e in node.elements):
        parts = [_shapes(ev, element.value) for element in node.elements]
        return Sequence(tuple(UNKNOWN if part is None else part for part in parts))
    return None if node is None else _declared(ev, node)


def _declared(ev: Evaluator, node: Any) -> Value | None:
    """The tensor whose shape *node* says; ``None`` in it is a size that differs between elements."""
    if kind(node) == "Call" and last_name(node.func) == "TensorShape" and node.args:
        node = node.args[0].value
    value = ev.evaluate(node)
    if not isinstance(value, Sequence):
        return None
    sizes: list[Dimension] = []
    for position, item in enumerate(value.items):
        if isinstance(item, Integer):
            sizes.append(item.dimension)
        elif isinstance(item, Constant) and item.value is None:
            sizes.append(variable_length((id(node), position)))
        else:
            sizes.append(unknown())
    return Tensor(Shape(tuple(sizes)))


# Files ---------------------------------------------------------------------------------------------------------------


@handles(
    "tensorflow.data.TFRecordDataset",
    "tensorflow.data.TextLineDataset",
    "tensorflow.data.FixedLengthRecordDataset",
    "tensorflow.contrib.data.TFRecordDataset",
    "tensorflow.contrib.data.TextLineDataset",
)
def _records(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    name = getattr(ev.evaluate(node.func), "name", "")
    return Dataset(name, new_identity(), _split_of(node), Tensor(Shape(())), node, None, pipeline=True)


@handles(f"{_DATASET}list_files")
def _list_files(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    given = _given(("file_pattern", "shuffle"), arguments, keywords)
    mixed = given.get("shuffle") != Constant(False)
    return Dataset(
        f"{_DATASET}list_files", new_identity(), _split_of(node), Tensor(Shape(())), node, None, True, shuffled=mixed
    )


@handles("tensorflow.io.FixedLenFeature", "tensorflow.FixedLenFeature")
def _fixed_feature(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    shape = _given(("shape", "dtype"), arguments, keywords).get("shape", UNKNOWN)
    return Dictionary({"shape": shape}, "fixed length feature", True)


@handles("tensorflow.io.parse_single_example", "tensorflow.parse_single_example", "tensorflow.io.parse_example",
         "tensorflow.parse_example")  # fmt: skip
def _parse_example(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    given = _given(("serialized", "features"), arguments, keywords)
    features, serialized = given.get("features", UNKNOWN), given.get("serialized", UNKNOWN)
    if not isinstance(features, Dictionary) or not features.complete:
        return UNKNOWN
    rows: tuple[Dimension, ...] | None = ()
    tensor = serialized if isinstance(serialized, Tensor) else Tensor(opaque=True)
    if "single" not in (ev.last_name(node.func) or ""):
        rows = tensor.shape.leading[:1] or None
    items: dict[Any, Value] = {}
    for key, feature in features.items.items():
        shape = feature.items.get("shape") if isinstance(feature, Dictionary) else None
        sizes = _sizes(shape)
        known = UNKNOWN_SHAPE if sizes is None or rows is None else Shape((*rows, *sizes))
        items[key] = Tensor(known, tensor.sources, loader=tensor.loader, opaque=not known.exact)
    return Dictionary(items)


@handles("tensorflow.io.parse_tensor", "tensorflow.io.decode_raw", "tensorflow.decode_raw")
def _decoded(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    """What the bytes of a record hold: as much as was written there, whatever comes in beside it."""
    return UNKNOWN


def _sizes(value: Value | None) -> tuple[Dimension, ...] | None:
    if isinstance(value, Integer):
        return (value.dimension,)
    if not isinstance(value, Sequence):
        return None
    known = [item.dimension for item in value.items if isinstance(item, Integer)]
    return tuple(known) if len(known) == len(value.items) else None


# Directories and windows ---------------------------------------------------------------------------------------------

_FROM_DIRECTORY = {
    "image_dataset_from_directory": (
        "directory", "labels", "label_mode", "class_names", "color_mode", "batch_size", "image_size", "shuffle",
    ),
    "text_dataset_from_directory": (
        "directory", "labels", "label_mode", "class_names", "batch_size", "max_length", "shuffle",
    ),
    "audio_dataset_from_directory": (
        "directory", "labels", "label_mode", "class_names", "batch_size", "sampling_rate", "output_sequence_length",
        "ragged", "shuffle",
    ),
}  # fmt: skip
"""Function to its first parameters in order."""

_DIRECTORY_BATCH = 32
"""The batch size of the functions that read directories, where none is given."""
_WINDOWS_BATCH = 128
"""The batch size of ``timeseries_dataset_from_array``, where none is given."""


@handles(*(f"keras.{place}.{name}" for place in ("utils", "preprocessing", "preprocessing.image", "preprocessing.text")
           for name in _FROM_DIRECTORY))  # fmt: skip
def _from_directory(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    name = ev.last_name(node.func) or ""
    given = _given(_FROM_DIRECTORY.get(name, ()), arguments, keywords)
    subset = given.get("subset")
    training = None
    if isinstance(subset, Constant):
        training = {"training": True, "validation": False}.get(str(subset.value))
    samples = _directory_samples(name, given)
    mixed = given.get("shuffle", Constant(True)) != Constant(False)

    def made(split: bool | None) -> Value:
        whole = Dataset(name, new_identity(), split, samples, node, None, pipeline=True, shuffled=mixed)
        return _grouped(whole, given.get("batch_size"), _DIRECTORY_BATCH, node)

    return Sequence((made(True), made(False))) if subset == Constant("both") else made(training)


def _directory_samples(name: str, given: Mapping[str, Value]) -> Value:
    first = Tensor(opaque=True)
    if name.startswith("image"):
        size = given.get("image_size", Sequence((Integer(256), Integer(256))))
        colours = {"grayscale": 1, "rgba": 4}
        mode = given.get("color_mode")
        channels = colours.get(str(mode.value), 3) if isinstance(mode, Constant) else 3
        sizes = _sizes(size)
        if sizes is not None and len(sizes) == 2:
            first = Tensor(Shape((*sizes, channels)))
    elif name.startswith("text"):
        first = Tensor(Shape(()))
    if Constant(None) in (given.get("labels"), given.get("label_mode")):
        return first
    label = given.get("label_mode", Constant("int"))
    shapes = {"int": Shape(()), "binary": Shape((1,))}
    shape = shapes.get(str(label.value)) if isinstance(label, Constant) else None
    return Sequence((first, Tensor(opaque=True) if shape is None else Tensor(shape)))


def _grouped(whole: Dataset, size: Value | None, usual: int, node: Any) -> Value:
    """*whole* in batches of *size*, of the *usual* one where none was given, unbatched where it is ``None``."""
    if size == Constant(None):
        return whole
    given = Integer(usual, Origin(OriginKind.LITERAL, None, node)) if size is None else size
    batch_size = given if isinstance(given, Integer) else None
    return Loader(new_identity(), whole, batch_size, False, whole.shuffled, node, feed=Feed.DATASET)


@handles("keras.utils.timeseries_dataset_from_array", "keras.preprocessing.timeseries_dataset_from_array",
         "keras.preprocessing.sequence.timeseries_dataset_from_array")  # fmt: skip
def _windows(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    parameters = ("data", "targets", "sequence_length", "sequence_stride", "sampling_rate", "batch_size", "shuffle")
    given = _given(parameters, arguments, keywords)
    mixed = given.get("shuffle", Constant(False)) != Constant(False)
    whole = Dataset("timeseries_dataset_from_array", new_identity(), None, None, node, None, True, shuffled=mixed)
    return _grouped(whole, given.get("batch_size"), _WINDOWS_BATCH, node)


# Well-known data sets ------------------------------------------------------------------------------------------------


def _known(shape: tuple[int, ...], rows: int | None) -> Tensor:
    known = Shape((unknown() if rows is None else rows, *shape))
    return Tensor(known, frozenset({Source.DATASET}), array=True)


@handles(*(f"keras.datasets.{name}.load_data" for name in KERAS_DATASETS))
def _load_data(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    name = getattr(ev.evaluate(node.func), "name", "").split(".")[-2]
    known = KERAS_DATASETS[name]
    splits = []
    for count in (known.train, known.test):
        # `test_split`, `num_words`, `maxlen` may change how many samples there are.
        rows = None if keywords or arguments else count
        images = _known(known.sample, rows)
        if not known.sample:
            images = Tensor(Shape((unknown() if rows is None else rows,)), frozenset({Source.DATASET}), array=True)
        splits.append(Sequence((images, _known(known.label, rows))))
    return Sequence(tuple(splits))


@handles("tensorflow_datasets.load")
def _tfds_load(ev: Evaluator, node: Any, arguments: Arguments, keywords: Keywords) -> Value:
    given = _given(("name",), arguments, keywords)
    name, split = given.get("name"), given.get("split")
    mixed = given.get("shuffle_files", Constant(False)) != Constant(False)
    supervised = given.get("as_supervised", Constant(False)) == Constant(True)
    title = name.value.partition(":")[0] if isinstance(name, Constant) and isinstance(name.value, str) else ""
    known = TENSORFLOW_DATASETS.get(title)
    samples: Value | None = None
    if known is not None:
        image, label = Tensor(Shape(known.sample)), Tensor(Shape(known.label))
        samples = Sequence((image, label)) if supervised else Dictionary({"image": image, "label": label})

    def made(one: Value) -> Value:
        training = None
        rows = None
        if isinstance(one, Constant) and isinstance(one.value, str):
            training = True if one.value.startswith("train") else False if names_evaluation(one.value) else None
            rows = None if known is None else {"train": known.train, "test": known.test}.get(one.value)
        whole = Dataset(title, new_identity(), training, samples, node, rows, pipeline=True, shuffled=mixed)
        size = given.get("batch_size")
        return whole if size is None else _grouped(whole, size, 0, node)

    loaded: Value
    if isinstance(split, Sequence):
        loaded = Sequence(tuple(map(made, split.items)), split.kind)
    elif isinstance(split, Constant) and isinstance(split.value, str):
        loaded = made(split)
    elif split is None:
        loaded = Dictionary({"train": made(Constant("train")), "test": made(Constant("test"))}, "dict", False)
    else:
        loaded = UNKNOWN
    informed = given.get("with_info", Constant(False))
    if informed == Constant(True):
        return Sequence((loaded, UNKNOWN))
    return loaded if informed == Constant(False) else UNKNOWN
