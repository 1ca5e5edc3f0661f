"""Runs what ``batchlint check`` finds in repositories, and counts what that says of the findings.

``python -m benchmarks.verify.findings [--details FILE] [--jobs N] FOLDER...`` prints a row for each folder that has
findings, then each finding inside a class that is refuted or undecided. Unlike ``python -m benchmarks.verify``, it runs
nothing but findings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from batchlint.runner import WorkItem
from batchlint.source.discovery import DEFAULT_EXCLUDES, discover
from batchlint.verify.outcomes import Verdict
from batchlint.verify.session import Verified, VerifyReport, verify_files
from batchlint.verify.settings import Settings
from benchmarks.verify.__main__ import percent

SUFFIXES = (".py", ".ipynb")
HEADER = (
    "| repository | findings in classes | confirmed | refuted | inconclusive | decided, % "
    "| outside classes | confirmed | refuted | inconclusive |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> int:
    """Print the table and the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--details", type=Path, help="write a line of JSON for each finding to this file")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    totals: Counter[str] = Counter()
    lines: list[str] = []
    if options.details is not None:
        options.details.write_text("", encoding="utf-8")
    print(HEADER)
    for folder in sorted(options.folders):
        report = measure(folder, options.jobs)
        if not report.verified:
            continue
        name = folder.name.partition("@")[0].replace("__", "/")
        counts = count(report)
        totals.update(counts)
        print(row(name, counts), flush=True)
        lines += [f"- {name} `{place}` {code}, {what}" for place, code, what in undecided(folder, report)]
        if options.details is not None:
            with options.details.open("a", encoding="utf-8") as details:
                details.writelines(json.dumps(to_line(name, folder, each)) + "\n" for each in report.verified)
    print(row("**all**", totals))
    print("", *lines, sep="\n")
    return 0


def measure(folder: Path, jobs: int) -> VerifyReport:
    """Verify the findings in every Python file and notebook of *folder*."""
    found = discover([str(folder)], exclude=DEFAULT_EXCLUDES, respect_gitignore=False)
    items = [WorkItem(str(path)) for path in found if isinstance(path, Path) and path.suffix in SUFFIXES]
    return verify_files(items, Settings(), jobs=jobs)


def inside(verified: Verified) -> bool:
    """Whether a finding stands in a class that is a model."""
    target = verified.verdict.target
    return target is not None and target.kind == "class"


def count(report: VerifyReport) -> Counter[str]:
    """How many findings got which verdict, inside and outside classes."""
    where = {True: "inside", False: "outside"}
    return Counter(f"{where[inside(each)]} {each.verdict.verdict.value}" for each in report.verified)


def row(name: str, counts: Counter[str]) -> str:
    """One line of the table."""
    cells: list[object] = [name]
    for where in ("inside", "outside"):
        numbers = [counts[f"{where} {verdict.value}"] for verdict in Verdict]
        cells += [sum(numbers), *numbers]
        if where == "inside":
            cells.append(percent(numbers[0] + numbers[1], sum(numbers)))
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def undecided(folder: Path, report: VerifyReport) -> Iterator[tuple[str, str, str]]:
    """Place, code, and verdict with its reason, of what stands in a class and is refuted or inconclusive."""
    for each in report.verified:
        if inside(each) and each.verdict.verdict is not Verdict.CONFIRMED:
            yield place(folder, each), each.finding.code, f"{each.verdict.verdict.value}: {each.verdict.reason}"


def place(folder: Path, verified: Verified) -> str:
    """Where a finding stands, from the repository's root."""
    finding = verified.finding
    path = Path(finding.filename)
    shown = path.relative_to(folder) if path.is_relative_to(folder) else path
    cell = f":cell {finding.cell}" if getattr(finding, "cell", None) is not None else ""
    return f"{shown.as_posix()}{cell}:{finding.span.line}"


def to_line(name: str, folder: Path, verified: Verified) -> dict[str, object]:
    """What is kept of a finding."""
    verdict = verified.verdict
    return {
        "repository": name,
        "place": place(folder, verified),
        "code": verified.finding.code,
        "message": verified.finding.message,
        "inside": inside(verified),
        "verdict": verdict.verdict.value,
        "reason": verdict.reason,
        "help": verdict.help,
        "control": verdict.target.control if verdict.target else None,
        "inputs": verdict.target.inputs if verdict.target else (),
        "origin": verdict.target.input_origin if verdict.target else "",
        "grade": verdict.target.grade.letter if verdict.target else "",
        "built by": verdict.target.construction.expression if verdict.target and verdict.target.construction else "",
        "target": f"{verdict.target.kind} {verdict.target.qualname}" if verdict.target else "",
    }


if __name__ == "__main__":
    sys.exit(main())
