"""The call of a function whose rows were counted, as Python with simple data in place of what is not known.

It is kept only where the hazard shows with it: the file's own function is called that way, without rewriting.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from typing import Any

import torch

from batchlint.verify.outcomes import CheckOutcome
from batchlint.verify.script_of_loop import PROOFS, numbers_of_rows
from batchlint.verify.worker import counting
from batchlint.verify.worker.loops.driving import LABELS, NO_TENSOR, Program
from batchlint.verify.worker.loops.standins import StandIn
from batchlint.verify.worker.loops.variants import Variant
from batchlint.verify.worker.timeouts import limited

PROBE = 1_009
"""Rows of the run whose arguments are spelled: no number that code has by itself."""

SECONDS = 3.0


def spelled_call(program: Program, variant: Variant) -> str:
    """``minibatches(inputs=rows(), targets=labels(), batch_size=4)``; empty where it cannot be said so simply.

    Names in it: ``count`` is the number of rows, ``rows()`` and ``labels()`` are data, ``anything()`` is a model, a
    loss or the like.
    """
    name = program.target.qualname
    if variant.constants or variant.choices or not variant.truth or not name.isidentifier():
        return ""
    given = variant.run(PROBE).world.arguments
    spelled = [(key, _spelled(key, value)) for key, value in given.items()]
    if any(value is None for _, value in spelled):
        return ""
    return f"{name}({', '.join(f'{key}={value}' for key, value in spelled)})"


def _spelled(name: str, value: Any) -> str | None:
    if isinstance(value, StandIn):
        if NO_TENSOR.search(name) and not re.fullmatch("data(_?set)?", name):
            return "anything()"
        return "labels()" if LABELS.search(name) else "rows()"
    if isinstance(value, torch.device):
        return 'torch.device("cpu")'
    if isinstance(value, int) and not isinstance(value, bool) and value == PROBE:
        return "count"
    return repr(value) if value is None or isinstance(value, bool | int | float | str) else None


def shows_hazard(code: str, outcome: CheckOutcome, namespace: dict[str, Any]) -> bool:
    """Whether the call of *outcome* shows what the rule *code* says in a file with these names."""
    if code not in PROOFS or not outcome.call_code:
        return False
    prove = getattr(counting, PROOFS[code])
    source = compile(outcome.call_code, "<call>", "eval")

    def run(count: int, rows: Any, labels: Any, anything: Any) -> Any:
        own = {"count": count, "rows": rows, "labels": labels, "anything": anything, "torch": torch}
        return eval(source, {**namespace, **own})

    shown: list[bool] = []
    grad = torch.is_grad_enabled()
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            with limited(SECONDS):
                shown.append(prove(run, *numbers_of_rows(outcome)))
    finally:
        torch.set_grad_enabled(grad)
    return any(shown)
