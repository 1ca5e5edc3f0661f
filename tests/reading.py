"""Small programs as documentation: what batchlint knows of the lines that say it in a comment."""

from __future__ import annotations

import re
from textwrap import dedent

from batchlint.engine import check_bytes
from batchlint.rules.selection import Selection
from batchlint.semantics.analysis import shape_annotations

_SHAPE = re.compile(r"#\s*(\[.*?\](?: or \[.*?\])*|nothing)\s*$")


def assert_shapes(program: str) -> None:
    """Every ``# [B, 16]`` at a line's end is what is known of the line's outermost tensor; ``# nothing`` is silence."""
    program = dedent(program)
    announced = {number: m[1] for number, line in enumerate(program.splitlines(), 1) if (m := _SHAPE.search(line))}
    assert announced, "the program announces no shape"
    known = shape_annotations(program)
    assert {number: known.get(number, "nothing") for number in announced} == announced


def flagged(program: str, code: str, latent: bool = False) -> list[str]:
    """The lines, without indentation, at which *code* is reported, as latent or not."""
    program = dedent(program)
    result = check_bytes(program.encode(), "program.py", Selection(select=(code,)), show_latent=True)
    assert result.problems == ()
    lines = program.splitlines()
    return [lines[f.span.line - 1].strip() for f in result.findings if f.latent is latent]
