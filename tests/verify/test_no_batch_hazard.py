"""What is said of batches and is not so: code that is broken at every batch size, layers and losses that take any."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from batchlint.findings import Finding, Problem, Span
from batchlint.rules.registry import all_rules
from batchlint.source.source import read_source
from batchlint.verify.outcomes import FindingVerdict, Verdict
from batchlint.verify.session import verify_findings
from batchlint.verify.settings import Settings
from commands import ROOT

FIXTURES = ROOT / "fixtures"
TWO_AXES = {
    "torch": (FIXTURES / "fixed_batch_reshape/safe_permute_of_two_axes.py", "x.permute("),
    "tensorflow": (FIXTURES / "fixed_batch_reshape/safe_keras_transpose_of_two_axes.py", "tf.transpose("),
}
INSTALLED = [name for name in TWO_AXES if importlib.util.find_spec(name) is not None]
if not INSTALLED:
    pytest.skip("no framework is installed", allow_module_level=True)

NORM = {
    "torch": """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.norm = nn.BatchNorm1d(16)

    def forward(self, x):
        return self.norm(self.hidden(x))
""",
    "tensorflow": """
from tensorflow import keras

class Block(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(16)
        self.norm = keras.layers.BatchNormalization()

    def call(self, x, training=False):
        return self.norm(self.hidden(x), training=training)
""",
}


def verified(path: Path, *arguments: str) -> str:
    """What the command line says of a file, in one line."""
    command = [sys.executable, "-m", "batchlint", "verify", "-q", "--isolated", "--all-models", "--device", "cpu"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400"}
    done = subprocess.run(
        [*command, *arguments, str(path)], capture_output=True, text=True, env=environment, cwd=path.parent, timeout=120
    )
    assert done.returncode in (0, 1), done.stderr
    return " ".join(done.stdout.split())


def verdict_at(path: Path, code: str, marker: str) -> FindingVerdict:
    """The verdict on a finding at the first line with *marker*."""
    source = read_source(path)
    assert not isinstance(source, Problem)
    number, line = next((number, line) for number, line in enumerate(source.lines, 1) if marker in line)
    rule = next(rule for rule in all_rules() if rule.code == code)
    span = Span(number, line.index(marker) + 1, number, len(line) + 1)
    finding = Finding(code, rule.name, "", rule.severity, span, str(path), statement_line=number)
    (found,) = verify_findings([(source, [finding])], Settings(device="cpu")).verified
    return found.verdict


@pytest.mark.parametrize("framework", INSTALLED)
def test_a_permutation_of_three_axes_of_two_is_no_matter_of_batches(framework: str) -> None:
    path, _ = TWO_AXES[framework]
    said = verified(path)
    assert re.search(r"float32\[B, 8\] \(.*:\d+\) raises at every batch size, 4, 1, 2, 3 and 5", said)
    assert "so that it is no batch hazard" in said
    told = verified(path, "--input", "x: float32[B, 8]")
    assert "x: float32[B, 8] (--input) raises at every batch size" in told
    assert "no batch hazard" in told


@pytest.mark.parametrize("framework", INSTALLED)
def test_a_finding_at_what_is_broken_at_every_batch_size_is_not_confirmed(framework: str) -> None:
    path, marker = TWO_AXES[framework]
    verdict = verdict_at(path, "BSZ201", marker)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert verdict.reason.startswith("broken at every batch size, which is no batch hazard: ")


@pytest.mark.parametrize("framework", INSTALLED)
def test_batch_normalisation_takes_other_batch_sizes_but_not_one_value_in_training(
    framework: str, tmp_path: Path
) -> None:
    path = tmp_path / "block.py"
    path.write_text(NORM[framework])
    said = verified(path, "--input", "x: float32[B, 8]")
    assert "4, 1, 2, 3, 5, 7 ok · train mode" in said
    failing = {
        "torch": "Expected more than 1 value per channel when training",
        "tensorflow": "one row gives the same output whatever is in it",  # Keras does not raise
    }
    assert f"train mode at batch size 1: {'with train mode, ValueError: ' * (framework == 'torch')}" in said
    assert failing[framework] in said
