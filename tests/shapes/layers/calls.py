"""Strategies for calls of the tables' layers and functions, such that torch may accept or refuse them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from shapes.layers.truth import Case, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

CASES: dict[str, SearchStrategy[Case]] = {}
"""Canonical name to its calls."""

small = st.integers(1, 4)
flags = st.booleans()


def cases(*names: str) -> Callable[[Callable[..., Case]], Callable[..., Case]]:
    """Enter a function that draws calls of each of *names*; its first parameter is ``draw``, its second the name."""

    def enter(function: Callable[..., Case]) -> Callable[..., Case]:
        for name in names:
            assert name not in CASES, name
            CASES[name] = st.composite(function)(name)
        return function

    return enter


def layers(*names: str) -> list[str]:
    return [f"torch.nn.{name}" for name in names]


def functions(*names: str) -> list[str]:
    return [f"torch.nn.functional.{name}" for name in names]


def sizes(draw: DrawFn, least: int = 0, most: int = 5) -> tuple[int, ...]:
    return tuple(draw(st.lists(small, min_size=least, max_size=most)))


def nearly(draw: DrawFn, number: int) -> int:
    """Mostly *number*, else one beside it: a call that torch should refuse."""
    return number if draw(st.integers(0, 7)) else number + draw(st.sampled_from((1, 2)))


def given(draw: DrawFn, strategies: dict[str, SearchStrategy[Any]]) -> dict[str, Any]:
    """Some of the settings; the others keep their defaults."""
    return {name: draw(strategy) for name, strategy in strategies.items() if draw(flags)}


def axes_of(name: str) -> int:
    return next(int(digit) for digit in name if digit in "123")


def one_or_each(strategy: SearchStrategy[int], axes: int) -> SearchStrategy[Any]:
    return strategy | st.tuples(*[strategy] * axes)


def image(draw: DrawFn, axes: int, channels: int | None = None, least: int = 1, most: int = 9) -> tuple[Tensor, bool]:
    """A tensor ``[B, C, ...]``, or ``[C, ...]`` (or of a wrong rank); and whether it is a batch."""
    batched = draw(st.integers(0, 3)) > 0
    front = sizes(draw, batched, batched) if draw(st.integers(0, 9)) else sizes(draw, 0, 3)
    spatial = tuple(draw(st.integers(least, most)) for _ in range(axes))
    return Tensor((*front, draw(small) if channels is None else channels, *spatial)), len(front) == 1
