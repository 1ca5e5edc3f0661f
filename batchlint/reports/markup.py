"""Markup of the page: what comes from users' code is escaped text, everything else a `Markup`, never mixed up."""

from __future__ import annotations

import html
import re
from typing import NewType

from batchlint.reports.visible import visible

Markup = NewType("Markup", str)

ABSENT = "\N{EN DASH}"
"""Stands where there is nothing to say."""


def escaped(text: object) -> Markup:
    """*text* as text, without characters that cannot be seen."""
    return Markup(html.escape(visible(str(text))))


def element(tag: str, inner: str, **attributes: str | None) -> Markup:
    """An element; *inner* is markup, attributes are text. ``class_`` and ``aria_label`` mean what they say."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{tag}{written}>{inner}</{tag}>")


def code(text: str) -> Markup:
    """*text* set as code."""
    return element("code", escaped(text))


def heads(*names: str) -> Markup:
    """The head of a table."""
    cells = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    return Markup(f"<thead><tr>{cells}</tr></thead>")


def prose(text: str) -> Markup:
    """Text whose `code` is set as code."""
    pieces = escaped(text).split("`")
    if len(pieces) % 2 == 0:  # a backquote too many
        return Markup("`".join(pieces))
    return Markup("".join(f"<code>{piece}</code>" if index % 2 else piece for index, piece in enumerate(pieces)))


def breakable(place: str) -> Markup:
    """A path that may be broken after its separators."""
    return Markup(re.sub(r"([/\\_:])", r"\1<wbr>", escaped(place)))
