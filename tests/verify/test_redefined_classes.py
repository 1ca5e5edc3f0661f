"""A name that a file defines twice, as notebooks do: each finding is run on the definition that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("torch")

from batchlint.runner import WorkItem
from batchlint.verify.outcomes import Verdict
from batchlint.verify.session import verify_files
from batchlint.verify.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.fc = nn.Linear(8 * 16 * 16, 2)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


Net()(torch.randn(2, 3, 16, 16))


class Net(nn.Module):
    def __init__(self, width):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1)
        self.fc = nn.Linear(16 * 8 * 8, 2)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


Net(16)(torch.randn(2, 3, 8, 8))
"""


def test_each_definition_is_run_for_its_own_findings(tmp_path: Path) -> None:
    path = tmp_path / "nets.py"
    path.write_text(TWICE, encoding="utf-8")
    report = verify_files([WorkItem(str(path))], Settings(device="cpu"), jobs=1)
    assert [each.finding.code for each in report.verified] == ["BSZ101", "BSZ101"]
    assert [each.verdict.verdict for each in report.verified] == [Verdict.CONFIRMED] * 2
    inputs = [each.verdict.target.inputs for each in report.verified if each.verdict.target is not None]
    assert inputs == [("x: float32[B, 3, 16, 16]",), ("x: float32[B, 3, 8, 8]",)]
    made = [
        each.verdict.target.construction.expression
        for each in report.verified
        if each.verdict.target is not None and each.verdict.target.construction is not None
    ]
    assert made == ["Net()", "Net(16)"]


def test_a_relative_path_is_as_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets.py").write_text(TWICE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    report = verify_files([WorkItem("nets.py")], Settings(device="cpu"), jobs=1)
    for each in report.verified:
        assert each.verdict.verdict is Verdict.CONFIRMED
        assert each.verdict.target is not None
        assert each.finding.span.line in each.verdict.target.reached_lines
