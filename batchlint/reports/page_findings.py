"""The page's findings: the table of all, and a card each with the source, the outcomes and the facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from batchlint.reports import verify_content as content
from batchlint.reports.content import location
from batchlint.reports.excerpts import Excerpt, excerpt
from batchlint.reports.markup import ABSENT, Markup, breakable, code, element, escaped, heads, prose
from batchlint.verify.outcomes import Status, TargetResult, Verdict

if TYPE_CHECKING:
    from batchlint.verify.session import Verified, VerifyReport

_BRIEF = 120
"""Characters of a reason that the overview shows."""

_BESIDE = 96
"""Characters of a line of source with the remark beside it; a longer remark stands below."""

SIGNS = {Verdict.CONFIRMED: "✕", Verdict.REFUTED: "✓", Verdict.INCONCLUSIVE: "?"}
MEANINGS = {
    Verdict.CONFIRMED: "it was run, and the hazard showed",
    Verdict.REFUTED: "it was run at all batch sizes, and nothing was wrong",
    Verdict.INCONCLUSIVE: "running it could not decide",
}
STATUS_SIGNS = {Status.PASSED: "✓", Status.FAILED: "✕", Status.UNDECIDED: "?", Status.SKIPPED: "-"}


def overview(shown: Sequence[Verified]) -> str:
    """The filter, and a table of all findings."""
    number = content.counts(shown)
    choices = [("all", "all", len(shown)), *((each.value, each.value, number[each]) for each in Verdict)]
    radios = "".join(
        f'<label><input type="radio" name="verdict" value="{value}"{" checked" if value == "all" else ""}>'
        f"<span>{label} <b>{count}</b></span></label>"
        for value, label, count in choices
    )
    rows = "".join(
        element(
            "tr",
            f"<td>{badge(each.verdict.verdict)}</td>"
            f'<td class="place"><a href="#finding-{index}">{breakable(location(each.finding))}</a></td>'
            f'<td class="rule">{code(each.finding.code)} {escaped(each.finding.name)}</td>'
            f"<td>{_outcome(each)}</td>",
            class_=f"finding {each.verdict.verdict.value}",
        )
        for index, each in enumerate(shown, 1)
    )
    return (
        '<section aria-labelledby="overview-title">\n<h2 id="overview-title">Overview</h2>\n'
        f'<fieldset class="filter"><legend>Show</legend>{radios}</fieldset>\n'
        '<div class="wide" tabindex="0" role="region" aria-labelledby="overview-title">'
        f'<table class="overview">{heads("Verdict", "Place", "Rule", "Outcome")}'
        f"<tbody>{rows}</tbody></table></div>\n</section>\n"
    )


def _outcome(verified: Verified) -> Markup:
    """What fails and what does not, or why nothing is known."""
    verdict = verified.verdict
    failing = content.failing(verdict)
    if verdict.verdict is Verdict.INCONCLUSIVE or (verdict.verdict is Verdict.CONFIRMED and not any(failing)):
        return prose(verdict.reason if len(verdict.reason) <= _BRIEF else f"{verdict.reason[:_BRIEF].rstrip()} …")
    if verdict.verdict is Verdict.CONFIRMED:
        told = _at_and_with(failing.batch_sizes, failing.variations)
        passing = [size for size in content.passing(verdict) if size not in failing.batch_sizes]
        return escaped(f"fails {told}" + (f"; runs {_at_and_with(passing, ())}" if passing else ""))
    varied = [name for name, _ in content.by_variation(verdict.checks)]
    told = _at_and_with(content.tried(verdict), varied)
    return escaped(f"runs {told}" if told else ABSENT)


def _at_and_with(batch_sizes: Sequence[int], variations: Sequence[str]) -> str:
    """``at 1, 2 and with height and width + 8``."""
    sizes = [f"at {', '.join(map(str, batch_sizes))}"] if batch_sizes else []
    return " and ".join([*sizes, *([f"with {content.several(variations)}"] if variations else [])])


def badge(verdict: Verdict) -> Markup:
    """A verdict with its sign."""
    sign = f'<i class="sign" aria-hidden="true">{SIGNS[verdict]}</i> '
    return element("span", sign + verdict.value, class_=f"badge {verdict.value}", title=MEANINGS[verdict])


def finding_card(report: VerifyReport, number: int, verified: Verified, script: str | None) -> str:
    """All that is known of one finding."""
    finding, verdict = verified.finding, verified.verdict
    target = verdict.target
    parts = [
        f'<header>{badge(verdict.verdict)}<h3 id="finding-{number}-title">{code(finding.code)} '
        f'{escaped(finding.name)}</h3><p class="place">{escaped(location(finding))}</p></header>',
        f'<p class="message">{prose(finding.message)}</p>',
        f'<p class="reason">{prose(verdict.reason)}</p>',
    ]
    if verdict.help:
        parts.append(f'<p class="help"><strong>What would help:</strong> {prose(verdict.help)}</p>')
    found = excerpt(report, verified)
    if found is not None:
        parts.append(_excerpt(found))
    if target is not None:
        if content.only_varied(verdict.checks):
            parts.append(_variations(content.by_variation(verdict.checks)))
        else:
            parts.append(
                _matrix(
                    content.matrix(verdict.batch_sizes or target.batch_sizes, verdict.checks), number, target.control
                )
            )
        parts.append(_facts(verified, target))
    if script is not None:
        parts.append(_script(script))
    inner = "\n".join(part for part in parts if part)
    return (
        f'<article class="finding card {verdict.verdict.value}" id="finding-{number}" '
        f'aria-labelledby="finding-{number}-title">\n{inner}\n</article>\n'
    )


def _excerpt(found: Excerpt) -> str:
    rows = []
    for line in found.lines:
        source = "".join(
            element("mark" if piece.marked else "span", escaped(piece.text), class_=piece.kind or None)
            for piece in line.pieces
        )
        kind = "flagged" if line.flagged else "noted" if line.remark else None
        long = sum(len(piece.text) for piece in line.pieces) + len(line.remark) > _BESIDE
        told = element("span", escaped(line.remark), class_=f"remark{' below' * long}") if line.remark else ""
        rows.append(
            element(
                "span", f'<span class="number">{line.number}</span>{source}{told}', class_=f"line {kind or ''}".strip()
            )
        )
        if line.gap:
            rows.append(element("span", "⋮", class_="line gap", aria_hidden="true"))
    return f'<pre class="source" tabindex="0" aria-label="Source"><code>{"".join(rows)}</code></pre>'


def _matrix(table: content.Matrix, number: int, control: int | None) -> str:
    if not table.rows:
        return ""
    head = "".join(
        f'<th scope="col">{size}{"<small>control</small>" if size == control else ""}</th>'
        for size in table.batch_sizes
    )
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>{"".join(_cell(cell) for cell in cells)}</tr>'
        for name, cells in table.rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="Outcomes of finding {number}"><table class="matrix">'
        f'<caption>Outcome by batch size</caption><thead><tr><th scope="col">Check</th>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _variations(varied: Sequence[tuple[str, content.Cell]]) -> str:
    """Runs that differ in more than the batch size."""
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th>{_cell(cell)}<td>{escaped(cell.detail)}</td></tr>'
        for name, cell in varied
    )
    return (
        '<div class="wide"><table class="runs"><caption>Outcome by run</caption>'
        f"{heads('Run', 'Outcome', 'What came')}<tbody>{rows}</tbody></table></div>"
    )


def _cell(cell: content.Cell | None) -> str:
    if cell is None:
        return '<td class="none"><span aria-label="not run">·</span></td>'
    sign = STATUS_SIGNS[cell.status]
    word, _, kind = cell.word.partition(" ") if cell.word.startswith("raises ") else (cell.word, "", "")
    small = f"<small>{escaped(kind)}</small>" if kind else ""
    return element(
        "td",
        f'<i class="sign" aria-hidden="true">{sign}</i> {escaped(word)}{small}',
        class_=cell.status.value,
        title=cell.detail or None,
    )


def _facts(verified: Verified, target: TargetResult) -> str:
    """What was raised, what differed, what was run and with what."""
    facts: list[tuple[str, Markup]] = []
    found = content.first_failure(verified.verdict.checks)
    if found is not None:
        run, failure = found
        facts.append((f"Raised {content.when(run, '')}", element("pre", escaped(content.raised(failure)))))
        frames = failure.frames
        if len(frames) > 1:
            listed = "".join(f"<li>{code(f'{each.path}:{each.line}')} in {code(each.function)}</li>" for each in frames)
            facts.append(("Your frames, outermost first", element("ol", listed, class_="frames")))
    for check in content.deciding(verified.verdict.checks):
        if check.difference is not None:
            told = element("strong", escaped(content.difference(check)))
            more = f"<br>{prose(check.detail)}" if content.adds(check, verified.verdict.reason) else ""
            facts.append(("Largest difference", Markup(f"{told}{more}")))
        elif check.status is not Status.PASSED and content.adds(check, verified.verdict.reason):
            facts.append((check.check.capitalize(), prose(check.detail)))
    if target.inputs:
        listed = "".join(f"<li>{code(each)}</li>" for each in target.inputs)
        facts.append(("Input", Markup(f'<ul class="plain">{listed}</ul>{_origin(content.graded(target))}')))
    if target.construction is not None:
        made = target.construction
        setup = element("pre", escaped("\n".join(made.setup))) if made.setup else ""
        part = f" → {code(made.submodule)}" if made.submodule else ""
        facts.append(("Construction", Markup(f"{setup}{code(made.expression)}{part}{_origin(made.origin)}")))
    if target.environment is not None:
        versions = ", ".join(f"{name} {version}" for name, version in target.environment.versions)
        facts.append(("Ran on", escaped(f"{target.environment.device}; {versions}; seed {target.seed}")))
    items = "".join(f"<div><dt>{escaped(name)}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{items}</dl>' if items else ""


def _origin(origin: str) -> Markup:
    return Markup(f' <span class="origin">{escaped(origin)}</span>' if origin else "")


def _script(script: str) -> str:
    source = escaped(script.replace("\f", ""))  # between functions it says nothing to Python
    return (
        '<details class="script"><summary>Reproduction script</summary><div class="copied">'
        '<button type="button" class="copy">Copy</button>'
        f'<pre tabindex="0" aria-label="Reproduction script"><code>{source}</code></pre></div></details>'
    )
