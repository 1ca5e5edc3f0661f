"""`batchlint.verify_model`: inputs of all kinds, reports, and that nothing is left behind."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

from torch import nn  # noqa: E402

import batchlint  # noqa: E402
from batchlint import ModelReport, verify_model  # noqa: E402
from batchlint.verify.model_report import BatchHazard  # noqa: E402
from batchlint.verify.outcomes import Environment, Status  # noqa: E402
from batchlint.verify.worker.feeding import feed_from, recipe_lines  # noqa: E402


class FixedView(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(4, -1).sum(1)


class Squeezed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).squeeze()


class Centred(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - 0.01 * x.mean(0)


class Stateful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 3)
        self.norm = nn.BatchNorm1d(3)
        self.seen: list[int] = []
        self.last: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(x))
        self.last = self.norm(self.layer(x))
        return nn.functional.dropout(self.last, training=self.training)


class Keywords(nn.Module):
    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None, scale: float = 1.0) -> torch.Tensor:
        out = nn.functional.one_hot(tokens, 10).float() * scale
        return out if mask is None else out * mask.unsqueeze(-1)


def check(model: Any, inputs: Any, **more: Any) -> ModelReport:
    return verify_model(model, inputs, device="cpu", **more)


def failed(report: ModelReport) -> list[str]:
    return [each.check for each in report.failures()]


def test_importing_batchlint_imports_no_framework() -> None:
    code = "import sys, batchlint, batchlint.testing; print(sorted({'torch', 'numpy', 'libcst'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
    assert "verify_model" in dir(batchlint)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        batchlint.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    "inputs",
    [
        torch.zeros(4, 8),
        (torch.zeros(4, 8),),
        [torch.zeros(4, 8)],
        {"input": torch.zeros(4, 8)},
        lambda batch: torch.zeros(batch, 8),
        lambda batch: {"input": torch.zeros(batch, 8)},
        "float32[B, 8]",
        "input: float32[B, 8]",
        ("float32[B, 8]",),
        {"input": "float32[B, 8]"},
    ],
)
def test_inputs_of_all_kinds(inputs: Any) -> None:
    report = check(nn.Linear(8, 3), inputs)
    assert report.safe
    assert report.batch_sizes[:4] == (4, 1, 2, 3)
    assert report.inputs == ("input: float32[B, 8]",)


def test_a_crash_is_found_and_told() -> None:
    report = check(FixedView(), torch.randn(4, 6))
    assert not report.safe
    assert "crash at batch sizes" in failed(report)
    text = str(report)
    assert "B=4" in text
    assert "FAIL" in text
    assert "> " in text
    assert "return x.view(4, -1).sum(1)" in text
    assert __file__ in text
    with pytest.raises(BatchHazard, match="not safe at every batch size"):
        report.raise_for_hazards()


def test_a_lost_axis_is_found() -> None:
    assert failed(check(Squeezed(), torch.randn(4, 8))) == ["leading dimension"]


def test_mixed_samples_are_found_and_tolerances_are_the_users() -> None:
    report = check(Centred(), torch.randn(4, 8))
    assert "per-sample consistency" in failed(report)
    assert check(Centred(), torch.randn(4, 8), rtol=0.5).safe
    assert check(Centred(), torch.randn(4, 8), atol=1.0).safe


def test_on_meta_tensors_shapes_alone_are_checked() -> None:
    report = verify_model(FixedView(), torch.randn(4, 6), device="meta")
    assert "crash at batch sizes" in failed(report)
    assert {each.check for each in report.checks} <= {"crash at batch sizes", "leading dimension"}
    assert verify_model(nn.Linear(8, 3), torch.randn(4, 8), device="meta").safe


def test_what_needs_values_is_no_crash_on_meta_tensors() -> None:
    class Reads(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if len(x) == 4 else x * float(x.sum())

    report = verify_model(Reads(), torch.randn(4, 6), device="meta")
    assert failed(report) == []
    assert report.checks[0].status is Status.UNDECIDED


def test_the_batch_may_be_on_another_axis() -> None:
    lstm = nn.LSTM(8, 6)
    state = (torch.zeros(1, 3, 6), torch.zeros(1, 3, 6))
    assert check(lstm, (torch.randn(5, 3, 8), state), batch_axis=1).safe
    named = check(lstm, {"input": torch.randn(5, 3, 8), "hx": state}, batch_axis={"input": 1, "hx": 1})
    assert named.safe
    assert named.inputs == ("input: float32[5, B, 8]", "hx: (float32[1, B, 6], float32[1, B, 6])")
    assert check(lstm, lambda batch: torch.randn(5, batch, 8)).safe


def test_an_input_without_a_batch_stays_as_it_is() -> None:
    class Masked(nn.Module):
        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return x @ mask

    assert not check(Masked(), (torch.randn(4, 4), torch.ones(4, 4))).safe
    assert check(Masked(), (torch.randn(4, 4), torch.ones(4, 4)), batch_axis={"mask": None}).safe


def test_integers_keywords_and_constants_are_fed() -> None:
    given = {"tokens": torch.tensor([[9, 2], [3, 4], [5, 6]]), "mask": torch.ones(3, 2), "scale": 2.0}
    report = check(Keywords(), given)
    assert report.safe
    assert report.control == 3
    assert report.inputs == ("tokens: int64[B, 2] < 10", "mask: float32[B, 2]", "scale: 2.0")


def test_more_rows_are_like_those_of_the_example() -> None:
    lengths, values = torch.tensor([5, 3, 1]), torch.tensor([[0.0, 1.0], [0.0, 0.5], [0.0, 0.25]])
    feed = feed_from(Keywords(), (lengths, values))
    assert feed.arguments is not None
    (more, rows), _ = feed.arguments(7, 0)
    assert more.tolist() == sorted(more.tolist(), reverse=True)
    assert more[0] == 5
    assert not rows[:, 0].any()
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert len({row[1].item() for row in rows}) > 3
    (fewer, first), _ = feed.arguments(2, 0)
    assert torch.equal(fewer, lengths[:2])
    assert torch.equal(first, values[:2])
    assert recipe_lines(feed.inputs)[0] == "tokens: int64[B] < 6"


def test_an_example_of_one_row_is_made_longer() -> None:
    report = check(Squeezed(), torch.randn(1, 8))
    assert report.control == 4
    assert failed(report) == ["leading dimension"]


def test_a_plain_function_can_be_checked() -> None:
    def centred(x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(0)

    assert "per-sample consistency" in failed(check(centred, torch.randn(4, 8)))
    assert check(torch.tanh, torch.randn(4, 8)).safe


def test_the_users_batch_sizes_are_run() -> None:
    assert check(nn.Linear(8, 3), torch.randn(4, 8), batch_sizes=[1, 9]).batch_sizes == (4, 1, 9)


def test_a_model_that_never_runs_is_no_hazard_and_not_safe() -> None:
    report = check(nn.Linear(7, 3), torch.randn(4, 8))
    assert not report.safe
    assert report.failures() == ()
    assert "raises at every batch size" in report.reason
    assert "could not be checked" in str(report)


@pytest.mark.parametrize(
    ("inputs", "more", "said"),
    [
        (torch.randn(4, 8), {"checks": ["crash at batch size"]}, "did you mean 'crash at batch sizes'"),
        (torch.randn(4, 8), {"batch_sizes": [0]}, "0 is no batch size"),
        (torch.tensor(1.0), {}, "no tensor with a batch axis"),
        ("float32[4, 8]", {}, "write B for its size"),
        ("float33[B, 8]", {}, "no tensor with a batch axis"),
        (lambda batch: torch.randn(4, 8), {}, "same shape at every batch size"),
    ],
)
def test_what_cannot_be_meant_is_said(inputs: Any, more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(nn.Linear(8, 3), inputs, **more)


def test_an_unknown_device_is_said() -> None:
    with pytest.raises(ValueError, match="'tpu' is no device"):
        verify_model(nn.Linear(8, 3), torch.randn(4, 8), device="tpu")


@pytest.mark.parametrize("copyable", [True, False])
def test_nothing_is_left_behind(copyable: bool) -> None:
    model = Stateful()
    if not copyable:
        model.__dict__["handle"] = (each for each in ())  # generators cannot be copied
    model.layer.weight.grad = gradient = torch.ones(3, 8)
    model.norm.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    expected = torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)

    with torch.no_grad():
        check(model, torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), profile=True)
        assert not torch.is_grad_enabled()

    assert (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()) == expected
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert model.layer.weight.grad is gradient
    assert bool((gradient == 1).all())
    assert model.seen == []
    assert model.last is None
    assert torch.get_default_dtype() is torch.float32


def test_the_example_is_not_written_to() -> None:
    class InPlace(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.add_(1)

    example = torch.zeros(4, 8)
    check(InPlace(), example)
    assert not example.any()


def test_a_report_is_plain_data() -> None:
    report = check(Squeezed(), torch.randn(4, 8), profile=True)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["safe"] is False
    assert plain["batch_sizes"] == list(report.batch_sizes)
    assert [each.batch_size for each in report.profiles] == sorted(report.batch_sizes)
    assert isinstance(report.environment, Environment)
    with pytest.raises(AttributeError):
        report.control = 5  # type: ignore[misc]
