"""Shape functions of einops: patterns such as ``b (h p) c -> (b h) p c`` say all that there is to say.

A side of a pattern is a tuple of groups, a group the names of the axes whose product is one dimension; ``...`` stands
for any number of dimensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from batchlint.shapes.bounds import unify
from batchlint.shapes.dimension import Dimension, Expression, floor_divide, product, unknown
from batchlint.shapes.registry import OTHER_KEYWORDS, UNKNOWN, ShapeResult, layer, shape_function
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch

__all__ = ["packed", "unpacked"]

Group: TypeAlias = tuple[str, ...]
Side: TypeAlias = tuple[Group, ...]

_REST = ("",)
"""``...`` outside of brackets."""
_TOKEN = re.compile(r"\(|\)|\.\.\.|…|[^\s()]+")


def _side(text: str) -> Side | None:
    groups: list[Group] = []
    inside: list[str] | None = None
    for token in _TOKEN.findall(text):
        if token == "(":
            if inside is not None:
                return None
            inside = []
        elif token == ")":
            if inside is None:
                return None
            groups.append(tuple(inside))
            inside = None
        else:
            name = "..." if token == "…" else token
            if inside is not None:
                inside.append(name)
            else:
                groups.append(_REST if name == "..." else (name,))
    return None if inside is not None else tuple(groups)


def _sides(pattern: object) -> tuple[Side, Side] | None:
    if not isinstance(pattern, str) or pattern.count("->") != 1:
        return None
    left, right = (_side(text) for text in pattern.split("->"))
    return None if left is None or right is None else (left, right)


class _Axes:
    """Sizes by name, as far as the keywords and the dimensions of tensors tell."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.lost = OTHER_KEYWORDS in given
        self.sizes: dict[str, Dimension] = {}
        self.rest: tuple[Dimension, ...] | None = ()
        for name, size in given.items():
            known = isinstance(size, int | Expression) and not isinstance(size, bool)
            self.sizes[name] = size if known else unknown(name)

    def size(self, name: str) -> Dimension | None:
        return int(name) if name.isdigit() else self.sizes.get(name)

    def take(self, shape: Shape, side: Side) -> bool:
        """Read the sizes of the axes of *side* from *shape*; ``False`` where einops would not run.

        Raises:
            ShapeMismatch: *shape* certainly has no such dimensions.
        """
        if _REST in side:
            split = side.index(_REST)
            before, after = side[:split], side[split + 1 :]
            _at_least(shape, len(before) + len(after))
            self.rest = shape.leading[len(before) : len(shape.leading) - len(after)] if shape.exact else None
            pairs = [(group, _maybe(shape, i)) for i, group in enumerate(before)]
            pairs += [(group, _maybe(shape, i - len(after))) for i, group in enumerate(after)]
        else:
            if shape.least_rank > len(side) or (shape.exact and len(shape.leading) != len(side)):
                raise ShapeMismatch(f"a pattern for {len(side)} dimensions, got {shape}")
            pairs = []
            for i, group in enumerate(side):
                dimension = _maybe(shape, i)
                pairs.append((group, _maybe(shape, i - len(side)) if dimension is None else dimension))
        return all(self._split(group, dimension) for group, dimension in pairs)

    def _split(self, group: Group, dimension: Dimension | None) -> bool:
        missing = [name for name in group if self.size(name) is None]
        known = product([size for size in map(self.size, group) if size is not None])
        if not missing:
            if dimension is not None:
                agreed = unify(dimension, known, f"axes {' '.join(group)} do not multiply to a dimension")
                if len(group) == 1 and not group[0].isdigit():
                    self.sizes[group[0]] = agreed
            return True
        if len(missing) > 1 and not self.lost:
            return False
        for name in missing:
            self.sizes[name] = unknown(name)
        if len(missing) == 1 and dimension is not None:
            if isinstance(dimension, int) and isinstance(known, int) and known and dimension % known:
                raise ShapeMismatch(f"a dimension of {dimension} is no multiple of {known}", known, dimension)
            self.sizes[missing[0]] = floor_divide(dimension, known)
        return True

    def give(self, side: Side) -> ShapeResult:
        """The shape with the dimensions of *side*."""
        leading: list[Dimension] = []
        trailing: list[Dimension] | None = None
        for group in side:
            if group == _REST and self.rest is None:
                trailing = []
                continue
            dimensions = self._dimensions(group)
            if dimensions is None:
                return UNKNOWN
            (leading if trailing is None else trailing).extend(dimensions)
        return Shape(tuple(leading)) if trailing is None else Shape(tuple(leading), tuple(trailing), False)

    def _dimensions(self, group: Group) -> tuple[Dimension, ...] | None:
        if group == _REST:
            return self.rest
        factors: list[Dimension] = []
        for name in group:
            if name == "...":
                factors += (unknown(minimum=0),) if self.rest is None else self.rest
                continue
            size = self.size(name)
            if size is None and not self.lost:
                return None
            factors.append(unknown(name) if size is None else size)
        return (product(factors),)


