"""A process that runs what it is sent, see `execution`."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Worker:
    """A process that runs instrumented modules; a new one after each that crashed or took too long."""

    def __init__(self, paths: list[str], timeout: float, script: str = "execution.py") -> None:
        self.paths, self.timeout, self.script = paths, timeout, script
        self.process: subprocess.Popen[str] | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="batchlint-shapes-")

    def submit(self, job: Mapping[str, Any]) -> None:
        """Start running the code of *job*."""
        if self.process is None or self.process.poll() is not None:
            script = Path(__file__).with_name(self.script)
            self.process = subprocess.Popen(
                [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, cwd=self.folder.name,
            )  # fmt: skip
            self._send(self.paths)
        self._send(job)

    def _send(self, message: Any) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """What the run saw, or its error."""
        assert self.process is not None
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            ready = selector.select(self.timeout)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.close()
            return {"error": "crashed" if ready else f"not done after {self.timeout:.0f} seconds"}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
