"""Inputs of a Keras model that the sources tell: the user's word, calls, ``build``, the evaluator's shapes."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from batchlint.verify.outcomes import Grade
from batchlint.verify.plan.plans import InputCandidate, SourceCall, TargetPlan
from batchlint.verify.plan.syntax import dotted
from batchlint.verify.recipes import BATCH, Group, Inputs, Literal, Recipe, TensorRecipe
from batchlint.verify.worker.construction import Built
from batchlint.verify.worker.keras.arrays import Array, to_array
from batchlint.verify.worker.keras.calling import MODES, parameters_of
from batchlint.verify.worker.keras.drafts import FEATURES, SIDE, STEPS, Hints
from batchlint.verify.worker.loading import Loaded
from batchlint.verify.worker.timeouts import TimeLimit, limit

SECONDS_PER_CALL = 2.0
USERS_WORD = ("--input", "batchlint: input", "pyproject.toml")
"""How the origins of what the user says begin."""
LARGEST_SIDE = 128
"""Images that a file declares larger than this are fed smaller where nothing asks for their size."""
LARGEST_OF_PATCHES = 256
"""The same where the file counts patches: weights are then made for that many."""


def is_users_word(candidate: InputCandidate) -> bool:
    """Whether the user said it, so that nothing else is to be tried."""
    return candidate.origin.startswith(USERS_WORD)


def candidates(built: Built, target: TargetPlan, loaded: Loaded) -> Iterator[InputCandidate]:
    """Inputs that the sources tell, best first; nothing else follows the user's word."""
    said = tuple(each for each in target.inputs if is_users_word(each))
    if said:
        yield from said
        return
    for call in built.calls:
        try:
            with limit(SECONDS_PER_CALL):
                found = from_call(call, built.model, loaded)
        except TimeLimit:
            continue
        if found is not None:
            yield found
    yield from target.inputs
    yield from _from_build(target, built, loaded)


def from_call(call: SourceCall, model: Any, loaded: Loaded) -> InputCandidate | None:
    """The inputs of a call in the sources; ``None`` where an argument cannot be evaluated."""
    names = [each.name for each in parameters_of(model)]
    try:
        scope = loaded.scope(call.setup, call.path)
        positional = [loaded.evaluate_in(scope, source) for source in call.arguments if not source.startswith("*")]
        keywords = {
            name: loaded.evaluate_in(scope, source)
            for name, source in call.keywords
            if name not in MODES and name != "**"
        }
    except TimeLimit:
        raise
    except BaseException:
        return None
    rows = next((size for value in (*positional, *keywords.values()) if (size := _rows(value)) is not None), None)
    given = [_recipe(value, rows) for value in positional]
    named = {name: _recipe(value, rows) for name, value in keywords.items()}
    recipes = [*given, *named.values()]
    if any(each is None for each in recipes) or not any(has_batch(each) for each in recipes if each is not None):
        return None
    inputs = Inputs(
        tuple(each for each in given if each is not None),
        tuple(names[: len(given)]),
        tuple((name, each) for name, each in named.items() if each is not None),
    )
    return InputCandidate(inputs, Grade.CODE, f"{call.path}:{call.line}")


def has_batch(recipe: Recipe) -> bool:
    """Whether a size of a tensor in *recipe* follows the batch."""
    if isinstance(recipe, Group):
        return any(map(has_batch, recipe.items))
    return isinstance(recipe, TensorRecipe) and any(isinstance(size, str) for size in recipe.sizes)


def _rows(value: Any) -> int | None:
    if isinstance(value, tuple | list):
        return next((found for each in value if (found := _rows(each)) is not None), None)
    if isinstance(value, Mapping):
        return _rows(list(value.values()))
    shape = getattr(value, "shape", None)
    if shape is None or not len(shape):
        return None
    return -1 if shape[0] is None else int(shape[0])


def _recipe(value: Any, rows: int | None) -> Recipe | None:
    if isinstance(value, keras.KerasTensor):
        return declared(value.shape, str(value.dtype))
    array = to_array(value)
    if array is not None:
        return like(array, rows)
    if isinstance(value, bool | int | float | str | type(None)):
        return Literal(repr(value))
    if isinstance(value, tuple | list | Mapping):
        items = [_recipe(item, rows) for item in (value.values() if isinstance(value, Mapping) else value)]
        kept = tuple(item for item in items if item is not None)
        if len(kept) < len(items):
            return None
        if isinstance(value, Mapping):
            return Group("dict", kept, tuple(map(str, value)))
        return Group("list" if isinstance(value, list) else "tuple", kept)
    return None


