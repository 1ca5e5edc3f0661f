"""What torch itself says, and how to compare: run a call, make it symbolic, check the claim against the truth."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass, field
from typing import Any

import torch

import batchlint.shapes.torch  # noqa: F401  (fills the tables)
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN
from batchlint.shapes.shape import exact
from shapes.layers.claims import Generaliser, Part, Tensor, agrees, as_claim_of, describe

__all__ = [
    "Case",
    "Generaliser",
    "Part",
    "Tensor",
    "agrees",
    "as_claim",
    "as_claim_of",
    "claimed",
    "describe",
    "named",
    "true_sizes",
]

torch.set_num_threads(1)  # the tensors are tiny: threads would cost more than the work


@dataclass(frozen=True)
class Case:
    """One call: the positional inputs, and everything else by name.

    ``batched`` says that no input is in a form without a batch, so that leaving the rank open is fair: a tensor of
    unknown rank is taken to be a batch. ``vague`` says that even plain numbers do not settle the result.
    """

    inputs: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    batched: bool = True
    vague: bool = False


def named(name: str) -> Any:
    return functools.reduce(getattr, name.split(".")[1:], torch)


def real(value: Any) -> Any:
    if isinstance(value, Tensor):
        if value.index is None:
            return torch.zeros(value.sizes)
        return torch.full(value.sizes, value.index, dtype=torch.long)
    if isinstance(value, Part):
        return named(value.name)(**dict(value.settings))
    return tuple(map(real, value)) if isinstance(value, tuple) else value


def as_claim(value: Any) -> Any:
    """*value* as the tables take it."""
    if isinstance(value, Tensor):
        return exact(value.sizes)
    if isinstance(value, Part):
        return UNKNOWN
    return tuple(map(as_claim, value)) if isinstance(value, tuple) else value


def sizes_of(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return tuple(result.shape)
    return tuple(map(sizes_of, result)) if isinstance(result, tuple) else None


def true_sizes(name: str, case: Case) -> Any:
    """The sizes of what torch returns, nested as its results are; raises what torch raises."""
    inputs = real(case.inputs)
    settings = {key: real(value) for key, value in case.settings.items()}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in LAYERS:
            return sizes_of(named(name)(**settings)(*inputs))
        return sizes_of(named(name)(*inputs, **settings))


def claimed(name: str, inputs: tuple[Any, ...], settings: dict[str, Any]) -> Any:
    """What the table claims for the same call."""
    if name in LAYERS:
        layer = LAYERS[name]
        return layer.function(*inputs, **layer.bind((), settings))
    return FUNCTIONS[name].function(*inputs, **settings)
