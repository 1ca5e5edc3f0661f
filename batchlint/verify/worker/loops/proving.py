"""A target outside of models to its result, for any framework: each finding in it is run by itself."""

from __future__ import annotations

import ast
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchlint.verify.outcomes import CheckOutcome, Environment, Grade, Stage, Status, TargetResult
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.frameworks import Framework, using
from batchlint.verify.worker.loops.rewriting import Site
from batchlint.verify.worker.timeouts import TimeLimit, limit

SHARE = 0.8
"""Part of the time for a target after which no further finding of it is begun."""

Prove = Callable[[Program, Site], CheckOutcome]


@dataclass(frozen=True)
class Proof:
    """One way to prove the findings of a rule.

    Attributes:
        check: the check's name.
        prove: runs the finding.
        keep: further nodes whose values are kept while it runs, by a key of the proof's.
        share: how much more time it may take than a check of a model that was built already.
    """

    check: str
    prove: Prove
    keep: Callable[[ast.Module, Site], dict[str, ast.AST]] | None = None
    share: float = 1.0


def prove_target(
    target: TargetPlan,
    plan: FilePlan,
    settings: Settings,
    framework: Framework,
    proofs: Mapping[str, tuple[Proof, ...]],
    versions: tuple[tuple[str, str], ...],
    finish: Callable[[Site, CheckOutcome], CheckOutcome] | None = None,
) -> TargetResult:
    """Prove the findings of a function, of a method outside of models or of a module's own statements.

    Args:
        target: it, with its findings.
        plan: its file.
        settings: seed and limits.
        framework: the file's.
        proofs: how the findings of each rule are proved: the first answer that is sure is taken.
        versions: packages that it runs on.
        finish: changes an answer before it is kept.
    """
    began = time.perf_counter()
    checks: list[CheckOutcome] = []
    reason, stage = "", Stage.NOT_LOADED
    lines: set[int] = set()

    def keep(tree: ast.Module, site: Site) -> dict[str, ast.AST]:
        found: dict[str, ast.AST] = {}
        for proof in proofs.get(site.flagged.code, ()):
            if proof.keep is not None:
                found.update(proof.keep(tree, site))
        return found

    try:
        program = Program(plan, target, keep)
        stage = Stage.BUILT
        for site in program.sites:
            for proof in proofs.get(site.flagged.code, ()):
                left = settings.seconds_per_target * SHARE - (time.perf_counter() - began)
                outcome = _proved(proof, program, site, framework, min(settings.seconds_per_check * proof.share, left))
                outcome = outcome if finish is None else finish(site, outcome)
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
        environment=Environment("cpu", versions, platform.python_version(), platform.platform()),
        seed=settings.seed,
        milliseconds=(time.perf_counter() - began) * 1000,
        reason=reason,
    )


def _proved(proof: Proof, program: Program, site: Site, framework: Framework, seconds: float) -> CheckOutcome:
    try:
        if seconds > 0:
            with limit(seconds), using(framework):
                return proof.prove(program, site)
        detail = "the other findings there took all of the time"
    except TimeLimit as error:
        detail = str(error)
    except Exception as error:
        detail = f"it could not be run with stand-ins: {type(error).__name__}: {error}"[:300]
    return CheckOutcome(proof.check, Status.UNDECIDED, detail, findings=(site.flagged.number,))
