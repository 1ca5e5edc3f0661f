"""The parts of the sandbox one by one, as far as they can be looked at without being shut in."""

from __future__ import annotations

import errno
import os
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchlint.verify.sandbox import audit, holding, kernel, landlock, limits, privileges, seccomp
from batchlint.verify.sandbox.devices import accelerators
from batchlint.verify.sandbox.environment import homes, scrubbed
from batchlint.verify.sandbox.syscall_numbers import MACHINES, numbers
from batchlint.verify.settings import Settings

ALLOWED, KILLED = 0, -1
ME, OTHER = 4321, 1234


def decide(machine: str, name: str, *arguments: int, network: bool = False, architecture: int | None = None) -> int:
    """What the filter says of a system call: an error's number, `ALLOWED` or `KILLED`; interprets the program."""
    parts = (
        *seccomp.PROGRAMS, *seccomp.FORKS, *seccomp.OTHER_PROCESSES, *seccomp.signals(ME), *seccomp.SYSTEM,
        *seccomp.METADATA, *seccomp.SOCKETS, *(seccomp.WITH_NETWORK if network else seccomp.NETWORK),
        *seccomp.TRUNCATION,
    )  # fmt: skip
    program = seccomp.program(machine, parts)
    number = numbers(machine).get(name, 0)
    data = struct.pack(
        "=IIQ6Q",
        number,
        seccomp.ARCHITECTURES[machine] if architecture is None else architecture,
        0,
        *[each & (1 << 64) - 1 for each in (*arguments, 0, 0, 0, 0, 0, 0)[:6]],
    )
    place = accumulator = 0
    while True:
        code, if_true, if_false, operand = struct.unpack_from("=HBBI", program, 8 * place)
        place += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, operand)
        elif code == 0x54:
            accumulator &= operand
        elif code == 0x15:
            place += if_true if accumulator == operand else if_false
        elif code == 0x35:
            place += if_true if accumulator >= operand else if_false
        else:
            assert code == 0x06
            return int({0x7FFF0000: ALLOWED, 0x80000000: KILLED}.get(operand, operand & 0xFFFF))


CALLS = [
    ("execve", (), errno.EPERM),
    ("clone3", (), errno.ENOSYS),
    ("clone", (0x01200011,), errno.EPERM),  # as fork does
    ("clone", (0x003D0F00,), ALLOWED),  # as a new thread does
    ("clone", (0x003D0F00 | 0x10000000,), errno.EPERM),  # a thread in a new user namespace
    ("kill", (ME, 9), ALLOWED),
    ("kill", (0, 9), ALLOWED),
    ("kill", (-ME, 9), ALLOWED),
    ("kill", (-1, 9), errno.EPERM),
    ("kill", (OTHER, 9), errno.EPERM),
    ("kill", (-OTHER, 0), errno.EPERM),
    ("tgkill", (ME, 5000, 6), ALLOWED),
    ("tgkill", (OTHER, OTHER, 6), errno.EPERM),
    ("tkill", (ME, 6), errno.EPERM),
    ("pidfd_open", (OTHER,), errno.EPERM),
    ("prlimit64", (0, 7, 0, 0x7FFF00001000), ALLOWED),
    ("prlimit64", (ME, 7, 0x7FFF00001000, 0), ALLOWED),
    ("prlimit64", (OTHER, 7, 0x7FFF00001000, 0), errno.EPERM),
    ("fcntl", (5, 1030, 100), ALLOWED),
    ("fcntl", (5, 8, OTHER), errno.EPERM),
    ("ioctl", (0, 0x5413), ALLOWED),
    ("ioctl", (0, 0x5412), errno.EPERM),
    ("socket", (2, 1), errno.ENETUNREACH),
    ("socket", (10, 2), errno.ENETUNREACH),
    ("socket", (16, 3), errno.ENETUNREACH),
    ("socket", (17, 3), errno.ENETUNREACH),
    ("socket", (1, 1), errno.EACCES),
    ("socketpair", (1, 1), ALLOWED),
    ("socketpair", (1, 1 | 0o2000000), ALLOWED),
    ("socketpair", (1, 2), errno.EACCES),
    ("socketpair", (30, 1), errno.EACCES),
    ("openat", (-100, 0, os.O_RDONLY), ALLOWED),
    ("openat", (-100, 0, 0o1000 | 0o1 | 0o100), ALLOWED),
    ("openat", (-100, 0, 0o1000), errno.EPERM),
    ("setpriority", (0, ME, 10), ALLOWED),
    ("setpriority", (0, OTHER, 10), errno.EPERM),
    ("no such call, so number 0, which is read or io_setup", (), ALLOWED),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "expected"), CALLS)
