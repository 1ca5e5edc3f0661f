"""What the reports of ``verify`` are made from: verdicts, models and numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Grade, Stage, Status, TargetResult, Verdict

if TYPE_CHECKING:
    from batchlint.verify.outcomes import Construction, FindingVerdict, Profile
    from batchlint.verify.session import Verified, VerifyReport

GRADES = {
    Grade.CODE: "from the code",
    Grade.LAYER: "from the first layer",
    Grade.GUESSED: "a guess",
}
"""What each grade means, in words."""

_WORST_FIRST = (Status.FAILED, Status.UNDECIDED, Status.PASSED, Status.SKIPPED)


class Cell(NamedTuple):
    """What came of one batch size.

    Attributes:
        status: the worst that any check saw.
        word: ``ok``, ``raises RuntimeError``, ``wrong``, ``out of memory`` …
        detail: the whole of it, for where there is room.
    """

    status: Status
    word: str
    detail: str = ""


class Matrix(NamedTuple):
    """Outcomes by batch size: a row a check (and a variation of it), a column a batch size, the control first."""

    batch_sizes: tuple[int, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]


def matrix(batch_sizes: Sequence[int], checks: Iterable[CheckOutcome]) -> Matrix:
    """The outcomes of *checks* at the sizes that they ran at, in the order of *batch_sizes*, others after those."""
    checks = list(checks)
    ran = {run.batch_size for check in checks for run in check.runs}
    sizes = (*(size for size in dict.fromkeys(batch_sizes) if size in ran), *sorted(ran - set(batch_sizes)))
    rows = []
    for check in checks:
        by_variation: dict[str, list[BatchOutcome]] = {}
        for run in check.runs:
            by_variation.setdefault(run.variation, []).append(run)
        for variation, runs in by_variation.items():
            name = f"{check.check}: {variation}" if variation else check.check
            rows.append((name, tuple(_worst([run for run in runs if run.batch_size == size]) for size in sizes)))
    return Matrix(sizes, tuple(rows))


def _worst(runs: Sequence[BatchOutcome]) -> Cell | None:
    """The worst of several runs at one batch size, ``None`` without any."""
    if not runs:
        return None
    run = min(runs, key=lambda each: _WORST_FIRST.index(each.status))
    detail = run.detail
    if run.failure is not None:
        detail = f"{run.failure.kind}: {run.failure.message}"
    elif not detail and run.output_shapes:
        detail = f"output {shapes(run.output_shapes)}"
    return Cell(run.status, _word(run), detail)


def _word(run: BatchOutcome) -> str:
    if run.failure is not None:
        return "out of memory" if run.failure.out_of_memory else f"raises {run.failure.kind}"
    return {Status.PASSED: "ok", Status.FAILED: "wrong", Status.SKIPPED: "skipped"}.get(run.status, "undecided")


def by_batch_size(batch_sizes: Sequence[int], checks: Iterable[CheckOutcome]) -> list[tuple[int, Cell]]:
    """The worst outcome of all *checks* at each batch size that ran, variations aside; the control first."""
    runs = [run for check in checks for run in check.runs if not run.variation]
    sizes = (*dict.fromkeys(batch_sizes), *sorted({run.batch_size for run in runs} - set(batch_sizes)))
    found = ((size, _worst([run for run in runs if run.batch_size == size])) for size in sizes)
    return [(size, cell) for size, cell in found if cell is not None]


def by_variation(checks: Iterable[CheckOutcome]) -> list[tuple[str, Cell]]:
    """The worst outcome of each variation that was run: ``height and width + 8``, or ``19 rows`` for a loop."""
    found: dict[str, list[BatchOutcome]] = {}
    for check in checks:
        for run in check.runs:
            if run.variation:
                found.setdefault(run.variation, []).append(run)
    worst = ((name, _worst(each)) for name, each in found.items())
    return [(name, cell) for name, cell in worst if cell is not None]


def only_varied(checks: Iterable[CheckOutcome]) -> bool:
    """Whether only variations tell the runs apart, as they do for loops."""
    runs = [run for check in checks for run in check.runs]
    return bool(runs) and all(run.variation for run in runs)


class Failing(NamedTuple):
    """What a verdict says fails: batch sizes by themselves, and variations at some batch size."""

    batch_sizes: tuple[int, ...]
    variations: tuple[str, ...]


def failing(verdict: FindingVerdict) -> Failing:
    """The batch sizes that fail with nothing else varied, and the variations that fail."""
    runs = [
        run
        for check in verdict.checks
        for run in check.runs
        if run.status is Status.FAILED and run.batch_size in verdict.failing
    ]
    plain = {run.batch_size for run in runs if not run.variation}
    varied = {run.batch_size for run in runs if run.variation}
    sizes = tuple(size for size in verdict.failing if size in plain or size not in varied)
    return Failing(sizes, tuple(dict.fromkeys(run.variation for run in runs if run.variation)))


def passing(verdict: FindingVerdict) -> tuple[int, ...]:
    """The batch sizes at which some check passed with nothing else varied, in the verdict's order."""
    runs = [run for check in verdict.checks for run in check.runs if not run.variation]
    passed = {run.batch_size for run in runs if run.status is Status.PASSED}
    return tuple(size for size in verdict.batch_sizes if size in passed)


