"""BSZ201: a reshape whose leading dimension is a batch size that somebody wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import is_torch, rows_of
from batchlint.semantics.fixed_batch import FIRST_BATCH, describe, fixed_symbols, never_short, number_of
from batchlint.semantics.observations import MISMATCH
from batchlint.semantics.sizes import is_open, literal_rows, sizes_of
from batchlint.semantics.tensors import fixed_role, real_role
from batchlint.semantics.values import Batch, Integer, Layer, Sequence, Source, Tensor
from batchlint.shapes.dimension import Role, has_role, product

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation, Report


class FixedBatchReshape(Rule):
    """A reshape fixes the batch at a number that was written down, while the tensor's batch is whatever came.

    Example:
        import torch
        from torch import nn

        class Classifier(nn.Module):
            def __init__(self, batch_size=64):
                super().__init__()
                self.batch_size = batch_size
                self.hidden = nn.Linear(784, 10)

            def forward(self, images):
                return self.hidden(images.view(self.batch_size, -1))

    Instead:
        import torch
        from torch import nn

        class Classifier(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(784, 10)

            def forward(self, images):
                return self.hidden(images.view(images.size(0), -1))

    Why:
        The last batch of an epoch is usually shorter, and production sends one sample at a time. There the reshape
        raises, or, with ``[batch_size, -1]``, regroups the elements of several samples into rows of another width.
        Data sets whose size the batch size divides hide it until one of the two changes.

    Silent when:
        The number is read from the tensor (``x.size(0)``, ``tf.shape(x)[0]``, ``len(x)``, an unpacked shape), the
        tensor has that many rows by construction (noise, a replay sample), somebody else sets the attribute before each
        batch, only the first batch is looked at, or a short batch is skipped or dropped (latent, see ``--latent``).

    Proof:
        Runs the code at the file's own batch size, at one less and at 1: it raises, or gives another number of rows.

    Fix:
        Safe: ``x.size(0)``, ``tf.shape(x)[0]`` or ``keras.ops.shape(x)[0]`` in place of the number, or -1 in front and
        the features spelt out.
    """

    code = "BSZ201"
    name = "fixed-batch-reshape"
    severity = Severity.WARNING
    observes = (
        "torch.Tensor.view",
        "torch.Tensor.reshape",
        "torch.reshape",
        "numpy.reshape",
        "numpy.ndarray.reshape",
        "tensorflow.reshape",
        "tensorflow.ensure_shape",
        "tensorflow.Tensor.set_shape",
        "keras.ops.reshape",
        "keras.backend.reshape",
        "keras.layers.Reshape",
        MISMATCH,
    )
    candidates = ("fixed reshape",)
    proved_by = ("crash at batch sizes", "leading dimension")

    def check(self, observation: Observation, report: Report) -> None:
        """Report a reshape of real rows into a fixed number of them."""
        if observation.operation == MISMATCH:
            _check_samples(observation, report)
            return
        if observation.operation == "keras.layers.Reshape":
            _check_layer(observation, report)
            return
        tensor = observation.positional[0] if observation.positional else None
        if isinstance(tensor, Batch):
            tensor = tensor.tensor
        sizes = sizes_of(observation)
        if not isinstance(tensor, Tensor) or not sizes:
            return
        dimensions = [size.dimension for size in sizes if isinstance(size, Integer)]
        fixed = [d for d in dimensions if has_role(d, Role.FIXED_BATCH)]
        if any(has_role(d, Role.BATCH) for d in dimensions):
            return
        context = observation.context
        if FIRST_BATCH in context.guards or fixed_role(tensor.shape):
            return
        if not fixed:
            self._check_literal(observation, report, tensor, sizes)
            return
        leading = sizes[0] if isinstance(sizes[0], Integer) else None
        second = sizes[1] if len(sizes) > 1 and isinstance(sizes[1], Integer) else None
        at = [s for s in (leading, second) if s is not None and has_role(s.dimension, Role.FIXED_BATCH)]
        if not at:
            return
        flows = tensor.sources & {Source.INPUT, Source.LOADER}
        certain = real_role(tensor.shape)
        if not certain and not (flows and is_open(tensor.shape) and _may_be_rows(observation, tensor)):
            return
        if not certain and len(sizes) == 2 and leading is not None and leading.dimension == -1:
            # Rows of so many values each: groups of scores, such as all candidates of one user.
            return
        symbols = fixed_symbols(fixed)
        where, notes = describe(symbols, observation.origins)
        number = number_of(symbols)
        shape = f"the tensor is {tensor.shape} here" if tensor.shape.leading else None
        operation = observation.operation.rpartition(".")[2]
        other = "any larger one" if number == "1" else "a shorter last one or a single sample"
        report(
            observation.node,
            f"`{operation}` fixes the batch at {number} ({where}): a batch of another size, such as {other}, raises or "
            f"is regrouped; {_instead(observation.operation)}",
            shape=shape,
            latent=bool(context.guards) or never_short(tensor, context),
            notes=notes,
        )

    def _check_literal(
        self, observation: Observation, report: Report, tensor: Tensor, sizes: tuple[object, ...]
    ) -> None:
        number = literal_rows(tensor, sizes)
        if number is None or not (observation.context.in_module or Source.LOADER in tensor.sources):
            return
        if not is_torch(observation.operation) and len(sizes) not in (2, len(tensor.shape.leading)):
            # Another rank: a batch of one becomes a picture, perhaps.
            return
        operation = observation.operation.rpartition(".")[2]
        report(
            observation.node,
            f"`{operation}({number}, ...)` fixes the batch at {number}: a batch of another size raises or is "
            f"regrouped; {_instead(observation.operation)}",
            shape=f"the tensor is {tensor.shape} here",
            latent=bool(observation.context.guards),
        )


def _instead(operation: str) -> str:
    """What to write in place of the number."""
    if operation in ("tensorflow.ensure_shape", "tensorflow.Tensor.set_shape"):
        return "leave that size open: `None`"
    if is_torch(operation):
        return "read it from the tensor, e.g. `x.size(0)`"
    return f"write -1 there and spell out the features, or read it from the tensor: `{rows_of(operation)}`"


def _check_layer(observation: Observation, report: Report) -> None:
    """Keras' ``Reshape((batch_size, 28, 28))`` of 784 values: its target is to leave the batch out."""
    layer, tensor = observation.arguments["layer"], observation.arguments["input"]
    target = layer.values.get("target_shape") if isinstance(layer, Layer) else None
    if not isinstance(layer, Layer) or not isinstance(target, Sequence) or not isinstance(tensor, Tensor):
        return
    sizes = [size.dimension for size in target.items if isinstance(size, Integer)]
    symbols = fixed_symbols(sizes[:1])
    if not symbols or not tensor.shape.exact or FIRST_BATCH in observation.context.guards:
        return
    if len(sizes) < len(target.items) or product(sizes[1:]) != product(tensor.shape.leading[1:]):
        return
    where, notes = describe(symbols, observation.origins)
    report(
        layer.node if layer.node is not None else observation.node,
        f"`Reshape` is given a batch of {number_of(symbols)} ({where}), but its target is one sample's shape, without "
        f"the batch: it raises at every batch size; leave the batch size out",
        severity=Severity.ERROR,
        shape=f"the tensor is {tensor.shape} here" if tensor.shape.leading else None,
        notes=notes,
    )


_RESHAPES = frozenset({"numpy.ndarray.reshape", "numpy.reshape"})


def _check_samples(observation: Observation, report: Report) -> None:
    """The number of rows of one split, written down for another: ``x_test.reshape((60000, 784))``."""
    tensor = observation.positional[0] if observation.positional else None
    if observation.name not in _RESHAPES or not isinstance(tensor, Tensor):
        return
    sizes = sizes_of(observation)
    shape = tensor.shape
    if not shape.exact or len(sizes) < 2 or not isinstance(sizes[0], Integer):
        return
    written, rows = sizes[0].dimension, shape.leading[0] if shape.leading else None
    if not isinstance(written, int) or not isinstance(rows, int) or written in (-1, rows):
        return
    values = [size.dimension for size in sizes[1:] if isinstance(size, Integer)]
    if product(values) != product(shape.leading[1:]):
        return
    report(
        observation.node,
        f"`reshape` is given {written} samples, but this split has {rows}: it raises; read the number from the array, "
        f"`len(x)`, or write -1",
        severity=Severity.ERROR,
        shape=f"the array is {shape} here",
    )


def _may_be_rows(observation: Observation, tensor: Tensor) -> bool:
    """Whether a tensor of which little is known is rows of a batch: in a model or a graph, or drawn from a loader."""
    graph = not is_torch(observation.operation) and not observation.operation.startswith("numpy.")
    return observation.context.in_module or Source.LOADER in tensor.sources or graph
