"""``python -m benchmarks.accuracy LABELS CHECKOUTS``: batchlint against judged instances in real code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.accuracy.labels import UnreadableLabels, read_labels
from benchmarks.accuracy.report import details, report
from benchmarks.accuracy.scoring import score


def main() -> int:
    """Print the tables; 1 if a labelled file met an internal error, 2 if the labels cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("labels", type=Path, help="JSON lines, see the README beside this file")
    parser.add_argument("checkouts", type=Path, help="folder of owner__name@commit/path")
    parser.add_argument(
        "--disputed",
        type=Path,
        default=Path(__file__).with_name("disputed.json"),
        help="labels that a run shows to be wrong",
    )
    parser.add_argument("--tolerance", type=int, default=2, help="lines between label and finding (default: 2)")
    parser.add_argument("--details", action="store_true", help="list every miss and false alarm")
    arguments = parser.parse_args()
    try:
        labels = read_labels(arguments.labels, arguments.disputed)
    except (OSError, UnreadableLabels) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    outcomes, problems = score(labels, arguments.checkouts, arguments.tolerance)
    print(report(outcomes))
    absent = sum(outcome.result == "absent" for outcome in outcomes)
    files = {outcome.label.folder + outcome.label.path for outcome in outcomes if outcome.result != "absent"}
    print(f"\n{len(outcomes)} labels in {len(files)} files, {absent} labels without their file.")
    if arguments.details:
        print(f"\n{details(outcomes)}")
    for problem in problems:
        print(f"{problem.filename}: {problem.message}", file=sys.stderr)
    return 1 if any("internal error" in problem.message for problem in problems) else 0


if __name__ == "__main__":
    sys.exit(main())
