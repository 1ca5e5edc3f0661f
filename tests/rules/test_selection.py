from __future__ import annotations

import pytest

from batchlint.rules.selection import Selection, SelectionError, select_rules
from fake_rules import FAKE_RULES


def codes(selection: Selection, ignored_here: tuple[str, ...] = ()) -> list[str]:
    return [rule.code for rule in select_rules(FAKE_RULES, selection, ignored_here)]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(), ["BSZ201", "BSZ202", "BSZ301", "BSZ401"]),
        (Selection(select=("BSZ2",)), ["BSZ201", "BSZ202"]),
        (Selection(select=("BSZ",)), ["BSZ201", "BSZ202", "BSZ301", "BSZ401"]),
        (Selection(select=("bsz201",)), ["BSZ201"]),
        (Selection(select=("fixed-batch-reshape",)), ["BSZ201"]),
        (Selection(ignore=("BSZ2",)), ["BSZ301", "BSZ401"]),
        (Selection(select=("BSZ201",), ignore=("BSZ2",)), ["BSZ201"]),
        (Selection(select=("BSZ2",), ignore=("BSZ201",)), ["BSZ202"]),
        (Selection(select=("BSZ201",), ignore=("fixed-batch-reshape",)), []),
        (Selection(select=("BSZ201",), extend_select=("BSZ4",)), ["BSZ201", "BSZ401"]),
        (Selection(select=("ALL",), ignore=("ALL",), extend_select=("BSZ3",)), ["BSZ301"]),
        (Selection(select=()), []),
    ],
)
def test_the_narrowest_selector_decides(selection: Selection, expected: list[str]) -> None:
    assert codes(selection) == expected


def test_a_files_own_ignores_beat_any_selector() -> None:
    assert codes(Selection(select=("BSZ201", "BSZ301")), ignored_here=("BSZ2",)) == ["BSZ301"]


@pytest.mark.parametrize(
    ("selector", "nearest"),
    [("fixed-batch-reshap", "fixed-batch-reshape"), ("BSZ299", "BSZ2"), ("BZS201", "BSZ201"), ("al", "ALL")],
)
def test_an_unknown_selector_is_refused_with_the_nearest_known(selector: str, nearest: str) -> None:
    with pytest.raises(SelectionError, match=rf"unknown rule '{selector}': did you mean '{nearest}"):
        codes(Selection(ignore=(selector,)))


def test_an_unknown_selector_without_a_near_one_says_where_to_look() -> None:
    with pytest.raises(SelectionError, match=r"^unknown rule 'E501' \(`batchlint rule` lists all\)$"):
        codes(Selection(select=("E501",)))
