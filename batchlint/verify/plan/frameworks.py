"""Which framework a file's code is to be run with, from its imports."""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
from collections import Counter
from collections.abc import Iterator

TORCH, TENSORFLOW, KERAS = "torch", "tensorflow", "keras"
"""``keras`` is Keras on the backend torch; on TensorFlow it is ``tensorflow``."""

_FAMILIES = {
    "torch": TORCH, "torchvision": TORCH, "torchaudio": TORCH, "pytorch_lightning": TORCH, "lightning": TORCH,
    "timm": TORCH, "torch_geometric": TORCH, "fastai": TORCH, "einops.layers.torch": TORCH,
    "tensorflow": TENSORFLOW, "tensorflow_addons": TENSORFLOW, "tensorflow_probability": TENSORFLOW,
    "tensorflow_datasets": TENSORFLOW, "tensorflow_hub": TENSORFLOW, "tf_keras": TENSORFLOW, "tf_slim": TENSORFLOW,
    "keras": KERAS, "keras_core": KERAS, "keras_hub": KERAS, "keras_nlp": KERAS, "keras_cv": KERAS,
}  # fmt: skip


def framework_of(tree: ast.Module, around: Iterator[ast.Module] | None = None) -> str:
    """The framework that the module *tree* is run with.

    Where it imports several, the one whose names it uses most; a file that imports none takes that of *around*, the
    files it imports, else torch.
    """
    used = _used(tree)
    if not used:
        used = next((found for each in around or () if (found := _used(each))), Counter())
    if not used:
        return TORCH
    if used[TORCH] and used[TORCH] >= used[TENSORFLOW] + used[KERAS]:
        return TORCH
    if used[TENSORFLOW]:
        return TENSORFLOW
    return _of_keras_alone(_backend_said(tree))


def _used(tree: ast.Module) -> Counter[str]:
    """How often names of each framework are read, an import counting as one."""
    names: dict[str, str] = {}
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bound = [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            bound = [(alias.asname or alias.name, node.module) for alias in node.names]
        else:
            continue
        for name, module in bound:
            family = _FAMILIES.get(module.partition(".")[0])
            if family is not None:
                names[name] = family
                found[family] += 1
    if len(found) > 1:
        found.update(names[each.id] for each in ast.walk(tree) if isinstance(each, ast.Name) and each.id in names)
    return found


def _backend_said(tree: ast.Module) -> str:
    """What the file sets ``os.environ["KERAS_BACKEND"]`` to; what the user's environment says where it does not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            keys = [target.slice for target in node.targets if isinstance(target, ast.Subscript)]
            if any(isinstance(key, ast.Constant) and key.value == "KERAS_BACKEND" for key in keys):
                return str(node.value.value)
        elif isinstance(node, ast.Call) and len(node.args) == 2:
            first, second = node.args
            if isinstance(first, ast.Constant) and first.value == "KERAS_BACKEND" and isinstance(second, ast.Constant):
                return str(second.value)
    return os.environ.get("KERAS_BACKEND", "")


def _of_keras_alone(backend: str) -> str:
    """What runs a file that imports Keras alone: the backend it asks for, where that is one of ours and there."""
    if backend == "torch" and _is_installed("torch"):
        return KERAS
    return KERAS if not _is_installed("tensorflow") and _is_installed("torch") else TENSORFLOW


@functools.cache
def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
