"""The parse with libcst, which is most of what a file with candidates costs."""

from __future__ import annotations

import libcst as cst
from libcst._nodes.base import CSTNode


def _trust(node: CSTNode) -> None:
    """What the parser made needs no validation."""


def parse(text: str) -> cst.Module:
    """The tree of *text*.

    libcst validates each node on construction, against trees that are put together by hand; for the nodes of its own
    parser that takes a tenth of the parse and tells nothing.

    Raises:
        libcst.ParserSyntaxError: libcst cannot read the text.
    """
    validate = CSTNode.__post_init__
    CSTNode.__post_init__ = _trust  # type: ignore[assignment, method-assign]
    try:
        return cst.parse_module(text)
    finally:
        CSTNode.__post_init__ = validate  # type: ignore[method-assign]


__all__ = ["parse"]
