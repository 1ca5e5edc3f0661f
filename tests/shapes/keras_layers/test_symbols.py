"""How precise the layers are when sizes are symbols or the rank is not known."""

from __future__ import annotations

from typing import Any

import pytest

from batchlint.shapes.dimension import Role, Symbol
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from shapes.keras_layers.truth import Layer, as_claim, describe

B = Symbol("B", Role.BATCH).dimension()
H, W, T, F = (Symbol(name).dimension() for name in "HWTF")
IMAGES = Shape.of(B, H, W, 3)
STEPS = Shape.of(B, T, F)
BATCH = Shape((B,), (), exact=False)
LSTM = Layer("LSTM", {"units": 8, "return_sequences": True, "return_state": True})

CLAIMS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("Dense", (BATCH,), {"units": 10}, "[B, ..., 10]"),
    ("Dense", (STEPS,), {"units": UNKNOWN}, "[B, T, ?]"),
    ("Conv2D", (BATCH,), {"filters": 8, "kernel_size": 3}, "[B, ?, ?, 8]"),
    ("Conv2D", (IMAGES,), {"filters": 8, "kernel_size": 3}, "[B, H - 2, W - 2, 8]"),
    ("Conv2D", (IMAGES,), {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "same"}, None),
    ("Conv2D", (IMAGES,), {"filters": 8, "kernel_size": 3, "padding": UNKNOWN}, "[B, ?, ?, 8]"),
    ("Conv2D", (IMAGES,), {"filters": 8, "kernel_size": 3, "data_format": UNKNOWN}, "[B, ?, ?, ?]"),
    ("Conv2D", (IMAGES,), {"filters": 8, "kernel_size": 3, "border_mode": "same"}, "[B, ?, ?, ?]"),
    ("Conv2DTranspose", (IMAGES,), {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "same"},
     "[B, 2*H, 2*W, 8]"),
    ("MaxPooling2D", (Shape.of(B, 28, 28, 8),), {}, "[B, 14, 14, 8]"),
    ("GlobalAveragePooling2D", (BATCH,), {}, "[B, ?]"),
    ("GlobalMaxPooling1D", (STEPS,), {"keepdims": UNKNOWN}, "[B, ...]"),
    ("Flatten", (BATCH,), {}, "[B, ?]"),
    ("Flatten", (IMAGES,), {}, "[B, 3*H*W]"),
    ("Flatten", (Shape.of(B),), {}, "[B, 1]"),
    ("Reshape", (BATCH,), {"target_shape": (4, -1)}, "[B, 4, ?]"),
    ("Reshape", (IMAGES,), {"target_shape": (-1, 3)}, "[B, H*W, 3]"),
    ("Reshape", (IMAGES,), {"target_shape": UNKNOWN}, "[B, ...]"),
    ("Permute", (STEPS,), {"dims": (2, 1)}, "[B, F, T]"),
    ("Permute", (BATCH,), {"dims": (2, 1)}, "[B, ?, ?]"),
    ("RepeatVector", (BATCH,), {"n": 7}, "[B, 7, ?]"),
    ("Embedding", (Shape.of(B, T),), {"input_dim": 9, "output_dim": 16}, "[B, T, 16]"),
    ("Embedding", (BATCH,), {"input_dim": 9, "output_dim": 16}, "[B, ..., 16]"),
    ("LSTM", (BATCH,), {"units": 8}, "[B, 8]"),
    ("LSTM", (STEPS,), {"units": 8, "return_sequences": True}, "[B, T, 8]"),
    ("LSTM", (STEPS,), {"units": 8, "return_sequences": UNKNOWN}, "[B, ...]"),
    ("LSTM", (STEPS,), {"units": 8, "return_state": True}, "([B, 8], [B, 8], [B, 8])"),
    ("LSTM", (STEPS,), {"units": 8, "time_major": True}, "[...]"),
    ("Bidirectional", (STEPS,), {"layer": LSTM},
     "([B, T, 16], [B, 8], [B, 8], [B, 8], [B, 8])"),
    ("Bidirectional", (STEPS,), {"layer": UNKNOWN}, "UNKNOWN"),
    ("TimeDistributed", (STEPS,), {"layer": Layer("Dense", {"units": 4})}, "[B, T, 4]"),
    ("TimeDistributed", (STEPS,), {"layer": UNKNOWN}, "[B, T, ...]"),
    ("Add", ((STEPS, STEPS),), {}, "[B, T, F]"),
    ("Add", ((BATCH, BATCH),), {}, "[B, ...]"),
    ("Add", ((STEPS, Shape.of(B, 1, F)),), {}, "[B, T, F]"),
    ("Concatenate", ((STEPS, Shape.of(B, T, 5)),), {}, "[B, T, F + 5]"),
    ("Concatenate", ((STEPS, STEPS),), {"axis": 0}, "[2*B, T, F]"),
    ("Dot", ((Shape.of(B, T, F), Shape.of(B, H, F)),), {"axes": -1}, "[B, T, H]"),
    ("BatchNormalization", (BATCH,), {}, "[B, ...]"),
    ("MultiHeadAttention", (STEPS, STEPS), {"num_heads": 2, "key_dim": 3}, "[B, T, F]"),
    ("Resizing", (BATCH,), {"height": 5, "width": 6}, "[B, 5, 6, ?]"),
    ("UpSampling2D", (IMAGES,), {"size": 3}, "[B, 3*H, 3*W, 3]"),
    ("ZeroPadding2D", (IMAGES,), {}, "[B, H + 2, W + 2, 3]"),
    ("Lambda", (IMAGES,), {"function": UNKNOWN}, "UNKNOWN"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "inputs", "settings", "claim"), CLAIMS)
