from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from batchlint.findings import Finding, Severity, Span
from batchlint.verify.plan import project
from batchlint.verify.plan.planner import plan_file
from batchlint.verify.plan.plans import ConstructionSite, FilePlan, TargetPlan
from batchlint.verify.settings import Settings

NET = """
import torch.nn as nn

class Net(nn.Module):
    def __init__(self, size, classes=10):
        super().__init__()
        self.fc = nn.Linear(size, classes)

    def forward(self, x):
        return self.fc(x)
"""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    project.clear()


def write(folder: Path, **files: str) -> None:
    """Files by name; in names ``_in_`` separates a file from its folder, and ``init`` is ``__init__``."""
    (folder / "pyproject.toml").touch()
    for key, text in files.items():
        name, _, parent = key.partition("_in_")
        suffixed = {"init": "__init__.py", "readme": "README.md"}.get(name, f"{name}.py")
        path = folder.joinpath(*reversed(parent.split("_in_")), suffixed) if parent else folder / suffixed
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


def plan(path: Path, *findings: Finding) -> FilePlan:
    return plan_file(path, list(enumerate(findings)), settings=Settings(all_models=not findings))


def target(path: Path, qualname: str = "Net") -> TargetPlan:
    return next(each for each in plan(path).targets if each.qualname == qualname)


def called(site: ConstructionSite) -> str:
    keywords = [f"{name}={source}" for name, source in site.call.keywords]
    return f"{site.callee}({', '.join([*site.call.arguments, *keywords])})"


def test_a_site_in_the_same_file_with_the_call_after_it(tmp_path: Path) -> None:
    write(tmp_path, net=NET + "\nnet = Net(32).to(device)\ny = net(torch.randn(4, 32))\n")
    (site,) = target(tmp_path / "net.py").sites
    assert (called(site), site.call.line) == ("Net(32)", 12)
    assert [each.arguments for each in site.calls] == [("torch.randn(4, 32)",)]


def test_locals_of_the_function_are_sliced_and_heavy_ones_left(tmp_path: Path) -> None:
    main = """
        def main():
            data = load_data("a.csv")
            width = 4
            unused = 7
            size = width * 8
            net = Net(size, classes=len(data))
            x = torch.zeros(2, size)
            net(x)
    """
    write(tmp_path, net=NET + dedent(main))
    (site,) = target(tmp_path / "net.py").sites
    assert site.call.setup == ("width = 4", "size = width * 8")
    assert site.calls[0].setup == ("width = 4", "size = width * 8", "x = torch.zeros(2, size)")


def test_parameters_come_from_the_call_or_the_default(tmp_path: Path) -> None:
    more = """
        def make(size, classes=3):
            return Net(size, classes)

        def run():
            width = 5
            make(width)
    """
    write(tmp_path, net=NET + dedent(more))
    sites = {called(each): each for each in target(tmp_path / "net.py").sites}
    assert sites["Net(size, classes)"].call.setup == ("width = 5", "size = width", "classes = 3")
    assert sites["make(width)"].call.setup == ("width = 5",)


def test_attributes_of_self_are_followed(tmp_path: Path) -> None:
    more = """
        class Trainer:
            def __init__(self, size=6):
                self.size = size
                self.net = Net(self.size)

            def step(self):
                return self.net(torch.ones(1, 6))
    """
    write(tmp_path, net=NET + dedent(more))
    (site,) = target(tmp_path / "net.py").sites
    assert site.call.setup == ("import types", "self = types.SimpleNamespace()", "size = 6", "self.size = size")
    assert [each.arguments for each in site.calls] == [("torch.ones(1, 6)",)]


def test_readme_and_other_files_by_what_they_import(tmp_path: Path) -> None:
    readme = """
        # Usage

        ```python
        import torch
        from models import Net
        size = 12
        net = Net(size)
        out = net(torch.rand(1, size))
        ```
    """
    write(
        tmp_path,
        init_in_models="from .net import Net",
        net_in_models=NET,
        other_in_models=NET,
        train="from models.net import Net as Model\nmodel = Model(7)\n",
        unrelated="from models.other import Net\nnet = Net(99)\n",
        readme=readme,
    )
    sites = target(tmp_path / "models" / "net.py").sites
    assert [called(each) for each in sites] == ["Net(size)", "Model(7)"]
    assert sites[0].call.setup == ("from models import Net", "size = 12")
    assert sites[0].calls[0].setup == ("import torch", "size = 12")
    assert [called(each) for each in target(tmp_path / "models" / "other.py").sites] == ["Net(99)"]


