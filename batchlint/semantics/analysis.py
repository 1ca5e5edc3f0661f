"""One module's text to what its rules report: the meeting point of evaluator, rules and positions."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import libcst as cst

from batchlint.findings import Finding, Note, Severity, Span
from batchlint.semantics import entry_points
from batchlint.semantics.evaluator import Evaluator
from batchlint.semantics.gate import KINDS, Candidates, candidates
from batchlint.semantics.observations import CALL, Observation, Report
from batchlint.semantics.parsing import parse
from batchlint.semantics.positions import positions
from batchlint.semantics.pruning import without_unneeded
from batchlint.semantics.survey import Survey, survey
from batchlint.semantics.values import Batch, Tensor, Value

__all__ = ["Observation", "Report", "analyse", "shape_annotations"]


class AnalysedRule(Protocol):
    """What the analysis asks of a rule."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def observes(self) -> tuple[str, ...]: ...
    @property
    def candidates(self) -> tuple[str, ...]: ...

    def check(self, observation: Any, report: Any) -> None:
        """Look at one observation and report its hazards."""


@dataclass(slots=True)
class _Reported:
    rule: AnalysedRule
    node: Any
    message: str
    severity: Severity
    shape: str | None
    latent: bool
    notes: tuple[tuple[str, Any], ...]


def analyse(
    text: str,
    tree: ast.Module,
    rules: Sequence[AnalysedRule],
    surveyed: Survey | None = None,
    found: Candidates | None = None,
) -> list[Finding]:
    """Evaluate one module and return its rules' findings, sorted by place.

    Raises:
        libcst.ParserSyntaxError: libcst cannot read what `ast` could.
    """
    if surveyed is None:
        surveyed = survey(tree)
    if found is None:
        found = candidates(surveyed, rules)
    if not found:
        return []
    module = parse(without_unneeded(text, surveyed, found))
    reported: dict[tuple[str, int], _Reported] = {}
    by_operation: dict[str, list[tuple[AnalysedRule, Report]]] = {}
    # Telling of every call is dear: only whoever has a candidate in the file is told of them.
    rules = [rule for rule in rules if CALL not in rule.observes or found.kinds.intersection(rule.candidates)]
    for rule in rules:
        report = _reporter(rule, reported)
        for operation in rule.observes:
            by_operation.setdefault(operation, []).append((rule, report))

    def sink(observation: Observation) -> None:
        for rule, report in by_operation[observation.operation]:
            rule.check(observation, report)

    ev = Evaluator(surveyed.facts, frozenset(by_operation), sink)
    for rule in rules:
        begin = getattr(rule, "begin", None)
        if begin is not None:
            begin(ev)
    entry_points.run(ev, module, found)
    return _located(module, tree, list(reported.values()))


def _reporter(rule: AnalysedRule, reported: dict[tuple[str, int], _Reported]) -> Report:
    def report(
        node: Any,
        message: str,
        *,
        severity: Severity | None = None,
        shape: str | None = None,
        latent: bool = False,
        notes: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        key = (rule.code, id(node))
        known = reported.get(key)
        # What bites somewhere is not latent, whatever guards it elsewhere.
        if known is None or (known.latent and not latent):
            chosen = rule.severity if severity is None else severity
            reported[key] = _Reported(rule, node, message, Severity.INFO if latent else chosen, shape, latent, notes)

    return report


def _located(module: cst.Module, tree: ast.Module, reported: list[_Reported]) -> list[Finding]:
    if not reported:
        return []
    nodes = [r.node for r in reported]
    nodes += [node for r in reported for _, node in r.notes if node is not None]
    spans = positions(module, nodes)
    lines = _statement_lines(tree, {span.line for span in spans.values()})
    findings = []
    for r in reported:
        span = spans.get(id(r.node))
        if span is None:
            continue
        notes = tuple(
            Note(message, spans[id(node)]) for message, node in r.notes if node is not None and id(node) in spans
        )
        message = r.message
        if "{line}" in message:
            message = message.replace("{line}", str(notes[0].span.line) if notes else "?")
        findings.append(
            Finding(
                r.rule.code,
                r.rule.name,
                message,
                r.severity,
                span,
                statement_line=lines.get(span.line, span.line),
                shape=r.shape,
                latent=r.latent,
                notes=notes,
            )
        )
    findings.sort(key=lambda f: (f.span, f.code, f.message))
    return findings


def _statement_lines(tree: ast.Module, wanted: set[int]) -> dict[int, int]:
    """The first line of the innermost statement that covers each wanted line."""
    found: dict[int, int] = {}
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
            for line in wanted:
                if node.lineno <= line <= max(end, node.lineno) and found.get(line, 0) < node.lineno:
                    found[line] = node.lineno
        pending.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr))
    return found


def _shape_text(value: Value) -> str | None:
    if isinstance(value, Batch):
        value = value.tensor
    if not isinstance(value, Tensor):
        return None
    shape = value.shape
    if not shape.exact and not shape.leading and not shape.trailing:
        return None
    return str(shape)


def everything(tree: ast.Module) -> Candidates:
    definitions: set[tuple[str | None, str]] = set()
    classes: set[str] = set()
    pending: list[tuple[ast.AST, str | None, str | None]] = [(tree, None, None)]
    while pending:
        node, owner, function = pending.pop()
        if isinstance(node, ast.ClassDef) and function is None:
            owner = node.name
            classes.add(owner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and function is None:
            function = node.name
            definitions.add((owner, function))
        pending.extend((child, owner, function) for child in ast.iter_child_nodes(node))
    return Candidates(frozenset(KINDS), frozenset(definitions), frozenset(classes), True)


def shapes_of(text: str, tree: ast.Module) -> dict[Span, list[str]]:
    """Each tensor expression's span with the shapes that it has, in the order in which they were seen."""
    module = parse(text)
    seen: dict[int, tuple[Any, list[str]]] = {}

    def record(node: cst.CSTNode, value: Value) -> None:
        shape = _shape_text(value)
        if shape is not None:
            _, shapes = seen.setdefault(id(node), (node, []))
            if shape not in shapes:
                shapes.append(shape)

    ev = Evaluator(survey(tree).facts, frozenset(), lambda observation: None, recorder=record)
    entry_points.run(ev, module, everything(tree))
    spans = positions(module, [node for node, _ in seen.values()])
    return {spans[key]: shapes for key, (_, shapes) in seen.items() if key in spans}


def shape_annotations(text: str) -> dict[int, str]:
    """What to print at each line's end: the shape of the outermost tensor expression that ends there."""
    best: dict[int, tuple[int, Span, str]] = {}
    for span, shapes in shapes_of(text, ast.parse(text)).items():
        size = (span.end_line - span.line) * 10_000 + span.end_column - span.column
        current = best.get(span.end_line)
        if current is None or size > current[0]:
            best[span.end_line] = (size, span, " or ".join(shapes[:3]))
    return {line: text for line, (_, _, text) in sorted(best.items())}
