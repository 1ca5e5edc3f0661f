"""``[tool.batchlint]`` of the nearest ``pyproject.toml``.

On the way of every run, so nothing heavy is imported until a file mentions batchlint.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from batchlint.rules.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from batchlint.verify_config import VerifyConfig

SEVERITIES = ("info", "warning", "error")
"""From least to most; `batchlint.findings.Severity` has the same labels, but costs more to import."""

OUTPUT_FORMATS = ("text", "concise", "json", "github")


class ConfigError(ValueError):
    """A configuration that cannot be used: the message says what, in which file, and what would do."""


class Config(NamedTuple):
    """What the project wants.

    Attributes:
        root: folder that `exclude` and `per_file_ignores` are relative to.
        selection: which rules are on.
        exclude: gitignore-like patterns in place of the default ones, ``None`` to keep those.
        extend_exclude: patterns besides `exclude`.
        severity: the least severity that is reported.
        latent: whether hazards that something in the file prevents for now are reported.
        output_format: one of `OUTPUT_FORMATS`.
        jobs: number of processes, ``None`` for one a CPU.
        per_file_ignores: pairs of a gitignore-like pattern and the rule selectors ignored in what it matches.
        verify: what ``[tool.batchlint.verify]`` says, ``None`` without that table.
    """

    root: str
    selection: Selection = Selection()
    exclude: tuple[str, ...] | None = None
    extend_exclude: tuple[str, ...] = ()
    severity: str = "info"
    latent: bool = False
    output_format: str = "text"
    jobs: int | None = None
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    verify: VerifyConfig | None = None

    def ignored_in(self, path: str) -> tuple[str, ...]:
        """The rule selectors that `per_file_ignores` turns off in the file at *path*."""
        if not self.per_file_ignores:
            return ()
        location = os.path.abspath(path)
        return tuple(
            selector
            for pattern, selectors in self.per_file_ignores
            if _matches(pattern, self.root, location)
            for selector in selectors
        )


def _matches(pattern: str, root: str, location: str) -> bool:
    """Whether the gitignore-like *pattern* of the folder *root* means the file at *location* or a folder around it.

    Raises:
        ConfigError: the pattern is not valid.
    """
    from batchlint.source.ignoring import IgnoreRules

    try:
        rules = IgnoreRules.from_patterns((pattern,), root)
    except ValueError as error:
        raise ConfigError(f"per-file-ignores in [tool.batchlint]: {error}") from None
    if rules.ignores(location, False):
        return True
    folder = os.path.dirname(location)
    while len(folder) > len(root) and folder != os.path.dirname(folder):
        if rules.ignores(folder, True):
            return True
        folder = os.path.dirname(folder)
    return False


def _is_strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_table_of_strings(value: object) -> bool:
    return isinstance(value, dict) and all(_is_strings(item) for item in value.values())


def _is_jobs(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


class _Key(NamedTuple):
    accepts: Callable[[object], bool]
    expected: str


_STRINGS = _Key(_is_strings, "a list of strings")
_KEYS: dict[str, _Key] = {
    "select": _STRINGS,
    "extend-select": _STRINGS,
    "ignore": _STRINGS,
    "exclude": _STRINGS,
    "extend-exclude": _STRINGS,
    "severity": _Key(SEVERITIES.__contains__, f"one of {', '.join(SEVERITIES)}"),
    "latent": _Key(lambda value: isinstance(value, bool), "true or false"),
    "output-format": _Key(OUTPUT_FORMATS.__contains__, f"one of {', '.join(OUTPUT_FORMATS)}"),
    "jobs": _Key(_is_jobs, "a whole number of at least 1"),
    "per-file-ignores": _Key(_is_table_of_strings, "a table of file patterns to lists of strings"),
    "verify": _Key(lambda value: isinstance(value, dict), "a table"),
}


def config_from_table(table: Mapping[str, Any], root: str, origin: str) -> Config:
    """Return the configuration in *table*, the contents of ``[tool.batchlint]``.

    Raises:
        ConfigError: a key is unknown or a value has the wrong type; the message begins with *origin*.
    """
    for key, value in table.items():
        if key not in _KEYS:
            from batchlint.suggestions import did_you_mean

            raise ConfigError(f"{origin}: unknown key {key!r} in [tool.batchlint]{did_you_mean(key, _KEYS)}")
        if not _KEYS[key].accepts(value):
            raise ConfigError(f"{origin}: {key} in [tool.batchlint] must be {_KEYS[key].expected}, not {value!r}")
    strings = {key: tuple(value) for key, value in table.items() if _KEYS[key] is _STRINGS}
    defaults = Config(root)
    return Config(
        root,
        Selection(
            strings.get("select", defaults.selection.select),
            strings.get("ignore", ()),
            strings.get("extend-select", ()),
        ),
        strings.get("exclude"),
        strings.get("extend-exclude", ()),
        table.get("severity", defaults.severity),
        table.get("latent", defaults.latent),
        table.get("output-format", defaults.output_format),
        table.get("jobs"),
        tuple((pattern, tuple(selectors)) for pattern, selectors in table.get("per-file-ignores", {}).items()),
        _verify_config(table["verify"], origin) if "verify" in table else None,
    )


def _verify_config(table: Mapping[str, Any], origin: str) -> VerifyConfig:
    from batchlint.verify_config import verify_config_from_table

    try:
        return verify_config_from_table(table)
    except ValueError as error:
        raise ConfigError(f"{origin}: {error}") from None


def read_config(path: str) -> Config | None:
    """Return what the TOML file at *path* says in ``[tool.batchlint]``, ``None`` when it has no such table.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or says something that is not understood.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error.strerror}") from None
    if b"batchlint" not in data:
        return None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    tool = document.get("tool")
    table = tool.get("batchlint") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: tool.batchlint must be a table, not {table!r}")
    return config_from_table(table, os.path.dirname(os.path.abspath(path)), path)


def find_config(paths: Iterable[str]) -> Config:
    """Return the configuration for *paths*: of the nearest ``pyproject.toml`` with ``[tool.batchlint]``.

    "Nearest" counts from the folder that all *paths* have in common, upwards. Without any, all is default and relative
    to the working directory.

    Raises:
        ConfigError: see `read_config`.
    """
    here = os.getcwd()
    try:
        folder = os.path.commonpath([os.path.abspath(path) for path in paths] or [here])
    except ValueError:  # on different drives
        folder = here
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    while True:
        candidate = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(candidate):
            config = read_config(os.path.relpath(candidate) if candidate.startswith(here) else candidate)
            if config is not None:
                return config
        parent = os.path.dirname(folder)
        if parent == folder:
            return Config(here)
        folder = parent
