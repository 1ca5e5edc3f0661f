"""Whether the spelled call of a function shows, in the file as it is, what was found with stand-ins."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import torch

from batchlint.verify.outcomes import CheckOutcome
from batchlint.verify.script_of_loop import PROOFS, numbers_of_rows
from batchlint.verify.worker import counting
from batchlint.verify.worker.timeouts import limited

SECONDS = 3.0


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
