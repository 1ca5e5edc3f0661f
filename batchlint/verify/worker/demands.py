"""What layers ask of the tensors that they are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from batchlint.verify.worker.trials import LayerCall, Operation, Seen, Trial, seen_in

_CONVOLUTIONS = {
    "conv1d": (3, False), "conv2d": (4, False), "conv3d": (5, False),
    "conv_transpose1d": (3, True), "conv_transpose2d": (4, True), "conv_transpose3d": (5, True),
}  # fmt: skip
_RANKS: dict[type[nn.Module], tuple[int, ...]] = {
    nn.BatchNorm1d: (2, 3), nn.BatchNorm2d: (4,), nn.BatchNorm3d: (5,),
    nn.InstanceNorm1d: (3,), nn.InstanceNorm2d: (4,), nn.InstanceNorm3d: (5,),
    nn.MaxPool2d: (4,), nn.AvgPool2d: (4,), nn.AdaptiveAvgPool2d: (4,), nn.AdaptiveMaxPool2d: (4,),
    nn.MaxPool1d: (3,), nn.AvgPool1d: (3,), nn.AdaptiveAvgPool1d: (3,), nn.MaxPool3d: (5,), nn.AdaptiveAvgPool3d: (5,),
    nn.ReflectionPad2d: (4,), nn.ReplicationPad2d: (4,), nn.ZeroPad2d: (4,), nn.PixelShuffle: (4,),
    nn.UpsamplingBilinear2d: (4,), nn.UpsamplingNearest2d: (4,), nn.Unfold: (4,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demand:
    """What a layer asks of one tensor.

    Attributes:
        seen: the tensor that it was given.
        ranks: numbers of axes that it takes, the likeliest first; empty for any.
        sizes: sizes by axis (negative from the end).
        dtype: ``int64`` for indices, else empty.
        below: bound of indices.
        time_major: whether the batch is its second axis.
        order: how many operations were done before.
    """

    seen: Seen
    ranks: tuple[int, ...] = ()
    sizes: dict[int, int] = field(default_factory=dict)
    dtype: str = ""
    below: int | None = None
    time_major: bool = False
    order: int = 0

    @property
    def met(self) -> bool:
        """Whether the tensor is what is asked for."""
        shape = self.seen.shape
        if self.ranks and len(shape) not in self.ranks:
            return False
        if self.dtype and self.seen.dtype not in (self.dtype, "int32"):
            return False
        return all(-len(shape) <= axis < len(shape) and shape[axis] == size for axis, size in self.sizes.items())

    @property
    def sized(self) -> bool:
        """Whether the sizes that are asked for are there; shapes alone are not always refused where they are not."""
        shape = self.seen.shape
        return all(shape[axis] == size for axis, size in self.sizes.items() if -len(shape) <= axis < len(shape))


def demands(trial: Trial) -> list[Demand]:
    """What each layer asked, in the order of the calls, the failing one included."""
    found: list[Demand] = []
    for call in trial.calls:
        found.extend(_of_layer(call))
    operations = [*trial.operations, *([trial.failing] if trial.failing is not None else [])]
    for order, operation in enumerate(operations):
        found.extend(_of_operation(operation, order))
    return sorted(found, key=lambda demand: demand.order)


def _of_layer(call: LayerCall) -> Iterator[Demand]:
    module, order = call.module, call.operations_before
    tensors = [value for value in call.arguments if isinstance(value, Seen)]
    first = tensors[0] if tensors else None
    if first is None:
        return
    if isinstance(module, nn.RNNBase):
        yield Demand(first, (3,), {-1: module.input_size}, time_major=not module.batch_first, order=order)
    elif isinstance(module, nn.RNNCellBase):
        yield Demand(first, (2,), {-1: module.input_size}, order=order)
    elif isinstance(module, nn.MultiheadAttention):
        major = not module.batch_first
        sizes = (module.embed_dim, module.kdim or module.embed_dim, module.vdim or module.embed_dim)
        for seen, size in zip(tensors, sizes):
            yield Demand(seen, (3,), {-1: size}, time_major=major, order=order)
    elif isinstance(module, nn.Transformer | nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        width, first_in = _width(module)
        count = 1 if isinstance(module, nn.TransformerEncoderLayer) else 2
        for seen in tensors[:count]:
            yield Demand(seen, (3,), {-1: width}, time_major=not first_in, order=order)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        yield Demand(first, _RANKS.get(type(module), ()), {1: module.num_features}, order=order)
    elif type(module) in _RANKS:
        yield Demand(first, _RANKS[type(module)], order=order)


def _width(module: nn.Module) -> tuple[int, bool]:
    if isinstance(module, nn.Transformer):
        return module.d_model, module.batch_first
    attention = module.self_attn
    assert isinstance(attention, nn.MultiheadAttention)
    return attention.embed_dim, attention.batch_first


def _of_operation(operation: Operation, order: int) -> Iterator[Demand]:
    given = operation.arguments
    first = given[0] if given else None
    second = given[1] if len(given) > 1 else operation.keywords.get("weight")
    if not isinstance(first, Seen):
        return
    name = operation.name
    if name == "linear" and isinstance(second, Seen) and len(second.shape) == 2:
        yield Demand(first, sizes={-1: second.shape[1]}, order=order)
    elif name in _CONVOLUTIONS and isinstance(second, Seen):
        rank, transposed = _CONVOLUTIONS[name]
        groups = given[6] if len(given) > 6 else operation.keywords.get("groups", 1)
        if not transposed and isinstance(groups, int) and len(second.shape) == rank:
            yield Demand(first, (rank,), {1: second.shape[1] * groups}, order=order)
        elif len(second.shape) == rank:
            yield Demand(first, (rank,), {1: second.shape[0]}, order=order)
    elif name in ("embedding", "embedding_bag") and isinstance(second, Seen):
        yield Demand(first, dtype="int64", below=second.shape[0], order=order)
    elif name == "layer_norm" and isinstance(second, tuple | list) and second:
        sizes = {index - len(second): size for index, size in enumerate(second) if isinstance(size, int)}
        yield Demand(first, sizes=sizes, order=order)
    elif name == "group_norm":
        weight = given[2] if len(given) > 2 else operation.keywords.get("weight")
        if isinstance(weight, Seen):
            yield Demand(first, sizes={1: weight.shape[0]}, order=order)
    elif name in ("matmul", "mm", "__matmul__", "bmm") and isinstance(second, Seen) and len(second.shape) > 1:
        if second.weight and not first.weight:
            yield Demand(first, sizes={-1: second.shape[-2]}, order=order)
        elif first.weight and not second.weight and first.shape:
            yield Demand(second, sizes={-2: first.shape[-1]}, order=order)
    elif name == "one_hot":
        yield Demand(
            first, dtype="int64", below=second if isinstance(second, int) and second > 0 else None, order=order
        )
    elif name in ("cross_entropy", "nll_loss") and isinstance(second, Seen) and len(first.shape) > 1:
        sizes = dict(enumerate((first.shape[0], *first.shape[2:])))
        yield Demand(second, (len(first.shape) - 1,), sizes, "int64", first.shape[1], order=order)
    elif name in ("mse_loss", "l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "smooth_l1_loss"):
        if isinstance(second, Seen) and second.direct and second.sources:
            yield Demand(second, (len(first.shape),), dict(enumerate(first.shape)), order=order)
    elif name == "gather" and len(given) > 2:
        for seen in seen_in(given[2]):
            yield Demand(seen, dtype="int64", order=order)
