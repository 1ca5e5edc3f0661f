"""Plain replacements for what is absent and known: names that frameworks once had, and bases that only add training."""

from __future__ import annotations

import collections.abc
import inspect
import types
from typing import Any

import torch


class LightningModule(torch.nn.Module):
    """A Lightning module as far as building it and calling it goes."""

    def save_hyperparameters(self, *names: Any, **keywords: Any) -> None:
        """Keep the constructor's arguments in ``hparams``."""
        frame = inspect.currentframe()
        outer = frame.f_back if frame is not None else None
        values = dict(outer.f_locals) if outer is not None else {}
        for name in ("self", "__class__"):
            values.pop(name, None)
        self.hparams = types.SimpleNamespace(**values)

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next((each.device for each in self.parameters()), torch.device("cpu"))

    def log(self, *arguments: Any, **keywords: Any) -> None:
        """Nothing is logged."""

    log_dict = log


class _Plain:
    """A base that adds nothing that matters here."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__()


_LIGHTNING = ("pytorch_lightning", "lightning", "lightning.pytorch", "pytorch_lightning.core")
_NAMES: dict[tuple[str, str], Any] = {
    **{(module, "LightningModule"): LightningModule for module in _LIGHTNING},
    ("huggingface_hub", "PyTorchModelHubMixin"): _Plain,
    ("torch.nn.functional", "Variable"): torch.autograd.Variable,
}
_SIX = types.ModuleType("torch._six")
_SIX.__dict__.update(
    inf=float("inf"), nan=float("nan"), string_classes=(str, bytes), int_classes=int, container_abcs=collections.abc
)
_MODULES: dict[str, types.ModuleType] = {"torch._six": _SIX}


def equivalent(module: str, name: str) -> Any:
    """What to take for ``from module import name`` where that fails; ``None`` where nothing is known."""
    return _NAMES.get((module, name))


def equivalents_of(module: str) -> dict[str, Any]:
    """What is known of a module that cannot be imported."""
    return {name: value for (holder, name), value in _NAMES.items() if holder == module}


def equivalent_module(name: str) -> types.ModuleType | None:
    """What to take for ``import name`` of a module that is gone; ``None`` where nothing is known."""
    return _MODULES.get(name)
