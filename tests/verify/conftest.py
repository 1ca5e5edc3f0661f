"""Lets the tests of this folder import what they share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# Behind what is installed: the small models are a benchmark's, the package is the one that is tested.
sys.path.append(str(Path(__file__).parents[2]))

FRAMEWORKS = [name for name in ("torch", "numpy", "einops") if importlib.util.find_spec(name) is None]

# What a framework does is the truth here: without one there is nothing to compare with.
collect_ignore_glob = ["layers/test_*.py", "test_torch_*.py", "test_numpy.py", "test_einops.py"] if FRAMEWORKS else []


def pytest_report_header() -> str | None:
    return f"verifier are not compared with their frameworks: no {', '.join(FRAMEWORKS)}" if FRAMEWORKS else None
