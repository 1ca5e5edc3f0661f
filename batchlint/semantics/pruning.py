"""Leaving out of the parse what no candidate needs: the cheapest parse is the one not made.

Definitions and assignments that neither hold a candidate, nor use a definition that does, nor are used by what is kept,
become blank lines. Every line and column stays where it is, so findings and fixes hold for the whole text.
"""

from __future__ import annotations

from batchlint.semantics.gate import Candidates
from batchlint.semantics.survey import Survey, Unit, used_by
from batchlint.source.decoding import split_lines

WORTH_PRUNING = 80
"""Lines that must go for the pruning to be worth its own cost."""


def without_unneeded(text: str, surveyed: Survey, found: Candidates) -> str:
    """*text* with blank lines in place of the units that no candidate in *found* needs."""
    units = surveyed.units
    roots = [unit for unit in units if id(unit) in found.units]
    wanted = {unit.owner if unit.owner is not None and _is_special(unit.name) else unit.name for unit in roots}
    wanted |= {unit.owner for unit in roots if unit.owner is not None}
    wanted.discard(None)
    # Whoever uses what holds candidates gives it its arguments; what runs on import is part of the program.
    users = [unit for unit in units if unit.runs or unit.uses & wanted]
    kept = used_by(units, [*roots, *users])
    unneeded = [unit for unit in units if id(unit) not in kept and _separable(unit, units)]
    if sum(unit.last_line - unit.first_line + 1 for unit in unneeded) < WORTH_PRUNING:
        return text
    return _blanked(text, unneeded, units, kept)


def _is_special(name: str | None) -> bool:
    return name is None or name.startswith("__")


def _separable(unit: Unit, units: list[Unit]) -> bool:
    """Whether *unit* can go by itself: it binds a name, or only says something."""
    return not unit.runs


def _blanked(text: str, unneeded: list[Unit], units: list[Unit], kept: set[int]) -> str:
    lines = split_lines(text)
    blank: set[int] = set()
    keep: set[int] = set()
    gone = {id(unit) for unit in unneeded}
    for unit in units:
        inside = range(unit.first_line, unit.last_line + 1)
        if unit.is_class:
            members = [u for u in units if u.owner == unit.name and unit.first_line <= u.first_line <= unit.last_line]
            if id(unit) in gone and not any(id(member) in kept for member in members):
                blank.update(inside)
            else:
                # A class's own lines stay, and one method at least, so that its body is never empty.
                inner = {line for member in members for line in range(member.first_line, member.last_line + 1)}
                keep.update(line for line in inside if line not in inner)
                if members and not any(id(member) in kept for member in members):
                    keep.update(range(members[0].first_line, members[0].last_line + 1))
        elif id(unit) in gone:
            blank.update(inside)
        else:
            keep.update(inside)
    blank -= keep
    return "\n".join("" if number in blank else line for number, line in enumerate(lines, start=1)) + "\n"


__all__ = ["without_unneeded"]
