"""The data sets' numbers, as far as they can be checked against each other."""

from __future__ import annotations

import pytest

from batchlint.shapes.datasets import DATASETS, EMNIST_SPLITS


def test_names_are_canonical() -> None:
    assert all(name.startswith("torchvision.datasets.") for name in DATASETS)


def test_asked_for_most() -> None:
    assert DATASETS["torchvision.datasets.MNIST"].sample == (1, 28, 28)
    assert DATASETS["torchvision.datasets.CIFAR10"].sample == (3, 32, 32)
    assert DATASETS["torchvision.datasets.CIFAR100"].classes == 100


@pytest.mark.parametrize("split", ["byclass", "bymerge"])
def test_the_whole_of_emnist(split: str) -> None:
    """Both splits are all 814,255 characters of NIST's Special Database 19."""
    dataset = EMNIST_SPLITS[split]
    assert dataset.train is not None
    assert dataset.test is not None
    assert dataset.train + dataset.test == 814_255


@pytest.mark.parametrize(("split", "train", "test"), [("balanced", 2_400, 400), ("letters", 4_800, 800)])
def test_balanced_splits_of_emnist_have_as_many_of_each_class(split: str, train: int, test: int) -> None:
    dataset = EMNIST_SPLITS[split]
    assert dataset.classes is not None
    assert (dataset.train, dataset.test) == (dataset.classes * train, dataset.classes * test)
