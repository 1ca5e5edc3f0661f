"""What reproduction scripts do with a loop over rows: functions and classes that are copied into the script.

`batchlint.verify.script_of_loop` takes their source. They use Python's own names, `sys` and `torch` alone, and `numpy`
where it is installed; *run* calls the user's function for so many rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import torch

Run = Callable[..., Any]


class Rows:
    """Data that notes which of its rows are taken, by their number; what is taken are real tensors or arrays."""

    def __init__(self, values: Any, taken: list[Any]) -> None:
        self.values, self.taken = values, taken

    def __len__(self) -> int:
        return len(self.values)

    def __getattr__(self, name: str) -> Any:
        if name in ("to", "cuda", "cpu", "float", "double", "numpy", "copy", "clone", "contiguous"):
            return lambda *arguments, **keywords: self
        return getattr(self.values, name)

    def __getitem__(self, key: Any) -> Any:
        rows = key[0] if isinstance(key, tuple) else key
        ids = torch.arange(len(self.values))[rows]
        self.taken.append((id(self), ids.dim() == 0, ids.reshape(-1).tolist()))
        return self.values[key]

    def __iter__(self) -> Any:
        return (self[row] for row in range(len(self.values)))


class Anything:
    """Stands for a model, a loss or an optimizer: it can be called and looked into."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """A prediction for each row; where predictions and targets are given, a loss."""
        given = [each for each in arguments if isinstance(each, torch.Tensor) and each.dim()]
        if not given:
            return self
        if len(given) > 1:
            return torch.ones(1, requires_grad=True).sum()
        return torch.zeros(len(given[0]), 2, requires_grad=True) * 1.0

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        pass


def batches_of(run: Run, count: int) -> list[list[int]]:
    """The numbers of the rows in each batch, when there are *count*."""
    try:
        import numpy
    except ImportError:
        numpy = None  # type: ignore[assignment]
    failure: BaseException | None = None
    for arrays in (False, True):
        if arrays and numpy is None:
            continue
        taken: list[Any] = []

        def rows(arrays: bool = arrays, taken: list[Any] = taken) -> Rows:
            values = torch.rand(count, 3)
            return Rows(values.numpy() if arrays else values, taken)

        def labels(arrays: bool = arrays, taken: list[Any] = taken) -> Rows:
            values = torch.zeros(count, dtype=torch.long)
            return Rows(values.numpy() if arrays else values, taken)

        torch.manual_seed(0)
        if numpy is not None:
            numpy.random.seed(0)
        try:
            result = run(count, rows, labels, Anything)
            given = list(result) if hasattr(result, "__next__") else [result]
        except Exception as error:
            failure = error
            continue
        if not taken:
            taken = pairs(given, count)
        if taken:
            return joined(taken, count)
    if failure is not None:
        raise failure
    print("  No rows are taken here.")
    sys.exit(2)


def pairs(given: list[Any], count: int) -> list[Any]:
    """Batches of which the code gives the first row and the one behind the last."""
    found = given[0] if len(given) == 1 and isinstance(given[0], (list, zip)) else given
    bounds = [each for each in found if isinstance(each, tuple) and len(each) == 2]
    if not all(isinstance(part, int) for each in bounds for part in each):
        return []
    return [(0, False, list(range(first, min(last, count)))) for first, last in bounds]


def joined(taken: list[Any], count: int) -> list[list[int]]:
    """The batches of the data that were taken first: single rows as one batch, what takes all at once left out."""
    ours = [(single, ids) for source, single, ids in taken if source == taken[0][0]]
    parts = [ids for single, ids in ours if not single and (len(ids) < count or len(ours) == 1)]
    alone = [row for single, ids in ours if single for row in ids]
    return parts or ([alone] if alone else [])


def lost_rows(run: Run, size: int, counts: Iterable[int], lost: Callable[[int], int]) -> bool:
    """Whether as many rows are in no batch as *lost* says of their number."""
    shows = True
    for count in counts:
        batches = batches_of(run, count)
        missing = count - len({row for batch in batches for row in batch})
        print(f"  {count} rows in batches of {size}: {missing} are in no batch")
        shows = shows and missing == lost(count)
    return shows


def dropped_tail(run: Run, size: int, counts: Iterable[int]) -> bool:
    """Whether the rows that fill no batch are lost, and no others."""
    return lost_rows(run, size, counts, lambda count: count % size)


def last_full_batch_lost(run: Run, size: int, counts: Iterable[int]) -> bool:
    """Whether a full batch is lost where the batch size divides the rows."""
    return lost_rows(run, size, counts, lambda count: size)


def empty_last_batch(run: Run, size: int, counts: Iterable[int]) -> bool:
    """Whether there is a batch without rows where, and only where, the batch size divides them."""
    shows = True
    for count in counts:
        empty = sum(not batch for batch in batches_of(run, count))
        print(f"  {count} rows in batches of {size}: {empty} batches without rows")
        shows = shows and (empty > 0) == (count % size == 0)
    return shows


def manual_slicing_loop(run: Run, size: int, counts: Iterable[int]) -> bool:
    """Whether a loader over the rows, in the order in which they are visited, gives the same batches."""
    shows = True
    for count in counts:
        batches = [batch for batch in batches_of(run, count) if batch]
        order = [row for batch in batches for row in batch]
        loader: Any = torch.utils.data.DataLoader(order, batch_size=size)  # type: ignore[arg-type]
        same = [batch.tolist() for batch in loader] == batches and len(set(order)) == len(order)
        print(f"  {count} rows: DataLoader(rows, batch_size={size}) gives {'the same' if same else 'other'} batches")
        shows = shows and same and len(order) > count - size
    return shows
