"""The signature of a compiled function, called with one row fewer than it says."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import tensorflow as tf

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.keras.failures import failure_in
from batchlint.verify.worker.keras.loops.models import run_with
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.world import Tensors

CHECK = "crash at batch sizes"


def spec_of(site: Site) -> ast.expr | None:
    """The signature or the ``TensorSpec`` that is flagged."""
    for each in (site.node, *site.parents):
        if isinstance(each, ast.keyword) and each.arg == "input_signature":
            return each.value
    found = [each for each in ast.walk(site.node) if isinstance(each, ast.Call)]
    for call in found:
        for keyword in call.keywords:
            if keyword.arg == "input_signature":
                return keyword.value
    return next((each for each in found if ast.unparse(each.func).rpartition(".")[2] == "TensorSpec"), None)


def prove(program: Program, site: Site, signature: ast.expr) -> CheckOutcome:
    """Make a function with the flagged signature and call it with fewer rows."""
    run = run_with(program, site, Tensors((7,)))
    source = compile(ast.Expression(ast.parse(ast.unparse(signature), mode="eval").body), "<signature>", "eval")
    try:
        made: Any = eval(source, dict(run.names))
    except Exception as error:
        reason = f"the signature could not be made: {type(error).__name__}: {error}"[:260]
        return _outcome(site, Status.UNDECIDED, reason)
    specs = [each for each in tf.nest.flatten(made) if isinstance(each, tf.TensorSpec) and each.shape.rank]
    sizes = {each.shape[0] for each in specs if each.shape[0]}
    if len(sizes) != 1 or min(sizes) < 2:
        return _outcome(site, Status.UNDECIDED, "the signature does not fix one number of rows")
    rows = int(sizes.pop())
    function = tf.function(lambda *given: [tf.identity(each) for each in given], input_signature=specs)
    outcomes: list[BatchOutcome] = []
    for count in (rows, rows - 1, 1):
        try:
            function(*[_given(each, count) for each in specs])
            outcomes.append(BatchOutcome(count, Status.PASSED))
        except (ValueError, TypeError) as error:
            failure = failure_in(error, lambda filename: False)
            outcomes.append(BatchOutcome(count, Status.FAILED, failure=failure))
    failures = [each.failure for each in outcomes if each.failure is not None]
    if outcomes[0].status is Status.PASSED and failures:
        what = f"a function with this signature raises {failures[0].kind} for {rows - 1} rows: "
        return _outcome(site, Status.FAILED, f"{what}{failures[0].message[:160]}; {rows} rows run", outcomes)
    if not failures:
        return _outcome(site, Status.PASSED, f"it takes {rows} rows, {rows - 1} and 1", outcomes)
    return _outcome(site, Status.UNDECIDED, f"it does not run with {rows} rows", outcomes)


def _given(spec: Any, rows: int) -> Any:
    sizes = [rows if axis == 0 and size else int(size or 4) for axis, size in enumerate(spec.shape)]
    return tf.constant(np.zeros(sizes, spec.dtype.as_numpy_dtype))


def _outcome(site: Site, status: Status, detail: str, runs: list[BatchOutcome] | None = None) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs or ()), findings=(site.flagged.number,))
