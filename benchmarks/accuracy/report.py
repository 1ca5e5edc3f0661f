"""The tables that the benchmark prints."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable

from batchlint.rules.registry import all_rules
from benchmarks.accuracy.families import FAMILIES, TENSORFLOW_ONLY
from benchmarks.accuracy.scoring import Outcome

_HAZARDS = ("found", "latent", "missed")
_FRAMEWORKS = (("PyTorch and NumPy", False), ("TensorFlow and Keras", True))
"""What they are called, and whether a file is TensorFlow's."""


def _is_counted(outcome: Outcome, codes: frozenset[str]) -> bool:
    """Whether today's rules answer for a label in a file of its framework."""
    known = codes if outcome.tensorflow else codes - TENSORFLOW_ONLY
    return bool(known.intersection(outcome.label.rules) or outcome.label.family == "-")


def report(outcomes: Iterable[Outcome]) -> str:
    """Both tables, the labels that are counted and those left to later rules, and the figures."""
    codes = frozenset(rule.code for rule in all_rules())
    judged = [outcome for outcome in outcomes if outcome.result not in ("absent", "open")]
    hazards = [outcome for outcome in judged if outcome.result in _HAZARDS]
    counted = [outcome for outcome in hazards if _is_counted(outcome, codes)]
    later = [outcome for outcome in hazards if not _is_counted(outcome, codes)]
    one_file = [outcome for outcome in counted if outcome.label.decidable not in ("cross-file", "runtime")]
    own = [o._replace(result="missed") if o.result == "found" and not _by_own_rule(o) else o for o in counted]
    lines = []
    for framework, tensorflow in _FRAMEWORKS:
        lines += [f"Hazards that today's rules answer for, {framework}:", ""]
        part = [outcome for outcome in counted if outcome.tensorflow is tensorflow]
        lines += [*_table(part, lambda outcome: ", ".join(outcome.label.rules)), ""]
    lines += [
        "What must stay silent (all families, all frameworks):",
        "",
        *_table([outcome for outcome in judged if outcome.result in ("silent", "false")]),
        "",
        "Hazards left to later rules, not counted:",
        "",
        *_table(later, lambda outcome: _later(outcome, codes)),
        "",
        "| | all labels as they are | without the disputed |",
        "| --- | ---: | ---: |",
    ]
    figures: list[tuple[str, list[Outcome], tuple[str, ...], tuple[str, ...]]] = [
        ("recall, families of today's rules", counted, ("found",), _HAZARDS),
        *(
            (
                f"the same, {framework}",
                [each for each in counted if each.tensorflow is tensorflow],
                ("found",),
                _HAZARDS,
            )
            for framework, tensorflow in _FRAMEWORKS
        ),
        ("the same, without what other files or a run decide", one_file, ("found",), _HAZARDS),
        ("the same, found by a rule that the table names", own, ("found",), _HAZARDS),
        ("recall, all hazards, those left to later rules too", hazards, ("found",), _HAZARDS),
        ("silent where it must be", judged, ("silent",), ("silent", "false")),
        *(
            (
                f"the same, {framework}",
                [each for each in judged if each.tensorflow is tensorflow],
                ("silent",),
                ("silent", "false"),
            )
            for framework, tensorflow in _FRAMEWORKS
        ),
        ("author's fix quiets the finding", judged, ("quieted",), ("quieted", "not quieted")),
    ]
    for name, among, good, every in figures:
        kept = [outcome for outcome in among if not outcome.label.disputed]
        lines.append(f"| {name} | {_share(among, good, every)} | {_share(kept, good, every)} |")
    return "\n".join(lines)


def details(outcomes: Iterable[Outcome]) -> str:
    """A line for each counted miss, each false alarm and each fix that does not quiet its finding."""
    codes = frozenset(rule.code for rule in all_rules())
    lines = []
    for outcome in outcomes:
        label = outcome.label
        missed = outcome.result in ("missed", "latent") and _is_counted(outcome, codes)
        if missed or outcome.result in ("false", "not quieted"):
            seen = ", ".join(sorted({finding.code for finding in outcome.near}))
            where = f"{label.folder}/{label.path}:{','.join(map(str, label.lines))}"
            cell = "" if label.cell is None else f" (cell {label.cell})"
            lines.append(
                f"{outcome.result} {label.family} {where}{cell} {seen}: {label.why} {label.disputed and '[disputed]'}"
            )
    return "\n".join(lines)


def _by_own_rule(outcome: Outcome) -> bool:
    return any(finding.code in outcome.label.rules and not finding.latent for finding in outcome.near)


def _later(outcome: Outcome, codes: frozenset[str]) -> str:
    if not outcome.label.rules:
        return "none: counted at its consumer" if outcome.label.family == "L" else "no rule in the catalogue"
    rules = ", ".join(outcome.label.rules)
    return f"PyTorch forms of {rules}" if codes.intersection(outcome.label.rules) else rules


def _table(outcomes: Iterable[Outcome], rule: Callable[[Outcome], str] | None = None) -> list[str]:
    """A row for each family; the columns without a count are left out."""
    rows: dict[tuple[str, ...], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    total: collections.Counter[str] = collections.Counter()
    for outcome in outcomes:
        label = outcome.label
        title = FAMILIES[label.family].meaning
        key = (label.set, title if label.family == "-" else f"`{label.family}` {title}")
        rows[key if rule is None else (*key, rule(outcome))][outcome.result] += 1
        total[outcome.result] += 1
    kind = _HAZARDS if any(total[result] for result in _HAZARDS) else ("silent", "false")
    columns = [result for result in kind if total[result] or result in ("found", "missed", "silent", "false")]
    head = ["set", "family", *(() if rule is None else ("rules",))]
    lines = [_row([*head, *columns]), _row([*("---" for _ in head), *("---:" for _ in columns)])]
    lines += [_row([*key, *(counts[c] for c in columns)]) for key, counts in sorted(rows.items())]
    lines.append(_row(["**all**", *("" for _ in head[1:]), *(total[c] for c in columns)]))
    return lines


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _share(outcomes: Iterable[Outcome], good: tuple[str, ...], every: tuple[str, ...]) -> str:
    results = collections.Counter(outcome.result for outcome in outcomes)
    part, whole = (sum(results[name] for name in names) for names in (good, every))
    return f"{part}/{whole} = {part / whole:.3f}" if whole else "none"
