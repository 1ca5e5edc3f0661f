"""Lets the tests of this folder import what they share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# What a framework does is the truth here: without it there is nothing to compare with.
NEEDS = {
    "layers/test_*.py": ("torch", "numpy"),
    "test_torch_*.py": ("torch", "numpy"),
    "test_numpy.py": ("numpy",),
    "test_einops.py": ("einops", "numpy"),
    "keras_layers/test_*.py": ("keras", "tensorflow", "numpy"),
    "test_tensorflow_*.py": ("keras", "tensorflow", "numpy"),
}
MISSING = {name for names in NEEDS.values() for name in names if importlib.util.find_spec(name) is None}
collect_ignore_glob = [tests for tests, names in NEEDS.items() if MISSING.intersection(names)]


def pytest_report_header() -> str | None:
    return f"shape functions are not compared with {', '.join(sorted(MISSING))}" if MISSING else None
