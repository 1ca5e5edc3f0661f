"""A script that shows a hazard of a function outside of models: it is called, and the rows it takes are counted."""

from __future__ import annotations

import ast
import textwrap

from batchlint.verify.embedding import TooMuch, embed
from batchlint.verify.outcomes import CheckOutcome, TargetResult
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.plan.project import parse
from batchlint.verify.plan.syntax import loaded
from batchlint.verify.script_library import demonstrations, library
from batchlint.verify.script_parts import (
    FAULTS,
    NotReproducible,
    cuda,
    header,
    modules,
    own_source,
    stand_ins,
)

PROOFS = {
    "BSZ301": "manual_slicing_loop",
    "BSZ302": "dropped_tail",
    "BSZ304": "last_full_batch_lost",
    "BSZ305": "empty_last_batch",
}
"""The functions of `batchlint.verify.worker.counting` that show what a rule says."""


def script_of_loop(
    plan: FilePlan, target: TargetResult, check: CheckOutcome, code: str, title: str, reason: str = ""
) -> str:
    """The source of a script that calls a function as *check* did, and counts.

    Args:
        plan: the function's file.
        target: the function.
        check: the check that failed, with the call that shows it.
        code: the rule's code.
        title: what it is about.
        reason: one sentence more.

    Raises:
        NotReproducible: no script can be written.
    """
    called = parse(check.call_code)
    if not check.call_code or called is None or code not in PROOFS:
        raise NotReproducible(
            "no call with simple data shows it: what was run has stand-ins for data and models, which a script has not"
        )
    taken = sorted(
        loaded(called) & {*library("counting"), "run", "reproduce"} - {"rows", "labels", "anything", "count"}
    )
    if taken:
        raise NotReproducible(f"`{taken[0]}` is a name that the script needs itself")
    try:
        part = embed(plan.path, plan.text, plan.module, plan.roots, loaded(called), called.body)
    except (TooMuch, ValueError) as error:
        raise NotReproducible(str(error)) from None
    size, counts = numbers_of_rows(check)
    inner = "\n\n".join(demonstrations([PROOFS[code]], "counting"))
    pieces = [
        header(target, title, reason),
        part.future,
        "import os\nimport sys\nimport traceback\n\nimport torch",
        FAULTS,
        cuda(target, [*(each.source for each in part.modules), part.source]),
        stand_ins(part.packages),
        modules(part.modules, plan),
        own_source(part, plan, plan.path),
        "# ---- how it is called, and which rows it takes\n\n"
        f"def reproduce():\n{textwrap.indent(inner, '    ')}\n\n"
        f"    def run(count, rows, labels, anything):\n        return {ast.unparse(called)}\n\n"
        f"    shows = {PROOFS[code]}(run, {size}, {counts!r})\n"
        '    print("The hazard shows." if shows else "The hazard does not show.")\n'
        "    return shows\n\n\nsys.exit(1 if reproduce() else 0)",
    ]
    return "\n\n\n".join(piece.strip("\n") for piece in pieces if piece.strip()) + "\n"


def numbers_of_rows(check: CheckOutcome) -> tuple[int, tuple[int, ...]]:
    """The batch size and the numbers of rows that row counting rests on; the least are four batches."""
    counts = tuple(dict.fromkeys(run.batch_size for run in check.runs))
    return max(1, min(counts, default=0) // 4), counts
