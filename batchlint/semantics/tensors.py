"""Operations on tensors: from abstract arguments to the shape functions and back, and what is seen on the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import batchlint.shapes.numpy  # noqa: F401  (it fills the registry)
from batchlint.semantics import observations as seen
from batchlint.semantics.advice import is_torch
from batchlint.semantics.batch_names import names_configuration
from batchlint.semantics.batch_statistics import (
    STATISTICS,
    is_cancelled,
    look_for_statistic,
    reduced,
    survives,
    without_statistics,
)
from batchlint.semantics.batching import may_be_short
from batchlint.semantics.frameworks import is_loss
from batchlint.semantics.own_rows import has_own_rows, meets_open_rows, with_open_rows
from batchlint.semantics.padded_sequences import KEEPING as PADDING_KEEPING
from batchlint.semantics.padded_sequences import look_at_last_step
from batchlint.semantics.quantities import REDUCED, of_loss, of_operation
from batchlint.semantics.syntax import gives_axis_back
from batchlint.semantics.values import (
    NO_SOURCES,
    UNKNOWN,
    Batch,
    Chain,
    Constant,
    Dictionary,
    Integer,
    Layer,
    Loader,
    Mark,
    MarkKind,
    Number,
    Origin,
    OriginKind,
    Quantity,
    Repeated,
    Sequence,
    ShapeOf,
    SliceValue,
    Source,
    Tensor,
    Value,
    element_of,
    key_of,
)
from batchlint.shapes import registry
from batchlint.shapes.dimension import Dimension, Expression, Role, Symbol, has_role, symbols_of, unknown
from batchlint.shapes.registry import FUNCTIONS, IGNORED_KEYWORDS, ChainArgument, LayerArgument, TensorIndex
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from batchlint.shapes.torch.indexing import index as index_shape
from batchlint.shapes.torch.losses import LOSSES

if TYPE_CHECKING:
    from batchlint.semantics.evaluator import Evaluator


_fresh = itertools.count()


def argument_for_shapes(value: Value) -> Any:
    """*value* as a shape function takes it."""
    if isinstance(value, Tensor):
        return value.shape
    if isinstance(value, Integer):
        return value.dimension
    if isinstance(value, Constant):
        return value.value
    if isinstance(value, Sequence):
        return tuple(argument_for_shapes(item) for item in value.items)
    if isinstance(value, Batch):
        return value.tensor.shape
    if isinstance(value, ShapeOf) and value.tensor.shape.exact:
        return value.tensor.shape.leading
    if isinstance(value, Layer):
        return LayerArgument(value.shape, value.arguments)
    if isinstance(value, Chain) and value.complete:
        return ChainArgument(tuple(argument_for_shapes(item) for _, item in value.items))
    return registry.UNKNOWN


def tensors_among(values: Iterable[Value]) -> list[Tensor]:
    """The tensors in *values*, also those in sequences."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, Batch):
            found.append(value.tensor)
        elif isinstance(value, Sequence):
            found.extend(tensors_among(value.items))
        elif isinstance(value, Repeated):
            found.extend(tensors_among((value.item,)))
    return found


_CREATIONS = frozenset(
    """zeros ones full empty rand randn randint normal arange eye linspace randperm tensor Tensor FloatTensor LongTensor
    IntTensor DoubleTensor ByteTensor BoolTensor HalfTensor range logspace""".split()
)
_EXPANSIONS = frozenset({"expand", "repeat", "tile", "broadcast_to", "repeat_interleave", "repeat_elements"})
_REGROUPINGS = frozenset(
    {
        "view",
        "reshape",
        "unsqueeze",
        "expand_dims",
        "view_as",
        "reshape_as",
        "atleast_1d",
        "expand",
        "flatten",
        "ravel",
        "resize",
        "unflatten",
    }
)
_AXIS_OPERATIONS = frozenset(
    """sum mean max min argmax argmin softmax log_softmax logsumexp norm std var prod cumsum topk sort transpose permute
    swapaxes movedim t cat concat concatenate stack hstack vstack bmm mm matmul mv baddbmm tensordot size select narrow
    index_select gather scatter scatter_add index_fill index_add index_copy masked_fill normalize cosine_similarity
    split chunk unbind squeeze repeat mT T einsum diag_embed flip roll any all median kthvalue argsort
    reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean reduce_min reduce_prod
    reduce_std reduce_sum reduce_variance batch_dot boolean_mask gather_nd l2_normalize matrix_transpose matvec moments
    permute_dimensions reverse top_k unstack confusion_matrix""".split()
)


