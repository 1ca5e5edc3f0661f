"""Which check catches which hazard, and what it says of clean models: ``python -m benchmarks.verify.which_check``.

Prints the page ``benchmarks/verify/which_check.md``; with ``--write`` it is written there.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from batchlint.verify.checks.registry import CHECKS
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.recipe_text import parse_input
from batchlint.verify.recipes import Inputs
from batchlint.verify.settings import Settings
from batchlint.verify.worker.checking import ON_REQUEST, run_checks
from batchlint.verify.worker.subject import Subject
from benchmarks.verify.small_models import CLEAN, HAZARDS, Case, N

PAGE = Path(__file__).with_name("which_check.md")
NAMES = tuple(name for name in CHECKS if name not in ON_REQUEST)
SIGNS = {Status.FAILED: "**fails**", Status.PASSED: "passes", Status.UNDECIDED: "?", Status.SKIPPED: "-"}


@dataclass(frozen=True)
class Answered:
    """What the checks said of a case, by name, and how long each took."""

    case: Case
    outcomes: dict[str, CheckOutcome]
    milliseconds: dict[str, float]

    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(name for name, outcome in self.outcomes.items() if outcome.status is Status.FAILED)


def subject_of(case: Case) -> Subject:
    """The case's model with its inputs."""
    torch.manual_seed(0)
    parsed = [parse_input(each) for each in case.inputs]
    inputs = Inputs(tuple(recipe for _, recipe in parsed), tuple(name for name, _ in parsed))
    return Subject(case.make(), inputs, N)


def answers(case: Case, names: Iterable[str] = NAMES) -> Answered:
    """Ask *names* of *case*, each by itself and on a fresh model, as its time is measured."""
    outcomes: dict[str, CheckOutcome] = {}
    milliseconds: dict[str, float] = {}
    ladder = 0.0
    for name in ("crash at batch sizes", *(each for each in names if each != "crash at batch sizes")):
        begin = time.perf_counter()
        found = run_checks(subject_of(case), (name,), Settings())
        taken = (time.perf_counter() - begin) * 1000
        ladder = ladder or taken
        milliseconds[name] = taken if name == "crash at batch sizes" else max(0.0, taken - ladder)
        outcomes.update({each.check: each for each in found})
    return Answered(case, {name: outcomes[name] for name in names if name in outcomes}, milliseconds)


def page(hazards: list[Answered], clean: list[Answered]) -> str:
    """Everything as Markdown."""
    lines = [
        "# Which check catches what",
        "",
        f"{len(hazards)} small models with one hazard each and {len(clean)} clean ones, all written for {N} rows.",
        f"Made by `python -m benchmarks.verify.which_check --write`; torch {torch.__version__.partition('+')[0]}, CPU.",
        "",
        "| check | asked of every model | hazards it fails | clean models it fails | median ms | 95% below, ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in NAMES:
        times = sorted(each.milliseconds[name] for each in (*hazards, *clean) if name in each.milliseconds)
        lines.append(
            f"| {name} | {'yes' if CHECKS[name].usual else 'where a rule names it'} "
            f"| {sum(name in each.failed() for each in hazards)} | {sum(name in each.failed() for each in clean)} "
            f"| {statistics.median(times):.1f} | {times[int(0.95 * (len(times) - 1))]:.1f} |"
        )
    usual = {name for name in NAMES if CHECKS[name].usual}
    by_usual = [each for each in hazards if usual & set(each.failed())]
    caught = [each for each in hazards if each.failed()]
    clean_by_usual = sum(bool(usual & set(each.failed())) for each in clean)
    lines += [
        f"| all that are asked of every model | | {len(by_usual)} | {clean_by_usual} | | |",
        f"| all | | {len(caught)} | {sum(bool(e.failed()) for e in clean)} | | |",
        "",
        "`duplicated batch` and `other spatial sizes` fail what is meant to be a sum or is made for one size: they are",
        "asked only where a rule names them. Times are over and above the run of all batch sizes, which the first",
        "check makes and the others use, for models of a few thousand parameters on a machine that had other work.",
        "",
        *_table("Hazards", hazards),
        *_table("Clean models", clean),
    ]
    return "\n".join(lines)


def _table(title: str, answered: list[Answered]) -> list[str]:
    lines = [f"## {title}", "", f"| model | {' | '.join(NAMES)} |", f"| --- |{' --- |' * len(NAMES)}"]
    for each in answered:
        cells = [SIGNS[each.outcomes[name].status] if name in each.outcomes else "" for name in NAMES]
        design = " (may be meant)" if each.case.by_design else ""
        lines.append(f"| {each.case.name}{design} | {' | '.join(cells)} |")
    return [*lines, ""]


def main() -> None:
    """Run all and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    answers(CLEAN[0])
    text = page([answers(case) for case in HAZARDS], [answers(case) for case in CLEAN])
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
