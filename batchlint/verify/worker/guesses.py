"""First guesses at a model's arguments, from the names of its parameters and the numbers that its author named."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from batchlint.verify.recipes import BATCH, Expression, Group, Literal, Recipe, TensorRecipe

USUAL_SIDES = (64, 32, 28, 224, 256, 128, 96, 48, 299, 84, 512, 16, 384, 160, 192)
STEPS = 12
"""The length of a sequence that nothing tells."""
LONG, SHORT = 512, 64
"""A length that a model is named to take at most, beyond which a shorter sequence is fed."""


@dataclass(frozen=True, slots=True)
class Hints:
    """Numbers that the author gave names to, ``None`` where there are none.

    Attributes:
        sides: height and width of images.
        channels: their channels.
        steps: length of sequences.
        latent: size of a noise vector.
        classes: how many labels there are.
        features: size of a feature vector.
        frames: frames of a video.
    """

    sides: tuple[int, int] | None = None
    channels: int | None = None
    steps: int | None = None
    latent: int | None = None
    classes: int | None = None
    features: int | None = None
    frames: int | None = None

    def image(self, channels: int | None = None) -> TensorRecipe:
        """A batch of images."""
        channels = channels or self.channels or 3
        return TensorRecipe((BATCH, channels, *self.sides_for(channels)))

    def sides_for(self, channels: int) -> tuple[int, int]:
        """Height and width of images, and of feature maps, which are smaller, with so many *channels*."""
        if channels > 16:
            return (32, 32) if channels <= 256 else (16, 16)
        usual = USUAL_SIDES[0]
        # Large images cost time, and most models take smaller ones; those that do not are given what is named.
        return self.sides if self.sides is not None and max(self.sides) <= usual else (usual, usual)


_IMAGE_SIZE = re.compile(
    r"(?:img|image|im|crop|fine|sample|input_image)_?(?:size|sides?|res|resolution|shape|hw|sz|dims?)\Z"
    r"|(?:input_|in_)?(?:shape|resolution|res|hw)\Z|input_size\Z|size\Z"
    r"|isize\Z|(?:img|image)_?(?:h|w|height|width)\Z"
)
_NAMED: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("channels", re.compile(r"(?:(?:in|input|img|image|n|num|im)_?)?(?:channels?|chans?|ch|nc)\Z"
                            r"|in_c\Z|input_nc\Z|c_in\Z|inp\Z")),
    ("steps", re.compile(r"(?:(?:max|n|num|src|input|context|block|window)_?)?"
                         r"(?:seq(?:uence)?|time|text|context|block|window)?_?(?:seq_?len(?:gth)?|len(?:gth)?|steps?|tokens|block_size|bptt|time_?steps)\Z")),
    ("latent", re.compile(r"(?:latent|z|noise|code|hidden_z)_?(?:dims?|size)\Z|nz\Z|n_?z\Z|latent\Z")),
    ("classes", re.compile(r"(?:n|num|nb|number_of)_?(?:class(?:es)?|labels|categories|cls)\Z|nclass\Z")),
    ("features", re.compile(r"(?:in|input|feature|feat|n|num)_?(?:features?|dims?|size|feats?)\Z"
                            r"|n_?features\Z|nfeat\Z")),
    ("frames", re.compile(r"(?:(?:n|num)_?)?frames?\Z|n_?frames\Z|clip_len\Z")),
)  # fmt: skip
_CONFIGURATIONS = ("opt", "args", "config", "cfg", "opts", "hparams", "conf", "params", "FLAGS", "hp")


def hints_from(bound: Mapping[str, Any], model: Any, namespace: Mapping[str, Any]) -> Hints:
    """What the constructor's arguments, the model's attributes and the module's names tell, in this order."""
    sources: list[Mapping[str, Any]] = [bound]
    for name, value in bound.items():
        if name in _CONFIGURATIONS or name.lower().endswith(("config", "cfg", "args")):
            sources.append(_fields(value))
    sources.append({name: value for name, value in _fields(model).items() if not name.startswith("_")})
    sources += [_fields(namespace[name]) for name in _CONFIGURATIONS if name in namespace]
    sources.append({name: value for name, value in namespace.items() if not name.startswith("_")})
    found: dict[str, Any] = {}
    for source in sources:
        lowered = {str(name).lower(): value for name, value in source.items()}
        if "sides" not in found and (sides := _sides(lowered)) is not None:
            found["sides"] = sides
        for what, pattern in _NAMED:
            if what in found:
                continue
            number = next((v for n, v in lowered.items() if pattern.match(n) and _is_size(v)), None)
            if number is not None:
                found[what] = SHORT if what == "steps" and number > LONG else number
        shape = next((v for n, v in lowered.items() if n.endswith("shape") and _is_shape(v, 3)), None)
        if shape is not None and "channels" not in found:
            found["channels"] = shape[0] if shape[0] <= 16 else shape[-1]
    return Hints(**found)


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    try:
        return dict(vars(value))
    except TypeError:
        return {}


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 100_000


