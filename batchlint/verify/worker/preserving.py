"""What runs leave behind in the user's own process, put back: random numbers, modes, buffers, gradients, defaults."""

from __future__ import annotations

import contextlib
import copy
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

Undo = Callable[[], object]


@contextlib.contextmanager
def preserved_process() -> Iterator[None]:
    """Put back random number generators, gradient mode, and the default type and device."""
    undo: list[Undo] = [*_generators(), *_defaults()]
    try:
        yield
    finally:
        for each in undo:
            each()


def _generators() -> Iterator[Undo]:
    torch_state = torch.get_rng_state()
    yield lambda: torch.set_rng_state(torch_state)
    cuda: Any = torch.cuda
    if cuda.is_initialized():
        cuda_states = cuda.get_rng_state_all()
        yield lambda: cuda.set_rng_state_all(cuda_states)
    python_state = random.getstate()
    yield lambda: random.setstate(python_state)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy_state = numpy.random.get_state()
        yield lambda: numpy.random.set_state(numpy_state)


def _defaults() -> Iterator[Undo]:
    gradients, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    yield lambda: torch.set_grad_enabled(gradients)
    yield lambda: torch.set_default_dtype(dtype)
    device = torch.get_default_device()

    def restore_device() -> None:
        if torch.get_default_device() != device:
            torch.set_default_device(device)

    yield restore_device


@contextlib.contextmanager
def preserved_model(model: Any, parameters: bool = False) -> Iterator[None]:
    """Put back a module's modes, buffers, gradients and attributes, and with *parameters* their values too.

    Whatever is no module is left to itself.
    """
    undo = list(_module_state(model, parameters)) if isinstance(model, torch.nn.Module) else []
    try:
        yield
    finally:
        with torch.no_grad():
            for each in undo:
                each()


def _module_state(model: torch.nn.Module, parameters: bool) -> Iterator[Undo]:
    for module in model.modules():
        yield _attributes(module)
    for buffer in model.buffers():
        yield _values(buffer)
    for parameter in model.parameters():
        yield _gradient(parameter)
        if parameters:
            yield _values(parameter)


def _attributes(module: torch.nn.Module) -> Undo:
    """The module's own attributes, its training flag among them, and which buffers it has."""
    before = dict(module.__dict__)
    registered = dict(before.get("_buffers", {}))
    containers = {name: copy.copy(value) for name, value in before.items() if type(value) in (list, dict, set)}

    def restore() -> None:
        module.__dict__.clear()
        module.__dict__.update(before)
        for name, contents in containers.items():
            _refill(before[name], contents)
        buffers = before.get("_buffers", {})
        buffers.clear()
        buffers.update(registered)

    return restore


def _refill(container: Any, contents: Any) -> None:
    """Give a list, dict or set that was changed in place its contents back."""
    container.clear()
    if isinstance(container, list):
        container.extend(contents)
    else:
        container.update(contents)


def _values(tensor: torch.Tensor) -> Undo:
    if tensor.is_meta or torch.nn.parameter.is_lazy(tensor):
        return lambda: None
    values = tensor.detach().clone()

    def restore() -> None:
        # Version counters do not tell: batch normalisation moves its statistics without counting.
        if tensor.shape != values.shape or not torch.equal(tensor, values):
            tensor.detach().resize_(values.shape).copy_(values)

    return restore


def _gradient(parameter: torch.nn.Parameter) -> Undo:
    """The gradient tensor is set aside and put back, so that nothing adds to it."""
    gradient, required = parameter.grad, parameter.requires_grad
    parameter.grad = None

    def restore() -> None:
        parameter.grad = gradient
        if parameter.requires_grad != required:
            parameter.requires_grad_(required)

    return restore
