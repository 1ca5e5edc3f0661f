"""PyTorch as the differential tests call it; importing it enters it there."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from differential import FRAMEWORKS, STAND_INS, Framework, Tensor, found_in

import batchlint.shapes.torch  # noqa: F401  (fills the tables)


def make_tensor(tensor: Tensor, device: str) -> torch.Tensor:
    dtype = getattr(torch, tensor.dtype)
    if device == "meta":
        return torch.empty(tensor.sizes, dtype=dtype, device="meta")
    if dtype is torch.bool:
        return torch.arange(int(np.prod(tensor.sizes))).reshape(tensor.sizes) % 2 == 0
    if dtype.is_floating_point or dtype.is_complex:
        return torch.rand(tensor.sizes).to(dtype)
    return torch.randint(0, max(tensor.below, 1), tensor.sizes, dtype=dtype)


def _with_gradient(tensor: torch.Tensor) -> Any:
    tensor.requires_grad_().grad = torch.zeros_like(tensor)
    return tensor.grad


STAND_INS.update(
    {
        "torch.Tensor.grad": _with_gradient,
        "torch.Tensor.cuda": torch.Tensor.cpu,
        "torch.Tensor.pin_memory": torch.Tensor.cpu,
        "torch.Tensor.resize": torch.Tensor.resize_,
        "torch.Tensor.requires_grad": torch.Tensor.requires_grad_,
        "torch.from_numpy": lambda tensor: torch.from_numpy(tensor.numpy()),
    }
)
FRAMEWORKS["torch"] = Framework(lambda name: found_in(torch, name), make_tensor)
