"""`batchlint.testing.assert_batch_safe` in a user's test, and the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import batchlint  # noqa: E402
from batchlint.testing import BatchHazard, assert_batch_safe  # noqa: E402


class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.view(4, 8))


def test_a_safe_model_gives_its_report() -> None:
    report = assert_batch_safe(torch.nn.Linear(8, 3), torch.randn(4, 8), batch_sizes=(1, 7))
    assert report.batch_sizes == (4, 1, 7)


def test_a_hazard_is_an_assertion_with_sizes_and_the_users_line() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_batch_safe(Net(), torch.randn(4, 8))
    assert isinstance(caught.value, BatchHazard)
    message = str(caught.value)
    assert "raises at 1, 2, 3, 5 and 7 rows" in message
    assert f"{__file__}:{line_of('return self.layer(x.view(4, 8))')}: in forward" in message
    assert ">     return self.layer(x.view(4, 8))" in message


def line_of(text: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip() == text)


def test_a_model_that_cannot_be_run_does_not_pass() -> None:
    with pytest.raises(BatchHazard, match="could not be checked: raises at every batch size"):
        assert_batch_safe(torch.nn.Linear(7, 3), torch.randn(4, 8))


def test_it_fails_a_users_test_without_the_frames_of_batchlint(tmp_path: Path) -> None:
    file = tmp_path / "test_users.py"
    file.write_text(
        "import torch\n"
        "from batchlint.testing import assert_batch_safe\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x.view(4, -1).sum(1)\n"
        "def test_net():\n"
        "    assert_batch_safe(Net(), torch.randn(4, 6), checks=['crash at batch sizes'])\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(Path(str(batchlint.__file__)).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert "BatchHazard: Net is not safe at every batch size" in done.stdout
    assert "return x.view(4, -1).sum(1)" in done.stdout
    assert "verify/worker/model.py" not in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        "batchlint.testing",
        "batchlint.verify.worker.model",
        "batchlint.verify.worker.device",
        "batchlint.verify.worker.preflight",
    ],
)
def test_the_examples_in_docstrings_run(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    failures, tried = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert tried
    assert not failures
