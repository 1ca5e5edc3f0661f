"""The runs behind ``disputed.json``: ``python benchmarks/accuracy/disputed_runs.py`` (with PyTorch).

Each does what the labelled code does, in code of our own, at the batch sizes that the label speaks of.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def summed_losses() -> None:
    """Label: a mean loss is summed and divided by the dataset's length. The criterion is a sum, so that is its mean."""
    images, labels = torch.randn(1000, 784), torch.randint(0, 10, (1000,))
    model = nn.Sequential(nn.Linear(784, 10), nn.LogSoftmax(dim=1))
    with torch.no_grad():
        print(f"mean loss over all rows: {nn.NLLLoss()(model(images), labels).item():.6f}")
        for batch_size in (64, 10, 1000, 1):
            totals = []
            for criterion in (nn.NLLLoss(reduction="sum"), nn.NLLLoss()):
                loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size)
                totals.append(sum(criterion(model(x), y).item() for x, y in loader) / len(images))
            print(f"batch size {batch_size:4}: reduction='sum' gives {totals[0]:.6f}, the default {totals[1]:.6f}")


def dropped_short_batch() -> None:
    """Label: a short batch leaves rows of zeros. The loader is made with ``drop_last=True``: there is none."""
    for rows in (60000, 60003):
        loader = DataLoader(TensorDataset(torch.zeros(rows)), batch_size=10, shuffle=True, drop_last=True)
        print(f"{rows} rows, batch size 10, drop_last=True: batches of {sorted({len(x) for (x,) in loader})} rows")


def squeezed_targets_of_an_accuracy() -> None:
    """Label: ``label[:, 0].squeeze()`` loses the batch. It is only compared with the predictions, which broadcasts."""
    for rows in (1, 2, 16):
        logits, label = torch.randn(rows, 40), torch.randint(0, 40, (rows, 1))[:, 0]
        label[0] = logits[0].argmax()
        predicted = logits.max(1)[1]
        squeezed = (predicted == label.squeeze()).sum().item()
        print(f"batch of {rows:2}: {squeezed} correct with squeeze(), {(predicted == label).sum().item()} without")


def guarded_fold() -> None:
    """Label: ``view(-1, 3, 3)`` folds further leading axes. The assertion before lets only ``(B, 3)`` through."""
    for shape in ((1, 3), (5, 3), (2, 4, 3)):
        vectors = torch.randn(shape)
        if not (len(vectors.shape) == 2 and vectors.shape[1] == 3):
            print(f"{shape}: AssertionError, before the view")
            continue
        flat = torch.stack([vectors[..., 0]] * 9, dim=-1)
        print(f"{shape}: {tuple(flat.view(-1, 3, 3).shape)}")


class WrappingRows:
    """Rows that are handed out as the MNIST reader of TensorFlow 1 did (``contrib/learn/.../datasets/mnist.py``).

    Where an epoch ends within a batch, the batch is filled up from the next epoch, which is shuffled anew.
    """

    def __init__(self, count: int) -> None:
        self.order = torch.randperm(count)
        self.position = 0

    def next_batch(self, batch_size: int) -> torch.Tensor:
        """The numbers of the next *batch_size* rows."""
        rest = self.order[self.position : self.position + batch_size]
        self.position += batch_size
        if len(rest) < batch_size or self.position == len(self.order):
            self.order = torch.randperm(len(self.order))
            self.position = batch_size - len(rest)
            rest = torch.cat([rest, self.order[: self.position]])
        return rest


def batches_that_wrap_around() -> None:
    """Labels: the tail is lost, and a short batch breaks the reshape. Every batch is full, and every row comes up.

    Another label calls the very same line benign for this reason.
    """
    for count in (550, 503):
        rows, batch_size = WrappingRows(count), 100
        seen: set[int] = set()
        sizes: set[int] = set()
        for epoch in range(1, 7):
            for _ in range(count // batch_size):
                batch = rows.next_batch(batch_size)
                sizes.add(len(batch))
                seen.update(batch.tolist())
            print(
                f"{count} rows, epoch {epoch}: batches of {sorted(sizes)} rows, {count - len(seen)} rows not yet seen"
            )


if __name__ == "__main__":
    torch.manual_seed(0)
    for run in (
        summed_losses,
        dropped_short_batch,
        squeezed_targets_of_an_accuracy,
        guarded_fold,
        batches_that_wrap_around,
    ):
        print(f"{run.__name__}: {run.__doc__}")
        run()
        print()
