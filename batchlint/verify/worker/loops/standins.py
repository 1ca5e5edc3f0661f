"""Stand-ins: objects that take part in any expression and know nothing but which rows they hold.

A stand-in for a tensor of ``k`` rows behaves as if every row were worth 1.0: its mean is 1.0, its sum ``k``, a loss
over it 1.0, and every prediction in it is right. Sums and means become real numbers, so that the user's own arithmetic
on metrics is what is executed; whatever a stand-in cannot answer stays a stand-in, and a metric that is one decides
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from batchlint.verify.worker.loops.frameworks import framework
from batchlint.verify.worker.loops.world import Rows, World

CHANNELS, SIDE = 3, 8
"""Sizes that a stand-in reports behind its rows."""
TURNED = frozenset({"t", "transpose", "permute", "swapaxes", "movedim", "T", "mT", "moveaxis", "swapdims", "rollaxis"})
TRUTHS = frozenset({"all", "any", "allclose", "array_equal"})


class Sizes(tuple[int, ...]):
    """A stand-in's shape: its rows, then sizes that nobody relies on; unpacks into as many names as are wanted."""

    __slots__ = ()

    def as_list(self) -> list[int]:
        """The sizes as a list."""
        return list(self)

    def resized(self, length: int) -> Sizes:
        """The first *length* sizes, with more of the last where there are fewer."""
        return Sizes((*self, *[SIDE] * length)[:length])


def scalar(value: float) -> Any:
    """*value* as a loss is in the framework at hand."""
    return framework().scalar(value)


def tensor_part(world: World, ids: Rows, index: int, label: bool | None = None) -> Any:
    """Real tensors for the parts of the rows *ids*: samples first, then labels that go through all classes."""
    return framework().part(world, ids, index, label)


def rows_of(value: Any, depth: int = 3) -> Rows | None:
    """The rows in *value*: those of the first stand-in that has some; of a list of rows, all of them in order."""
    if isinstance(value, StandIn):
        return value._bl_rows()
    if depth and isinstance(value, list | tuple):
        if value and all(isinstance(each, StandIn) and each._bl_known() for each in value):
            parts = [each._bl_rows() for each in value]
            if all(part is not None and part.size == 1 for part in parts):
                return np.concatenate([part for part in parts if part is not None])
        for each in value:
            found = rows_of(each, depth - 1)
            if found is not None:
                return found
    if depth and isinstance(value, Mapping):
        for each in value.values():
            found = rows_of(each, depth - 1)
            if found is not None:
                return found
    return None


def holds_standin(value: Any, depth: int = 3) -> bool:
    """Whether there is a stand-in in *value*, itself or in lists, tuples and dicts."""
    if isinstance(value, StandIn):
        return True
    if depth and isinstance(value, list | tuple | set):
        return any(holds_standin(each, depth - 1) for each in value)
    if depth and isinstance(value, Mapping):
        return any(holds_standin(each, depth - 1) for each in value.values())
    return False


