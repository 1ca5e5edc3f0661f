"""What two runs of the same code may differ by."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

TOLERANCES: dict[str, dict[str, float]] = {
    "cpu": {
        "float64": 1e-6,
        "float32": 1e-3,
        "complex64": 1e-3,
        "complex128": 1e-6,
        "float16": 5e-2,
        "bfloat16": 2e-1,
    },
}
"""By kind of device and type, what a sample's output may differ by between batches, as a part of the output's size.

``benchmarks/verify/tolerances.md`` has what was measured. No other device was measured: they get the CPU's numbers.
"""

HALVES = ("float16", "bfloat16")


def name_of(dtype: Any) -> str:
    """The name of a type of any framework.

    >>> name_of("torch.float32")
    'float32'
    """
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.")


def tolerance(dtype: Any, device: Any) -> float:
    """What a sample's output of this type may differ by between batches, as a part of the output's size.

    0 for types that are compared exactly (integers and booleans).

    >>> from batchlint.verify.worker.any_subject import Place
    >>> tolerance("int64", Place())
    0.0
    """
    measured = TOLERANCES.get(device.type, TOLERANCES["cpu"]).get(name_of(dtype), 0.0)
    asked = _asked.get()
    return measured if asked is None or not measured else asked


_asked: ContextVar[float | None] = ContextVar("asked", default=None)


@contextlib.contextmanager
def allowing(relative: float | None) -> Iterator[None]:
    """Have `tolerance` be *relative* for real and complex numbers of every type; ``None`` leaves it."""
    token = _asked.set(relative)
    try:
        yield
    finally:
        _asked.reset(token)


def decides(dtype: Any) -> bool:
    """Whether a difference in this type can show a hazard: half precision is too coarse to tell."""
    return name_of(dtype) not in HALVES
