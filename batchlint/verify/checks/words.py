"""How checks and verdicts say things: numbers, lists and exceptions in one voice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from batchlint.verify.outcomes import Failure

MAXIMUM_MESSAGE = 160


def listed(items: Iterable[object]) -> str:
    """Items as one says them.

    >>> listed([1, 5, 7])
    '1, 5 and 7'
    >>> listed([1])
    '1'
    """
    words = [str(item) for item in dict.fromkeys(items)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def rows(number: int | str) -> str:
    """So many rows.

    >>> rows(1), rows("1, 5 and 7")
    ('1 row', '1, 5 and 7 rows')
    """
    return f"{number} row" if str(number) == "1" else f"{number} rows"


def shape(sizes: Sequence[int]) -> str:
    """A shape as the engine writes it: ``[4, 10]``."""
    return f"[{', '.join(map(str, sizes))}]"


def said(failure: Failure) -> str:
    """The exception with its message, cut, and the user's line."""
    message = failure.message
    if len(message) > MAXIMUM_MESSAGE:
        message = f"{message[: MAXIMUM_MESSAGE - 3].rstrip()}..."
    place = f" at line {failure.frame.line}" if failure.frame is not None else ""
    return f"`{failure.kind}: {message}`{place}" if message else f"`{failure.kind}`{place}"


def number(value: float) -> str:
    """A measured number, three digits of it.

    >>> number(0.31415), number(2.5e-8), number(1234.5)
    ('0.314', '2.5e-08', '1.23e+03')
    """
    return f"{value:.3g}"
