"""BSZ603: a smaller batch is tried again while the error of the failed step is alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.observations import TRY
from batchlint.semantics.retrying import retries

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class RetryInsideExcept(Rule):
    """A step that ran out of memory is tried again with a smaller batch inside the ``except`` block.

    Example:
        import torch

        def train_step(model, optimizer, images, labels, batch_size):
            for part, target in zip(images.split(batch_size), labels.split(batch_size)):
                torch.nn.functional.cross_entropy(model(part), target).backward()
            optimizer.step()

        def train(model, optimizer, images, labels, batch_size):
            try:
                train_step(model, optimizer, images, labels, batch_size)
            except torch.cuda.OutOfMemoryError:
                torch.cuda.empty_cache()
                train_step(model, optimizer, images, labels, batch_size // 2)

    Instead:
        import torch

        def train_step(model, optimizer, images, labels, batch_size):
            for part, target in zip(images.split(batch_size), labels.split(batch_size)):
                torch.nn.functional.cross_entropy(model(part), target).backward()
            optimizer.step()

        def train(model, optimizer, images, labels, batch_size):
            while batch_size > 0:
                try:
                    return train_step(model, optimizer, images, labels, batch_size)
                except torch.cuda.OutOfMemoryError:
                    batch_size //= 2
                torch.cuda.empty_cache()

    Why:
        Inside the block the error is alive, and with it every frame of the failed step and every tensor that these
        frames hold: activations that fill the memory in which the smaller batch is to run. `empty_cache()` cannot free
        them, nor can `del` of the error's name. Retried after the block, the same batch size may fit.

    Silent when:
        The block only takes a note, such as a smaller size or a flag, and the step is tried again after it; nothing
        gets smaller; the frames are cleared (`traceback.clear_frames`); Keras' own compiled steps (`fit`, `predict`),
        which free what they allocated before the error reaches Python.

    Proof:
        Measures what is still allocated when the step is tried again, inside and outside of the block.

    Fix:
        Unsafe: note the smaller size in the block, try again after it.
    """

    code = "BSZ603"
    name = "retry-inside-except"
    severity = Severity.WARNING
    observes = (TRY,)
    candidates = ("handler of memory",)
    proved_by = ("memory at retry",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the first call of each block that tries again."""
        function = observation.context.function
        for retry in retries(observation.node, None if function is None else function.name):
            name = "what was caught" if retry.handler.name is None else "the error"
            notes: tuple[tuple[str, Any], ...] = (("it is caught here", retry.handler),)
            if retry.first is not None:
                notes = (("it was tried here", retry.first), *notes)
            report(
                retry.call,
                f"a smaller batch is tried inside the `except` block: {name} keeps the failed step's tensors alive "
                f"until the block ends, and the retry has less memory than it needs; note the size here and try again "
                f"after the block",
                notes=notes,
            )
