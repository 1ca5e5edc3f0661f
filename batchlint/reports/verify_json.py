"""JSON: findings as ``check`` prints them, each with its verdict; and the whole run for ``--report FILE.json``.

The list of findings is a list of findings whatever was asked, so that what reads ``check``'s reads ``verify``'s. The
whole run is an object: ``findings`` (that list), ``models`` (everything that was run, those without findings included),
``summary``, ``sandbox`` and ``not_enforced``. Times are in models' profiles alone: the rest is the same in every run.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from batchlint.reports import verify_content as content
from batchlint.reports.as_json import record
from batchlint.verify.outcomes import Stage, Verdict
from batchlint.verify.unforeseen import key_of, unforeseen
from batchlint.verify.wire import to_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from batchlint.findings import Finding
    from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, TargetResult
    from batchlint.verify.session import Verified, VerifyReport


def render(
    report: VerifyReport, *, only_confirmed: bool = False, scripts: Mapping[Finding, str] | None = None
) -> Iterator[str]:
    """Yield the report: one list of objects."""
    yield json.dumps(_findings(report, only_confirmed, scripts or {}), indent=2)
    yield "\n"


def render_run(
    report: VerifyReport, *, only_confirmed: bool = False, scripts: Mapping[Finding, str] | None = None
) -> Iterator[str]:
    """Yield the whole run: one object."""
    number = content.counts(report.verified)
    failing = unforeseen(report)
    document = {
        "findings": _findings(report, only_confirmed, scripts or {}),
        "models": [_model(target, failing[key_of(target)]) for target in report.models],
        "summary": {
            "findings": len(report.verified),
            **{verdict.value: number[verdict] for verdict in Verdict},
            "models": len(report.models),
            "models_run": sum(target.stage is Stage.RUN for target in report.models),
        },
        "sandbox": list(report.sandbox),
        "not_enforced": list(report.not_enforced),
        "problems": [to_plain(problem) for problem in report.problems],
    }
    yield json.dumps(document, indent=2)
    yield "\n"


def _findings(report: VerifyReport, only_confirmed: bool, scripts: Mapping[Finding, str]) -> list[dict[str, Any]]:
    hashes = {path: hashlib.sha256(plan.text.encode()).hexdigest() for path, plan in report.plans.items()}
    return [
        _finding(each, hashes.get(each.finding.filename), scripts.get(each.finding))
        for each in content.kept(report, only_confirmed=only_confirmed)
    ]


def _finding(verified: Verified, sha256: str | None, script: str | None) -> dict[str, Any]:
    verdict, target = verified.verdict, verified.verdict.target
    environment = None if target is None else target.environment
    failing = content.failing(verdict)
    return {
        **record(verified.finding),
        "verdict": verdict.verdict.value,
        "reason": verdict.reason,
        "help": verdict.help or None,
        "checks": [_check(check) for check in verdict.checks],
        "batch_sizes": list(content.tried(verdict)),
        "failing_batch_sizes": list(failing.batch_sizes),
        "failing_variations": list(failing.variations),
        "device": None if environment is None else environment.device,
        "evidence": None if target is None else _evidence(target, verdict.checks, sha256, script),
    }


def _check(check: CheckOutcome) -> dict[str, Any]:
    return {"check": check.check, "status": check.status.value, "detail": check.detail}


def _run(run: BatchOutcome) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(run)
    plain["exception"] = plain.pop("failure")
    del plain["milliseconds"]
    return plain


def _evidence(
    target: TargetResult, checks: Iterable[CheckOutcome], sha256: str | None, script: str | None
) -> dict[str, Any]:
    checks = list(checks)
    failure = content.first_failure(checks)
    differing = next((check for check in content.deciding(checks) if check.difference is not None), None)
    return {
        **_ran(target),
        "outcomes": [{"check": check.check, **_run(run)} for check in checks for run in check.runs],
        "exception": None if failure is None else to_plain(failure[1]),
        "difference": None
        if differing is None
        else {
            "value": differing.difference,
            "samples": to_plain(differing.samples),
            "tolerance": differing.tolerance,
        },
        "source_sha256": sha256,
        "reproduction": script,
    }


def _ran(target: TargetResult) -> dict[str, Any]:
    """What was run, on what and with what."""
    return {
        "target": {"path": target.path, "name": target.qualname, "kind": target.kind, "line": target.line},
        "stage": target.stage.value,
        "construction": to_plain(target.construction),
        "inputs": list(target.inputs),
        "input_code": list(target.input_code),
        "input_origin": target.input_origin or None,
        "shape_grade": target.grade.letter,
        "control": target.control,
        "seed": target.seed,
        "environment": to_plain(target.environment),
    }


def _model(target: TargetResult, unforeseen: Iterable[CheckOutcome]) -> dict[str, Any]:
    return {
        **_ran(target),
        "batch_sizes": list(target.batch_sizes),
        "checks": [{**_check(check), "runs": [_run(run) for run in check.runs]} for check in target.checks],
        "unforeseen": [check.check for check in unforeseen],
        "profiles": to_plain(target.profiles),
        "largest_batch": target.largest_batch,
        "reason": target.reason or None,
        "help": target.help or None,
    }
