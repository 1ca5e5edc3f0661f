"""A target outside of models to its result, on PyTorch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch

from batchlint.verify.outcomes import CheckOutcome, TargetResult
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.loops import (
    constant_loss,
    crashing,
    memory_at_retry,
    ragged_stack,
    row_counting,
    row_judgements,
    unreduced_loss,
)
from batchlint.verify.worker.loops.proving import Proof, prove_target
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.shown import shows_hazard
from batchlint.verify.worker.loops.torch_framework import TORCH

_ROWS = (Proof(row_judgements.CHECK, row_counting.count_rows, row_counting.nodes_to_keep),)
_ACCOUNTS = (Proof(constant_loss.CHECK, constant_loss.account, constant_loss.nodes_to_keep),)
_CRASHES = (Proof(crashing.CHECK, crashing.crash),)
_SHAPES = (Proof(unreduced_loss.CHECK, unreduced_loss.compare_shapes),)

PROOFS: dict[str, tuple[Proof, ...]] = {
    **dict.fromkeys(("BSZ301", "BSZ302", "BSZ303", "BSZ304", "BSZ305", "BSZ306"), _ROWS),
    **dict.fromkeys(("BSZ501", "BSZ503"), _ACCOUNTS),
    **dict.fromkeys(("BSZ201", "BSZ202", "BSZ203", "BSZ205", "BSZ401"), _CRASHES),
    "BSZ407": _SHAPES,
    "BSZ603": (Proof(memory_at_retry.CHECK, memory_at_retry.memory_at_retry, memory_at_retry.prepare),),
}


def perform_loop(target: TargetPlan, plan: FilePlan, loaded: Any, settings: Settings) -> TargetResult:
    """Prove the findings of a function, of a method outside of models or of a module's own statements.

    Args:
        target: it, with its findings.
        plan: its file.
        loaded: the file as it was loaded, or nothing; loops are run from the text, with calls rewritten, and what
            was found is tried in the loaded file.
        settings: seed and limits.
    """
    torch.manual_seed(settings.seed)
    names = dict(vars(loaded.main.module)) if loaded is not None else {}

    def finish(site: Site, outcome: CheckOutcome) -> CheckOutcome:
        if outcome.call_code and not shows_hazard(site.flagged.code, outcome, names):
            return replace(outcome, call_code="")
        return outcome

    versions = (("torch", torch.__version__),)
    ragged = Proof(ragged_stack.CHECK, partial(ragged_stack.prove, names=names, text=plan.text))
    return prove_target(target, plan, settings, TORCH, {**PROOFS, "BSZ602": (ragged,)}, versions, finish)
