"""Runs ``batchlint verify --all-models`` over repositories and says how far it came.

``python -m benchmarks.verify [--notebooks] [--details FILE] [--jobs N] FOLDER...`` prints a row for each folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from batchlint.runner import WorkItem
from batchlint.source.discovery import DEFAULT_EXCLUDES, discover
from batchlint.verify.outcomes import Stage, Status
from batchlint.verify.session import VerifyReport, verify_files
from batchlint.verify.settings import Settings
from batchlint.verify.wire import to_plain

HEADER = (
    "| repository | classes | built | run | run, % | findings in classes | confirmed | refuted | inconclusive "
    "| decided, % | other findings | decided | seconds | median s a file |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--details", type=Path, help="write a line of JSON for each class and finding to this file")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--reasons", action="store_true", help="list why classes did not run, and findings undecided")
    parser.add_argument("--notebooks", action="store_true", help="measure notebooks as well as Python files")
    parser.add_argument("--seconds-per-check", type=float, default=10.0, help="less, where only running is asked")
    options = parser.parse_args()
    settings = Settings(all_models=True, seconds_per_check=options.seconds_per_check)
    print(HEADER)
    totals: Counter[str] = Counter()
    details = options.details.open("w", encoding="utf-8") if options.details else None
    for folder in options.folders:
        report = measure(folder, options.jobs, settings, options.notebooks)
        counts = count(report)
        totals.update(counts)
        print(row(folder.name.replace("__", "/"), counts, report), flush=True)
        if options.reasons:
            explain(report)
        if details:
            for line in to_lines(folder.name, report):
                details.write(json.dumps(line) + "\n")
    if len(options.folders) > 1:
        print(row("**all**", totals, None))
    return 0


def measure(folder: Path, jobs: int, settings: Settings, notebooks: bool = False) -> VerifyReport:
    """Verify every Python file of *folder*, and its *notebooks* if wanted: findings and all models."""
    suffixes = (".py", ".ipynb") if notebooks else (".py",)
    found = discover([str(folder)], exclude=DEFAULT_EXCLUDES, respect_gitignore=False)
    items = [WorkItem(str(path)) for path in found if isinstance(path, Path) and path.suffix in suffixes]
    return verify_files(items, settings, jobs=jobs)


def count(report: VerifyReport) -> Counter[str]:
    """What the table counts."""
    counts: Counter[str] = Counter()
    for model in report.models:
        if model.kind == "class":
            counts["classes"] += 1
            counts["built"] += model.stage in (Stage.BUILT, Stage.RUN)
            counts["run"] += model.stage is Stage.RUN
    for verified in report.verified:
        target = verified.verdict.target
        inside = target is not None and target.kind == "class"
        if inside:
            counts["inside"] += 1
            counts[f"inside {verified.verdict.verdict.value}"] += 1
        else:
            counts["outside"] += 1
            counts[f"outside {verified.verdict.verdict.value}"] += 1
    return counts


def row(name: str, counts: Counter[str], report: VerifyReport | None) -> str:
    """One line of the table."""
    decided = counts["inside confirmed"] + counts["inside refuted"]
    outside = counts["outside confirmed"] + counts["outside refuted"]
    by_file: Counter[str] = Counter()
    for model in report.models if report else ():
        by_file[model.path] += int(model.milliseconds)
    times = sorted(by_file.values())
    cells = [
        name, counts["classes"], counts["built"], counts["run"], percent(counts["run"], counts["classes"]),
        counts["inside"], counts["inside confirmed"], counts["inside refuted"], counts["inside inconclusive"],
        percent(decided, counts["inside"]), counts["outside"],
        f"{outside} ({counts['outside confirmed']} confirmed, {counts['outside refuted']} refuted)",
        f"{report.seconds:.0f}" if report else "", f"{times[len(times) // 2] / 1000:.2f}" if times else "",
    ]  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def percent(part: int, whole: int) -> str:
    """*part* of *whole*, as text."""
    return f"{100 * part / whole:.0f}" if whole else ""


def explain(report: VerifyReport) -> None:
    """Say on standard error what did not run and why."""
    for model in report.models:
        if model.kind == "class" and model.stage is not Stage.RUN:
            print(f"  {model.path}:{model.line} {model.qualname}: {model.stage.value}: {model.reason}", file=sys.stderr)
        failed = [check.check for check in model.checks if check.status is Status.FAILED]
        if model.kind == "class" and failed:
            print(f"  {model.path}:{model.line} {model.qualname}: fails {', '.join(failed)}", file=sys.stderr)
    for verified in report.verified:
        finding = verified.finding
        print(
            f"  {finding.filename}:{finding.span.line} {finding.code} {verified.verdict.verdict.value}: "
            f"{verified.verdict.reason}",
            file=sys.stderr,
        )


def to_lines(name: str, report: VerifyReport) -> list[dict[str, object]]:
    """What is kept of each class and finding."""
    lines: list[dict[str, object]] = [{"repository": name, "model": to_plain(model)} for model in report.models]
    for verified in report.verified:
        finding, verdict = verified.finding, verified.verdict
        lines.append(
            {
                "repository": name,
                "finding": f"{finding.filename}:{finding.span.line}:{finding.code}",
                "verdict": verdict.verdict.value,
                "reason": verdict.reason,
            }
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