def first_of(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> StandIn | None:
    """The first stand-in among the arguments, those with known rows first."""
    found = None
    for each in (*arguments, *keywords.values()):
        pending = list(each) if isinstance(each, list | tuple) else [each]
        for item in pending:
            if isinstance(item, StandIn):
                if item._bl_known():
                    return item
                found = found or item
    return found


def _taken(ids: Rows, key: Any) -> tuple[Rows, str] | None:
    """Rows that *key* takes, and how; ``None`` where it cannot be told.

    Raises:
        IndexError: there is no such row.
    """
    if isinstance(key, slice):
        bounds = (key.start, key.stop, key.step)
        if any(isinstance(bound, StandIn) for bound in bounds):
            return None
        return ids[slice(*[None if bound is None else int(bound) for bound in bounds])], "slice"
    if isinstance(key, bool | np.bool_) or key is None or key is Ellipsis:
        return None
    if isinstance(key, int | np.integer) or (isinstance(key, framework().tensors) and len(key.shape) == 0):
        number = int(key)
        if not -ids.size <= number < ids.size:
            raise IndexError("index out of range")
        return ids[[number]], "item"
    if isinstance(key, range):
        key = list(key)
    if isinstance(key, (list, *framework().arrays)):
        try:
            wanted = np.asarray(framework().plain(key))
            wanted = wanted.reshape(-1) if wanted.size else wanted.astype(np.int64)
            if wanted.dtype.kind not in "biu":
                return None
            return ids[wanted], "gather"
        except (TypeError, ValueError):
            return None
    return None


def _applied(world: World, name: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    from batchlint.verify.worker.loops.operations import apply  # which makes stand-ins

    return apply(world, name, arguments, keywords)


class StandIn:
    """An object that can be called, indexed, iterated, compared and calculated with.

    Args:
        world: the run it belongs to.
        name: the name by which the code got it, which says what it may be.
        ids: the rows it holds, by their position in their source; ``None`` where that is not known.
        source: the number of the source that it is or was cut from, 0 for neither.
        record: whether it is a batch of several parts, so that ``batch[0]`` is a part and not a row.
        worth: what a row of it is worth.
        cut: whether it was cut from something by the code.
    """

    __slots__ = (
        "__weakref__", "_bl_children", "_bl_cut", "_bl_ids", "_bl_name", "_bl_plain", "_bl_record", "_bl_root",
        "_bl_source", "_bl_value", "_bl_world", "_bl_worth",
    )  # fmt: skip

    def __init__(
        self,
        world: World,
        name: str = "",
        *,
        ids: Rows | None = None,
        source: int | None = None,
        record: bool = False,
        worth: float = 1.0,
        cut: bool = False,
    ) -> None:
        self._bl_world = world
        self._bl_name = name
        self._bl_ids = ids
        self._bl_root = ids is None
        self._bl_source = (world.source() if ids is None else 0) if source is None else source
        self._bl_record = record
        self._bl_worth = worth
        self._bl_cut = cut
        self._bl_plain = False
        self._bl_children: dict[Any, Any] = {}
        self._bl_value: Any = None

    def _bl_known(self) -> bool:
        return self._bl_ids is not None

    def _bl_rows(self) -> Rows:
        """The rows; something unknown turns out to be a source of all rows when it is asked for them."""
        if self._bl_ids is None:
            self._bl_ids = np.arange(self._bl_world.rows)
        return self._bl_ids

    def _bl_like(self, name: str) -> StandIn:
        """A part or a transformation with the same rows."""
        if self._bl_ids is None:
            return StandIn(self._bl_world, name)
        return StandIn(
            self._bl_world, name, ids=self._bl_ids, source=self._bl_source, worth=self._bl_worth, cut=self._bl_cut
        )

    def _bl_parts(self, count: int) -> list[Any]:
        """Its parts where it is unpacked."""
        if self._bl_record and self._bl_world.tensors is not None:
            return [tensor_part(self._bl_world, self._bl_rows(), index) for index in range(count)]
        return [self._bl_like(f"{self._bl_name}[{index}]") for index in range(count)]

    # Attributes and calls

    def __getattr__(self, name: str) -> Any:
        from batchlint.verify.worker.loops.naming import value_named

        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        if name == "shape":
            return Sizes((len(self), CHANNELS, SIDE, SIDE))
        if name in ("ndim",):
            return 4
        if name in TURNED and self._bl_ids is not None and not self._bl_root:
            child = StandIn(self._bl_world, name)
            child._bl_value = self
            return child
        if name not in self._bl_children:
            found = (
                value_named(self._bl_world, name, owner=self._bl_name) if self._bl_root and not self._bl_plain else None
            )
            if found is None:
                found = self._bl_like(name)
                found._bl_root = self._bl_root
            if isinstance(found, StandIn):
                found._bl_value = self
            self._bl_children[name] = found
        return self._bl_children[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_bl_"):
            object.__setattr__(self, name, value)
        else:
            self._bl_children[name] = value

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """See `calling.call_standin`."""
        from batchlint.verify.worker.loops.standin_calls import call_standin

        return call_standin(self, arguments, keywords)

    # Containers

    def __len__(self) -> int:
        return int(self._bl_rows().size)

    def __iter__(self) -> Iterator[Any]:
        from batchlint.verify.worker.loops.loaders import RowLoader

        world = self._bl_world
        if self._bl_ids is None and world.loads_batches:
            yield from RowLoader(self, world.batch_size)
            return
        ids = self._bl_rows()
        for position in range(ids.size):
            one = ids[position : position + 1]
            world.read(self._bl_source, one, ids.size, "walk")
            yield StandIn(world, "row", ids=one, source=self._bl_source, cut=True, worth=self._bl_worth)

    def __getitem__(self, key: Any) -> Any:
        world = self._bl_world
        world.step()
        if isinstance(key, str):
            return getattr(self, key) if key.isidentifier() else self._bl_like(key)
        if isinstance(key, StandIn):
            return StandIn(world, "picked", ids=key._bl_ids if key._bl_known() else None)
        if isinstance(key, tuple):
            if not key:
                return self
            if isinstance(key[0], slice) and key[0] == slice(None):
                return self._bl_like(self._bl_name)
            if key[0] is Ellipsis:
                return self._bl_like(self._bl_name)
            return self[key[0]]
        if self._bl_record and isinstance(key, int) and world.tensors is not None:
            return tensor_part(world, self._bl_rows(), key)
        if self._bl_record and isinstance(key, int):
            return self._bl_like(f"{self._bl_name}[{key}]")
        ids = self._bl_rows()
        if key is None:
            return StandIn(world, self._bl_name)
        if self._bl_cut and ids.size == 1 and isinstance(key, int):
            # One row: what is taken from it are its columns.
            return self._bl_like(self._bl_name)
        found = _taken(ids, key)
        if found is None:
            return StandIn(world, self._bl_name)
        taken, kind = found
        world.read(self._bl_source, taken, ids.size, kind)
        return StandIn(
            world, self._bl_name, ids=taken, source=self._bl_source, cut=taken.size != ids.size or self._bl_cut,
            worth=self._bl_worth,
        )  # fmt: skip

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(key, str):
            self._bl_children[key] = value

    def __delitem__(self, key: Any) -> None:
        pass

    def __contains__(self, key: Any) -> bool:
        return self._bl_world.truth

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __next__(self) -> Any:
        if self._bl_value is None or not isinstance(self._bl_value, Iterator):
            self._bl_value = iter(StandIn.__iter__(self))
        return next(self._bl_value)

    # Numbers and conditions

    def __bool__(self) -> bool:
        return self._bl_world.truth if self._bl_ids is None or self._bl_root else bool(self._bl_ids.size)

    def __index__(self) -> int:
        return self._bl_world.number

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0

    def __complex__(self) -> complex:
        return 1.0 + 0j

    def __str__(self) -> str:
        return self._bl_name or "stand-in"

    __repr__ = __str__

    def __format__(self, specification: str) -> str:
        return str(self)

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> StandIn:
        return self

    def __deepcopy__(self, memory: Any) -> StandIn:
        return self

    def __fspath__(self) -> str:
        return "stand-in"

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (Permissive,)

    def __round__(self, digits: int | None = None) -> StandIn:
        return self

    def __eq__(self, other: object) -> Any:
        if isinstance(other, str) or other is None:
            return self._bl_world.truth
        return _applied(self._bl_world, "eq", (self, other), {})

    def __ne__(self, other: object) -> Any:
        if isinstance(other, str) or other is None:
            return not self._bl_world.truth
        return _applied(self._bl_world, "ne", (self, other), {})

    # Frameworks' protocols

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, arguments: tuple[Any, ...] = (), keywords: Mapping[str, Any] | None = None
    ) -> Any:
        given = keywords or {}
        subject = first_of(arguments, given)
        assert subject is not None
        return _applied(subject._bl_world, getattr(function, "__name__", ""), arguments, given)

    def __array_ufunc__(self, function: Any, method: str, *arguments: Any, **keywords: Any) -> Any:
        return _applied(self._bl_world, function.__name__, arguments, {})

    def __array_function__(self, function: Any, types: Any, arguments: Any, keywords: Any) -> Any:
        return _applied(self._bl_world, function.__name__, arguments, keywords)


def _operation(name: str) -> Any:
    def operate(self: StandIn, *others: Any) -> Any:
        return _applied(self._bl_world, name, (self, *others), {})

    return operate


for _name in (
    "add", "radd", "iadd", "sub", "rsub", "isub", "mul", "rmul", "imul", "truediv", "rtruediv", "itruediv", "floordiv",
    "rfloordiv", "mod", "rmod", "pow", "rpow", "matmul", "rmatmul", "and", "rand", "or", "ror", "xor", "rxor", "lshift",
    "rshift", "neg", "pos", "abs", "invert", "lt", "le", "gt", "ge", "divmod", "ifloordiv", "imatmul", "ior", "iand",
):  # fmt: skip
    setattr(StandIn, f"__{_name}__", _operation(f"__{_name}__"))


class Permissive:
    """Stands for a base class that could not be imported."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        pass

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__()

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """A stand-in for what the base class would give."""
        from batchlint.verify.worker.loops.under_way import current

        return _applied(current(), type(self).__name__, arguments, keywords)

    def __getattr__(self, name: str) -> Any:
        from batchlint.verify.worker.loops.naming import value_named
        from batchlint.verify.worker.loops.under_way import current

        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        found = value_named(current(), name)
        return StandIn(current(), name) if found is None else found
