"""Comments by which an author silences findings: flake8's ``noqa`` and batchlint's own."""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from batchlint.findings import Finding
from batchlint.source.decoding import split_lines

_MENTIONED = re.compile(r"#[^\n#]*(?:noqa|batchlint[ \t]*:)", re.IGNORECASE).search

_NOQA_FILE = re.compile(r"#\s*flake8[:=]\s*noqa(?P<codes>\s*:\s*\S.*)?\s*\Z", re.IGNORECASE)
_NOQA = re.compile(r"#\s*noqa\b(?::\s?(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE)
_CODE = re.compile(r"[A-Z]+[0-9]+", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*batchlint\s*:\s*(?P<verb>[\w-]*)\s*(?:\[(?P<names>[^\]]*)\])?", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,\s]+")

Matches = Callable[[str, Finding], bool]


class UnknownName(NamedTuple):
    """A name in a comment that stands for nothing.

    Attributes:
        line: 1-based line of the comment.
        name: what the author wrote, e.g. ``fixed-batch-reshap``.
    """

    line: int
    name: str


class _Silence(NamedTuple):
    """What one comment silences; no selectors means everything."""

    line: int
    selectors: tuple[str, ...]
    ours: bool


def selects(selector: str, finding: Finding) -> bool:
    """Whether *selector*, a rule's name or the beginning of its code in either case, stands for *finding*."""
    return finding.code.startswith(selector.upper()) or finding.name == selector.lower()


class Suppressions:
    """The suppression comments of one text. All lines are lines of that text, for a notebook those of its module."""

    def __init__(
        self,
        on_line: dict[int, list[_Silence]],
        on_file: list[_Silence],
        unknown_verbs: list[UnknownName],
        statement_ends: list[int],
    ) -> None:
        self._on_line = on_line
        self._on_file = on_file
        self._statement_ends = statement_ends
        self.unknown_verbs = tuple(unknown_verbs)
        """``# batchlint:`` comments that ask for something there is not, such as ``# batchlint: ignroe``."""

    def __bool__(self) -> bool:
        return bool(self._on_line or self._on_file)

    @classmethod
    def from_text(cls, text: str) -> Suppressions:
        """Read the comments of *text*; a text that mentions no suppression costs one search."""
        on_line: dict[int, list[_Silence]] = {}
        on_file: list[_Silence] = []
        unknown: list[UnknownName] = []
        statement_ends: list[int] = []
        if not _MENTIONED(text):
            return cls(on_line, on_file, unknown, statement_ends)
        for token in _tokens(text):
            if token.type == tokenize.NEWLINE:
                statement_ends.append(token.start[0])
            elif token.type == tokenize.COMMENT:
                alone = not token.line[: token.start[1]].strip()
                _read_comment(token.string, token.start[0], alone, on_line, on_file, unknown)
        return cls(on_line, on_file, unknown, statement_ends)

    def suppresses(self, finding: Finding, matches: Matches = selects, *, noqa: bool = True) -> bool:
        """Whether a comment silences *finding*; without *noqa*, only batchlint's own comments count.

        It may stand on the finding's line, on the first line of its statement, or on the last, where formatters put
        the comment of a call that they have broken up.
        """
        if not self:
            return False
        lines = {finding.span.line, finding.statement_line or finding.span.line, self._last_line(finding.span.line)}
        silences = [*self._on_file, *(silence for line in sorted(lines) for silence in self._on_line.get(line, ()))]
        return any(
            not silence.selectors or any(matches(selector, finding) for selector in silence.selectors)
            for silence in silences
            if noqa or silence.ours
        )

    def unknown_names(self, is_known: Callable[[str], bool]) -> list[UnknownName]:
        """Names in ``ignore[...]`` and ``ignore-file[...]`` that *is_known* denies, in the order of the lines.

        The codes of ``noqa`` are left alone: they may belong to another tool.
        """
        silences = [*self._on_file, *(silence for line in self._on_line.values() for silence in line)]
        return sorted(
            UnknownName(silence.line, selector)
            for silence in silences
            if silence.ours
            for selector in silence.selectors
            if not is_known(selector)
        )

    def _last_line(self, line: int) -> int:
        index = bisect_left(self._statement_ends, line)
        return self._statement_ends[index] if index < len(self._statement_ends) else line


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens as far as they can be read: a suppression before a broken place still counts."""
    readline = io.StringIO("".join(line + "\n" for line in split_lines(text))).readline
    try:
        yield from tokenize.generate_tokens(readline)
    except (tokenize.TokenError, SyntaxError):
        return


def _read_comment(
    comment: str,
    line: int,
    alone: bool,
    on_line: dict[int, list[_Silence]],
    on_file: list[_Silence],
    unknown: list[UnknownName],
) -> None:
    whole_file = _NOQA_FILE.match(comment) if alone else None
    if whole_file:
        codes = tuple(_CODE.findall(whole_file["codes"] or ""))
        on_file.append(_Silence(line, codes, ours=False))
        return
    noqa = _NOQA.search(comment)
    if noqa:
        codes = tuple(_CODE.findall(noqa["codes"] or ""))
        on_line.setdefault(line, []).append(_Silence(line, codes, ours=False))
    for directive in _DIRECTIVE.finditer(comment):
        verb = directive["verb"].lower()
        names = directive["names"]
        if verb == "input":
            # It says what a class is fed with, and silences nothing.
            continue
        if verb not in ("ignore", "ignore-file"):
            unknown.append(UnknownName(line, directive["verb"]))
            continue
        selectors = tuple(name for name in _SEPARATOR.split(names or "") if name)
        if names is not None and not selectors:
            unknown.append(UnknownName(line, f"{verb}[]"))
            continue
        silences = on_file if verb == "ignore-file" else on_line.setdefault(line, [])
        silences.append(_Silence(line, selectors, ours=True))
