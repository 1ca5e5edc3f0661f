"""A data loader that gives stand-ins: batches that know which rows they hold, in the order a loader gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.world import Built, Rows


class RowLoader:
    """Gives what ``torch.utils.data.DataLoader`` gives for the same arguments, as stand-ins.

    Args:
        dataset: a stand-in, or anything with a length.
        batch_size: as a loader's; something unknown is the run's batch size.
        options: the loader's other arguments, of which ``sampler``, ``batch_sampler`` and ``drop_last`` matter.
    """

    def __init__(self, dataset: Any = None, batch_size: Any = 1, *positional: Any, **options: Any) -> None:
        from batchlint.verify.worker.loops.under_way import current

        world = current()
        self.dataset = StandIn(world, "dataset") if dataset is None else dataset
        names = ("shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "pin_memory", "drop_last")
        options = {**dict(zip(names, positional)), **options}
        self.sampler = options.get("sampler")
        self.batch_sampler = options.get("batch_sampler")
        self.drop_last = options.get("drop_last") is True
        own = batch_size if isinstance(batch_size, int) and batch_size > 0 else None
        if batch_size is not None and own is None:
            own = world.batch_size
        self.unbatched = batch_size is None
        if own is not None and own > 1:
            world.batch_sizes.add(own)
        if world.forced and own is not None and own > 1:
            own = world.forced
        self.batch_size = own if own is not None else (1 if batch_size is None else world.batch_size)
        self.collate_fn = options.get("collate_fn")
        self.num_workers = 0
        self.walks = 0
        self._world = world
        world.built.append(Built(world.place, self, self.drop_last))
        if self.sampler is None:
            self.sampler = self.dataset

    def order(self) -> Rows:
        """The rows of one epoch, in order."""
        drawn = self.sampler
        if drawn is self.dataset or drawn is None:
            return np.arange(self._length(self.dataset))
        if isinstance(drawn, StandIn):
            return drawn._bl_rows() if drawn._bl_known() else np.arange(self._length(self.dataset))
        try:
            return np.asarray([int(each) for each in drawn], dtype=np.int64)
        except (TypeError, ValueError):
            return np.arange(self._length(self.dataset))

    def _length(self, thing: Any) -> int:
        try:
            return len(thing)
        except (TypeError, NotImplementedError):
            return self._world.rows

    def batches(self) -> list[Rows]:
        """The rows of each batch of one epoch."""
        if self.batch_sampler is not None and not isinstance(self.batch_sampler, StandIn):
            return [np.asarray(list(each), dtype=np.int64) for each in self.batch_sampler]
        order, size = self.order(), self.batch_size
        parts = [order[start : start + size] for start in range(0, order.size, size)]
        if self.drop_last and parts and parts[-1].size < size:
            parts.pop()
        return parts

    def __len__(self) -> int:
        rows = self.order().size
        return rows // self.batch_size if self.drop_last else -(-rows // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        self.walks += 1
        for ids in self.batches():
            self._world.step()
            source = self.dataset._bl_source if isinstance(self.dataset, StandIn) else 0
            self._world.read(source, ids, -1, "walk")
            batch = NotImplemented if self._world.tensors is None else framework().collate(self.dataset, ids)
            if batch is NotImplemented:
                batch = StandIn(self._world, "batch", ids=ids, source=source, record=True)
            yield batch

    def __getitem__(self, key: Any) -> Any:
        return StandIn(self._world, "batch", record=True) if isinstance(key, int) else StandIn(self._world, str(key))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(self._world, name)
