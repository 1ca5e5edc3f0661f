"""Random operations with fixed values: what a sample gets must not depend on how many others there are.

Seeding does not do: with the same seed, the third sample of a batch gets other numbers than the same sample alone.
"""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

MIDDLE = 0.5

VALUES: dict[str, float] = {
    "exponential": 1.0,
    "exponential_": 1.0,
    "log_normal_": 1.0,
    "geometric_": 1.0,
    "poisson": 1.0,
    "_standard_gamma": 1.0,
    "random_": 0.0,
    "randint": 0.0,
    "randint_like": 0.0,
}
"""What the result of an operation is filled with, by its name; others get `MIDDLE`."""

OFF: dict[str, object] = {"dropout_p": 0.0, "dropout": 0.0, "train": False, "training": False}
"""Arguments of operations that are only random if these say so."""


@contextlib.contextmanager
def neutralised() -> Iterator[None]:
    """Have random operations of torch, NumPy and Python give fixed values, and dropout nothing but its input."""
    with contextlib.ExitStack() as stack:
        _fix_python(stack)
        if (numpy := sys.modules.get("numpy")) is not None:
            _fix_numpy(stack, numpy)
        stack.enter_context(_Neutral())  # type: ignore[no-untyped-call]
        yield


class _Neutral(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation below autograd, also those that are made in C++."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        return _fixed(func, args, kwargs)


def _fixed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = func.overloadpacket.__name__
    special = SPECIAL.get(name)
    if special is not None:
        return special(func, *args, **kwargs)
    names = [argument.name for argument in func._schema.arguments]
    if any(each in OFF for each in names):
        args = tuple(OFF.get(each, value) for each, value in zip(names, args))
        return func(*args, **{each: OFF.get(each, value) for each, value in kwargs.items()})
    made = func(*args, **kwargs)
    return made.fill_(VALUES.get(name, MIDDLE)) if isinstance(made, torch.Tensor) else made


def _native_dropout(func: Any, tensor: torch.Tensor, *rest: Any, **_: Any) -> Any:
    return tensor.clone(), torch.ones_like(tensor, dtype=torch.bool)


def _bernoulli(func: Any, chances: torch.Tensor, p: float | None = None, **_: Any) -> torch.Tensor:
    """What is likelier; a mask of keeps is divided by the chance to keep, so it is filled with that."""
    return (chances >= MIDDLE).to(chances.dtype) if p is None else torch.full_like(chances, p)


def _bernoulli_in_place(func: Any, tensor: torch.Tensor, p: Any = MIDDLE, **_: Any) -> torch.Tensor:
    if isinstance(p, torch.Tensor):
        return tensor.copy_(p >= MIDDLE)
    return tensor.fill_(p) if tensor.is_floating_point() else tensor.fill_(p >= MIDDLE)


def _multinomial(func: Any, weights: torch.Tensor, samples: int, replacement: bool = False, **_: Any) -> torch.Tensor:
    if not replacement:
        return weights.topk(samples, dim=-1).indices
    best = weights.argmax(dim=-1, keepdim=True)
    return best.expand(*best.shape[:-1], samples).clone()


def _permutation(func: Any, count: int, *rest: Any, **keywords: Any) -> torch.Tensor:
    wanted = {name: keywords[name] for name in ("dtype", "device") if keywords.get(name) is not None}
    return torch.arange(count, **{"dtype": torch.int64, **wanted})


def _normal(func: Any, mean: Any, std: Any = 1.0, *rest: Any, **keywords: Any) -> torch.Tensor:
    if not isinstance(mean, torch.Tensor) and not isinstance(std, torch.Tensor):
        made: torch.Tensor = func(mean, std, *rest, **keywords).fill_(mean + MIDDLE * std)
        return made
    return torch.as_tensor(mean + MIDDLE * std).clone()


def _normal_in_place(func: Any, tensor: torch.Tensor, mean: float = 0.0, std: float = 1.0, **_: Any) -> torch.Tensor:
    return tensor.fill_(mean + MIDDLE * std)


def _uniform_in_place(func: Any, tensor: torch.Tensor, low: float = 0.0, high: float = 1.0, **_: Any) -> torch.Tensor:
    return tensor.fill_((low + high) / 2)


def _integers(func: Any, *args: Any, **keywords: Any) -> torch.Tensor:
    """The lowest that could have been drawn."""
    made: torch.Tensor = func(*args, **keywords)
    names = [argument.name for argument in func._schema.arguments]
    given = {**dict(zip(names, args)), **keywords}
    return made.fill_(given.get("low", given.get("from", 0)) or 0)


SPECIAL: dict[str, Callable[..., Any]] = {
    "native_dropout": _native_dropout,
    "bernoulli": _bernoulli,
    "bernoulli_": _bernoulli_in_place,
    "multinomial": _multinomial,
    "randperm": _permutation,
    "normal": _normal,
    "normal_": _normal_in_place,
    "uniform_": _uniform_in_place,
    "random_": _integers,
    "randint": _integers,
    "randint_like": _integers,
}


def _fix_python(stack: contextlib.ExitStack) -> None:
    fixed: dict[str, Callable[..., Any]] = {
        "random": lambda: MIDDLE,
        "uniform": lambda a, b: (a + b) / 2,
        "gauss": lambda mu=0.0, sigma=1.0: mu + MIDDLE * sigma,
        "normalvariate": lambda mu=0.0, sigma=1.0: mu + MIDDLE * sigma,
        "randint": lambda a, b: (a + b) // 2,
        "choice": lambda seq: seq[len(seq) // 2],
        "choices": lambda population, weights=None, *, cum_weights=None, k=1: [population[0]] * k,
        "sample": lambda population, k, *, counts=None: list(population)[:k],
        "shuffle": lambda x: None,
    }
    for name, function in fixed.items():
        _patched(stack, random, name, function)


def _fix_numpy(stack: contextlib.ExitStack, numpy: Any) -> None:
    full: Callable[..., Any] = lambda shape, value: value if shape is None else numpy.full(shape, value)  # noqa: E731
    fixed: dict[str, Callable[..., Any]] = {
        "rand": lambda *shape: full(shape or None, MIDDLE),
        "randn": lambda *shape: full(shape or None, MIDDLE),
        "random": lambda size=None: full(size, MIDDLE),
        "random_sample": lambda size=None: full(size, MIDDLE),
        "standard_normal": lambda size=None: full(size, MIDDLE),
        "normal": lambda loc=0.0, scale=1.0, size=None: full(size, 1.0) * (loc + MIDDLE * numpy.asarray(scale)),
        "uniform": lambda low=0.0, high=1.0, size=None: full(size, 1.0) * (numpy.asarray(low) + high) / 2,
        "randint": lambda low, high=None, size=None, dtype=int: full(size, 0 if high is None else low),
        "permutation": lambda x: numpy.arange(x) if isinstance(x, int) else numpy.asarray(x),
        "shuffle": lambda x: None,
    }
    for name, function in fixed.items():
        _patched(stack, numpy.random, name, function)


def _patched(stack: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)
