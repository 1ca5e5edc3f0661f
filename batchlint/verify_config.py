"""``[tool.batchlint.verify]``: how to run code, and what the user says of single models; read where a file has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEVICES = "auto, cpu, meta, cuda or cuda:N"

_DEVICE = re.compile(r"auto|cpu|meta|cuda(:[0-9]+)?")
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_MODEL = re.compile(r"([^\W\d]\w*(\.[^\W\d]\w*)*:)?[^\W\d]\w*(\.[^\W\d]\w*)*")


class ModelConfig(NamedTuple):
    """What the user says of one model.

    Attributes:
        inputs: as in ``--input``: ``x: float32[B, 3, 32, 32]``.
        construct: Python that makes it in its module's namespace, e.g. ``Net(width=8)``.
        batch_size: the batch size that it is written for.
    """

    inputs: tuple[str, ...] = ()
    construct: str | None = None
    batch_size: int | None = None


class VerifyConfig(NamedTuple):
    """What the project wants of ``batchlint verify``; ``None`` leaves a setting to its default.

    Attributes:
        batch_sizes: those to run at.
        device: where.
        timeout: seconds for each target.
        memory: bytes for each worker.
        seed: of all random numbers.
        allow_network: whether code may use the network.
        all_models: whether classes without findings are run, too.
        models: what is said of single models, by ``pkg.mod:Net`` or ``Net``.
    """

    batch_sizes: tuple[int, ...] | None = None
    device: str | None = None
    timeout: float | None = None
    memory: int | None = None
    seed: int | None = None
    allow_network: bool | None = None
    all_models: bool | None = None
    models: tuple[tuple[str, ModelConfig], ...] = ()


def is_device(text: str) -> bool:
    """Whether *text* names a device, one of `DEVICES`."""
    return _DEVICE.fullmatch(text) is not None


def bytes_of(text: str) -> int:
    """The number of bytes that *text* says: ``8GiB``, ``500 MB``, ``1.5G``, ``1000000``.

    Raises:
        ValueError: it says none, or none at all.
    """
    match = _MEMORY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no amount of memory such as 8GiB or 500MB")
    number, prefix, binary = match.groups()
    amount = int(float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix.upper() or " "))
    if amount < 1:
        raise ValueError(f"{text!r} is no memory at all")
    return amount


def is_model_name(text: str) -> bool:
    """Whether *text* names a class or a function: ``pkg.mod:Net``, ``mod:Outer.Inner`` or ``Net``."""
    return _MODEL.fullmatch(text) is not None


class _Key(NamedTuple):
    accepts: Callable[[Any], bool]
    expected: str
    read: Callable[[Any], Any] = lambda value: value


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_batch_sizes(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_whole(item, 1) for item in value)


def _is_memory(value: object) -> bool:
    if not isinstance(value, str):
        return _is_whole(value, 1)
    try:
        bytes_of(value)
    except ValueError:
        return False
    return True


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


_BOOLEAN = _Key(_is_boolean, "true or false")
_KEYS = {
    "batch-sizes": _Key(
        _is_batch_sizes, "a list of whole numbers of at least 1", lambda value: (*dict.fromkeys(value),)
    ),
    "device": _Key(lambda value: isinstance(value, str) and is_device(value), f"one of {DEVICES}"),
    "timeout": _Key(_is_positive, "a number of seconds above 0", float),
    "memory": _Key(_is_memory, "an amount of memory such as '8GiB'", lambda value: bytes_of(str(value))),
    "seed": _Key(lambda value: _is_whole(value, 0), "a whole number of at least 0"),
    "allow-network": _BOOLEAN,
    "all-models": _BOOLEAN,
}
_MODEL_KEYS = {
    "inputs": _Key(
        lambda value: isinstance(value, list) and all(isinstance(item, str) for item in value),
        "a list of strings such as 'x: float32[B, 3, 32, 32]'",
        tuple,
    ),
    "construct": _Key(lambda value: isinstance(value, str), "Python that makes the model, as a string"),
    "batch-size": _Key(lambda value: _is_whole(value, 1), "a whole number of at least 1"),
}


def _read(table: Mapping[str, Any], keys: Mapping[str, _Key], where: str) -> dict[str, Any]:
    read = {}
    for key, value in table.items():
        if key not in keys:
            from batchlint.suggestions import did_you_mean

            raise ValueError(f"unknown key {key!r} in [{where}]{did_you_mean(key, keys)}")
        if not keys[key].accepts(value):
            raise ValueError(f"{key} in [{where}] must be {keys[key].expected}, not {value!r}")
        read[key.replace("-", "_")] = keys[key].read(value)
    return read


def verify_config_from_table(table: Mapping[str, Any]) -> VerifyConfig:
    """The configuration in *table*, the contents of ``[tool.batchlint.verify]``.

    Raises:
        ValueError: a key is unknown or a value has the wrong type; the message is one line.
    """
    where = "tool.batchlint.verify"
    models = []
    for name, value in table.items():
        if name in _KEYS or not isinstance(value, dict):
            continue
        if not is_model_name(name):
            raise ValueError(f"{name!r} in [{where}] names no model: expected pkg.mod:Net or Net")
        models.append((name, ModelConfig(**_read(value, _MODEL_KEYS, f'{where}."{name}"'))))
    named = {name for name, _ in models}
    settings = {key: value for key, value in table.items() if key not in named}
    return VerifyConfig(**_read(settings, _KEYS, where), models=tuple(models))
