"""What the user asks of a verification."""

from __future__ import annotations

import os
from dataclasses import dataclass

MEMORY = 8 << 30
"""Bytes that a worker may have, where nobody says and the machine has so many."""

DEVICES = ("auto", "cpu", "cuda", "meta")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run code.

    Attributes:
        batch_sizes: those to run at in place of the default ladder; empty for the default.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``meta`` (shapes alone).
        seed: of all random numbers.
        seconds_per_check: wall time after which a check is undecided.
        seconds_per_target: wall time after which a target is given up.
        memory_bytes: bound on a worker's memory.
        allow_network: whether the code may use the network.
        all_models: whether classes without findings are run, too.
        export: whether to export at one batch size and run at another.
        largest_batch: whether to find the largest batch that fits.
        profile: whether to measure time and memory by batch size.
    """

    batch_sizes: tuple[int, ...] = ()
    device: str = "auto"
    seed: int = 0
    seconds_per_check: float = 10.0
    seconds_per_target: float = 30.0
    memory_bytes: int = MEMORY
    allow_network: bool = False
    all_models: bool = False
    export: bool = False
    largest_batch: bool = False
    profile: bool = False


def memory_share(jobs: int) -> int:
    """Bytes that each of *jobs* workers may have so that all together leave the machine a fifth of its memory."""
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return MEMORY
    return min(MEMORY, installed * 4 // 5 // max(1, jobs))
