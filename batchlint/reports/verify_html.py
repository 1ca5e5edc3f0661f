"""One page for a browser: all verdicts with their evidence, nothing loaded from anywhere."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from batchlint import __version__
from batchlint.reports import verify_content as content
from batchlint.reports.markup import element, escaped
from batchlint.reports.page_findings import MEANINGS, SIGNS, finding_card, overview
from batchlint.reports.page_runs import environment, models, profiles, where
from batchlint.reports.short_paths import shortened
from batchlint.verify.outcomes import Stage, Verdict

if TYPE_CHECKING:
    from batchlint.findings import Finding
    from batchlint.verify.session import VerifyReport


def render(
    report: VerifyReport, *, only_confirmed: bool = False, scripts: Mapping[Finding, str] | None = None
) -> Iterator[str]:
    """Yield the page.

    Args:
        report: what came of the run.
        only_confirmed: whether the other findings are left out.
        scripts: source of reproduction scripts.
    """
    report, scripts = shortened(report, scripts or {})
    shown = content.kept(report, only_confirmed=only_confirmed)
    yield _head(report)
    yield "<body>\n"
    yield _banner(report)
    yield "<main>\n"
    if shown:
        yield overview(shown)
        yield '<section aria-labelledby="findings-title">\n<h2 id="findings-title">Findings</h2>\n'
        for number, verified in enumerate(shown, 1):
            yield finding_card(report, number, verified, scripts.get(verified.finding))
        yield "</section>\n"
    else:
        yield '<p class="nothing">No findings to show.</p>\n'
    yield models(report)
    yield profiles(report.models)
    yield environment(report)
    yield "</main>\n"
    yield f"<footer>Written by batchlint {escaped(__version__)}.</footer>\n"
    yield f"<script>{_resource('verify_page.js')}</script>\n</body>\n</html>\n"


def _resource(name: str) -> str:
    return importlib.resources.files("batchlint.reports").joinpath(name).read_text(encoding="utf-8")


def _head(report: VerifyReport) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>batchlint verify: {escaped(content.summary(report))}</title>\n"
        f"<style>{_resource('verify_page.css')}</style>\n</head>\n"
    )


def _banner(report: VerifyReport) -> str:
    number = content.counts(report.verified)
    ran = sum(target.stage is Stage.RUN for target in report.models)
    tiles = [
        element(
            "li",
            f'<b>{number[verdict]}</b> <span><i class="sign" aria-hidden="true">{SIGNS[verdict]}</i> '
            f"{verdict.value}</span>",
            class_=f"tile {verdict.value}",
            title=MEANINGS[verdict],
        )
        for verdict in Verdict
    ]
    if report.models:
        tiles.append(
            element("li", f"<b>{ran}<small> / {len(report.models)}</small></b> <span>run</span>", class_="tile")
        )
    ran_on = " · ".join(where(report.models))
    return (
        '<header class="banner">\n<div class="inner">\n'
        "<h1>batchlint <span>verify</span></h1>\n"
        f'<p class="where">{escaped(ran_on)}</p>\n'
        f'<ul class="tiles" aria-label="Counts">{"".join(tiles)}</ul>\n</div>\n</header>\n'
    )
