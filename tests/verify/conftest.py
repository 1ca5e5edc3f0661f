"""Lets the tests of this folder import what they share."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
# Behind what is installed: the small models are a benchmark's, the package is the one that is tested.
sys.path.append(str(Path(__file__).parents[2]))
