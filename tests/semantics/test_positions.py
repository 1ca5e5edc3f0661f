"""Positions are those that libcst's own provider gives, for every node, at a fraction of its cost."""

from __future__ import annotations

from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from batchlint.findings import Span
from batchlint.semantics.parsing import parse
from batchlint.semantics.positions import positions
from batchlint.semantics.syntax import walk

FIXTURES = sorted(Path(__file__).parents[2].joinpath("fixtures").rglob("hazard_*.py"))
HEADS = (cst.For, cst.ClassDef, cst.FunctionDef)

ODD = (
    "x = 1\n",
    "if a:\n\tb = (\n\t\tc  # why\n\t)\n",
    "x = 1\r\ny = (2 +\r\n     3)\r\n",
    "def f(a, *, b=2): return [c for c in a if c]\n\f\nx = f'{1 + 2!r:>{3}}'\n",
    "@d\nasync def f():\n    async with a as b, c: await b\n    return lambda *e, **g: (yield)\n",
    "s = 'ä'; t = s[1:2, ..., None]\nwith open(t) as (u): pass\n",
    "try:\n    pass\nexcept E as e:\n    raise\nelse:\n    x: int = 3\nfinally:\n    del x\n",
)


def compare(text: str) -> int:
    module = parse(text)
    truth = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    nodes = [node for node in walk(module) if node in truth and not isinstance(node, (cst.Module, *HEADS))]
    found = positions(module, nodes)
    for node in nodes:
        place = truth[node]
        expected = Span(place.start.line, place.start.column + 1, place.end.line, place.end.column + 1)
        assert found[id(node)] == expected, type(node).__name__
    return len(nodes)


@pytest.mark.parametrize("text", ODD)
def test_odd_sources_have_libcsts_positions(text: str) -> None:
    assert compare(text) > 0


def test_programs_have_libcsts_positions() -> None:
    assert sum(compare(path.read_text(encoding="utf-8")) for path in FIXTURES) > 5_000


def test_a_definition_or_loop_is_its_head() -> None:
    module = parse("@d\nclass A:\n    def f(self):\n        for i in range(3):\n            pass\n")
    heads = [node for node in walk(module) if isinstance(node, HEADS)]
    spans = [positions(module, heads)[id(node)] for node in heads]
    assert [(span.line, span.end_line) for span in spans[1:]] == [(3, 3), (4, 4)]
    assert spans[2] == Span(4, 9, 4, 26)


def test_the_parser_is_left_as_it_was_found() -> None:
    parse("x = 1\n")
    with pytest.raises(cst.CSTValidationError):
        cst.Name("")
