"""What the models of a file predict, for losses that are run by themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from batchlint.verify.worker.loops.world import Rows


def one_of_each(ids: Rows, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Labels of shape ``[rows, *shape]``: 1.0 for the row's class, 0.0 for the others."""
    labels = np.zeros((ids.size, *shape), np.float32)
    classes = shape[-1]
    labels[np.arange(ids.size), ..., ids % classes] = 1.0
    return labels


def last_sizes(tree: ast.Module, layer: str, place: int, keyword: str) -> Iterator[int]:
    """The sizes, written as numbers, that layers called *layer* give, the last in the file first.

    Args:
        tree: the file.
        layer: the layer's name.
        place: where its size stands among the positional arguments.
        keyword: what it is called among the others.
    """
    found: list[tuple[int, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == layer:
            said = [*node.args[place : place + 1], *(each.value for each in node.keywords if each.arg == keyword)]
            found += [
                (node.lineno, each.value) for each in said if isinstance(each, ast.Constant) and type(each.value) is int
            ]
    yield from dict.fromkeys(size for _, size in sorted(found, reverse=True) if 1 <= size <= 4096)
