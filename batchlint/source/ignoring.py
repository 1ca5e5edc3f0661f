"""Patterns in the grammar of ``.gitignore``, asked about one file or folder at a time, from the outside in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

_PLAIN_NAME = re.compile(r"[\w.+-]+/?\Z")

_NAME_ALONE = 0
_ANY_DEPTH = -1


class _Rule(NamedTuple):
    """One pattern.

    Attributes:
        ignore: false for a pattern that takes back (``!keep.py``).
        pattern: the compiled pattern.
        depth: to how many path components the pattern speaks; `_NAME_ALONE` to the last, `_ANY_DEPTH` with ``**``.
    """

    ignore: bool
    pattern: GitIgnoreSpecPattern
    depth: int


class IgnoreRules:
    """An ordered list of patterns with the folder that they are relative to.

    A walk asks about every folder before it enters, so a pattern is matched against the path itself and never
    against a folder above it; that is git's own rule, under which nothing inside an ignored folder can be taken back.
    """

    def __init__(self, base: str, names: frozenset[str], folder_names: frozenset[str], rules: Sequence[_Rule]) -> None:
        self._base = base.rstrip(os.sep) + os.sep
        self._names = names
        self._folder_names = folder_names
        self._rules = tuple(reversed(rules))

    def __bool__(self) -> bool:
        return bool(self._names or self._folder_names or self._rules)

    @classmethod
    def from_patterns(cls, patterns: Iterable[str], base: str) -> IgnoreRules:
        """Compile a user's patterns, none of which may be wrong.

        Raises:
            ValueError: a pattern is not valid; the message names it.
        """
        patterns = list(patterns)
        plain = [pattern for pattern in patterns if _PLAIN_NAME.match(pattern)]
        # Compiling takes a library that is slow to import; the default patterns are plain names and do without it,
        # which is only right as long as no pattern takes another back.
        if any(pattern.startswith("!") for pattern in patterns):
            plain = []
        names = frozenset(pattern for pattern in plain if not pattern.endswith("/"))
        folder_names = frozenset(pattern[:-1] for pattern in plain if pattern.endswith("/"))
        rules = [rule for pattern in patterns if pattern not in plain for rule in _compile(pattern)]
        return cls(base, names, folder_names, rules)

    @classmethod
    def from_lines(cls, lines: Iterable[str], base: str) -> IgnoreRules:
        """Compile the lines of a ``.gitignore`` file; as in git, a line that is not valid is passed over."""
        rules: list[_Rule] = []
        for line in lines:
            try:
                rules += _compile(line.rstrip("\r\n"))
            except ValueError:
                continue
        return cls(base, frozenset(), frozenset(), rules)

    def ignores(self, location: str, is_folder: bool) -> bool:
        """Whether the file or folder at *location*, an absolute path, is ignored."""
        return self.decide(location, is_folder) is True

    def decide(self, location: str, is_folder: bool) -> bool | None:
        """True: ignored, false: taken back, ``None``: no pattern speaks of it."""
        name = os.path.basename(location)
        if name in self._names or (is_folder and name in self._folder_names):
            return True
        if not self._rules:
            return None
        relative = None
        if location.startswith(self._base):
            relative = location[len(self._base) :].replace(os.sep, "/")
        mark = "/" if is_folder else ""
        for rule in self._rules:
            if rule.depth == _NAME_ALONE:
                subject = name
            elif relative is None or rule.depth not in (_ANY_DEPTH, relative.count("/") + 1):
                continue
            else:
                subject = relative
            if rule.pattern.match_file(subject + mark) is not None:
                return rule.ignore
        return None


def _compile(line: str) -> list[_Rule]:
    if not line.strip() or line.startswith("#"):
        return []
    from pathspec import GitIgnoreSpec

    try:
        patterns = GitIgnoreSpec.from_lines([line]).patterns
    except ValueError:
        raise ValueError(f"not a valid pattern: {line!r}") from None
    return [_Rule(pattern.include, pattern, _depth(line)) for pattern in patterns if pattern.include is not None]


def _depth(line: str) -> int:
    pattern = line.rstrip()
    pattern = pattern[1:] if pattern.startswith("!") else pattern
    pattern = pattern[:-1] if pattern.endswith("/") else pattern
    if "/" not in pattern:
        return _NAME_ALONE
    components = pattern.removeprefix("/").split("/")
    return _ANY_DEPTH if "**" in components else len(components)
