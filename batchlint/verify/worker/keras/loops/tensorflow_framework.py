"""TensorFlow and Keras as loops see them: pipelines of numbered rows, stand-ins for models, real tensors on demand."""

from __future__ import annotations

import ast
import itertools
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from batchlint.shapes.datasets import KERAS_DATASETS
from batchlint.verify.outcomes import Failure, Grade
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.loops.allocations import allocated
from batchlint.verify.worker.keras.loops.pipelines import SOURCES, RowPipeline, pipeline_of
from batchlint.verify.worker.loops.deliveries import note_delivery, note_empty
from batchlint.verify.worker.loops.frameworks import Framework, Handler
from batchlint.verify.worker.loops.operations import apply
from batchlint.verify.worker.loops.predicted import last_sizes, one_of_each
from batchlint.verify.worker.loops.replaced import array_made, first, nothing, source
from batchlint.verify.worker.loops.standins import CHANNELS, SIDE, Sizes, StandIn, first_of, holds_standin, scalar
from batchlint.verify.worker.loops.under_way import current
from batchlint.verify.worker.loops.world import Rows, Training, World

_TRAINERS = frozenset("fit evaluate predict fit_generator evaluate_generator predict_generator".split())
_PIPELINES = frozenset("batch padded_batch ragged_batch take skip shuffle repeat unbatch enumerate".split())
"""Methods by which something unknown shows that it is a pipeline."""
_STEPS = ("steps_per_epoch", "steps")
_KEPT = (tf.GradientTape, tf.DType, tf.TensorSpec)
MAXIMUM_ITEMS = 20_000_000
"""Items of an array that is made to see what is written into it."""
_GRAPH = frozenset(
    """placeholder placeholder_with_default get_variable variable_scope name_scope global_variables_initializer
    local_variables_initializer initialize_all_variables disable_v2_behavior disable_eager_execution
    reset_default_graph set_random_seed trainable_variables global_variables get_collection""".split()
)
"""Functions that need a graph."""
_MEANS = frozenset({"reduce_mean", "mean"})
_STANDING = (
    "tensorflow.python.distribute", "tensorflow.python.checkpoint", "tensorflow.python.training",
    "tensorflow.python.ops.summary", "tensorflow.python.summary", "tensorflow.python.saved_model",
    "tensorflow.python.client", "tensorflow.python.framework.config", "tensorflow.python.platform",
    "tensorflow.python.lib.io", "tensorflow.python.ops.io_ops", "tensorflow.python.ops.gen_io_ops",
    "tensorflow.python.profiler", "keras.src.datasets", "keras.src.utils.file_utils", "keras.src.saving",
    "keras.src.applications", "tensorflow.python.ops.image_ops", "tensorflow.python.ops.gen_image_ops",
    "tensorflow.python.ops.parsing_ops", "tensorflow.python.framework.ops",
)  # fmt: skip
"""Modules whose functions answer with stand-ins: they ask for files, devices, a graph or the network."""
_NAMES = {
    "softmax_cross_entropy_with_logits_v2": "rows_of_loss",
    "sparse_softmax_cross_entropy_with_logits": "rows_of_loss",
    "sigmoid_cross_entropy_with_logits": "rows_of_loss",
}


_FALLBACK: tuple[tuple[int, ...], ...] = ((7,), (28, 28, 1), (32, 32, 3), (16,), (784,), (28, 28), (10,), (1,), (5, 8))


def _samples(tree: ast.Module) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
    told: list[tuple[tuple[int, ...], bool, Grade]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.ImportFrom | ast.Name):
            known = next((KERAS_DATASETS[name] for name in _names(node) if name in KERAS_DATASETS), None)
            if known is not None:
                sample = known.sample or (7,)
                told.append((sample, not known.sample, Grade.CODE))
                if len(sample) == 2:
                    told += [((*sample, 1), False, Grade.LAYER), ((sample[0] * sample[1],), False, Grade.LAYER)]
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            told += [(shape, False, Grade.LAYER) for shape in _input_shapes(node, name)]
            if name == "Embedding":
                told.append(((7,), True, Grade.LAYER))
    seen = set()
    for sample, whole, grade in told[:12]:
        if (sample, whole) not in seen:
            seen.add((sample, whole))
            yield sample, whole, grade
    for sample in _FALLBACK:
        if (sample, False) not in seen:
            yield sample, False, Grade.GUESSED


