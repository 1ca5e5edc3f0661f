from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

torch = pytest.importorskip("torch")

from batchlint.verify.outcomes import Grade  # noqa: E402
from batchlint.verify.plan import project  # noqa: E402
from batchlint.verify.plan.planner import plan_file  # noqa: E402
from batchlint.verify.settings import Settings  # noqa: E402
from batchlint.verify.worker.construction import Built, NotBuilt, constructions  # noqa: E402
from batchlint.verify.worker.loading import load  # noqa: E402
from batchlint.verify.worker.surroundings import surroundings  # noqa: E402


@pytest.fixture(autouse=True)
def _within_surroundings() -> Iterator[None]:
    project.clear()
    with surroundings("cpu"):
        yield


def ways(folder: Path, text: str, qualname: str = "Net") -> list[Built | NotBuilt]:
    path = folder / "net.py"
    (folder / "pyproject.toml").touch()
    path.write_text("import torch\nimport torch.nn as nn\n" + dedent(text))
    plan = plan_file(path, settings=Settings(all_models=True))
    target = next(each for each in plan.targets if each.qualname == qualname)
    return list(constructions(target, load(plan)))


def built(folder: Path, text: str, qualname: str = "Net") -> Built:
    first = ways(folder, text, qualname)[0]
    assert isinstance(first, Built), first
    return first


def lost(folder: Path, text: str, qualname: str = "Net") -> NotBuilt:
    (only,) = ways(folder, text, qualname)
    assert isinstance(only, NotBuilt), only
    return only


def shape_of(made: Built, name: str) -> tuple[int, ...]:
    return tuple(made.model.get_parameter(name).shape)


LINEAR = """
class Net(nn.Module):
    def __init__(self, {parameters}):
        super().__init__()
        {body}
    def forward(self, x):
        return x
"""


def net(parameters: str, body: str, more: str = "") -> str:
    lines = body.replace("\n", "\n        ")
    return LINEAR.format(parameters=parameters, body=lines) + dedent(more)


def test_as_the_code_makes_it(tmp_path: Path) -> None:
    more = """
        def main():
            size = 12
            model = Net(size, dim=size * 2)
            model(torch.zeros(3, size))
    """
    made = built(tmp_path, net("size, dim", "self.fc = nn.Linear(size, dim)", more))
    assert shape_of(made, "fc.weight") == (24, 12)
    assert made.grade is Grade.CODE
    assert made.construction.expression == "Net(size, dim=size * 2)"
    assert made.construction.setup == ("size = 12",)
    assert made.construction.origin == "net.py:13"
    assert made.calls[0].arguments == ("torch.zeros(3, size)",)


def test_what_a_site_tells_is_kept_where_the_rest_is_lost(tmp_path: Path) -> None:
    more = "model = Net(len(open('words').read()), 48)\n"
    made = built(tmp_path, net("vocab_size, dim", "self.e = nn.Embedding(vocab_size, dim)", more))
    assert shape_of(made, "e.weight") == (100, 48)
    assert made.grade is Grade.GUESSED
    assert made.construction.expression == "Net(vocab_size=100, dim=48)"


def test_by_default(tmp_path: Path) -> None:
    made = built(tmp_path, net("size=5", "self.fc = nn.Linear(size, 1)"))
    assert (made.construction.expression, made.construction.origin, made.grade) == ("Net()", "defaults", Grade.LAYER)