def test_claims(name: str, inputs: tuple[Any, ...], settings: dict[str, Any], claim: str | None) -> None:
    layer = LAYERS[f"keras.layers.{name}"]
    options = {key: as_claim(value) for key, value in settings.items()}
    result = layer.function(*inputs, **layer.bind((), options))
    if claim is None:
        # Half of the size, rounded up.
        assert [size.leading[1] for size in [result.substitute({Symbol("H"): n}) for n in (7, 8)]] == [4, 4]
    else:
        assert describe(result) == claim


REFUSED: list[tuple[str, Any, dict[str, Any]]] = [
    ("Dense", Shape.of(B), {"units": 3}),
    ("Conv2D", STEPS, {"filters": 3, "kernel_size": 3}),
    ("Conv2D", Shape.of(B, 2, 2, 3), {"filters": 3, "kernel_size": 3}),
    ("Conv2D", Shape.of(B, 9, 9, 3), {"filters": 4, "kernel_size": 3, "groups": 2}),
    ("Reshape", Shape.of(B, 6), {"target_shape": (4,)}),
    ("Reshape", Shape.of(B, 6), {"target_shape": (4, -1)}),
    ("Permute", STEPS, {"dims": (3, 1, 2)}),
    ("RepeatVector", STEPS, {"n": 2}),
    ("LSTM", Shape.of(B, F), {"units": 2}),
    ("Add", (Shape.of(B, 3), Shape.of(B, 4)), {}),
    ("Concatenate", (Shape.of(B, 3, 5), Shape.of(B, 4, 5)), {}),
    ("Dot", (Shape.of(B, 3), Shape.of(B, 4)), {"axes": 1}),
    ("GlobalAveragePooling2D", STEPS, {}),
]


@pytest.mark.parametrize(("name", "inputs", "settings"), REFUSED)
def test_refused(name: str, inputs: Any, settings: dict[str, Any]) -> None:
    layer = LAYERS[f"keras.layers.{name}"]
    with pytest.raises(ShapeMismatch):
        layer.function(inputs, **layer.bind((), settings))


def test_layers_know_what_their_input_must_be() -> None:
    wanted = {
        ("Conv2D", "channels_last"): "[B, H, W, C]",
        ("Conv2D", "channels_first"): "[B, C, H, W]",
        ("MaxPooling1D", None): "[B, L, C]",
        ("LSTM", None): "[B, T, F]",
        ("ConvLSTM2D", None): "[B, T, H, W, C]",
        ("RepeatVector", None): "[B, F]",
    }
    for (name, data_format), shape in wanted.items():
        layer = LAYERS[f"keras.layers.{name}"]
        assert layer.expects is not None
        assert str(layer.expects(layer.bind((), {"data_format": data_format}))) == shape
    assert LAYERS["keras.layers.Dense"].expects is None


def test_functional_merges() -> None:
    assert str(FUNCTIONS["keras.layers.add"].function((STEPS, STEPS))) == "[B, T, F]"
    assert str(FUNCTIONS["keras.layers.concatenate"].function((STEPS, STEPS), name="x")) == "[B, T, 2*F]"
    assert str(FUNCTIONS["keras.layers.concatenate"].function(inputs=(STEPS, STEPS), axis=1)) == "[B, 2*T, F]"
    assert str(FUNCTIONS["keras.layers.dot"].function((STEPS, STEPS), axes=2)) == "[B, T, T]"
    assert FUNCTIONS["keras.layers.add"].function(UNKNOWN_SHAPE) is UNKNOWN
