"""Datasets and loaders: what one batch is, how many rows it has, and which split it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import library
from batchlint.semantics.batch_names import names_evaluation, names_training
from batchlint.semantics.elements import pipeline_batch
from batchlint.semantics.values import (
    UNKNOWN,
    Batch,
    Constant,
    Dataset,
    Dictionary,
    External,
    Feed,
    Instance,
    Integer,
    Loader,
    Sequence,
    Source,
    Tensor,
    Value,
    new_identity,
)
from batchlint.shapes.datasets import DATASETS
from batchlint.shapes.dimension import Dimension, unknown
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_POSITIONS = (
    "dataset",
    "batch_size",
    "shuffle",
    "sampler",
    "batch_sampler",
    "num_workers",
    "collate_fn",
    "pin_memory",
    "drop_last",
)


def _loader(ev: Evaluator, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    given = dict(zip(_POSITIONS, arguments))
    given.update(keywords)
    size = given.get("batch_size")
    batch_size: Integer | None
    if isinstance(size, Integer):
        batch_size = size
    elif size is None and "batch_sampler" not in given and all(a.star != "**" for a in node.args):
        batch_size = Integer(1)
    else:
        batch_size = None
    drop = given.get("drop_last", Constant(False))
    drop_last = drop.value if isinstance(drop, Constant) and isinstance(drop.value, bool) else None
    if "batch_sampler" in given or any(a.star for a in node.args):
        drop_last = drop_last or None
    shuffle = given.get("shuffle")
    dataset = given.get("dataset", UNKNOWN)
    if not isinstance(dataset, Dataset):
        dataset = replace(dataset_of(dataset), training=_split_of(node, dataset), node=node)
        _remember(ev, node, dataset)
    sampler = given.get("sampler")
    loader = Loader(
        new_identity(),
        dataset,
        batch_size,
        drop_last,
        shuffle.value if isinstance(shuffle, Constant) and isinstance(shuffle.value, bool) else None,
        node,
        "collate_fn" in given,
        batches=not (isinstance(size, Constant) and size.value is None),
        sampler=sampler if isinstance(sampler, Dataset) else None,
    )
    ev.observe("torch.utils.data.DataLoader", node, given, loader, name="torch.utils.data.DataLoader")
    return loader


def dataset_of(value: Value) -> Dataset:
    """*value*, which a loader draws from, as a dataset: the same one each time for the same object."""
    if isinstance(value, Dataset):
        return value
    identity = value.identity if isinstance(value, Instance) else new_identity()
    size = value.shape.leading[0] if isinstance(value, Tensor) and value.shape.leading else None
    return Dataset("", identity, None, _samples_of(value), size=size)


def _remember(ev: Evaluator, node: Any, dataset: Dataset) -> None:
    """What a loader draws from is a dataset from now on, where nothing was known of its name."""
    import libcst as cst

    for argument in node.args:
        keyword = None if argument.keyword is None else argument.keyword.value
        if keyword == "dataset" or (keyword is None and not argument.star):
            name = argument.value
            value = ev.frame.lookup(name.value) if isinstance(name, cst.Name) else None
            if value is UNKNOWN or (isinstance(value, Tensor) and value.opaque):
                ev.frame.bind(name.value, dataset)
            return


def _split_of(node: Any, dataset: Value) -> bool | None:
    """Whether the dataset's name in the call says training or evaluation."""
    import libcst as cst

    for argument in node.args:
        if argument.keyword is None or argument.keyword.value == "dataset":
            names = _words(argument.value)
            if any(names_evaluation(name) for name in names):
                return False
            if any(names_training(name) for name in names):
                return True
            break
    _ = cst
    return None


def _words(node: Any) -> list[str]:
    import libcst as cst

    if isinstance(node, cst.Name):
        return [node.value]
    if isinstance(node, cst.Attribute):
        return [node.attr.value]
    if isinstance(node, cst.Subscript):
        words = _words(node.value)
        for element in node.slice:
            if isinstance(element.slice, cst.Index) and isinstance(element.slice.value, cst.SimpleString):
                words.append(str(element.slice.value.evaluated_value))
        return words
    return []


