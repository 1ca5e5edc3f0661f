"""TensorFlow's, keras.ops' and keras.backend's shape functions; importing the package imports every module in it."""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
