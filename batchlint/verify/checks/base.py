"""What a check is: one class, one file, one question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from batchlint.verify.outcomes import CheckOutcome
from batchlint.verify.settings import Settings

if TYPE_CHECKING:
    from batchlint.verify.worker.any_subject import AnySubject


class Check:
    """Base of the checks of models. Its docstring says what it asks, and what *passed* and *failed* mean.

    Attributes:
        name: as rules have it in ``proved_by``.
        usual: whether it is run on every model; otherwise only where a rule names it or the user asks.
        train_mode: whether it puts the model into train mode; the others run in eval mode.
    """

    name: ClassVar[str]
    usual: ClassVar[bool] = True
    train_mode: ClassVar[bool] = False

    def run(self, subject: AnySubject, batch_sizes: Sequence[int], settings: Settings) -> CheckOutcome:
        """Ask. The model is left as it was found.

        Args:
            subject: a model that runs at its control batch size.
            batch_sizes: the control first, then the others.
            settings: device, seed and limits.
        """
        raise NotImplementedError
