"""Whether rows of several lengths can be made into one batch, tried on the file's own data (PyTorch and NumPy)."""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.failures import failure_of
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.rewriting import FUNCTIONS, Site

CHECK = "ragged stack"
MAXIMUM_BATCHES = 200
UNEQUAL = re.compile(
    r"inhomogeneous|equal size|same shape|expected sequence of length|at non-singleton|must match|stack expects", re.I
)
"""What NumPy and PyTorch say of parts of different lengths."""


def prove(program: Program, site: Site, names: Mapping[str, Any], text: str) -> CheckOutcome:
    """Make what the flagged expression of *text* makes, from what the loaded file has under *names*."""
    node = _flagged(text, site)
    if node is None:
        return _outcome(site, Status.UNDECIDED, "the flagged code is no expression")
    try:
        made = _made(program, site, node, names)
    except _Unequal as unequal:
        return unequal.outcome
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        return _outcome(site, Status.UNDECIDED, f"it raises {type(error).__name__}: {text}")
    if isinstance(made, DataLoader):
        return _walked(program, site, made)
    if isinstance(made, torch.Tensor) or (isinstance(made, np.ndarray) and made.dtype.kind != "O"):
        passed = [BatchOutcome(len(made) if made.ndim else 1, Status.PASSED)]
        return _outcome(site, Status.PASSED, "the file's own rows are put together without an error", passed)
    return _outcome(site, Status.UNDECIDED, "the lengths of the data are not known")


def _flagged(text: str, site: Site) -> ast.expr | None:
    """The flagged expression as the file has it, or what the flagged statement returns or assigns."""
    place = (site.flagged.line, site.flagged.column - 1)
    for node in ast.walk(ast.parse(text)):
        if (getattr(node, "lineno", 0), getattr(node, "col_offset", -1)) == place:
            if isinstance(node, ast.Return | ast.Assign | ast.AnnAssign | ast.Expr):
                return node.value
            if isinstance(node, ast.expr):
                return node
    return None


class _Unequal(Exception):
    """Parts of different lengths met; *outcome* says where."""

    def __init__(self, outcome: CheckOutcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


def _made(program: Program, site: Site, node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of the flagged expression: alone, else as the function around it gives it.

    Raises:
        _Unequal: it raises for the lengths of its parts.
        Exception: it raises for another reason.
    """
    alone = compile(ast.fix_missing_locations(ast.Expression(copy.deepcopy(node))), program.path, "eval")
    try:
        return _attempt(program, site, lambda: eval(alone, dict(names)))
    except NameError:
        function = site.enclosing(*FUNCTIONS)
        called = names.get(getattr(function, "name", ""))
        returned = isinstance(site.statement, ast.Return)
        if not callable(called) or not returned or _takes_arguments(called):
            raise
        return _attempt(program, site, called)


def _takes_arguments(called: Callable[..., Any]) -> bool:
    parameters = inspect.signature(called).parameters.values()
    return any(each.default is each.empty and each.kind in (0, 1, 3) for each in parameters)


def _attempt(program: Program, site: Site, attempt: Callable[[], Any]) -> Any:
    try:
        return attempt()
    except Exception as error:
        failure = failure_of(error, lambda filename: filename == program.path)
        lines = range(site.flagged.statement_line, site.flagged.end_line + 1)
        if UNEQUAL.search(failure.message) and failure.frame is not None and failure.frame.line in lines:
            what = f"raises {failure.kind} on line {failure.frame.line}: {failure.message[:200]}"
            failed = [BatchOutcome(program.batch_size, Status.FAILED, failure=failure)]
            raise _Unequal(_outcome(site, Status.FAILED, what, failed)) from None
        raise


def _walked(program: Program, site: Site, loader: DataLoader[Any]) -> CheckOutcome:
    """Whether a loader gives its batches, and, where it does not, its rows one by one."""
    size = loader.batch_size or 1
    try:
        count = sum(1 for _ in itertools.islice(loader, MAXIMUM_BATCHES))
    except Exception as error:
        failure = failure_of(error, lambda filename: filename == program.path)
        if not UNEQUAL.search(failure.message):
            return _outcome(site, Status.UNDECIDED, f"the loader raises {failure.kind}: {failure.message[:200]}")
        try:
            rows = sum(1 for _ in itertools.islice(DataLoader(loader.dataset, batch_size=1), MAXIMUM_BATCHES))
        except Exception:
            rows = 0
        if rows < 2:
            return _outcome(site, Status.UNDECIDED, "the loader gives its rows one by one neither")
        what = f"batches of {size} raise {failure.kind}: {failure.message[:160]}; rows one by one do not"
        runs = [BatchOutcome(1, Status.PASSED), BatchOutcome(size, Status.FAILED, failure=failure)]
        return _outcome(site, Status.FAILED, what, runs)
    if count < 2 and size > 1:
        return _outcome(site, Status.UNDECIDED, "the loader gives too few batches")
    runs = [BatchOutcome(size, Status.PASSED, f"{count} batches")]
    return _outcome(site, Status.PASSED, f"the file's own rows are given in {count} batches", runs)


def _outcome(site: Site, status: Status, detail: str, runs: list[BatchOutcome] | None = None) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs or ()), findings=(site.flagged.number,))
