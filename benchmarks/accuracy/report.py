"""The tables that the benchmark prints."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable

from batchlint.rules.registry import all_rules
from benchmarks.accuracy.families import FAMILIES
from benchmarks.accuracy.scoring import Outcome

_COLUMNS = ("found", "latent", "missed", "silent", "false")
_HAZARDS = ("found", "latent", "missed")


def _is_counted(outcome: Outcome, codes: frozenset[str]) -> bool:
    """Whether today's rules answer for a label: one of them is there, and the file is not TensorFlow's."""
    return not outcome.tensorflow and bool(codes.intersection(outcome.label.rules) or outcome.label.family == "-")


def report(outcomes: Iterable[Outcome]) -> str:
    """Both tables, the labels that are counted and those left to later rules, and the figures."""
    codes = frozenset(rule.code for rule in all_rules())
    judged = [outcome for outcome in outcomes if outcome.result not in ("absent", "open")]
    hazards = [outcome for outcome in judged if outcome.result in _HAZARDS]
    counted = [outcome for outcome in hazards if _is_counted(outcome, codes)]
    later = [outcome for outcome in hazards if not _is_counted(outcome, codes)]
    one_file = [outcome for outcome in counted if outcome.label.decidable not in ("cross-file", "runtime")]
    undisputed = [outcome for outcome in judged if not outcome.label.disputed]
    lines = [
        "Hazards that today's rules answer for:",
        "",
        *_table(counted, lambda outcome: ", ".join(outcome.label.rules)),
        "",
        "What must stay silent (all families, all frameworks):",
        "",
        *_table([outcome for outcome in judged if outcome.result in ("silent", "false")], lambda outcome: ""),
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
        ("the same, without what other files or a run decide", one_file, ("found",), _HAZARDS),
        ("recall, all hazards, those left to later rules too", hazards, ("found",), _HAZARDS),
        ("silent where it must be", judged, ("silent",), ("silent", "false")),
        ("author's fix quiets the finding", judged, ("quieted",), ("quieted", "not quieted")),
    ]
    for name, among, good, every in figures:
        kept = [outcome for outcome in among if outcome in undisputed]
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
            lines.append(f"{outcome.result} {label.family} {where}{cell} {seen}: {label.why} {label.disputed and '[disputed]'}")
    return "\n".join(lines)


def _later(outcome: Outcome, codes: frozenset[str]) -> str:
    if not outcome.label.rules:
        return "no rule in the catalogue"
    rules = ", ".join(outcome.label.rules)
    return f"TensorFlow and Keras forms of {rules}" if codes.intersection(outcome.label.rules) else rules


def _table(outcomes: Iterable[Outcome], rule: Callable[[Outcome], str]) -> list[str]:
    """A row for each family; the columns without a count are left out."""
    rows: dict[tuple[str, str, str], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    total: collections.Counter[str] = collections.Counter()
    for outcome in outcomes:
        rows[outcome.label.set, outcome.label.family, rule(outcome)][outcome.result] += 1
        total[outcome.result] += 1
    columns = [column for column in _COLUMNS if total[column] or (column in ("missed", "false") and total)]
    columns = [c for c in columns if (c in _HAZARDS) == any(total[h] for h in _HAZARDS)]
    lines = [f"| set | family | rules | {' | '.join(columns)} |", f"| --- | --- | --- |{' ---: |' * len(columns)}"]
    for (name, family, codes), counts in sorted(rows.items()):
        title = FAMILIES[family].meaning if family == "-" else f"`{family}` {FAMILIES[family].meaning}"
        lines.append(f"| {name} | {title} | {codes} | {' | '.join(str(counts[c]) for c in columns)} |")
    lines.append(f"| **all** | | | {' | '.join(str(total[c]) for c in columns)} |")
    return lines


def _share(outcomes: Iterable[Outcome], good: tuple[str, ...], every: tuple[str, ...]) -> str:
    results = collections.Counter(outcome.result for outcome in outcomes)
    part, whole = (sum(results[name] for name in names) for names in (good, every))
    return f"{part}/{whole} = {part / whole:.3f}" if whole else "none"
