"""For people at a terminal: each finding with its verdict, and the evidence for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.reports import verify_content as content
from batchlint.reports.text import Segment, finding_lines, remark, shown
from batchlint.verify.outcomes import Stage, Status, Verdict
from batchlint.verify.unforeseen import Key, key_of, unforeseen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from batchlint.findings import Finding
    from batchlint.verify.outcomes import FindingVerdict, TargetResult
    from batchlint.verify.session import Verified, VerifyReport

_STYLES = {Verdict.CONFIRMED: "bold red", Verdict.REFUTED: "bold green", Verdict.INCONCLUSIVE: "bold yellow"}
_STATUS_STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.UNDECIDED: "yellow", Status.SKIPPED: ""}

Line = list[Segment]


def layout(
    report: VerifyReport,
    *,
    only_confirmed: bool = False,
    all_models: bool = False,
    scripts: Mapping[Finding, str] | None = None,
    model_scripts: Mapping[Key, str] | None = None,
) -> Iterator[Line]:
    """Yield the report's lines in segments, without line ends.

    Args:
        report: what came of the run.
        only_confirmed: whether the other findings are left out.
        all_models: whether to list every model.
        scripts: where reproduction scripts were written, or why there is none.
        model_scripts: where those of models were written.
    """
    for verified in content.kept(report, only_confirmed=only_confirmed):
        lines = content.lines_of(report, verified.finding.filename)
        verdict = verified.verdict.verdict
        label = Segment(f"{verdict.value.upper()} ", _STYLES[verdict])
        yield from finding_lines(verified.finding, lines, [label])
        yield from _evidence(verified, (scripts or {}).get(verified.finding))
        yield []
    if all_models:
        yield from _models(report, model_scripts or {})
    for target in report.models:
        yield from _profile(target)


def render(
    report: VerifyReport,
    *,
    only_confirmed: bool = False,
    all_models: bool = False,
    scripts: Mapping[Finding, str] | None = None,
    model_scripts: Mapping[Key, str] | None = None,
) -> Iterator[str]:
    """Yield the report without colours, line by line; see `layout`."""
    for line in layout(
        report, only_confirmed=only_confirmed, all_models=all_models, scripts=scripts, model_scripts=model_scripts
    ):
        yield "".join(segment.text for segment in line).rstrip() + "\n"


def _evidence(verified: Verified, script: str | None) -> Iterator[Line]:
    finding, verdict = verified.finding, verified.verdict
    yield remark(finding, verdict.verdict.value, verdict.reason)
    if verdict.help:
        yield remark(finding, "help", verdict.help)
    target = verdict.target
    if target is not None and target.stage is Stage.RUN:
        outcomes = content.by_batch_size(target.batch_sizes, verdict.checks)
        if outcomes:
            yield remark(finding, "batch sizes", content.outcomes_line(outcomes))
        varied = content.by_variation(verdict.checks)
        if varied:
            yield remark(finding, "runs", " · ".join(f"{name}: {_outcome(cell)}" for name, cell in varied))
        yield from _deciding(finding, verdict)
    if target is not None:
        yield from _run_of(finding, target)
    if script is not None:
        yield remark(finding, "reproduce", script)


def _outcome(cell: content.Cell) -> str:
    """``ok (16 of 16 rows)``; what was raised has a line of its own."""
    return cell.word if cell.word.startswith("raises") or not cell.detail else f"{cell.word} ({cell.detail})"


def _deciding(finding: Finding, verdict: FindingVerdict) -> Iterator[Line]:
    """What was raised, what differed, and how any other failure showed."""
    found = content.first_failure(verdict.checks)
    if found is not None and not content.is_said(found[1], verdict.reason):
        run, failure = found
        yield remark(finding, f"raised {content.when(run, '')}", content.raised(failure))
    for check in content.deciding(verdict.checks):
        if check.difference is not None:
            yield remark(finding, "difference", content.difference(check))
        elif check.status is not Status.PASSED and content.adds(check, verdict.reason):
            yield remark(finding, check.check, check.detail)


def _run_of(finding: Finding, target: TargetResult) -> Iterator[Line]:
    if target.construction is not None:
        yield remark(finding, "built", content.built(target.construction))
    if target.inputs:
        yield remark(finding, "input", f"{', '.join(target.inputs)} ({content.graded(target)})")
    if target.environment is not None:
        versions = ", ".join(f"{name} {version}" for name, version in target.environment.versions)
        yield remark(finding, "ran on", f"{target.environment.device}, {versions}, seed {target.seed}")


def _models(report: VerifyReport, scripts: Mapping[Key, str]) -> Iterator[Line]:
    """A table of everything that was run, with the failures that no confirmed finding speaks of."""
    if not report.models:
        return
    failing = unforeseen(report)
    rows = [
        (
            f"{target.path}:{target.line} {target.qualname}",
            "" if target.construction is None else target.construction.expression,
            ", ".join(target.inputs),
        )
        for target in report.models
    ]
    widths = [max(len(head), *(len(_cut(row[index])) for row in rows)) for index, head in enumerate(_HEADS)]
    yield [Segment("  ".join(f"{head:{width}}" for head, width in zip(_HEADS, widths)) + "  by batch size", "bold")]
    for target, row in zip(report.models, rows):
        cells = "  ".join(f"{shown(_cut(cell)):{width}}" for cell, width in zip(row, widths))
        yield [Segment(f"{cells}  "), *_result(target)]
        for check in failing[key_of(target)]:
            what = content.what_failed(check)
            script = scripts.get(key_of(target))
            told = f" (no confirmed finding speaks of it{f'; {script}' if script else ''})"
            yield [Segment("  ! ", "bold red"), Segment(f"{check.check}: ", "bold"), Segment(shown(what + told))]
        if target.stage is Stage.RUN and target.reason:
            yield [Segment(f"  note: {shown(target.reason)}")]
    yield []


_HEADS = ("run", "built", "input")
_WIDEST = 44
_FINE = Status.PASSED


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _result(target: TargetResult) -> Line:
    if target.stage is not Stage.RUN:
        advice = f"; {target.help}" if target.help else ""
        return [Segment("not run: ", "yellow"), Segment(shown(f"{target.reason}{advice}"))]
    outcomes = content.by_batch_size(target.batch_sizes, target.checks)
    status = next((each for each in (Status.FAILED, Status.UNDECIDED) if _has(target, each)), Status.PASSED)
    varied = (f"{name} {cell.word}" for name, cell in content.by_variation(target.checks) if cell.status is not _FINE)
    told = " · ".join(part for part in (content.outcomes_line(outcomes), *varied) if part)
    return [Segment(shown(told) or status.value, _STATUS_STYLES[status])]


def _has(target: TargetResult, status: Status) -> bool:
    return any(check.status is status for check in target.checks)


def _profile(target: TargetResult) -> Iterator[Line]:
    """Time and memory by batch size, what each further sample adds, and the largest batch."""
    if not target.profiles and target.largest_batch is None:
        return
    device = "" if target.environment is None else f" on {target.environment.device}"
    yield [Segment(f"{shown(target.qualname)} ({shown(target.path)}:{target.line}){shown(device)}", "bold")]
    if target.profiles:
        table: Sequence[tuple[str, ...]] = [("batch size", "time", "peak memory")]
        table = [*table, *(_profile_row(target, index) for index in range(len(target.profiles)))]
        for number, row in enumerate(table):
            text = "  ".join(f"{cell:>12}" for cell in row)
            yield [Segment(text, "" if number else "bold")]
        time, peak = content.slopes(target.profiles)
        added = [
            text
            for text in (
                "" if time is None else content.milliseconds(max(0.0, time)),
                "" if peak is None else content.memory(peak),
            )
            if text
        ]
        if added:
            yield [Segment(f"  each further sample: {' and '.join(added)}")]
    if target.largest_batch is not None:
        yield [Segment(f"  largest batch that fits: {target.largest_batch:,}")]
    yield []


def _profile_row(target: TargetResult, index: int) -> tuple[str, str, str]:
    profile = target.profiles[index]
    peak = "" if profile.peak_bytes is None else content.memory(profile.peak_bytes)
    return f"{profile.batch_size:,}", content.milliseconds(profile.milliseconds), peak
