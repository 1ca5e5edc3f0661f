"""Which device code runs on, how exactly it computes there, and what two runs of the same code may differ by.

Nothing here touches a device when it is imported: a process that forks must not have initialised CUDA.
"""

from __future__ import annotations

import contextlib
import platform
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from batchlint.verify.outcomes import Environment

REPORTED_PACKAGES = ("torch", "torchvision", "timm", "einops", "numpy")


class NoSuchDevice(ValueError):
    """The device that was asked for is not there."""


def resolve(text: str) -> torch.device:
    """The device that *text* names; ``auto`` is the first CUDA device where there is one, else the CPU.

    Args:
        text: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``meta``.

    Raises:
        NoSuchDevice: there is no such device, or *text* names none.

    >>> resolve("meta")
    device(type='meta')
    """
    if text == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    if text in ("cpu", "meta"):
        return torch.device(text)
    kind, colon, number = text.partition(":")
    if kind != "cuda" or (colon and not number.isdecimal()):
        raise NoSuchDevice(f"{text!r} is no device: expected auto, cpu, cuda, cuda:N or meta")
    if torch.version.cuda is None and torch.version.hip is None:
        raise NoSuchDevice(f"no CUDA device: torch {torch.__version__} was built without CUDA; use --device cpu")
    if not torch.cuda.is_available():
        raise NoSuchDevice("no CUDA device: no GPU or no driver was found; use --device cpu")
    index = int(number) if number else 0
    count = torch.cuda.device_count()
    if index >= count:
        raise NoSuchDevice(f"no device cuda:{index}: there {'is' if count == 1 else 'are'} {count}, counted from 0")
    return torch.device("cuda", index)


def cap_memory(device: torch.device, limit_bytes: int) -> None:
    """Let this process have no more than *limit_bytes* of the device's memory; nothing happens for the CPU."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit_bytes / total), device)


def describe(device: torch.device, sandbox: tuple[str, ...] = (), not_enforced: tuple[str, ...] = ()) -> Environment:
    """What code on *device* runs on, with what the sandbox enforces and what it could not."""
    versions = [(name, found) for name in REPORTED_PACKAGES if (found := _version(name)) is not None]
    name = str(device)
    if device.type == "cuda":
        name = f"{device} ({torch.cuda.get_device_name(device)})"
        versions.append(("CUDA", str(torch.version.cuda or torch.version.hip)))
        cudnn: Any = torch.backends.cudnn
        if found := cudnn.version():
            versions.append(("cuDNN", str(found)))
    where = f"{platform.system()} {platform.machine()}"
    return Environment(name, tuple(versions), platform.python_version(), where, sandbox, not_enforced)


def _version(package: str) -> str | None:
    if (module := sys.modules.get(package)) is not None and isinstance(found := getattr(module, "__version__", 0), str):
        return str(found)
    if package != "torch":
        return None
    try:
        return version(package)
    except PackageNotFoundError:
        return None


FULL_PRECISION: tuple[tuple[str, str, object], ...] = (
    ("cuda.matmul", "allow_tf32", False),
    ("cudnn", "allow_tf32", False),
    ("cuda.matmul", "allow_fp16_reduced_precision_reduction", False),
    ("cuda.matmul", "allow_bf16_reduced_precision_reduction", False),
    ("cudnn", "benchmark", False),
    ("cudnn", "deterministic", True),
)
"""Switches below ``torch.backends`` and what they have to be."""

NEWER_SWITCHES: tuple[tuple[str, str, object], ...] = (
    ("cuda.matmul", "fp32_precision", "ieee"),
    ("mkldnn.matmul", "fp32_precision", "ieee"),
    ("cudnn.conv", "fp32_precision", "ieee"),
    ("cudnn.rnn", "fp32_precision", "ieee"),
)
"""The same of newer versions, which refuse the older names once somebody has used the newer ones."""


@contextlib.contextmanager
def numerics(device: torch.device | None = None) -> Iterator[None]:
    """Compute as exactly and repeatably as the device can, and put everything back afterwards.

    TF32 is off for matrix products and for cuDNN, cuDNN does not try algorithms out, and on CUDA deterministic
    algorithms are used where there are any. Without *device* nothing that needs CUDA is set.
    """
    precision = _raise_matmul_precision()
    undo: list[tuple[object, str, Any]] = []
    for path, name, wanted in (*FULL_PRECISION, *NEWER_SWITCHES):
        _switch(path, name, wanted, undo)
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    on_cuda = device is not None and device.type == "cuda"
    with warnings.catch_warnings():
        if on_cuda:
            warnings.filterwarnings("ignore", message=".*deterministic.*")
            torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            if on_cuda:
                torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
            for owner, name, before in reversed(undo):
                with contextlib.suppress(RuntimeError):
                    setattr(owner, name, before)
            if precision is not None:
                torch.set_float32_matmul_precision(precision)


def _raise_matmul_precision() -> str | None:
    """Have matrix products computed in full on every backend; what was in force before, if that was less."""
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:
        return None  # backends were set one by one: so they are below
    if before == "highest":
        return None
    torch.set_float32_matmul_precision("highest")
    return before


def _switch(path: str, name: str, wanted: object, undo: list[tuple[object, str, Any]]) -> None:
    """Set one switch if it is there, is not as wanted, and can be read."""
    owner: object = torch.backends
    for part in path.split("."):
        owner = getattr(owner, part, None)
    try:
        before = getattr(owner, name, wanted)
        if name == "fp32_precision" and before in ("none", "ieee"):
            return
        if before != wanted:
            setattr(owner, name, wanted)
            undo.append((owner, name, before))
    except RuntimeError:
        return