def opaque(ev: Evaluator, arguments: tuple[Value, ...], keywords: Mapping[str, Value]) -> Value:
    """What a call that is not understood gives: something that flows from the tensors it was given."""
    tensors = [t for value in (*arguments, *keywords.values()) for t in tensors_in(value)]
    if not tensors:
        return UNKNOWN
    sources = frozenset().union(*(t.sources for t in tensors)) if tensors else NO_SOURCES
    marks = frozenset(
        mark for t in tensors for mark in t.marks if mark.kind in (MarkKind.FIXED_ALLOCATION, MarkKind.FIXED_EXPANSION)
    )
    loader = next((t.loader for t in tensors if t.loader is not None), None)
    return Tensor(UNKNOWN_SHAPE, sources, marks, loader=loader, opaque=True)


def tensors_in(value: Value) -> tuple[Tensor, ...]:
    """The tensors that *value* is or holds."""
    if isinstance(value, Tensor):
        return (value,)
    if isinstance(value, Batch):
        return (value.tensor,)
    if isinstance(value, Sequence):
        return tuple(t for item in value.items for t in tensors_in(item))
    if isinstance(value, Repeated):
        return tensors_in(value.item)
    return ()


def shape_of(tensor: Tensor, static: bool = False) -> Value:
    """``tensor.shape``; *static* as in `Origin`."""
    if tensor.shape.exact:
        origin = Origin(OriginKind.TENSOR, None, None, tensor, static)
        return Sequence(tuple(Integer(d, origin) for d in tensor.shape.leading), "shape")
    return ShapeOf(tensor, static)


def last_of(operation: str) -> str:
    """``view`` of ``torch.Tensor.view``."""
    return operation.rpartition(".")[2]


