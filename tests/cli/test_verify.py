"""`batchlint verify`, the real command: what it asks, what it runs, what it says and how it ends."""

from __future__ import annotations

import importlib.util
import json
import sys
from typing import TYPE_CHECKING

import pytest

from batchlint.cli import main
from batchlint.cli import verify as command
from batchlint.cli.verify import Options, announcement, settings_of
from batchlint.verify.plan.plans import FilePlan, Flagged, TargetPlan
from batchlint.verify.settings import Settings
from batchlint.verify_config import VerifyConfig
from commands import CLEAN, HAZARD, run_command
from verify_samples import REPORT

if TYPE_CHECKING:
    from pathlib import Path

    from commands import Run

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="runs models")

SITE = "\n\nif __name__ == '__main__':\n    net = Net()\n    net(torch.randn(BATCH_SIZE, 3, 32, 32))\n"

WITHOUT_TORCH = """
import importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in HIDDEN:
            raise ModuleNotFoundError(name)
import importlib.util
HIDDEN = ("torch", "tensorflow", "keras")
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in HIDDEN else found(name, package)
from batchlint.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(HAZARD + SITE, encoding="utf-8")
    return path


CONFIGURATION = """\
[tool.batchlint.verify]
batch-sizes = [7]
seed = 5

[tool.batchlint.verify."net:Net"]
inputs = ["x: float32[B, 3, 19, 19]"]
"""

FACTORY = """\
from torch import nn

def fixed():
    return nn.Sequential(nn.Linear(8, 3), nn.Unflatten(0, (4, -1)))
