"""A finding in a small program, proved."""

from __future__ import annotations

import textwrap

from batchlint.verify.outcomes import CheckOutcome
from batchlint.verify.plan.plans import FilePlan, Flagged, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.worker.loops.performing import perform_loop


def proved(source: str, code: str, marker: str = "# here") -> CheckOutcome:
    """The answer for a finding of *code* on the line of *source* that ends with *marker*."""
    text = textwrap.dedent(source).lstrip("\n")
    line = next(number for number, each in enumerate(text.splitlines(), start=1) if each.rstrip().endswith(marker))
    flagged = Flagged(0, code, line, line, line)
    target = TargetPlan("<anything>", "function", 1, 1, (flagged,))
    result = perform_loop(target, FilePlan("program.py", text, targets=(target,)), None, Settings())
    assert len(result.checks) == 1
    return result.checks[0]
