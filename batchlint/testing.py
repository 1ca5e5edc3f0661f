"""For users' own tests: assertions that a model may be run at any batch size.

Importing this imports no framework; calling what is in it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batchlint.verify.model_report import BatchHazard, ModelReport
from batchlint.verify.preflight_report import PreflightReport, PreflightRun

__all__ = ["BatchHazard", "ModelReport", "PreflightReport", "PreflightRun", "assert_batch_safe", "preflight"]


def assert_batch_safe(
    model: Any,
    inputs: Any,
    *,
    batch_sizes: Iterable[int] | None = None,
    device: str = "cpu",
    checks: Iterable[str] | None = None,
    seed: int = 0,
    batch_axis: int | Mapping[str | int, int | None] = 0,
    rtol: float | None = None,
    atol: float = 0.0,
) -> ModelReport:
    """Fail unless *model* does the same for each sample at every batch size.

    Arguments are those of `batchlint.verify_model`.

    Raises:
        BatchHazard: an ``AssertionError`` that shows batch size by outcome and the user's innermost line.
        ValueError: see `batchlint.verify_model`.

    >>> import torch
    >>> report = assert_batch_safe(torch.nn.Linear(8, 3), "float32[B, 8]")
    >>> report.batch_sizes
    (4, 1, 2, 3, 5, 7)
    >>> assert_batch_safe(lambda x: x - x.mean(0), torch.randn(4, 8))
    Traceback (most recent call last):
        ...
    batchlint.verify.model_report.BatchHazard: ...
    """
    __tracebackhide__ = True
    from batchlint.verify.worker.model import verify_model

    report = verify_model(
        model, inputs, batch_sizes=batch_sizes, device=device, checks=checks, seed=seed, batch_axis=batch_axis,
        rtol=rtol, atol=atol,
    )  # fmt: skip
    report.raise_for_hazards()
    return report


def preflight(
    model: Any,
    loader: Any,
    loss: Callable[..., Any] | None = None,
    *,
    device: str | None = None,
    step: Callable[[Any, Any], Any] | None = None,
) -> PreflightReport:
    """Before a long training: take the first batch, the last (short) one and a batch of one through a training step.

    Each goes through the forward pass, the loss and the backward pass in train mode. Asked is whether that runs,
    whether the output has a row for each sample, and whether the loss is one finite number, with no ``(B, 1)`` that was
    broadcast against a ``(B,)`` on the way. Model, gradients, buffers and random number generators are left as they
    were. The data set is not walked: the last batch is built from the sampler's indices, and what cannot be had is said
    in ``not_run``.

    Args:
        model: a module.
        loader: a ``DataLoader``, or anything that can be walked again: a list of batches.
        loss: takes the output and the target; without it, what a model's output calls ``loss``, if anything.
        device: where batches are moved to; by default to the model's parameters.
        step: takes the model and a batch and returns the loss, for batches that are neither ``(input, …, target)`` nor
            a dict of the model's keywords. The model's parameters are put back, an optimizer's own state is not.

    Raises:
        BatchHazard: a batch failed; the message says which, where, and what to do.
        TypeError: *loader* can be walked only once.
        ValueError: *loader* has no batches.

    >>> import torch
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> loader = DataLoader(TensorDataset(torch.randn(10, 8), torch.randn(10, 1)), batch_size=4)
    >>> report = preflight(torch.nn.Linear(8, 1), loader, torch.nn.MSELoss())
    >>> [(run.name, run.batch_size) for run in report.runs]
    [('first batch', 4), ('last batch', 2), ('batch of one', 1)]
    """
    __tracebackhide__ = True
    from batchlint.verify.worker.preflight import preflight as run

    return run(model, loader, loss, device=device, step=step)
