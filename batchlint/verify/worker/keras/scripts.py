"""A target outside of models to its result, on TensorFlow and Keras."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from batchlint.verify.outcomes import CheckOutcome, Status, TargetResult
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.keras.loops import contract, graphs, judgements, lengths, models, signatures
from batchlint.verify.worker.keras.loops.tensorflow_framework import TENSORFLOW
from batchlint.verify.worker.loops import constant_loss, crashing, memory_at_retry, row_counting, row_judgements
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.proving import Proof, prove_target
from batchlint.verify.worker.loops.rewriting import Site

JUDGES = {**row_judgements.JUDGES, "BSZ301": judgements.by_hand, "BSZ303": judgements.reads}

SYMBOLIC = "symbolic batch"
_ROWS = ("BSZ301", "BSZ302", "BSZ303", "BSZ304", "BSZ305", "BSZ306")
_ACCOUNTS = ("BSZ501", "BSZ503")
_CRASHES = ("BSZ201", "BSZ202", "BSZ203", "BSZ205", "BSZ401")
_OF_MODELS = ("BSZ101", "BSZ102", "BSZ103", "BSZ206", "BSZ402", "BSZ403", "BSZ404", "BSZ405", "BSZ406", "BSZ408")


def proofs(settings: Settings) -> dict[str, tuple[Proof, ...]]:
    """How the findings of each rule are proved."""

    def crash(program: Program, site: Site) -> CheckOutcome:
        if graphs.is_graph(program.original):
            return graphs.prove(program, site)
        if models.is_symbolic(program, site) or models.is_rejected(program, site):
            return models.prove(program, site, settings)
        return crashing.crash(program, site)

    def of_model(program: Program, site: Site) -> CheckOutcome:
        if graphs.is_graph(program.original):
            found = graphs.prove(program, site)
        else:
            found = models.prove(program, site, settings)
            if found.status is Status.UNDECIDED and site.flagged.code == "BSZ206":
                found = graphs.prove(program, site)
        return replace(found, check=SYMBOLIC) if site.flagged.code == "BSZ206" else found

    def fixed_input(program: Program, site: Site) -> CheckOutcome:
        if graphs.is_graph(program.original):
            return graphs.prove(program, site)
        signature = signatures.spec_of(site)
        if signature is not None:
            return signatures.prove(program, site, signature)
        return models.fixed_input(program, site, settings)

    rows = Proof(row_judgements.CHECK, _count_rows, row_counting.nodes_to_keep)
    accounts = Proof(constant_loss.CHECK, constant_loss.account, constant_loss.nodes_to_keep)
    return {
        **dict.fromkeys(_ROWS, (rows,)),
        **dict.fromkeys(_ACCOUNTS, (accounts,)),
        **dict.fromkeys(_CRASHES, (Proof(crashing.CHECK, crash, share=1.5),)),
        **dict.fromkeys(_OF_MODELS, (Proof(models.CHECK, of_model, share=2.5),)),
        "BSZ104": (Proof(models.CHECK, partial(models.dataset_shape, settings=settings)),),
        "BSZ204": (Proof(models.CHECK, fixed_input),),
        "BSZ208": (Proof(row_judgements.CHECK, judgements.delivered_rows),),
        "BSZ307": (Proof(judgements.MEMBERSHIP, judgements.same_batches, judgements.values_to_keep),),
        "BSZ601": (Proof(contract.CHECK, partial(contract.prove, settings=settings)),),
        "BSZ602": (Proof(lengths.CHECK, lengths.prove, judgements.values_to_keep),),
        "BSZ603": (Proof(memory_at_retry.CHECK, memory_at_retry.memory_at_retry, memory_at_retry.prepare),),
    }


def _count_rows(program: Program, site: Site) -> CheckOutcome:
    return row_counting.count_rows(program, site, JUDGES)


def perform_script(target: TargetPlan, plan: FilePlan, loaded: Any, settings: Settings) -> TargetResult:
    """Prove the findings of a function, of a method outside of models or of a module's own statements.

    Args:
        target: it, with its findings.
        plan: its file.
        loaded: the file as it was loaded, or nothing.
        settings: seed and limits.
    """
    keras.utils.set_random_seed(settings.seed)
    versions = (("tensorflow", tf.__version__), ("keras", keras.__version__))

    def finish(site: Site, outcome: CheckOutcome) -> CheckOutcome:
        # The script that shows a hazard by a call is written for PyTorch.
        return replace(outcome, call_code="")

    return prove_target(target, plan, settings, TENSORFLOW, proofs(settings), versions, finish)
