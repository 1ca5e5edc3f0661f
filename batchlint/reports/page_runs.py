"""The page's tables of what was run: by batch size, with time and memory, and on what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from batchlint.reports import verify_content as content
from batchlint.reports.markup import ABSENT, code, element, escaped, heads, prose
from batchlint.reports.page_findings import STATUS_SIGNS
from batchlint.reports.plots import Plot, svg
from batchlint.verify.outcomes import CheckOutcome, Stage, Status, TargetResult
from batchlint.verify.unforeseen import key_of, unforeseen

if TYPE_CHECKING:
    from batchlint.verify.session import VerifyReport


def models(report: VerifyReport) -> str:
    """Everything that was run, with the failures that no confirmed finding speaks of."""
    if not report.models:
        return ""
    failing = unforeseen(report)
    rows = []
    for target in report.models:
        made = ABSENT if target.construction is None else code(target.construction.expression)
        if target.construction is not None and target.construction.submodule:
            made += f" → {code(target.construction.submodule)}"
        given = "<br>".join(code(each) for each in target.inputs) or ABSENT
        hazards = "".join(_hazard(check) for check in failing[key_of(target)])
        rows.append(
            f'<tr><th scope="row">{code(target.qualname)}<small>{escaped(target.path)}:{target.line}</small></th>'
            f"<td>{made}</td><td>{given}</td><td>{_result(target)}{hazards}</td></tr>"
        )
    return (
        '<section aria-labelledby="models-title">\n<h2 id="models-title">What was run</h2>\n'
        '<div class="wide" tabindex="0" role="region" aria-labelledby="models-title">'
        f'<table class="models">{heads("What", "Built", "Input", "By batch size")}'
        f"<tbody>{''.join(rows)}</tbody></table></div>\n</section>\n"
    )


def _hazard(check: CheckOutcome) -> str:
    return (
        f'<p class="unforeseen"><strong>{escaped(check.check)}</strong>: {prose(content.what_failed(check))} '
        "<em>No confirmed finding speaks of it.</em></p>"
    )


def _result(target: TargetResult) -> str:
    if target.stage is not Stage.RUN:
        advice = f'<p class="help">{prose(target.help)}</p>' if target.help else ""
        return f'<span class="undecided">not run</span>: {prose(target.reason)}{advice}'
    outcomes = content.by_batch_size(target.batch_sizes, target.checks)
    every = content.only_varied(target.checks)
    varied = [each for each in content.by_variation(target.checks) if every or each[1].status is not Status.PASSED]
    chips = "".join(
        element(
            "li",
            f'<i class="sign" aria-hidden="true">{STATUS_SIGNS[cell.status]}</i> {escaped(size)}',
            class_=cell.status.value,
            title=f"{size}: {cell.word}" + (f" ({cell.detail})" if cell.detail else ""),
        )
        for size, cell in [*outcomes, *varied]
    )
    note = f'<p class="help">{prose(target.reason)}</p>' if target.reason else ""
    return (f'<ul class="chips">{chips}</ul>' if chips else "run") + note


def profiles(models: Iterable[TargetResult]) -> str:
    """Time and memory of what was profiled, as plots and tables."""
    cards = [_profile(target) for target in models if target.profiles or target.largest_batch is not None]
    if not cards:
        return ""
    return (
        '<section aria-labelledby="profiles-title">\n<h2 id="profiles-title">Time and memory</h2>\n'
        f"{''.join(cards)}</section>\n"
    )


def _profile(target: TargetResult) -> str:
    time, peak = content.slopes(target.profiles)
    plots = []
    times = [(each.batch_size, each.milliseconds) for each in target.profiles]
    peaks = [(each.batch_size, float(each.peak_bytes)) for each in target.profiles if each.peak_bytes is not None]
    for title, unit, points, say, rise, binary in (
        ("Time", "time of a forward pass", times, content.milliseconds, time, False),
        ("Memory", "peak memory", peaks, content.memory, peak, True),
    ):
        if not points:
            continue
        fit = None if rise is None else (rise, _mean(y for _, y in points) - rise * _mean(x for x, _ in points))
        name = f"{title} of {target.qualname} by batch size"
        added = f": {say(rise)} for each further sample" if rise is not None and rise > 0 else ""
        drawn = svg(Plot(name, points, "batch size", unit, lambda y, say=say: say(y) if y else "0", fit, binary))  # type: ignore[misc]
        plots.append(f"<figure>{drawn}<figcaption>{title}{escaped(added)}</figcaption></figure>")
    rows = "".join(
        f'<tr><th scope="row">{each.batch_size:,}</th><td>{content.milliseconds(each.milliseconds)}</td>'
        f"<td>{ABSENT if each.peak_bytes is None else content.memory(each.peak_bytes)}</td></tr>"
        for each in target.profiles
    )
    table = (
        "<details><summary>As a table</summary>"
        f'<table class="profile">{heads("Batch size", "Time", "Peak memory")}<tbody>{rows}</tbody></table></details>'
    )
    largest = ""
    if target.largest_batch is not None:
        largest = f'<p class="largest">Largest batch that fits: <b>{target.largest_batch:,}</b></p>'
    device = "" if target.environment is None else f" on {target.environment.device}"
    return (
        f'<article class="card"><h3>{code(target.qualname)} <small>{escaped(f"{target.path}:{target.line}{device}")}'
        f'</small></h3>{largest}<div class="plots">{"".join(plots)}</div>{table if rows else ""}</article>\n'
    )


def _mean(numbers: Iterable[float]) -> float:
    listed = list(numbers)
    return sum(listed) / len(listed)


def where(models: Iterable[TargetResult]) -> list[str]:
    """Devices and versions, each once."""
    found: dict[str, None] = {}
    for target in models:
        if target.environment is not None:
            found[target.environment.device] = None
            found.update((f"{name} {version}", None) for name, version in target.environment.versions)
            if target.environment.python:
                found[f"Python {target.environment.python}"] = None
    return list(found)


def environment(report: VerifyReport) -> str:
    """What the code ran on, and in what sandbox."""
    platforms = dict.fromkeys(
        each.environment.platform
        for each in report.models
        if each.environment is not None and each.environment.platform
    )
    facts = [("Device and versions", ", ".join(where(report.models))), ("Platform", ", ".join(platforms))]
    if report.models:
        facts.append(("Time", f"{report.seconds:.1f} s for all"))
    items = "".join(f"<div><dt>{name}</dt><dd>{escaped(value)}</dd></div>" for name, value in facts if value)
    lists = "".join(
        f"<div><dt>{name}</dt><dd><ul>{''.join(f'<li>{prose(line)}</li>' for line in lines)}</ul></dd></div>"
        for name, lines in (("Enforced by the sandbox", report.sandbox), ("Not enforced", report.not_enforced))
        if lines
    )
    if not items and not lists:
        return ""
    return (
        '<section aria-labelledby="environment-title">\n<h2 id="environment-title">Environment and sandbox</h2>\n'
        f'<dl class="facts card">{items}{lists}</dl>\n</section>\n'
    )
