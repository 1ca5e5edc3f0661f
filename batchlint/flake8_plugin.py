"""batchlint inside flake8: the findings of one file, from the tree and lines that flake8 has already.

flake8 imports this at every start, so nothing else is imported until a file may matter. Suppression by ``# noqa`` and
per-file ignores are flake8's own business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from batchlint import __version__
from batchlint.engine import check_source, may_matter
from batchlint.rules.selection import Selection

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Iterator, Sequence

    from flake8.options.manager import OptionManager

_SEVERITIES = ("info", "warning", "error")


class Plugin:
    """What flake8 makes for each file and runs."""

    name: ClassVar[str] = "batchlint"
    version: ClassVar[str] = __version__

    selection: ClassVar[Selection] = Selection()
    least_severity: ClassVar[int] = 0
    show_latent: ClassVar[bool] = False

    def __init__(self, tree: ast.Module, lines: Sequence[str], filename: str) -> None:
        self._tree = tree
        self._lines = lines
        self._filename = filename

    @classmethod
    def add_options(cls, manager: OptionManager) -> None:
        """Declare the options, which flake8 also reads from its configuration files."""
        for option, text in (
            ("select", "Rules that batchlint checks."),
            ("ignore", "Rules that batchlint leaves out."),
        ):
            manager.add_option(
                f"--batchlint-{option}",
                default="ALL" if option == "select" else "",
                metavar="RULES",
                parse_from_config=True,
                comma_separated_list=True,
                help=f"{text} Codes, beginnings of codes, names or ALL. (Default: %(default)s)",
            )
        manager.add_option(
            "--batchlint-severity",
            default=_SEVERITIES[0],
            choices=_SEVERITIES,
            parse_from_config=True,
            help="The least severity of findings that batchlint reports. (Default: %(default)s)",
        )
        manager.add_option(
            "--batchlint-latent",
            default=False,
            action="store_true",
            parse_from_config=True,
            help="Let batchlint report hazards, too, that something in the file prevents for now.",
        )

    @classmethod
    def parse_options(cls, options: argparse.Namespace) -> None:
        """Take over the options.

        Raises:
            flake8.exceptions.ExecutionError: a selector means no rule.
        """
        cls.selection = Selection(tuple(options.batchlint_select), tuple(options.batchlint_ignore))
        cls.least_severity = _SEVERITIES.index(options.batchlint_severity)
        cls.show_latent = options.batchlint_latent
        if cls.selection != Selection():
            from batchlint.rules.registry import all_rules
            from batchlint.rules.selection import SelectionError, select_rules

            try:
                select_rules(all_rules(), cls.selection)
            except SelectionError as error:
                from flake8.exceptions import ExecutionError

                raise ExecutionError(f"batchlint: {error}") from None

    def run(self) -> Iterator[tuple[int, int, str, type[Plugin]]]:
        """Yield line, 0-based column and text of each finding. What cannot be checked is silent: flake8 says E999."""
        text = "".join(self._lines)
        if not may_matter(text.encode("utf-8", "replace")):
            return
        from batchlint.rules.registry import all_rules
        from batchlint.rules.selection import select_rules
        from batchlint.source.decoding import Decoded
        from batchlint.source.source import Source

        source = Source(self._filename, Decoded(text, "utf-8", "\n", bom=False))
        rules = select_rules(all_rules(), self.selection)
        result = check_source(source, rules, show_latent=self.show_latent, honour_noqa=False, tree=self._tree)
        for finding in result.findings:
            if finding.severity >= self.least_severity:
                latent = " (latent)" if finding.latent else ""
                message = f"{finding.code} [{finding.name}] {finding.message}{latent}"
                yield finding.span.line, finding.span.column - 1, message, type(self)
