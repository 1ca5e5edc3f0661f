"""Whether what follows a bare ``squeeze()`` relies on the axis that a batch of one loses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from batchlint.semantics.classes import external_base
from batchlint.semantics.frameworks import is_loss
from batchlint.semantics.tensors import NEEDS_ROWS, real_role
from batchlint.semantics.values import (
    Constant,
    Dictionary,
    Integer,
    Mark,
    MarkKind,
    Range,
    Sequence,
    SliceValue,
    Source,
    Tensor,
    Value,
)
from batchlint.shapes.dimension import Role, has_role
from batchlint.shapes.torch.roles import LOSSES

if TYPE_CHECKING:
    from batchlint.semantics.observations import Observation

_FORWARDS = frozenset({"forward", "__call__", "call"})
_BROADCASTING_LOSSES = frozenset(
    """MSELoss L1Loss SmoothL1Loss HuberLoss mse_loss
    l1_loss smooth_l1_loss huber_loss KLDivLoss kl_div
    SoftMarginLoss soft_margin_loss PoissonNLLLoss poisson_nll_loss""".split()
)
_TAKES_ANY_AXES = frozenset(
    f"{place}.{name}"
    for place in ("keras.losses", "keras.metrics", "tensorflow.losses")
    for name in (
        "MAE MAPE MSE MSLE mae mape mse msle mean_absolute_error mean_squared_error log_cosh logcosh huber".split()
    )
)
"""Losses of Keras that broadcast their operands as PyTorch's do; its classes of the same name do not."""

_NEEDS_TWO_AXES = frozenset({"bmm", "mm", "t", "addmm", "baddbmm", "mT"})
_AXIS_KEYWORDS = ("dim", "axis", "axes", "dim0", "dim1", "dims", "reduction_indices")
_FIRST_AXIS_ARGUMENT = frozenset(
    """sum mean max min argmax argmin softmax log_softmax logsumexp norm std var prod cumsum size select narrow
    index_select gather scatter scatter_add index_fill index_add index_copy chunk split unbind squeeze transpose
    swapaxes movedim permute median sort any all topk reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp
    reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum reduce_variance""".split()
)


def _axes(observation: Observation) -> list[int]:
    """The axes that the operation names, in its positional and keyword arguments."""
    last = observation.name.rpartition(".")[2]
    positional = list(observation.positional)
    if (
        last != "size" and positional and isinstance(positional[0], Tensor | Sequence) and last != "permute"
    ) or last == "permute":
        positional = positional[1:]
    if last in ("topk", "split", "chunk", "norm", "kthvalue"):
        positional = positional[1:]
    if last not in _FIRST_AXIS_ARGUMENT and last not in ("cat", "concat", "concatenate", "stack", "norm", "normalize"):
        positional = []
    if last in ("gather", "scatter", "scatter_add", "index_fill", "index_select", "index_add", "select", "narrow"):
        positional = positional[:1]
    values: list[Value] = [*positional, *(observation.keywords[k] for k in _AXIS_KEYWORDS if k in observation.keywords)]
    axes: list[int] = []
    for value in values:
        parts = value.items if isinstance(value, Sequence) else (value,)
        axes.extend(p.dimension for p in parts if isinstance(p, Integer) and isinstance(p.dimension, int))
    return axes


def breaks_at_one(observation: Observation, tensor: Tensor) -> bool:
    """Whether the observed operation fails or means another axis once the batch axis of *tensor* is gone."""
    last = observation.name.rpartition(".")[2]
    rank = tensor.shape.rank
    if observation.name in LOSSES:
        return last not in _BROADCASTING_LOSSES
    if is_loss(observation.name) or observation.name.startswith("keras.losses."):
        return observation.name not in _TAKES_ANY_AXES
    if last in _NEEDS_TWO_AXES or last == "confusion_matrix" or observation.name in NEEDS_ROWS:
        return True
    if last == "index_select" and observation.positional and observation.positional[0] is not tensor:
        # The index may be a scalar.
        return False
    if last == "index":
        return _index_breaks(observation.positional, rank)
    axes = _axes(observation)
    if last in ("transpose", "permute", "swapaxes", "movedim"):
        return bool(axes)
    if last in ("cat", "concat", "concatenate", "stack"):
        return any(axis > 0 for axis in axes)
    if any(axis >= 1 for axis in axes):
        return True
    return rank is not None and any(axis < 0 and -axis >= rank for axis in axes)


def has_rows(observation: Observation, mark: Mark) -> bool:
    """Whether what was squeezed has a batch axis: by its shape, as part of a model, or because a loader gave it."""
    operand = mark.detail
    if not isinstance(operand, Tensor):
        return False
    if real_role(operand.shape) or observation.context.in_module or Source.LOADER in operand.sources:
        return True
    instance = observation.context.instance
    base = external_base(instance.of) if instance is not None else None
    return base is not None and base.startswith(("keras.metrics.", "keras.losses."))


def _index_breaks(items: tuple[Value, ...], rank: int | None) -> bool:
    if len(items) > 1:
        first = items[0]
        whole = isinstance(first, SliceValue) and all(
            isinstance(p, Constant) and p.value is None for p in (first.lower, first.upper, first.step)
        )
        added = any(isinstance(item, Constant) and item.value in (None, ...) for item in items)
        return not added and (whole or isinstance(first, Integer | Tensor))
    only = items[0] if items else None
    counted = only.origin.subject if isinstance(only, Integer) and only.origin is not None else None
    return rank == 1 or (isinstance(counted, Range) and has_role(counted.stop.dimension, Role.BATCH))


def returned_marks(observation: Observation) -> Iterator[Mark]:
    """Marks of squeezed tensors that a model's ``forward`` returns, where their batch axis is certain."""
    function = observation.context.function
    if function is None or not observation.context.in_module or function.name not in _FORWARDS:
        return
    for tensor in _returned(observation.arguments["value"]):
        for mark in tensor.marks:
            if mark.kind is MarkKind.SQUEEZED and isinstance(mark.detail, Tensor) and mark.detail.shape.leading:
                yield mark


def _returned(value: Value) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Sequence):
        for item in value.items:
            yield from _returned(item)
    elif isinstance(value, Dictionary):
        for item in value.items.values():
            yield from _returned(item)
