"""What sources tell of a model's inputs: the evaluator's shapes, calls, the user's word, names and numbers."""

from __future__ import annotations

import ast
import textwrap

import pytest

from batchlint.verify.outcomes import Grade
from batchlint.verify.plan.plans import InputCandidate
from batchlint.verify.plan.shapes import input_candidates
from batchlint.verify.recipe_text import format_input


def told(text: str, qualname: str = "Net") -> list[tuple[list[str], Grade]]:
    text = (
        "import torch\nimport torch.nn as nn\nimport torchvision\nimport torchvision.transforms as T\n"
        + textwrap.dedent(text)
    )
    return [(lines(each), each.grade) for each in input_candidates(text, ast.parse(text), qualname)]


def lines(candidate: InputCandidate) -> list[str]:
    assert not candidate.inputs.positional
    return [format_input(name, recipe) for name, recipe in candidate.inputs.keywords]


NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(784, 10)
    def forward(self, x, mask=None):
        return self.fc(x)
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Net()(torch.randn(64, 784))", ["x: float32[64, 784]"]),
        ("batch_size = 64\nNet()(torch.randn(batch_size, 784))", ["x: float32[B, 784]"]),
        ("model = Net()\nbatch_size = 8\nmodel.forward(x=torch.randn(batch_size, 784), mask=None)",
         ["x: float32[B, 784]", "mask: None"]),
        (
            """
            data = torchvision.datasets.MNIST('.', transform=T.ToTensor())
            loader = torch.utils.data.DataLoader(data, batch_size=64)
            model = Net()
            for epoch in range(3):
                for images, labels in loader:
                    images = images.reshape(-1, 28 * 28)
                    out = model(images)
            """,
            ["x: float32[B, 784]"],
        ),
        (
            """
            data = torchvision.datasets.CIFAR10('.', transform=T.Compose([T.Resize(40), T.ToTensor()]))
            loader = torch.utils.data.DataLoader(data, batch_size=64)
            def train(model):
                for images, labels in loader:
                    model(images.view(images.size(0), -1))
            train(Net())
            """,
            ["x: float32[B, 4800]"],
        ),
    ],
)  # fmt: skip
def test_calls_that_the_evaluator_follows(code: str, expected: list[str]) -> None:
    found = told(NET + textwrap.dedent(code))
    if "[64" in expected[0]:
        # A number that nobody calls a batch size may be anything.
        assert (expected, Grade.CODE) not in found
    else:
        assert found[0] == (expected, Grade.CODE)


def test_what_the_first_layer_asks() -> None:
    assert told(NET) in ([], [(["x: float32[B, 784]"], Grade.LAYER)])


def test_what_is_not_known_is_left_out() -> None:
    assert told(NET + "def run(model, batch):\n    model(batch)\n") in ([], [(["x: float32[B, 784]"], Grade.LAYER)])
    assert told("class Net(nn.Module):\n    def forward(self, x): return x\n") == []
    assert told(NET, "Absent") == []


def test_text_that_cannot_be_read_tells_nothing() -> None:
    text = "class Net:\n    pass\n"
    assert input_candidates("class Net(:\n", ast.parse(text), "Net") == ()


torch = pytest.importorskip("torch")

from collections.abc import Mapping, Sequence  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from typing import Any  # noqa: E402

from torch import nn  # noqa: E402

from batchlint.verify.outcomes import Construction  # noqa: E402
from batchlint.verify.plan.plans import SourceCall, TargetPlan  # noqa: E402
from batchlint.verify.recipe_text import format_recipe, parse_recipe  # noqa: E402
from batchlint.verify.recipes import Inputs  # noqa: E402
from batchlint.verify.settings import Settings  # noqa: E402
from batchlint.verify.worker.fitting import Fed, NotFed, feed  # noqa: E402
from batchlint.verify.worker.guesses import hints_from  # noqa: E402


@dataclass
class Built:
    model: Any
    calls: tuple[SourceCall, ...] = ()
    construction: Construction = field(default_factory=lambda: Construction("Net()"))


@dataclass
class Loaded:
    namespace: dict[str, Any] = field(default_factory=lambda: {"torch": torch})

    def scope(self, setup: Sequence[str] = (), path: str = "") -> Mapping[str, Any]:
        names = dict(self.namespace)
        for statement in setup:
            exec(statement, names)
        return names

    def evaluate(self, source: str, setup: Sequence[str] = (), path: str = "") -> Any:
        return eval(source, dict(self.scope(setup, path)))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Any, label: Any = None, scale: float = 1.0) -> Any:
        return self.conv(x) * scale


def said(text: str, grade: Grade = Grade.CODE, origin: str = "line 3") -> InputCandidate:
    name, _, recipe = text.partition(": ")
    return InputCandidate(Inputs((), (), ((name, parse_recipe(recipe)),)), grade, origin)


