"""``batchlint check``: the findings of files and folders."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from batchlint import runner
from batchlint.cli import CLEAN, FAILURE, FINDINGS, UsageError
from batchlint.config import OUTPUT_FORMATS, SEVERITIES, Config, ConfigError, find_config, read_config

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from batchlint.engine import CheckResult
    from batchlint.findings import Finding, Problem
    from batchlint.rules.selection import Selection

STDIN = "-"

_WORTH_A_BAR = 50
"""Fewer files are done before a progress bar is read."""


class Options:
    """What the user said; ``None`` leaves it to the configuration."""

    select: list[str] | None = None
    extend_select: list[str] | None = None
    ignore: list[str] | None = None
    severity: str | None = None
    latent: bool | None = None
    exclude: list[str] | None = None
    extend_exclude: list[str] | None = None
    no_respect_gitignore: bool = False
    stdin_filename: str | None = None
    output_format: str | None = None
    statistics: bool = False
    exit_zero: bool = False
    quiet: bool = False
    jobs: int | None = None
    config: str | None = None
    isolated: bool = False

    def __init__(self, paths: list[str] | None = None) -> None:
        self.paths = paths or []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders, - for standard input (default: .)")
    rules = parser.add_argument_group("rules", "RULES are codes, their beginnings, names or ALL, with commas between")
    for option, help_text in (
        ("--select", "check these rules only (default: ALL)"),
        ("--extend-select", "check these rules besides"),
        ("--ignore", "leave these rules out; the narrower of select and ignore wins"),
    ):
        rules.add_argument(option, metavar="RULES", action="extend", type=_comma_separated, help=help_text)
    rules.add_argument("--severity", choices=SEVERITIES, help="the least severity to report (default: info)")
    rules.add_argument("--latent", action="store_true", help="report what the file prevents for now, too")
    files = parser.add_argument_group("files", "PATTERNS are those of .gitignore, with commas between")
    for option, help_text in (
        ("--exclude", "leave these out when walking folders, in place of the defaults"),
        ("--extend-exclude", "leave these out besides"),
    ):
        files.add_argument(option, metavar="PATTERNS", action="extend", type=_comma_separated, help=help_text)
    files.add_argument("--no-respect-gitignore", action="store_true", help="check what git ignores, too")
    files.add_argument("--stdin-filename", metavar="PATH", help="what standard input is called")
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=OUTPUT_FORMATS, help="default: text")
    output.add_argument("--statistics", action="store_true", help="report counts by rule in place of the findings")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 although there are findings")
    output.add_argument("-q", "--quiet", action="store_true", help="no summary and no progress bar")
    run_options = parser.add_argument_group("run")
    run_options.add_argument("-j", "--jobs", type=_jobs, metavar="N", help="processes (default: one a CPU)")
    configured = run_options.add_mutually_exclusive_group()
    configured.add_argument("--config", metavar="FILE", help="read [tool.batchlint] from FILE")
    configured.add_argument("--isolated", action="store_true", help="read no configuration")


def _comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _jobs(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        import argparse

        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def run(options: Options) -> int:
    """Check, report on standard output, and say everything else on standard error."""
    config = _configure(options)
    try:
        items, problems = _work_items(options, config)
    except ConfigError as error:
        raise UsageError(error) from None
    if not items and not problems:
        _say("warning: no Python files or notebooks found under the given paths")
    results = _check(items, config, quiet=options.quiet)
    problems += [problem for result in results for problem in result.problems]
    least = SEVERITIES.index(config.severity)
    findings = [finding for result in results for finding in result.findings if finding.severity >= least]
    _report(findings, results, config.output_format, statistics=options.statistics)
    _explain(problems, "error")
    _explain([warning for result in results for warning in result.warnings], "warning")
    if not options.quiet and (items or problems):
        _say(_summary(findings, problems, len(items)))
    if problems:
        return FAILURE
    return FINDINGS if findings and not options.exit_zero else CLEAN


def _configure(options: Options) -> Config:
    """The configuration file's wishes, overruled by *options*."""
    try:
        if options.isolated:
            config = Config(os.getcwd())
        elif options.config is not None:
            found = read_config(options.config)
            if found is None:
                raise UsageError(f"{options.config}: there is no [tool.batchlint] in it")
            config = found
        else:
            config = find_config(_named_paths(options))
    except ConfigError as error:
        raise UsageError(error) from None
    overruled = {
        key: value
        for key in ("severity", "latent", "output_format", "jobs")
        if (value := getattr(options, key)) is not None
    }
    if options.exclude is not None:
        overruled["exclude"] = tuple(options.exclude)
    config = config._replace(
        selection=_selection(options, config.selection),
        extend_exclude=(*config.extend_exclude, *(options.extend_exclude or ())),
        **overruled,
    )
    _require_known_rules(config)
    return config


