"""BSZ208: a Keras ``Sequence`` or ``PyDataset`` whose last batch is filled up with rows that nobody wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.batch_names import names_batch_size
from batchlint.semantics.observations import ASSIGN, RETURN
from batchlint.semantics.sequences import counts_up, gives_batches_by_index, rows_never_written
from batchlint.semantics.syntax import kind, names_in, walk
from batchlint.semantics.values import Class, Function, Integer

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class FixedBatchSequence(Rule):
    """A ``Sequence`` or ``PyDataset`` gives its last batch as many rows as the others, though there are fewer samples.

    Example:
        import math

        import numpy as np
        from tensorflow import keras

        class Images(keras.utils.PyDataset):
            def __init__(self, paths, batch_size=32):
                super().__init__()
                self.paths, self.batch_size = paths, batch_size

            def __len__(self):
                return math.ceil(len(self.paths) / self.batch_size)

            def __getitem__(self, index):
                paths = self.paths[index * self.batch_size:(index + 1) * self.batch_size]
                images = np.empty((self.batch_size, 32, 32, 3))
                for i, path in enumerate(paths):
                    images[i] = np.load(path)
                return images

    Instead:
        import math

        import numpy as np
        from tensorflow import keras

        class Images(keras.utils.PyDataset):
            def __init__(self, paths, batch_size=32):
                super().__init__()
                self.paths, self.batch_size = paths, batch_size

            def __len__(self):
                return math.ceil(len(self.paths) / self.batch_size)

            def __getitem__(self, index):
                paths = self.paths[index * self.batch_size:(index + 1) * self.batch_size]
                images = np.empty((len(paths), 32, 32, 3))
                for i, path in enumerate(paths):
                    images[i] = np.load(path)
                return images

    Why:
        ``__len__`` counts the short last batch, and ``__getitem__`` allocates ``batch_size`` rows for it: those that no
        sample fills are what was in memory (``np.empty``) or zeros with label 0, and the model trains on them. The
        other form sets ``self.batch_size`` to the rows of the last batch: from the second epoch on every batch has that
        size, and most samples are never seen again.

    Silent when:
        ``__len__`` rounds down (the rows it leaves out are told by BSZ302), the array is cut to the rows that are there
        before it is given back, or it is allocated by their number.

    Proof:
        Walks two epochs over samples that the batch size does not divide, and counts the rows of each batch.

    Fix:
        Safe: allocate ``len(...)`` of the samples of the batch.
    """

    code = "BSZ208"
    name = "fixed-batch-sequence"
    severity = Severity.ERROR
    observes = (RETURN, ASSIGN)
    candidates = ("sequence of batches",)
    proved_by = ("row counting",)

    def check(self, observation: Observation, report: Report) -> None:
        """Report the allocation, or the assignment."""
        context = observation.context
        if context.function is None or context.instance is None:
            return
        of = context.instance.of
        if not gives_batches_by_index(of):
            return
        if observation.operation == ASSIGN:
            self._overwritten(observation, of, report)
        elif context.function.name == "__len__":
            value = observation.arguments["value"]
            if isinstance(value, Integer) and counts_up(value.dimension):
                self._allocated(observation, of, report)

    def _allocated(self, observation: Observation, of: Class, report: Report) -> None:
        for allocation in rows_never_written(of):
            report(
                allocation,
                "`batch_size` rows are allocated for every batch, but the last one has fewer samples when the batch "
                "size does not divide them: the model trains on rows that nobody wrote; allocate as many as there are, "
                "e.g. `len(...)` of the samples of this batch",
                notes=(("the short last batch is counted here", observation.node),),
            )

    def _overwritten(self, observation: Observation, of: Class, report: Report) -> None:
        context = observation.context
        assert context.function is not None
        if not names_batch_size(observation.name) or context.function.name in ("__init__", "on_epoch_end"):
            return
        getter = of.attributes.get("__getitem__")
        inside = isinstance(getter, Function) and context.function.node is getter.node
        if not inside or kind(observation.node) != "Attribute" or not _reads_rows(context.function.node, observation):
            return
        report(
            observation.node,
            f"`{observation.name}` is set to the rows of one batch: after the short last one every batch has that "
            f"size, and `__len__` and the slices of the next epoch go by it; use a local name",
        )


def _reads_rows(function: Any, observation: Observation) -> bool:
    """Whether what is assigned is read from the batch: a length, a shape, the smaller of two."""
    for part in walk(function.body):
        if kind(part) == "Assign" and any(target.target is observation.node for target in part.targets):
            return bool(names_in(part.value) & {"len", "shape", "min", "size"})
    return False
