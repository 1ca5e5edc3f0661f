"""What the rest of this package asks of a framework: its types, a loss of 1.0, real data of some rows."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from batchlint.verify.outcomes import Failure, Grade
from batchlint.verify.worker.failures import failure_of

if TYPE_CHECKING:
    from batchlint.verify.worker.loops.world import Rows, World

Handler = Callable[["World", tuple[Any, ...], dict[str, Any]], Any]
"""What answers in place of a function."""


class Framework:
    """A framework as loops see it; this one knows NumPy alone.

    Attributes:
        tensors: types of tensors.
        modules: types of layers, models and losses.
        datasets: types of data sets, which are replaced by rows.
        owners: types whose methods are operations on what they are given.
        packages: what is imported for real.
        operations: packages whose functions are operations.
        replaced: what answers in place of single functions.
    """

    tensors: tuple[Any, ...] = ()
    modules: tuple[type, ...] = ()
    datasets: tuple[type, ...] = ()
    owners: tuple[type, ...] = (np.random.Generator,)
    packages: frozenset[str] = frozenset({"numpy"})
    operations: frozenset[str] = frozenset({"numpy", "scipy", "einops"})
    replaced: Mapping[Any, Handler] = {}

    @property
    def arrays(self) -> tuple[Any, ...]:
        """Types of tensors and arrays."""
        return (*self.tensors, np.ndarray)

    def scalar(self, value: float) -> Any:
        """*value* as a loss is."""
        return np.float64(value)

    def part(self, world: World, ids: Rows, index: int, label: bool | None) -> Any:
        """Real data for the part *index* of the rows *ids*."""
        raise NotImplementedError

    def scores(self, world: World, ids: Rows, label: bool) -> Any:
        """Real numbers for predictions of the rows *ids*, or labels for as many classes as they are for."""
        raise NotImplementedError

    def prediction(self, given: Any, width: int) -> Any:
        """What an unknown model gives for the real tensor *given*."""
        raise NotImplementedError

    def plain(self, value: Any) -> Any:
        """A tensor as an array; anything else as it is."""
        return value

    def device(self) -> Any:
        """What a name that says device is."""
        return "cpu"

    def samples(self, tree: ast.Module) -> Iterator[tuple[tuple[int, ...], bool, Grade]]:
        """Shapes of one sample that the file *tree* may mean: whether its values are whole numbers, how sure it is."""
        yield (7,), False, Grade.GUESSED

    def widths(self, tree: ast.Module) -> Iterator[int]:
        """How many numbers a model of the file *tree* may predict for a row."""
        yield from ()

    def failure(self, error: BaseException, is_users: Callable[[str], bool]) -> Failure:
        """What an exception says, as data."""
        return failure_of(error, is_users)

    def is_loss(self, module: Any) -> bool:
        """Whether a module is a loss."""
        return type(module).__name__.endswith("Loss")

    def bare(self, instance: Any) -> None:
        """Make a module that was built without its constructor usable."""

    def answer(self, world: World, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """What *function* gives, `NotImplemented` where it is called as any other."""
        return NotImplemented

    def make(self, world: World, of: type, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """What calling the class *of* gives, `NotImplemented` where it is made as any other."""
        return NotImplemented

    def module(self, name: str) -> Any:
        """The module *name* as user code sees it, `NotImplemented` where it is imported as any other."""
        return NotImplemented

    def method(self, world: World, owner: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """What the method *name* of a stand-in gives, `NotImplemented` where it gives what any other does."""
        return NotImplemented

    def is_like(self, world: World, value: Any, kinds: tuple[Any, ...]) -> bool | None:
        """Whether the user's ``isinstance`` holds for a stand-in, ``None`` where it is asked as any other."""
        return None

    def collate(self, dataset: Any, ids: Rows) -> Any:
        """A batch of the rows *ids* of a data set of the file, `NotImplemented` where that is not for the framework."""
        return NotImplemented

    def batched(self, order: Rows, size: int) -> list[Rows]:
        """The batches that the framework's own loader makes of the rows in this order."""
        return [order[start : start + size] for start in range(0, order.size, size)]

    def loader_code(self, size: int, drops: bool) -> str:
        """How that loader is written."""
        return f"batches(rows, {size})"

    @contextlib.contextmanager
    def keeping(self) -> Iterator[None]:
        """Restore after the block what user code may have set for good."""
        yield


_ACTIVE: list[Framework] = []
_NEUTRAL = Framework()


def framework() -> Framework:
    """The framework of the loops that are run."""
    return _ACTIVE[-1] if _ACTIVE else _NEUTRAL


@contextlib.contextmanager
def using(wanted: Framework) -> Iterator[None]:
    """Run loops with *wanted* in the block."""
    _ACTIVE.append(wanted)
    try:
        yield
    finally:
        _ACTIVE.pop()
