"""Whether what a failed step had allocated is still there when its retry runs: inside of the ``except`` block it is.

The step is made to fail with the error that the block catches, raised where a large array is a local name; before the
flagged retry it is looked whether that array is alive.
"""

from __future__ import annotations

import ast

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Status
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.failing_step import NUMBERS
from batchlint.verify.worker.loops.rewriting import FUNCTIONS, Site, parents_of
from batchlint.verify.worker.loops.variants import candidates

CHECK = "memory at retry"
MAXIMUM_VARIANTS = 8


def prepare(tree: ast.Module, site: Site) -> dict[str, ast.AST]:
    """Make the tried step fail, and look before the retry; changes *tree*."""
    parents = parents_of(tree)
    tried = _tried(site)
    if tried is None:
        return {}
    caught = [each.type for each in tried.handlers if each.type is not None]
    failing = ast.Expr(ast.Call(ast.Name("__bl_fail__", ast.Load()), list(caught), []))
    looking = ast.Expr(ast.Call(ast.Name("__bl_look__", ast.Load()), [], []))
    for made, before in ((failing, tried.body[0]), (looking, site.statement)):
        ast.copy_location(made, before)
        ast.fix_missing_locations(made)
        for _, body in ast.iter_fields(parents[before]):
            if isinstance(body, list) and before in body:
                body.insert(body.index(before), made)
    return {}


def _tried(site: Site) -> ast.Try | None:
    """The ``try`` that the finding stands in, or the last one before it in its function."""
    around = site.enclosing(ast.Try)
    if isinstance(around, ast.Try):
        return around
    scope = site.enclosing(*FUNCTIONS) or (site.parents[-1] if site.parents else None)
    found = [
        each
        for each in ast.walk(scope or ast.Module([], []))
        if isinstance(each, ast.Try) and each.handlers and each.lineno < site.statement.lineno
    ]
    return max(found, key=lambda each: each.lineno, default=None)


def memory_at_retry(program: Program, site: Site) -> CheckOutcome:
    """Run it once with a step that fails, and look what is alive when it is tried again."""
    reason = "the retry was not reached"
    for number, variant in enumerate(candidates(program, site, (), True)):
        if number >= MAXIMUM_VARIANTS:
            break
        run = variant.run(64)
        if not run.world.alive:
            if run.error is not None:
                reason = f"it could not be run with stand-ins: {type(run.error).__name__}: {run.error}"[:260]
            continue
        alive = run.world.alive[0]
        held = f"{NUMBERS * 4 >> 20} MiB that the failed step had allocated"
        outcomes = [BatchOutcome(32, Status.FAILED if alive else Status.PASSED, "the retry")]
        if alive:
            what = f"when the retry runs, {held} are still there: the exception that is being handled keeps them"
            return _outcome(site, Status.FAILED, what, outcomes)
        return _outcome(site, Status.PASSED, f"when the retry runs, {held} are free again", outcomes)
    return _outcome(site, Status.UNDECIDED, reason)


def _outcome(site: Site, status: Status, detail: str, runs: list[BatchOutcome] | None = None) -> CheckOutcome:
    return CheckOutcome(CHECK, status, detail, tuple(runs or ()), findings=(site.flagged.number,))
