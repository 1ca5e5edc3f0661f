"""Arrays that note which of their rows were written: the others hold what was in memory, or zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from batchlint.verify.worker.loops.standins import StandIn


class Allocated(np.ndarray[Any, Any]):
    """An array made by ``np.empty`` or ``np.zeros`` in the user's code.

    Attributes:
        written: the rows that something was assigned to; ``None`` for what was calculated from such an array.
    """

    written: set[int] | None

    def __array_finalize__(self, other: Any) -> None:
        self.written = None

    def __setitem__(self, key: Any, value: Any) -> None:
        if self.written is not None and self.ndim:
            first = key[0] if isinstance(key, tuple) and key else key
            if isinstance(first, StandIn):
                # Which row it is cannot be told, so that nothing is said of any.
                self.written = None
                return
            self.written |= set(np.atleast_1d(np.arange(len(self))[first]).tolist())
        super().__setitem__(key, 1.0 if isinstance(value, StandIn) else value)

    def garbage(self) -> tuple[int, ...]:
        """Rows that nothing was assigned to, where something was to others: they are as they were made."""
        if not self.written or not self.ndim:
            return ()
        values = np.asarray(self)
        return tuple(row for row in range(len(self)) if row not in self.written and not values[row].any())


def allocated(shape: Any, dtype: Any) -> Allocated:
    """A new array."""
    found = np.zeros(shape, dtype=dtype or float).view(Allocated)
    found.written = set()
    return found
