"""``python -m batchlint``."""

from __future__ import annotations

import sys

from batchlint.cli import main

if __name__ == "__main__":
    sys.exit(main())
