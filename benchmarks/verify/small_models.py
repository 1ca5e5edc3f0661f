"""Small models with one batch hazard each, and clean ones that look like them, with the checks that must tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

N = 4
"""The batch size that all of them are written for."""


@dataclass(frozen=True)
class Case:
    """A model, how it is fed, and what is wrong with it.

    Attributes:
        name: what it does.
        make: makes the model.
        inputs: recipes of its inputs.
        caught_by: the checks that fail it; empty for a clean model.
        by_design: whether what is caught may be meant.
    """

    name: str
    make: Callable[[], nn.Module]
    inputs: tuple[str, ...]
    caught_by: tuple[str, ...] = ()
    by_design: bool = False

    def __str__(self) -> str:
        return self.name


class Calls(nn.Module):
    """A model that is one function, with layers as its first argument."""

    def __init__(self, function: Callable[..., Any], **layers: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.function = function
        self.kept: Any = None
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs: Any) -> Any:
        return self.function(self, *inputs)


def calls(function: Callable[..., Any], **layers: Callable[[], nn.Module | nn.Parameter]) -> Callable[[], nn.Module]:
    return lambda: Calls(function, **{name: make() for name, make in layers.items()})


def linear(inputs: int, outputs: int) -> Callable[[], nn.Module]:
    return lambda: nn.Linear(inputs, outputs)


def conv(inputs: int, outputs: int, size: int = 3) -> Callable[[], nn.Module]:
    return lambda: nn.Conv2d(inputs, outputs, size, padding=size // 2)


def lstm(inputs: int, outputs: int, batch_first: bool = True) -> Callable[[], nn.Module]:
    return lambda: nn.LSTM(inputs, outputs, batch_first=batch_first)


def table(*shape: int) -> Callable[[], nn.Parameter]:
    return lambda: nn.Parameter(torch.randn(*shape))


CRASH, LEADING, ALONE = "crash at batch sizes", "leading dimension", "per-sample consistency"
OTHERS, STATE, TRAIN = "sample dependency", "state between runs", "train mode at batch size 1"
PADDING, TWICE, SPATIAL = "further padding", "duplicated batch", "other spatial sizes"

VECTOR, IMAGE, TOKENS = ("x: float32[B, 16]",), ("x: float32[B, 3, 8, 8]",), ("x: int64[B, 7] < 50",)
SERIES = ("x: float32[B, 7, 16]",)


# Hazards


def _gated(self: Any, x: Tensor) -> Tensor:
    return self.fc(x) + self.gate * torch.softmax(self.mix(x), 0)


def _loop(self: Any, x: Tensor) -> Tensor:
    return torch.stack([self.fc(x[i]) for i in range(N)])


def _filled(self: Any, x: Tensor) -> Tensor:
    result = torch.zeros(N, 3)
    for i in range(len(x)):
        result[i] = self.fc(x[i])
    return result


def _hidden(self: Any, x: Tensor) -> Any:
    zeros = torch.zeros(1, N, 8)
    return self.rnn(x, (zeros, zeros))[0]


def _kept(self: Any, x: Tensor) -> Any:
    output, state = self.rnn(x, self.kept)
    self.kept = tuple(each.detach() for each in state)
    return output


def _average(self: Any, x: Tensor) -> Tensor:
    self.kept = x.mean(0) if self.kept is None else 0.9 * self.kept + 0.1 * x.mean(0)
    return self.fc(x - self.kept)


def _cross_attention(self: Any, x: Tensor) -> Tensor:
    output: Tensor = self.attend(x, x, x)[0]
    return output.mean(1)


def _memory(self: Any, x: Tensor) -> Tensor:
    weights = torch.softmax(x @ x.t(), dim=1)
    return self.fc(weights @ x)


def _repeat(self: Any, x: Tensor) -> Tensor:
    queries = self.queries.repeat(len(x), 1)
    rows = x.repeat(5, 1)
    return self.fc(queries * rows).view(len(x), 5, -1)


def _amplitude(self: Any, x: Tensor) -> Tensor:
    strengths = torch.fft.rfft(x, dim=1).abs().mean(0).mean(-1)
    return self.fc(x[:, strengths.topk(2).indices].flatten(1))


def _more_than_four(self: Any, x: Tensor) -> Tensor:
    scores: Tensor = self.fc(x)
    return scores / 2 if x.size(0) > N else scores


def _per_batch_scale(self: Any, x: Tensor) -> Tensor:
    return self.fc(x / x.abs().max())


def _sorted(self: Any, x: Tensor) -> Tensor:
    return self.fc(x[x[:, 0].argsort()])


def _last_of_padded(self: Any, x: Tensor, lengths: Tensor) -> Tensor:
    return self.fc(self.rnn(self.embed(x))[0][:, -1])


def _mean_of_padded(self: Any, x: Tensor, lengths: Tensor) -> Tensor:
    return self.fc(self.embed(x).mean(1))


def _constant_divisor(self: Any, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(self.fc(x), y, reduction="sum") / N


def _squeezed_series(self: Any, x: Tensor) -> Tensor:
    return self.fc(self.rnn(x)[1][0].squeeze())


def _flat_means(self: Any, x: Tensor) -> Tensor:
    return self.fc(x.mean((2, 3)).view(N, -1))


def _positions(self: Any, x: Tensor) -> Tensor:
    return self.fc(x + self.places[: x.size(0)])


HAZARDS = (
    Case("view(N, F)", calls(lambda s, x: s.fc(x.view(N, 192)), fc=linear(192, 3)), IMAGE, (CRASH,)),
    Case("view(N, -1), then a layer", calls(lambda s, x: s.fc(x.view(N, -1)), fc=linear(192, 3)), IMAGE, (CRASH,)),
    Case("view(N, -1) as output", calls(lambda s, x: s.conv(x).view(N, -1), conv=conv(3, 4)), IMAGE, (LEADING,)),
    Case("reshape(N, -1) of pooled maps", calls(_flat_means, fc=linear(3, 2)), IMAGE, (CRASH,)),
    Case(
        "view(-1, N, F), time-major",
        calls(lambda s, x: s.fc(x).view(-1, N, 3), fc=linear(16, 3)),
        ("x: float32[7, B, 16]",),
        (CRASH,),
    ),
    Case(
        "view(-1, F) at another size",
        calls(lambda s, x: s.fc(s.conv(x).view(-1, 64)), conv=conv(3, 4), fc=linear(64, 3)),
        ("x: float32[B, 3, 4, 4]",),
        (SPATIAL,),
    ),
    Case(
        "hardcoded width",
        calls(lambda s, x: s.fc(s.conv(x).flatten(1)), conv=conv(3, 4), fc=linear(256, 3)),
        IMAGE,
        (SPATIAL,),
    ),
    Case("squeeze() of scores", calls(lambda s, x: s.fc(x).squeeze(), fc=linear(16, 1)), VECTOR, (LEADING,)),
    Case("squeeze() of the last state", calls(_squeezed_series, rnn=lstm(16, 8), fc=linear(8, 2)), SERIES, (LEADING,)),
    Case(
        "squeeze(), then sum(1)",
        calls(lambda s, x: s.fc(x.mean((2, 3), keepdim=True).squeeze()).sum(1), fc=linear(3, 2)),
        IMAGE,
        (CRASH,),
    ),
    Case("hidden state for N", calls(_hidden, rnn=lstm(16, 8)), SERIES, (CRASH,)),
    Case(
        "class token expanded to N",
        calls(lambda s, x: torch.cat([s.token.expand(N, -1, -1), x], 1), token=table(1, 1, 16)),
        SERIES,
        (CRASH,),
    ),
    Case("mask for N", calls(lambda s, x: s.fc(x) * torch.ones(N, 1), fc=linear(16, 2)), VECTOR, (CRASH, LEADING)),
    Case("identity for N", calls(lambda s, x: (x @ x.t())[~torch.eye(N, dtype=torch.bool)].mean()), VECTOR, (CRASH,)),
    Case("loop to N", calls(_loop, fc=linear(16, 3)), VECTOR, (CRASH,)),
    Case("result for N filled row by row", calls(_filled, fc=linear(16, 3)), VECTOR, (CRASH, LEADING)),
    Case(
        "softmax over the batch",
        calls(lambda s, x: torch.softmax(s.fc(x), 0), fc=linear(16, 3)),
        VECTOR,
        (ALONE, OTHERS),
    ),
    Case(
        "softmax layer, dim=0, of a sequence",
        calls(lambda s, x: (nn.Softmax(0)(s.fc(x)) * s.rnn(x)[0]).sum(1), fc=linear(16, 1), rnn=lstm(16, 8)),
        SERIES,
        (ALONE, OTHERS),
    ),
    Case(
        "softmax over the batch behind a gate of zero",
        calls(_gated, fc=linear(16, 3), mix=linear(16, 3), gate=lambda: nn.Parameter(torch.zeros(1))),
        VECTOR,
        (ALONE, OTHERS),
    ),
    Case(
        "attention across the batch",
        calls(_cross_attention, attend=lambda: nn.MultiheadAttention(16, 2)),
        SERIES,
        (ALONE, OTHERS),
    ),
    Case("similarities as weights", calls(_memory, fc=linear(16, 2)), VECTOR, (ALONE, OTHERS)),
    Case("positions by batch size", calls(_positions, places=table(64, 16), fc=linear(16, 2)), VECTOR, (ALONE,)),
    Case("if B > 4", calls(_more_than_four, fc=linear(16, 2)), VECTOR, (ALONE,)),
    Case("scaled by the batch's maximum", calls(_per_batch_scale, fc=linear(16, 2)), VECTOR, (ALONE, OTHERS)),
    Case(
        "centred by the batch's mean",
        calls(lambda s, x: s.fc(x - x.mean(0)), fc=linear(16, 2)),
        VECTOR,
        (ALONE, OTHERS),
    ),
    Case(
        "batch norm without running statistics",
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)),
        IMAGE,
        (ALONE, OTHERS),
    ),
    Case("sorted by value", calls(_sorted, fc=linear(16, 2)), VECTOR, (ALONE, OTHERS)),
    Case(
        "repeat in place of repeat_interleave",
        calls(_repeat, queries=table(5, 16), fc=linear(16, 2)),
        VECTOR,
        (ALONE, OTHERS),
    ),
    Case("amplitudes averaged over the batch", calls(_amplitude, fc=linear(32, 2)), SERIES, (ALONE, OTHERS)),
    Case(
        "cumulative sum down the batch",
        calls(lambda s, x: s.fc(x).cumsum(0), fc=linear(16, 2)),
        VECTOR,
        (ALONE, OTHERS),
    ),
    Case("BatchNorm1d in train mode", lambda: nn.Sequential(nn.Linear(16, 4), nn.BatchNorm1d(4)), VECTOR, (TRAIN,)),
    Case(
        "batch norm of one pixel in train mode",
        lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3)),
        IMAGE,
        (TRAIN,),
    ),
    Case("kept hidden state", calls(_kept, rnn=lstm(16, 8)), SERIES, (STATE,)),
    Case("running average in eval mode", calls(_average, fc=linear(16, 2)), VECTOR, (STATE, ALONE)),
    Case(
        "last step of a padded sequence",
        calls(_last_of_padded, embed=lambda: nn.Embedding(50, 16, padding_idx=0), rnn=lstm(16, 8), fc=linear(8, 2)),
        (*TOKENS, "lengths: int64[B] lengths <= 7"),
        (PADDING,),
    ),
    Case(
        "mean over padding",
        calls(_mean_of_padded, embed=lambda: nn.Embedding(50, 16, padding_idx=0), fc=linear(16, 2)),
        (*TOKENS, "lengths: int64[B] lengths <= 7"),
        (PADDING,),
    ),
    Case("sum of losses by N", calls(_constant_divisor, fc=linear(16, 3)), (*VECTOR, "y: int64[B] < 3"), (TWICE,)),
    Case(
        "minibatch statistics",
        calls(lambda s, x: s.fc(torch.cat([x, x.std(0).mean().expand(len(x), 1)], 1)), fc=linear(17, 1)),
        VECTOR,
        (ALONE, OTHERS),
        by_design=True,
    ),
)


# Clean models


def _packed(self: Any, x: Tensor, lengths: Tensor) -> Any:
    packed = nn.utils.rnn.pack_padded_sequence(self.embed(x), lengths, batch_first=True, enforce_sorted=False)
    return self.fc(self.rnn(packed)[1][0][-1])


def _unpacked(self: Any, x: Tensor, lengths: Tensor) -> Any:
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]


def _nt_xent(self: Any, a: Tensor, b: Tensor) -> Tensor:
    both = F.normalize(torch.cat([a, b]), dim=1)
    scores = (both @ both.t()).fill_diagonal_(-1e9)
    places = torch.arange(len(a))
    return F.cross_entropy(scores, torch.cat([places + len(a), places]))


def _heads(self: Any, x: Tensor) -> Tensor:
    rows, length, width = x.shape
    q, k, v = (each.view(rows, length, 4, width // 4).transpose(1, 2) for each in self.qkv(x).chunk(3, -1))
    mixed = F.scaled_dot_product_attention(q, k, v)
    return mixed.transpose(1, 2).reshape(rows, length, width)


def _masked(self: Any, x: Tensor) -> Tensor:
    result = self.fc(x)
    result[result > 0] = 0.5
    return result


def _chosen(self: Any, x: Tensor) -> Tensor:
    return x[x > 0]


def _loop_over_rows(self: Any, x: Tensor) -> Tensor:
    return torch.stack([self.fc(each) for each in x])


def _own_hidden(self: Any, x: Tensor) -> Any:
    zeros = x.new_zeros(1, x.size(0), 8)
    return self.rnn(x, (zeros, zeros))[0]


def _noisy(self: Any, x: Tensor) -> Tensor:
    return self.fc(x + torch.randn(x.shape) * 0.1 + torch.rand_like(x))


def _sampled(self: Any, x: Tensor) -> Any:
    mean, spread = self.fc(x).chunk(2, 1)
    return mean + torch.exp(0.5 * spread) * torch.randn_like(spread), mean


def _boxes(self: Any, images: Tensor) -> Any:
    maps = self.conv(images)
    return [{"scores": each.flatten(), "boxes": each[:2]} for each in maps]


def _masked_mean(self: Any, x: Tensor, mask: Tensor) -> Tensor:
    embedded = self.embed(x) * mask.unsqueeze(-1)
    return self.fc(embedded.sum(1) / mask.sum(1, keepdim=True).clamp(min=1))


CLEAN = (
    Case("flatten(1)", calls(lambda s, x: s.fc(x.flatten(1)), fc=linear(192, 3)), IMAGE),
    Case(
        "view(x.size(0), -1)",
        calls(lambda s, x: s.fc(s.conv(x).view(x.size(0), -1)), conv=conv(3, 4), fc=linear(256, 3)),
        IMAGE,
    ),
    Case(
        "convolutions, batch norm, dropout",
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, 2),
        ),
        IMAGE,
    ),
    Case("squeeze(-1)", calls(lambda s, x: s.fc(x).squeeze(-1), fc=linear(16, 1)), VECTOR),
    Case("softmax over classes", calls(lambda s, x: torch.softmax(s.fc(x), 1), fc=linear(16, 3)), VECTOR),
    Case("multi-head attention", calls(_heads, qkv=linear(16, 48)), SERIES),
    Case(
        "transformer, batch first",
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2, enable_nested_tensor=False
        ),
        SERIES,
    ),
    Case(
        "time-major LSTM",
        calls(lambda s, x: s.rnn(x)[0], rnn=lstm(16, 8, batch_first=False)),
        ("x: float32[7, B, 16]",),
    ),
    Case(
        "time-major LSTM, fed as if batch first",
        calls(lambda s, x: s.rnn(x)[0], rnn=lstm(16, 8, batch_first=False)),
        SERIES,
    ),
    Case("state as large as the input", calls(_own_hidden, rnn=lstm(16, 8)), SERIES),
    Case("LSTM that gives states", calls(lambda s, x: s.rnn(x), rnn=lstm(16, 8)), SERIES),
    Case(
        "packed sequence",
        calls(_packed, embed=lambda: nn.Embedding(50, 16, padding_idx=0), rnn=lstm(16, 8), fc=linear(8, 2)),
        (*TOKENS, "lengths: int64[B] lengths <= 7"),
    ),
    Case("packed and padded again", calls(_unpacked, rnn=lstm(16, 8)), (*SERIES, "lengths: int64[B] lengths <= 7")),
    Case(
        "mean over a mask",
        calls(_masked_mean, embed=lambda: nn.Embedding(50, 16), fc=linear(16, 2)),
        (*TOKENS, "mask: bool[B, 7]"),
    ),
    Case(
        "positions by length",
        calls(lambda s, x: s.fc(x + s.places[: x.size(1)]), places=table(64, 16), fc=linear(16, 2)),
        SERIES,
    ),
    Case(
        "token expanded to the rows",
        calls(lambda s, x: torch.cat([s.token.expand(len(x), -1, -1), x], 1), token=table(1, 1, 16)),
        SERIES,
    ),
    Case("one row for each token", calls(lambda s, x: s.fc(x).reshape(-1, 3), fc=linear(16, 3)), SERIES),
    Case(
        "one row for each token, time-major",
        calls(lambda s, x: s.fc(x).reshape(-1, 3), fc=linear(16, 3)),
        ("x: float32[7, B, 16]",),
    ),
    Case(
        "repeat_interleave",
        calls(lambda s, x: s.fc(x.repeat_interleave(5, 0)).view(len(x), 5, -1), fc=linear(16, 2)),
        VECTOR,
    ),
    Case("values masked in place", calls(_masked, fc=linear(16, 3)), VECTOR),
    Case("values chosen by a mask", calls(_chosen), VECTOR),
    Case("loop over the rows", calls(_loop_over_rows, fc=linear(16, 3)), VECTOR),
    Case("dropout in eval mode", calls(lambda s, x: s.fc(F.dropout(x, 0.5)), fc=linear(16, 3)), VECTOR),
    Case("random noise", calls(_noisy, fc=linear(16, 3)), VECTOR),
    Case("variational sample", calls(_sampled, fc=linear(16, 8)), VECTOR),
    Case("argmax", calls(lambda s, x: s.fc(x).argmax(1), fc=linear(16, 5)), VECTOR),
    Case("argmax of ties", calls(lambda s, x: torch.relu(s.fc(x) - 9).argmax(1), fc=linear(16, 5)), VECTOR),
    Case("detections in a list", calls(_boxes, conv=conv(3, 4)), IMAGE),
    Case(
        "mean loss", calls(lambda s, x, y: F.cross_entropy(s.fc(x), y), fc=linear(16, 3)), (*VECTOR, "y: int64[B] < 3")
    ),
    Case(
        "loss of each sample",
        calls(lambda s, x, y: F.cross_entropy(s.fc(x), y, reduction="none"), fc=linear(16, 3)),
        (*VECTOR, "y: int64[B] < 3"),
    ),
    Case(
        "output with infinities",
        calls(lambda s, x: s.fc(x).masked_fill(x[:, :3] > 0, float("-inf")), fc=linear(16, 3)),
        VECTOR,
    ),
    Case(
        "output with a table of parameters",
        calls(lambda s, x: (s.fc(x), s.table), table=table(4, 16), fc=linear(16, 3)),
        VECTOR,
    ),
    Case(
        "gradient of its own output",
        calls(lambda s, x: torch.autograd.grad(s.fc(x.requires_grad_()).sum(), x)[0], fc=linear(16, 3)),
        VECTOR,
    ),
    Case("similarities of the rows", calls(lambda s, x: x @ x.t()), VECTOR),
    Case("contrastive loss", calls(_nt_xent), ("a: float32[B, 16]", "b: float32[B, 16]")),
    Case("Gumbel softmax", calls(lambda s, x: F.gumbel_softmax(s.fc(x), dim=1), fc=linear(16, 3)), VECTOR),
    Case(
        "stochastic depth",
        calls(lambda s, x: x + s.fc(x) * torch.empty(len(x), 1).bernoulli_(0.8) / 0.8, fc=linear(16, 16)),
        VECTOR,
    ),
)