def operate(
    ev: Evaluator, operation: str, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Value:
    """The value of *operation* on abstract arguments; what it means at another batch size is observed."""
    function = FUNCTIONS[operation]
    values = (*arguments, *keywords.values())
    tensors = tensors_among(values)
    shape_arguments = [argument_for_shapes(value) for value in arguments]
    shape_keywords = {
        name: argument_for_shapes(value) for name, value in keywords.items() if name not in IGNORED_KEYWORDS
    }
    error: ShapeMismatch | None = None
    try:
        if any(isinstance(value, Repeated) and value.kind == "star" for value in arguments):
            raise TypeError("it is not known how many arguments there are")
        result: Any = function.function(*shape_arguments, **shape_keywords)
    except ShapeMismatch as mismatch:
        error, result = mismatch, registry.UNKNOWN
    except (TypeError, ValueError, AttributeError, IndexError, KeyError, ZeroDivisionError, OverflowError):
        result = registry.UNKNOWN
    last = last_of(operation)
    value = as_value(result, operation, last, tensors, node, values)
    restored = last == "squeeze" and ev.stack and gives_axis_back(ev.stack[-1].node)
    if last in _MARKING and tensors and isinstance(value, Tensor) and not restored:
        value = _MARKING[last](value, tensors[0], node, arguments, keywords)
    if tensors and isinstance(value, Tensor):
        quantity = _quantity(ev, operation, last, node, arguments, keywords)
        value = value if quantity is None else replace(value, quantity=quantity)
    met = look_for_conflict(ev, operation, node, tensors) if len(tensors) > 1 else None
    if met is not None:
        value = _as_if_right(value, met)
    if operation in STATISTICS:
        value = reduced(ev, operation, value, node, arguments, keywords)
    if is_cancelled(last, arguments):
        value = without_statistics(value)
    if len(tensors) > 1:
        look_for_statistic(ev, last, tensors)
    if is_loss(operation):
        observe_loss_operands(ev, operation, node, tensors)
    if last in _AXIS_OPERATIONS and tensors:
        consume(ev, operation, node, tensors, keywords, arguments)
    if operation in ev.subscriptions or error is not None:
        bound = dict(zip(function.parameters, arguments))
        if len(arguments) > len(function.parameters) and function.parameters:
            start = len(function.parameters) - 1
            bound[function.parameters[-1]] = Sequence(arguments[start:])
        bound.update(keywords)
        if error is not None:
            ev.observe(seen.MISMATCH, node, bound, value, name=operation, error=error, positional=arguments)
        ev.observe(operation, node, bound, value, name=operation, positional=arguments, keywords=keywords)
    return value


def _quantity(
    ev: Evaluator, operation: str, last: str, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Quantity | None:
    """What the result counts, where it is a loss or made of what counts samples."""
    if operation in LOSSES or operation in REDUCED:
        given = dict(zip(FUNCTIONS[operation].parameters, arguments)) | dict(keywords)
        return of_loss(ev, operation, {name: argument_for_shapes(value) for name, value in given.items()}, node)
    tensor = arguments[0] if arguments else keywords.get("input", keywords.get("input_tensor", keywords.get("x")))
    if not isinstance(tensor, Tensor):
        return None
    return of_operation(ev, last.removeprefix("reduce_"), tensor, arguments[1:], keywords, node)


def _squeezed(
    value: Tensor, operand: Tensor, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Tensor:
    """Mark what a bare ``squeeze()`` gives: a batch of one loses its axis."""
    if len(arguments) > 1 or set(keywords) - {"input", "name", "x"}:
        return value
    flows = bool(operand.sources & {Source.INPUT, Source.LOADER})
    first = operand.shape.leading[0] if operand.shape.leading else None
    if isinstance(first, int) and first > 1:
        # The first batch of a loader: it has as many rows as were asked for.
        return value
    unsure = not operand.shape.exact or (first is not None and _is_unknown(first))
    if real_role(operand.shape) or (flows and unsure):
        return replace(value, marks=value.marks | {Mark(MarkKind.SQUEEZED, node, operand)}, parameter=None)
    return value


def _is_unknown(dimension: Dimension) -> bool:
    return isinstance(dimension, Expression) and any(symbol.name == "?" for symbol in symbols_of(dimension))


def _regrouped(
    value: Tensor, operand: Tensor, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Tensor:
    """What a view gives: folds are marked, and rows that were fixed by hand are taken for the real ones."""
    shape = value.shape
    if not shape.exact or not shape.leading:
        return value
    rows = [d for d in operand.shape.leading if has_role(d, Role.BATCH)]
    if len(rows) == 1 and not fixed_role(operand.shape) and fixed_role(shape) and rows[0] not in shape.leading:
        # The view is reported; what follows is read as if its author had written the real number of rows.
        fixed = {s: rows[0] for d in shape.leading for s in symbols_of(d) if s.role is Role.FIXED_BATCH}
        return replace(value, shape=shape.substitute(fixed), marks=frozenset())
    first = shape.leading[0]
    folds = bool(rows) and isinstance(first, Expression) and first != rows[0] and has_role(first, Role.BATCH)
    spatial = operand.shape.exact and len(operand.shape.leading) > 2
    if folds and spatial and all(isinstance(d, int) for d in shape.leading[1:]):
        return replace(value, marks=value.marks | {Mark(MarkKind.FOLDED, node, operand)})
    return value


def _chosen(
    value: Tensor, operand: Tensor, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Tensor:
    """What a boolean mask gives: how many rows there are is known only when it runs."""
    if len(arguments) > 2 or set(keywords) - {"tensor", "mask", "name"}:
        return value
    return replace(value, marks=value.marks | {Mark(MarkKind.CHOSEN_ROWS, node)})


_MARKING = {"squeeze": _squeezed, "view": _regrouped, "reshape": _regrouped, "boolean_mask": _chosen}


def as_value(
    result: Any, operation: str, last: str, tensors: list[Tensor], node: Any, values: Iterable[Value] = ()
) -> Value:
    """What a shape function gave, as a value that keeps what the tensors flow from and went through."""
    if isinstance(result, tuple):
        return Sequence(tuple(as_value(part, operation, last, tensors, node) for part in result))
    shape = result if isinstance(result, Shape) else UNKNOWN_SHAPE
    if not tensors:
        marks: frozenset[Mark] = frozenset()
        if fixed_role(shape):
            marks = frozenset({Mark(MarkKind.FIXED_ALLOCATION, node, operation)})
        elif has_own_rows(operation, shape, values):
            marks = frozenset({Mark(MarkKind.OWN_ROWS, node, operation)})
        return Tensor(
            shape, frozenset({Source.CREATED}), marks, array=operation.startswith("numpy."), opaque=False,
            boolean=None,
        )  # fmt: skip
    if len(tensors) == 1 or (last in _SELECTING and operation.startswith(("torch.", "numpy."))):
        only = tensors[0]
        sources, marks, loader = only.sources, only.marks, only.loader
    else:
        sources = frozenset().union(*(t.sources for t in tensors))
        marks = frozenset().union(*(t.marks for t in tensors))
        squeezed = any(mark.kind is MarkKind.SQUEEZED for mark in marks)
        if squeezed and last in _ELEMENTWISE and any(_gives_axis_back(t) for t in tensors):
            marks = frozenset(mark for mark in marks if mark.kind is not MarkKind.SQUEEZED)
            marks |= {Mark(MarkKind.AXIS_GIVEN_BACK, node)}
        loader = next((t.loader for t in tensors if t.loader is not None), None)
    if last.endswith("_like") or last.startswith("new_"):
        sources = frozenset({Source.CREATED})
        marks = frozenset()
        if last.startswith("new_") and fixed_role(shape):
            marks = frozenset({Mark(MarkKind.FIXED_ALLOCATION, node, operation)})
    elif last in _EXPANSIONS and fixed_role(shape) and not any(fixed_role(t.shape) for t in tensors):
        marks = frozenset(m for m in marks if m.kind is not MarkKind.FIXED_ALLOCATION)
        marks |= {Mark(MarkKind.FIXED_EXPANSION, node, operation)}
    if marks:
        marks = _kept(marks, shape, last)
    first = tensors[0]
    parameter = first.parameter if last in _UNCHANGED and len(tensors) == 1 else None
    return Tensor(
        shape,
        sources,
        marks,
        True if last in _COMPARING else first.boolean if last in _BOOLEAN_KEEPING else None,
        parameter,
        None,
        operation.startswith("numpy.") or first.array,
        loader,
        first.opaque and not shape.exact and not shape.leading and not shape.trailing and last in _UNCHANGED,
    )


def _gives_axis_back(tensor: Tensor) -> bool:
    """Whether *tensor* has an axis in front, one or rows, which broadcasting gives to a squeezed batch of one again."""
    shape = tensor.shape
    squeezed = any(mark.kind is MarkKind.SQUEEZED for mark in tensor.marks)
    if not shape.leading:
        return not squeezed and any(mark.kind is MarkKind.AXIS_GIVEN_BACK for mark in tensor.marks)
    rows = has_role(shape.leading[0], Role.BATCH) and not squeezed
    return rows or (shape.exact and len(shape.leading) > 1 and shape.leading[0] == 1)


_SELECTING = frozenset({"index_select", "take_along_dim", "gather", "embedding"})
"""Operations whose further tensors only say what to take of the first."""


_UNCHANGED = frozenset(
    """to cuda cpu float double half long int contiguous clone detach requires_grad_ type type_as requires_grad cast
    identity stop_gradient to_float to_int32 to_int64""".split()
)
_BOOLEAN_KEEPING = _UNCHANGED | {"view", "reshape", "unsqueeze", "squeeze", "expand", "bitwise_and", "bitwise_or",
                                "logical_and", "logical_or", "flatten", "expand_as", "repeat", "transpose", "permute",
                                "bitwise_not", "logical_not"}  # fmt: skip
_COMPARING = frozenset(
    """eq ne lt le gt ge isnan isinf isfinite isclose equal not_equal less less_equal greater greater_equal in_top_k
    is_nan is_inf is_finite""".split()
)


_FOLD_KEEPING = frozenset(
    "relu relu_ dropout float to cuda leaky_relu elu tanh sigmoid gelu clone contiguous view cast identity".split()
)


def _kept(marks: frozenset[Mark], shape: Shape, last: str) -> frozenset[Mark]:
    drop_squeezed = last in _REGROUPINGS or (shape.exact and not shape.leading)
    drop_fixed = shape.exact and not fixed_role(shape)
    return frozenset(
        mark
        for mark in marks
        if not (mark.kind is MarkKind.SQUEEZED and drop_squeezed)
        and not (mark.kind is MarkKind.PADDED and last not in PADDING_KEEPING)
        and not (mark.kind is MarkKind.BATCH_STATISTIC and not survives(last))
        and not (mark.kind is MarkKind.FOLDED and last not in _FOLD_KEEPING)
        and not (mark.kind in (MarkKind.OWN_ROWS, MarkKind.CHOSEN_ROWS) and last not in ("cast", "identity"))
        and not (mark.kind in (MarkKind.FIXED_ALLOCATION, MarkKind.FIXED_EXPANSION) and drop_fixed)
    )


def fixed_role(shape: Shape) -> bool:
    """Whether a fixed batch takes part in a dimension of *shape*."""
    return any(has_role(d, Role.FIXED_BATCH) for d in shape.leading) or any(
        has_role(d, Role.FIXED_BATCH) for d in shape.trailing
    )


def real_role(shape: Shape) -> bool:
    """Whether the number of rows that really are there takes part in a dimension of *shape*."""
    return any(has_role(d, Role.BATCH) for d in shape.leading) or any(has_role(d, Role.BATCH) for d in shape.trailing)


_ELEMENTWISE = frozenset(
    """add sub subtract mul multiply div divide true_divide floor_divide remainder pow eq ne lt gt le ge equal maximum
    minimum where masked_fill lerp addcmul addcdiv logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor
    atan2 add_n divide_no_nan floordiv floormod greater greater_equal less less_equal not_equal power realdiv
    squared_difference truediv""".split()
)
"""Operations that broadcast their operands."""

_MEETINGS = _ELEMENTWISE | frozenset(
    """dist cat concat concatenate stack hstack vstack column_stack dstack bmm baddbmm matmul mm einsum copy
    cosine_similarity pairwise_distance scatter scatter_add gather index_add RNN LSTM GRU RNNCell LSTMCell GRUCell
    MultiheadAttention TransformerDecoderLayer TransformerDecoder scaled_dot_product_attention CosineSimilarity
    PairwiseDistance Bilinear Add Average Concatenate Dot Maximum Minimum Multiply Subtract batch_dot
    squared_difference train_on_batch test_on_batch SimpleRNN SimpleRNNCell ConvLSTM2D Bidirectional dynamic_rnn
    bidirectional_dynamic_rnn static_rnn raw_rnn rnn rnn_decoder attention_decoder sequence_loss
    sequence_loss_by_example""".split()
)
"""Operations whose operands must have as many rows as one another."""

_FIXED_MARKS = (MarkKind.FIXED_ALLOCATION, MarkKind.FIXED_EXPANSION)


def look_for_conflict(
    ev: Evaluator, operation: str, node: Any, tensors: Iterable[Tensor]
) -> tuple[Tensor, Tensor] | None:
    """Observe where real rows meet a fixed number of rows: the fixed side and the real one."""
    if seen.CONFLICT not in ev.subscriptions:
        return None
    if last_of(operation) not in _MEETINGS and operation not in LOSSES and not is_loss(operation):
        return None
    tensors = tuple(tensors)
    fixed = real = None
    for tensor in tensors:
        has_fixed_mark = any(mark.kind in _FIXED_MARKS for mark in tensor.marks)
        if has_fixed_mark and not real_role(tensor.shape) and (fixed_role(tensor.shape) or not tensor.shape.exact):
            if fixed_role(tensor.shape):
                fixed = tensor
        elif not has_fixed_mark and not fixed_role(tensor.shape):
            if real_role(tensor.shape):
                real = tensor
            elif not tensor.shape.exact and tensor.sources & {Source.INPUT, Source.LOADER}:
                real = real or tensor
    if fixed is None and last_of(operation) in _ELEMENTWISE:
        return _look_for_own_rows(ev, operation, node, tensors)
    if fixed is None or real is None or (last_of(operation) in _ELEMENTWISE and _side_by_side(fixed.shape, real.shape)):
        return None
    ev.observe(seen.CONFLICT, node, {"fixed": fixed, "real": real}, name=operation)
    return fixed, real


def _look_for_own_rows(
    ev: Evaluator, operation: str, node: Any, tensors: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor] | None:
    """Observe where rows that a graph leaves open meet a tensor that was allocated with rows of its own."""
    for own, real in zip(tensors, reversed(tensors)) if len(tensors) == 2 else ():
        if meets_open_rows(own, real):
            ev.observe(seen.CONFLICT, node, {"fixed": own, "real": real}, name=operation)
            return own, real
    return None


def made_outside_torch(observation: seen.Observation) -> bool:
    """Whether the fixed side of a conflict was made by TensorFlow, Keras or NumPy."""
    fixed = observation.arguments.get("fixed")
    made = [m.detail for m in fixed.marks if m.kind in _FIXED_MARKS] if isinstance(fixed, Tensor) else []
    return any(isinstance(name, str) and not is_torch(name) for name in made)


def _as_if_right(value: Value, met: tuple[Tensor, Tensor]) -> Value:
    """*value* as if the author of the fixed side had written the real number of rows, which is what was reported."""
    fixed, real = met
    if isinstance(value, Tensor) and any(mark.kind is MarkKind.OWN_ROWS for mark in fixed.marks):
        return with_open_rows(value, fixed, real)
    made = [mark.detail for mark in fixed.marks if mark.kind in _FIXED_MARKS]
    rows = real.shape.leading[0] if real.shape.leading else None
    if not isinstance(value, Tensor) or rows is None or not all(isinstance(m, str) and not is_torch(m) for m in made):
        return value
    if len(fixed.shape.leading) and value.shape.leading == () and has_role(rows, Role.BATCH):
        return replace(value, shape=Shape((rows,), value.shape.trailing, False), marks=frozenset())
    known = {s: rows for d in value.shape.leading for s in symbols_of(d) if s.role is Role.FIXED_BATCH}
    return replace(value, shape=value.shape.substitute(known), marks=frozenset())


def _side_by_side(fixed: Shape, real: Shape) -> bool:
    """Whether the rows of the two lie on axes of their own, as in ``[64, 1] * [1, B]``: any number of each will do."""
    if not fixed.exact or not real.exact:
        return False
    aligned = zip(reversed(fixed.leading), reversed(real.leading))
    return not any(has_role(one, Role.FIXED_BATCH) and other != 1 for one, other in aligned)


def consume(
    ev: Evaluator,
    operation: str,
    node: Any,
    tensors: list[Tensor],
    keywords: Mapping[str, Value],
    arguments: tuple[Value, ...],
) -> None:
    """Observe a use of a squeezed tensor that relies on its axes."""
    if seen.CONSUME not in ev.subscriptions:
        return
    for tensor in tensors:
        if any(mark.kind is MarkKind.SQUEEZED for mark in tensor.marks):
            ev.observe(seen.CONSUME, node, {"tensor": tensor}, name=operation, positional=arguments, keywords=keywords)


_SELF_METHODS = frozenset({"backward", "retain_grad", "register_hook", "tolist", "zero_", "fill_"})


NEEDS_ROWS = frozenset(
    f"keras.layers.{name}"
    for name in (
        "Dense Conv1D Conv2D LSTM GRU SimpleRNN GlobalAveragePooling1D GlobalAveragePooling2D Concatenate".split()
    )
)
"""Layers of Keras that take no tensor without a batch axis."""


def observe_loss_operands(ev: Evaluator, name: str, node: Any, tensors: list[Tensor]) -> None:
    """A loss relies on the batch axis of its operands, unless all were squeezed alike."""
    squeezed = [any(mark.kind is MarkKind.SQUEEZED for mark in t.marks) for t in tensors]
    if any(squeezed) and not all(squeezed):
        for tensor, is_squeezed in zip(tensors, squeezed):
            if is_squeezed:
                ev.observe(seen.CONSUME, node, {"tensor": tensor}, name=name)


def tensor_method(
    ev: Evaluator, tensor: Tensor, name: str, node: Any, arguments: tuple[Value, ...], keywords: Mapping[str, Value]
) -> Value:
    """The value of ``tensor.name(...)``."""
    if name in ("size", "get_shape") and not keywords and not (tensor.array and name == "size"):
        return _size(ev, tensor, node, arguments)
    if name == "size" and "dim" in keywords:
        return _size(ev, tensor, node, (keywords["dim"],))
    if name in ("dim", "ndimension", "rank"):
        rank = tensor.shape.rank
        return UNKNOWN if rank is None else Integer(rank, Origin(OriginKind.TENSOR))
    if name in ("numel", "nelement"):
        count = tensor.shape.number_of_elements()
        return Integer(unknown() if count is None else count, Origin(OriginKind.TENSOR, None, None, tensor))
    if name == "item":
        ev.observe("torch.Tensor.item", node, {"self": tensor})
        return Number(tensor.quantity)
    if name in ("numpy", "detach_", "cpu_"):
        return replace(tensor, array=True)
    if name == "tolist":
        return UNKNOWN
    if name in ("backward", "retain_grad", "register_hook"):
        return UNKNOWN
    if name == "view" and len(arguments) == 1 and isinstance(arguments[0], type(UNKNOWN)) and not keywords:
        # Perhaps a dtype, perhaps a list of sizes.
        pass
    base = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    if name in ("resize_",):
        sizes = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], Sequence) else Sequence(arguments)
        dims = argument_for_shapes(sizes)
        known = isinstance(dims, tuple) and not any(isinstance(d, registry.Unknown) for d in dims)
        return Tensor(Shape(dims) if known else UNKNOWN_SHAPE, frozenset({Source.CREATED}))
    if name in ("resize_as_", "set_"):
        given = tensors_among(arguments)
        return Tensor(given[0].shape if len(given) == 1 else UNKNOWN_SHAPE, frozenset({Source.CREATED}))
    if name == "copy_":
        if len(tensors_among(arguments)) == 1:
            look_for_conflict(ev, "torch.Tensor.copy", node, (tensor, *tensors_among(arguments)))
        return tensor
    for operation in _method_names(tensor, base):
        if operation in FUNCTIONS:
            return operate(ev, operation, node, (tensor, *arguments), keywords)
    if name in ("fill_", "zero_", "uniform_", "normal_", "random_", "bernoulli_", "exponential_", "clamp_"):
        return tensor
    if tensor.opaque:
        return opaque(ev, (tensor, *arguments), keywords)
    tensors = tensors_among((tensor, *arguments))
    return Tensor(UNKNOWN_SHAPE, frozenset().union(*(t.sources for t in tensors)), loader=tensor.loader)


def _method_names(tensor: Tensor, name: str) -> tuple[str, ...]:
    if tensor.array:
        return (f"numpy.ndarray.{name}", f"torch.Tensor.{name}", f"numpy.{name}")
    return (f"torch.Tensor.{name}",)


def _size(ev: Evaluator, tensor: Tensor, node: Any, arguments: tuple[Value, ...]) -> Value:
    if not arguments:
        return shape_of(tensor, ev.has_static_shapes(tensor))
    axis = arguments[0]
    if isinstance(axis, Integer) and isinstance(axis.dimension, int):
        if axis.dimension != 0:
            consume(ev, "torch.Tensor.size", node, [tensor], {}, arguments)
        return dimension_of(ev, tensor, axis.dimension, node)
    return Integer(unknown(minimum=0), Origin(OriginKind.TENSOR, None, None, tensor))


def dimension_of(ev: Evaluator, tensor: Tensor, axis: int, node: Any, static: bool = False) -> Value:
    """``tensor.size(axis)``: the known dimension, else a size that is the same each time it is asked for."""
    origin = Origin(OriginKind.TENSOR, f"axis {axis}", node, tensor, static)
    try:
        dimension = tensor.shape.dimension(axis)
    except ShapeMismatch as error:
        ev.observe(seen.MISMATCH, node, {"input": tensor}, name="torch.Tensor.size", error=error)
        return UNKNOWN
    if dimension is None:
        dimension = _named_axis(tensor, axis)
    return Integer(dimension, origin)


def _named_axis(tensor: Tensor, axis: int) -> Dimension:
    parameter = tensor.parameter
    if parameter is None:
        if axis == 0 and tensor.sources & {Source.INPUT, Source.LOADER}:
            # Whoever asks for `size(0)` of what a model computed asks for its rows.
            return Symbol("B", Role.BATCH, identity=("rows", next(_fresh))).dimension()
        return unknown(f"size({axis})")
    role = Role.BATCH if axis == 0 else Role.SIZE
    name = "B" if axis == 0 else f"{parameter.name}.size({axis})"
    return Symbol(name, role, identity=(parameter.function, parameter.name, axis)).dimension()


def subscript(ev: Evaluator, base: Value, items: tuple[Value, ...], node: Any) -> Value:
    """``base[items]``."""
    if isinstance(base, Batch):
        if len(items) == 1:
            key = items[0]
            if isinstance(key, Integer) and isinstance(key.dimension, int):
                return ev.part_of(base, key.dimension)
            if isinstance(key, Constant) and isinstance(key.value, str):
                return ev.part_of(base, key.value)
        base = base.tensor
    if isinstance(base, Tensor):
        return _index_tensor(ev, base, items, node)
    if len(items) != 1:
        return UNKNOWN
    key = items[0]
    if isinstance(base, Sequence):
        if isinstance(key, Integer) and isinstance(key.dimension, int):
            if -len(base.items) <= key.dimension < len(base.items):
                return base.items[key.dimension]
            return UNKNOWN
        if isinstance(key, SliceValue):
            return _slice_sequence(base, key)
        return element_of(base)
    if isinstance(base, ShapeOf):
        return _index_shape(ev, base, key, node)
    if isinstance(base, Constant):
        return _index_string(base, key)
    if isinstance(base, Repeated):
        return base.item if not isinstance(key, SliceValue) else base
    if isinstance(base, Loader) and not base.given and not isinstance(key, SliceValue) and node is not None:
        # `loaders[phase]`: several under one name, the same one for the same key.
        name = key.value if isinstance(key, Constant) else ev.last_name(node.slice[0].slice.value)
        return ev.unknown_loader(f"{base.identity}[{name}]", node) if isinstance(name, str) else UNKNOWN
    if isinstance(base, Dictionary) and key_of(key) in base.items:
        return base.items[key_of(key)]
    if isinstance(base, Dictionary) and isinstance(key, Constant) and isinstance(key.value, str):
        if base.kind in ("namespace", "configuration") or not base.complete:
            return ev.configured(key.value, node) or UNKNOWN if base.kind != "dict" else UNKNOWN
        return UNKNOWN
    if isinstance(base, type(UNKNOWN)) and isinstance(key, Constant) and isinstance(key.value, str):
        name = ev.last_name(node.value) if node is not None else None
        if name is not None and names_configuration(name):
            return ev.configured(key.value, node) or UNKNOWN
    if isinstance(base, Chain):
        return _index_chain(base, key)
    return UNKNOWN


def _index_string(base: Constant, key: Value) -> Value:
    if not isinstance(base.value, str):
        return UNKNOWN
    if isinstance(key, Integer) and isinstance(key.dimension, int):
        number = key.dimension
        return Constant(base.value[number]) if -len(base.value) <= number < len(base.value) else UNKNOWN
    if isinstance(key, SliceValue):
        bounds = [_bound(part) for part in (key.lower, key.upper, key.step)]
        return UNKNOWN if "?" in bounds else Constant(base.value[slice(*bounds)])
    return UNKNOWN


def _index_chain(base: Chain, key: Value) -> Value:
    if not base.complete:
        return UNKNOWN
    if isinstance(key, Integer) and isinstance(key.dimension, int):
        inside = -len(base.items) <= key.dimension < len(base.items)
        return base.items[key.dimension][1] if inside else UNKNOWN
    if isinstance(key, SliceValue):
        bounds = [_bound(part) for part in (key.lower, key.upper, key.step)]
        if "?" not in bounds:
            return Chain(base.items[slice(*bounds)])
    return UNKNOWN


def _bound(value: Value) -> Any:
    if isinstance(value, Constant) and value.value is None:
        return None
    if isinstance(value, Integer) and isinstance(value.dimension, int):
        return value.dimension
    return "?"


def _slice_sequence(base: Sequence, key: SliceValue) -> Value:
    bounds = [_bound(part) for part in (key.lower, key.upper, key.step)]
    if "?" in bounds:
        return Repeated(element_of(base), base.kind)
    return Sequence(base.items[slice(*bounds)], base.kind)


def _index_shape(ev: Evaluator, base: ShapeOf, key: Value, node: Any) -> Value:
    tensor = base.tensor
    if isinstance(key, Integer) and isinstance(key.dimension, int):
        if key.dimension != 0:
            consume(ev, "torch.Tensor.size", node, [tensor], {}, ())
        return dimension_of(ev, tensor, key.dimension, node, base.static)
    if isinstance(key, SliceValue):
        lower, upper, step = (_bound(part) for part in (key.lower, key.upper, key.step))
        origin = Origin(OriginKind.TENSOR, None, None, tensor, base.static)
        if lower in (None, 0) and isinstance(upper, int) and 0 <= upper <= len(tensor.shape.leading) and step is None:
            return Sequence(tuple(Integer(d, origin) for d in tensor.shape.leading[:upper]), "shape")
        trailing = tensor.shape.trailing
        if isinstance(lower, int) and lower < 0 and upper is None and step is None and -lower <= len(trailing):
            return Sequence(tuple(Integer(d, origin) for d in trailing[lower:]), "shape")
    return UNKNOWN


def _index_tensor(ev: Evaluator, tensor: Tensor, items: tuple[Value, ...], node: Any) -> Value:
    if tensor.quantity is not None and tensor.shape.rank == 0:
        # `loss.data[0]`: before PyTorch 0.4 a loss had one axis.
        return Number(tensor.quantity)
    if node is not None:
        ev.observe(seen.INDEX, node, {"receiver": tensor, "items": Sequence(items)})
        look_at_last_step(ev, tensor, items, node)
        if _relies_on_axes(items):
            consume(ev, "index", node, [tensor], {}, items)
    if tensor.opaque and tensor.shape == UNKNOWN_SHAPE:
        key = items[0] if len(items) == 1 else UNKNOWN
        if isinstance(key, Constant) and isinstance(key.value, str):
            return Tensor(UNKNOWN_SHAPE, tensor.sources, opaque=True)
    parts = tuple(_index_part(item) for item in items)
    try:
        shape = index_shape(tensor.shape, parts)
    except ShapeMismatch as error:
        ev.observe(seen.MISMATCH, node, {"input": tensor}, name="index", error=error)
        shape = UNKNOWN_SHAPE
    except (TypeError, ValueError, AttributeError, IndexError):
        shape = UNKNOWN_SHAPE
    cut = items[0] if tensor.array and ev.loops and items else None
    if isinstance(cut, SliceValue) and shape.leading and tensor.shape.leading:
        rows = may_be_short(tensor.shape.leading[0], cut, ev.loops)
        if rows is not None:
            shape = Shape((rows.dimension(), *shape.leading[1:]), shape.trailing, shape.exact)
    marks = _kept(tensor.marks, shape, "index") if tensor.marks else tensor.marks
    return tensor.like(shape, marks=marks, opaque=tensor.opaque and shape == UNKNOWN_SHAPE)


def _relies_on_axes(items: tuple[Value, ...]) -> bool:
    if len(items) > 1:
        return not any(isinstance(item, Constant) and item.value is Ellipsis for item in items)
    key = items[0] if items else UNKNOWN
    return isinstance(key, Integer) and not isinstance(key.dimension, int)


def _index_part(item: Value) -> Any:
    if isinstance(item, Tensor):
        return TensorIndex(item.shape, item.boolean)
    if isinstance(item, Batch):
        return TensorIndex(item.tensor.shape, item.tensor.boolean)
    if isinstance(item, Integer):
        return item.dimension
    if isinstance(item, Constant):
        if item.value is None or item.value is Ellipsis:
            return item.value
        return registry.UNKNOWN
    if isinstance(item, SliceValue):
        return slice(*(_slice_part(part) for part in (item.lower, item.upper, item.step)))
    if isinstance(item, Sequence):
        if all(isinstance(part, Integer) for part in item.items):
            return TensorIndex(Shape((len(item.items),)), False)
        return registry.UNKNOWN
    return registry.UNKNOWN


def _slice_part(value: Value) -> Any:
    if isinstance(value, Constant) and value.value is None:
        return None
    return value.dimension if isinstance(value, Integer) else registry.UNKNOWN


__all__ = [
    "NO_SOURCES",
    "argument_for_shapes",
    "as_value",
    "consume",
    "fixed_role",
    "look_for_conflict",
    "operate",
    "real_role",
    "subscript",
    "symbols_of",
    "tensor_method",
    "tensors_among",
]
