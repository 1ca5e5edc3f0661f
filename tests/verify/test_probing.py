"""Finding what a model runs with, when nothing but the model is known."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from batchlint.verify.outcomes import Construction, Grade  # noqa: E402
from batchlint.verify.plan.plans import SourceCall, TargetPlan  # noqa: E402
from batchlint.verify.recipe_text import format_recipe  # noqa: E402
from batchlint.verify.recipes import Inputs, TensorRecipe  # noqa: E402
from batchlint.verify.settings import Settings  # noqa: E402
from batchlint.verify.worker.demands import demands  # noqa: E402
from batchlint.verify.worker.fitting import Fed, NotFed, feed  # noqa: E402
from batchlint.verify.worker.trials import CPU, META, attempt, on_meta  # noqa: E402


@dataclass
class Built:
    model: Any
    construction: Construction = field(default_factory=lambda: Construction("Net()"))
    calls: tuple[SourceCall, ...] = ()


@dataclass
class Loaded:
    namespace: dict[str, Any] = field(default_factory=dict)

    def scope(self, setup: Sequence[str] = (), path: str = "") -> Mapping[str, Any]:
        names = dict(self.namespace)
        for statement in setup:
            exec(statement, names)
        return names

    def evaluate(self, source: str, setup: Sequence[str] = (), path: str = "") -> Any:
        return eval(source, dict(self.scope(setup, path)))


def fed(model: nn.Module, own: tuple[int, ...] = (), **names: Any) -> Fed:
    target = TargetPlan(type(model).__name__, "class", 1, 9, own_batch_sizes=own)
    result = feed(Built(model), target, Loaded(names), Settings())
    assert isinstance(result, Fed), result
    run = result.subject.run(result.subject.control)
    assert run.failure is None
    return result


def texts(result: Fed) -> list[str]:
    return [format_recipe(recipe) for recipe in result.candidate.inputs.positional]


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(784, 10)

    def forward(self, x: Any) -> Any:
        return self.fc(x.view(x.size(0), -1))


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(16 * 5 * 5, 10)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(torch.flatten(x, 1))


class Folding(LeNet):
    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(x.view(-1, 16 * 5 * 5))


class Wave(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv1d(2, 4, 9, stride=3), nn.Linear(4 * 50, 3)

    def forward(self, signal: Any) -> Any:
        return self.fc(self.conv(signal).flatten(1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.fc = nn.LSTM(28, 16, 2, batch_first=True), nn.Linear(16, 10)

    def forward(self, x: Any) -> Any:
        state = torch.zeros(2, x.size(0), 16), torch.zeros(2, x.size(0), 16)
        return self.fc(self.rnn(x, state)[0][:, -1])


class Language(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn, self.out = nn.Embedding(50, 8), nn.LSTM(8, 16), nn.Linear(16, 50)

    def init_hidden(self, rows: int) -> Any:
        return torch.zeros(1, rows, 16), torch.zeros(1, rows, 16)

    def forward(self, tokens: Any, hidden: Any) -> Any:
        output, hidden = self.rnn(self.embed(tokens), hidden)
        return self.out(output), hidden


class Generator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(10, 10), nn.Linear(72, 48)

    def forward(self, noise: Any, labels: Any) -> Any:
        return self.fc(torch.cat((self.embed(labels), noise), -1))


class Deprecated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.drop = nn.Linear(6, 4), nn.Dropout2d()

    def forward(self, x: Any) -> Any:
        return self.drop(self.fc(x)[:, :, None, None])[:, :, 0]


class Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)

    def forward(self, img_a: Any, img_b: Any) -> Any:
        return self.conv(torch.cat((img_a, img_b), 1))


class Skip(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.conv = nn.ConvTranspose2d(32, 16, 2, 2), nn.Conv2d(24, 8, 1)

    def forward(self, x: Any, skip: Any) -> Any:
        return self.conv(torch.cat((self.up(x), skip), 1))


class Unpacks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(7, 9))

    def forward(self, x: Any) -> Any:
        rows, steps, _ = x.shape
        return (x @ self.weight).reshape(rows, steps, 9)


class ItsOwnSize(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.state = nn.GRU(5, 6, batch_first=True), torch.zeros(1, 20, 6)

    def forward(self, x: Any) -> Any:
        return self.rnn(x, self.state)[0]


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 8, 16, 16)
        self.position = nn.Parameter(torch.zeros(1, 25, 8))

    def forward(self, img: Any) -> Any:
        return self.patch(img).flatten(2).transpose(1, 2) + self.position


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 2)

    def forward(self, x: Any, mask: Any = None, return_all: bool = False) -> Any:
        x = self.fc(x)
        return x[x[:, 0] > 0].sum() + x


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Any, target: Any) -> Any:
        return F.cross_entropy(self.fc(x), target)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (Mlp, ["float32[B, 1, 28, 28]"]),
        (LeNet, ["float32[B, 3, 32, 32]"]),
        (Folding, ["float32[B, 3, 32, 32]"]),
        (Wave, ["float32[B, 2, 156]"]),
        (Recurrent, ["float32[B, 12, 28]"]),
        (Language, ["int64[12, B] < 50", "= model.init_hidden(B)"]),
        (Generator, ["float32[B, 62]", "int64[B] < 10"]),
        (Deprecated, ["float32[B, 6]"]),
        (Pair, ["float32[B, 1, 64, 64]", "float32[B, 1, 64, 64]"]),
        (Skip, ["float32[B, 32, 32, 32]", "float32[B, 8, 64, 64]"]),
        (Unpacks, ["float32[B, 12, 7]"]),
        (Positions, ["float32[B, 3, 80, 80]"]),
        (Masked, ["float32[B, 6]"]),
        (Classifier, ["float32[B, 6]", "int64[B] < 5"]),
    ],
)
def test_found_from_the_model_alone(model: type[nn.Module], expected: list[str]) -> None:
    result = fed(model())
    assert texts(result) == expected
    assert result.subject.control == 4
    assert result.candidate.grade is Grade.LAYER


def test_a_model_that_takes_its_own_batch_size_alone_is_fed_with_that() -> None:
    result = fed(ItsOwnSize(), own=(20,))
    assert (texts(result), result.subject.control) == (["float32[B, 12, 5]"], 20)
    assert result.notes == ("it does not run with 4 rows: its own batch size is 20",)


def test_a_name_alone_is_a_guess() -> None:
    class Doubles(nn.Module):
        def forward(self, x: Any) -> Any:
            return 2 * x

    assert fed(Doubles()).candidate.grade is Grade.GUESSED


def test_rows_of_a_graph_are_no_batch() -> None:
    class Convolution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 2)

        def forward(self, x: Any, adj: Any) -> Any:
            return adj @ self.fc(x)

    result = fed(Convolution())
    assert texts(result) == ["float32[12, 6]", "float32[12, 12] uniform"]
    assert result.candidate.grade is Grade.GUESSED


def test_numbers_that_the_author_named() -> None:
    class Convolution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Any) -> Any:
            return self.conv(x)

    assert texts(fed(Convolution(), opt={"img_size": 40})) == ["float32[B, 3, 40, 40]"]


def test_what_cannot_be_fed_says_what_to_write() -> None:
    class Strange(nn.Module):
        def forward(self, premise: Any, other: Any) -> Any:
            return premise.words.spoken + other

    result = feed(Built(Strange()), TargetPlan("Strange", "class", 1, 9), Loaded(), Settings())
    assert isinstance(result, NotFed)
    assert "'Tensor' object has no attribute 'words'" in result.reason
    assert "`# batchlint: input premise: float32[B, ?, ?, ?]`" in result.help
    assert "--input 'Strange.premise: float32[B, ?, ?, ?]'" in result.help


def test_nothing_gets_through_and_time_is_bounded() -> None:
    class Hostile(nn.Module):
        def forward(self, x: Any) -> Any:
            raise SystemExit(3)

    begin = time.perf_counter()
    result = feed(Built(Hostile()), TargetPlan("Hostile", "class", 1, 9), Loaded(), Settings())
    assert isinstance(result, NotFed)
    assert time.perf_counter() - begin < 8


def test_the_model_is_left_as_it_was() -> None:
    class Remembers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.seen = nn.BatchNorm1d(6), None

        def forward(self, x: Any) -> Any:
            self.seen = x
            return self.norm(x)

    model = Remembers().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    feed(Built(model), TargetPlan("Remembers", "class", 1, 9), Loaded(), Settings())
    assert model.training
    assert model.norm.training
    assert model.seen is None
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model._forward_hooks
    assert not model.norm._forward_pre_hooks


def test_a_copy_on_meta_shares_no_weights() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    copied = on_meta(model)
    assert copied is not None
    assert all(tensor.device.type == "meta" for tensor in (*copied.parameters(), *copied.buffers()))
    assert all(tensor.device.type == "cpu" for tensor in model.parameters())


def test_a_trial_knows_what_failed_and_where_it_came_from() -> None:
    model = LeNet()
    inputs = Inputs((TensorRecipe(("B", 3, 40, 40)),), ("x",))
    trial = attempt(model, inputs, ("x",), 4, CPU, 0, {})
    assert trial.failing is not None
    assert trial.failing.name == "linear"
    fed_to_it, weight = trial.failing.tensors()[:2]
    assert fed_to_it.shape == (4, 784)
    assert fed_to_it.sources == {"x"}
    assert not fed_to_it.direct
    assert weight.weight
    first = demands(trial)[0]
    assert (first.seen.shape, first.sizes, first.met) == ((4, 3, 40, 40), {1: 3}, True)
    assert attempt(on_meta(model), inputs, ("x",), 4, META, 0, {}).failing == trial.failing


def test_an_argument_that_is_read_as_an_object_becomes_one() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.fc = nn.Embedding(50, 8), nn.Linear(16, 3)

        def forward(self, batch: Any) -> Any:
            pooled = [self.embed(each).mean(1) for each in (batch.premise, batch.hypothesis)]
            return self.fc(torch.cat(pooled, 1))

    result = fed(Pair())
    (text,) = texts(result)
    assert text.startswith("= __import__('types').SimpleNamespace(premise=torch.randint(0, 50, (B, 12)), hypothesis=")
    # What is printed is Python that gives the same.
    made = eval(text.removeprefix("= "), {"torch": torch, "B": 5})
    assert result.subject.model(made).shape == (5, 3)


def test_a_method_that_no_tensor_has_gives_the_argument() -> None:
    class Remote(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x_rref: Any) -> Any:
            return self.conv(x_rref.to_here())

    result = fed(Remote())
    (text,) = texts(result)
    assert text == "= __import__('types').SimpleNamespace(to_here=lambda *_: torch.randn(B, 3, 64, 64))"
    doubled = result.subject.in_double()
    assert doubled is not None
    assert doubled.run(3).output.dtype is torch.float64


def test_an_argument_that_is_read_by_keys_becomes_a_dictionary() -> None:
    class Keyed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 4, 3), nn.Linear(6, 4)

        def forward(self, inputs: Any) -> Any:
            return self.conv(inputs["image"]).mean((2, 3)) + self.fc(inputs["wind"])

    assert texts(fed(Keyed())) == ["{'image': float32[B, 1, 64, 64], 'wind': float32[B, 6]}"]


def test_a_graph_in_an_object_has_no_rows_of_a_batch() -> None:
    class Nodes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 3)

        def forward(self, data: Any) -> Any:
            return self.fc(data.x)[data.edge_index[0]]

    assert "B" not in " ".join(texts(fed(Nodes()))).replace("BATCH", "")


def test_the_batch_is_on_the_second_axis_of_tokens_for_a_recurrent_layer() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn = nn.Embedding(50, 8), nn.LSTM(8, 6)

        def forward(self, tokens: Any) -> Any:
            return self.rnn(self.embed(tokens))[1][0][-1]

    assert texts(fed(Last())) == ["int64[12, B] < 50"]


def test_a_state_in_a_call_has_the_batch_on_its_second_axis() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(7, 5)

        def forward(self, hidden: Any, x: Any) -> Any:
            return self.rnn(x.transpose(0, 1), hidden)[0][-1]

    call = SourceCall("train.py", 9, ("torch.randn(1, 6, 5)", "torch.randn(6, 2, 7)"))
    result = feed(
        Built(Recurrent(), calls=(call,)), TargetPlan("Recurrent", "class", 1, 9), Loaded({"torch": torch}), Settings()
    )
    assert isinstance(result, Fed)
    assert (texts(result), result.subject.control) == (["float32[1, B, 5]", "float32[B, 2, 7]"], 4)


def test_what_runs_with_one_number_of_rows_only_is_given_more_axes_that_follow_it() -> None:
    class Halves(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 4)

        def forward(self, x: Any, other: Any) -> Any:
            return self.fc(x) * other.reshape(x.shape[0], -1).sum(1, keepdim=True)

    result = fed(Halves())
    for rows in (3, 5, 7):
        assert result.subject.run(rows).failure is None


def test_a_model_with_states_in_double_precision_is_turned_into_one() -> None:
    class Double(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.fc = nn.LSTMCell(1, 5), nn.Linear(5, 1)

        def forward(self, x: Any) -> Any:
            state = torch.zeros(x.size(0), 5, dtype=torch.double), torch.zeros(x.size(0), 5, dtype=torch.double)
            return self.fc(self.cell(x[:, :1], state)[0])

    result = fed(Double())
    assert result.construction is not None
    assert result.construction.expression == "(Net()).double()"
    assert texts(result)[0].startswith("float64[B, ")