def _names(node: ast.Attribute | ast.ImportFrom | ast.Name) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [each.name for each in node.names]
    return [node.attr if isinstance(node, ast.Attribute) else node.id]


def _input_shapes(node: ast.Call, name: str) -> Iterator[tuple[int, ...]]:
    wanted = ("input_shape", "shape") if name == "Input" else ("input_shape",)
    shapes = [keyword.value for keyword in node.keywords if keyword.arg in wanted]
    for shape in [*node.args[:1], *shapes] if name == "Input" else shapes:
        sizes = [each.value if isinstance(each, ast.Constant) else None for each in getattr(shape, "elts", ())]
        if sizes:
            yield tuple(each if isinstance(each, int) and each > 0 else 16 for each in sizes)


class Proxy:
    """A module of the framework as user code sees it; what the installed version does not have is a stand-in.

    Args:
        module: it.
        older: where names are looked up that it has no more.
    """

    def __init__(self, module: Any, older: Any = None) -> None:
        self.__dict__["_bl_module"] = module
        self.__dict__["_bl_older"] = older

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            return getattr(self._bl_module, name)
        older = None if self._bl_older is None else getattr(self._bl_older, name, None)
        found = getattr(self._bl_module, name, None)
        if found is None:
            found, older = older, None
        if found is None:
            return StandIn(current(), name)
        if name == "keras" and self._bl_module is tf:
            return Proxy(keras, found)
        return Proxy(found, older) if isinstance(found, types.ModuleType) else found


class RowLoss:
    """A loss of Keras as an object: 1.0 for each row, reduced as it was told.

    Args:
        reduction: ``mean``, ``sum`` or ``none``; what is not known is said.
    """

    def __init__(self, reduction: Any) -> None:
        self.reduction = reduction

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """The loss of the rows of the first argument with rows."""
        world, subject = current(), first_of(arguments, keywords)
        note_empty(world, arguments)
        ids = subject._bl_rows() if subject is not None and (subject._bl_known() or subject._bl_source) else None
        if self.reduction in (None, "none") or ids is None:
            return StandIn(world, "rows_of_loss", ids=ids)
        if self.reduction == "sum":
            return scalar(float(ids.size))
        if self.reduction not in ("mean", "sum_over_batch_size", "mean_with_sample_weight", "auto"):
            world.assume("how the loss is reduced")
        return scalar(1.0 if ids.size else float("nan"))