def _selection(options: Options, configured: Selection) -> Selection:
    given = {key: getattr(options, key) for key in ("select", "ignore", "extend_select")}
    given = {key: tuple(value) for key, value in given.items() if value is not None}
    return configured._replace(**given)


def _require_known_rules(config: Config) -> None:
    """Refuse selectors that mean nothing; without any, no rule needs to be loaded."""
    selectors = [*(selector for part in config.selection for selector in part)]
    selectors += [selector for _, ignored in config.per_file_ignores for selector in ignored]
    if selectors == ["ALL"]:
        return
    from batchlint.rules.registry import all_rules
    from batchlint.rules.selection import SelectionError, require_known

    try:
        require_known(selectors, all_rules())
    except SelectionError as error:
        raise UsageError(error) from None


def _named_paths(options: Options) -> list[str]:
    """The given paths, the working directory when there are none, with standard input under its name."""
    return [options.stdin_filename or "." if path == STDIN else path for path in options.paths or ["."]]


def _work_items(options: Options, config: Config) -> tuple[list[runner.WorkItem], list[Problem]]:
    paths = [path for path in options.paths or ["."] if path != STDIN]
    items, problems = [], []
    if STDIN in options.paths:
        items.append(_work_item(options.stdin_filename or STDIN, config)._replace(data=sys.stdin.buffer.read()))
    elif options.stdin_filename is not None:
        raise UsageError("--stdin-filename names standard input, which is read where a path is -")
    files = _distinct_files(paths)
    if files is not None:
        items += [_work_item(path, config) for path in files]
    elif paths:
        from batchlint.findings import Problem
        from batchlint.source.discovery import DEFAULT_EXCLUDES, discover

        try:
            found = discover(
                paths,
                exclude=DEFAULT_EXCLUDES if config.exclude is None else config.exclude,
                extend_exclude=config.extend_exclude,
                respect_gitignore=not options.no_respect_gitignore,
                root=config.root,
            )
        except ValueError as error:
            raise UsageError(f"exclude: {error}") from None
        problems = [path for path in found if isinstance(path, Problem)]
        items += [_work_item(str(path), config) for path in found if not isinstance(path, Problem)]
    return items, problems


def _distinct_files(paths: list[str]) -> list[str] | None:
    """What discovery makes of *paths* when they are nothing but different files, without what it takes to import."""
    distinct = len({os.path.realpath(path) for path in paths}) == len(paths)
    alike = len({os.path.isabs(path) for path in paths}) == 1
    if not (distinct and alike and all(os.path.isfile(path) for path in paths)):
        return None
    return sorted((os.path.normpath(path) for path in paths), key=lambda path: path.split(os.sep))


def _work_item(filename: str, config: Config) -> runner.WorkItem:
    return runner.WorkItem(filename, config.selection, config.ignored_in(filename), config.latent)


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


def _explain(problems: Iterable[Problem], kind: str) -> None:
    for problem in problems:
        place = "".join(f":{number}" for number in (problem.line, problem.column) if number is not None)
        _say(f"{problem.filename}{place}: {kind}: {problem.message}")


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


def _say(message: str) -> None:
    sys.stderr.write(message + "\n")
