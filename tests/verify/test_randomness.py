"""Random operations with fixed values."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

from batchlint.verify.worker.randomness import neutralised  # noqa: E402

X = torch.tensor([[0.1, 0.9, 0.3], [0.7, 0.2, 0.5]])

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda x: torch.rand(x.shape),
    "randn_like": torch.randn_like,
    "normal of tensors": lambda x: torch.normal(x, x),
    "normal_": lambda x: torch.empty_like(x).normal_(1.0, 2.0),
    "uniform_": lambda x: torch.empty_like(x).uniform_(-3, 1),
    "exponential_": lambda x: torch.empty_like(x).exponential_(),
    "randint": lambda x: torch.randint(3, 9, x.shape),
    "random_": lambda x: torch.empty_like(x).random_(2, 5),
    "bernoulli": torch.bernoulli,
    "bernoulli_": lambda x: torch.empty_like(x).bernoulli_(0.8),
    "poisson": torch.poisson,
    "multinomial": lambda x: torch.multinomial(x, 2),
    "Gumbel softmax": lambda x: F.gumbel_softmax(x, hard=True),
    "distribution": lambda x: torch.distributions.Normal(x, x).rsample(),
    "categorical": lambda x: torch.distributions.Categorical(x).sample(),
    "randomised leaky relu": lambda x: F.rrelu(-x, training=True),
    "attention": lambda x: F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None], dropout_p=0.5),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_row_gets_the_same_alone_and_whatever_the_seed(name: str) -> None:
    operation = OPERATIONS[name]
    with neutralised():
        torch.manual_seed(0)
        both = operation(X)
        torch.manual_seed(1)
        again, last = operation(X), operation(X[1:])
    assert torch.equal(both, again)
    assert torch.equal(both[1:], last)


@pytest.mark.parametrize(
    "operation",
    [
        F.dropout,
        F.alpha_dropout,
        torch.nn.Dropout(0.3),
        torch.nn.Dropout1d(0.3),
        lambda x: F.dropout(x.double(), 0.9).float(),
        lambda x: x * torch.empty_like(x).bernoulli_(0.8) / 0.8,
    ],
)
def test_dropout_gives_its_input(operation: Callable[[Any], Any]) -> None:
    with neutralised():
        assert torch.allclose(operation(X), X, atol=1e-6)


def test_values_stay_in_range() -> None:
    with neutralised():
        assert 3 <= int(torch.randint(3, 9, (1,))) < 9
        assert torch.equal(torch.randperm(4), torch.arange(4))
        assert bool((torch.rand(5) > 0).all())
        assert torch.randint(7, (3,)).dtype == torch.int64


def test_other_generators_are_fixed_and_put_back() -> None:
    numpy = pytest.importorskip("numpy")
    before = random.random, numpy.random.randn
    with neutralised():
        assert random.random() == random.random()
        assert random.choice([1, 2, 3]) == 2
        assert numpy.array_equal(numpy.random.randn(5, 2)[:2], numpy.random.randn(2, 2))
        assert numpy.random.normal(1.0, 2.0, size=(3,)).shape == (3,)
        assert numpy.random.uniform(-1, 1) == 0.0
    assert (random.random, numpy.random.randn) == before


def test_gradients_still_flow() -> None:
    x = X.clone().requires_grad_()
    with neutralised():
        F.dropout(x, 0.5).sum().backward()
    assert torch.equal(x.grad, torch.ones_like(X))