def _at_least(shape: Shape, rank: int) -> None:
    if shape.exact and len(shape.leading) < rank:
        raise ShapeMismatch(f"a pattern for at least {rank} dimensions, got {shape}")


def _maybe(shape: Shape, index: int) -> Dimension | None:
    if shape.exact and not -len(shape.leading) <= index < len(shape.leading):
        return None
    return shape.dimension(index)


def _operand(tensor: object) -> Shape:
    """A tensor's shape; a list of tensors is stacked."""
    if isinstance(tensor, Shape):
        return tensor
    if isinstance(tensor, tuple) and tensor and all(isinstance(item, Shape) for item in tensor):
        first: Shape = tensor[0]
        return Shape((len(tensor), *first.leading), first.trailing, first.exact)
    return UNKNOWN_SHAPE


def _transformed(tensor: object, pattern: object, given: Mapping[str, Any]) -> ShapeResult:
    sides = _sides(pattern)
    if sides is None:
        return UNKNOWN
    axes = _Axes(given)
    return axes.give(sides[1]) if axes.take(_operand(tensor), sides[0]) else UNKNOWN


@shape_function("einops.rearrange", "einops.repeat")
def rearrange(tensor: object, pattern: object, **axes_lengths: Any) -> ShapeResult:
    """The dimensions that the right side of *pattern* names."""
    return _transformed(tensor, pattern, axes_lengths)


@shape_function("einops.reduce")
def reduce(tensor: object, pattern: object, reduction: object, **axes_lengths: Any) -> ShapeResult:
    """The dimensions that the right side of *pattern* names; those on the left alone are reduced away."""
    return _transformed(tensor, pattern, axes_lengths)


@shape_function("einops.einsum")
def einsum(*tensors_and_pattern: Any) -> ShapeResult:
    """The dimensions that the right side of the pattern names."""
    *tensors, pattern = tensors_and_pattern
    if not isinstance(pattern, str) or pattern.count("->") != 1:
        return UNKNOWN
    left, right = pattern.split("->")
    operands = [_side(text) for text in left.split(",")]
    result = _side(right)
    if result is None or len(operands) != len(tensors) or _REST in result:
        return UNKNOWN
    axes = _Axes({})
    for tensor, side in zip(tensors, operands):
        if side is None or not axes.take(_operand(tensor), side):
            return UNKNOWN
    return axes.give(result)


def _expects(parameters: Mapping[str, Any]) -> Shape | None:
    """The rank that a layer's pattern demands, and the sizes that it names."""
    sides = _sides(parameters.get("pattern"))
    if sides is None or _REST in sides[0]:
        return None
    axes = _Axes({name: size for name, size in parameters.items() if isinstance(size, int)})
    dimensions: list[Dimension] = []
    for group in sides[0]:
        sizes = [axes.size(name) for name in group]
        known = [size for size in sizes if size is not None]
        dimensions.append(product(known) if len(known) == len(sizes) else unknown(group[0].upper()))
    return Shape(tuple(dimensions))


