"""Calls in the user's own files that fail whatever the number of rows: broken, and no batch hazard."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchlint.verify.checks.words import listed, said
from batchlint.verify.outcomes import Failure
from batchlint.verify.recipe_text import input_texts
from batchlint.verify.worker.fed import Fed

SIZES = (4, 1, 2, 3, 5)
MAXIMUM_OWN_SIZES = 3
MAXIMUM_CALLS = 2


@dataclass(frozen=True)
class BrokenCall:
    """Inputs that the user or a file gives, and what they raise at every batch size alike."""

    fed: Fed
    failure: Failure
    sizes: tuple[int, ...]

    @property
    def text(self) -> str:
        """What is wrong, as one sentence."""
        given = ", ".join(input_texts(self.fed.candidate.inputs))
        return (
            f"{given} ({self.fed.candidate.origin}) raises at every batch size, {listed(self.sizes)}, so that it is no "
            f"batch hazard: {said(self.failure)}"
        )


def broken_call(own: Iterable[Fed], own_sizes: Sequence[int]) -> BrokenCall | None:
    """The first of the calls *own* that raises the same, to the word, at every batch size.

    A message without any size of the batch in it: had the number of rows a part in it, it would change with them.
    """
    sizes = tuple(dict.fromkeys((*SIZES, *own_sizes[:MAXIMUM_OWN_SIZES])))
    for fed in itertools.islice(own, MAXIMUM_CALLS):
        failure = _same_failure(fed, sizes)
        if failure is not None:
            return BrokenCall(fed, failure, sizes)
    return None


def _same_failure(fed: Fed, sizes: Sequence[int]) -> Failure | None:
    first: Failure | None = None
    for batch in sizes:
        failure = fed.subject.evaluated(batch).failure
        if failure is None or failure.frame is None or failure.out_of_memory or failure.fatal:
            return None
        first = first or failure
        if (failure.kind, failure.message, failure.frame) != (first.kind, first.message, first.frame):
            return None
    return first
