"""PyTorch as loops see it."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from batchlint.shapes.datasets import DATASETS
from batchlint.verify.outcomes import Grade
from batchlint.verify.worker.loops.frameworks import Framework, Handler
from batchlint.verify.worker.loops.loaders import RowLoader
from batchlint.verify.worker.loops.operations import apply
from batchlint.verify.worker.loops.predicted import last_sizes, one_of_each
from batchlint.verify.worker.loops.replaced import array_made, first, nothing, source
from batchlint.verify.worker.loops.standins import StandIn, holds_standin
from batchlint.verify.worker.loops.world import Rows, World

_FALLBACK: tuple[tuple[int, ...], ...] = ((3, 32, 32), (1, 28, 28), (7,), (16,), (784,), (10,), (1,), (3, 64, 64))


class Torch(Framework):
    """PyTorch."""

    tensors = (torch.Tensor,)
    modules = (nn.Module,)
    datasets = (torch.utils.data.Dataset,)
    owners = (torch.Generator, np.random.Generator)
    packages = frozenset({"torch", "numpy"})
    operations = frozenset({"torch", "numpy", "torchvision", "scipy", "einops"})

    def scalar(self, value: float) -> Any:
        """A tensor without axes that can be differentiated where gradients are on."""
        made = torch.tensor(value)
        return made.requires_grad_() * 1.0 if torch.is_grad_enabled() else made

    def part(self, world: World, ids: Rows, index: int, label: bool | None) -> Any:
        """Samples first, then labels that go through all classes."""
        wanted = world.tensors
        assert wanted is not None
        generator = torch.Generator().manual_seed(index)
        if label or (label is None and index > 0):
            labels = torch.from_numpy(ids) % wanted.classes
            return labels.float() if wanted.floats else labels
        if wanted.whole:
            return torch.randint(0, 2, (ids.size, *wanted.sample), generator=generator)
        return torch.rand((ids.size, *wanted.sample), generator=generator)

    def scores(self, world: World, ids: Rows, label: bool) -> Any:
        """Random predictions; labels go through all classes."""
        assert world.tensors is not None
        shape = world.tensors.scores
        if label:
            return torch.from_numpy(one_of_each(ids, shape))
        return torch.rand((ids.size, *shape), generator=torch.Generator().manual_seed(0))

    def prediction(self, given: Any, width: int) -> Any:
        """Random numbers that can be differentiated where gradients are on."""
        made = torch.rand((given.shape[0], width))
        return made.requires_grad_() * 1.0 if torch.is_grad_enabled() else made

    def plain(self, value: Any) -> Any:
        """A tensor as an array."""
        return value.detach().numpy() if isinstance(value, torch.Tensor) else value

    def device(self) -> Any:
        """The processor."""
        return torch.device("cpu")

    def samples(self, tree: ast.Module) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
        """What data sets, the first layers and finally a few usual sizes say."""
        return _samples(tree)

    def widths(self, tree: ast.Module) -> Iterator[int]:
        """What its linear layers give, the last first."""
        return last_sizes(tree, "Linear", 1, "out_features")

    def is_loss(self, module: Any) -> bool:
        """By its class or the class's name."""
        return isinstance(module, nn.modules.loss._Loss) or super().is_loss(module)

    def bare(self, instance: Any) -> None:
        """With the tables of a module."""
        if isinstance(instance, nn.Module):
            nn.Module.__init__(instance)

    def make(self, world: World, of: type, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Optimizers, and layers and tensors that are given stand-ins."""
        if of.__module__.startswith("torch.optim"):
            return StandIn(world, of.__name__)
        if holds_standin(arguments) or holds_standin(keywords):
            if of.__module__.startswith("torch.nn"):
                return StandIn(world, of.__name__)
            if of.__module__.startswith("torch"):
                return apply(world, of.__name__, arguments, keywords)
        return NotImplemented

    def is_like(self, world: World, value: Any, kinds: tuple[Any, ...]) -> bool | None:
        """Stand-ins are tensors and arrays, row loaders loaders."""
        if isinstance(value, StandIn):
            return any(each in (torch.Tensor, np.ndarray) for each in kinds)
        if isinstance(value, RowLoader):
            return torch.utils.data.DataLoader in kinds
        return None

    def collate(self, dataset: Any, ids: Rows) -> Any:
        """As a loader does by default."""
        if isinstance(dataset, torch.utils.data.Dataset):
            return torch.utils.data.default_collate([dataset[int(row)] for row in ids])
        return NotImplemented

    def batched(self, order: Rows, size: int) -> list[Rows]:
        """Of a `DataLoader`."""
        loader: Any = torch.utils.data.DataLoader(order, batch_size=size, collate_fn=np.asarray)  # type: ignore[arg-type]
        return list(loader)

    def loader_code(self, size: int, drops: bool) -> str:
        """As a `DataLoader`."""
        return f"DataLoader(rows, batch_size={size}{', drop_last=True' if drops else ''})"

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Whether gradients are on."""
        grad = torch.is_grad_enabled()
        try:
            yield
        finally:
            torch.set_grad_enabled(grad)


def _samples(tree: ast.Module) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
    """What data sets, the first layers and finally a few usual sizes say."""
    told: list[tuple[tuple[int, ...], bool]] = []
    data: set[tuple[int, ...]] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        numbers = [each.value if isinstance(each, ast.Constant) else _product(each) for each in node.args]
        first = numbers[0] if numbers and isinstance(numbers[0], int) else None
        if (known := DATASETS.get(f"torchvision.datasets.{name}")) is not None:
            told.insert(0, (known.sample, False))
            data.add(known.sample)
        elif name == "Linear" and first is not None:
            for channels in (3, 1):
                side = round((first / channels) ** 0.5)
                if side > 3 and channels * side * side == first:
                    told.append(((channels, side, side), False))
            told.append(((first,), False))
        elif name == "Conv2d" and first is not None:
            told += [((first, 32, 32), False), ((first, 28, 28), False), ((first, 64, 64), False)]
        elif name == "Conv1d" and first is not None:
            told.append(((first, 32), False))
        elif name == "Embedding" and first is not None:
            told.append(((7,), True))
    seen = set()
    for sample, whole in told[:12]:
        if (sample, whole) not in seen:
            seen.add((sample, whole))
            yield sample, whole, Grade.CODE if sample in data else Grade.LAYER
    for sample in _FALLBACK:
        if (sample, False) not in seen:
            yield sample, False, Grade.GUESSED


def _product(node: ast.expr) -> Any:
    try:
        return eval(compile(ast.Expression(node), "<size>", "eval"), {"__builtins__": {}})
    except Exception:
        return None


def _dataset(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    if not holds_standin(arguments):
        return torch.utils.data.TensorDataset(*arguments)
    given = [each for each in arguments if isinstance(each, StandIn)]
    return given[0]._bl_like("dataset") if given[0]._bl_known() else StandIn(world, "dataset")


def _subset(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    dataset = arguments[0] if arguments else keywords.get("dataset")
    indices = arguments[1] if len(arguments) > 1 else keywords.get("indices")
    if isinstance(indices, StandIn) and indices._bl_known():
        return StandIn(world, "subset", ids=indices._bl_rows())
    if isinstance(indices, StandIn) or indices is None:
        return StandIn(world, "subset")
    ids = np.asarray([int(each) for each in indices], dtype=np.int64)
    return StandIn(world, "subset", ids=ids, source=world.source()) if isinstance(dataset, StandIn) else list(indices)


def _random_split(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    lengths = arguments[1] if len(arguments) > 1 else keywords.get("lengths", ())
    if not isinstance(lengths, list | tuple):
        return [StandIn(world, "split"), StandIn(world, "split")]
    try:
        total = len(arguments[0])
    except TypeError:
        total = world.rows
    parts, start = [], 0
    for length in lengths:
        count = round(length * total) if isinstance(length, float) else int(length)
        parts.append(StandIn(world, "split", ids=np.arange(start, start + count), source=world.source()))
        start += count
    return parts


def _loader(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return RowLoader(*arguments, **keywords)


def _sampler(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    indices = arguments[0] if arguments else keywords.get("indices")
    if isinstance(indices, StandIn):
        return indices._bl_like("sampler")
    return torch.utils.data.SubsetRandomSampler(indices if indices is not None else [])


def _whole_sampler(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return StandIn(world, "sampler")


def _device(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    return torch.device("cpu")


def _on_cpu(function: Any) -> Callable[..., Any]:
    made = array_made(function)

    def make(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return made(world, arguments, {**keywords, **({"device": "cpu"} if "device" in keywords else {})})

    return make


_TABLE: dict[Any, Handler] = {
    torch.tensor: _on_cpu(torch.tensor),
    torch.as_tensor: _on_cpu(torch.as_tensor),
    torch.from_numpy: _on_cpu(torch.from_numpy),
    torch.Tensor: _on_cpu(torch.Tensor),
    torch.FloatTensor: _on_cpu(torch.FloatTensor),
    torch.LongTensor: _on_cpu(torch.LongTensor),
    torch.autograd.Variable: first,
    nn.DataParallel: first,
    torch.compile: first,
    torch.device: _device,
    torch.utils.data.DataLoader: _loader,
    torch.utils.data.TensorDataset: _dataset,
    torch.utils.data.Subset: _subset,
    torch.utils.data.random_split: _random_split,
    torch.utils.data.ConcatDataset: source("dataset"),
    torch.utils.data.SubsetRandomSampler: _sampler,
    torch.utils.data.RandomSampler: _whole_sampler,
    torch.utils.data.SequentialSampler: _whole_sampler,
    torch.utils.data.WeightedRandomSampler: _whole_sampler,
    torch.utils.data.DistributedSampler: _whole_sampler,
    torch.load: source("loaded"),
    torch.save: nothing,
}
Torch.replaced = _TABLE
TORCH = Torch()