"""


@needs_torch
def test_one_run_in_every_form(batchlint: Run, net: Path, tmp_path: Path) -> None:
    """A hazard, a model that only the command line names, and a configuration that it overrules."""
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "make.py").write_text(FACTORY, encoding="utf-8")
    done = batchlint(
        *("verify", "--report", "run.html", "--report", "run.json", "--emit-repro", "repro", "--profile"),
        *("--all-models", "--model", "zoo.make:fixed", "--input", "fixed.input: float32[B, 8]"),
        *("--batch-sizes", "5,64", "--device=cpu", "net.py"),
    )
    assert done.code == 1, done.err

    headline, _, source, caret, *rest = done.out.splitlines()
    assert headline.startswith("net.py:14:16: BSZ201 [fixed-batch-reshape] CONFIRMED `view` fixes the batch at 64")
    assert source == "14 |         return x.view(BATCH_SIZE, -1)"
    assert caret == "   |                ^^^^^^^^^^^^^^^^^^^^^^"
    assert "   = batch sizes: 64 ok · 5 raises RuntimeError" in rest
    assert any(line.startswith("   = input: x: float32[B, 3, 19, 19] (A, from the code") for line in rest)
    assert "   = reproduce: repro/net_14_BSZ201.py" in rest
    assert any(line.startswith("   = ran on: cpu, ") and line.endswith(", seed 5") for line in rest)
    assert any(line.split()[:1] == ["64"] and "ms" in line for line in rest)
    table = [line for line in rest[rest.index("") + 1 :] if not line.startswith("  note: ")]
    assert table[0].split()[:3] == ["run", "built", "input"]
    assert table[1].startswith("net.py:7 Net")
    assert table[2].startswith("zoo/make.py:3 fixed")
    assert "raises RuntimeError" in table[2]
    assert table[3].startswith("  ! crash at batch sizes: at batch size 5, RuntimeError: ")
    assert table[3].endswith("(no confirmed finding speaks of it; repro/zoo_make_3_fixed.py)")

    told = done.err.splitlines()
    assert told[0] == "Running code for 1 finding in 2 files: 2 classes"
    assert told[1] == "  net.py: Net"
    assert any(line.startswith("Sandbox: ") for line in told)
    assert told[-1] == "1 finding: 1 confirmed; 2 classes run of 2"

    (record,) = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["findings"]
    assert (record["verdict"], record["device"], record["filename"]) == ("confirmed", "cpu", str(net))
    assert set(record["batch_sizes"]) == {64, 5}
    assert record["failing_batch_sizes"] == [5]
    assert record["evidence"]["seed"] == 5
    assert record["evidence"]["inputs"] == ["x: float32[B, 3, 19, 19]"]
    assert record["evidence"]["reproduction"] == "repro/net_14_BSZ201.py"
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "<!DOCTYPE html>" in page
    assert "sys.exit(1 if reproduce() else 0)" in page
    assert {path.name for path in (tmp_path / "repro").iterdir()} == {"net_14_BSZ201.py", "zoo_make_3_fixed.py"}
    assert {path.name for path in tmp_path.iterdir()} == {
        "net.py", "run.html", "run.json", "repro", "pyproject.toml", "zoo",
    }  # fmt: skip


@needs_torch
def test_nothing_is_run_for_nothing_and_broken_files_are_told(batchlint: Run, net: Path, tmp_path: Path) -> None:
    net.write_text(CLEAN, encoding="utf-8")
    assert batchlint("verify", "net.py").err == "0 findings\n"
    done = batchlint("verify", "-q", "--output-format=json", "net.py")
    assert (done.code, done.out, done.err) == (0, "[]\n", "")
    (tmp_path / "broken.py").write_text("import torch\ndef f(:\n", encoding="utf-8")
    done = batchlint("verify", "--only-confirmed", "broken.py", "net.py")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("broken.py:2:7: error: ")
    assert done.err.endswith("0 findings; 1 could not be read\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--batch-sizes", "1,x"], "argument --batch-sizes: '1,x' is not a list of whole numbers of at least 1"),
        (["--batch-sizes", "0"], "argument --batch-sizes: '0' is not"),
        (["--device", "gpu"], "argument --device: 'gpu' is not one of auto, cpu, meta, cuda or cuda:N"),
        (["--seed", "-1"], "argument --seed: '-1' is not a whole number"),
        (["--seed", "x"], "argument --seed: 'x' is not a whole number of at least 0"),
        (["--timeout", "0"], "argument --timeout: '0' is not a number of seconds above 0"),
        (["--timeout", "nan"], "argument --timeout: 'nan' is not a number of seconds above 0"),
        (["--memory", "lots"], "argument --memory: 'lots' is not an amount of memory such as 8GiB"),
        (["--output-format", "github"], "argument --output-format: invalid choice: 'github'"),
        (["--report", "run.txt"], "--report run.txt: the name must end in .html or .json"),
        (["--report", "gone/run.html"], "--report gone/run.html: there is no folder gone"),
        (["--emit-repro", "net.py"], "--emit-repro net.py: it is a file, not a folder"),
        (["--input", "x = 3"], "--input 'x = 3': "),
        pytest.param(["--model", "net:Gone"], "--model net:Gone: ", marks=needs_torch),
        pytest.param(["--model", "gone:Net"], "--model gone:Net: there is no module gone below", marks=needs_torch),
        (["--all-model"], "unknown argument '--all-model': did you mean '--all-models'?"),
        (["--select", "BSZ999"], "unknown rule 'BSZ999'"),
    ],
)
@pytest.mark.usefixtures("net")
def test_misuse_is_one_line_and_runs_nothing(batchlint: Run, arguments: list[str], complaint: str) -> None:
    done = batchlint("verify", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"batchlint: error: {complaint}")
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("net")
def test_without_the_framework_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = run_command([sys.executable, "-c", WITHOUT_TORCH, "verify", "net.py"], tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "batchlint: error: verify runs code with PyTorch, TensorFlow or Keras, none of which is installed: "
        'pip install "batchlint[torch]" or "batchlint[tensorflow]"\n'
    )


def test_help_names_every_option(batchlint: Run) -> None:
    assert "verify" in batchlint("--help").out
    shown = batchlint("verify", "--help").out
    for option in (
        "--select --extend-select --ignore --severity --latent --exclude --extend-exclude --no-respect-gitignore "
        "--stdin-filename --all-models --model --input --batch-sizes --device --seed --timeout --memory "
        "--allow-network --profile --largest-batch --export --jobs --config --isolated --output-format "
        "--only-confirmed --report --emit-repro --exit-zero --quiet"
    ).split():
        assert option in shown


def test_the_command_line_overrules_the_configuration() -> None:
    options = Options()
    assert settings_of(options, None) == Settings()
    config = VerifyConfig((3,), "cpu", 4.0, 1 << 30, 9, True, True)
    assert settings_of(options, config) == Settings((3,), "cpu", 9, 4.0, 4.0, 1 << 30, True, True)
    options.batch_sizes, options.device, options.seed, options.timeout, options.largest_batch = (
        (5,),
        "meta",
        0,
        60,
        True,
    )
    assert settings_of(options, config) == Settings(
        (5,), "meta", 0, 10.0, 60, 1 << 30, True, True, largest_batch=True, profile=True
    )


def plan(path: str, *targets: TargetPlan) -> FilePlan:
    return FilePlan(path, "", targets=targets)


def test_the_announcement_names_what_will_run() -> None:
    flagged = Flagged(0, "BSZ201", 1, 1, 1)
    net = TargetPlan("Net", "class", 1, 2, (flagged, Flagged(1, "BSZ401", 2, 2, 2)))
    plans = [
        plan("a.py", net, TargetPlan("Part", "class", 3, 4, wanted=False)),
        plan("b.py", TargetPlan("train", "function", 1, 9, (Flagged(1, "BSZ301", 2, 2, 2),))),
    ]
    assert announcement(plans, ["no network"], []) == [
        "Running code for 2 findings in 2 files: 1 class, 1 function",
        "  a.py: Net",
        "  b.py: train",
        "Sandbox: no network",
    ]
    many = [
        plan(f"{number}.py", *(TargetPlan(f"N{each}", "class", each, each) for each in range(15)))
        for number in range(14)
    ]
    lines = announcement(many, [], ["writes", "reads"])
    assert lines[0] == "Running code for 0 findings in 14 files: 210 classes"
    assert lines[1].endswith("N10, N11 and 3 more")
    assert lines[13] == "  and 2 files more"
    assert lines[14] == "Not enforced: writes; reads"


@needs_torch
@pytest.mark.parametrize(
    ("options", "code"),
    [([], 1), (["--exit-zero"], 0), (["--only-confirmed"], 1)],
)
def test_what_is_left_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, net: Path, options: list[str], code: int
) -> None:
    monkeypatch.setattr(command, "_verify", lambda *arguments: REPORT)
    assert main(["verify", "-q", "--isolated", *options, str(net)]) == code
