"""``batchlint rule``: the documentation of a rule, or the list of all."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from batchlint.cli import CLEAN, UsageError
from batchlint.cli.terminal import wants_colour

if TYPE_CHECKING:
    import argparse

    from batchlint.rules.base import Rule

_CODE_SECTIONS = ("Example", "Instead")


class Options:
    """Which rule, and how to show it."""

    rule: str | None = None
    output_format: str = "text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the subcommand."""
    parser.add_argument("rule", nargs="?", metavar="RULE", help="a rule's code or name; without it, all are listed")
    parser.add_argument("--output-format", choices=("text", "json"), default="text", help="default: text")


def run(options: Options) -> int:
    """Print the page of one rule, or a line for each rule."""
    from batchlint.rules.registry import all_rules

    rules = all_rules()
    if options.rule is None:
        if options.output_format == "json":
            _write_json([_record(rule) for rule in rules])
        else:
            for rule in rules:
                sys.stdout.write(f"{rule.code}  {rule.severity.label:7}  {rule.name:28}  {rule.page().summary}\n")
        return CLEAN
    rule = _find(options.rule, rules)
    if options.output_format == "json":
        _write_json(_record(rule))
    elif wants_colour(sys.stdout):
        _write_rich(_markdown(rule))
    else:
        sys.stdout.write(_markdown(rule))
    return CLEAN


def _find(wanted: str, rules: tuple[Rule, ...]) -> Rule:
    for rule in rules:
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            return rule
    from batchlint.suggestions import did_you_mean

    known = [word for rule in rules for word in (rule.code, rule.name)]
    raise UsageError(f"unknown rule {wanted!r}{did_you_mean(wanted, known)} (`batchlint rule` lists all)")


def _record(rule: Rule) -> dict[str, Any]:
    page = rule.page()
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.label,
        "summary": page.summary,
        "observes": list(rule.observes),
        "proved_by": list(rule.proved_by),
        **{heading.lower().replace(" ", "_"): text for heading, text in page.sections.items()},
    }


def _markdown(rule: Rule) -> str:
    page = rule.page()
    parts = [f"# {rule.code} {rule.name}", f"*{rule.severity.label}*. {page.summary}"]
    for heading, text in page.sections.items():
        parts.append(f"## {heading}")
        parts.append(f"```python\n{text}\n```" if heading in _CODE_SECTIONS else text)
    return "\n\n".join(parts) + "\n"


def _write_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _write_rich(markdown: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    Console(file=sys.stdout, force_terminal=True).print(Markdown(markdown))
