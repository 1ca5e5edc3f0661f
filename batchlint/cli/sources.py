"""What the subcommands that read files have in common: which rules, which files, which configuration.

On the way of every check, so nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from batchlint import runner
from batchlint.cli import UsageError
from batchlint.config import SEVERITIES, Config, ConfigError, find_config, read_config

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from batchlint.findings import Problem
    from batchlint.rules.selection import Selection

STDIN = "-"


class SourceOptions:
    """What the user said of rules and files; ``None`` leaves it to the configuration."""

    select: list[str] | None = None
    extend_select: list[str] | None = None
    ignore: list[str] | None = None
    severity: str | None = None
    latent: bool | None = None
    exclude: list[str] | None = None
    extend_exclude: list[str] | None = None
    no_respect_gitignore: bool = False
    stdin_filename: str | None = None
    quiet: bool = False
    jobs: int | None = None
    config: str | None = None
    isolated: bool = False

    def __init__(self, paths: list[str] | None = None) -> None:
        self.paths = paths or []


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the paths, and which rules are checked in them."""
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


def add_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which files of folders are read."""
    files = parser.add_argument_group("files", "PATTERNS are those of .gitignore, with commas between")
    for option, help_text in (
        ("--exclude", "leave these out when walking folders, in place of the defaults"),
        ("--extend-exclude", "leave these out besides"),
    ):
        files.add_argument(option, metavar="PATTERNS", action="extend", type=_comma_separated, help=help_text)
    files.add_argument("--no-respect-gitignore", action="store_true", help="check what git ignores, too")
    files.add_argument("--stdin-filename", metavar="PATH", help="what standard input is called")


def add_configuration_arguments(run_options: argparse._ArgumentGroup) -> None:
    """Declare the number of processes, and where the configuration is read from."""
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


def configure(options: SourceOptions) -> Config:
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
    overruled = {key: value for key in ("severity", "latent", "jobs") if (value := getattr(options, key)) is not None}
    if options.exclude is not None:
        overruled["exclude"] = tuple(options.exclude)
    config = config._replace(
        selection=_selection(options, config.selection),
        extend_exclude=(*config.extend_exclude, *(options.extend_exclude or ())),
        **overruled,
    )
    _require_known_rules(config)
    return config


def _selection(options: SourceOptions, configured: Selection) -> Selection:
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


def _named_paths(options: SourceOptions) -> list[str]:
    """The given paths, the working directory when there are none, with standard input under its name."""
    return [options.stdin_filename or "." if path == STDIN else path for path in options.paths or ["."]]


def work_items(options: SourceOptions, config: Config) -> tuple[list[runner.WorkItem], list[Problem]]:
    """What is to be checked, and what of it cannot be found; that there is nothing at all is told at once."""
    try:
        items, problems = _work_items(options, config)
    except ConfigError as error:
        raise UsageError(error) from None
    if not items and not problems:
        say("warning: no Python files or notebooks found under the given paths")
    return items, problems


def _work_items(options: SourceOptions, config: Config) -> tuple[list[runner.WorkItem], list[Problem]]:
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


def explain(problems: Iterable[Problem], kind: str) -> None:
    """Tell *problems* on standard error, a line each, as a *kind* such as ``error``."""
    for problem in problems:
        place = "".join(f":{number}" for number in (problem.line, problem.column) if number is not None)
        say(f"{problem.filename}{place}: {kind}: {problem.message}")


def say(message: str) -> None:
    """Write a line to standard error."""
    if not message.isprintable():
        from batchlint.reports.visible import visible

        message = visible(message)
    sys.stderr.write(message + "\n")
