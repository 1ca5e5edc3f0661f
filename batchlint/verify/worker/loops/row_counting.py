"""Which rows a loop visits, how often, and in which batches, when the batch size divides them and when it does not."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from batchlint.semantics.batch_names import names_batch_size
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.worker.loops import naming
from batchlint.verify.worker.loops.driving import Program
from batchlint.verify.worker.loops.rewriting import FUNCTIONS, Site
from batchlint.verify.worker.loops.row_judgements import FEW, JUDGES, PROBES, Judge, outcome
from batchlint.verify.worker.loops.spelling import spelled_call
from batchlint.verify.worker.loops.variants import describe_error, executed


def nodes_to_keep(tree: ast.Module, site: Site) -> dict[str, ast.AST]:
    """The operands of a flagged division: the rows and the batch size that it counts with."""
    node = site.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "int" and node.args:
        node = node.args[0]
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.FloorDiv | ast.Div):
            return {"rows": each.left, "size": each.right}
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "range"
        and len(node.args) == 3
    ):
        return {"size": node.args[2]}
    return {}


def size_constants(program: Program, site: Site) -> tuple[str, ...]:
    """Names of numbers, no batch sizes, that bound the flagged loop: how many rows the file says there are."""
    scope: ast.AST = site.enclosing(*FUNCTIONS) or program.tree
    wanted = {each.id for each in ast.walk(site.node) if isinstance(each, ast.Name)}
    loop = site.enclosing(ast.For)
    if isinstance(loop, ast.For):
        wanted |= {each.id for each in ast.walk(loop.iter) if isinstance(each, ast.Name)}
    found = []
    bound: dict[str, list[ast.expr]] = defaultdict(list)
    for tree in (scope, program.original):
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign):
                for target in each.targets:
                    if isinstance(target, ast.Name):
                        bound[target.id].append(each.value)
    pending, known = list(wanted), set(wanted)
    while pending:
        name = pending.pop()
        for value in bound.get(name, []):
            number = isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value > 1
            if number and not names_batch_size(name) and not naming.names_epochs(name):
                found.append(name)
            more = {each.id for each in ast.walk(value) if isinstance(each, ast.Name)} - known
            known |= more
            pending += more
    return tuple(dict.fromkeys(found))


def count_rows(program: Program, site: Site, judges: Mapping[str, Judge] = JUDGES) -> CheckOutcome:
    """Run what the finding stands in at several numbers of rows, and judge the rows that were visited."""
    judge = judges.get(site.flagged.code)
    if judge is None:
        return outcome(site, Status.SKIPPED, "no rows are counted for this rule")
    constants = size_constants(program, site)
    best: CheckOutcome | None = None
    probe = FEW if site.flagged.code == "BSZ303" else PROBES[0]
    for variant in executed(program, site, probe, constants, rows_first=site.flagged.code != "BSZ306"):
        found = judge(program, site, variant)
        if found.status is Status.FAILED:
            return replace(found, call_code=spelled_call(program, variant))
        if best is None or (best.status is Status.UNDECIDED and found.status is Status.PASSED):
            best = found
        if best.status is Status.PASSED and variant.sure and not variant.choices:
            break
    return best or outcome(site, Status.UNDECIDED, describe_error(program, site, constants))
