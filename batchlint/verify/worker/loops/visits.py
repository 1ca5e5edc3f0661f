"""What a run visited of the rows that are cut into batches: the batches, and which rows are in none or in several."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from batchlint.verify.worker.loops.driving import Program, Run
from batchlint.verify.worker.loops.rewriting import FUNCTIONS, Function, Site
from batchlint.verify.worker.loops.world import Read, Rows


@dataclass(frozen=True, slots=True)
class Visit:
    """What one run visited of the rows that are cut into batches.

    Attributes:
        rows: how many there are.
        batches: the rows of each batch, in order.
        missing: how many rows no batch holds.
        repeated: how many are in more than one.
        empty: how many batches hold none.
    """

    rows: int
    batches: tuple[Rows, ...]
    missing: int
    repeated: int
    empty: int


def visit_of(program: Program, site: Site, run: Run) -> Visit | None:
    """What *run* visited; ``None`` where nothing was cut."""
    for found in (_cut, _pairs, _delivered):
        visit = found(program, site, run)
        if visit is not None:
            return visit
    return None


def _region(program: Program, site: Site) -> tuple[tuple[int, int], ...]:
    """Lines in which reads belong to the finding: its loop, and what its notes point at."""
    around = site.enclosing(*FUNCTIONS, ast.ClassDef)
    outer = [each for each in (site.node, *site.parents) if isinstance(each, Function | ast.ClassDef)]
    if outer:
        last = outer[-1]
        spans = [(last.lineno, last.end_lineno or last.lineno)]
    else:
        loop = around or site.enclosing(ast.For, ast.While) or site.statement
        spans = [(loop.lineno, getattr(loop, "end_lineno", 0) or 0)]  # type: ignore[attr-defined]
    spans += [(line, line) for line in site.flagged.note_lines]
    return tuple(spans)


def _cut(program: Program, site: Site, run: Run) -> Visit | None:
    return max(cut_sources(program, site, run), key=lambda visit: len(visit.batches), default=None)


def cut_sources(program: Program, site: Site, run: Run) -> list[Visit]:
    """What was visited of each source that is cut, by the lines that the finding's notes name if any of them cuts."""
    region, noted = _region(program, site), set(site.flagged.note_lines)
    by_source: dict[int, list[Read]] = defaultdict(list)
    for read in run.world.reads:
        if read.kind != "walk" and read.parent > 0 and any(a <= read.place.line <= b for a, b in region):
            by_source[read.source].append(read)
    if any(read.place.line in noted for reads in by_source.values() for read in reads):
        by_source = {
            source: reads for source, reads in by_source.items() if any(read.place.line in noted for read in reads)
        }
    visits = []
    for reads in by_source.values():
        rows = max(read.parent for read in reads)
        cuts = [read for read in reads if read.parent == rows and not (read.whole and read.kind == "gather")]
        if cuts and not (len(cuts) == 1 and cuts[0].whole and rows == run.world.rows and not noted):
            visits.append(_visit(rows, _batches(cuts)))
    return visits


def _batches(reads: Sequence[Read]) -> list[Rows]:
    """Batches of reads: slices and gathers as they are, single rows joined while they go on; repeats left out."""
    found: list[Rows] = []
    single: list[Rows] = []
    for read in reads:
        if read.kind == "item":
            single.append(read.ids)
            continue
        if not (found and found[-1].size == read.ids.size and np.array_equal(found[-1], read.ids)):
            found.append(read.ids)
    if single and not found:
        found = [np.concatenate(single)]
    return _first_round(found)


def _first_round(batches: list[Rows]) -> list[Rows]:
    """The batches of the first round where an outer loop goes through all of them several times."""
    for rounds in range(len(batches), 1, -1):
        length, rest = divmod(len(batches), rounds)
        if length > 1 and not rest and all(map(np.array_equal, batches[:-length], batches[length:])):
            return batches[:length]
    return batches


def _visit(rows: int, batches: Sequence[Rows]) -> Visit:
    counts = np.zeros(max(rows, 1), dtype=np.int64)
    for ids in batches:
        inside = ids[(ids >= 0) & (ids < rows)]
        np.add.at(counts, inside, 1)
    empty = sum(1 for ids in batches if not ids.size)
    return Visit(rows, tuple(batches), int((counts[:rows] == 0).sum()), int((counts[:rows] > 1).sum()), empty)


def _pairs(program: Program, site: Site, run: Run) -> Visit | None:
    results = run.results
    if len(results) == 1 and isinstance(results[0], list):
        results = results[0]
    pairs = [each for each in results if isinstance(each, tuple) and len(each) == 2]
    if not pairs or len(pairs) != len(results) or not all(isinstance(part, int) for pair in pairs for part in pair):
        return None
    ids = np.arange(run.world.rows)
    return _visit(run.world.rows, [ids[first:last] for first, last in pairs])


def _delivered(program: Program, site: Site, run: Run) -> Visit | None:
    # What is handed over whole is no batch: nothing follows from it about loops that cut batches.
    # The same rows several times in a row are one batch that several operations are given.
    batches: list[Rows] = []
    for ids in run.world.delivered:
        if ids.size < run.world.rows and not (batches and np.array_equal(batches[-1], ids)):
            batches.append(ids)
    return _visit(run.world.rows, batches) if batches else None