def test_factories_and_class_methods(tmp_path: Path) -> None:
    method = """
    @classmethod
    def small(cls):
        return cls(2)
"""
    more = """
        def net16():
            net = Net(16)
            return net

        tiny = functools.partial(Net, 3)

        def test():
            y = net16()(torch.randn(2, 16))
            z = Net.small()
    """
    write(tmp_path, net=NET + method + dedent(more))
    calls = {called(each): each for each in target(tmp_path / "net.py").sites}
    assert {"net16()", "Net(16)", "Net(3)", "Net.small()"} <= calls.keys()
    assert [each.arguments for each in calls["net16()"].calls] == [("torch.randn(2, 16)",)]


def finding(line: int) -> Finding:
    return Finding("BSZ201", "fixed-batch-reshape", "m", Severity.WARNING, Span(line, 1, line, 9), statement_line=line)


def test_what_a_finding_stands_in(tmp_path: Path) -> None:
    text = """
        import torch.nn as nn
        class Base(nn.Module):
            def flat(self, x):
                return x.view(32, -1)
        class Net(Base):
            def forward(self, x):
                return self.flat(x)
        class Loop:
            def fit(self):
                def inner():
                    return 3
        x = 3
    """
    write(tmp_path, net=text)
    found = plan(tmp_path / "net.py", finding(5), finding(8), finding(12), finding(13))
    wanted = [(each.qualname, each.kind, len(each.flagged)) for each in found.targets if each.wanted]
    assert wanted == [("Net", "class", 2), ("Loop.fit", "function", 1), ("<module>", "module", 1)]
    assert found.targets[0].flagged[0].checks == ("crash at batch sizes", "leading dimension")
    assert found.targets[0].own_batch_sizes == (32,)


def test_all_models_are_those_with_a_forward(tmp_path: Path) -> None:
    text = """
        import torch.nn as nn
        class Net(nn.Module):
            class Inner(nn.Module):
                def forward(self, x): ...
            def forward(self, x): ...
        class Wide(Net): ...
        class Holder(nn.Module): ...
        class Square(torch.autograd.Function):
            def forward(ctx, x): ...
        class Lit(pl.LightningModule):
            def forward(self, x): ...
        class Layer:
            def forward(self, x): ...
        def make():
            class Local(nn.Module):
                def forward(self, x): ...
    """
    write(tmp_path, net=text)
    names = {each.qualname for each in plan(tmp_path / "net.py").targets}
    assert names == {"Net", "Net.Inner", "Wide", "Lit", "make.Local"}


def test_own_batch_sizes_in_order(tmp_path: Path) -> None:
    more = """
        TEST_BATCH = 1000
        BATCH_SIZE = 64
        parser.add_argument("--batch-size", type=int, default=128)
        loader = DataLoader(data, batch_size=100)
        net = Net(3, batch_size=16)
    """
    write(tmp_path, net=NET + dedent(more))
    sizes = target(tmp_path / "net.py").own_batch_sizes
    assert sizes[0] == 16
    assert set(sizes) >= {64, 128, 100}


def test_roots_and_the_name_of_the_module(tmp_path: Path) -> None:
    write(tmp_path, init_in_pkg="", init_in_sub_in_pkg="", net_in_sub_in_pkg=NET, script=NET)
    inner = plan(tmp_path / "pkg" / "sub" / "net.py")
    assert inner.module == "pkg.sub.net"
    assert inner.roots[0] == str(tmp_path)
    assert plan(tmp_path / "script.py").module == "script"


def test_a_file_that_is_not_python_is_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, net="print 'hello'")
    with pytest.raises(ValueError, match=r"net\.py: not Python"):
        plan(tmp_path / "net.py")