class TensorFlow(Framework):
    """TensorFlow with Keras."""

    tensors = (tf.Tensor, tf.Variable)
    modules = (keras.layers.Layer, keras.losses.Loss)
    datasets = (tf.data.Dataset,)
    owners = (np.random.Generator, np.random.RandomState, tf.random.Generator)
    packages = frozenset({"numpy"})
    operations = frozenset({"tensorflow", "keras", "numpy", "scipy", "einops"})

    def scalar(self, value: float) -> Any:
        """A tensor without axes."""
        return tf.constant(value, tf.float32)

    def part(self, world: World, ids: Rows, index: int, label: bool | None) -> Any:
        """Samples first, then labels that go through all classes."""
        wanted = world.tensors
        assert wanted is not None
        if tf.inside_function() or not tf.executing_eagerly():
            kind = (tf.float32 if wanted.floats else tf.int64) if label else tf.int32 if wanted.whole else tf.float32
            return tf.compat.v1.placeholder(kind, (None,) if label else (None, *wanted.sample))
        numbers = np.random.default_rng(index)
        if label or (label is None and index > 0):
            return tf.constant(ids % wanted.classes, tf.float32 if wanted.floats else tf.int64)
        if wanted.whole:
            return tf.constant(numbers.integers(0, 2, (ids.size, *wanted.sample)), tf.int32)
        return tf.constant(numbers.random((ids.size, *wanted.sample)), tf.float32)

    def scores(self, world: World, ids: Rows, label: bool) -> Any:
        """Random predictions; labels go through all classes."""
        assert world.tensors is not None
        shape = world.tensors.scores
        if tf.inside_function() or not tf.executing_eagerly():
            return tf.compat.v1.placeholder(tf.float32, (None, *shape))
        if label:
            return tf.constant(one_of_each(ids, shape))
        return tf.constant(np.random.default_rng(0).random((ids.size, *shape)), tf.float32)

    def prediction(self, given: Any, width: int) -> Any:
        """Numbers between 0 and 1."""
        return tf.random.uniform((given.shape[0], width))

    def plain(self, value: Any) -> Any:
        """A tensor as an array."""
        return value.numpy() if isinstance(value, tf.Tensor | tf.Variable) and hasattr(value, "numpy") else value

    def device(self) -> Any:
        """The processor, by TensorFlow's name."""
        return "/CPU:0"

    def samples(self, tree: ast.Module) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
        """What data sets, input shapes, the first layers and finally a few usual sizes say."""
        return _samples(tree)

    def widths(self, tree: ast.Module) -> Iterator[int]:
        """What its dense layers give, the last first."""
        return last_sizes(tree, "Dense", 0, "units")

    def failure(self, error: BaseException, is_users: Callable[[str], bool]) -> Failure:
        """What Keras and TensorFlow wrap around it is taken off."""
        return failure_in(error, is_users)

    def is_loss(self, module: Any) -> bool:
        """By its class."""
        return isinstance(module, keras.losses.Loss) or super().is_loss(module)

    def bare(self, instance: Any) -> None:
        """With the tables of a layer."""
        if isinstance(instance, keras.layers.Layer):
            keras.layers.Layer.__init__(instance)

    def module(self, name: str) -> Any:
        """TensorFlow and Keras, old names included."""
        top, _, rest = name.partition(".")
        if top not in ("tensorflow", "keras", "tf_keras"):
            return NotImplemented
        found: Any = tf if top == "tensorflow" else keras
        older: Any = tf.compat.v1 if top == "tensorflow" else None
        parts = rest.split(".") if rest else []
        if top == "tensorflow" and parts[:2] == ["python", "keras"]:
            parts = parts[1:]
        if top == "tensorflow" and parts[:1] == ["keras"]:
            found, older, parts = keras, tf.keras, parts[1:]
        for part in parts:
            found, older = getattr(found, part, None), getattr(older, part, None)
            if found is None:
                found, older = older, None
            if found is None:
                unknown = StandIn(current(), part)
                unknown._bl_plain = True
                return unknown
        return Proxy(found, older)

    def answer(self, world: World, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Sources of rows, shapes, what asks for files, and operations on stand-ins."""
        if isinstance(function, keras.metrics.Metric):
            return _metric(function, function.update_state, arguments, keywords)
        owner = getattr(function, "__self__", None)
        module, name = getattr(function, "__module__", None) or "", getattr(function, "__name__", "")
        if isinstance(owner, keras.metrics.Metric) and name == "update_state":
            return _metric(owner, function, arguments, keywords)
        if isinstance(owner, RowPipeline):
            return function(*arguments, **keywords)
        if isinstance(owner, np.random.RandomState | np.random.Generator) and _makes_rows(
            world, name, arguments, keywords
        ):
            return StandIn(world, name)
        if world.notes_training and isinstance(owner, keras.Model) and name in _TRAINERS:
            data = arguments[0] if arguments else keywords.get("x")
            world.trained.append(Training(world.place, owner, name, data, arguments[1:], keywords))
            return StandIn(world, name)
        if isinstance(owner, tf.GradientTape):
            return StandIn(world, name) if world.tensors is None or holds_standin(arguments) else NotImplemented
        if (
            isinstance(function, type)
            or isinstance(owner, self.tensors)
            or not module.startswith(("tensorflow", "keras"))
        ):
            return NotImplemented
        if name in _GRAPH and world.tensors is None:
            return StandIn(world, name)
        if module.startswith("tensorflow.python.data.ops.dataset_ops") and name in SOURCES:
            return SOURCES[name](world, arguments, keywords)
        if name == "map_and_batch":
            return _mapped_and_batched(arguments, keywords)
        if module.startswith(_STANDING) and not (world.tensors is not None and "image_ops" in module):
            return StandIn(world, name)
        if not (holds_standin(arguments) or holds_standin(keywords)):
            return NotImplemented
        return _operation(world, module, name, arguments, keywords)

    def make(self, world: World, of: type, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Data sets are rows; losses and metrics are real; models, layers and the rest of Keras are stand-ins."""
        module = of.__module__ or ""
        if issubclass(of, tf.data.Dataset):
            return pipeline_of(world)
        if of is keras.metrics.Mean or of is keras.metrics.Sum:
            return of()
        if world.tensors is not None and issubclass(of, keras.Model):
            try:
                made = of(*arguments, **keywords)
            except Exception:
                if holds_standin(arguments) or holds_standin(keywords):
                    return StandIn(world, of.__name__)
                raise
            world.models.append(made)
            return made
        if module.startswith("keras") and world.tensors is not None:
            kept = not issubclass(of, keras.optimizers.Optimizer | keras.callbacks.Callback | keras.metrics.Metric)
            return NotImplemented if kept else StandIn(world, of.__name__)
        if module.startswith("keras"):
            if issubclass(of, keras.losses.Loss):
                return RowLoss(keywords.get("reduction", "mean"))
            return StandIn(world, of.__name__)
        if world.tensors is not None and not module.startswith(_STANDING):
            return NotImplemented
        if module.startswith("tensorflow") and not issubclass(of, _KEPT):
            return StandIn(world, of.__name__)
        return NotImplemented

    def method(self, world: World, owner: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Pipelines of unknown origin, training and prediction, sessions."""
        if name in _TRAINERS and isinstance(owner, StandIn):
            return _trained(world, name, arguments, keywords)
        if name in ("train_on_batch", "test_on_batch", "predict_on_batch"):
            note_delivery(world, arguments[:1], keywords)
            note_empty(world, arguments[:1])
            return StandIn(world, name)
        if name == "map_and_batch":
            return _mapped_and_batched(arguments, keywords)
        if isinstance(owner, StandIn) and name in _PIPELINES and _says_pipeline(owner, name, arguments, keywords):
            return getattr(pipeline_of(world, owner), name)(*arguments, **keywords)
        if name == "run" and ("feed_dict" in keywords or len(arguments) > 1):
            return _ran(world, arguments, keywords)
        return NotImplemented

    def batched(self, order: Rows, size: int) -> list[Rows]:
        """Of ``tf.data``."""
        return list(tf.data.Dataset.from_tensor_slices(order).batch(size).as_numpy_iterator())

    def loader_code(self, size: int, drops: bool) -> str:
        """As a pipeline."""
        return f"tf.data.Dataset.from_tensor_slices(rows).batch({size}{', drop_remainder=True' if drops else ''})"

    def is_like(self, world: World, value: Any, kinds: tuple[Any, ...]) -> bool | None:
        """Stand-ins are tensors and arrays, pipelines data sets."""
        if isinstance(value, StandIn):
            return any(each in (tf.Tensor, np.ndarray) for each in kinds)
        if isinstance(value, RowPipeline):
            return any(each is tf.data.Dataset for each in kinds)
        return None


def _metric(metric: Any, update: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A mean or sum is kept for real: a stand-in for values of rows is as many ones."""
    given = [_ones(each) for each in arguments]
    named = {key: _ones(each) for key, each in keywords.items()}
    if type(metric) not in (keras.metrics.Mean, keras.metrics.Sum) or holds_standin(given) or holds_standin(named):
        return StandIn(current(), "metric")
    update(*given, **named)
    return metric.result()


def _ones(value: Any) -> Any:
    if isinstance(value, StandIn) and value._bl_known():
        return np.full(value._bl_rows().size, value._bl_worth, np.float32)
    return value


def _makes_rows(world: World, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Whether random numbers are made in place of data: rows with columns, more than a batch of them."""
    if world.tensors is not None:
        return False
    sizes = next((each for each in (*arguments, *keywords.values()) if isinstance(each, tuple)), None)
    if name in ("rand", "randn"):
        sizes = arguments
    if sizes is None or len(sizes) < 2 or not all(isinstance(each, int) for each in sizes):
        return False
    return sizes[0] > 1 and sizes[0] not in world.batch_sizes and sizes[0] != world.forced


def _operation(world: World, module: str, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """An operation of TensorFlow or Keras on stand-ins."""
    plain = _NAMES.get(name, name)
    subject = first_of(arguments, keywords)
    if subject is None:
        return StandIn(world, name)
    if name.startswith("shape"):
        return Sizes((len(subject), CHANNELS, SIDE, SIDE))
    if name in ("size", "size_v2"):
        return len(subject) * CHANNELS * SIDE * SIDE if subject._bl_known() else StandIn(world, name)
    plain = plain.removeprefix("reduce_").removesuffix("_v2")
    if module.startswith("keras.src.losses") or plain == "rows_of_loss":
        note_empty(world, arguments)
        ids = subject._bl_rows() if subject._bl_known() or subject._bl_source else None
        return StandIn(world, "rows_of_loss", ids=ids)
    if "gradient" in plain:
        return StandIn(world, plain)
    note_delivery(world, arguments, keywords)
    return apply(world, plain, arguments, keywords)


def _says_pipeline(owner: StandIn, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> bool:
    if name in ("batch", "padded_batch", "ragged_batch"):
        return bool(arguments or keywords)
    if name in ("take", "skip", "shuffle"):
        return len(arguments) + len(keywords) >= 1 and not owner._bl_cut
    return name in ("repeat", "unbatch") and not owner._bl_cut and not owner._bl_known()


def _mapped_and_batched(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Callable[[Any], Any]:
    size = arguments[1] if len(arguments) > 1 else keywords.get("batch_size")
    return lambda pipeline: pipeline.batch(size, keywords.get("drop_remainder", False))


def _trained(world: World, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """What a model is trained on or asked about: batches of a pipeline, a sequence or a generator, else an array."""
    given = arguments[0] if arguments else keywords.get("x", keywords.get("generator"))
    if world.notes_training:
        world.trained.append(Training(world.place, None, name.partition("_")[0], given, arguments[1:], keywords))
        return StandIn(world, name)
    steps = next((keywords[each] for each in _STEPS if isinstance(keywords.get(each), int)), None)
    if steps is None and name.endswith("_generator") and len(arguments) > 1 and isinstance(arguments[1], int):
        steps = arguments[1]
    batches: Iterable[Any] | None = None
    if isinstance(given, RowPipeline | types.GeneratorType):
        batches = given
    elif isinstance(given, keras.utils.PyDataset):
        batches = (given[index] for index in range(len(given)))
    if batches is None:
        note_delivery(world, [given], {})
        note_empty(world, [given])
    else:
        for batch in itertools.islice(batches, steps):
            world.step()
            note_delivery(world, [batch[0] if isinstance(batch, tuple) and batch else batch], {})
    if name.startswith("predict"):
        ids = given._bl_ids if isinstance(given, StandIn) else None
        return StandIn(world, "predictions", ids=ids)
    return StandIn(world, name)


def _ran(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """``session.run``: the rows that are fed; means among what is fetched are 1.0."""
    fed = keywords.get("feed_dict", arguments[1] if len(arguments) > 1 else None)
    note_delivery(world, [fed], {})
    note_empty(world, [fed])
    values = fed.values() if isinstance(fed, Mapping) else ()
    subject = next((each for each in values if isinstance(each, StandIn) and each._bl_known()), None)
    ids = None if subject is None else subject._bl_ids
    fetches = arguments[0] if arguments else keywords.get("fetches")

    def fetched(fetch: Any) -> Any:
        if isinstance(fetch, StandIn) and fetch._bl_name in _MEANS and ids is not None:
            return 1.0 if ids.size else float("nan")
        return StandIn(world, "fetched", ids=ids)

    if isinstance(fetches, list | tuple):
        return [fetched(each) for each in fetches]
    return fetched(fetches)


def _array(function: Any) -> Handler:
    """``np.empty`` and the like: what is written into it is noted."""

    def make(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        shape = arguments[0] if arguments else keywords.get("shape")
        dtype = arguments[1] if len(arguments) > 1 else keywords.get("dtype")
        if holds_standin(arguments) or holds_standin(keywords):
            return StandIn(world, "array")
        sized = isinstance(shape, int | tuple | list | np.integer) and int(np.prod(shape)) <= MAXIMUM_ITEMS
        if world.tensors is not None or not sized:
            return function(*arguments, **keywords)
        return allocated(shape, dtype)

    return make


TensorFlow.replaced = {
    np.empty: _array(np.empty),
    np.zeros: _array(np.zeros),
    tf.convert_to_tensor: array_made(tf.convert_to_tensor),
    tf.constant: array_made(tf.constant),
    tf.function: first,
    tf.print: nothing,
    keras.utils.get_file: source("file"),
    keras.models.load_model: source("model"),
}
TENSORFLOW = TensorFlow()