def _is_shape(value: Any, rank: int) -> bool:
    return isinstance(value, tuple | list) and len(value) == rank and all(map(_is_size, value))


def _sides(named: Mapping[str, Any]) -> tuple[int, int] | None:
    height = next(
        (v for n, v in named.items() if n in ("img_height", "image_height", "height", "img_h", "im_h") and _is_size(v)),
        None,
    )
    width = next(
        (v for n, v in named.items() if n in ("img_width", "image_width", "width", "img_w", "im_w") and _is_size(v)),
        None,
    )
    if height and width:
        return height, width
    for name, value in named.items():
        if not _IMAGE_SIZE.match(name):
            continue
        if _is_size(value) and 8 <= value <= 1024 and name not in ("size", "input_size"):
            return value, value
        if _is_shape(value, 2) and min(value) >= 4:
            return value[0], value[1]
        if _is_shape(value, 3):
            return (value[1], value[2]) if value[0] <= 16 else (value[0], value[1])
    return None


Guess = Callable[[Hints], Iterable[Recipe]]


def _noise(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH, hints.latent or 100))


def _tokens(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH, hints.steps or STEPS), "int64", "integers")


def _labels(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH,), "int64", "integers", hints.classes)


def _lengths(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH,), "int64", "lengths", hints.steps or STEPS)


def _steps_of_diffusion(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH,), "int64", "integers", 10)
    yield TensorRecipe((BATCH,), "float32", "uniform")


def _mask(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH, hints.steps or STEPS), "bool", "ones")
    yield Literal("None")


def _image(hints: Hints) -> Iterable[Recipe]:
    yield hints.image()


