"""Recurrent layers and attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shapes.layers.calls import cases, flags, functions, given, layers, nearly, sizes, small
from shapes.layers.truth import Case, Part, Tensor

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


@cases(*layers("RNN", "GRU", "LSTM"))
def recurrent(draw: DrawFn, name: str) -> Case:
    features, hidden, first = draw(small), draw(st.integers(2, 4)), draw(flags)
    settings = given(draw, {"num_layers": st.integers(1, 3), "bidirectional": flags})
    settings |= {"input_size": features, "hidden_size": hidden, "batch_first": first}
    projected = 0
    if name.endswith("LSTM") and draw(flags):
        projected = settings["proj_size"] = draw(st.integers(0, hidden - 1))
    batched = draw(st.integers(0, 3)) > 0
    input = Tensor((*sizes(draw, 1 + batched, 1 + batched), nearly(draw, features)))
    if draw(flags):
        return Case((input,), settings, batched)
    depth = settings.get("num_layers", 1) * (2 if settings.get("bidirectional") else 1)
    batch = (input.sizes[0 if first else 1],) if batched else ()
    state = Tensor((depth, *batch, projected or hidden))
    states = (state, Tensor((depth, *batch, hidden))) if name.endswith("LSTM") else state
    return Case((input, states), settings, batched)


@cases(*layers("RNNCell", "GRUCell", "LSTMCell"))
def recurrent_cell(draw: DrawFn, name: str) -> Case:
    features, hidden = draw(small), draw(small)
    batch = sizes(draw, 0, 1)
    input, state = Tensor((*batch, nearly(draw, features))), Tensor((*batch, hidden))
    settings = {"input_size": features, "hidden_size": hidden}
    if draw(flags):
        return Case((input,), settings, bool(batch))
    return Case((input, (state, state) if name.endswith("LSTMCell") else state), settings, bool(batch))


@cases("torch.nn.utils.rnn.pad_sequence")
def padded_sequences(draw: DrawFn, name: str) -> Case:
    rest = sizes(draw, 0, 2)
    sequences = tuple(Tensor((draw(small), *rest)) for _ in range(draw(st.integers(1, 3))))
    return Case((sequences,), given(draw, {"batch_first": flags}))


def sequence(draw: DrawFn, length: int, batch: tuple[int, ...], first: bool, features: int) -> Tensor:
    return Tensor((*batch, length, features) if first else (length, *batch, features))


@cases(*layers("MultiheadAttention"))
def multihead(draw: DrawFn, name: str) -> Case:
    heads, first = draw(st.integers(1, 3)), draw(flags)
    features, batch = heads * draw(st.integers(1, 2)), sizes(draw, 0, 1)
    settings = given(draw, {"add_bias_kv": flags, "add_zero_attn": flags, "kdim": small, "vdim": small})
    source = draw(small)
    key = sequence(draw, source, batch, first, settings.get("kdim", features))
    value = sequence(draw, source, batch, first, settings.get("vdim", features))
    query = sequence(draw, draw(small), batch, first, nearly(draw, features))
    inputs: tuple[Any, ...] = (query, key, value)
    if draw(flags):
        inputs = (*inputs, None, draw(flags), None, draw(flags))
    return Case(inputs, {**settings, "embed_dim": features, "num_heads": heads, "batch_first": first}, bool(batch))


@cases(*functions("scaled_dot_product_attention"))
def scaled_dot_product(draw: DrawFn, name: str) -> Case:
    batch, features, length, source = sizes(draw, 0, 2), draw(small), draw(small), draw(small)
    fewer = tuple(draw(st.sampled_from((size, 1))) for size in batch)
    key = Tensor((*fewer, source, nearly(draw, features)))
    value = Tensor((*fewer, nearly(draw, source), draw(small)))
    return Case((Tensor((*batch, length, features)), key, value), {}, bool(batch))


@cases(*layers("TransformerEncoderLayer", "TransformerDecoderLayer"))
def transformer_layer(draw: DrawFn, name: str) -> Case:
    heads, first = draw(st.integers(1, 2)), draw(flags)
    features, batch = heads * draw(st.integers(1, 2)), sizes(draw, 0, 1)
    settings = {"d_model": features, "nhead": heads, "dim_feedforward": 2, "batch_first": first}
    inputs = (sequence(draw, draw(small), batch, first, nearly(draw, features)),)
    if "Decoder" in name:
        inputs = (*inputs, sequence(draw, draw(small), batch, first, nearly(draw, features)))
    return Case(inputs, settings, bool(batch))


@cases(*layers("TransformerEncoder", "TransformerDecoder"))
def transformer_stack(draw: DrawFn, name: str) -> Case:
    kind, first, batch = ("decoder" if "Decoder" in name else "encoder"), draw(flags), sizes(draw, 0, 1)
    settings = {"d_model": 2, "nhead": 2, "dim_feedforward": 2, "batch_first": first}
    inputs = [sequence(draw, draw(small), batch, first, nearly(draw, 2)) for _ in range(2)]
    step = Part(f"{name}Layer", tuple(settings.items()))
    chosen = tuple(inputs) if kind == "decoder" else (inputs[0],)
    return Case(chosen, {f"{kind}_layer": step, "num_layers": 1}, bool(batch))


@cases(*layers("Transformer"))
def transformer(draw: DrawFn, name: str) -> Case:
    first, batch = draw(flags), sizes(draw, 0, 1)
    settings = {
        "d_model": 2, "nhead": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "dim_feedforward": 2,
        "batch_first": first,
    }  # fmt: skip
    inputs = [sequence(draw, draw(small), batch, first, nearly(draw, 2)) for _ in range(2)]
    return Case(tuple(inputs), settings, bool(batch))