def like(value: Array, rows: int | None) -> TensorRecipe | None:
    """A recipe of tensors like *value*, of a batch of *rows*."""
    if not value.ndim:
        return None
    axis = 1 if value.ndim > 1 and value.shape[0] != rows == value.shape[1] else 0
    sizes: list[int | str] = [int(size) for size in value.shape]
    if value.shape[axis] == rows:
        sizes[axis] = BATCH
    if value.dtype.kind in "OSU":
        return TensorRecipe(tuple(sizes), "string")
    dtype = value.dtype.name
    if value.dtype.kind == "b":
        return TensorRecipe(tuple(sizes), "bool", "ones" if value.all() else "booleans")
    if value.dtype.kind in "iu":
        return TensorRecipe(tuple(sizes), dtype, "integers", int(value.max()) + 1 if value.size else None)
    if value.size and float(value.min()) >= 0 and float(value.max()) <= 1 and value.min() != value.max():
        return TensorRecipe(tuple(sizes), dtype, "uniform")
    return TensorRecipe(tuple(sizes), dtype)


def declared(shape: Sequence[int | None], dtype: str = "float32") -> TensorRecipe:
    """A recipe for a shape with the batch first, ``None`` for what is left open."""
    rank = len(shape)
    usual = {3: (BATCH, STEPS, FEATURES), 4: (BATCH, SIDE, SIDE, 3), 5: (BATCH, 8, SIDE, SIDE, 3)}.get(
        rank, (BATCH, *(STEPS if rank == 2 and dtype.startswith("int") else FEATURES for _ in range(rank - 1)))
    )
    sizes = tuple(
        BATCH if axis == 0 else (usual[axis] if size is None else int(size)) for axis, size in enumerate(shape)
    )
    if dtype == "string":
        return TensorRecipe(sizes, "string")
    if dtype == "bool":
        return TensorRecipe(sizes, "bool", "booleans")
    return TensorRecipe(sizes, dtype, "integers" if "int" in dtype else "normal")


def _from_build(target: TargetPlan, built: Built, loaded: Loaded) -> Iterator[InputCandidate]:
    """What ``net.build((None, 28, 28, 1))`` says, where *net* is the class's."""
    name = target.qualname.rpartition(".")[2]
    tree = loaded.main.tree
    bound = {
        each.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and dotted(node.value.func)[-1] == name
        for each in node.targets
        if isinstance(each, ast.Name)
    }
    parameters = parameters_of(built.model)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "build"):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id in bound) or not parameters:
            continue
        sources = [*node.args, *(each.value for each in node.keywords if each.arg == "input_shape")]
        shape = _evaluated(loaded, ast.unparse(sources[0])) if sources else None
        recipe = _of_shape(shape)
        if recipe is not None:
            inputs = Inputs((recipe,), (parameters[0].name,))
            yield InputCandidate(inputs, Grade.CODE, f"line {node.lineno}")


def _of_shape(shape: Any) -> Recipe | None:
    if isinstance(shape, tuple | list) and shape and all(each is None or isinstance(each, int) for each in shape):
        return declared(tuple(shape)) if len(shape) > 1 else None
    if isinstance(shape, tuple | list) and shape:
        items = [_of_shape(each) for each in shape]
        kept = tuple(each for each in items if each is not None)
        return Group("list", kept) if len(kept) == len(items) else None
    return None


def _evaluated(loaded: Loaded, source: str) -> Any:
    try:
        with limit(SECONDS_PER_CALL):
            return loaded.evaluate_in(dict(loaded.namespace), source)
    except BaseException:
        return None


# Hints ---------------------------------------------------------------------------------------------------------------

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("text", re.compile(r"\b(?:TextVectorization|StringLookup)\(")),
    ("volume", re.compile(r"\b(?:Conv3D|MaxPool(?:ing)?3D|ConvLSTM2D|GlobalAveragePooling3D)\w*\(")),
    ("image", re.compile(r"\b(?:Conv2D|SeparableConv2D|DepthwiseConv2D|MaxPool(?:ing)?2D|AveragePooling2D|UpSampling2D|"
                         r"ZeroPadding2D|GlobalAveragePooling2D|extract_patches|conv2d\w*|max_pool2d|Random\w+|"
                         r"image\.resize|Resizing|applications\.\w+|Patches|PatchExtract|PatchEmbed|space_to_depth|"
                         r"depth_to_space)\w*\(")),
    ("tokens", re.compile(r"\b(?:Embedding|embedding_lookup|TokenAndPositionEmbedding)\(")),
    ("sequence", re.compile(r"\b(?:LSTM|GRU|SimpleRNN|Bidirectional|Conv1D|MultiHeadAttention|Attention|"
                            r"TimeDistributed|MaxPool(?:ing)?1D|GlobalAveragePooling1D|GlobalMaxPool(?:ing)?1D|RNN)\w*\(")),
    ("vector", re.compile(r"\b(?:Dense|matmul|BatchNormalization)\(")),
)  # fmt: skip
_IN_CALL = (
    ("image", re.compile(r"\b(?:height|width|h, w|channels?|patches|images?)\b|\[:, :, :, |, \[1, 2\]|axis=\[1, 2\]")),
    ("sequence", re.compile(r"\b(?:seq_?len|positions|timesteps?|num_patches|attention|query|heads)\b|perm=\[0, 2, 1")),
)


