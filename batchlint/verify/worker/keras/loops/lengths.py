"""Whether rows of several lengths can be made into one batch: what the flagged code does with the file's own data."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import tensorflow as tf

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.loops.pipelines import RowPipeline
from batchlint.verify.worker.loops.crashing import samples_of
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.under_way import running
from batchlint.verify.worker.loops.variants import Variant
from batchlint.verify.worker.loops.world import Tensors

CHECK = "ragged stack"
MAXIMUM_BATCHES = 200
UNEQUAL = re.compile(
    r"inhomogeneous|same shape|different shape|non-rectangular|unequal|inconsistent|equal size|must match|"
    r"Dimensions? .* must be equal|Cannot batch|Cannot add tensor to the batch|"
    r"setting an array element with a sequence",
    re.IGNORECASE,
)
"""What NumPy, TensorFlow and PyTorch say of parts of different lengths."""


def prove(program: Program, site: Site) -> CheckOutcome:
    """Run it as it stands; a pipeline is walked through."""
    reason = "the flagged code was not reached"
    for number, (sample, whole, _) in enumerate(samples_of(program)):
        if number > 3:
            break
        variant = Variant(program, site, loads_batches=True, batch_size=program.batch_size)
        run = variant.run(40, tensors=Tensors(sample, 10, whole))
        error = run.error
        pipelines = [each for each in program.seen(run, site) if isinstance(each, RowPipeline)]
        size = max((each.batch_size for each in pipelines), default=variant.batch_size)
        lines = set(range(site.flagged.statement_line, site.flagged.end_line + 1))
        if pipelines and error is None and pipelines[0].fixed:
            try:
                with running(run.world):
                    count = sum(1 for _ in itertools.islice(pipelines[0].tf, MAXIMUM_BATCHES))
            except (ValueError, tf.errors.OpError) as raised:
                failure = failure_in(raised, lambda filename: False)
                if UNEQUAL.search(failure.message) and _runs_one_by_one(program, site, variant, Tensors(sample)):
                    what = f"batches of {size} raise {failure.kind}: {failure.message[-160:]}; rows one by one do not"
                    runs = [BatchOutcome(1, Status.PASSED), BatchOutcome(size, Status.FAILED, failure=failure)]
                    return _outcome(site, Status.FAILED, what, runs)
                reason = f"the pipeline raises {failure.kind}: {failure.message}"[:260]
                continue
            if count > 1:
                runs = [BatchOutcome(size, Status.PASSED, f"{count} batches")]
                return _outcome(site, Status.PASSED, f"the file's own rows are given in {count} batches", runs)
            reason = "the pipeline gives too few batches"
            continue
        if error is None and not program.seen(run, site):
            continue
        if error is not None:
            failure = failure_in(error, lambda filename: filename == program.path)
            if failure.frame is not None and failure.frame.line in lines and UNEQUAL.search(failure.message):
                what = f"raises {failure.kind} on line {failure.frame.line}: {failure.message[:200]}"
                return _outcome(site, Status.FAILED, what, [BatchOutcome(size, Status.FAILED, failure=failure)])
            reason = f"it raises {failure.kind}: {failure.message}"[:260]
            continue
        if program.target.kind == "module" and all(_is_real(each) for each in program.seen(run, site)):
            what = "the file's own rows are put together without an error"
            return _outcome(site, Status.PASSED, what, [BatchOutcome(size, Status.PASSED)])
        reason = "the lengths of the data are not known"
    return _outcome(site, Status.UNDECIDED, reason)


def _is_real(value: Any) -> bool:
    """Whether rows became an array of numbers."""
    return isinstance(value, tf.Tensor) or (isinstance(value, np.ndarray) and value.dtype.kind != "O")


def _runs_one_by_one(program: Program, site: Site, variant: Variant, tensors: Tensors) -> bool:
    run = variant.run(40, forced=1, tensors=tensors)
    pipelines = [each for each in program.seen(run, site) if isinstance(each, RowPipeline)]
    if not pipelines:
        return False
    try:
        with running(run.world):
            return sum(1 for _ in itertools.islice(pipelines[0].unbatched.tf.batch(1), MAXIMUM_BATCHES)) > 1
    except (ValueError, tf.errors.OpError):
        return False


def _outcome(site: Site, status: Status, detail: str, runs: list[BatchOutcome] | None = None) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs or ()), findings=(site.flagged.number,))
