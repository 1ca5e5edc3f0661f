"""Shapes alone: the same code on meta tensors, which have a shape and no values, so that nothing reaches a device."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import torch

from batchlint.verify.outcomes import Failure
from batchlint.verify.worker.runs import Run
from batchlint.verify.worker.subject import Subject

META = torch.device("meta")

ORDINARY = ("RuntimeError", "ValueError", "IndexError", "AssertionError")
"""What wrong shapes raise."""

NEEDS_VALUES = (
    "meta", "data-dependent", "data dependent", "unbacked", "item()", "nonzero", "not implemented", "numpy",
    "devices", "same device", "alloc", "out of memory",
)  # fmt: skip
"""Said by what raises for want of values, or of a device, whatever the shapes."""


def meta_copy(model: Any) -> Any | None:
    """*model* with meta tensors for its parameters and buffers, whose values are not copied; ``None`` if that fails."""
    if not isinstance(model, torch.nn.Module):
        return None
    known: dict[int, Any] = {}
    try:
        for parameter in model.parameters():
            if not torch.nn.parameter.is_lazy(parameter):
                shape_only = torch.empty_like(parameter, device=META)
                known[id(parameter)] = torch.nn.Parameter(shape_only, requires_grad=parameter.requires_grad)
        for buffer in model.buffers():
            known[id(buffer)] = torch.empty_like(buffer, device=META)
        return copy.deepcopy(model, known).to(META)
    except Exception:
        return None


def meta_subject(subject: Subject) -> Subject | None:
    """*subject* on the meta device; ``None`` where its model cannot be put there."""
    model = subject.model if subject.device.type == "meta" else meta_copy(subject.model)
    if model is None:
        return None
    names = {**subject.namespace, "model": model}
    return dataclasses.replace(subject, model=model, device=META, namespace=names, path="")


def wants_values(failure: Failure) -> bool:
    """Whether an exception on the meta device says nothing of shapes: the same code may well run on values."""
    text = failure.message.lower()
    return failure.kind not in ORDINARY or any(words in text for words in NEEDS_VALUES)


def shape_crashes(subject: Subject, batch_sizes: Sequence[int]) -> dict[int, Run]:
    """The runs on meta tensors that raise for their shapes, by batch size, where the control runs on them.

    What needs values goes unsaid, as does everything where the control cannot be run on meta tensors.
    """
    shapes = meta_subject(subject)
    if shapes is None or shapes.evaluated(subject.control).failure is not None:
        return {}
    runs = {batch: shapes.evaluated(batch) for batch in batch_sizes}
    return {batch: run for batch, run in runs.items() if run.failure is not None and not wants_values(run.failure)}


def foresee(subject: Subject, batch_sizes: Sequence[int]) -> None:
    """Find the batch sizes whose shapes are wrong on meta tensors, so that they never reach the subject's device.

    Their failures are remembered as the subject's own.
    """
    for run in shape_crashes(subject, batch_sizes).values():
        subject.remember(run)
