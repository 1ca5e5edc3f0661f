"""Real commands in their own processes, and a source with one known hazard."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parent.parent

HAZARD = """\
import torch
from torch import nn

BATCH_SIZE = 64


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 5)

    def forward(self, x):
        x = self.conv(x)
        return x.view(BATCH_SIZE, -1)
"""
"""BSZ201 at line 14, columns 16 to 37 (1-based, the end exclusive), and nothing else."""

CLEAN = HAZARD.replace("BATCH_SIZE, -1", "x.size(0), -1")


class Run(Protocol):
    def __call__(self, *arguments: str, stdin: str | bytes = "", **environment: str) -> Finished: ...


class Finished:
    """What a command left behind."""

    def __init__(self, process: subprocess.CompletedProcess[bytes]) -> None:
        self.code = process.returncode
        self.out = process.stdout.decode()
        self.err = process.stderr.decode()
        assert "Traceback" not in self.err


def run_command(command: list[str], cwd: Path, stdin: str | bytes = "", **environment: str) -> Finished:
    """Run *command* with this checkout's batchlint and without what the caller's terminal would change."""
    kept = {
        key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "NO_COLOR", "BATCHLINT_DEBUG")
    }
    installed = os.pathsep.join(path for path in (_checkout_unless_installed(), kept.get("PYTHONPATH")) if path)
    env = {**kept, "PYTHONPATH": installed, "PYTHONUTF8": "1", **environment}
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return Finished(
        subprocess.run(command, cwd=cwd, input=data, capture_output=True, env=env, timeout=120, check=False)
    )


def _checkout_unless_installed() -> str:
    """The folder to import batchlint from where it is not installed."""
    import batchlint

    found = Path(batchlint.__file__).resolve().parent.parent
    return str(found) if found == ROOT else ""
