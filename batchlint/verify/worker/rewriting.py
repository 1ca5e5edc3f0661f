"""What is changed in the user's code before it runs where it asks for a device or a download that is not there."""

from __future__ import annotations

import ast
import re

from batchlint.verify.plan.syntax import dotted

_CUDA = re.compile(r"^cuda(:\d+)?$")


class Rewriter(ast.NodeTransformer):
    """Replaces, in place and at the same positions,

    - ``pretrained=True`` and ``weights=ResNet50_Weights.DEFAULT`` (or ``"IMAGENET1K_V1"``) by ``False`` and ``None``;
    - where *on_cpu*, the string ``"cuda"`` or ``"cuda:0"`` by ``"cpu"``, but in comparisons.

    Values that are put together at run time are left.
    """

    def __init__(self, on_cpu: bool) -> None:
        self.on_cpu = on_cpu

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Leave ``device == "cuda"``."""
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Replace the name of a device."""
        if self.on_cpu and isinstance(node.value, str) and _CUDA.match(node.value):
            return ast.copy_location(ast.Constant("cpu"), node)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        """Replace a request for trained weights."""
        value = node.value
        if (
            node.arg in ("pretrained", "pretrained_backbone")
            and isinstance(value, ast.Constant)
            and value.value is True
        ):
            node.value = ast.copy_location(ast.Constant(False), value)
        elif node.arg in ("weights", "weights_backbone") and _names_weights(value):
            node.value = ast.copy_location(ast.Constant(None), value)
        else:
            self.generic_visit(node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace the first argument of ``models.resnet18(True)``."""
        name = dotted(node.func)
        if len(name) > 1 and "models" in name[:-1] and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and first.value is True:
                node.args[0] = ast.copy_location(ast.Constant(False), first)
        self.generic_visit(node)
        return node


def _names_weights(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) and (value.value == "DEFAULT" or value.value.startswith("IMAGENET"))
    return isinstance(value, ast.Attribute) and any("Weights" in part for part in dotted(value)[:-1])
