"""Tensors of Keras and TensorFlow as checks take them: NumPy's arrays, with the methods of torch's tensors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from batchlint.verify.worker.any_subject import Place
from batchlint.verify.worker.records import Record
from batchlint.verify.worker.tensors import Tensor, at, register


class Array(np.ndarray):  # type: ignore[type-arg,unused-ignore]
    """An array that answers what is asked of a tensor, see `batchlint.verify.worker.tensors`; each method as torch's.

    ``bfloat16`` is what NumPy has of it; text is an array of objects.
    """

    layout = "torch.strided"
    is_sparse = False
    place = Place()

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Stay an array without axes where NumPy would give a number."""
        return np.asarray(array).view(Array)

    def dim(self) -> int:
        """How many axes."""
        return self.ndim

    def numel(self) -> int:
        """How many elements."""
        return int(self.size)

    def element_size(self) -> int:
        """Bytes of an element."""
        return int(self.itemsize)

    def is_floating_point(self) -> bool:
        """Whether of real numbers."""
        return self.dtype.kind == "f" or self.dtype.name == "bfloat16"

    def is_complex(self) -> bool:
        """Whether of complex numbers."""
        return self.dtype.kind == "c"

    def detach(self) -> Array:
        """Itself."""
        return self

    def clone(self) -> Array:
        """A copy."""
        return array(np.array(self))

    def float(self) -> Array:
        """In single precision."""
        return array(self.astype(np.float32))

    def double(self) -> Array:
        """In double precision."""
        return array(self.astype(np.float64))

    def abs(self) -> Array:
        """Magnitudes."""
        return array(np.abs(self))

    def isnan(self) -> Array:
        """Where it is not a number."""
        return array(np.isnan(self))

    def isfinite(self) -> Array:
        """Where it is finite."""
        return array(np.isfinite(self))

    def masked_fill(self, mask: Any, value: Any) -> Array:
        """With *value* where *mask* is true."""
        return array(np.where(mask, value, self))

    def nan_to_num(self, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
        """With numbers in place of what is none."""
        if not (self.is_floating_point() or self.is_complex()):
            return self
        return array(np.nan_to_num(np.asarray(self), nan=nan, posinf=posinf, neginf=neginf))

    def equal(self, other: Any) -> bool:
        """Whether all is the same."""
        return bool(np.array_equal(np.asarray(self), np.asarray(other)))

    def allclose(self, other: Any, rtol: Any = 0.0, atol: Any = 0.0, equal_nan: bool = False) -> bool:
        """Whether all is nearly the same."""
        return bool(np.allclose(np.asarray(self), np.asarray(other), rtol=rtol, atol=atol, equal_nan=equal_nan))

    def flatten(self, first: Any = 0, last: int = -1) -> Any:
        """The axes from *first* to *last* as one."""
        last = last % max(self.ndim, 1)
        return self.reshape(*self.shape[:first], -1, *self.shape[last + 1 :])

    def narrow(self, axis: int, start: int, length: int) -> Any:
        """A piece along an axis."""
        return self[at(axis, slice(start, start + length))]

    def movedim(self, source: int, target: int) -> Any:
        """With an axis in another place."""
        return array(np.moveaxis(self, source, target))

    def amax(self, axis: int) -> Any:
        """The largest along an axis."""
        return array(np.max(np.asarray(self), axis=axis))

    def new_full(self, shape: Sequence[int], value: Any) -> Array:
        """An array of its type, filled."""
        return array(np.full(shape, value).astype(self.dtype))


def array(value: Any) -> Array:
    """*value* as an `Array`."""
    found: Array = np.asarray(value).view(Array)
    return found


def _joined(tensors: Sequence[Tensor], axis: int) -> Tensor:
    return array(np.concatenate(tensors, axis=axis))


register(Array, _joined)

EAGER = ("EagerTensor", "ResourceVariable", "Variable", "KerasVariable", "Parameter", "Tensor")


def to_array(value: Any) -> Array | None:
    """A tensor with values as an `Array`; ``None`` for whatever is none."""
    if isinstance(value, np.ndarray):
        return value if isinstance(value, Array) else array(value)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        if isinstance(value, tensorflow.RaggedTensor):
            value = value.to_tensor()
        elif isinstance(value, tensorflow.SparseTensor):
            value = tensorflow.sparse.to_dense(value)
        if isinstance(value, tensorflow.Tensor | tensorflow.Variable):
            return array(value.numpy()) if hasattr(value, "numpy") else None
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return array(value.to_dense().float().numpy() if value.dtype is torch.bfloat16 else value.numpy())
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(value, keras.Variable):
        return to_array(value.value)
    return None


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A nest of tuples, lists and dicts with its leaves changed; *change* gives ``None`` for what it leaves."""
    changed = change(value)
    if changed is not None:
        return changed
    if isinstance(value, Record):
        return value.mapped(lambda each: mapped(each, change))
    if isinstance(value, Mapping):
        return {name: mapped(each, change) for name, each in value.items()}
    if isinstance(value, tuple | list):
        items = [mapped(each, change) for each in value]
        return items if isinstance(value, list) else tuple(items)
    if hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        return {name: mapped(getattr(value, name, None), change) for name in value.__dataclass_fields__}
    return value


def arrays_in(value: Any) -> Any:
    """*value* with its tensors as arrays."""
    return mapped(value, to_array)
