"""Single samples of a batch: how to take some from the arguments of a call, and how to exchange one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from batchlint.verify.worker.any_subject import AnySubject
from batchlint.verify.worker.records import Record
from batchlint.verify.worker.tensors import Tensor, at, is_tensor, shape_of

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class NotSamples(ValueError):
    """The arguments cannot be taken apart into samples."""


class Batch:
    """The arguments for so many rows, which can be taken apart.

    Where the samples are is told by arguments for one row more: an axis that grows counts them, and so does a list.

    Attributes:
        arguments: of the call.
        rows: for which they were made.
        size: samples in them; other than *rows* where they are taken from another axis.
    """

    def __init__(self, subject: AnySubject, size: int, axis: int | None = None) -> None:
        """Make the arguments.

        Args:
            subject: what takes them.
            size: rows.
            axis: the axis to take the samples from in place of the one that follows the batch size.

        Raises:
            NotSamples: no input, or not a whole number of rows, follows the batch size.
        """
        try:
            self.arguments: Arguments = subject.arguments(size)
            self._longer: Arguments = subject.arguments(size + 1)
            self._subject, self._axis = subject, axis
            self.size = size if axis is None else self._size_along(axis)
            self.rows = size
            self._found = False
            self.taken([0])
        except NotSamples:
            raise
        except Exception as error:
            raise NotSamples(f"arguments for {size + 1} rows cannot be made: {error}") from error
        if not self._found:
            raise NotSamples("no input follows the batch size")

    def taken(self, indices: Sequence[int]) -> Arguments:
        """The arguments for these samples alone."""

        def of_tensor(tensor: Tensor, axis: int, other: Any) -> Tensor:
            return tensor[at(axis, list(indices))]

        def of_list(items: Any, other: Any) -> Any:
            return type(items)([items[index] for index in indices])

        own = self.arguments
        result: Arguments = self._changed(own, self._longer, own, of_tensor, of_list, len(indices))
        return result

    def exchanged(self, index: int) -> Arguments:
        """The arguments with sample *index* made anew."""
        fresh = self._subject.arguments(self.rows, self._subject.seed + 1)

        def of_tensor(tensor: Tensor, axis: int, other: Any) -> Tensor:
            changed = tensor.clone()
            changed[at(axis, index)] = other[at(axis, index)]
            return changed

        def of_list(items: Any, other: Any) -> Any:
            changed = list(items)
            changed[index] = other[index]
            return type(items)(changed)

        result: Arguments = self._changed(self.arguments, self._longer, fresh, of_tensor, of_list, self.size)
        return result

    def _size_along(self, axis: int) -> int:
        sizes = set()
        for tensor in _tensors(self.arguments):
            if tensor.dim() <= axis:
                raise NotSamples(f"an input has no axis {axis}")
            sizes.add(tensor.shape[axis])
        if len(sizes) != 1 or sizes == {1}:
            raise NotSamples(f"the inputs differ along axis {axis}")
        return int(sizes.pop())

    def _changed(
        self,
        value: Any,
        longer: Any,
        other: Any,
        of_tensor: Callable[[Tensor, int, Any], Tensor],
        of_list: Callable[[Any, Any], Any],
        count: int,
    ) -> Any:
        if is_tensor(value):
            axis = self._axis_of(value, longer)
            if axis is None:
                return value
            self._found = True
            return of_tensor(value, axis, other)
        if isinstance(value, Record):
            return Record(self._changed(value.parts, longer.parts, other.parts, of_tensor, of_list, count))
        if isinstance(value, Mapping):
            return {
                name: self._changed(each, longer[name], other[name], of_tensor, of_list, count)
                for name, each in value.items()
            }
        if type(value) in (tuple, list):
            if len(value) == self.rows and len(longer) == self.rows + 1 and self._axis is None:
                self._found = True
                return of_list(value, other)
            if len(value) != len(longer):
                raise NotSamples("the length of an input follows the batch size in no simple way")
            return type(value)(
                self._changed(each, more, new, of_tensor, of_list, count)
                for each, more, new in zip(value, longer, other)
            )
        if isinstance(value, int) and not isinstance(value, bool) and value == self.rows and longer == value + 1:
            return count
        if isinstance(value, str | bytes | int | float | complex) or value is None or _is_of_place(value):
            return value
        raise NotSamples(f"an input of type {type(value).__name__} cannot be taken apart")

    def _axis_of(self, tensor: Tensor, longer: Any) -> int | None:
        if self._axis is not None:
            return self._axis
        if not is_tensor(longer) or longer.dim() != tensor.dim():
            raise NotSamples("the number of axes of an input follows the batch size")
        moved = [axis for axis in range(tensor.dim()) if tensor.shape[axis] != longer.shape[axis]]
        if not moved:
            return None
        if len(moved) > 1 or tensor.shape[moved[0]] != self.rows or longer.shape[moved[0]] != self.rows + 1:
            raise NotSamples("an input has several rows for each sample")
        return moved[0]


def follow_batch(subject: AnySubject) -> bool:
    """Whether the arguments of a call are others for another batch size; if not, nothing is varied."""
    size = subject.control
    return bool(_outline(subject.arguments(size)) != _outline(subject.arguments(size + 1)))


def _is_of_place(value: Any) -> bool:
    """Whether *value* is a device or a type of numbers."""
    return type(value).__name__ in ("device", "dtype", "DType")


def _outline(value: Any) -> Any:
    """What of arguments can follow the batch size: shapes, lengths and numbers."""
    if is_tensor(value):
        return shape_of(value)
    if isinstance(value, Mapping):
        return [(str(name), _outline(each)) for name, each in value.items()]
    if isinstance(value, Record):
        return _outline(value.parts)
    if isinstance(value, tuple | list):
        return [_outline(each) for each in value]
    if isinstance(value, int | float | str) or value is None:
        return value
    return len(value) if hasattr(value, "__len__") else object()


def _tensors(value: Any) -> list[Tensor]:
    if is_tensor(value):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for each in value.values() for tensor in _tensors(each)]
    if isinstance(value, Record):
        return _tensors(value.parts)
    if type(value) in (tuple, list):
        return [tensor for each in value for tensor in _tensors(each)]
    return []
