"""Does it export with a batch that may vary, and does the export run at another batch size?"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from batchlint.verify.checks.base import Check
from batchlint.verify.checks.words import listed, rows, said
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.tensors import same

LEAST = 2
"""Exporting takes sizes of 0 and 1 for constants, so that it says nothing of them."""

WITHIN = 1e-3
"""As a part of the largest value: the export may compute in another order."""

ENDLESS = 1 << 40
"""What no batch reaches: bounds above are none."""


class ExportAndRun(Check):
    """Exports the model at its control with a batch dimension that may vary, and runs the export at other sizes.

    *Passed*: `torch.export` takes the batch for a variable from 2 on, and the export gives what the model gives at the
    other sizes. *Failed*: the export holds for the control or up to a bound only, or raises where the model runs. What
    cannot be exported at all is undecided. A batch of one is not asked: exporting assumes two.
    """

    name = "export and run"
    usual = False

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Export, then run at the other sizes from 2 on."""
        if not isinstance(subject.model, torch.nn.Module):
            return CheckOutcome(self.name, Status.SKIPPED, "only modules can be exported")
        running = [size for size in batch_sizes if size >= LEAST and subject.evaluated(size).failure is None]
        if not running:
            return CheckOutcome(self.name, Status.UNDECIDED, "it runs with two rows or more at no batch size")
        size, *others = running
        try:
            with subject.undisturbed(), _quietly():
                program = _exported(subject, size)
        except Exception as error:
            text = " ".join(str(error).split())[:160]
            return CheckOutcome(self.name, Status.UNDECIDED, f"cannot be exported: `{type(error).__name__}: {text}`")
        if program is None:
            return CheckOutcome(self.name, Status.UNDECIDED, "no input has an axis that follows the batch size")
        with _quietly():
            runs = _runs(subject, program, (size, *others))
        limits = _limits(program, size)
        if limits is not None:
            return CheckOutcome(self.name, Status.FAILED, f"exported at {size}, it is valid only for {limits}", runs)
        for run in runs:
            if run.failure is not None:
                detail = f"exported at {size}, it raises at {rows(run.batch_size)}, where the model runs: "
                return CheckOutcome(self.name, Status.FAILED, detail + said(run.failure), runs)
            if run.detail:
                return CheckOutcome(self.name, Status.UNDECIDED, f"at {rows(run.batch_size)} {run.detail}", runs)
        if not others:
            return CheckOutcome(self.name, Status.UNDECIDED, "it runs at no other batch size from 2 on", runs)
        return CheckOutcome(self.name, Status.PASSED, f"exported at {size}, it runs at {rows(listed(others))}", runs)


def _exported(subject: AnySubject, size: int) -> torch.export.ExportedProgram | None:
    """The model exported at *size*, its batch axes dynamic; ``None`` where no input has one."""
    (positional, keywords), longer = subject.arguments(size), subject.arguments(size + 1)
    signature = inspect.signature(subject.model.forward)
    values = signature.bind(*positional, **keywords).arguments
    others = signature.bind(*longer[0], **longer[1]).arguments
    shapes = {name: _dynamic(value, others[name]) for name, value in values.items()}
    if not _any(shapes):
        return None
    with torch.no_grad():
        return torch.export.export(subject.model, positional, keywords, dynamic_shapes=shapes)


def _dynamic(value: Any, longer: Any) -> Any:
    """The axes that grow by one row more, as `torch.export.export` wants them."""
    if isinstance(value, torch.Tensor):
        pairs = enumerate(zip(value.shape, longer.shape))
        return {axis: torch.export.Dim.AUTO for axis, (size, other) in pairs if size != other} or None
    if isinstance(value, dict):
        return {name: _dynamic(each, longer[name]) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_dynamic(each, other) for each, other in zip(value, longer, strict=True))
    return None


def _any(shapes: Any) -> bool:
    """Whether a nest of shapes has a dynamic axis."""
    if isinstance(shapes, dict):
        return any(_any(each) for each in shapes.values())
    if isinstance(shapes, tuple | list):
        return any(_any(each) for each in shapes)
    return shapes is not None


def _limits(program: torch.export.ExportedProgram, size: int) -> str | None:
    """What batch sizes the export holds for, where that is not all from 2 on: ``B = 4``, ``2 <= B <= 4``."""
    ranges = {str(symbol): found for symbol, found in program.range_constraints.items()}
    bounds: set[tuple[int, int]] = set()
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs:
            for extent in getattr(node.meta.get("val"), "shape", ()):
                if (found := ranges.get(str(extent))) is not None:
                    bounds.add((_number(found.lower), _number(found.upper)))
    if not bounds:
        return f"B = {size}: the code makes a constant of the batch size"
    least, most = max(low for low, _ in bounds), min(high for _, high in bounds)
    if most < ENDLESS:
        return f"{max(least, LEAST)} <= B <= {most}"
    return f"B >= {least}" if least > LEAST else None


def _number(bound: Any) -> int:
    try:
        return min(ENDLESS, int(bound))
    except (TypeError, ValueError, OverflowError, AttributeError):
        return ENDLESS  # the infinities of symbols have no integer


def _runs(subject: AnySubject, program: torch.export.ExportedProgram, sizes: Sequence[int]) -> tuple[BatchOutcome, ...]:
    """The export in the model's place."""
    exported = dataclasses.replace(subject, model=program.module(), path="")
    runs = []
    for size in sizes:
        own = subject.evaluated(size)
        run: Run = exported.call(size, *subject.arguments(size))
        differs = run.failure is None and not same(own.output, run.output, WITHIN)
        runs.append(run.outcome("exported", "the export gives other values than the model" if differs else ""))
    return tuple(runs)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """No warnings, no logs, and nothing on the streams."""
    before = logging.root.manager.disable
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.callback(logging.disable, before)
        logging.disable(logging.CRITICAL)
        yield
