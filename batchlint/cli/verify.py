"""``batchlint verify``: run what was found, and say what that shows.

The only command that runs the code it reads. Before it does, it says on standard error what it will run and in what
sandbox. Exit codes: 0 when no finding is left (none, or all refuted); 1 when one is confirmed or inconclusive, or when
a class that ``--all-models`` ran raises or gives the wrong number of rows at some batch size; with ``--only-confirmed``
inconclusive findings count for nothing; 2 when the command was not understood, the framework is not installed or a file
could not be read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from batchlint.cli import CLEAN, FAILURE, FINDINGS, UsageError
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
from batchlint.config import SEVERITIES
from batchlint.runner import usable_cpus
from batchlint.verify_config import DEVICES, VerifyConfig, bytes_of, is_device

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from batchlint.config import Config
    from batchlint.runner import WorkItem
    from batchlint.verify.plan.overrides import Overrides
    from batchlint.verify.plan.plans import FilePlan
    from batchlint.verify.reproduction import Scripts
    from batchlint.verify.session import VerifyReport
    from batchlint.verify.settings import Settings
    from batchlint.verify.workers import Workers

FORMATS = ("text", "json")

_NAMED = 12
"""How many files the announcement names."""

_NEVER_INTENDED = frozenset({"crash at batch sizes", "leading dimension"})
"""Checks whose failure is a fault in any model; others, such as mixing of samples, some models mean to fail."""


class Options(SourceOptions):
    """What the user said; ``None`` leaves it to the configuration."""

    all_models: bool | None = None
    model: list[str] | None = None
    input: list[str] | None = None
    batch_sizes: tuple[int, ...] | None = None
    device: str | None = None
    seed: int | None = None
    timeout: float | None = None
    memory: int | None = None
    allow_network: bool | None = None
    only_confirmed: bool = False
    emit_repro: str | None = None
    report: list[str] | None = None
    output_format: str = "text"
    largest_batch: bool = False
    profile: bool = False
    export: bool = False
    exit_zero: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    add_rule_arguments(parser)
    what = parser.add_argument_group("what is run", "besides the findings' classes, functions and loops")
    what.add_argument("--all-models", action="store_true", help="run classes without findings, too")
    what.add_argument(
        "--model", action="append", metavar="MODULE:NAME", help="run what this class makes or function returns, too"
    )
    what.add_argument(
        "--input", action="append", metavar="INPUT", help="what a model takes: 'x: float32[B, 3, 32, 32]', 'Net.x: …'"
    )
    how = parser.add_argument_group("how it is run")
    for option, kind, metavar, help_text in (
        ("--batch-sizes", _batch_sizes, "N,N", "in place of: the code's own, 1, 2, one less, two primes above"),
        ("--device", _device, "DEVICE", f"{DEVICES} (default: auto)"),
        ("--seed", _seed, "N", "of all random numbers (default: 0)"),
        ("--timeout", _seconds, "SECONDS", "for each class, function or loop (default: 30)"),
        ("--memory", _memory, "SIZE", "for each process (default: 8GiB)"),
    ):
        how.add_argument(option, type=kind, metavar=metavar, help=help_text)
    how.add_argument("--allow-network", action="store_true", help="let the code use the network")
    how.add_argument("--profile", action="store_true", help="measure time and memory by batch size")
    how.add_argument("--largest-batch", action="store_true", help="find the largest batch that fits into memory")
    how.add_argument("--export", action="store_true", help="export models at one batch size and run them at others")
    add_configuration_arguments(how)
    add_file_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--output-format", choices=FORMATS, help="default: text")
    output.add_argument("--only-confirmed", action="store_true", help="report confirmed findings only; 1 only for them")
    output.add_argument(
        "--report", action="append", metavar="FILE", help="write the whole run to FILE.html, a page, or FILE.json"
    )
    output.add_argument("--emit-repro", metavar="DIR", help="write a script for each confirmed finding that shows it")
    output.add_argument("--exit-zero", action="store_true", help="exit with 0 although findings are left")
    output.add_argument("-q", "--quiet", action="store_true", help="no announcement, no summary and no progress bar")


def _refuse(text: str, expected: str) -> Exception:
    import argparse

    return argparse.ArgumentTypeError(f"{text!r} is not {expected}")


def _batch_sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise _refuse(text, "a list of whole numbers of at least 1, such as 1,2,7,32")
    return tuple(dict.fromkeys(sizes))


def _device(text: str) -> str:
    if not is_device(text):
        raise _refuse(text, f"one of {DEVICES}")
    return text


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise _refuse(text, "a whole number of at least 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise _refuse(text, "a number of seconds above 0")
    return seconds


def _memory(text: str) -> int:
    try:
        return bytes_of(text)
    except ValueError:
        raise _refuse(text, "an amount of memory such as 8GiB") from None


def run(options: Options) -> int:
    """Verify, report on standard output, and say everything else on standard error."""
    config = configure(options)
    settings = settings_of(options, config.verify, config.jobs or usable_cpus())
    overrides = _overrides(options, config.verify)
    _require_places(options)
    _require_framework()
    _require_models(options)
    items, problems = work_items(options, config)
    report = _verify(items, options, config, settings, overrides)
    problems += report.problems
    scripts = _emit(report, options)
    for path in options.report or ():
        _write_report(report, path, options, scripts)
    _print(report, options, settings, scripts)
    explain(problems, "error")
    explain(report.warnings, "warning")
    if not options.quiet:
        from batchlint.reports.verify_content import summary

        unread = f"; {len(problems)} could not be read" if problems else ""
        say(f"{summary(report)}{unread}")
    if problems:
        return FAILURE
    return CLEAN if options.exit_zero or not _left(report, options) else FINDINGS


def settings_of(options: Options, config: VerifyConfig | None, jobs: int = 1) -> Settings:
    """The configuration's wishes, overruled by *options*; of memory, what *jobs* workers can have at once."""
    import dataclasses

    from batchlint.verify.settings import Settings, memory_share

    said = {} if config is None else config._asdict()
    keys = ("batch_sizes", "device", "seed", "timeout", "memory", "allow_network", "all_models")
    said.update({key: value for key in keys if (value := getattr(options, key)) is not None})
    chosen = {key: said[key] for key in keys if said.get(key) is not None}
    chosen.setdefault("memory", memory_share(jobs))
    names = {"timeout": "seconds_per_target", "memory": "memory_bytes"}
    settings = Settings(
        **{names.get(key, key): value for key, value in chosen.items()},
        export=options.export,
        largest_batch=options.largest_batch,
        profile=options.profile or options.largest_batch,
    )
    return dataclasses.replace(settings, seconds_per_check=min(settings.seconds_per_check, settings.seconds_per_target))


