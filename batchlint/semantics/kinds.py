"""Which Python type a value certainly has, or certainly has not."""

from __future__ import annotations

from batchlint.semantics.classes import ancestors, external_base
from batchlint.semantics.values import (
    Chain,
    Class,
    Constant,
    Dictionary,
    External,
    Function,
    Instance,
    Integer,
    Layer,
    Sequence,
    Tensor,
    Value,
)
from batchlint.shapes.registry import LAYERS

__all__ = ["is_instance"]

_BUILTIN = "builtins."
_MODULE = "torch.nn.Module"
_TENSOR = "torch.Tensor"
_SEQUENCES = {"tuple": "builtins.tuple", "shape": "builtins.tuple", "list": "builtins.list"}
_TYPES: dict[str, type] = {
    f"{_BUILTIN}{each.__name__}": each for each in (int, float, str, bool, list, tuple, dict, set, bytes)
}


def is_instance(value: Value, of: Value) -> bool | None:
    """Whether *value* is an object of the type (or of one of the types) *of*, ``None`` where that is not known."""
    if isinstance(of, Sequence):
        answers = [is_instance(value, each) for each in of.items]
        if True in answers:
            return True
        return None if None in answers or not answers else False
    if isinstance(of, Class):
        return _of_class(value, of)
    return _of_external(value, of.name) if isinstance(of, External) else None


def _of_class(value: Value, of: Class) -> bool | None:
    if isinstance(value, Instance):
        found = any(each.node is of.node for each in ancestors(value.of))
        return True if found else None
    return False if isinstance(value, Integer | Constant | Sequence | Layer | Chain | Dictionary) else None


def _of_external(value: Value, name: str) -> bool | None:
    if isinstance(value, Constant):
        return isinstance(value.value, _TYPES[name]) if name in _TYPES else False if name == _TENSOR else None
    if isinstance(value, Integer):
        return name == f"{_BUILTIN}int" if name in _TYPES or name == _TENSOR else None
    if isinstance(value, Sequence):
        kind = _SEQUENCES.get(value.kind)
        if kind is not None and (name in _TYPES or name == _TENSOR):
            return name == kind
        return False if name in (_TENSOR, f"{_BUILTIN}int", f"{_BUILTIN}str", f"{_BUILTIN}float") else None
    if isinstance(value, Tensor):
        if value.opaque:
            return None
        return name == _TENSOR and not value.array if name in _TYPES or name == _TENSOR else None
    if isinstance(value, Dictionary):
        return name == f"{_BUILTIN}dict" if value.kind == "dict" and name in _TYPES else None
    if name in _TYPES or name == _TENSOR:
        return False if isinstance(value, Layer | Chain | Function) else None
    if isinstance(value, Layer):
        return True if name in (value.name, _MODULE) else False if name in LAYERS else None
    if isinstance(value, Chain):
        return True if name in ("torch.nn.Sequential", _MODULE) else False if name in LAYERS else None
    if isinstance(value, Instance) and value.of.is_module:
        if name == _MODULE or name == external_base(value.of):
            return True
        return False if name in LAYERS and external_base(value.of) == _MODULE else None
    return None
