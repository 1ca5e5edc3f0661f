"""Can it be traced for a number of rows that is not known, and does the graph run at any?"""

from __future__ import annotations

from collections.abc import Sequence

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.words import listed, rows, said
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject, TracedGraph

UNKNOWN = "a graph for any batch size"
FIXED = "a graph for its own batch size"


class SymbolicBatch(Check):
    """Traces the model into a graph with the batch unknown (``None``), as ``fit`` and ``tf.function`` do, and runs it.

    *Passed*: it is traced, and the graph runs at every batch size. *Failed*: it is traced for its own batch size and
    not for an unknown one, as where ``x.shape[0]`` is taken for a number; or the graph raises at another batch size.
    Eager execution, where ``x.shape[0]`` is a number, hides that. Of frameworks without graphs it is not asked.
    """

    name = "symbolic batch"
    usual = False

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Trace with an unknown batch size, else with the control's."""
        graph = subject.graph(None)
        if graph is None:
            return CheckOutcome(self.name, Status.SKIPPED, "there is no graph of it with a batch that varies")
        if isinstance(graph, TracedGraph):
            return _of_graph(self.name, graph, batch_sizes)
        fixed = subject.graph(subject.control)
        if not isinstance(fixed, TracedGraph):
            why = graph if fixed is None else fixed
            return CheckOutcome(self.name, Status.UNDECIDED, f"cannot be traced at all: {said(why.failure)}")
        run = fixed.run(subject.control)
        if run.failure is not None:
            return CheckOutcome(self.name, Status.UNDECIDED, f"its graph does not run: {said(run.failure)}")
        outcomes = (
            BatchOutcome(subject.control, Status.FAILED, UNKNOWN, graph.failure),
            run.outcome(FIXED),
        )
        detail = f"cannot be traced with an unknown batch size: {said(graph.failure)}; can be with {subject.control}"
        return CheckOutcome(self.name, Status.FAILED, detail, outcomes)


def _of_graph(name: str, graph: TracedGraph, batch_sizes: Sequence[int]) -> CheckOutcome:
    runs = [graph.run(size) for size in batch_sizes]
    outcomes = tuple(run.outcome(UNKNOWN) for run in runs)
    if runs[0].failure is not None:
        return CheckOutcome(name, Status.UNDECIDED, f"its graph does not run: {said(runs[0].failure)}", outcomes)
    failed = [run for run in runs if run.status is Status.FAILED]
    if failed and failed[0].failure is not None:
        sizes = listed(run.batch_size for run in failed)
        detail = f"the graph of an unknown batch size raises at {rows(sizes)}: {said(failed[0].failure)}"
        return CheckOutcome(name, Status.FAILED, f"{detail}; runs at {runs[0].batch_size}", outcomes)
    if any(run.failure is not None for run in runs):
        return CheckOutcome(name, Status.UNDECIDED, "its graph could not be run at every batch size", outcomes)
    detail = f"traced with an unknown batch size, it runs at {rows(listed(batch_sizes))}"
    return CheckOutcome(name, Status.PASSED, detail, outcomes)


def graph_ladder(subject: AnySubject, batch_sizes: Sequence[int]) -> tuple[BatchOutcome, ...]:
    """The runs of the graph of an unknown batch size, the control's first; nothing where that does not run."""
    graph = subject.graph(None)
    if not isinstance(graph, TracedGraph):
        return ()
    first = graph.run(batch_sizes[0])
    if first.failure is not None:
        return ()
    return tuple(run.outcome(UNKNOWN) for run in (first, *(graph.run(size) for size in batch_sizes[1:])))