def tried(verdict: FindingVerdict) -> tuple[int, ...]:
    """The batch sizes that a verdict rests on; none where runs differ in the number of rows and what else is varied."""
    return () if only_varied(verdict.checks) else verdict.batch_sizes


def several(words: Sequence[str], most: int = 3) -> str:
    """``19 rows, 20 rows and 4 more``."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def when(run: BatchOutcome, noun: str = "batch size ") -> str:
    """``at batch size 2``, or ``with height and width + 8``."""
    return f"with {run.variation}" if run.variation else f"at {noun}{run.batch_size}"


def outcomes_line(outcomes: Sequence[tuple[int, Cell]]) -> str:
    """``64 ok · 1, 2 raise RuntimeError``: neighbours of one outcome together, the first by itself unless all agree."""
    groups: list[tuple[str, list[int]]] = []
    alike = len({cell.word for _, cell in outcomes}) == 1
    for index, (size, cell) in enumerate(outcomes):
        if index > (0 if alike else 1) and groups[-1][0] == cell.word:
            groups[-1][1].append(size)
        else:
            groups.append((cell.word, [size]))
    return " · ".join(f"{', '.join(map(str, sizes))} {_plural(word, len(sizes))}" for word, sizes in groups)


def _plural(word: str, count: int) -> str:
    return "raise" + word.removeprefix("raises") if count > 1 and word.startswith("raises ") else word


def shapes(found: Iterable[Sequence[int]]) -> str:
    """``[64, 10], [64, 5]``."""
    return ", ".join(f"[{', '.join(map(str, shape))}]" for shape in found)


def deciding(checks: Iterable[CheckOutcome]) -> list[CheckOutcome]:
    """The checks whose answers count, failures first."""
    return sorted(
        (check for check in checks if check.status is not Status.SKIPPED),
        key=lambda check: _WORST_FIRST.index(check.status),
    )


def first_failure(checks: Iterable[CheckOutcome]) -> tuple[BatchOutcome, Failure] | None:
    """The first run that raised, of the checks that failed before all others."""
    for check in deciding(checks):
        for run in check.runs:
            if run.failure is not None:
                return run, run.failure
    return None


def is_said(failure: Failure, reason: str) -> bool:
    """Whether *reason* has all that *failure* says: its message, and its line."""
    line = "" if failure.frame is None else f"line {failure.frame.line}"
    return f"{failure.kind}: {failure.message}" in reason and line in reason


def adds(check: CheckOutcome, reason: str) -> bool:
    """Whether the detail of *check* says what neither *reason* nor an exception of it says."""
    return bool(check.detail) and check.detail not in reason and not any(run.failure for run in check.runs)


def what_failed(check: CheckOutcome) -> str:
    """How a check failed: what was raised, or what it says itself, or what its first failing run says."""
    found = first_failure([check])
    if found is not None:
        return f"{when(found[0])}, {raised(found[1])}"
    failed = (run for run in check.runs if run.status is Status.FAILED)
    return check.detail or next((f"{when(run)}, {run.detail or 'it fails'}" for run in failed), "")


def raised(failure: Failure) -> str:
    """``RuntimeError: shape '[64, -1]' is invalid … (net.py:14, in forward)``."""
    frame = failure.frame
    if frame is None:
        return f"{failure.kind}: {failure.message}"
    function = f", in {frame.function}" if frame.function else ""
    return f"{failure.kind}: {failure.message} ({frame.path}:{frame.line}{function})"


def difference(check: CheckOutcome) -> str:
    """``0.31 at sample 1 (up to 1e-06 would pass)``; empty without any."""
    if check.difference is None:
        return ""
    pair = f" at sample {check.samples[0]}" if check.samples else ""
    if check.samples and check.samples[0] != check.samples[1]:
        pair += f", through sample {check.samples[1]}"
    allowed = f" (up to {check.tolerance:.3g} would pass)" if check.tolerance is not None else ""
    return f"{check.difference:.3g}{pair}{allowed}"


def built(construction: Construction) -> str:
    """``Net(opt.width) (train.py:41)``."""
    part = f", of it {construction.submodule}" if construction.submodule else ""
    origin = f" ({construction.origin})" if construction.origin else ""
    return f"{construction.expression}{part}{origin}"


def graded(target: TargetResult) -> str:
    """``A, from the code: train.py:51``."""
    origin = f": {target.input_origin}" if target.input_origin else ""
    return f"{target.grade.letter}, {GRADES[target.grade]}{origin}"


def kept(report: VerifyReport, *, only_confirmed: bool) -> tuple[Verified, ...]:
    """The findings to report."""
    return tuple(each for each in report.verified if not only_confirmed or each.verdict.verdict is Verdict.CONFIRMED)


def counts(verified: Iterable[Verified]) -> dict[Verdict, int]:
    """How many findings each verdict has."""
    found = dict.fromkeys(Verdict, 0)
    for each in verified:
        found[each.verdict.verdict] += 1
    return found


_KINDS = {"class": ("class", "classes"), "function": ("function", "functions"), "module": ("script", "scripts")}


def summary(report: VerifyReport) -> str:
    """``12 findings: 9 confirmed, 1 refuted, 2 inconclusive; 34 classes run of 36``."""
    number = len(report.verified)
    by_verdict = ", ".join(f"{count} {verdict.value}" for verdict, count in counts(report.verified).items() if count)
    parts = [f"{number} finding{'s' if number != 1 else ''}" + (f": {by_verdict}" if by_verdict else "")]
    for kind, (one, several) in _KINDS.items():
        of_kind = [target for target in report.models if target.kind == kind]
        if of_kind:
            ran = sum(target.stage is Stage.RUN for target in of_kind)
            parts.append(f"{ran} {one if ran == 1 else several} run of {len(of_kind)}")
    return "; ".join(parts)


def memory(amount: float) -> str:
    """``3.4 MiB``."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(amount) >= 1024 and len(units) > 1:
        amount /= 1024
        units.pop(0)
    return f"{amount:.1f}".removesuffix(".0") + f" {units[0]}"


def milliseconds(amount: float) -> str:
    """``0.42 ms``, ``12 ms``, ``1.3 s``."""
    if amount >= 1000:
        return f"{amount / 1000:.3g} s"
    return f"{amount:.2g} ms" if amount < 10 else f"{amount:.0f} ms"


def slope(points: Sequence[tuple[int, float]]) -> float | None:
    """Least squares: by how much the second grows with the first; ``None`` for fewer than two different ones."""
    if len({x for x, _ in points}) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def slopes(profiles: Sequence[Profile]) -> tuple[float | None, float | None]:
    """Milliseconds and bytes for each further sample."""
    peaks = [(each.batch_size, float(each.peak_bytes)) for each in profiles if each.peak_bytes is not None]
    return slope([(each.batch_size, each.milliseconds) for each in profiles]), slope(peaks)


def lines_of(report: VerifyReport, filename: str) -> Mapping[tuple[int | None, int], str]:
    """The quoted lines of one file, as the other reports take them."""
    return {(cell, line): text for (name, cell, line), text in report.quoted.items() if name == filename}
