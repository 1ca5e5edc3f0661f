"""Real workers for Keras and TensorFlow: one warm process for each framework, each with what its files use alone."""

from __future__ import annotations

import ast
import importlib.util
import textwrap
from pathlib import Path

import pytest

from batchlint.verify.outcomes import Stage, Status, TargetResult
from batchlint.verify.plan.frameworks import framework_of
from batchlint.verify.plan.planner import plan_file
from batchlint.verify.plan.plans import FilePlan, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify.workers import FrameworkMissing, Workers

SETTINGS = Settings(all_models=True, device="cpu")

KERAS = """
import sys
{first}
import keras
from keras import layers, ops

class Fold(layers.Layer):
    def __init__(self):
        super().__init__()
        self.others = sorted({{"torch", "tensorflow"}} & set(sys.modules))
        if self.others != [{backend!r}]:
            raise ValueError(str(self.others))

    def call(self, x):
        return ops.reshape(x * 2.0, (16, 32))
"""
TORCH = """
import sys
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        if "tensorflow" in sys.modules or "keras" in sys.modules:
            raise ValueError("another framework")
        return x * 2
"""


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("import torch\nfrom torch import nn", "torch"),
        ("import tensorflow as tf\nfrom tensorflow import keras", "tensorflow"),
        ("from tensorflow.keras.layers import Dense", "tensorflow"),
        ("import numpy as np", "torch"),
        ("import torch\nimport tensorflow as tf\ntf.zeros(3)\ntf.ones(3)", "tensorflow"),
        ("import tensorflow as tf\nimport torch\ntorch.zeros(3)\ntorch.ones(3)", "torch"),
        ("import numpy\n", "torch"),
    ],
)
def test_the_framework_is_the_one_that_is_used(text: str, framework: str) -> None:
    assert framework_of(ast.parse(text)) == framework


@pytest.mark.parametrize(
    ("first", "there", "framework"),
    [
        ("", {"tensorflow", "torch"}, "tensorflow"),
        ("import os\nos.environ['KERAS_BACKEND'] = 'torch'", {"tensorflow", "torch"}, "keras"),
        ("import os\nos.environ.setdefault('KERAS_BACKEND', 'torch')", {"tensorflow", "torch"}, "keras"),
        ("import os\nos.environ['KERAS_BACKEND'] = 'jax'", {"tensorflow", "torch"}, "tensorflow"),
        ("import os\nos.environ['KERAS_BACKEND'] = 'torch'", {"tensorflow"}, "tensorflow"),
        ("", {"torch"}, "keras"),
        ("", set(), "tensorflow"),
    ],
)
def test_keras_alone_is_run_on_the_backend_that_is_asked_for_and_there(
    first: str, there: set[str], framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from batchlint.verify.plan import frameworks

    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(frameworks, "_is_installed", lambda name: name in there)
    assert framework_of(ast.parse(f"{first}\nimport keras\n")) == framework


def test_what_is_missing_is_said_with_the_extra_that_brings_it() -> None:
    assert str(FrameworkMissing("tensorflow", "it is not installed")).endswith('pip install "batchlint[tensorflow]"')
    if importlib.util.find_spec("tensorflow") is not None:
        pytest.skip("TensorFlow is installed")
    plan = FilePlan("net.py", "", targets=(TargetPlan("Net", "class", 1, 2),), framework="tensorflow")
    with Workers(SETTINGS) as workers, pytest.raises(FrameworkMissing, match=r"batchlint\[tensorflow\]"):
        list(workers.perform([plan]))


def run(tmp_path: Path, **files: str) -> dict[str, TargetResult]:
    """Run all classes of *files* in one run."""
    plans = []
    for name, text in files.items():
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        plans.append(plan_file(str(path), settings=SETTINGS))
    with Workers(SETTINGS, 2) as workers:
        return {Path(plans[index].path).stem: result for index, result in workers.perform(plans)}


def test_each_framework_has_a_process_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    pytest.importorskip("torch")
    on_torch = "import os\nos.environ['KERAS_BACKEND'] = 'torch'"
    found = run(
        tmp_path,
        on_tensorflow=KERAS.format(first="", backend="tensorflow"),
        on_torch=KERAS.format(first=on_torch, backend="torch"),
        of_torch=TORCH,
    )
    for name, result in found.items():
        assert result.stage is Stage.RUN, f"{name}: {result.reason}"
    for name in ("on_tensorflow", "on_torch"):
        crash = found[name].checks[0]
        assert crash.status is Status.FAILED, crash.detail
        assert found[name].environment is not None
        assert any("seccomp" in line or "audit" in line for line in found[name].environment.sandbox)


def test_a_framework_that_is_missing_costs_its_own_files_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "net.py"
    path.write_text("import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x\n")
    other = FilePlan("gone.py", "", targets=(TargetPlan("Gone", "class", 1, 2),), framework="no_such_framework")
    with Workers(SETTINGS, 2) as workers:
        found = dict(workers.perform([plan_file(str(path), settings=SETTINGS), other]))
    assert found[0].stage is Stage.RUN
    assert "pip install no_such_framework" in found[1].reason
