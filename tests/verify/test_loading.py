from __future__ import annotations

import pickle
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

torch = pytest.importorskip("torch")

from batchlint.verify.plan.plans import FilePlan  # noqa: E402
from batchlint.verify.worker.changes import NotDownloaded  # noqa: E402
from batchlint.verify.worker.loading import Loaded, load  # noqa: E402
from batchlint.verify.worker.stubs import MissingPackage  # noqa: E402
from batchlint.verify.worker.surroundings import surroundings  # noqa: E402
from batchlint.verify.worker.timeouts import TimeLimit, limit, limited  # noqa: E402
from batchlint.verify.worker.user_module import Unloadable  # noqa: E402


@pytest.fixture(autouse=True)
def _within_surroundings() -> Iterator[None]:
    with surroundings("cpu"):
        yield


def loaded(folder: Path, text: str, module: str = "net", **others: str) -> Loaded:
    for name, other in others.items():
        (folder / f"{name}.py").write_text(dedent(other))
    path = folder / f"{module}.py"
    path.write_text(dedent(text))
    return load(FilePlan(str(path), dedent(text), (str(folder),), module))


def test_a_statement_that_fails_costs_its_names_alone(tmp_path: Path) -> None:
    made = loaded(tmp_path, "size = 3\nwrong = 1 / 0\nthen = size + 1\nclass Net: pass\n")
    assert made.namespace["then"] == 4
    assert "wrong" not in made.namespace
    (problem,) = made.problems
    assert (problem.line, problem.names) == (2, ("wrong",))
    assert "ZeroDivisionError" in made.why_absent("wrong")


def test_frames_bear_the_users_file_and_line(tmp_path: Path) -> None:
    made = loaded(tmp_path, "import os\n\n\ndef fail():\n    raise KeyError(3)\n")
    with pytest.raises(KeyError) as caught:
        made.namespace["fail"]()
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == (str(tmp_path / "net.py"), 5, "raise KeyError(3)")
    assert made.is_users(frame.filename)
    assert not made.is_users(__file__)


def test_nothing_of_the_script_runs(tmp_path: Path) -> None:
    text = """
        open("written.txt", "w").write("x")
        def main():
            open("written.txt", "w").write("x")
        if __name__ == "__main__":
            main()
        main()
    """
    loaded(tmp_path, text)
    assert not (tmp_path / "written.txt").exists()
    assert not Path("written.txt").exists()


def test_siblings_are_loaded_sliced_cycles_and_stars_included(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        "from layers import *\nimport blocks as b\nclass Net(b.Block): depth = SIZE\n",
        layers="import net\nSIZE = 7\nraise SystemExit(3)\n",
        blocks="class Block: width = 5\n",
    )
    assert (made.namespace["Net"].depth, made.namespace["Net"].width) == (7, 5)
    assert made.is_users(str(tmp_path / "blocks.py"))


def test_packages_relative_imports_pickle_and_dataclasses(tmp_path: Path) -> None:
    folder = tmp_path / "zoo"
    folder.mkdir()
    (folder / "__init__.py").write_text("from .net import Net\nfrom .lost import gone\n")
    (folder / "layers.py").write_text("class Layer: pass\n")
    text = dedent(
        """
        from __future__ import annotations
        from dataclasses import dataclass
        from .layers import Layer
        @dataclass
        class Net:
            layer: Layer
        """
    )
    (folder / "net.py").write_text(text)
    made = load(FilePlan(str(folder / "net.py"), text, (str(tmp_path),), "zoo.net"))
    net = made.namespace["Net"](made.namespace["Layer"]())
    assert type(pickle.loads(pickle.dumps(net))) is made.namespace["Net"]
    assert made.module.__name__ == "zoo.net"


def test_a_module_named_like_a_library_hides_it_from_nobody_else(tmp_path: Path) -> None:
    made = loaded(tmp_path, "import colorsys\nvalue = colorsys.mine\n", colorsys="mine = 3\n")
    import colorsys

    assert hasattr(colorsys, "rgb_to_hsv")
    assert made.namespace.get("value", 3) == 3


def test_missing_packages_are_stubs_until_their_values_are_needed(tmp_path: Path) -> None:
    text = """
        import absent_package.sub as sub
        from absent_package import Base, decorate, layer, Names
        from absent_package.deep import *
        class Net(Base): pass
        @decorate
        def plain(x: Names["b c"] = layer.SIZE) -> sub.Out | None:
            return x
        def forward(x):
            return layer(x)
        wanted = isinstance(3, Names)
        listed = list(layer)
    """
    made = loaded(tmp_path, text)
    assert made.problems == ()
    assert made.missing == {"absent_package": "which is not installed"}
    assert made.namespace["plain"](3) == 3
    assert made.namespace["wanted"] is False
    with pytest.raises(MissingPackage, match=r"needs absent_package\.layer: which is not installed"):
        made.namespace["forward"](3)
    with pytest.raises(MissingPackage):
        made.namespace["Net"]()
    import sys

    assert not any(name.startswith("absent_package") for name in sys.modules)


