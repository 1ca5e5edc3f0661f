"""Shapes of both operands of a loss."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from loops import proved

from batchlint.verify.outcomes import Status
from batchlint.verify.worker.loops.unreduced_loss import broadcast

TRAINING = """
        import torch
        from torch import nn
        from torch.utils.data import DataLoader, TensorDataset
        model = {model}
        criterion = nn.{loss}()
        def train(features, labels):
            for x, y in DataLoader(TensorDataset(features, labels), batch_size=8):
                loss = criterion({prediction}, {target})  # here
                loss.backward()
        """
LINEAR = "nn.Sequential(nn.Linear(16, 1))"


@pytest.mark.parametrize(
    ("model", "loss", "prediction", "target", "status"),
    [
        (LINEAR, "MSELoss", "model(x)", "y.float()", Status.FAILED),
        (LINEAR, "L1Loss", "model(x)", "y.float()", Status.FAILED),
        (LINEAR, "MSELoss", "model(x).squeeze(1)", "y.float()", Status.PASSED),
        (LINEAR, "SmoothL1Loss", "model(x)", "y.float().unsqueeze(1)", Status.PASSED),
        ("unheard_of()", "MSELoss", "model(x)", "y.float()", Status.UNDECIDED),
    ],
)
def test_operands_are_compared(model: str, loss: str, prediction: str, target: str, status: Status) -> None:
    source = TRAINING.format(model=model, loss=loss, prediction=prediction, target=target)
    answer = proved(source, "BSZ407")
    assert answer.status is status, answer.detail


def test_the_evidence_has_both_shapes() -> None:
    source = TRAINING.format(model=LINEAR, loss="MSELoss", prediction="model(x)", target="y.float()")
    answer = proved(source, "BSZ407")
    assert "`mse_loss` compares [8, 1] with [8]: each row with every other, [8, 8] in all" in answer.detail


@pytest.mark.parametrize(
    ("left", "right", "together"), [((4, 1), (4,), [4, 4]), ((4,), (4,), [4]), ((), (3,), [3]), ((2, 3), (3,), [2, 3])]
)
def test_broadcasting(left: tuple[int, ...], right: tuple[int, ...], together: list[int]) -> None:
    assert broadcast(left, right) == together
