"""From what users write (``BSZ``, ``BSZ2``, ``BSZ201``, ``fixed-batch-reshape``, ``ALL``) to rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batchlint.rules.base import Rule

_WHOLE_RULE = 1000
"""A specificity above that of any prefix."""


class Selection(NamedTuple):
    """Which rules users want, in their words: cheap to make, to pickle and to compare, resolved by `select_rules`."""

    select: tuple[str, ...] = ("ALL",)
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()


class SelectionError(ValueError):
    """A selector that matches no rule; the message names the nearest one that does."""


def _specificity(selector: str, rule: Rule) -> int:
    """How narrowly *selector* means *rule*: 0 when it does not, more for longer prefixes, most for code or name."""
    if selector == rule.name or selector.upper() == rule.code:
        return _WHOLE_RULE
    if selector.upper() == "ALL":
        return 1
    prefix = selector.upper()
    return 1 + len(prefix) if prefix.startswith("BSZ") and rule.code.startswith(prefix) else 0


def _narrowest(selectors: Iterable[str], rule: Rule) -> int:
    return max((_specificity(selector, rule) for selector in selectors), default=0)


def is_known(selector: str, rules: Iterable[Rule]) -> bool:
    """Whether *selector* means any of *rules*, or all there are."""
    return selector.upper() == "ALL" or any(_specificity(selector, rule) for rule in rules)


def require_known(selectors: Iterable[str], rules: Sequence[Rule]) -> None:
    """Check that each of *selectors* means at least one of *rules*.

    Raises:
        SelectionError: one does not.
    """
    for selector in selectors:
        if not is_known(selector, rules):
            from batchlint.suggestions import did_you_mean

            known = ["ALL", *(rule.code for rule in rules), *(rule.name for rule in rules)]
            nearest = did_you_mean(selector, known)
            raise SelectionError(f"unknown rule {selector!r}{nearest} (`batchlint rule` lists all)")


def select_rules(rules: Sequence[Rule], selection: Selection, ignored_here: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return those of *rules* that are selected, in their order.

    The narrowest selector that matches a rule decides (``--ignore BSZ2 --select BSZ201`` keeps BSZ201); of equally
    narrow ones, ignoring wins. What *ignored_here* (the file's own ignores) matches is out, however it was selected.

    Raises:
        SelectionError: a selector matches no rule.
    """
    wanted = (*selection.select, *selection.extend_select)
    require_known((*wanted, *selection.ignore, *ignored_here), rules)
    return tuple(
        rule
        for rule in rules
        if _narrowest(wanted, rule) > _narrowest(selection.ignore, rule) and not _narrowest(ignored_here, rule)
    )