@layer("einops.layers.torch.Rearrange", expects=_expects)
def rearrange_layer(input: Shape, /, pattern: object, **axes_lengths: Any) -> ShapeResult:
    """The dimensions that the right side of *pattern* names."""
    return _transformed(input, pattern, axes_lengths)


@layer("einops.layers.torch.Reduce", expects=_expects)
def reduce_layer(input: Shape, /, pattern: object, reduction: object, **axes_lengths: Any) -> ShapeResult:
    """The dimensions that the right side of *pattern* names."""
    return _transformed(input, pattern, axes_lengths)


@layer("einops.layers.torch.EinMix", expects=_expects)
def mix_layer(
    input: Shape, /, pattern: object, weight_shape: object, bias_shape: object = None, **axes_lengths: Any
) -> ShapeResult:
    """The dimensions that the right side of *pattern* names, those of the weight being given by name."""
    return _transformed(input, pattern, axes_lengths)


def packed(shapes: Sequence[Shape], pattern: object) -> tuple[Shape, tuple[tuple[Dimension, ...] | None, ...]]:
    """``einops.pack``: the shape of the packed tensor, and of each tensor the dimensions that ``*`` stood for.

    Raises:
        ShapeMismatch: the named dimensions are certain to differ.
    """
    names = pattern.split() if isinstance(pattern, str) else []
    if names.count("*") != 1 or not shapes:
        return UNKNOWN_SHAPE, tuple(None for _ in shapes)
    split = names.index("*")
    after = len(names) - split - 1
    sizes: list[Dimension | None] = [None] * len(names)
    middles: list[tuple[Dimension, ...] | None] = []
    for shape in shapes:
        _at_least(shape, len(names) - 1)
        middles.append(shape.leading[split : len(shape.leading) - after] if shape.exact else None)
        for i in (*range(split), *range(split + 1, len(names))):
            size, known = _maybe(shape, i if i < split else i - len(names)), sizes[i]
            if size is not None:
                sizes[i] = size if known is None else unify(size, known, f"packed tensors differ in {names[i]}")
    total: Dimension = 0
    for middle in middles:
        total = total + (unknown(minimum=0) if middle is None else product(middle))
    dimensions = [total if i == split else unknown(names[i]) if size is None else size for i, size in enumerate(sizes)]
    return Shape(tuple(dimensions)), tuple(middles)


def unpacked(shape: Shape, middles: Sequence[tuple[Dimension, ...] | None], pattern: object) -> tuple[Shape, ...]:
    """``einops.unpack``: the shape of each tensor, *middles* being what ``*`` stands for in it.

    Raises:
        ShapeMismatch: the tensor certainly has no such dimensions.
    """
    names = pattern.split() if isinstance(pattern, str) else []
    if names.count("*") != 1:
        return tuple(UNKNOWN_SHAPE for _ in middles)
    split = names.index("*")
    axes = _Axes({})
    if not axes.take(shape, tuple((name,) for name in names)):
        return tuple(UNKNOWN_SHAPE for _ in middles)
    before = tuple(axes.sizes[name] for name in names[:split])
    after = tuple(axes.sizes[name] for name in names[split + 1 :])
    total = axes.sizes["*"]
    return tuple(
        Shape(before, after, False) if middle is None else Shape((*before, *_solved(middle, total, middles), *after))
        for middle in middles
    )


def _solved(
    middle: tuple[Dimension, ...], total: Dimension, middles: Sequence[tuple[Dimension, ...] | None]
) -> tuple[Dimension, ...]:
    """*middle* with its -1, if it has one, replaced by what the other tensors leave."""
    if -1 not in middle:
        return middle
    others: Dimension = 0
    for other in middles:
        if other is None or (other is not middle and -1 in other):
            return tuple(unknown(minimum=0) if size == -1 else size for size in middle)
        if other is not middle:
            others = others + product(other)
    rest = product([size for size in middle if size != -1])
    return tuple(floor_divide(total - others, rest) if size == -1 else size for size in middle)
