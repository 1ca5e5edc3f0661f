"""Plans in, results out: who runs when, in which process, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from workers_at_work import FOLDER, eventually, gone, plan, processes, quick, run, workers

from batchlint.verify.endings import place
from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Status
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.workers import FrameworkMissing, Workers, _preloads

FORKS = sys.platform == "linux"
WAYS = [pytest.param(True, marks=pytest.mark.skipif(not FORKS, reason="forks on Linux alone")), False]

FINE = "import os\ndef fine(): return 1\ndef who(): return os.getpid()\ndef parent(): return os.getppid()"


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of modules that workers can import."""
    modules = tmp_path / "modules"
    modules.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([FOLDER, str(modules)]))
    return modules


@pytest.fixture(params=WAYS, ids=lambda fork: "forked" if fork else "spawned")
def running(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with workers(quick(seconds_per_target=5), 2, fork=request.param) as each:
        yield each


def test_each_wanted_target_gets_a_result(running: Workers) -> None:
    whole = plan(FINE, "fine", "who", "parent")
    some = replace(whole, targets=(whole.targets[0], replace(whole.targets[1], wanted=False), whole.targets[2]))
    none = replace(whole, targets=tuple(replace(target, wanted=False) for target in whole.targets))
    found = [(index, result.qualname) for index, result in running.perform([whole, some, none])]
    assert sorted(found) == [(0, "fine"), (0, "parent"), (0, "who"), (1, "fine"), (1, "parent")]


def test_the_rest_of_a_file_goes_on_in_another_process(running: Workers) -> None:
    code = FINE + "\ndef leave(): os._exit(5)\ndef hang():\n    import time\n    time.sleep(100)"
    (found,) = run([plan(code, "fine", "leave", "who", "parent")], running)
    assert found["leave"] == "left with os._exit(5)"
    assert found["fine"] == "returned 1"


@pytest.mark.parametrize(("body", "expected"), [("os._exit(4)", "returned 1"), ("return 0", "returned 1")])
def test_what_ends_the_process_for_the_sake_of_others_is_left_out(body: str, expected: str) -> None:
    whole = plan(f"import os\ndef parent(): {body}\ndef child(): return 1", "parent", "child")
    whole = replace(whole, targets=(replace(whole.targets[0], wanted=False, kind="class"), whole.targets[1]))
    with workers(performer="hostile_performer:with_parents") as running:
        assert [(each.qualname, each.reason) for _, each in running.perform([whole])] == [("child", expected)]


def test_several_files_run_at_once(running: Workers) -> None:
    code = """
    import time
    def when():
        begin = time.monotonic()
        time.sleep(0.7)
        return begin, time.monotonic()
    """
    first, second = (each["when"].removeprefix("returned ") for each in run([plan(code, "when")] * 2, running))
    (begin, end), (other_begin, other_end) = eval(first), eval(second)
    assert max(begin, other_begin) < min(end, other_end)


def test_a_result_that_spoils_the_process_ends_it(running: Workers) -> None:
    code = """
    import hostile_performer, os, time
    from batchlint.verify.outcomes import BatchOutcome, CheckOutcome, Failure, Status
    def spoil():
        make = hostile_performer.TargetResult
        failure = Failure("RuntimeError", "CUDA error: device-side assert triggered", fatal=True)
        check = CheckOutcome("crash", Status.UNDECIDED, runs=(BatchOutcome(2, Status.UNDECIDED, failure=failure),))
        hostile_performer.TargetResult = lambda *arguments, **keywords: make(*arguments, checks=(check,), **keywords)
        return os.getpid()
    def who():
        return os.getpid()
    """
    results = {result.qualname: result for _, result in running.perform([plan(code, "spoil", "who")])}
    expected = Failure("RuntimeError", "CUDA error: device-side assert triggered", fatal=True)
    run_of_it = BatchOutcome(2, Status.UNDECIDED, failure=expected)
    assert results["spoil"].checks == (CheckOutcome("crash", Status.UNDECIDED, runs=(run_of_it,)),)
    assert results["who"].checks == ()
    assert results["who"].reason != results["spoil"].reason


def test_a_framework_that_is_not_installed_is_an_error(running: Workers) -> None:
    with pytest.raises(FrameworkMissing, match=r"no_such_framework, but it is not installed: pip install"):
        list(running.perform([plan(FINE, "fine", framework="no_such_framework")]))
    assert run([plan(FINE, "fine")], running) == [{"fine": "returned 1"}]


def test_a_framework_that_cannot_be_imported_is_an_error(running: Workers, path: Path) -> None:
    (path / "broken_framework.py").write_text("raise OSError('libcudart.so.12: cannot open')")
    with pytest.raises(FrameworkMissing, match=r"importing it raises OSError: libcudart.so.12: cannot open"):
        list(running.perform([plan(FINE, "fine", framework="broken_framework")]))


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_a_framework_whose_import_ends_the_process_is_an_error(path: Path) -> None:
    (path / "deadly_framework.py").write_text("import os\nos._exit(1)")
    with workers() as running, pytest.raises(FrameworkMissing, match="importing it ends the process"):
        list(running.perform([plan(FINE, "fine", framework="deadly_framework")]))


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_a_framework_can_be_imported_ahead(path: Path, tmp_path: Path) -> None:
    log = tmp_path / "imports"
    (path / "slow_framework.py").write_text(f"import time\ntime.sleep(1.5)\nopen({str(log)!r}, 'a').write('x')")
    with workers() as running:
        begin = time.monotonic()
        running.warm("slow_framework")
        assert time.monotonic() - begin < 1.4
        assert run([plan(FINE, "fine", framework="slow_framework")], running) == [{"fine": "returned 1"}]
        running.warm("no_such_framework")
        assert run([plan(FINE, "fine")], running) == [{"fine": "returned 1"}]
    assert log.read_text() == "x"


def test_the_error_for_torch_says_what_to_install() -> None:
    assert str(FrameworkMissing("torch", "it is not installed")) == (
        'running code needs torch, but it is not installed: pip install "batchlint[torch]"'
    )


@pytest.mark.skipif(not FORKS, reason="forks on Linux alone")
def test_the_framework_is_imported_once_and_only_when_it_is_needed(path: Path, tmp_path: Path) -> None:
    log = tmp_path / "imports"
    log.touch()
    (path / "counted_framework.py").write_text(f"open({str(log)!r}, 'a').write('x')")
    with workers() as running:
        assert running.sandbox[0]
        run([plan(FINE, "fine")], running)
        assert log.read_text() == ""
        run([plan(FINE, "fine", framework="counted_framework")] * 3, running)
        run([plan(FINE, "fine", framework="counted_framework")] * 3, running)
    assert log.read_text() == "x"


def test_nothing_is_started_for_nothing() -> None:
    with Workers(quick(), python="/no/such/python") as running:
        assert list(running.perform([])) == []
        assert list(running.perform([FilePlan("a.py", "")])) == []


def test_packages_of_the_user_are_not_imported_before(tmp_path: Path) -> None:
    text = "import numpy\nfrom torchvision.models import resnet18\nimport einops, os\n"
    assert _preloads(FilePlan("a.py", text)) == ["numpy", "torchvision", "einops"]
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "einops.py").touch()
    assert _preloads(FilePlan("a.py", text, roots=(str(tmp_path),))) == ["numpy"]


