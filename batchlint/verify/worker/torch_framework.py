"""What loading files and building models needs to know of torch."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import torch
from torch.nn.modules.module import register_module_parameter_registration_hook

from batchlint.verify.worker.equivalents import equivalent, equivalent_module, equivalents_of
from batchlint.verify.worker.frameworks import MAXIMUM_BYTES, Framework, TooBig


def _is_model_class(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, torch.nn.Module)


def _is_model(value: Any) -> bool:
    return isinstance(value, torch.nn.Module)


def _parts(model: Any) -> Iterator[tuple[str, Any]]:
    yield from model.named_modules()


def _seed(seed: int) -> None:
    random.seed(seed)
    torch.manual_seed(seed)
    with contextlib.suppress(ImportError):
        import numpy

        numpy.random.seed(seed)


@contextlib.contextmanager
def _capped() -> Iterator[None]:
    seen: dict[int, int] = {}

    def count(module: torch.nn.Module, name: str, parameter: torch.nn.Parameter) -> None:
        if isinstance(parameter, torch.Tensor):
            seen[id(parameter)] = parameter.element_size() * parameter.nelement()
            if sum(seen.values()) > MAXIMUM_BYTES:
                raise TooBig

    handle: Any = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


TORCH = Framework(
    packages=frozenset({"torch"}),
    model="torch.nn.Module",
    is_model_class=_is_model_class,
    is_model=_is_model,
    parts=_parts,
    base=torch.nn.Module,
    equivalent=equivalent,
    equivalent_module=equivalent_module,
    equivalents_of=equivalents_of,
    seed=_seed,
    capped=_capped,
    names={"torch": torch},
)
