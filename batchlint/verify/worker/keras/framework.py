"""What loading files and building models needs to know of Keras and TensorFlow."""

from __future__ import annotations

import contextlib
import inspect
import math
import random
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from batchlint.verify.worker.frameworks import MAXIMUM_BYTES, Framework, TooBig
from batchlint.verify.worker.keras.making import names

PACKAGES = frozenset({"keras", "tensorflow", "tf_keras"})


def module_class() -> type:
    """``tf.Module`` where TensorFlow is there, else a class of nothing."""
    tensorflow = sys.modules.get("tensorflow")
    found: type = tensorflow.Module if tensorflow is not None else _Nothing
    return found


class _Nothing:
    pass


def is_model_class(kind: Any) -> bool:
    """Whether a class is one of layers, of models, or a ``tf.Module`` that can be called."""
    if not isinstance(kind, type):
        return False
    if issubclass(kind, keras.layers.Layer):
        return True
    return issubclass(kind, module_class()) and any("__call__" in vars(each) for each in kind.__mro__)


def is_model(value: Any) -> bool:
    """Whether *value* is a layer, a model or a ``tf.Module``."""
    return isinstance(value, keras.layers.Layer | module_class())


def parts_of(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers in *model* with the attributes that lead to them, itself first."""
    seen: set[int] = set()
    pending: list[tuple[str, Any]] = [("", model)]
    while pending:
        path, each = pending.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        if is_model(each):
            yield path, each
            pending += [(f"{path}.{name}".lstrip("."), value) for name, value in _held(each)]
        elif isinstance(each, list | tuple):
            pending += [(f"{path}.{index}", value) for index, value in enumerate(each)]
        elif isinstance(each, Mapping):
            pending += [(f"{path}.{name}", value) for name, value in each.items()]


_INTERNAL = frozenset(
    """
    _layers _tracker _operations _operations_by_depth _operations_by_name _nodes _nodes_by_depth _inbound_nodes
    _outbound_nodes _functional _losses _loss_tracker _metrics _optimizer optimizer _compile_metrics _compile_loss
    """.split()
)


def _held(layer: Any) -> list[tuple[str, Any]]:
    if isinstance(layer, keras.Sequential) or hasattr(layer, "_operations"):
        return [(f"layers.{index}", each) for index, each in enumerate(layer.layers)]
    kinds = (keras.layers.Layer, module_class(), list, tuple, Mapping)
    return [(name, value) for name, value in vars(layer).items() if name not in _INTERNAL and isinstance(value, kinds)]


def seed_all(seed: int) -> None:
    """Seed the random numbers of Python, NumPy and the backend."""
    if "tensorflow" in sys.modules:
        keras.utils.set_random_seed(seed)
        return
    # Keras's own function would import TensorFlow to seed it.
    random.seed(seed)
    np.random.seed(seed)
    sys.modules["torch"].manual_seed(seed)


@contextlib.contextmanager
def capped() -> Iterator[None]:
    """Raise `TooBig` in the block where its weights take too much memory."""
    kind = keras.layers.Layer
    really_add = kind.add_weight
    total = 0

    def add_weight(self: Any, *arguments: Any, **keywords: Any) -> Any:
        nonlocal total
        shape = keywords.get("shape", arguments[0] if arguments else None)
        with contextlib.suppress(TypeError, ValueError):
            total += 4 * math.prod(int(size) for size in (shape or ()))
        if total > MAXIMUM_BYTES:
            raise TooBig
        return really_add(self, *arguments, **keywords)

    kind.add_weight = add_weight
    try:
        yield
    finally:
        kind.add_weight = really_add


def signature(kind: Any) -> inspect.Signature:
    """The parameters of a constructor; ``Layer.__new__``, which takes anything, hides them."""
    found = inspect.signature(getattr(kind, "__init__") if isinstance(kind, type) else kind)  # noqa: B009
    parameters = list(found.parameters.values())
    return found.replace(parameters=parameters[1:] if isinstance(kind, type) else parameters)


_PHRASES = {
    "torch.nn.Identity()": "keras.layers.Identity()",
    "torch.nn.Identity": "keras.layers.Identity",
    "torch.nn.ReLU()": "'relu'",
    "torch.nn.ReLU": "keras.layers.ReLU",
    "torch.nn.functional.relu": "keras.activations.relu",
    "torch.nn.BatchNorm2d": "keras.layers.BatchNormalization",
    "torch.nn.LayerNorm": "keras.layers.LayerNormalization",
    "torch.nn.Conv2d": "keras.layers.Conv2D",
    "torch.nn.Linear(32, 32)": "keras.layers.Dense(32)",
    "torch.device('cpu')": "",
    "torch.float32": "'float32'",
    "torch.randn(100, 32)": "np.random.rand(100, 32)",
    "(3, 32, 32)": "(32, 32, 3)",
}


def phrase(source: str) -> str:
    """See `Framework`: guesses in the words of Keras, images with their channels last."""
    return _PHRASES.get(source, "" if "torch." in source else source)


_NAMES: dict[str, tuple[str, ...]] = {
    "units": ("32",), "filters": ("16", "[16, 16, 16]"), "rate": ("0.1",), "dropout_rate": ("0.1",),
    "intermediate_dim": ("32",), "dense_dim": ("32",), "projection_dim": ("32",), "embed_dim": ("32",),
    "embedding_dim": ("32",), "latent_dim": ("16",), "original_dim": ("784",), "num_heads": ("4",),
    "patch_size": ("4",), "num_patches": ("64", "16"), "image_size": ("32",), "vocab_size": ("100",), "maxlen": ("16",),
    "sequence_length": ("16",), "input_shape": ("(32, 32, 3)", "(32,)"), "shape": ("(32, 32, 3)", "(32,)"),
    "num_classes": ("10",), "strides": ("1",), "padding": ("'same'",), "kernel_size": ("3",), "activation": ("'relu'",),
    "kernels": ("3", "[3, 3, 3]"), "kernel_initializer": ("'glorot_uniform'",), "axis": ("-1",),
    "mlp_head_units": ("[32, 16]",), "hidden_units": ("[32, 16]",), "key_dim": ("8",),
    "reduce_function": ("keras.ops.mean",),
}  # fmt: skip


def named(name: str) -> tuple[str, ...]:
    """See `Framework`."""
    return _NAMES.get(name, ())


# Names that moved ----------------------------------------------------------------------------------------------------

_OLD_MODULES: tuple[tuple[str, str], ...] = (
    ("tensorflow.keras.layers.experimental.preprocessing", "keras.layers"),
    ("keras.layers.experimental.preprocessing", "keras.layers"),
    ("tensorflow.python.keras", "keras"),
    ("keras.engine.topology", "keras.layers"),
    ("keras.engine.base_layer", "keras.layers"),
    ("keras.engine", "keras.layers"),
    ("keras.utils.np_utils", "keras.utils"),
    ("keras_core", "keras"),
    ("tf_keras", "keras"),
)
_LAYERS = ("core", "convolutional", "recurrent", "normalization", "merge", "pooling", "embeddings", "wrappers", "local",
           "advanced_activations", "noise", "experimental", "convolutional_recurrent")  # fmt: skip


def equivalent_module(name: str) -> types.ModuleType | None:
    """The module of this version that *name* of an older one stands for, if it is gone."""
    if name.rpartition(".")[0] in ("keras.layers", "tensorflow.keras.layers") and name.rpartition(".")[2] in _LAYERS:
        layers: types.ModuleType = keras.layers
        return layers
    for old, new in _OLD_MODULES:
        if name == old or name.startswith(f"{old}."):
            found: Any = keras
            for part in f"{new}{name[len(old) :]}".split(".")[1:]:
                found = getattr(found, part, None)
            return found if isinstance(found, types.ModuleType) else None
    return None


def equivalent(module: str, name: str) -> Any:
    """What to take for ``from module import name`` where that fails."""
    if module.partition(".")[0] in ("keras", "tensorflow"):
        for holder in (keras.layers, keras.utils, keras.ops, keras):
            if name[:1].isupper() and hasattr(holder, name):
                return getattr(holder, name)
        if name == "to_categorical":
            return keras.utils.to_categorical
    return _OTHERS.get((module, name))


class InstanceNormalization(keras.layers.GroupNormalization):  # type: ignore[misc]
    """Of TensorFlow Addons: each channel of each sample by itself."""

    def __init__(self, axis: int = -1, epsilon: float = 1e-3, **keywords: Any) -> None:
        allowed = {name: value for name, value in keywords.items() if name in _OF_NORMALIZATION}
        super().__init__(groups=-1, axis=axis, epsilon=epsilon, **allowed)


_OF_NORMALIZATION = frozenset(
    "center scale beta_initializer gamma_initializer beta_regularizer gamma_regularizer name dtype trainable".split()
)


def _gelu(value: Any, approximate: bool = True) -> Any:
    return keras.activations.gelu(value, approximate=approximate)


_ADDED = types.ModuleType("tensorflow_addons.layers")
_ADDED.__dict__.update(
    InstanceNormalization=InstanceNormalization, GroupNormalization=keras.layers.GroupNormalization,
    SpectralNormalization=keras.layers.SpectralNormalization, GELU=lambda: keras.layers.Activation("gelu"),
)  # fmt: skip
_ACTIVATIONS = types.ModuleType("tensorflow_addons.activations")
_ACTIVATIONS.__dict__.update(gelu=_gelu, mish=keras.activations.mish)
_OTHERS: dict[tuple[str, str], Any] = {
    ("tensorflow_addons", "layers"): _ADDED,
    ("tensorflow_addons", "activations"): _ACTIVATIONS,
    **{("tensorflow_addons.layers", name): getattr(_ADDED, name)
       for name in ("InstanceNormalization", "GroupNormalization", "SpectralNormalization", "GELU")},
}  # fmt: skip


def equivalents_of(module: str) -> dict[str, Any]:
    """What is known of a module that cannot be imported."""
    return {name: value for (holder, name), value in _OTHERS.items() if holder == module}


KERAS = Framework(
    packages=PACKAGES,
    model="layer or model of Keras, nor a tf.Module",
    is_model_class=is_model_class,
    is_model=is_model,
    parts=parts_of,
    base=keras.layers.Layer,
    equivalent=equivalent,
    equivalent_module=equivalent_module,
    equivalents_of=equivalents_of,
    seed=seed_all,
    capped=capped,
    names={**names(), "np": np},
    phrase=phrase,
    named=named,
    signature=signature,
)