def test_torch_is_never_a_stub(tmp_path: Path) -> None:
    made = loaded(tmp_path, "from torch.nn import Linear, NoSuchLayer\nfrom torch._six import inf\nclass A: pass\n")
    assert made.namespace["Linear"] is torch.nn.Linear
    assert "NoSuchLayer" not in made.namespace
    assert made.namespace["inf"] == float("inf")


def test_a_lightning_module_without_lightning_is_a_module(tmp_path: Path) -> None:
    text = """
        import pytorch_lightning as pl
        class Net(pl.LightningModule):
            def __init__(self, size=3):
                super().__init__()
                self.save_hyperparameters()
    """
    pytest.importorskip("torch")
    net = loaded(tmp_path, text).namespace["Net"](size=4)
    assert isinstance(net, torch.nn.Module)
    assert net.hparams.size == 4


def test_command_lines_are_empty_and_what_is_required_gets_something(tmp_path: Path) -> None:
    text = """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("data")
        parser.add_argument("--size", type=int, required=True)
        parser.add_argument("--kind", choices=["a", "b"], required=True)
        parser.add_argument("--dim", type=int, default=8)
        args = parser.parse_args()
    """
    args = loaded(tmp_path, text).namespace["args"]
    assert (args.data, args.size, args.kind, args.dim) == ("data", 4, "a", 8)


def test_cuda_is_the_cpu(tmp_path: Path) -> None:
    text = """
        import torch
        Tensor = torch.cuda.FloatTensor
        x = torch.zeros(2, device="cuda:0").cuda() + torch.ones(2).to("cuda")
        layer = torch.nn.Linear(2, 2).cuda().to(torch.device("cuda"))
        asked = "cpu" == "cuda"
    """
    made = loaded(tmp_path, text)
    assert made.problems == ()
    assert made.namespace["x"].device.type == "cpu"
    assert made.namespace["Tensor"] is torch.FloatTensor
    assert made.namespace["asked"] is False


def test_nothing_is_downloaded(tmp_path: Path) -> None:
    text = """
        import torch
        from torch.hub import load_state_dict_from_url
        class Net(torch.nn.Linear):
            def __init__(self):
                super().__init__(2, 2)
                self.load_state_dict(load_state_dict_from_url("https://example.org/net.pt")["state"])
                self.load_state_dict(torch.load("no-such-file.pt"))
        def hub():
            return torch.hub.load("a/b", "c")
    """
    made = loaded(tmp_path, text)
    assert made.namespace["Net"]().weight.shape == (2, 2)
    with pytest.raises(NotDownloaded, match=r"torch\.hub\.load would download"):
        made.namespace["hub"]()


def test_pretrained_weights_are_not_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    text = """
        from torchvision import models
        def build():
            return models.squeezenet1_1(pretrained=True), models.squeezenet1_1(weights="IMAGENET1K_V1")
    """
    build = loaded(tmp_path, text).namespace["build"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(build()) == 2


def test_expressions_are_evaluated_where_they_stand(tmp_path: Path) -> None:
    made = loaded(tmp_path, "size = 3\n", train="from net import size\nwidth = size * 2\nprint(boom)\n")
    readme = str(tmp_path / "README.md")
    assert made.evaluate("size + 1") == 4
    assert made.evaluate("depth * width", ("depth = width + 1", "wrong = nothing"), str(tmp_path / "train.py")) == 42
    assert made.evaluate("net.size", ("import net",), readme) == 3
    assert "depth" not in made.namespace


def test_definitions_by_line_where_a_name_is_bound_twice(tmp_path: Path) -> None:
    made = loaded(
        tmp_path, "class Net: a = 1\nfirst = Net\nclass Net: a = 2\ndef f():\n    k = 3\n    class In: a = k\n"
    )
    assert made.definition("Net", 1).a == 1
    assert made.definition("Net", 3).a == 2
    assert made.definition("f.In", 6).a == 3


def test_what_is_not_python_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match="not Python"):
        loaded(tmp_path, "print 'a'\n")


def test_limits_nest_and_end_what_swallows_them() -> None:
    begun = time.monotonic()

    def swallows() -> None:
        while True:
            try:
                time.sleep(5)
            except BaseException:
                if time.monotonic() - begun > 0.25:
                    raise

    with pytest.raises(TimeLimit) as caught, limit(0.1) as outer, limit(5):
        swallows()
    assert caught.value.limit is outer
    assert time.monotonic() - begun < 2
    with limited(0.05):
        time.sleep(5)
    with limited(5):
        raise SystemExit
    time.sleep(0.1)


def test_a_statement_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlint.verify.worker.loading.SECONDS_PER_STATEMENT", 0.1)
    text = """
        def count(n):
            for i in iter(int, 1):
                n += i
        stuck = count(3)
        after = 4
    """
    made = loaded(tmp_path, text)
    assert made.namespace["after"] == 4
    assert made.problems[0].message == "TimeLimit: took longer than 0.1 s"