def _samples_of(dataset: Value) -> Value | None:
    if isinstance(dataset, Tensor) and dataset.shape.exact and dataset.shape.leading:
        return Sequence((Tensor(Shape(dataset.shape.leading[1:])),))
    return None


_KEEPING = frozenset(
    """ToTensor Normalize RandomHorizontalFlip RandomVerticalFlip ToDtype ConvertImageDtype ColorJitter RandomErasing
    PILToTensor RandomRotation RandomAffine ToImage AutoAugment RandAugment TrivialAugmentWide GaussianBlur Lambda
    RandomApply ToPILImage RandomPerspective RandomGrayscale Cutout""".split()
)


def _transformed(sample: tuple[Dimension, ...], transform: Value | None) -> Shape | None:
    """A sample's shape after ``transforms.Compose([...])``, ``None`` where it does not become a tensor for certain."""
    steps: list[Value]
    if isinstance(transform, Sequence) and transform.kind == "transforms":
        steps = list(transform.items)
    elif isinstance(transform, Dictionary) and transform.kind == "transform":
        steps = [transform]
    else:
        return None
    shape = sample
    is_tensor = False
    for step in steps:
        if not (isinstance(step, Dictionary) and step.kind == "transform"):
            return None
        name_value = step.items["name"]
        name = name_value.value if isinstance(name_value, Constant) else ""
        size = step.items.get("size", UNKNOWN)
        if name in ("ToTensor", "PILToTensor", "ToImage"):
            is_tensor = True
        elif name in ("Resize", "Scale"):
            if isinstance(size, Sequence) and len(size.items) == 2:
                shape = (shape[0], *(i.dimension if isinstance(i, Integer) else unknown() for i in size.items))
            elif isinstance(size, Integer) and shape[1] == shape[2]:
                shape = (shape[0], size.dimension, size.dimension)
            else:
                shape = (shape[0], unknown("H"), unknown("W"))
        elif name in ("CenterCrop", "RandomCrop", "RandomResizedCrop", "RandomSizedCrop"):
            if isinstance(size, Sequence) and len(size.items) == 2:
                shape = (shape[0], *(i.dimension if isinstance(i, Integer) else unknown() for i in size.items))
            elif isinstance(size, Integer):
                shape = (shape[0], size.dimension, size.dimension)
            else:
                shape = (shape[0], unknown("H"), unknown("W"))
        elif name == "Pad" and isinstance(size, Integer):
            shape = (shape[0], shape[1] + 2 * size.dimension, shape[2] + 2 * size.dimension)
        elif name == "Grayscale":
            shape = (unknown("C"), shape[1], shape[2])
        elif name in ("Lambda", "RandomApply") or name not in _KEEPING:
            return None
    return Shape(shape) if is_tensor else None


