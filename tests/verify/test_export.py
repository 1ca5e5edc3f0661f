"""Exporting at one batch size and running at another."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from batchlint import verify_model  # noqa: E402
from batchlint.verify.outcomes import CheckOutcome, Status  # noqa: E402


class FixedView(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(4, -1).sum(1)


class Sliced(torch.nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.positions = torch.nn.Parameter(torch.zeros(6, 8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.positions[: x.size(0)]


class Unrolled(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([row * 2 for row in x])


class Nested(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, pair: tuple[torch.Tensor, torch.Tensor], scale: float = 1.0) -> torch.Tensor:
        return (pair[0] + pair[1]) * scale


class Unexportable(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2 if x.sum().item() > 1e9 else torch.from_numpy(x.detach().numpy() * 3)


def exported(model: torch.nn.Module, inputs: object, sizes: tuple[int, ...] = (2, 3, 5)) -> CheckOutcome:
    report = verify_model(model, inputs, device="cpu", checks=["export and run"], batch_sizes=sizes)
    return report.checks[-1]


def test_a_model_for_any_batch_passes() -> None:
    outcome = exported(torch.nn.Sequential(torch.nn.Linear(8, 3), torch.nn.ReLU()), torch.randn(4, 8))
    assert outcome.status is Status.PASSED
    assert [run.batch_size for run in outcome.runs] == [4, 2, 3, 5]


def test_nested_inputs_and_keywords_are_exported() -> None:
    pair = (torch.randn(4, 8), torch.randn(4, 8))
    assert exported(Nested(), {"pair": pair, "scale": 2.0}).status is Status.PASSED


def test_a_bound_is_told() -> None:
    outcome = exported(Sliced(), torch.randn(4, 8))
    assert outcome.status is Status.FAILED
    assert "valid only for 2 <= B <= 6" in outcome.detail


def test_a_batch_that_becomes_a_constant_is_told() -> None:
    outcome = exported(Unrolled(), torch.randn(4, 8))
    assert outcome.status is Status.FAILED
    assert "valid only for B = 4" in outcome.detail


def test_a_model_that_runs_at_one_size_is_not_called_exportable() -> None:
    report = verify_model(FixedView(), torch.randn(4, 6), device="cpu", checks=["export and run"])
    assert [each.check for each in report.failures()] == ["crash at batch sizes", "export and run"]


def test_what_cannot_be_exported_is_undecided() -> None:
    outcome = exported(Unexportable(), torch.randn(4, 8))
    assert outcome.status is Status.UNDECIDED


def test_it_is_asked_on_request_only() -> None:
    report = verify_model(torch.nn.Linear(8, 3), torch.randn(4, 8), device="cpu")
    assert "export and run" not in [each.check for each in report.checks]
