"""Canonical names: what an imported name is called in its framework's documentation."""

from __future__ import annotations

import functools
import re

_PREFIXES = (
    (re.compile(r"^torch\.nn\.modules\.\w+\."), "torch.nn."),
    (re.compile(r"^torch\.nn\.parameter\."), "torch.nn."),
    (re.compile(r"^torch\.(?:functional|_C\._nn|special|autograd|autograd\.variable)\."), "torch."),
    (re.compile(r"^torch\.utils\.data\.(?:dataloader|dataset|sampler|distributed)\."), "torch.utils.data."),
    (re.compile(r"^torchvision\.datasets\.\w+\.(?=[A-Z])"), "torchvision.datasets."),
    (re.compile(r"^torchvision\.transforms\.(?:transforms|v2)\."), "torchvision.transforms."),
    (re.compile(r"^torch\._tensor\."), "torch."),
    (re.compile(r"^torch\.linalg\.(?=matmul|norm)"), "torch."),
    (re.compile(r"^pytorch_lightning\.|^lightning\.pytorch\."), "lightning."),
    (re.compile(r"^np\."), "numpy."),
)
_NUMPY_FALLBACKS = {"numpy.linalg.norm": "numpy.linalg.norm"}

MODULE_BASES = frozenset(
    {
        "torch.nn.Module",
        "torch.jit.ScriptModule",
        "lightning.LightningModule",
        "lightning.core.LightningModule",
        "lightning.core.lightning.LightningModule",
        "torch.nn.modules.loss._Loss",
        "torch.nn._Loss",
        "torch.nn.modules.Module",
    }
)
"""Bases that make a class a layer or model."""


@functools.lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """The documented name of the dotted *name*: ``torch.nn.modules.conv.Conv2d`` is ``torch.nn.Conv2d``."""
    for pattern, replacement in _PREFIXES:
        shorter = pattern.sub(replacement, name, count=1)
        if shorter != name:
            name = shorter
    return name


def is_framework(name: str) -> bool:
    """Whether *name* belongs to PyTorch itself."""
    return name.startswith("torch.") or name == "torch"
