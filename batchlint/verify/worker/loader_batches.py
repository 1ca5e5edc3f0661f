"""The first and the last batch of a data loader, and a batch of one, without walking the data set."""

from __future__ import annotations

import collections
import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset

from batchlint.verify.worker.tensors import tensors_in

MAXIMUM_INDEX_LISTS = 1_000_000
"""Lists of indices that are walked to the last one; they cost no data."""


@dataclass(frozen=True, slots=True)
class LoaderBatches:
    """Batches to run, by name, and what there is none of.

    Attributes:
        batches: name and what makes the batch.
        not_run: what could not be had, and why.
        single_possible: whether the loader can give a batch of one; ``None`` where that is unknown.
    """

    batches: tuple[tuple[str, Callable[[], Any]], ...]
    not_run: tuple[str, ...] = ()
    single_possible: bool | None = None


def batches_of(loader: Any) -> LoaderBatches:
    """The batches worth a run.

    Raises:
        TypeError: *loader* can be walked only once, so that looking would cost a batch.
        ValueError: it has no batches.
    """
    map_style = isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset)
    if map_style and loader.batch_sampler is not None:
        return _of_indices(loader)
    if isinstance(loader, Sequence):
        return _of_sequence(loader)
    return _of_iterable(loader)


def _of_indices(loader: DataLoader[Any]) -> LoaderBatches:
    dataset: Any = loader.dataset
    collate = loader.collate_fn
    sampler: Any = loader.batch_sampler

    def load(indices: Sequence[Any]) -> Any:
        fetch = getattr(dataset, "__getitems__", None)
        return collate(fetch(list(indices)) if callable(fetch) else [dataset[index] for index in indices])

    first = next(iter(sampler), None)
    if not first:
        raise ValueError("the loader has no batches: the data set is empty, or shorter than one batch with drop_last")
    first = list(first)
    last, why = _last_indices(sampler, first)
    batches: list[tuple[str, Callable[[], Any]]] = [("first batch", lambda: load(first))]
    not_run: list[str] = []
    if last is None:
        not_run.append(f"the last batch: {why}")
    elif len(last) != len(first) or why:
        batches.append(("last batch", lambda: load(last)))
    else:
        not_run.append(f"the last batch: it has {len(last)} rows like the first")
    if len(first) > 1 and (last is None or len(last) > 1):
        batches.append(("batch of one", lambda: load(first[:1])))
    return LoaderBatches(tuple(batches), tuple(not_run), None if last is None else 1 in (len(first), len(last)))


def _last_indices(sampler: Any, first: list[Any]) -> tuple[list[Any] | None, str]:
    """The last list of indices, or why there is none to be had."""
    if type(sampler) is BatchSampler:
        with contextlib.suppress(TypeError, NotImplementedError):
            rest = len(sampler.sampler) % sampler.batch_size  # type: ignore[arg-type]
            if sampler.drop_last or not rest:
                return first, ""
            if isinstance(sampler.sampler, torch.utils.data.SequentialSampler):
                count = len(sampler.sampler)
                return list(range(count - rest, count)), ""
            return first[:rest] if rest <= len(first) else first, ""
    walked = iter(sampler)
    last = next(iter(collections.deque(itertools.islice(walked, MAXIMUM_INDEX_LISTS), maxlen=1)), None)
    if next(walked, None) is not None:
        return None, f"the sampler gives more than {MAXIMUM_INDEX_LISTS} batches"
    return list(last or first), ""


def _of_sequence(loader: Sequence[Any]) -> LoaderBatches:
    if not loader:
        raise ValueError("the loader has no batches")
    batches: list[tuple[str, Callable[[], Any]]] = [("first batch", lambda: loader[0])]
    not_run = []
    if len(loader) > 1:
        batches.append(("last batch", lambda: loader[-1]))
    else:
        not_run.append("the last batch: there is one batch only")
    return _with_slice(batches, not_run, loader[0])


def _of_iterable(loader: Any) -> LoaderBatches:
    walked = iter(loader)
    if walked is loader:
        raise TypeError("the loader can be walked only once: give a DataLoader, a list of batches, or make it anew")
    try:
        first = next(walked)
    except StopIteration:
        raise ValueError("the loader has no batches") from None
    why = "the last batch: the loader has to be walked to its end for it"
    return _with_slice([("first batch", lambda: first)], [why], first)


def _with_slice(batches: list[tuple[str, Callable[[], Any]]], not_run: list[str], first: Any) -> LoaderBatches:
    """These batches, and the first row of the first one."""
    rows = rows_in(first)
    if rows is None:
        not_run.append("a batch of one: which axis of the first batch counts its rows is unknown")
    elif rows > 1:
        batches.append(("batch of one", lambda: sliced(first, rows)))
    return LoaderBatches(tuple(batches), tuple(not_run))


def rows_in(batch: Any) -> int | None:
    """Rows of a batch: the leading size that its tensors share, or that of the first one that has an axis."""
    sizes = [tensor.shape[0] for tensor in tensors_in(batch) if tensor.dim()]
    return sizes[0] if sizes else None


def sliced(batch: Any, rows: int) -> Any:
    """The first row of *batch*, which has *rows*."""
    if isinstance(batch, torch.Tensor):
        return batch[:1] if batch.dim() and batch.shape[0] == rows else batch
    if isinstance(batch, Mapping):
        return {key: sliced(value, rows) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(sliced(value, rows) for value in batch))
    if isinstance(batch, tuple | list):
        if len(batch) == rows and not any(isinstance(value, torch.Tensor) for value in batch):
            return batch[:1]
        return type(batch)(sliced(value, rows) for value in batch)
    return batch


@contextlib.contextmanager
def preserved_loader(loader: Any) -> Iterator[None]:
    """Put back the random number generators that *loader* and its samplers own."""
    owners = [
        loader,
        getattr(loader, "sampler", None),
        getattr(getattr(loader, "batch_sampler", None), "sampler", None),
    ]
    generators = {id(each): each for owner in owners if (each := getattr(owner, "generator", None)) is not None}
    states = [(each, each.get_state()) for each in generators.values() if isinstance(each, torch.Generator)]
    try:
        yield
    finally:
        for generator, state in states:
            generator.set_state(state)