def run(*inputs: InputCandidate, calls: tuple[SourceCall, ...] = (), model: nn.Module | None = None,
        batch_size: int | None = None) -> Fed | NotFed:  # fmt: skip
    target = TargetPlan("Net", "class", 1, 9, inputs=inputs, batch_size=batch_size)
    return feed(Built(model or Net(), calls), target, Loaded(), Settings())


def texts(fed: Fed | NotFed) -> list[str]:
    assert isinstance(fed, Fed), fed
    found = fed.candidate.inputs
    return [format_recipe(recipe) for recipe in (*found.positional, *(recipe for _, recipe in found.keywords))]


def test_a_call_in_the_sources() -> None:
    call = SourceCall("train.py", 51, ("torch.randn(16, 3, side, side)",), (("scale", "0.5"),), ("side = 20",))
    fed = run(calls=(call,))
    assert texts(fed) == ["float32[B, 3, 20, 20]", "0.5"]
    assert isinstance(fed, Fed)
    assert (fed.candidate.grade, fed.candidate.origin) == (Grade.CODE, "train.py:51")


def test_a_call_that_cannot_be_evaluated_is_passed_over() -> None:
    assert texts(run(said("x: float32[B, 3, 9, 9]"), calls=(SourceCall("a.py", 1, ("absent",)),))) == [
        "float32[B, 3, 9, 9]"
    ]


def test_the_users_word_goes_before_a_call() -> None:
    call = SourceCall("train.py", 51, ("torch.randn(16, 3, 20, 20)",))
    fed = run(said("x: float32[B, 3, 8, 8]", origin="--input"), calls=(call,))
    assert texts(fed) == ["float32[B, 3, 8, 8]"]


def test_when_the_users_word_fails_nothing_else_is_tried() -> None:
    fed = run(said("x: float32[B, 5, 8, 8]", origin="--input"), said("x: float32[B, 3, 8, 8]"))
    assert isinstance(fed, NotFed)
    assert "x: float32[B, 5, 8, 8] (--input) does not run" in fed.reason
    assert "3 channels" in fed.reason


def test_the_users_batch_size_is_the_control() -> None:
    fed = run(said("x: float32[B, 3, 8, 8]"), batch_size=6)
    assert isinstance(fed, Fed)
    assert fed.subject.control == 6


def test_indices_are_typed_and_bounded_though_only_their_shape_is_known() -> None:
    model = nn.Sequential(nn.Embedding(30, 4))
    fed = run(said("input: float32[B, 9]"), model=model)
    assert texts(fed) == ["int64[B, 9] < 30"]
    assert isinstance(fed, Fed)
    assert (fed.candidate.grade, fed.candidate.origin) == (Grade.CODE, "line 3")


def test_what_a_candidate_leaves_out_is_filled_in() -> None:
    class Conditional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.fc = nn.Embedding(10, 4), nn.Linear(12, 3)

        def forward(self, z: Any, labels: Any) -> Any:
            return self.fc(torch.cat((z, self.embed(labels)), 1))

    fed = run(said("z: float32[B, 8]"), model=Conditional())
    assert texts(fed) == ["float32[B, 8]", "int64[B] < 10"]
    assert isinstance(fed, Fed)
    assert fed.candidate.grade is Grade.LAYER


@pytest.mark.parametrize(
    ("bound", "sides", "channels"),
    [
        ({"img_size": 48}, (48, 48), None),
        ({"image_size": (24, 40), "in_channels": 5}, (24, 40), 5),
        ({"img_shape": (1, 28, 28)}, (28, 28), 1),
        ({"in_size": 64, "dim": 32}, None, None),
        ({"height": 20, "width": 30, "nc": 2}, (20, 30), 2),
    ],
)
def test_numbers_with_names(bound: dict[str, Any], sides: tuple[int, int] | None, channels: int | None) -> None:
    hints = hints_from(bound, object(), {})
    assert (hints.sides, hints.channels) == (sides, channels)


def test_constructor_arguments_win_over_options() -> None:
    assert hints_from({"img_size": 48}, object(), {"opt": {"img_size": 32, "latent_dim": 7}}).sides == (48, 48)
    assert hints_from({}, object(), {"opt": {"img_size": 32, "latent_dim": 7}}).latent == 7


def test_a_recurrent_layer_says_which_axis_is_the_batch() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(10, 20, 2)

        def forward(self, x: Any, h: Any) -> Any:
            return self.rnn(x, h)[0]

    call = SourceCall("train.py", 51, ("torch.randn(5, 3, 10)", "torch.randn(2, 3, 20)"))
    fed = run(calls=(call,), model=Recurrent())
    assert texts(fed) == ["float32[5, B, 10]", "float32[2, B, 20]"]
    assert isinstance(fed, Fed)
    assert (fed.subject.batch_axis, fed.candidate.grade) == (1, Grade.CODE)


def test_a_loader_says_so_too_and_wins_over_the_layer() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(28, 20)

        def forward(self, x: Any) -> Any:
            return self.rnn(x)[0]

    fed = run(said("x: float32[B, 28, 28]"), model=Recurrent())
    assert texts(fed) == ["float32[B, 28, 28]"]
