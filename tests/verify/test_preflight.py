"""`batchlint.testing.preflight`: the batches that end trainings, and that looking costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset  # noqa: E402

from batchlint.testing import BatchHazard, preflight  # noqa: E402
from batchlint.verify.outcomes import Status  # noqa: E402


def pairs(rows: int, *target: int) -> Any:
    return TensorDataset(torch.randn(rows, 8), torch.randn(rows, *target))


class Counted(Dataset[Any]):
    """Counts how often it is read."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.read: list[int] = []

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index: int) -> Any:
        self.read.append(index)
        return torch.full((8,), float(index)), torch.zeros(1)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter([(torch.randn(8), torch.randn(1)) for _ in range(10)])


class Fixed(nn.Module):
    """Written for four rows."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) + torch.zeros(4, 1)


class Squeezed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x).squeeze()


def names_and_sizes(report: Any) -> list[tuple[str, int | None]]:
    return [(run.name, run.batch_size) for run in report.runs]


def test_three_batches_are_run() -> None:
    report = preflight(nn.Linear(8, 1), DataLoader(pairs(10, 1), batch_size=4), nn.MSELoss())
    assert names_and_sizes(report) == [("first batch", 4), ("last batch", 2), ("batch of one", 1)]
    assert report.safe
    assert all(run.loss is not None for run in report.runs)
    assert "ready to train" in str(report)


def test_the_data_set_is_not_walked() -> None:
    dataset = Counted(1003)
    preflight(nn.Linear(8, 1), DataLoader(dataset, batch_size=100), nn.MSELoss())
    assert dataset.read == [*range(100), 1000, 1001, 1002, 0]


def test_a_shuffled_loader_with_workers_is_not_started() -> None:
    generator = torch.Generator().manual_seed(3)
    loader = DataLoader(Counted(10), batch_size=4, shuffle=True, num_workers=2, generator=generator)
    state = generator.get_state()
    report = preflight(nn.Linear(8, 1), loader, nn.MSELoss())
    assert names_and_sizes(report)[1] == ("last batch", 2)
    assert torch.equal(generator.get_state(), state)


def test_a_fixed_batch_fails_at_the_last_batch() -> None:
    with pytest.raises(BatchHazard) as caught:
        preflight(Fixed(), DataLoader(pairs(10, 1), batch_size=4), nn.MSELoss())
    message = str(caught.value)
    assert "last batch    FAIL  2 rows" in message
    assert "return self.layer(x) + torch.zeros(4, 1)" in message
    assert "drop_last=True" in message


def test_a_silent_broadcast_in_the_loss_is_found() -> None:
    with pytest.raises(BatchHazard, match=r"\[4, 1\] meets \[4\]: broadcast to \[4, 4\]"):
        preflight(nn.Linear(8, 1), DataLoader(pairs(8), batch_size=4), nn.MSELoss())


def test_a_broadcast_in_a_loss_of_ones_own_is_found() -> None:
    def squared(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return ((output - target) ** 2).mean()

    with pytest.raises(BatchHazard, match="each row with each"):
        preflight(nn.Linear(8, 1), DataLoader(pairs(8), batch_size=4), squared)


def test_an_axis_lost_at_one_row_is_found() -> None:
    with pytest.raises(BatchHazard, match=r"output 1 is \[\] for 1 rows? and \[4\]"):
        preflight(Squeezed(), DataLoader(pairs(8), batch_size=4), None)


def test_batch_normalisation_of_one_row_fails_where_the_loader_gives_one() -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with pytest.raises(BatchHazard, match="batch normalisation needs two rows"):
        preflight(model, DataLoader(pairs(9, 1), batch_size=4), nn.MSELoss())
    for loader in (DataLoader(pairs(9, 1), batch_size=4, drop_last=True), DataLoader(pairs(10, 1), batch_size=4)):
        report = preflight(model, loader, nn.MSELoss())
        assert report.runs[-1].status is Status.UNDECIDED
        assert "the loader gives no such batch" in report.runs[-1].detail


def test_losses_that_are_no_finite_number_are_found() -> None:
    loader = DataLoader(pairs(8, 1), batch_size=4)
    with pytest.raises(BatchHazard, match=r"of shape \[4, 1\], not one number"):
        preflight(nn.Linear(8, 1), loader, nn.MSELoss(reduction="none"))
    with pytest.raises(BatchHazard, match="the loss is nan"):
        preflight(nn.Linear(8, 1), loader, lambda output, target: (output - target).sum() * float("nan"))


def test_the_backward_pass_is_run() -> None:
    class Cut(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            raise RuntimeError("no gradient here")

    class Net(Squeezed):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Cut.apply(self.layer(x))

    with pytest.raises(BatchHazard, match="the backward pass raises"):
        preflight(Net(), DataLoader(pairs(8, 1), batch_size=4), nn.MSELoss())


def test_dict_batches_go_to_the_parameters_of_that_name() -> None:
    class Keywords(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 3)

        def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
            return self.layer(x if mask is None else x * mask)

    rows = [{"x": torch.randn(8), "mask": torch.ones(8), "label": index % 3, "name": "a"} for index in range(10)]
    report = preflight(Keywords(), DataLoader(rows, batch_size=4), nn.CrossEntropyLoss())  # type: ignore[arg-type]
    assert names_and_sizes(report)[1] == ("last batch", 2)


def test_a_models_own_loss_is_used() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 1)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
            out = self.layer(x)
            return {"loss": ((out - y) ** 2).mean(), "logits": out}

    report = preflight(Own(), DataLoader(pairs(10, 1), batch_size=4))
    assert all(run.loss is not None for run in report.runs)


def test_a_step_of_ones_own_leaves_no_trace() -> None:
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = {name: value.clone() for name, value in model.state_dict().items()}

    def step(model: Any, batch: Any) -> torch.Tensor:
        x, y = batch
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    report = preflight(model, DataLoader(pairs(10, 1), batch_size=4), step=step)
    assert report.safe
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.weight.grad is None


def test_nothing_is_left_behind() -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 1)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    loader = DataLoader(pairs(10, 1), batch_size=4, shuffle=True)
    torch.manual_seed(5)
    preflight(model, loader, nn.MSELoss())
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_lists_of_batches_are_sliced() -> None:
    batches = [(torch.randn(4, 8), torch.randn(4, 1)), (torch.randn(3, 8), torch.randn(3, 1))]
    report = preflight(nn.Linear(8, 1), batches, nn.MSELoss())
    assert names_and_sizes(report) == [("first batch", 4), ("last batch", 3), ("batch of one", 1)]


def test_what_was_not_run_is_said() -> None:
    report = preflight(nn.Linear(8, 1), DataLoader(Stream(), batch_size=4), nn.MSELoss())
    assert names_and_sizes(report) == [("first batch", 4), ("batch of one", 1)]
    assert any("last batch" in each for each in report.not_run)
    even = preflight(nn.Linear(8, 1), DataLoader(pairs(8, 1), batch_size=4), nn.MSELoss())
    assert even.not_run == ("the last batch: it has 4 rows like the first",)


def test_a_batch_sampler_of_ones_own_is_walked_by_its_indices() -> None:
    dataset = Counted(10)
    loader = DataLoader(dataset, batch_sampler=[[0, 1, 2], [3, 4, 5], [9]])
    report = preflight(nn.Linear(8, 1), loader, nn.MSELoss())
    assert names_and_sizes(report) == [("first batch", 3), ("last batch", 1)]
    assert dataset.read == [0, 1, 2, 9]


def test_what_can_be_walked_only_once_is_refused() -> None:
    with pytest.raises(TypeError, match="only once"):
        preflight(nn.Linear(8, 1), iter([(torch.randn(4, 8), torch.randn(4, 1))]), nn.MSELoss())
    with pytest.raises(ValueError, match="no batches"):
        preflight(nn.Linear(8, 1), DataLoader(pairs(3, 1), batch_size=4, drop_last=True), nn.MSELoss())
