"""What one run of a loop is given, and what it leaves: rows, batch size, reads, loaders, recorded values."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]

MAXIMUM_READS = 60_000
"""Reads kept of one run."""


class OutOfBudget(BaseException):
    """The run took too many steps or too long; no user code catches it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an expression stands in the user's file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Read:
    """Rows taken from a source.

    Attributes:
        place: where.
        source: the source's serial number.
        ids: the rows, by their position in the source.
        parent: rows of what they were taken from.
        kind: ``slice``, ``item``, ``gather`` or ``walk`` (iterated).
        step: when, in steps of the run.
    """

    place: Place
    source: int
    ids: Rows
    parent: int
    kind: str
    step: int

    @property
    def whole(self) -> bool:
        """Whether everything there was is taken, as a permutation of a whole data set does."""
        return self.kind in ("slice", "gather") and self.ids.size == self.parent


@dataclass(frozen=True, slots=True)
class Built:
    """A loader that was built.

    Attributes:
        place: where.
        loader: it.
        drop_last: the value it was given.
    """

    place: Place
    loader: Any
    drop_last: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A loss that compares two tensors element by element, as it was called.

    Attributes:
        place: where.
        name: the function.
        left: the shape of the predictions.
        right: the shape of the targets.
        known: whether the predictions come from a model of the file, not from a stand-in for one.
    """

    place: Place
    name: str
    left: tuple[int, ...]
    right: tuple[int, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class Tensors:
    """Real tensors in place of stand-ins for data.

    Attributes:
        sample: the shape of one sample.
        width: the last size of what an unknown model gives.
        whole: whether samples are whole numbers, as tokens are.
        floats: whether labels are real numbers.
        classes: labels are below this.
        scores: the shape of one prediction, for parameters that say prediction; labels are of the same shape, one for
            each class, where they are real numbers. Empty where nothing is known of them.
    """

    sample: tuple[int, ...]
    width: int = 10
    whole: bool = False
    floats: bool = False
    classes: int = 2
    scores: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Training:
    """A model's training, evaluation or prediction, as it was asked for.

    Attributes:
        place: where.
        model: the model.
        method: ``fit``, ``evaluate`` or ``predict``.
        data: what is given first.
        arguments: the other positional arguments.
        keywords: those by keyword.
    """

    place: Place
    model: Any
    method: str
    data: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


@dataclass
class World:
    """One run.

    Attributes:
        rows: how many rows every source has whose size the code does not say.
        batch_size: what parameters are given that say batch size.
        forced: the batch size that replaces whatever the code says, ``None`` to leave it.
        constants: values for names that the file binds to other numbers.
        truth: what a condition on something unknown says.
        choices: values for parameters and attributes by name, before all other means.
        loads_batches: whether an unknown thing that is iterated gives batches instead of rows.
        exempt: names of classes that are built for real although they are models or data sets.
        number: what an unknown number is where a whole one is needed.
        tensors: the shapes of real tensors that data are made of, ``None`` for stand-ins alone.
        made: what an unknown model gave last.
        guessed_size: whether a batch size was made up for a parameter.
        arguments: what the function that is run was called with.
        notes_training: whether training is noted and not done.
        trained: what was noted.
        models: the models of the framework that were built, in order.
        once: whether it is enough that the flagged code is reached while the module is run.
        whole: whether a module is run to its end, and not only as far as the finding reaches.
        held: a weak reference to what a step that was made to fail had allocated.
        alive: whether that was there, each time a retry began.
        counts: whether sources count how often a row is drawn.
        drawn: how often each row, by source and number, was drawn from such a source.
    """

    rows: int
    batch_size: int = 4
    forced: int | None = None
    constants: dict[str, int] = field(default_factory=dict)
    truth: bool = True
    choices: dict[str, Any] = field(default_factory=dict)
    loads_batches: bool = False
    exempt: frozenset[str] = frozenset()
    number: int = 2
    tensors: Tensors | None = None
    guessed_size: bool = False
    made: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)
    notes_training: bool = False
    trained: list[Training] = field(default_factory=list)
    models: list[Any] = field(default_factory=list)
    once: bool = False
    whole: bool = False
    held: Any = None
    alive: list[bool] = field(default_factory=list)
    counts: bool = False
    drawn: dict[tuple[int, int], int] = field(default_factory=dict)
    seconds: float = 2.0
    maximum_steps: int = 200_000
    reads: list[Read] = field(default_factory=list)
    built: list[Built] = field(default_factory=list)
    seen: dict[int, list[Any]] = field(default_factory=dict)
    delivered: list[Rows] = field(default_factory=list)
    empty_used: list[Place] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    batch_sizes: set[int] = field(default_factory=set)
    place: Place = field(default_factory=lambda: Place(0, 0))
    steps: int = 0
    serial: int = 0
    started: float = field(default_factory=time.perf_counter)

    def step(self) -> None:
        """Count one step.

        Raises:
            OutOfBudget: there were too many, or they took too long.
        """
        self.steps += 1
        if self.steps > self.maximum_steps:
            raise OutOfBudget("too many steps")
        if self.steps % 256 == 0 and time.perf_counter() - self.started > self.seconds:
            raise OutOfBudget("too long")

    def source(self) -> int:
        """A new source's number."""
        self.serial += 1
        return self.serial

    def read(self, source: int, ids: Rows, parent: int, kind: str) -> None:
        """Note that rows were read here."""
        self.step()
        if len(self.reads) < MAXIMUM_READS:
            self.reads.append(Read(self.place, source, ids, parent, kind, self.steps))

    def use_empty(self) -> None:
        """Note that a batch without rows was used for something."""
        if len(self.empty_used) < 100:
            self.empty_used.append(self.place)

    def assume(self, what: str) -> None:
        """Note that a value rests on something that the file does not say."""
        if what not in self.assumed:
            self.assumed.append(what)
