"""NumPy's shape functions, where they are PyTorch's under another name or nearly so."""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