@pytest.mark.parametrize(
    ("parameters", "body"),
    [
        ("in_channels, num_classes", "self.c = nn.Conv2d(in_channels, num_classes, 3)"),
        ("dim, heads", "self.a = nn.MultiheadAttention(dim, heads)"),
        ("block, layers", "self.l = nn.Sequential(*[block(layers[i]) for i in range(4)])"),
        ("sizes", "self.l = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:]))"),
        ("kind", "self.l = {'lstm': nn.LSTM, 'gru': nn.GRU}[kind](3, 4) if kind in ('lstm', 'gru') else 1 / 0"),
        ("activation", "self.l = nn.Sequential(nn.Linear(2, 2), activation)"),
        ("norm_layer", "self.l = norm_layer(8)"),
        ("args", "self.l = nn.Linear(args.hidden_dim, args.nclass)"),
        ("config", "self.l = nn.Linear(config['hidden'], config['out'])"),
        ("config", "self.l = nn.Linear(config.model.width, 3)"),
        ("p", "self.l = nn.Dropout(p)"),
        ("**kwargs", "self.l = nn.Linear(kwargs['dim'], 3)"),
        (
            "dim, depth=None, width=None",
            "assert depth is not None and width is not None\nself.l = nn.Linear(dim, width)",
        ),
        ("in_channels, groups", "self.c = nn.Conv2d(in_channels, in_channels, 3, groups=groups)"),
    ],
)
def test_by_what_parameters_are_called_and_used_for(tmp_path: Path, parameters: str, body: str) -> None:
    made = built(tmp_path, net(parameters, body))
    assert made.grade is Grade.GUESSED
    assert made.construction.origin in ("guessed from names", "defaults")


def test_a_guessed_configuration_is_written_as_plain_python(tmp_path: Path) -> None:
    made = built(tmp_path, net("args", "self.l = nn.Linear(args.hidden_dim, args.nclass)"))
    assert made.construction.setup == ("import types",)
    assert made.construction.expression == "Net(args=types.SimpleNamespace(hidden_dim=32, nclass=10))"


def test_dataclasses_and_the_other_classes_of_the_file(tmp_path: Path) -> None:
    text = """
        from dataclasses import dataclass
        @dataclass
        class Config:
            dim: int = 24
        class Encoder(nn.Module):
            def __init__(self, dim):
                super().__init__()
                self.fc = nn.Linear(dim, 4)
            def forward(self, x):
                return self.fc(x)
        class BasicBlock(nn.Module):
            expansion = 1
            def __init__(self, planes):
                super().__init__()
            def forward(self, x):
                return x
        class Net(nn.Module):
            def __init__(self, config: Config, encoder, block):
                super().__init__()
                self.encoder = encoder
                self.block = block(config.dim)
            def forward(self, x):
                return self.encoder(x)
    """
    made = built(tmp_path, text)
    assert made.construction.expression == "Net(config=Config(), encoder=Encoder(dim=32), block=BasicBlock)"


def test_a_factory_and_the_part_that_is_meant(tmp_path: Path) -> None:
    text = net("size", "self.fc = nn.Linear(size, 2)") + dedent(
        """
        def make():
            inner = Net(6)
            return inner
        """
    )
    found = [each for each in ways(tmp_path, text) if isinstance(each, Built)]
    assert {each.construction.expression for each in found} >= {"make()", "Net(6)"}


def test_a_global_that_was_lost_is_taken_from_what_the_file_says(tmp_path: Path) -> None:
    more = """
        if args_of_nobody == "mnist":
            channels = 1
    """
    made = built(tmp_path, net("", "self.c = nn.Conv2d(channels, 2, 3)", more).replace("self, )", "self)"))
    assert shape_of(made, "c.weight")[1] == 1
    assert made.construction.setup == ("channels = 1",)


def test_a_class_in_a_function(tmp_path: Path) -> None:
    text = """
        def make(dim):
            width = 7
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(width, 2)
                def forward(self, x):
                    return self.fc(x)
            return Net()
    """
    assert shape_of(built(tmp_path, text, "make.Net"), "fc.weight") == (2, 7)


def test_building_twice_gives_the_same_parameters(tmp_path: Path) -> None:
    text = net("", "self.fc = nn.Linear(3, 2)").replace("self, )", "self)")
    first, second = built(tmp_path, text), built(tmp_path, text)
    assert torch.equal(first.model.get_parameter("fc.weight"), second.model.get_parameter("fc.weight"))


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    text = "from absent_package import Rearrange\n" + net("", "self.r = Rearrange('b c -> c b')").replace(
        "self, )", "self)"
    )
    answer = lost(tmp_path, text)
    assert answer.reason == "needs the package absent_package, which is not installed"
    assert answer.help == "install absent_package"


