"""How many examples the drawn tests take, as a multiple of the everyday number."""

from __future__ import annotations

import os

SCALE = int(os.environ.get("BATCHLINT_TEST_SCALE", "1"))
