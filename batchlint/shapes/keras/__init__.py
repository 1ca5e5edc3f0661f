"""Keras's layers; importing the package imports every module in it, which fill the registry's tables."""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
