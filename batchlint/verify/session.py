"""A whole run: read files, plan what to run, run it, and say what that makes of each finding."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from batchlint import engine, runner
from batchlint.findings import Finding, Problem
from batchlint.source.reading import UnreadableSource, read_bytes
from batchlint.source.source import Source, source_from_bytes
from batchlint.verify.outcomes import FindingVerdict, TargetResult, Verdict
from batchlint.verify.plan.overrides import NOTHING_SAID, Overrides
from batchlint.verify.plan.planner import plan_file, plan_model
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.settings import Settings
from batchlint.verify.verdicts import decide
from batchlint.verify.workers import Workers

NOWHERE = FindingVerdict(
    Verdict.INCONCLUSIVE,
    "the finding stands neither in a class or function nor in statements that can be run on their own",
)


@dataclass(frozen=True, slots=True)
class Verified:
    """A finding, as ``check`` reports it, and what running it said."""

    finding: Finding
    verdict: FindingVerdict


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What came of a run.

    Attributes:
        verified: findings with their verdicts, by file and place.
        models: every target that was run, in the order of the plans.
        problems: files that could not be read or planned.
        warnings: what was read otherwise than its author seems to think.
        plans: what was run of each file, by path.
        quoted: source lines that findings speak of, by path, cell (``None`` outside notebooks) and line.
        sandbox: what was enforced, a line each.
        not_enforced: what was not, a line each.
        seconds: wall time of the run.
    """

    verified: tuple[Verified, ...] = ()
    models: tuple[TargetResult, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    plans: Mapping[str, FilePlan] = field(default_factory=dict)
    quoted: Mapping[tuple[str, int | None, int], str] = field(default_factory=dict)
    sandbox: tuple[str, ...] = ()
    not_enforced: tuple[str, ...] = ()
    seconds: float = 0.0


def verify_files(
    items: Sequence[runner.WorkItem],
    settings: Settings,
    *,
    jobs: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    severity: int = 0,
    overrides: Overrides = NOTHING_SAID,
    models: Sequence[str] = (),
    announce: Callable[[Sequence[FilePlan], Workers], None] | None = None,
) -> VerifyReport:
    """Check *items* and run what was found.

    Args:
        items: what to check, as for ``batchlint check``.
        settings: how to run code.
        jobs: the number of processes, by default one a CPU.
        progress: told the number of finished targets and of all, after each.
        severity: the least severity of the findings that are run.
        overrides: what the user says of single classes.
        models: factories to call for models to run, as ``pkg.mod:factory``, looked up from the working directory.
        announce: told what is about to be run, and the workers, before anything is.

    Raises:
        FrameworkMissing: what the code needs to run is not installed.
        DeviceMissing: the device of *settings* is not there.
        ValueError: one of *models* is not there.
    """
    begin = time.perf_counter()
    results = runner.check_items(items, jobs)
    problems = [problem for result in results for problem in result.problems]
    warnings = [warning for result in results for warning in result.warnings]
    quoted = {
        (item.filename, *place): line
        for item, result in zip(items, results, strict=True)
        for place, line in result.quoted.items()
    }
    findings: list[Finding] = []
    numbered: list[list[tuple[int, Finding]]] = []
    for result in results:
        kept = [finding for finding in result.findings if finding.severity >= severity]
        numbered.append(list(enumerate(kept, start=len(findings))))
        findings += kept
    with Workers(settings, jobs or runner.usable_cpus()) as workers:
        plans: list[FilePlan] = []
        for item, result, own in zip(items, results, numbered, strict=True):
            if result.problems or not (own or settings.all_models):
                continue
            plan = _plan(item, own, settings, overrides)
            if isinstance(plan, Problem):
                problems.append(plan)
            elif plan.targets:
                plans.append(plan)
                workers.warm(plan.framework)  # it is imported while this process plans
                # What the user says of a class and nobody understands must not pass for heard.
                said = dict.fromkeys(line for target in plan.targets if target.wanted for line in target.problems)
                warnings += [Problem(item.filename, line) for line in said]
        run = _run(_with_models(plans, models, overrides), findings, workers, progress, announce)
    return run.finish(problems, warnings, quoted, time.perf_counter() - begin)


def verify_findings(
    sources: Iterable[tuple[Source, Sequence[Finding]]], settings: Settings, *, jobs: int = 1
) -> VerifyReport:
    """Run findings of *sources*, wherever they come from."""
    begin = time.perf_counter()
    findings: list[Finding] = []
    plans = []
    for source, own in sources:
        plan = plan_file(source, list(enumerate(own, start=len(findings))), settings=settings)
        findings += own
        if plan.targets:
            plans.append(plan)
    with Workers(settings, jobs) as workers:
        run = _run(plans, findings, workers)
    return run.finish((), (), {}, time.perf_counter() - begin)


@dataclass(frozen=True, slots=True)
class _Run:
    plans: Sequence[FilePlan]
    findings: Sequence[Finding]
    results: Mapping[tuple[int, str, int], TargetResult]
    sandbox: tuple[tuple[str, ...], tuple[str, ...]]

    def finish(
        self,
        problems: Iterable[Problem],
        warnings: Iterable[Problem],
        quoted: Mapping[tuple[str, int | None, int], str],
        seconds: float,
    ) -> VerifyReport:
        verdicts: dict[int, FindingVerdict] = {}
        models = []
        for index, plan in enumerate(self.plans):
            for target in plan.targets:
                result = self.results.get((index, target.qualname, target.line))
                if result is None:
                    continue
                models.append(result)
                for flagged in target.flagged:
                    verdicts[flagged.number] = _better(
                        verdicts.get(flagged.number), decide(flagged, flagged.checks, result)
                    )
        return VerifyReport(
            tuple(Verified(finding, verdicts.get(number, NOWHERE)) for number, finding in enumerate(self.findings)),
            tuple(models),
            tuple(problems),
            tuple(warnings),
            {plan.path: plan for plan in reversed(self.plans)},
            quoted,
            *self.sandbox,
            seconds,
        )


def _with_models(plans: list[FilePlan], models: Sequence[str], overrides: Overrides) -> list[FilePlan]:
    """*plans* with the targets that *models* name, in a file's own plan if there is one: they may feed its classes."""
    by_path = {os.path.abspath(plan.path): plan for plan in plans}
    for model in models:
        made = plan_model(model, overrides=overrides)
        key = os.path.abspath(made.path)
        known = by_path.get(key)
        by_path[key] = made if known is None else replace(known, targets=(*known.targets, *made.targets))
    return list(by_path.values())


def _better(one: FindingVerdict | None, other: FindingVerdict) -> FindingVerdict:
    """The verdict that says more, of a finding that several targets ran."""
    order = (Verdict.INCONCLUSIVE, Verdict.REFUTED, Verdict.CONFIRMED)
    return other if one is None or order.index(other.verdict) > order.index(one.verdict) else one


def _plan(
    item: runner.WorkItem, findings: Sequence[tuple[int, Finding]], settings: Settings, overrides: Overrides
) -> FilePlan | Problem:
    try:
        data = read_bytes(item.filename) if item.data is None else item.data
    except UnreadableSource as error:
        return Problem(item.filename, error.message)
    if not engine.may_matter(data):
        return FilePlan(item.filename, "")
    source = source_from_bytes(data, item.filename)
    if isinstance(source, Problem):
        return source
    try:
        return plan_file(source, findings, settings=settings, overrides=overrides)
    except ValueError as error:
        return Problem(item.filename, str(error).removeprefix(f"{item.filename}: "))


def _run(
    plans: Sequence[FilePlan],
    findings: Sequence[Finding],
    workers: Workers,
    progress: Callable[[int, int], None] | None = None,
    announce: Callable[[Sequence[FilePlan], Workers], None] | None = None,
) -> _Run:
    if not plans:
        return _Run((), findings, {}, ((), ()))
    results: dict[tuple[int, str, int], TargetResult] = {}
    total = sum(target.wanted for plan in plans for target in plan.targets)
    if announce is not None:
        announce(plans, workers)
    for index, result in workers.perform(plans):
        results[index, result.qualname, result.line] = result
        if progress is not None:
            progress(len(results), total)
    return _Run(plans, findings, results, workers.sandbox)
