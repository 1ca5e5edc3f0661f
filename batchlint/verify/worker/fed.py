"""What came of the search for the inputs of a model."""

from __future__ import annotations

from dataclasses import dataclass

from batchlint.verify.outcomes import Construction
from batchlint.verify.plan.plans import InputCandidate
from batchlint.verify.worker.any_subject import AnySubject


@dataclass(frozen=True, slots=True)
class Fed:
    """A model that runs, and where its inputs come from; *notes* are worth a line in a report.

    *construction* is how it was made where that is not how it was built: in double precision.
    """

    subject: AnySubject
    candidate: InputCandidate
    notes: tuple[str, ...] = ()
    construction: Construction | None = None


@dataclass(frozen=True, slots=True)
class NotFed:
    """Why no inputs were found, and what the user can write."""

    reason: str
    help: str
