"""Ways to run a finding: which branches to take and which numbers to replace, until the flagged code is reached."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.world import Tensors, World

MAXIMUM_VARIANTS = 10
MAXIMUM_SECONDS = 5.0
"""Wall time after which no further variant is tried."""


@dataclass
class Variant:
    """One way to run a finding.

    Attributes:
        program: the file.
        site: the finding.
        constants: names that take the number of rows.
        choices: strings for names that the code compares with them.
        truth: what conditions on something unknown say.
        loads_batches: whether something unknown gives batches when it is iterated.
        batch_size: the batch size where the code leaves it open.
    """

    program: Program
    site: Site
    constants: tuple[str, ...] = ()
    choices: dict[str, str] = field(default_factory=dict)
    truth: bool = True
    loads_batches: bool = False
    batch_size: int = 4

    @property
    def sure(self) -> bool:
        """Whether nothing that the file says was replaced."""
        return not self.constants

    def run(self, rows: int, *, forced: int | None = None, number: int = 2, tensors: Tensors | None = None) -> Run:
        """Run with this many rows; *forced* replaces every batch size, *number* is what unknown numbers are."""
        return self.program.run(self.world(rows, forced=forced, number=number, tensors=tensors), self.site)

    def world(self, rows: int, *, forced: int | None = None, number: int = 2, tensors: Tensors | None = None) -> World:
        """What a run with this many rows is given."""
        return World(
            rows,
            self.batch_size,
            forced,
            dict.fromkeys(self.constants, rows),
            self.truth,
            dict(self.choices),
            self.loads_batches,
            self.program.classes(self.site),
            number,
            tensors,
        )


def candidates(program: Program, site: Site, constants: tuple[str, ...], rows_first: bool) -> Iterator[Variant]:
    """Variants worth a try, the plainest first."""
    strings = program.strings[site.flagged.number]
    names = list(strings)[:2]
    values = [[*strings[name][:4], "test" if "test" not in strings[name] else "other"] for name in names]
    chosen = [dict(zip(names, combination)) for combination in itertools.product(*values)]
    sizes = [constants, ()] if constants else [()]
    for loads in (not rows_first, rows_first):
        for replaced in sizes:
            for truth in (True, False):
                for choices in chosen or [{}]:
                    yield Variant(program, site, replaced, choices, truth, loads, program.batch_size)


def executed(
    program: Program, site: Site, rows: int, constants: tuple[str, ...], *, rows_first: bool
) -> Iterator[Variant]:
    """The variants that reach the flagged code and run to the end."""
    began, stopped = time.perf_counter(), 0
    for variant in itertools.islice(candidates(program, site, constants, rows_first), MAXIMUM_VARIANTS):
        if time.perf_counter() - began > MAXIMUM_SECONDS or stopped > 1:
            return
        run = variant.run(rows)
        stopped += run.stopped
        if run.error is None and program.seen(run, site):
            yield variant


def describe_error(program: Program, site: Site, constants: tuple[str, ...], rows: int = 1_000) -> str:
    """Why no variant ran."""
    run = next(candidates(program, site, constants, True)).run(rows)
    if run.error is not None:
        return f"the code could not be run with stand-ins: {type(run.error).__name__}: {run.error}"[:300]
    return "the flagged code was not reached"
