"""Means, maxima and other statistics of a whole batch, and where they change single samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from batchlint.semantics import observations as seen
from batchlint.semantics.sizes import is_rows, row_symbol
from batchlint.semantics.static_batch import FUNCTIONAL, graph_of
from batchlint.semantics.syntax import names_in
from batchlint.semantics.values import Batch, Constant, Integer, Mark, MarkKind, Sequence, Source, Tensor, Value
from batchlint.shapes.registry import FUNCTIONS
from batchlint.shapes.shape import UNKNOWN_SHAPE

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator

_STATISTICS = """
    tensorflow.reduce_mean tensorflow.reduce_sum tensorflow.reduce_max tensorflow.reduce_min tensorflow.reduce_std
    tensorflow.reduce_variance tensorflow.reduce_euclidean_norm tensorflow.reduce_logsumexp tensorflow.norm
    tensorflow.nn.moments keras.ops.mean keras.ops.sum keras.ops.max keras.ops.min keras.ops.amax keras.ops.amin
    keras.ops.std keras.ops.var keras.ops.norm keras.ops.logsumexp keras.ops.moments keras.backend.mean
    keras.backend.sum keras.backend.max keras.backend.min keras.backend.std keras.backend.var keras.backend.logsumexp
""".split()
_NORMALISING = """
    tensorflow.linalg.l2_normalize tensorflow.math.l2_normalize tensorflow.nn.l2_normalize keras.backend.l2_normalize
    keras.ops.normalize
""".split()
"""What divides a tensor by its own norm at once."""

STATISTICS = frozenset(_STATISTICS + _NORMALISING)
"""Functions that reduce a tensor along the axes that they are given, or along all."""

_DEFAULTS = {"keras.ops.normalize": Integer(-1)}
"""The axis that a function takes where none is given, if that is not every axis."""

_AXES = ("axis", "axes", "reduction_indices")
_COMBINING = frozenset(
    """add sub subtract mul multiply div divide truediv true_divide div_no_nan divide_no_nan realdiv squared_difference
    """.split()
)
_KEEPING = _COMBINING | frozenset(
    """sqrt rsqrt abs square pow exp log maximum minimum clip clip_by_value cast identity stop_gradient expand_dims
    reshape squeeze tile broadcast_to negative reciprocal reduce_mean reduce_sum reduce_max reduce_min mean sum max min
    """.split()
)
"""Operations that give a statistic of what they are given a statistic of."""

_DECLARED = re.compile(
    r"batch_?norm|contrast|mini_?batch|in_?batch|discriminat|std_?dev|batch_?std|batch_?stat|whiten|"
    r"decorrelat|cluster|queue|sinkhorn|cent(?:er|re|roid)|quanti[sz]|codebook|expert|moe$|router|gating|loss|metric|"
    r"regulari[sz]|graph|gnn|gcn|node|simclr|barlow|vicreg|dino|moco|byol|mmd|covariance",
    re.IGNORECASE,
)
"""Names of layers and functions for which a batch is more than samples side by side."""

_KEPT_AS_STATE = frozenset(
    """add_loss add_metric add_update assign assign_add assign_sub update_add update_sub moving_average_update
    update_state""".split()
)
_OF_A_LOSS = re.compile(
    r"loss|metric|penalt|entropy|diverg|(?:^|_)kl|perplex|accura|regulari[sz]|reward|advantage|r_?squared|total_error",
    re.IGNORECASE,
)


def reduced(
    ev: Evaluator, operation: str, value: Value, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Value:
    """*value*, marked as a statistic of the batch where *operation* reduced the rows of a model's input."""
    if seen.BATCH_STATISTIC not in ev.subscriptions:
        return value
    given = {**dict(zip(FUNCTIONS[operation].parameters, arguments)), **keywords}
    operand = next((v for v in (*arguments, *keywords.values()) if isinstance(v, Tensor | Batch)), None)
    operand = operand.tensor if isinstance(operand, Batch) else operand
    if not isinstance(operand, Tensor) or operand.array or Source.INPUT not in operand.sources:
        return value
    if not _holds_rows(operand, _axes_of(operation, given)):
        return value
    mark = Mark(MarkKind.BATCH_STATISTIC, node, operand)
    if operation in _NORMALISING:
        _observe(ev, mark, operand, operation, "")
        return value
    if isinstance(value, Sequence):
        return Sequence(tuple(_marked(item, mark) for item in value.items), value.kind)
    return _marked(value, mark)


def _marked(value: Value, mark: Mark) -> Value:
    return replace(value, marks=value.marks | {mark}) if isinstance(value, Tensor) else value


