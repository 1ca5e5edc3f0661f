"""Text of users' files without characters that would move the cursor, speak to a terminal or reorder what is read."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Control characters, marks of direction and the like, and halves of surrogate pairs."""


def visible(text: str, keep: str = "\t\n") -> str:
    """*text* with a replacement character for each that cannot be seen, but for those in *keep*."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(each) in _UNSEEN and each not in keep else each
        for each in text
    )
