"""Broadcasting: sizes are matched from the last dimension on, and 1 stretches to anything."""

from __future__ import annotations

from typing import Any

from batchlint.shapes.bounds import least
from batchlint.shapes.dimension import Dimension, Role, certainly_differ, has_role, is_smaller_of, render, unknown
from batchlint.shapes.registry import ShapeResult, shape_function
from batchlint.shapes.shape import Shape, ShapeMismatch
from batchlint.shapes.torch.operands import SCALAR, as_shape, as_sizes, shape_of_sizes

__all__ = ["broadcast", "broadcast_dimension"]


def broadcast_dimension(left: Dimension, right: Dimension) -> Dimension:
    """The size of two that meet in one dimension.

    A size that is certain to be above 1 is the result if there is one at all. A batch size that somebody wrote down
    gives way to the batch: that the two may differ is another question.

    Raises:
        ShapeMismatch: the two are certain to differ and neither can be 1.
    """
    if left == right or right == 1:
        return left
    if left == 1:
        return right
    left_least, right_least = least(left) or 0, least(right) or 0
    numbers = isinstance(left, int) and isinstance(right, int)
    if numbers or (left_least > 1 and right_least > 1 and certainly_differ(left, right)):
        raise ShapeMismatch(f"sizes {render(left)} and {render(right)} do not broadcast", left, right)
    if isinstance(left, int):
        return left
    if isinstance(right, int):
        return right
    for one, other in ((left, right), (right, left)):
        if has_role(one, Role.FIXED_BATCH) and has_role(other, Role.BATCH) and not has_role(other, Role.FIXED_BATCH):
            return other
    if left_least > 1 or is_smaller_of(right, left):
        return left
    if right_least > 1 or is_smaller_of(left, right):
        return right
    return unknown(minimum=min(left_least, right_least))


def broadcast(*shapes: Shape) -> Shape:
    """The shape that *shapes* broadcast to.

    Raises:
        ShapeMismatch: they are certain not to.
    """
    if not shapes:
        return SCALAR
    result = shapes[0]
    for shape in shapes[1:]:
        if result == shape and shape.exact:
            continue
        result = _exact(result.leading, shape.leading) if result.exact and shape.exact else _partial(result, shape)
    return result


def _exact(left: tuple[Dimension, ...], right: tuple[Dimension, ...]) -> Shape:
    if len(left) < len(right):
        left, right = right, left
    extra = len(left) - len(right)
    aligned = zip(left[extra:], right)
    return Shape(left[:extra] + tuple([a if a == b else broadcast_dimension(a, b) for a, b in aligned]))


def _survives(size: Dimension) -> bool:
    """Whether *size* is the result whatever it meets."""
    return size != 1 and (isinstance(size, int) or (least(size) or 0) > 1)


def _partial(left: Shape, right: Shape) -> Shape:
    if right.exact:
        left, right = right, left
    if left.exact and all(size == 1 for size in left.leading) and len(left.leading) <= right.least_rank:
        return right
    trailing: list[Dimension | None] = []
    for index in range(1, max(_known(left), _known(right)) + 1):
        a, b = _from_end(left, index), _from_end(right, index)
        if a is not None and b is not None:
            trailing.append(broadcast_dimension(a, b))
        else:
            size = a if a is not None else b
            trailing.append(size if size is not None and _survives(size) else None)
    return Shape(_leading(left, right), tuple(reversed(_up_to_last_known(trailing))), exact=False)


def _up_to_last_known(sizes: list[Dimension | None]) -> list[Dimension]:
    while sizes and sizes[-1] is None:
        sizes.pop()
    return [unknown() if size is None else size for size in sizes]


def _known(shape: Shape) -> int:
    return len(shape.leading if shape.exact else shape.trailing)


def _from_end(shape: Shape, index: int) -> Dimension | None:
    """The size at *index* from the end, 1 beyond the front of a shape whose rank is known."""
    if shape.exact:
        return shape.leading[-index] if index <= len(shape.leading) else 1
    return shape.trailing[-index] if index <= len(shape.trailing) else None


def _leading(left: Shape, right: Shape) -> tuple[Dimension, ...]:
    """The first sizes of the result of *left* with *right*, whose rank is not known."""
    leading: list[Dimension | None] = []
    if left.exact:
        if right.least_rank < len(left.leading):
            return ()
        # A position that lies before all of the other's dimensions meets nothing.
        free = right.least_rank - len(left.leading)
        for position, size in enumerate(right.leading):
            leading.append(size if position < free or _survives(size) else None)
    else:
        # Which of the two is longer is not known, but they may begin alike.
        for position, (a, b) in enumerate(zip(left.leading, right.leading)):
            leading.append(a if a == b and (position == 0 or _survives(a)) else None)
    return tuple(_up_to_last_known(leading))


@shape_function("torch.broadcast_tensors")
def broadcast_tensors(*tensors: Any) -> ShapeResult:
    """Each of *tensors*, stretched to their common shape."""
    shape = broadcast(*map(as_shape, tensors))
    return (shape,) * len(tensors)


@shape_function("torch.broadcast_to", "torch.Tensor.broadcast_to")
def broadcast_to(input: Any, *size: Any) -> Shape:
    """*input* stretched to *size*."""
    return broadcast(as_shape(input), shape_of_sizes(as_sizes(size)))
