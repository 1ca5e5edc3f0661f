"""A target outside of models to its result: each finding in it is run by itself."""

from __future__ import annotations

import ast
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from batchlint.verify.outcomes import CheckOutcome, Environment, Grade, Stage, Status, TargetResult
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.loops import constant_loss, crashing, row_counting, row_judgements, unreduced_loss
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.loops.spelling import shows_hazard
from batchlint.verify.worker.timeouts import TimeLimit, limit

_ROWS = frozenset({"BSZ301", "BSZ302", "BSZ303", "BSZ304", "BSZ305", "BSZ306"})
_ACCOUNTS = frozenset({"BSZ501", "BSZ503"})

_CRASHES = frozenset({"BSZ201", "BSZ202", "BSZ203", "BSZ205", "BSZ401"})
_SHAPES = frozenset({"BSZ407"})
_NAMES = (
    (_ROWS, row_judgements.CHECK),
    (_ACCOUNTS, constant_loss.CHECK),
    (_CRASHES, crashing.CHECK),
    (_SHAPES, unreduced_loss.CHECK),
)

SHARE = 0.8
"""Part of the time for a target after which no further finding of it is begun."""

Proof = Callable[[Program, Site], CheckOutcome]


def perform_loop(target: TargetPlan, plan: FilePlan, loaded: Any, settings: Settings) -> TargetResult:
    """Prove the findings of a function, of a method outside of models or of a module's own statements.

    Args:
        target: it, with its findings.
        plan: its file.
        loaded: the file as it was loaded, or nothing; loops are run from the text, with calls rewritten, and what
            was found is tried in the loaded file.
        settings: seed and limits.
    """
    began = time.perf_counter()
    torch.manual_seed(settings.seed)
    checks: list[CheckOutcome] = []
    reason, stage = "", Stage.NOT_LOADED
    lines: set[int] = set()
    names = dict(vars(loaded.main.module)) if loaded is not None else {}
    try:
        program = Program(plan, target, _nodes_to_keep)
        stage = Stage.BUILT
        for site in program.sites:
            for proof in _proofs(site.flagged.code):
                left = settings.seconds_per_target * SHARE - (time.perf_counter() - began)
                outcome = _proved(proof, program, site, settings, left)
                if outcome.call_code and not shows_hazard(site.flagged.code, outcome, names):
                    outcome = replace(outcome, call_code="")
                checks.append(outcome)
                if outcome.status in (Status.PASSED, Status.FAILED):
                    stage = Stage.RUN
                    lines |= set(range(site.flagged.line, site.flagged.end_line + 1))
                if outcome.status is Status.FAILED:
                    break
    except (SyntaxError, ValueError, RecursionError) as error:
        reason = f"the file could not be read: {error}"
    if stage is not Stage.RUN and not reason:
        reason = next((each.detail for each in checks if each.detail), "the flagged code was not found in the file")
    sizes = tuple(dict.fromkeys(run.batch_size for each in checks for run in each.runs))
    return TargetResult(
        plan.path,
        target.qualname,
        target.kind,
        target.line,
        stage,
        grade=min((each.grade for each in checks if each.grade is not None), default=Grade.CODE),
        batch_sizes=sizes,
        checks=tuple(checks),
        executed_lines=tuple(sorted(lines)),
        reached_lines=tuple(sorted(lines)),
        environment=Environment("cpu", (("torch", torch.__version__),), platform.python_version(), platform.platform()),
        seed=settings.seed,
        milliseconds=(time.perf_counter() - began) * 1000,
        reason=reason,
    )


def _proofs(code: str) -> tuple[Proof, ...]:
    if code in _ROWS:
        return (row_counting.count_rows,)
    if code in _ACCOUNTS:
        return (constant_loss.account,)
    if code in _CRASHES:
        return (crashing.crash,)
    if code in _SHAPES:
        return (unreduced_loss.compare_shapes,)
    return ()


def _nodes_to_keep(tree: ast.Module, site: Site) -> dict[str, ast.AST]:
    if site.flagged.code in _ROWS:
        return row_counting.nodes_to_keep(tree, site)
    if site.flagged.code in _ACCOUNTS:
        return constant_loss.nodes_to_keep(tree, site)
    return {}


def _proved(proof: Proof, program: Program, site: Site, settings: Settings, seconds: float) -> CheckOutcome:
    name = next((name for codes, name in _NAMES if site.flagged.code in codes), row_judgements.CHECK)
    allowed = min(settings.seconds_per_check, seconds)
    try:
        if allowed > 0:
            with limit(allowed):
                return proof(program, site)
        detail = "the other findings there took all of the time"
    except TimeLimit as error:
        detail = str(error)
    except Exception as error:
        detail = f"it could not be run with stand-ins: {type(error).__name__}: {error}"[:300]
    return CheckOutcome(name, Status.UNDECIDED, detail, findings=(site.flagged.number,))