def _axes_of(operation: str, given: Mapping[str, Value]) -> tuple[int, ...] | None:
    """The axes that *operation* reduces: none where they are not known, an empty tuple for all."""
    value = next((given[name] for name in _AXES if name in given), _DEFAULTS.get(operation, Constant(None)))
    if isinstance(value, Constant) and value.value is None:
        return ()
    items = value.items if isinstance(value, Sequence) else (value,)
    axes = [item.dimension for item in items if isinstance(item, Integer) and isinstance(item.dimension, int)]
    return tuple(axes) if axes and len(axes) == len(items) else None


def _holds_rows(tensor: Tensor, axes: tuple[int, ...] | None) -> bool:
    """Whether one of *axes* certainly is the batch's."""
    shape = tensor.shape
    if axes is None:
        return False
    if not axes:
        return any(map(is_rows, shape.leading))
    for axis in axes:
        index = axis + len(shape.leading) if axis < 0 and shape.exact else axis
        if 0 <= index < len(shape.leading) and is_rows(shape.leading[index]):
            return True
    return False


def survives(last: str) -> bool:
    """Whether what the operation called *last* gives still is a statistic of the batch."""
    return last in _KEEPING


def is_cancelled(last: str, values: tuple[Value, ...]) -> bool:
    """Whether *last* multiplies by zero, as code does to keep an input connected."""
    zeros = (value for value in values if not isinstance(value, Tensor | Batch))
    return last in ("mul", "multiply") and any(
        (isinstance(value, Integer) and value.dimension == 0) or (isinstance(value, Constant) and value.value == 0.0)
        for value in zeros
    )


def without_statistics(value: Value) -> Value:
    """*value*, no longer taken for a statistic of the batch."""
    if not isinstance(value, Tensor):
        return value
    return replace(value, marks=frozenset(mark for mark in value.marks if mark.kind is not MarkKind.BATCH_STATISTIC))


def look_for_statistic(ev: Evaluator, last: str, tensors: list[Tensor]) -> None:
    """Observe where a statistic of the batch changes the single samples of a tensor."""
    if last not in _COMBINING or seen.BATCH_STATISTIC not in ev.subscriptions or ev.quiet:
        return
    for statistic in tensors:
        marks = [mark for mark in statistic.marks if mark.kind is MarkKind.BATCH_STATISTIC]
        if not marks or any(map(is_rows, statistic.shape.leading)):
            continue
        for other in tensors:
            if other is statistic or Source.INPUT not in other.sources or not _holds_samples(other, statistic):
                continue
            for mark in marks:
                _observe(ev, mark, mark.detail, _function_of(ev, mark.node), last)


def _holds_samples(tensor: Tensor, statistic: Tensor) -> bool:
    """Whether *tensor*, which meets *statistic*, has rows of its own."""
    if any(map(is_rows, tensor.shape.leading)):
        return True
    # `(x - mean) / deviation`: of what the mean was taken from is not known how many axes it has.
    return tensor.shape == UNKNOWN_SHAPE and statistic.shape.leading[:1] == (1,)


def _function_of(ev: Evaluator, node: Any) -> str:
    with ev.quietly():
        callee = ev.evaluate(node.func) if hasattr(node, "func") else None
    return getattr(callee, "name", "")


def _observe(ev: Evaluator, mark: Mark, samples: Tensor, name: str, last: str) -> None:
    if name.endswith(("max", "amax")) and last in ("sub", "subtract"):
        # What is subtracted before an exponential cancels out.
        return
    symbol = next((found for d in samples.shape.leading if (found := row_symbol(d)) is not None), None)
    if symbol is None or not isinstance(symbol.identity, tuple):
        return
    graph = graph_of(ev, symbol.identity)
    if graph not in ("call", FUNCTIONAL) or (graph == FUNCTIONAL and "placeholder" in ev.facts.called_names):
        return
    if _is_meant(ev) or (ev.statement is not None and any(map(_OF_A_LOSS.search, names_in(ev.statement)))):
        return
    ev.observe(seen.BATCH_STATISTIC, mark.node, {"tensor": samples}, name=name)


def _is_meant(ev: Evaluator) -> bool:
    """Whether the functions that run say that the batch belongs together, or keep a statistic for later."""
    for function in ev.stack:
        owner = function.owner.name if function.owner is not None else ""
        if _DECLARED.search(function.name) or _DECLARED.search(owner):
            return True
        if names_in(function.node) & _KEPT_AS_STATE:
            return True
    return any("training" in names_in(condition) for condition in ev.conditions)
