"""BSZ102: a view with -1 in front folds spatial positions into the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchlint.findings import Severity
from batchlint.rules.base import Rule
from batchlint.semantics.advice import flattening, is_torch
from batchlint.semantics.layers import spatial_symbols
from batchlint.semantics.sizes import is_rows, sizes_of
from batchlint.semantics.solving import square_solution
from batchlint.semantics.values import Integer, MarkKind, Source, Tensor
from batchlint.shapes.dimension import product, render

if TYPE_CHECKING:
    from typing import Any

    from batchlint.semantics.observations import Observation, Report


class FlattenFoldsBatch(Rule):
    """`view(-1, F)` after a convolution stack: another input size silently changes the number of rows.

    Example:
        import torch
        from torch import nn

        class LeNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.features = nn.Sequential(
                    nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2)
                )
                self.classify = nn.Linear(320, 10)

            def forward(self, x):
                x = self.features(x)
                return self.classify(x.view(-1, 320))

    Instead:
        import torch
        from torch import nn

        class LeNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.features = nn.Sequential(
                    nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.Conv2d(10, 20, 5), nn.MaxPool2d(2)
                )
                self.classify = nn.LazyLinear(10)

            def forward(self, x):
                x = self.features(x)
                return self.classify(x.flatten(1))

    Why:
        ``-1`` takes whatever is left. For an image of another size, ``(4, 20, 8, 8)`` becomes ``(16, 320)``: four rows
        for each sample, and nothing raises until the loss compares 16 rows with 4 labels, or nothing raises at all.

    Silent when:
        F is read from the tensor, every input gives exactly F (adaptive pooling before, a graph whose placeholder has a
        fixed height and width), it makes a column ``(-1, 1)``, or no convolution or pooling output is folded
        (token-level losses, labels, raw data).

    Proof:
        Runs the model at another height and width and at several batch sizes: the number of rows is not the batch
        size, or the fold raises.

    Fix:
        Safe: ``flatten(1)`` or ``x.view(x.size(0), -1)``; ``keras.layers.Flatten()`` or
        ``tf.reshape(x, [tf.shape(x)[0], -1])``.
    """

    code = "BSZ102"
    name = "flatten-folds-batch"
    severity = Severity.WARNING
    observes = (
        "torch.Tensor.view",
        "torch.Tensor.reshape",
        "torch.reshape",
        "tensorflow.reshape",
        "keras.ops.reshape",
        "keras.backend.reshape",
    )
    candidates = ("fold",)
    proved_by = ("other spatial sizes", "leading dimension")

    def check(self, observation: Observation, report: Report) -> None:
        """Report a fold whose rows depend on the input's height and width."""
        tensor = observation.positional[0] if observation.positional else None
        sizes = sizes_of(observation)
        if not isinstance(tensor, Tensor) or len(sizes) < 2 or not all(isinstance(s, Integer) for s in sizes):
            return
        given = [s.dimension for s in sizes if isinstance(s, Integer)]
        features = product(given[1:])
        shape = tensor.shape
        if given[0] != -1 or not isinstance(features, int) or features < 2:
            return
        if not shape.exact or len(shape.leading) < 3:
            return
        if not is_rows(shape.leading[0]) or shape.leading[-1] == features:
            # Rows of exactly F are left as they are: a token-level output, whatever the sequence's length.
            return
        width = product(shape.leading[1:])
        symbols = spatial_symbols(width)
        if not symbols:
            if isinstance(width, int) and not is_torch(observation.operation):
                _check_sizes(observation, report, tensor, width, features, sizes[1:])
            return
        size = square_solution(width, features)
        fits = f" unless the input is {size}x{size}" if size is not None and len(symbols) > 1 else ""
        operation = observation.operation.rpartition(".")[2]
        instead = flattening(observation.operation)
        report(
            observation.node,
            f"`{operation}(-1, {features})` folds {render(width)} values of a sample into rows of {features}{fits}: "
            f"another input size changes the number of rows without an error; use `{instead}`",
            shape=f"the tensor is {shape} here",
            latent=False,
        )


_IMAGES = 4
"""Rank of a batch of feature maps."""


def _check_sizes(
    observation: Observation, report: Report, tensor: Tensor, width: int, features: int, given: tuple[object, ...]
) -> None:
    """Feature maps whose sizes are known, cut into rows that are no whole number of them."""
    sizes = tensor.shape.leading[1:]
    whole = {product(sizes[at:]) for at in range(len(sizes))}
    if len(tensor.shape.leading) != _IMAGES or features in whole or Source.DATASET in tensor.sources:
        return
    rows = f"{width // features} rows for each sample" if width % features == 0 else "rows of several samples' values"
    weight = _written_in(given)
    report(
        observation.node if weight is None else weight,
        f"`reshape(..., [-1, {features}])` cuts {width} values of a sample into rows of {features}: it gives {rows}, "
        f"or raises; {features} has to be {width} here, or use `{flattening(observation.operation)}`",
        severity=Severity.ERROR,
        shape=f"the tensor is {tensor.shape} here",
        notes=() if weight is None else (("it is cut here", observation.node),),
    )


def _written_in(sizes: tuple[object, ...]) -> Any:
    """Where the weights are made whose first size is the only one of *sizes*: there stands the number."""
    only = sizes[0] if len(sizes) == 1 else None
    origin = only.origin if isinstance(only, Integer) else None
    if origin is None or not isinstance(origin.subject, Tensor) or Source.PARAMETER not in origin.subject.sources:
        return None
    return next((mark.node for mark in origin.subject.marks if mark.kind is MarkKind.OWN_ROWS), None)