def test_filter(machine: str, name: str, arguments: tuple[int, ...], expected: int) -> None:
    assert decide(machine, name, *arguments) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_filter_with_the_network(machine: str) -> None:
    sockets = {family: decide(machine, "socket", family, 1, network=True) for family in (1, 2, 10, 16, 17)}
    assert sockets == {1: errno.EACCES, 2: ALLOWED, 10: ALLOWED, 16: ALLOWED, 17: errno.EACCES}
    assert decide(machine, "connect", 3, network=True) == ALLOWED


def test_filter_kills_what_calls_as_another_machine() -> None:
    assert decide("x86_64", "kill", ME, architecture=seccomp.ARCHITECTURES["aarch64"]) == KILLED
    assert decide("x86_64", "kill", ME, architecture=0x40000003) == KILLED  # 32 bits


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text()))
    table = numbers(machine)
    assert {name: int(known[name]) for name in table if name in known} == {
        name: number for name, number in table.items() if name in known
    }
    assert len(table.keys() & known.keys()) > 90


@pytest.mark.skipif(sys.platform != "linux", reason="Landlock is part of Linux")
@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6, 7])
def test_landlock_asks_for_what_a_version_has(version: int) -> None:
    handled = landlock._handled(version)
    assert bool(handled & landlock.TRUNCATE) == (version >= 3)
    assert bool(handled & landlock.IOCTL_DEVICE) == (version >= 5)
    assert handled & landlock.WRITE_FILE


# The second line


@pytest.fixture
def hook(tmp_path: Path) -> Callable[[str, tuple[object, ...]], None]:
    return audit.hook(str(tmp_path), [audit.WRITES, audit.NETWORK, audit.PROGRAMS])


REFUSED = [
    ("open", ("/etc/x", "w", 0)),
    ("open", ("/etc/x", "r+", 0)),
    ("open", (b"/etc/x", "ab", 0)),
    ("open", ("/etc/x", None, os.O_WRONLY)),
    ("open", ("{inside}/../x", "w", 0)),
    ("open", ("{inside}-too/x", "w", 0)),
    ("os.remove", ("/etc/x", -1)),
    ("os.rename", ("{inside}/x", "/etc/x", -1, -1)),
    ("os.rename", ("/etc/x", "{inside}/x", -1, -1)),
    ("os.symlink", ("{inside}", "/etc/x", -1)),
    ("os.mkdir", ("/etc/x", 0o777, -1)),
    ("shutil.rmtree", ("/etc",)),
    ("socket.__new__", (None, 2, 1, 0)),
    ("socket.connect", (None, ("127.0.0.1", 80))),
    ("subprocess.Popen", ("true", ["true"], None, None)),
    ("os.system", (b"true",)),
    ("os.fork", ()),
    ("os.kill", (1, 9)),
]
LET_THROUGH = [
    ("open", ("/etc/x", "r", 0)),
    ("open", ("/etc/x", None, os.O_RDONLY)),
    ("open", (3, "w", 0)),
    ("open", (os.devnull, "w", 0)),
    ("open", ("{inside}/x", "w", 0)),
    ("open", ("{inside}/deep/er/x", "wb", 0)),
    ("os.remove", ("{inside}/x", -1)),
    ("os.rename", ("{inside}/x", "{inside}/y", -1, -1)),
    ("import", ("json", None, None, None, None)),
    ("compile", (b"", "x")),
]


def _inside(arguments: tuple[object, ...], folder: Path) -> tuple[object, ...]:
    return tuple(each.replace("{inside}", str(folder)) if isinstance(each, str) else each for each in arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="paths")