def _features(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((BATCH, hints.features or 32))


def _square(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((STEPS, STEPS), "float32", "uniform")


def _edges(hints: Hints) -> Iterable[Recipe]:
    yield TensorRecipe((2, 20), "int64", "integers", 4)


def _scalar(source: str) -> Guess:
    return lambda hints: [Literal(source)]


BY_NAME: tuple[tuple[re.Pattern[str], Guess], ...] = tuple(
    (re.compile(pattern), guess)
    for pattern, guess in (
        (r"(?:z|noises?|latents?|latent_\w+|eps|code|z_\w+|noise_\w+|fixed_noise)\Z", _noise),
        (r"(?:\w+_)?(?:len|lens|lengths?|seq_lens?|sizes)\Z", _lengths),
        (r"(?:tokens?|token_ids|input_ids|ids|idx|indices|captions?|text|texts|words?|sentences?|chars?|tgt|trg|src|\w*tokens|"
         r"\w*_ids|\w+_pos|\w+_positions|questions?|query_ids|context_words|contexts?|documents?|prompt)\Z", _tokens),
        (r"(?:labels?|targets?|y|classes|class_labels?|cls|y_true|gt|attr|c_labels?|user|item|users|items|user_\w+|item_\w+)\Z",
         _labels),
        (r"(?:t|ts|timesteps?|time_?steps?|times?|sigma|noise_levels?|gamma)\Z", _steps_of_diffusion),
        (r"(?:\w*_)?(?:masks?|padding|pad)(?:_\w+)?\Z", _mask),
        (r"(?:adj|adjacency|a_hat|laplacian|adj_\w+)\Z", _square),
        (r"edge_index\w*\Z|edges\Z", _edges),
        (r"(?:imgs?|images?|pictures?|real_\w+|frames?|photo|pixel_values|\w*imgs?|\w*images?)"
         r"(?:_\w+|\d|[A-Z]\w*)?\Z", _image),
        (r"(?:obs|observations?|actions?|states?_?vec|feat|feats|features?|vectors?|embeddings?|embed|emb|cond|condition"
         r"|style|\w+_vec|\w+_feats?|\w+_features?|\w+_emb|hidden_states|encoder_outputs?|enc_outputs?|memory"
         r"|context)\Z", _features),
        (r"(?:teacher_forcing\w*|tf_ratio|temperature|dropout|alpha|beta|lambd?a?|scale|p|eps|weight|w)\Z",
         _scalar("0.5")),
        (r"(?:return_\w+|use_\w+|is_\w+|do_\w+|with_\w+|train(?:ing)?|verbose|debug|reverse|sample|deterministic"
         r"|inverse)\Z", _scalar("False")),
        (r"(?:max_len\w*|n_steps|num_\w+|n_\w+|steps|step|epoch|layer_?idx|depth|k|i|future|maxlen|max_\w+)\Z",
         _scalar("3")),
        (r"(?:device)\Z", _scalar("'cpu'")),
        (r"(?:batch_?size|bs|bsz|n_?batch)\Z", lambda hints: [Expression("B")]),
        (r"(?:mode|task|name|phase|kind)\Z", _scalar("'train'")),
    )
)  # fmt: skip

_STATE = re.compile(
    r"(?:\w*_)?(?:hidden|hiddens|states?|h|hx|h_?0|h_?n|h_?t|hc|h_?prev|prev_\w+|rnn_\w+|cell|c|c_?0|cx)(?:_\w+)?\Z"
)
_MAKES_STATE = re.compile(
    r"(?:init|initial|zero|get|make|reset)_?\w*(?:hidden|state|memory)\w*\Z|init_?(?:h|hc|h0)\Z", re.IGNORECASE
)
_ANNOTATED = {"int": "3", "float": "0.5", "bool": "False", "str": "''", "dict": "{}", "list": "[]"}


def guesses(parameter: inspect.Parameter, model: Any, hints: Hints) -> list[Recipe]:
    """What *parameter* may be, the likeliest first; never empty."""
    found: list[Recipe] = []
    name = parameter.name.lower()
    annotation = _annotation(parameter)
    if annotation in _ANNOTATED:
        found += [r for r in _by_name(name, hints) if isinstance(r, Literal | Expression)]
        return [*found, Literal(_ANNOTATED[annotation])]
    if _STATE.match(name):
        found += states(model)
    found += _by_name(name, hints)
    if not found or (len(name) <= 2 and not isinstance(found[0], TensorRecipe) and not _STATE.match(name)):
        found.append(hints.image())
    return found


def _by_name(name: str, hints: Hints) -> list[Recipe]:
    for pattern, guess in BY_NAME:
        if pattern.match(name):
            return list(guess(hints))
    return []


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, str):
        return annotation.strip()
    return getattr(annotation, "__name__", str(annotation))


def states(model: Any) -> list[Recipe]:
    """What a recurrent model's state may be: what its own method makes, else what its recurrent layer takes."""
    found: list[Recipe] = []
    for name in dir(type(model)):
        if _MAKES_STATE.match(name) and not hasattr(nn.Module, name) and callable(getattr(type(model), name, None)):
            try:
                parameters = [
                    p for p in inspect.signature(getattr(model, name)).parameters.values()
                    if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
                ]  # fmt: skip
            except (TypeError, ValueError):
                continue
            if len(parameters) == 0:
                found.append(Expression(f"model.{name}()"))
            elif len(parameters) == 1:
                found.append(Expression(f"model.{name}(B)"))
    if isinstance(model, nn.Module):
        for module in model.modules():
            if isinstance(module, nn.RNNBase | nn.RNNCellBase):
                found.append(state_of(module))
                break
    return found


def state_of(layer: nn.RNNBase | nn.RNNCellBase) -> Recipe:
    """The state that a recurrent layer takes."""
    if isinstance(layer, nn.RNNCellBase):
        cell = TensorRecipe((BATCH, layer.hidden_size))
        return Group("tuple", (cell, cell)) if isinstance(layer, nn.LSTMCell) else cell
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    hidden = TensorRecipe((rows, BATCH, layer.proj_size or layer.hidden_size))
    if not isinstance(layer, nn.LSTM):
        return hidden
    return Group("tuple", (hidden, TensorRecipe((rows, BATCH, layer.hidden_size))))


def is_number(source: str) -> bool:
    """Whether a literal's source is a number."""
    try:
        return isinstance(ast.literal_eval(source), int | float)
    except (SyntaxError, ValueError):
        return False
