"""Many files: the same results in the same order however many processes, and no file that takes others with it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from batchlint import engine, runner
from batchlint.engine import CheckResult
from batchlint.findings import Problem
from batchlint.rules.selection import Selection
from batchlint.runner import WorkItem, check_item, check_items

needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="replaces a function, which only forked workers see")


def fake_check_bytes(
    data: bytes, filename: str, selection: Selection, ignored: tuple[str, ...], *, show_latent: bool
) -> CheckResult:
    """Say which file it was; die where the file says so."""
    if b"die" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    if b"raise" in data:
        raise ValueError("raised")
    if b"where" in data:
        return CheckResult(warnings=(Problem(filename, str(os.getpid())),))
    return CheckResult(warnings=(Problem(filename, f"{len(data)} bytes"),))


@pytest.fixture
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "check_bytes", fake_check_bytes)
    monkeypatch.setattr(engine, "preload", lambda: None)


def items(*bodies: str) -> list[WorkItem]:
    return [WorkItem(f"{number}.py", data=f"import torch\n{body}\n".encode()) for number, body in enumerate(bodies)]


@needs_fork
@pytest.mark.usefixtures("_fake")
def test_results_keep_the_order_of_the_items() -> None:
    todo = items(*("x" * (97 * number % 53) for number in range(60)))
    expected = [check_item(item) for item in todo]
    assert check_items(todo, jobs=1) == expected
    assert check_items(todo, jobs=2) == expected
    assert check_items(todo, jobs=5) == expected


@needs_fork
@pytest.mark.usefixtures("_fake")
@pytest.mark.parametrize("deadly", [{0}, {17}, {3, 4, 30}, {39}])
def test_a_worker_that_dies_costs_its_file_alone(deadly: set[int]) -> None:
    todo = items(*("die" if number in deadly else "fine" for number in range(40)))
    results = check_items(todo, jobs=3)
    died = {number for number, result in enumerate(results) if result.problems}
    assert died == deadly
    assert {problem.message for number in deadly for problem in results[number].problems} == {
        "the process that checked this file died; exclude the file, and please report it"
    }
    assert [result.warnings[0].filename for number, result in enumerate(results) if number not in deadly] == [
        f"{number}.py" for number in range(40) if number not in deadly
    ]


@needs_fork
@pytest.mark.usefixtures("_fake")
def test_an_exception_in_a_worker_is_a_problem_of_its_file() -> None:
    results = check_items(items(*["fine"] * 20, "raise"), jobs=2)
    assert [bool(result.problems) for result in results] == [False] * 20 + [True]
    assert results[20].problems[0].message.startswith("internal error: ValueError: raised")


@needs_fork
@pytest.mark.usefixtures("_fake")
def test_few_files_stay_in_this_process() -> None:
    here = str(os.getpid())
    assert {result.warnings[0].message for result in check_items(items(*["where"] * 5), jobs=4)} == {here}
    assert here not in {result.warnings[0].message for result in check_items(items(*["where"] * 40), jobs=4)}
    assert {result.warnings[0].message for result in check_items(items(*["where"] * 40), jobs=1)} == {here}


@needs_fork
@pytest.mark.usefixtures("_fake")
@pytest.mark.parametrize("jobs", [1, 3])
def test_progress_counts_every_item_once(jobs: int) -> None:
    told: list[tuple[int, int]] = []
    todo = [*items(*["fine"] * 30), WorkItem("plain.py", data=b"import os\n")]
    check_items(todo, jobs, lambda done, total: told.append((done, total)))
    assert told == [(done, 31) for done in range(1, 32)]


def test_workers_that_are_started_anew_find_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import multiprocessing

    for number in range(14):
        (tmp_path / f"{number:02}.py").write_text("import torch\n" + ("def f(:\n" if number % 2 else "x = 1\n"))
    todo = [WorkItem(str(path)) for path in sorted(tmp_path.iterdir())]
    in_process = check_items(todo, jobs=1)
    monkeypatch.setattr(runner, "_context", lambda: multiprocessing.get_context("spawn"))
    assert check_items(todo, jobs=2) == in_process
    assert [len(result.problems) for result in in_process] == [0, 1] * 7


def test_a_file_that_went_away_is_a_problem(tmp_path: Path) -> None:
    result = check_item(WorkItem(str(tmp_path / "gone.py")))
    assert [problem.message for problem in result.problems] == ["no such file or directory"]


def test_no_items_no_results() -> None:
    assert check_items([]) == []
