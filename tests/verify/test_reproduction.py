"""Reproduction scripts run on their own, and show what they are about."""

from __future__ import annotations

import ast
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from scripts_at_work import run_all

from batchlint.verify.outcomes import (
    BatchOutcome,
    CheckOutcome,
    Construction,
    Environment,
    Failure,
    Grade,
    Stage,
    Status,
    TargetResult,
    Verdict,
)
from batchlint.verify.plan.plans import FilePlan
from batchlint.verify.reproduction import NotReproducible, emit, scripts
from batchlint.verify.script_of_model import DEMONSTRATIONS, script_of_model
from batchlint.verify.script_parts import OURS
from verify_samples import CRASH, MIXED, NET, PLAN, REPORT, VERIFIED

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("torch")


def source_of(
    text: str,
    expression: str,
    inputs: tuple[str, ...],
    check: str,
    *,
    status: Status = Status.FAILED,
    sizes: tuple[int, ...] = (4, 1, 3),
    setup: tuple[str, ...] = (),
    submodule: str = "",
) -> str:
    """The script for a class of the file *text*."""
    target = TargetResult(
        "net.py",
        "Net",
        "class",
        1,
        Stage.RUN,
        Construction(expression, setup, "defaults", submodule),
        input_code=inputs,
        grade=Grade.CODE,
        control=sizes[0],
        batch_sizes=sizes,
        environment=Environment("cpu"),
    )
    plan = FilePlan("net.py", text, (), "net")
    failed = BatchOutcome(4, Status.FAILED, failure=Failure("RuntimeError", ""))
    return script_of_model(plan, target, [CheckOutcome(check, status, runs=(failed,))], f"a case of {check}")


HEAD = "import torch\nfrom torch import nn\n"


def net(forward: str, init: str = "pass", inputs: str = "x") -> str:
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {init}\n"
        f"    def forward(self, {inputs}):\n        {forward}\n"
    )


CASES = {
    "crash": (net("return x.view(4, 6)"), "torch.randn(B, 6)", "crash at batch sizes", "forward: return x.view(4, 6)"),
    "lost": (net("return x.squeeze()"), "torch.randn(B, 6)", "leading dimension", "batch size 1: ok, [6]"),
    "fixed": (net("return x.view(4, -1)"), "torch.randn(B, 12)", "leading dimension", "batch size 1: ok, [4, 3]"),
    "mixed": (net("return x.softmax(0)"), "torch.randn(B, 6)", "per-sample consistency", "sample 0 of 4 differs by"),
    "reaches": (net("return x.cumsum(0)"), "torch.randn(B, 6)", "sample dependency", "sample 0 moves the output"),
    "keyword": (net("return x + y.mean(0)", inputs="x, *, y"), "torch.randn(B, 6), y=torch.randn(B, 6)",
                "sample dependency", "moves the output"),
    "trained": (net("return self.norm(x)", "self.norm = nn.BatchNorm1d(6)"), "torch.randn(B, 6)",
                "train mode at batch size 1", "batch size 1: ValueError: Expected more than 1 value"),
    "kept": (net("self.h = x.mean(1) + self.h[: x.size(0)]; return self.h", "self.h = torch.zeros(9)"),
             "torch.randn(B, 6)", "state between runs", "differs from the first by"),
    "spatial": (net("return self.fc(x.flatten(1))", "self.fc = nn.Linear(192, 3)"), "torch.randn(B, 3, 8, 8)",
                "other spatial sizes", "8 larger: RuntimeError"),
    "folded": (net("return self.fc(x.view(-1, 192))", "self.fc = nn.Linear(192, 3)"), "torch.randn(B, 3, 8, 8)",
               "other spatial sizes", "twice as large: ok, [8, 3]"),
}  # fmt: skip

CLEAN = net("return self.fc(x.flatten(1).softmax(1))", "self.fc = nn.LazyLinear(3)")


def split(inputs: str) -> tuple[str, ...]:
    """Arguments as results have them."""
    call = ast.parse(f"f({inputs})", mode="eval").body
    assert isinstance(call, ast.Call)
    keywords = (f"{each.arg}={ast.unparse(each.value)}" for each in call.keywords)
    return (*map(ast.unparse, call.args), *keywords)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks")
