"""Reproduction scripts, run without anything of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DRIVER = """
import json, os, runpy, sys, tempfile
import torch
torch.set_num_threads(1)
sys.modules["batchlint"] = None  # nothing of ours may be needed
done = []
for path in sys.argv[1:]:
    with tempfile.TemporaryFile("w+") as output:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            sys.argv = [path, "--not-an-option"]
            try:
                runpy.run_path(path, run_name="__main__")
            except SystemExit as error:
                sys.stdout.flush()
                os._exit(error.code or 0)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            os._exit(99)
        status = os.waitpid(child, 0)[1]
        output.seek(0)
        done.append([os.waitstatus_to_exitcode(status), output.read()])
print(json.dumps(done))
"""


def run_all(folder: Path, *sources: str) -> list[tuple[int, str]]:
    """Exit code and output of each script, all in one process that has imported torch."""
    paths = []
    for number, source in enumerate(sources):
        path = folder / f"script_{number}.py"
        path.write_text(source, encoding="utf-8")
        paths.append(str(path))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, "-c", DRIVER, *paths]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=100)
    return [(code, output) for code, output in json.loads(done.stdout)]
