"""BSZ301: a loop slices a dataset into batches by hand and feeds them to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics import feeding
from batchlint.semantics.advice import loader_of
from batchlint.semantics.batching import sliced_by_hand
from batchlint.semantics.observations import COMPREHENSION, LOOP, SLICE

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class ManualSlicingLoop(Rule):
    """A loop takes ``x[i:i + batch_size]`` and feeds it to a model: a ``DataLoader`` written by hand.

    Example:
        import torch

        def train(model, optimizer, loss_function, images, labels, batch_size):
            for i in range(0, len(images), batch_size):
                optimizer.zero_grad()
                outputs = model(images[i:i + batch_size])
                loss = loss_function(outputs, labels[i:i + batch_size])
                loss.backward()
                optimizer.step()

    Instead:
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        def train(model, optimizer, loss_function, images, labels, batch_size):
            loader = DataLoader(TensorDataset(images, labels), batch_size=batch_size, shuffle=True)
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = loss_function(model(inputs), targets)
                loss.backward()
                optimizer.step()

    Why:
        The loop has to get right by hand what a loader does: the short last batch, shuffling that keeps inputs and
        labels together, copying ahead of the model, several workers. Most of the slips that BSZ302 to BSZ305 describe
        live in such loops.

    Silent when:
        The slices feed no model: text, files, ids, metrics, similarity scores; generators of batches; minibatches of
        rollouts and replay buffers in reinforcement learning; windows of a sequence.

    Proof:
        The proposed loader gives the same rows in the same order; both are timed.

    Fix:
        Unsafe: ``DataLoader(TensorDataset(...), batch_size=...)``, in TensorFlow
        ``tf.data.Dataset.from_tensor_slices(...).batch(...)``.
    """

    code = "BSZ301"
    name = "manual-slicing-loop"
    severity = Severity.INFO
    observes = (SLICE, LOOP, COMPREHENSION)
    candidates = ("counted batches",)
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the loop, once, that slices rows and calls a model with them."""
        found = sliced_by_hand(observation)
        if found is None:
            return
        loop, size = found
        if not feeding.feeds_model(loop.context.node):
            return
        report(
            loop.context.node,
            f"this loop cuts batches of {size} rows by hand; "
            f"`{loader_of(observation.context.frameworks, size)}` gives "
            f"the same rows with the short last batch, shuffling and prefetching done",
            notes=(("the rows are cut here", observation.node),),
        )