def made_by_library(
    ev: Evaluator, name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any
) -> Value | None:
    """What an imported function makes, where it is a dataset or a transform; ``None`` otherwise."""
    last = name.rpartition(".")[2]
    if last.endswith("DataLoader"):
        # Loaders of other libraries (graphs, text) take the same arguments; what a batch is differs.
        return _loader(ev, node, arguments, {**keywords, "collate_fn": UNKNOWN})
    if name.startswith("torchvision.transforms."):
        if last == "Compose":
            steps = arguments[0] if arguments else keywords.get("transforms", UNKNOWN)
            return Sequence(steps.items, "transforms") if isinstance(steps, Sequence) else UNKNOWN
        size = arguments[0] if arguments else keywords.get("size", keywords.get("padding", UNKNOWN))
        return Dictionary({"name": Constant(last), "size": size}, "transform", True)
    if name in DATASETS:
        return _known_dataset(name, arguments, keywords, node)
    if name.startswith("torchvision.datasets."):
        return Dataset(name, new_identity(), _flag(keywords.get("train")), None, node)
    if name == "torch.utils.data.TensorDataset":
        tensors = [value for value in arguments if isinstance(value, Tensor)]
        samples = None
        if len(tensors) == len(arguments) and arguments:
            samples = Sequence(
                tuple(
                    Tensor(Shape(t.shape.leading[1:])) if t.shape.exact and t.shape.leading else Tensor()
                    for t in tensors
                )
            )
        rows = ev.length_of(tensors[0]) if tensors else None
        return Dataset(name, new_identity(), None, samples, node, None if rows is None else rows.dimension)
    if name == "torch.utils.data.random_split":
        whole = arguments[0] if arguments else UNKNOWN
        sample = whole.samples if isinstance(whole, Dataset) else None
        parts = arguments[1] if len(arguments) > 1 else keywords.get("lengths", UNKNOWN)
        lengths = parts.items if isinstance(parts, Sequence) else (UNKNOWN, UNKNOWN)
        sizes = [part.dimension if isinstance(part, Integer) else None for part in lengths]
        return Sequence(tuple(Dataset("split", new_identity(), None, sample, node, size) for size in sizes))
    if name == "torch.utils.data.Subset":
        whole = arguments[0] if arguments else UNKNOWN
        return Dataset("subset", new_identity(), None, whole.samples if isinstance(whole, Dataset) else None, node)
    if name == "torch.utils.data.SubsetRandomSampler":
        drawn = ev.length_of(arguments[0]) if arguments else None
        return Dataset("sampler", new_identity(), None, None, node, None if drawn is None else drawn.dimension)
    return None


def _flag(value: Value | None) -> bool | None:
    return value.value if isinstance(value, Constant) and isinstance(value.value, bool) else None


def _known_dataset(name: str, arguments: tuple[Value, ...], keywords: Mapping[str, Value], node: Any) -> Dataset:
    known = DATASETS[name]
    training = _flag(keywords.get("train", arguments[1] if len(arguments) > 1 else None))
    split = keywords.get("split")
    if training is None and isinstance(split, Constant) and isinstance(split.value, str):
        training = split.value == "train"
    transform = keywords.get("transform")
    if transform is None and len(arguments) > 2:
        transform = arguments[2]
    shape = _transformed(known.sample, transform)
    image = Tensor(UNKNOWN_SHAPE if shape is None else shape)
    label = Tensor(Shape(()))
    target = keywords.get("target_transform")
    samples = Sequence((image, label if target is None else Tensor()))
    return Dataset(name, new_identity(), training, samples, node)


def batch_of(ev: Evaluator, loader: Loader, rows: Dimension | None = None) -> Value:
    """What *loader* gives each time: the dataset's samples behind a batch axis of *rows*, if that is known."""
    if loader.feed is not Feed.DATA_LOADER:
        return pipeline_batch(ev, loader, rows)
    sources = frozenset({Source.LOADER if rows is None else Source.FIRST_BATCH})
    rows = ev.batch_dimension(loader) if rows is None else rows
    whole = Tensor(Shape((rows,), (), False), sources, loader=loader.identity, opaque=True)
    if loader.custom_collate:
        return Batch(replace(whole, shape=UNKNOWN_SHAPE))
    dataset = loader.dataset
    samples = dataset.samples if isinstance(dataset, Dataset) else None
    if not isinstance(samples, Sequence):
        return Batch(whole)
    parts: list[Value] = []
    for sample in samples.items:
        if isinstance(sample, Tensor):
            shape = sample.shape
            batched = Shape((rows, *shape.leading)) if shape.exact else Shape((rows,), (), False)
            parts.append(Tensor(batched, sources, loader=loader.identity, opaque=not shape.exact))
        else:
            parts.append(whole)
    return Batch(whole, Sequence(tuple(parts)))


library.handles("torch.utils.data.DataLoader", "torchdata.dataloader2.DataLoader2")(_loader)

__all__ = ["External", "Instance", "batch_of", "made_by_library"]
