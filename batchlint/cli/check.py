"""``batchlint check``: the findings of files and folders."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from batchlint import runner
from batchlint.cli import CLEAN, FAILURE, FINDINGS
from batchlint.cli.sources import (
    SourceOptions,
    add_configuration_arguments,
    add_file_arguments,
    add_rule_arguments,
    configure,
    explain,
    say,
    work_items,
)
from batchlint.config import OUTPUT_FORMATS, SEVERITIES, Config

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from batchlint.engine import CheckResult
    from batchlint.findings import Finding, Problem

_WORTH_A_BAR = 50
"""Fewer files are done before a progress bar is read."""


class Options(SourceOptions):
    """What the user said; ``None`` leaves it to the configuration."""

    output_format: str | None = None
    statistics: bool = False
    exit_zero: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    add_rule_arguments(parser)
    add_file_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=OUTPUT_FORMATS, help="default: text")
    output.add_argument("--statistics", action="store_true", help="report counts by rule in place of the findings")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 although there are findings")
    output.add_argument("-q", "--quiet", action="store_true", help="no summary and no progress bar")
    add_configuration_arguments(parser.add_argument_group("run"))


def run(options: Options) -> int:
    """Check, report on standard output, and say everything else on standard error."""
    config = configure(options)
    if options.output_format is not None:
        config = config._replace(output_format=options.output_format)
    items, problems = work_items(options, config)
    results = _check(items, config, quiet=options.quiet)
    problems += [problem for result in results for problem in result.problems]
    least = SEVERITIES.index(config.severity)
    findings = [finding for result in results for finding in result.findings if finding.severity >= least]
    _report(findings, results, config.output_format, statistics=options.statistics)
    explain(problems, "error")
    explain([warning for result in results for warning in result.warnings], "warning")
    if not options.quiet and (items or problems):
        say(_summary(findings, problems, len(items)))
    if problems:
        return FAILURE
    return FINDINGS if findings and not options.exit_zero else CLEAN


def _check(items: list[runner.WorkItem], config: Config, *, quiet: bool) -> list[CheckResult]:
    if quiet or len(items) < _WORTH_A_BAR:
        return runner.check_items(items, config.jobs)
    from batchlint.cli.progress import progress_bar

    with progress_bar("checking", len(items)) as progress:
        return runner.check_items(items, config.jobs, progress)


def _report(
    findings: Sequence[Finding], results: Iterable[CheckResult], output_format: str, *, statistics: bool
) -> None:
    if not findings and output_format != "json":
        return
    from batchlint.reports import REPORTS, STATISTICS
    from batchlint.reports.content import ReportedFinding

    quoted = {finding: result.quoted for result in results for finding in result.findings}
    reported = [ReportedFinding(finding, quoted[finding]) for finding in findings]
    if output_format == "text" and not statistics:
        from batchlint.cli.terminal import wants_colour

        if wants_colour(sys.stdout):
            from batchlint.reports.colour import write

            write(reported, sys.stdout)
            return
    table = STATISTICS if statistics else REPORTS
    sys.stdout.writelines(table[output_format](reported))


def _summary(findings: Sequence[Finding], problems: Sequence[Problem], checked: int) -> str:
    files = f"{checked} file{'s' if checked != 1 else ''}"
    failed = f"; {len(problems)} could not be checked" if problems else ""
    if not findings:
        return f"No batch-size hazards found in {files}{failed}."
    by_severity = [
        f"{count} {label}"
        for severity, label in reversed(list(enumerate(SEVERITIES)))
        if (count := sum(finding.severity == severity for finding in findings))
    ]
    places = len({finding.filename for finding in findings})
    hazards = f"{len(findings)} hazard{'s' if len(findings) != 1 else ''}"
    return f"Found {hazards} ({', '.join(by_severity)}) in {places} of {files}{failed}."
