"""Code that does what it should not: everything else still gets its results, and what is promised holds."""

from __future__ import annotations

import os
import re
import resource
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from workers_at_work import FOLDER, Shared, gone, plan, reason, run, without, workers

from batchlint.runner import usable_cpus
from batchlint.verify import launching
from batchlint.verify.outcomes import Stage
from batchlint.verify.sandbox import kernel, landlock, seccomp
from batchlint.verify.sandbox.syscall_numbers import numbers
from batchlint.verify.workers import Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what holds elsewhere is less: see test_sandbox.py")

held_by_landlock = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
held_by_seccomp = pytest.mark.skipif(not seccomp.supported(), reason="no filter for this machine")


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    workers = Shared()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", FOLDER)
        for name in SECRETS:
            patch.setenv(name, "secret-8d1f")
        yield workers
    workers.close()


@pytest.fixture
def unheld(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Workers on a system with neither Landlock nor seccomp."""
    monkeypatch.setenv("PYTHONPATH", without(tmp_path, "seccomp", "landlock"))
    with workers() as running:
        yield running


SECRETS = ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "MY_OWN_NAME")


# Time


ENDLESS = {
    "a loop": "while True: pass",
    "a loop that catches everything": """
    while True:
        try:
            while True: pass
        except BaseException: pass
    """,
    "a loop in compiled code": "sum(range(10**15))",
    "a regular expression": "__import__('re').match('(a*)*b', 'a' * 60)",
    "a sleep with signals blocked": """
    import signal, time
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    time.sleep(1000)
    """,
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_stopped(shared: Shared, body: str) -> None:
    code = "def attack():\n    " + "\n".join(line for line in body.strip().splitlines())
    said = reason(code, shared.of(seconds_per_target=0.5))
    place = "" if "SIG_BLOCK" in body else r" in `attack` \(users\.py:\d+\)"
    assert re.fullmatch(rf"ran past 0\.5 s{place} and was stopped", said)


def test_loading_that_does_not_end_costs_one_try_for_all_targets(shared: Shared) -> None:
    begin = time.monotonic()
    plans = [plan("while True: pass", "a", "b", "c"), plan("def fine(): return 2", "fine")]
    hanging, other = run(plans, shared.of(seconds_per_target=0.5))
    assert set(hanging.values()) == {
        "while its file was loaded, the process ran past 0.5 s (users.py:1) and was stopped"
    }
    assert other == {"fine": "returned 2"}
    assert time.monotonic() - begin < 3


# Leaving


LEAVING = {
    "os._exit(3)": "left with os._exit(3)",
    "os._exit(0)": "left with os._exit(0)",
    "ctypes.string_at(0)": "was killed by SIGSEGV in `attack` (users.py:6)",
    "os.abort()": "was killed by SIGABRT in `attack` (users.py:6)",
    "os.kill(os.getpid(), 9)": "was killed by SIGKILL, most likely as the machine ran out of memory",
    "sys.exit(2)": "raised SystemExit: 2 at users.py:6",
    "raise_interrupt()": "raised KeyboardInterrupt at users.py:3",
    "faulthandler._stack_overflow()": "was killed by SIGSEGV in `attack` (users.py:6)",
}


@pytest.mark.parametrize("statement", LEAVING)
def test_what_leaves_costs_its_own_target_alone(shared: Shared, statement: str) -> None:
    code = "import ctypes, faulthandler, os, sys\ndef raise_interrupt():\n    raise KeyboardInterrupt\n\n"
    assert reason(f"{code}def attack():\n    {statement}", shared.of()) == LEAVING[statement]


@pytest.mark.parametrize("statement", ["sys.exit('no data')", "os._exit(3)", "ctypes.string_at(0)"])
def test_what_leaves_at_import_costs_its_own_file_alone(shared: Shared, statement: str) -> None:
    plans = [plan(f"import ctypes, os, sys\n{statement}", "a", "b"), plan("def c(): return 3", "c")]
    results = list(shared.of().perform(plans))
    assert [(index, result.qualname, result.stage) for index, result in results] == [
        (0, "a", Stage.NOT_LOADED),
        (0, "b", Stage.NOT_LOADED),
        (1, "c", Stage.RUN),
    ]
    assert results[0][1].reason.startswith("while its file was loaded, the process ")


# Memory


def test_memory_without_end_is_refused_and_the_process_goes_on(shared: Shared) -> None:
    code = """
    def attack():
        held = []
        while True:
            held.append(bytearray(64 << 20))
    """
    assert reason(code, shared.of(memory_bytes=256 << 20, seconds_per_target=10)) == "raised MemoryError: "


def test_memory_shared_with_nobody_is_bounded_too(shared: Shared) -> None:
    code = """
    import mmap
    def attack():
        return mmap.mmap(-1, 1 << 40)
    """
    assert "Cannot allocate memory" in reason(code, shared.of())


def test_memory_that_runs_out_in_a_library_is_told_from_other_aborts(shared: Shared) -> None:
    code = """
    import os
    def attack():
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'")
        os.abort()
    """
    assert reason(code, shared.of()) == "asked for more memory than the 8 GiB it may have"


def test_a_tensor_too_large_is_an_exception(shared: Shared) -> None:
    pytest.importorskip("torch")
    code = """
    import torch
    def attack():
        return torch.zeros(10**12)
    def fine():
        torch.nn.Conv2d(3, 8, 3)(torch.ones(4, 3, 64, 64)).sum().backward()
        return torch.get_num_threads()
    """
    (found,) = run([plan(code, "attack", "fine", framework="torch")], shared.of(seconds_per_target=20))
    assert "can't allocate memory" in found["attack"]
    assert found["fine"] == f"returned {usable_cpus()}"


# Processes


@held_by_seccomp
@pytest.mark.parametrize(
    "call",
    [
        "os.fork()",
        "subprocess.run(['true'])",
        "os.system('true') and 1 / 0",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "multiprocessing.Process(target=print).start()",
        "ctypes.CDLL(None).fork() == -1 and 1 / 0",
        "ctypes.CDLL(None, use_errno=True).syscall(435, 0, 0) == -1 and 1 / 0",
    ],
)
def test_no_process_is_started(shared: Shared, call: str) -> None:
    said = reason(f"import ctypes, multiprocessing, os, subprocess\ndef attack():\n    return {call}", shared.of())
    assert said.startswith(("raised PermissionError", "raised ZeroDivisionError"))


@held_by_seccomp
def test_a_fork_bomb_does_not_go_off(shared: Shared) -> None:
    code = """
    import os
    def attack():
        forked = 0
        for _ in range(1000):
            try:
                forked += os.fork() > 0
            except OSError:
                pass
        return forked
    """
    assert reason(code, shared.of()) == "returned 0"


@held_by_seccomp
@pytest.mark.parametrize("number", [0, 9, 15])
def test_no_other_process_is_signalled(shared: Shared, number: int) -> None:
    code = f"""
    import ctypes, os
    def attack():
        zygote = os.getppid()
        parent = int(open(f"/proc/{{zygote}}/stat").read().rpartition(")")[2].split()[1])
        assert parent == {os.getpid()}
        refused = 0
        libc = ctypes.CDLL(None, use_errno=True)
        for process in (zygote, parent, -1, -zygote, -parent):
            refused += libc.kill(process, {number}) == -1
            refused += libc.syscall({numbers(kernel.machine())["tgkill"]}, process, process, {number}) == -1
        try:
            os.pidfd_open(parent)
        except OSError:
            refused += 1
        return refused
    """
    assert reason(code, shared.of()) == "returned 11"


@held_by_seccomp
@pytest.mark.parametrize(
    "call",
    [
        "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid())",
        "os.chmod(HERE, 0o777)",
        "os.utime(HERE)",
        "os.setxattr(HERE, 'user.x', b'')",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))",
    ],
)
def test_nothing_of_others_is_changed(shared: Shared, call: str) -> None:
    code = f"import fcntl, os, resource\nHERE = {__file__!r}\ndef attack():\n    return {call}"
    before = os.stat(__file__)
    assert reason(code, shared.of()).startswith(("raised PermissionError", "raised ValueError: not allowed"))
    assert os.stat(__file__) == before


FORKS = """
import os, signal, time
def attack():
    child = os.fork()
    if child == 0:
        os._exit(7)
    first = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    child = os.fork()
    if child == 0:
        time.sleep(1000)
    os.kill(child, signal.SIGKILL)
    second = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        left = os.fork()
        if left == 0:
            time.sleep(1000)
        return first, second, left
"""


@held_by_seccomp
@pytest.mark.skipif(landlock.version() < landlock.SCOPES_SINCE, reason="signals are not kept within by this kernel")
def test_only_for_the_largest_batch_copies_may_be_made(shared: Shared) -> None:
    said = reason(FORKS, shared.of(largest_batch=True))
    assert said.startswith("returned (7, -9, ")
    assert gone(int(said.rpartition(" ")[2].strip(")")))
    assert reason(FORKS, shared.of()).startswith("raised PermissionError")


@held_by_seccomp
def test_rights_of_an_administrator_are_given_up(shared: Shared) -> None:
    code = """
    def attack():
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        rights = int(status["CapEff"], 16) | int(status["CapPrm"], 16) | int(status["CapInh"], 16)
        return rights & ~4, status["NoNewPrivs"].strip(), status["Seccomp"].strip()
    """
    assert reason(code, shared.of()) == "returned (0, '1', '2')"


def test_what_is_started_without_the_filter_is_killed(unheld: Workers) -> None:
    code = """
    import ctypes, os, time
    def attack():
        libc = ctypes.CDLL(None)
        born = []
        for number in range(10):
            mine, theirs = os.pipe()
            if libc.fork() == 0:
                if number % 2:
                    os.setsid()
                if libc.fork() == 0:
                    os.write(theirs, str(os.getpid()).encode())
                    time.sleep(1000)
                os._exit(0)
            born.append(int(os.read(mine, 10)))
        return born
    """
    said = reason(code, unheld)
    born = [int(each) for each in re.findall(r"\d+", said.removeprefix("returned "))]
    assert len(born) == 10
    assert all(gone(each) for each in born)


KILLS_ZYGOTE = """
import ctypes, os, time
def attack():
    ctypes.CDLL(None).kill(os.getppid(), 9)
    time.sleep(10)
"""


def test_a_zygote_that_is_killed_is_replaced(unheld: Workers) -> None:
    assert reason(KILLS_ZYGOTE, unheld) == "was lost with the process that starts workers"


def test_zygotes_that_are_killed_forever_are_given_up(unheld: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "RESTARTS", 2)
    found = run([plan(KILLS_ZYGOTE, "attack", path=f"{number}.py") for number in range(3)], unheld)
    assert [each["attack"] for each in found] == [
        "was lost with the process that starts workers",
        *["could not be run: the process that starts workers died 3 times"] * 2,
    ]


# Files


@held_by_landlock
def test_files_are_written_in_the_scratch_folder_alone(shared: Shared, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    places = [
        Path.home(),
        tmp_path,
        Path.cwd(),
        Path("/tmp"),
        Path("/var/tmp"),
        Path("/dev/shm"),
        Path("/"),
        Path("/etc"),
    ]
    code = f"""
    import os, tempfile
    KEPT = {str(kept)!r}
    def refused(act):
        try:
            act()
        except OSError:
            return 1
        return 0
    def attack():
        count = sum(map(refused, (
            lambda: os.remove(KEPT),
            lambda: os.truncate(KEPT, 0),
            lambda: open(KEPT, "a"),
            lambda: os.open(KEPT, os.O_RDONLY | os.O_TRUNC),
            lambda: os.rename(KEPT, "mine.txt"),
            lambda: os.link(KEPT, "mine.txt"),
        )))
        for place in {[str(place) for place in places]!r}:
            new = place + "/batchlint-was-here"
            count += sum(map(refused, (
                lambda: open(new, "w"),
                lambda: os.mkdir(new),
                lambda: os.symlink("/", new),
                lambda: os.mkfifo(new),
                lambda: os.rename(KEPT, new),
            )))
        for place in (os.path.expanduser("~"), tempfile.gettempdir(), "."):
            open(os.path.join(place, "mine.txt"), "w").write("mine")
        return count
    """
    assert reason(code, shared.of()) == f"returned {6 + 5 * len(places)}"
    assert kept.read_text() == "kept"
    assert not any((place / "batchlint-was-here").exists() for place in places)


def test_a_file_is_not_written_without_end(shared: Shared) -> None:
    code = """
    def attack():
        with open("large", "wb") as file:
            file.truncate(100 << 30)
    """
    assert "File too large" in reason(code, shared.of())


@held_by_landlock
def test_workers_cannot_reach_each_others_files(shared: Shared) -> None:
    code = """
    import os
    def attack():
        return open(os.path.join(os.path.dirname(os.getcwd()), "processes", "x.py"), "w")
    """
    assert reason(code, shared.of()).startswith("raised PermissionError")


# Secrets


def test_no_secret_is_in_the_environment(shared: Shared) -> None:
    assert os.environ["HF_TOKEN"] == "secret-8d1f"
    code = "import os\ndef attack():\n    return 'secret-8d1f' in str(os.environ) + open('/proc/self/environ').read()"
    assert reason(code, shared.of()) == "returned False"


@held_by_landlock
def test_the_environment_of_other_processes_is_not_read(shared: Shared) -> None:
    code = f"import os\ndef attack():\n    return open('/proc/{os.getpid()}/environ').read()"
    assert reason(code, shared.of()).startswith("raised PermissionError")


# Network


@pytest.fixture
def listener() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.2)
    return listening


def _connects(listening: socket.socket) -> str:
    port = listening.getsockname()[1]
    return f"import socket\ndef attack():\n    return socket.create_connection(('127.0.0.1', {port}), 1)"


@held_by_seccomp
def test_the_network_is_refused(shared: Shared, listener: socket.socket) -> None:
    with listener:
        assert reason(_connects(listener), shared.of()) == "raised OSError: [Errno 101] Network is unreachable"
        with pytest.raises(TimeoutError):
            listener.accept()


def test_the_network_is_refused_to_python_without_the_filter(unheld: Workers, listener: socket.socket) -> None:
    with listener:
        assert "is not allowed in batchlint's sandbox" in reason(_connects(listener), unheld)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_the_network_can_be_allowed(shared: Shared, listener: socket.socket) -> None:
    with listener:
        assert reason(_connects(listener), shared.of(allow_network=True)).startswith("returned <socket")
        listener.accept()[0].close()


@held_by_seccomp
@pytest.mark.parametrize("allowed", [False, True])
def test_local_sockets_are_refused_with_and_without_the_network(shared: Shared, allowed: bool, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiving:
        listening.bind(str(tmp_path / "stream"))
        listening.listen()
        listening.settimeout(0.2)
        receiving.bind(str(tmp_path / "datagrams"))
        receiving.settimeout(0.2)
        code = f"""
        import socket
        STREAM, DATAGRAMS = {str(tmp_path / "stream")!r}, {str(tmp_path / "datagrams")!r}
        def attack():
            refused = 0
            for act in (
                lambda: socket.socket(socket.AF_UNIX).connect(STREAM),
                lambda: socket.socketpair()[0].connect(STREAM),
                lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", DATAGRAMS),
                lambda: socket.socketpair()[0].sendto(b"x", DATAGRAMS),
            ):
                try:
                    act()
                except OSError:
                    refused += 1
            one, other = socket.socketpair()
            one.send(b"within")
            return refused, other.recv(10)
        """
        assert reason(code, shared.of(allow_network=allowed)) == "returned (4, b'within')"
        with pytest.raises(TimeoutError):
            listening.accept()
        with pytest.raises(TimeoutError):
            receiving.recv(1)


# The parent's memory, and its trust


def test_a_flood_of_output_neither_fills_nor_blocks_anything(shared: Shared) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    code = """
    import os, sys
    def attack():
        for _ in range(2000):
            os.write(1, b"x" * 65536)
            print("y" * 65536, file=sys.stderr)
    """
    assert reason(code, shared.of(seconds_per_target=20)) == "returned None"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 << 10


def test_a_flood_without_end_is_stopped(shared: Shared) -> None:
    code = "import os\ndef attack():\n    while True: os.write(1, b'x' * 65536)"
    assert reason(code, shared.of(seconds_per_target=0.5)) == "ran past 0.5 s and was stopped"


def test_input_is_empty(shared: Shared) -> None:
    assert reason("def attack(): return input()", shared.of()).startswith("raised EOFError")


UNSENDABLE = {
    "a result that holds an object": "replace(result, reason=object())",
    "a result that holds itself": "replace(result, checks=(endless,))",
    "a result of the wrong type": "replace(result, stage='run away')",
    "a result with a number too large": "replace(result, milliseconds='9' * 10000)",
    "a result of nobody": "replace(result, qualname='other')",
    "no result": "'a string'",
    "nothing": "None",
    "a result too large": "replace(result, reason='x' * (20 << 20))",
}


@pytest.mark.parametrize("made", UNSENDABLE.values(), ids=UNSENDABLE)
def test_what_is_no_result_is_refused(shared: Shared, made: str) -> None:
    # What performs is changed by the user's code, which shares its process.
    code = f"""
    import hostile_performer, sys
    from dataclasses import replace
    endless = []
    endless.append(endless)
    def attack():
        make = hostile_performer.TargetResult
        def spoil(*arguments, **keywords):
            result = make(*arguments, **keywords)
            return {made}
        hostile_performer.TargetResult = spoil
    """
    assert reason(code, shared.of()).startswith("sent something that is no result")


def test_what_else_gets_into_the_pipe_is_refused(shared: Shared) -> None:
    code = """
    import os
    def attack():
        for descriptor in range(3, 2000):
            try:
                os.write(descriptor, b'{"kind": "Finished", "body": {}}' * 10)
            except OSError:
                pass
    """
    assert reason(code, shared.of()) == "sent something that is no result (something without the header of a message)"


def test_closing_the_pipe_costs_the_target_alone(shared: Shared) -> None:
    code = "import os\ndef attack():\n    os.closerange(0, 2000)"
    assert reason(code, shared.of()) == "closed the pipe that its results go through"


def test_no_descriptor_of_the_parent_is_inherited(shared: Shared) -> None:
    secret = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        code = "import os\ndef attack():\n    return sorted(map(int, os.listdir('/proc/self/fd')))"
        said = reason(code, shared.of())
    finally:
        os.close(secret)
    # Standard input and outputs, the folder being listed, and the pipe, somewhere.
    numbers = [int(each) for each in re.findall(r"\d+", said)]
    assert numbers[:4] == [0, 1, 2, 3]
    assert len(numbers) == 5
    assert numbers[4] >= 64


def test_handlers_and_threads_do_not_outlive_the_work(shared: Shared) -> None:
    code = """
    import atexit, threading, time
    def attack():
        atexit.register(time.sleep, 100)
        threading.Thread(target=time.sleep, args=(100,)).start()
    """
    begin = time.monotonic()
    assert reason(code, shared.of()) == "returned None"
    assert time.monotonic() - begin < 5


def test_results_say_what_held(shared: Shared) -> None:
    enforced, not_enforced = shared.of().sandbox
    ((_, result),) = shared.of().perform([plan("def fine(): return 1", "fine")])
    assert result.environment is not None
    assert (result.environment.sandbox, result.environment.not_enforced) == (enforced, not_enforced)
    assert any(line.startswith("files: written in a temporary folder alone") for line in enforced)
