"""What the layers of a Keras model are given while it is called, and which of it are the model's own arguments."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from batchlint.verify.worker.keras.drafts import Path


@dataclass
class Meeting:
    """A call of a layer.

    Attributes:
        layer: it.
        path: the model's argument that it was given unchanged; ``None`` for something else.
        shape: of what it was given.
        finished: whether it came to its end.
    """

    layer: Any
    path: Path | None
    shape: tuple[int, ...]
    finished: bool = False

    @property
    def wants(self) -> str | None:
        """The type that the layer looks up; ``None`` where it takes numbers."""
        return _WANTED.get(type(self.layer).__name__)

    @property
    def below(self) -> int | None:
        """The number that indices have to be below."""
        if isinstance(self.layer, keras.layers.Embedding):
            return int(self.layer.input_dim)
        return getattr(self.layer, "num_tokens", None)

    @property
    def telling(self) -> bool:
        """Whether the layer takes this number of axes and no other, and is one of Keras's own."""
        name = type(self.layer).__name__
        own = type(self.layer).__module__.startswith("keras.")
        return self.path is not None and own and (self.wants is not None or any(each in name for each in _TELLING))


_WANTED = {
    "Embedding": "int64", "CategoryEncoding": "int64", "IntegerLookup": "int64", "TextVectorization": "string",
    "StringLookup": "string",
}  # fmt: skip
_TELLING = ("Conv1D", "Conv2D", "Conv3D", "LSTM", "GRU", "RNN", "Pooling", "Padding", "UpSampling", "Cropping",
            "Bidirectional", "ConvLSTM", "Attention")  # fmt: skip


@contextlib.contextmanager
def watched(given: tuple[tuple[Any, ...], Mapping[str, Any]]) -> Iterator[list[Meeting]]:
    """Note the calls of layers in the block, into which the arguments *given* go."""
    places: dict[int, Path] = {}
    positional, keywords = given
    for number, value in enumerate((*positional, *keywords.values())):
        _place(value, (number,), places)
    meetings: list[Meeting] = []
    kind = keras.layers.Layer
    really_call = kind.__call__

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        found = [_meeting(self, each, places) for each in (*arguments, *named.values()) if _is_tensor(each)]
        met = found or [Meeting(self, None, ())]
        meetings.extend(met)
        result = really_call(self, *arguments, **named)
        for each in met:
            each.finished = True
        return result

    kind.__call__ = call
    try:
        yield meetings
    finally:
        kind.__call__ = really_call


def _meeting(layer: Any, value: Any, places: Mapping[int, Path]) -> Meeting:
    try:
        shape = tuple(int(size) for size in value.shape)
    except (TypeError, ValueError):
        shape = ()
    return Meeting(layer, places.get(id(value)), shape)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _place(value: Any, path: Path, places: dict[int, Path]) -> None:
    if _is_tensor(value):
        places[id(value)] = path
    elif isinstance(value, Mapping):
        for number, each in enumerate(value.values()):
            _place(each, (*path, number), places)
    elif isinstance(value, tuple | list):
        for number, each in enumerate(value):
            _place(each, (*path, number), places)