def test_what_fails_is_said_with_its_expression(tmp_path: Path) -> None:
    answer = lost(tmp_path, net("", "raise RuntimeError('never')").replace("self, )", "self)"))
    assert answer.reason == "Net() (defaults) raises RuntimeError: never"
    assert answer.help


@pytest.mark.parametrize("stop", ["raise SystemExit(1)", "raise KeyboardInterrupt", "raise GeneratorExit"])
def test_nothing_gets_through(tmp_path: Path, stop: str) -> None:
    lost(tmp_path, net("", stop).replace("self, )", "self)"))


def test_what_is_too_big_is_made_with_fewer_layers_or_refused(tmp_path: Path) -> None:
    body = "self.l = nn.ModuleList(nn.Linear(8000, 8000, device='meta') for _ in range({count}))"
    made = built(tmp_path, net("depth=50", body.format(count="depth")))
    assert made.construction.expression == "Net(depth=2)"
    answer = lost(tmp_path, net("size=50", body.format(count="size")))
    assert "more than 1.5 GB" in answer.reason


def test_what_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlint.verify.worker.construction.SECONDS_PER_BUILD", 0.1)
    answer = lost(tmp_path, net("size", "while True: pass"))
    assert "took longer than 0.1 s" in answer.reason


def test_what_is_no_module_is_said(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("class Layer: pass\n")
    text = "from base import Layer\nclass Net(Layer):\n    def forward(self, x):\n        return x\n"
    assert lost(tmp_path, text).reason == "Net is no torch.nn.Module"


def test_an_instance_that_a_site_is_given_is_made_there(tmp_path: Path) -> None:
    text = """
        class Inner(nn.Module):
            def __init__(self, size):
                super().__init__()
                self.fc = nn.Linear(size, 2)
            def forward(self, x):
                return x
        class Net(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner
            def forward(self, x):
                return x
        inner = Inner(9)
        net = Net(inner)
    """
    made = built(tmp_path, text)
    assert (made.grade, shape_of(made, "inner.fc.weight")) == (Grade.CODE, (2, 9))
    assert made.construction.setup == ("inner = Inner(9)",)


def test_a_model_is_never_made_with_a_stub_inside(tmp_path: Path) -> None:
    text = """
        from absent_package import Layer
        class Inner(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = Layer(3, 4)
            def forward(self, x):
                return self.layer(x)
        class Net(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner
            def forward(self, x):
                return self.inner(x)
        inner = Inner()
        net = Net(inner)
    """
    assert lost(tmp_path, text, "Inner").reason == "needs the package absent_package, which is not installed"
    assert all("Inner" not in each.construction.expression for each in ways(tmp_path, text) if isinstance(each, Built))


def test_a_configuration_with_large_defaults_is_made_smaller(tmp_path: Path) -> None:
    text = """
        from dataclasses import dataclass
        @dataclass
        class Config:
            dim: int = 8192
            vocab_size: int = -1
            n_layers: int = 80
            norm_eps: float = 1e-5
        class Net(nn.Module):
            def __init__(self, config: Config):
                super().__init__()
                self.embed = nn.Embedding(config.vocab_size, config.dim)
                self.layers = nn.ModuleList(nn.Linear(config.dim, config.dim) for _ in range(config.n_layers))
            def forward(self, x):
                return self.embed(x)
    """
    made = built(tmp_path, text)
    assert made.grade is Grade.GUESSED
    assert made.construction.expression == "Net(config=Config(dim=32, vocab_size=100, n_layers=2))"


def test_a_failure_that_calls_itself_without_end_is_soon_told(tmp_path: Path) -> None:
    text = """
        class Net(nn.Module):
            def __init__(self, levels):
                super().__init__()
                self.inner = Net(levels)
            def forward(self, x):
                return x
    """
    assert "RecursionError" in lost(tmp_path, text).reason
