"""Pipelines of ``tf.data`` that know their rows: the real operations, over the rows' numbers, with data where asked.

Where only rows are counted, elements are numbers and what is mapped does nothing. Where the user's code runs on real
tensors, each element is its row's number with the data, and what is mapped is mapped for real.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from batchlint.verify.worker.loops.standins import StandIn, rows_of, tensor_part
from batchlint.verify.worker.loops.under_way import current
from batchlint.verify.worker.loops.world import Built, Rows, World

MAXIMUM_BATCHES = 50_000
AT_ONCE = 4_096
"""Rows that are read at once where only their order is wanted."""
UNBOUNDED = 10_000_000
"""What an unknown number of elements to take or of rows to buffer is."""

_SAME = frozenset(
    """cache prefetch with_options snapshot ignore_errors filter options map_and_batch_with_legacy_function
    interleave flat_map rejection_resample sparse_batch get_single_element""".split()
)
"""Operations that change what a row holds, or how fast it comes: in these numbers of rows nothing changes."""


class RowPipeline:
    """What ``tf.data.Dataset`` is in the user's code, its operations run for real over the rows' numbers.

    Args:
        dataset: numbers of rows, batched or not, each with its data if *loaded*.
        rows: how many rows the source has.
        source: the source's number.
        batched: whether elements are batches.
        numbered: how many numbers stand before each element.
        made: the pipeline as it was where it was batched, if nothing since has changed which batches there are.
        loaded: whether the rows have data.
        fixed: whether the file itself says how many rows there are.
    """

    def __init__(
        self,
        dataset: Any,
        rows: int,
        source: int,
        *,
        batched: bool = False,
        numbered: int = 0,
        made: RowPipeline | None = None,
        loaded: bool = False,
        fixed: bool = False,
        world: World | None = None,
    ) -> None:
        self.tf = dataset
        self.rows = rows
        self.source = source
        self.batched = batched
        self.numbered = numbered
        self.made = made
        self.loaded = loaded
        self.fixed = fixed
        self.world = world or current()
        self.walks = 0
        self.batch_size = 1
        self.drop_last = False
        self.unbatched: RowPipeline = self
        self.dataset: Any = range(rows) if fixed else StandIn(self.world, "dataset", ids=np.arange(rows))

    def like(self, dataset: Any, **changes: Any) -> RowPipeline:
        """Another pipeline over the same source."""
        options = {
            "batched": self.batched,
            "numbered": self.numbered,
            "made": None,
            "loaded": self.loaded,
            "fixed": self.fixed,
            **changes,
        }
        found = RowPipeline(dataset, self.rows, self.source, world=self.world, **options)
        found.batch_size, found.unbatched = self.batch_size, self.unbatched
        return found

    # What loaders have

    def order(self) -> Rows:
        """The rows before they are batched."""
        before = self.unbatched
        if not (before.batched or before.loaded):
            before = before.like(before.tf.batch(AT_ONCE))
        parts = [*before._ids(UNBOUNDED)]
        return np.concatenate(parts) if parts else np.arange(0)

    def batches(self) -> list[Rows]:
        """The rows of each batch of one pass."""
        return [*self._ids(MAXIMUM_BATCHES)]

    def each_batch(self) -> Iterator[Rows]:
        """As `batches`, one after the other."""
        return self._ids(MAXIMUM_BATCHES)

    def _ids(self, most: int) -> Iterator[Rows]:
        for element in itertools.islice(self.tf, most):
            yield np.asarray(element[0] if self.loaded else element).reshape(-1)

    # Operations

    def batch(self, batch_size: Any = None, drop_remainder: Any = False, *rest: Any, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.batch``."""
        size = batch_size if isinstance(batch_size, int) and batch_size > 0 else self.world.batch_size
        if size > 1:
            self.world.batch_sizes.add(size)
            size = self.world.forced or size
        drops = drop_remainder is True
        found = self.like(self.tf.batch(size, drop_remainder=drops), batched=True)
        found.batch_size, found.drop_last, found.unbatched = size, drops, self
        found.made = found
        self.world.built.append(Built(self.world.place, found, drops))
        return found

    def padded_batch(
        self,
        batch_size: Any = None,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: Any = False,
        **keywords: Any,
    ) -> RowPipeline:
        """``tf.data.Dataset.padded_batch``: the same rows as `batch`."""
        found = self.batch(batch_size, drop_remainder)
        if self.loaded:
            shapes = None if padded_shapes is None else ((), padded_shapes)
            values = None if padding_values is None else (np.int64(0), padding_values)
            found.tf = self.tf.padded_batch(found.batch_size, shapes, values, drop_remainder=found.drop_last)
        return found

    def ragged_batch(self, batch_size: Any = None, drop_remainder: Any = False, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.ragged_batch``: the same rows as `batch`."""
        return self.batch(batch_size, drop_remainder)

    def shuffle(
        self, buffer_size: Any = None, seed: Any = None, reshuffle_each_iteration: Any = None, **keywords: Any
    ) -> RowPipeline:
        """``tf.data.Dataset.shuffle``."""
        size = buffer_size if isinstance(buffer_size, int) and buffer_size > 0 else self.rows
        again = reshuffle_each_iteration if isinstance(reshuffle_each_iteration, bool) else None
        own = seed if isinstance(seed, int) else None
        return self.like(self.tf.shuffle(max(1, size), own, again), made=self.made)

    def repeat(self, count: Any = None, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.repeat``: once where a number of epochs is given."""
        if isinstance(count, int) and count >= 0:
            return self.like(self.tf.repeat(min(count, 1)), made=self.made)
        return self.like(self.tf.repeat(1 if count is not None else None))

    def take(self, count: Any = -1, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.take``."""
        return self.like(self.tf.take(count if isinstance(count, int) else UNBOUNDED))

    def skip(self, count: Any = 0, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.skip``."""
        return self.like(self.tf.skip(count if isinstance(count, int) else 0))

    def shard(self, num_shards: Any = 1, index: Any = 0) -> RowPipeline:
        """``tf.data.Dataset.shard``: everything where the numbers are not known."""
        if isinstance(num_shards, int) and isinstance(index, int):
            return self.like(self.tf.shard(num_shards, index))
        return self

    def unbatch(self, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.unbatch``."""
        return self.like(self.tf.unbatch(), batched=False) if self.batched else self

    def enumerate(self, start: Any = 0, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.enumerate``."""
        return self.like(self.tf, numbered=self.numbered + 1, made=self.made)

    def concatenate(self, other: Any, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.concatenate``."""
        return self.like(self.tf.concatenate(other.tf)) if isinstance(other, RowPipeline) else self

    def apply(self, function: Any) -> RowPipeline:
        """``tf.data.Dataset.apply``: what the function gives, if that is a pipeline."""
        found = None if isinstance(function, StandIn) else function(self)
        return found if isinstance(found, RowPipeline) else self

    def cardinality(self) -> Any:
        """``tf.data.Dataset.cardinality``."""
        return self.tf.cardinality()

    def as_numpy_iterator(self) -> Iterator[Any]:
        """``tf.data.Dataset.as_numpy_iterator``."""
        return iter(self)

    make_one_shot_iterator = as_numpy_iterator
    make_initializable_iterator = as_numpy_iterator

    def map(self, function: Any, *rest: Any, **keywords: Any) -> RowPipeline:
        """``tf.data.Dataset.map``: for real where there are data."""
        if not self.loaded or isinstance(function, StandIn):
            return self.like(self.tf, made=self.made)

        def mapped(ids: Any, data: Any) -> Any:
            return ids, function(*data) if isinstance(data, tuple) else function(data)

        # The user's function is compiled from changed code, which has no text that could be converted.
        unconverted = tf.autograph.experimental.do_not_convert(mapped)
        return self.like(self.tf.map(unconverted), made=self.made)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _SAME:
            return self._same
        return StandIn(self.world, name)

    def _same(self, *arguments: Any, **keywords: Any) -> RowPipeline:
        return self.like(self.tf, made=self.made)

    def __len__(self) -> int:
        return int(self.tf.__len__())

    def __iter__(self) -> Iterator[Any]:
        self.walks += 1
        if self.made is not None and self.made is not self:
            self.made.walks += 1
        elif self.made is None and self.batched and self.tf.cardinality() != tf.data.INFINITE_CARDINALITY:
            self.world.built.append(Built(self.world.place, self, False))
        for number, element in enumerate(self.tf):
            ids = np.asarray(element[0] if self.loaded else element).reshape(-1)
            self.world.step()
            self.world.read(self.source, ids, -1, "walk")
            given: Any = (
                element[1]
                if self.loaded
                else StandIn(self.world, "batch" if self.batched else "row", ids=ids, source=self.source, record=True)
            )
            for _ in range(self.numbered):
                given = (number, given)
            yield given


def pipeline_of(world: World, value: Any = None) -> RowPipeline:
    """A pipeline over the rows of *value*: those of a stand-in, as many as an array has, else as many as there are."""
    if isinstance(value, RowPipeline):
        return value
    if isinstance(value, StandIn):
        # What is asked of the same unknown thing twice is asked of the same rows.
        found = value._bl_children.get(_PIPELINE)
        if found is None:
            found = value._bl_children[_PIPELINE] = _pipeline(world, value if value._bl_known() else None)
        return found
    return _pipeline(world, value)


_PIPELINE = "pipeline of its rows"


def _pipeline(world: World, value: Any) -> RowPipeline:
    known, fixed = rows_of(value), False
    if known is None:
        leaf = value
        while isinstance(leaf, dict | tuple) and len(leaf):
            leaf = next(iter(leaf.values())) if isinstance(leaf, dict) else leaf[0]
        fixed = (isinstance(leaf, np.ndarray | tf.Tensor) and len(leaf.shape) > 0) or isinstance(leaf, list)
        known = np.arange(len(leaf) if fixed else world.rows)
    source = world.source()
    if world.counts:
        # Each reading is counted where the rows are drawn, whatever takes them.
        return RowPipeline(_counting(world, known, source), known.size, source, fixed=fixed)
    if world.tensors is None:
        return RowPipeline(tf.data.Dataset.from_tensor_slices(known), known.size, source, fixed=fixed)
    data = value if fixed else _made(value, known)
    dataset = tf.data.Dataset.from_tensor_slices((known, data))
    return RowPipeline(dataset, known.size, source, loaded=True, fixed=fixed)


def _made(value: Any, ids: Rows) -> Any:
    """Data for rows: as many parts as are asked for, else samples with labels."""
    parts = value if isinstance(value, tuple) and value else (None, None)
    return tuple(tensor_part(current(), ids, number) for number in range(len(parts)))


def _counting(world: World, ids: Rows, source: int) -> Any:
    def drawn() -> Iterator[int]:
        for row in ids:
            world.drawn[(source, int(row))] = world.drawn.get((source, int(row)), 0) + 1
            yield int(row)

    found = tf.data.Dataset.from_generator(drawn, output_signature=tf.TensorSpec((), tf.int64))
    return found.apply(tf.data.experimental.assert_cardinality(ids.size))


def _generated(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> RowPipeline:
    """``tf.data.Dataset.from_generator``: the generator itself where there are data and nothing in it is unknown."""
    made = arguments[0] if arguments else keywords.get("generator")
    if world.tensors is None or not callable(made) or isinstance(made, StandIn):
        return pipeline_of(world)
    try:
        dataset = tf.data.Dataset.from_generator(*arguments, **keywords).enumerate()
        rows = sum(1 for _ in itertools.islice(made(), world.rows))
    except Exception:
        return pipeline_of(world)
    return RowPipeline(dataset, rows, world.source(), loaded=True, fixed=True)


def zipped(world: World, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> RowPipeline:
    """``tf.data.Dataset.zip``: the rows of the first."""
    pending = list(arguments) or list(keywords.values())
    while pending:
        each = pending.pop(0)
        if isinstance(each, RowPipeline):
            return each
        if isinstance(each, dict):
            pending = list(each.values()) + pending
        elif isinstance(each, list | tuple):
            pending = list(each) + pending
    return pipeline_of(world)


SOURCES: dict[str, Callable[[World, tuple[Any, ...], dict[str, Any]], RowPipeline]] = {
    "from_tensor_slices": lambda world, arguments, keywords: pipeline_of(
        world, arguments[0] if arguments else next(iter(keywords.values()), None)
    ),
    "from_generator": lambda world, arguments, keywords: _generated(world, arguments, keywords),
    "list_files": lambda world, arguments, keywords: pipeline_of(world),
    "range": lambda world, arguments, keywords: pipeline_of(
        world, np.arange(*[each for each in arguments if isinstance(each, int)] or [world.rows])
    ),
    "zip": zipped,
}
"""Functions of ``tf.data.Dataset`` that make one."""