# Nothing is left

SLEEPER = "import time\ndef sleep(): time.sleep(100)"


def _folders(folder: Path) -> list[Path]:
    return list(folder.glob("batchlint-*"))


@pytest.mark.parametrize("fork", WAYS)
def test_leaving_early_leaves_nothing(fork: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with workers(quick(seconds_per_target=60), 2, fork) as running:
        results = running.perform([plan(FINE, "fine"), plan(SLEEPER, "sleep"), plan(SLEEPER, "sleep")])
        assert next(results)[0] == 0
        assert isinstance(results, Generator)
        results.close()
        assert run([plan(FINE, "fine")], running) == [{"fine": "returned 1"}]
        assert _folders(tmp_path)
    assert not _folders(tmp_path)
    assert not processes(str(tmp_path))


PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background is started with it ignored
sys.path[:0] = [{tests!r}]
from workers_at_work import plan, quick, workers
code = '''
import os, time
def who(): return os.getpid()
def sleep(): time.sleep(100)
'''
with workers(quick(seconds_per_target=60), fork={fork}) as running:
    for index, result in running.perform([plan(code, "who", "sleep")]):
        print(result.reason.split()[1], flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("fork", "number"),
    [
        (False, signal.SIGINT),
        *([(True, signal.SIGINT), (True, signal.SIGTERM), (True, signal.SIGKILL)] if FORKS else []),
    ],
)
def test_an_interrupted_run_leaves_nothing(fork: bool, number: signal.Signals, tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join([root, environment["PYTHONPATH"]])
    program = textwrap.dedent(PROGRAM).format(tests=FOLDER, fork=fork)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as popen:
        assert popen.stdout is not None
        worker = int(popen.stdout.readline())
        time.sleep(0.1)
        popen.send_signal(number)
        popen.wait(20)
    assert eventually(lambda: gone(worker))
    assert eventually(lambda: not processes(str(tmp_path)))
    assert eventually(lambda: not _folders(tmp_path))


# Time and memory as the parent sees them


def test_the_time_of_whoever_takes_results_is_no_workers() -> None:
    code = "import time\ndef first(): return 1\ndef second(): time.sleep(0.5)\ndef third(): time.sleep(0.5)"
    found = []
    with workers(quick(seconds_per_target=1.5)) as running:
        for _, result in running.perform([plan(code, "first", "second", "third")]):
            found.append(result.reason)
            time.sleep(1.7 if len(found) == 1 else 0)
    assert found == ["returned 1", "returned None", "returned None"]


@pytest.mark.skipif(not FORKS, reason="reads /proc")
def test_memory_is_watched_where_the_system_cannot_bound_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlint.verify.workers.accelerators", lambda device: ("/dev/null",))
    code = """
    import time
    def large():
        held = bytearray(b"x") * (240 << 20)
        time.sleep(20)
    def fine(): return 1
    """
    with workers(quick(seconds_per_target=20, memory_bytes=200 << 20)) as running:
        (found,) = run([plan(code, "large", "fine")], running)
    assert found == {"large": "raised MemoryError: ", "fine": "returned 1"}
    # What is just below the bound raises nothing, but stands beside the interpreter itself in the resident set.
    code = code.replace("240 << 20", "198 << 20")
    with workers(quick(seconds_per_target=20, memory_bytes=200 << 20)) as running:
        (found,) = run([plan(code, "large", "fine")], running)
    assert found == {"large": "asked for more memory than the 200 MiB it may have", "fine": "returned 1"}


def test_folders_that_cannot_be_looked_into_are_removed(
    running: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = """
    import os
    def hide():
        os.makedirs("a/b")
        open("a/b/c", "w").close()
        os.mkdir("d", 0)
    """
    assert run([plan(code, "hide")], running) == [{"hide": "returned None"}]
    running.close()
    assert not _folders(tmp_path)


def test_the_place_is_the_innermost_of_the_users_own() -> None:
    output = """an error
Fatal Python error: Segmentation fault

Current thread 0x00007f (most recent call first):
  File "/project/.venv/lib/python3.11/site-packages/torch/nn/modules/linear.py", line 125 in forward
  File "/project/models/net.py", line 7 in forward
  File "/project/train.py", line 3 in <module>
"""
    assert place(output, FilePlan("train.py", "", roots=("/project",))) == " in `forward` (/project/models/net.py:7)"
    assert place(output, FilePlan("/project/train.py", "")) == " (/project/train.py:3)"
    assert place("nothing", FilePlan("train.py", "")) == ""
