"""Checks a model of the user's in the user's own process: the Python API."""

from __future__ import annotations

import copy
import functools
import os
import sys
import sysconfig
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch

import batchlint
from batchlint.suggestions import did_you_mean
from batchlint.verify.checks.registry import CHECKS
from batchlint.verify.model_report import ModelReport
from batchlint.verify.outcomes import CheckOutcome, Status
from batchlint.verify.settings import Settings
from batchlint.verify.worker.checking import run_checks, usual_checks
from batchlint.verify.worker.device import describe, numerics, resolve
from batchlint.verify.worker.feeding import DEFAULT_CONTROL, BatchAxis, FedSubject, feed_from, recipe_lines
from batchlint.verify.worker.largest import largest_batch as find_largest
from batchlint.verify.worker.preserving import preserved_model, preserved_process
from batchlint.verify.worker.profiling import profile as profile_of
from batchlint.verify.worker.shapes_alone import on_meta
from batchlint.verify.worker.tolerances import allowing

UNLIMITED = 3600.0
"""Seconds: whoever calls this waits for it, and can interrupt it."""


def verify_model(
    model: Any,
    inputs: Any,
    *,
    batch_sizes: Iterable[int] | None = None,
    device: str = "auto",
    checks: Iterable[str] | None = None,
    seed: int = 0,
    batch_axis: BatchAxis = 0,
    rtol: float | None = None,
    atol: float = 0.0,
    profile: bool = False,
    largest_batch: int | None = None,
) -> ModelReport:
    """Run *model* at several batch sizes and ask whether it does the same for each sample at all of them.

    It runs in this process, on a copy of the model where it can be copied; the model, random number generators, modes
    and gradients are left as they were.

    Args:
        model: a module, or anything to call.
        inputs: an example (a tensor; a tuple or list of positional arguments; a dict of keyword arguments), a function
            of the batch size that returns one, or recipes: ``"float32[B, 3, 32]"``, ``"tokens: int64[B, 20] < 99"``.
            Of an example, every tensor whose leading axis is as long as the first tensor's is taken to be batched.
        batch_sizes: those to run at besides the example's own; by default 1, 2, one less than its own, and two primes.
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:N`` or ``meta`` (shapes alone).
        checks: names of checks, ``"crash at batch sizes"`` among them in any case; by default the usual ones.
        seed: of all random numbers.
        batch_axis: the batch's axis, or one for each input by parameter name or position, ``None`` for none.
        rtol: what a sample's output may differ by, as a part of the largest value; by default what was measured.
        atol: the same in units of the output.
        profile: whether to measure time and memory at each batch size, too.
        largest_batch: bytes; find the largest batch whose forward pass takes no more.

    Raises:
        ValueError: a check, a device or a recipe that does not exist, inputs without a batch, a batch size below 1.

    >>> import torch
    >>> verify_model(torch.nn.Linear(8, 3), torch.randn(4, 8), device="cpu").safe
    True
    >>> class Net(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.view(4, 8) * 2
    >>> report = verify_model(Net(), torch.randn(4, 8), device="cpu")
    >>> report.safe, report.failures()[0].check
    (False, 'crash at batch sizes')
    """
    begin = time.perf_counter()
    names = _checked_names(checks)
    asked = tuple(dict.fromkeys(batch_sizes or ()))
    if min(asked, default=1) < 1:
        raise ValueError(f"{min(asked)} is no batch size: expected 1 or more")
    with preserved_process(), preserved_model(model, parameters=True):
        target = resolve(device)
        copied, there = _copied(model, target)
        fed = feed_from(model, inputs, batch_axis)
        subject = FedSubject(
            copied, fed.inputs, fed.control, device=there, seed=seed, namespace={"model": copied}, is_users=is_users,
            batch_axis=fed.batch_axis, axis_is_said=True, feed=fed.arguments, described=fed.inputs,
        )  # fmt: skip
        settings = Settings(
            asked, str(there), seed, seconds_per_check=UNLIMITED, seconds_per_target=UNLIMITED,
            export="export and run" in names,
        )  # fmt: skip
        with warnings.catch_warnings(), allowing(rtol), numerics(there):
            warnings.simplefilter("ignore")
            if there.type == "meta":
                answers = on_meta(subject, names, settings)
            else:
                _settle_control(subject)
                answers = run_checks(subject, names, settings)
            profiles = profile_of(subject, subject.batch_sizes) if profile and there.type != "meta" else ()
            largest = None
            if largest_batch is not None and there.type != "meta":
                largest = find_largest(subject, largest_batch).batch_size
    answers = tuple(_within_absolute(answer, atol) for answer in answers)
    return ModelReport(
        _name_of(model), recipe_lines(subject.inputs), subject.control, subject.batch_sizes, answers, describe(there),
        seed, _reason(answers, subject.control), profiles, largest, (time.perf_counter() - begin) * 1000,
    )  # fmt: skip


def _checked_names(checks: Iterable[str] | None) -> list[str]:
    if isinstance(checks, str):
        checks = [checks]
    names = list(usual_checks() if checks is None else checks)
    for name in names:
        if name not in CHECKS:
            raise ValueError(f"there is no check {name!r}{did_you_mean(name, CHECKS)}; checks are {', '.join(CHECKS)}")
    return names


def _copied(model: Any, device: torch.device) -> tuple[Any, torch.device]:
    """A copy of *model* on *device*, and where it is; the model itself, where it is, if it cannot be copied."""
    tensors = [*model.parameters(), *model.buffers()] if isinstance(model, torch.nn.Module) else []
    places = {tensor.device for tensor in tensors}
    try:
        copied = copy.deepcopy(model)
        if isinstance(copied, torch.nn.Module) and len(places) <= 1:
            return copied.to(device), device
    except Exception:
        copied = model
    return copied, next(iter(places), device)


def _settle_control(subject: FedSubject) -> None:
    """An example of one row says little: more rows are the control if they run."""
    if subject.control == 1 and subject.evaluated(DEFAULT_CONTROL).failure is None:
        subject.control = DEFAULT_CONTROL


def _reason(answers: Sequence[CheckOutcome], control: int) -> str:
    """Why nothing could be asked, if the control does not run."""
    first = answers[0]
    if any(run.batch_size == control and run.failure is None for run in first.runs):
        return ""
    return first.detail or "it could not be run"


def _within_absolute(answer: CheckOutcome, atol: float) -> CheckOutcome:
    if answer.status is not Status.FAILED or answer.difference is None or not answer.difference <= atol:
        return answer
    return replace(answer, status=Status.PASSED, detail=f"within atol={atol:g}: {answer.detail}")


def _name_of(model: Any) -> str:
    if isinstance(model, torch.nn.Module):
        return type(model).__name__
    return str(getattr(model, "__qualname__", type(model).__name__))


@functools.cache
def _not_users() -> tuple[str, ...]:
    """Folders whose files are no user's: Python's own, torch's and this package's."""
    standard = sysconfig.get_paths()["stdlib"]
    folders = [os.path.dirname(str(module.__file__)) for module in (torch, batchlint)]
    return tuple(os.path.join(os.path.abspath(folder), "") for folder in [standard, *folders])


def is_users(filename: str) -> bool:
    """Whether *filename* is of code that a user, or a library of models, wrote."""
    if filename.startswith("<") and not filename.startswith(("<ipython", "<stdin", "<doctest")):
        return False
    path = os.path.abspath(filename)
    packages = os.path.join(sys.prefix, "lib")
    installed = "site-packages" in path and path.startswith(packages)
    return not path.startswith(_not_users()[1:]) and (installed or not path.startswith(_not_users()[0]))
