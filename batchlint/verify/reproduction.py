"""Scripts that show hazards, for a person with nothing but PyTorch: which can be had, and where they are written.

A script exits with 1 where the hazard shows, with 0 where it does not, and with 2 where the code does not run at its
own batch size.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from batchlint.findings import Finding
from batchlint.verify.outcomes import FindingVerdict, Status, Verdict
from batchlint.verify.plan.frameworks import TORCH
from batchlint.verify.script_of_loop import script_of_loop
from batchlint.verify.script_of_model import script_of_model
from batchlint.verify.script_parts import OURS, NotReproducible
from batchlint.verify.session import VerifyReport
from batchlint.verify.unforeseen import Key, key_of, unforeseen
from batchlint.verify.writing import write_atomically


@dataclass
class Scripts:
    """What was written.

    Attributes:
        paths: of the scripts.
        reasons: why there is none.
        models: paths of scripts for models that fail checks which no confirmed finding speaks of.
    """

    paths: dict[Finding, str] = field(default_factory=dict)
    reasons: dict[Finding, str] = field(default_factory=dict)
    models: dict[Key, str] = field(default_factory=dict)


def scripts(report: VerifyReport, verdicts: Iterable[Verdict] = (Verdict.CONFIRMED,)) -> dict[Finding, str]:
    """The source of a script for each finding with one of *verdicts* that can be had."""
    wanted = frozenset(verdicts)
    found = {}
    for each in report.verified:
        if each.verdict.verdict in wanted:
            try:
                found[each.finding] = _script_of(report, each.finding, each.verdict)
            except NotReproducible:
                continue
    return found


def emit(report: VerifyReport, folder: str) -> Scripts:
    """Write a script into *folder*, made if need be, for each confirmed finding and for models that fail unforeseen.

    Raises:
        OSError: it cannot be made or written to.
    """
    done = Scripts()
    taken: set[str] = set()
    for each in report.verified:
        if each.verdict.verdict is not Verdict.CONFIRMED:
            continue
        try:
            source = _script_of(report, each.finding, each.verdict)
        except NotReproducible as error:
            done.reasons[each.finding] = str(error)
            continue
        cell = "" if each.finding.cell is None else f"cell_{each.finding.cell}_"
        path = os.path.join(
            folder, _free_name(each.finding.filename, f"{cell}{each.finding.span.line}_{each.finding.code}", taken)
        )
        if _write(path, source):
            done.paths[each.finding] = path
        else:
            done.reasons[each.finding] = f"{path} exists, and batchlint did not write it"
    failing = unforeseen(report)
    for target in report.models:
        checks, plan = failing[key_of(target)], report.plans.get(target.path)
        if not checks or plan is None or plan.framework != TORCH:
            continue
        try:
            title = f"{target.qualname} at {target.path}:{target.line}: {', '.join(check.check for check in checks)}"
            source = script_of_model(plan, target, checks, title)
        except NotReproducible:
            continue
        path = os.path.join(folder, _free_name(target.path, f"{target.line}_{target.qualname}", taken))
        if _write(path, source):
            done.models[key_of(target)] = path
    return done


def _write(path: str, source: str) -> bool:
    """Write a script, unless there is a file that is not ours."""
    if not _may_write(path):
        return False
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    write_atomically(path, source)
    return True


def _free_name(filename: str, what: str, taken: set[str]) -> str:
    """``models_net_26_BSZ201.py``, with a number where several findings share it."""
    relative = os.path.relpath(filename) if os.path.isabs(filename) else filename
    parts = [part for part in os.path.splitext(os.path.normpath(relative))[0].split(os.sep) if part != os.pardir]
    stem = re.sub(r"\W+", "_", "_".join([*parts, what])).strip("_")
    number, name = 1, f"{stem}.py"
    while name in taken:
        number += 1
        name = f"{stem}_{number}.py"
    taken.add(name)
    return name


def _may_write(path: str) -> bool:
    if not os.path.lexists(path):
        return True
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return any(line.startswith(OURS) for _, line in zip(range(4), file))
    except OSError:
        return False


def _script_of(report: VerifyReport, finding: Finding, verdict: FindingVerdict) -> str:
    target = verdict.target
    if target is None:
        raise NotReproducible("nothing was run")
    plan = report.plans.get(target.path) or report.plans.get(finding.filename)
    if plan is None:
        raise NotReproducible("its source is not at hand")
    if plan.framework != TORCH:
        raise NotReproducible("scripts are written for PyTorch alone so far")
    place = f"{finding.filename}:{'' if finding.cell is None else f'cell {finding.cell}:'}{finding.span.line}"
    title = f"{finding.code} [{finding.name}] at {place}: {finding.message}"
    if target.kind == "class":
        return script_of_model(plan, target, verdict.checks, title, verdict.reason)
    failed = next((check for check in verdict.checks if check.status is Status.FAILED), None)
    if failed is None:
        raise NotReproducible("no check failed")
    return script_of_loop(plan, target, failed, finding.code, title, verdict.reason)


__all__ = ["NotReproducible", "Scripts", "emit", "scripts"]
