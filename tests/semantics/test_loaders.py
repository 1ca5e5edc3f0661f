"""Loaders: how many rows a batch has, and what a sample is after its transforms."""

from __future__ import annotations

import pytest

from reading import assert_shapes, flagged


def test_a_batch_of_a_loader() -> None:
    assert_shapes("""
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        data = TensorDataset(torch.zeros(1000, 3, 8, 8), torch.zeros(1000))
        for x, y in DataLoader(data, batch_size=64):
            x + 0  # [B, 3, 8, 8]
            y + 0  # [B]
        for i, batch in enumerate(DataLoader(data, batch_size=64)):
            batch[0] + 0  # [B, 3, 8, 8]
        x, y = next(iter(DataLoader(data, batch_size=64)))
        x + 0  # [64, 3, 8, 8]
        for (x, y), (u, v) in zip(DataLoader(data, 32), DataLoader(data)):
            x + 0  # [B, 3, 8, 8]
            u + 0  # [1, 3, 8, 8]
    """)


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        ("T.ToTensor()", "[B, 1, 28, 28]"),
        ("T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])", "[B, 1, 28, 28]"),
        ("T.Compose([T.Resize((32, 32)), T.ToTensor()])", "[B, 1, 32, 32]"),
        ("T.Compose([T.Resize(40), T.CenterCrop(36), T.ToTensor()])", "[B, 1, 36, 36]"),
        ("T.Compose([T.Pad(2), T.RandomHorizontalFlip(), T.ToTensor()])", "[B, 1, 32, 32]"),
        ("T.Compose([T.Resize(size), T.ToTensor()])", "[B, 1, H, W]"),
        ("T.Compose([T.ToTensor(), T.Lambda(lambda x: x.view(-1))])", "[B, ...]"),
        ("T.Compose([T.ToTensor(), Own()])", "[B, ...]"),
        ("None", "[B, ...]"),
    ],
)
def test_samples_go_through_their_transforms(transform: str, shape: str) -> None:
    assert_shapes(f"""
        from torch.utils.data import DataLoader
        from torchvision import datasets, transforms as T
        from elsewhere import Own, size

        loader = DataLoader(datasets.MNIST("data", transform={transform}), batch_size=64)
        for x, y in loader:
            x + 0  # {shape}
            y + 0  # [B]
    """)


def test_parts_of_a_dataset_have_its_samples() -> None:
    assert_shapes("""
        from torch.utils.data import DataLoader, Subset, random_split
        from torchvision import datasets, transforms

        whole = datasets.CIFAR10("data", transform=transforms.ToTensor())
        train, valid = random_split(whole, [45000, 5000])
        for x, y in DataLoader(train, batch_size=64):
            x + 0  # [B, 3, 32, 32]
        for x, y in DataLoader(Subset(whole, range(100)), batch_size=64):
            x + 0  # [B, 3, 32, 32]
    """)


def test_a_collate_function_may_do_anything() -> None:
    assert_shapes("""
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        for x in DataLoader(TensorDataset(torch.zeros(9, 5)), batch_size=2, collate_fn=read):
            x + 0  # nothing
    """)


DRAWING = """
import torch
from torch import nn
from torch.utils.data import DataLoader

batch_size = 64

def run(model, dataset):
    loader = DataLoader(dataset, batch_size=batch_size)
    {draw}
        model(x.view(batch_size, -1))
"""
LINE = "model(x.view(batch_size, -1))"


@pytest.mark.parametrize(
    "draw",
    [
        "for x, y in loader:",
        "for i, (x, y) in enumerate(loader):",
        "for i, (x, y) in enumerate(loader, start=1):",
        "for x, y in tqdm(loader):",
        "for i, (x, y) in tqdm(enumerate(loader), total=len(loader)):",
        "iterator = iter(loader)\n    for _ in range(len(loader)):\n        x, y = next(iterator)",
    ],
)
def test_every_way_of_drawing_meets_the_short_batch(draw: str) -> None:
    program = DRAWING.format(draw=draw).replace("from torch import nn", "from torch import nn\nfrom tqdm import tqdm")
    assert flagged(program, "BSZ201") == [LINE]


@pytest.mark.parametrize(
    "draw",
    [
        "x, y = next(iter(loader))\n    if True:",
        "for _ in range(10):\n        x, y = next(iter(loader))",
        "iterator = iter(loader)\n    x, y = next(iterator)\n    if True:",
    ],
)
def test_the_first_batch_is_full(draw: str) -> None:
    assert flagged(DRAWING.format(draw=draw), "BSZ201") == []
