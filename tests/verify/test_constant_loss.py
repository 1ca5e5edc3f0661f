"""What accounting makes of a loss that is 1.0 for every batch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from loops import proved

from batchlint.verify.outcomes import Status

LOOP = """
        from torch import nn
        def evaluate(model, loader):
            criterion = {criterion}
            total, right, count = 0.0, 0, 0
            for images, labels in loader:
                outputs = model(images)
                total += {addend}
                right += (outputs.argmax(1) == labels).sum().item()
                count += labels.size(0)
            return {metric}  # here
        """


def evaluated(code: str, criterion: str, addend: str, metric: str) -> Status:
    return proved(LOOP.format(criterion=criterion, addend=addend, metric=metric), code).status


@pytest.mark.parametrize(
    ("criterion", "addend", "metric", "status"),
    [
        ("nn.CrossEntropyLoss()", "criterion(outputs, labels).item()", "total / len(loader.dataset)", Status.FAILED),
        ("nn.CrossEntropyLoss()", "criterion(outputs, labels).item()", "total / count", Status.FAILED),
        ("nn.CrossEntropyLoss()", "criterion(outputs, labels).item()", "total / len(loader)", Status.PASSED),
        ("nn.NLLLoss(reduction='sum')", "criterion(outputs, labels).item()", "total / count", Status.PASSED),
        ("nn.MSELoss()", "criterion(outputs, labels) * len(images)", "total / len(loader.dataset)", Status.PASSED),
        ("nn.MSELoss()", "criterion(outputs, labels) * len(images)", "total / len(loader)", Status.FAILED),
        ("nn.L1Loss(reduction='none')", "criterion(outputs, labels).mean()", "total / len(loader)", Status.PASSED),
        ("unheard_of()", "criterion(outputs, labels).item()", "total / count", Status.UNDECIDED),
    ],
)
def test_means_and_sums_of_losses(criterion: str, addend: str, metric: str, status: Status) -> None:
    assert evaluated("BSZ501", criterion, addend, metric) is status


@pytest.mark.parametrize(
    ("metric", "status"),
    [
        ("right / count", Status.PASSED),
        ("right / len(loader.dataset)", Status.PASSED),
        ("100.0 * right / (len(loader) * 4)", Status.FAILED),
    ],
)
def test_shares_of_right_predictions(metric: str, status: Status) -> None:
    assert evaluated("BSZ503", "nn.CrossEntropyLoss()", "0.0", metric) is status


def test_a_loss_given_by_the_caller_is_taken_from_the_call() -> None:
    answer = proved(
        """
        import torch.nn as nn
        def evaluate(model, loader, loss_fn):
            total = 0.0
            for images, labels in loader:
                total += loss_fn(model(images), labels).item()
            return total / len(loader.dataset)  # here
        def main(model, loader):
            crit = nn.MSELoss()
            print(evaluate(model, loader, crit))
        """,
        "BSZ501",
    )
    assert answer.status is Status.FAILED
    assert answer.difference == pytest.approx(0.75)


def test_the_numbers_of_the_evidence_are_those_of_the_runs() -> None:
    source = LOOP.format(
        criterion="nn.MSELoss()", addend="criterion(outputs, labels).item()", metric="total / len(loader.dataset)"
    )
    answer = proved(source, "BSZ501")
    assert "1 for 1 rows in batches of 4 and 0.25 for 8 rows in batches of 4" in answer.detail
    assert {run.detail for run in answer.runs} >= {"1", "0.25"}
