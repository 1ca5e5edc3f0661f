"""Reading never blocks, and says in one line why it cannot be done."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from batchlint.source.reading import UnreadableSource, read_bytes

if TYPE_CHECKING:
    from pathlib import Path


def reason(path: Path | str) -> str:
    with pytest.raises(UnreadableSource) as refused:
        read_bytes(path)
    assert "\n" not in refused.value.message
    return refused.value.message


def test_every_byte_of_a_regular_file_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfx = 1\r\n\x00")
    assert read_bytes(path) == b"\xef\xbb\xbfx = 1\r\n\x00"


def test_an_absent_file(tmp_path: Path) -> None:
    assert reason(tmp_path / "absent.py") == "no such file or directory"


def test_a_folder(tmp_path: Path) -> None:
    assert reason(tmp_path) == "not a regular file but a folder"


def test_a_named_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe.py"
    os.mkfifo(path)
    assert reason(path) == "not a regular file but a named pipe"


def test_a_device_that_never_ends_is_refused() -> None:
    assert reason("/dev/zero") == "not a regular file but a device"


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path has at most some hundred characters
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.py")
        assert reason("s.py") == "not a regular file but a socket"


def test_a_link_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "loop.py"
    path.symlink_to("loop.py")
    assert reason(path) == "too many levels of symbolic links"


def test_a_file_that_may_not_be_read(without_privileges: Path) -> None:
    path = without_privileges / "secret.py"
    path.touch(mode=0)
    assert reason(path) == "permission denied"


def test_a_name_that_no_file_can_have() -> None:
    assert reason("a\0.py") == "a path cannot hold NUL characters"
