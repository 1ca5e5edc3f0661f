"""A summed loss divided by the dataset's length is its mean at every batch size: the run behind ``disputed.json``.

The label says that a mean loss is summed and divided by the dataset's length. The file's criterion is
``NLLLoss(reduction='sum')``; this is its loop, on 1,000 random rows, with that criterion and with the default one.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def accumulated(criterion: nn.Module, model: nn.Module, loader: DataLoader[tuple[torch.Tensor, ...]], rows: int) -> float:
    total = 0.0
    with torch.no_grad():
        for images, labels in loader:
            total += criterion(model(images), labels).item()
    return total / rows


def main() -> None:
    torch.manual_seed(0)
    images, labels = torch.randn(1000, 784), torch.randint(0, 10, (1000,))
    model = nn.Sequential(nn.Linear(784, 10), nn.LogSoftmax(dim=1))
    print(f"mean loss over all rows: {nn.NLLLoss()(model(images), labels).item():.6f}")
    for batch_size in (64, 10, 1000, 1):
        loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size)
        summed = accumulated(nn.NLLLoss(reduction="sum"), model, loader, len(images))
        averaged = accumulated(nn.NLLLoss(), model, loader, len(images))
        print(f"batch size {batch_size:4}: NLLLoss(reduction='sum') gives {summed:.6f}, NLLLoss() {averaged:.6f}")


if __name__ == "__main__":
    main()