def _require_places(options: Options) -> None:
    """Refuse files and folders that could not be written, before anything is run for them."""
    import os

    for path in options.report or ():
        if os.path.splitext(path)[1].lower() not in (".html", ".json"):
            raise UsageError(f"--report {path}: the name must end in .html or .json")
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise UsageError(f"--report {path}: there is no folder {folder}")
    if options.emit_repro is not None and os.path.exists(options.emit_repro) and not os.path.isdir(options.emit_repro):
        raise UsageError(f"--emit-repro {options.emit_repro}: it is a file, not a folder")


def _require_framework() -> None:
    import importlib.util

    if all(importlib.util.find_spec(name) is None for name in ("torch", "tensorflow", "keras")):
        raise UsageError(
            "verify runs code with PyTorch, TensorFlow or Keras, none of which is installed: "
            'pip install "batchlint[torch]" or "batchlint[tensorflow]"'
        )


def _overrides(options: Options, config: VerifyConfig | None) -> Overrides:
    """What the user says of single classes; what of it is no input is refused before anything is run."""
    from batchlint.verify.plan.overrides import Overrides, input_problems

    given = tuple(options.input or ())
    for problem in input_problems(given):
        raise UsageError(problem)
    return Overrides(given, () if config is None else config.models)


def _require_models(options: Options) -> None:
    """Refuse models that are not there, before anything is run."""
    from batchlint.verify.plan.planner import plan_model

    for name in options.model or ():
        try:
            plan_model(name)
        except ValueError as error:
            raise UsageError(error) from None


def _verify(
    items: Sequence[WorkItem], options: Options, config: Config, settings: Settings, overrides: Overrides
) -> VerifyReport:
    from batchlint.cli.progress import progress_bar
    from batchlint.verify.session import verify_files
    from batchlint.verify.workers import DeviceMissing, FrameworkMissing

    def announce(plans: Sequence[FilePlan], workers: Workers) -> None:
        if not options.quiet:
            for line in announcement(plans, *workers.sandbox):
                say(line)

    with progress_bar("running", 0) as progress:
        try:
            return verify_files(
                items,
                settings,
                jobs=config.jobs,
                progress=None if options.quiet else progress,
                severity=SEVERITIES.index(config.severity),
                overrides=overrides,
                models=options.model or (),
                announce=announce,
            )
        except (DeviceMissing, FrameworkMissing, ValueError) as error:
            raise UsageError(error) from None


