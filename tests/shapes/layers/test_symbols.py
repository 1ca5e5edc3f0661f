"""How precise the layers are when sizes are symbols or the rank is not known."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from batchlint.shapes.dimension import Symbol
from batchlint.shapes.registry import FUNCTIONS, LAYERS, UNKNOWN
from batchlint.shapes.shape import UNKNOWN_SHAPE, Shape, ShapeMismatch
from shapes.layers.truth import describe

B, H, W, T, F = (Symbol(name).dimension() for name in "BHWTF")
IMAGES = Shape.of(B, 3, H, W)
FEATURES = Shape.of(B, T, F)
BATCH = Shape((B,), (), exact=False)
STEPS = Shape((B, T), (), exact=False)


def layer(name: str, *inputs: Any, **settings: Any) -> Any:
    entry = LAYERS[f"torch.nn.{name}"]
    return entry.function(*inputs, **entry.bind((), settings))


def function(name: str, *arguments: Any, **keywords: Any) -> Any:
    return FUNCTIONS[f"torch.nn.functional.{name}"].function(*arguments, **keywords)


CLAIMS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("Linear", (BATCH,), {"in_features": 400, "out_features": 10}, "[B, ..., 10]"),
    ("Linear", (FEATURES,), {"in_features": 400, "out_features": 10}, "[B, T, 10]"),
    ("Linear", (FEATURES,), {"in_features": UNKNOWN, "out_features": UNKNOWN}, "[B, T, ?]"),
    ("Linear", (UNKNOWN_SHAPE,), {"in_features": 400, "out_features": 10}, "[..., 10]"),
    ("Conv2d", (IMAGES,), {"in_channels": 3, "out_channels": 8, "kernel_size": 5}, "[B, 8, H - 4, W - 4]"),
    (
        "Conv2d",
        (IMAGES,),
        {"in_channels": 3, "out_channels": 8, "kernel_size": 3, "stride": 2, "padding": 1},
        "[B, 8, (H + 1)//2, (W + 1)//2]",
    ),
    (
        "Conv2d",
        (IMAGES,),
        {"in_channels": 3, "out_channels": 8, "kernel_size": 3, "padding": "same"},
        "[B, 8, H, W]",
    ),
    ("Conv2d", (BATCH,), {"in_channels": 3, "out_channels": 8, "kernel_size": 5}, "[B, 8, ?, ?]"),
    ("Conv2d", (IMAGES,), {"in_channels": 3, "out_channels": 8, "kernel_size": UNKNOWN}, "[B, 8, ?, ?]"),
    (
        "ConvTranspose2d",
        (IMAGES,),
        {"in_channels": 3, "out_channels": 8, "kernel_size": 4, "stride": 2, "padding": 1},
        "[B, 8, 2*H, 2*W]",
    ),
    ("MaxPool2d", (IMAGES,), {"kernel_size": 2}, "[B, 3, H//2, W//2]"),
    ("MaxPool2d", (IMAGES,), {"kernel_size": 2, "ceil_mode": True}, "[B, 3, (H + 1)//2, (W + 1)//2]"),
    ("MaxPool2d", (IMAGES,), {"kernel_size": 2, "stride": 2, "ceil_mode": UNKNOWN}, "[B, 3, ?, ?]"),
    ("MaxPool2d", (IMAGES,), {"kernel_size": 2, "stride": 1, "ceil_mode": UNKNOWN}, "[B, 3, H - 1, W - 1]"),
    ("MaxPool2d", (IMAGES,), {"kernel_size": 2, "return_indices": UNKNOWN}, "UNKNOWN"),
    ("AdaptiveAvgPool2d", (BATCH,), {"output_size": (1, 1)}, "[B, ?, 1, 1]"),
    ("AdaptiveAvgPool2d", (IMAGES,), {"output_size": (None, 7)}, "[B, 3, H, 7]"),
    ("BatchNorm2d", (BATCH,), {"num_features": 16}, "[B, 16, ?, ?]"),
    ("BatchNorm1d", (BATCH,), {"num_features": 16}, "[B, 16, ...]"),
    ("LayerNorm", (BATCH,), {"normalized_shape": 16}, "[B, ..., 16]"),
    ("GroupNorm", (BATCH,), {"num_groups": 4, "num_channels": 16}, "[B, 16, ...]"),
    ("Dropout", (BATCH,), {}, "[B, ...]"),
    ("GLU", (FEATURES,), {"dim": 1}, "[B, T//2, F]"),
    ("Flatten", (IMAGES,), {}, "[B, 3*H*W]"),
    ("Flatten", (BATCH,), {}, "[B, ?]"),
    ("Embedding", (Shape.of(B, T),), {"num_embeddings": 9, "embedding_dim": 4}, "[B, T, 4]"),
    ("Embedding", (BATCH,), {"num_embeddings": 9, "embedding_dim": 4}, "[B, ..., 4]"),
    (
        "LSTM",
        (FEATURES,),
        {"input_size": 5, "hidden_size": 7, "batch_first": True, "bidirectional": True},
        "([B, T, 14], ([2, B, 7], [2, B, 7]))",
    ),
    ("LSTM", (BATCH,), {"input_size": 5, "hidden_size": 7, "batch_first": True}, "([B, ?, 7], ([1, B, 7], [1, B, 7]))"),
    ("LSTM", (FEATURES,), {"input_size": 5, "hidden_size": 7, "proj_size": 2}, "([B, T, 2], ([1, T, 2], [1, T, 7]))"),
    ("GRU", (FEATURES,), {"input_size": 5, "hidden_size": 7, "batch_first": UNKNOWN}, "([B, T, 7], [1, ?, 7])"),
    ("LSTMCell", (BATCH,), {"input_size": 5, "hidden_size": 7}, "([B, 7], [B, 7])"),
    (
        "MultiheadAttention",
        (FEATURES, FEATURES, FEATURES),
        {"embed_dim": 8, "num_heads": 2, "batch_first": True},
        "([B, T, F], [B, T, T])",
    ),
    ("Upsample", (IMAGES,), {"scale_factor": 2}, "[B, 3, 2*H, 2*W]"),
    ("Upsample", (IMAGES,), {"scale_factor": 1.5}, "[B, 3, H + H//2, W + W//2]"),
    ("Upsample", (IMAGES,), {"scale_factor": 1 / 3}, "[B, 3, ?, ?]"),
    ("PixelShuffle", (Shape.of(B, 12, H, W),), {"upscale_factor": 2}, "[B, 3, 2*H, 2*W]"),
    ("ZeroPad2d", (IMAGES,), {"padding": (1, 2, 3, 4)}, "[B, 3, H + 7, W + 3]"),
    ("Unfold", (IMAGES,), {"kernel_size": 2, "stride": 2}, "[B, 12, (H//2)*(W//2)]"),
    ("CosineSimilarity", (FEATURES, FEATURES), {"dim": -1}, "[B, T]"),
    ("MSELoss", (FEATURES, FEATURES), {}, "[]"),
    ("MSELoss", (FEATURES, FEATURES), {"reduction": "none"}, "[B, T, F]"),
    ("MSELoss", (FEATURES, FEATURES), {"reduce": False}, "[B, T, F]"),
    ("CrossEntropyLoss", (Shape.of(B, 10), Shape.of(B)), {"reduction": "none"}, "[B]"),
    ("CrossEntropyLoss", (Shape.of(B, 10, H, W), UNKNOWN_SHAPE), {"reduction": "none"}, "[B, H, W]"),
]


@pytest.mark.parametrize(("name", "inputs", "settings", "claim"), CLAIMS)
def test_layers(name: str, inputs: tuple[Any, ...], settings: dict[str, Any], claim: str) -> None:
    assert describe(layer(name, *inputs, **settings)) == claim


def test_functions_read_the_weights() -> None:
    assert str(function("linear", BATCH, Shape.of(10, 400))) == "[B, ..., 10]"
    assert str(function("conv2d", IMAGES, Shape.of(8, 3, 5, 5), stride=2)) == "[B, 8, (H + 1)//2 - 2, (W + 1)//2 - 2]"
    assert str(function("embedding", Shape.of(B, T), Shape.of(100, F))) == "[B, T, F]"
    assert str(function("interpolate", BATCH, size=(7, 7))) == "[B, ?, 7, 7]"
    assert str(function("interpolate", IMAGES, size=Shape.of(T, F))) == "[B, 3, T, F]"
    queries = Shape.of(B, 8, T, F)
    assert str(function("scaled_dot_product_attention", queries, queries, queries)) == "[B, 8, T, F]"


MISMATCHES: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    (
        "Linear",
        (Shape.of(B, 576),),
        {"in_features": 400, "out_features": 10},
        "Linear expects 400 features, got 576",
    ),
    (
        "Linear",
        (Shape((B,), (576,), exact=False),),
        {"in_features": 400, "out_features": 10},
        "Linear expects 400 features, got 576",
    ),
    (
        "Conv2d",
        (Shape.of(B, 1, 28, 28),),
        {"in_channels": 3, "out_channels": 8, "kernel_size": 3},
        "Conv2d expects 3 input channels, got 1",
    ),
    (
        "Conv2d",
        (Shape.of(B, 784),),
        {"in_channels": 1, "out_channels": 8, "kernel_size": 3},
        "Conv2d expects a tensor of 3 or 4 dimensions, got [B, 784]",
    ),
    (
        "Conv2d",
        (Shape.of(B, 1, 2, 2),),
        {"in_channels": 1, "out_channels": 8, "kernel_size": 5},
        "Conv2d: a kernel of 5 does not fit into 2",
    ),
    ("MaxPool2d", (Shape.of(B, 1, 1, 1),), {"kernel_size": 2}, "MaxPool2d: a kernel of 2 does not fit into 1"),
    ("BatchNorm2d", (IMAGES,), {"num_features": 16}, "BatchNorm2d expects 16 channels, got 3"),
    (
        "BatchNorm2d",
        (FEATURES,),
        {"num_features": 16},
        "BatchNorm2d expects a tensor of 4 dimensions, got [B, T, F]",
    ),
    (
        "LayerNorm",
        (Shape.of(B, 8),),
        {"normalized_shape": 16},
        "LayerNorm expects 16 features in dimension -1, got 8",
    ),
    (
        "LSTM",
        (Shape.of(B, T, 9),),
        {"input_size": 5, "hidden_size": 7},
        "LSTM expects 5 features, got 9",
    ),
    (
        "CrossEntropyLoss",
        (Shape.of(64, 10), Shape.of(32)),
        {},
        "CrossEntropyLoss expects a target of shape [64], got [32]",
    ),
    ("BCELoss", (Shape.of(B, 1), Shape.of(B)), {}, "BCELoss expects a target of shape [B, 1], got [B]"),
]


@pytest.mark.parametrize(("name", "inputs", "settings", "message"), MISMATCHES)
def test_what_torch_refuses(name: str, inputs: tuple[Any, ...], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeMismatch) as caught:
        layer(name, *inputs, **settings)
    assert caught.value.message == message


def test_a_mismatch_tells_both_sizes() -> None:
    with pytest.raises(ShapeMismatch) as caught:
        layer("Linear", Shape.of(B, 576), in_features=400, out_features=10)
    assert (caught.value.expected, caught.value.actual) == (400, 576)


def test_what_may_be_equal_is_let_through() -> None:
    assert str(layer("Linear", Shape.of(B, 16 * (H // 4)), in_features=400, out_features=10)) == "[B, 10]"
    norm = {"num_features": 16, "affine": False, "track_running_stats": False}
    assert layer("BatchNorm2d", IMAGES, **norm) == IMAGES
    assert layer("InstanceNorm2d", IMAGES, num_features=16) == IMAGES


EXPECTATIONS = [
    ("Linear", {"in_features": 400}, "[..., 400]"),
    ("Linear", {"in_features": UNKNOWN}, "None"),
    ("Conv1d", {"in_channels": 3}, "[B, 3, L]"),
    ("Conv2d", {"in_channels": 3}, "[B, 3, H, W]"),
    ("Conv3d", {"in_channels": UNKNOWN}, "[B, C, D, H, W]"),
    ("LazyConv2d", {}, "[B, C, H, W]"),
    ("ConvTranspose2d", {"in_channels": 100}, "[B, 100, H, W]"),
    ("MaxPool2d", {"kernel_size": 2}, "[B, C, H, W]"),
    ("AdaptiveAvgPool1d", {"output_size": 2}, "[B, C, L]"),
    ("BatchNorm1d", {"num_features": 16}, "None"),
    ("BatchNorm2d", {"num_features": 16}, "[B, 16, H, W]"),
    ("LayerNorm", {"normalized_shape": (4, 5)}, "[..., 4, 5]"),
    ("LSTM", {"input_size": 28}, "[L, B, 28]"),
    ("LSTM", {"input_size": 28, "batch_first": True}, "[B, L, 28]"),
    ("LSTMCell", {"input_size": 28}, "[B, 28]"),
    ("TransformerEncoderLayer", {"d_model": 8, "batch_first": True}, "[B, L, 8]"),
    ("ReLU", {}, "None"),
]


@pytest.mark.parametrize(("name", "settings", "expectation"), EXPECTATIONS)
def test_the_constructor_tells_the_input(name: str, settings: dict[str, Any], expectation: str) -> None:
    entry = LAYERS[f"torch.nn.{name}"]
    expects = entry.expects(entry.bind((), settings)) if entry.expects is not None else None
    assert str(expects) == expectation


def test_packed_sequences_leave_the_state_known() -> None:
    packed = FUNCTIONS["torch.nn.utils.rnn.pack_padded_sequence"].function(Shape.of(3, 4, 5), Shape.of(3))
    output, state = layer("GRU", packed, input_size=5, hidden_size=7, num_layers=2)
    assert output is UNKNOWN
    assert str(state) == "[2, ?, 7]"
    _, state = layer("GRU", packed, Shape.of(2, B, 7), input_size=5, hidden_size=7, num_layers=2)
    assert str(state) == "[2, B, 7]"

    gru = torch.nn.GRU(5, 7, num_layers=2)
    sequences = [torch.zeros(4, 5), torch.zeros(2, 5), torch.zeros(1, 5)]
    truth, hidden = gru(torch.nn.utils.rnn.pack_sequence(sequences))
    assert tuple(hidden.shape) == (2, 3, 7)

    padded, lengths = FUNCTIONS["torch.nn.utils.rnn.pad_packed_sequence"].function(output, batch_first=True)
    assert (str(padded), str(lengths)) == ("[?, ?, ...]", "[?]")
    assert padded.leading[0] == lengths.leading[0]
    filled, counts = torch.nn.utils.rnn.pad_packed_sequence(truth, batch_first=True, total_length=6)
    assert (tuple(filled.shape), tuple(counts.shape)) == ((3, 6, 7), (3,))
    padded, _ = FUNCTIONS["torch.nn.utils.rnn.pad_packed_sequence"].function(output, True, 0.0, 6)
    assert str(padded) == "[?, 6, ...]"


def test_unknown_sizes_stay_apart() -> None:
    first = layer("Conv2d", BATCH, in_channels=3, out_channels=8, kernel_size=3)
    assert first.leading[2] != first.leading[3]
