"""Which files to check: paths given by name, and folders walked for Python files and notebooks."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from batchlint.findings import Problem
from batchlint.source.ignoring import IgnoreRules
from batchlint.source.reading import describe

DEFAULT_EXCLUDES: tuple[str, ...] = (
    ".bzr",
    ".direnv",
    ".eggs",
    ".git",
    ".hg",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "__pypackages__",
    "_build",
    "build",
    "dist",
    "node_modules",
    "site-packages",
    "venv",
)
"""Folders that hold nothing a user wrote, wherever they lie."""

SUFFIXES = (".py", ".ipynb")

_GITIGNORE = ".gitignore"


def discover(
    paths: Sequence[str | os.PathLike[str]],
    *,
    exclude: Sequence[str] = DEFAULT_EXCLUDES,
    extend_exclude: Sequence[str] = (),
    respect_gitignore: bool = True,
    root: str | os.PathLike[str] | None = None,
) -> list[Path | Problem]:
    """Find the files to check, sorted, each once, whatever the order and number of *paths* that lead to it.

    A file given by name is always taken. Folders are walked without following links to folders; virtual environments
    are passed over.

    Args:
        paths: files and folders.
        exclude: patterns in the grammar of ``.gitignore`` for what is passed over below the folders; replaces the
            defaults.
        extend_exclude: more of them.
        respect_gitignore: pass over what git ignores by the ``.gitignore`` files up to the repository's root.
        root: folder to which patterns that hold a slash are relative; the current one by default.

    Raises:
        ValueError: a pattern is not valid.
    """
    excluded = IgnoreRules.from_patterns((*exclude, *extend_exclude), os.path.abspath(root or os.curdir))
    taken: dict[str, Path] = {}
    problems: dict[str, Problem] = {}
    for given in paths:
        for found in _expand(os.fspath(given), excluded, respect_gitignore):
            if isinstance(found, Problem):
                problems[found.filename] = found
                continue
            identity = os.path.realpath(found)
            known = taken.get(identity)
            if known is None or _preference(found) < _preference(known):
                taken[identity] = found
    everything: list[Path | Problem] = [*taken.values(), *problems.values()]
    return sorted(everything, key=_order)


def _preference(path: Path) -> tuple[bool, bool, str]:
    """Of several names of one file the plainest: no link, relative, first in the alphabet."""
    return path.is_symlink(), path.is_absolute(), str(path)


def _order(found: Path | Problem) -> tuple[str, ...]:
    return Path(found.filename).parts if isinstance(found, Problem) else found.parts


def _expand(given: str, excluded: IgnoreRules, respect_gitignore: bool) -> Iterator[Path | Problem]:
    try:
        is_folder = os.path.isdir(given)
        if not is_folder:
            os.stat(given)
    except OSError as error:
        yield Problem(given, describe(error))
    except ValueError:
        yield Problem(given.replace("\0", "\\0"), "a path cannot hold NUL characters")
    else:
        if is_folder:
            yield from _walk(given, excluded, respect_gitignore)
        else:
            yield Path(os.path.normpath(given))


class _Folder(NamedTuple):
    """A folder still to be read, and the rules of git that hold in it, outermost first."""

    path: str
    absolute: str
    rules: tuple[IgnoreRules, ...]


def _walk(given: str, excluded: IgnoreRules, respect_gitignore: bool) -> Iterator[Path | Problem]:
    absolute = os.path.realpath(given)
    rules = _rules_above(absolute) if respect_gitignore else ()
    pending = [_Folder(os.path.normpath(given), absolute, rules)]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder.path) as scan:
                entries = list(scan)
        except OSError as error:
            yield Problem(folder.path, describe(error))
            continue
        names = {entry.name for entry in entries}
        if "pyvenv.cfg" in names:
            continue
        rules = _rules_within(folder, names) if respect_gitignore else ()
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if not is_folder and not entry.name.endswith(SUFFIXES):
                continue
            location = os.path.join(folder.absolute, entry.name)
            if excluded.ignores(location, is_folder) or _git_ignores(rules, location, is_folder):
                continue
            path = os.path.normpath(os.path.join(folder.path, entry.name))
            if is_folder:
                pending.append(_Folder(path, location, rules))
            else:
                yield from _walked_file(path)


def _walked_file(path: str) -> Iterator[Path | Problem]:
    """A file met in a folder; a link that leads nowhere is an editor's lock or a missing download, and no error."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        reason = "a symbolic link that leads to itself" if error.errno == errno.ELOOP else describe(error)
        yield Problem(path, reason)
    else:
        if not os.path.isdir(path):
            yield Path(path)


def _git_ignores(rules: Sequence[IgnoreRules], location: str, is_folder: bool) -> bool:
    """The innermost file of rules that says anything decides."""
    for innermost in reversed(rules):
        decision = innermost.decide(location, is_folder)
        if decision is not None:
            return decision
    return False


def _rules_within(folder: _Folder, names: set[str]) -> tuple[IgnoreRules, ...]:
    # A repository inside another, a submodule say, follows its own rules alone.
    outer = () if ".git" in names else folder.rules
    own: tuple[IgnoreRules, ...] = ()
    if ".git" in names:
        own += _rules_from(os.path.join(folder.absolute, ".git", "info", "exclude"), folder.absolute)
    if _GITIGNORE in names:
        own += _rules_from(os.path.join(folder.absolute, _GITIGNORE), folder.absolute)
    return outer + own


def _rules_above(absolute: str) -> tuple[IgnoreRules, ...]:
    """The rules of the folders above *absolute* in its repository; none where there is no repository."""
    above: list[str] = []
    folder = absolute
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ()
        above.append(parent)
        folder = parent
    rules: tuple[IgnoreRules, ...] = ()
    for folder in reversed(above):
        names = {name for name in (".git", _GITIGNORE) if os.path.lexists(os.path.join(folder, name))}
        rules = _rules_within(_Folder(folder, folder, rules), names)
    return rules


def _rules_from(file: str, base: str) -> tuple[IgnoreRules, ...]:
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as lines:
            rules = IgnoreRules.from_lines(lines, base)
    except OSError:
        return ()
    return (rules,) if rules else ()