def announcement(plans: Sequence[FilePlan], enforced: Sequence[str], not_enforced: Sequence[str]) -> list[str]:
    """What will be run, and in what sandbox, in lines."""
    wanted = [target for plan in plans for target in plan.targets if target.wanted]
    findings = {flagged.number for target in wanted for flagged in target.flagged}
    kinds = {"class": ("class", "classes"), "function": ("function", "functions"), "module": ("script", "scripts")}
    numbers = [
        _counted(number, *names) for kind, names in kinds.items() if (number := sum(t.kind == kind for t in wanted))
    ]
    lines = [
        f"Running code for {_counted(len(findings), 'finding', 'findings')} in "
        f"{_counted(len(plans), 'file', 'files')}: {', '.join(numbers)}"
    ]
    for plan in plans[:_NAMED]:
        names = [target.qualname for target in plan.targets if target.wanted]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        lines.append(f"  {plan.path}: {', '.join(names[:_NAMED])}{more}")
    if len(plans) > _NAMED:
        lines.append(f"  and {len(plans) - _NAMED} files more")
    if enforced:
        lines.append(f"Sandbox: {'; '.join(enforced)}")
    if not_enforced:
        lines.append(f"Not enforced: {'; '.join(not_enforced)}")
    return lines


def _counted(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _emit(report: VerifyReport, options: Options) -> Scripts:
    """Write the reproduction scripts that are asked for."""
    from batchlint.verify.reproduction import Scripts, emit

    if options.emit_repro is None:
        return Scripts()

    try:
        return emit(report, options.emit_repro)
    except OSError as error:
        raise UsageError(f"--emit-repro {options.emit_repro}: {error.strerror or error}") from None


def _write_report(report: VerifyReport, path: str, options: Options, scripts: Scripts) -> None:
    from batchlint.verify.writing import write_atomically

    if path.lower().endswith(".json"):
        from batchlint.reports.verify_json import render_run

        pieces = render_run(report, only_confirmed=options.only_confirmed, scripts=scripts.paths)
    else:
        from batchlint.reports.verify_html import render
        from batchlint.verify.outcomes import Verdict
        from batchlint.verify.reproduction import scripts as written

        sources = written(report, (Verdict.CONFIRMED, Verdict.REFUTED))
        pieces = render(report, only_confirmed=options.only_confirmed, scripts=sources)
    try:
        write_atomically(path, "".join(pieces))
    except OSError as error:
        raise UsageError(f"--report {path}: {error.strerror or error}") from None


def _print(report: VerifyReport, options: Options, settings: Settings, scripts: Scripts) -> None:
    if options.output_format == "json":
        from batchlint.reports import verify_json

        sys.stdout.writelines(verify_json.render(report, only_confirmed=options.only_confirmed, scripts=scripts.paths))
        return
    from batchlint.cli.terminal import wants_colour
    from batchlint.reports import verify_text

    told = {**scripts.paths, **{finding: f"no script: {reason}" for finding, reason in scripts.reasons.items()}}
    chosen = {"only_confirmed": options.only_confirmed, "all_models": settings.all_models or bool(options.model)}
    if wants_colour(sys.stdout):
        from batchlint.reports.colour import write_lines

        write_lines(verify_text.layout(report, scripts=told, model_scripts=scripts.models, **chosen), sys.stdout)
    else:
        sys.stdout.writelines(verify_text.render(report, scripts=told, model_scripts=scripts.models, **chosen))


def _left(report: VerifyReport, options: Options) -> bool:
    """Whether something is left to repair or to look at."""
    from batchlint.verify.outcomes import Verdict
    from batchlint.verify.unforeseen import key_of, unforeseen

    accepted = {Verdict.REFUTED, Verdict.INCONCLUSIVE} if options.only_confirmed else {Verdict.REFUTED}
    if any(each.verdict.verdict not in accepted for each in report.verified):
        return True
    flagged = {key_of(each.verdict.target) for each in report.verified if each.verdict.target is not None}
    found = unforeseen(report)
    return any(
        check.check in _NEVER_INTENDED
        for target in report.models
        if key_of(target) not in flagged
        for check in found[key_of(target)]
    )
