"""Lines and columns of the few nodes that have findings.

libcst's own `PositionProvider` records every node and costs more than the parse; this records those asked for, with the
same result (which a test compares node by node).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

import libcst as cst
from libcst._nodes.internal import CodegenState  # what libcst's own position provider extends

from batchlint.findings import Span


class _Nothing:
    """Records nothing."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


_NOTHING = _Nothing()


class _Recording:
    """Records where a node starts and ends without the whitespace around it."""

    def __init__(self, state: _Recorder, node: Any) -> None:
        self.state, self.node = state, node

    def __enter__(self) -> None:
        self.start = (self.state.line, self.state.column)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        line, column = self.start
        self.state.found[id(self.node)] = Span(line, column + 1, self.state.line, self.state.column + 1)


class _Recorder(CodegenState):
    """Generates code only to count lines and columns."""

    def __init__(self, wanted: set[int], default_indent: str, default_newline: str) -> None:
        super().__init__(default_indent=default_indent, default_newline=default_newline)
        self.wanted = wanted
        self.found: dict[int, Span] = {}
        self.whole: dict[int, Span] = {}
        self.line = 1
        self.column = 0
        self.starts: dict[int, tuple[int, int]] = {}
        self.edges: dict[int, tuple[Any, Any]] = {}

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.column += len(token)

    def add_token(self, value: str) -> None:
        if "\n" in value or "\r" in value:
            normal = value.replace("\r\n", "\n").replace("\r", "\n")
            self.line += normal.count("\n")
            self.column = len(normal) - normal.rfind("\n") - 1
        else:
            self.column += len(value)

    def before_codegen(self, node: Any) -> None:
        if id(node) in self.wanted:
            self.starts[id(node)] = (self.line, self.column)

    def after_codegen(self, node: Any) -> None:
        start = self.starts.get(id(node))
        if start is not None:
            self.whole[id(node)] = Span(start[0], start[1] + 1, self.line, self.column + 1)

    def record_syntactic_position(self, node: Any, *, start_node: Any = None, end_node: Any = None) -> Any:
        if id(node) not in self.wanted:
            return _NOTHING
        # A block starts with its first statement and ends with its last, whatever comments stand around.
        for edge in (start_node, end_node):
            if edge is not None:
                self.wanted.add(id(edge))
        self.edges[id(node)] = (start_node, end_node)
        return _Recording(self, node)

    def spans(self) -> dict[int, Span]:
        """What was recorded, by the nodes' ``id``."""
        found = {**self.whole, **self.found}
        for key, (first, last) in reversed(self.edges.items()):
            span = found[key]
            if first is not None:
                span = span._replace(line=found[id(first)].line, column=found[id(first)].column)
            if last is not None:
                span = span._replace(end_line=found[id(last)].end_line, end_column=found[id(last)].end_column)
            found[key] = span
        return found


def positions(module: cst.Module, nodes: Iterable[cst.CSTNode]) -> dict[int, Span]:
    """The span of each node in *nodes*, by its ``id``; a loop's or definition's is its head alone."""
    wanted: dict[int, cst.CSTNode] = {}
    heads: dict[int, tuple[cst.CSTNode, cst.CSTNode]] = {}
    for node in nodes:
        wanted[id(node)] = node
        if isinstance(node, cst.For):
            heads[id(node)] = (node, node.iter)
        elif isinstance(node, cst.ClassDef | cst.FunctionDef):
            heads[id(node)] = (node, node.name)
    if not wanted:
        return {}
    for _, end in heads.values():
        wanted[id(end)] = end
    state = _Recorder(set(wanted), module.default_indent, module.default_newline)
    module._codegen(state)
    found = state.spans()
    for key, (_, end) in heads.items():
        if key in found and id(end) in found:
            start, last = found[key], found[id(end)]
            found[key] = Span(start.line, start.column, last.end_line, last.end_column)
    return found