@pytest.mark.parametrize(("event", "arguments"), REFUSED)
def test_hook_refuses(
    hook: Callable[[str, tuple[object, ...]], None], tmp_path: Path, event: str, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(PermissionError, match="not allowed in batchlint's sandbox"):
        hook(event, _inside(arguments, tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="paths")
@pytest.mark.parametrize(("event", "arguments"), LET_THROUGH)
def test_hook_lets_through(
    hook: Callable[[str, tuple[object, ...]], None], tmp_path: Path, event: str, arguments: tuple[object, ...]
) -> None:
    hook(event, _inside(arguments, tmp_path))


# What is said


def _say(
    monkeypatch: pytest.MonkeyPatch, linux: bool, version: int, filtered: bool, **settings: object
) -> tuple[str, str, list[str]]:
    """What `hold` says on a system that can do this much, without being held; and what the hook has to do."""
    weaker: list[str] = []

    def restrict(*arguments: object) -> int:
        if not version:
            raise OSError(errno.ENOSYS, "none")
        return version

    def filter_calls(*arguments: object) -> None:
        if not filtered:
            raise OSError(errno.ENOSYS, "none")

    monkeypatch.setattr(kernel, "ON_LINUX", linux)
    monkeypatch.setattr(landlock, "restrict", restrict)
    monkeypatch.setattr(seccomp, "restrict", filter_calls)
    monkeypatch.setattr(seccomp, "supported", lambda: filtered)
    monkeypatch.setattr(privileges, "leave_network", lambda: False)
    monkeypatch.setattr(privileges, "forbid_new_privileges", lambda: None)
    monkeypatch.setattr(privileges, "drop_capabilities", lambda: None)
    monkeypatch.setattr(limits, "limit", lambda *arguments, **keywords: linux)
    monkeypatch.setattr(audit, "watch", lambda folder, parts: weaker.extend(parts))
    held = holding.hold("/scratch", Settings(device="cpu", **settings))  # type: ignore[arg-type]
    return "\n".join(held.enforced), "\n".join(held.not_enforced), weaker


def test_with_everything_little_is_not_enforced(monkeypatch: pytest.MonkeyPatch) -> None:
    enforced, not_enforced, weaker = _say(monkeypatch, linux=True, version=7, filtered=True)
    assert [line.split(":")[0] for line in not_enforced.splitlines()] == ["files", "files"]  # reading, and how many
    assert "audit hook" not in enforced
    assert weaker == []


def test_the_network_is_said_to_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    enforced, not_enforced, weaker = _say(monkeypatch, True, 7, True, allow_network=True)
    assert "network: allowed, as asked for" in not_enforced
    assert "network" not in enforced
    assert weaker == []


def test_without_landlock_files_are_for_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    enforced, not_enforced, weaker = _say(monkeypatch, linux=True, version=0, filtered=True)
    assert weaker == [audit.WRITES]
    assert "compiled code can write wherever the user can" in not_enforced
    assert "network: none (seccomp)" in enforced


def test_without_the_filter_processes_and_network_are_for_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    _, not_enforced, weaker = _say(monkeypatch, linux=True, version=4, filtered=False)
    assert weaker == [audit.NETWORK, audit.PROGRAMS]
    assert "network: UDP by compiled code" in not_enforced
    assert "processes: the user's other processes can be signalled" in not_enforced


def test_elsewhere_everything_is_for_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    enforced, not_enforced, weaker = _say(monkeypatch, linux=False, version=0, filtered=False)
    assert weaker == [audit.WRITES, audit.NETWORK, audit.PROGRAMS]
    assert "memory: this system keeps no limit" in not_enforced
    assert enforced.count("audit hook") == 3


# Environment and devices


def test_environment_keeps_what_is_needed_alone() -> None:
    given = {
        "PATH": "/bin", "LD_LIBRARY_PATH": "/lib/cuda", "CUDA_VISIBLE_DEVICES": "1", "HF_TOKEN": "x",
        "AWS_PROFILE": "x", "LD_PRELOAD": "x.so", "PYTHONSTARTUP": "x.py", "HOME": "/home/me",
        "DOCKER_HOST": "x", "PYTHONPATH": "/mine",
    }  # fmt: skip
    kept = scrubbed(given, hide_accelerators=False, allow_network=False)
    assert not kept.keys() & {"HF_TOKEN", "AWS_PROFILE", "LD_PRELOAD", "PYTHONSTARTUP", "HOME", "DOCKER_HOST"}
    assert (kept["PATH"], kept["LD_LIBRARY_PATH"], kept["CUDA_VISIBLE_DEVICES"]) == ("/bin", "/lib/cuda", "1")
    assert kept["PYTHONPATH"].split(os.pathsep)[-1] == "/mine"
    assert kept["OMP_NUM_THREADS"] == "1"
    assert kept["HF_HUB_OFFLINE"] == "1"


def test_environment_hides_accelerators_and_allows_downloads() -> None:
    kept = scrubbed({"CUDA_VISIBLE_DEVICES": "1"}, hide_accelerators=True, allow_network=True)
    assert kept["CUDA_VISIBLE_DEVICES"] == ""
    assert "HF_HUB_OFFLINE" not in kept


def test_weights_that_are_there_are_found(tmp_path: Path) -> None:
    assert scrubbed({"TORCH_HOME": str(tmp_path)}, hide_accelerators=False, allow_network=False)["TORCH_HOME"] == str(
        tmp_path
    )


def test_homes_are_one_folder() -> None:
    assert set(homes("/scratch").values()) == {"/scratch"}


def test_no_accelerator_for_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glob.glob", lambda pattern: [pattern.replace("*", "0")])
    assert accelerators("cpu") == accelerators("meta") == ()
    assert "/dev/nvidia0" in accelerators("cuda:0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert "/dev/nvidia0" in accelerators("auto")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert accelerators("auto") == ()