def kinds_of(source: str, model: Any, parts: Sequence[Any]) -> tuple[str, ...]:
    """What the layers in the *source* of a class take, the likeliest first."""
    places = [(found.start(), kind) for kind, pattern in _KINDS if (found := pattern.search(source)) is not None]
    kinds = [kind for _, kind in sorted(places)]
    if not kinds or kinds == ["vector"]:
        own = " ".join(f"{type(part).__name__}(" for part in parts[1:])
        more = [(found.start(), kind) for kind, pattern in _KINDS if (found := pattern.search(own)) is not None]
        kinds += [kind for _, kind in sorted(more)]
    if not kinds or kinds == ["vector"]:
        kinds = [kind for kind, pattern in _IN_CALL if pattern.search(source)] + kinds
    return tuple(dict.fromkeys(kinds)) or ("vector",)


_DATA = {
    "fashion_mnist": (28, 28, 1), "mnist": (28, 28, 1), "cifar100": (32, 32, 3), "cifar10": (32, 32, 3),
}  # fmt: skip


def hints_of(built: Built, loaded: Loaded, source: str, parts: Sequence[Any]) -> Hints:
    """What the file, the construction and the model's own attributes tell of sizes."""
    text = loaded.plan.text
    numbers = _numbers(built, loaded)

    def named(*names: str) -> int | None:
        for name in names:
            value = numbers.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 100_000:
                return value
        return None

    shapes = tuple(_declared_shapes(loaded))
    image = next((shape for shape in shapes if len(shape) == 3 and shape[-1] <= 4), None)
    if image is None:
        image = next((shape for name, shape in _DATA.items() if re.search(rf"\b{name}\b", text)), None)
    side = named("image_size", "img_size", "input_size", "image_height", "img_height", "resolution")
    largest = LARGEST_OF_PATCHES if {"num_patches", "patch_size"} & set(numbers) else LARGEST_SIDE
    side = side if side is not None and 8 <= side <= largest else None
    height, width, channels = image or (SIDE, SIDE, 3)
    if max(height, width) > LARGEST_SIDE:
        height = width = 64
    if side is not None:
        height = width = side
    steps = named("maxlen", "max_len", "sequence_length", "max_length", "seq_len", "seq_length", "num_patches",
                  "max_sequence_length", "block_size")  # fmt: skip
    below = named("vocab_size", "num_words", "max_features", "max_tokens", "input_dim", "num_tokens")
    return Hints(
        (height, width, (named("num_channels") if image is None else None) or channels),
        min(steps, 64) if steps else STEPS,
        named("embed_dim", "projection_dim", "d_model", "embedding_dim", "hidden_size", "hidden_dim", "dim",
              "feature_dim", "input_dim", "embedding_size", "input_size") or FEATURES,
        named("latent_dim", "noise_dim", "z_dim", "code_size") or 16,
        below,
        named("num_classes", "n_classes", "classes") or 10,
        shapes[:4],
        kinds_of(source, built.model, parts),
        numbers,
    )  # fmt: skip


def _numbers(built: Built, loaded: Loaded) -> Mapping[str, Any]:
    """Numbers by the names of constructor arguments, attributes and the file's globals, in this order."""
    found: dict[str, Any] = {name.lower(): value for name, value in loaded.namespace.items() if _is_size(value)}
    found.update({name: value for name, value in vars(built.model).items() if _is_size(value)})
    try:
        parsed = ast.parse(built.construction.expression, mode="eval").body
        signature = inspect.signature(type(built.model).__init__)
    except (SyntaxError, ValueError, TypeError):
        return found
    parameters = [each for each in signature.parameters.values() if each.name != "self"]
    found.update({each.name: each.default for each in parameters if _is_size(each.default)})
    if isinstance(parsed, ast.Call):
        names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
        for name, node in (*zip(names, parsed.args), *((each.arg, each.value) for each in parsed.keywords if each.arg)):
            value = _evaluated(loaded, ast.unparse(node))
            if _is_size(value):
                found[str(name)] = value
    return found


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 1_000_000


def _declared_shapes(loaded: Loaded) -> Iterator[tuple[int, ...]]:
    """Shapes without the batch that the file declares with ``Input(...)`` or ``input_shape=``."""
    for node in ast.walk(loaded.main.tree):
        if not isinstance(node, ast.Call):
            continue
        sources = [each.value for each in node.keywords if each.arg in ("shape", "input_shape")]
        if dotted(node.func)[-1] == "Input" and node.args:
            sources.append(node.args[0])
        elif dotted(node.func)[-1] != "Input":
            sources = [each.value for each in node.keywords if each.arg == "input_shape"]
        for source in sources:
            shape = _evaluated(loaded, ast.unparse(source))
            if isinstance(shape, tuple | list) and shape and all(_is_size(size) for size in shape):
                yield tuple(int(size) for size in shape)