def test_every_kind_of_hazard_shows_and_clean_models_show_none(tmp_path: Path) -> None:
    hazards = [source_of(text, "Net()", split(inputs), check) for text, inputs, check, _ in CASES.values()]
    shown = [
        source_of(CLEAN.replace("Lazy", "").replace("r(3)", "r(192, 3)"), "Net()", ("torch.randn(B, 3, 8, 8)",), check)
        for check in DEMONSTRATIONS
        if check != "other spatial sizes"
    ]
    results = run_all(tmp_path, *hazards, *shown)
    for (name, case), (code, output) in zip(CASES.items(), results):
        assert code == 1, f"{name}: {output}"
        assert case[-1] in output
    for code, output in results[len(hazards) :]:
        assert code == 0, output
        assert "does not show" in output


FILES = {
    "proj/__init__.py": "from .net import Net\n",
    "proj/net.py": (
        "\"\"\"Text with a \\\\ and '''quotes'''.\"\"\"\n"
        "import torch, missing_plots\n"
        "from torch import nn\n"
        "from missing_package import Base, decorate\n"
        "from .blocks import Block as Inner\n"
        "from . import sizes\n"
        "class Plain(Base):\n    pass\n"
        "@decorate\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, width, config):\n"
        "        super().__init__()\n"
        "        self.block = Inner(width * config.factor)\n"
        "    def forward(self, x):\n"
        "        from .late import late\n"
        "        return late(self.block(x)).view(sizes.BATCH, -1)\n"
        "missing_plots.show(Net)\n"
        "raise SystemExit('the script itself')\n"
    ),
    "proj/blocks.py": (
        "import torch.nn as nn\nfrom .unused import NOTHING\nPARTS = []\nPARTS.append(nn.Linear)\n"
        "class Block(nn.Module):\n"
        "    def __init__(self, width):\n        super().__init__()\n        self.fc = PARTS[0](width, 5)\n"
        "    def forward(self, x):\n        return self.fc(x)\n"
        "class Other(nn.Module):\n    pass\n"
    ),
    "proj/sizes.py": "BATCH = 4\n",
    "proj/late.py": "def late(x):\n    return x * 2\n",
    "proj/unused.py": "NOTHING = open('/nowhere/at/all')\n",
    "train.py": (
        "import argparse\nfrom proj.net import Net\n"
        "parser = argparse.ArgumentParser()\nparser.add_argument('--width', type=int, default=3)\n"
        "args = parser.parse_args()\nnet = Net(args.width, 1)\nprint(net)\n"
    ),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks")
def test_a_project_is_embedded_as_far_as_it_is_needed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    path = str(root / "proj" / "net.py")
    plan = FilePlan(path, FILES["proj/net.py"], (str(root), str(root / "proj")), "proj.net")
    checks = [CheckOutcome("crash at batch sizes", Status.FAILED)]
    made = Construction(
        "Net(args.width, config)", ("config = Settings(factor=2)",), "train.py:6", "", str(root / "train.py")
    )
    made = replace(made, expression="Net(args.width, Settings(factor=2))", setup=())
    target = replace(
        NET, path=path, construction=made, input_code=("torch.randn(B, 6)",), control=4, batch_sizes=(4, 3)
    )
    by_site = script_of_model(plan, target, checks, "by a site")
    own = replace(made, module="", expression="Net(3, config)", setup=("config = Settings(factor=2)",))
    with pytest.raises(NotReproducible, match="none"):
        script_of_model(plan, target, [CheckOutcome("row counting", Status.FAILED)], "")
    by_own = script_of_model(
        plan, replace(target, construction=replace(own, expression="Net(3, Settings(factor=2))", setup=())), checks, ""
    )
    readme = replace(made, module=str(root / "README.md"), setup=("from proj import Net", "args = Settings(width=3)"))
    by_readme = script_of_model(plan, replace(target, construction=readme), checks, "")
    part = replace(made, submodule="block")
    by_part = script_of_model(
        plan, replace(target, construction=part), [CheckOutcome("leading dimension", Status.PASSED)], ""
    )
    results = run_all(tmp_path, by_site, by_own, by_readme, by_part)
    for code, output in results[:3]:
        assert code == 1, output
        assert "batch size 4: ok, [4, 5]" in output
        assert "batch size 3: RuntimeError" in output
        assert "in forward: return late(self.block(x)).view(sizes.BATCH, -1)" in output
        assert "missing_package is not installed here" in output
    assert results[3][0] == 0, results[3][1]
    for source in (by_site, by_own, by_readme):
        assert "class Other" not in source
        assert "the script itself" not in source
        assert "/nowhere" not in source


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks")
def test_another_fault_is_told_from_the_hazard_by_the_exit_code(tmp_path: Path) -> None:
    broken = source_of(net("return x.view(5, 7)"), "Net()", ("torch.randn(B, 6)",), "crash at batch sizes")
    raising = source_of(
        f"{HEAD}N = 1 / 0\nclass Net(nn.Module):\n    n = N\n", "Net()", ("torch.ones(B)",), "leading dimension"
    )
    everywhere = source_of(
        net("return x.view(5, 7)"), "Net()", ("torch.randn(B, 6)",), "crash at batch sizes", status=Status.UNDECIDED
    )
    (first, said), (second, trace), (third, _) = run_all(tmp_path, broken, raising, everywhere)
    assert first == 2
    assert "It does not run at its own batch size here: RuntimeError" in said
    assert second == 2
    assert "ZeroDivisionError" in trace
    assert third == 1


def test_confirmed_findings_get_files_and_others_none(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    done = emit(REPORT, str(folder))
    assert sorted(path.name for path in folder.iterdir()) == ["net_15_BSZ201.py", "net_25_BSZ402.py"]
    assert done.paths == {CRASH: str(folder / "net_15_BSZ201.py"), MIXED: str(folder / "net_25_BSZ402.py")}
    assert done.reasons == {}
    text = (folder / "net_15_BSZ201.py").read_text(encoding="utf-8")
    ast.parse(text)
    assert text.splitlines()[1].startswith(OURS)
    assert "BSZ201 [fixed-batch-reshape] at net.py:15: `view` fixes the batch at 64" in text
    assert "class Attention" not in text
    assert "torch 2.13.0 on cpu" in text


def test_the_same_run_gives_the_same_script() -> None:
    assert scripts(REPORT) == scripts(REPORT)
    assert list(scripts(REPORT)) == [CRASH, MIXED]
    assert len(scripts(REPORT, (Verdict.CONFIRMED, Verdict.REFUTED))) == 3


def test_what_batchlint_did_not_write_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "net_15_BSZ201.py"
    theirs.write_text("# mine\n", encoding="utf-8")
    done = emit(REPORT, str(tmp_path))
    assert theirs.read_text(encoding="utf-8") == "# mine\n"
    assert "batchlint did not write it" in done.reasons[CRASH]
    ours = tmp_path / "net_25_BSZ402.py"
    before = ours.read_text(encoding="utf-8")
    ours.write_text(before + "# changed\n", encoding="utf-8")
    emit(REPORT, str(tmp_path))
    assert ours.read_text(encoding="utf-8") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net_15_BSZ201.py", "net_25_BSZ402.py"]


def test_findings_on_one_line_get_a_file_each(tmp_path: Path) -> None:
    twin = replace(VERIFIED[0], finding=replace(CRASH, span=CRASH.span._replace(column=20)))
    emit(replace(REPORT, verified=(VERIFIED[0], twin), models=()), str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net_15_BSZ201.py", "net_15_BSZ201_2.py"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (replace(NET, kind="function"), "it is no model"),
        (replace(NET, stage=Stage.BUILT), "Net was not run"),
        (replace(NET, input_code=("torch.randn(",)), "cannot be read"),
        (replace(NET, construction=Construction("Net(width)")), "its construction reads `width`"),
        (replace(NET, construction=Construction("Net(")), "cannot be read"),
    ],
)
def test_what_cannot_be_written_is_told(target: TargetResult, reason: str) -> None:
    with pytest.raises(NotReproducible, match=reason.replace("(", r"\(")):
        script_of_model(PLAN, target, NET.checks, "title")


def test_a_title_cannot_break_out_of_its_comment() -> None:
    source = script_of_model(PLAN, NET, NET.checks, "a\nimport os\r\x0cimport os\u2028b\x00 ''' \"\"\"")
    tree = ast.parse(source)
    assert not [node for node in tree.body[:1] if not isinstance(node, ast.Import)]
    assert "\x00" not in source
